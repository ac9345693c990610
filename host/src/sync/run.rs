//! One sync, from the first request to the snapshot.

use std::collections::{BTreeSet, HashSet};
use std::mem::Discriminant;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::task::JoinSet;

use super::list::List;
use super::note::Note;
use super::page::{brought_by, first_lists, keys, read};
use super::pending::{Pending, ReadPage};
use super::plan::Plan;
use super::progress::Progress;
use super::queue::{Item, Queue};
use super::resume::{self, Beginning, Place};
use super::slices::Slices;
use super::target::Target;
use super::warnings::{WarningCode, Warnings};
use super::{Only, Options, Summary, SyncError};
use crate::connector::{Connector, ConnectorError, Session, is_unauthenticated};
use crate::engine::{Answer, CallError, ErrorCode, Request};
use crate::model::ResourceId;
use crate::omit::Noticed;
use crate::retry::{Budget, cost};
use crate::store::{Counters, Page, Run as StoredRun, Scope, StoreError, SyncStore};
use crate::trust::description::Kind;

/// Principals that a run looks up one by one because no list named them. At five requests
/// a second these take a quarter of an hour; so many that nobody has listed are not people
/// who signed up meanwhile, and a gate says so.
const MAX_LOOKED_UP: usize = 5000;

/// A sync that is ready to begin.
pub struct Sync {
    run: Arc<Run>,
    beginning: Beginning,
    workers: usize,
}

impl Sync {
    /// Opens the store, if there is one, and decides whether to go on with an interrupted
    /// run. Sends nothing, and writes nothing: a wrong setting leaves no file behind.
    ///
    /// # Errors
    ///
    /// A store that can't be used, belongs to another connection, or is being written.
    pub fn prepare(
        connector: Arc<Connector>,
        options: Options,
        progress: Arc<Progress>,
    ) -> Result<Self, SyncError> {
        let mut target = Target::prepare(&options)?;
        let (beginning, left) = match target.store() {
            Some(store) => resume::decide(store, &connector, &options)?,
            None => (Beginning::New, None),
        };
        let workers = options.workers.max(1);
        let kinds = options.plan.kinds(&connector.description().kinds);
        let first: Vec<List> = first_lists(&kinds, &options.scope, &options.slices).collect();
        let mut begun: HashSet<List> = first.iter().cloned().collect();
        let slices = Slices::new(&options.slices);
        let mut pages_by_resource = 0;
        let queue = Queue::default();
        let warnings = Warnings::default();
        let mut earlier = None;
        let mut vanished = BTreeSet::new();
        let mut noticed = Noticed::default();
        match left {
            None => {
                for list in first {
                    slices.know(&list);
                    if let Some(item) = slices.admit(Item::new(list)) {
                        queue.push(item);
                    }
                }
            }
            Some(left) => {
                for (kind, rows) in &left.rows {
                    progress.read_resources(kind, usize::try_from(*rows).unwrap_or(usize::MAX));
                }
                if let Some(why) = left.note.slices_doubted {
                    slices.doubt(|| why);
                }
                // It may have been begun in other slices, or in none.
                begun.clear();
                for (list, place) in left.lists {
                    begun.insert(list.clone());
                    slices.know(&list);
                    if let Some(Place { cursor, first_page }) = place
                        && let Some(item) = slices.admit(Item::resumed(list, cursor, first_page))
                    {
                        queue.push(item);
                    }
                }
                pages_by_resource = left.note.pages_by_resource;
                vanished.extend(left.vanished);
                earlier = Some(left.note.counters);
                warnings.take_over(left.note.warnings);
                noticed = left.note.omitted;
                warnings.add(WarningCode::Resumed, 1, || {
                    format!("it began at {}", left.run.started_at)
                });
                target.go_on_with(left.run);
            }
        }
        let run = Run {
            scope: options.scope,
            plan: options.plan,
            kinds,
            slices,
            pages_by_resource: AtomicU64::new(pages_by_resource),
            allow_shrink: options.allow_shrink,
            compare: options.compare,
            earlier,
            begun_at: Instant::now(),
            connector,
            progress,
            queue,
            budget: Budget::full(),
            begun: Mutex::new(begun),
            vanished: Mutex::new(vanished),
            denied: Mutex::default(),
            failure: Mutex::default(),
            warnings,
            noticed: Mutex::new(noticed),
            too_many_unlisted: AtomicBool::new(false),
            target: Mutex::new(target),
            pending: Pending::of(workers),
        };
        Ok(Self {
            run: Arc::new(run),
            beginning,
            workers,
        })
    }

    /// Whether it goes on with an interrupted run.
    pub fn beginning(&self) -> &Beginning {
        &self.beginning
    }

    /// Reads what is asked for into the store, and makes it the current snapshot.
    ///
    /// `stop` ends the sync orderly when it completes; the next one goes on.
    ///
    /// # Errors
    ///
    /// [`SyncError`]; whatever it is, the snapshot that was current before stays current.
    ///
    /// # Panics
    ///
    /// On a runtime with one thread only: what a list has to begin again is taken out of the
    /// store on a worker's own thread.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<Summary, SyncError> {
        let run = self.run;
        let writer = tokio::task::spawn_blocking({
            let run = Arc::clone(&run);
            move || run.write_what_comes()
        });
        // However this ends: a runtime waits for its threads.
        let closing = OnDrop(|| run.pending.close());
        let mut tasks = JoinSet::new();
        let interrupted = tokio::select! {
            () = run.read_everything(self.workers, &mut tasks) => false,
            () = stop => true,
        };
        run.queue.stop();
        // Waited for: a call that is still being cut off when the runtime ends panics.
        tasks.shutdown().await;
        drop(closing);
        if let Err(error) = writer.await {
            run.fail(SyncError::Worker(error.to_string()));
        }
        run.finish(interrupted)
    }
}

pub(super) struct Run {
    pub(super) connector: Arc<Connector>,
    pub(super) progress: Arc<Progress>,
    pub(super) queue: Queue,
    pub(super) budget: Budget,
    pub(super) scope: Scope,
    pub(super) plan: Plan,
    /// The kinds, as the plan reads them.
    kinds: Vec<Kind>,
    pub(super) slices: Slices,
    /// Pages of who holds something on a resource, those of earlier processes included.
    pages_by_resource: AtomicU64,
    pub(super) allow_shrink: bool,
    pub(super) compare: Option<Only>,
    /// What earlier processes took for the same run; `None` if it is a new one.
    pub(super) earlier: Option<Counters>,
    begun_at: Instant,
    /// Reached by [`Run::lock_target`] alone.
    target: Mutex<Target>,
    pending: Pending,
    /// Lists that were put into the queue, by what they are: a row that comes twice must
    /// not bring its lists twice.
    begun: Mutex<HashSet<List>>,
    /// Whether more principals are in no list than are looked up.
    pub(super) too_many_unlisted: AtomicBool,
    /// Resources that did not exist any more when what belongs to them was read.
    pub(super) vanished: Mutex<BTreeSet<ResourceId>>,
    pub(super) denied: Mutex<Denied>,
    pub(super) failure: Mutex<Option<SyncError>>,
    pub(super) warnings: Warnings,
    /// What was noticed while attributes were left out.
    pub(super) noticed: Mutex<Noticed>,
}

/// Missing rights.
#[derive(Default)]
pub(super) struct Denied {
    pub(super) permissions: BTreeSet<String>,
    pub(super) example: Option<ConnectorError>,
    /// The sorts of list that are not asked for any more.
    pub(super) lists: HashSet<(Discriminant<List>, String)>,
}

impl Run {
    async fn read_everything(self: &Arc<Self>, workers: usize, tasks: &mut JoinSet<()>) {
        if let Err(error) = self.estimate().await {
            self.fail(error);
            return;
        }
        loop {
            self.read_lists(workers, tasks).await;
            // With a right missing nothing is published anyway.
            if self.has_failed() || self.is_denied() {
                return;
            }
            match self.begin_more() {
                Ok(false) => break,
                Ok(true) => {}
                Err(error) => {
                    self.fail(error);
                    return;
                }
            }
        }
        if let Err(error) = self.doubt_what_vanished().await {
            self.fail(error);
        }
    }

    /// Reads lists until none is open.
    async fn read_lists(self: &Arc<Self>, workers: usize, tasks: &mut JoinSet<()>) {
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
    }

    /// Begins what reading has shown to be missing. Returns whether there is something.
    fn begin_more(&self) -> Result<bool, SyncError> {
        // What is looked up shows whether slices were complete, and so does the count.
        Ok(self.discard_slices()? || self.begin_unlisted()? > 0 || self.discard_slices()?)
    }

    /// Looks up, one by one, whom grants name and no list did: people who signed up while
    /// the lists were read. Returns how many look-ups were begun.
    fn begin_unlisted(&self) -> Result<usize, SyncError> {
        let any_vanished = !self.lock_vanished().is_empty();
        let (unknown, in_two) = self.with_store(|store, run| {
            if any_vanished {
                store.forget_vanished(run)?;
            }
            let settled = store.settle(run)?;
            let in_two = match settled.repeated > 0 && self.slices.are_used() {
                true => store.in_two_slices(run)?,
                false => None,
            };
            let unknown = store.references(run, MAX_LOOKED_UP + 1)?.unknown;
            Ok((unknown, in_two))
        })?;
        if let Some(id) = in_two {
            self.doubt_slices(|| format!("{id} is in two of them"));
            return Ok(0);
        }
        let is_look_up = |list: &&List| matches!(list, List::Listed(_));
        let looked_up = self.lock_begun().iter().filter(is_look_up).count();
        if looked_up + unknown.len() > MAX_LOOKED_UP {
            if self.slices.are_used() {
                self.doubt_slices(|| {
                    format!("more than {MAX_LOOKED_UP} who hold something are in none of them")
                });
                return Ok(0);
            }
            self.too_many_unlisted.store(true, Ordering::Relaxed);
            return Ok(0);
        }
        let mut lists: Vec<List> = unknown.into_iter().map(List::Listed).collect();
        // One that was looked up and is unknown still is the gate's business.
        lists.retain(|list| self.lock_begun().insert(list.clone()));
        let texts: Vec<String> = lists.iter().map(List::to_text).collect();
        self.with_store(|store, run| store.open_lists(run, &texts))?;
        let begun = lists.len();
        for list in lists {
            self.queue.push(Item::new(list));
        }
        Ok(begun)
    }

    pub(super) fn lock_begun(&self) -> MutexGuard<'_, HashSet<List>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next process has to know.
    pub(super) fn note(&self) -> Note {
        Note {
            counters: self.counters(),
            warnings: self.warnings.noted(),
            omitted: self.lock_noticed().clone(),
            pages_by_resource: self.pages_by_resource(),
            slices_doubted: self.slices.doubted(),
        }
    }

    pub(super) fn pages_by_resource(&self) -> u64 {
        self.pages_by_resource.load(Ordering::Relaxed)
    }

    /// What the run took, in this process and in those before it.
    pub(super) fn counters(&self) -> Counters {
        let traffic = self.connector.egress().traffic();
        let duration = u64::try_from(self.begun_at.elapsed().as_millis());
        let earlier = self.earlier.unwrap_or_default();
        Counters {
            requests: earlier.requests + traffic.requests,
            throttled: earlier.throttled + traffic.throttled,
            retries: earlier.retries + self.progress.retries(),
            duration_ms: earlier
                .duration_ms
                .saturating_add(duration.unwrap_or(u64::MAX)),
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
        &self.kinds
    }

    /// How many resources were asked who holds what on them, or what they hold.
    pub(super) fn asked_for_grants(&self) -> usize {
        self.lock_begun()
            .iter()
            .filter(|list| matches!(list, List::GrantsOn(_) | List::GrantsHeldBy(_)))
            .count()
    }

    /// Puts a list that has just been begun into the queue, unless its right is missing.
    fn enqueue(&self, list: List) {
        if !self.is_denied_sort(&sort_of(&list)) {
            self.queue.push(Item::new(list));
        }
    }

    pub(super) fn is_denied_sort(&self, sort: &(Discriminant<List>, String)) -> bool {
        let denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        denied.lists.contains(sort)
    }

    async fn work(&self) {
        let mut warm: Option<Session> = None;
        while let Some(item) = self.queue.next().await {
            self.pending.room().await;
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
        match session.instance.call(&request).await {
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
            Err(error) => self.recover(item, error),
        }
    }

    pub(super) fn with_store<T>(
        &self,
        change: impl FnOnce(&mut SyncStore, &StoredRun) -> Result<T, StoreError>,
    ) -> Result<T, SyncError> {
        tokio::task::block_in_place(|| {
            let mut target = self.lock_target()?;
            if self.pending.has_failed() || self.has_failed() {
                // Told by whoever failed. What the store has now is not all that was read.
                return Err(SyncError::Worker("another one has failed".to_owned()));
            }
            let (store, run) = target.opened(&self.connector)?;
            Ok(change(store, run)?)
        })
    }

    /// The store, once everything that was read before is in it.
    pub(super) fn lock_target(&self) -> Result<MutexGuard<'_, Target>, StoreError> {
        let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_pending(&mut target)?;
        Ok(target)
    }

    /// Writes what workers leave until they are gone.
    fn write_what_comes(&self) {
        let dying = OnDrop(|| self.queue.stop());
        let mut written = None;
        while self.pending.gather(written) {
            let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = self.write_pending(&mut target) {
                // Before anybody else has the store.
                self.fail(error.into());
            }
            drop(target);
            written = Some(Instant::now());
        }
        dying.disarm();
    }

    fn write_pending(&self, target: &mut Target) -> Result<(), StoreError> {
        let pages = self.pending.take();
        if pages.is_empty() {
            return Ok(());
        }
        let lost = OnDrop(|| self.pending.fail());
        let (store, run) = target.opened(&self.connector)?;
        // Made while nobody else stores one, so that no older one comes after it.
        let note = self.note().to_text();
        let mut steps = pages.iter().map(ReadPage::step);
        match store.store_pages(run, steps.clone(), &note) {
            // There may be room for the first of them.
            Err(StoreError::Full { .. } | StoreError::Disk { .. }) => {
                steps.try_for_each(|page| store.store_pages(run, [page], &note))?;
            }
            other => other?,
        }
        lost.disarm();
        Ok(())
    }

    fn store_page(
        &self,
        mut item: Item,
        answer: Answer,
        request: &Request,
    ) -> Result<(), SyncError> {
        let mut read = read(self.kinds(), &item.list, answer).map_err(|broken| {
            let function = request.function();
            SyncError::read(&item.list, CallError::BrokenContract { function, broken })
        })?;
        if self.is_discarded(&item.list) {
            return Ok(());
        }
        self.leave_out(&mut read.page);
        let is_first = item.cursor.is_none();
        let next = read.next.as_deref();
        if item
            .trail
            .follow(&keys(&read.page), is_first, next)
            .is_err()
        {
            return self.start_over(item);
        }
        if let (List::Listed(id), Some(late)) = (&item.list, read.page.resources.first()) {
            self.doubt_slices_that_lack(late)?;
            self.warnings
                .add(WarningCode::ListedLate, 1, || id.to_string());
        }
        let resources = read.page.resources.iter();
        let brought = resources
            .flat_map(|resource| brought_by(self.kinds(), &self.scope, &resource.id))
            .filter(|list| self.lock_begun().insert(list.clone()));
        let brought: Vec<List> = brought.collect();
        self.count(&item.list, &read.page);
        self.pending.leave(ReadPage {
            page: read.page,
            list: item.list.to_text(),
            slice: item.list.slice().map(str::to_owned),
            next: read.next.clone(),
            first_page: is_first.then(|| item.trail.first_page().to_vec()),
            brought: brought.iter().map(List::to_text).collect(),
        });
        // After the page was left, so that what they bring is left later.
        for list in brought {
            self.enqueue(list);
        }
        match read.next {
            Some(next) => {
                item.advance(next);
                self.queue.push(item);
            }
            None => self.end_slice(&item.list),
        }
        Ok(())
    }

    fn count(&self, list: &List, page: &Page) {
        if let List::Resources { kind, .. } = list {
            self.progress.read_resources(kind, page.resources.len());
        }
        if let List::GrantsOn(_) = list {
            self.pages_by_resource.fetch_add(1, Ordering::Relaxed);
        }
        self.progress.read_grants(page.grants.len());
    }

    fn fail(&self, error: SyncError) {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
        self.queue.stop();
    }
}

/// Does something when it is dropped, in a panic as well.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> OnDrop<F> {
    fn disarm(self) {
        std::mem::forget(self);
    }
}

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// The lists that need the same right.
pub(super) fn sort_of(list: &List) -> (Discriminant<List>, String) {
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
