//! What can be wrong with a store, each with its own words.
//!
//! The command line decides on exit codes; [`StoreError::class`] is all that it needs
//! to know for that.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// What went wrong with a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A reading command was given a path where nothing is.
    #[error("there is no store `{}` yet: run `sync` first or name another one with --store FILE", .path.display())]
    NoStore {
        /// The store.
        path: PathBuf,
    },
    /// Nothing was ever published.
    #[error("the store `{}` has no complete snapshot{}: run `sync` first", .path.display(), incomplete_hint(.newest.as_deref()))]
    NoSnapshot {
        /// The store.
        path: PathBuf,
        /// A run that is there but was not published.
        newest: Option<String>,
    },
    /// No run has this id.
    #[error("the store `{}` has no run `{sync_id}`: `syncs` lists those that it has", .path.display())]
    UnknownRun {
        /// The store.
        path: PathBuf,
        /// The id.
        sync_id: String,
    },
    /// A folder, a device, a pipe.
    #[error("`{}` is {found}, not a store: name a file with --store FILE", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// Another format.
    #[error("`{}` is not a SQLite database, so it is left alone: name another file with --store FILE", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A database of another program.
    #[error("`{}` is a SQLite database of another program, so it is left alone: name another file with --store FILE", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A store of a later version of this program.
    #[error("the store `{}` has schema version {found}, this program knows versions up to {known}: use a newer `connector` or another --store FILE", .path.display())]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A damaged store.
    #[error("the store `{0}` is damaged ({1}): restore a copy (remove `{0}-wal` and `{0}-shm` beside it first), or move all three away and sync into a new one", .path.display(), one_line(.detail))]
    Corrupt {
        /// The store.
        path: PathBuf,
        /// What SQLite or the decoder says.
        detail: String,
    },
    /// The system refuses to open it.
    #[error("the store `{}` cannot be opened: {source}", .path.display())]
    Unreadable {
        /// The store.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system refuses to write to it.
    #[error("the store `{}` cannot be written: {source}", .path.display())]
    Unwritable {
        /// The store.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was filled from another system.
    #[error("the store `{}` belongs to another connection: {differences}; name another file with --store FILE", .path.display())]
    OtherConnection {
        /// The store.
        path: PathBuf,
        /// Each difference.
        differences: String,
    },
    /// Another sync holds it.
    #[error("another sync{} is writing to the store `{}`: wait for it to end or name another file with --store FILE", .owner.map_or_else(String::new, |pid| format!(" (process {pid})")), .path.display())]
    Locked {
        /// The store.
        path: PathBuf,
        /// The process, if it is known.
        owner: Option<u32>,
    },
    /// Somebody has moved or removed it while it was written.
    #[error("the store `{}` was moved, replaced or removed during the sync, so what was read is not there: sync again, and leave the file alone meanwhile", .path.display())]
    Replaced {
        /// Where it was.
        path: PathBuf,
    },
    /// Another program holds SQLite's own lock for too long.
    #[error("the store `{}` is held by another program: close it and try again", .path.display())]
    Busy {
        /// The store.
        path: PathBuf,
    },
    /// No room.
    #[error("no room is left for the store `{}`: free some and try again; what was stored before is kept", .path.display())]
    Full {
        /// The store.
        path: PathBuf,
    },
    /// A page for a run that has ended.
    #[error("run `{sync_id}` is not open for writing in the store `{}`: this is a fault of the host", .path.display())]
    RunClosed {
        /// The store.
        path: PathBuf,
        /// The run.
        sync_id: String,
    },
    /// The disk, or whatever is behind it, fails.
    #[error("reading or writing the store `{}` failed ({source}): look after the disk and try again; what was stored before is kept", .path.display())]
    Disk {
        /// The store.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// A copy was to be written over something.
    #[error("`{}` exists already, and nothing is overwritten: name another file with --out", .path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// A copy was to be written to nowhere.
    #[error("there is no folder `{}` to write the copy into: create it or name another file with --out", .folder.display())]
    NoFolder {
        /// What is not there.
        folder: PathBuf,
    },
    /// A second copy to the same file.
    #[error("another backup to `{}` is running{}: wait for it to end or name another file with --out", .path.display(), .owner.map_or_else(String::new, |pid| format!(" (process {pid})")))]
    BackupRuns {
        /// Where both would write.
        path: PathBuf,
        /// The process, if it is known.
        owner: Option<u32>,
    },
    /// Anything else that SQLite reports.
    #[error("the store `{}` failed: {source}", .path.display())]
    Sqlite {
        /// The store.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
}

/// What an error means to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorClass {
    /// What was asked for is not there (exit code 5).
    Missing,
    /// The file cannot be used as it is (exit code 3).
    Unusable,
    /// Somebody else is using it now.
    InUse,
    /// The machine failed while the store was in use.
    Failed,
}

impl StoreError {
    /// What the error means to the caller.
    pub fn class(&self) -> StoreErrorClass {
        match self {
            Self::NoStore { .. } | Self::NoSnapshot { .. } | Self::UnknownRun { .. } => {
                StoreErrorClass::Missing
            }
            Self::NotAFile { .. }
            | Self::NotADatabase { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Corrupt { .. }
            | Self::Unreadable { .. }
            | Self::Unwritable { .. }
            | Self::OtherConnection { .. }
            | Self::Exists { .. }
            | Self::NoFolder { .. } => StoreErrorClass::Unusable,
            Self::Locked { .. }
            | Self::Busy { .. }
            | Self::Replaced { .. }
            | Self::BackupRuns { .. } => StoreErrorClass::InUse,
            Self::Full { .. }
            | Self::Disk { .. }
            | Self::RunClosed { .. }
            | Self::Sqlite { .. } => StoreErrorClass::Failed,
        }
    }

    /// Says in our words what SQLite reports about the store at `path`.
    pub(super) fn from_sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt {
                path,
                detail: "SQLite finds it malformed".to_owned(),
            },
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                // SQLite keeps the system's reason to itself. Opening the file once more
                // is safe for its locks only because SQLite failed to open it.
                let source = std::fs::File::open(&path).err().unwrap_or_else(|| {
                    io::Error::other(
                        "SQLite cannot use its side files (-wal, -shm); is the folder writable?",
                    )
                });
                Self::Unreadable { path, source }
            }
            Some(ErrorCode::ReadOnly) => Self::Unwritable {
                path,
                source: io::ErrorKind::PermissionDenied.into(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::SystemIoFailure) => Self::Disk { path, source },
            _ => Self::Sqlite { path, source },
        }
    }
}

fn incomplete_hint(newest: Option<&str>) -> String {
    newest.map_or_else(String::new, |sync_id| {
        format!(
            " (the sync `{sync_id}` has not completed; `list --sync {sync_id}` shows what it has \
             read, and `syncs` whether it is still running)"
        )
    })
}

/// What SQLite says of a damaged file, without its line breaks and headings: a message is
/// one line, and there is only one database in a store.
pub(super) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && *line != "*** in database main ***")
        .collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: i32) -> String {
        let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        StoreError::from_sqlite(Path::new("my.db"), source).to_string()
    }

    #[test]
    fn a_failing_disk_and_a_full_one_are_told_apart() {
        let failing = told(rusqlite::ffi::SQLITE_IOERR_READ);
        let (start, end) = (
            "reading or writing the store `my.db` failed (",
            "): look after the disk and try again; what was stored before is kept",
        );
        assert!(
            failing.starts_with(start) && failing.ends_with(end),
            "{failing}"
        );
        assert_eq!(
            told(rusqlite::ffi::SQLITE_FULL),
            "no room is left for the store `my.db`: free some and try again; what was stored \
             before is kept"
        );
    }

    #[test]
    fn damage_is_told_in_one_line_with_the_files_that_would_spoil_a_restored_copy() {
        let damaged = StoreError::Corrupt {
            path: PathBuf::from("my.db"),
            detail: "*** in database main ***\nTree 5 page 7: one\nTree 5 page 8: two".to_owned(),
        };
        assert_eq!(
            damaged.to_string(),
            "the store `my.db` is damaged (Tree 5 page 7: one; Tree 5 page 8: two): restore a copy \
             (remove `my.db-wal` and `my.db-shm` beside it first), or move all three away and sync \
             into a new one"
        );
    }
}
