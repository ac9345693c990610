//! Reading a whole system into a store.
//!
//! Workers, each with a warm instance of its own, take lists from a queue, read one page,
//! store it, and put back what it brings: the next page, and the lists of what belongs to
//! the resources that came. Memory holds the lists that are open, not what was read.
//! A snapshot becomes visible only at the very end, when everything is there.

mod page;
mod progress;
mod queue;
mod run;
mod warnings;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

pub use progress::{KindCount, Progress};
pub use run::{Options, sync};
pub use warnings::{Warning, WarningCode};

use crate::connector::ConnectorError;
use crate::store::{Counters, Counts, StoreError};

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
        map.end()
    }
}

/// Why a sync did not end with a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Something could not be read.
    #[error("reading {what} failed: {source}")]
    Read {
        /// What was read.
        what: String,
        /// Why it failed.
        source: Box<ConnectorError>,
    },
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
    /// The store could not be opened or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was asked to stop.
    #[error("interrupted; nothing of this run became current, and the next sync begins anew")]
    Interrupted,
}

impl SyncError {
    fn read(what: &impl ToString, source: impl Into<ConnectorError>) -> Self {
        Self::Read {
            what: what.to_string(),
            source: Box::new(source.into()),
        }
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
