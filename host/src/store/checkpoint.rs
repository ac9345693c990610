//! How far a run has got, so that another process can go on with it.
//!
//! A page, where its list goes on, and the lists that its rows bring are stored in one
//! transaction, often with other pages: whatever ends a sync, the store knows of a page
//! either all of that or nothing. What a list is, and what the note says, is the sync's own
//! business; here both are text.

use std::collections::BTreeMap;

use rusqlite::{Connection as Sqlite, OptionalExtension, Transaction, params};

use super::forget::{Forget, forget, unsettle};
use super::rows::held_by;
use super::run::{Run, RunStart, RunState};
use super::schema::{row_range, to_json};
use super::writer::{OpenRun, Page, SyncStore, open_run, write};
use super::{Store, StoreError};
use crate::model::{EntitlementId, ResourceId};

/// A list of a run, and how far it has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOfRun {
    /// The list.
    pub list: String,
    /// Whether it was read to its end.
    pub done: bool,
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
    /// The slice that its resources are in, if the list is one of several slices.
    pub slice: Option<&'a str>,
    /// Where it goes on; `None`: it is at its end.
    pub next: Option<&'a str>,
    /// With the first page: the keys of its rows.
    pub first_page: Option<&'a [u64]>,
    /// The lists that its rows bring.
    pub brought: &'a [String],
}

/// A run that ended before it was through, with all that it takes to go on.
#[derive(Clone, Debug)]
pub struct Resumable {
    /// The run.
    pub run: Run,
    /// The settings that it was begun with.
    pub settings: BTreeMap<String, String>,
    /// All lists that were begun.
    pub lists: Vec<ListOfRun>,
    /// How many resources of each kind were read, repeated ones included.
    pub rows: Vec<(String, u64)>,
    /// Resources that vanished while they were read.
    pub vanished: Vec<ResourceId>,
    /// What the sync noted last.
    pub note: String,
}

impl Store {
    /// The newest run, if it ended before it was through and can be gone on with.
    pub(super) fn resumable(&self) -> Result<Option<Resumable>, StoreError> {
        let newest = self.newest_run()?;
        let Some(run) = newest.filter(|run| run.state == RunState::Interrupted) else {
            return Ok(None);
        };
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
                    "SELECT list, done, cursor, coalesce(first_page, '[]') FROM list_of_run
                     WHERE run = ?1 ORDER BY list",
                )?
                .query_map([run.number], |row| {
                    let list = ListOfRun {
                        list: row.get(0)?,
                        done: row.get(1)?,
                        cursor: row.get(2)?,
                        first_page: Vec::new(),
                    };
                    Ok((list, row.get::<_, String>(3)?))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let lists = lists.into_iter().map(|(list, first_page)| {
            Ok::<_, StoreError>(ListOfRun {
                first_page: self.parse(&first_page)?,
                ..list
            })
        });
        let (first, end) = row_range(run.number);
        let rows = self.ask(|sqlite| {
            sqlite
                .prepare(
                    "SELECT kind, count(*) FROM resource WHERE row >= ?1 AND row < ?2
                     GROUP BY kind ORDER BY kind",
                )?
                .query_map([first, end], |row| {
                    Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        })?;
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
            rows,
            vanished,
            note,
            run,
        }))
    }
}

impl SyncStore {
    /// The newest run, if it ended before it was through and can be gone on with.
    pub fn resumable(&self) -> Result<Option<Resumable>, StoreError> {
        self.store.resumable()
    }

    /// Goes on with a run that [`SyncStore::resumable`] has found.
    pub fn resume_run(&mut self, run: &Run) -> Result<Run, StoreError> {
        let path = &self.store.path;
        let open = resume(&mut self.store.sqlite, run.number)
            .map_err(|source| StoreError::from_sqlite(path, source))?;
        self.open = Some(open);
        self.known = None;
        self.store.require_run(Some(&run.sync_id))
    }

    /// Stores pages and moves their lists on: all of it or nothing. `note` is what the sync
    /// wants to know again.
    pub fn store_pages<'a>(
        &mut self,
        run: &Run,
        pages: impl IntoIterator<Item = (&'a Page, Step<'a>)>,
        note: &str,
    ) -> Result<(), StoreError> {
        self.change(run, |transaction, open| {
            for (page, step) in pages {
                *open = write(transaction, open, page, step.slice)?;
                take(transaction, open.number, &step)?;
            }
            transaction
                .prepare_cached("UPDATE open_run SET repeated = ?2, note = ?3 WHERE run = ?1")?
                .execute(params![open.number, open.repeated.cast_signed(), note])
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
                "UPDATE list_of_run SET done = 0, cursor = NULL, first_page = NULL
                 WHERE run = ?1 AND list = ?2",
                params![open.number, list],
            )?;
            set_note(transaction, open.number, note)
        })
    }

    /// Puts one list of resources of a kind in the place of its slices and of whatever else
    /// has brought resources of this kind: all of these go.
    pub fn replace_slices(
        &mut self,
        run: &Run,
        kind: &str,
        slices: &[String],
        whole: &str,
        note: &str,
    ) -> Result<(), StoreError> {
        let rows = Forget::Resources {
            kind,
            parent: None,
            slice: None,
        };
        self.change(run, |transaction, open| {
            forget(transaction, open, "[]", &rows)?;
            for list in slices {
                transaction.execute(
                    "DELETE FROM list_of_run WHERE run = ?1 AND list = ?2",
                    params![open.number, list],
                )?;
            }
            add(transaction, open.number, &[whole.to_owned()])?;
            set_note(transaction, open.number, note)
        })
    }

    /// A resource that came in two slices, which can't be. The run has to be settled.
    pub fn in_two_slices(&self, run: &Run) -> Result<Option<ResourceId>, StoreError> {
        let (first, end) = row_range(run.number);
        self.store.ask(|sqlite| {
            sqlite
                .query_row(
                    "SELECT other.kind, other.id FROM resource other
                     JOIN resource_key key ON key.run = ?1 AND key.kind = other.kind
                       AND key.id = other.id
                     JOIN resource kept ON kept.row = key.row
                     WHERE other.row >= ?2 AND other.row < ?3 AND other.slice <> kept.slice
                     LIMIT 1",
                    [run.number, first, end],
                    |row| {
                        Ok(ResourceId {
                            kind: row.get(0)?,
                            id: row.get(1)?,
                        })
                    },
                )
                .optional()
        })
    }

    /// Notes that a resource does not exist any more, and ends the lists of what belongs to
    /// it. Its rows go with [`SyncStore::forget_vanished`].
    pub fn vanish(
        &mut self,
        run: &Run,
        resource: &ResourceId,
        lists: &[String],
    ) -> Result<(), StoreError> {
        self.change(run, |transaction, open| {
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

    /// Takes back all resources that have vanished and what they hold, in one pass over the
    /// rows: finding a single one takes as long.
    pub fn forget_vanished(&mut self, run: &Run) -> Result<(), StoreError> {
        self.change(run, |transaction, open| {
            unsettle(transaction, open)?;
            let (first, end) = row_range(open.number);
            let removed = transaction.execute(
                "DELETE FROM resource WHERE row >= ?2 AND row < ?3
                 AND (kind, id) IN (SELECT kind, id FROM vanished WHERE run = ?1)",
                [open.number, first, end],
            )?;
            open.resources -= removed as u64;
            transaction
                .execute(
                    "DELETE FROM grant WHERE run = ?1 AND (principal_kind, principal_id) IN
                       (SELECT kind, id FROM vanished WHERE run = ?1)",
                    [open.number],
                )
                .map(drop)
        })
    }

    /// Takes back the grants that a principal holds, since it does not exist, and ends the
    /// list that has told so. `note` gets how many there were.
    pub fn drop_principal(
        &mut self,
        run: &Run,
        principal: &ResourceId,
        list: &str,
        note: impl FnOnce(usize) -> String,
    ) -> Result<(), StoreError> {
        self.change(run, |transaction, open| {
            unsettle(transaction, open)?;
            let held = held_by(transaction, open.number, principal)?;
            let mut grant = transaction.prepare_cached(
                "DELETE FROM grant WHERE run = ?1 AND kind = ?2 AND id = ?3 AND slug = ?4
                 AND principal_kind = ?5 AND principal_id = ?6",
            )?;
            for EntitlementId { resource, slug } in &held {
                let (on, by) = (resource, principal);
                grant.execute(params![open.number, on.kind, on.id, slug, by.kind, by.id])?;
            }
            end_list(transaction, open.number, list)?;
            set_note(transaction, open.number, &note(held.len()))
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
        if !open.settled {
            self.known = None;
        }
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
    for table in ["open_run", "list_of_run", "vanished"] {
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
        "SELECT repeated, orphans, may_have_orphans FROM open_run WHERE run = ?1",
        [run],
        |row| {
            Ok(OpenRun {
                number: run,
                next_row: last.map_or(first, |last| last + 1),
                resources: rows.unsigned_abs(),
                repeated: row.get::<_, i64>(0)?.unsigned_abs(),
                orphans: row.get::<_, i64>(1)?.unsigned_abs(),
                settled: false,
                may_have_orphans: row.get(2)?,
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
        sqlite.prepare_cached("INSERT OR IGNORE INTO list_of_run (run, list) VALUES (?1, ?2)")?;
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
            "INSERT INTO list_of_run (run, list, cursor, first_page) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET done = 0, cursor = excluded.cursor,
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
        .prepare_cached(
            "INSERT INTO list_of_run (run, list, done) VALUES (?1, ?2, 1)
             ON CONFLICT DO UPDATE SET done = 1, cursor = NULL, first_page = NULL",
        )?
        .execute(params![run, list])
        .map(drop)
}

pub(super) fn set_note(sqlite: &Sqlite, run: i64, note: &str) -> rusqlite::Result<()> {
    sqlite
        .execute(
            "UPDATE open_run SET note = ?2 WHERE run = ?1",
            params![run, note],
        )
        .map(drop)
}
