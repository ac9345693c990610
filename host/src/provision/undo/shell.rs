//! Texts of strangers for a POSIX shell, and for the terminal that they are pasted into.
//!
//! Inside single quotes a shell takes everything as it is, but a terminal does not: it
//! obeys control characters, and what turns the direction of writing shows people another
//! command than the one that runs. So these are spelled out with printf(1).

use std::fmt::Write;

/// A command that runs `connector` with these arguments.
pub(super) fn line(arguments: &[String]) -> String {
    let mut line = "connector".to_owned();
    for argument in arguments {
        line.push(' ');
        line.push_str(&quoted(argument));
    }
    line
}

/// A comment of one line. An interactive zsh takes no comments, so what strangers wrote
/// in it has to be [`quoted`] as well.
pub(super) fn comment(note: &str) -> String {
    format!("# {}", visible(note))
}

/// One word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |character: char| {
        character.is_ascii_alphanumeric()
            || matches!(
                character,
                '-' | '_' | '.' | '/' | ':' | '@' | '=' | '+' | ','
            )
    };
    // A word that begins with `=` is replaced by zsh.
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let mut word = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_hidden).unwrap_or(rest.len());
        let (shown, after) = rest.split_at(end);
        if !shown.is_empty() {
            word.push('\'');
            word.push_str(&shown.replace('\'', r"'\''"));
            word.push('\'');
        }
        let end = after
            .find(|character| !is_hidden(character))
            .unwrap_or(after.len());
        let (hidden, after) = after.split_at(end);
        if !hidden.is_empty() {
            word.push_str("\"$(printf '");
            for byte in hidden.bytes() {
                // Writing to a text cannot fail.
                let _ = write!(word, "\\{byte:03o}");
            }
            word.push_str("')\"");
        }
        rest = after;
    }
    if word.is_empty() {
        word.push_str("''");
    }
    word
}

/// The text with everything spelled out that a terminal obeys or hides, line breaks too.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '\n' || is_hidden(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A line break is none: the shell's quotes keep it, and a command substitution would
/// lose it at its end.
fn is_hidden(character: char) -> bool {
    character != '\n'
        && (character.is_control()
            || matches!(character,
                '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'))
}
