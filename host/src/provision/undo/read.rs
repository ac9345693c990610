//! An audit file as runs and their changes.
//!
//! A process that is killed leaves half a line: at the end of the file, before the line with
//! which the next run begins, or before a record of another run, whose hash then says that
//! its writer saw the half. Any other line that cannot be read may hide a change, so it is
//! an error.

use std::collections::HashMap;
use std::io::BufRead;

use super::UndoError;
use crate::provision::journal::{
    BegunLine, Chain, End, EndedLine, Line, Piece, RunLine, Unfinished,
};

/// A run, with its changes in the order in which they began.
pub(super) struct Run {
    pub(super) line: RunLine,
    pub(super) changes: Vec<Change>,
}

/// A change and its end, if it is recorded.
pub(super) struct Change {
    pub(super) begun: BegunLine,
    pub(super) ended: Option<EndedLine>,
}

impl Run {
    /// Whether anything is, or may be, other than before.
    pub(super) fn may_have_changed(&self) -> bool {
        self.changes.iter().any(|change| {
            change
                .ended
                .as_ref()
                .is_none_or(|ended| match ended.outcome {
                    End::Outcome(outcome) => outcome.has_changed(),
                    End::Unfinished(unfinished) => unfinished == Unfinished::Unknown,
                })
        })
    }
}

pub(super) fn runs(mut journal: impl BufRead) -> Result<Vec<Run>, UndoError> {
    let mut found = Found::default();
    let mut chain = Chain::default();
    let mut torn = None;
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read = journal.read_until(b'\n', &mut bytes);
        if read.map_err(UndoError::Unreadable)? == 0 {
            break;
        }
        let sealed = chain.head();
        let piece = chain.follow(&bytes);
        let text = bytes.trim_ascii();
        if text.is_empty() {
            continue;
        }
        if piece == Piece::Half && !found.runs.is_empty() {
            torn.get_or_insert(line);
            continue;
        }
        let seals = matches!(&piece, Piece::Linked(link) if link.prev.as_ref() == Some(&sealed));
        if let Some(line) = torn.take()
            && !seals
            && !text.starts_with(RUN)
        {
            return Err(UndoError::NotARecord { line });
        }
        match serde_json::from_slice(text) {
            Ok(record) => found
                .take(record)
                .map_err(|problem| UndoError::Contradiction { line, problem })?,
            Err(error) if error.is_eof() => torn = Some(line),
            Err(_) if found.runs.is_empty() => return Err(UndoError::NotAJournal),
            Err(_) => return Err(UndoError::NotARecord { line }),
        }
    }
    Ok(found.runs)
}

/// What a line begins with that begins a run.
const RUN: &[u8] = br#"{"record":"run""#;

#[derive(Default)]
struct Found {
    runs: Vec<Run>,
    /// Where the runs and their changes are.
    places: HashMap<String, (usize, HashMap<u64, usize>)>,
}

impl Found {
    fn take(&mut self, line: Line) -> Result<(), &'static str> {
        match line {
            Line::Run(line) => {
                let place = (self.runs.len(), HashMap::new());
                if self.places.insert(line.run.clone(), place).is_some() {
                    return Err("begins a run that began before");
                }
                self.runs.push(Run {
                    line,
                    changes: Vec::new(),
                });
            }
            Line::Begun(begun) => {
                let (run, places) = self.run(&begun.run)?;
                if places.insert(begun.change, run.changes.len()).is_some() {
                    return Err("begins a change that began before");
                }
                run.changes.push(Change { begun, ended: None });
            }
            Line::Ended(ended) => {
                let (run, places) = self.run(&ended.run)?;
                let change = places
                    .get(&ended.change)
                    .and_then(|&place| run.changes.get_mut(place))
                    .ok_or("ends a change that did not begin")?;
                if change.ended.replace(ended).is_some() {
                    return Err("ends a change that ended before");
                }
            }
            Line::Request(_) => {}
        }
        Ok(())
    }

    fn run(&mut self, id: &str) -> Result<(&mut Run, &mut HashMap<u64, usize>), &'static str> {
        self.places
            .get_mut(id)
            .and_then(|(place, changes)| Some((self.runs.get_mut(*place)?, changes)))
            .ok_or("belongs to a run that did not begin")
    }
}
