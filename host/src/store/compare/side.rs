//! The rows of one side of a comparison, the next one only when it is asked for.

use std::cmp::Ordering;

use rusqlite::{Row, Statement};

use super::Side;
use crate::store::{Rows, Store, StoreError};

/// A run whose keys are sorted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sorted<'a> {
    store: &'a Store,
    run: i64,
    schema: &'static str,
}

impl<'a> Sorted<'a> {
    pub(super) fn new(side: Side<'a>) -> Result<Self, StoreError> {
        Ok(Self {
            store: side.store,
            run: side.run.number,
            schema: side.store.settled_schema(side.run)?,
        })
    }

    /// The key stands in front, in the order in which it sorts. A resource has no body
    /// here: they are spread over the file, and most are not needed.
    pub(super) fn prepare(&self, rows: Rows<'_>) -> Result<Statement<'a>, StoreError> {
        let schema = self.schema;
        let known = |column: &str| format!("{column} NOT IN (SELECT value FROM json_each(?2))");
        let sql = match rows {
            Rows::Resources(_) => format!(
                "SELECT id, row FROM {schema}.resource_key
                 WHERE run = ?1 AND kind = ?2 ORDER BY id"
            ),
            Rows::Entitlements => format!(
                "SELECT kind, id, slug, body FROM main.entitlement
                 WHERE run = ?1 AND {} ORDER BY kind, id, slug",
                known("kind")
            ),
            Rows::Grants => format!(
                "SELECT kind, id, slug, principal_kind, principal_id, extra FROM main.grant
                 WHERE run = ?1 AND {} AND {}
                 ORDER BY kind, id, slug, principal_kind, principal_id",
                known("kind"),
                known("principal_kind")
            ),
        };
        self.store
            .sqlite
            .prepare(&sql)
            .map_err(|source| self.store.fault(source))
    }

    /// Begins to read. Entitlements and grants of `unknown_kinds` are passed over.
    pub(super) fn read<'s>(
        &self,
        rows: Rows<'s>,
        statement: &'s mut Statement<'_>,
        unknown_kinds: &str,
    ) -> Result<Cursor<'s>, StoreError>
    where
        'a: 's,
    {
        let second = match rows {
            Rows::Resources(kind) => kind,
            Rows::Entitlements | Rows::Grants => unknown_kinds,
        };
        Ok(Cursor {
            store: self.store,
            rows,
            stepped: statement
                .query((self.run, second))
                .map_err(|source| self.store.fault(source))?,
        })
    }
}

/// Where the reading of one side has got to.
pub(super) struct Cursor<'s> {
    store: &'s Store,
    rows: Rows<'s>,
    stepped: rusqlite::Rows<'s>,
}

impl<'s> Cursor<'s> {
    pub(super) fn next(&mut self) -> Result<Option<Keyed<'_>>, StoreError> {
        let (store, rows) = (self.store, self.rows);
        let row = self.stepped.next().map_err(|source| store.fault(source))?;
        Ok(row.map(|row| Keyed { store, rows, row }))
    }
}

/// A row with its key.
#[derive(Clone, Copy)]
pub(super) struct Keyed<'r> {
    pub(super) store: &'r Store,
    pub(super) rows: Rows<'r>,
    row: &'r Row<'r>,
}

impl Keyed<'_> {
    /// How two keys of one sort are ordered.
    pub(super) fn order(self, other: Self) -> Result<Ordering, StoreError> {
        let columns = match self.rows {
            Rows::Resources(_) => 1,
            Rows::Entitlements => 3,
            Rows::Grants => 5,
        };
        for column in 0..columns {
            match self.key(column)?.cmp(other.key(column)?) {
                Ordering::Equal => {}
                decided => return Ok(decided),
            }
        }
        Ok(Ordering::Equal)
    }

    fn key(&self, column: usize) -> Result<&[u8], StoreError> {
        let value = self.row.get_ref(column);
        value
            .and_then(|value| Ok(value.as_bytes()?))
            .map_err(|source| self.store.fault(source))
    }

    /// What is stored beside the key. Equal texts mean equal rows.
    pub(super) fn stored(self) -> Result<Option<String>, StoreError> {
        match self.rows {
            Rows::Resources(_) => self.body().map(Some),
            Rows::Entitlements => self.row.get(3).map_err(|source| self.store.fault(source)),
            Rows::Grants => self.row.get(5).map_err(|source| self.store.fault(source)),
        }
    }

    /// The row as lists print it.
    pub(super) fn text(self) -> Result<String, StoreError> {
        match self.rows {
            Rows::Resources(_) => self.body(),
            Rows::Entitlements => self.row.get(3).map_err(|source| self.store.fault(source)),
            Rows::Grants => self.store.encode(&self.store.grant(self.row)?),
        }
    }

    fn body(self) -> Result<String, StoreError> {
        self.store.ask(|sqlite| {
            let place: i64 = self.row.get(1)?;
            sqlite
                .prepare_cached("SELECT body FROM main.resource WHERE row = ?1")?
                .query_row([place], |row| row.get(0))
        })
    }
}
