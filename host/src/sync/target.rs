//! Where a sync writes: nowhere before there is something to write, so that a wrong
//! setting leaves nothing behind.

use time::OffsetDateTime;

use super::Options;
use crate::connector::Connector;
use crate::store::{Run, RunEnd, RunStart, StoreError, SyncStore};

/// The store and the run in it, both made as late as possible.
pub(super) struct Target {
    options: Options,
    store: Option<SyncStore>,
    run: Option<Run>,
    /// Whether the run has ended, so that a late page can't begin another one.
    ended: bool,
}

impl Target {
    /// Checks an existing store at once, so that a store of another connection is refused
    /// before anything is sent.
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
            ended: false,
        })
    }

    /// The run, begun when there is something to put into it.
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
                let description = connector.description();
                none.insert(store.begin_run(&RunStart {
                    component_digest: connector.component().artifact().digest.clone(),
                    component_version: description.version.clone(),
                    started_at: OffsetDateTime::now_utc(),
                    kinds: description.kinds.clone(),
                    scope: self.options.scope.clone(),
                })?)
            }
        };
        Ok((store, run))
    }

    /// Ends the run if one was begun.
    pub(super) fn end(&mut self, end: &RunEnd) -> Result<Option<Run>, StoreError> {
        self.ended = true;
        match (&mut self.store, self.run.take()) {
            (Some(store), Some(run)) => store.finish_run(&run, end).map(Some),
            _ => Ok(None),
        }
    }
}
