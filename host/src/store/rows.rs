//! The rows of a run, one at a time, in one order.
//!
//! The order is bytewise by kind and id, so it depends on nothing but the content. Rows
//! are handed on as they are read: memory does not grow with the run.

use rusqlite::{OptionalExtension, Row};
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
        let (from, id) = match which {
            Holdings::Of(id) => (
                format!(
                    "{schema}.grant_of_principal p CROSS JOIN main.grant g
                       ON g.run = p.run AND g.kind = p.kind AND g.id = p.id AND g.slug = p.slug
                       AND g.principal_kind = p.principal_kind
                       AND g.principal_id = p.principal_id
                     WHERE p.run = ?1 AND p.principal_kind = ?2 AND p.principal_id = ?3"
                ),
                id,
            ),
            Holdings::On(id) => (
                "main.grant g WHERE g.run = ?1 AND g.kind = ?2 AND g.id = ?3".to_owned(),
                id,
            ),
        };
        let name = |kind: &str, id: &str| {
            format!(
                "(SELECT r.body ->> '$.display_name' FROM {schema}.resource_key k
                  CROSS JOIN main.resource r ON r.row = k.row
                  WHERE k.run = ?1 AND k.kind = {kind} AND k.id = {id})"
            )
        };
        self.each(
            &format!(
                "SELECT g.kind, g.id, g.slug, g.principal_kind, g.principal_id, g.extra,
                   (SELECT e.body ->> '$.display_name' FROM main.entitlement e
                    WHERE e.run = ?1 AND e.kind = g.kind AND e.id = g.id AND e.slug = g.slug),
                   {}, {}
                 FROM {from}
                 ORDER BY g.kind, g.id, g.slug, g.principal_kind, g.principal_id",
                name("g.kind", "g.id"),
                name("g.principal_kind", "g.principal_id"),
            ),
            (run.number, &id.kind, &id.id),
            |row| {
                let name = |column| row.get(column).map_err(|source| self.fault(source));
                visit(Holding {
                    grant: self.grant(row)?,
                    entitlement_name: name(6)?,
                    resource_name: name(7)?,
                    principal_name: name(8)?,
                })
            },
        )
    }

    fn each<E: From<StoreError>>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        mut visit: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self
            .sqlite
            .prepare(sql)
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
