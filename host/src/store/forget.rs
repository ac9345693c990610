//! Taking back what an open run has stored, when a list has to be read again from its
//! start: what an abandoned pass has seen may not be there any more.

use rusqlite::{Connection as Sqlite, params};

use super::StoreError;
use super::run::Run;
use super::schema::row_range;
use super::writer::{OpenRun, SyncStore};
use crate::model::ResourceId;

/// The rows of one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forget<'a> {
    /// The resources of a kind, or those of them that belong to a parent.
    Resources {
        /// The kind.
        kind: &'a str,
        /// The parent.
        parent: Option<&'a ResourceId>,
        /// Only those that came in this slice of the list.
        slice: Option<&'a str>,
    },
    /// One resource, with its entitlements and the grants on it.
    Resource(&'a ResourceId),
    /// The entitlements of a resource.
    Entitlements(&'a ResourceId),
    /// The grants on a resource.
    GrantsOn(&'a ResourceId),
    /// The grants that a principal holds, but for those that their resource has told.
    GrantsHeldBy(&'a ResourceId),
}

impl SyncStore {
    /// The kinds whose resources tell who holds something on them, as JSON.
    pub(super) fn told(&self, run: &Run) -> Result<String, StoreError> {
        let kinds = run.kinds.iter().filter(|kind| kind.grants_of_resource);
        let kinds: Vec<&str> = kinds.map(|kind| kind.id.as_str()).collect();
        self.store.encode(&kinds)
    }
}

/// Removes rows of an open run and returns how many there were.
pub(super) fn forget(
    sqlite: &Sqlite,
    open: &mut OpenRun,
    told: &str,
    rows: &Forget<'_>,
) -> rusqlite::Result<usize> {
    unsettle(sqlite, open)?;
    let run = open.number;
    let (first, end) = row_range(run);
    let removed = match rows {
        Forget::Resources {
            kind,
            parent: None,
            slice,
        } => sqlite.execute(
            "DELETE FROM resource WHERE row >= ?1 AND row < ?2 AND kind = ?3
               AND (?4 IS NULL OR slice = ?4)",
            params![first, end, kind, slice],
        ),
        Forget::Resources {
            kind,
            parent: Some(parent),
            ..
        } => sqlite.execute(
            "DELETE FROM resource WHERE row >= ?1 AND row < ?2 AND kind = ?3
               AND body ->> '$.parent' = ?4",
            params![first, end, kind, parent.to_string()],
        ),
        Forget::Resource(id) => sqlite.execute(
            "DELETE FROM resource WHERE row >= ?1 AND row < ?2 AND kind = ?3 AND id = ?4",
            params![first, end, id.kind, id.id],
        ),
        Forget::Entitlements(of) => sqlite.execute(
            "DELETE FROM entitlement WHERE run = ?1 AND kind = ?2 AND id = ?3",
            params![run, of.kind, of.id],
        ),
        Forget::GrantsOn(of) => sqlite.execute(
            "DELETE FROM grant WHERE run = ?1 AND kind = ?2 AND id = ?3",
            params![run, of.kind, of.id],
        ),
        Forget::GrantsHeldBy(of) => sqlite.execute(
            "DELETE FROM grant WHERE run = ?1 AND principal_kind = ?2 AND principal_id = ?3
             AND kind NOT IN (SELECT value FROM json_each(?4))",
            params![run, of.kind, of.id, told],
        ),
    }?;
    if matches!(rows, Forget::Resources { .. } | Forget::Resource(_)) {
        open.resources -= removed as u64;
    }
    Ok(removed)
}

/// Notes that rows of an open run are about to go: others may belong to them.
pub(super) fn unsettle(sqlite: &Sqlite, open: &mut OpenRun) -> rusqlite::Result<()> {
    open.settled = false;
    open.may_have_orphans = true;
    sqlite.execute(
        "UPDATE run SET settled = 0 WHERE number = ?1",
        [open.number],
    )?;
    sqlite
        .execute(
            "UPDATE open_run SET may_have_orphans = 1 WHERE run = ?1",
            [open.number],
        )
        .map(drop)
}
