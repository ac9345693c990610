//! Pages that are short, empty, long, repeated, stale or in another order.

use std::process::Stdio;

use fake_cognito::{
    Config, Fault, Gate, Group, Key, ListMember, Operation, Paging, PoolSpec, Rule, User,
};
use serde_json::json;

use super::{answer, pool_of, users};
use crate::support::{
    Bench, KEY_ID, POOL, Ran, SECRET, assert_nothing_is_current, assert_rows, bench_with,
    expected_grants, expected_groups, expected_users, ran, warning_count,
};

fn paged(paging: Paging) -> Bench {
    Bench::start(
        Config::new()
            .pool(pool_of(150))
            .key(Key::new(KEY_ID, SECRET))
            .paging(paging),
    )
}

/// Syncs, and does something once all users were listed and before the members are.
fn sync_with_a_change(bench: &Bench, change: impl FnOnce()) -> Ran {
    let gate = Gate::closed();
    let faults = bench.server.faults();
    faults.add(Rule::on(
        Operation::ListUsersInGroup,
        Fault::HeldUntil(gate.clone()),
    ));
    // A single worker reads the lists of resources to their end first.
    let mut sync = bench
        .command(&["sync", "-o", "json", "--workers", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while faults.struck() < 1 {
        assert!(sync.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    change();
    gate.open();
    ran(&sync.wait_with_output().unwrap())
}

#[test]
fn a_short_page_with_a_token_is_not_the_last_one() {
    let bench = paged(Paging {
        short_per_mille: 1000,
        seed: 1,
        ..Paging::default()
    });
    bench.json(&["sync"]);
    let pages = bench.server.log().count(Operation::ListUsers);
    assert!(pages > 3, "{pages} pages are all full");
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
}

#[test]
fn empty_pages_in_a_row_are_not_the_end() {
    let bench = paged(Paging {
        empty_per_mille: 1000,
        empty_at_end: true,
        ..Paging::default()
    });
    bench.json(&["sync"]);
    // Three empty ones before each of three full ones, and after the last.
    assert!(bench.server.log().count(Operation::ListUsers) >= 12);
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
}

#[test]
fn empty_pages_that_lead_to_themselves_are_an_error_and_no_empty_pool() {
    let bench = Bench::with_pool(pool_of(150));
    let trap = answer(r#"{"Users":[],"PaginationToken":"0"}"#);
    let rule = Rule::on(Operation::ListUsers, trap).after(1);
    bench.server.faults().add(rule);
    let ran = bench.run(&["sync", "-o", "json"]);
    assert_eq!(ran.code, 14, "{ran:?}");
    assert!(ran.message().contains("repeats its cursors"), "{ran:?}");
    assert_nothing_is_current(&bench);
}

#[test]
fn a_user_on_two_pages_is_there_once_and_the_repetition_is_counted() {
    let bench = Bench::with_pool(pool_of(150));
    let faults = bench.server.faults();
    faults.add(Rule::on(Operation::ListUsers, Fault::Overlap).after(1));
    let summary = bench.json(&["sync"]);
    assert_eq!(warning_count(&summary, "repeated-rows"), 2, "{summary}");
    assert_eq!(summary["users"], 150);
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
}

#[test]
fn who_is_deleted_after_its_page_was_read_costs_nothing_and_is_in_no_group() {
    let bench = Bench::with_pool(
        pool_of(3)
            .group(Group::new("staff"))
            .member("user-000", "staff")
            .member("user-001", "staff"),
    );
    let listed = expected_users(bench.pool());
    let ran = sync_with_a_change(&bench, || {
        assert!(bench.pool().remove_user("user-001"));
    });
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_rows(&bench.list("users"), &listed);
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
    // There is no detail call that could find somebody gone.
    assert_eq!(bench.server.log().count(Operation::AdminGetUser), 0);
    assert_eq!(bench.run(&["get", "user:user-001"]).code, 5);
}

#[test]
fn a_cursor_that_expires_every_time_ends_the_sync() {
    let expired = Fault::error(
        400,
        "InvalidParameterException",
        "Pagination token has expired.",
    );
    let rule = Rule::on(Operation::ListUsers, expired).containing("PaginationToken");
    let bench = bench_with(rule);
    let ran = bench.run(&["sync", "-o", "json"]);
    assert_eq!(ran.code, 14, "{ran:?}");
    assert!(ran.message().contains("ListUsers"), "{ran:?}");
    // One pass and 24 more, each of a page and a cursor that is refused.
    assert_eq!(bench.server.log().count(Operation::ListUsers), 50);
    assert_nothing_is_current(&bench);
}

#[test]
fn groups_and_members_that_are_missing_from_an_answer_are_an_error_too() {
    for operation in [Operation::ListGroups, Operation::ListUsersInGroup] {
        for member in [ListMember::Absent, ListMember::Null, ListMember::WrongType] {
            let bench = bench_with(Rule::on(operation, Fault::List(member)).nth(1));
            let ran = bench.run(&["sync", "-o", "json"]);
            assert_eq!(ran.code, 14, "{operation} {member:?}: {ran:?}");
            assert!(ran.message().contains(operation.name()), "{ran:?}");
            assert_nothing_is_current(&bench);
        }
    }
}

#[test]
fn a_page_that_is_longer_than_asked_for_is_taken_whole() {
    let bench = Bench::with_pool(pool_of(150));
    bench.server.faults().add(Rule::any(Fault::Oversize));
    bench.json(&["sync"]);
    assert_eq!(bench.server.log().count(Operation::ListUsers), 1);
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
}

#[test]
fn the_order_in_which_the_service_lists_changes_no_byte() {
    let name = |number: usize| format!("user-{number:03}");
    let user = |number: usize| User::new(name(number)).subject(format!("sub-{number}"));
    let group = |number: usize| Group::new(format!("group-{number}"));
    let printed = |users: Vec<usize>, groups: Vec<usize>| {
        let mut pool = PoolSpec::literal(POOL).users(users.iter().copied().map(user));
        for number in &groups {
            pool = pool.group(group(*number));
        }
        for number in users {
            pool = pool.member(name(number), format!("group-{}", number % groups.len()));
        }
        let bench = Bench::with_pool(pool);
        bench.json(&["sync"]);
        ["users", "groups", "entitlements", "grants"].map(|what| {
            ["jsonl", "csv"].map(|format| {
                let ran = bench.run(&["list", what, "-o", format]);
                assert_eq!(ran.code, 0, "{ran:?}");
                ran.stdout
            })
        })
    };
    let forwards = printed((0..100).collect(), (0..5).collect());
    let backwards = printed((0..100).rev().collect(), (0..5).rev().collect());
    assert_eq!(forwards, backwards);
}

#[test]
fn who_signs_up_after_the_list_was_read_is_absent_until_the_next_sync() {
    let bench = Bench::with_pool(pool_of(70).group(Group::new("staff")));
    let ran = sync_with_a_change(&bench, || {
        bench.changed(&["account", "create", "--username", "zoe"]);
    });
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(bench.list("users").len(), 70);
    assert_eq!(bench.json(&["sync"])["users"], 71);
}

#[test]
fn no_users_no_groups_and_no_members_are_answers_like_others() {
    let without_groups = Bench::with_pool(pool_of(1));
    let summary = without_groups.json(&["sync"]);
    assert_eq!(
        (&summary["users"], &summary["groups"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(summary["warnings"], json!([]));
    let empty_group = PoolSpec::literal(POOL).group(Group::new("nobody"));
    let bench = Bench::with_pool(empty_group.users(users(0)));
    let summary = bench.json(&["sync"]);
    assert_eq!(
        (&summary["groups"], &summary["grants"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(summary["warnings"], json!([]));
    assert_rows(&bench.list("groups"), &expected_groups(bench.pool()));
    let group = bench.json(&["show", "group:nobody"]);
    assert_eq!(group["members"], json!([]));
}
