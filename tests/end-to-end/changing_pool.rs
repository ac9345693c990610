//! A pool that changes while it is read, or a service that contradicts itself about it:
//! what is gone is left out and counted, and what can't be believed is not published.

use std::process::Stdio;

use fake_cognito::{Fault, Gate, Group, Operation, PoolSpec, Rule, User};
use serde_json::Value;

use crate::support::{
    Bench, POOL, Ran, assert_nothing_is_current, assert_rows, bench_with, expected_grants,
    expected_groups, expected_users, newest_run,
};

fn warning_counts(summary: &Value) -> Vec<(String, u64)> {
    let warnings = summary["warnings"].as_array().unwrap().iter();
    warnings
        .map(|one| {
            (
                one["code"].as_str().unwrap().to_owned(),
                one["count"].as_u64().unwrap(),
            )
        })
        .collect()
}

/// 200 users and 130 groups, each user in one group, listed in the order of their names.
fn numbered_pool() -> PoolSpec {
    let users = (0..200).map(|number| User::new(format!("user-{number:03}")));
    let groups = (0..130).map(|number| Group::new(format!("group-{number:03}")));
    let pool = groups.fold(PoolSpec::literal(POOL).users(users), PoolSpec::group);
    (0..200).fold(pool, |pool, number| {
        pool.member(
            format!("user-{number:03}"),
            format!("group-{:03}", number % 130),
        )
    })
}

#[test]
fn a_cursor_that_expires_begins_its_list_again_and_forgets_what_is_gone() {
    let bench = Bench::with_pool(numbered_pool());
    for (operation, from, to) in [
        (Operation::ListUsers, "user-000", "ghost-user"),
        (Operation::ListGroups, "group-000", "ghost-group"),
    ] {
        // In the first pass somebody else is there, in the second one nobody is.
        let replaced = Fault::Replace {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        // The first rule takes the first request, so the second one strikes at the third.
        let expired = Fault::error(400, "InvalidParameterException", "Invalid token");
        bench
            .server
            .faults()
            .add(Rule::on(operation, replaced).nth(1));
        bench
            .server
            .faults()
            .add(Rule::on(operation, expired).nth(2));
    }
    let summary = bench.json(&["sync", "--workers", "1"]);
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    assert_rows(&bench.list("groups"), &expected_groups(bench.pool()));
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
    assert_eq!(bench.list("entitlements").len(), 130);
    assert!(
        warning_counts(&summary).contains(&("restarted".to_owned(), 2)),
        "{summary}"
    );
}

/// Syncs while the requests for members are held up until groups have been deleted.
fn sync_while_groups_are_deleted(doomed: &[&str]) -> (Bench, Ran) {
    let gate = Gate::closed();
    let held_up = Fault::HeldUntil(gate.clone());
    let bench = Bench::with_pool(numbered_pool());
    bench
        .server
        .faults()
        .add(Rule::on(Operation::ListUsersInGroup, held_up));
    let sync = bench
        .command(&["sync", "-o", "json", "--workers", "4"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while bench.server.log().count(Operation::ListGroups) < 3 {
        std::thread::yield_now();
    }
    for group in doomed {
        assert!(bench.pool().remove_group(group));
    }
    gate.open();
    let ran = crate::support::ran(&sync.wait_with_output().unwrap());
    (bench, ran)
}

#[test]
fn a_group_that_is_deleted_during_a_sync_is_left_out_and_counted() {
    let (bench, ran) = sync_while_groups_are_deleted(&["group-007", "group-129"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(
        warning_counts(&summary).contains(&("vanished".to_owned(), 2)),
        "{summary}"
    );
    assert_rows(&bench.list("groups"), &expected_groups(bench.pool()));
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
    assert_eq!(bench.list("entitlements").len(), 128);
}

#[test]
fn a_sync_during_which_most_groups_are_deleted_is_not_believed() {
    let doomed: Vec<String> = (0..100)
        .map(|number| format!("group-{number:03}"))
        .collect();
    let doomed: Vec<&str> = doomed.iter().map(String::as_str).collect();
    let (bench, ran) = sync_while_groups_are_deleted(&doomed);
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(ran.stderr.contains("100 of 130"), "{ran:?}");
    assert_nothing_is_current(&bench);
    assert_eq!(newest_run(&bench)["state"], "refused");
}

#[test]
fn a_list_far_below_the_estimate_is_worth_a_warning() {
    let bench = Bench::with_pool(numbered_pool().estimate(2000));
    let summary = bench.json(&["sync"]);
    assert_eq!(warning_counts(&summary), [("below-estimate".to_owned(), 1)]);
}

#[test]
fn a_throttled_estimate_does_not_stop_a_sync() {
    let bench = bench_with(Rule::on(Operation::DescribeUserPool, Fault::throttled()));
    bench.json(&["sync"]);
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
}

#[test]
fn a_service_that_denies_a_group_that_it_lists_is_not_believed() {
    // With the first page of members, with a later one, and of the only group there is.
    let only = PoolSpec::literal(POOL)
        .users((0..100).map(|number| User::new(format!("user-{number:03}"))))
        .group(Group::new("everybody"));
    let only = (0..100).fold(only, |pool, number| {
        pool.member(format!("user-{number:03}"), "everybody")
    });
    for page in [1, 2] {
        let bench = Bench::with_pool(only.clone());
        let fault = Fault::error(400, "ResourceNotFoundException", "Group not found.");
        bench
            .server
            .faults()
            .add(Rule::on(Operation::ListUsersInGroup, fault).nth(page));
        let ran = bench.run(&["sync"]);
        assert_eq!(ran.code, 9, "{ran:?}");
        assert!(ran.stderr.contains("group:everybody"), "{ran:?}");
        assert_nothing_is_current(&bench);
        assert_eq!(newest_run(&bench)["state"], "refused");
    }
}

#[test]
fn a_pool_that_is_deleted_during_a_sync_leaves_no_snapshot() {
    let bench = Bench::with_pool(numbered_pool());
    let fault = Fault::error(
        400,
        "ResourceNotFoundException",
        "User pool eu-central-1_Ab1Cd2Ef3 does not exist.",
    );
    bench.server.faults().add(Rule::any(fault).after(8));
    let ran = bench.run(&["sync", "--workers", "1"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert_nothing_is_current(&bench);
}
