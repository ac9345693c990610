//! Commands that read the store and ask nobody: `list`, `show`, `stats` and `syncs`.

use std::collections::BTreeMap;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::exit::{ExitCode, Failure, no_kind};
use super::{print, printed};
use crate::export::{self, Column, Columns, Format, RenderError};
use crate::model::ResourceId;
use crate::store::{Checked, Holding, Holdings, Rows, Run, RunState, Store, StoreError};
use crate::trust::description::Kind;

/// A store to read, and how to show it.
pub(super) struct Stored {
    pub(super) store: PathBuf,
    /// A run other than the current one.
    pub(super) run: Option<String>,
    /// The settings that were given and say which system is meant.
    pub(super) meant: BTreeMap<String, String>,
    pub(super) format: Format,
}

impl Stored {
    fn open(&self) -> Result<(Store, Run), Failure> {
        let store = self.store()?;
        let run = store.require_run(self.run.as_deref())?;
        warn_if_incomplete(&run);
        Ok((store, run))
    }

    /// The store, unless it holds another system than the one that the settings name.
    pub(super) fn store(&self) -> Result<Store, Failure> {
        let store = Store::open(&self.store)?;
        self.refuse_another(&store)?;
        Ok(store)
    }

    fn refuse_another(&self, store: &Store) -> Result<(), Failure> {
        let stored = &store.connection().settings;
        for (name, value) in &self.meant {
            if let Some(other) = stored.get(name).filter(|other| *other != value) {
                return Err(Failure::new(
                    ExitCode::Invalid,
                    format!(
                        "the store `{}` was filled with the {name} `{other}`, and `{value}` is given",
                        self.store.display()
                    ),
                )
                .hint(format!("name another store with --store FILE, or leave {name} out")));
            }
        }
        Ok(())
    }

    /// Rows of one sort.
    pub(super) fn list(&self, what: &str) -> Result<(), Failure> {
        let (store, run) = self.open()?;
        let (rows, columns) = match what {
            "entitlements" => (Rows::Entitlements, Columns::of_entitlements()),
            "grants" => (Rows::Grants, Columns::of_grants()),
            word => match run.kind_called(word) {
                Some(kind) => (Rows::Resources(&kind.id), Columns::of_kind(kind)),
                None => {
                    let mut known: Vec<&str> =
                        run.kinds.iter().map(|kind| kind.plural.as_str()).collect();
                    known.extend(["entitlements", "grants"]);
                    return Err(Failure::new(
                        ExitCode::Invalid,
                        format!(
                            "`{word}` is nothing that can be listed; there are {}",
                            known.join(", ")
                        ),
                    ));
                }
            },
        };
        let was_read = match rows {
            Rows::Resources(kind) => run.scope.has_kind(kind),
            Rows::Entitlements => run.scope.entitlements,
            Rows::Grants => run.scope.grants,
        };
        if !was_read {
            return Err(not_read(what, &run));
        }
        let mut out = BufWriter::new(io::stdout().lock());
        let outcome = export::rows(&mut out, self.format, &columns, |visit| {
            store.each_row(&run, rows, |row| visit(row))
        });
        printed(outcome, |error: StoreError| error.into())
    }

    /// One resource, what it holds, and who holds something on it.
    pub(super) fn show(&self, id: &ResourceId) -> Result<(), Failure> {
        let (store, run) = self.open()?;
        if run
            .kind_called(&id.kind)
            .is_none_or(|kind| kind.id != id.kind)
        {
            return Err(no_kind(&id.kind, &run.kinds));
        }
        if !run.scope.has_kind(&id.kind) {
            return Err(not_read(&id.kind, &run));
        }
        let resource = store.resource(&run, id)?.ok_or_else(|| {
            Failure::new(
                ExitCode::NotFound,
                format!("{id} is not in the snapshot {}", run.sync_id),
            )
            .hint(format!("`connector get {id}` asks the service itself"))
        })?;
        let mut shown = members_of(&resource)?;
        let mut add = |name: &str, which: Holdings<'_>, row: fn(&Holding) -> Value| {
            let mut rows = Vec::new();
            store.each_holding(&run, which, |holding| {
                rows.push(row(&holding));
                Ok::<(), StoreError>(())
            })?;
            shown.insert(name.to_owned(), Value::Array(rows));
            Ok::<(), Failure>(())
        };
        let kind = run.kinds.iter().find(|kind| kind.id == id.kind);
        let is_held = kind.is_some_and(Kind::carries_entitlements);
        let holds = run
            .kinds
            .iter()
            .flat_map(|kind| &kind.entitlements)
            .any(|entitlement| entitlement.grantable_to.contains(&id.kind));
        if holds && run.scope.grants {
            add("memberships", Holdings::Of(id), |holding| {
                json!({
                    "entitlement": holding.grant.entitlement.to_string(),
                    "resource": holding.grant.entitlement.resource,
                    "display_name": holding.resource_name,
                })
            })?;
        }
        if is_held && run.scope.grants {
            add("members", Holdings::On(id), |holding| {
                json!({
                    "principal": holding.grant.principal,
                    "entitlement": holding.grant.entitlement.to_string(),
                    "display_name": holding.principal_name,
                })
            })?;
        }
        print(self.format, &shown)
    }

    /// How many rows of each sort there are.
    pub(super) fn stats(&self) -> Result<(), Failure> {
        let (store, run) = self.open()?;
        let counts = store.counts(&run)?;
        let mut stats = members_of(&json!({
            "sync_id": run.sync_id,
            "state": run.state,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "connection": store.connection(),
        }))?;
        for (name, rows) in counts.iter() {
            stats.insert(name.to_owned(), json!(rows));
        }
        print(self.format, &stats)
    }

    /// Whether all of the store is sound. What can't even be opened for its damage is
    /// answered with an object too, so that a script need not read messages.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let store = match Store::open(&self.store) {
            Ok(store) => store,
            Err(error) => {
                if let Some(checked) = Checked::unopened(&error) {
                    print(self.format, &checked)?;
                }
                return Err(error.into());
            }
        };
        self.refuse_another(&store)?;
        let checked = store.check()?;
        print(self.format, &checked)?;
        match checked.problems.into_iter().next() {
            None => Ok(()),
            Some(detail) => Err(StoreError::Corrupt {
                path: store.path().to_owned(),
                detail,
            }
            .into()),
        }
    }

    /// A consistent copy.
    pub(super) fn backup(&self, out: Option<&str>) -> Result<(), Failure> {
        let out =
            out.ok_or_else(|| Failure::new(ExitCode::Usage, "store backup needs --out FILE"))?;
        let size = self.store()?.backup(Path::new(out))?;
        print(self.format, &json!({"file": out, "size": size}))
    }

    /// The runs in the store, the oldest first.
    pub(super) fn syncs(&self) -> Result<(), Failure> {
        let runs = self.store()?.runs()?;
        let columns = Columns::new([
            Column::whole("sync_id"),
            Column::shown("state"),
            Column::shown("started_at"),
            Column::shown("finished_at"),
            Column::shown("requests"),
            Column::shown("throttled"),
            Column::shown("retries"),
            Column::shown("duration_ms"),
            Column::detail("component_version"),
            Column::detail("component_digest"),
        ]);
        let mut out = BufWriter::new(io::stdout().lock());
        let outcome: Result<(), RenderError<std::convert::Infallible>> =
            export::list(&mut out, self.format, &columns, &runs);
        printed(outcome, |never| match never {})
    }
}

/// Also with --quiet: half a list must never be taken for the whole.
pub(super) fn warn_if_incomplete(run: &Run) {
    let why = match run.state {
        RunState::Complete => return,
        RunState::Refused => "it was read in full and did not become current",
        RunState::Running | RunState::Partial | RunState::Interrupted => {
            "what it read is incomplete"
        }
    };
    super::hint(&format!(
        "warning: the sync {} is {}: {why}",
        run.sync_id, run.state
    ));
}

/// What was not asked for is unknown, which is something else than empty.
fn not_read(what: &str, run: &Run) -> Failure {
    Failure::new(
        ExitCode::NotFound,
        format!(
            "the sync {} did not ask for `{what}`, so nothing is known of it",
            run.sync_id
        ),
    )
    .hint("`connector sync` without --only reads everything")
}

/// The members of an object, so that more can be added.
fn members_of(object: &impl Serialize) -> Result<Map<String, Value>, Failure> {
    let failed = |why: String| Failure::new(ExitCode::Component, why);
    match serde_json::to_value(object) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(failed("the result is no object".to_owned())),
        Err(error) => Err(failed(format!("the result can't be shown: {error}"))),
    }
}
