//! Changes that somebody asks for, and what became of them.
//!
//! Data only: what carries a change out is `engine` (one call) and `provision` (safely).
//! Whatever is written down about a change names resources and never attribute values.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{AccountStatus, AttributeValue, EntitlementId, Resource, ResourceId};
use crate::trust::description::{ActionSchema, Description};

/// Named values in the order in which they were given.
pub type Fields = Vec<(String, AttributeValue)>;

/// A change that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Gives an entitlement to a principal.
    Grant(Membership),
    /// Takes an entitlement from a principal.
    Revoke(Membership),
    /// Creates an account.
    CreateAccount {
        /// The kind of account.
        kind: String,
        /// Fields of the account schema, and attributes under the system's own names.
        fields: Fields,
    },
    /// Deletes an account.
    DeleteAccount {
        /// Which one.
        account: ResourceId,
    },
    /// Invokes an action.
    Invoke {
        /// Its name.
        action: String,
        /// Its arguments.
        arguments: Fields,
    },
}

/// What a principal holds or is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// What is held.
    pub entitlement: EntitlementId,
    /// By whom.
    pub principal: ResourceId,
}

/// The id of the grant: both ids joined without escaping, for people and never to be taken
/// apart.
impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.entitlement, self.principal)
    }
}

impl Change {
    /// The command that asks for it.
    pub fn command(&self) -> &'static str {
        match self {
            Self::Grant(_) => "grant",
            Self::Revoke(_) => "revoke",
            Self::CreateAccount { .. } => "account create",
            Self::DeleteAccount { .. } => "account delete",
            Self::Invoke { .. } => "action invoke",
        }
    }

    /// The existing resources that it changes or says something about.
    pub fn subjects(&self, description: &Description) -> Vec<ResourceId> {
        match self {
            Self::Grant(membership) | Self::Revoke(membership) => vec![
                membership.entitlement.resource.clone(),
                membership.principal.clone(),
            ],
            Self::CreateAccount { .. } => Vec::new(),
            Self::DeleteAccount { account } => vec![account.clone()],
            Self::Invoke { action, arguments } => description
                .action(action)
                .map(|schema| named_by(schema, arguments))
                .unwrap_or_default(),
        }
    }

    /// The account that people look at to see what became of it.
    pub fn concerns(&self, description: &Description) -> Option<ResourceId> {
        match self {
            Self::CreateAccount { kind, fields } => named_account(kind, fields, description),
            other => other.account(description),
        }
    }

    /// The account whose state it changes, if it is one that exists before.
    pub fn account(&self, description: &Description) -> Option<ResourceId> {
        match self {
            Self::Grant(membership) | Self::Revoke(membership) => {
                Some(membership.principal.clone())
            }
            Self::CreateAccount { .. } => None,
            Self::DeleteAccount { account } => Some(account.clone()),
            Self::Invoke { .. } => self.subjects(description).into_iter().next(),
        }
    }
}

/// The name that an account is to have, by what the component's requests are bound to when
/// it creates one; the system may give it another id.
fn named_account(kind: &str, fields: &Fields, description: &Description) -> Option<ResourceId> {
    description.naming_fields().into_iter().find_map(|wanted| {
        fields.iter().find_map(|(name, value)| match value {
            AttributeValue::Text(text) if name == wanted && !text.is_empty() => {
                Some(ResourceId::new(kind, text))
            }
            _ => None,
        })
    })
}

/// The resources that arguments name, by the schema of the action.
fn named_by(schema: &ActionSchema, arguments: &Fields) -> Vec<ResourceId> {
    schema
        .arguments
        .iter()
        .filter_map(|field| {
            let kind = field.id_of.as_ref()?;
            let (_, value) = arguments.iter().find(|(name, _)| *name == field.name)?;
            match value {
                AttributeValue::Text(id) if !id.is_empty() => Some(ResourceId::new(kind, id)),
                _ => None,
            }
        })
        .collect()
}

/// What a change came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Held now and not before.
    Granted,
    /// Held before.
    AlreadyGranted,
    /// Held before and not now.
    Revoked,
    /// Not held before.
    AlreadyRevoked,
    /// There now and not before.
    Created,
    /// There before.
    AlreadyExists,
    /// There before and not now.
    Deleted,
    /// Not there before.
    AlreadyGone,
    /// The action was done.
    Done,
}

impl Outcome {
    /// The word that is printed and written down.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::AlreadyGranted => "already-granted",
            Self::Revoked => "revoked",
            Self::AlreadyRevoked => "already-revoked",
            Self::Created => "created",
            Self::AlreadyExists => "already-exists",
            Self::Deleted => "deleted",
            Self::AlreadyGone => "already-gone",
            Self::Done => "done",
        }
    }

    /// Whether anything is other than before, as far as the outcome tells.
    pub fn has_changed(self) -> bool {
        match self {
            Self::Granted | Self::Revoked | Self::Created | Self::Deleted | Self::Done => true,
            Self::AlreadyGranted
            | Self::AlreadyRevoked
            | Self::AlreadyExists
            | Self::AlreadyGone => false,
        }
    }
}

/// The state of what a change is about, as far as it may be written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum State {
    /// Of an entitlement and a principal.
    Membership {
        /// Whether the principal holds it.
        held: bool,
    },
    /// Of an account.
    Account {
        /// Whether it exists.
        exists: bool,
        /// Whether it can be used, if the system says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<AccountStatus>,
        /// The system's own word for the state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status_details: Option<String>,
        /// What it holds, where that is lost by the change.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        holds: Vec<String>,
    },
}

impl State {
    /// The state of an account that was looked for.
    pub fn of_account(found: Option<&Resource>, holds: Vec<String>) -> Self {
        let account = found.and_then(|resource| resource.account.as_ref());
        Self::Account {
            exists: found.is_some(),
            status: account.and_then(|account| account.status),
            status_details: account.and_then(|account| account.status_details.clone()),
            holds,
        }
    }
}
