//! The contract `identity:connector` as this host speaks it: generated bindings and
//! their translation into the host's own types. No policy is decided here, so that a
//! second contract version could be added without a second place that grants things.

mod convert;

pub use convert::{BrokenPromise, Page};
pub(crate) use convert::{attributes, fields};

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

/// Generated bindings of what a component exports if it can change what it reads.
#[expect(missing_docs, reason = "the contract's own documentation is in wit/")]
pub mod provisioner {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package host:view;
            world provisioner {
                export identity:connector/sync@0.1.0;
                export identity:connector/provisioning@0.1.0;
            }
        ",
        world: "host:view/provisioner",
        exports: { default: async },
        with: { "identity:connector/types@0.1.0": super::bindings::identity::connector::types },
    });
}

/// Generated bindings of what a component exports if it has actions.
#[expect(missing_docs, reason = "the contract's own documentation is in wit/")]
pub mod actor {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package host:view;
            world actor {
                export identity:connector/sync@0.1.0;
                export identity:connector/actions@0.1.0;
            }
        ",
        world: "host:view/actor",
        exports: { default: async },
        with: { "identity:connector/types@0.1.0": super::bindings::identity::connector::types },
    });
}

/// What a component offers beyond describing itself and being read. Derived from its
/// exports and never declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offers {
    /// It exports `provisioning`.
    pub provisioning: bool,
    /// It exports `actions`.
    pub actions: bool,
}

impl Offers {
    /// What the exported interfaces, with versions, come to.
    pub fn of(exports: &[String]) -> Self {
        let has = |interface: &str| {
            let name = format!("{PACKAGE}/{interface}@{VERSION}");
            exports.contains(&name)
        };
        Self {
            provisioning: has("provisioning"),
            actions: has("actions"),
        }
    }
}

/// A function of the contract, named as trust records name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// `describe.describe`
    Describe,
    /// `sync.open`
    Open,
    /// `sync.system`
    System,
    /// `sync.partitions`
    Partitions,
    /// `sync.estimate`
    Estimate,
    /// `sync.list-resources`
    ListResources,
    /// `sync.get-resource`
    GetResource,
    /// `sync.find-listed`
    FindListed,
    /// `sync.list-entitlements`
    ListEntitlements,
    /// `sync.list-grants`
    ListGrants,
    /// `provisioning.check-account`
    CheckAccount,
    /// `provisioning.grant`
    Grant,
    /// `provisioning.revoke`
    Revoke,
    /// `provisioning.create-account`
    CreateAccount,
    /// `provisioning.delete-account`
    DeleteAccount,
    /// `actions.invoke`
    Invoke,
}

impl Function {
    /// `interface.function`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Describe => "describe.describe",
            Self::Open => "sync.open",
            Self::System => "sync.system",
            Self::Partitions => "sync.partitions",
            Self::Estimate => "sync.estimate",
            Self::ListResources => "sync.list-resources",
            Self::GetResource => "sync.get-resource",
            Self::FindListed => "sync.find-listed",
            Self::ListEntitlements => "sync.list-entitlements",
            Self::ListGrants => "sync.list-grants",
            Self::CheckAccount => "provisioning.check-account",
            Self::Grant => "provisioning.grant",
            Self::Revoke => "provisioning.revoke",
            Self::CreateAccount => "provisioning.create-account",
            Self::DeleteAccount => "provisioning.delete-account",
            Self::Invoke => "actions.invoke",
        }
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    #[test]
    fn every_item_of_the_contract_is_documented() {
        let item = Regex::new(
            r"^(record|variant|enum|flags|resource|interface|world|type)\b|^%?[a-z][a-z0-9-]*(\([^)]*\))?[,:]",
        )
        .unwrap();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let mut items = 0;
        for file in std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            if file.extension().is_none_or(|extension| extension != "wit") {
                continue;
            }
            // Parameters of a function stand between parentheses and are told by its text.
            let (mut before, mut parentheses) = (String::new(), 0_i32);
            for line in std::fs::read_to_string(&file)
                .unwrap()
                .lines()
                .map(str::trim)
            {
                if line.is_empty() {
                    continue;
                }
                if !line.starts_with("///") {
                    if parentheses == 0 && item.is_match(line) && !line.starts_with("use ") {
                        items += 1;
                        assert!(before.starts_with("///"), "{}: {line}", file.display());
                    }
                    parentheses +=
                        line.matches('(').count() as i32 - line.matches(')').count() as i32;
                }
                before = line.to_owned();
            }
        }
        assert!(items > 150, "only {items} items were found");
    }
}
