//! What a request costs through the sandbox, beside a plain program that signs the same
//! request and parses the same page.
//!
//! `cargo bench --package connector-host --bench sandbox_cost`
//!
//! Both ask the same double for the same page, one request after the other on a connection
//! that stays open, and end with owned rows. The sandbox is that of production: a warm
//! instance, keys that stay in the host, policy, limits and pacer in between, no pace, no
//! store. The plain program is hyper's client, aws-sigv4 and serde. Rounds alternate; the
//! double is a process of its own, so that CPU time is that of the two alone.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a program for developers that prints what it measured"
)]

#[path = "support/connector.rs"]
mod connector;
#[path = "support/double.rs"]
mod double;
#[path = "support/key.rs"]
mod key;
#[path = "support/median.rs"]
mod median;
#[path = "support/plain.rs"]
mod plain;

use std::hint::black_box;
use std::time::{Duration, Instant};

use connector_host::connector::Conversation;
use connector_host::engine::{Answer, GrantsOf, Request};
use double::{Double, Size};
use key::POOL;
use median::median;
use plain::Plain;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

/// Rounds of each of the two, that many requests in each.
const ROUNDS: usize = 15;
const REQUESTS: u64 = 400;
/// Rows of a full page.
const PAGE: usize = 60;

/// What a request took in each round.
#[derive(Default)]
struct Taken {
    /// Microseconds of each single request.
    wall: Vec<f64>,
    /// Microseconds of all processors, a round's average.
    cpu: Vec<f64>,
}

fn main() {
    // A double has a runtime of its own.
    if !double::has_served() {
        // As the command line makes it.
        Runtime::new().unwrap().block_on(measure());
    }
}

async fn measure() {
    let double = Double::start(Size {
        users: 1_000,
        groups: 2,
        members: 500,
    });
    let ours = connector::connector(&double.endpoint);
    let mut ours = ours.conversation();
    let plain = Plain::new(&double.endpoint);
    let group = group(&mut ours).await;
    println!("| a page of {PAGE} | | sandbox | plain | ratio |\n|---|---|---|---|---|");
    for (name, request) in [
        ("users", connector::list("user")),
        ("members", connector::members(&group)),
    ] {
        let (mut sandbox, mut native) = (Taken::default(), Taken::default());
        // The first round warms both and is not counted.
        for round in 0..=ROUNDS {
            let a = through_sandbox(&mut ours, &request).await;
            let b = natively(&plain, &request).await;
            if round > 0 {
                sandbox.add(a);
                native.add(b);
            }
        }
        for (what, of) in [
            ("wall", (|taken| &taken.wall) as fn(&Taken) -> &Vec<f64>),
            ("CPU", |taken| &taken.cpu),
        ] {
            let [ours, plain] = [&sandbox, &native].map(|taken| median(of(taken).iter().copied()));
            println!(
                "| {name} | {what} | {ours:.0} µs | {plain:.0} µs | {:.2} |",
                ours / plain
            );
        }
    }
}

impl Taken {
    fn add(&mut self, (walls, cpu): (Vec<Duration>, Duration)) {
        self.cpu.push(micros(cpu) / walls.len() as f64);
        self.wall.extend(walls.into_iter().map(micros));
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The CPU time of this process.
fn cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

/// The name of a group; all have more members than a page.
async fn group(conversation: &mut Conversation<'_>) -> String {
    let answer = conversation.call(&connector::list("group")).await.unwrap();
    let Answer::Resources(page) = answer else {
        panic!("another answer: {answer:?}");
    };
    page.items.first().unwrap().id.id.clone()
}

async fn through_sandbox(
    conversation: &mut Conversation<'_>,
    request: &Request,
) -> (Vec<Duration>, Duration) {
    let mut walls = Vec::new();
    let before = cpu();
    for _ in 0..REQUESTS {
        let started = Instant::now();
        let rows = match black_box(conversation.call(request).await.unwrap()) {
            Answer::Resources(page) => page.items.len(),
            Answer::Grants(page) => page.items.len(),
            _ => 0,
        };
        assert_eq!(rows, PAGE);
        walls.push(started.elapsed());
    }
    (walls, cpu() - before)
}

async fn natively(plain: &Plain, request: &Request) -> (Vec<Duration>, Duration) {
    let mut walls = Vec::new();
    let before = cpu();
    for _ in 0..REQUESTS {
        let started = Instant::now();
        let rows = match request {
            Request::ListGrants {
                of: GrantsOf::Resource(group),
                ..
            } => black_box(plain.members(POOL, &group.id).await).users.len(),
            _ => black_box(plain.users(POOL).await).users.len(),
        };
        assert_eq!(rows, PAGE);
        walls.push(started.elapsed());
    }
    (walls, cpu() - before)
}
