//! How long it takes from the start of the program until its first request has arrived at
//! the service, with nothing in the cache and with the compiled component in it.
//!
//! `cargo bench --package connector-host --bench start`
//!
//! The time runs from the moment before the process is made to the moment at which the head
//! of its first request has been read; there the program is ended. Each start has a store
//! that is not there yet. Cold and warm starts alternate.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for developers that prints what it measured"
)]

#[path = "support/key.rs"]
mod key;
#[path = "support/median.rs"]
mod median;
#[path = "support/sync.rs"]
mod sync;

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use median::median;

const ROUNDS: usize = 15;
/// Longer than any start: a program that sends nothing fails the benchmark.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let (mut cold, mut warm, mut process) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let cache = folder.path().join(format!("cache-{round}"));
        for (start, times) in [("cold", &mut cold), ("warm", &mut warm)] {
            let store = folder.path().join(format!("{start}-{round}.db"));
            times.push(first_request(folder.path(), &cache, &store));
        }
        process.push(version());
    }
    println!("| start | median of {ROUNDS} | least | most |\n|---|---|---|---|");
    for (name, times) in [
        ("`sync` to its first request, cache empty", cold),
        ("`sync` to its first request, cache warm", warm),
        ("`--version`, the whole process", process),
    ] {
        let times = || times.iter().map(|time| time.as_secs_f64() * 1000.0);
        println!(
            "| {name} | {:.1} ms | {:.1} ms | {:.1} ms |",
            median(times()),
            times().fold(f64::INFINITY, f64::min),
            times().fold(0.0, f64::max),
        );
    }
}

/// Starts a sync and ends it when its first request is there.
fn first_request(folder: &Path, cache: &Path, store: &Path) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (arrived, arrivals) = channel();
    // Nobody waits for it: it ends with this program.
    std::thread::spawn(move || accept(&listener, &arrived));
    let mut command = sync::sync(folder, cache, store, &endpoint);
    let started = Instant::now();
    let mut child = command.spawn().unwrap();
    let arrival = arrivals.recv_timeout(PATIENCE);
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ended.is_none(), "it ended by itself: {ended:?}");
    arrival.unwrap().duration_since(started)
}

/// A sync opens several connections, and the first one to be there need not be the first
/// one that something comes through.
fn accept(listener: &TcpListener, arrived: &Sender<Instant>) {
    for stream in listener.incoming() {
        let (mut stream, arrived) = (stream.unwrap(), arrived.clone());
        std::thread::spawn(move || {
            if let Some(time) = head(&mut stream) {
                // Nobody asks for the second one.
                let _ = arrived.send(time);
                // Unanswered until the other side ends.
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            }
        });
    }
}

/// Reads the head of a request that only this program sends.
fn head(stream: &mut TcpStream) -> Option<Instant> {
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let length = stream.read(&mut piece).ok()?;
        let now = Instant::now();
        head.extend_from_slice(piece.get(..length)?);
        if length == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&head);
        if text.contains("\r\n\r\n") {
            let text = text.to_ascii_lowercase();
            assert!(
                text.contains("x-amz-target: awscognitoidentityproviderservice."),
                "{text}"
            );
            assert!(text.contains("authorization: aws4-hmac-sha256 "), "{text}");
            return Some(now);
        }
    }
}

/// What starting the program costs before it does anything.
fn version() -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector"));
    command.arg("--version").env_clear().stdout(Stdio::null());
    let started = Instant::now();
    assert!(command.status().unwrap().success());
    started.elapsed()
}
