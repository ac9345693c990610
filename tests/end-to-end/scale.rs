//! A large pool: every row is there, and memory does not grow with it.

use std::io::BufRead;
use std::process::Stdio;

use fake_cognito::{Config, Generated, GroupSizes, Key, PoolSpec};

use crate::support::{
    Bench, KEY_ID, POOL, SECRET, expected_grants, expected_groups, expected_users,
};

/// What a sync may use at its peak, in KiB.
const MEMORY: u64 = 100 * 1024;

#[test]
fn a_pool_of_100_000_users_arrives_complete_within_100_megabytes() {
    let generated = Generated {
        users: 100_000,
        groups: 500,
        sizes: GroupSizes::Uniform(400),
        seed: 42,
    };
    let bench = Bench::start(
        Config::new()
            .pool(PoolSpec::generated(POOL, generated))
            .key(Key::new(KEY_ID, SECRET))
            .log_capacity(0),
    );
    // Compiled code of the component is in the cache after this.
    bench.json(&["inspect"]);
    let mut sync = bench
        .command(&["sync", "-o", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while sync.try_wait().unwrap().is_none() {
        peak = peak_memory(sync.id()).unwrap_or(peak).max(peak);
        std::thread::yield_now();
    }
    let output = sync.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    println!(
        "peak {} KiB: {}",
        peak,
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(peak > 0 && peak < MEMORY, "{peak} KiB");

    let pool = bench.pool();
    for (what, expected) in [
        ("users", expected_users(pool)),
        ("groups", expected_groups(pool)),
        ("grants", expected_grants(pool)),
    ] {
        let mut list = bench
            .command(&["list", what, "-o", "jsonl"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(list.stdout.take().unwrap()).lines();
        for row in &expected {
            let line = lines
                .next()
                .unwrap_or_else(|| panic!("{what} end before {row}"))
                .unwrap();
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&line).unwrap(),
                *row
            );
        }
        assert!(lines.next().is_none(), "more {what} than the pool has");
        assert!(list.wait().unwrap().success());
    }
}

/// The largest resident size that the process has had, in KiB.
fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}
