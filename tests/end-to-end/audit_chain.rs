//! The chain of the audit file, the hash that is kept elsewhere, and what is said of a
//! request that was refused.

use std::process::Stdio;

use fake_cognito::{Fault, Gate, Operation, Rule};
use serde_json::{Value, json};

use crate::audit::{AUDIT, audited};
use crate::support::{Bench, Ran, small_pool, wait_for_faults};

/// The hash that a run told on standard error.
#[track_caller]
fn told(ran: &Ran) -> String {
    let line = ran.stderr.lines().find(|line| line.starts_with("audit: "));
    assert!(line.is_some(), "{ran:?}");
    let line = line.unwrap();
    let head = line.split_once(&format!("{AUDIT} ends with ")).unwrap().1;
    let (head, rest) = head.split_at(64);
    assert!(head.bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert!(
        rest.contains(&format!("audit verify {AUDIT} --head {head}")),
        "{rest}"
    );
    head.to_owned()
}

#[test]
fn every_command_ends_with_the_hash_of_the_last_record() {
    let bench = Bench::with_pool(small_pool());
    let sync = bench.run(&["sync", "--audit", AUDIT, "-o", "json"]);
    let summary: Value = serde_json::from_str(&sync.stdout).unwrap();
    let head = told(&sync);
    assert_eq!(summary["audit_head"], json!(head));
    assert_eq!(bench.json(&["audit", "verify", AUDIT])["head"], json!(head));

    let grant = audited(&bench, &["grant", "group:admins:member", "user:bob"]);
    let granted: Value = serde_json::from_str(&grant.stdout).unwrap();
    assert_eq!(granted["outcome"], "granted");
    assert_eq!(granted["audit_head"], json!(told(&grant)));

    // Also one that fails, and only the result of it with --quiet.
    let failed = bench.run(&["get", "user:nobody", "--audit", AUDIT]);
    assert_eq!(failed.code, 5);
    told(&failed);
    let quiet = bench.run(&["sync", "--audit", AUDIT, "-o", "json", "--quiet"]);
    assert_eq!(quiet.stderr, "");
    let summary: Value = serde_json::from_str(&quiet.stdout).unwrap();
    let head = summary["audit_head"].as_str().unwrap().to_owned();
    let found = bench.json(&["audit", "verify", AUDIT, "--head", &head]);
    assert_eq!(
        (&found["ok"], &found["kept"]["followed_by"]),
        (&json!(true), &json!(0))
    );
    // Without --audit there is nothing to tell.
    assert_eq!(bench.json(&["sync"])["audit_head"], Value::Null);
}

#[test]
fn a_kept_hash_is_found_again_in_the_file_that_has_grown_and_in_no_other() {
    let bench = Bench::with_pool(small_pool());
    let kept = told(&audited(
        &bench,
        &["grant", "group:admins:member", "user:bob"],
    ));
    let lines = bench.read(AUDIT).lines().count();
    audited(&bench, &["revoke", "group:admins:member", "user:bob"]);
    let more = bench.read(AUDIT).lines().count() - lines;
    let arguments = ["audit", "verify", AUDIT, "--head", &kept];
    let found = bench.json(&arguments);
    assert_eq!(found["kept"], json!({"line": lines, "followed_by": more}));
    assert_eq!(found["records"], json!(lines + more));
    let text = bench.run(&arguments);
    assert!(
        text.stderr.contains(&format!("{more} records followed")),
        "{text:?}"
    );

    // Whoever writes the file anew gets a chain that fits, and another hash.
    std::fs::remove_file(bench.folder.path().join(AUDIT)).unwrap();
    audited(&bench, &["grant", "group:admins:member", "user:bob"]);
    let without = bench.run(&["audit", "verify", AUDIT]);
    assert_eq!(without.code, 0);
    assert!(without.stderr.contains("only --head"), "{without:?}");
    let ran = bench.run(&[&arguments[..], &["-o", "json"]].concat());
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.message().contains("no record of it has the kept hash"),
        "{ran:?}"
    );
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&found["ok"], &found["kept"]),
        (&json!(false), &Value::Null)
    );
}

#[test]
fn a_record_that_was_changed_is_named_and_undo_warns_of_it() {
    let bench = Bench::with_pool(small_pool());
    audited(&bench, &["revoke", "group:admins:member", "user:alice"]);
    let undo = bench.run(&["undo", AUDIT]);
    assert!(!undo.stderr.contains("warning"), "{undo:?}");
    let text = bench.read(AUDIT);
    let ended = text
        .lines()
        .position(|line| line.contains("\"revoke\""))
        .unwrap()
        + 1;
    bench.write(AUDIT, &text.replace("user:alice", "user:mallory"));
    let ran = bench.run(&["audit", "verify", AUDIT, "-o", "json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["problem"]["line"], json!(ended + 1));
    let what = format!("line {} does not carry the hash", ended + 1);
    assert!(ran.message().contains(&what), "{ran:?}");
    let undo = bench.run(&["undo", AUDIT, "--quiet"]);
    assert!(undo.stderr.contains(&what), "{undo:?}");

    bench.write("notes.txt", "something else\n");
    for file in ["notes.txt", "missing.jsonl"] {
        let ran = bench.run(&["audit", "verify", file]);
        assert_eq!(ran.code, 3, "{ran:?}");
    }
    let ran = bench.run(&["audit", "verify", AUDIT, "--head", "abc"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("64 hexadecimal digits"), "{ran:?}");
}

#[test]
fn processes_that_write_at_the_same_time_make_one_chain_also_if_one_is_killed() {
    let bench = Bench::with_pool(small_pool());
    let gate = Gate::closed();
    let held = Rule::on(Operation::ListUsers, Fault::HeldUntil(gate.clone()));
    bench.server.faults().add(held);
    let mut child = bench
        .command(&["sync", "--audit", AUDIT])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_faults(&bench, &mut child, 1);
    for (verb, word) in [("grant", "granted"), ("revoke", "revoked")] {
        let ran = audited(&bench, &[verb, "group:admins:member", "user:bob"]);
        assert!(ran.stdout.contains(word), "{ran:?}");
    }
    // As if another process had been killed in the middle of a record meanwhile.
    let half = bench.read(AUDIT) + "{\"record\":\"begun\",\"run\":\"0";
    let line = half.lines().count();
    bench.write(AUDIT, &half);
    gate.open();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let found = bench.json(&["audit", "verify", AUDIT]);
    assert_eq!(
        (&found["ok"], &found["halves"]),
        (&json!(true), &json!([line]))
    );
    let told = bench.run(&["audit", "verify", AUDIT]);
    assert!(
        told.stderr
            .contains(&format!("line {line} is half a record")),
        "{told:?}"
    );
    let undo = bench.run(&["undo", AUDIT]);
    assert!(
        undo.stdout
            .contains("grant -- group:admins:member user:bob"),
        "{undo:?}"
    );
}

#[test]
fn a_refused_request_is_explained() {
    let bench = Bench::with_pool(small_pool());
    // Metadata addresses are never connected to, whoever names them.
    let ran = bench.run(&[
        "get",
        "user:alice",
        "--endpoint-url=https://169.254.169.254",
        "--audit",
        AUDIT,
    ]);
    assert_ne!(ran.code, 0);
    let last = bench.run(&["audit", "explain", AUDIT]);
    assert_eq!(last.code, 0, "{last:?}");
    for words in [
        "failed:address",
        "call        sync.get-resource",
        "169.254.169.254",
        "refused by: the sandbox, by the address",
        "what would allow it: --endpoint-url",
    ] {
        assert!(last.stdout.contains(words), "{words}: {last:?}");
    }
    let object = bench.json(&["audit", "explain", AUDIT]);
    let line = object["line"].as_u64().unwrap();
    assert_eq!(
        bench.json(&["audit", "explain", AUDIT, &line.to_string()]),
        object
    );
    assert_eq!(object["verdict"], "failed:address");
    assert!(
        object["wanted"]["reason"]
            .as_str()
            .unwrap()
            .contains("169.254.169.254")
    );

    let missing = bench.run(&["audit", "explain", AUDIT, "999", "-o", "json"]);
    missing.assert_refused(5, &["it has no line 999"]);
    let run = bench.run(&["audit", "explain", AUDIT, "1", "-o", "json"]);
    run.assert_refused(3, &["line 1 records no request"]);
    let strange = bench.run(&["audit", "explain", AUDIT, "first", "-o", "json"]);
    strange.assert_refused(3, &["`first` is no line"]);

    let other = Bench::with_pool(small_pool());
    other.run(&["get", "user:alice", "--audit", AUDIT]);
    let none = other.run(&["audit", "explain", AUDIT, "-o", "json"]);
    none.assert_refused(5, &["every request in it was answered"]);
    let answered = other.run(&["audit", "explain", AUDIT, "2"]);
    assert!(answered.stdout.contains("status      200"), "{answered:?}");
}

#[test]
fn what_a_component_chose_cannot_steer_the_terminal_of_who_explains_it() {
    let bench = Bench::with_pool(small_pool());
    let record = json!({
        "record": "request", "run": "r", "time": "t", "call": "sync.estimate", "operation": "",
        "class": "", "wait_ms": 0, "status": null, "request_id": null, "sent": 0, "received": 0,
        "verdict": "denied:operation", "wanted": {"operation": "\u{1b}[2JDrop\nrefused by: you"},
    });
    bench.write(AUDIT, &format!("{record}\n"));
    let ran = bench.run(&["audit", "explain", AUDIT]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.stdout.contains('\u{1b}'), "{ran:?}");
    assert!(!ran.stdout.contains("\nrefused by: you"), "{ran:?}");
}
