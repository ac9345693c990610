//! The audit file: what a run was asked to do, what it sent, and what became of it.
//!
//! One JSON object a line, appended: a run, each change with the state before and after,
//! and each request. The file is kept for years and read by others, so it names resources
//! and fields and never holds an attribute value or a secret. A change whose beginning
//! could not be written down must not be made: [`Journal::begun`] says so, and whatever
//! fails once fails from then on. What was written survives the end of the process, not a
//! loss of power.

mod record;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use self::record::RequestLine;
pub(super) use self::record::{Asked, BegunLine, EndedLine, Line, RunLine};
pub use self::record::{End, Unfinished};
use crate::change::{Change, State};
use crate::egress::audit::{AuditRecord, AuditSink};
use crate::model::{ResourceId, timestamp};
use crate::store::Connection;
use crate::trust::description::Description;

/// What every audit file begins with; a file that begins otherwise is something else, and
/// lines appended to it would damage it.
const BEGINNING: &[u8] = br#"{"record":""#;

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
    run: String,
    out: Mutex<Out>,
}

struct Out {
    sink: Box<dyn Write + Send>,
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
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let is_torn = file.metadata()?.is_file() && is_torn(&mut file)?;
        Self::begin(Box::new(file), is_torn, connection, who)
    }

    fn begin(
        sink: Box<dyn Write + Send>,
        is_torn: bool,
        connection: &Connection,
        who: Option<String>,
    ) -> io::Result<Self> {
        let journal = Self {
            run: format!("{:032x}", fastrand::u128(..)),
            out: Mutex::new(Out {
                sink,
                failure: None,
            }),
        };
        let mut text = line_of(&Line::Run(RunLine {
            run: journal.run.clone(),
            time: now(),
            who,
            component: connection.component.clone(),
            origin: connection.origin.clone(),
            settings: connection.settings.clone(),
        }))?;
        if is_torn {
            text.insert(0, b'\n');
        }
        journal.out().put(&text)?;
        Ok(journal)
    }

    /// The id of the run.
    #[cfg(test)]
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// Writes down that a change begins. Changes are numbered by the caller, each number
    /// once.
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
        }))
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
        let text = line_of(line)?;
        let mut out = self.out();
        out.health()?;
        out.put(&text)
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

    /// One write for one line, so that lines of several processes do not mix. What is left
    /// of a line after a failure stays the last line of its run.
    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        let written = self.sink.write_all(line).and_then(|()| self.sink.flush());
        if let Err(error) = &written {
            self.failure = Some((error.kind(), error.to_string()));
        }
        written
    }
}

impl AuditSink for Journal {
    fn record(&self, record: &AuditRecord) {
        // Remembered, and told to whoever begins or ends the next change.
        let _ = self.write(&Line::Request(RequestLine::of(&self.run, record)));
    }
}

/// Whether the last line of a file was cut off by the end of its process. Refuses a file
/// that holds something else.
fn is_torn(file: &mut File) -> io::Result<bool> {
    let mut beginning = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    Read::by_ref(file)
        .take(BEGINNING.len() as u64)
        .read_to_end(&mut beginning)?;
    if beginning.is_empty() {
        return Ok(false);
    }
    if !BEGINNING.starts_with(&beginning) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it holds something else than audit records; name another file",
        ));
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn line_of(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line).map_err(io::Error::other)?;
    text.push(b'\n');
    Ok(text)
}

fn now() -> String {
    timestamp(OffsetDateTime::now_utc())
}
