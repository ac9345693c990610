//! What can be asked of a session, and the answers.

use crate::change::{Change, Fields, Outcome};
use crate::contract::{Function, Page};
use crate::egress::Call;
use crate::egress::ChangeFate;
use crate::model::{
    AttributeValue, Attributes, Entitlement, Grant, Resource, ResourceId, SystemFacts,
};
use crate::trust::description::BindingSource;

/// What is asked of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// What the system says about itself.
    System,
    /// The slices in which the list of a kind can be read.
    Partitions {
        /// The kind.
        kind: String,
    },
    /// How many resources of a kind there may be.
    Estimate {
        /// The kind.
        kind: String,
    },
    /// One page of the resources of a kind.
    ListResources {
        /// The kind.
        kind: String,
        /// The parent, for kinds that have one.
        parent: Option<ResourceId>,
        /// One slice of the list.
        partition: Option<String>,
        /// Where to go on.
        cursor: Option<String>,
        /// How many are wished for.
        page_size: Option<u32>,
    },
    /// One resource.
    GetResource {
        /// Which one.
        id: ResourceId,
        /// Where to go on.
        cursor: Option<String>,
    },
    /// One resource, as the list shows it.
    FindListed {
        /// Which one.
        id: ResourceId,
        /// Where to go on.
        cursor: Option<String>,
    },
    /// One page of the entitlements of a resource.
    ListEntitlements {
        /// The resource.
        of: ResourceId,
        /// Where to go on.
        cursor: Option<String>,
    },
    /// One page of grants.
    ListGrants {
        /// On which resource, or held by whom.
        of: GrantsOf,
        /// Where to go on.
        cursor: Option<String>,
        /// How many are wished for.
        page_size: Option<u32>,
    },
    /// Whether an account could be created, and whether it is there already.
    CheckAccount {
        /// The kind.
        kind: String,
        /// The fields that it would be created with.
        fields: Fields,
    },
    /// A change.
    Change(Change),
}

/// Which grants are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantsOf {
    /// Those on a resource.
    Resource(ResourceId),
    /// Those that a principal holds.
    Principal(ResourceId),
}

impl Request {
    /// The call as the egress policy judges it: the function and what it is about, so
    /// that a request about something else is refused.
    pub(super) fn scope(&self) -> Call {
        let call = Call::new(self.function().name());
        match self {
            Self::System | Self::Partitions { .. } | Self::Estimate { .. } => call,
            Self::ListResources { parent: None, .. } => call,
            Self::ListResources {
                parent: Some(id), ..
            }
            | Self::GetResource { id, .. }
            | Self::FindListed { id, .. }
            | Self::ListEntitlements { of: id, .. }
            | Self::ListGrants {
                of: GrantsOf::Resource(id),
                ..
            } => call.about(BindingSource::Resource, &id.id),
            Self::ListGrants {
                of: GrantsOf::Principal(id),
                ..
            } => call.about(BindingSource::Principal, &id.id),
            Self::CheckAccount { fields, .. }
            | Self::Change(Change::CreateAccount { fields, .. }) => about_fields(call, fields),
            Self::Change(Change::Grant(membership) | Change::Revoke(membership)) => call
                .about(BindingSource::Resource, &membership.entitlement.resource.id)
                .about(BindingSource::Principal, &membership.principal.id),
            Self::Change(Change::DeleteAccount { account }) => {
                call.about(BindingSource::Resource, &account.id)
            }
            Self::Change(Change::Invoke { action, arguments }) => {
                // One action must not be able to do what another is for.
                let name = format!("{}/{action}", Function::Invoke.name());
                about_fields(Call::new(name), arguments)
            }
        }
    }

    /// The contract function that it calls.
    pub fn function(&self) -> Function {
        match self {
            Self::System => Function::System,
            Self::Partitions { .. } => Function::Partitions,
            Self::Estimate { .. } => Function::Estimate,
            Self::ListResources { .. } => Function::ListResources,
            Self::GetResource { .. } => Function::GetResource,
            Self::FindListed { .. } => Function::FindListed,
            Self::ListEntitlements { .. } => Function::ListEntitlements,
            Self::ListGrants { .. } => Function::ListGrants,
            Self::CheckAccount { .. } => Function::CheckAccount,
            Self::Change(Change::Grant(_)) => Function::Grant,
            Self::Change(Change::Revoke(_)) => Function::Revoke,
            Self::Change(Change::CreateAccount { .. }) => Function::CreateAccount,
            Self::Change(Change::DeleteAccount { .. }) => Function::DeleteAccount,
            Self::Change(Change::Invoke { .. }) => Function::Invoke,
        }
    }
}

fn about_fields(call: Call, fields: &Fields) -> Call {
    fields.iter().fold(call, |call, (name, value)| {
        let text = match value {
            AttributeValue::Text(text) => text.clone(),
            AttributeValue::Integer(number) => number.to_string(),
            AttributeValue::Boolean(value) => value.to_string(),
            // A request about a list can't be told from one about something else.
            AttributeValue::TextList(_) => return call,
        };
        call.about(BindingSource::Argument(name.clone()), text)
    })
}

/// What one request found out about one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// This is it.
    Found(Box<Resource>),
    /// Not here; ask again with this cursor.
    GoOn(String),
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::System`].
    System(SystemFacts),
    /// To [`Request::Partitions`].
    Partitions(Vec<String>),
    /// To [`Request::Estimate`].
    Estimate(Option<u64>),
    /// To [`Request::ListResources`].
    Resources(Page<Resource>),
    /// To [`Request::GetResource`] and [`Request::FindListed`]; what was found is what was
    /// asked for.
    Lookup(Lookup),
    /// To [`Request::ListEntitlements`].
    Entitlements(Page<Entitlement>),
    /// To [`Request::ListGrants`].
    Grants(Page<Grant>),
    /// To [`Request::CheckAccount`].
    AccountCheck(AccountCheck),
    /// To [`Request::Change`].
    Changed(Changed),
}

/// What is known about an account before it is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountCheck {
    /// The account that is there already.
    pub existing: Option<Box<Resource>>,
    /// What the caller should know.
    pub warnings: Vec<String>,
}

/// What a change came to, by the word of the component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What it came to.
    pub outcome: Outcome,
    /// The account that was created or found.
    pub account: Option<Box<Resource>>,
    /// The results of an action.
    pub results: Attributes,
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// What the host saw of the change on the wire; `None` if nothing was sent. One that the
    /// component looked up although it was answered counts as unknown.
    pub fate: Option<ChangeFate>,
}

impl From<Outcome> for Changed {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            account: None,
            results: Attributes::default(),
            warnings: Vec::new(),
            fate: None,
        }
    }
}
