//! What a component says about itself, as data that outlives one contract version.
//!
//! The shapes follow `describe` of the contract (`wit/describe.wit`), where every item
//! is documented, but they are types of their own: a trust record is a file that people
//! read and that is compared years later, and the egress policy that acts on it must
//! compile without a WebAssembly engine.

use serde::{Deserialize, Serialize};

/// The contract function that creates accounts, as trust records name it.
const CREATE_ACCOUNT: &str = "provisioning.create-account";

/// Who a connector is, what it can do, what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Lower-case words joined by hyphens; never changes.
    pub name: String,
    /// What people call the system.
    pub display_name: String,
    /// Version of the component (semantic versioning).
    pub version: String,
    /// Where its documentation is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help_url: Option<String>,
    /// What `open` understands.
    pub settings: Vec<SettingSchema>,
    /// What can be listed; parents before their children.
    pub kinds: Vec<Kind>,
    /// What `create-account` takes; empty if it can't.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub account_schema: Vec<Field>,
    /// What `invoke` takes; empty if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionSchema>,
    /// What it asks for on the wire.
    pub wire: Wire,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueType {
    /// Any text.
    Text,
    /// A whole number in decimal digits.
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// One setting of the connector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingSchema {
    /// Also its name as an option of the command line.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// What it is for and where to find it.
    pub help: String,
    /// How the value is written.
    pub value_type: ValueType,
    /// Whether the session cannot be opened without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Whether it must never be shown or logged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Whether another value means another system.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identifies_system: bool,
    /// A regular expression that the whole value matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// A value that matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// Used when the setting is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
    /// Where the value comes from when it is absent and has no default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<Derivation>,
}

/// A default that follows from another setting: its text before a separator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derivation {
    /// The other setting.
    pub setting: String,
    /// The separator.
    pub before: String,
}

/// What a kind of resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trait {
    /// An account of a person or a program.
    User,
    /// A set of principals.
    Group,
    /// A named set of permissions.
    Role,
    /// A place that access is given to.
    App,
    /// A secret, described but never revealed.
    Secret,
}

/// An entitlement that every resource of a kind has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntitlementSchema {
    /// Unique within the kind.
    pub slug: String,
    /// What people call it.
    pub display_name: String,
    /// The kinds that can hold it.
    pub grantable_to: Vec<String>,
}

/// A kind of resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Never changes.
    pub id: String,
    /// The plural of `id`.
    pub plural: String,
    /// What people call one of them.
    pub display_name: String,
    /// What it is.
    pub traits: Vec<Trait>,
    /// The kinds whose resources are parents of this one; empty for the top level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
    /// Entitlements that every resource of this kind has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entitlements: Vec<EntitlementSchema>,
    /// Whether grants can be listed by a resource of this kind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grants_of_resource: bool,
    /// Whether grants can be listed by a principal of this kind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grants_of_principal: bool,
    /// Whether accounts of this kind can be created and deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accounts: bool,
}

/// A field of an account, or an argument or result of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Unique within its list.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// One sentence for people.
    pub help: String,
    /// How the value is written.
    pub value_type: ValueType,
    /// Whether the call fails without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Whether it must never be shown or logged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// The kind of the resource whose id the value is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_of: Option<String>,
}

/// An action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionSchema {
    /// Unique; never changes.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// What it does.
    pub help: String,
    /// Standard words for what it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
    /// What it takes.
    pub arguments: Vec<Field>,
    /// What it gives.
    pub results: Vec<Field>,
}

/// How requests prove who sends them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// Not at all.
    None,
    /// A bearer token: the value of the named setting.
    Bearer(String),
    /// AWS Signature Version 4.
    Sigv4(Sigv4),
}

/// AWS Signature Version 4: the service and the settings that carry the credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sigv4 {
    /// The service name in the credential scope.
    pub service: String,
    /// The setting that holds the region.
    pub region_setting: String,
    /// The setting that holds the access key id.
    pub access_key_id_setting: String,
    /// The setting that holds the secret access key.
    pub secret_access_key_setting: String,
    /// The setting that holds the session token.
    pub session_token_setting: String,
}

/// How an operation is recognised in a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// AWS JSON 1.1 with this target prefix.
    AwsJson(String),
    /// Method and path of the operation's route.
    Http,
}

/// A place that requests go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// `https://host[:port]` in which `{name}` stands for a setting.
    pub template: String,
    /// Only for settings whose value begins with one of the prefixes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<OriginCondition>,
}

/// When an origin is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginCondition {
    /// The setting that decides.
    pub setting: String,
    /// The origin is meant if the value begins with one of these.
    pub prefixes: Vec<String>,
}

/// Whether an operation changes anything. Where that is not said, it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// It only reads.
    Read,
    /// It may change something.
    #[default]
    Change,
}

/// Where the value of a bound member comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BindingSource {
    /// The setting of this name.
    Setting(String),
    /// The id of the resource that the call is about.
    Resource,
    /// The id of the principal that the call is about.
    Principal,
    /// The argument or field of this name.
    Argument(String),
    /// This value, written as JSON.
    Constant(String),
    /// All arguments or fields of the call, as a list of names and values.
    NamedArguments(NamedArguments),
}

/// Arguments as a list of objects of two members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedArguments {
    /// The member that holds the argument's name.
    pub name_member: String,
    /// The member that holds its value as a text.
    pub value_member: String,
    /// The arguments that are not in the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// Whether an argument of the call has a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindingCondition {
    /// The argument.
    pub argument: String,
    /// The value.
    pub value: String,
    /// Whether the binding holds if it has this value, or if it has not.
    pub equals: bool,
}

/// A member of a request that can only have one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// JSON Pointer into the body, `{name}` for a placeholder of the route's path, or
    /// `?name` for a parameter of the query.
    pub member: String,
    /// What it must equal: the first of these that the call has a value for.
    pub sources: Vec<BindingSource>,
    /// The contract functions that this is for; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<String>,
    /// When it holds; `None` for always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<BindingCondition>,
}

/// Method and path of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// In capitals.
    pub method: String,
    /// Begins with `/`; `{name}` stands for one non-empty segment.
    pub path: String,
}

/// An operation of the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The system's own name for it.
    pub name: String,
    /// Whether it changes anything.
    #[serde(default)]
    pub access: Access,
    /// How it is recognised with the protocol `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// The contract functions that may send it, as `interface.function`; one action is
    /// `actions.invoke/` and its name.
    pub functions: Vec<String>,
    /// The kinds of resource whose reading or changing needs it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// The id of its rate class.
    pub rate_class: String,
    /// The members of its requests that the call fixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bound: Vec<Binding>,
    /// The members that it may send besides, with any value: names of members of the body,
    /// and `?name` for parameters of the query. Nothing else may be sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// The right that it needs, as an administrator grants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    /// Whether the connector works without it and only knows less.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// What shares one limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateScope {
    /// All requests of one account in one region.
    Account,
    /// The requests of one operation to one system.
    SystemOperation,
    /// The requests to one system with the same value in this bound member; those that
    /// read and those that change apart, whatever their class.
    Resource(String),
}

/// A limit of the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// What shares it.
    pub scope: RateScope,
    /// Requests per second that the system documents.
    pub per_second: u32,
}

/// Operations that share limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateClass {
    /// Unique.
    pub id: String,
    /// All of them hold.
    pub limits: Vec<RateLimit>,
}

impl RateClass {
    /// The lowest of its limits of a scope, in requests per second.
    pub fn lowest(&self, scope: &RateScope) -> Option<f64> {
        self.limits
            .iter()
            .filter(|limit| limit.scope == *scope)
            .map(|limit| f64::from(limit.per_second))
            .reduce(f64::min)
    }
}

/// What a connector asks for on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    /// How its requests prove who sends them.
    pub authentication: Authentication,
    /// How its operations are recognised.
    pub protocol: Protocol,
    /// Where its requests go: the first one whose condition holds.
    pub origins: Vec<Origin>,
    /// Everything it sends.
    pub operations: Vec<Operation>,
    /// The rate classes of its operations.
    pub rate_classes: Vec<RateClass>,
    /// What a permission is granted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
}

impl Description {
    /// What is wrong with the kinds, if anything: one that is listed under a parent that
    /// nobody lists would silently be missing from every snapshot, and a name that means
    /// two things would be read as the wrong one.
    pub fn inconsistency(&self) -> Option<String> {
        let mut known: Vec<&str> = Vec::new();
        for kind in &self.kinds {
            if known.contains(&kind.id.as_str()) {
                return Some(format!("the kind `{}` stands twice", kind.id));
            }
            if kind.id.is_empty() || kind.id.contains(':') {
                return Some(format!(
                    "the kind `{}` is empty or has a colon in its name",
                    kind.id
                ));
            }
            let same_plural = self
                .kinds
                .iter()
                .filter(|other| other.plural == kind.plural);
            if ["entitlements", "grants"].contains(&kind.plural.as_str()) || same_plural.count() > 1
            {
                return Some(format!(
                    "the plural `{}` means something else already",
                    kind.plural
                ));
            }
            if let Some(parent) = kind
                .parents
                .iter()
                .find(|parent| !known.contains(&parent.as_str()))
            {
                return Some(format!(
                    "the kind `{}` has the parent `{parent}`, which does not stand before it",
                    kind.id
                ));
            }
            known.push(&kind.id);
        }
        None
    }

    /// The fields that name an account to be created, the first one given counting: those
    /// that requests are bound to then.
    pub fn naming_fields(&self) -> Vec<&str> {
        let creates = |functions: &[String]| functions.iter().any(|name| name == CREATE_ACCOUNT);
        let changes = self.wire.operations.iter().filter(|operation| {
            operation.access == Access::Change && creates(&operation.functions)
        });
        changes
            .flat_map(|operation| &operation.bound)
            .flat_map(|bound| &bound.sources)
            .filter_map(|source| match source {
                BindingSource::Argument(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The schema of an action.
    pub fn action(&self, name: &str) -> Option<&ActionSchema> {
        self.actions.iter().find(|action| action.name == name)
    }

    /// The kind with this id.
    pub fn kind(&self, id: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.id == id)
    }

    /// The schema of a setting.
    pub fn setting(&self, name: &str) -> Option<&SettingSchema> {
        self.settings.iter().find(|setting| setting.name == name)
    }
}

impl Kind {
    /// Whether something can be held on its resources.
    pub fn carries_entitlements(&self) -> bool {
        self.grants_of_resource || !self.entitlements.is_empty()
    }
}

impl Wire {
    /// The operation with this name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| operation.name == name)
    }
}
