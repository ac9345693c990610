//! One row as named values, and the change that they ask for.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::Wanted;
use crate::change::{Change, Fields, Membership};
use crate::model::{AttributeValue, ResourceId};
use crate::trust::description::{Field, ValueType};

/// Named values in the order of the row, without those that are not given.
pub(super) type Members = Vec<(String, Value)>;

/// Why a row asks for nothing. Names columns and never shows what is in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// More or fewer cells than the header has.
    #[error(
        "it has {found} cells and the header has {wanted}; put a cell that contains a comma into \
         quotes"
    )]
    Cells {
        /// In the row.
        found: usize,
        /// In the header.
        wanted: usize,
    },
    /// The line is no JSON.
    #[error("it is not JSON: look at position {column} of the line")]
    NotJson {
        /// In bytes, counted from 1.
        column: usize,
    },
    /// The line is JSON, but not an object.
    #[error("it is not a JSON object; write one object a line")]
    NotAnObject,
    /// A member that stands twice.
    #[error("`{}` stands twice; leave one of them out", .name.escape_debug())]
    Doubled {
        /// Its name.
        name: String,
    },
    /// A member that means nothing here.
    #[error(
        "`{}` is not one of {expected}; leave it out or correct its name",
        .name.escape_debug()
    )]
    Unknown {
        /// Its name.
        name: String,
        /// What is understood.
        expected: String,
    },
    /// A value that has to be there.
    #[error("`{name}` is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// Nothing at all.
    #[error("it gives no value; fill it in or remove it")]
    Nothing,
    /// A value of the wrong type.
    #[error("`{}` is {found}; write {expected}", .name.escape_debug())]
    WrongType {
        /// Of what.
        name: String,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A text that is no name of an entitlement.
    #[error(
        "`{name}` does not name an entitlement; write KIND:ID:SLUG, for example \
         group:admins:member"
    )]
    NotAnEntitlement {
        /// Of what.
        name: &'static str,
    },
    /// A text that is no name of a resource.
    #[error("`{name}` does not name a resource; write KIND:ID, for example user:alice")]
    NotAResource {
        /// Of what.
        name: &'static str,
    },
    /// `account` is another one than `kind` and `id`.
    #[error("`account` names another account than `kind` and `id`; leave one of the two out")]
    TwoAccounts,
}

/// What a member may be called; other names may be understood, too.
pub(super) fn names<'a>(wanted: &Wanted<'a>) -> Vec<&'a str> {
    let of = |fields: &'a [Field]| fields.iter().map(|field| field.name.as_str()).collect();
    match *wanted {
        Wanted::Grant | Wanted::Revoke => vec!["entitlement", "principal"],
        Wanted::CreateAccount { schema, .. } => of(schema),
        Wanted::DeleteAccount => vec!["account"],
        Wanted::Invoke { action } => of(&action.arguments),
    }
}

/// What must be there. Which fields an account needs is for the service to say.
pub(super) fn required<'a>(wanted: &Wanted<'a>) -> Vec<&'a str> {
    match *wanted {
        Wanted::CreateAccount { .. } => Vec::new(),
        Wanted::Invoke { action } => action
            .arguments
            .iter()
            .filter(|field| field.required)
            .map(|field| field.name.as_str())
            .collect(),
        Wanted::Grant | Wanted::Revoke | Wanted::DeleteAccount => names(wanted),
    }
}

/// Whether a name means something, or is known to mean nothing: what `list grants`
/// prints can be fed back.
pub(super) fn understands(wanted: &Wanted<'_>, name: &str) -> bool {
    match wanted {
        Wanted::Grant | Wanted::Revoke => {
            ["entitlement", "principal", "id", "expands", "attributes"].contains(&name)
                || name.starts_with("attributes.")
        }
        Wanted::CreateAccount { .. } | Wanted::DeleteAccount => true,
        Wanted::Invoke { .. } => names(wanted).contains(&name),
    }
}

/// A row of a CSV file. An empty cell gives nothing.
pub(super) fn of_cells(header: &[String], cells: Vec<String>) -> Result<Members, RowError> {
    if cells.len() != header.len() {
        return Err(RowError::Cells {
            found: cells.len(),
            wanted: header.len(),
        });
    }
    let given = header
        .iter()
        .zip(cells)
        .filter(|(_, cell)| !cell.is_empty());
    Ok(given
        .map(|(name, cell)| (name.clone(), Value::String(cell)))
        .collect())
}

/// A line of JSON. `null` gives nothing.
pub(super) fn of_json(line: &str) -> Result<Members, RowError> {
    let mut text = serde_json::Deserializer::from_str(line);
    // The text of the error may quote what was read, so only the place is taken from it.
    let members = text
        .deserialize_map(Pairs)
        .and_then(|members| text.end().map(|()| members))
        .map_err(|error| match error.classify() {
            Category::Data => RowError::NotAnObject,
            Category::Io | Category::Syntax | Category::Eof => RowError::NotJson {
                column: error.column(),
            },
        })?;
    let mut names = std::collections::HashSet::new();
    if let Some((name, _)) = members.iter().find(|(name, _)| !names.insert(name)) {
        return Err(RowError::Doubled { name: name.clone() });
    }
    Ok(members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect())
}

/// Keeps a member that stands twice, where a map would keep the last one silently.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

/// The change that a row asks for.
pub(super) fn change(members: Members, wanted: &Wanted<'_>) -> Result<Change, RowError> {
    if members.is_empty() {
        return Err(RowError::Nothing);
    }
    if let Some((name, _)) = members.iter().find(|(name, _)| !understands(wanted, name)) {
        return Err(RowError::Unknown {
            name: name.clone(),
            expected: names(wanted).join(", "),
        });
    }
    match *wanted {
        Wanted::Grant => membership(&members).map(Change::Grant),
        Wanted::Revoke => membership(&members).map(Change::Revoke),
        Wanted::CreateAccount { kind, schema } => Ok(Change::CreateAccount {
            kind: kind.to_owned(),
            fields: fields(members, schema)?,
        }),
        Wanted::DeleteAccount => Ok(Change::DeleteAccount {
            account: account(&members)?,
        }),
        Wanted::Invoke { action } => {
            let is_given = |name: &&str| members.iter().any(|(given, _)| given == name);
            if let Some(name) = required(wanted).into_iter().find(|name| !is_given(name)) {
                return Err(RowError::Missing {
                    name: name.to_owned(),
                });
            }
            Ok(Change::Invoke {
                action: action.name.clone(),
                arguments: fields(members, &action.arguments)?,
            })
        }
    }
}

fn text<'a>(members: &'a Members, name: &'static str) -> Result<Option<&'a str>, RowError> {
    let Some((_, value)) = members.iter().find(|(given, _)| given == name) else {
        return Ok(None);
    };
    match value {
        Value::String(text) => Ok(Some(text)),
        other => Err(RowError::WrongType {
            name: name.to_owned(),
            found: sort(other),
            expected: "a text",
        }),
    }
}

fn needed<'a>(members: &'a Members, name: &'static str) -> Result<&'a str, RowError> {
    text(members, name)?.ok_or_else(|| RowError::Missing {
        name: name.to_owned(),
    })
}

fn membership(members: &Members) -> Result<Membership, RowError> {
    let name = "entitlement";
    let entitlement = parsed(needed(members, name)?).ok_or(RowError::NotAnEntitlement { name })?;
    Ok(Membership {
        entitlement,
        principal: resource(members, "principal")?,
    })
}

fn resource(members: &Members, name: &'static str) -> Result<ResourceId, RowError> {
    parsed(needed(members, name)?).ok_or(RowError::NotAResource { name })
}

/// A kind never begins with a blank: one that does was written after a comma.
fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.starts_with(char::is_whitespace) {
        return None;
    }
    text.parse().ok()
}

/// An account by its name, or as `list` prints it.
fn account(members: &Members) -> Result<ResourceId, RowError> {
    let named = match text(members, "account")? {
        Some(_) => Some(resource(members, "account")?),
        None => None,
    };
    let listed = match (text(members, "kind")?, text(members, "id")?) {
        (Some(kind), Some(id)) => {
            if kind.is_empty() || kind.contains(':') {
                return Err(RowError::NotAResource { name: "kind" });
            }
            if id.is_empty() {
                return Err(RowError::NotAResource { name: "id" });
            }
            Some(ResourceId::new(kind, id))
        }
        _ => None,
    };
    match (named, listed) {
        (Some(named), Some(listed)) if named != listed => Err(RowError::TwoAccounts),
        (Some(account), _) | (None, Some(account)) => Ok(account),
        (None, None) => Err(RowError::Missing {
            name: "account".to_owned(),
        }),
    }
}

fn fields(members: Members, schema: &[Field]) -> Result<Fields, RowError> {
    members
        .into_iter()
        .map(|(name, value)| {
            let field = schema.iter().find(|field| field.name == name);
            let value = typed(&name, value, field.map(|field| field.value_type))?;
            Ok((name, value))
        })
        .collect()
}

/// A value as its field has it. CSV only has texts, and spreadsheets write truth values
/// in capitals.
fn typed(name: &str, value: Value, wanted: Option<ValueType>) -> Result<AttributeValue, RowError> {
    let wrong = |found, expected| RowError::WrongType {
        name: name.to_owned(),
        found,
        expected,
    };
    let integer = |value: &Value| value.as_i64().map(AttributeValue::Integer);
    match (wanted, value) {
        (None | Some(ValueType::Text), Value::String(text)) => Ok(AttributeValue::Text(text)),
        (None | Some(ValueType::Boolean), Value::Bool(truth)) => Ok(AttributeValue::Boolean(truth)),
        (None, value) => integer(&value)
            .ok_or_else(|| wrong(sort(&value), "a text, a whole number, true or false")),
        (Some(ValueType::Integer), Value::String(text)) => match text.parse() {
            Ok(number) => Ok(AttributeValue::Integer(number)),
            Err(_) => Err(wrong("no whole number", "one in decimal digits")),
        },
        (Some(ValueType::Integer), value) => {
            integer(&value).ok_or_else(|| wrong(sort(&value), "a whole number"))
        }
        (Some(ValueType::Boolean), Value::String(text)) => {
            if text.eq_ignore_ascii_case("true") {
                Ok(AttributeValue::Boolean(true))
            } else if text.eq_ignore_ascii_case("false") {
                Ok(AttributeValue::Boolean(false))
            } else {
                Err(wrong("another text", "true or false"))
            }
        }
        (Some(ValueType::Boolean), value) => Err(wrong(sort(&value), "true or false")),
        (Some(ValueType::Text), value) => Err(wrong(sort(&value), "a text, in quotes")),
    }
}

fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(number) if number.is_i64() => "a whole number",
        Value::Number(_) => "a number that is too large or not whole",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
