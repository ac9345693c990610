//! Where a sync writes: nowhere before there is something to write, so that a wrong
//! setting leaves nothing behind.

use time::OffsetDateTime;

use super::Options;
use super::page::first_lists;
use crate::connector::Connector;
use crate::store::{Run, RunEnd, RunStart, StoreError, SyncStore};

/// The store and the run in it, both made as late as possible.
pub(super) struct Target {
    options: Options,
    store: Option<SyncStore>,
    run: Option<Run>,
    /// The run to go on with.
    left: Option<Run>,
    /// Whether the run has ended, so that a late page can't begin another one.
    ended: bool,
}

impl Target {
    /// Opens an existing store, so that a store of another connection is refused before
    /// anything is sent.
    pub(super) fn prepare(options: &Options) -> Result<Self, StoreError> {
        let store = options
            .store
            .exists()
            .then(|| SyncStore::open(&options.store, &options.connection))
            .transpose()?;
        Ok(Self {
            options: options.clone(),
            store,
            run: None,
            left: None,
            ended: false,
        })
    }

    /// The store, if there is one already.
    pub(super) fn store(&self) -> Option<&SyncStore> {
        self.store.as_ref()
    }

    /// Goes on with this run as soon as there is something to write.
    pub(super) fn go_on_with(&mut self, run: Run) {
        self.left = Some(run);
    }

    /// The run, begun or taken up when there is something to put into it.
    pub(super) fn opened(
        &mut self,
        connector: &Connector,
    ) -> Result<(&mut SyncStore, &Run), StoreError> {
        if self.ended {
            return Err(StoreError::RunClosed {
                path: self.options.store.clone(),
                sync_id: "that has ended".to_owned(),
            });
        }
        let store = match &mut self.store {
            Some(store) => store,
            none => none.insert(SyncStore::open(
                &self.options.store,
                &self.options.connection,
            )?),
        };
        let run = match &mut self.run {
            Some(run) => run,
            none => {
                if let Some(runs) = self.options.keep {
                    store.keep(runs)?;
                }
                none.insert(match self.left.take() {
                    Some(left) => store.resume_run(&left)?,
                    None => store.begin_run(&start(&self.options, connector))?,
                })
            }
        };
        Ok((store, run))
    }

    /// Ends the run if one was begun. One that was to be gone on with, and was not touched
    /// yet, stays as it is.
    pub(super) fn end(&mut self, end: &RunEnd) -> Result<Option<Run>, StoreError> {
        self.ended = true;
        match (&mut self.store, self.run.take()) {
            (Some(store), Some(run)) => store.finish_run(&run, end).map(Some),
            _ => Ok(self.left.take()),
        }
    }
}

fn start(options: &Options, connector: &Connector) -> RunStart {
    let description = connector.description();
    let kinds = options.plan.kinds(&description.kinds);
    RunStart {
        component_digest: connector.component().artifact().digest.clone(),
        component_version: description.version.clone(),
        started_at: OffsetDateTime::now_utc(),
        lists: first_lists(&kinds, &options.scope, &options.slices)
            .map(|list| list.to_text())
            .collect(),
        settings: connector.reading_settings(),
        scope: options.scope.clone(),
        kinds,
    }
}
