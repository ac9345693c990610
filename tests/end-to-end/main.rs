//! The program as people run it, against the double of the service: real processes, the
//! real component, real HTTP on loopback.

mod bad_input;
mod component_files;
mod failures;
mod scale;
mod second_connector;
mod support;
mod sync_and_list;
