//! One value as the text of one cell.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::Value;
use unicode_width::UnicodeWidthChar;

/// A value as text. What is absent and what is `null` are empty; several texts are
/// joined by `; `. JSON keeps these apart, a cell cannot.
pub(super) fn text(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        None | Some(Value::Null) => Cow::Borrowed(""),
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| text(Some(item)))
            .collect::<Vec<_>>()
            .join("; ")
            .into(),
        Some(other) => Cow::Owned(other.to_string()),
    }
}

/// The text with everything made visible that a terminal would obey or hide: control
/// characters, line and paragraph separators, characters without width, and those that
/// turn the direction of writing.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            character if is_invisible(character) => {
                // Writing to a text cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
            }
            character => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text cut to so many cells of a terminal, an ellipsis showing that it was.
pub(super) fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    if unicode_width::UnicodeWidthStr::width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let mut taken = String::new();
    let mut width = 0;
    for character in text.chars() {
        width += character.width().unwrap_or(0);
        if width >= cells {
            break;
        }
        taken.push(character);
    }
    taken.push('…');
    Cow::Owned(taken)
}

/// The text as a spreadsheet must read it: as text.
///
/// Spreadsheets take a cell for a formula if it begins with one of `= + - @`, some also
/// in their full-width forms or after blanks; a tab or a line end at the beginning lets
/// what follows slip into a cell of its own. Such a text gets an apostrophe in front,
/// the spreadsheets' own mark for text. That holds for texts that look like numbers,
/// too (`-5`, `+49301234`): what a system calls text must not be calculated with.
/// Numbers of the JSON are not passed through here. Quotes in the CSV file are no help:
/// a spreadsheet removes them before it looks.
pub(super) fn defused(text: &str) -> Cow<'_, str> {
    let shown = text
        .trim_start_matches(|character: char| character.is_whitespace() || is_invisible(character));
    let is_formula = shown.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if is_formula || text.starts_with(['\t', '\r', '\n']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
