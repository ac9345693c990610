//! Where records are appended.
//!
//! Several processes may write to one file. Each takes the file's lock for one record,
//! follows what others have appended since, and writes its own as the next link of the
//! chain in one piece. The system drops the lock with the process, so a killed one holds up
//! nobody; what it left of a line is ended and sealed by the next record.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::chain::{BEGINNING, Chain, linked, read_range};
use crate::private_file::private;

/// How long another process may hold the lock, for which it needs some microseconds: only
/// one that was stopped in the middle of a record, or a disk that hangs, takes longer.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const BETWEEN_TRIES: Duration = Duration::from_millis(1);

/// Where records go, and the chain up to there.
pub(super) struct Place {
    sink: Sink,
    chain: Chain,
}

enum Sink {
    File {
        file: Arc<File>,
        /// Up to where the chain is known; `None` before the first record.
        end: Option<u64>,
    },
    /// A device or a pipe: nobody else's records are in it, and nothing can be read back.
    Stream(Box<dyn Stream>),
}

/// Something that is no file.
pub(super) trait Stream: Write + Send {
    /// Waits until what was written will be there after a loss of power, where that can be
    /// said at all: a pipe or a terminal keeps nothing.
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for File {}

impl Place {
    /// Opens a file, or creates one for its owner's eyes only.
    ///
    /// # Errors
    ///
    /// It cannot be read and written, or it holds something else than records.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let file = private(&mut options).open(path)?;
        if !file.metadata()?.is_file() {
            return Ok(Self::stream(Box::new(file)));
        }
        let beginning = read_range(&file, 0, BEGINNING.len() as u64)?;
        if !BEGINNING.starts_with(&beginning) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it holds something else than audit records; name another file",
            ));
        }
        Ok(Self {
            sink: Sink::File {
                file: Arc::new(file),
                end: None,
            },
            chain: Chain::default(),
        })
    }

    /// Writes to something that is no file.
    pub(super) fn stream(sink: Box<dyn Stream>) -> Self {
        Self {
            sink: Sink::Stream(sink),
            chain: Chain::default(),
        }
    }

    /// Appends a record, given as the text of its JSON object: one write for one line, so
    /// that nobody sees half of it.
    ///
    /// # Errors
    ///
    /// It could not be written whole, or the file is not what it was.
    pub(super) fn append(&mut self, object: &[u8]) -> io::Result<()> {
        match &mut self.sink {
            Sink::Stream(sink) => {
                let line = linked(object, &self.chain.head());
                sink.write_all(&line)?;
                sink.flush()?;
                self.chain.follow(&line);
                Ok(())
            }
            Sink::File { file, end } => {
                lock(file, LOCK_WAIT)?;
                let written = append_locked(file, end, &mut self.chain, object);
                let unlocked = file.unlock();
                written.and(unlocked)
            }
        }
    }

    /// The hash of the last record that was appended here.
    pub(super) fn head(&self) -> String {
        self.chain.head()
    }

    /// The file, if it is one, to be synced while others append to it.
    pub(super) fn file(&self) -> Option<Arc<File>> {
        match &self.sink {
            Sink::File { file, .. } => Some(file.clone()),
            Sink::Stream(_) => None,
        }
    }

    /// Syncs what is no file.
    pub(super) fn sync_stream(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::File { .. } => Ok(()),
            Sink::Stream(sink) => sink.sync(),
        }
    }
}

fn append_locked(
    mut file: &File,
    end: &mut Option<u64>,
    chain: &mut Chain,
    object: &[u8],
) -> io::Result<()> {
    let length = file.metadata()?.len();
    let is_torn = match *end {
        None => {
            let (found, is_torn) = Chain::of_end(file, length)?;
            *chain = found;
            is_torn
        }
        Some(end) if length < end => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "something else has cut it off meanwhile",
            ));
        }
        Some(end) => chain.follow_all(&read_range(file, end, length)?),
    };
    let line = linked(object, &chain.head());
    let text = match is_torn {
        true => [b"\n", line.as_slice()].concat(),
        false => line.clone(),
    };
    file.write_all(&text)?;
    *end = Some(length + text.len() as u64);
    chain.follow(&line);
    Ok(())
}

fn lock(file: &File, patience: Duration) -> io::Result<()> {
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if waited < patience => {
                std::thread::sleep(BETWEEN_TRIES);
                waited += BETWEEN_TRIES;
            }
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(
                    io::ErrorKind::WouldBlock,
                    format!("another process has held its lock for {patience:?}"),
                ));
            }
            Err(TryLockError::Error(error)) => {
                return Err(io::Error::new(
                    error.kind(),
                    format!("its file system does not lock it ({error}), so records could mix"),
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_does_not_let_go_of_the_lock_is_told_and_not_waited_for_for_ever() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (holder, other) = (file.reopen().unwrap(), file.reopen().unwrap());
        holder.lock().unwrap();
        let patience = Duration::from_millis(3);
        let error = lock(&other, patience).unwrap_err();
        assert_eq!(
            error.to_string(),
            "another process has held its lock for 3ms"
        );
        holder.unlock().unwrap();
        lock(&other, patience).unwrap();
    }
}
