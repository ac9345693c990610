//! One sync at a time on one store.
//!
//! SQLite's own locks last for a transaction, a sync lasts for minutes. A file beside
//! the store carries a lock that the system drops with the process, however it ends, so
//! that it also tells whether the owner of an unfinished run lives. The store itself is
//! locked too, as long as it is open, and is let go after SQLite has: closing a second
//! handle of a SQLite file drops SQLite's own locks.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::StoreError;
use crate::private_file::private;

/// A reader that asks whether the owner lives holds the lock for microseconds; five
/// tries, ten milliseconds apart, outlast it without making a refusal slow.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Held by the one sync that writes to a store; gone when dropped.
#[derive(Debug)]
pub(super) struct SyncLock {
    /// Keeps the lock: the system drops it with the last handle.
    _file: File,
    path: PathBuf,
    abandoned: bool,
    /// Whether the file stays when the lock goes.
    stays: bool,
    /// The store itself under its path, locked too.
    store: Option<(File, PathBuf)>,
}

impl SyncLock {
    /// Takes the lock of `store` or says who has it.
    pub(super) fn acquire(store: &Path) -> Result<Self, StoreError> {
        let path = lock_path(store);
        let unwritable = |source| StoreError::Unwritable {
            path: store.to_owned(),
            source,
        };
        for attempt in 1.. {
            let file = private(OpenOptions::new().read(true).write(true).create(true))
                .open(&path)
                .map_err(unwritable)?;
            match file.try_lock() {
                // The last owner may have removed the file between the two steps.
                Ok(()) if is_still_at(&file, &path) => {
                    // Whoever ends in order takes the file along.
                    let abandoned = file.metadata().is_ok_and(|file| file.len() > 0);
                    // Only for the message of a second sync, so a failure changes nothing.
                    let _ = file.set_len(0);
                    let _ = write!(&file, "{}", std::process::id());
                    return Ok(Self {
                        _file: file,
                        path,
                        abandoned,
                        stays: false,
                        store: None,
                    });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if attempt < TRIES => {
                    std::thread::sleep(BETWEEN_TRIES);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Locked {
                        path: store.to_owned(),
                        owner: owner(file),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(unwritable(source)),
            }
        }
        Err(unwritable(io::ErrorKind::WouldBlock.into()))
    }

    /// Locks the store itself, once it is there. Whoever removes the file of the lock, or
    /// comes by another name of the store, meets this one.
    pub(super) fn hold(&mut self, store: &Path) -> Result<(), StoreError> {
        let unwritable = |source| StoreError::Unwritable {
            path: store.to_owned(),
            source,
        };
        let file = File::open(store).map_err(unwritable)?;
        if has_more_names(&file) {
            return Err(StoreError::NotAFile {
                path: store.to_owned(),
                found: "a file with several names (hard links), each of which would have a log of \
                        its own",
            });
        }
        match file.try_lock() {
            Ok(()) => {
                self.store = Some((file, store.to_owned()));
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
                path: store.to_owned(),
                owner: None,
            }),
            Err(TryLockError::Error(source)) => Err(unwritable(source)),
        }
    }

    /// Whether the store is still where it was: what is written into a file that was moved
    /// away or removed is found by nobody.
    pub(super) fn still_holds(&self) -> bool {
        let store = self.store.as_ref();
        store.is_none_or(|(file, path)| is_still_at(file, path))
    }

    /// Lets the file of the lock stay, as a kill would, so that the next sync looks at the
    /// store first.
    pub(super) fn leave_behind(&mut self) {
        self.stays = true;
    }

    /// Whether the sync before this one ended without a chance to put things in order.
    pub(super) fn was_abandoned(&self) -> bool {
        self.abandoned
    }
}

impl Drop for SyncLock {
    fn drop(&mut self) {
        // Still locked, so whoever opened it in the meantime finds it gone and tries again.
        if !self.stays {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a living process holds the lock of `store`. If that cannot be told, it does.
pub(super) fn is_held(store: &Path) -> bool {
    match File::open(lock_path(store)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

fn lock_path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn owner(mut file: File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(unix)]
fn has_more_names(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|file| file.nlink() > 1)
}

#[cfg(not(unix))]
fn has_more_names(_: &File) -> bool {
    false
}

/// Where an open file cannot be removed, it is still there.
#[cfg(not(unix))]
fn is_still_at(_: &File, _: &Path) -> bool {
    true
}
