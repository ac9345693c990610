//! What can be said about a component before any of its code runs.

use sha2::{Digest, Sha256};
use wasmtime::component::types::ComponentItem;

use super::error::LoadError;
use crate::contract::{self, Offers};
use crate::limits::sizes;

/// The first eight bytes of a component: the magic number, version 13, layer 1.
const COMPONENT_HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
/// The first eight bytes of a core module: the magic number, version 1, layer 0.
const MODULE_HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// The facts of a component file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Artifact {
    /// SHA-256 of the bytes, in hexadecimal digits.
    pub digest: String,
    /// Length in bytes.
    pub size: usize,
    /// The contract version that it exports.
    pub contract: String,
    /// The interfaces that it imports, with versions, in alphabetical order.
    pub imports: Vec<String>,
    /// The interfaces that it exports, with versions, in alphabetical order.
    pub exports: Vec<String>,
}

impl Artifact {
    /// What the component can do beyond being read.
    pub fn offers(&self) -> Offers {
        Offers::of(&self.exports)
    }
}

/// Tells bytes that are worth compiling from the rest.
pub(super) fn check_header(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.len() > sizes::COMPONENT_BYTES {
        return Err(LoadError::TooLarge {
            size: bytes.len(),
            limit: sizes::COMPONENT_BYTES,
        });
    }
    if bytes.starts_with(COMPONENT_HEADER) {
        Ok(())
    } else if bytes.starts_with(MODULE_HEADER) {
        Err(LoadError::CoreModule)
    } else if bytes.starts_with(b"\0asm") {
        Err(LoadError::UnknownLayer)
    } else {
        Err(LoadError::NotWasm)
    }
}

/// Reads names only; runs nothing.
pub(super) fn artifact(
    engine: &wasmtime::Engine,
    component: &wasmtime::component::Component,
    bytes: &[u8],
) -> Result<Artifact, LoadError> {
    let ty = component.component_type();
    let names = |items: &mut dyn Iterator<Item = (String, ComponentItem)>| {
        let mut names: Vec<String> = items.map(|(name, _)| name).collect();
        names.sort();
        names
    };
    let imports = names(
        &mut ty
            .imports(engine)
            .map(|(name, item)| (name.to_owned(), item.ty)),
    );
    let exports = names(
        &mut ty
            .exports(engine)
            .map(|(name, item)| (name.to_owned(), item.ty)),
    );
    Ok(Artifact {
        digest: hex::encode(Sha256::digest(bytes)),
        size: bytes.len(),
        contract: contract_version(&exports)?,
        imports,
        exports,
    })
}

/// The version of the contract among the exports. A component without `describe` and
/// `sync` of one version is not a connector.
fn contract_version(exports: &[String]) -> Result<String, LoadError> {
    let version_of = |interface: &str| {
        exports.iter().find_map(|export| {
            export
                .strip_prefix(contract::PACKAGE)?
                .strip_prefix('/')?
                .strip_prefix(interface)?
                .strip_prefix('@')
        })
    };
    match (version_of("describe"), version_of("sync")) {
        (Some(contract::VERSION), Some(contract::VERSION)) => Ok(contract::VERSION.to_owned()),
        (Some(found), Some(_)) => Err(LoadError::OtherContract {
            found: found.to_owned(),
        }),
        _ => Err(LoadError::NotAConnector {
            exports: exports.to_vec(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_header_tells_text_modules_and_components_apart() {
        assert!(matches!(
            check_header(b"hello, this is text"),
            Err(LoadError::NotWasm)
        ));
        assert!(matches!(check_header(b""), Err(LoadError::NotWasm)));
        assert!(matches!(
            check_header(b"\0asm\x01\0\0\0"),
            Err(LoadError::CoreModule)
        ));
        assert!(matches!(
            check_header(b"\0asm\x0e\0\x01\0"),
            Err(LoadError::UnknownLayer)
        ));
        assert!(check_header(COMPONENT_HEADER).is_ok());
    }

    #[test]
    fn another_version_of_the_contract_is_named() {
        let exports = names(&[
            "identity:connector/describe@0.2.0",
            "identity:connector/sync@0.2.0",
        ]);
        let refused = contract_version(&exports).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "it speaks version 0.2.0 of the contract identity:connector and this host speaks 0.1.0"
        );
    }

    #[test]
    fn a_component_of_something_else_is_told_what_is_missing() {
        let refused = contract_version(&names(&["wasi:cli/run@0.2.6"])).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "it does not export the contract identity:connector@0.1.0; it exports wasi:cli/run@0.2.6"
        );
    }
}
