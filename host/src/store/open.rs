//! Opening: what is at a path, and how it is approached without leaving traces.
//!
//! A path may be a typing error. So a file that is not ours is looked at by SQLite
//! alone and never written to, a refused sync creates nothing, and a new store appears
//! under its name only when it is whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection as Sqlite, OpenFlags};

use super::{Connection, StoreError, schema};
use crate::private_file;

/// A checkpoint of another process holds SQLite's lock for well under a second; a
/// program that holds it longer is a person with a database browser.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing, or an empty file as mktemp(1) leaves it.
    Nothing,
    /// A file with something in it.
    File,
}

/// Looks at a path without opening it. Returns it in absolute form, so that no name has
/// a meaning of its own for SQLite, and without links: the log and the lock lie beside the
/// file itself, by whatever name it was found.
pub(super) fn look(path: &Path) -> Result<(PathBuf, Found), StoreError> {
    let unreadable = |source| StoreError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    let absolute = fs::canonicalize(&absolute).unwrap_or(absolute);
    let found = match fs::metadata(&absolute) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
        Err(error) => return Err(unreadable(error)),
        Ok(metadata) if metadata.is_dir() => {
            return Err(StoreError::NotAFile {
                path: absolute,
                found: "a folder",
            });
        }
        Ok(metadata) if !metadata.is_file() => {
            return Err(StoreError::NotAFile {
                path: absolute,
                found: "a special file",
            });
        }
        Ok(metadata) if metadata.len() == 0 => Found::Nothing,
        Ok(_) => Found::File,
    };
    Ok((absolute, found))
}

/// Opens an existing store for reading only.
///
/// SQLite's locking needs its side files next to the database, so it is allowed to write
/// them, and to nothing else. Where the folder forbids that and no such file is there,
/// nobody is writing, and the file is read as it is.
pub(super) fn to_read(path: &Path) -> Result<(Sqlite, Connection), StoreError> {
    let ordinary = connect(path).and_then(|sqlite| {
        let owner = schema::identify(&sqlite, path)?;
        Ok((sqlite, owner))
    });
    let (sqlite, owner) = match ordinary {
        Err(refused @ (StoreError::Unreadable { .. } | StoreError::Unwritable { .. })) => {
            immutable(path).ok_or(refused)?
        }
        other => other?,
    };
    sqlite
        .pragma_update(None, "query_only", true)
        .map_err(|source| StoreError::from_sqlite(path, source))?;
    Ok((sqlite, owner))
}

/// Opens an existing store for writing. The caller holds its lock.
pub(super) fn to_write(path: &Path, connection: &Connection) -> Result<Sqlite, StoreError> {
    let sqlite = connect(path)?;
    let owner = schema::identify(&sqlite, path)?;
    refuse_another(path, &owner, connection)?;
    let sqlite_error = |source| StoreError::from_sqlite(path, source);
    if sqlite.is_readonly("main").map_err(sqlite_error)? {
        return Err(StoreError::Unwritable {
            path: path.to_owned(),
            source: io::ErrorKind::PermissionDenied.into(),
        });
    }
    Ok(sqlite)
}

/// Looks whether the structure of the file is sound, as far as that goes without comparing
/// every entry of the sorted trees. Called where the last sync was killed: neither that nor
/// a power cut should harm the file, but a disk that lies about what it wrote can.
pub(super) fn quick_check(sqlite: &Sqlite, path: &Path) -> Result<(), StoreError> {
    let said = sqlite
        .query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        .map_err(|source| StoreError::from_sqlite(path, source))?;
    match said.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Corrupt {
            path: path.to_owned(),
            detail: said,
        }),
    }
}

/// Creates a store. The caller holds its lock.
pub(super) fn create(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let unwritable = |source| StoreError::Unwritable {
        path: path.to_owned(),
        source,
    };
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    // Only a creation that was killed leaves one, and the lock says that it is over.
    if let Err(error) = fs::remove_file(&draft)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(unwritable(error));
    }
    // Created here and not by SQLite, which would let everybody read it; its side files
    // take their mode from it.
    private_file::create_new(&draft).map_err(unwritable)?;
    let made = connect(&draft)
        .and_then(|mut sqlite| {
            schema::create(&mut sqlite, connection)
                .and_then(|()| sqlite.close().map_err(|(_, source)| source))
                .map_err(|source| StoreError::from_sqlite(path, source))
        })
        .and_then(|()| fs::rename(&draft, path).map_err(unwritable));
    if made.is_err() {
        let _ = fs::remove_file(&draft);
    }
    made
}

/// Refuses a store of another connection.
pub(super) fn refuse_another(
    path: &Path,
    owner: &Connection,
    now: &Connection,
) -> Result<(), StoreError> {
    if owner == now {
        return Ok(());
    }
    Err(StoreError::OtherConnection {
        path: path.to_owned(),
        differences: owner.differences(now),
    })
}

fn connect(path: &Path) -> Result<Sqlite, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Sqlite::open_with_flags(path, flags)
        .and_then(|sqlite| sqlite.busy_timeout(BUSY_TIMEOUT).map(|()| sqlite))
        .map_err(|source| StoreError::from_sqlite(path, source))
}

fn immutable(path: &Path) -> Option<(Sqlite, Connection)> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if Path::new(&log).exists() {
        return None;
    }
    let name = path
        .to_str()?
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let sqlite = Sqlite::open_with_flags(format!("file:{name}?immutable=1"), flags).ok()?;
    let owner = schema::identify(&sqlite, path).ok()?;
    Some((sqlite, owner))
}
