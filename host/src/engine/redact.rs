//! Text of a component made fit for people: no secret in it, and nothing that steers a
//! terminal or shows other than what it is.
//!
//! This is a guard against accidents. A component that holds a secret and wants to tell
//! it can write it backwards; that it holds none is for the sealed credentials to see to.

use std::fmt::Write;
use std::sync::Arc;

/// Secrets shorter than this are not searched for: replacing every "a" would destroy
/// the log without protecting anything.
const MIN_SECRET: usize = 8;

/// Values that must never be shown, in the spellings in which they get about.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    /// Longest first, so that what contains another one is replaced as a whole.
    spellings: Arc<[String]>,
}

impl Secrets {
    pub(super) fn new(values: &[String]) -> Self {
        let long_enough = values.iter().filter(|value| value.len() >= MIN_SECRET);
        let mut spellings: Vec<String> = long_enough.flat_map(|value| spellings(value)).collect();
        spellings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        spellings.dedup();
        Self {
            spellings: spellings.into(),
        }
    }

    /// The length of the longest spelling, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.spellings.first().map_or(0, String::len)
    }

    /// The text without secrets, and with what can't be seen made visible. It is made
    /// visible and not left out: leaving out would join what stood around it.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for spelling in self.spellings.iter() {
            if text.contains(spelling.as_str()) {
                text = text.replace(spelling.as_str(), "[secret]");
            }
        }
        visible(&text)
    }
}

fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            // Writing to a string does not fail.
            let _ = write!(shown, "{}", c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Characters that steer a terminal (C0, DEL, C1), turn the direction of text, or have no
/// width, so that text could look like another.
fn is_unseen(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// A value as it stands in text, in JSON, in a URL, in hexadecimal, and in base 64.
fn spellings(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let quoted = serde_json::Value::from(value).to_string();
    let in_json = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(&quoted)
        .to_owned();
    let hexadecimal = hex::encode(bytes);
    let in_url = percent_encoded(bytes);
    let mut all = vec![
        value.to_owned(),
        in_json.replace('/', "\\/"),
        in_json,
        hexadecimal.to_uppercase(),
        hexadecimal,
        lowercase_escapes(&in_url),
        in_url,
    ];
    for offset in 0..3 {
        let standard = base64_within(bytes, offset);
        all.push(standard.replace('+', "-").replace('/', "_"));
        all.push(standard);
    }
    all
}

fn percent_encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn lowercase_escapes(percent_encoded: &str) -> String {
    let mut rest_of_escape = 0;
    let lower = |c: char| {
        let is_digit = rest_of_escape > 0;
        rest_of_escape = if c == '%' {
            2
        } else {
            u8::saturating_sub(rest_of_escape, 1)
        };
        if is_digit { c.to_ascii_lowercase() } else { c }
    };
    percent_encoded.chars().map(lower).collect()
}

/// The part of base 64 that is the same whatever stands before and after the value, if it
/// begins so many bytes after a group of three.
fn base64_within(bytes: &[u8], offset: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = |index: usize| {
        let byte = bytes.get(index / 8).copied().unwrap_or_default();
        byte >> (7 - index % 8) & 1
    };
    // The first whole group of six bits begins where the bytes before end.
    let first = (6 - offset * 8 % 6) % 6;
    let mut text = String::new();
    let mut at = first;
    while at + 6 <= bytes.len() * 8 {
        let digit = (at..at + 6).fold(0_u8, |digit, index| digit << 1 | bits(index));
        let letter = ALPHABET.get(usize::from(digit)).copied();
        text.push(char::from(letter.unwrap_or_default()));
        at += 6;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a plus, a slash and a quotation mark, as no key of AWS has but a password may.
    const SECRET: &str = "wJalr/XUtn+FEMI \"K7\"";

    fn clean(text: &str) -> String {
        Secrets::new(&[SECRET.to_owned(), "abc".to_owned()]).clean(text)
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        for (spelling, text) in [
            ("text", SECRET.to_owned()),
            ("JSON", r#"wJalr/XUtn+FEMI \"K7\""#.to_owned()),
            ("JSON of others", r#"wJalr\/XUtn+FEMI \"K7\""#.to_owned()),
            ("hexadecimal", hex::encode(SECRET)),
            ("large hexadecimal", hex::encode_upper(SECRET)),
            ("a URL", "wJalr%2FXUtn%2BFEMI%20%22K7%22".to_owned()),
            ("a small URL", "wJalr%2fXUtn%2bFEMI%20%22K7%22".to_owned()),
        ] {
            assert_eq!(
                clean(&format!("<{text}>")),
                "<[secret]>",
                "as {spelling}: {text}"
            );
        }
    }

    #[test]
    fn a_secret_is_found_in_base_64_wherever_it_begins() {
        // By `printf 'x:%s;' … | base64`, with one to three bytes before it.
        for (before, text) in [
            ("", "d0phbHIvWFV0bitGRU1JICJLNyI7"),
            ("x", "eHdKYWxyL1hVdG4rRkVNSSAiSzciOw=="),
            ("x:", "eDp3SmFsci9YVXRuK0ZFTUkgIks3Ijs="),
            ("xx:", "eHg6d0phbHIvWFV0bitGRU1JICJLNyI7"),
        ] {
            for text in [text.to_owned(), text.replace('+', "-").replace('/', "_")] {
                let shown = clean(&text);
                assert!(shown.contains("[secret]"), "{before:?}: {shown}");
                assert!(shown.len() < 20, "{before:?}: {shown}");
            }
        }
    }

    #[test]
    fn what_is_too_short_to_be_a_secret_is_left() {
        assert_eq!(clean("abc"), "abc");
        assert_eq!(Secrets::new(&["abc".to_owned()]).longest(), 0);
    }

    #[test]
    fn what_steers_or_misleads_is_made_visible_and_joins_nothing() {
        for (text, shown) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{9b}2J\u{7f}\r\n", "\\u{9b}2J\\u{7f}\\u{d}\\u{a}"),
            ("a\tb", "a\tb"),
            ("\u{202e}txt.exe\u{2066}", "\\u{202e}txt.exe\\u{2066}"),
            ("ad\u{200b}min\u{feff}", "ad\\u{200b}min\\u{feff}"),
            ("\u{e0041}\u{2028}", "\\u{e0041}\\u{2028}"),
            ("Zoë 漢字 🙂", "Zoë 漢字 🙂"),
        ] {
            assert_eq!(clean(text), shown);
        }
        let split = SECRET.replacen('l', "l\u{0}", 1);
        assert!(!clean(&split).contains(SECRET));
    }
}
