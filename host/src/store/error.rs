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
    #[error("the store `{}` is damaged ({detail}): restore a copy, or move it away and sync into a new one", .path.display())]
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
    /// Another program holds SQLite's own lock for too long.
    #[error("the store `{}` is held by another program: close it and try again", .path.display())]
    Busy {
        /// The store.
        path: PathBuf,
    },
    /// No room.
    #[error("no room is left for the store `{}`: free some and sync again, which goes on where this one stopped", .path.display())]
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
            | Self::OtherConnection { .. } => StoreErrorClass::Unusable,
            Self::Locked { .. } | Self::Busy { .. } => StoreErrorClass::InUse,
            Self::Full { .. } | Self::RunClosed { .. } | Self::Sqlite { .. } => {
                StoreErrorClass::Failed
            }
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
