//! Rows that are printed as they come, for work that takes long: nobody waits for the last
//! row to see the first, and what was printed stays when the work is cut short.
//!
//! A table can't know its widths before, so it begins with the given ones and lets longer
//! cells push the rest of their line.

use std::io::{self, Write};

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::Format;
use super::cell::{defused, text, visible};

/// A column of a table that is printed as it comes.
#[derive(Clone, Copy, Debug)]
pub struct StreamColumn {
    /// The member of the row.
    pub name: &'static str,
    /// The width that most of its cells do not exceed, in cells of a terminal.
    pub width: usize,
}

/// Prints rows as they come.
pub struct Stream<W> {
    out: W,
    format: Format,
    columns: &'static [StreamColumn],
    begun: bool,
}

impl<W: Write> Stream<W> {
    /// Prints to `out`; nothing before the first row or the end.
    pub fn new(out: W, format: Format, columns: &'static [StreamColumn]) -> Self {
        Self {
            out,
            format,
            columns,
            begun: false,
        }
    }

    fn header(&mut self) -> io::Result<()> {
        self.begun = true;
        match self.format {
            Format::Table => {
                let names = self.columns.iter().map(|column| column.name.to_uppercase());
                let names = names.collect::<Vec<_>>();
                self.line(&names)
            }
            Format::Csv => {
                let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
                self.record(&names)
            }
            Format::Json => self.out.write_all(b"[\n"),
            Format::Jsonl => Ok(()),
        }
    }

    /// Prints one row at once.
    ///
    /// # Errors
    ///
    /// Fails if the output does.
    pub fn row(&mut self, row: &Value) -> io::Result<()> {
        let first = !self.begun;
        if first {
            self.header()?;
        }
        match self.format {
            Format::Jsonl => writeln!(self.out, "{row}")?,
            Format::Json => {
                let separator = if first { "" } else { ",\n" };
                write!(self.out, "{separator}{row}")?;
            }
            Format::Table => {
                let cells = self
                    .columns
                    .iter()
                    .map(|column| visible(&text(row.get(column.name))).into_owned());
                let cells = cells.collect::<Vec<_>>();
                self.line(&cells)?;
            }
            Format::Csv => {
                let cells = self.columns.iter().map(|column| {
                    let value = row.get(column.name);
                    match value {
                        Some(Value::Number(_)) => text(value).into_owned(),
                        _ => defused(&text(value)).into_owned(),
                    }
                });
                let cells = cells.collect::<Vec<_>>();
                self.record(&cells)?;
            }
        }
        self.out.flush()
    }

    /// Ends the output.
    ///
    /// # Errors
    ///
    /// Fails if the output does.
    pub fn end(mut self) -> io::Result<()> {
        match (self.format, self.begun) {
            (Format::Json, true) => self.out.write_all(b"\n]\n")?,
            (Format::Json, false) => self.out.write_all(b"[]\n")?,
            (_, false) => self.header()?,
            (_, true) => {}
        }
        self.out.flush()
    }

    fn line(&mut self, cells: &[String]) -> io::Result<()> {
        let mut line = String::new();
        for (cell, column) in cells.iter().zip(self.columns) {
            line.push_str(cell);
            let padding = column.width.saturating_sub(cell.width()) + 2;
            line.extend(std::iter::repeat_n(' ', padding));
        }
        writeln!(self.out, "{}", line.trim_end_matches(' '))
    }

    fn record<T: AsRef<[u8]>>(&mut self, cells: &[T]) -> io::Result<()> {
        let mut writer = csv::WriterBuilder::new().from_writer(&mut self.out);
        writer.write_record(cells).map_err(io::Error::from)?;
        writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COLUMNS: &[StreamColumn] = &[
        StreamColumn {
            name: "row",
            width: 4,
        },
        StreamColumn {
            name: "about",
            width: 6,
        },
        StreamColumn {
            name: "error",
            width: 0,
        },
    ];

    fn printed(format: Format, rows: &[Value]) -> String {
        let mut out = Vec::new();
        let mut stream = Stream::new(&mut out, format, COLUMNS);
        for row in rows {
            stream.row(row).unwrap();
        }
        stream.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_format_is_whole_with_and_without_rows() {
        let rows = [
            json!({"row": 1, "about": "=a", "error": null}),
            json!({"row": 2, "about": "longer, than", "error": "it\u{1b}[2J"}),
        ];
        assert_eq!(
            printed(Format::Table, &rows),
            "ROW   ABOUT   ERROR\n1     =a\n2     longer, than  it\\u{1b}[2J\n"
        );
        assert_eq!(
            printed(Format::Csv, &rows),
            "row,about,error\n1,'=a,\n2,\"longer, than\",it\u{1b}[2J\n"
        );
        assert_eq!(
            printed(Format::Json, &rows),
            format!("[\n{},\n{}\n]\n", rows[0], rows[1])
        );
        assert_eq!(
            printed(Format::Jsonl, &rows),
            format!("{}\n{}\n", rows[0], rows[1])
        );
        assert_eq!(printed(Format::Json, &[]), "[]\n");
        assert_eq!(printed(Format::Csv, &[]), "row,about,error\n");
    }
}
