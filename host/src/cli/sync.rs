//! `sync`: what was typed becomes a sync, and what came of it is told.

use std::sync::Arc;

use super::exit::{ExitCode, Failure};
use super::signals::Signals;
use super::{Session, connect, hint, print, progress};
use crate::store::Scope;
use crate::sync::{Beginning, Options, Progress, Sync};

/// Instances that read side by side unless `--workers` says otherwise. At the polite
/// pace of 5 requests a second one would do; four hide a latency of 800 ms, and more
/// only cost memory.
const DEFAULT_WORKERS: usize = 4;
/// Each worker is an instance with up to 64 MiB of memory; no known quota needs more.
const MAX_WORKERS: u32 = 32;

/// Snapshots that a store can be told to keep: enough for one an hour during a year.
const MAX_KEEP: u32 = 10_000;

impl Session<'_> {
    pub(super) async fn sync(self) -> Result<(), Failure> {
        let workers = self.number("workers", 1..=MAX_WORKERS)?;
        let keep = self.number("keep", 1..=MAX_KEEP)?;
        let allow_shrink = self.layers.switch(self.matches, "allow-shrink")?;
        let fresh = self.layers.switch(self.matches, "fresh")?;
        let scope = self.scope()?;
        let store = connect::store_file(self.matches, &self.layers);
        let signals = Signals::listen();
        let connected = self.connect().await?;
        let connector = Arc::new(connected.connector);
        let kinds = connector.description().kinds.iter();
        let progress = Arc::new(Progress::new(
            kinds.map(|kind| (kind.id.clone(), kind.plural.clone())),
        ));
        let options = Options {
            store: store.clone(),
            connection: connected.connection,
            scope,
            workers: workers.map_or(DEFAULT_WORKERS, |workers| workers as usize),
            allow_shrink,
            fresh,
            keep,
        };
        let sync = Sync::prepare(connector.clone(), options, progress.clone())?;
        match sync.beginning() {
            Beginning::New => {}
            Beginning::GoesOn {
                sync_id,
                started_at,
            } if !self.quiet => hint(&format!(
                "going on with the sync {sync_id}, which began at {started_at} and was interrupted"
            )),
            Beginning::GoesOn { .. } => {}
            // Also with --quiet: what was read before is not used.
            Beginning::Anew { sync_id, why } => hint(&format!(
                "beginning anew; the interrupted sync {sync_id} is left: {why}"
            )),
        }
        let no_color = self.layers.is_set("NO_COLOR");
        let bar = progress::wanted(self.quiet, no_color)
            .then(|| tokio::spawn(progress::show(progress, connector.egress().clone())));
        let outcome = sync.run(signals.next()).await;
        if let Some(bar) = bar {
            bar.abort();
            // The task ends by the abort, and only then the line is clean.
            let _ = bar.await;
        }
        let summary = outcome?;
        if !self.quiet {
            for warning in &summary.warnings {
                hint(&format!("warning: {}", warning.message));
            }
            hint(&format!(
                "stored in {0}; see it with `connector stats --store {0}`",
                store.display()
            ));
        }
        print(self.format, &summary)
    }

    /// What is asked for.
    fn scope(&self) -> Result<Scope, Failure> {
        let kinds = &self.record.approved.kinds;
        let Some(words) = self.layers.option(self.matches, "only") else {
            return Ok(Scope::everything(kinds));
        };
        Scope::only(words.split(',').map(str::trim), kinds).map_err(|word| {
            let plurals: Vec<&str> = kinds.iter().map(|kind| kind.plural.as_str()).collect();
            Failure::new(
                ExitCode::Invalid,
                format!(
                    "--only names `{word}`; there are {}, entitlements and grants",
                    plurals.join(", ")
                ),
            )
        })
    }

    /// The value of an option that is a number.
    fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<u32>, Failure> {
        let Some(text) = self.layers.option(self.matches, name) else {
            return Ok(None);
        };
        match text.parse().ok().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(Failure::new(
                ExitCode::Invalid,
                format!(
                    "--{name} is `{text}`; give a number from {} to {}",
                    range.start(),
                    range.end()
                ),
            )),
        }
    }
}
