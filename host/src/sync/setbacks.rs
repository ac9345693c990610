//! What a sync does about a page that did not come, or came and can't be true.

use std::sync::PoisonError;
use std::time::Instant;

use super::SyncError;
use super::list::List;
use super::page::brought_by;
use super::queue::Item;
use super::run::{Run, is_not_found, sort_of};
use super::warnings::WarningCode;
use crate::connector::ConnectorError;
use crate::engine::{CallError, ErrorCode, Reported};
use crate::model::{RIGHTS_PROBE_ID, ResourceId};
use crate::retry::{Verdict, cost, decide, is_postponed};

/// How often one list is begun again because its cursor has expired. Cursors live for
/// an hour with some services, so this is enough for a day of reading one list.
const MAX_EXPIRIES: u32 = 24;

/// How often one list is begun again because it went in a circle. A service that lost its
/// place once finds it again; one that never does must not be read for ever.
const MAX_CIRCLES: u32 = 3;

impl Run {
    /// What to do about a failure that concerns one page only.
    pub(super) fn recover(&self, item: Item, error: CallError) -> Result<(), SyncError> {
        if item.list.slice().is_some()
            && let Some(refused) = error
                .reported()
                .filter(|error| is_refused_slice(error.code))
        {
            self.doubt_slices(|| format!("{}: {}", item.list, refused.message));
            return Ok(());
        }
        match (error, item.list.about()) {
            (error, Some(resource)) if is_not_found(&error) => self.forget_vanished(resource),
            (error, None) if is_not_found(&error) => match &item.list {
                List::Listed(id) => self.forget_unlisted(&item.list, id),
                _ => Err(SyncError::read(&item.list, error)),
            },
            (CallError::Reported(reported), _)
                if reported.code == ErrorCode::CursorExpired && item.cursor.is_some() =>
            {
                self.restart_expired(item, *reported)
            }
            (error, _) => self.retry(item, error),
        }
    }

    /// A resource that does not exist any more is not published, nor what was read of it.
    fn forget_vanished(&self, resource: &ResourceId) -> Result<(), SyncError> {
        self.queue.drop_lists(|list| list.about() == Some(resource));
        let lists = brought_by(self.kinds(), &self.scope, resource);
        let lists: Vec<String> = lists.iter().map(List::to_text).collect();
        self.with_store(|store, run| store.vanish(run, resource, &lists))?;
        self.lock_vanished().insert(resource.clone());
        Ok(())
    }

    /// Somebody who has left since the grants were read holds nothing.
    fn forget_unlisted(&self, list: &List, principal: &ResourceId) -> Result<(), SyncError> {
        let text = list.to_text();
        self.with_store(|store, run| {
            store.drop_principal(run, principal, &text, |grants| {
                let example = || principal.to_string();
                self.warnings
                    .add(WarningCode::GonePrincipal, grants as u64, example);
                self.note().to_text()
            })
        })
    }

    fn retry(&self, mut item: Item, error: CallError) -> Result<(), SyncError> {
        item.attempts += u32::from(!is_postponed(&error));
        let what = item.list.to_string();
        match decide(&error, item.attempts, &self.budget, fastrand::f64()) {
            Verdict::Retry(delay) => {
                tracing::debug!(list = what, attempts = item.attempts, ?delay, %error, "a page is tried again");
                if let Some(code) = noticed(&error) {
                    self.warnings.add(code, 1, || format!("{what}: {error}"));
                }
                item.spent += cost(&error).unwrap_or_default();
                self.progress.retried();
                self.queue.push_at(Instant::now() + delay, item);
                Ok(())
            }
            Verdict::GiveUp => Err(SyncError::read(&item.list, error)),
            Verdict::OutOfAttempts | Verdict::OutOfBudget => {
                let attempts = item.attempts;
                let source = ConnectorError::Persistent {
                    source: error,
                    attempts,
                };
                Err(SyncError::read(&item.list, source))
            }
        }
    }

    fn restart_expired(&self, mut item: Item, reported: Reported) -> Result<(), SyncError> {
        item.expiries += 1;
        if item.expiries > MAX_EXPIRIES {
            let source = ConnectorError::Persistent {
                source: reported.into(),
                attempts: item.expiries,
            };
            return Err(SyncError::read(&item.list, source));
        }
        self.restart(item, WarningCode::Restarted)
    }

    /// Reads a list again that has come to where it had been before.
    pub(super) fn start_over(&self, mut item: Item) -> Result<(), SyncError> {
        item.circles += 1;
        let (what, circles) = (item.list.to_string(), item.circles);
        // Also where it is given up: the next process must not go on in the circle.
        self.restart(item, WarningCode::StartedOver)?;
        if circles > MAX_CIRCLES {
            return Err(SyncError::Circle { what, circles });
        }
        Ok(())
    }

    /// What was read before may have been deleted since, so it goes.
    fn restart(&self, mut item: Item, why: WarningCode) -> Result<(), SyncError> {
        self.warnings.add(why, 1, || item.list.to_string());
        let text = item.list.to_text();
        self.with_store(|store, run| {
            let note = self.note().to_text();
            store.restart(run, &text, &item.list.rows(), &note)
        })?;
        item.restart();
        self.queue.push(item);
        Ok(())
    }

    /// Goes on with the rest, so that one run names every right that is missing, but does
    /// not ask again for what was refused once.
    pub(super) fn denied(&self, item: &Item, reported: Reported) {
        if let List::Resources { kind, .. } = &item.list {
            // What it would have brought is never asked for then, so its rights are tried
            // on a resource that does not exist.
            let probe = ResourceId::new(kind, RIGHTS_PROBE_ID);
            for list in brought_by(self.kinds(), &self.scope, &probe) {
                self.queue.push(Item::probe(list));
            }
        }
        let sort = sort_of(&item.list);
        self.queue.drop_lists(|list| sort_of(list) == sort);
        let permission = reported
            .operation
            .as_deref()
            .map(
                |name| match self.connector.description().wire.operation(name) {
                    Some(operation) => operation
                        .permission
                        .clone()
                        .unwrap_or_else(|| operation.name.clone()),
                    None => name.to_owned(),
                },
            )
            .unwrap_or_else(|| format!("the right for {}", item.list));
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        denied.lists.insert(sort);
        denied.permissions.insert(permission);
        denied
            .example
            .get_or_insert(ConnectorError::Call(reported.into()));
    }
}

/// Whether a slice that the component itself has named can't be read.
fn is_refused_slice(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::FailedPrecondition | ErrorCode::InvalidArgument
    )
}

/// What a person should know about a failure that trying again has mended. Throttles are
/// ordinary, and counted anyway.
fn noticed(error: &CallError) -> Option<WarningCode> {
    match error.reported().map(|reported| reported.code) {
        Some(ErrorCode::Throttled | ErrorCode::Postponed) => None,
        Some(ErrorCode::BadResponse) => Some(WarningCode::BadAnswer),
        _ => Some(WarningCode::Failure),
    }
}
