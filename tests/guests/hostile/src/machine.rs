//! Attacks on the machine: time, memory, tables, the log. Each goes on until it is stopped;
//! whatever is stopped by an error instead of an end tries again.

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use cognito_connector::contract::wasi::http::types::Fields;

use crate::mark::Attack;

/// The bindings of an interface that the honest connector does not use.
#[allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    clippy::missing_safety_doc,
    reason = "generated code is documented and checked where it is generated from"
)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/deps/random@0.2.0",
        world: "imports",
        generate_all,
    });
}

use bindings::wasi::random::random::get_random_bytes;

/// Far more than any call may take.
const FOR_EVER: Duration = Duration::from_secs(1 << 30);
/// What is taken at a time.
const CHUNK: usize = 1 << 20;
/// More than any limit, where an attack must come to an end by itself to be seen.
pub const MANY: usize = 40_000;

/// Clears the screen, gives the window another title, and hides what comes after.
const ESCAPES: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[8m\u{9b}31m\r\u{8}";

/// Does what the attack wants; comes back where the attack is none on the machine.
pub fn strike(attack: Attack) {
    match attack.name {
        "infinite-loop" => loop {
            black_box(());
        },
        "ask-the-time-for-ever" => loop {
            black_box(Instant::now());
        },
        "park" => std::thread::sleep(FOR_EVER),
        "poll-for-ever" => loop {
            std::thread::sleep(Duration::from_nanos(1));
        },
        "recurse" => {
            black_box(recurse(1));
        }
        "panic" => fail(attack.argument),
        "exit" => std::process::exit(0),
        "memory-bomb" => {
            let mut taken = Vec::new();
            loop {
                taken.push(black_box(vec![1_u8; CHUNK]));
            }
        }
        // More than a host of connectors gives, and less than the engine gives by itself.
        "random-bomb" => {
            black_box(get_random_bytes(CHUNK as u64));
        }
        "resource-bomb" => {
            for _ in 0..MANY {
                std::mem::forget(Fields::new());
            }
        }
        "many-headers" => {
            let headers = Fields::new();
            for number in 0..MANY {
                // Refused ones are no reason to stop.
                let _ = headers.append(&format!("x-{number}"), b"1");
            }
        }
        "long-header" => {
            let headers = Fields::new();
            let _ = headers.append("user-agent", &vec![b'x'; CHUNK]);
        }
        "flood-the-log" => flood(),
        "flood-and-panic" => {
            flood();
            fail(ESCAPES);
        }
        _ => {}
    }
}

#[expect(clippy::panic, reason = "that is the attack")]
fn fail(message: &str) {
    panic!("{message}");
}

#[expect(unconditional_recursion, reason = "that is the attack")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1))) + 1
}

fn flood() {
    let mut log = std::io::stderr();
    for number in 0..MANY {
        let _ = writeln!(log, "{ESCAPES}line {number} {}", "flood ".repeat(100));
    }
}
