//! How much of a hidden quota a sync finds and uses, and how much of what it sends is
//! throttled.
//!
//! `cargo bench --package connector-host --bench rate_control [-- FOLDER]`
//!
//! Six syncs run side by side for some minutes, each against a double of the service of its
//! own whose quota nobody told it. Writes the table and, for each, a plot of requests
//! against time: `docs/rates.md` and `docs/rates.svg`, or into another folder. The same cases
//! run as tests in time that costs nothing (`host/src/limits/rate/budget/tests.rs`).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a program for developers that reckons with small numbers and prints them"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fake_cognito::{
    Class, Config, Entry, Fault, Generated, GroupSizes, Key, Operation, PoolSpec, Quotas, Rule,
    Server,
};

const POOL: &str = "eu-central-1_Benchmark";
const KEY_ID: &str = "AKIABENCHMARK0000000";
const SECRET: &str = "benchmark-secret";

/// What is left out of the figures at the beginning and after each change.
const SETTLING: u64 = 20;
/// Requests in a row that are answered with 503, in the case of bursts.
const BURST: u64 = 10;
/// The time from one burst to the next, in seconds.
const BETWEEN_BURSTS: u64 = 20;

/// A value from a second on.
type Steps = &'static [(u64, f64)];

struct Case {
    name: &'static str,
    seconds: u64,
    quotas: Steps,
    /// The pace of somebody else, who does not care about being throttled.
    rival: Steps,
    bursts: bool,
}

const CASES: [Case; 6] = [
    Case {
        name: "5/s",
        seconds: 200,
        quotas: &[(0, 5.0)],
        rival: &[],
        bursts: false,
    },
    Case {
        name: "12/s",
        seconds: 200,
        quotas: &[(0, 12.0)],
        rival: &[],
        bursts: false,
    },
    Case {
        name: "30/s",
        seconds: 200,
        quotas: &[(0, 30.0)],
        rival: &[],
        bursts: false,
    },
    Case {
        name: "30/s, a rival of 10/s comes and goes",
        seconds: 320,
        quotas: &[(0, 30.0)],
        rival: &[(60, 10.0), (120, 0.0), (180, 10.0), (240, 0.0)],
        bursts: false,
    },
    Case {
        name: "30/s, then 12/s, then 24/s",
        seconds: 240,
        quotas: &[(0, 30.0), (60, 12.0), (130, 24.0)],
        rival: &[],
        bursts: false,
    },
    Case {
        name: "30/s, bursts of 503",
        seconds: 200,
        quotas: &[(0, 30.0)],
        rival: &[],
        bursts: true,
    },
];

/// What happened in one second.
#[derive(Clone, Copy, Default)]
struct Second {
    admitted: u32,
    throttled: u32,
    failed: u32,
    rival: u32,
}

fn main() {
    let named = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let folder = named.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs"),
        PathBuf::from,
    );
    let runs: Vec<Vec<Second>> = std::thread::scope(|scope| {
        let runs: Vec<_> = CASES.iter().map(|case| scope.spawn(|| run(case))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let table = table(&runs);
    println!("{table}");
    std::fs::write(folder.join("rates.svg"), plot(&runs)).unwrap();
    let page = folder.join("rates.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once("<!-- measured -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->\n").unwrap();
    let text = format!("{before}<!-- measured -->\n{table}<!-- end -->\n{after}");
    std::fs::write(page, text).unwrap();
}

/// The service's clock.
fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_millis() as i64
}

fn value_at(steps: Steps, second: u64) -> f64 {
    let step = steps.iter().rfind(|(from, _)| *from <= second);
    step.map_or(0.0, |(_, value)| *value)
}

fn run(case: &Case) -> Vec<Second> {
    // More pages of members than any case has time for, and few users, so that nearly all
    // requests are of one class.
    let generated = Generated {
        users: 3_000,
        groups: 240,
        sizes: GroupSizes::Uniform(3_000),
        seed: 42,
    };
    let quotas = Quotas::unlimited();
    let config = Config::new()
        .pool(PoolSpec::generated(POOL, generated))
        .key(Key::new(KEY_ID, SECRET))
        .quotas(quotas.clone())
        .log_capacity(100_000);
    let server = Server::start_blocking(config).unwrap();
    quotas.set(Class::UserList, Some(value_at(case.quotas, 0)));
    let home = tempfile::tempdir().unwrap();
    let mut sync = Command::new(env!("CARGO_BIN_EXE_connector"))
        .args(["sync", "--user-pool-id", POOL, "--quiet"])
        .args(["--endpoint-url", &server.endpoint()])
        .args(["--aws-access-key-id", KEY_ID])
        .args(["--aws-secret-access-key", SECRET])
        // As good as no ceiling: nobody tells it the quota.
        .args(["--max-rate", "user-list=1000"])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The second begins when the first is over and in the log.
    assert!(server.log().wait_for(2, Duration::from_secs(120)));
    let first = server.log().entries().first().unwrap().at_ms;

    let mut seconds = vec![Second::default(); case.seconds as usize];
    let mut quota = value_at(case.quotas, 0);
    let mut next_rival = Instant::now();
    let mut bursts = 0;
    loop {
        let now_ms = now_ms();
        let second = (now_ms - first) as u64 / 1000;
        let Some(this) = seconds.get_mut(second as usize) else {
            break;
        };
        let now = value_at(case.quotas, second);
        if now != quota {
            quotas.set(Class::UserList, Some(now));
            quota = now;
        }
        if case.bursts && second / BETWEEN_BURSTS > bursts {
            bursts = second / BETWEEN_BURSTS;
            server
                .faults()
                .add(Rule::any(Fault::bare(503)).times(BURST));
        }
        let rival = value_at(case.rival, second);
        if rival > 0.0 && Instant::now() >= next_rival {
            this.rival += u32::from(quotas.admit(Operation::ListUsers, POOL, now_ms));
            next_rival = Instant::now() + Duration::from_secs_f64(1.0 / rival);
        }
        assert!(
            sync.try_wait().unwrap().is_none(),
            "{}: it ended early",
            case.name
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    sync.kill().unwrap();
    sync.wait().unwrap();
    for entry in server.log().entries() {
        let second = (entry.at_ms - first) / 1000;
        if let Some(second) = seconds.get_mut(second as usize) {
            count(second, &entry);
        }
    }
    seconds
}

fn count(second: &mut Second, entry: &Entry) {
    let is_paced = entry
        .operation
        .is_some_and(|operation| operation.class() == Class::UserList);
    if !is_paced {
        return;
    }
    match entry.status {
        Some(200) => second.admitted += 1,
        Some(400) => second.throttled += 1,
        _ => second.failed += 1,
    }
}

/// Whether a second is in the figures.
fn is_counted(case: &Case, second: u64) -> bool {
    let settled = |(from, _): &(u64, f64)| second < *from || second >= from + SETTLING;
    second >= SETTLING && case.quotas.iter().chain(case.rival).all(settled)
}

fn table(runs: &[Vec<Second>]) -> String {
    let mut text = String::from(
        "| hidden quota | seconds | available | used | of it | sent | throttled | of them |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (case, seconds) in CASES.iter().zip(runs) {
        let counted = || {
            let numbered = seconds.iter().zip(0_u64..);
            numbered.filter(|(_, second)| is_counted(case, *second))
        };
        let sum = |of: fn(&Second) -> u32| -> u32 { counted().map(|(second, _)| of(second)).sum() };
        let quota: f64 = counted().map(|(_, at)| value_at(case.quotas, at)).sum();
        let available = quota - f64::from(sum(|second| second.rival));
        let used = sum(|second| second.admitted);
        let throttled = sum(|second| second.throttled);
        let sent = used + throttled + sum(|second| second.failed);
        writeln!(
            text,
            "| {} | {} | {available:.0} | {used} | {:.1} % | {sent} | {throttled} | {:.2} % |",
            case.name,
            counted().count(),
            100.0 * f64::from(used) / available,
            100.0 * f64::from(throttled) / f64::from(sent),
        )
        .unwrap();
    }
    text
}

/// The width of a second, and the height of a request per second.
const X: f64 = 2.0;
const Y: f64 = 3.0;
const LEFT: f64 = 40.0;
const HIGHEST: f64 = 50.0;
const PANEL: f64 = HIGHEST * Y + 45.0;
/// Over how many seconds a rate is averaged, so that a line can be seen.
const AVERAGED: usize = 3;

fn plot(runs: &[Vec<Second>]) -> String {
    let (width, height) = (LEFT + 320.0 * X + 20.0, PANEL * runs.len() as f64 + 10.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <title>Requests per second against time, for hidden quotas</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (number, (case, seconds)) in CASES.iter().zip(runs).enumerate() {
        let top = PANEL * number as f64 + 25.0;
        let bottom = top + HIGHEST * Y;
        let x = |second: f64| LEFT + second * X;
        let y = |rate: f64| bottom - rate.min(HIGHEST) * Y;
        writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{}\">{}</text>",
            top - 8.0,
            case.name
        )
        .unwrap();
        for rate in [0.0, 10.0, 20.0, 30.0, 40.0, 50.0] {
            writeln!(
                svg,
                "<path d=\"M{LEFT} {0} H{1}\" stroke=\"#ddd\"/><text x=\"{2}\" y=\"{3}\" \
                 text-anchor=\"end\">{rate}</text>",
                y(rate),
                x(case.seconds as f64),
                LEFT - 6.0,
                y(rate) + 4.0,
            )
            .unwrap();
        }
        for second in (0..=case.seconds).step_by(60) {
            writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{second} s</text>",
                x(second as f64),
                bottom + 14.0
            )
            .unwrap();
        }
        let rates = |of: fn(&Second) -> u32| -> Vec<f64> {
            let windows = seconds.windows(AVERAGED);
            let sum = |window: &[Second]| f64::from(window.iter().map(of).sum::<u32>());
            windows
                .map(|window| sum(window) / AVERAGED as f64)
                .collect()
        };
        let left_over: Vec<f64> = rates(|second| second.rival)
            .iter()
            .zip(0_u64..)
            .map(|(rival, at)| value_at(case.quotas, at) - rival)
            .collect();
        for (values, colour) in [
            (left_over, "#c33"),
            (rates(|second| second.admitted), "#247"),
        ] {
            let points: Vec<String> = values
                .iter()
                .enumerate()
                .map(|(at, rate)| format!("{:.0},{:.1}", x(at as f64 + 1.0), y(*rate)))
                .collect();
            let points = points.join(" ");
            writeln!(
                svg,
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\"/>"
            )
            .unwrap();
        }
        for (at, second) in seconds
            .iter()
            .enumerate()
            .filter(|(_, second)| second.throttled > 0)
        {
            writeln!(
                svg,
                "<circle cx=\"{}\" cy=\"{bottom}\" r=\"{:.1}\" fill=\"#c33\"/>",
                x(at as f64),
                1.0 + f64::from(second.throttled).sqrt(),
            )
            .unwrap();
        }
    }
    svg.push_str("</svg>\n");
    svg
}
