//! Syncs that are killed again and again, in a storm of faults: the next one goes on, what
//! was read is not read again, and what becomes current in the end is the exact truth.
//!
//! The moments come from a seed: a number of requests after the start, and some
//! microseconds more, so that a kill hits programs that start, ask, store and publish.

use std::fs;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use fake_cognito::{Fault, Operation, Rule, Storm};
use fastrand::Rng;
use serde_json::Value;

use crate::support::{Bench, Ran, bare_command, bench_with, finish};
use crate::weather::{
    End, Seeds, Tally, assert_no_snapshot, assert_tidy, assert_truth, files, finish_in_time, judge,
    signal, site, spawn,
};

/// What repeats a seed of this file.
const COMMAND: &str = "cargo test -p connector-host --test end_to_end -- kill_runs::whatever";

/// The default of `--workers`.
const WORKERS: u64 = 4;
/// Pages that a worker may have to fetch again after a kill.
const AGAIN: u64 = 4;
/// How long to wait for a request before looking whether the program has ended.
const GLANCE: Duration = Duration::from_millis(20);

/// Syncs one pool with so many kills on the way, and until it is done.
pub(crate) fn kill_run(seed: u64, kills: u64, tally: &Tally) {
    let mut luck = Rng::with_seed(seed);
    let (users, groups) = (luck.u32(500..1_500), luck.u32(30..80));
    let pages = {
        let calm = Bench::start(site(users, groups, seed, &mut luck.clone()));
        assert_eq!(judge(&calm, &tally.sync(&calm), None), End::Whole);
        calm.server.log().total()
    };
    let bench = Bench::start(site(users, groups, seed, &mut luck));
    // Faults that cost one request each and end no sync, so that requests can be counted. Other
    // pages than usual would move the places that the service cuts the next ones at.
    let storm = Storm::new(seed).passing(luck.u16(60..=150));
    bench.server.faults().begin(storm);
    let mut interruptions = 0;
    let summary = loop {
        let resumable = has_interrupted_run(&bench);
        let ran = if interruptions < kills {
            // So rarely that the last kill still finds something to read.
            let requests = luck.u64(..=pages / (kills + 1));
            let name = ["KILL", "KILL", "KILL", "KILL", "TERM", "INT"][luck.usize(..6)];
            let later = Duration::from_micros(luck.u64(..4_000));
            let ran = sync_until(&bench, requests, later, name);
            judge_interrupted(&bench, &ran, &mut luck, tally);
            ran
        } else {
            tally.sync(&bench)
        };
        if ran.code == 0 {
            let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(summary["resumed"], resumable, "{summary}");
            break summary;
        }
        interruptions += 1;
        assert!(interruptions < 10 * kills, "it never ends: {ran:?}");
    };
    assert_tidy(&bench);
    assert_truth(&bench);
    let (requests, faults) = (bench.server.log().total(), bench.server.faults().struck());
    let most = pages + faults + AGAIN * WORKERS * interruptions;
    assert!(
        requests <= most,
        "{requests} requests for {pages} pages, {faults} faults and {interruptions} \
         interruptions: {summary}"
    );
    tally.add("kill runs", 1);
    tally.add("whole", 1);
    tally.add("pages of kill runs", pages);
    tally.add("resumed", u64::from(summary["resumed"] == true));
    tally.service(&bench);
}

fn has_interrupted_run(bench: &Bench) -> bool {
    bench.store().exists() && {
        let runs = bench.json(&["syncs"]);
        let mut runs = runs.as_array().unwrap().iter();
        runs.any(|run| run["state"] == "interrupted")
    }
}

/// A sync that gets a signal some time after it has sent so many requests.
fn sync_until(bench: &Bench, requests: u64, later: Duration, name: &str) -> Ran {
    let log = bench.server.log();
    let target = log.total() + requests;
    let mut child = spawn(bench.command(&["sync", "-o", "json"]));
    while !log.wait_for(target, GLANCE) {
        if child.try_wait().unwrap().is_some() {
            return finish_in_time(child);
        }
    }
    // No synchronisation: any moment is as good as any other.
    let moment = Instant::now() + later;
    while Instant::now() < moment {
        std::hint::spin_loop();
    }
    signal(name, child.id());
    finish_in_time(child)
}

/// What was cut short left no snapshot, and a store that a copy of it proves to be sound.
fn judge_interrupted(bench: &Bench, ran: &Ran, luck: &mut Rng, tally: &Tally) {
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    match ran.code {
        0 => return,
        // A signal of any name, before the program minds it or after.
        -1 => {
            tally.add("kills", 1);
            assert_no_snapshot(bench);
        }
        10 => {
            tally.add("stops", 1);
            assert_tidy(bench);
            let message = ran.message();
            assert!(message.contains("interrupted"), "{message}");
            let goes_on = message.contains("goes on with");
            assert!(!goes_on || has_interrupted_run(bench), "{message}");
            assert_no_snapshot(bench);
        }
        _ => tally.ended(judge(bench, ran, None)),
    }
    if luck.u8(..3) == 0 {
        assert_copy_is_sound(bench, tally);
    }
}

fn assert_copy_is_sound(bench: &Bench, tally: &Tally) {
    if !bench.store().exists() {
        return;
    }
    let copies = tempfile::tempdir().unwrap();
    for name in files(bench) {
        fs::copy(bench.folder.path().join(&name), copies.path().join(&name)).unwrap();
    }
    let checked = finish(&mut bare_command(
        copies.path(),
        &["store", "check", "-o", "json"],
    ));
    assert_eq!(checked.code, 0, "{checked:?}");
    let report: Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(report["ok"], true, "{report}");
    tally.add("stores checked", 1);
}

#[test]
fn whatever_ends_a_sync_the_next_one_goes_on_to_the_exact_truth() {
    let tally = Tally::default();
    let seeds = Seeds::of_test(2_000, 4);
    seeds.each(
        COMMAND,
        || true,
        |_: &mpsc::Receiver<()>| {},
        |seed| kill_run(seed, 5, &tally),
    );
    println!("{}", tally.report());
    assert!(tally.count("kills") >= 3 * seeds.runs, "{}", tally.report());
    assert_eq!(tally.count("resumed"), seeds.runs, "{}", tally.report());
}

#[test]
fn whoever_stops_a_resumed_sync_before_its_first_page_is_told_how_to_go_on_too() {
    let never = Fault::Delay(Duration::from_secs(600));
    let bench = bench_with(Rule::on(Operation::ListUsers, never.clone()).nth(3));
    let log = bench.server.log();
    let stopped_when = |asked: &dyn Fn() -> bool| {
        let mut child = spawn(bench.command(&["sync", "-o", "json", "--workers", "1"]));
        while !asked() {
            assert!(child.try_wait().unwrap().is_none(), "it ended too early");
            std::thread::yield_now();
        }
        signal("INT", child.id());
        let ran = finish_in_time(child);
        ran.assert_refused(10, &["interrupted", "goes on with"]);
        assert_tidy(&bench);
    };
    stopped_when(&|| log.count(Operation::ListUsers) == 3);
    bench.server.faults().clear();
    bench.server.faults().add(Rule::any(never));
    let before = log.total();
    stopped_when(&|| log.total() > before);
    bench.server.faults().clear();
    let summary = bench.json(&["sync"]);
    assert_eq!(summary["resumed"], true, "{summary}");
    assert_truth(&bench);
}
