//! Documents for other programs: what the connector can do (`capabilities`), what it
//! takes (`config-schema`) and the rights that it needs (`iam-policy`).
//!
//! Nothing in them is declared a second time. They follow from what the component exports
//! and from the description that people approved, so that a document can't promise what
//! the program does not do. All are pure and need neither credentials nor a network, and
//! the same input gives the same text: they are made to be compared and kept in a
//! repository.

mod capabilities;
mod config_schema;
mod iam_policy;
#[cfg(test)]
mod permissions_page;

pub use capabilities::capabilities;
pub use config_schema::{HostOption, HostOptions, config_schema};
pub use iam_policy::{Policy, PolicyError, iam_policy, session_policy};

/// What the bundled connector says about itself: what the tests of this folder write of.
#[cfg(test)]
fn cognito() -> crate::trust::description::Description {
    crate::trust::TrustRecord::bundled().unwrap().approved
}
