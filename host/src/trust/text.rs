//! Text that a component chose, on its way to a person who decides about it: nothing in it
//! may steer a terminal, hide what follows, or push the rest off the screen.

use std::ops::RangeInclusive;

/// Longer than any honest name or address, and three lines of a terminal at most.
const LONGEST: usize = 240;

/// What Rust prints as it is and nobody sees: code points that Unicode 16 has as
/// `Default_Ignorable_Code_Point`, and letters whose picture is blank.
const BLANK: [RangeInclusive<char>; 15] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{e0000}'..='\u{e0fff}',
];

/// A text that somebody else chose: bounded, with everything made visible that a terminal
/// obeys or hides.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(LONGEST) {
        if is_blank(c) {
            out.extend(c.escape_unicode());
        } else if is_hidden(c) {
            out.extend(c.escape_debug());
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

/// Whether a text shows as what it is: no control character, no line break, nothing
/// without width and nothing that turns the direction of writing.
pub(super) fn is_plain(text: &str) -> bool {
    !text.chars().any(is_hidden)
}

/// What Rust escapes when it prints a text for debugging, without quotes and backslashes:
/// what Unicode calls not printable. A mark that combines with the letter before it is
/// ordinary text.
fn is_hidden(c: char) -> bool {
    if matches!(c, '\'' | '"' | '\\') {
        return false;
    }
    if is_blank(c) {
        return true;
    }
    "a".chars()
        .chain([c])
        .collect::<String>()
        .escape_debug()
        .count()
        > 2
}

fn is_blank(c: char) -> bool {
    BLANK.iter().any(|range| range.contains(&c))
}

/// Lower-case words joined by hyphens, beginning with a letter.
pub(super) fn is_hyphenated(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_made_visible() {
        assert_eq!(shown("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(shown("user\u{202e}nimda"), "user\\u{202e}nimda");
        assert_eq!(shown(r#"don't "\d+""#), r#"don't "\d+""#);
        assert_eq!(shown("a\u{3164}b\u{fe0f}"), "a\\u{3164}b\\u{fe0f}");
        let long = shown(&"x".repeat(10_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn plain_text_is_told_from_text_that_hides_something() {
        for text in [
            "",
            "Amazon Cognito's pools",
            "Zürich, 東京",
            "cafe\u{301}",
            r"\d+",
        ] {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            "a\nb",
            "a\u{1b}[1m",
            "a\u{202e}b",
            "a\u{200b}b",
            "\u{0}",
            "Filter\u{fe0f}",
            "none\u{2800}\u{2800}",
            "\u{3164}",
            "\u{115f}",
            "\u{ffa0}",
            "\u{34f}",
            "\u{e0041}",
        ] {
            assert!(!is_plain(text), "{}", text.escape_debug());
        }
    }

    #[test]
    fn a_hyphenated_name_has_one_spelling() {
        for text in ["tenant", "user-pool-id", "a1"] {
            assert!(is_hyphenated(text), "{text}");
        }
        for text in ["", "-a", "a-", "a--b", "A", "1a", "a_b", "ä", "a b", "a.b"] {
            assert!(!is_hyphenated(text), "{text}");
        }
    }
}
