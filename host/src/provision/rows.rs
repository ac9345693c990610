//! Batch files: many changes of one sort, one a row, as CSV or JSON lines.
//!
//! A file is written by hand, by a spreadsheet or by `list`, and every row of it changes
//! somebody's access. So nothing is guessed: a header with a column that means nothing, a
//! separator or a quote that leaves open where a cell ends, and a file that is no text
//! are errors of the file, before anything is sent. A row that is wrong is an error of
//! that row and says so; the others stay.
//!
//! No error shows what a cell holds, because it may be somebody's address. A column is
//! named by its number where the first line may be values instead of names.

mod cells;
mod members;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use self::cells::Records;
pub use self::members::RowError;
use crate::change::Change;
use crate::trust::description::{ActionSchema, Field};

/// The largest file, in bytes. It is held in memory, and a hundred thousand accounts
/// with twenty attributes each fit into half of it.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// The most rows. At the fifty a second that services grant this is half a day; it bounds
/// the memory of a file in which every row is two characters.
const MAX_ROWS: usize = 1_000_000;

/// What the rows of a file are.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// Entitlements and principals.
    Grant,
    /// Entitlements and principals.
    Revoke,
    /// Fields and attributes of new accounts.
    CreateAccount {
        /// The kind of account.
        kind: &'a str,
        /// Its fields.
        schema: &'a [Field],
    },
    /// Accounts.
    DeleteAccount,
    /// Arguments of an action.
    Invoke {
        /// Its schema.
        action: &'a ActionSchema,
    },
}

/// One row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Counted from 1 without the header and without blank lines.
    pub number: u64,
    /// What it asks for, or why that cannot be told.
    pub change: Result<Change, RowError>,
}

/// Why a file is not read at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refuses to read it.
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// More than is kept in memory.
    #[error("it is larger than {} MiB; divide it into several files", MAX_FILE / 1024 / 1024)]
    TooLarge,
    /// More rows than one run takes.
    #[error("it has more than {MAX_ROWS} rows; divide it into several files")]
    TooManyRows,
    /// UTF-16, as some spreadsheets save it.
    #[error("it is UTF-16 text; save it as UTF-8 (spreadsheets: `CSV UTF-8`)")]
    Utf16,
    /// Another encoding, or no text.
    #[error("line {line} is not UTF-8 text; save the file as UTF-8 (spreadsheets: `CSV UTF-8`)")]
    NotText {
        /// Counted from 1.
        line: usize,
    },
    /// Nothing in it.
    #[error("it is empty; the first line names the columns, or each line is a JSON object")]
    Empty,
    /// Nothing below the header.
    #[error("it has a header and no rows")]
    NoRows,
    /// JSON, but not by lines.
    #[error(
        "it is JSON, but not one object a line; write it so (`-o jsonl` does, `jq -c '.[]'` turns \
         an array into it)"
    )]
    NotJsonLines,
    /// Cells end with something else than a comma.
    #[error("its columns are separated by {0}; write commas")]
    Separator(&'static str),
    /// A quote that leaves open where a cell ends.
    #[error(
        "line {line}: {problem}, so it is open where the row ends; put the whole cell into quotes \
         and write each quote in it twice"
    )]
    Quote {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// A column without a name, or with blanks around it.
    #[error("column {number} of the header {problem}")]
    ColumnName {
        /// Counted from 1.
        number: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// Two columns for the same thing.
    #[error("columns {first} and {second} of the header have the same name; leave one of them out")]
    DoubledColumn {
        /// Counted from 1.
        first: usize,
        /// Counted from 1.
        second: usize,
    },
    /// A column that means nothing here.
    #[error(
        "column {number} of the header is not one of {expected}; leave it out or correct its name"
    )]
    UnknownColumn {
        /// Counted from 1.
        number: usize,
        /// What is understood.
        expected: String,
    },
    /// Something besides the account in a CSV of accounts.
    #[error(
        "column {number} of the header is not `account`, which is the only one here; the CSV of \
         `list` is not taken, because an id that looks like a formula is changed in it: use \
         `list … -o jsonl`"
    )]
    OnlyAccount {
        /// Counted from 1.
        number: usize,
    },
    /// A column that has to be there.
    #[error("the header lacks the column `{name}`; the first line names the columns: {expected}")]
    MissingColumn {
        /// Its name.
        name: String,
        /// What is understood.
        expected: String,
    },
    /// A header that names no field, probably a row of values.
    #[error(
        "no column of the header is a field of the account; the first line names the columns: \
         {expected}, and attributes under the system's own names"
    )]
    NoField {
        /// The fields.
        expected: String,
    },
}

/// Reads a batch file.
///
/// # Errors
///
/// [`FileError`] if the file as a whole cannot be trusted to mean what it says.
pub fn read(source: impl Read, wanted: &Wanted<'_>) -> Result<Vec<Row>, FileError> {
    let text = text(source)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let rows = match text.trim_start().chars().next() {
        None => return Err(FileError::Empty),
        Some('[') => return Err(FileError::NotJsonLines),
        Some('{') => from_json_lines(text, wanted)?,
        Some(_) => from_csv(text, wanted)?,
    };
    if rows.is_empty() {
        return Err(FileError::NoRows);
    }
    Ok(rows)
}

fn text(source: impl Read) -> Result<String, FileError> {
    let mut bytes = Vec::new();
    let read = source
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(FileError::Unreadable)?;
    if u64::try_from(read).is_ok_and(|read| read > MAX_FILE) {
        return Err(FileError::TooLarge);
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(FileError::Utf16);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let end = error.utf8_error().valid_up_to();
        not_text(error.as_bytes(), end)
    })?;
    // UTF-16 without a mark, and most files that are no text, have a zero byte early,
    // which is valid UTF-8.
    match text.find('\0') {
        Some(end) => Err(not_text(text.as_bytes(), end)),
        None => Ok(text),
    }
}

fn not_text(bytes: &[u8], end: usize) -> FileError {
    let lines = bytes.iter().take(end).filter(|&&byte| byte == b'\n');
    FileError::NotText {
        line: 1 + lines.count(),
    }
}

fn from_json_lines(text: &str, wanted: &Wanted<'_>) -> Result<Vec<Row>, FileError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines.clone().next() == Some("{") {
        return Err(FileError::NotJsonLines);
    }
    numbered(lines.map(|line| {
        Ok(members::of_json(line).and_then(|members| members::change(members, wanted)))
    }))
}

fn from_csv(text: &str, wanted: &Wanted<'_>) -> Result<Vec<Row>, FileError> {
    let mut records = Records::of(text);
    let header = records.next().transpose()?.unwrap_or_default();
    check_header(&header, wanted)?;
    numbered(records.map(|record| {
        let cells = record?;
        Ok(members::of_cells(&header, cells).and_then(|members| members::change(members, wanted)))
    }))
}

fn numbered(
    changes: impl Iterator<Item = Result<Result<Change, RowError>, FileError>>,
) -> Result<Vec<Row>, FileError> {
    let mut rows = Vec::new();
    for (number, change) in (1..).zip(changes) {
        if rows.len() == MAX_ROWS {
            return Err(FileError::TooManyRows);
        }
        rows.push(Row {
            number,
            change: change?,
        });
    }
    Ok(rows)
}

fn check_header(header: &[String], wanted: &Wanted<'_>) -> Result<(), FileError> {
    if let [only] = header {
        for (separator, name) in [(';', "semicolons"), ('\t', "tabs")] {
            if only.contains(separator) {
                return Err(FileError::Separator(name));
            }
        }
    }
    for (number, name) in (1..).zip(header) {
        let problem = match name.trim() {
            "" => "has no name; name it or leave it out",
            trimmed if trimmed != name => "has blanks around its name; leave them out",
            _ => continue,
        };
        return Err(FileError::ColumnName { number, problem });
    }
    let expected = || members::names(wanted).join(", ");
    for (number, name) in (1..).zip(header) {
        match wanted {
            Wanted::DeleteAccount if name != "account" => {
                return Err(FileError::OnlyAccount { number });
            }
            _ if !members::understands(wanted, name) => {
                return Err(FileError::UnknownColumn {
                    number,
                    expected: expected(),
                });
            }
            _ => {}
        }
    }
    let given = |name: &&str| header.iter().any(|column| column == name);
    if let Wanted::CreateAccount { .. } = wanted
        && !members::names(wanted).iter().any(given)
    {
        return Err(FileError::NoField {
            expected: expected(),
        });
    }
    if let Some(name) = members::required(wanted)
        .into_iter()
        .find(|name| !given(name))
    {
        return Err(FileError::MissingColumn {
            name: name.to_owned(),
            expected: expected(),
        });
    }
    let mut seen = std::collections::HashMap::new();
    for (second, name) in (1..).zip(header) {
        if let Some(first) = seen.insert(name, second) {
            return Err(FileError::DoubledColumn { first, second });
        }
    }
    Ok(())
}
