//! Attacks on the machine that runs the component: each is ended by a limit that says so,
//! the instance is gone with it, and the host goes on.

use connector_host::cli::{ExitCode, Failure};
use connector_host::connector::ConnectorError;
use connector_host::engine::{Answer, LoadError, Request};
use fake_cognito::{Fault, Operation, Rule};
use guests::hostile::{self, Part};

use crate::bench::{Bench, Hostile, list};

/// Whatever ends the call, it blames the component, sends nothing, and names the call.
async fn is_ended(attack: &str, words: &[&str]) {
    let bench = Bench::start().await;
    let refused = bench.refused(attack, &list("user")).await;
    refused.is_broken(&[&["sync.list-resources"], words].concat());
}

/// A call that is only ended by the test.
async fn unlimited(hostile: &Hostile) -> Result<Answer, ConnectorError> {
    let session = hostile.connector.session().await?;
    let called = session.instance.call(&list("user")).await;
    Ok(called.map(|(_, answer)| answer)?)
}

#[tokio::test]
async fn what_never_ends_disturbs_nobody_while_it_lasts() {
    let bench = Bench::start().await;
    for attack in [
        "infinite-loop",
        "ask-the-time-for-ever",
        "poll-for-ever",
        "park",
    ] {
        let hostile = bench.hostile(attack).await;
        bench.disturbs_nobody(&hostile, unlimited(&hostile)).await;
    }
}

#[tokio::test]
async fn an_infinite_loop_is_ended() {
    is_ended(
        "infinite-loop",
        &["the limit `compute`", "went on computing"],
    )
    .await;
}

#[tokio::test]
async fn asking_the_host_for_ever_is_computing_too() {
    is_ended(
        "ask-the-time-for-ever",
        &["the limit `compute`", "went on computing"],
    )
    .await;
}

#[tokio::test]
async fn waiting_for_what_never_comes_is_ended_by_the_clock() {
    let bench = Bench::start().await;
    let hostile = bench.hostile_within("park", "call-time=50ms").await;
    let session = hostile.connector.session().await.unwrap();
    let request = list("user");
    let (called, ()) = tokio::join!(
        session.instance.call(&request),
        bench.neighbour.reads_everything()
    );
    let Err(error) = called else {
        panic!("it came back");
    };
    let failure = Failure::from(&error);
    assert_eq!(failure.code, ExitCode::DeadlineExceeded, "{failure:?}");
    assert!(failure.message.contains("did not finish"), "{failure:?}");
    assert!(
        failure.message.contains("sync.list-resources"),
        "{failure:?}"
    );
    hostile.connector.call(&list("group")).await.unwrap();
}

#[tokio::test]
async fn a_panic_is_told_without_its_escape_sequences() {
    is_ended("panic with \u{1b}[2J\u{1b}]0;owned\u{7}gotcha", &["gotcha"]).await;
}

#[tokio::test]
async fn ending_the_program_ends_the_component_alone() {
    is_ended("exit", &[]).await;
}

#[tokio::test]
async fn endless_recursion_is_ended() {
    is_ended("recurse", &["call stack exhausted"]).await;
}

#[tokio::test]
async fn a_memory_bomb_is_ended() {
    is_ended("memory-bomb", &["the limit `memory`"]).await;
}

#[tokio::test]
async fn a_bomb_of_random_numbers_is_ended() {
    is_ended("random-bomb", &["the limit `random`"]).await;
}

#[tokio::test]
async fn a_bomb_of_the_hosts_own_resources_is_ended() {
    is_ended("resource-bomb", &["the limit `host-resources`"]).await;
}

#[tokio::test]
async fn a_bomb_of_handles_is_ended() {
    let bench = Bench::start().await;
    let hostile = bench.hostile("handle-bomb during open").await;
    let called = bench.call(&hostile, &list("user")).await;
    let failure = Failure::from(&called.unwrap_err());
    assert_eq!(failure.code, ExitCode::Component, "{failure:?}");
    assert!(failure.message.contains("sync.open"), "{failure:?}");
    assert!(
        failure.message.contains("the limit `handles`"),
        "{failure:?}"
    );
    assert_eq!(bench.requests(), 0);
}

#[tokio::test]
async fn forty_thousand_headers_are_refused_before_they_are_a_request() {
    is_ended("many-headers", &["the limit `request-headers`"]).await;
}

#[tokio::test]
async fn a_header_of_a_megabyte_is_refused_before_it_is_a_request() {
    is_ended("long-header", &["the limit `request-headers`"]).await;
}

#[tokio::test]
async fn a_page_that_is_larger_than_the_host_takes_is_refused() {
    is_ended("unasked-huge-page with 100000", &["the limit `host-call`"]).await;
}

#[tokio::test]
async fn a_page_of_a_gigabyte_is_a_memory_bomb() {
    is_ended("unasked-huge-page with 10000000", &["the limit `memory`"]).await;
}

#[tokio::test]
async fn a_flood_on_the_log_is_cut_and_the_call_goes_on() {
    let bench = Bench::start().await;
    let hostile = bench.hostile("flood-the-log").await;
    let answer = bench.call(&hostile, &list("user")).await.unwrap();
    assert!(matches!(answer, Answer::Resources(page) if page.items.len() == 2));
}

#[tokio::test]
async fn last_words_steer_no_terminal_and_fill_no_screen() {
    let bench = Bench::start().await;
    let refused = bench.refused("flood-and-panic", &list("user")).await;
    refused.is_broken(&["sync.list-resources", "last words"]);
    // A screen of words is enough of them.
    assert!(refused.failure.message.len() < 10_000, "{refused:?}");
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_cut_off_whoever_goes_on_reading() {
    let bench = Bench::start().await;
    let endless = Rule::on(Operation::ListUsers, Fault::Endless);
    bench.server.faults().add(endless);
    let hostile = bench.hostile("read-for-ever").await;
    let error = bench.call(&hostile, &list("user")).await.unwrap_err();
    let failure = Failure::from(&error);
    assert_eq!(failure.code, ExitCode::Unavailable, "{failure:?}");
    assert!(failure.message.contains("ListUsers"), "{failure:?}");
    hostile.connector.call(&list("group")).await.unwrap();
}

/// What is wrong with a component that nobody has called yet.
async fn describing(bench: &Bench, component: &[u8]) -> Failure {
    let component = bench.engine.load(component).unwrap();
    let (described, ()) = tokio::join!(component.describe(), bench.neighbour.reads_everything());
    Failure::from(&described.unwrap_err())
}

#[tokio::test]
async fn a_component_that_is_too_large_before_it_runs_is_not_started() {
    let bench = Bench::start().await;
    for part in [
        Part::Table(1_000_000),
        Part::Memory(4096),
        Part::Instances(200),
    ] {
        let failure = describing(&bench, &hostile::component_with(part)).await;
        assert_eq!(failure.code, ExitCode::Component, "{part:?}: {failure:?}");
        assert!(
            failure.message.contains("describe"),
            "{part:?}: {failure:?}"
        );
    }
}

#[tokio::test]
async fn an_added_part_that_wants_little_is_none_to_refuse() {
    let bench = Bench::start().await;
    for part in [Part::Table(10), Part::Memory(1), Part::Instances(2)] {
        let bytes = hostile::component_with(part);
        let component = bench.engine.load(&bytes).unwrap();
        component.describe().await.unwrap();
    }
}

#[tokio::test]
async fn a_component_that_computes_for_ever_as_it_starts_is_ended() {
    let bench = Bench::start().await;
    let failure = describing(&bench, &hostile::component_with(Part::EndlessStart)).await;
    assert!(
        [ExitCode::Component, ExitCode::DeadlineExceeded].contains(&failure.code),
        "{failure:?}"
    );
}

#[tokio::test]
async fn bytes_that_are_cut_off_or_longer_than_allowed_are_not_compiled() {
    let bench = Bench::start().await;
    let whole = hostile::component("none");
    let half = whole.get(..whole.len() / 2).unwrap();
    let refused = bench.engine.load(half);
    assert!(matches!(refused, Err(LoadError::Invalid(_))));
    let mut long = whole;
    long.resize(65 << 20, 0);
    let refused = bench.engine.load(&long);
    assert!(matches!(refused, Err(LoadError::TooLarge { .. })));
}

#[tokio::test]
async fn no_call_leaves_anything_behind_for_the_next() {
    let bench = Bench::start().await;
    let hostile = bench.hostile("memory-bomb").await;
    // More bombs than fit into one memory, one after the other.
    for _ in 0..3 {
        hostile.connector.call(&list("user")).await.unwrap_err();
    }
    let request: Request = list("group");
    bench.call(&hostile, &request).await.unwrap();
}
