//! What the seeded runs share: a pool and a storm out of a seed, what may come of a sync in
//! it, and several seeds side by side, of which a failing one is named with the command that
//! repeats it.
//!
//! The one thing that must never happen is a snapshot that is neither the truth nor the
//! one of before. So every run ends in exactly one of two ways, and this decides which.

#![expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail by panic, and a seed that fails is named at once"
)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use fake_cognito::{Config, Generated, Key, Paging, PoolSpec, Storm};
use fastrand::Rng;

use crate::support::{
    Bench, KEY_ID, POOL, Ran, SECRET, assert_nothing_is_current, assert_rows, expected_grants,
    expected_groups, expected_users, ran,
};

/// A sync that takes longer hangs: ten tries with the longest delays take three minutes.
const DEADLINE: Duration = Duration::from_secs(600);
/// Two cores are what the smallest machine has that this is run on.
const SIDE_BY_SIDE: usize = 2;
/// How a sync may end that a storm got the better of: exhausted quotas, a gate, an answer
/// that breaks the contract, a service that can't be reached or made out.
const CLEAR_FAILURES: [i32; 5] = [4, 8, 9, 13, 14];

/// How many of the requests are struck at most, out of 1,000.
#[derive(Clone, Copy)]
pub(crate) struct Force {
    pub(crate) passing: u16,
    pub(crate) paging: u16,
    pub(crate) restarts: u16,
    pub(crate) broken: u16,
    pub(crate) slow: u16,
}

impl Force {
    /// A storm that is at most as strong. What a client does well to give up at, what makes
    /// it read again and what makes it wait come in one of three storms each, because they
    /// would hide what the others do.
    pub(crate) fn storm(self, seed: u64, luck: &mut Rng) -> Storm {
        let mut rarely = |most: u16| match luck.u8(..3) {
            0 => luck.u16(..=most),
            _ => 0,
        };
        let (restarts, broken, slow) = (
            rarely(self.restarts),
            rarely(self.broken),
            rarely(self.slow),
        );
        Storm::new(seed)
            .passing(luck.u16(..=self.passing))
            .paging(luck.u16(..=self.paging))
            .restarts(restarts)
            .broken(broken)
            .slow(slow)
    }
}

/// A service with one pool of this many users and groups, whose pages come as a seed
/// says. It remembers numbers of requests and not the requests: there are many.
pub(crate) fn site(users: u32, groups: u32, seed: u64, luck: &mut Rng) -> Config {
    let generated = Generated {
        users,
        groups,
        seed,
        ..Generated::default()
    };
    Config::new()
        .pool(PoolSpec::generated(POOL, generated))
        .key(Key::new(KEY_ID, SECRET))
        .paging(Paging {
            // One pool in three has pages of any size, as if nobody had asked for sixty rows.
            short_per_mille: match luck.u8(..3) {
                0 => 1_000,
                _ => luck.u16(..=300),
            },
            empty_per_mille: luck.u16(..=150),
            empty_at_end: luck.bool(),
            seed,
        })
        .log_capacity(0)
}

/// How a sync ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The snapshot is the truth.
    Whole,
    /// It was given up with this code, and nothing became current.
    GivenUp(i32),
}

/// What `list` prints of everything.
pub(crate) fn listed(bench: &Bench) -> [String; 3] {
    ["users", "groups", "grants"].map(|what| {
        let ran = bench.run(&["list", what, "-o", "jsonl"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    })
}

/// Fails unless a sync ended in one of the ways in which it may. `before` is what was
/// current when it began.
#[track_caller]
pub(crate) fn judge(bench: &Bench, ran: &Ran, before: Option<&[String; 3]>) -> End {
    assert_tidy(bench);
    if ran.code == 0 {
        assert_truth(bench);
        return End::Whole;
    }
    assert!(CLEAR_FAILURES.contains(&ran.code), "{ran:?}");
    assert!(!ran.message().is_empty(), "{ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    assert_eq!(ran.stdout, "", "{ran:?}");
    match before {
        Some(before) => assert_eq!(&listed(bench), before, "another snapshot is current"),
        None => assert_no_snapshot(bench),
    }
    End::GivenUp(ran.code)
}

/// Fails unless the current snapshot is what the pool holds.
#[track_caller]
pub(crate) fn assert_truth(bench: &Bench) {
    let pool = bench.pool();
    assert_rows(&bench.list("users"), &expected_users(pool));
    assert_rows(&bench.list("groups"), &expected_groups(pool));
    assert_rows(&bench.list("grants"), &expected_grants(pool));
}

/// A store that was never made is as good as an empty one.
#[track_caller]
pub(crate) fn assert_no_snapshot(bench: &Bench) {
    if bench.store().exists() {
        assert_nothing_is_current(bench);
    }
}

/// Fails if anything but a store is left in the working folder.
#[track_caller]
pub(crate) fn assert_tidy(bench: &Bench) {
    let mut left = files(bench);
    left.retain(|name| name != "connector.db");
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// The names of the files in the working folder.
pub(crate) fn files(bench: &Bench) -> Vec<String> {
    let entries = std::fs::read_dir(bench.folder.path()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Starts a command whose output is wanted.
pub(crate) fn spawn(mut command: Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends a signal by its name; a program that has ended already does not mind.
pub(crate) fn signal(name: &str, process: u32) {
    let _ = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

/// Waits for the end of a program, which is killed if it hangs.
#[track_caller]
pub(crate) fn finish_in_time(child: Child) -> Ran {
    let process = child.id();
    let (done, ended) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || done.send(child.wait_with_output()));
        match ended.recv_timeout(DEADLINE) {
            Ok(output) => ran(&output.unwrap()),
            Err(_) => {
                signal("KILL", process);
                panic!("a sync did not end within {DEADLINE:?}");
            }
        }
    })
}

/// What came of many runs.
#[derive(Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    events: BTreeMap<String, u64>,
    faults: BTreeMap<&'static str, u64>,
    longest: Duration,
}

impl Tally {
    fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Counts something by its name.
    pub(crate) fn add(&self, event: &str, number: u64) {
        self.change(|counts| *counts.events.entry(event.to_owned()).or_default() += number);
    }

    /// How often something was counted.
    pub(crate) fn count(&self, event: &str) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.events.get(event).copied().unwrap_or_default()
    }

    /// Runs `sync` and notes how long it took.
    #[track_caller]
    pub(crate) fn sync(&self, bench: &Bench) -> Ran {
        let begun = Instant::now();
        let ran = finish_in_time(spawn(bench.command(&["sync", "-o", "json"])));
        self.change(|counts| counts.longest = counts.longest.max(begun.elapsed()));
        ran
    }

    /// Counts how a sync ended.
    pub(crate) fn ended(&self, end: End) {
        self.add("syncs", 1);
        match end {
            End::Whole => self.add("whole", 1),
            End::GivenUp(code) => self.add(&format!("given up with {code}"), 1),
        }
    }

    /// Counts what the service of a run has seen.
    pub(crate) fn service(&self, bench: &Bench) {
        self.add("requests", bench.server.log().total());
        let struck = bench.server.faults().storm_struck();
        self.add("faults", struck.values().sum());
        self.change(|counts| {
            for (kind, number) in struck {
                *counts.faults.entry(kind).or_default() += number;
            }
        });
    }

    /// Everything that was counted, for people.
    pub(crate) fn report(&self) -> String {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        format!(
            "{:?}, longest sync {:.1} s, faults by kind {:?}",
            counts.events,
            counts.longest.as_secs_f64(),
            counts.faults
        )
    }
}

/// A number out of the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

/// The seeds of a test: its own, or the one that is to be repeated.
pub(crate) struct Seeds {
    pub(crate) first: u64,
    pub(crate) runs: u64,
}

impl Seeds {
    pub(crate) fn of_test(first: u64, runs: u64) -> Self {
        match (
            number("CONNECTOR_STORM_SEED"),
            number("CONNECTOR_STORM_RUNS"),
        ) {
            (None, given) => Self {
                first,
                runs: given.unwrap_or(runs),
            },
            (Some(first), given) => Self {
                first,
                runs: given.unwrap_or(1),
            },
        }
    }

    /// Runs a test for every seed, two at a time, until there are no more or `go_on` says
    /// no, and fails with the names of those that failed. `meanwhile` runs beside them until
    /// the sender of its channel is gone.
    pub(crate) fn each(
        &self,
        command: &str,
        go_on: impl Fn() -> bool + Sync,
        meanwhile: impl FnOnce(&mpsc::Receiver<()>),
        run: impl Fn(u64) + Sync,
    ) {
        let next = AtomicU64::new(0);
        let failed = Mutex::new(Vec::new());
        let work = |_running: mpsc::Sender<()>| {
            while go_on() {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= self.runs {
                    break;
                }
                let seed = self.first.wrapping_add(place);
                if catch_unwind(AssertUnwindSafe(|| run(seed))).is_err() {
                    eprintln!(
                        "seed {seed} failed; repeat it with: CONNECTOR_STORM_SEED={seed} \
                         CONNECTOR_STORM_RUNS=1 {command}"
                    );
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    failed.push(seed);
                }
            }
        };
        let (running, ended) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..SIDE_BY_SIDE {
                let running = running.clone();
                scope.spawn(|| work(running));
            }
            drop(running);
            meanwhile(&ended);
        });
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        assert!(failed.is_empty(), "seeds that failed: {failed:?}");
    }
}
