//! The snapshot store: one SQLite file that holds what was read from one system.
//!
//! It exists so that a list can be trusted: a snapshot is shown only after everything
//! that was asked for has arrived, a store never mixes two systems, and a file that is
//! not ours is neither read nor touched. It knows resources, entitlements and grants,
//! and nothing about any system, about WebAssembly or about the network.
//!
//! **How rows are kept.** The ids of a large system come in no useful order, and a tree
//! kept sorted while they arrive rewrites one page of the file for nearly every row
//! (measured: ten times slower). So resources are appended, and [`SyncStore::settle`]
//! sorts their keys once, of what came twice the last one, and thereby gives every run one
//! order, whatever the order in which its pages came.
//!
//! **Migration policy.** `user_version` is [`SCHEMA_VERSION`]. A store of an older
//! version is carried forward, in one transaction, by the first sync that opens it;
//! reading commands read it as it is. A store of a newer version is refused and never
//! written to.
//!
//! **What it does not do.** It does not judge whether a run is fit to be published; it
//! makes sure that only what was published is current.

mod checkpoint;
mod compare;
mod connection;
mod doubts;
mod error;
mod forget;
mod lock;
mod maintenance;
mod open;
mod reader;
mod retention;
mod rows;
mod run;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

pub use checkpoint::{ListOfRun, Resumable, Step};
pub use compare::{Changed, Comparison, Difference, Differs, Member, Side, Tallies, Tally, What};
pub use connection::Connection;
pub use doubts::{Dangling, References, Twin};
pub use error::{StoreError, StoreErrorClass};
pub use forget::Forget;
pub use maintenance::Checked;
pub use reader::Store;
pub use retention::DEFAULT_KEEP;
pub use rows::{Holding, Holdings, Rows};
pub(crate) use run::is_told_by_resources;
pub use run::{Counters, Counts, Run, RunEnd, RunStart, RunState, Scope};
pub use schema::SCHEMA_VERSION;
pub use writer::{Page, Settled, SyncStore};
