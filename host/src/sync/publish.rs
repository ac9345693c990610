//! The end of a sync: what was read is doubted once more, and then becomes the current
//! snapshot or does not.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use time::OffsetDateTime;

use super::gate::{self, GateError};
use super::run::{Run, is_not_found};
use super::warnings::{Warning, WarningCode};
use super::{Changes, Only, Summary, SyncError};
use crate::connector::ConnectorError;
use crate::engine::Request;
use crate::model::ResourceId;
use crate::store::{
    Comparison, Dangling, Run as StoredRun, RunEnd, RunState, Settled, Side, Store, StoreError,
};

/// Resources that may vanish during a sync without a doubt about the rest: more than
/// this many, and more than this part of those asked for grants (a tenth), and what was
/// read is not believed. A service that says "not found" of everything must not look
/// like a system without groups. Connectors of the Baton family use the same figures.
const MAX_VANISHED: usize = 10;
const MAX_VANISHED_PART: usize = 10;

/// Whether a list is so short that somebody should look. An estimate is never exact, and
/// that of a small system says nothing.
fn is_far_below(listed: u64, estimate: u64) -> bool {
    estimate > 1000 && listed < estimate / 2
}

impl Run {
    /// Asks again about what vanished while it was read. A list that can still be read,
    /// and a look-up that does not find the resource either, are what a deletion looks
    /// like; anything else is a service that contradicts itself.
    ///
    /// At most [`MAX_VANISHED`] resources are looked up; if more vanished, that number
    /// itself decides.
    pub(super) async fn doubt_what_vanished(&self) -> Result<(), SyncError> {
        let vanished = self.lock_vanished().clone();
        for kind in self.kinds() {
            let concerned = vanished.iter().any(|resource| resource.kind == kind.id);
            if !concerned || !kind.parents.is_empty() {
                continue;
            }
            let request = Request::ListResources {
                kind: kind.id.clone(),
                parent: None,
                partition: None,
                cursor: None,
                page_size: Some(1),
            };
            self.connector.call(&request).await.map_err(|error| {
                SyncError::read(&format!("the list of {} again", kind.plural), error)
            })?;
        }
        for resource in vanished.iter().take(MAX_VANISHED) {
            match self.connector.resource(resource).await {
                Ok(_) => return Err(SyncError::Contradiction(resource.clone())),
                Err(ConnectorError::Call(error)) if is_not_found(&error) => {}
                Err(error) => return Err(SyncError::read(&format!("{resource} again"), error)),
            }
        }
        Ok(())
    }

    /// Ends the run as what it turned out to be.
    pub(super) fn finish(&self, interrupted: bool) -> Result<Summary, SyncError> {
        let failure = self
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let stopped = || interrupted.then_some(SyncError::Interrupted { kept: None });
        if let Some(mut failure) = failure.or_else(stopped) {
            let state = match failure {
                SyncError::Contradiction(_) => RunState::Refused,
                _ => RunState::Interrupted,
            };
            // The first failure is the one to tell, whatever becomes of the store.
            match self.end(state, &self.warnings.list()) {
                Ok(run) => failure.keep(run),
                Err(error) => tracing::error!(%error, "the failed run could not be closed"),
            }
            return Err(failure);
        }
        let denied =
            std::mem::take(&mut *self.denied.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(example) = denied.example {
            return Err(SyncError::Denied {
                permissions: denied.permissions.into_iter().collect(),
                sync_id: self.end(RunState::Partial, &self.warnings.list())?,
                source: Box::new(example),
            });
        }
        self.judge_and_publish()
    }

    fn judge_and_publish(&self) -> Result<Summary, SyncError> {
        let vanished = self.lock_vanished().clone();
        let (sync_id, counts, refused, changes) = {
            let mut target = self.lock_target()?;
            // A system with nothing in it has a snapshot too.
            let (store, run) = target.opened(&self.connector)?;
            if !vanished.is_empty() {
                // They may have come once more, in a repeated row or a list begun again.
                store.forget_vanished(run)?;
            }
            let settled = store.settle(run)?;
            let dangling = store.references(run, 0)?.dangling;
            let store = store.store();
            let last = store.current_run()?;
            let compared = match &self.compare {
                Some(only) => last_that_knows(store, run, only)?.or(last.clone()),
                None => None,
            };
            let refused = self.doubt(store, run, last.as_ref(), &settled, dangling)?;
            // Before the last one may be removed.
            let changes = match (&self.compare, &compared) {
                (Some(only), Some(last)) if refused.is_none() => Some(changes(
                    store,
                    last,
                    &store.require_run(Some(&run.sync_id))?,
                    only,
                )?),
                _ => None,
            };
            (run.sync_id.clone(), settled.counts, refused, changes)
        };
        for kind in self.progress.kinds() {
            let listed = counts.of(&kind.plural).unwrap_or_default();
            if let Some(estimate) = kind
                .estimate
                .filter(|estimate| is_far_below(listed, *estimate))
            {
                self.warnings.add(WarningCode::BelowEstimate, 1, || {
                    format!("{listed} {} of about {estimate}", kind.plural)
                });
            }
        }
        for resource in &vanished {
            self.warnings
                .add(WarningCode::Vanished, 1, || resource.to_string());
        }
        let warnings = self.warnings.list();
        let asked = self.asked_for_grants();
        if vanished.len() > MAX_VANISHED && vanished.len() > asked / MAX_VANISHED_PART {
            self.end(RunState::Refused, &warnings)?;
            return Err(SyncError::TooManyVanished {
                vanished: vanished.len(),
                asked,
                sync_id,
            });
        }
        if let Some(source) = refused {
            self.end(RunState::Refused, &warnings)?;
            return Err(SyncError::Gate { source, sync_id });
        }
        self.end(RunState::Complete, &warnings)?;
        Ok(Summary {
            cheaper_plan: self.cheaper_plan(&counts),
            sync_id,
            resumed: self.earlier.is_some(),
            counts,
            counters: self.counters(),
            warnings,
            changes,
        })
    }

    /// Notes what is odd about the run, and says whether a gate refuses it.
    fn doubt(
        &self,
        store: &Store,
        run: &StoredRun,
        last: Option<&StoredRun>,
        settled: &Settled,
        dangling: Dangling,
    ) -> Result<Option<GateError>, StoreError> {
        let none = String::new;
        self.tell_omitted(&store.runs()?, run);
        self.warnings
            .add(WarningCode::RepeatedRows, settled.repeated, none);
        self.warnings
            .add(WarningCode::Orphans, settled.orphans, none);
        self.warnings
            .add(WarningCode::UnknownPrincipal, dangling.principals, none);
        self.warnings
            .add(WarningCode::UnknownEntitlement, dangling.entitlements, none);
        let mut recreated: BTreeSet<ResourceId> =
            settled.twins.iter().map(|twin| twin.id.clone()).collect();
        if let Some(last) = last {
            recreated.extend(store.recreated(last, run)?);
        }
        for id in recreated {
            self.warnings
                .add(WarningCode::Recreated, 1, || id.to_string());
        }
        let shrunk = match self.allow_shrink {
            true => None,
            false => gate::shrunk(&store.known_counts()?, &settled.counts),
        };
        let unlisted = self.too_many_unlisted.load(Ordering::Relaxed);
        Ok(gate::twins(&settled.twins, &run.started_at)
            .or(gate::ambiguous(store.ambiguous_ids(run)?))
            .or(shrunk)
            .or_else(|| gate::unlisted(unlisted, &dangling, &settled.counts))
            .or_else(|| {
                let left_out = self.warnings.count(WarningCode::GonePrincipal);
                gate::dangling(&dangling, left_out, &settled.counts)
            })
            .or_else(|| {
                let late = self.warnings.count(WarningCode::ListedLate);
                gate::listed_late(late, &settled.counts)
            }))
    }

    pub(super) fn lock_vanished(&self) -> MutexGuard<'_, BTreeSet<ResourceId>> {
        self.vanished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the run, if one was begun, and returns its id.
    fn end(&self, state: RunState, warnings: &[Warning]) -> Result<Option<String>, SyncError> {
        let end = RunEnd {
            state,
            finished_at: OffsetDateTime::now_utc(),
            warnings: warnings
                .iter()
                .map(|warning| warning.message.clone())
                .collect(),
            counters: self.counters(),
            note: self.note().to_text(),
        };
        let target = self.lock_target();
        let mut target = match state {
            // What could not be written is read again by the next sync.
            RunState::Interrupted => target.or_else(|_| self.lock_target())?,
            _ => target?,
        };
        Ok(target.end(&end)?.map(|run| run.sync_id))
    }
}

/// What is different between two runs of a store.
fn changes(
    store: &Store,
    from: &StoredRun,
    to: &StoredRun,
    only: &Only,
) -> Result<Changes, StoreError> {
    let words: Option<Vec<&str>> = only
        .as_ref()
        .map(|words| words.iter().map(String::as_str).collect());
    let side = |run| Side { store, run };
    let comparison = Comparison::new(side(from), side(to), words.as_deref())?;
    let tallies = comparison.each(None, |_| Ok::<_, StoreError>(()))?;
    Ok(Changes {
        since: from.sync_id.clone(),
        tallies,
        not_compared: comparison.not_compared().to_vec(),
    })
}

/// The newest published run that knows all of what is compared: a run that asked for less
/// must not make a watcher blind.
fn last_that_knows(
    store: &Store,
    run: &StoredRun,
    only: &Only,
) -> Result<Option<StoredRun>, StoreError> {
    let is_watched = |name: &str, id: &str| {
        only.as_ref()
            .is_none_or(|words| words.iter().any(|word| word == name || word == id))
    };
    let knows = |other: &StoredRun| {
        let kinds = run.kinds.iter().filter(|kind| run.scope.has_kind(&kind.id));
        let mut kinds = kinds.filter(|kind| is_watched(&kind.plural, &kind.id));
        let missing = |asked: bool, known: bool, word| asked && !known && is_watched(word, word);
        kinds.all(|kind| other.scope.has_kind(&kind.id))
            && !missing(
                run.scope.entitlements,
                other.scope.entitlements,
                "entitlements",
            )
            && !missing(run.scope.grants, other.scope.grants, "grants")
            && other.scope.omitted.is_subset(&run.scope.omitted)
    };
    let published = store.runs()?.into_iter().rev();
    let mut published = published.filter(|other| other.state == RunState::Complete);
    Ok(published.find(knows))
}
