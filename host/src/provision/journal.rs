//! The audit file: what a run was asked to do, what it sent, and what became of it.
//!
//! One JSON object a line, appended: a run, each change with the state before and after,
//! and each request; each carries the hash of the one before ([`chain`]). The file is kept
//! for years and read by others, so it names resources and fields and never holds an
//! attribute value or a secret.
//!
//! A change whose beginning could not be written down must not be made: [`Journal::begun`]
//! says so, and whatever fails once fails from then on. The beginning is on the disk before
//! the change is sent, so that not even a loss of power loses a change. What follows it is
//! there after the end of the process, and on the disk with the next change or at the end.

mod chain;
mod place;
mod record;
pub mod refusal;
#[cfg(test)]
mod tests;
pub mod verify;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

pub(super) use self::chain::{Chain, Piece};
use self::place::Place;
use self::record::RequestLine;
pub(super) use self::record::{Asked, BegunLine, EndedLine, Line, RunLine};
pub use self::record::{End, Unfinished};
use crate::change::{Change, State};
use crate::egress::audit::{AuditRecord, AuditSink};
use crate::model::{ResourceId, timestamp};
use crate::private_file;
use crate::store::Connection;
use crate::trust::description::Description;

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended<'a> {
    /// Its outcome, or why it has none.
    pub end: End,
    /// The account that was created.
    pub account: Option<ResourceId>,
    /// The state afterwards, if it was looked at.
    pub after: Option<&'a State>,
    /// Why it has no outcome, for people. No attribute value.
    pub error: Option<String>,
}

/// An audit file that is written to. Shared between threads.
pub struct Journal {
    path: PathBuf,
    run: String,
    out: Mutex<Out>,
    /// Whether the name of the file is on the disk.
    is_named: AtomicBool,
}

struct Out {
    place: Place,
    /// The first failure, since an `io::Error` cannot be given twice.
    failure: Option<(io::ErrorKind, String)>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens an audit file, or creates it for its owner's eyes only, and begins a run in
    /// it. `who` is the account of this machine that the run belongs to.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or it holds something else.
    pub fn open(path: &Path, connection: &Connection, who: Option<String>) -> io::Result<Self> {
        Self::begin(path, Place::open(path)?, connection, who)
    }

    fn begin(
        path: &Path,
        place: Place,
        connection: &Connection,
        who: Option<String>,
    ) -> io::Result<Self> {
        let journal = Self {
            path: path.to_owned(),
            run: format!("{:032x}", fastrand::u128(..)),
            out: Mutex::new(Out {
                place,
                failure: None,
            }),
            is_named: AtomicBool::new(false),
        };
        journal.write(&Line::Run(RunLine {
            run: journal.run.clone(),
            time: now(),
            who,
            component: connection.component.clone(),
            origin: connection.origin.clone(),
            settings: connection.settings.clone(),
        }))?;
        Ok(journal)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether others than the owner may read or write the file.
    pub fn is_shared(&self) -> bool {
        let file = self.out().place.file();
        file.is_some_and(|file| private_file::is_shared(&file).unwrap_or(false))
    }

    /// The hash of the last record that was written, by which the file can be recognised
    /// later.
    pub fn head(&self) -> String {
        self.out().place.head()
    }

    /// Puts everything on the disk.
    ///
    /// # Errors
    ///
    /// A record could not be written, now or before, so that the file does not hold all.
    pub fn finish(&self) -> io::Result<()> {
        self.out().health()?;
        self.sync()
    }

    /// The id of the run.
    #[cfg(test)]
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// Writes down that a change begins, and waits until it is on the disk. Changes are
    /// numbered by the caller, each number once.
    ///
    /// # Errors
    ///
    /// It could not be written down: the change must not be made.
    pub fn begun(
        &self,
        change: u64,
        asked: &Change,
        description: &Description,
        before: Option<&State>,
    ) -> io::Result<()> {
        self.write(&Line::Begun(BegunLine {
            run: self.run.clone(),
            time: now(),
            change,
            asked: Asked::of(asked, description),
            before: before.cloned(),
        }))?;
        self.sync()
    }

    /// Writes down what became of a change.
    ///
    /// # Errors
    ///
    /// It could not be written down: no further change must be made.
    pub fn ended(&self, change: u64, ended: Ended<'_>) -> io::Result<()> {
        self.write(&Line::Ended(EndedLine {
            run: self.run.clone(),
            time: now(),
            change,
            outcome: ended.end,
            account: ended.account,
            after: ended.after.cloned(),
            error: ended.error,
        }))
    }

    fn write(&self, line: &Line) -> io::Result<()> {
        let text = serde_json::to_vec(line).map_err(io::Error::other)?;
        let mut out = self.out();
        out.health()?;
        let written = out.place.append(&text);
        out.remember(written)
    }

    /// Waits until the disk has what was written so far. Records of other threads need not
    /// wait for that.
    fn sync(&self) -> io::Result<()> {
        let file = self.out().place.file();
        let Some(file) = file else {
            let mut out = self.out();
            let synced = out.place.sync_stream();
            return out.remember(synced);
        };
        let mut synced = file.sync_data();
        if synced.is_ok() && !self.is_named.load(Ordering::SeqCst) {
            synced = private_file::sync_name(&self.path);
            self.is_named.store(true, Ordering::SeqCst);
        }
        self.out().remember(synced)
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Out {
    fn health(&self) -> io::Result<()> {
        match &self.failure {
            None => Ok(()),
            Some((kind, text)) => Err(io::Error::new(*kind, text.clone())),
        }
    }

    /// What is left of a line after a failure stays the last line of its run.
    fn remember(&mut self, result: io::Result<()>) -> io::Result<()> {
        if let Err(error) = &result {
            self.failure = Some((error.kind(), error.to_string()));
        }
        result
    }
}

impl AuditSink for Journal {
    fn record(&self, record: &AuditRecord) {
        // Remembered, and told to whoever begins or ends the next change.
        let _ = self.write(&Line::Request(RequestLine::of(&self.run, record)));
    }
}

fn now() -> String {
    timestamp(OffsetDateTime::now_utc())
}
