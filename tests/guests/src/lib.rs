//! Guests: components that the tests run.
//!
//! Each one is a package in a folder beside this one, compiled by the build script and
//! embedded here. A folder that is missing here does not compile, and with
//! [`for_each_guest!`] a guest without a test doesn't either. How to add one is in
//! `tests/guests/README.md`.

pub mod bearer_directory;
pub mod hostile;

/// A connector that imports files and sockets.
pub const ASKS_FOR_FILES_AND_SOCKETS: &[u8] =
    include_bytes!(env!("GUEST_ASKS_FOR_FILES_AND_SOCKETS"));

/// A connector for the directory of [`bearer_directory`].
pub const BEARER_DIRECTORY: &[u8] = include_bytes!(env!("GUEST_BEARER_DIRECTORY"));

/// A connector with room for an attack; see [`hostile::component`].
pub const HOSTILE: &[u8] = include_bytes!(env!("GUEST_HOSTILE"));

include!(concat!(env!("OUT_DIR"), "/for_each_guest.rs"));

macro_rules! is_embedded {
    ($name:ident $constant:ident) => {
        const _: &[u8] = $crate::$constant;
    };
}
for_each_guest!(is_embedded);
