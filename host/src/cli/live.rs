//! Commands that ask the service and leave the store alone: `get` and `validate`.

use serde_json::json;

use super::exit::{ExitCode, Failure, no_kind};
use crate::connector::{Connector, ConnectorError};
use crate::engine::{Answer, ErrorCode, GrantsOf, Request};
use crate::model::{RIGHTS_PROBE_ID, Resource, ResourceId};
use crate::trust::description::Kind;

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

/// Checks each kind of reading that a sync does, and the reading of single resources.
pub(super) async fn validate(connector: &Connector) -> Validation {
    let mut checks = Vec::new();
    let opened = connector.session().await;
    let usable = opened.is_ok();
    checks.push(match opened {
        Ok(_) => Check {
            name: "settings and credentials are complete".to_owned(),
            outcome: Outcome::Ok,
            detail: format!(
                "the session opens; requests go to {}",
                connector.egress().policy().origin()
            ),
            permission: None,
        },
        Err(error) => failed("settings and credentials are complete".to_owned(), error),
    });
    let mut reachable = usable;
    for (name, request, optional) in probes(connector) {
        if !reachable {
            if optional {
                continue;
            }
            checks.push(Check {
                name,
                outcome: Outcome::NotCheckable,
                detail: "not asked, because an earlier check failed".to_owned(),
                permission: None,
            });
            continue;
        }
        let requests = connector.egress().traffic().requests;
        let check = probe(connector, name, &request, optional).await;
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
        checks.push(check);
    }
    Validation { checks }
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
    probes
}

async fn probe(connector: &Connector, name: String, request: &Request, optional: bool) -> Check {
    match connector.call(request).await {
        Ok(Answer::Estimate(None)) => Check {
            name,
            outcome: Outcome::NotCheckable,
            detail: "the service does not say, or does not let us know; not needed for a sync"
                .to_owned(),
            permission: None,
        },
        Ok(_) => Check {
            name,
            outcome: Outcome::Ok,
            detail: "allowed".to_owned(),
            permission: None,
        },
        Err(error) if is_missing_probe(&error, request) => Check {
            name,
            outcome: Outcome::Ok,
            detail: "allowed".to_owned(),
            permission: None,
        },
        Err(error) if optional => Check {
            name,
            outcome: Outcome::NotCheckable,
            detail: Failure::from(error).message,
            permission: None,
        },
        Err(error) => {
            let permission = permission(connector, &error);
            let mut check = failed(name, error);
            if let Some(permission) = permission {
                check.detail = format!("the credentials lack {permission}");
                check.permission = Some(permission);
            }
            check
        }
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
    Check {
        name,
        outcome: Outcome::Failed(failure.code),
        detail: failure.message,
        permission: None,
    }
}

/// The right that a refused request needs.
fn permission(connector: &Connector, error: &ConnectorError) -> Option<String> {
    let reported = error.reported()?;
    if reported.code != ErrorCode::PermissionDenied {
        return None;
    }
    let operation = connector
        .description()
        .wire
        .operation(reported.operation.as_deref()?)?;
    operation.permission.clone()
}
