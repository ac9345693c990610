//! The audit file: every request of a run, every change with the state before and after,
//! and no value of an attribute.

use std::path::Path;

use fake_cognito::{Fault, Operation, PoolSpec, Rule, User};
use serde_json::{Value, json};

use crate::support::{Bench, KEY_ID, POOL, Ran, SECRET, small_pool};

pub(crate) const AUDIT: &str = "audit.jsonl";

fn records(bench: &Bench) -> Vec<Value> {
    let text = bench.read(AUDIT);
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

pub(crate) fn of_kind(bench: &Bench, kind: &str) -> Vec<Value> {
    let mut records = records(bench);
    records.retain(|record| record["record"] == kind);
    records
}

/// Runs a change that is written down.
pub(crate) fn audited(bench: &Bench, arguments: &[&str]) -> Ran {
    bench.change(&[arguments, &["--audit", AUDIT]].concat())
}

/// Every sort of change once, some of them without effect.
fn some_changes(bench: &Bench) {
    for (arguments, code) in [
        (&["grant", "group:admins:member", "user:bob"][..], 0),
        (&["grant", "group:admins:member", "user:bob"], 0),
        (&["revoke", "group:admins:member", "user:alice"], 0),
        (&["grant", "group:nowhere:member", "user:bob"], 5),
        (&["account", "create", "--username", "dave"], 0),
        (&["action", "invoke", "disable_user", "user_id=alice"], 0),
        (&["action", "invoke", "enable_user", "user_id=carol"], 0),
        (&["action", "invoke", "enable_user", "user_id=bob"], 0),
    ] {
        let ran = audited(bench, arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
    }
}

#[test]
fn a_detailed_log_tells_of_every_request_too() {
    let bench = Bench::with_pool(small_pool());
    let ran = bench.run(&["sync", "--only", "groups", "--log-level", "debug"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let lines = ran.stderr.lines();
    let told: Vec<&str> = lines
        .filter(|line| line.contains("connector::audit"))
        .collect();
    assert_eq!(told.len(), 1, "{ran:?}");
    for part in ["ListGroups", "sync.list-resources", "answered", "200"] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
}

#[test]
fn the_audit_file_has_every_request_of_the_run_in_its_order() {
    let bench = Bench::with_pool(small_pool());
    // A request that is sent again is a request of its own.
    let throttled = Rule::on(Operation::AdminGetUser, Fault::throttled()).nth(2);
    bench.server.faults().add(throttled);
    let lost = Rule::on(Operation::AdminAddUserToGroup, Fault::Drop).nth(1);
    bench.server.faults().add(lost);
    some_changes(&bench);
    let written: Vec<String> = of_kind(&bench, "request")
        .iter()
        .map(|record| record["operation"].as_str().unwrap().to_owned())
        .collect();
    let sent: Vec<String> = bench
        .sent()
        .iter()
        .map(|one| one.name().to_owned())
        .collect();
    assert_eq!(written, sent);
    let ids = of_kind(&bench, "request");
    let ids: Vec<&Value> = ids.iter().map(|record| &record["request_id"]).collect();
    for (entry, id) in bench.server.log().entries().iter().zip(ids) {
        match entry.status {
            Some(_) => assert_eq!(*id, json!(entry.request_id)),
            None => assert_eq!(*id, Value::Null),
        }
    }
}

#[test]
fn each_change_is_written_down_with_the_state_before_and_after() {
    let bench = Bench::with_pool(small_pool());
    some_changes(&bench);
    let audited_delete = audited(&bench, &["account", "delete", "user:carol", "--yes"]);
    assert_eq!(audited_delete.code, 0, "{audited_delete:?}");
    let begun = of_kind(&bench, "begun");
    let ended = of_kind(&bench, "ended");
    let changes: Vec<(Value, Value, Value)> = begun
        .iter()
        .zip(&ended)
        .map(|(begun, ended)| {
            assert_eq!(begun["run"], ended["run"]);
            assert_eq!(begun["change"], ended["change"]);
            (
                begun["before"].clone(),
                ended["outcome"].clone(),
                ended["after"].clone(),
            )
        })
        .collect();
    let held = |held: bool| json!({"held": held});
    let account = |status: &str| {
        let details = "CONFIRMED";
        json!({"exists": true, "status": status, "status_details": details})
    };
    let new = json!({
        "exists": true,
        "status": "enabled",
        "status_details": "FORCE_CHANGE_PASSWORD",
    });
    let mut carol = account("enabled");
    carol["holds"] = json!(["group:developers:member"]);
    let nobody = json!({"exists": false});
    let expected = [
        (held(false), json!("granted"), held(true)),
        (held(true), json!("already-granted"), held(true)),
        (held(true), json!("revoked"), held(false)),
        (held(false), json!("failed"), Value::Null),
        (nobody.clone(), json!("created"), new),
        (account("enabled"), json!("done"), account("disabled")),
        (account("disabled"), json!("done"), account("enabled")),
        (account("enabled"), json!("done"), account("enabled")),
        (carol, json!("deleted"), nobody),
    ];
    for (change, expected) in changes.iter().zip(&expected) {
        assert_eq!(change, expected);
    }
    assert_eq!(changes.len(), expected.len());
    assert_eq!(ended[4]["account"], "user:dave");
    let error = ended[3]["error"].as_str().unwrap();
    assert!(
        error.starts_with("NotFound at AdminAddUserToGroup"),
        "{error}"
    );
}

#[test]
fn a_second_run_is_appended_and_the_file_is_for_its_owner_alone() {
    let bench = Bench::with_pool(small_pool());
    audited(&bench, &["grant", "group:admins:member", "user:bob"]);
    let first = bench.read(AUDIT);
    audited(&bench, &["revoke", "group:admins:member", "user:bob"]);
    let both = bench.read(AUDIT);
    assert!(both.starts_with(&first) && both.len() > first.len());
    let runs = of_kind(&bench, "run");
    assert_eq!(runs.len(), 2);
    assert_ne!(runs[0]["run"], runs[1]["run"]);
    assert_eq!(runs[0]["settings"]["user-pool-id"], POOL);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = std::fs::metadata(bench.folder.path().join(AUDIT)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn reading_commands_and_dry_runs_write_their_requests_down_too() {
    let bench = Bench::with_pool(small_pool());
    for arguments in [
        &["sync"][..],
        &["get", "user:alice"],
        &["grant", "group:admins:member", "user:bob", "--dry-run"],
    ] {
        let ran = audited(&bench, arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let written = of_kind(&bench, "request").len() as u64;
    assert_eq!(written, bench.server.log().total());
    assert_eq!(of_kind(&bench, "begun").len(), 0);
}

#[test]
fn no_attribute_value_and_no_secret_is_in_the_audit_file() {
    let pool = || {
        PoolSpec::literal(POOL).user(
            User::new("alice")
                .email("planted-mail@example.com")
                .attribute("custom:notes", "planted-note"),
        )
    };
    let create = [
        "account",
        "create",
        "--username",
        "bob",
        "--email",
        "planted-new@example.com",
        "--given-name",
        "planted-name",
        "--attr",
        "custom:notes=planted-note",
    ];
    let bench = Bench::with_pool(pool());
    for arguments in [
        &create[..],
        &create,
        &["action", "invoke", "disable_user", "user_id=alice"],
        &["account", "delete", "user:alice", "--yes"],
    ] {
        let ran = audited(&bench, arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let text = bench.read(AUDIT);
    for secret in ["planted", SECRET, KEY_ID] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("custom:notes"), "names are kept: {text}");
}

#[test]
fn an_address_that_is_no_id_is_not_in_the_audit_file_whatever_goes_wrong() {
    let create = ["account", "create", "--email", "planted@example.com"];
    let denied = Fault::error(400, "AccessDeniedException", "No");
    let broken = Fault::html(503);
    for (write, look) in [
        (None, None),
        (Some(denied.clone()), None),
        (Some(broken.clone()), None),
        (Some(broken.clone()), Some(denied)),
        (Some(broken.clone()), Some(broken)),
    ] {
        let bench = Bench::with_pool(small_pool().username_attribute("email"));
        let faults = bench.server.faults();
        if let Some(fault) = write {
            faults.add(Rule::on(Operation::AdminCreateUser, fault));
        }
        if let Some(fault) = look {
            faults.add(Rule::on(Operation::AdminGetUser, fault).after(1));
        }
        audited(&bench, &create);
        assert_eq!(of_kind(&bench, "ended").len(), 1);
        let text = bench.read(AUDIT);
        assert!(!text.contains("planted"), "{text}");
    }
}

#[test]
fn an_audit_file_that_cannot_be_written_stops_everything_before_it_is_sent() {
    let bench = Bench::with_pool(small_pool());
    bench.write("notes.txt", "something else\n");
    std::fs::create_dir(bench.folder.path().join("folder")).unwrap();
    let mut files = vec!["notes.txt", "folder", "missing/audit.jsonl"];
    if Path::new("/dev/full").exists() {
        files.push("/dev/full");
    }
    for file in files {
        let ran = bench.change(&["grant", "group:admins:member", "user:bob", "--audit", file]);
        assert_eq!(ran.code, 3, "{file}: {ran:?}");
        assert!(ran.message().contains("audit"), "{}", ran.message());
    }
    assert_eq!(bench.server.log().total(), 0);
    assert_eq!(bench.read("notes.txt"), "something else\n");
}

#[test]
fn a_file_of_two_hundred_changes_is_written_down_whole() {
    let bench = Bench::with_pool(small_pool());
    let rows: String = (0..200)
        .map(|number| json!({"username": format!("new{number}")}).to_string() + "\n")
        .collect();
    let arguments = [
        "account",
        "create",
        "--max-changes",
        "200",
        "--audit",
        AUDIT,
    ];
    let ran = bench.fed(&arguments, &rows);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(of_kind(&bench, "run").len(), 1);
    assert_eq!(of_kind(&bench, "begun").len(), 200);
    assert_eq!(of_kind(&bench, "ended").len(), 200);
    let written = of_kind(&bench, "request").len() as u64;
    assert_eq!(written, bench.server.log().total());
    let undo = bench.run(&["undo", AUDIT]);
    assert_eq!(undo.stdout.lines().count(), 200, "{undo:?}");
}
