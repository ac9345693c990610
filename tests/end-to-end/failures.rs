//! A service that misbehaves: the sync recovers, or says so; it never publishes less
//! than the whole.

use std::process::Stdio;
use std::time::Duration;

use fake_cognito::{Fault, ListMember, Operation, Rule};
use serde_json::Value;

use crate::support::{
    Bench, assert_nothing_is_current, assert_rows, bench_with, expected_grants, expected_users,
    newest_run, varied_pool, warning_count,
};

#[test]
fn passing_faults_cost_a_retry_and_no_row() {
    let cases: Vec<(&str, Fault, Option<&str>)> = vec![
        ("a throttle", Fault::throttled(), None),
        (
            "a throttle with another status",
            Fault::error(429, "TooManyRequestsException", "Rate exceeded"),
            None,
        ),
        (
            "a server error",
            Fault::error(500, "InternalErrorException", "Something went wrong"),
            Some("failure"),
        ),
        (
            "an HTML page from a load balancer",
            Fault::html(503),
            Some("failure"),
        ),
        ("a dropped connection", Fault::Drop, Some("bad-answer")),
        ("an aborted body", Fault::Abort, Some("bad-answer")),
        (
            "a body that is cut off but well framed",
            Fault::Truncate,
            Some("bad-answer"),
        ),
        (
            "bytes that are no text",
            Fault::InvalidUtf8,
            Some("bad-answer"),
        ),
    ];
    for (name, fault, warning) in cases {
        let bench = bench_with(Rule::on(Operation::ListUsers, fault.clone()).nth(3));
        bench
            .server
            .faults()
            .add(Rule::on(Operation::ListUsersInGroup, fault).nth(5));
        let summary = bench.json(&["sync"]);
        assert_eq!(bench.server.faults().struck(), 2, "{name}");
        assert_eq!(summary["retries"], 2, "{name}: {summary}");
        for code in ["failure", "bad-answer"] {
            let times = if warning == Some(code) { 2 } else { 0 };
            assert_eq!(warning_count(&summary, code), times, "{name}: {summary}");
        }
        assert_rows(&bench.list("users"), &expected_users(bench.pool()));
        assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
    }
}

#[test]
fn throttles_are_counted() {
    let bench = bench_with(Rule::on(Operation::ListUsersInGroup, Fault::throttled()).times(3));
    let summary = bench.json(&["sync", "--workers", "1"]);
    assert_eq!(
        (&summary["throttled"], &summary["retries"]),
        (&Value::from(3), &Value::from(3))
    );
}

#[test]
fn a_list_that_is_missing_from_the_answer_is_an_error_and_never_an_empty_pool() {
    for member in [ListMember::Absent, ListMember::Null, ListMember::WrongType] {
        let bench = bench_with(Rule::on(Operation::ListUsers, Fault::List(member)).after(2));
        let ran = bench.run(&["sync", "-o", "json"]);
        assert_eq!(ran.code, 14, "{member:?}: {ran:?}");
        assert!(
            ran.stderr.contains("Users") || ran.stderr.contains("ListUsers"),
            "{ran:?}"
        );
        assert_nothing_is_current(&bench);
        assert_eq!(newest_run(&bench)["state"], "interrupted");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Bench::with_pool(varied_pool());
    let bench = bench_with(Rule::on(
        Operation::ListUsers,
        Fault::redirect(&elsewhere.server.endpoint()),
    ));
    let ran = bench.run(&["sync"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert_eq!(elsewhere.server.log().total(), 0);
    assert_nothing_is_current(&bench);
}

#[test]
fn a_captive_portal_is_not_taken_for_the_service() {
    let bench = bench_with(Rule::any(Fault::html(200)));
    let ran = bench.run(&["sync"]);
    assert_eq!(ran.code, 14, "{ran:?}");
    assert!(!bench.store().exists());
}

#[test]
fn a_hard_quota_is_not_retried() {
    let fault = Fault::error(400, "LimitExceededException", "Exceeded a limit");
    let bench = bench_with(Rule::on(Operation::ListUsersInGroup, fault));
    let ran = bench.run(&["sync", "--workers", "1"]);
    assert_eq!(ran.code, 8, "{ran:?}");
    assert_eq!(bench.server.log().count(Operation::ListUsersInGroup), 1);
}

#[test]
fn a_stopped_sync_ends_orderly_and_leaves_no_snapshot() {
    let bench =
        bench_with(Rule::on(Operation::ListUsers, Fault::Delay(Duration::from_secs(600))).after(3));
    let mut child = bench
        .command(&["sync"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The fourth page is under way, so the third one is stored.
    while bench.server.log().count(Operation::ListUsers) < 4 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(10), "{output:?}");
    assert_eq!(newest_run(&bench)["state"], "interrupted");
    assert_nothing_is_current(&bench);
}

#[test]
fn a_killed_sync_leaves_no_snapshot_and_the_next_one_works() {
    let bench =
        bench_with(Rule::on(Operation::ListUsers, Fault::Delay(Duration::from_secs(600))).nth(4));
    let mut child = bench.command(&["sync"]).spawn().unwrap();
    while bench.server.log().count(Operation::ListUsers) < 4 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    let second = bench.run(&["sync"]);
    assert_eq!(second.code, 9, "two syncs of one store: {second:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_nothing_is_current(&bench);
    assert_eq!(newest_run(&bench)["state"], "interrupted");
    bench.json(&["sync"]);
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
}

#[test]
fn a_single_call_gives_up_early_and_says_so() {
    let bench = bench_with(Rule::any(Fault::html(503)));
    let ran = bench.run(&["get", "user:alice"]);
    assert_eq!(ran.code, 14, "{ran:?}");
    assert!(ran.stderr.contains("tried 3 times"), "{ran:?}");
    assert_eq!(bench.server.log().total(), 3);
}
