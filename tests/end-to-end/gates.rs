//! Snapshots that are suspicious as a whole: kept for people to look at, and never current.

use fake_cognito::{Fault, Group, Operation, PoolSpec, Rule, User};
use serde_json::Value;

use crate::support::{Bench, POOL, assert_nothing_is_current, newest_run};

/// So many users, all of them in one group.
pub(crate) fn pool_of(users: usize) -> PoolSpec {
    let name = |number: usize| format!("user-{number:03}");
    let pool = PoolSpec::literal(POOL)
        .users((0..users).map(|number| User::new(name(number))))
        .group(Group::new("staff"));
    (0..users).fold(pool, |pool, number| pool.member(name(number), "staff"))
}

fn remove(bench: &Bench, users: std::ops::Range<usize>) {
    for number in users {
        assert!(bench.pool().remove_user(&format!("user-{number:03}")));
    }
}

#[test]
fn a_snapshot_that_lost_a_fifth_is_kept_and_not_current_unless_that_is_allowed() {
    let bench = Bench::with_pool(pool_of(200));
    bench.json(&["sync"]);
    remove(&bench, 0..41);
    let ran = bench.run(&["sync", "-o", "json"]);
    assert_eq!(ran.code, 9, "{ran:?}");
    let message = ran.message();
    assert!(
        message.contains("159 users") && message.contains("200"),
        "{message}"
    );
    assert!(ran.stderr.contains("--allow-shrink"), "{ran:?}");
    let run = newest_run(&bench);
    assert_eq!(run["state"], "refused");
    assert_eq!(bench.list("users").len(), 200, "the last one stays current");
    let id = run["sync_id"].as_str().unwrap();
    let kept = bench.run(&["list", "users", "--sync", id, "-o", "jsonl"]);
    assert_eq!((kept.code, kept.stdout.lines().count()), (0, 159));

    assert_eq!(bench.run(&["sync"]).code, 9, "asking again changes nothing");
    let summary = bench.json(&["sync", "--allow-shrink"]);
    assert_eq!(summary["users"], 159);
    assert_eq!(bench.list("users").len(), 159);
}

#[test]
fn memberships_that_are_gone_are_as_suspicious_as_users() {
    let bench = Bench::with_pool(pool_of(200));
    bench.json(&["sync"]);
    // The members of the group are cut off without a word, and everything else is there.
    let empty = Fault::Reply(fake_cognito::Reply {
        status: 200,
        headers: vec![(
            "content-type".to_owned(),
            "application/x-amz-json-1.1".to_owned(),
        )],
        body: br#"{"Users":[]}"#.to_vec().into(),
    });
    let rule = Rule::on(Operation::ListUsersInGroup, empty);
    bench.server.faults().add(rule);
    let ran = bench.run(&["sync", "-o", "json"]);
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(ran.message().contains("0 grants"), "{ran:?}");
    assert_eq!(bench.list("grants").len(), 200);
}

#[test]
fn a_loss_of_few_rows_and_what_was_not_asked_for_are_no_shrinking() {
    let bench = Bench::with_pool(pool_of(100));
    bench.json(&["sync"]);
    remove(&bench, 0..20);
    assert_eq!(bench.json(&["sync"])["users"], 80);
    let summary = bench.json(&["sync", "--only", "groups"]);
    assert_eq!(summary["users"], Value::Null);
}

#[test]
fn a_sync_that_asked_for_less_does_not_hide_a_loss_from_the_next_one() {
    let bench = Bench::with_pool(pool_of(100));
    bench.json(&["sync"]);
    // So often that no snapshot of the users is left in the store.
    for _ in 0..3 {
        bench.json(&["sync", "--only", "groups"]);
    }
    remove(&bench, 0..60);
    let ran = bench.run(&["sync", "-o", "json"]);
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(ran.message().contains("40 users"), "{ran:?}");
    assert_eq!(bench.json(&["sync", "--allow-shrink"])["users"], 40);
    assert_eq!(
        bench.json(&["sync"])["users"],
        40,
        "from then on that is known"
    );
}

#[test]
fn many_grants_to_people_whom_nobody_listed_are_not_believed() {
    let bench = Bench::with_pool(pool_of(150));
    let empty = Fault::Reply(fake_cognito::Reply {
        status: 200,
        headers: vec![(
            "content-type".to_owned(),
            "application/x-amz-json-1.1".to_owned(),
        )],
        body: br#"{"Users":[]}"#.to_vec().into(),
    });
    let rule = Rule::on(Operation::ListUsers, empty);
    bench.server.faults().add(rule);
    let ran = bench.run(&["sync", "-o", "json"]);
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(ran.message().contains("150 of 150 grants"), "{ran:?}");
    assert_nothing_is_current(&bench);
    // Allowing less than before does not allow that.
    assert_eq!(bench.run(&["sync", "--allow-shrink"]).code, 9);
}
