//! Commands that ask the service and leave the store alone: `get` and `validate`.

use serde_json::json;

use super::exit::{ExitCode, Failure, no_kind};
use crate::connector::{Connector, ConnectorError, Conversation};
use crate::engine::{Answer, ErrorCode, GrantsOf, Request};
use crate::model::{RIGHTS_PROBE_ID, Resource, ResourceId, SystemFacts};
use crate::trust::description::{Access, Description, Kind, Operation};

/// The live resource.
pub(super) async fn get(connector: &Connector, id: &ResourceId) -> Result<Resource, Failure> {
    known_kind(connector, &id.kind)?;
    connector.resource(id).await.map_err(Failure::from)
}

fn known_kind(connector: &Connector, kind: &str) -> Result<(), Failure> {
    let kinds = &connector.description().kinds;
    match kinds.iter().any(|known| known.id == kind) {
        true => Ok(()),
        false => Err(no_kind(kind, kinds)),
    }
}

/// What one check found out.
struct Check {
    name: String,
    outcome: Outcome,
    detail: String,
    /// The right that is missing.
    permission: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ok,
    Failed(ExitCode),
    NotCheckable,
}

/// The result of `validate`.
pub(super) struct Validation {
    checks: Vec<Check>,
}

impl Check {
    fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(name, Outcome::Ok, detail)
    }

    fn failed(name: impl Into<String>, code: ExitCode, detail: impl Into<String>) -> Self {
        Self::new(name, Outcome::Failed(code), detail)
    }

    fn not_checkable(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(name, Outcome::NotCheckable, detail)
    }

    fn new(name: impl Into<String>, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            outcome,
            detail: detail.into(),
            permission: None,
        }
    }
}

impl Validation {
    /// The object that the command promises.
    pub(super) fn to_json(&self) -> serde_json::Value {
        let checks: Vec<_> = self
            .checks
            .iter()
            .map(|check| {
                let status = match check.outcome {
                    Outcome::Ok => "ok",
                    Outcome::Failed(_) => "failed",
                    Outcome::NotCheckable => "not-checkable",
                };
                json!({"name": check.name, "status": status, "detail": check.detail})
            })
            .collect();
        json!({"ok": self.failure().is_none(), "checks": checks})
    }

    /// The first failed check, and all of them in one message.
    pub(super) fn failure(&self) -> Option<Failure> {
        let failed = |check: &&Check| matches!(check.outcome, Outcome::Failed(_));
        let first = self.checks.iter().find(failed)?;
        let Outcome::Failed(code) = first.outcome else {
            return None;
        };
        let permissions: Vec<&str> = self
            .checks
            .iter()
            .filter_map(|check| check.permission.as_deref())
            .collect();
        Some(match permissions.as_slice() {
            [] => Failure::new(code, first.detail.clone()),
            lacking => Failure::new(code, format!("the credentials lack {}", lacking.join(", ")))
                .hint("allow these actions in the policy of the key; a sync may need only some of them"),
        })
    }
}

/// Checks the connection, each kind of reading that a sync does, the reading of single
/// resources, and that the protected ones exist. Rights to change are listed and not tried.
pub(super) async fn validate(connector: &Connector, protected: &[ResourceId]) -> Validation {
    let opened = connector.session().await;
    let usable = opened.is_ok();
    let settings = match opened {
        Ok(_) => Check::ok(
            "settings agree with each other",
            format!(
                "{}; requests go to {}",
                identifying(connector),
                connector.egress().policy().origin()
            ),
        ),
        Err(error) => failed("settings agree with each other".to_owned(), error),
    };
    let mut rights = Vec::new();
    let mut reachable = usable;
    // In one session, so that what the component has learnt is not asked for again.
    let mut conversation = connector.conversation();
    for (name, request, optional) in probes(connector) {
        if !reachable {
            if !optional {
                rights.push(Check::not_checkable(
                    name,
                    "not asked, because an earlier check failed",
                ));
            }
            continue;
        }
        let requests = connector.egress().traffic().requests;
        let check = probe(&mut conversation, name, &request, optional).await;
        if check.outcome == Outcome::NotCheckable
            && connector.egress().traffic().requests == requests
        {
            // The connector knew without asking that there is nothing to ask for.
            continue;
        }
        // What concerns the whole connection would fail again at every further check.
        if let Outcome::Failed(code) = check.outcome {
            reachable = code == ExitCode::PermissionDenied;
        }
        rights.push(check);
    }
    let mut checks = vec![settings];
    if usable {
        checks.extend(connection(&rights));
    }
    checks.extend(rights);
    if reachable {
        for id in protected {
            checks.push(protected_exists(connector, id).await);
        }
    }
    checks.extend(changes(connector.description()));
    Validation { checks }
}

fn identifying(connector: &Connector) -> String {
    let settings = connector.settings().identifying();
    let settings = settings
        .iter()
        .map(|(name, value)| format!("{name} {value}"));
    settings.collect::<Vec<_>>().join(", ")
}

/// Whether the system is there and takes the credentials: any answer about a right says so.
fn connection(rights: &[Check]) -> [Check; 2] {
    let reached = "the system is reached and exists";
    let accepted = "the credentials are accepted";
    let answered = rights.iter().any(|check| {
        matches!(
            check.outcome,
            Outcome::Ok | Outcome::Failed(ExitCode::PermissionDenied)
        )
    });
    let wrong = rights.iter().find_map(|check| match check.outcome {
        Outcome::Failed(code) if code != ExitCode::PermissionDenied => Some((code, check)),
        _ => None,
    });
    let known = || {
        [
            Check::ok(reached, "it answers"),
            Check::ok(accepted, "they were not rejected"),
        ]
    };
    match wrong {
        None if answered => known(),
        None => [reached, accepted].map(|name| Check::not_checkable(name, "nothing was asked")),
        Some((code @ ExitCode::Unauthenticated, check)) => [
            Check::ok(reached, "it answers"),
            Check::failed(accepted, code, &check.detail),
        ],
        Some((code @ ExitCode::NotFound, check)) => [
            Check::failed(reached, code, &check.detail),
            Check::ok(accepted, "they were not rejected"),
        ],
        Some(_) if answered => known(),
        Some((code, check)) => [
            Check::failed(reached, code, &check.detail),
            Check::not_checkable(accepted, "the system was not reached"),
        ],
    }
}

/// A protected resource that does not exist protects nothing: it is a typing error, or was
/// never what somebody thought.
async fn protected_exists(connector: &Connector, id: &ResourceId) -> Check {
    let name = format!("protected {id} exists");
    match connector.resource(id).await {
        Ok(_) => Check::ok(name, "found"),
        Err(error) => failed(name, error),
    }
}

/// The rights to change, which only a change would check.
fn changes(description: &Description) -> Vec<Check> {
    let changing = |operation: &&Operation| operation.access == Access::Change;
    description
        .wire
        .operations
        .iter()
        .filter(changing)
        .map(|operation| {
            let right = operation.permission.as_ref().unwrap_or(&operation.name);
            Check::not_checkable(
                right,
                format!(
                    "only a change would show it; used by {}",
                    operation.functions.join(", ")
                ),
            )
        })
        .collect()
}

/// What is asked, in the order in which it is asked. Lists of top-level kinds first:
/// they fail if the system itself does not exist.
fn probes(connector: &Connector) -> Vec<(String, Request, bool)> {
    let kinds = &connector.description().kinds;
    let mut probes = Vec::new();
    let top: Vec<&Kind> = kinds
        .iter()
        .filter(|kind| kind.parents.is_empty())
        .collect();
    for kind in &top {
        let request = Request::ListResources {
            kind: kind.id.clone(),
            parent: None,
            partition: None,
            cursor: None,
            page_size: Some(1),
        };
        probes.push((format!("list {}", kind.plural), request, false));
    }
    for kind in kinds {
        let id = ResourceId::new(&kind.id, RIGHTS_PROBE_ID);
        if kind.grants_of_resource {
            let of = GrantsOf::Resource(id.clone());
            let request = Request::ListGrants {
                of,
                cursor: None,
                page_size: Some(1),
            };
            probes.push((
                format!("list who holds what on a {}", kind.id),
                request,
                false,
            ));
        }
        if kind.grants_of_principal {
            let of = GrantsOf::Principal(id.clone());
            let request = Request::ListGrants {
                of,
                cursor: None,
                page_size: Some(1),
            };
            probes.push((format!("list what a {} holds", kind.id), request, false));
        }
        let request = Request::GetResource { id, cursor: None };
        probes.push((format!("read one {}", kind.id), request, false));
    }
    for kind in top {
        let request = Request::Estimate {
            kind: kind.id.clone(),
        };
        probes.push((
            format!("estimate the number of {}", kind.plural),
            request,
            true,
        ));
    }
    probes.push((
        "what the system says about itself".to_owned(),
        Request::System,
        true,
    ));
    probes
}

async fn probe(
    conversation: &mut Conversation<'_>,
    name: String,
    request: &Request,
    optional: bool,
) -> Check {
    let description = conversation.description();
    match conversation.call(request).await {
        Ok(Answer::Estimate(None)) => Check::not_checkable(
            name,
            "the service does not say, or does not let us know; not needed for a sync",
        ),
        Ok(Answer::System(facts)) => Check::ok(name, of_system(&facts)),
        Ok(_) => Check::ok(name, "allowed"),
        Err(error) if is_missing_probe(&error, request) => Check::ok(name, "allowed"),
        Err(error) if optional => {
            let needed_for = changes_that_need(description, &error);
            let mut detail = Failure::from(error).message;
            if !needed_for.is_empty() {
                detail.push_str(&format!(
                    "; not needed to read, but for {}",
                    needed_for.join(", ")
                ));
            }
            Check::not_checkable(name, detail)
        }
        Err(error) => {
            let permission = permission(description, &error);
            let mut check = failed(name, error);
            if let Some(permission) = permission {
                check.detail = format!("the credentials lack {permission}");
                check.permission = Some(permission);
            }
            check
        }
    }
}

/// What the system says about itself, in one line.
fn of_system(facts: &SystemFacts) -> String {
    let name = facts.name.iter().map(|name| format!("`{name}`"));
    let parts = name.chain(facts.notes.iter().cloned());
    let parts = parts.collect::<Vec<_>>().join("; ");
    if parts.is_empty() {
        "it says nothing about itself".to_owned()
    } else {
        parts
    }
}

/// The probe does not exist, which the service only says to those who may ask.
fn is_missing_probe(error: &ConnectorError, request: &Request) -> bool {
    let about_probe = matches!(
        request,
        Request::GetResource { .. } | Request::ListGrants { .. }
    );
    let reported = error.reported();
    about_probe && reported.is_some_and(|reported| reported.code == ErrorCode::NotFound)
}

fn failed(name: String, error: ConnectorError) -> Check {
    let failure = Failure::from(error);
    Check::failed(name, failure.code, failure.message)
}

/// The changes that the operation of a refused request is needed for too.
fn changes_that_need(description: &Description, error: &ConnectorError) -> Vec<String> {
    let operation = error
        .reported()
        .and_then(|reported| reported.operation.as_deref())
        .and_then(|name| description.wire.operation(name));
    let functions = operation.map(|operation| operation.functions.clone());
    let mut functions = functions.unwrap_or_default();
    functions.retain(|function| !function.starts_with("sync."));
    functions
}

/// The right that a refused request needs.
fn permission(description: &Description, error: &ConnectorError) -> Option<String> {
    let reported = error.reported()?;
    if reported.code != ErrorCode::PermissionDenied {
        return None;
    }
    let operation = description.wire.operation(reported.operation.as_deref()?)?;
    operation.permission.clone()
}
