//! The contract as Rust types, generated from `wit/`.
//!
//! The generated records are the vocabulary of the whole crate, so that there is no
//! second set of types to keep in step with the contract. They compile for every
//! target; only the export itself (see the crate root) belongs to wasm.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    reason = "generated code is documented and checked where it is generated from"
)]

wit_bindgen::generate!({
    path: "../wit",
    world: "connector",
    generate_all,
    // For components that are made of this one.
    pub_export_macro: true,
    default_bindings_module: "cognito_connector::contract",
    additional_derives: [PartialEq],
    // It holds a handle, and handles can't be compared.
    additional_derives_ignore: ["stream-error"],
});

pub use exports::identity::connector::{actions, describe, provisioning, sync};
pub use identity::connector::types;
