//! The commands that take a run back, run by a shell as people would.

use std::path::Path;
use std::process::{Command, Stdio};

use fake_cognito::{Fault, Group, Operation, PoolSpec, Rule, User};
use serde_json::{Value, json};

use crate::audit::{AUDIT, audited, of_kind};
use crate::support::{Bench, KEY_ID, POOL, SECRET, bare_command, finish, ran, small_pool, truth};

/// What `undo` prints for a shell.
#[track_caller]
fn undo(bench: &Bench) -> String {
    let ran = bench.run(&["undo", AUDIT]);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.stdout
}

/// Runs a script with the program on the path and a key, and nothing else.
#[track_caller]
fn run_in_shell(bench: &Bench, script: &str) {
    let folder = Path::new(env!("CARGO_BIN_EXE_connector")).parent().unwrap();
    let system = std::env::var("PATH").unwrap();
    let cache = bench.command(&[]);
    let cache = cache
        .get_envs()
        .find(|(name, _)| *name == "CONNECTOR_CACHE");
    let cache = cache.and_then(|(_, value)| value).unwrap();
    let output = Command::new("sh")
        .args(["-e", "-c", script])
        .current_dir(bench.folder.path())
        .env_clear()
        .env("PATH", format!("{}:{system}", folder.display()))
        .env("HOME", bench.folder.path())
        .env("CONNECTOR_CACHE", cache)
        .env("CONNECTOR_AWS_ACCESS_KEY_ID", KEY_ID)
        .env("CONNECTOR_AWS_SECRET_ACCESS_KEY", SECRET)
        .env("CONNECTOR_MAX_RATE", "unlimited")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ran = ran(&output);
    assert_eq!(ran.code, 0, "{script}\n{ran:?}");
}

#[test]
fn what_undo_prints_restores_memberships_and_states_exactly() {
    let bench = Bench::with_pool(small_pool());
    let before = truth(bench.pool());
    let rows = "entitlement,principal\n\
        group:admins:member,user:bob\n\
        group:admins:member,user:alice\n\
        group:admins:member,user:carol\n\
        group:nowhere:member,user:carol\n";
    bench.fed(&["grant", "--audit", AUDIT], rows);
    run_in_shell(&bench, &undo(&bench));
    assert_eq!(truth(bench.pool()), before);

    for (arguments, rows) in [
        (
            &["revoke"][..],
            "entitlement,principal\ngroup:admins:member,user:alice\ngroup:admins:member,user:bob\n",
        ),
        (
            &["action", "invoke", "disable_user"],
            "user_id\nalice\ncarol\nbob\n",
        ),
        (
            &["action", "invoke", "enable_user"],
            "user_id\nalice\ncarol\n",
        ),
        (&["account", "create"], "username\ndave\nbob\neve\n"),
    ] {
        let ran = bench.fed(&[arguments, &["--audit", AUDIT]].concat(), rows);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_ne!(truth(bench.pool()), before, "{arguments:?}");
        run_in_shell(&bench, &undo(&bench));
        assert_eq!(truth(bench.pool()), before, "{arguments:?}");
    }
}

#[test]
fn an_account_is_taken_back_by_the_id_that_the_pool_gave_it_also_if_its_answer_was_lost() {
    for lost in [false, true] {
        let bench = Bench::with_pool(small_pool().username_attribute("email"));
        let before = truth(bench.pool());
        if lost {
            let rule = Rule::on(Operation::AdminCreateUser, Fault::Drop);
            bench.server.faults().add(rule.after_effect());
        }
        let create = ["account", "create", "--email", "dave@example.com"];
        let ran = audited(&bench, &create);
        assert_eq!(ran.code, 0, "{ran:?}");
        let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(printed["outcome"], "created");
        let id = printed["user"]["id"].as_str().unwrap();
        assert_eq!(bench.pool().user(id).unwrap().sub(), id);
        run_in_shell(&bench, &undo(&bench));
        assert_eq!(truth(bench.pool()), before);
    }
}

#[test]
fn a_run_that_is_named_is_undone_and_not_the_last_one() {
    let bench = Bench::with_pool(small_pool());
    let before = truth(bench.pool());
    audited(&bench, &["grant", "group:admins:member", "user:bob"]);
    audited(&bench, &["action", "invoke", "disable_user", "user_id=bob"]);
    let runs = of_kind(&bench, "run");
    for run in runs.iter().rev() {
        let run = run["run"].as_str().unwrap();
        let printed = bench.run(&["undo", AUDIT, "--run", run]);
        assert_eq!(printed.code, 0, "{printed:?}");
        assert_eq!(printed.stdout.lines().count(), 1, "{printed:?}");
        run_in_shell(&bench, &printed.stdout);
    }
    assert_eq!(truth(bench.pool()), before);
    let unknown = bench.run(&["undo", AUDIT, "--run", "0123"]);
    assert_eq!(unknown.code, 3, "{unknown:?}");
}

#[test]
fn what_cannot_be_taken_back_is_a_comment_with_what_was_lost() {
    let bench = Bench::with_pool(small_pool());
    audited(&bench, &["account", "delete", "user:alice", "--yes"]);
    let script = undo(&bench);
    assert!(script.starts_with("# "), "{script}");
    for word in [
        "user:alice",
        "group:admins:member",
        "group:developers:member",
    ] {
        assert!(script.contains(word), "{script}");
    }
    let after = truth(bench.pool());
    run_in_shell(&bench, &script);
    assert_eq!(truth(bench.pool()), after);
}

#[test]
fn a_change_whose_outcome_is_unknown_is_a_comment_too() {
    let bench = Bench::with_pool(small_pool());
    let faults = bench.server.faults();
    faults.add(Rule::on(Operation::AdminDisableUser, Fault::Drop));
    faults.add(Rule::on(Operation::AdminGetUser, Fault::html(503)).after(1));
    let ran = audited(&bench, &["action", "invoke", "disable_user", "user_id=bob"]);
    assert_eq!(ran.code, 14, "{ran:?}");
    assert_eq!(of_kind(&bench, "ended")[0]["outcome"], "unknown");
    let script = undo(&bench);
    assert!(
        script.starts_with("# ") && script.contains("user:bob"),
        "{script}"
    );
}

#[test]
fn nothing_of_an_id_is_executed_and_all_of_it_is_taken_back() {
    let users = [
        "';touch${IFS}pwned;'",
        "$(touch${IFS}pwned)",
        "`touch${IFS}pwned`",
        "&touch${IFS}pwned",
        "\"\\\"",
        "\\",
        "#x",
        "-n",
        "--help",
        "~",
        "*",
        "%s\\n",
        "!!",
        "=ls",
        "$HOME",
        "a|b>c",
        "ü🚀",
    ];
    let groups = ["$(touch${IFS}pwned)", "';touch${IFS}pwned;'"];
    let mut pool = PoolSpec::literal(POOL).users(users.map(User::new));
    for group in groups {
        pool = pool.group(Group::new(group));
        for user in users {
            pool = pool.member(user, group);
        }
    }
    let bench = Bench::with_pool(pool);
    let before = truth(bench.pool());
    bench.json(&["sync"]);
    let listed = bench.run(&["list", "grants", "-o", "jsonl"]).stdout;
    let ran = bench.fed(&["revoke", "--audit", AUDIT], &listed);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_ne!(truth(bench.pool()), before);
    run_in_shell(&bench, &undo(&bench));
    assert_eq!(truth(bench.pool()), before);

    let rows: String = users
        .iter()
        .map(|user| json!({"user_id": user}).to_string() + "\n")
        .collect();
    let disable = ["action", "invoke", "disable_user", "--audit", AUDIT];
    assert_eq!(bench.fed(&disable, &rows).code, 0);
    run_in_shell(&bench, &undo(&bench));
    assert_eq!(truth(bench.pool()), before);

    let rows: String = users
        .iter()
        .map(|user| json!({"username": format!("{user}2")}).to_string() + "\n")
        .collect();
    let create = ["account", "create", "--audit", AUDIT];
    assert_eq!(bench.fed(&create, &rows).code, 0);
    run_in_shell(&bench, &undo(&bench));
    assert_eq!(truth(bench.pool()), before);

    let rows: String = users
        .iter()
        .map(|user| json!({"account": format!("user:{user}")}).to_string() + "\n")
        .collect();
    let delete = ["account", "delete", "--yes", "--audit", AUDIT];
    assert_eq!(bench.fed(&delete, &rows).code, 0);
    run_in_shell(&bench, &undo(&bench));
    assert_eq!(bench.pool().user_count(), 0);
    assert!(!bench.folder.path().join("pwned").exists());
}

#[test]
fn undo_needs_neither_settings_nor_a_network_and_says_what_it_cannot_read() {
    let bench = Bench::with_pool(small_pool());
    audited(&bench, &["grant", "group:admins:member", "user:bob"]);
    let requests = bench.server.log().total();
    let mut bare = bare_command(bench.folder.path(), &["undo", AUDIT]);
    let printed = finish(&mut bare);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert!(printed.stdout.contains("revoke"), "{printed:?}");
    let lines = bench.run(&["undo", AUDIT, "-o", "jsonl"]).rows();
    assert_eq!(lines.len(), 1);
    assert!(lines[0]["command"].is_array(), "{lines:?}");
    bench.write("other.jsonl", "{\"record\":\"run\"}\n");
    for file in ["missing.jsonl", "other.jsonl", "."] {
        let ran = bench.run(&["undo", file]);
        assert_eq!(ran.code, 3, "{file}: {ran:?}");
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(bench.server.log().total(), requests);
}
