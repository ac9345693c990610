//! An hour of storms and kills, on demand:
//! `cargo test -p connector-host --test end_to_end -- --ignored --nocapture storm`.
//!
//! CONNECTOR_STORM_MINUTES says how long (60), CONNECTOR_STORM_SEED the first seed and
//! CONNECTOR_STORM_RUNS how many seeds; each run's seed is one more than the last one's. Three
//! of eight runs are runs of kills: as they are, with lists that begin again, and with a pool that
//! changes. What was counted is printed every minute.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::kill_runs::{kill_run, kill_run_of_a_changing_pool, kill_run_with_restarts};
use crate::seeded_faults::storm_run;
use crate::weather::{Force, Seeds, Tally, number};

const COMMAND: &str =
    "cargo test -p connector-host --test end_to_end -- --ignored --nocapture storm";
const FIRST_SEED: u64 = 1_000_000;
const MINUTES: u64 = 60;
const KILLS: u64 = 6;
const KILL_RUNS_PER: u64 = 8;

/// With what only time limits end: twenty seconds without an answer, ten within a body.
const FORCE: Force = Force {
    passing: 120,
    paging: 30,
    restarts: 60,
    broken: 60,
    slow: 4,
};

#[test]
#[ignore = "takes an hour"]
fn a_long_storm_never_leaves_a_wrong_snapshot() {
    let seeds = Seeds::of_test(FIRST_SEED, u64::MAX);
    let seeds = match number("CONNECTOR_STORM_RUNS") {
        Some(_) => seeds,
        // A seed alone says where to begin; how long is said in minutes.
        None => Seeds {
            runs: u64::MAX,
            ..seeds
        },
    };
    let minutes = number("CONNECTOR_STORM_MINUTES").unwrap_or(MINUTES);
    let begun = Instant::now();
    let tally = Tally::default();
    let report = || {
        println!("after {} s: {}", begun.elapsed().as_secs(), tally.report());
    };
    seeds.each(
        COMMAND,
        || begun.elapsed() < Duration::from_secs(60 * minutes),
        |ended| {
            while ended.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
                report();
            }
        },
        |seed| match seed % KILL_RUNS_PER {
            0 => kill_run(seed, KILLS, &tally),
            3 => kill_run_with_restarts(seed, KILLS, &tally),
            5 => kill_run_of_a_changing_pool(seed, KILLS, &tally),
            _ => storm_run(seed, FORCE, &tally),
        },
    );
    println!("seeds from {}", seeds.first);
    report();
}
