//! The lines of an audit file, as they are written and read back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::change::{Change, Fields, Outcome, State};
use crate::egress::Wanted;
use crate::egress::audit::AuditRecord;
use crate::model::{AttributeValue, ResourceId, timestamp};
use crate::trust::description::{ActionSchema, Description};

/// One line. A reader that meets another sort of line has an older contract than the
/// writer and must not act on what it does not understand.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub(in crate::provision) enum Line {
    /// A run begins.
    Run(RunLine),
    /// A change begins.
    Begun(BegunLine),
    /// A change is over.
    Ended(EndedLine),
    /// A request is over.
    Request(RequestLine),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::provision) struct RunLine {
    pub(in crate::provision) run: String,
    pub(in crate::provision) time: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::provision) who: Option<String>,
    pub(in crate::provision) component: String,
    pub(in crate::provision) origin: String,
    pub(in crate::provision) settings: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::provision) struct BegunLine {
    pub(in crate::provision) run: String,
    pub(in crate::provision) time: String,
    pub(in crate::provision) change: u64,
    pub(in crate::provision) asked: Asked,
    pub(in crate::provision) before: Option<State>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::provision) struct EndedLine {
    pub(in crate::provision) run: String,
    pub(in crate::provision) time: String,
    pub(in crate::provision) change: u64,
    pub(in crate::provision) outcome: End,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::provision) account: Option<ResourceId>,
    pub(in crate::provision) after: Option<State>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::provision) error: Option<String>,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum End {
    /// It came to this.
    Outcome(Outcome),
    /// It came to nothing that is known.
    Unfinished(Unfinished),
}

/// Why a change has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unfinished {
    /// It was refused or failed, and nothing changed.
    Failed,
    /// It was sent, and nobody knows whether it took effect.
    Unknown,
    /// A rule of the operator refused it; nothing was sent.
    Refused,
}

/// What was asked for, without any value that is not the name of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command")]
pub(in crate::provision) enum Asked {
    #[serde(rename = "grant")]
    Grant {
        entitlement: String,
        principal: ResourceId,
    },
    #[serde(rename = "revoke")]
    Revoke {
        entitlement: String,
        principal: ResourceId,
    },
    #[serde(rename = "account create")]
    CreateAccount { kind: String, fields: Vec<String> },
    #[serde(rename = "account delete")]
    DeleteAccount { account: ResourceId },
    #[serde(rename = "action invoke")]
    Invoke {
        action: String,
        /// `null` where the value is no id.
        arguments: Map<String, Value>,
    },
}

impl Asked {
    pub(super) fn of(change: &Change, description: &Description) -> Self {
        match change {
            Change::Grant(membership) => Self::Grant {
                entitlement: membership.entitlement.to_string(),
                principal: membership.principal.clone(),
            },
            Change::Revoke(membership) => Self::Revoke {
                entitlement: membership.entitlement.to_string(),
                principal: membership.principal.clone(),
            },
            Change::CreateAccount { kind, fields } => Self::CreateAccount {
                kind: kind.clone(),
                fields: fields.iter().map(|(name, _)| name.clone()).collect(),
            },
            Change::DeleteAccount { account } => Self::DeleteAccount {
                account: account.clone(),
            },
            Change::Invoke { action, arguments } => Self::Invoke {
                action: action.clone(),
                arguments: ids_of(arguments, description.action(action)),
            },
        }
    }
}

/// The arguments, of which only ids keep their value.
fn ids_of(arguments: &Fields, schema: Option<&ActionSchema>) -> Map<String, Value> {
    let is_id = |name: &str| {
        let mut fields = schema.iter().flat_map(|schema| &schema.arguments);
        fields.any(|field| field.name == name && field.id_of.is_some() && !field.secret)
    };
    arguments
        .iter()
        .map(|(name, value)| match value {
            AttributeValue::Text(id) if is_id(name) => (name.clone(), id.clone().into()),
            _ => (name.clone(), Value::Null),
        })
        .collect()
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::provision) struct RequestLine {
    pub(super) run: String,
    pub(super) time: String,
    pub(super) call: String,
    pub(super) operation: String,
    class: String,
    wait_ms: u64,
    pub(super) status: Option<u16>,
    pub(super) request_id: Option<String>,
    sent: u64,
    received: u64,
    pub(super) verdict: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) wanted: Option<Wanted>,
}

impl RequestLine {
    pub(super) fn of(run: &str, record: &AuditRecord) -> Self {
        Self {
            run: run.to_owned(),
            time: timestamp(record.time),
            call: record.call.clone(),
            operation: record.operation.clone(),
            class: record.class.clone(),
            wait_ms: u64::try_from(record.wait.as_millis()).unwrap_or(u64::MAX),
            status: record.status,
            request_id: record.request_id.clone(),
            sent: record.sent,
            received: record.received,
            verdict: record.verdict.to_string(),
            wanted: record.wanted.clone(),
        }
    }
}
