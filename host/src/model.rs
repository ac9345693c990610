//! What was read, as the host keeps it: the objects that the command line promises.
//!
//! The types serialise to exactly the JSON of those objects and read it back, so that
//! one text serves the store, the lists and the exports. They know neither the
//! contract's bindings nor the database.

use std::fmt;

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

/// Names one resource: a kind and the system's own id, which may contain any character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId {
    /// The id of the kind.
    pub kind: String,
    /// The system's own id.
    pub id: String,
}

impl ResourceId {
    /// Names a resource.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            id: id.into(),
        }
    }
}

/// An id that no system has. Asking for it shows whether the right to ask is there,
/// without reading anybody's record: with some services reading one is billed.
pub const RIGHTS_PROBE_ID: &str = "connector-rights-probe";

/// `kind:id`, joined without escaping. Kinds contain no colon, so the first one ends
/// the kind.
impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

/// A text that is not `kind:id`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not name a resource: write KIND:ID, for example user:alice")]
pub struct NotAResourceId(pub String);

impl std::str::FromStr for ResourceId {
    type Err = NotAResourceId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(Self::new(kind, id)),
            _ => Err(NotAResourceId(text.to_owned())),
        }
    }
}

impl Serialize for ResourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResourceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One value of an attribute. A moment in time is kept as its RFC 3339 text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// Text, exactly as the system sent it.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// Several texts.
    TextList(Vec<String>),
}

impl AttributeValue {
    /// Roughly how many bytes of memory its texts take.
    #[cfg(feature = "sandbox")]
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Integer(_) | Self::Boolean(_) => 0,
            Self::TextList(list) => list.iter().map(String::len).sum(),
        }
    }
}

/// Named values in the order of their names, so that equal content is equal text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(pub std::collections::BTreeMap<String, AttributeValue>);

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountStatus {
    /// Sign-in is allowed.
    Enabled,
    /// Sign-in is refused.
    Disabled,
}

/// An e-mail address of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The address.
    pub address: String,
    /// Whether it is the main one.
    pub primary: bool,
    /// Whether the system verified it; unknown if absent.
    #[serde(default)]
    pub verified: Option<bool>,
}

/// What a resource with the trait `user` has on top of the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Unknown if absent.
    pub status: Option<AccountStatus>,
    /// The system's own word for the state.
    pub status_details: Option<String>,
    /// What it signs in with.
    pub login: Option<String>,
    /// Its addresses.
    pub emails: Vec<Email>,
    /// RFC 3339, UTC.
    pub last_login: Option<String>,
}

/// Anything that has an id.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "ResourceObject")]
pub struct Resource {
    /// Its kind and id.
    pub id: ResourceId,
    /// The resource that it belongs to.
    pub parent: Option<ResourceId>,
    /// What people call it.
    pub display_name: String,
    /// Free text.
    pub description: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: Option<String>,
    /// RFC 3339, UTC.
    pub updated_at: Option<String>,
    /// Present exactly for kinds with the trait `user`.
    pub account: Option<Account>,
    /// Everything else.
    pub attributes: Attributes,
}

/// The object of the command line: an account has its members at the top level, and
/// what an account always has is `null` rather than absent when it is unknown.
impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", &self.id.kind)?;
        map.serialize_entry("id", &self.id.id)?;
        if let Some(parent) = &self.parent {
            map.serialize_entry("parent", parent)?;
        }
        map.serialize_entry("display_name", &self.display_name)?;
        if let Some(description) = &self.description {
            map.serialize_entry("description", description)?;
        }
        if let Some(account) = &self.account {
            map.serialize_entry("status", &account.status)?;
            map.serialize_entry("status_details", &account.status_details)?;
            map.serialize_entry("emails", &account.emails)?;
            map.serialize_entry("login", &account.login)?;
        }
        map.serialize_entry("created_at", &self.created_at)?;
        map.serialize_entry("updated_at", &self.updated_at)?;
        if let Some(account) = &self.account {
            map.serialize_entry("last_login", &account.last_login)?;
        }
        map.serialize_entry("attributes", &self.attributes)?;
        map.end()
    }
}

/// The object as it is read back.
#[derive(Deserialize)]
struct ResourceObject {
    kind: String,
    id: String,
    #[serde(default)]
    parent: Option<ResourceId>,
    display_name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    status: Option<AccountStatus>,
    #[serde(default)]
    status_details: Option<String>,
    emails: Option<Vec<Email>>,
    #[serde(default)]
    login: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    last_login: Option<String>,
    attributes: Attributes,
}

impl From<ResourceObject> for Resource {
    fn from(object: ResourceObject) -> Self {
        // Only an account has a list of addresses, be it an empty one.
        let account = object.emails.map(|emails| Account {
            status: object.status,
            status_details: object.status_details,
            login: object.login,
            emails,
            last_login: object.last_login,
        });
        Self {
            id: ResourceId::new(object.kind, object.id),
            parent: object.parent,
            display_name: object.display_name,
            description: object.description,
            created_at: object.created_at,
            updated_at: object.updated_at,
            account,
            attributes: object.attributes,
        }
    }
}

/// A moment as every object of the command line has it: RFC 3339 in UTC with milliseconds.
#[cfg(feature = "sandbox")]
pub(crate) fn timestamp(moment: time::OffsetDateTime) -> String {
    let utc = moment.to_offset(time::UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        utc.year(),
        u8::from(utc.month()),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second(),
        utc.millisecond()
    )
}

/// What a system says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SystemFacts {
    /// What people called it.
    pub name: Option<String>,
    /// What permissions on it are granted on.
    pub resource_name: Option<String>,
    /// Facts under the system's own names.
    pub attributes: Attributes,
    /// Sentences for people.
    pub notes: Vec<String>,
}

/// Names one entitlement: what can be held, and on which resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntitlementId {
    /// The resource.
    pub resource: ResourceId,
    /// What can be held on it.
    pub slug: String,
}

/// `kind:id:slug`, joined without escaping: slugs contain no colon, so the last one
/// begins the slug.
impl fmt::Display for EntitlementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource, self.slug)
    }
}

/// A text that is not `kind:id:slug`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not name an entitlement: write KIND:ID:SLUG, for example group:admins:member")]
pub struct NotAnEntitlementId(pub String);

impl std::str::FromStr for EntitlementId {
    type Err = NotAnEntitlementId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.rsplit_once(':').and_then(|(resource, slug)| {
            let resource = resource.parse().ok()?;
            (!slug.is_empty()).then(|| Self {
                resource,
                slug: slug.to_owned(),
            })
        });
        parsed.ok_or_else(|| NotAnEntitlementId(text.to_owned()))
    }
}

/// Something that can be held on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// Which one.
    pub id: EntitlementId,
    /// What people call it.
    pub display_name: String,
    /// One sentence for people.
    pub description: Option<String>,
    /// The kinds that can hold it.
    pub grantable_to: Vec<String>,
    /// Everything else.
    pub attributes: Attributes,
}

impl Serialize for Entitlement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id.to_string())?;
        map.serialize_entry("resource", &self.id.resource)?;
        map.serialize_entry("slug", &self.id.slug)?;
        map.serialize_entry("display_name", &self.display_name)?;
        if let Some(description) = &self.description {
            map.serialize_entry("description", description)?;
        }
        map.serialize_entry("grantable_to", &self.grantable_to)?;
        if !self.attributes.0.is_empty() {
            map.serialize_entry("attributes", &self.attributes)?;
        }
        map.end()
    }
}

/// Who holds a grant's principal also holds the grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expansion {
    /// The slugs on the principal's resource whose holders inherit.
    pub slugs: Vec<String>,
    /// Whether only direct holders inherit.
    pub shallow: bool,
    /// The kinds of holder that inherit; empty for every kind.
    pub kinds: Vec<String>,
}

/// A principal holds an entitlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What is held.
    pub entitlement: EntitlementId,
    /// Who holds it.
    pub principal: ResourceId,
    /// Whether others hold it through the principal.
    pub expands: Option<Expansion>,
    /// Everything else.
    pub attributes: Attributes,
}

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(
            "id",
            &format_args!("{}:{}", self.entitlement, self.principal),
        )?;
        map.serialize_entry("entitlement", &self.entitlement.to_string())?;
        map.serialize_entry("principal", &self.principal)?;
        if let Some(expands) = &self.expands {
            map.serialize_entry("expands", expands)?;
        }
        if !self.attributes.0.is_empty() {
            map.serialize_entry("attributes", &self.attributes)?;
        }
        map.end()
    }
}
