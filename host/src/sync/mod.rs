//! Reading a whole system into a store.
//!
//! Workers, each with a warm instance of its own, take lists from a queue, read one page,
//! store it, and put back what it brings: the next page, and the lists of what belongs to
//! the resources that came. Memory holds the lists that are open, not what was read.
//! A snapshot becomes visible only at the very end, when everything is there. A sync that
//! ends before leaves behind what the next one needs to go on.

mod gate;
mod list;
mod note;
mod omitted;
mod page;
mod pending;
mod plan;
mod progress;
mod publish;
mod queue;
mod resume;
mod run;
mod setbacks;
mod slices;
mod target;
mod trail;
mod warnings;

use std::path::PathBuf;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

pub use gate::GateError;
pub use plan::{CheaperPlan, Plan};
pub use progress::{KindCount, Progress};
pub use resume::{Beginning, NotResumed};
pub use run::Sync;
pub use slices::Slicing;
pub use warnings::{Warning, WarningCode};

use crate::connector::ConnectorError;
use crate::model::ResourceId;
use crate::store::{Connection, Counters, Counts, Scope, StoreError, Tallies};

/// How to sync.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store's file; made when the first page has come.
    pub store: PathBuf,
    /// What the store belongs to.
    pub connection: Connection,
    /// What is asked for.
    pub scope: Scope,
    /// How many instances read side by side.
    pub workers: usize,
    /// In which direction memberships are read.
    pub plan: Plan,
    /// How lists are cut into slices; by default not at all.
    pub slices: Slicing,
    /// Whether a snapshot may become current that lost much of what the last one had.
    pub allow_shrink: bool,
    /// Whether a new run is begun although there is one to go on with.
    pub fresh: bool,
    /// How many snapshots the store keeps from now on; `None`: as many as before.
    pub keep: Option<u32>,
    /// Whether the snapshot is compared with the last one, and of what: everything, or only
    /// of the sorts that these words name.
    pub compare: Option<Only>,
}

/// What is compared: everything (`None`), or only of the sorts that these words name (plural
/// or id of a kind, `entitlements`, `grants`).
pub type Only = Option<Vec<String>>;

/// What is different since the last snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The last snapshot.
    pub since: String,
    /// How many differences there are of each sort.
    pub tallies: Tallies,
    /// What one of the two did not ask for, so that nothing is known of it.
    pub not_compared: Vec<String>,
}

impl Serialize for Changes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("since", &self.since)?;
        for (name, tally) in &self.tallies.0 {
            map.serialize_entry(name, tally)?;
        }
        map.serialize_entry("not_compared", &self.not_compared)?;
        map.end()
    }
}

/// What a complete sync did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The run, as `syncs` shows it.
    pub sync_id: String,
    /// Whether it went on with an interrupted run.
    pub resumed: bool,
    /// The rows of the snapshot.
    pub counts: Counts,
    /// What it took.
    pub counters: Counters,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// What is different since the last snapshot, if that was asked for and there was one.
    pub changes: Option<Changes>,
    /// How memberships could have been read with less of the service's quota.
    pub cheaper_plan: Option<CheaperPlan>,
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("sync_id", &self.sync_id)?;
        map.serialize_entry("complete", &true)?;
        map.serialize_entry("resumed", &self.resumed)?;
        for (name, rows) in self.counts.iter() {
            map.serialize_entry(name, &rows)?;
        }
        map.serialize_entry("requests", &self.counters.requests)?;
        map.serialize_entry("throttled", &self.counters.throttled)?;
        map.serialize_entry("retries", &self.counters.retries)?;
        map.serialize_entry("duration_ms", &self.counters.duration_ms)?;
        map.serialize_entry("warnings", &self.warnings)?;
        if let Some(changes) = &self.changes {
            map.serialize_entry("changes", changes)?;
        }
        if let Some(plan) = &self.cheaper_plan {
            map.serialize_entry("cheaper_plan", plan)?;
        }
        map.end()
    }
}

/// Why a sync did not end with a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Something could not be read.
    #[error("reading {what} failed: {source}{}", go_on_hint(kept.as_deref()))]
    Read {
        /// What was read.
        what: String,
        /// Why it failed.
        source: Box<ConnectorError>,
        /// The run that the next sync goes on with, if anything was read.
        kept: Option<String>,
    },
    /// A list does not come to an end.
    #[error(
        "reading {what} came {circles} times to where it had been before: the service starts \
         over, or repeats its cursors"
    )]
    Circle {
        /// What was read.
        what: String,
        /// How often.
        circles: u32,
    },
    /// The very first request failed in a way in which every other one would too.
    #[error(transparent)]
    Unreachable(Box<ConnectorError>),
    /// Rights are missing; what could be read is kept as a partial run.
    #[error(
        "not everything may be read: the credentials lack {}{}",
        permissions.join(", "),
        kept_hint(sync_id.as_deref())
    )]
    Denied {
        /// The rights that are missing, all of them, in alphabetical order.
        permissions: Vec<String>,
        /// The partial run; `None` if nothing could be read at all.
        sync_id: Option<String>,
        /// What the system said to one of the refused requests.
        source: Box<ConnectorError>,
    },
    /// So much vanished while it was read that the rest is not believed.
    #[error(
        "{vanished} of {asked} resources did not exist any more when their grants were read; \
         that is too many to believe the rest, so the sync {sync_id} is kept but not current"
    )]
    TooManyVanished {
        /// Resources that vanished.
        vanished: usize,
        /// Resources whose grants were asked for.
        asked: usize,
        /// The run.
        sync_id: String,
    },
    /// What was read is suspicious as a whole.
    #[error("{source}; the sync {sync_id} is kept and did not become current")]
    Gate {
        /// Which gate refused it.
        source: GateError,
        /// The run.
        sync_id: String,
    },
    /// The service says two things about one resource.
    #[error(
        "the service says that {0} does not exist when asked for its grants, and shows it when \
         asked for it; nothing of this run became current"
    )]
    Contradiction(ResourceId),
    /// A defect of this program.
    #[error("a worker of the sync ended unexpectedly: {0}")]
    Worker(String),
    /// The store could not be opened or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was asked to stop.
    #[error("interrupted{}", match kept {
        Some(_) => go_on_hint(kept.as_deref()),
        None => " before anything was read".to_owned(),
    })]
    Interrupted {
        /// The run that the next sync goes on with, if anything was read.
        kept: Option<String>,
    },
}

impl SyncError {
    fn read(what: &impl ToString, source: impl Into<ConnectorError>) -> Self {
        Self::Read {
            what: what.to_string(),
            source: Box::new(source.into()),
            kept: None,
        }
    }

    /// Says which run is left behind.
    fn keep(&mut self, run: Option<String>) {
        if let Self::Read { kept, .. } | Self::Interrupted { kept } = self {
            *kept = run;
        }
    }
}

fn go_on_hint(kept: Option<&str>) -> String {
    match kept {
        Some(id) => format!(
            "; nothing became current, and what was read is kept: the next sync goes on with {id}"
        ),
        None => String::new(),
    }
}

fn kept_hint(sync_id: Option<&str>) -> String {
    match sync_id {
        Some(id) => {
            format!("; what could be read is kept as the partial sync {id}, which is not current")
        }
        None => String::new(),
    }
}
