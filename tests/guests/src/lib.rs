//! Guests: components that the tests run.
//!
//! Each one is a package in a folder beside this one, compiled by the build script and
//! embedded here. A folder that is missing here does not compile, and with
//! [`for_each_guest!`] a guest without a test doesn't either. How to add one is in
//! `tests/guests/README.md`.

pub mod bearer_directory;

/// A connector for the directory of [`bearer_directory`].
pub const BEARER_DIRECTORY: &[u8] = include_bytes!(env!("GUEST_BEARER_DIRECTORY"));

include!(concat!(env!("OUT_DIR"), "/for_each_guest.rs"));

macro_rules! is_embedded {
    ($name:ident $constant:ident) => {
        const _: &[u8] = $crate::$constant;
    };
}
for_each_guest!(is_embedded);
