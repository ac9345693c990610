//! The contract as Rust types, generated from `wit/` for the smaller of its worlds:
//! this connector only reads.
#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    clippy::missing_safety_doc,
    clippy::unreachable,
    reason = "generated code is documented and checked where it is generated from"
)]

wit_bindgen::generate!({
    path: "../../../wit",
    world: "reader",
    generate_all,
    pub_export_macro: false,
});
