//! Keys that may not do everything, that expire or that are wrong, and clocks that are.

use fake_cognito::{Config, Fault, Key, Operation, Rule};
use serde_json::Value;

use crate::support::{
    Bench, KEY_ID, Ran, SECRET, assert_nothing_is_current, assert_rows, expected_users, newest_run,
    varied_pool,
};

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
            // Rights to change can't be checked without changing something.
            .all(|check| check["status"] == "ok"
                || check["detail"].as_str().unwrap().contains("only a change")),
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

#[test]
fn a_wrong_clock_is_corrected_from_the_answer() {
    for (holder, most) in [("sealed", 1), ("pass", 4)] {
        for minutes in [-20, 20] {
            let bench = Bench::with_pool(varied_pool());
            bench.server.clock().set_offset_ms(minutes * 60_000);
            bench.json(&["sync", "--workers", "1", "--credentials", holder]);
            assert_rows(&bench.list("users"), &expected_users(bench.pool()));
            let refused = bench
                .server
                .log()
                .entries()
                .iter()
                .filter(|entry| entry.status != Some(200))
                .count();
            // The host finds it out once, and where it does not sign, each instance does.
            assert!(
                (1..=most).contains(&refused),
                "{holder}, {minutes} min: {refused} refusals"
            );
        }
    }
}

#[test]
fn no_signature_is_made_for_a_service_that_is_years_away() {
    let key = Key::new(KEY_ID, SECRET);
    let bench = Bench::start(Config::new().pool(varied_pool()).key(key).log_contents());
    bench.server.clock().set_offset_ms(400 * 24 * 3_600_000);
    let ran = bench.run(&["get", "user:alice"]);
    assert_eq!(ran.code, 16, "{ran:?}");
    let now = time::OffsetDateTime::now_utc();
    let this_year = [now.year(), now.year() - 1].map(|year| year.to_string());
    let entries = bench.server.log().entries();
    let dates: Vec<&str> = entries
        .iter()
        .flat_map(|entry| &entry.headers)
        .filter(|(name, _)| name == "x-amz-date")
        .map(|(_, value)| value.as_str())
        .collect();
    assert!(!dates.is_empty());
    for date in dates {
        assert!(
            this_year.iter().any(|year| date.starts_with(year)),
            "{date}"
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
fn an_incomplete_run_is_never_shown_without_a_word() {
    let (bench, _) = sync_with_rights(&[Operation::ListUsersInGroup]);
    let id = newest_run(&bench)["sync_id"].as_str().unwrap().to_owned();
    for arguments in [&["list", "users"][..], &["list", "grants"], &["stats"]] {
        let ran = bench.run(&[arguments, &["--sync", &id, "--quiet"]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("is partial"), "{ran:?}");
    }
}
