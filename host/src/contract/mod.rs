//! The contract `identity:connector` as this host speaks it: generated bindings and
//! their translation into the host's own types. No policy is decided here, so that a
//! second contract version could be added without a second place that grants things.

mod convert;

pub use convert::{BrokenPromise, Page};

/// The version of the contract that this host speaks.
pub const VERSION: &str = "0.1.0";

/// The package that the contract's interfaces are exported from.
pub const PACKAGE: &str = "identity:connector";

/// Generated bindings of what a connector exports. What it imports is WASI alone, which
/// the engine links from wasmtime's own crates.
#[expect(missing_docs, reason = "the contract's own documentation is in wit/")]
pub mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package host:view;
            world reader {
                export identity:connector/describe@0.1.0;
                export identity:connector/sync@0.1.0;
            }
        ",
        world: "host:view/reader",
        exports: { default: async },
    });
}

/// A function of the contract, named as trust records name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `describe.describe`
    Describe,
    /// `sync.open`
    Open,
    /// `sync.estimate`
    Estimate,
    /// `sync.list-resources`
    ListResources,
    /// `sync.get-resource`
    GetResource,
    /// `sync.list-entitlements`
    ListEntitlements,
    /// `sync.list-grants`
    ListGrants,
}

impl Function {
    /// `interface.function`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Describe => "describe.describe",
            Self::Open => "sync.open",
            Self::Estimate => "sync.estimate",
            Self::ListResources => "sync.list-resources",
            Self::GetResource => "sync.get-resource",
            Self::ListEntitlements => "sync.list-entitlements",
            Self::ListGrants => "sync.list-grants",
        }
    }
}
