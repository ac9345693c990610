//! The tables, and how a file is recognised as a store.
//!
//! Rows carry no reference to their run that SQLite checks: it would cost one look-up a
//! row, and only [`super::SyncStore`] writes them.

use std::path::Path;

use rusqlite::Connection as Sqlite;

use super::{Connection, StoreError};

/// The version of the tables below. Version 1 could not go on with an interrupted run: it
/// lacks the tables of [`OPEN_TABLES`]. Version 2 did not know in which slice of a list a
/// resource came. Version 3 had the grants a second time, sorted by who holds them: writing
/// that took a fifth of a fast sync, and what one principal holds is found without it.
pub const SCHEMA_VERSION: i64 = 4;

/// `IDCS`: marks the file as a store, for us and for file(1).
pub(super) const APPLICATION_ID: i64 = 0x4944_4353;

/// Bytes of a page of the file. SQLite's own choice is 4096, with which a page of users is
/// a dozen pages of the file, each written by two calls of the system into the log and by
/// one more into the file. A store that is there already keeps the size that it has.
const PAGE_SIZE: i64 = 16 * 1024;

/// A run's resources are one range of row numbers, the run's number being the upper
/// part: they are found and deleted as a range, without an index. 2^40 rows a run and
/// 2^23 runs fit.
const ROW_BITS: u32 = 40;

/// The first row number of a run, and the first one after it.
pub(super) fn row_range(run: i64) -> (i64, i64) {
    (run << ROW_BITS, (run + 1) << ROW_BITS)
}

/// `resource_key` is written once, sorted, when a run is settled. `extra` holds what few
/// grants have, so that the others need no body.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE run (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  sync_id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  settled INTEGER NOT NULL DEFAULT 0,
  component_digest TEXT NOT NULL,
  component_version TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  kinds TEXT NOT NULL,
  scope TEXT NOT NULL,
  counts TEXT,
  counters TEXT NOT NULL DEFAULT '{}',
  warnings TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE TABLE resource (
  row INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
  slice TEXT
) STRICT;
CREATE TABLE entitlement (
  run INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, slug TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run, kind, id, slug)
) WITHOUT ROWID, STRICT;
CREATE TABLE grant (
  run INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, slug TEXT NOT NULL,
  principal_kind TEXT NOT NULL, principal_id TEXT NOT NULL, extra TEXT,
  PRIMARY KEY (run, kind, id, slug, principal_kind, principal_id)
) WITHOUT ROWID, STRICT;
";

/// What a run that has not ended needs to be gone on with: its lists and how far each has
/// been read, what vanished meanwhile, and what is known about its rows and to the sync
/// itself. A list that is done stays, so that what brings it again does not begin it again.
const OPEN_TABLES: &str = "
CREATE TABLE open_run (
  run INTEGER PRIMARY KEY, settings TEXT NOT NULL, repeated INTEGER NOT NULL DEFAULT 0,
  orphans INTEGER NOT NULL DEFAULT 0, may_have_orphans INTEGER NOT NULL DEFAULT 0,
  note TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE list_of_run (
  run INTEGER NOT NULL, list TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0, cursor TEXT,
  first_page TEXT, PRIMARY KEY (run, list)
) WITHOUT ROWID, STRICT;
CREATE TABLE vanished (
  run INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
  PRIMARY KEY (run, kind, id)
) WITHOUT ROWID, STRICT;
";

/// Carries a store of an older version forward: all of it or nothing.
pub(super) fn migrate(sqlite: &mut Sqlite) -> rusqlite::Result<()> {
    let transaction = sqlite.transaction()?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < 2 {
        transaction.execute_batch(OPEN_TABLES)?;
    }
    if version < 3 {
        transaction.execute_batch("ALTER TABLE resource ADD COLUMN slice TEXT")?;
    }
    if version < 4 {
        transaction.execute_batch("DROP TABLE IF EXISTS grant_of_principal")?;
    }
    if version < SCHEMA_VERSION {
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()
}

/// The table that settling fills, in the schema `main` or, for a reader, `temp`.
pub(super) fn settled_table(schema: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {schema}.resource_key (
           run INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, row INTEGER NOT NULL,
           PRIMARY KEY (run, kind, id)
         ) WITHOUT ROWID, STRICT;"
    )
}

/// Sorts the keys of a run into `schema`; the last one of equal keys wins. Returns how
/// many resources there are.
pub(super) fn settle_into(sqlite: &Sqlite, schema: &str, run: i64) -> rusqlite::Result<usize> {
    let (first, end) = row_range(run);
    sqlite.execute(
        &format!("DELETE FROM {schema}.resource_key WHERE run = ?1"),
        [run],
    )?;
    sqlite.execute(
        &format!(
            "INSERT INTO {schema}.resource_key (run, kind, id, row)
             SELECT ?1, kind, id, max(row) FROM main.resource
             WHERE row >= ?2 AND row < ?3 GROUP BY kind, id ORDER BY kind, id"
        ),
        [run, first, end],
    )
}

/// Fills an empty database.
pub(super) fn create(sqlite: &mut Sqlite, connection: &Connection) -> rusqlite::Result<()> {
    // All three must be set before the first table is there.
    sqlite.pragma_update(None, "page_size", PAGE_SIZE)?;
    sqlite.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;")?;
    let transaction = sqlite.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(OPEN_TABLES)?;
    transaction.execute_batch(&settled_table("main"))?;
    transaction.execute(
        "INSERT INTO meta (key, value) VALUES ('connection', ?1)",
        [to_json(connection)?],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

/// Makes sure that the database is a store that we understand, and says whose.
pub(super) fn identify(sqlite: &Sqlite, path: &Path) -> Result<Connection, StoreError> {
    let pragma = |name: &str| {
        sqlite
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|source| StoreError::from_sqlite(path, source))
    };
    if pragma("application_id")? != APPLICATION_ID {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    }
    let corrupt = |detail: String| StoreError::Corrupt {
        path: path.to_owned(),
        detail,
    };
    match pragma("user_version")? {
        1..=SCHEMA_VERSION => {}
        found if found > SCHEMA_VERSION => {
            return Err(StoreError::Newer {
                path: path.to_owned(),
                found,
                known: SCHEMA_VERSION,
            });
        }
        found => return Err(corrupt(format!("schema version {found} never existed"))),
    }
    let text: String = sqlite
        .query_row(
            "SELECT value FROM meta WHERE key = 'connection'",
            [],
            |row| row.get(0),
        )
        .map_err(|source| match source {
            rusqlite::Error::QueryReturnedNoRows => {
                corrupt("it does not say whose it is".to_owned())
            }
            source => StoreError::from_sqlite(path, source),
        })?;
    serde_json::from_str(&text).map_err(|_| corrupt("it does not say whose it is".to_owned()))
}

/// JSON text of a value, with a failure in the terms of the database call it is for.
pub(super) fn to_json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}
