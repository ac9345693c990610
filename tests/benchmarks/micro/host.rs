//! What single steps of the host cost: a call across the sandbox, a page of it, a permit of
//! the limiter, a page into the store, the sorting of a run.
//!
//! `cargo bench --package connector-host --bench micro`
//!
//! A page can't be lifted out of a component without a request, so a server on loopback
//! answers each with the same page at once. What is in the time of a page: policy, limiter
//! without pace, signature, HTTP on loopback, parsing in the sandbox, lifting the rows,
//! checking them. `fetch` is the plain client with the same page (HTTP on loopback, signature
//! and parsing natively), and `call` a call that sends nothing: what enters and leaves the
//! sandbox.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program for developers, which may fail by panic"
)]

mod canned;
#[path = "../support/canned_server.rs"]
mod canned_server;
#[path = "../support/connector.rs"]
mod connector;
#[path = "../support/key.rs"]
mod key;
#[path = "../support/plain.rs"]
mod plain;
#[path = "../support/rows.rs"]
mod rows;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_host::engine::{Answer, Request};
use connector_host::limits::clock::ManualClock;
use connector_host::limits::{Clock, MaxRate, Pacer, Paces};
use connector_host::model::{Resource, ResourceId};
use connector_host::store::{Counters, Page, RunEnd, RunState, SyncStore};
use connector_host::trust::TrustRecord;
use criterion::{BatchSize, Criterion, SamplingMode};
use key::POOL;
use plain::Plain;
use time::OffsetDateTime;
use tokio::runtime::Runtime;

/// Users of the run that is sorted, and groups that they are members of.
const SETTLED: (usize, usize) = (100_000, 500);

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let runtime = Runtime::new().unwrap();
    sandbox(&mut criterion, &runtime);
    limiter(&mut criterion, &runtime);
    store(&mut criterion, &runtime);
    criterion.final_summary();
}

fn sandbox(criterion: &mut Criterion, runtime: &Runtime) {
    let mut group = criterion.benchmark_group("sandbox");
    let entitlements = Request::ListEntitlements {
        of: ResourceId::new("group", "developers"),
        cursor: None,
    };
    for (name, page, request) in [
        ("call", String::new(), entitlements),
        ("page-of-users", canned::users(), connector::list("user")),
        (
            "page-of-members",
            canned::members(),
            connector::members("developers"),
        ),
    ] {
        let connector = connector::connector(&canned_server::start(&page));
        let mut conversation = connector.conversation();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                runtime.block_on(async {
                    let started = Instant::now();
                    for _ in 0..times {
                        black_box(conversation.call(&request).await.unwrap());
                    }
                    started.elapsed()
                })
            });
        });
    }
    let connector = connector::connector(&canned_server::start(""));
    group.bench_function("fresh-instance", |bencher| {
        bencher.iter(|| drop(runtime.block_on(connector.session()).unwrap()));
    });
    let plain = Plain::new(&canned_server::start(&canned::users()));
    group.bench_function("fetch-of-users", |bencher| {
        bencher.iter(|| black_box(runtime.block_on(plain.users(POOL))).users.len());
    });
    let plain = Plain::new(&canned_server::start(&canned::members()));
    group.bench_function("fetch-of-members", |bencher| {
        let page = || runtime.block_on(plain.members(POOL, "developers"));
        bencher.iter(|| black_box(page()).users.len());
    });
    group.finish();
}

/// Permits on a clock on which waiting takes no time.
fn limiter(criterion: &mut Criterion, runtime: &Runtime) {
    let record = TrustRecord::bundled().unwrap();
    let wire = &record.approved.wire;
    let classes = wire.rate_classes.iter().map(|class| class.id.as_str());
    let classes: Vec<&str> = classes.collect();
    let mut group = criterion.benchmark_group("limiter");
    for (name, rate) in [("unlimited", Some("unlimited")), ("paced", None)] {
        let clock = Arc::new(ManualClock::leaping());
        let max_rate = MaxRate::parse(rate, &classes).unwrap();
        let none = BTreeMap::new();
        let pacer = Pacer::new(wire, Paces::Start(&none), &max_rate, clock.clone()).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                runtime.block_on(async {
                    let started = Instant::now();
                    for _ in 0..times {
                        let deadline = clock.now() + Duration::from_secs(60);
                        black_box(pacer.acquire("ListUsers", &[], deadline).await.unwrap());
                    }
                    started.elapsed()
                })
            });
        });
    }
    group.finish();
}

fn store(criterion: &mut Criterion, runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let connection = rows::connection();
    let mut group = criterion.benchmark_group("store");

    // One transaction. Users may come twice, so the same page does for all of them.
    let page = Page {
        resources: users(runtime),
        ..Page::default()
    };
    let path = folder.path().join("pages.db");
    let mut store = SyncStore::open(&path, &connection).unwrap();
    let run = store.begin_run(&rows::start()).unwrap();
    group.bench_function("page-of-users", |bencher| {
        bencher.iter(|| {
            let pages = [(&page, rows::step())];
            store.store_pages(&run, pages, "{}").unwrap();
        });
    });
    drop(store);

    // Each time a copy of a run that nobody has sorted yet.
    let path = folder.path().join("unsettled.db");
    let mut store = SyncStore::open(&path, &connection).unwrap();
    let run = rows::write(&mut store, SETTLED.0, SETTLED.1);
    let end = RunEnd {
        state: RunState::Interrupted,
        finished_at: OffsetDateTime::now_utc(),
        warnings: Vec::new(),
        counters: Counters::default(),
        note: String::new(),
    };
    store.finish_run(&run, &end).unwrap();
    drop(store);
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(1));
    let copy = folder.path().join("copy.db");
    group.bench_function("settle-100k", |bencher| {
        bencher.iter_batched_ref(
            || {
                std::fs::copy(&path, &copy).unwrap();
                let mut store = SyncStore::open(&copy, &connection).unwrap();
                let run = store.resume_run(&run).unwrap();
                (store, run)
            },
            |(store, run)| store.settle(run).unwrap(),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Users as the component makes them of a page.
fn users(runtime: &Runtime) -> Vec<Resource> {
    let connector = connector::connector(&canned_server::start(&canned::users()));
    let answer = runtime.block_on(connector.call(&connector::list("user")));
    match answer.unwrap() {
        Answer::Resources(page) => page.items,
        other => panic!("another answer: {other:?}"),
    }
}
