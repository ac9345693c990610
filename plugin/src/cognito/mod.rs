//! Client of the Amazon Cognito user pools JSON API, as small as the connector needs
//! it: twelve operations on one pool.
//!
//! No AWS SDK: its executor, connectors and credential chain are larger than the whole
//! component and need more imports than a sandbox should grant. Not even its signing crate
//! is used, which would be a quarter of the component (see [`signing`]).

pub use cognito_answers::{calendar, json, model, timestamp};

pub mod client;
pub mod described;
pub mod endpoint;
pub mod error;
pub mod filter;
#[cfg(any(test, not(all(target_family = "wasm", feature = "component"))))]
pub mod foreign;
pub mod message;
pub mod operations;
pub mod pool;
pub mod retry;
pub mod signing;
pub mod skew;
pub mod transport;
// Natively only its pure parts can run, which is enough to test them.
pub mod wasi;

#[cfg(test)]
pub(crate) mod fake;
