//! The obvious mistakes: each gets one clear message, its exit code, and leaves nothing
//! behind.

use std::fs;

use fake_cognito::{Config, Generated, Key, PoolSpec, User};

use crate::support::{Bench, KEY_ID, POOL, Ran, SECRET, bare_command, finish, varied_pool};

/// Runs `sync` with the good settings replaced by these; an empty value takes one away.
fn sync_with(bench: &Bench, changes: &[(&str, &str)]) -> Ran {
    let mut command = bench.command(&["sync", "-o", "json"]);
    for (name, value) in changes {
        if value.is_empty() {
            command.env_remove(name);
        } else {
            command.env(name, value);
        }
    }
    finish(&mut command)
}

#[test]
fn a_wrong_setting_is_explained_and_nothing_is_sent_or_written() {
    let bench = Bench::with_pool(varied_pool());
    type Case<'a> = (&'a [(&'a str, &'a str)], i32, &'a str);
    let cases: &[Case<'_>] = &[
        (
            &[("CONNECTOR_USER_POOL_ID", "")],
            3,
            "setting `user-pool-id` is missing",
        ),
        (
            &[("CONNECTOR_USER_POOL_ID", "   ")],
            3,
            "setting `user-pool-id` is blank",
        ),
        (&[("CONNECTOR_USER_POOL_ID", "Ab1Cd2Ef3")], 3, "`Ab1Cd2Ef3`"),
        (
            &[("CONNECTOR_USER_POOL_ID", "eu-centrall-1_Ab1Cd2Ef3")],
            3,
            "eu-centrall-1",
        ),
        (
            &[("CONNECTOR_REGION", "us-east-1")],
            3,
            "`user-pool-id` says `eu-central-1`",
        ),
        (&[("CONNECTOR_REGION", "atlantis-9")], 3, "`atlantis-9`"),
        (
            &[("CONNECTOR_AWS_ACCESS_KEY_ID", "")],
            3,
            "`aws-secret-access-key` is given without `aws-access-key-id`",
        ),
        (
            &[("CONNECTOR_AWS_SECRET_ACCESS_KEY", "")],
            3,
            "`aws-access-key-id` is given without `aws-secret-access-key`",
        ),
        (
            &[("CONNECTOR_AWS_SECRET_ACCESS_KEY", " \t ")],
            3,
            "`aws-secret-access-key` is blank",
        ),
        (
            &[("CONNECTOR_AWS_SECRET_ACCESS_KEY", "abc def")],
            3,
            "white space",
        ),
        (
            &[
                ("CONNECTOR_AWS_ACCESS_KEY_ID", ""),
                ("CONNECTOR_AWS_SECRET_ACCESS_KEY", ""),
            ],
            3,
            "no AWS credentials",
        ),
        (
            &[("CONNECTOR_ENDPOINT_URL", "ftp://127.0.0.1")],
            3,
            "endpoint-url",
        ),
        (
            &[("CONNECTOR_ENDPOINT_URL", "http://user:hunter2@127.0.0.1/")],
            3,
            "endpoint-url",
        ),
        (
            &[("CONNECTOR_ENDPOINT_URL", "http://10.1.2.3")],
            3,
            "only loopback addresses",
        ),
        (&[("CONNECTOR_PROFILE", "auditor")], 3, "--profile is given"),
        (
            &[
                ("CONNECTOR_ENDPOINT_URL", ""),
                ("AWS_USE_FIPS_ENDPOINT", "true"),
            ],
            3,
            "AWS_USE_FIPS_ENDPOINT",
        ),
        (&[("CONNECTOR_ONLY", "roles")], 3, "--only names `roles`"),
        (&[("CONNECTOR_MAX_RATE", "fast")], 3, "--max-rate 'fast'"),
        (&[("CONNECTOR_MAX_RATE", "users=3")], 3, "user-list"),
        (&[("CONNECTOR_WORKERS", "0")], 3, "--workers is `0`"),
    ];
    for (changes, code, expected) in cases {
        let ran = sync_with(&bench, changes);
        assert_eq!(ran.code, *code, "{changes:?}: {ran:?}");
        assert!(
            ran.stderr.contains(expected),
            "{changes:?} gave: {}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "", "{changes:?}");
        assert!(
            !ran.stderr.contains(SECRET) && !ran.stderr.contains("hunter2"),
            "{changes:?} shows a secret"
        );
        assert!(!bench.store().exists(), "{changes:?} wrote a store");
    }
}

#[test]
fn options_that_do_not_exist_are_usage_errors() {
    let bench = Bench::with_pool(varied_pool());
    for arguments in [
        &["frobnicate"][..],
        &["sync", "--frobnicate"],
        &["list"],
        &["sync", "--workers"],
    ] {
        let ran = bench.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.is_empty());
        assert!(!bench.store().exists());
    }
    let ran = bench.run(&["list", "users", "-o", "xml"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let ran = bench.run(&["list", "roles"]);
    assert_eq!(ran.code, 5, "there is no store yet: {ran:?}");
}

#[test]
fn a_failure_is_an_object_too_when_json_is_asked_for() {
    let bench = Bench::with_pool(varied_pool());
    let ran = bench.run(&["list", "users", "-o", "json"]);
    let object: serde_json::Value =
        serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(object["error"]["code"], 5);
    assert!(object["error"]["message"].is_string());
    assert!(
        object["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("connector sync")
    );
    assert!(
        object["error"]
            .as_object()
            .unwrap()
            .contains_key("request_id")
    );
    let ran = bench.run(&["sync", "--nonsense", "-o", "json"]);
    let object: serde_json::Value =
        serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(object["error"]["code"], 2);
}

#[test]
fn a_pool_that_does_not_exist_is_not_found_and_nothing_is_written() {
    let bench = Bench::with_pool(varied_pool());
    let ran = sync_with(
        &bench,
        &[("CONNECTOR_USER_POOL_ID", "eu-central-1_Missing00")],
    );
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.contains("eu-central-1_Missing00"), "{ran:?}");
    assert!(!bench.store().exists());
}

#[test]
fn a_wrong_key_is_refused_and_nothing_is_written() {
    let bench = Bench::with_pool(varied_pool());
    for change in [
        (
            "CONNECTOR_AWS_SECRET_ACCESS_KEY",
            "another-secret-9876543210",
        ),
        ("CONNECTOR_AWS_ACCESS_KEY_ID", "AKIANOSUCHKEY0000000"),
    ] {
        let ran = sync_with(&bench, &[change]);
        assert_eq!(ran.code, 16, "{ran:?}");
        assert!(!bench.store().exists());
        assert!(!ran.stderr.contains("another-secret"), "{ran:?}");
    }
}

#[test]
fn a_store_of_another_pool_is_refused_before_anything_is_sent() {
    let other = "eu-central-1_Other0000";
    let config = Config::new()
        .pool(varied_pool())
        .pool(PoolSpec::generated(
            other,
            Generated {
                users: 10,
                groups: 2,
                ..Generated::default()
            },
        ))
        .key(Key::new(KEY_ID, SECRET));
    let bench = Bench::start(config);
    bench.json(&["sync"]);
    let before = bench.server.log().total();
    let ran = sync_with(&bench, &[("CONNECTOR_USER_POOL_ID", other)]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains(other) && ran.stderr.contains(POOL),
        "{ran:?}"
    );
    assert_eq!(bench.server.log().total(), before);
    let mut read = bench.command(&["list", "users"]);
    let ran = finish(read.env("CONNECTOR_USER_POOL_ID", other));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stdout.is_empty() && ran.stderr.contains(POOL),
        "{ran:?}"
    );
    assert_eq!(bench.list("users").len(), 700);
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_as_it_is() {
    let bench = Bench::with_pool(PoolSpec::literal(POOL).user(User::new("alice")));
    let contents: &[(&str, &[u8])] = &[
        ("text", b"this is a shopping list and no database\n"),
        ("cut", b"SQLite format 3\0"),
    ];
    for (name, bytes) in contents {
        fs::write(bench.store(), bytes).unwrap();
        for arguments in [&["sync"][..], &["list", "users"], &["syncs"]] {
            let ran = bench.run(arguments);
            assert_eq!(ran.code, 3, "{name} {arguments:?}: {ran:?}");
            assert!(ran.stderr.contains("connector.db"), "{ran:?}");
        }
        assert_eq!(fs::read(bench.store()).unwrap(), *bytes);
        fs::remove_file(bench.store()).unwrap();
    }
    fs::create_dir(bench.store()).unwrap();
    assert_eq!(bench.run(&["sync"]).code, 3);
    assert_eq!(bench.run(&["stats"]).code, 3);
}

#[test]
fn without_a_snapshot_the_message_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["list", "users"][..], &["stats"], &["show", "user:alice"]] {
        let ran = finish(&mut bare_command(folder.path(), arguments));
        assert_eq!(ran.code, 5, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains("connector sync"), "{ran:?}");
        assert!(
            !folder.path().join("connector.db").exists(),
            "a look wrote a file"
        );
    }
    let ran = finish(&mut bare_command(folder.path(), &["show", "alice"]));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("KIND:ID"), "{ran:?}");
}
