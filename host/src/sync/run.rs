//! One sync, from the first request to the snapshot.

use std::collections::{BTreeSet, HashSet};
use std::mem::Discriminant;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::list::List;
use super::page::{brought_by, read};
use super::progress::Progress;
use super::queue::{Item, Queue};
use super::target::Target;
use super::warnings::{WarningCode, Warnings};
use super::{Options, Summary, SyncError};
use crate::connector::{Connector, ConnectorError, Session, is_unauthenticated};
use crate::contract::BrokenPromise;
use crate::engine::{Answer, CallError, ErrorCode, Reported, Request};
use crate::limits::deadline;
use crate::model::{RIGHTS_PROBE_ID, ResourceId};
use crate::retry::{Budget, Verdict, cost, decide};
use crate::store::{Forget, Page, Run as StoredRun, Scope, StoreError, SyncStore};
use crate::trust::description::Kind;

/// How often one list is begun again because its cursor has expired. Cursors live for
/// an hour with some services, so this is enough for a day of reading one list.
const MAX_RESTARTS: u32 = 24;

/// Reads what is asked for into the store, and makes it the current
/// snapshot. Nothing is written before the system has answered once, so a wrong setting
/// leaves no file behind.
///
/// `stop` ends the sync orderly when it completes.
///
/// # Errors
///
/// [`SyncError`]; whatever it is, the snapshot that was current before stays current.
///
/// # Panics
///
/// On a runtime with one thread only: the store is written on the workers' own threads.
pub async fn sync(
    connector: Arc<Connector>,
    options: Options,
    progress: Arc<Progress>,
    stop: impl Future<Output = ()>,
) -> Result<Summary, SyncError> {
    let started = Instant::now();
    let run = Arc::new(Run {
        scope: options.scope.clone(),
        allow_shrink: options.allow_shrink,
        target: Mutex::new(Target::prepare(&options)?),
        connector,
        progress,
        queue: Queue::default(),
        budget: Budget::full(),
        begun: Mutex::default(),
        vanished: Mutex::default(),
        denied: Mutex::default(),
        failure: Mutex::default(),
        warnings: Warnings::default(),
    });
    let work = run.read_everything(options.workers.max(1));
    let interrupted = tokio::select! {
        () = work => false,
        () = stop => true,
    };
    run.queue.stop();
    run.finish(started, interrupted)
}

pub(super) struct Run {
    pub(super) connector: Arc<Connector>,
    pub(super) progress: Arc<Progress>,
    queue: Queue,
    budget: Budget,
    scope: Scope,
    pub(super) allow_shrink: bool,
    pub(super) target: Mutex<Target>,
    /// Lists that were put into the queue, by what they are: a row that comes twice must
    /// not bring its lists twice.
    begun: Mutex<HashSet<List>>,
    /// Resources that did not exist any more when what belongs to them was read.
    pub(super) vanished: Mutex<BTreeSet<ResourceId>>,
    pub(super) denied: Mutex<Denied>,
    pub(super) failure: Mutex<Option<SyncError>>,
    pub(super) warnings: Warnings,
}

/// Missing rights.
#[derive(Default)]
pub(super) struct Denied {
    pub(super) permissions: BTreeSet<String>,
    pub(super) example: Option<ConnectorError>,
    /// The sorts of list that are not asked for any more.
    lists: HashSet<(Discriminant<List>, String)>,
}

impl Run {
    async fn read_everything(self: &Arc<Self>, workers: usize) {
        if let Err(error) = self.estimate().await {
            self.fail(error);
            return;
        }
        for kind in self.kinds() {
            if kind.parents.is_empty() && self.scope.has_kind(&kind.id) {
                self.begin(List::Resources {
                    kind: kind.id.clone(),
                    parent: None,
                });
            }
        }
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..workers {
            let run = self.clone();
            tasks.spawn(async move { run.work().await });
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                // Its list would be missing, so the snapshot must not become current.
                self.fail(SyncError::Worker(error.to_string()));
            }
        }
        // With a right missing nothing is published anyway.
        if !self.has_failed()
            && !self.is_denied()
            && let Err(error) = self.doubt_what_vanished().await
        {
            self.fail(error);
        }
    }

    fn is_denied(&self) -> bool {
        let denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        denied.example.is_some()
    }

    fn has_failed(&self) -> bool {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// Asks how much there is. It is the first request, so wrong credentials, a system
    /// that does not exist and a service that can't be reached are found before anything
    /// else is tried. Any other failure only means that the number is unknown.
    async fn estimate(&self) -> Result<(), SyncError> {
        for kind in self.kinds() {
            if !kind.parents.is_empty() || !self.scope.has_kind(&kind.id) {
                continue;
            }
            let request = Request::Estimate {
                kind: kind.id.clone(),
            };
            match self.connector.call(&request).await {
                Ok(Answer::Estimate(Some(estimate))) => self.progress.estimated(&kind.id, estimate),
                Ok(_) => {}
                Err(error) if is_fatal(&error) => {
                    return Err(SyncError::Unreachable(Box::new(error)));
                }
                Err(error) => {
                    tracing::debug!(kind = kind.id, %error, "the number of resources is unknown");
                }
            }
        }
        Ok(())
    }

    pub(super) fn kinds(&self) -> &[Kind] {
        &self.connector.description().kinds
    }

    /// How many resources were asked who holds what on them, or what they hold.
    pub(super) fn asked_for_grants(&self) -> usize {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun
            .iter()
            .filter(|list| matches!(list, List::GrantsOn(_) | List::GrantsHeldBy(_)))
            .count()
    }

    fn begin(&self, list: List) {
        let new = self
            .begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(list.clone());
        let refused = || {
            let denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
            denied.lists.contains(&sort_of(&list))
        };
        if new && !refused() {
            self.queue.push(Item::new(list));
        }
    }

    async fn work(&self) {
        let mut warm: Option<Session> = None;
        while let Some(item) = self.queue.next().await {
            if let Err(error) = self.read_page(&mut warm, item).await {
                self.fail(error);
            }
            self.queue.done();
        }
    }

    async fn read_page(&self, warm: &mut Option<Session>, mut item: Item) -> Result<(), SyncError> {
        let failed = |source: ConnectorError, item: &Item| SyncError::read(&item.list, source);
        let session = match warm.take().filter(Session::is_fresh) {
            Some(session) => session,
            None => self
                .connector
                .session()
                .await
                .map_err(|source| failed(source, &item))?,
        };
        let credentials = session.credentials;
        let request = item.request();
        match session.instance.call(&request, deadline::CALL).await {
            Ok((instance, answer)) => {
                *warm = (!instance.is_worn_out()).then_some(Session {
                    instance,
                    credentials,
                });
                self.budget.succeeded(item.spent);
                if item.probe {
                    return Ok(());
                }
                self.store_page(item, answer, &request)
            }
            Err(error) if is_unauthenticated(&error) && !item.renewed => {
                let renewed = self
                    .connector
                    .renewed_credentials(credentials.as_ref())
                    .await
                    .map_err(|source| failed(source.into(), &item))?;
                if !renewed {
                    return Err(failed(error.into(), &item));
                }
                item.renewed = true;
                self.queue.push(item);
                Ok(())
            }
            Err(CallError::Reported(reported)) if reported.code == ErrorCode::PermissionDenied => {
                self.denied(&item, *reported);
                Ok(())
            }
            // Whatever else it says of an id that nobody has, the right is there.
            Err(error) if item.probe && cost(&error).is_none() => Ok(()),
            Err(error) => match item.list.about() {
                Some(resource) if is_not_found(&error) => self.forget_vanished(resource),
                _ => self.recover(item, error),
            },
        }
    }

    /// What to do about a failure that concerns one page only.
    fn recover(&self, item: Item, error: CallError) -> Result<(), SyncError> {
        match error {
            CallError::Reported(reported)
                if reported.code == ErrorCode::CursorExpired && item.cursor.is_some() =>
            {
                self.restart(item, *reported)
            }
            error => self.retry(item, error),
        }
    }

    /// A resource that does not exist any more is not published, nor what was read of it.
    fn forget_vanished(&self, resource: &ResourceId) -> Result<(), SyncError> {
        self.queue.drop_lists(|list| list.about() == Some(resource));
        self.with_store(|store, run| store.forget(run, &Forget::Resource(resource)))?;
        self.vanished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(resource.clone());
        Ok(())
    }

    fn retry(&self, mut item: Item, error: CallError) -> Result<(), SyncError> {
        item.attempts += 1;
        let what = item.list.to_string();
        match decide(&error, item.attempts, &self.budget, fastrand::f64()) {
            Verdict::Retry(delay) => {
                tracing::debug!(list = what, attempts = item.attempts, ?delay, %error, "a page is tried again");
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

    /// What was read before the cursor expired may have been deleted since, so it goes.
    fn restart(&self, mut item: Item, reported: Reported) -> Result<(), SyncError> {
        let what = item.list.to_string();
        if item.restarts >= MAX_RESTARTS {
            let source = ConnectorError::Persistent {
                source: reported.into(),
                attempts: item.restarts + 1,
            };
            return Err(SyncError::read(&item.list, source));
        }
        self.with_store(|store, run| match &item.list {
            List::Resources { kind, parent } => store.forget(
                run,
                &Forget::Resources {
                    kind,
                    parent: parent.as_ref(),
                },
            ),
            List::Entitlements(of) => store.forget(run, &Forget::Entitlements(of)),
            List::GrantsOn(of) => store.forget(run, &Forget::GrantsOn(of)),
            List::GrantsHeldBy(of) => store.forget(run, &Forget::GrantsHeldBy(of)),
        })?;
        self.warnings.add(WarningCode::Restarted, 1, || what);
        item.restart();
        self.queue.push(item);
        Ok(())
    }

    fn with_store<T>(
        &self,
        change: impl FnOnce(&mut SyncStore, &StoredRun) -> Result<T, StoreError>,
    ) -> Result<T, SyncError> {
        tokio::task::block_in_place(|| {
            let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
            let (store, run) = target.opened(&self.connector)?;
            Ok(change(store, run)?)
        })
    }

    fn store_page(
        &self,
        mut item: Item,
        answer: Answer,
        request: &Request,
    ) -> Result<(), SyncError> {
        let function = request.function();
        let broken = |broken: BrokenPromise, item: &Item| {
            SyncError::read(&item.list, CallError::BrokenContract { function, broken })
        };
        let read =
            read(self.kinds(), &item.list, answer).map_err(|promise| broken(promise, &item))?;
        self.with_store(|store, run| store.write_page(run, &read.page))?;
        self.count(&item.list, &read.page);
        for resource in &read.page.resources {
            for list in brought_by(self.kinds(), &self.scope, &resource.id) {
                self.begin(list);
            }
        }
        if let Some(next) = read.next {
            item.advance(next)
                .map_err(|_| broken(BrokenPromise::CursorRepeated, &item))?;
            self.queue.push(item);
        }
        Ok(())
    }

    fn count(&self, list: &List, page: &Page) {
        if let List::Resources { kind, .. } = list {
            self.progress.read_resources(kind, page.resources.len());
        }
        self.progress.read_grants(page.grants.len());
    }

    /// Goes on with the rest, so that one run names every right that is missing, but does
    /// not ask again for what was refused once.
    fn denied(&self, item: &Item, reported: Reported) {
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

    fn fail(&self, error: SyncError) {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
        self.queue.stop();
    }
}

/// The lists that need the same right.
fn sort_of(list: &List) -> (Discriminant<List>, String) {
    (std::mem::discriminant(list), list.kind().to_owned())
}

pub(super) fn is_not_found(error: &CallError) -> bool {
    matches!(error, CallError::Reported(reported) if reported.code == ErrorCode::NotFound)
}

/// Whether no other request can succeed either. What a service answers about its own load
/// concerns this operation only.
fn is_fatal(error: &ConnectorError) -> bool {
    error.reported().is_none_or(|reported| match reported.code {
        ErrorCode::NotFound | ErrorCode::Unauthenticated | ErrorCode::DeniedByHost => true,
        ErrorCode::Unavailable | ErrorCode::DeadlineExceeded => reported.request_id.is_none(),
        _ => false,
    })
}
