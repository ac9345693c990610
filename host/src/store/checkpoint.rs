//! How far a run has got, so that another process can go on with it.
//!
//! A page, where its list goes on, and the lists that its rows bring are stored in one
//! transaction: whatever ends a sync, the store knows of a page either all of that or
//! nothing. What a list is, and what the note says, is the sync's own business; here both
//! are text.

use std::collections::BTreeMap;

use rusqlite::{Connection as Sqlite, OptionalExtension, Transaction, params};

use super::forget::{Forget, forget};
use super::run::{Run, RunStart, RunState};
use super::schema::{row_range, to_json};
use super::writer::{OpenRun, Page, SyncStore, open_run, write};
use super::{Store, StoreError};
use crate::model::ResourceId;

/// A list that is not at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenList {
    /// The list.
    pub list: String,
    /// Where it goes on; `None`: at its start.
    pub cursor: Option<String>,
    /// Keys of the rows of its first page, by which a list that starts over is known.
    pub first_page: Vec<u64>,
}

/// How a page moves its run on.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The list that the page is of.
    pub list: &'a str,
    /// Where it goes on; `None`: it is at its end.
    pub next: Option<&'a str>,
    /// With the first page: the keys of its rows.
    pub first_page: Option<&'a [u64]>,
    /// The lists that its rows bring.
    pub brought: &'a [String],
    /// What the sync wants to know again.
    pub note: &'a str,
}

/// A run that ended before it was through, with all that it takes to go on.
#[derive(Clone, Debug)]
pub struct Resumable {
    /// The run.
    pub run: Run,
    /// The settings that it was begun with.
    pub settings: BTreeMap<String, String>,
    /// The lists that are not at their end.
    pub lists: Vec<OpenList>,
    /// Resources that vanished while they were read.
    pub vanished: Vec<ResourceId>,
    /// What the sync noted last.
    pub note: String,
}

impl Store {
    /// The newest run, if it ended before it was through and can be gone on with. A run of
    /// a store of version 1 can't.
    pub fn resumable(&self) -> Result<Option<Resumable>, StoreError> {
        let Some(run) = self.runs()?.pop() else {
            return Ok(None);
        };
        if run.state != RunState::Interrupted || self.version()? < 2 {
            return Ok(None);
        }
        let open = self.ask(|sqlite| {
            sqlite
                .query_row(
                    "SELECT settings, note FROM open_run WHERE run = ?1",
                    [run.number],
                    |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
                )
                .optional()
        })?;
        let Some((settings, note)) = open else {
            return Ok(None);
        };
        let lists = self.ask(|sqlite| {
            sqlite
                .prepare(
                    "SELECT list, cursor, first_page FROM open_list WHERE run = ?1 ORDER BY list",
                )?
                .query_map([run.number], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect::<rusqlite::Result<Vec<(String, Option<String>, Option<String>)>>>()
        })?;
        let lists = lists.into_iter().map(|(list, cursor, first_page)| {
            let first_page = first_page.map(|text| self.parse(&text)).transpose()?;
            Ok::<_, StoreError>(OpenList {
                list,
                cursor,
                first_page: first_page.unwrap_or_default(),
            })
        });
        let vanished = self.ask(|sqlite| {
            sqlite
                .prepare("SELECT kind, id FROM vanished WHERE run = ?1 ORDER BY kind, id")?
                .query_map([run.number], |row| {
                    Ok(ResourceId {
                        kind: row.get(0)?,
                        id: row.get(1)?,
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(Some(Resumable {
            settings: self.parse(&settings)?,
            lists: lists.collect::<Result<_, _>>()?,
            vanished,
            note,
            run,
        }))
    }

    /// Hands the id of each resource of a kind that an open run has to `visit`, in the
    /// order in which they came.
    pub fn each_stored_id(
        &self,
        run: &Run,
        kind: &str,
        mut visit: impl FnMut(ResourceId),
    ) -> Result<(), StoreError> {
        let (first, end) = row_range(run.number);
        self.ask(|sqlite| {
            let mut statement = sqlite.prepare(
                "SELECT id FROM resource WHERE row >= ?1 AND row < ?2 AND kind = ?3 ORDER BY row",
            )?;
            let mut rows = statement.query(params![first, end, kind])?;
            while let Some(row) = rows.next()? {
                visit(ResourceId::new(kind, row.get::<_, String>(0)?));
            }
            Ok(())
        })
    }

    fn version(&self) -> Result<i64, StoreError> {
        self.ask(|sqlite| sqlite.pragma_query_value(None, "user_version", |row| row.get(0)))
    }
}

impl SyncStore {
    /// Goes on with a run that [`Store::resumable`] has found in this store.
    pub fn resume_run(&mut self, run: &Run) -> Result<Run, StoreError> {
        let path = &self.store.path;
        let open = resume(&mut self.store.sqlite, run.number)
            .map_err(|source| StoreError::from_sqlite(path, source))?;
        self.open = Some(open);
        self.store.require_run(Some(&run.sync_id))
    }

    /// Stores one page and moves its list on: all of it or nothing.
    pub fn store_page(
        &mut self,
        run: &Run,
        page: &Page,
        step: &Step<'_>,
    ) -> Result<(), StoreError> {
        self.change(run, |transaction, open| {
            *open = write(transaction, open, page)?;
            take(transaction, open.number, step)?;
            transaction
                .prepare_cached("UPDATE open_run SET repeated = ?2, note = ?3 WHERE run = ?1")?
                .execute(params![open.number, open.repeated.cast_signed(), step.note])
                .map(drop)
        })
    }

    /// Adds lists that no page has brought.
    pub fn open_lists(&mut self, run: &Run, lists: &[String]) -> Result<(), StoreError> {
        self.change(run, |transaction, open| {
            add(transaction, open.number, lists)
        })
    }

    /// Begins a list again: what it has brought goes, since what an abandoned pass has seen
    /// may not be there any more.
    pub fn restart(
        &mut self,
        run: &Run,
        list: &str,
        rows: &Forget<'_>,
        note: &str,
    ) -> Result<(), StoreError> {
        let told = self.told(run)?;
        self.change(run, |transaction, open| {
            forget(transaction, open, &told, rows)?;
            transaction.execute(
                "UPDATE open_list SET cursor = NULL, first_page = NULL WHERE run = ?1 AND list = ?2",
                params![open.number, list],
            )?;
            set_note(transaction, open.number, note)
        })
    }

    /// Takes back a resource that does not exist any more, and the lists of what belongs
    /// to it.
    pub fn vanish(
        &mut self,
        run: &Run,
        resource: &ResourceId,
        lists: &[String],
    ) -> Result<(), StoreError> {
        let told = self.told(run)?;
        self.change(run, |transaction, open| {
            forget(transaction, open, &told, &Forget::Resource(resource))?;
            for list in lists {
                end_list(transaction, open.number, list)?;
            }
            transaction
                .execute(
                    "INSERT OR IGNORE INTO vanished (run, kind, id) VALUES (?1, ?2, ?3)",
                    params![open.number, resource.kind, resource.id],
                )
                .map(drop)
        })
    }

    /// Takes back the grants of a principal that does not exist, and ends the list that has
    /// told so. Returns how many grants there were.
    pub fn drop_principal(
        &mut self,
        run: &Run,
        principal: &ResourceId,
        list: &str,
        note: impl FnOnce(usize) -> String,
    ) -> Result<(), StoreError> {
        let told = self.told(run)?;
        self.change(run, |transaction, open| {
            let grants = forget(transaction, open, &told, &Forget::GrantsOf(principal))?;
            end_list(transaction, open.number, list)?;
            set_note(transaction, open.number, &note(grants))
        })
    }

    /// Changes an open run in one transaction. What memory knows of it follows only when
    /// that is through.
    pub(super) fn change<T>(
        &mut self,
        run: &Run,
        change: impl FnOnce(&Transaction<'_>, &mut OpenRun) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let open = open_run(&mut self.open, &self.store, run)?;
        let path = &self.store.path;
        let mut changed = *open;
        let sqlite = &mut self.store.sqlite;
        let done = sqlite.transaction().and_then(|transaction| {
            let done = change(&transaction, &mut changed)?;
            transaction.commit().map(|()| done)
        });
        let done = done.map_err(|source| StoreError::from_sqlite(path, source))?;
        *open = changed;
        Ok(done)
    }
}

/// Notes that a run is open.
pub(super) fn open(sqlite: &Sqlite, run: i64, start: &RunStart) -> rusqlite::Result<()> {
    sqlite.execute(
        "INSERT INTO open_run (run, settings) VALUES (?1, ?2)",
        params![run, to_json(&start.settings)?],
    )?;
    add(sqlite, run, &start.lists)
}

/// Forgets what only an open run needs.
pub(super) fn close(sqlite: &Sqlite, run: i64) -> rusqlite::Result<()> {
    for table in ["open_run", "open_list", "vanished"] {
        sqlite.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [run])?;
    }
    Ok(())
}

fn resume(sqlite: &mut Sqlite, run: i64) -> rusqlite::Result<OpenRun> {
    let transaction = sqlite.transaction()?;
    let (first, end) = row_range(run);
    let (rows, last) = transaction.query_row(
        "SELECT count(*), max(row) FROM resource WHERE row >= ?1 AND row < ?2",
        [first, end],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)),
    )?;
    let open = transaction.query_row(
        "SELECT repeated, may_have_orphans FROM open_run WHERE run = ?1",
        [run],
        |row| {
            Ok(OpenRun {
                number: run,
                next_row: last.map_or(first, |last| last + 1),
                resources: rows.unsigned_abs(),
                repeated: row.get::<_, i64>(0)?.unsigned_abs(),
                orphans: 0,
                settled: false,
                may_have_orphans: row.get(1)?,
            })
        },
    )?;
    transaction.execute(
        "UPDATE run SET state = ?2, settled = 0, finished_at = NULL WHERE number = ?1",
        params![run, RunState::Running.as_str()],
    )?;
    transaction.commit()?;
    Ok(open)
}

fn add(sqlite: &Sqlite, run: i64, lists: &[String]) -> rusqlite::Result<()> {
    let mut statement =
        sqlite.prepare_cached("INSERT OR IGNORE INTO open_list (run, list) VALUES (?1, ?2)")?;
    for list in lists {
        statement.execute(params![run, list])?;
    }
    Ok(())
}

fn take(sqlite: &Sqlite, run: i64, step: &Step<'_>) -> rusqlite::Result<()> {
    add(sqlite, run, step.brought)?;
    let Some(next) = step.next else {
        return end_list(sqlite, run, step.list);
    };
    sqlite
        .prepare_cached(
            "INSERT INTO open_list (run, list, cursor, first_page) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET cursor = excluded.cursor,
               first_page = coalesce(excluded.first_page, first_page)",
        )?
        .execute(params![
            run,
            step.list,
            next,
            step.first_page.map(|rows| to_json(&rows)).transpose()?
        ])
        .map(drop)
}

fn end_list(sqlite: &Sqlite, run: i64, list: &str) -> rusqlite::Result<()> {
    sqlite
        .prepare_cached("DELETE FROM open_list WHERE run = ?1 AND list = ?2")?
        .execute(params![run, list])
        .map(drop)
}

fn set_note(sqlite: &Sqlite, run: i64, note: &str) -> rusqlite::Result<()> {
    sqlite
        .execute(
            "UPDATE open_run SET note = ?2 WHERE run = ?1",
            params![run, note],
        )
        .map(drop)
}
