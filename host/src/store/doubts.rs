//! What makes a run doubtful as a whole: references to nothing, two things under one id.
//!
//! Each page was fine, and yet a snapshot can't be true that names many people whom nobody
//! listed. The store finds such things; the sync judges them.

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
    /// How many grants refer to what is not in the run although it was read.
    pub fn dangling(&self, run: &Run) -> Result<Dangling, StoreError> {
        if !run.scope.grants {
            return Ok(Dangling::default());
        }
        let schema = self.settled_schema(run)?;
        let kinds = self.encode(&run.scope.kinds)?;
        let count = |sql: String, run: &Run| {
            self.ask(|sqlite| {
                sqlite.query_row(&sql, (run.number, &kinds), |row| row.get::<_, i64>(0))
            })
            .map(i64::unsigned_abs)
        };
        let principals = count(
            format!(
                "SELECT count(*) FROM {schema}.grant_of_principal g
                 WHERE run = ?1 AND principal_kind IN (SELECT value FROM json_each(?2))
                 AND NOT EXISTS (SELECT 1 FROM {schema}.resource_key k WHERE k.run = g.run
                   AND k.kind = g.principal_kind AND k.id = g.principal_id)"
            ),
            run,
        )?;
        let entitlements = if run.scope.entitlements {
            count(
                "SELECT count(*) FROM grant g
                 WHERE run = ?1 AND kind IN (SELECT value FROM json_each(?2))
                 AND NOT EXISTS (SELECT 1 FROM entitlement e WHERE e.run = g.run
                   AND e.kind = g.kind AND e.id = g.id AND e.slug = g.slug)"
                    .to_owned(),
                run,
            )?
        } else {
            0
        };
        Ok(Dangling {
            principals,
            entitlements,
        })
    }

    /// The principals that grants name and the run does not have, although their kind was
    /// asked for: the first `most` of them, in the order of their ids.
    pub fn unknown_principals(
        &self,
        run: &Run,
        most: usize,
    ) -> Result<Vec<ResourceId>, StoreError> {
        if !run.scope.grants {
            return Ok(Vec::new());
        }
        let schema = self.settled_schema(run)?;
        let kinds = self.encode(&run.scope.kinds)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.ask(|sqlite| {
            sqlite
                .prepare(&format!(
                    "SELECT DISTINCT principal_kind, principal_id
                     FROM {schema}.grant_of_principal g
                     WHERE run = ?1 AND principal_kind IN (SELECT value FROM json_each(?2))
                     AND NOT EXISTS (SELECT 1 FROM {schema}.resource_key k WHERE k.run = g.run
                       AND k.kind = g.principal_kind AND k.id = g.principal_id)
                     ORDER BY principal_kind, principal_id LIMIT ?3"
                ))?
                .query_map((run.number, &kinds, most), read_id)?
                .collect()
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

fn read_id(row: &rusqlite::Row<'_>) -> rusqlite::Result<ResourceId> {
    Ok(ResourceId {
        kind: row.get(0)?,
        id: row.get(1)?,
    })
}
