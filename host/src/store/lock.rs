//! One sync at a time on one store.
//!
//! SQLite's own locks last for a transaction, a sync lasts for minutes. A file beside
//! the store carries a lock that the system drops with the process, however it ends, so
//! that it also tells whether the owner of an unfinished run lives. The store itself is
//! never opened for that: closing a second handle of a SQLite file drops SQLite's locks.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::StoreError;

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

    /// Whether the sync before this one ended without a chance to put things in order.
    pub(super) fn was_abandoned(&self) -> bool {
        self.abandoned
    }
}

impl Drop for SyncLock {
    fn drop(&mut self) {
        // Still locked, so whoever opened it in the meantime finds it gone and tries again.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a living process holds the lock of `store`. If that cannot be told, it does.
pub(super) fn is_held(store: &Path) -> bool {
    match File::open(lock_path(store)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Readable and writable by the owner only.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
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

/// Where an open file cannot be removed, it is still there.
#[cfg(not(unix))]
fn is_still_at(_: &File, _: &Path) -> bool {
    true
}
