//! What commands cost on a store with a snapshot of a million users.
//!
//! `cargo bench --package connector-host --bench million_rows`
//!
//! The rows are written by the library itself, since reading so many from a double would
//! measure the double. The figures are recorded in `docs/benchmarks.md`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for developers that prints what it measured"
)]

#[path = "support/rows.rs"]
mod rows;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use connector_host::store::{Counters, RunEnd, RunState, SyncStore};
use time::OffsetDateTime;

const USERS: usize = 1_000_000;
const GROUPS: usize = 1_000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("connector.db");
    let connection = rows::connection();
    println!("a snapshot of {USERS} users with a membership each in {GROUPS} groups");
    for (number, state) in [
        RunState::Complete,
        RunState::Complete,
        RunState::Interrupted,
    ]
    .into_iter()
    .enumerate()
    {
        let started = Instant::now();
        let mut store = SyncStore::open(&path, &connection).unwrap();
        let run = rows::write(&mut store, USERS, GROUPS);
        let end = RunEnd {
            state,
            finished_at: OffsetDateTime::now_utc(),
            warnings: Vec::new(),
            counters: Counters::default(),
            note: String::new(),
        };
        store.finish_run(&run, &end).unwrap();
        println!(
            "  write run {number} ({state})  {:>8.1} s",
            started.elapsed().as_secs_f64()
        );
    }
    let size = std::fs::metadata(&path).unwrap().len();
    println!("  three runs, {} MiB", size / 1024 / 1024);

    let open = |what: &str| {
        let started = Instant::now();
        let store = SyncStore::open(&path, &connection).unwrap();
        println!("  {what:<28} {:>8.1} ms", millis(started));
        store
    };
    let store = open("open for a sync");
    let started = Instant::now();
    assert!(store.resumable().unwrap().is_some());
    println!("  find the run to go on with   {:>8.1} ms", millis(started));
    drop(store);
    std::fs::write(folder.path().join("connector.db.lock"), "1").unwrap();
    drop(open("open for a sync after a kill"));
    for arguments in [
        &["syncs"][..],
        &["stats"],
        &["show", "user:user-0700000"],
        &["show", "group:group-500"],
        &["list", "users", "-o", "jsonl"],
        &["list", "grants", "-o", "jsonl"],
        &["diff"],
        &["store", "check"],
    ] {
        let started = Instant::now();
        let status = command(folder.path(), arguments).status().unwrap();
        assert!(status.success(), "{arguments:?}");
        println!("  {:<28} {:>8.1} ms", arguments.join(" "), millis(started));
    }
}

fn millis(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .stdout(Stdio::null());
    command
}
