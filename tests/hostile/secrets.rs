//! What a component can find out about the machine and the people that run it.

use connector_host::cli::Failure;

use crate::bench::{Bench, KEY_ID, POOL, SECRET, list};

/// Everything that a component knows, by its own word: it tells it backwards, so that
/// nothing on the way recognises a secret and takes it out.
async fn told(bench: &Bench) -> String {
    let hostile = bench.hostile("tell-secrets").await;
    let error = bench.call(&hostile, &list("user")).await.unwrap_err();
    let failure = Failure::from(&error);
    let told: String = failure.message.chars().rev().collect();
    assert!(told.contains(POOL), "it tells nothing: {told}");
    told
}

#[tokio::test]
async fn a_component_sees_no_environment_and_no_arguments() {
    let bench = Bench::start().await;
    // The test has both.
    assert!(std::env::vars().next().is_some() && std::env::args().next().is_some());
    let told = told(&bench).await;
    for sort in ["env ", "arg "] {
        assert!(!told.contains(sort), "{told}");
    }
}

#[tokio::test]
async fn a_component_that_looks_for_keys_finds_none() {
    let bench = Bench::start().await;
    let told = told(&bench).await;
    for key in [KEY_ID, SECRET, "aws-access-key-id", "aws-secret-access-key"] {
        assert!(!told.contains(key), "{told}");
    }
}
