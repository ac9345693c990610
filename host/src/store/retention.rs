//! Which runs stay, and giving back the room of those that go.
//!
//! A run that goes is hidden first, in one step, so that nobody ever sees one with some
//! of its rows gone; a removal that was cut off is taken up by the next one.

use rusqlite::{Connection as Sqlite, OptionalExtension};

use super::reader::REMOVED;
use super::run::RunState;
use super::schema::row_range;
use super::{Store, StoreError, checkpoint};

/// Published runs that stay where nobody says otherwise: the current one and one to compare
/// it with.
pub const DEFAULT_KEEP: u32 = 2;

/// Others that stay: the newest one, for a look at what went wrong.
const OTHERS_KEPT: i64 = 1;

/// Rows that go in one transaction: some megabytes of log, and well under a second in
/// which nobody else can write.
const CHUNK: i64 = 20_000;

/// The next run reuses free pages, so they are kept up to this part of those in use: with
/// two runs kept, half of what is in use is what one run needs. Giving them back and
/// growing again would write the file anew with every run.
const FREE_KEPT_DIVISOR: i64 = 2;

/// Free bytes below which nothing is given back.
const FREE_KEPT_AT_LEAST: i64 = 4 * 1024 * 1024;

/// Remembers how many published runs stay. It is kept with the store and not with whoever
/// syncs: a sync that forgets to say it must not delete a year of snapshots.
pub(super) fn keep(store: &Store, runs: u32) -> Result<(), StoreError> {
    store.ask(|sqlite| {
        sqlite
            .execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES ('keep', ?1)",
                [runs.max(1).to_string()],
            )
            .map(drop)
    })
}

fn kept(sqlite: &Sqlite) -> rusqlite::Result<u32> {
    let stored: Option<String> = sqlite
        .query_row("SELECT value FROM meta WHERE key = 'keep'", [], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(stored
        .and_then(|text| text.parse().ok())
        .unwrap_or(DEFAULT_KEEP))
}

/// Removes the runs that need not be kept, and gives their room back. No run is open.
pub(super) fn apply(store: &Store) -> Result<(), StoreError> {
    store.ask(|sqlite| {
        let kept = kept(sqlite)?;
        sqlite.execute(
            &format!(
                "UPDATE run SET state = '{REMOVED}' WHERE number NOT IN (
                   SELECT number FROM (SELECT number FROM run WHERE state = ?1
                     ORDER BY number DESC LIMIT {kept})
                   UNION ALL
                   SELECT number FROM (SELECT number FROM run
                     WHERE state NOT IN (?1, '{REMOVED}')
                     ORDER BY number DESC LIMIT {OTHERS_KEPT}))"
            ),
            [RunState::Complete.as_str()],
        )?;
        let numbers = sqlite
            .prepare(&format!("SELECT number FROM run WHERE state = '{REMOVED}'"))?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<i64>>>()?;
        if numbers.is_empty() {
            return Ok(());
        }
        for number in numbers {
            remove_rows(sqlite, number)?;
            checkpoint::close(sqlite, number)?;
            sqlite.execute("DELETE FROM run WHERE number = ?1", [number])?;
        }
        give_back(sqlite)
    })
}

fn remove_rows(sqlite: &Sqlite, run: i64) -> rusqlite::Result<()> {
    let (first, end) = row_range(run);
    while sqlite.execute(
        &format!(
            "DELETE FROM resource WHERE row IN
             (SELECT row FROM resource WHERE row >= ?1 AND row < ?2 ORDER BY row LIMIT {CHUNK})"
        ),
        [first, end],
    )? > 0
    {}
    for (table, key) in [
        ("resource_key", "kind, id"),
        ("entitlement", "kind, id, slug"),
        ("grant", "kind, id, slug, principal_kind, principal_id"),
    ] {
        // Everything up to a key, as long as there is one so many rows on; then the rest.
        while sqlite.execute(
            &format!(
                "DELETE FROM {table} WHERE run = ?1 AND ({key}) <
                 (SELECT {key} FROM {table} WHERE run = ?1 ORDER BY {key} LIMIT 1 OFFSET {CHUNK})"
            ),
            [run],
        )? > 0
        {}
        sqlite.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [run])?;
    }
    Ok(())
}

fn give_back(sqlite: &Sqlite) -> rusqlite::Result<()> {
    let pragma = |name: &str| sqlite.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let free = pragma("freelist_count")?;
    let used = pragma("page_count")? - free;
    let at_least = FREE_KEPT_AT_LEAST / pragma("page_size")?.max(1);
    let excess = free - (used / FREE_KEPT_DIVISOR).max(at_least);
    if excess > 0 {
        // One page a row: it goes on only as long as it is asked.
        let mut statement = sqlite.prepare(&format!("PRAGMA incremental_vacuum({excess})"))?;
        let mut pages = statement.query([])?;
        while pages.next()?.is_some() {}
    }
    Ok(())
}
