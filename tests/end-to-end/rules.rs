//! What keeps a change from being made: the gate, the dry run, the number of changes, the
//! protected resources, the question before a deletion.

use fake_cognito::PoolSpec;
use serde_json::Value;

use crate::support::{Bench, finish, small_pool, truth};

const GRANT: &[&str] = &["grant", "group:admins:member", "user:bob"];

/// One of each changing command, all with something to do.
const COMMANDS: [&[&str]; 6] = [
    GRANT,
    &["revoke", "group:admins:member", "user:alice"],
    &["account", "create", "--username", "dave"],
    &["account", "delete", "user:bob", "--yes"],
    &["action", "invoke", "disable_user", "user_id=alice"],
    &["action", "invoke", "enable_user", "user_id=carol"],
];

#[test]
fn without_provisioning_no_changing_command_sends_anything() {
    let bench = Bench::with_pool(small_pool());
    let before = truth(bench.pool());
    bench.write("rows.csv", "account\nuser:bob\n");
    let batch = &["account", "delete", "--from", "rows.csv", "--yes"][..];
    for arguments in COMMANDS.into_iter().chain([batch]) {
        let ran = bench.run(&[arguments, &["-o", "json"]].concat());
        ran.assert_refused(7, &["provisioning is off", "nothing was sent"]);
        assert!(ran.stderr.contains("--provisioning"), "{ran:?}");
        let ran = bench.run(&[arguments, &["--dry-run"]].concat());
        assert_eq!(ran.code, 7, "{ran:?}");
    }
    assert_eq!(bench.server.log().connections_accepted(), 0);
    assert_eq!(truth(bench.pool()), before);
}

#[test]
fn provisioning_may_be_switched_on_by_either_variable_or_the_file_and_off_again() {
    for variable in ["CONNECTOR_PROVISIONING", "BATON_PROVISIONING"] {
        let bench = Bench::with_pool(small_pool());
        for (value, code) in [("true", 0), ("false", 7), ("", 7), ("perhaps", 3)] {
            let ran = finish(bench.command(GRANT).env(variable, value));
            assert_eq!(ran.code, code, "{variable}={value}: {ran:?}");
        }
    }
    let bench = Bench::with_pool(small_pool());
    bench.write("connector.toml", "provisioning = true\n");
    assert_eq!(bench.run(GRANT).code, 0);
    let ran = finish(bench.command(GRANT).env("CONNECTOR_PROVISIONING", "false"));
    assert_eq!(ran.code, 7, "{ran:?}");
}

#[test]
fn a_dry_run_says_what_would_happen_and_sends_no_change() {
    let cases: [(&[&str], &str); 12] = [
        (GRANT, "would-grant"),
        (
            &["grant", "group:admins:member", "user:alice"],
            "already-granted",
        ),
        (
            &["revoke", "group:admins:member", "user:alice"],
            "would-revoke",
        ),
        (
            &["revoke", "group:admins:member", "user:bob"],
            "already-revoked",
        ),
        (&["account", "create", "--username", "dave"], "would-create"),
        (
            &["account", "create", "--username", "bob"],
            "already-exists",
        ),
        (&["account", "delete", "user:bob"], "would-delete"),
        (&["account", "delete", "user:bob", "--yes"], "would-delete"),
        (&["account", "delete", "user:dave"], "already-gone"),
        (
            &["action", "invoke", "disable_user", "user_id=alice"],
            "would-invoke",
        ),
        (
            &["action", "invoke", "enable_user", "user_id=carol"],
            "would-invoke",
        ),
        (
            &["action", "invoke", "enable_user", "user_id=alice"],
            "would-invoke",
        ),
    ];
    let bench = Bench::with_pool(small_pool());
    let before = truth(bench.pool());
    for (arguments, outcome) in cases {
        let printed = bench.changed(&[arguments, &["--dry-run"]].concat());
        assert_eq!(printed["outcome"], outcome, "{arguments:?}");
        assert_eq!(printed.get("success"), None, "{arguments:?}");
    }
    assert_eq!(bench.changes_sent(), []);
    assert_eq!(truth(bench.pool()), before);
}

#[test]
fn a_dry_run_finds_out_what_is_missing() {
    let bench = Bench::with_pool(small_pool());
    for (arguments, word) in [
        (
            &["grant", "group:nowhere:member", "user:bob"][..],
            "nowhere",
        ),
        (&["revoke", "group:nowhere:member", "user:bob"], "nowhere"),
        (&["grant", "group:admins:member", "user:nobody"], "nobody"),
        (&["revoke", "group:admins:member", "user:nobody"], "nobody"),
        (
            &["action", "invoke", "enable_user", "user_id=nobody"],
            "nobody",
        ),
    ] {
        let ran = bench.change(&[arguments, &["--dry-run"]].concat());
        ran.assert_refused(5, &[word]);
    }
    let unknown = ["--username", "dave", "--attr", "custom:none=1", "--dry-run"];
    let ran = bench.change(&[&["account", "create"][..], &unknown].concat());
    ran.assert_refused(3, &["custom:none"]);
    assert_eq!(bench.changes_sent(), []);
}

#[test]
fn a_dry_run_of_a_file_sends_no_change_either() {
    let bench = Bench::with_pool(small_pool());
    let rows = "entitlement,principal\n\
        group:admins:member,user:bob\n\
        group:admins:member,user:alice\n\
        group:nowhere:member,user:bob\n";
    let ran = bench.fed(&["grant", "--dry-run"], rows);
    assert_eq!(ran.code, 5, "{ran:?}");
    let rows = ran.rows();
    let outcomes: Vec<&Value> = rows.iter().map(|row| &row["outcome"]).collect();
    assert_eq!(outcomes, ["would-grant", "already-granted", "failed"]);
    assert_eq!(bench.changes_sent(), []);
}

/// A file of so many grants.
fn grants(rows: usize) -> String {
    let row = "{\"entitlement\":\"group:admins:member\",\"principal\":\"user:bob\"}\n";
    row.repeat(rows)
}

#[test]
fn a_run_makes_a_hundred_changes_at_most_unless_more_are_asked_for() {
    let bench = Bench::with_pool(small_pool());
    let ran = bench.fed(&["grant"], &grants(101));
    ran.assert_refused(9, &["101", "100"]);
    assert!(ran.stderr.contains("--max-changes 101"), "{ran:?}");
    assert_eq!(bench.server.log().total(), 0);
    assert_eq!(bench.fed(&["grant"], &grants(100)).code, 0);
    let ran = bench.fed(&["grant", "--max-changes", "101"], &grants(101));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.rows().len(), 101);
}

#[test]
fn fewer_changes_may_be_permitted_down_to_none() {
    let bench = Bench::with_pool(small_pool());
    let ran = bench.fed(&["grant", "--max-changes", "2"], &grants(3));
    ran.assert_refused(9, &["3", "2"]);
    for arguments in COMMANDS {
        let ran = bench.change(&[arguments, &["--max-changes", "0"]].concat());
        assert_eq!(ran.code, 9, "{arguments:?}: {ran:?}");
    }
    let mut command = bench.command(&[GRANT, &["-p"]].concat());
    let ran = finish(command.env("CONNECTOR_MAX_CHANGES", "0"));
    assert_eq!(ran.code, 9, "{ran:?}");
    for wrong in ["-1", "many", "1.5", ""] {
        let option = format!("--max-changes={wrong}");
        let ran = bench.change(&[GRANT, &[&option]].concat());
        assert_eq!(ran.code, 3, "{wrong:?}: {ran:?}");
    }
    assert_eq!(bench.server.log().total(), 0);
}

fn protecting(pool: PoolSpec) -> Bench {
    let bench = Bench::with_pool(pool);
    let list = "protect = [\"user:alice\", \"group:developers\"]\n";
    bench.write("connector.toml", list);
    bench
}

#[test]
fn what_is_protected_is_changed_by_no_command_and_nothing_is_sent() {
    let bench = protecting(small_pool());
    let before = truth(bench.pool());
    for (arguments, word) in [
        (
            &["grant", "group:admins:member", "user:alice"][..],
            "user:alice",
        ),
        (
            &["revoke", "group:admins:member", "user:alice"],
            "user:alice",
        ),
        (&["account", "delete", "user:alice", "--yes"], "user:alice"),
        (
            &["action", "invoke", "disable_user", "user_id=alice"],
            "user:alice",
        ),
        (
            &["action", "invoke", "enable_user", "user_id=alice"],
            "user:alice",
        ),
        (
            &["grant", "group:developers:member", "user:bob"],
            "group:developers",
        ),
        (
            &["revoke", "group:developers:member", "user:carol"],
            "group:developers",
        ),
    ] {
        for more in [&[][..], &["--dry-run"]] {
            let ran = bench.change(&[arguments, more].concat());
            ran.assert_refused(9, &[word, "protect"]);
        }
    }
    assert_eq!(bench.server.log().total(), 0);
    assert_eq!(truth(bench.pool()), before);
    assert_eq!(bench.changed(GRANT)["outcome"], "granted");
}

#[test]
fn what_is_protected_fails_its_rows_of_a_file_and_no_others() {
    let bench = protecting(small_pool());
    let rows = "entitlement,principal\n\
        group:admins:member,user:bob\n\
        group:admins:member,user:alice\n\
        group:developers:member,user:bob\n\
        group:admins:member,user:carol\n";
    let ran = bench.fed(&["grant"], rows);
    assert_eq!(ran.code, 9, "{ran:?}");
    let codes: Vec<Value> = ran.rows().iter().map(|row| row["code"].clone()).collect();
    assert_eq!(codes, [0, 9, 9, 0]);
    assert_eq!(bench.changes_sent().len(), 2);
    let rows = "user_id\nbob\nalice\n";
    let ran = bench.fed(&["action", "invoke", "disable_user"], rows);
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(bench.pool().user("alice").unwrap().enabled);
    assert!(!bench.pool().user("bob").unwrap().enabled);
}

#[test]
fn a_list_of_protected_resources_that_cannot_be_read_protects_by_stopping_everything() {
    let bench = Bench::with_pool(small_pool());
    for list in [
        "[\"alice\"]",
        "[1]",
        "[\"user:\"]",
        "{a = 1}",
        "[\"users:alice\"]",
        "\"user:alice\"",
    ] {
        bench.write("connector.toml", &format!("protect = {list}\n"));
        let ran = bench.change(GRANT);
        assert_eq!(ran.code, 3, "{list}: {ran:?}");
    }
    bench.write("connector.toml", "");
    let arguments = [&["--provisioning"], GRANT].concat();
    let ran = finish(
        bench
            .command(&arguments)
            .env("CONNECTOR_PROTECT", "user:alice"),
    );
    assert_eq!(ran.code, 3, "a list that nobody reads: {ran:?}");
    assert_eq!(bench.server.log().total(), 0);
}

#[test]
fn a_protected_group_loses_no_member_by_a_deletion() {
    let bench = protecting(small_pool());
    let before = truth(bench.pool());
    let ran = bench.change(&["account", "delete", "user:carol", "--yes"]);
    ran.assert_refused(9, &["user:carol", "group:developers", "protect"]);
    assert!(bench.changes_sent().is_empty());
    assert_eq!(truth(bench.pool()), before);
}

#[test]
fn what_belongs_to_one_change_does_not_stand_in_the_configuration() {
    let bench = Bench::with_pool(small_pool());
    for line in [
        "yes = true",
        "from = \"rows.csv\"",
        "email = \"a@example.com\"",
    ] {
        bench.write("connector.toml", line);
        let ran = bench.change(GRANT);
        assert_eq!(ran.code, 3, "{line}: {ran:?}");
    }
}

#[test]
fn an_accounts_deletion_is_confirmed_by_an_option_where_nobody_can_be_asked() {
    let bench = Bench::with_pool(small_pool());
    let ran = bench.change(&["account", "delete", "user:bob"]);
    ran.assert_refused(9, &["user:bob", "eu-central-1_Ab1Cd2Ef3"]);
    assert!(ran.stderr.contains("--yes"), "{ran:?}");
    let ran = bench.fed(&["account", "delete"], "account\nuser:bob\nuser:carol\n");
    ran.assert_refused(9, &["2 accounts"]);
    // Whatever stands on standard input is no answer to a question.
    let ran = bench.fed(&["account", "delete"], "y\n");
    assert_ne!(ran.code, 0, "{ran:?}");
    assert_eq!(bench.server.log().total(), 0);
    let mut command = bench.command(&["-p", "account", "delete", "user:bob"]);
    let ran = finish(command.env("CONNECTOR_YES", "true"));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(bench.pool().user("bob").is_none());
}

#[test]
fn a_slip_of_the_pen_is_a_usage_error_and_nothing_is_sent() {
    let bench = Bench::with_pool(small_pool());
    bench.write("rows.csv", "entitlement,principal\n");
    for arguments in [
        &["grant"][..],
        &["grant", "group:admins:member"],
        &["revoke", "group:admins:member"],
        &["account"],
        &["account", "delete"],
        &["action", "invoke"],
        &["action", "drop"],
        &["grant", "--force", "group:admins:member", "user:bob"],
        &["account", "create", "--password", "x"],
        &["account", "create", "--temporary-password", "x"],
        &[
            "grant",
            "group:admins:member",
            "user:bob",
            "--from",
            "rows.csv",
        ],
        &["account", "delete", "user:bob", "--from", "rows.csv"],
        &[
            "action",
            "invoke",
            "disable_user",
            "user_id=bob",
            "--from",
            "rows.csv",
        ],
    ] {
        let ran = bench.change(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    assert_eq!(bench.server.log().total(), 0);
}

#[test]
fn fields_of_one_account_and_a_file_of_accounts_do_not_go_together() {
    let bench = Bench::with_pool(small_pool());
    bench.write("rows.csv", "username\ndave\n");
    for field in [
        &["--username", "eve"][..],
        &["--email", "eve@example.com"],
        &["--attr", "nickname=e"],
        &["--send-invite-email"],
    ] {
        let arguments = [&["account", "create", "--from", "rows.csv"], field].concat();
        let ran = bench.change(&arguments);
        assert_eq!(ran.code, 2, "{field:?}: {ran:?}");
    }
    assert_eq!(bench.server.log().total(), 0);
    assert_eq!(bench.pool().user_count(), 3);
}
