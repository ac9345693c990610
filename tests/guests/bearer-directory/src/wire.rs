//! The JSON of the directory, and what becomes of it in the words of the contract.
//!
//! A member that a record can't do without is required here, so that a body without it
//! is an error of the directory and never a shorter list or an invented value.
//! Everything that has no place of its own in the contract becomes an attribute.

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use crate::contract::identity::connector::types::{
    Account, AccountStatus, Attribute, AttributeValue, Email, EntitlementId, Expansion, Grant,
    Principal, Resource, ResourceId,
};
use crate::description::{APP, MEMBER, PERSON, ROLE, TEAM};

/// One page of a list.
#[derive(Deserialize)]
pub struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl<T> Page<T> {
    /// The page in the words of the contract.
    pub fn map<U>(self, item: impl FnMut(T) -> U) -> (Vec<U>, Option<String>) {
        (self.items.into_iter().map(item).collect(), self.next)
    }
}

/// What all resources have.
#[derive(Deserialize)]
pub struct Thing {
    #[serde(deserialize_with = "not_empty")]
    id: String,
    name: Option<String>,
    description: Option<String>,
    #[serde(default, deserialize_with = "instant")]
    created: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// A person.
#[derive(Deserialize)]
pub struct Person {
    email: Option<String>,
    active: Option<bool>,
    #[serde(flatten)]
    thing: Thing,
}

/// A role, which belongs to an app.
#[derive(Deserialize)]
pub struct Role {
    #[serde(deserialize_with = "not_empty")]
    app: String,
    #[serde(flatten)]
    thing: Thing,
}

/// Who is a member of a team or has a role.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Holder {
    /// A person.
    Person {
        /// The id of the person.
        #[serde(deserialize_with = "not_empty")]
        id: String,
    },
    /// A team, and with it all of its members.
    Team {
        /// The id of the team.
        #[serde(deserialize_with = "not_empty")]
        id: String,
    },
}

impl Thing {
    /// As a resource of this kind.
    pub fn resource(self, kind: &str) -> Resource {
        let name = self.name.filter(|name| !name.is_empty());
        Resource {
            parent: None,
            display_name: name.unwrap_or_else(|| self.id.clone()),
            id: id(kind, self.id),
            description: self.description,
            created_at: self.created,
            updated_at: None,
            account: None,
            attributes: self.rest.into_iter().filter_map(attribute).collect(),
        }
    }
}

impl Person {
    /// As a resource.
    pub fn resource(self) -> Resource {
        let status = |active| match active {
            true => AccountStatus::Enabled,
            false => AccountStatus::Disabled,
        };
        let email = |address| Email {
            address,
            primary: true,
            verified: None,
        };
        let account = Account {
            status: self.active.map(status),
            status_details: None,
            login: self.email.clone(),
            emails: self.email.map(email).into_iter().collect(),
            last_login: None,
        };
        Resource {
            account: Some(account),
            ..self.thing.resource(PERSON)
        }
    }
}

impl Role {
    /// As a resource.
    pub fn resource(self) -> Resource {
        Resource {
            parent: Some(id(APP, self.app)),
            ..self.thing.resource(ROLE)
        }
    }
}

/// That somebody holds an entitlement; members of a team inherit what the team holds.
pub fn grant(entitlement: &EntitlementId, holder: Holder) -> Grant {
    let (resource, expands) = match holder {
        Holder::Person { id: person } => (id(PERSON, person), None),
        Holder::Team { id: team } => {
            let members = Expansion {
                slugs: vec![MEMBER.to_owned()],
                shallow: false,
                kinds: Vec::new(),
            };
            (id(TEAM, team), Some(members))
        }
    };
    Grant {
        entitlement: entitlement.clone(),
        principal: Principal { resource },
        expands,
        attributes: Vec::new(),
    }
}

fn id(kind: &str, id: String) -> ResourceId {
    ResourceId {
        kind: kind.to_owned(),
        id,
    }
}

/// What the directory sent under a name that has no place of its own. What the contract
/// has no value for stays JSON text, so that nothing is lost.
fn attribute((name, value): (String, Value)) -> Option<Attribute> {
    let texts = |list: &[Value]| -> Option<Vec<String>> {
        list.iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect()
    };
    let value = match value {
        Value::Null => return None,
        Value::String(text) => AttributeValue::Text(text),
        Value::Bool(flag) => AttributeValue::Boolean(flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => AttributeValue::Integer(whole),
            None => AttributeValue::Text(number.to_string()),
        },
        Value::Array(list) => match texts(&list) {
            Some(texts) => AttributeValue::TextList(texts),
            None => AttributeValue::Text(Value::Array(list).to_string()),
        },
        Value::Object(members) => AttributeValue::Text(Value::Object(members).to_string()),
    };
    Some(Attribute { name, value })
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Err(de::Error::custom("an empty id"));
    }
    Ok(text)
}

/// A moment as the contract writes it, which is also how the directory does.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = text.strip_suffix('Z').is_some_and(|moment| {
        let (seconds, fraction) = moment.split_once('.').unwrap_or((moment, "0"));
        let like = "0000-00-00T00:00:00".bytes();
        seconds.len() == like.len()
            && seconds.bytes().zip(like).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                sign => byte == sign,
            })
            && (1..=3).contains(&fraction.len())
            && digits(fraction)
    });
    if !well_formed {
        return Err(de::Error::custom("not a moment in UTC"));
    }
    Ok(Some(text))
}
