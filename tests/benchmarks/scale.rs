//! How time and memory of a whole sync grow with the pool: 10,000, 100,000 and 1,000,000
//! users, each with as many memberships.
//!
//! `cargo bench --package connector-host --bench scale [-- ROUNDS]`
//!
//! Peak memory is what the kernel has noted of the process when it has ended. The double of
//! the service is a process of its own and takes its part of the machine.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for developers that prints what it measured"
)]

#[path = "support/double.rs"]
mod double;
#[path = "support/key.rs"]
mod key;
#[path = "support/median.rs"]
mod median;
#[path = "support/sync.rs"]
mod sync;

use std::io::Read;
use std::path::Path;
use std::process::{ChildStdout, Stdio};
use std::time::Instant;

use double::{Double, Size};
use median::median;
use wait4::Wait4;

const SIZES: [Size; 3] = [
    Size {
        users: 10_000,
        groups: 100,
        members: 100,
    },
    Size {
        users: 100_000,
        groups: 500,
        members: 200,
    },
    Size {
        users: 1_000_000,
        groups: 1_000,
        members: 1_000,
    },
];

/// What a sync took.
#[derive(Clone, Copy, Debug)]
struct Taken {
    seconds: f64,
    cpu: f64,
    /// In millions of bytes.
    peak: f64,
}

fn main() {
    if double::has_served() {
        return;
    }
    let rounds = std::env::args().find_map(|word| word.parse().ok());
    let rounds = rounds.unwrap_or(3);
    let folder = tempfile::tempdir().unwrap();
    let doubles = SIZES.map(Double::start);
    let mut taken = SIZES.map(|_| Vec::new());
    // The first sync compiles the component and is not counted.
    run(folder.path(), &doubles[0], SIZES[0]);
    for _ in 0..rounds {
        for ((size, double), taken) in SIZES.iter().zip(&doubles).zip(&mut taken) {
            taken.push(run(folder.path(), double, *size));
        }
    }
    println!("| users | memberships | median of {rounds} | CPU | peak memory |");
    println!("|---|---|---|---|---|");
    let medians = taken.map(|taken| Taken {
        seconds: median(taken.iter().map(|taken| taken.seconds)),
        cpu: median(taken.iter().map(|taken| taken.cpu)),
        peak: median(taken.iter().map(|taken| taken.peak)),
    });
    for (size, taken) in SIZES.iter().zip(&medians) {
        println!(
            "| {} | {} | {:.2} s | {:.2} s | {:.1} MB |",
            size.users,
            size.groups * size.members,
            taken.seconds,
            taken.cpu,
            taken.peak,
        );
    }
    let [_, hundred_thousand, million] = medians;
    println!(
        "\n1,000,000 to 100,000: time {:.1}, CPU {:.1}, peak memory {:.2}",
        million.seconds / hundred_thousand.seconds,
        million.cpu / hundred_thousand.cpu,
        million.peak / hundred_thousand.peak,
    );
}

/// Runs one sync, which must read everything.
fn run(folder: &Path, double: &Double, size: Size) -> Taken {
    let store = tempfile::tempdir_in(folder).unwrap();
    let cache = folder.join("cache");
    let path = store.path().join("connector.db");
    let mut command = sync::sync(folder, &cache, &path, &double.endpoint);
    command.stdout(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().unwrap();
    let summary = read(child.stdout.take().unwrap());
    // Of a child the kernel notes no less than what its parent had when it was made, which
    // is little here.
    let used = child.wait4().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    assert!(used.status.success(), "it ended with {}", used.status);
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let expected = [
        ("users", size.users),
        ("groups", size.groups),
        ("grants", size.groups * size.members),
    ];
    for (name, count) in expected {
        assert_eq!(
            summary.get(name),
            Some(&count.into()),
            "{name} of {summary}"
        );
    }
    Taken {
        seconds,
        cpu: (used.rusage.utime + used.rusage.stime).as_secs_f64(),
        #[expect(
            clippy::cast_precision_loss,
            reason = "it is shown with one decimal place"
        )]
        peak: used.rusage.maxrss as f64 / 1e6,
    }
}

fn read(mut output: ChildStdout) -> String {
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    text
}
