//! The rows of a run, one at a time, in one order.
//!
//! The order is bytewise by kind and id, so it depends on nothing but the content. Rows
//! are handed on as they are read: memory does not grow with the run.

use rusqlite::{Connection as Sqlite, OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use super::run::Run;
use super::{Store, StoreError};
use crate::model::{Attributes, EntitlementId, Expansion, Grant, Resource, ResourceId};

/// Which rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows<'a> {
    /// The resources of the kind with this id.
    Resources(&'a str),
    /// All entitlements.
    Entitlements,
    /// All grants.
    Grants,
}

/// Which grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holdings<'a> {
    /// What this principal holds.
    Of(&'a ResourceId),
    /// What is held on this resource.
    On(&'a ResourceId),
}

/// A grant with the names that people know. A name is absent if what it belongs to is
/// not in the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The grant.
    pub grant: Grant,
    /// What the entitlement is called.
    pub entitlement_name: Option<String>,
    /// What the resource that it is held on is called.
    pub resource_name: Option<String>,
    /// What the principal is called.
    pub principal_name: Option<String>,
}

/// What few grants have.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Extra {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expands: Option<Expansion>,
    #[serde(default)]
    attributes: Attributes,
}

impl Extra {
    /// What to store beside the key of a grant, if anything.
    pub(super) fn of(grant: &Grant) -> Option<Self> {
        (grant.expands.is_some() || !grant.attributes.0.is_empty()).then(|| Self {
            expands: grant.expands.clone(),
            attributes: grant.attributes.clone(),
        })
    }
}

impl Store {
    /// Hands the JSON text of each row to `visit`, which may end the pass with an error
    /// of its own.
    pub fn each_row<E: From<StoreError>>(
        &self,
        run: &Run,
        rows: Rows<'_>,
        mut visit: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        match rows {
            Rows::Resources(kind) => {
                let schema = self.settled_schema(run)?;
                self.each(
                    &format!(
                        "SELECT r.body FROM {schema}.resource_key k
                         CROSS JOIN main.resource r ON r.row = k.row
                         WHERE k.run = ?1 AND k.kind = ?2 ORDER BY k.id"
                    ),
                    (run.number, kind),
                    |row| visit(self.text(row)?),
                )
            }
            Rows::Entitlements => self.each(
                "SELECT body FROM entitlement WHERE run = ?1 ORDER BY kind, id, slug",
                [run.number],
                |row| visit(self.text(row)?),
            ),
            Rows::Grants => {
                let mut text = String::new();
                self.each(
                    "SELECT kind, id, slug, principal_kind, principal_id, extra FROM grant
                     WHERE run = ?1 ORDER BY kind, id, slug, principal_kind, principal_id",
                    [run.number],
                    |row| {
                        text.clear();
                        text.push_str(&self.encode(&self.grant(row)?)?);
                        visit(&text)
                    },
                )
            }
        }
    }

    /// One resource of a run.
    pub fn resource(&self, run: &Run, id: &ResourceId) -> Result<Option<Resource>, StoreError> {
        let schema = self.settled_schema(run)?;
        self.ask(|sqlite| {
            sqlite
                .query_row(
                    &format!(
                        "SELECT r.body FROM {schema}.resource_key k
                         CROSS JOIN main.resource r ON r.row = k.row
                         WHERE k.run = ?1 AND k.kind = ?2 AND k.id = ?3"
                    ),
                    (run.number, &id.kind, &id.id),
                    |row| row.get::<_, String>(0),
                )
                .optional()
        })?
        .map(|text| self.parse(&text))
        .transpose()
    }

    /// Hands each grant of a principal or on a resource to `visit`, ordered by
    /// entitlement and principal.
    pub fn each_holding<E: From<StoreError>>(
        &self,
        run: &Run,
        which: Holdings<'_>,
        mut visit: impl FnMut(Holding) -> Result<(), E>,
    ) -> Result<(), E> {
        let schema = self.settled_schema(run)?;
        let name = |kind: &str, id: &str| {
            format!(
                "(SELECT r.body ->> '$.display_name' FROM {schema}.resource_key k
                  CROSS JOIN main.resource r ON r.row = k.row
                  WHERE k.run = ?1 AND k.kind = {kind} AND k.id = {id})"
            )
        };
        let of = |condition: &str| {
            format!(
                "SELECT g.kind, g.id, g.slug, g.principal_kind, g.principal_id, g.extra,
                   (SELECT e.body ->> '$.display_name' FROM main.entitlement e
                    WHERE e.run = ?1 AND e.kind = g.kind AND e.id = g.id AND e.slug = g.slug),
                   {}, {}
                 FROM main.grant g WHERE g.run = ?1 AND {condition}
                 ORDER BY g.kind, g.id, g.slug, g.principal_kind, g.principal_id",
                name("g.kind", "g.id"),
                name("g.principal_kind", "g.principal_id"),
            )
        };
        let mut tell = |row: &Row<'_>| {
            let name = |column| row.get(column).map_err(|source| self.fault(source));
            visit(Holding {
                grant: self.grant(row)?,
                entitlement_name: name(6)?,
                resource_name: name(7)?,
                principal_name: name(8)?,
            })
        };
        match which {
            Holdings::On(on) => {
                let sql = of("g.kind = ?2 AND g.id = ?3");
                self.each(&sql, (run.number, &on.kind, &on.id), tell)
            }
            Holdings::Of(by) => {
                let sql = of("g.kind = ?2 AND g.id = ?3 AND g.slug = ?4
                   AND g.principal_kind = ?5 AND g.principal_id = ?6");
                for EntitlementId { resource, slug } in
                    self.ask(|sqlite| held_by(sqlite, run.number, by))?
                {
                    let on = resource;
                    let key = (run.number, &on.kind, &on.id, &slug, &by.kind, &by.id);
                    self.each(&sql, key, &mut tell)?;
                }
                Ok(())
            }
        }
    }

    fn each<E: From<StoreError>>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        mut visit: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self
            .sqlite
            .prepare_cached(sql)
            .map_err(|source| self.fault(source))?;
        let mut rows = statement
            .query(values)
            .map_err(|source| self.fault(source))?;
        while let Some(row) = rows.next().map_err(|source| self.fault(source))? {
            visit(row)?;
        }
        Ok(())
    }

    fn text<'row>(&self, row: &'row Row<'_>) -> Result<&'row str, StoreError> {
        let value = row.get_ref(0).map_err(|source| self.fault(source))?;
        value.as_str().map_err(|source| self.fault(source.into()))
    }

    pub(super) fn grant(&self, row: &Row<'_>) -> Result<Grant, StoreError> {
        let read = |row: &Row<'_>| -> rusqlite::Result<_> {
            let entitlement = EntitlementId {
                resource: ResourceId {
                    kind: row.get(0)?,
                    id: row.get(1)?,
                },
                slug: row.get(2)?,
            };
            let principal = ResourceId {
                kind: row.get(3)?,
                id: row.get(4)?,
            };
            Ok((entitlement, principal, row.get::<_, Option<String>>(5)?))
        };
        let (entitlement, principal, extra) = read(row).map_err(|source| self.fault(source))?;
        let extra: Extra = match extra {
            Some(text) => self.parse(&text)?,
            None => Extra::default(),
        };
        Ok(Grant {
            entitlement,
            principal,
            expands: extra.expands,
            attributes: extra.attributes,
        })
    }

    pub(super) fn fault(&self, source: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(&self.path, source)
    }
}

/// What a principal holds, in the order of the entitlements.
///
/// Grants are sorted by what is held. So one look-up finds the next entitlement that
/// somebody holds, and another one whether it is this principal: a few milliseconds with a
/// thousand entitlements. A blob sorts behind every text, so that the first look-up goes
/// past all who hold an entitlement without looking at them.
pub(super) fn held_by(
    sqlite: &Sqlite,
    run: i64,
    principal: &ResourceId,
) -> rusqlite::Result<Vec<EntitlementId>> {
    let mut next = sqlite.prepare_cached(
        "SELECT kind, id, slug FROM grant
         WHERE run = ?1 AND (kind, id, slug, principal_kind) > (?2, ?3, ?4, x'')
         ORDER BY kind, id, slug LIMIT 1",
    )?;
    let mut is_held = sqlite.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM grant WHERE run = ?1 AND kind = ?2 AND id = ?3
           AND slug = ?4 AND principal_kind = ?5 AND principal_id = ?6)",
    )?;
    let mut held = Vec::new();
    let mut at = EntitlementId {
        resource: ResourceId::new("", ""),
        slug: String::new(),
    };
    loop {
        let EntitlementId { resource: on, slug } = &at;
        let found = next.query_row((run, &on.kind, &on.id, slug), |row| {
            Ok(EntitlementId {
                resource: ResourceId {
                    kind: row.get(0)?,
                    id: row.get(1)?,
                },
                slug: row.get(2)?,
            })
        });
        let Some(found) = found.optional()? else {
            return Ok(held);
        };
        let EntitlementId { resource: on, slug } = &found;
        let key = (run, &on.kind, &on.id, slug, &principal.kind, &principal.id);
        if is_held.query_row(key, |row| row.get(0))? {
            held.push(found.clone());
        }
        at = found;
    }
}
