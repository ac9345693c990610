//! The program as people run it, against the double of the service: real processes, the
//! real component, real HTTP on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

mod bad_input;
mod changing_pool;
mod component_files;
mod failures;
mod rights_and_keys;
mod scale;
mod second_connector;
mod support;
mod sync_and_list;
