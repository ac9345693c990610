//! Carries out one operation of the connector's own code a number of times, for a program
//! that counts instructions.
//!
//! `tests/benchmarks/instructions` runs it; `OPERATION COUNT` are its arguments.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for developers, which may fail by panic"
)]

mod canned;
mod offline;

use offline::Operation;

fn main() {
    // Cargo adds its own.
    let arguments = std::env::args().skip(1).filter(|word| word != "--bench");
    let arguments: Vec<String> = arguments.collect();
    let [name, count] = arguments.as_slice() else {
        println!("nothing is counted here: run tests/benchmarks/instructions");
        return;
    };
    let named = |operation: &Operation| operation.name() == name;
    let carry_out = Operation::ALL.into_iter().find(named).unwrap().prepare();
    for _ in 0..count.parse::<u64>().unwrap() {
        carry_out();
    }
}
