//! How long a sync of a large pool takes when nothing paces it, how much memory it needs,
//! and what a start costs with and without the compiled component in the cache.
//!
//! `cargo bench --package connector-host --bench large_pool`
//!
//! The double of the service runs in this process and takes its part of the machine, so
//! the figures are those of both together. They are recorded in `docs/benchmarks.md`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for developers that prints what it measured"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fake_cognito::{Config, Generated, GroupSizes, Key, PoolSpec, Server};

const POOL: &str = "eu-central-1_Benchmark";
const KEY_ID: &str = "AKIABENCHMARK0000000";
const SECRET: &str = "benchmark-secret";
const RUNS: usize = 5;

fn main() {
    let generated = Generated {
        users: 100_000,
        groups: 500,
        sizes: GroupSizes::Uniform(400),
        seed: 42,
    };
    let config = Config::new()
        .pool(PoolSpec::generated(POOL, generated))
        .key(Key::new(KEY_ID, SECRET))
        .log_capacity(0);
    let server = Server::start_blocking(config).unwrap();
    let folder = tempfile::tempdir().unwrap();

    println!("start (`connector inspect`)");
    for (name, cache) in [("compiling", "empty"), ("from the cache", "warm")] {
        let times = (0..RUNS).map(|run| {
            let cache = folder.path().join(if cache == "warm" {
                "warm".to_owned()
            } else {
                format!("cold-{run}")
            });
            timed(command(folder.path(), &cache, &["inspect", "-o", "json"]))
        });
        // The first start with a warm cache fills it.
        let times: Vec<Measured> = if cache == "warm" {
            times.skip(1).collect()
        } else {
            times.collect()
        };
        println!(
            "  {name:<16} {:>8.1} ms",
            median(&times).as_secs_f64() * 1000.0
        );
    }

    println!("sync of 100,000 users, 500 groups and 200,000 memberships, --max-rate unlimited");
    let endpoint = server.endpoint();
    let arguments = [
        "sync",
        "--user-pool-id",
        POOL,
        "--endpoint-url",
        &endpoint,
        "--aws-access-key-id",
        KEY_ID,
        "--aws-secret-access-key",
        SECRET,
        "--max-rate",
        "unlimited",
        "-o",
        "json",
    ];
    let cache = folder.path().join("warm");
    let mut runs = Vec::new();
    for run in 0..RUNS {
        let store = folder.path().join(format!("store-{run}.db"));
        let mut sync = command(folder.path(), &cache, &arguments);
        sync.arg("--store").arg(&store);
        let measured = timed(sync);
        println!(
            "  run {run}: {:.2} s, peak {} MiB",
            measured.time.as_secs_f64(),
            measured.peak_kib / 1024
        );
        runs.push(measured);
    }
    println!("  median {:.2} s", median(&runs).as_secs_f64());

    println!("list");
    for what in ["users", "grants"] {
        let mut list = command(folder.path(), &cache, &["list", what, "-o", "jsonl"]);
        list.arg("--store").arg(folder.path().join("store-0.db"));
        let measured = timed(list);
        println!(
            "  {what:<8} {:.2} s, peak {} MiB",
            measured.time.as_secs_f64(),
            measured.peak_kib / 1024
        );
    }
}

struct Measured {
    time: Duration,
    peak_kib: u64,
}

fn median(runs: &[Measured]) -> Duration {
    let mut times: Vec<Duration> = runs.iter().map(|run| run.time).collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn command(folder: &Path, cache: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("CONNECTOR_CACHE", cache)
        .stdout(Stdio::null());
    command
}

/// Runs a command that must succeed. The peak is read while it runs, once every
/// millisecond: the kernel keeps the maximum itself.
fn timed(mut command: Command) -> Measured {
    let started = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut peak_kib = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        peak_kib = peak_memory(child.id()).unwrap_or(peak_kib);
        std::thread::sleep(Duration::from_millis(1));
    };
    let time = started.elapsed();
    assert!(status.success(), "{command:?} ended with {status}");
    Measured { time, peak_kib }
}

fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}
