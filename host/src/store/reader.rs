//! Reading a store: which runs it has, and which one is current.
//!
//! A reader sees one state of the store for as long as it is open, so that two passes
//! over the rows agree although a sync publishes or removes runs in the meantime.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use rusqlite::{Connection as Sqlite, OptionalExtension, Row};
use serde::de::DeserializeOwned;

use super::open::{self, Found};
use super::run::{Counts, Run, RunState};
use super::schema::{settle_into, settled_table};
use super::{Connection, StoreError, lock};

const RUN_COLUMNS: &str = "number, settled, sync_id, state, started_at, finished_at, \
     component_digest, component_version, scope, counts, counters, warnings, kinds";

/// The state in which a run waits for its rows to be removed. Nobody sees such a run.
pub(super) const REMOVED: &str = "removed";

/// An open store.
#[derive(Debug)]
pub struct Store {
    pub(super) sqlite: Sqlite,
    pub(super) path: PathBuf,
    connection: Connection,
    /// Nothing but this value writes, so runs that are not finished are its own.
    writable: bool,
    /// Whether a sync held the store when it was opened.
    synced: bool,
    /// The unsettled run whose keys were sorted into temporary tables.
    sorted: Cell<Option<i64>>,
}

impl Store {
    /// Opens an existing store for reading. Works while a sync writes to it, needs no
    /// connection and changes nothing.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let (path, found) = open::look(path)?;
        if found == Found::Nothing {
            return Err(StoreError::NoStore { path });
        }
        let (sqlite, connection) = open::to_read(&path)?;
        let synced = lock::is_held(&path);
        let store = Self {
            sqlite,
            path,
            connection,
            writable: false,
            synced,
            sorted: Cell::new(None),
        };
        // The first read after BEGIN fixes what is seen from here on.
        store.ask(|sqlite| {
            sqlite.execute_batch("BEGIN")?;
            sqlite.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))
        })?;
        Ok(store)
    }

    pub(super) fn writable(sqlite: Sqlite, path: PathBuf, connection: Connection) -> Self {
        Self {
            sqlite,
            path,
            connection,
            writable: true,
            synced: true,
            sorted: Cell::new(None),
        }
    }

    /// What it belongs to.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The newest published run.
    pub fn current_run(&self) -> Result<Option<Run>, StoreError> {
        self.find_run(
            "WHERE state = ?1 ORDER BY number DESC LIMIT 1",
            RunState::Complete.as_str(),
        )
    }

    /// The run that began last, whatever became of it.
    pub(super) fn newest_run(&self) -> Result<Option<Run>, StoreError> {
        self.find_run("WHERE state <> ?1 ORDER BY number DESC LIMIT 1", REMOVED)
    }

    /// How many rows the last published run had that knew a sort: a run that asked for less
    /// does not hide what was there before it.
    pub fn known_counts(&self) -> Result<Counts, StoreError> {
        let stored: Option<String> = self.ask(|sqlite| {
            sqlite
                .query_row("SELECT value FROM meta WHERE key = 'counts'", [], |row| {
                    row.get(0)
                })
                .optional()
        })?;
        if let Some(text) = stored {
            return self.parse(&text);
        }
        // A store in which nothing was published since it was carried forward.
        let mut known = Counts::default();
        for run in self.runs()? {
            if let (RunState::Complete, Some(counts)) = (run.state, &run.counts) {
                known.update(counts);
            }
        }
        Ok(known)
    }

    /// The run with this id.
    pub fn run(&self, sync_id: &str) -> Result<Option<Run>, StoreError> {
        self.find_run("WHERE sync_id = ?1", sync_id)
    }

    /// The run with this id or, without one, the current one; an error if there is none.
    pub fn require_run(&self, sync_id: Option<&str>) -> Result<Run, StoreError> {
        let path = self.path.clone();
        match sync_id {
            Some(sync_id) => self.run(sync_id)?.ok_or_else(|| StoreError::UnknownRun {
                path,
                sync_id: sync_id.to_owned(),
            }),
            None => match self.current_run()? {
                Some(run) => Ok(run),
                None => Err(StoreError::NoSnapshot {
                    path,
                    newest: self.runs()?.pop().map(|run| run.sync_id),
                }),
            },
        }
    }

    /// All runs in the order in which they began.
    pub fn runs(&self) -> Result<Vec<Run>, StoreError> {
        let stored = self.ask(|sqlite| {
            sqlite
                .prepare(&format!(
                    "SELECT {RUN_COLUMNS} FROM run WHERE state <> '{REMOVED}' ORDER BY number"
                ))?
                .query_map([], StoredRun::read)?
                .collect::<rusqlite::Result<Vec<_>>>()
        })?;
        stored.into_iter().map(|run| self.decode(run)).collect()
    }

    /// How many rows a run has.
    pub fn counts(&self, run: &Run) -> Result<Counts, StoreError> {
        match &run.counts {
            Some(counts) => Ok(counts.clone()),
            None => self.counted(run),
        }
    }

    /// Counts the rows of a run.
    pub(super) fn counted(&self, run: &Run) -> Result<Counts, StoreError> {
        let schema = self.settled_schema(run)?;
        self.ask(|sqlite| {
            let rows = |table: &str, number: i64| {
                sqlite
                    .query_row(
                        &format!("SELECT count(*) FROM {table} WHERE run = ?1"),
                        [number],
                        |row| row.get::<_, i64>(0),
                    )
                    .map(i64::unsigned_abs)
            };
            let mut of_kind = sqlite.prepare(&format!(
                "SELECT count(*) FROM {schema}.resource_key WHERE run = ?1 AND kind = ?2"
            ))?;
            let mut counts = Counts::default();
            for kind in run.kinds.iter().filter(|kind| run.scope.has_kind(&kind.id)) {
                let rows: i64 = of_kind.query_row((run.number, &kind.id), |row| row.get(0))?;
                counts
                    .resources
                    .push((kind.plural.clone(), rows.unsigned_abs()));
            }
            if run.scope.entitlements {
                counts.entitlements = Some(rows("entitlement", run.number)?);
            }
            if run.scope.grants {
                counts.grants = Some(rows("grant", run.number)?);
            }
            Ok(counts)
        })
    }

    /// The schema that holds the sorted keys of a run. Those of an unsettled one are
    /// sorted into this reader's own temporary tables, which the store never sees.
    pub(super) fn settled_schema(&self, run: &Run) -> Result<&'static str, StoreError> {
        if run.settled || self.writable && self.is_settled(run)? {
            return Ok("main");
        }
        if !self.writable && self.sorted.get() == Some(run.number) {
            return Ok("temp");
        }
        self.ask(|sqlite| {
            sqlite.pragma_update(None, "query_only", false)?;
            sqlite.execute_batch(&settled_table("temp"))?;
            settle_into(sqlite, "temp", run.number)?;
            sqlite.pragma_update(None, "query_only", !self.writable)
        })?;
        self.sorted.set(Some(run.number));
        Ok("temp")
    }

    /// Whether a run that is being written has been settled since it was looked at.
    fn is_settled(&self, run: &Run) -> Result<bool, StoreError> {
        self.ask(|sqlite| {
            sqlite.query_row(
                "SELECT settled FROM run WHERE number = ?1",
                [run.number],
                |row| row.get(0),
            )
        })
    }

    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&Sqlite) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        question(&self.sqlite).map_err(|source| StoreError::from_sqlite(&self.path, source))
    }

    pub(super) fn encode(&self, value: &impl serde::Serialize) -> Result<String, StoreError> {
        super::schema::to_json(value).map_err(|source| StoreError::from_sqlite(&self.path, source))
    }

    /// A member that does not read back was not written by us.
    pub(super) fn parse<T: DeserializeOwned>(&self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| StoreError::Corrupt {
            path: self.path.clone(),
            detail: format!("a stored object does not read back: {error}"),
        })
    }

    fn find_run(&self, condition: &str, value: &str) -> Result<Option<Run>, StoreError> {
        self.ask(|sqlite| {
            sqlite
                .query_row(
                    &format!(
                        "SELECT {RUN_COLUMNS} FROM (SELECT * FROM run WHERE state <> '{REMOVED}')
                         {condition}"
                    ),
                    [value],
                    StoredRun::read,
                )
                .optional()
        })?
        .map(|run| self.decode(run))
        .transpose()
    }

    fn decode(&self, stored: StoredRun) -> Result<Run, StoreError> {
        let state = RunState::from_stored(&stored.state).ok_or_else(|| StoreError::Corrupt {
            path: self.path.clone(),
            detail: format!("a run has the unknown state `{}`", stored.state),
        })?;
        // Asked before and after the run was seen: a sync that begins or ends in between
        // is not taken for a dead one.
        let abandoned = state == RunState::Running && !self.synced && !lock::is_held(&self.path);
        Ok(Run {
            number: stored.number,
            settled: stored.settled,
            sync_id: stored.sync_id,
            state: if abandoned {
                RunState::Interrupted
            } else {
                state
            },
            started_at: stored.started_at,
            finished_at: stored.finished_at,
            component_digest: stored.component_digest,
            component_version: stored.component_version,
            scope: self.parse(&stored.scope)?,
            counts: stored.counts.map(|text| self.parse(&text)).transpose()?,
            counters: self.parse(&stored.counters)?,
            warnings: self.parse(&stored.warnings)?,
            kinds: self.parse(&stored.kinds)?,
        })
    }
}

/// A row of `run`, its JSON not yet read.
struct StoredRun {
    number: i64,
    settled: bool,
    sync_id: String,
    state: String,
    started_at: String,
    finished_at: Option<String>,
    component_digest: String,
    component_version: String,
    scope: String,
    counts: Option<String>,
    counters: String,
    warnings: String,
    kinds: String,
}

impl StoredRun {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            settled: row.get("settled")?,
            sync_id: row.get("sync_id")?,
            state: row.get("state")?,
            started_at: row.get("started_at")?,
            finished_at: row.get("finished_at")?,
            component_digest: row.get("component_digest")?,
            component_version: row.get("component_version")?,
            scope: row.get("scope")?,
            counts: row.get("counts")?,
            counters: row.get("counters")?,
            warnings: row.get("warnings")?,
            kinds: row.get("kinds")?,
        })
    }
}
