//! The program as people run it, against the double of the service: real processes, the
//! real component, real HTTP on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

mod audit;
mod audit_chain;
mod bad_input;
mod batch_files;
mod changes;
mod changing_pool;
mod component_files;
mod credential_chain;
mod diff;
mod documented;
mod documents;
mod doubles;
mod edge_cases;
mod failures;
mod gates;
mod kill_runs;
mod limits;
mod long_storm;
mod new_accounts;
mod omitted;
mod other_names;
mod pace;
mod plans;
mod private_files;
mod redis_server;
mod resume;
mod rights_and_keys;
mod rules;
mod scale;
mod sealed;
mod second_connector;
mod seeded_faults;
mod support;
mod sync_and_list;
mod threat_model;
mod trust;
mod unclear_outcomes;
mod undo;
mod unlisted;
mod watch;
mod weather;
