//! What became of a row, member by member.

use serde_json::{Map, Value};

use super::side::Keyed;
use crate::model::Resource;
use crate::omit::{self, Names, Noticed};
use crate::store::{Rows, StoreError};

/// The member whose members are named one by one.
pub(super) const ATTRIBUTES: &str = "attributes";

/// A row that both sides have, with other members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its `id`, as lists print it.
    pub id: String,
    /// Whether it was deleted and created again in between.
    pub recreated: bool,
    /// The members that differ: first those of the row, then its attributes.
    pub members: Vec<Member>,
}

/// A member with its values on both sides. An unknown value is `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name; that of an attribute is `attributes.NAME`, because a system may call an
    /// attribute like a member.
    pub name: String,
    /// What it was.
    pub from: Value,
    /// What it is.
    pub to: Value,
}

/// What became of a row; nothing if it says the same, apart from these attributes.
pub(super) fn changed(
    before: Keyed<'_>,
    now: Keyed<'_>,
    omitted: &Names,
) -> Result<Option<Changed>, StoreError> {
    if before.stored()? == now.stored()? {
        return Ok(None);
    }
    let (old, new) = (parsed(before, omitted)?, parsed(now, omitted)?);
    let mut members = differing("", &old, &new);
    let none = Map::new();
    let attributes = |row: &'_ Map<String, Value>| match row.get(ATTRIBUTES) {
        Some(Value::Object(attributes)) => attributes.clone(),
        _ => none.clone(),
    };
    members.extend(differing(
        "attributes.",
        &attributes(&old),
        &attributes(&new),
    ));
    if members.is_empty() {
        return Ok(None);
    }
    let is_resource = matches!(now.rows, Rows::Resources(_));
    Ok(Some(Changed {
        id: match new.get("id") {
            Some(Value::String(id)) => id.clone(),
            _ => String::new(),
        },
        recreated: is_resource
            && members.iter().any(|member| {
                member.name == "created_at" && !member.from.is_null() && !member.to.is_null()
            }),
        members,
    }))
}

/// The members of a row without these attributes.
fn parsed(row: Keyed<'_>, omitted: &Names) -> Result<Map<String, Value>, StoreError> {
    let text = row.text()?;
    if omitted.is_empty() {
        return row.store.parse(&text);
    }
    if let Rows::Resources(_) = row.rows {
        let mut resource: Resource = row.store.parse(&text)?;
        omit::of_resource(omitted, &mut resource, &mut Noticed::default());
        return row.store.parse(&row.store.encode(&resource)?);
    }
    let mut members: Map<String, Value> = row.store.parse(&text)?;
    if let Some(Value::Object(attributes)) = members.get_mut(ATTRIBUTES) {
        attributes.retain(|name, _| !omitted.contains(name));
    }
    Ok(members)
}

fn differing(prefix: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<Member> {
    let value = |row: &Map<String, Value>, name: &str| row.get(name).cloned().unwrap_or_default();
    let come = new.keys().filter(|name| !old.contains_key(*name));
    old.keys()
        .chain(come)
        .filter(|name| !prefix.is_empty() || *name != ATTRIBUTES)
        .filter(|name| {
            let unknown = &Value::Null;
            old.get(*name).unwrap_or(unknown) != new.get(*name).unwrap_or(unknown)
        })
        .map(|name| Member {
            name: format!("{prefix}{name}"),
            from: value(old, name),
            to: value(new, name),
        })
        .collect()
}
