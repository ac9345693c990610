//! What the connector's own code costs outside of the sandbox: signing a request, parsing
//! a page.
//!
//! `cargo bench --package cognito-connector --bench micro`
//!
//! For figures that hold on a noisy machine see the instruction counts of the same operations
//! (`tests/benchmarks/instructions`).

#![expect(
    clippy::unwrap_used,
    reason = "a program for developers, which may fail by panic"
)]

mod canned;
mod offline;

use std::time::Duration;

use criterion::Criterion;
use offline::Operation;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let mut group = criterion.benchmark_group("plugin");
    for operation in Operation::ALL {
        let carry_out = operation.prepare();
        group.bench_function(operation.name(), |bencher| bencher.iter(&carry_out));
    }
    group.finish();
    criterion.final_summary();
}
