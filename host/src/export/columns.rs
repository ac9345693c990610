//! Which members of a row make columns, and which of these people see.

use serde_json::Value;

use crate::trust::description::{Kind, Trait};

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the header.
    pub name: &'static str,
    /// Where its value is.
    source: Source,
    /// Whether it is in a table; CSV has all of them.
    in_table: bool,
    /// Whether it is cut in a table; ids are not, because people copy them.
    may_be_cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The member of the column's name.
    Member,
    /// The main address, or the first one.
    MainAddress,
}

impl Column {
    /// A column that tables show and cut where it is long.
    pub const fn shown(name: &'static str) -> Self {
        Self {
            name,
            source: Source::Member,
            in_table: true,
            may_be_cut: true,
        }
    }

    /// A column that tables show in full.
    pub const fn whole(name: &'static str) -> Self {
        Self {
            name,
            source: Source::Member,
            in_table: true,
            may_be_cut: false,
        }
    }

    /// A column that only CSV has.
    pub const fn detail(name: &'static str) -> Self {
        Self {
            name,
            source: Source::Member,
            in_table: false,
            may_be_cut: true,
        }
    }

    pub(super) fn value<'a>(&self, row: &'a Value) -> Option<&'a Value> {
        match self.source {
            Source::Member => row.get(self.name),
            Source::MainAddress => {
                let emails = row.get("emails")?.as_array()?;
                let is_main = |email: &&Value| email.get("primary") == Some(&Value::Bool(true));
                emails
                    .iter()
                    .find(is_main)
                    .or_else(|| emails.first())?
                    .get("address")
            }
        }
    }

    pub(super) fn may_be_cut(&self) -> bool {
        self.may_be_cut
    }
}

/// The columns of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    columns: Vec<Column>,
    attributes: bool,
}

const EMAIL: Column = Column {
    name: "email",
    source: Source::MainAddress,
    in_table: true,
    may_be_cut: true,
};

impl Columns {
    /// Just these.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            attributes: false,
        }
    }

    /// Those of the resources of a kind. CSV adds one column for each attribute that any
    /// row has, named `attributes.NAME`, in the order of the names.
    pub fn of_kind(kind: &Kind) -> Self {
        let mut columns = vec![Column::whole("id")];
        if !kind.parents.is_empty() {
            columns.push(Column::whole("parent"));
        }
        columns.push(Column::shown("display_name"));
        if kind.traits.contains(&Trait::User) {
            columns.extend([
                Column::shown("status"),
                Column::shown("status_details"),
                EMAIL,
                Column::detail("login"),
                Column::detail("description"),
                Column::shown("created_at"),
                Column::detail("updated_at"),
                Column::detail("last_login"),
            ]);
        } else {
            columns.extend([
                Column::shown("description"),
                Column::detail("created_at"),
                Column::detail("updated_at"),
            ]);
        }
        Self {
            columns,
            attributes: true,
        }
    }

    /// Those of entitlements.
    pub fn of_entitlements() -> Self {
        Self {
            columns: vec![
                Column::whole("id"),
                Column::detail("resource"),
                Column::detail("slug"),
                Column::shown("display_name"),
                Column::detail("description"),
                Column::shown("grantable_to"),
            ],
            attributes: true,
        }
    }

    /// Those of grants. The id is made of the other two, so tables leave it out.
    pub fn of_grants() -> Self {
        Self {
            columns: vec![
                Column::detail("id"),
                Column::whole("entitlement"),
                Column::whole("principal"),
            ],
            attributes: true,
        }
    }

    pub(super) fn in_table(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.in_table)
    }

    pub(super) fn all(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn with_attributes(&self) -> bool {
        self.attributes
    }
}
