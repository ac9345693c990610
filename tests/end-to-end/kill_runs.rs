//! Syncs that are killed again and again, in a storm of faults: the next one goes on, what
//! was read is not read again, and what becomes current in the end is the exact truth.
//!
//! The moments come from a seed: a number of requests after the start, and some
//! microseconds more, so that a kill hits programs that start, ask, store and publish.

mod changing;

use std::fs;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use fake_cognito::{Config, Fault, Operation, Rule, Storm};
use fastrand::Rng;
use serde_json::Value;

use crate::support::{Bench, Ran, bare_command, bench_with, finish, warning_count};
use crate::weather::{
    End, Seeds, Tally, assert_no_snapshot, assert_tidy, assert_truth, files, finish_in_time, judge,
    signal, site, spawn,
};

pub(crate) use changing::kill_run_of_a_changing_pool;

/// What repeats a seed of this file.
const COMMAND: &str = "cargo test -p connector-host --test end_to_end -- kill_runs::whatever";

/// The default of `--workers`.
const WORKERS: u64 = 4;
/// Pages that a worker may have to fetch again after a kill.
const AGAIN: u64 = 4;
/// Requests within which a list whose cursor has expired is on its way again, and not far.
const SOON: u64 = 10;
/// How long to wait for a request before looking whether the program has ended.
const GLANCE: Duration = Duration::from_millis(20);

/// Syncs one pool with so many kills on the way, and until it is done.
pub(crate) fn kill_run(seed: u64, kills: u64, tally: &Tally) {
    let mut luck = Rng::with_seed(seed);
    let (users, groups) = (luck.u32(500..1_500), luck.u32(30..80));
    let pages = pages_of(site(users, groups, seed, &mut luck.clone()), tally);
    let bench = Bench::start(site(users, groups, seed, &mut luck));
    // Faults that cost one request each and end no sync, so that requests can be counted. Other
    // pages than usual would move the places that the service cuts the next ones at.
    let storm = Storm::new(seed).passing(luck.u16(60..=150));
    bench.server.faults().begin(storm);
    let plan = Plan {
        pages,
        kills,
        expiring: false,
    };
    let done = kill_until_done(&bench, plan, &mut luck, tally, |_, _| {});
    assert_truth(&bench);
    let (requests, faults) = (bench.server.log().total(), bench.server.faults().struck());
    let most = pages + faults + AGAIN * WORKERS * done.interruptions;
    assert!(
        requests <= most,
        "{requests} requests for {pages} pages, {faults} faults: {done:?}"
    );
    tally.add("kill runs", 1);
    tally.add("pages of kill runs", pages);
    done.count(&bench, tally);
}

/// The same where lists are begun again: cursors expire between two syncs and within one,
/// and the service starts over without a word.
pub(crate) fn kill_run_with_restarts(seed: u64, kills: u64, tally: &Tally) {
    let mut luck = Rng::with_seed(seed);
    // Many groups, so that members are read while the list of groups goes on.
    let (users, groups) = (luck.u32(100..900), luck.u32(60..200));
    let pages = pages_of(site(users, groups, seed, &mut luck.clone()), tally);
    let bench = Bench::start(site(users, groups, seed, &mut luck));
    bench.server.faults().begin(restarting(seed, &mut luck));
    let plan = Plan {
        pages,
        kills,
        expiring: luck.u8(..3) > 0,
    };
    let done = kill_until_done(&bench, plan, &mut luck, tally, |_, _| {});
    assert_truth(&bench);
    let (requests, faults) = (bench.server.log().total(), bench.server.faults().struck());
    if let Some(restarts) = done.restarts() {
        // Whatever belongs to a list may be read again with it. Twice as much because the page
        // after an unusual one is cut at another place.
        let most = 2 * pages * (1 + restarts) + faults + AGAIN * WORKERS * done.interruptions;
        assert!(
            requests <= most,
            "{requests} requests for {pages} pages, {faults} faults, {restarts} restarts: {done:?}"
        );
    }
    tally.add("kill runs with restarts", 1);
    tally.add("lists begun again", done.restarts().unwrap_or_default());
    done.count(&bench, tally);
}

/// A storm in which lists have to be begun again, and rarely so often that it is given up.
fn restarting(seed: u64, luck: &mut Rng) -> Storm {
    Storm::new(seed)
        .passing(luck.u16(..=60))
        .paging(luck.u16(..=40))
        .restarts(luck.u16(10..=60))
}

/// How many requests a sync of this service takes when nothing goes wrong.
fn pages_of(config: Config, tally: &Tally) -> u64 {
    let calm = Bench::start(config);
    assert_eq!(judge(&calm, &tally.sync(&calm), None), End::Whole);
    calm.server.log().total()
}

/// How a sync is killed.
#[derive(Clone, Copy)]
struct Plan {
    /// How many requests it takes when nothing goes wrong.
    pages: u64,
    kills: u64,
    /// Whether all cursors expire before some syncs begin, and shortly before some kills.
    expiring: bool,
}

/// What came of a sync that was killed until it was let through.
#[derive(Debug)]
struct Done {
    /// `None`: it was killed when the snapshot was published and had not been told yet.
    summary: Option<Value>,
    interruptions: u64,
}

impl Done {
    /// How many lists were begun again, if anybody knows.
    fn restarts(&self) -> Option<u64> {
        let summary = self.summary.as_ref()?;
        let count = |code| warning_count(summary, code);
        Some(count("restarted") + count("started-over"))
    }

    fn count(&self, bench: &Bench, tally: &Tally) {
        tally.add("whole", 1);
        let resumed = self.summary.as_ref().map(|summary| &summary["resumed"]);
        tally.add("resumed", u64::from(resumed == Some(&Value::Bool(true))));
        tally.service(bench);
    }
}

/// Syncs with so many kills on the way, and until it is done. `between` is called before
/// each sync, with whether there is a run to go on with.
fn kill_until_done(
    bench: &Bench,
    plan: Plan,
    luck: &mut Rng,
    tally: &Tally,
    mut between: impl FnMut(&mut Rng, bool),
) -> Done {
    let mut interruptions = 0;
    loop {
        let resumable = has_interrupted_run(bench);
        if plan.expiring && luck.bool() {
            bench.server.expire_tokens();
        }
        between(luck, resumable);
        let ran = if interruptions < plan.kills {
            let ran = sync_until(bench, Blow::by(plan, luck));
            judge_interrupted(bench, &ran, luck, tally);
            ran
        } else {
            tally.sync(bench)
        };
        if ran.code == 0 {
            assert_tidy(bench);
            let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(summary["resumed"], resumable, "{summary}");
            return Done {
                summary: Some(summary),
                interruptions,
            };
        }
        interruptions += 1;
        if has_snapshot(bench) {
            tally.add("killed when it had published", 1);
            return Done {
                summary: None,
                interruptions,
            };
        }
        assert!(interruptions < 10 * plan.kills, "it never ends: {ran:?}");
    }
}

fn has_snapshot(bench: &Bench) -> bool {
    bench.store().exists() && {
        let runs = bench.json(&["syncs"]);
        let mut runs = runs.as_array().unwrap().iter();
        runs.any(|run| run["state"] == "complete")
    }
}

fn has_interrupted_run(bench: &Bench) -> bool {
    bench.store().exists() && {
        let runs = bench.json(&["syncs"]);
        let mut runs = runs.as_array().unwrap().iter();
        runs.any(|run| run["state"] == "interrupted")
    }
}

/// When a sync gets which signal.
struct Blow {
    requests: u64,
    /// So many requests after all cursors have expired, if they do.
    expired: Option<u64>,
    later: Duration,
    name: &'static str,
}

impl Blow {
    fn by(plan: Plan, luck: &mut Rng) -> Self {
        Self {
            // So rarely that the last kill still finds something to read.
            requests: luck.u64(..=plan.pages / (plan.kills + 1)),
            expired: (plan.expiring && luck.bool()).then(|| luck.u64(1..=SOON)),
            later: Duration::from_micros(luck.u64(..4_000)),
            name: ["KILL", "KILL", "KILL", "KILL", "TERM", "INT"][luck.usize(..6)],
        }
    }
}

/// A sync that gets a signal some time after it has sent so many requests.
fn sync_until(bench: &Bench, blow: Blow) -> Ran {
    let log = bench.server.log();
    let mut child = spawn(bench.command(&["sync", "-o", "json"]));
    let mut has_sent = |requests| {
        let target = log.total() + requests;
        while !log.wait_for(target, GLANCE) {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
        }
        true
    };
    let mut lives = has_sent(blow.requests);
    if let Some(requests) = blow.expired.filter(|_| lives) {
        bench.server.expire_tokens();
        lives = has_sent(requests);
    }
    if lives {
        // No synchronisation: any moment is as good as any other.
        let moment = Instant::now() + blow.later;
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        signal(blow.name, child.id());
    }
    finish_in_time(child)
}

/// What was cut short left no snapshot, and a store that a copy of it proves to be sound.
fn judge_interrupted(bench: &Bench, ran: &Ran, luck: &mut Rng, tally: &Tally) {
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    match ran.code {
        0 => return,
        // A signal of any name, before the program minds it or after.
        // One that died between publishing and telling has left a snapshot, which is judged
        // like any other.
        -1 => tally.add("kills", 1),
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
fn whatever_ends_a_sync_whose_lists_begin_again_the_next_one_finds_the_exact_truth() {
    let tally = Tally::default();
    let seeds = Seeds::of_test(3_000, 4);
    seeds.each(
        COMMAND,
        || true,
        |_: &mpsc::Receiver<()>| {},
        |seed| kill_run_with_restarts(seed, 5, &tally),
    );
    println!("{}", tally.report());
    assert!(tally.count("kills") >= 3 * seeds.runs, "{}", tally.report());
    assert!(tally.count("lists begun again") > 0, "{}", tally.report());
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
