//! What came of a change, as it is printed.

use serde_json::{Map, Value, json};

use crate::change::{Change, Outcome};
use crate::model::{AttributeValue, ResourceId};
use crate::provision::Done;

/// The outcome in one word.
pub(super) fn outcome(done: &Done) -> String {
    let word = done.outcome.as_str();
    if !done.dry_run {
        return word.to_owned();
    }
    match done.outcome {
        Outcome::Granted => "would-grant",
        Outcome::Revoked => "would-revoke",
        Outcome::Created => "would-create",
        Outcome::Deleted => "would-delete",
        Outcome::Done => "would-invoke",
        Outcome::AlreadyGranted
        | Outcome::AlreadyRevoked
        | Outcome::AlreadyExists
        | Outcome::AlreadyGone => word,
    }
    .to_owned()
}

/// What a change is about, as people name it. `account` is the one that it concerns.
pub(super) fn about(change: &Change, account: Option<&ResourceId>) -> String {
    match change {
        Change::Grant(membership) | Change::Revoke(membership) => membership.to_string(),
        Change::CreateAccount { kind, .. } => {
            account.map_or_else(|| kind.clone(), ResourceId::to_string)
        }
        Change::DeleteAccount { account } => account.to_string(),
        Change::Invoke { action, arguments } => {
            let arguments = arguments.iter().filter_map(|(name, value)| match value {
                AttributeValue::Text(text) => Some(format!("{name}={text}")),
                _ => None,
            });
            std::iter::once(action.clone())
                .chain(arguments)
                .collect::<Vec<_>>()
                .join(" ")
        }
    }
}

/// The object that a single change prints.
pub(super) fn shown(change: &Change, done: &Done) -> Value {
    let mut object = Map::new();
    let account = || serde_json::to_value(&done.account).unwrap_or_default();
    match change {
        Change::Grant(membership) | Change::Revoke(membership) => {
            object.insert("outcome".to_owned(), outcome(done).into());
            object.insert("grant".to_owned(), membership.to_string().into());
            object.insert(
                "entitlement".to_owned(),
                membership.entitlement.to_string().into(),
            );
            object.insert(
                "principal".to_owned(),
                membership.principal.to_string().into(),
            );
        }
        Change::CreateAccount { kind, .. } => {
            object.insert("outcome".to_owned(), outcome(done).into());
            object.insert(kind.clone(), account());
        }
        Change::DeleteAccount { account: id } => {
            object.insert("outcome".to_owned(), outcome(done).into());
            object.insert("account".to_owned(), id.to_string().into());
            if done.account.is_some() {
                object.insert(id.kind.clone(), account());
            }
        }
        Change::Invoke { action, .. } => {
            for (name, value) in &done.results.0 {
                object.insert(name.clone(), json!(value));
            }
            object.insert("action".to_owned(), action.clone().into());
            object.insert("outcome".to_owned(), outcome(done).into());
            if let Some(resource) = &done.account {
                object.insert(resource.id.kind.clone(), account());
            }
        }
    }
    object.insert("warnings".to_owned(), json!(done.warnings));
    Value::Object(object)
}
