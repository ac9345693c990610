//! Budgets that the processes of one machine share, and that the next one begins with.
//!
//! A small file for each account at each service. Whoever changes a budget locks the file,
//! reads it, writes it and is done within microseconds; a process that ends in between
//! takes its lock with it, and at most the turn that it had reserved. What can't be read
//! begins anew: losing the file costs a climb of some seconds and nothing else, so that
//! nothing is synced to the disk.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::budget::{Budget, Moment};
use super::ledger::{Change, Changed, Changing, Ledger, OwnLedger};
use crate::limits::clock::Clock;
use crate::private_file;

/// Larger files are none of ours: a budget takes 150 bytes, and there is one for each rate
/// class and for each system that is read.
const LARGEST: u64 = 1 << 20;
/// A budget that nobody used for so long says nothing about today's quota: systems come
/// and go, and the file must not grow for ever.
const FORGOTTEN: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long another process may hold the lock. It takes microseconds; whoever needs longer
/// was stopped in the middle.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the lock is tried.
const AGAIN: Duration = Duration::from_millis(1);

type Budgets = BTreeMap<String, Budget>;

/// Budgets in a file.
#[derive(Debug)]
pub struct FileLedger {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    /// What is gone on with when the file can't be used.
    own: OwnLedger,
    has_warned: AtomicBool,
}

impl FileLedger {
    /// The budgets in a file, which need not be there, nor its folder.
    pub fn new(path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self {
            path,
            own: OwnLedger::new(Arc::clone(&clock)),
            clock,
            has_warned: AtomicBool::new(false),
        }
    }

    async fn locked(&self) -> io::Result<File> {
        let file = open(&self.path)?;
        let end = self.clock.now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if self.clock.now() >= end => {
                    return Err(io::Error::other(
                        "another process has locked it and does not go on",
                    ));
                }
                Err(TryLockError::WouldBlock) => {
                    self.clock.sleep_until(self.clock.now() + AGAIN).await;
                }
            }
        }
    }

    fn warn(&self, error: &io::Error) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the file of request rates {} can't be used, so that this process does not share \
                 its pace with others and forgets it when it ends: {error}",
                self.path.display()
            );
        }
    }
}

impl Ledger for FileLedger {
    fn change<'a>(&'a self, limit: &'a str, change: Change) -> Changing<'a> {
        Box::pin(async move {
            let changed = match self.locked().await {
                Ok(file) => make(&file, limit, change),
                Err(error) => Err(error),
            };
            match changed {
                Ok(changed) => changed,
                Err(error) => {
                    self.warn(&error);
                    self.own.change(limit, change).await
                }
            }
        })
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    private_file::private(options.read(true).write(true).create(true).truncate(false));
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            options.open(path)
        }
        opened => opened,
    }
}

fn make(mut file: &File, limit: &str, change: Change) -> io::Result<Changed> {
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text)?;
    let mut budgets = read(&text);
    let now = now();
    let mut kept = budgets.remove(limit);
    let changed = change.make(&mut kept, now);
    budgets.retain(|_, budget| budget.is_used_since(now.saturating_sub(FORGOTTEN)));
    if let Some(budget) = kept {
        budgets.insert(limit.to_owned(), budget);
    }
    let mut text = serde_json::to_vec(&budgets)?;
    text.push(b'\n');
    file.rewind()?;
    file.write_all(&text)?;
    Ok(changed)
}

/// The budgets in a file. What stands behind them is left of a longer text and ignored, so
/// that one write is enough.
fn read(text: &[u8]) -> Budgets {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Budgets>();
    match values.next() {
        Some(Ok(budgets)) => budgets,
        Some(Err(error)) => {
            tracing::debug!(%error, "the file of request rates begins anew");
            Budgets::new()
        }
        None => Budgets::new(),
    }
}

/// The one clock that all processes of a machine have. It may be set: a budget bears that.
fn now() -> Moment {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
