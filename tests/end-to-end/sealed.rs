//! Keys that the component never sees, and keys that it does: both are accepted by a
//! service that checks every signature, and both outlive their expiry in the middle of
//! a sync.

use std::collections::BTreeSet;
use std::process::Command;

use fake_cognito::{Config, Key, Operation};
use serde_json::Value;

use crate::doubles::{Temporary, container};
use crate::support::{
    Bench, KEY_ID, Ran, SECRET, assert_rows, expected_grants, expected_users, finish, small_pool,
    varied_pool,
};

/// The program without a key of its own.
fn without_key(bench: &Bench, arguments: &[&str]) -> Command {
    let mut command = bench.command(arguments);
    command
        .env_remove("CONNECTOR_AWS_ACCESS_KEY_ID")
        .env_remove("CONNECTOR_AWS_SECRET_ACCESS_KEY");
    command
}

fn config_with(keys: impl IntoIterator<Item = Key>) -> Config {
    let config = Config::new().pool(varied_pool()).log_contents();
    keys.into_iter().fold(config, Config::key)
}

#[test]
fn the_service_accepts_what_the_host_signs_and_what_the_component_signs() {
    for holder in ["sealed", "pass"] {
        let session = Temporary::numbered(0);
        let bench = Bench::start(config_with([Key::new(KEY_ID, SECRET), session.key()]));
        bench.json(&["sync", "--credentials", holder]);
        assert_rows(&bench.list("users"), &expected_users(bench.pool()));
        let mut command = bench.command(&["get", "group:nobody", "--credentials", holder]);
        command
            .env("CONNECTOR_AWS_ACCESS_KEY_ID", &session.id)
            .env("CONNECTOR_AWS_SECRET_ACCESS_KEY", &session.secret)
            .env("CONNECTOR_AWS_SESSION_TOKEN", &session.token);
        let ran = finish(&mut command);
        assert_eq!(ran.code, 5, "{holder}: {ran:?}");
        let refused = |entry: &&fake_cognito::Entry| {
            !matches!(
                entry.error.as_deref(),
                None | Some("ResourceNotFoundException")
            )
        };
        let entries = bench.server.log().entries();
        assert_eq!(entries.iter().find(refused), None, "{holder}");
    }
}

/// Every page that was answered, as operation and body; the same one twice is a failure.
fn pages(bench: &Bench) -> BTreeSet<(Operation, Vec<u8>)> {
    let mut pages = BTreeSet::new();
    for entry in bench.server.log().entries() {
        if entry.status == Some(200) {
            let page = (entry.operation.unwrap(), entry.body);
            assert!(pages.insert(page), "a page was read twice");
        }
    }
    pages
}

/// A sync with such keys, the requests for keys, and what it printed.
fn synced_with(
    keys: impl Iterator<Item = Key>,
    holder: &str,
    workers: &str,
) -> (Bench, usize, Value) {
    let bench = Bench::start(config_with(keys));
    let endpoint = container();
    let mut command = without_key(&bench, &["sync", "-o", "json"]);
    command
        .args(["--workers", workers, "--credentials", holder])
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url());
    let ran = finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let summary = serde_json::from_str(&ran.stdout).unwrap();
    (bench, endpoint.received().len(), summary)
}

/// Fails unless everything was read, once, and all requests are told; returns how many
/// were refused.
fn assert_whole(bench: &Bench, summary: &Value) -> usize {
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
    let entries = bench.server.log().entries();
    let refused = entries
        .iter()
        .filter(|entry| entry.error.as_deref() == Some("ExpiredTokenException"))
        .count();
    assert_eq!(entries.len(), pages(bench).len() + refused);
    assert_eq!(summary["requests"], entries.len(), "{summary}");
    assert_eq!(summary["retries"], 0, "{summary}");
    refused
}

#[test]
fn credentials_that_expire_again_and_again_in_a_sync_cost_no_page() {
    for holder in ["sealed", "pass"] {
        let keys = (0..100).map(|number| Temporary::numbered(number).key().expires_after(9));
        let (bench, fetched, summary) = synced_with(keys, holder, "1");
        let refused = assert_whole(&bench, &summary);
        assert!(refused >= 3, "{holder}: {refused}");
        assert_eq!(refused, fetched - 1, "{holder}: each key is refused once");
    }
}

#[test]
fn workers_whose_credentials_expire_fetch_others_once_for_all() {
    for holder in ["sealed", "pass"] {
        let first = Temporary::numbered(0).key().expires_after(15);
        let keys = [first, Temporary::numbered(1).key()];
        let (bench, fetched, summary) = synced_with(keys.into_iter(), holder, "8");
        let refused = assert_whole(&bench, &summary);
        assert!((1..=8).contains(&refused), "{holder}: {refused}");
        assert_eq!(fetched, 2, "{holder}");
    }
}

#[test]
fn a_change_outlives_the_expiry_and_is_made_once() {
    // The looks before the change use up the first one.
    for requests in 1..6 {
        let bench = Bench::start(
            Config::new()
                .pool(small_pool())
                .key(Temporary::numbered(0).key().expires_after(requests))
                .key(Temporary::numbered(1).key()),
        );
        let endpoint = container();
        let mut command = without_key(
            &bench,
            &[
                "grant",
                "group:admins:member",
                "user:bob",
                "--provisioning",
                "-o",
                "json",
            ],
        );
        command
            .args(["--audit", "audit.jsonl"])
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url());
        let ran = finish(&mut command);
        assert_eq!(ran.code, 0, "{requests}: {ran:?}");
        let outcome: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(outcome["outcome"], "granted", "{requests}");
        let made = bench.server.log().entries();
        let made = made.iter().filter(|entry| {
            entry.operation == Some(Operation::AdminAddUserToGroup) && entry.status == Some(200)
        });
        assert_eq!(made.count(), 1, "{requests}");
        // One record for each request, the refused one included.
        let sent = bench.read("audit.jsonl");
        let sent = sent.lines().filter(|line| line.contains("\"status\":"));
        assert_eq!(
            sent.count() as u64,
            bench.server.log().total(),
            "{requests}"
        );
    }
}

#[test]
fn a_source_that_gives_no_others_ends_the_sync_with_the_services_word() {
    let bench = Bench::start(config_with([Temporary::numbered(0).key().expires_after(4)]));
    // The second one is unknown to the service.
    let endpoint = container();
    let mut command = without_key(&bench, &["sync", "--workers", "1"]);
    command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url());
    let ran = finish(&mut command);
    assert_eq!(ran.code, 16, "{ran:?}");
    assert_eq!(endpoint.received().len(), 2);
    assert_eq!(bench.server.log().total(), 6);
}

/// Everything that the program printed, wrote or sent.
fn traces(bench: &Bench, ran: &Ran) -> Vec<(String, Vec<u8>)> {
    let mut traces = vec![
        ("stdout".to_owned(), ran.stdout.clone().into_bytes()),
        ("stderr".to_owned(), ran.stderr.clone().into_bytes()),
    ];
    for file in std::fs::read_dir(bench.folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            traces.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    traces
}

#[test]
fn no_secret_is_in_any_log_or_file_at_the_finest_level() {
    for holder in ["sealed", "pass"] {
        let session = Temporary::numbered(0);
        let bench = Bench::start(config_with([session.key()]));
        let endpoint = container();
        let mut command = without_key(
            &bench,
            &[
                "sync",
                "--credentials",
                holder,
                "--log-level",
                "trace",
                "--audit",
                "audit.jsonl",
            ],
        );
        command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url());
        let ran = finish(&mut command);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("TRACE") || ran.stderr.contains("DEBUG"));
        for (place, bytes) in traces(&bench, &ran) {
            for secret in [&session.secret, &session.token] {
                let found = bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes());
                assert!(!found, "{holder}: {place}");
            }
        }
    }
}

#[test]
fn who_holds_the_keys_is_said_in_two_words_and_no_other() {
    let bench = Bench::start(config_with([Key::new(KEY_ID, SECRET)]));
    let ran = bench.run(&["get", "user:alice", "--credentials", "open", "-o", "json"]);
    ran.assert_refused(3, &["--credentials", "sealed", "pass"]);
    let mut command = bench.command(&["get", "user:alice", "-o", "json"]);
    command.env("CONNECTOR_CREDENTIALS", "open");
    finish(&mut command).assert_refused(3, &["`open`"]);
    bench.write("connector.toml", "credentials = \"open\"\n");
    let ran = bench.run(&["get", "user:alice", "-o", "json"]);
    ran.assert_refused(3, &["`open`"]);
    assert_eq!(bench.server.log().total(), 0);
}
