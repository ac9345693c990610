//! A connector for a made-up directory: bearer token, plain HTTP, people in nested
//! teams, apps with roles. It shows that the contract belongs to no system, and it is
//! the example to start from when writing a connector. Read it in this order:
//!
//! - [`description`]: what the connector is, and everything that it will ever send;
//! - [`settings`]: what `open` is given, checked once;
//! - [`session`]: the functions of the contract, each of them one request;
//! - [`wire`]: the JSON of the directory and what becomes of it;
//! - [`client`]: one request with its retries, and what an answer means;
//! - [`http`]: the bytes, by way of `wasi:http`.
//!
//! Only the export below and what `http` calls need WebAssembly; the rest is compiled
//! and tested natively as well.

pub mod client;
pub mod contract;
pub mod description;
pub mod http;
pub mod session;
pub mod settings;
pub mod wire;

use contract::exports::identity::connector::{describe, sync};

/// What the component exports.
#[derive(Debug)]
pub struct Connector;

impl describe::Guest for Connector {
    fn describe() -> describe::Description {
        description::describe()
    }
}

impl sync::Guest for Connector {
    type Session = session::Directory;
}

// The names of a component's exports are none that a native linker accepts.
#[cfg(target_family = "wasm")]
#[expect(
    unsafe_code,
    reason = "the generated exports read the caller's arguments"
)]
mod export {
    use super::Connector;

    crate::contract::export!(Connector with_types_in crate::contract);
}
