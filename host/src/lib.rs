//! Runs identity connector components in a sandbox.
//!
//! A connector is a WebAssembly component of the contract `identity:connector` (`wit/`).
//! This host decides which places and which operations it may reach, keeps to the
//! service's rate limits, retries, and stores what was read. [`connector::Connector`]
//! puts the parts together; [`sync::Sync`] reads everything into a [`store::Store`].
//!
//! Arrows point one way: `cli → sync → engine → egress → limits`; `store` and `export`
//! know no WebAssembly, and nothing imports `cli`. Without the feature `sandbox` only
//! what judges and limits is compiled.

pub mod change;
pub mod egress;
pub mod limits;
pub mod model;
pub mod omit;
pub mod private_file;
pub mod settings;
pub mod trust;

#[cfg(feature = "sandbox")]
pub mod cli;
#[cfg(feature = "sandbox")]
pub mod connector;
#[cfg(feature = "sandbox")]
pub mod contract;
#[cfg(feature = "sandbox")]
pub mod credentials;
#[cfg(feature = "sandbox")]
pub mod documents;
#[cfg(feature = "sandbox")]
pub mod engine;
#[cfg(feature = "sandbox")]
pub mod export;
#[cfg(feature = "sandbox")]
pub mod provision;
#[cfg(feature = "sandbox")]
pub mod rate_store;
#[cfg(feature = "sandbox")]
mod retry;
#[cfg(feature = "sandbox")]
pub mod store;
#[cfg(feature = "sandbox")]
pub mod sync;
