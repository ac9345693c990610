//! The pool that benchmarks read, and the key that may.

pub(crate) const POOL: &str = "eu-central-1_Benchmark";
pub(crate) const KEY_ID: &str = "AKIABENCHMARK0000000";
pub(crate) const SECRET: &str = "benchmark-secret";
