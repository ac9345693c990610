//! Foreign texts: codes in the spellings of the front ends, the few XML documents of AWS,
//! and quotations that are fit to be shown.
//!
//! Quoted messages of the service are cut, freed of control characters, and end at the
//! first line break: what follows there in a signature error is the canonical request
//! with the session token in it.

/// The longest quotation of a foreign message, in characters.
const MAX_QUOTE: usize = 300;

/// A value of fewer bytes is part of too many words.
const MIN_HIDDEN: usize = 4;

/// The code without its namespace and without the address that some front ends add.
pub(super) fn bare_code(code: &str) -> &str {
    let code = code.split_once(':').map_or(code, |(code, _)| code);
    let code = code.rsplit_once('#').map_or(code, |(_, code)| code);
    code.trim()
}

/// The text of the first element of this name. Enough for the three fixed shapes of
/// AWS error documents; entities stay as they are.
pub(super) fn xml_text(text: &str, element: &str) -> Option<String> {
    if !text.trim_start().starts_with('<') {
        return None;
    }
    let (_, rest) = text.split_once(&format!("<{element}>"))?;
    let (content, _) = rest.split_once(&format!("</{element}>"))?;
    Some(content.trim().to_owned())
}

/// The name of the document's element, where it is an error's, as in
/// `<UnknownOperationException/>`.
pub(super) fn xml_exception(text: &str) -> Option<String> {
    let text = text.trim_start();
    let declared = text.strip_prefix("<?xml");
    let root = match declared {
        Some(rest) => rest.split_once("?>")?.1.trim_start(),
        None => text,
    };
    let name = root
        .strip_prefix('<')?
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()?;
    name.ends_with("Exception").then(|| name.to_owned())
}

/// A foreign text, fit to be shown: one line, no control characters, not too long.
pub(super) fn shown(text: &str) -> String {
    let line = text
        .trim_start()
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end();
    let mut shown: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_QUOTE)
        .collect();
    if line.chars().nth(MAX_QUOTE).is_some() {
        shown.push('…');
    }
    shown
}

/// A foreign text without values that must not be shown. A short one is only taken out
/// where it stands in quotes: elsewhere it would tear words apart.
pub(super) fn without(text: &str, values: &[&str]) -> String {
    // A handful, for which no sorting algorithm needs to be carried along.
    let mut longest_first: Vec<&str> = Vec::with_capacity(values.len());
    for value in values {
        let shorter = longest_first
            .iter()
            .position(|other| other.len() < value.len());
        longest_first.insert(shorter.unwrap_or(longest_first.len()), value);
    }
    let mut text = text.to_owned();
    for value in longest_first {
        if value.len() >= MIN_HIDDEN {
            text = text.replace(value, "[value]");
        } else {
            for quote in ['\'', '"'] {
                text = text.replace(&format!("{quote}{value}{quote}"), "[value]");
            }
        }
    }
    text
}
