//! Groups: what they carry, and when they change.

use fake_cognito::{Group, PoolSpec};
use serde_json::{Value, json};

use crate::support::{
    Bench, POOL, assert_rows, expected_grants, expected_groups, small_pool, warning_count,
};

#[test]
fn no_precedence_zero_and_the_largest_one_stay_three_things() {
    let role = "arn:aws:iam::123456789012:role/staff";
    let pool = PoolSpec::literal(POOL)
        .group(Group::new("absent"))
        .group(Group::new("largest").precedence(2_147_483_647))
        .group(Group::new("zero").precedence(0).role_arn(role));
    let bench = Bench::with_pool(pool);
    bench.json(&["sync"]);
    let groups = bench.list("groups");
    let attributes: Vec<&Value> = groups.iter().map(|group| &group["attributes"]).collect();
    assert_eq!(
        attributes,
        [
            &json!({}),
            &json!({"precedence": 2_147_483_647}),
            &json!({"precedence": 0, "role_arn": role}),
        ]
    );
    assert_rows(&groups, &expected_groups(bench.pool()));
}

#[test]
fn a_group_that_was_created_again_is_the_same_one_and_is_reported() {
    let bench = Bench::with_pool(small_pool());
    bench.json(&["sync"]);
    assert!(bench.pool().remove_group("admins"));
    let again = Group::new("admins").dated(1_800_000_000_000, 1_800_000_000_000);
    assert!(bench.pool().add_group(again));
    let summary = bench.json(&["sync"]);
    assert_eq!(warning_count(&summary, "recreated"), 1, "{summary}");
    assert!(summary["warnings"].to_string().contains("group:admins"));
    assert_rows(&bench.list("groups"), &expected_groups(bench.pool()));
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
    let summary = bench.json(&["sync"]);
    assert_eq!(summary["warnings"], json!([]), "reported once");
}

#[test]
fn adding_twice_and_removing_nobody_are_successes_and_a_missing_group_is_not() {
    let bench = Bench::with_pool(small_pool());
    for (command, group, outcome) in [
        ("grant", "admins", "already-granted"),
        ("revoke", "admins", "revoked"),
        ("revoke", "admins", "already-revoked"),
        ("grant", "admins", "granted"),
    ] {
        let entitlement = format!("group:{group}:member");
        let printed = bench.changed(&[command, &entitlement, "user:alice"]);
        assert_eq!(printed["outcome"], outcome, "{command}");
    }
    let ran = bench.change(&["revoke", "group:nowhere:member", "user:alice"]);
    ran.assert_refused(5, &["nowhere"]);
}
