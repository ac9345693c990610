//! Many changes from a file: what becomes of each row, how a run ends, and that it can be
//! run again.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use fake_cognito::{Config, Fault, Gate, Group, Key, Latency, Operation, PoolSpec, Rule, User};
use serde_json::{Value, json};

use crate::support::{Bench, KEY_ID, POOL, Ran, SECRET, ran, small_pool, truth};

/// A pool of so many users and two groups.
fn pool_of(users: usize) -> PoolSpec {
    PoolSpec::literal(POOL)
        .users((0..users).map(|number| User::new(format!("u{number:03}"))))
        .group(Group::new("admins"))
        .group(Group::new("staff"))
}

fn outcomes(ran: &Ran) -> Vec<(u64, String)> {
    let rows = ran.rows();
    let outcome = |row: &Value| {
        let number = row["row"].as_u64().unwrap();
        (number, row["outcome"].as_str().unwrap().to_owned())
    };
    rows.iter().map(outcome).collect()
}

#[track_caller]
fn assert_outcomes(ran: &Ran, code: i32, expected: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    let expected: Vec<(u64, String)> = (1..)
        .zip(expected.iter().map(|one| (*one).to_owned()))
        .collect();
    assert_eq!(outcomes(ran), expected, "{ran:?}");
}

/// A command, its two rows as CSV and as JSON lines, and their outcomes at the first and
/// at the second run.
type FileOfTwo<'a> = (
    &'a [&'a str],
    &'a str,
    &'a str,
    &'a [&'a str],
    &'a [&'a str],
);

#[test]
fn each_of_the_five_commands_takes_csv_and_json_lines_and_can_be_run_again() {
    let cases: [FileOfTwo<'_>; 5] = [
        (
            &["grant"],
            "principal,entitlement\nuser:bob,group:admins:member\n\"user:carol\",\"group:admins:member\"\n",
            "{\"entitlement\":\"group:admins:member\",\"principal\":\"user:bob\"}\n\n{\"principal\":\"user:carol\",\"entitlement\":\"group:admins:member\"}",
            &["granted", "granted"],
            &["already-granted", "already-granted"],
        ),
        (
            &["revoke"],
            "entitlement,principal\r\ngroup:developers:member,user:alice\r\ngroup:developers:member,user:carol\r\n",
            "{\"entitlement\":\"group:developers:member\",\"principal\":\"user:alice\"}\n{\"entitlement\":\"group:developers:member\",\"principal\":\"user:carol\"}\n",
            &["revoked", "revoked"],
            &["already-revoked", "already-revoked"],
        ),
        (
            &["account", "create"],
            "username,email,custom:department,sendInviteEmail\ndave,dave@example.com,\"a,b\nc\",FALSE\neve,,,\n",
            "{\"username\":\"dave\",\"email\":\"dave@example.com\",\"custom:department\":\"a,b\\nc\",\"sendInviteEmail\":false}\n{\"username\":\"eve\",\"email\":null}\n",
            &["created", "created"],
            &["already-exists", "already-exists"],
        ),
        (
            &["account", "delete", "--yes"],
            "account\nuser:bob\nuser:carol\n",
            "{\"account\":\"user:bob\"}\n{\"kind\":\"user\",\"id\":\"carol\",\"display_name\":\"Carol\"}\n",
            &["deleted", "deleted"],
            &["already-gone", "already-gone"],
        ),
        (
            &["action", "invoke", "disable_user"],
            "user_id\nalice\nbob\n",
            "{\"user_id\":\"alice\"}\n{\"user_id\":\"bob\"}\n",
            &["done", "done"],
            &["done", "done"],
        ),
    ];
    for (arguments, csv, lines, first, second) in cases {
        let mut truths = Vec::new();
        for file in [csv.to_owned(), lines.to_owned(), format!("\u{feff}{csv}")] {
            let bench = Bench::with_pool(small_pool());
            bench.write("rows", &file);
            let from = [arguments, &["-p", "-o", "jsonl", "--from", "rows"]].concat();
            assert_outcomes(&bench.run(&from), 0, first);
            truths.push(truth(bench.pool()));
            assert_outcomes(&bench.run(&from), 0, second);
            assert_eq!(truth(bench.pool()), truths[0], "{arguments:?}");
        }
        assert_ne!(truths[0], truth(Bench::with_pool(small_pool()).pool()));
    }
}

#[test]
fn values_of_a_file_arrive_as_they_stand_there() {
    let bench = Bench::with_pool(small_pool());
    let lines = "{\"username\":\"dave\",\"custom:notes\":\"=1+1 \\\"x\\\",\\n🚀\"}\n";
    assert_outcomes(&bench.fed(&["account", "create"], lines), 0, &["created"]);
    let csv = "username,custom:notes\neve,\"=1+1 \"\"x\"\",\n🚀\"\n";
    assert_outcomes(&bench.fed(&["account", "create"], csv), 0, &["created"]);
    for user in ["dave", "eve"] {
        let user = bench.pool().user(user).unwrap();
        assert_eq!(user.value("custom:notes"), Some("=1+1 \"x\",\n🚀"));
    }
}

const WITH_FAILURES: &str = "entitlement,principal\n\
    group:admins:member,user:bob\n\
    group:nowhere:member,user:bob\n\
    no entitlement,user:bob\n\
    group:admins:member,user:nobody\n\
    group:admins:owner,user:bob\n\
    group:admins:member\n\
    group:admins:member,user:carol\n";

#[test]
fn a_row_that_fails_is_told_in_its_place_and_the_others_go_on() {
    let bench = Bench::with_pool(small_pool());
    let ran = bench.fed(&["grant"], WITH_FAILURES);
    let failed = "failed";
    let expected = ["granted", failed, failed, failed, failed, failed, "granted"];
    assert_outcomes(&ran, 5, &expected);
    let rows = ran.rows();
    let codes: Vec<&Value> = rows.iter().map(|row| &row["code"]).collect();
    assert_eq!(codes, [0, 5, 3, 5, 3, 3, 0]);
    assert_eq!(rows[0]["error"], Value::Null);
    assert_eq!(rows[0]["about"], "group:admins:member:user:bob");
    for (row, word) in [(1, "nowhere"), (3, "nobody"), (4, "owner"), (5, "cells")] {
        let error = rows[row]["error"].as_str().unwrap();
        assert!(error.contains(word), "{error}");
    }
    assert!(rows[1]["request_id"].is_string());
    // The end of the run names the first failure.
    assert!(ran.message().contains("row 2"), "{}", ran.message());
    assert_eq!(bench.pool().groups_of("carol"), ["admins", "developers"]);
}

#[test]
fn results_have_the_same_rows_in_every_form() {
    let bench = Bench::with_pool(small_pool());
    bench.write("rows.csv", WITH_FAILURES);
    let run = |format: &str| {
        let ran = bench.run(&["-p", "grant", "--from", "rows.csv", "-o", format]);
        assert_eq!(ran.code, 5, "{ran:?}");
        ran
    };
    let numbers: Vec<u64> = (1..=7).collect();
    let json: Vec<Value> = serde_json::from_str(&run("json").stdout).unwrap();
    let of_json: Vec<u64> = json
        .iter()
        .map(|row| row["row"].as_u64().unwrap())
        .collect();
    assert_eq!(of_json, numbers);
    let lines = run("jsonl").rows();
    let of_lines: Vec<u64> = lines
        .iter()
        .map(|row| row["row"].as_u64().unwrap())
        .collect();
    assert_eq!(of_lines, numbers);
    for format in ["csv", "table"] {
        let printed = run(format).stdout;
        let rows: Vec<&str> = printed.lines().skip(1).collect();
        assert_eq!(rows.len(), 7, "{printed}");
        for (number, row) in (1..).zip(&rows) {
            assert!(row.starts_with(&format!("{number}")), "{printed}");
        }
        assert!(rows[1].contains("failed") && rows[1].contains("nowhere"));
        assert!(rows[6].contains("already-granted"), "{printed}");
    }
}

#[test]
fn a_file_that_cannot_be_trusted_is_refused_as_a_whole() {
    let bench = Bench::with_pool(small_pool());
    for (file, word) in [
        ("", "empty"),
        ("entitlement,principal\n", "no rows"),
        ("entitlement,user\ngroup:a:member,user:b\n", "column 2"),
        ("entitlement;principal\na;b\n", "semicolons"),
        ("entitlement\ngroup:a:member\n", "principal"),
        ("[{\"entitlement\":\"a\"}]", "JSON"),
        ("entitlement,principal\n\"a,b\nc,d\n", "quote"),
    ] {
        let ran = bench.fed(&["grant"], file);
        assert_eq!(ran.code, 3, "{file:?}: {ran:?}");
        assert!(ran.message().contains(word), "{file:?}: {}", ran.message());
        assert_eq!(ran.stdout, "");
    }
    let ran = bench.change(&["grant", "--from", "missing.csv"]);
    ran.assert_refused(3, &["missing.csv"]);
    assert_eq!(bench.server.log().total(), 0);
}

#[test]
fn grants_that_were_listed_can_be_revoked_as_they_are() {
    for format in ["jsonl", "csv"] {
        let bench = Bench::with_pool(small_pool());
        bench.json(&["sync"]);
        let listed = bench.run(&["list", "grants", "-o", format]).stdout;
        bench.server.log().clear();
        let ran = bench.fed(&["revoke"], &listed);
        assert_outcomes(&ran, 0, &["revoked", "revoked", "revoked"]);
        let truth = truth(bench.pool());
        let held: Vec<&Value> = truth.as_object().unwrap().values().collect();
        assert!(
            held.iter().all(|user| user["groups"] == json!([])),
            "{format}"
        );
    }
}

#[test]
fn users_that_were_listed_can_be_deleted_as_they_are() {
    let bench = Bench::with_pool(small_pool());
    bench.json(&["sync"]);
    let listed = bench.run(&["list", "users", "-o", "jsonl"]).stdout;
    let ran = bench.fed(&["account", "delete", "--yes"], &listed);
    assert_outcomes(&ran, 0, &["deleted", "deleted", "deleted"]);
    assert_eq!(bench.pool().user_count(), 0);
}

#[test]
fn rows_of_the_same_user_are_done_in_their_order() {
    let bench = Bench::with_pool(pool_of(40));
    let mut rows = String::from("entitlement,principal\n");
    for number in 0..40 {
        for group in ["admins", "staff", "admins"] {
            rows += &format!("group:{group}:member,user:u{number:03}\n");
        }
    }
    let ran = bench.fed(&["grant", "--max-changes", "120"], &rows);
    let expected = ["granted", "granted", "already-granted"].repeat(40);
    assert_outcomes(&ran, 0, &expected);
    for number in 0..40 {
        let held = bench.pool().groups_of(&format!("u{number:03}"));
        assert_eq!(held, ["admins", "staff"]);
    }
    let twice = "username\nnew\nnew\n";
    let ran = bench.fed(&["account", "create"], twice);
    assert_outcomes(&ran, 0, &["created", "already-exists"]);
}

/// A file of so many accounts, each tenth invited if `invited`.
fn accounts(number: usize, invited: bool) -> String {
    let row = |number: usize| {
        let mut row = json!({
            "username": format!("new{number:03}"),
            "email": format!("new{number:03}@example.com"),
        });
        if invited {
            row["sendInviteEmail"] = json!(if number.is_multiple_of(10) {
                "true"
            } else {
                "false"
            });
        }
        format!("{row}\n")
    };
    (0..number).map(row).collect()
}

#[test]
fn two_hundred_creations_never_send_a_request_that_would_invite() {
    let config = Config::new()
        .pool(small_pool())
        .key(Key::new(KEY_ID, SECRET));
    let bench = Bench::start(config.log_contents());
    // Also not when a request is sent again.
    let faults = bench.server.faults();
    let lost = Rule::on(Operation::AdminCreateUser, Fault::Drop);
    faults.add(lost.clone().probability(0.1, 1).times(10));
    faults.add(lost.probability(0.1, 2).times(10).after_effect());
    let arguments = ["account", "create", "--max-changes", "200"];
    let ran = bench.fed(&arguments, &accounts(200, false));
    assert_outcomes(&ran, 0, &["created"; 200]);
    let sent = bench.bodies(Operation::AdminCreateUser);
    assert!(sent.len() >= 200 && bench.server.faults().struck() > 0);
    for body in sent {
        assert_eq!(body["MessageAction"], "SUPPRESS", "{body}");
        assert_eq!(body.get("DesiredDeliveryMediums"), None, "{body}");
        assert_eq!(body.get("TemporaryPassword"), None, "{body}");
    }
    assert_eq!(bench.pool().invitations(), []);
    assert_eq!(bench.pool().user_count(), 203);
}

#[test]
fn exactly_those_are_invited_for_whom_it_was_asked() {
    let bench = Bench::with_pool(small_pool());
    let arguments = ["account", "create", "--max-changes", "200"];
    let ran = bench.fed(&arguments, &accounts(200, true));
    assert_outcomes(&ran, 0, &["created"; 200]);
    let mut invited: Vec<(String, String)> = bench
        .pool()
        .invitations()
        .into_iter()
        .map(|invitation| (invitation.username, invitation.medium))
        .collect();
    invited.sort();
    let expected: Vec<(String, String)> = (0..20)
        .map(|number| (format!("new{:03}", number * 10), "EMAIL".to_owned()))
        .collect();
    assert_eq!(invited, expected);
}

#[test]
fn an_existing_account_fails_its_row_only_where_that_was_asked_for() {
    let bench = Bench::with_pool(small_pool());
    let rows = "username\nbob\ndave\n";
    let arguments = ["account", "create", "--fail-if-exists"];
    let ran = bench.fed(&arguments, rows);
    assert_outcomes(&ran, 6, &["already-exists", "created"]);
    assert_eq!(ran.rows()[0]["code"], 6);
    let ran = bench.fed(&["account", "create"], rows);
    assert_outcomes(&ran, 0, &["already-exists", "already-exists"]);
}

#[test]
fn a_run_that_was_told_to_ignore_a_closed_terminal_goes_on() {
    let bench = Bench::start(Config::new().pool(pool_of(3)).key(Key::new(KEY_ID, SECRET)));
    let gate = Gate::closed();
    let held = Fault::HeldUntil(gate.clone());
    let rule = Rule::on(Operation::AdminAddUserToGroup, held);
    bench.server.faults().add(rule);
    let arguments = [
        "-p",
        "-o",
        "jsonl",
        "grant",
        "group:staff:member",
        "user:u000",
    ];
    let program = bench.command(&arguments);
    let mut command = std::process::Command::new("nohup");
    command
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(bench.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let mut child = command.spawn().unwrap();
    while bench.server.log().count(Operation::AdminListGroupsForUser) < 2 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    let mut kill = std::process::Command::new("kill");
    kill.args(["-HUP", &child.id().to_string()]);
    assert!(kill.status().unwrap().success());
    gate.open();
    let ran = ran(&child.wait_with_output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.stderr.contains("finishing"), "{ran:?}");
}

#[test]
fn a_second_signal_cuts_off_and_every_row_is_still_told() {
    let config = Config::new()
        .pool(pool_of(60))
        .key(Key::new(KEY_ID, SECRET));
    let bench = Bench::start(config);
    let gate = Gate::closed();
    let held = Fault::HeldUntil(gate.clone());
    let rule = Rule::on(Operation::AdminAddUserToGroup, held);
    bench.server.faults().add(rule);
    let rows: String = (0..60)
        .map(|number| format!("group:staff:member,user:u{number:03}\n"))
        .collect();
    bench.write("rows.csv", &format!("entitlement,principal\n{rows}"));
    let mut child = bench
        .command(&["-p", "-o", "jsonl", "grant", "--from", "rows.csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Two looks come before each change, and eight changes are under way at a time.
    while bench.server.log().count(Operation::AdminListGroupsForUser) < 16 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    // A closed terminal is no reason to leave a change half done either.
    let signal = |name: &str| {
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args([name, &id]).status().unwrap().success());
    };
    signal("-HUP");
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("once more cuts it off") {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0, "it never noticed");
    }
    signal("-INT");
    let ran = ran(&child.wait_with_output().unwrap());
    gate.open();
    assert_eq!(ran.code, 10, "{ran:?}");
    let results = outcomes(&ran);
    let numbers: Vec<u64> = results.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<u64>>());
    let words = ["unknown", "not-tried"];
    assert!(
        results
            .iter()
            .all(|(_, word)| words.contains(&word.as_str()))
    );
    assert!(results.iter().any(|(_, word)| word == "unknown"));
}

#[test]
fn an_interrupted_run_finishes_what_is_under_way_and_can_be_completed() {
    // Slow enough that the rows left over can't be done before the signal is noticed.
    let latency = Latency {
        fixed: Duration::from_millis(10),
        ..Latency::default()
    };
    let key = Key::new(KEY_ID, SECRET);
    let config = Config::new().pool(pool_of(60)).key(key);
    let bench = Bench::start(config.latency(latency));
    let gate = Gate::closed();
    let held = Fault::HeldUntil(gate.clone());
    let rule = Rule::on(Operation::AdminAddUserToGroup, held);
    bench.server.faults().add(rule);
    let rows: String = (0..60)
        .map(|number| {
            let user = format!("user:u{number:03}");
            json!({"entitlement": "group:staff:member", "principal": user}).to_string() + "\n"
        })
        .collect();
    bench.write("rows.jsonl", &rows);
    let arguments = ["-p", "-o", "jsonl", "grant", "--from", "rows.jsonl"];
    let mut child = bench
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Once a look was answered the run is in the middle of its rows.
    while bench.server.log().count(Operation::AdminListGroupsForUser) < 2 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    gate.open();
    let first = ran(&child.wait_with_output().unwrap());
    assert_eq!(first.code, 10, "{first:?}");
    let results = outcomes(&first);
    let numbers: Vec<u64> = results.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<u64>>());
    let count = |word: &str| results.iter().filter(|(_, one)| one == word).count();
    assert_eq!(count("granted") + count("not-tried"), 60, "{first:?}");
    assert!(count("granted") > 0 && count("not-tried") > 0, "{first:?}");
    assert_eq!(bench.pool().members("staff").count(), count("granted"));
    assert!(first.stderr.contains("can be run again"), "{first:?}");

    let second = bench.run(&arguments);
    assert_eq!(second.code, 0, "{second:?}");
    let expected: Vec<(u64, String)> = results
        .iter()
        .map(|(number, outcome)| {
            let outcome = match outcome.as_str() {
                "granted" => "already-granted",
                _ => "granted",
            };
            (*number, outcome.to_owned())
        })
        .collect();
    assert_eq!(outcomes(&second), expected);
    assert_eq!(bench.pool().members("staff").count(), 60);
}

#[test]
fn one_change_that_is_under_way_is_finished_before_an_interruption_ends_it() {
    let bench = Bench::with_pool(small_pool());
    let gate = Gate::closed();
    let held = Fault::HeldUntil(gate.clone());
    let rule = Rule::on(Operation::AdminAddUserToGroup, held);
    bench.server.faults().add(rule);
    let mut child = bench
        .command(&[
            "-p",
            "-o",
            "json",
            "grant",
            "group:admins:member",
            "user:bob",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while bench.server.log().count(Operation::AdminListGroupsForUser) < 2 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    gate.open();
    let finished = ran(&child.wait_with_output().unwrap());
    assert_eq!(finished.code, 0, "{finished:?}");
    let printed: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(printed["outcome"], "granted");
    assert_eq!(bench.pool().groups_of("bob"), ["admins"]);
}

#[test]
fn a_row_whose_outcome_is_unknown_says_so_and_the_next_run_finds_out() {
    let bench = Bench::with_pool(small_pool());
    let faults = bench.server.faults();
    let lost = Rule::on(Operation::AdminDisableUser, Fault::Drop);
    faults.add(lost.containing("bob").after_effect());
    let denied = Fault::error(400, "AccessDeniedException", "Not any more");
    faults.add(
        Rule::on(Operation::AdminGetUser, denied)
            .containing("bob")
            .after(1),
    );
    let rows = "user_id\nalice\nbob\ncarol\n";
    let disable = ["action", "invoke", "disable_user"];
    let ran = bench.fed(&disable, rows);
    assert_eq!(outcomes(&ran)[1].1, "unknown", "{ran:?}");
    assert_outcomes(&ran, ran.code, &["done", "unknown", "done"]);
    assert_eq!(ran.code, 14, "{ran:?}");
    assert_eq!(ran.rows()[1]["code"], 14);
    assert!(!bench.pool().user("bob").unwrap().enabled);
    bench.server.faults().clear();
    assert_outcomes(&bench.fed(&disable, rows), 0, &["done", "done", "done"]);
}

#[test]
fn a_file_is_done_to_its_end_though_the_service_throttles() {
    let bench = Bench::with_pool(small_pool());
    let throttled = Rule::on(Operation::AdminCreateUser, Fault::throttled());
    bench.server.faults().add(throttled.probability(0.3, 7));
    let ran = bench.fed(&["account", "create"], &accounts(20, false));
    assert_outcomes(&ran, 0, &["created"; 20]);
    assert!(bench.server.faults().struck() > 0);
    assert_eq!(bench.pool().user_count(), 23);
}

#[test]
fn credentials_that_are_rejected_in_the_middle_end_the_run() {
    let bench = Bench::with_pool(pool_of(60));
    let expired = Fault::error(
        400,
        "ExpiredTokenException",
        "The security token is expired",
    );
    let rule = Rule::on(Operation::AdminAddUserToGroup, expired).after(10);
    bench.server.faults().add(rule);
    let rows: String = (0..60)
        .map(|number| {
            let user = format!("user:u{number:03}");
            json!({"entitlement": "group:staff:member", "principal": user}).to_string() + "\n"
        })
        .collect();
    let ran = bench.fed(&["grant"], &rows);
    assert_eq!(ran.code, 16, "{ran:?}");
    let results = outcomes(&ran);
    let count = |word: &str| results.iter().filter(|(_, one)| one == word).count();
    assert_eq!(results.len(), 60);
    assert_eq!(count("granted"), 10, "{results:?}");
    assert!(count("not-tried") > 30, "{results:?}");
    assert_eq!(bench.pool().members("staff").count(), 10);
    bench.server.faults().clear();
    let ran = bench.fed(&["grant"], &rows);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(bench.pool().members("staff").count(), 60);
}
