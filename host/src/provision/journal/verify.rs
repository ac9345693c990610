//! Whether an audit file is what was written.
//!
//! A file that fits together may still have been written anew as a whole, or cut off at its
//! end: only a hash that was kept elsewhere tells. So what is known without one is said, and
//! no more.

use std::io::{self, BufRead, Read};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::chain::{Chain, Link, Piece};

/// The longest line that is read. The longest record is that of a deleted account with all
/// that it held, in the low hundreds of kilobytes; more is no record and would only fill
/// the memory.
const LONGEST: u64 = 64 << 20;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Whether every record fits, and the kept hash too if there was one.
    pub ok: bool,
    /// Records up to the first one that does not fit.
    pub records: u64,
    /// The time of the first record.
    pub first: Option<String>,
    /// The time of the last record.
    pub last: Option<String>,
    /// The hash of the last record.
    pub head: Option<String>,
    /// How many records in front of the chain carry no hash, since an older version wrote
    /// them. The first one that carries one seals them as they were then.
    pub without_hash: u64,
    /// The lines that are half a record, as a killed process leaves them. All but one at the
    /// very end are sealed by the record after them.
    pub halves: Vec<u64>,
    /// Where the kept hash is in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// A hash that was kept elsewhere, found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The line that it is the hash of.
    pub line: u64,
    /// How many records were appended since it was kept.
    pub followed_by: u64,
}

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line, counted from 1, unless it is the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What is wrong with it.
    pub what: String,
}

impl Verified {
    /// What is wrong, in one line for people.
    pub fn complaint(&self) -> Option<String> {
        let problem = self.problem.as_ref()?;
        Some(match problem.line {
            Some(line) => format!("line {line} {}", problem.what),
            None => problem.what.clone(),
        })
    }
}

/// Checks every record of an audit file, and that it is the file, perhaps continued, of
/// which the hash of the last record was `kept` (64 lower-case hexadecimal digits).
///
/// # Errors
///
/// It cannot be read.
pub fn verify(mut file: impl BufRead, kept: Option<&str>) -> io::Result<Verified> {
    let mut reader = Reader::default();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let mut rest = Read::by_ref(&mut file).take(LONGEST);
        if rest.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if !bytes.ends_with(b"\n") {
            // Whoever appends the next record puts it there.
            bytes.push(b'\n');
        }
        if let Err(what) = reader.take(line, &bytes, kept) {
            reader.found.problem = Some(Problem {
                line: Some(line),
                what,
            });
            break;
        }
    }
    Ok(reader.end(kept))
}

#[derive(Default)]
struct Reader {
    found: Verified,
    chain: Chain,
    /// The line of the last record.
    record: u64,
}

impl Reader {
    fn take(&mut self, line: u64, bytes: &[u8], kept: Option<&str>) -> Result<(), String> {
        let expected = self.chain.head();
        match self.chain.follow(bytes) {
            Piece::Linked(link) => {
                if link.prev.as_deref() != Some(&expected) {
                    return Err(self.misfit(&link));
                }
                self.record(line, link);
                let head = hex::encode(Sha256::digest(bytes));
                match &mut self.found.kept {
                    Some(place) => place.followed_by += 1,
                    none if kept == Some(&head) => {
                        *none = Some(Kept {
                            line,
                            followed_by: 0,
                        });
                    }
                    _ => {}
                }
                self.found.head = Some(head);
                Ok(())
            }
            Piece::Unlinked(link) if self.found.head.is_none() => {
                self.record(line, link);
                self.found.without_hash += 1;
                Ok(())
            }
            Piece::Unlinked(_) => Err(
                "carries no hash, and the record before it does: an older version of this \
                 program, or something else, wrote it"
                    .to_owned(),
            ),
            Piece::Half => {
                self.found.halves.push(line);
                Ok(())
            }
            Piece::Strange if self.record == 0 => {
                Err("is no audit record; name a file that was written with --audit".to_owned())
            }
            Piece::Strange => {
                Err("is no audit record: it was changed, or something else wrote it".to_owned())
            }
        }
    }

    fn record(&mut self, line: u64, link: Link) {
        self.record = line;
        self.found.records += 1;
        if self.found.first.is_none() {
            self.found.first = Some(link.time.clone());
        }
        self.found.last = Some(link.time);
    }

    fn misfit(&self, link: &Link) -> String {
        match self.record {
            0 => "is not the first record of its file: what stood before it is gone".to_owned(),
            _ if link.prev.as_deref() == Some(&Chain::default().head()) => {
                "is the first record of another file: two were joined here".to_owned()
            }
            last => format!(
                "does not carry the hash of what stands before it: line {last} was changed, or \
                 lines were removed or put in after it"
            ),
        }
    }

    fn end(mut self, kept: Option<&str>) -> Verified {
        let found = &self.found;
        let as_a_whole = match (found.records, &found.head, kept) {
            (0, ..) => "it holds no record: nothing was written to it, or all of it is gone",
            (_, None, _) => {
                "no record of it carries a hash: an older version wrote it, and nothing shows \
                 whether it was changed since; the next command with --audit seals it as it is then"
            }
            (.., Some(_)) if found.kept.is_none() => {
                "no record of it has the kept hash: it was written anew or cut off since then, or \
                 the hash is of another file"
            }
            _ => "",
        };
        if self.found.problem.is_none() && !as_a_whole.is_empty() {
            self.found.problem = Some(Problem {
                line: None,
                what: as_a_whole.to_owned(),
            });
        }
        self.found.ok = self.found.problem.is_none();
        self.found
    }
}

#[cfg(test)]
mod tests;
