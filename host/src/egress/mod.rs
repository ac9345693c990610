//! The only way out of the sandbox.
//!
//! A component's request is judged by name ([`policy`]), paced ([`crate::limits::rate`]),
//! judged by address ([`address`]) and sent by a transport of our own; the engine's own
//! HTTP client is not compiled in. Judgement compiles without a WebAssembly engine and
//! without a network.

pub mod address;
pub mod audit;
mod body;
pub mod explain;
mod operation;
pub mod origin;
pub mod policy;
pub mod throttle;
mod wanted;
pub mod words;

#[cfg(feature = "sandbox")]
pub mod answer;
#[cfg(feature = "sandbox")]
pub mod call;
#[cfg(feature = "sandbox")]
pub mod error;
#[cfg(feature = "sandbox")]
pub mod gate;
#[cfg(feature = "sandbox")]
pub mod hook;
#[cfg(feature = "sandbox")]
pub mod signing;
#[cfg(feature = "sandbox")]
mod trail;
#[cfg(feature = "sandbox")]
pub mod transport;

pub use audit::{AuditRecord, AuditSink, Traffic};
#[cfg(feature = "sandbox")]
pub use call::{CallReport, CallScope, ChangeFate};
#[cfg(feature = "sandbox")]
pub use error::EgressError;
#[cfg(feature = "sandbox")]
pub use gate::Egress;
#[cfg(feature = "sandbox")]
pub use hook::EgressHooks;
pub use origin::Origin;
pub use policy::{Call, Denied, Policy};
pub use wanted::Wanted;
