//! A service that misbehaves: the sync recovers, or says so; it never publishes less
//! than the whole.

use std::process::Stdio;
use std::time::Duration;

use fake_cognito::{
    Class, Config, Fault, Gate, Generated, Group, Key, ListMember, Operation, PoolSpec, Rule, User,
};
use serde_json::Value;

use crate::support::{
    Bench, KEY_ID, POOL, Ran, SECRET, assert_rows, expected_grants, expected_groups,
    expected_users, varied_pool,
};

fn bench_with(rule: Rule) -> Bench {
    Bench::start(
        Config::new()
            .pool(varied_pool())
            .key(Key::new(KEY_ID, SECRET))
            .fault(rule),
    )
}

/// The state of the newest run, and whether anything is current.
fn newest_run(bench: &Bench) -> Value {
    bench
        .json(&["syncs"])
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone()
}

fn assert_nothing_is_current(bench: &Bench) {
    let listed = bench.run(&["list", "users"]);
    assert_eq!(listed.code, 5, "{listed:?}");
    assert_eq!(listed.stdout, "");
}

#[test]
fn passing_faults_cost_a_retry_and_no_row() {
    let faults: Vec<(&str, Fault)> = vec![
        ("a throttle", Fault::throttled()),
        (
            "a throttle with another status",
            Fault::error(429, "TooManyRequestsException", "Rate exceeded"),
        ),
        (
            "a server error",
            Fault::error(500, "InternalErrorException", "Something went wrong"),
        ),
        ("an HTML page from a load balancer", Fault::html(503)),
        ("a dropped connection", Fault::Drop),
        ("an aborted body", Fault::Abort),
        ("a body that is cut off but well framed", Fault::Truncate),
        ("bytes that are no text", Fault::InvalidUtf8),
    ];
    for (name, fault) in faults {
        let bench = bench_with(Rule::on(Operation::ListUsers, fault.clone()).nth(3));
        bench
            .server
            .faults()
            .add(Rule::on(Operation::ListUsersInGroup, fault).nth(5));
        let summary = bench.json(&["sync"]);
        assert_eq!(bench.server.faults().struck(), 2, "{name}");
        assert_eq!(summary["retries"], 2, "{name}: {summary}");
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
fn a_list_that_never_ends_is_found_out() {
    let bench = bench_with(Rule::on(Operation::ListUsers, Fault::RepeatToken).after(3));
    let ran = bench.run(&["sync"]);
    assert_eq!(ran.code, 13, "{ran:?}");
    assert!(ran.stderr.contains("cursor for the second time"), "{ran:?}");
    assert_nothing_is_current(&bench);
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

fn sync_with_rights(denied: &[Operation]) -> (Bench, Ran) {
    let key = Key::new(KEY_ID, SECRET).deny(denied.iter().copied());
    let bench = Bench::start(Config::new().pool(varied_pool()).key(key));
    let ran = bench.run(&["sync", "-o", "json"]);
    (bench, ran)
}

#[test]
fn a_missing_right_names_every_missing_action_and_leaves_a_partial_run_that_is_not_current() {
    let cases: &[(&[Operation], &[&str])] = &[
        (
            &[Operation::ListUsersInGroup],
            &["cognito-idp:ListUsersInGroup"],
        ),
        (
            &[Operation::ListUsers, Operation::ListUsersInGroup],
            &["cognito-idp:ListUsers", "cognito-idp:ListUsersInGroup"],
        ),
        (
            &[Operation::ListGroups, Operation::ListUsersInGroup],
            &["cognito-idp:ListGroups", "cognito-idp:ListUsersInGroup"],
        ),
    ];
    for (denied, named) in cases {
        let (bench, ran) = sync_with_rights(denied);
        assert_eq!(ran.code, 7, "{ran:?}");
        let object: Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
        let message = object["error"]["message"].as_str().unwrap();
        let lacking = message
            .split("lack ")
            .nth(1)
            .unwrap()
            .split(';')
            .next()
            .unwrap();
        assert_eq!(lacking.split(", ").collect::<Vec<_>>(), *named, "{message}");
        assert!(object["error"]["request_id"].is_string(), "{object}");
        assert_nothing_is_current(&bench);
        assert_eq!(newest_run(&bench)["state"], "partial");
    }
}

#[test]
fn a_snapshot_stays_current_when_the_next_sync_lacks_a_right() {
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync"]);
    let before = bench.run(&["list", "grants", "-o", "jsonl"]).stdout;
    bench
        .server
        .credentials()
        .put(Key::new(KEY_ID, SECRET).deny([Operation::ListUsersInGroup]));
    assert_eq!(bench.run(&["sync"]).code, 7);
    assert_eq!(bench.run(&["list", "grants", "-o", "jsonl"]).stdout, before);
}

#[test]
fn an_estimate_that_may_not_be_read_does_not_matter() {
    let (_, ran) = sync_with_rights(&[Operation::DescribeUserPool]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn validate_tells_which_right_is_missing_without_reading_a_user() {
    let bench = Bench::with_pool(varied_pool());
    let report = bench.json(&["validate"]);
    assert_eq!(report["ok"], true, "{report}");
    assert!(
        report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|check| check["status"] == "ok"),
        "{report}"
    );

    bench
        .server
        .credentials()
        .put(Key::new(KEY_ID, SECRET).deny([Operation::AdminGetUser]));
    let ran = bench.run(&["validate", "-o", "json"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["ok"], false);
    let failed: Vec<&Value> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["status"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1, "{report}");
    assert!(
        failed[0]["detail"]
            .as_str()
            .unwrap()
            .contains("cognito-idp:AdminGetUser"),
        "{report}"
    );
}

#[test]
fn expired_credentials_are_told_as_such() {
    let bench = Bench::with_pool(varied_pool());
    let key = Key::new("ASIAEXPIRED000000000", SECRET)
        .session_token("the-session-token")
        .expires_at_ms(1_000);
    bench.server.credentials().put(key);
    let mut command = bench.command(&["sync"]);
    command
        .env("CONNECTOR_AWS_ACCESS_KEY_ID", "ASIAEXPIRED000000000")
        .env("CONNECTOR_AWS_SESSION_TOKEN", "the-session-token");
    let ran = crate::support::finish(&mut command);
    assert_eq!(ran.code, 16, "{ran:?}");
    assert!(ran.stderr.contains("expired"), "{ran:?}");
    assert!(!ran.stderr.contains("the-session-token"), "{ran:?}");
}

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

#[test]
fn a_wrong_clock_is_corrected_from_the_answer() {
    for minutes in [-20, 20] {
        let bench = Bench::with_pool(varied_pool());
        bench.server.clock().set_offset_ms(minutes * 60_000);
        bench.json(&["sync", "--workers", "1"]);
        assert_rows(&bench.list("users"), &expected_users(bench.pool()));
        let refused = bench
            .server
            .log()
            .entries()
            .iter()
            .filter(|entry| entry.status != Some(200))
            .count();
        // Each instance finds it out once and remembers it.
        assert!(
            (1..=4).contains(&refused),
            "{minutes} min: {refused} refusals"
        );
    }
}

#[test]
fn credentials_that_expire_are_renewed_also_for_a_page_that_failed_before() {
    let bench = Bench::with_pool(varied_pool());
    let folder = bench.folder.path();
    for (name, key) in [
        ("old", "ASIAOLD0000000000000"),
        ("new", "ASIANEW0000000000000"),
    ] {
        bench
            .server
            .credentials()
            .put(Key::new(key, SECRET).session_token("token"));
        let credentials = serde_json::json!({
            "Version": 1,
            "AccessKeyId": key,
            "SecretAccessKey": SECRET,
            "SessionToken": "token",
            "Expiration": "2999-01-01T00:00:00Z",
        });
        std::fs::write(folder.join(name), credentials.to_string()).unwrap();
    }
    std::fs::create_dir(folder.join(".aws")).unwrap();
    let script = "cat \"$0/old\" 2>/dev/null && rm \"$0/old\" || cat \"$0/new\"";
    let script_file = folder.join("rotate.sh");
    std::fs::write(
        &script_file,
        script.replace("$0", &folder.display().to_string()),
    )
    .unwrap();
    std::fs::write(
        folder.join(".aws/config"),
        format!(
            "[default]\ncredential_process = sh {}\n",
            script_file.display()
        ),
    )
    .unwrap();
    let faults = bench.server.faults();
    let broken = Fault::error(500, "InternalErrorException", "Something went wrong");
    let expired = Fault::error(
        400,
        "ExpiredTokenException",
        "The security token is expired",
    );
    faults.add(Rule::on(Operation::ListUsers, broken).nth(3));
    faults.add(Rule::on(Operation::ListUsers, expired).nth(4));
    let mut command = bench.command(&["sync", "--workers", "1"]);
    command
        .env_remove("CONNECTOR_AWS_ACCESS_KEY_ID")
        .env_remove("CONNECTOR_AWS_SECRET_ACCESS_KEY")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let ran = crate::support::finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    let keys: std::collections::BTreeSet<String> = bench
        .server
        .log()
        .entries()
        .iter()
        .filter_map(|entry| entry.key_id.clone())
        .collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
}

#[test]
fn a_refused_key_leaves_no_trace_in_an_existing_store() {
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync"]);
    let before = bench.json(&["syncs"]);
    let mut command = bench.command(&["sync"]);
    command.env(
        "CONNECTOR_AWS_SECRET_ACCESS_KEY",
        "another-secret-9876543210",
    );
    assert_eq!(crate::support::finish(&mut command).code, 16);
    assert_eq!(bench.json(&["syncs"]), before);
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
fn pacing_holds_at_a_loopback_endpoint_too() {
    let pool = PoolSpec::generated(
        POOL,
        Generated {
            users: 1500,
            groups: 3,
            ..Generated::default()
        },
    );
    // About 30 lists of users: at the default pace none of them is too early.
    let throttled = |paced: bool| {
        let bench = Bench::with_pool(pool.clone());
        bench.server.quotas().set(Class::UserList, Some(6.0));
        let mut command = bench.command(&["sync", "-o", "json"]);
        if paced {
            command.env_remove("CONNECTOR_MAX_RATE");
        }
        let ran = crate::support::finish(&mut command);
        assert_eq!(ran.code, 0, "{ran:?}");
        let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
        summary["throttled"].as_u64().unwrap()
    };
    assert!(throttled(false) > 0, "the quota bites whoever is faster");
    assert_eq!(throttled(true), 0);
}

#[test]
fn a_single_call_gives_up_early_and_says_so() {
    let bench = bench_with(Rule::any(Fault::html(503)));
    let ran = bench.run(&["get", "user:alice"]);
    assert_eq!(ran.code, 14, "{ran:?}");
    assert!(ran.stderr.contains("tried 3 times"), "{ran:?}");
    assert_eq!(bench.server.log().total(), 3);
}

#[test]
fn an_incomplete_run_is_never_shown_without_a_word() {
    let (bench, _) = sync_with_rights(&[Operation::ListUsersInGroup]);
    let id = newest_run(&bench)["sync_id"].as_str().unwrap().to_owned();
    for arguments in [&["list", "users"][..], &["list", "grants"], &["stats"]] {
        let ran = bench.run(&[arguments, &["--sync", &id, "--quiet"]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("is partial"), "{ran:?}");
    }
}
