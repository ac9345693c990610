//! Writing a store: one run at a time, invisible until it is published.

use std::path::Path;

use rusqlite::{Connection as Sqlite, params};

use super::lock::SyncLock;
use super::open::{self, Found};
use super::rows::Extra;
use super::run::{Counts, Run, RunEnd, RunStart, RunState, id_stem};
use super::schema::{self, row_range, settle_into, to_json};
use super::{Connection, References, Store, StoreError, Twin, checkpoint, retention};
use crate::model::{Attributes, Entitlement, Grant, Resource, ResourceId, timestamp};

/// The log is folded into the file when it has this many bytes: each time costs two waits
/// for the disk, and at SQLite's default of 4 MB these took a third of the time of a fast
/// sync.
const CHECKPOINT_BYTES: i64 = 32 * 1024 * 1024;

/// Page cache in KiB, and what is sorted in memory at a time: the inner pages of the trees
/// of a million rows fit, and a pool of 100,000 users fills it as well.
const CACHE_KIB: i64 = 8 * 1024;

/// What one call of the component brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Resources of any kinds.
    pub resources: Vec<Resource>,
    /// Entitlements of any resources.
    pub entitlements: Vec<Entitlement>,
    /// Grants of any entitlements.
    pub grants: Vec<Grant>,
}

impl Page {
    /// Roughly how many bytes of memory its rows take.
    pub fn weight(&self) -> usize {
        // A row without the texts that may be long.
        const ROW: usize = 500;
        let attributes = |attributes: &Attributes| {
            let texts = attributes.0.iter();
            let texts = texts.map(|(name, value)| name.len() + value.weight());
            ROW + texts.sum::<usize>()
        };
        let id = |id: &ResourceId| id.kind.len() + id.id.len();
        let named = |name: &String, description: &Option<String>| {
            name.len() + description.as_ref().map_or(0, String::len)
        };
        let resources = self.resources.iter().map(|row| {
            id(&row.id) + named(&row.display_name, &row.description) + attributes(&row.attributes)
        });
        let entitlements = self.entitlements.iter().map(|row| {
            let on = id(&row.id.resource);
            on + named(&row.display_name, &row.description) + attributes(&row.attributes)
        });
        let grants = self.grants.iter().map(|row| {
            id(&row.entitlement.resource) + id(&row.principal) + attributes(&row.attributes)
        });
        resources.chain(entitlements).chain(grants).sum()
    }
}

/// What a run has, once it is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Its rows.
    pub counts: Counts,
    /// Rows that came more than once and are counted once.
    pub repeated: u64,
    /// Rows that were dropped because the resource that they belong to was taken back.
    pub orphans: u64,
    /// Ids that came with different moments of creation, the first few of them.
    pub twins: Vec<Twin>,
}

/// A store that one sync holds.
#[derive(Debug)]
pub struct SyncStore {
    pub(super) store: Store,
    pub(super) open: Option<OpenRun>,
    /// What is known of the open run since it was settled, as long as nothing changes it:
    /// finding it out takes passes over all rows.
    pub(super) known: Option<Known>,
    /// Dropped last: the store is closed before another sync may have it.
    lock: SyncLock,
}

/// What settling a run has shown.
#[derive(Debug)]
pub(super) struct Known {
    settled: Settled,
    /// With how many principals were asked for by name.
    references: Option<(usize, References)>,
}

/// What is known of the run that is being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenRun {
    pub(super) number: i64,
    pub(super) next_row: i64,
    /// Rows of resources, those that came more than once included.
    pub(super) resources: u64,
    /// Entitlements and grants that came more than once.
    pub(super) repeated: u64,
    /// Rows that settling has removed.
    pub(super) orphans: u64,
    pub(super) settled: bool,
    /// Whether something was taken back that other rows may belong to.
    pub(super) may_have_orphans: bool,
}

impl SyncStore {
    /// Opens the store at `path` for a sync of `connection`, or creates it. What is
    /// refused is left as it was.
    pub fn open(path: &Path, connection: &Connection) -> Result<Self, StoreError> {
        let (path, found) = open::look(path)?;
        if found == Found::File {
            // Before the lock, whose file would be a trace.
            let (_, owner) = open::to_read(&path)?;
            open::refuse_another(&path, &owner, connection)?;
        }
        let mut lock = SyncLock::acquire(&path)?;
        if open::look(&path)?.1 == Found::Nothing {
            open::create(&path, connection)?;
        }
        lock.hold(&path)?;
        let mut sqlite = open::to_write(&path, connection)?;
        let failed = |source| StoreError::from_sqlite(&path, source);
        if lock.was_abandoned() || has_running_run(&sqlite).map_err(failed)? {
            // What it leaves behind makes the next sync look too.
            open::quick_check(&sqlite, &path).inspect_err(|_| lock.leave_behind())?;
        }
        schema::migrate(&mut sqlite).map_err(failed)?;
        let store = Store::writable(sqlite, path, connection.clone());
        store.ask(|sqlite| {
            tune(sqlite)?;
            // The lock is ours, so whoever left a run open is gone.
            sqlite.execute(
                "UPDATE run SET state = ?1 WHERE state = ?2",
                [RunState::Interrupted.as_str(), RunState::Running.as_str()],
            )
        })?;
        retention::apply(&store)?;
        Ok(Self {
            store,
            open: None,
            known: None,
            lock,
        })
    }

    /// Keeps so many published runs from now on, the current one included; at least one.
    pub fn keep(&self, runs: u32) -> Result<(), StoreError> {
        retention::keep(&self.store, runs)
    }

    /// The store as this sync sees it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Begins a run. It is not current before it ends as complete.
    pub fn begin_run(&mut self, start: &RunStart) -> Result<Run, StoreError> {
        let path = &self.store.path;
        let (number, sync_id) = begin(&mut self.store.sqlite, start)
            .map_err(|source| StoreError::from_sqlite(path, source))?;
        self.open = Some(OpenRun {
            number,
            next_row: row_range(number).0,
            resources: 0,
            repeated: 0,
            orphans: 0,
            settled: false,
            may_have_orphans: false,
        });
        self.known = None;
        self.store.require_run(Some(&sync_id))
    }

    /// Puts the rows of an open run in order, so that they can be counted, judged and
    /// read. More pages may follow; then it is settled anew.
    pub fn settle(&mut self, run: &Run) -> Result<Settled, StoreError> {
        self.known(run).map(|known| known.settled.clone())
    }

    /// What the grants of an open run refer to, with the first `most` principals that are
    /// not there. Settles the run.
    pub fn references(&mut self, run: &Run, most: usize) -> Result<References, StoreError> {
        match &self.known(run)?.references {
            Some((named, known)) if *named >= most => return Ok(known.clone()),
            _ => {}
        }
        let found = self.store.references(run, most)?;
        if let Some(known) = &mut self.known {
            known.references = Some((most, found.clone()));
        }
        Ok(found)
    }

    fn known(&mut self, run: &Run) -> Result<&Known, StoreError> {
        let known = match self.known.take() {
            Some(known) => known,
            None => Known {
                settled: self.settle_anew(run)?,
                references: None,
            },
        };
        Ok(self.known.insert(known))
    }

    fn settle_anew(&mut self, run: &Run) -> Result<Settled, StoreError> {
        let kinds = self.store.encode(&run.scope.kinds)?;
        let keys = self.change(run, |transaction, open| settle(transaction, open, &kinds))?;
        let open = *open_run(&mut self.open, &self.store, run)?;
        let settled = self.store.require_run(Some(&run.sync_id))?;
        // Looking for them takes long, and nearly always nothing came twice.
        let twins = if open.resources > keys {
            self.store.twins(&settled, row_range(run.number))?
        } else {
            Vec::new()
        };
        Ok(Settled {
            counts: self.store.counted(&settled)?,
            repeated: open.repeated + open.resources - keys,
            orphans: open.orphans,
            twins,
        })
    }

    /// Ends a run; one that ends as complete is current from then on. Then removes the
    /// runs that need not be kept.
    pub fn finish_run(&mut self, run: &Run, end: &RunEnd) -> Result<Run, StoreError> {
        // Who interrupts a sync should not wait; a reader sorts such a run for itself.
        let counts = match end.state {
            RunState::Interrupted => None,
            _ => Some(self.settle(run)?.counts),
        };
        if !self.lock.still_holds() {
            return Err(StoreError::Replaced {
                path: self.store.path.clone(),
            });
        }
        let mut known = self.store.known_counts()?;
        self.change(run, |transaction, _| {
            match end.state {
                RunState::Interrupted => {
                    checkpoint::set_note(transaction, run.number, &end.note)?;
                }
                _ => checkpoint::close(transaction, run.number)?,
            }
            if let (RunState::Complete, Some(counts)) = (end.state, &counts) {
                known.update(counts);
                transaction.execute(
                    "INSERT OR REPLACE INTO meta (key, value) VALUES ('counts', ?1)",
                    [to_json(&known)?],
                )?;
            }
            transaction.execute(
                "UPDATE run SET state = ?2, finished_at = ?3, counts = ?4, counters = ?5,
                   warnings = ?6 WHERE number = ?1",
                params![
                    run.number,
                    end.state.as_str(),
                    timestamp(end.finished_at),
                    counts.as_ref().map(to_json).transpose()?,
                    to_json(&end.counters)?,
                    to_json(&end.warnings)?,
                ],
            )
        })?;
        self.open = None;
        self.known = None;
        // Who interrupts a sync should not wait, and what was published stays so: the next
        // sync removes what this one could not.
        if end.state != RunState::Interrupted
            && let Err(error) = retention::apply(&self.store)
        {
            tracing::warn!(%error, "old runs could not be removed");
        }
        self.store.require_run(Some(&run.sync_id))
    }
}

pub(super) fn open_run<'a>(
    open: &'a mut Option<OpenRun>,
    store: &Store,
    run: &Run,
) -> Result<&'a mut OpenRun, StoreError> {
    open.as_mut()
        .filter(|open| open.number == run.number)
        .ok_or_else(|| StoreError::RunClosed {
            path: store.path.clone(),
            sync_id: run.sync_id.clone(),
        })
}

/// Whether a run was left without an end.
fn has_running_run(sqlite: &Sqlite) -> rusqlite::Result<bool> {
    sqlite.query_row(
        "SELECT EXISTS (SELECT 1 FROM run WHERE state = ?1)",
        [RunState::Running.as_str()],
        |row| row.get(0),
    )
}

fn tune(sqlite: &Sqlite) -> rusqlite::Result<()> {
    // A power cut may cost the last pages, never the consistency of the file.
    sqlite.pragma_update(None, "synchronous", "NORMAL")?;
    sqlite.pragma_update(None, "cache_size", -CACHE_KIB)?;
    let page_size: i64 = sqlite.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = CHECKPOINT_BYTES / page_size.max(1);
    sqlite.pragma_update_and_check(None, "wal_autocheckpoint", pages, |_| Ok(()))
}

fn begin(sqlite: &mut Sqlite, start: &RunStart) -> rusqlite::Result<(i64, String)> {
    let transaction = sqlite.transaction()?;
    let stem = id_stem(start.started_at);
    transaction.execute(
        "INSERT INTO run (sync_id, state, component_digest, component_version,
           started_at, kinds, scope) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            stem,
            RunState::Running.as_str(),
            start.component_digest,
            start.component_version,
            timestamp(start.started_at),
            to_json(&start.kinds)?,
            to_json(&start.scope)?,
        ],
    )?;
    let number = transaction.last_insert_rowid();
    let sync_id = format!("{stem}-{number}");
    transaction.execute(
        "UPDATE run SET sync_id = ?2 WHERE number = ?1",
        params![number, sync_id],
    )?;
    checkpoint::open(&transaction, number, start)?;
    transaction.commit()?;
    Ok((number, sync_id))
}

/// Writes the rows of a page and returns what is known of the run then.
pub(super) fn write(
    sqlite: &Sqlite,
    open: &OpenRun,
    page: &Page,
    slice: Option<&str>,
) -> rusqlite::Result<OpenRun> {
    let run = open.number;
    let mut written = OpenRun {
        settled: false,
        ..*open
    };
    if open.settled {
        sqlite.execute("UPDATE run SET settled = 0 WHERE number = ?1", [run])?;
    }
    let mut resource = sqlite.prepare_cached(
        "INSERT INTO resource (row, kind, id, body, slice) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for item in &page.resources {
        let body = to_json(item)?;
        let (kind, id) = (&item.id.kind, &item.id.id);
        resource.execute(params![written.next_row, kind, id, body, slice])?;
        written.next_row += 1;
        written.resources += 1;
    }
    let mut entitlement = sqlite.prepare_cached(
        "INSERT OR IGNORE INTO entitlement (run, kind, id, slug, body)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for item in &page.entitlements {
        let on = &item.id.resource;
        let body = to_json(item)?;
        if entitlement.execute(params![run, on.kind, on.id, item.id.slug, body])? == 0 {
            written.repeated += 1;
            sqlite.execute(
                "UPDATE entitlement SET body = ?5
                 WHERE run = ?1 AND kind = ?2 AND id = ?3 AND slug = ?4",
                params![run, on.kind, on.id, item.id.slug, body],
            )?;
        }
    }
    let mut grant = sqlite.prepare_cached(
        "INSERT OR IGNORE INTO grant
           (run, kind, id, slug, principal_kind, principal_id, extra)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for item in &page.grants {
        let on = &item.entitlement.resource;
        let (slug, principal) = (&item.entitlement.slug, &item.principal);
        let extra = Extra::of(item).map(|extra| to_json(&extra)).transpose()?;
        let values = params![
            run,
            on.kind,
            on.id,
            slug,
            principal.kind,
            principal.id,
            extra
        ];
        if grant.execute(values)? == 0 {
            written.repeated += 1;
            sqlite.execute(
                "UPDATE grant SET extra = ?7
                 WHERE run = ?1 AND kind = ?2 AND id = ?3 AND slug = ?4
                   AND principal_kind = ?5 AND principal_id = ?6",
                values,
            )?;
        }
    }
    Ok(written)
}

/// Sorts the keys of a run, and removes what belongs to something that was taken back.
/// Returns how many resources there are.
fn settle(sqlite: &Sqlite, open: &mut OpenRun, kinds: &str) -> rusqlite::Result<u64> {
    let mut keys = settle_into(sqlite, "main", open.number)?;
    let (first, end) = row_range(open.number);
    let mut removed = 0;
    // Looking for them takes as long as all the rest, and nearly always there are none.
    if open.may_have_orphans {
        // Each pass finds the children of what the pass before has removed.
        loop {
            let lost = sqlite.execute(
                "DELETE FROM resource WHERE row >= ?2 AND row < ?3
                 AND body ->> '$.parent' IS NOT NULL AND body ->> '$.parent' NOT IN
                   (SELECT kind || ':' || id FROM resource_key WHERE run = ?1)",
                [open.number, first, end],
            )?;
            if lost == 0 {
                break;
            }
            open.resources -= lost as u64;
            removed += lost;
            keys = settle_into(sqlite, "main", open.number)?;
        }
        for table in ["entitlement", "grant"] {
            removed += sqlite.execute(
                &format!(
                    "DELETE FROM {table} WHERE run = ?1
                     AND kind IN (SELECT value FROM json_each(?2))
                     AND NOT EXISTS (SELECT 1 FROM resource_key k WHERE k.run = {table}.run
                       AND k.kind = {table}.kind AND k.id = {table}.id)"
                ),
                params![open.number, kinds],
            )?;
        }
    }
    open.settled = true;
    open.orphans += removed as u64;
    sqlite.execute(
        "UPDATE open_run SET orphans = ?2 WHERE run = ?1",
        [open.number, open.orphans.cast_signed()],
    )?;
    sqlite.execute(
        "UPDATE run SET settled = 1 WHERE number = ?1",
        [open.number],
    )?;
    Ok(keys as u64)
}
