//! Rendering what commands print: rows and single objects, as a table, JSON, JSON lines
//! or CSV.
//!
//! Everything here may come from a system that somebody else controls, and goes to a
//! terminal or a spreadsheet. So control characters never reach a terminal, and no cell
//! of a CSV file is a formula. JSON is what was stored, byte for byte.
//!
//! Rows are handed on one at a time; a format that must know all of them first (the
//! widths of a table, the attributes in a CSV header) reads them twice. Nothing is
//! printed here: the caller owns the output.

mod cell;
mod columns;
mod csv;
mod object;
mod stream;
mod table;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use serde::Serialize;

pub use columns::{Column, Columns};
pub use object::object;
pub use stream::{Stream, StreamColumn};

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// One JSON text.
    Json,
    /// One JSON text a line.
    Jsonl,
    /// Comma-separated values.
    Csv,
}

/// Why rendering ended early. `E` is what the source of the rows reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError<E> {
    /// Whoever read the output has stopped reading, as `head` does: a normal end.
    #[error("the output was closed")]
    Closed,
    /// The output failed.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
    /// A row is not what its producer promises: a fault of the host.
    #[error("a row is not a JSON object: {0}")]
    Malformed(serde_json::Error),
    /// The source of the rows failed.
    #[error(transparent)]
    Source(E),
}

impl<E> From<E> for RenderError<E> {
    fn from(error: E) -> Self {
        Self::Source(error)
    }
}

impl<E> RenderError<E> {
    /// A failure of the output, told from its end.
    pub(crate) fn output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Output(error),
        }
    }
}

/// Takes the JSON text of each row.
pub type Visit<'a, E> = &'a mut dyn FnMut(&str) -> Result<(), RenderError<E>>;

/// Hands each row to its argument, the same rows at every call.
type Source<'a, E> = &'a mut dyn FnMut(Visit<'_, E>) -> Result<(), RenderError<E>>;

/// Writes rows. `source` hands each row's JSON object to its argument, and does the same
/// again when it is called again. Flushes the output.
pub fn rows<E>(
    out: &mut dyn Write,
    format: Format,
    columns: &Columns,
    mut source: impl FnMut(Visit<'_, E>) -> Result<(), RenderError<E>>,
) -> Result<(), RenderError<E>> {
    match format {
        Format::Table => table::rows(out, columns, &mut source)?,
        Format::Csv => csv::rows(out, columns, &mut source)?,
        Format::Jsonl => {
            source(&mut |row| writeln!(out, "{row}").map_err(RenderError::output))?;
        }
        Format::Json => {
            // One element a line: as easy to compare and to cut as JSON lines.
            let mut before = "[\n";
            source(&mut |row| {
                write!(out, "{before}{row}").map_err(RenderError::output)?;
                before = ",\n";
                Ok(())
            })?;
            let end = if before == "[\n" { "[]\n" } else { "\n]\n" };
            out.write_all(end.as_bytes()).map_err(RenderError::output)?;
        }
    }
    out.flush().map_err(RenderError::output)
}

/// Writes the members of a list that is in memory as rows.
pub fn list<T: Serialize>(
    out: &mut dyn Write,
    format: Format,
    columns: &Columns,
    items: &[T],
) -> Result<(), RenderError<std::convert::Infallible>> {
    rows(out, format, columns, |visit| {
        items.iter().try_for_each(|item| {
            visit(&serde_json::to_string(item).map_err(RenderError::Malformed)?)
        })
    })
}
