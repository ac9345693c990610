//! One sync, from the first request to the snapshot.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use time::OffsetDateTime;

use super::page::{brought_by, read};
use super::progress::Progress;
use super::queue::{Item, List, Queue};
use super::warnings::{Warning, WarningCode, Warnings};
use super::{Summary, SyncError};
use crate::connector::{Connector, ConnectorError, Session, is_unauthenticated};
use crate::contract::BrokenPromise;
use crate::engine::{Answer, CallError, ErrorCode, Reported, Request};
use crate::limits::deadline;
use crate::model::{RIGHTS_PROBE_ID, ResourceId};
use crate::retry::{Budget, Verdict, cost, decide};
use crate::store::{
    Connection, Counters, Forget, Page, Run as StoredRun, RunEnd, RunStart, RunState, Scope,
    StoreError, SyncStore,
};

/// How often one list is begun again because its cursor has expired. Cursors live for
/// an hour with some services, so this is enough for a day of reading one list.
const MAX_RESTARTS: u32 = 24;

/// How to sync.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store's file; made when the first page has come.
    pub store: PathBuf,
    /// What the store belongs to.
    pub connection: Connection,
    /// How many instances read side by side.
    pub workers: usize,
}

/// Reads everything that the connector lists into the store, and makes it the current
/// snapshot. Nothing is written before the system has answered once, so a wrong setting
/// leaves no file behind.
///
/// `stop` ends the sync orderly when it completes.
///
/// # Errors
///
/// [`SyncError`]; whatever it is, the snapshot that was current before stays current.
pub async fn sync(
    connector: Arc<Connector>,
    options: Options,
    progress: Arc<Progress>,
    stop: impl Future<Output = ()>,
) -> Result<Summary, SyncError> {
    let started = Instant::now();
    let run = Arc::new(Run {
        target: Mutex::new(Target::prepare(&options, &connector)?),
        connector,
        progress,
        queue: Queue::default(),
        budget: Budget::full(),
        begun: Mutex::default(),
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

struct Run {
    connector: Arc<Connector>,
    progress: Arc<Progress>,
    queue: Queue,
    budget: Budget,
    target: Mutex<Target>,
    /// Lists that were put into the queue, by what they are: a row that comes twice must
    /// not bring its lists twice.
    begun: Mutex<HashSet<List>>,
    denied: Mutex<Denied>,
    failure: Mutex<Option<SyncError>>,
    warnings: Warnings,
}

/// Missing rights.
#[derive(Default)]
struct Denied {
    permissions: BTreeSet<String>,
    example: Option<ConnectorError>,
}

/// The store, made as late as possible.
struct Target {
    options: Options,
    open: Option<(SyncStore, StoredRun)>,
}

impl Target {
    /// Checks an existing store at once, so that a store of another connection is refused
    /// before anything is sent.
    fn prepare(options: &Options, connector: &Connector) -> Result<Self, SyncError> {
        let mut target = Self {
            options: options.clone(),
            open: None,
        };
        if options.store.exists() {
            target.opened(connector)?;
        }
        Ok(target)
    }

    fn opened(&mut self, connector: &Connector) -> Result<&mut (SyncStore, StoredRun), StoreError> {
        match &mut self.open {
            Some(open) => Ok(open),
            none => {
                let description = connector.description();
                let mut store = SyncStore::open(&self.options.store, &self.options.connection)?;
                let run = store.begin_run(&RunStart {
                    component_digest: connector.component().artifact().digest.clone(),
                    component_version: description.version.clone(),
                    started_at: OffsetDateTime::now_utc(),
                    kinds: description.kinds.clone(),
                    scope: Scope::everything(&description.kinds),
                })?;
                Ok(none.insert((store, run)))
            }
        }
    }
}

impl Run {
    async fn read_everything(self: &Arc<Self>, workers: usize) {
        if let Err(error) = self.estimate().await {
            self.fail(error);
            return;
        }
        for kind in &self.connector.description().kinds {
            if kind.parents.is_empty() {
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
                // A worker does not panic; if it did, its item would be missing and the
                // snapshot must not become current.
                tracing::error!(%error, "a worker of the sync ended unexpectedly");
                self.fail(SyncError::Interrupted);
            }
        }
    }

    /// Asks how much there is. It is the first request, so wrong credentials and a system
    /// that does not exist are found before anything is stored.
    async fn estimate(&self) -> Result<(), SyncError> {
        for kind in self
            .connector
            .description()
            .kinds
            .iter()
            .filter(|kind| kind.parents.is_empty())
        {
            let request = Request::Estimate {
                kind: kind.id.clone(),
            };
            let answer = self.connector.call(&request).await.map_err(|source| {
                SyncError::read(&format!("how many {} there are", kind.plural), source)
            })?;
            if let Answer::Estimate(Some(estimate)) = answer {
                self.progress.estimated(&kind.id, estimate);
            }
        }
        Ok(())
    }

    fn begin(&self, list: List) {
        let new = self
            .begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(list.clone());
        if new {
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
        let session = match warm.take() {
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
            Err(error) if is_unauthenticated(&error) && item.attempts == 0 => {
                let renewed = self
                    .connector
                    .renewed_credentials(credentials.as_ref())
                    .await
                    .map_err(|source| failed(source.into(), &item))?;
                if !renewed {
                    return Err(failed(error.into(), &item));
                }
                item.attempts += 1;
                self.queue.push(item);
                Ok(())
            }
            Err(CallError::Reported(reported)) if reported.code == ErrorCode::PermissionDenied => {
                self.denied(&item, *reported);
                Ok(())
            }
            Err(CallError::Reported(reported))
                if reported.code == ErrorCode::NotFound && item.list.about().is_some() =>
            {
                if !item.probe {
                    self.warnings
                        .add(WarningCode::Vanished, 1, || item.list.to_string());
                }
                Ok(())
            }
            Err(CallError::Reported(reported))
                if reported.code == ErrorCode::CursorExpired && item.cursor.is_some() =>
            {
                self.restart(item, *reported)
            }
            Err(error) => self.retry(item, error),
        }
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
        let read = read(&item.list, answer).map_err(|promise| broken(promise, &item))?;
        self.with_store(|store, run| store.write_page(run, &read.page))?;
        self.count(&item.list, &read.page);
        for resource in &read.page.resources {
            for list in brought_by(&self.connector.description().kinds, &resource.id) {
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
        if let List::Resources { kind, parent: None } = &item.list {
            // What it would have brought is never asked for then, so its rights are tried
            // on a resource that does not exist.
            let probe = ResourceId::new(kind, RIGHTS_PROBE_ID);
            for list in brought_by(&self.connector.description().kinds, &probe) {
                self.queue.push(Item::probe(list));
            }
        }
        let refused = std::mem::discriminant(&item.list);
        let kind = item.list.kind().to_owned();
        self.queue
            .drop_lists(|list| std::mem::discriminant(list) == refused && list.kind() == kind);
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

    fn finish(self: Arc<Self>, started: Instant, interrupted: bool) -> Result<Summary, SyncError> {
        let failure = self
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let failure = failure.or_else(|| interrupted.then_some(SyncError::Interrupted));
        let denied =
            std::mem::take(&mut *self.denied.lock().unwrap_or_else(PoisonError::into_inner));
        let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);

        if let Some(failure) = failure {
            if let Some((store, run)) = target.open.as_mut() {
                store.finish_run(run, &self.end(RunState::Interrupted, started, &[]))?;
            }
            return Err(failure);
        }
        if let Some(example) = denied.example {
            let sync_id = match target.open.as_mut() {
                Some((store, run)) => Some(
                    store
                        .finish_run(run, &self.end(RunState::Partial, started, &[]))?
                        .sync_id,
                ),
                None => None,
            };
            return Err(SyncError::Denied {
                permissions: denied.permissions.into_iter().collect(),
                sync_id,
                source: Box::new(example),
            });
        }
        // A system with nothing in it has a snapshot too.
        let (store, run) = target.opened(&self.connector)?;
        let settled = store.settle(run)?;
        let dangling = store.store().dangling(run)?;
        self.warnings
            .add(WarningCode::RepeatedRows, settled.repeated, String::new);
        self.warnings.add(
            WarningCode::UnknownPrincipal,
            dangling.principals,
            String::new,
        );
        let warnings = self.warnings.list();
        let end = self.end(RunState::Complete, started, &warnings);
        let run = store.finish_run(run, &end)?;
        Ok(Summary {
            sync_id: run.sync_id,
            resumed: false,
            counts: settled.counts,
            counters: end.counters,
            warnings,
        })
    }

    fn end(&self, state: RunState, started: Instant, warnings: &[Warning]) -> RunEnd {
        let traffic = self.connector.egress().traffic();
        RunEnd {
            state,
            finished_at: OffsetDateTime::now_utc(),
            warnings: warnings
                .iter()
                .map(|warning| warning.message.clone())
                .collect(),
            counters: Counters {
                requests: traffic.requests,
                throttled: traffic.throttled,
                retries: self.progress.retries(),
                duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            },
        }
    }
}

impl List {
    /// The resource that the list belongs to.
    fn about(&self) -> Option<&ResourceId> {
        match self {
            Self::Resources { parent, .. } => parent.as_ref(),
            Self::Entitlements(of) | Self::GrantsOn(of) | Self::GrantsHeldBy(of) => Some(of),
        }
    }

    /// The kind whose lists share a right.
    fn kind(&self) -> &str {
        match self {
            Self::Resources { kind, .. } => kind,
            Self::Entitlements(of) | Self::GrantsOn(of) | Self::GrantsHeldBy(of) => &of.kind,
        }
    }
}

impl std::fmt::Display for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resources { kind, parent: None } => {
                write!(f, "the list of resources of the kind {kind}")
            }
            Self::Resources {
                kind,
                parent: Some(parent),
            } => {
                write!(f, "the resources of the kind {kind} in {parent}")
            }
            Self::Entitlements(of) => write!(f, "the entitlements of {of}"),
            Self::GrantsOn(of) => write!(f, "who holds what on {of}"),
            Self::GrantsHeldBy(of) => write!(f, "what {of} holds"),
        }
    }
}
