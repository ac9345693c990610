//! `sync`: what was typed becomes a sync, and what came of it is told.

use std::sync::Arc;

use super::audit::WithHead;
use super::exit::{ExitCode, Failure};
use super::signals::Signals;
use super::{Session, connect, diff, hint, print, progress};
use crate::omit::Names;
use crate::store::Scope;
use crate::sync::{Beginning, CheaperPlan, Only, Options, Plan, Progress, Slicing, Summary, Sync};

/// Instances that read side by side unless `--workers` says otherwise. At the polite
/// pace of 5 requests a second one would do; four hide a latency of 800 ms, and more
/// only cost memory.
const DEFAULT_WORKERS: usize = 4;
/// Each worker is an instance with up to 64 MiB of memory; no known quota needs more.
const MAX_WORKERS: u32 = 32;

/// The partitions that Cognito's users can be cut into, by the first digit of their `sub`.
const MAX_SHARDS: u32 = 16;

/// Snapshots that a store can be told to keep: enough for one an hour during a year.
const MAX_KEEP: u32 = 10_000;

impl Session<'_> {
    pub(super) async fn sync(self) -> Result<ExitCode, Failure> {
        let workers = self.number("workers", 1..=MAX_WORKERS)?;
        let shards = self
            .number("shards", 1..=MAX_SHARDS)?
            .map_or(0, |shards| shards as usize);
        let plan = self.plan()?;
        let keep = self.number("keep", 1..=MAX_KEEP)?;
        let allow_shrink = self.layers.switch(self.matches, "allow-shrink")?;
        let fresh = self.layers.switch(self.matches, "fresh")?;
        let scope = self.scope()?;
        let compare = self.compared(&scope)?;
        let store = connect::store_file(self.matches, &self.layers);
        let signals = Signals::listen();
        let connected = self.connect().await?;
        let connector = Arc::new(connected.connector);
        let journal = connected.journal;
        let kinds = connector.description().kinds.iter();
        let progress = Arc::new(Progress::new(
            kinds
                .clone()
                .map(|kind| (kind.id.clone(), kind.plural.clone())),
        ));
        let slices = match shards {
            0 => Slicing::default(),
            shards => {
                let asked = kinds.filter(|kind| scope.has_kind(&kind.id));
                let slices = Slicing::ask(&connector, asked, shards).await?;
                if slices.is_empty() {
                    hint("warning: --shards has no effect: no list that is asked for has parts");
                }
                slices
            }
        };
        let options = Options {
            plan,
            slices,
            store: store.clone(),
            connection: connected.connection,
            scope,
            workers: workers.map_or(DEFAULT_WORKERS + shards, |workers| workers as usize),
            allow_shrink,
            fresh,
            keep,
            compare: compare.clone(),
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
                "beginning anew; the interrupted sync {sync_id} is given up: {why}"
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
            if let Some(plan) = &summary.cheaper_plan {
                hint(&cheaper(plan));
            }
            hint(&format!(
                "stored in {0}; see it with `connector stats --store {0}`",
                store.display()
            ));
        }
        let differs = compare.is_some() && self.tell_changes(&summary);
        print(self.format, &WithHead::new(&summary, journal.as_ref()))?;
        Ok(match differs {
            true => ExitCode::Different,
            false => ExitCode::Done,
        })
    }

    /// Tells what is different since the last snapshot, and whether anything is.
    fn tell_changes(&self, summary: &Summary) -> bool {
        let Some(changes) = &summary.changes else {
            // Also with --quiet: what nobody looked at must not be taken for unchanged.
            hint("warning: there is no snapshot before this one to compare it with");
            return false;
        };
        if !changes.not_compared.is_empty() {
            hint(&format!(
                "warning: not compared: {}; no snapshot in the store knows more of it than {}",
                changes.not_compared.join(", "),
                changes.since
            ));
        }
        if !self.quiet {
            let tallies = &changes.tallies;
            hint(&diff::summary(tallies, &changes.since, &summary.sync_id));
        }
        changes.tallies.is_different()
    }

    /// What the snapshot is compared with the last one of.
    fn compared(&self, scope: &Scope) -> Result<Option<Only>, Failure> {
        let Some(words) = self.layers.option(self.matches, "fail-on-change") else {
            return Ok(None);
        };
        let words: Vec<&str> = words.split(',').map(str::trim).collect();
        if words.contains(&"any") {
            return Ok(Some(None));
        }
        let kinds = &self.component.record.approved.kinds;
        for word in &words {
            let is_asked_for = match *word {
                "entitlements" => scope.entitlements,
                "grants" => scope.grants,
                word => match kinds
                    .iter()
                    .find(|kind| kind.plural == word || kind.id == word)
                {
                    Some(kind) => scope.has_kind(&kind.id),
                    None => {
                        let plurals = kinds.iter().map(|kind| kind.plural.as_str());
                        let plurals: Vec<&str> = plurals.collect();
                        return Err(Failure::new(
                            ExitCode::Invalid,
                            format!(
                                "--fail-on-change names `{word}`; there are {}, entitlements, \
                                 grants and any",
                                plurals.join(", ")
                            ),
                        ));
                    }
                },
            };
            if !is_asked_for {
                return Err(Failure::new(
                    ExitCode::Invalid,
                    format!(
                        "--fail-on-change names `{word}`, which --only does not ask for, so that \
                         nobody would know"
                    ),
                ));
            }
        }
        Ok(Some(Some(words.into_iter().map(str::to_owned).collect())))
    }

    /// What is asked for.
    fn scope(&self) -> Result<Scope, Failure> {
        Ok(self.kinds_asked_for()?.omitting(self.omitted()?))
    }

    /// The attributes that are left out. One that a setting names can't be: what the
    /// connector makes of it can't be told from other things.
    fn omitted(&self) -> Result<Names, Failure> {
        let names = self.layers.option(self.matches, "omit-attr");
        let names = names.iter().flat_map(|names| names.split(','));
        let names: Names = names.map(|name| name.trim().to_owned()).collect();
        if names.contains("") {
            return Err(Failure::new(
                ExitCode::Invalid,
                "--omit-attr has an empty name; write the names of attributes, such as email",
            ));
        }
        for setting in &self.component.record.approved.settings {
            let value = self.layers.setting(self.matches, &setting.name, &[]);
            if let Some(name) = value.filter(|value| !setting.secret && names.contains(value)) {
                return Err(Failure::new(
                    ExitCode::Invalid,
                    format!(
                        "--omit-attr names `{name}`, and so does the setting {}, by which it is read",
                        setting.name
                    ),
                )
                .hint("leave out one of the two"));
            }
        }
        Ok(names)
    }

    fn kinds_asked_for(&self) -> Result<Scope, Failure> {
        let kinds = &self.plan()?.kinds(&self.component.record.approved.kinds);
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

    /// In which direction memberships are read.
    fn plan(&self) -> Result<Plan, Failure> {
        match self.layers.option(self.matches, "plan").as_deref() {
            None | Some("by-group") => Ok(Plan::ByResource),
            Some("by-user") => Ok(Plan::ByPrincipal),
            Some(other) => Err(Failure::new(
                ExitCode::Invalid,
                format!("--plan is `{other}`; give by-group or by-user"),
            )),
        }
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

/// What could have been cheaper, and what nobody knows about it.
fn cheaper(plan: &CheaperPlan) -> String {
    format!(
        "memberships took {} s of quota time; with --plan {} they would take about {} s. What the \
         service bills for asking about every user by name is not documented: look at the bill \
         after a first run",
        plan.instead_of, plan.plan, plan.quota_seconds
    )
}
