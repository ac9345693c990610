//! `sync --fail-on-change`: a scheduled job that watches a pool.

use crate::support::{Bench, small_pool, varied_pool};

#[test]
fn a_sync_ends_with_1_if_what_is_watched_has_changed_since_the_last_one() {
    let bench = Bench::with_pool(small_pool());
    let watch = |what: &str| bench.run(&["sync", "-o", "json", "--fail-on-change", what]);
    let first = watch("any");
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.stderr.contains("no snapshot before"), "{first:?}");
    assert_eq!(watch("any").code, 0, "nothing has changed");

    assert!(bench.pool().remove_user("bob"));
    assert_eq!(watch("groups").code, 0, "users are not watched");
    assert_eq!(watch("any").code, 0, "it is the last snapshot that counts");
    assert!(bench.pool().remove_user("carol"));
    let changed = watch("users,groups");
    assert_eq!(changed.code, 1, "{changed:?}");
    assert!(changed.stderr.contains("users: 1 removed"), "{changed:?}");
    let summary: serde_json::Value = serde_json::from_str(&changed.stdout).unwrap();
    assert_eq!(summary["complete"], true, "it is published all the same");
    assert_eq!(summary["changes"]["users"]["removed"], 1);
    assert_eq!(summary["changes"]["groups"]["removed"], 0);
    assert_eq!(summary["changes"]["grants"], serde_json::Value::Null);
    assert_eq!(bench.list("users").len(), 1);
}

#[test]
fn the_comparison_needs_no_second_snapshot_in_the_store() {
    let bench = Bench::with_pool(small_pool());
    bench.json(&["sync", "--keep", "1"]);
    assert!(bench.pool().remove_group("developers"));
    let changed = bench.run(&["sync", "--fail-on-change", "grants"]);
    assert_eq!(changed.code, 1, "{changed:?}");
    assert_eq!(bench.json(&["syncs"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_sync_that_asked_for_less_does_not_make_the_watcher_blind() {
    let bench = Bench::with_pool(small_pool());
    bench.json(&["sync"]);
    bench.json(&["sync", "--only", "groups"]);
    assert!(bench.pool().remove_user("bob"));
    let changed = bench.run(&["sync", "--fail-on-change", "users"]);
    assert_eq!(changed.code, 1, "{changed:?}");
    assert!(changed.stderr.contains("users: 1 removed"), "{changed:?}");
}

#[test]
fn a_failure_is_told_and_not_a_change() {
    let bench = Bench::with_pool(crate::gates::pool_of(100));
    bench.json(&["sync"]);
    for number in 0..50 {
        assert!(bench.pool().remove_user(&format!("user-{number:03}")));
    }
    let ran = bench.run(&["sync", "--fail-on-change", "any"]);
    assert_eq!(ran.code, 9, "the gate refuses it: {ran:?}");
}

#[test]
fn what_is_not_known_is_not_taken_for_unchanged_without_a_word() {
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync", "--only", "groups"]);
    let ran = bench.run(&["sync", "--quiet", "--fail-on-change", "any"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("not compared: users"), "{ran:?}");
    for (arguments, words) in [
        (&["--fail-on-change", "roles"][..], &["roles", "any"][..]),
        (
            &["--only", "groups", "--fail-on-change", "users"],
            &["--only"],
        ),
    ] {
        let ran = bench.run(&[&["sync", "-o", "json"], arguments].concat());
        ran.assert_refused(3, words);
    }
}
