//! How much and how fast: the numbers that bound a component, and the pace of requests.
//!
//! Nothing here needs a WebAssembly engine or a network. Time comes from a
//! [`clock::Clock`], so that tests neither sleep nor measure.

pub mod ceiling;
pub mod clock;
pub mod deadline;
pub mod excess;
pub mod rate;
pub mod sandbox;
pub mod setting;
pub mod sizes;
pub mod units;

pub use clock::Clock;
pub use excess::Excess;
pub use rate::{Pacer, Paces, RateError};
pub use sandbox::{Limit, Limits};
pub use setting::{MaxRate, RateSetting};
