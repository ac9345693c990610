//! Amazon Cognito user pools behind the identity connector contract.
//!
//! This file only translates between the contract's exports and the domain modules.
//! The exports exist for wasm alone, because their names are no symbols that a native
//! linker accepts; everything else builds and is tested natively.

pub mod accounts;
pub mod actions;
pub mod aftermath;
pub mod cognito;
pub mod contract;
pub mod describe;
pub mod error;
pub mod groups;
pub mod kinds;
pub mod memberships;
pub mod schema;
pub mod session;
pub mod settings;
pub mod slices;
pub mod system;
pub mod users;

#[cfg(all(target_family = "wasm", feature = "component", not(test)))]
mod component;

#[cfg(test)]
pub(crate) mod testing;
