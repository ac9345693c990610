//! CSV after RFC 4180, taken strictly.
//!
//! The `csv` crate reads on where a quote is out of place: it takes the rest of the file
//! for one cell, or glues two cells together. What is read here decides who gets access,
//! so such a quote is an error instead.

use super::FileError;

/// The records of a text, without blank lines.
pub(super) struct Records<'a> {
    rest: &'a str,
    line: u64,
}

struct Cell {
    text: String,
    is_quoted: bool,
}

impl<'a> Records<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            rest: text,
            line: 1,
        }
    }

    /// One record; `None` for a blank line.
    fn record(&mut self) -> Result<Option<Vec<String>>, FileError> {
        let mut cells = Vec::new();
        let mut is_blank = true;
        loop {
            let cell = self.cell()?;
            is_blank &= !cell.is_quoted && cell.text.trim().is_empty();
            cells.push(cell.text);
            if self.is_after_the_last_cell()? {
                let is_blank = is_blank && cells.len() == 1;
                return Ok((!is_blank).then_some(cells));
            }
        }
    }

    fn cell(&mut self) -> Result<Cell, FileError> {
        match self.rest.strip_prefix('"') {
            Some(inside) => self.quoted(inside),
            None => self.bare(),
        }
    }

    fn bare(&mut self) -> Result<Cell, FileError> {
        let end = self
            .rest
            .find([',', '\n', '\r', '"'])
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        if rest.starts_with('"') {
            return Err(self.misplaced("a quote stands inside a cell"));
        }
        self.rest = rest;
        Ok(Cell {
            text: text.to_owned(),
            is_quoted: false,
        })
    }

    fn quoted(&mut self, inside: &'a str) -> Result<Cell, FileError> {
        let mut text = String::new();
        let mut rest = inside;
        let mut lines = 0;
        loop {
            let Some((part, after)) = rest.split_once('"') else {
                return Err(self.misplaced("the quote that opens a cell is never closed"));
            };
            text.push_str(part);
            lines += part.bytes().filter(|&byte| byte == b'\n').count() as u64;
            match after.strip_prefix('"') {
                Some(after) => {
                    text.push('"');
                    rest = after;
                }
                None => {
                    self.rest = after;
                    self.line += lines;
                    return Ok(Cell {
                        text,
                        is_quoted: true,
                    });
                }
            }
        }
    }

    fn is_after_the_last_cell(&mut self) -> Result<bool, FileError> {
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return Ok(false);
        }
        for end in ["\r\n", "\n", "\r"] {
            if let Some(rest) = self.rest.strip_prefix(end) {
                self.rest = rest;
                self.line += 1;
                return Ok(true);
            }
        }
        if self.rest.is_empty() {
            return Ok(true);
        }
        Err(self.misplaced("something follows the quote that closes a cell"))
    }

    fn misplaced(&self, problem: &'static str) -> FileError {
        FileError::Quote {
            line: self.line,
            problem,
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Vec<String>, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match self.record() {
                Ok(None) => {}
                Ok(Some(cells)) => return Some(Ok(cells)),
                Err(error) => {
                    self.rest = "";
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
