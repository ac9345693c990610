//! What makes a run doubtful as a whole: references to nothing, two things under one id.
//!
//! Each page was fine, and yet a snapshot can't be true that names many people whom nobody
//! listed. The store finds such things; the sync judges them.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use rusqlite::Row;
use serde::Serialize;

use super::run::Run;
use super::{Store, StoreError};
use crate::model::ResourceId;
use crate::trust::description::Kind;

/// References to what the run does not have, although it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dangling {
    /// Grants whose principal is not there.
    pub principals: u64,
    /// Grants whose entitlement is not there.
    pub entitlements: u64,
}

/// What the grants of a run refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// What is not there.
    pub dangling: Dangling,
    /// Principals that are not there, the first ones in the order of their ids.
    pub unknown: BTreeSet<ResourceId>,
}

impl References {
    fn note_unknown(&mut self, principal: ResourceId, most: usize) {
        let comes_first = || self.unknown.last().is_some_and(|last| principal < *last);
        if self.unknown.len() < most || comes_first() {
            self.unknown.insert(principal);
        }
        if self.unknown.len() > most {
            self.unknown.pop_last();
        }
    }
}

/// Resources whose stand-ins are in memory at a time: 4 MiB of them. With more resources
/// there are more passes, of some tenths of a second each for a million rows. Two ids that share a stand-in of 64 bits, which would hide a
/// principal that is not there, take billions of rows to expect, and its key is drawn anew
/// each time, so that nobody can make them.
const RESOURCES_AT_ONCE: u64 = 1 << 19;

/// An id that came with two moments of creation: either a resource that was deleted and
/// created again while it was listed, or two that claim the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    /// The id.
    pub id: ResourceId,
    /// The later of the two moments, RFC 3339 in UTC.
    pub later: String,
}

/// Twins that are looked at: the first one decides already, and the rest are examples.
const MOST_TWINS: i64 = 100;

impl Store {
    /// Follows every grant of a run to its principal and its entitlement, as far as these
    /// were asked for. The first `most` principals that are not there are told by name.
    ///
    /// Two passes over rows in the order in which they lie in the file: looking each
    /// principal up takes ten times as long, since a principal is anywhere among the others.
    pub fn references(&self, run: &Run, most: usize) -> Result<References, StoreError> {
        self.references_by(run, most, RESOURCES_AT_ONCE)
    }

    /// The same, with so many stand-ins in memory.
    pub(super) fn references_by(
        &self,
        run: &Run,
        most: usize,
        at_once: u64,
    ) -> Result<References, StoreError> {
        let mut found = References::default();
        if !run.scope.grants {
            return Ok(found);
        }
        let schema = self.settled_schema(run)?;
        let resources: i64 = self.ask(|sqlite| {
            sqlite.query_row(
                &format!("SELECT count(*) FROM {schema}.resource_key WHERE run = ?1"),
                [run.number],
                |row| row.get(0),
            )
        })?;
        let parts = resources.unsigned_abs() / at_once + 1;
        let keyed = RandomState::new();
        for part in 0..parts {
            let listed = self.listed(run, schema, |id| {
                let hash = keyed.hash_one(id);
                (hash % parts == part).then_some(hash)
            })?;
            let is_listed = |hash: u64| hash % parts != part || listed.binary_search(&hash).is_ok();
            let entitlements = run.scope.entitlements && part == 0;
            self.follow(run, entitlements, &mut found, most, |id| {
                is_listed(keyed.hash_one(id))
            })?;
        }
        Ok(found)
    }

    /// Sorted stand-ins for the resources of a run.
    fn listed(
        &self,
        run: &Run,
        schema: &str,
        stand_in: impl Fn((&str, &str)) -> Option<u64>,
    ) -> Result<Vec<u64>, StoreError> {
        self.ask(|sqlite| {
            let mut statement = sqlite.prepare(&format!(
                "SELECT kind, id FROM {schema}.resource_key WHERE run = ?1"
            ))?;
            let mut rows = statement.query([run.number])?;
            let mut listed = Vec::new();
            while let Some(row) = rows.next()? {
                listed.extend(stand_in((text(row, 0)?, text(row, 1)?)));
            }
            listed.sort_unstable();
            Ok(listed)
        })
    }

    /// Counts the grants whose principal, and those whose entitlement, is not there.
    fn follow(
        &self,
        run: &Run,
        entitlements: bool,
        found: &mut References,
        most: usize,
        is_listed: impl Fn((&str, &str)) -> bool,
    ) -> Result<(), StoreError> {
        self.ask(|sqlite| {
            let mut statement = sqlite.prepare(
                "SELECT kind, id, slug, principal_kind, principal_id FROM grant
                 WHERE run = ?1 ORDER BY kind, id, slug, principal_kind, principal_id",
            )?;
            let mut known = sqlite.prepare(
                "SELECT EXISTS (SELECT 1 FROM entitlement
                 WHERE run = ?1 AND kind = ?2 AND id = ?3 AND slug = ?4)",
            )?;
            // The grants of one entitlement follow each other.
            let mut last: Option<([String; 3], bool)> = None;
            let mut rows = statement.query([run.number])?;
            while let Some(row) = rows.next()? {
                let on = [text(row, 0)?, text(row, 1)?, text(row, 2)?];
                if entitlements && run.scope.has_kind(on[0]) {
                    let is_there = match &last {
                        Some((same, is_there)) if *same == on => *is_there,
                        _ => {
                            let is_there = known
                                .query_row((run.number, on[0], on[1], on[2]), |row| row.get(0))?;
                            last = Some((on.map(str::to_owned), is_there));
                            is_there
                        }
                    };
                    found.dangling.entitlements += u64::from(!is_there);
                }
                let (kind, id) = (text(row, 3)?, text(row, 4)?);
                if run.scope.has_kind(kind) && !is_listed((kind, id)) {
                    found.dangling.principals += 1;
                    found.note_unknown(ResourceId::new(kind, id), most);
                }
            }
            Ok(())
        })
    }

    /// Ids that came more than once with different moments of creation.
    pub(super) fn twins(&self, run: &Run, rows: (i64, i64)) -> Result<Vec<Twin>, StoreError> {
        let schema = self.settled_schema(run)?;
        self.ask(|sqlite| {
            sqlite
                .prepare(&format!(
                    "SELECT r.kind, r.id, max(r.body ->> '$.created_at', n.body ->> '$.created_at')
                     FROM main.resource r
                     JOIN {schema}.resource_key k
                       ON k.run = ?1 AND k.kind = r.kind AND k.id = r.id AND k.row <> r.row
                     JOIN main.resource n ON n.row = k.row
                     WHERE r.row >= ?2 AND r.row < ?3
                     AND r.body ->> '$.created_at' <> n.body ->> '$.created_at'
                     ORDER BY r.kind, r.id LIMIT {MOST_TWINS}"
                ))?
                .query_map((run.number, rows.0, rows.1), |row| {
                    Ok(Twin {
                        id: read_id(row)?,
                        later: row.get(2)?,
                    })
                })?
                .collect()
        })
    }

    /// Resources that entitlements are on and that were created anew since another run, in
    /// the order of their ids. Who held something on the old one did not get it on the new
    /// one by that.
    pub fn recreated(&self, before: &Run, now: &Run) -> Result<Vec<ResourceId>, StoreError> {
        let schemas = (self.settled_schema(before)?, self.settled_schema(now)?);
        let mut recreated = Vec::new();
        for kind in now.kinds.iter().filter(|kind| kind.carries_entitlements()) {
            let of_kind = self.ask(|sqlite| {
                sqlite
                    .prepare(&format!(
                        "SELECT n.kind, n.id FROM {}.resource_key k
                         JOIN main.resource n ON n.row = k.row
                         JOIN {}.resource_key l
                           ON l.run = ?1 AND l.kind = k.kind AND l.id = k.id
                         JOIN main.resource o ON o.row = l.row
                         WHERE k.run = ?2 AND k.kind = ?3
                         AND n.body ->> '$.created_at' <> o.body ->> '$.created_at'
                         ORDER BY k.id",
                        schemas.1, schemas.0
                    ))?
                    .query_map((before.number, now.number, &kind.id), read_id)?
                    .collect::<rusqlite::Result<Vec<_>>>()
            })?;
            recreated.extend(of_kind);
        }
        Ok(recreated)
    }

    /// How many texts of grant ids stand for more than one grant. The parts are joined by
    /// colons, which ids may hold too, so that a group named like the middle of a grant
    /// could make one grant look like another.
    pub fn ambiguous_ids(&self, run: &Run) -> Result<u64, StoreError> {
        let schema = self.settled_schema(run)?;
        let carrying = run.kinds.iter().filter(|kind| kind.carries_entitlements());
        let carrying: Vec<&Kind> = carrying.collect();
        let may_be = carrying.iter().try_fold(false, |found, kind| {
            let holds_colons = self.ask(|sqlite| {
                sqlite.query_row(
                    &format!(
                        "SELECT EXISTS (SELECT 1 FROM {schema}.resource_key
                         WHERE run = ?1 AND kind = ?2 AND id LIKE '%:%:%:%')"
                    ),
                    (run.number, &kind.id),
                    |row| row.get::<_, bool>(0),
                )
            })?;
            Ok::<_, StoreError>(found || holds_colons)
        })?;
        if !may_be {
            return Ok(0);
        }
        self.ask(|sqlite| {
            sqlite.query_row(
                "SELECT count(*) FROM (SELECT 1 FROM grant WHERE run = ?1
                 GROUP BY kind || ':' || id || ':' || slug || ':' || principal_kind || ':'
                   || principal_id HAVING count(*) > 1)",
                [run.number],
                |row| row.get::<_, i64>(0),
            )
        })
        .map(i64::unsigned_abs)
    }
}

fn text<'row>(row: &'row Row<'_>, column: usize) -> rusqlite::Result<&'row str> {
    Ok(row.get_ref(column)?.as_str()?)
}

fn read_id(row: &Row<'_>) -> rusqlite::Result<ResourceId> {
    Ok(ResourceId {
        kind: row.get(0)?,
        id: row.get(1)?,
    })
}
