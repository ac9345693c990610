//! Attributes that a sync leaves out: nothing of them is in any file, ever.

use std::process::Stdio;

use fake_cognito::{Fault, Gate, Group, Operation, PoolSpec, Rule, User};
use serde_json::{Value, json};

use crate::support::{Bench, POOL, ran, wait_for_faults, wait_for_stored_page};

/// Several pages of people whose values are easily found.
fn pool() -> PoolSpec {
    let people = (0..150).map(|number| {
        User::new(format!("u-{number:03}"))
            .email(format!("planted-{number}@example.com"))
            .attribute("given_name", format!("Vorname{number}"))
            .attribute("family_name", "Musterfrau")
    });
    PoolSpec::literal(POOL)
        .users(people)
        .user(User::new("odd").attribute("locale", "de"))
        .group(Group::new("admins"))
        .member("u-001", "admins")
}

/// Fails if any file beside the store has the text in it.
#[track_caller]
fn assert_nowhere(bench: &Bench, text: &str) {
    let mut looked_at = 0;
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let is_there = bytes
            .windows(text.len())
            .any(|part| part.eq_ignore_ascii_case(text.as_bytes()));
        assert!(!is_there, "{text} is in {}", path.display());
        looked_at += 1;
    }
    assert!(looked_at > 0);
}

#[track_caller]
fn warning<'a>(summary: &'a Value, code: &str) -> &'a str {
    let warnings = summary["warnings"].as_array().unwrap();
    let found = warnings.iter().find(|warning| warning["code"] == code);
    found.map_or("", |warning| warning["message"].as_str().unwrap())
}

#[test]
fn what_is_left_out_is_in_no_file_even_after_a_kill_and_the_rest_is() {
    let bench = Bench::with_pool(pool());
    let arguments = ["sync", "--audit", "audit.jsonl"];
    let omit = ["--omit-attr", "email", "--omit-attr", "given_name"];
    let arguments = [&arguments[..], &omit].concat();
    let gate = Gate::closed();
    let held = Rule::on(Operation::ListUsers, Fault::HeldUntil(gate.clone())).after(2);
    bench.server.faults().add(held);
    let mut child = bench
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_faults(&bench, &mut child, 1);
    wait_for_stored_page(&bench, &mut child);
    // The log of the store is there now, and then what a killed sync leaves.
    assert_nowhere(&bench, "planted-");
    child.kill().unwrap();
    ran(&child.wait_with_output().unwrap());
    gate.open();
    bench.server.faults().clear();
    assert_nowhere(&bench, "planted-");
    assert_nowhere(&bench, "vorname");

    let summary = bench.json(&arguments);
    assert_eq!(summary["resumed"], true, "{summary}");
    assert_eq!(warning(&summary, "omitted-nothing"), "", "{summary}");
    assert_nowhere(&bench, "planted-");
    assert_nowhere(&bench, "vorname");
    let users = bench.list("users");
    assert_eq!(users.len(), 151);
    for user in users.iter().filter(|user| user["id"] != "odd") {
        assert_eq!(user["emails"], json!([]));
        assert_eq!(user["attributes"]["family_name"], "Musterfrau");
        assert_eq!(user["attributes"]["email"], Value::Null);
        assert_eq!(
            user["display_name"], user["id"],
            "it had the given name in it"
        );
    }
    let scope = &bench.json(&["syncs"])[0]["scope"];
    assert_eq!(scope["omitted"], json!(["email", "given_name"]));
}

#[test]
fn a_run_with_other_omissions_is_not_gone_on_with() {
    let bench = Bench::with_pool(pool());
    let gate = Gate::closed();
    let held = Rule::on(Operation::ListUsers, Fault::HeldUntil(gate.clone())).after(2);
    bench.server.faults().add(held);
    let mut child = bench
        .command(&["sync"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_faults(&bench, &mut child, 1);
    wait_for_stored_page(&bench, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    gate.open();
    bench.server.faults().clear();
    let mut command = bench.command(&["sync", "-o", "json"]);
    let output = command
        .env("CONNECTOR_OMIT_ATTR", "given_name, email")
        .output();
    let ran = ran(&output.unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("--omit-attr"), "{ran:?}");
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(summary["resumed"], false);
    assert!(
        bench
            .list("users")
            .iter()
            .all(|user| user["emails"] == json!([]))
    );
    // What the first one had read is still in the file.
    assert_ne!(warning(&summary, "omitted-before"), "", "{summary}");
}

#[test]
fn a_name_that_nothing_has_is_told_because_it_leaks_what_was_meant() {
    let bench = Bench::with_pool(pool());
    bench.write(
        "connector.toml",
        "omit-attr = [\"emial\", \"locale\", \"Email\"]\n",
    );
    let summary = bench.json(&["sync"]);
    let told = warning(&summary, "omitted-nothing");
    assert!(told.starts_with("2 names given with --omit-attr"), "{told}");
    assert!(told.ends_with(": Email, emial"), "{told}");
    let odd = bench.json(&["show", "user:odd"]);
    assert_eq!(odd["attributes"]["locale"], Value::Null);
}

#[test]
fn ids_and_other_attributes_that_tell_it_are_told() {
    let pool = PoolSpec::literal(POOL).user(
        User::new("planted@example.com")
            .email("planted@example.com")
            .attribute("preferred_username", "planted@example.com"),
    );
    let bench = Bench::with_pool(pool);
    let summary = bench.json(&["sync", "--omit-attr", "email"]);
    let in_id = warning(&summary, "omitted-in-id");
    assert!(
        in_id.starts_with("1 ids tell") && in_id.ends_with(": email"),
        "{in_id}"
    );
    let elsewhere = warning(&summary, "omitted-elsewhere");
    assert!(
        elsewhere.ends_with(": email in preferred_username"),
        "{elsewhere}"
    );
}

#[test]
fn what_is_left_out_on_one_side_is_no_difference() {
    let bench = Bench::with_pool(pool());
    bench.json(&["sync"]);
    let with = bench.list("users");
    let omit = [
        "sync",
        "--fail-on-change",
        "any",
        "--omit-attr",
        "email,given_name",
    ];
    let ran = bench.run(&[&omit[..], &["-o", "json"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    let not_compared = json!(["attributes.email", "attributes.given_name"]);
    assert_eq!(summary["changes"]["not_compared"], not_compared);
    assert_ne!(bench.list("users"), with);
    let found = bench.json(&["diff"]);
    assert_eq!(
        (&found["changed"], &found["not_compared"]),
        (&json!([]), &not_compared)
    );

    // Between two that leave out the same everything is compared that they have.
    bench.changed(&["action", "invoke", "disable_user", "user_id=u-007"]);
    let ran = bench.run(&[&omit[..], &["-o", "json"]].concat());
    assert_eq!(ran.code, 1, "{ran:?}");
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(summary["changes"]["not_compared"], json!([]));
    assert_eq!(summary["changes"]["users"]["changed"], 1);
}

#[test]
fn an_omission_that_cannot_be_is_refused_before_anything_is_sent() {
    let bench = Bench::with_pool(pool());
    let named = ["--last-login-attribute", "custom:seen"];
    for (arguments, words) in [
        (
            [&["--omit-attr", "custom:seen"][..], &named].concat(),
            "so does the setting last-login-attribute",
        ),
        (vec!["--omit-attr", "email,"], "empty name"),
    ] {
        let ran = bench.run(&[&["sync", "-o", "json"][..], &arguments].concat());
        ran.assert_refused(3, &[words]);
    }
    assert_eq!(bench.server.log().total(), 0);
}
