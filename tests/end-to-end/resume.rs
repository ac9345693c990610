//! Syncs that end before they are through, and how the next one goes on.

use std::path::Path;
use std::process::{Child, Stdio};

use fake_cognito::{Config, Fault, Gate, Group, Key, Operation, PoolSpec, Rule, User};
use rusqlite::Connection as Sqlite;
use serde_json::Value;

use crate::support::{
    Bench, KEY_ID, POOL, Ran, SECRET, assert_nothing_is_current, assert_rows, expected_grants,
    expected_groups, expected_users, newest_run, ran, signal, start_sync, varied_pool,
    wait_for_faults, wait_for_stored_page, warning_count,
};

const WORKERS: u64 = 4;

/// Starts a sync, and holds it up at a request of an operation until it has been ended.
fn end_at(bench: &Bench, operation: Operation, nth: u64, end: impl FnOnce(&mut Child)) -> Ran {
    let gate = Gate::closed();
    let held = Rule::on(operation, Fault::HeldUntil(gate.clone())).after(nth - 1);
    bench.server.faults().add(held);
    let mut child = start_sync(bench);
    wait_for_faults(bench, &mut child, 1);
    wait_for_stored_page(bench, &mut child);
    end(&mut child);
    let output = child.wait_with_output().unwrap();
    gate.open();
    bench.server.faults().clear();
    ran(&output)
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("connector.db"))
        .collect();
    names.sort();
    names
}

fn assert_the_truth(bench: &Bench) {
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    assert_rows(&bench.list("groups"), &expected_groups(bench.pool()));
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
}

fn requests_of_a_whole_sync() -> u64 {
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync"]);
    bench.server.log().total()
}

/// Changes what the store says of its newest run.
fn alter(bench: &Bench, sql: &str) {
    let store = Sqlite::open(bench.store()).unwrap();
    store.execute_batch(sql).unwrap();
}

#[test]
fn an_interrupted_sync_says_how_to_go_on_and_the_next_one_does() {
    let whole = requests_of_a_whole_sync();
    for name in ["-INT", "-TERM"] {
        let bench = Bench::with_pool(varied_pool());
        let stopped = end_at(&bench, Operation::ListUsers, 6, |child| signal(child, name));
        assert_eq!(stopped.code, 10, "{stopped:?}");
        let run = newest_run(&bench);
        assert_eq!(run["state"], "interrupted");
        let id = run["sync_id"].as_str().unwrap();
        let message = stopped.message();
        assert!(
            message.contains("the next sync goes on") && message.contains(id),
            "{message}"
        );
        assert_eq!(
            files(bench.folder.path()),
            ["connector.db"],
            "one file to move"
        );
        assert_nothing_is_current(&bench);

        let resumed = bench.run(&["sync", "-o", "json"]);
        assert_eq!(resumed.code, 0, "{resumed:?}");
        assert!(
            resumed.stderr.contains("going on with the sync"),
            "{resumed:?}"
        );
        let summary: Value = serde_json::from_str(&resumed.stdout).unwrap();
        assert_eq!(summary["resumed"], true);
        assert_eq!(summary["sync_id"], id, "it is the same run");
        assert_the_truth(&bench);
        let sent = bench.server.log().total();
        assert!(sent <= whole + 4 * WORKERS, "{sent} of {whole}");
        assert_eq!(warning_count(&summary, "resumed"), 1, "{summary}");
        assert_eq!(summary["warnings"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_killed_sync_is_gone_on_with_and_asks_again_only_for_what_was_in_flight() {
    let whole = requests_of_a_whole_sync();
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync", "--only", "groups"]);
    bench.server.log().clear();
    for (operation, nth) in [
        (Operation::ListUsers, 3),
        (Operation::ListUsers, 4),
        (Operation::ListUsersInGroup, 9),
    ] {
        let killed = end_at(&bench, operation, nth, kill);
        assert_eq!(killed.code, -1, "{killed:?}");
        // What was published before is still what is shown.
        assert_eq!(bench.run(&["list", "users"]).code, 5);
        assert_rows(&bench.list("groups"), &expected_groups(bench.pool()));
    }
    let summary = bench.json(&["sync"]);
    assert_eq!(summary["resumed"], true);
    assert_the_truth(&bench);
    let sent = bench.server.log().total();
    assert!(sent <= whole + 3 * 4 * WORKERS, "{sent} of {whole}");
    assert_eq!(files(bench.folder.path()), ["connector.db"]);
    // Counted for the whole run, but for what was on its way when it was killed.
    let told = summary["requests"].as_u64().unwrap();
    assert!(
        told <= sent && told + 3 * 4 * WORKERS >= sent,
        "{told} of {sent}"
    );
}

#[test]
fn a_sync_that_failed_is_gone_on_with_too() {
    let bench = Bench::with_pool(varied_pool());
    let fault = Fault::error(400, "InvalidParameterException", "Not today.");
    let rule = Rule::on(Operation::ListUsers, fault).after(5);
    bench.server.faults().add(rule);
    let failed = bench.run(&["sync", "-o", "json"]);
    assert_ne!(failed.code, 0, "{failed:?}");
    assert!(
        failed.message().contains("the next sync goes on"),
        "{failed:?}"
    );
    bench.server.faults().clear();
    assert_eq!(bench.json(&["sync"])["resumed"], true);
    assert_the_truth(&bench);
}

#[test]
fn a_run_that_would_be_another_one_today_is_begun_anew() {
    let digest = "UPDATE run SET component_digest = 'sha256:00'";
    let old = "UPDATE run SET started_at = '2020-01-01T00:00:00.000Z'";
    let list = "UPDATE list_of_run SET list = '{\"of-tomorrow\":1}' WHERE list LIKE '%:\"user\"%'";
    for (sql, arguments, why) in [
        ("", &["--fresh"][..], "that was asked for"),
        (digest, &[], "another version of the component"),
        (old, &[], "more than 24 hours ago"),
        (list, &[], "another version of this program"),
        ("", &["--only", "users"], "--only"),
        (
            "",
            &["--last-login-attribute", "custom:seen"],
            "other settings",
        ),
    ] {
        let bench = Bench::with_pool(varied_pool());
        end_at(&bench, Operation::ListUsers, 6, kill);
        let left = newest_run(&bench)["sync_id"].clone();
        alter(&bench, sql);
        // Nobody is told less because progress is not wanted.
        let ran = bench.run(&[&["sync", "-o", "json", "--quiet"], arguments].concat());
        assert_eq!(ran.code, 0, "{why}: {ran:?}");
        let id = left.as_str().unwrap();
        assert!(
            ran.stderr.contains(why) && ran.stderr.contains(id),
            "{why}: {ran:?}"
        );
        let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(summary["resumed"], false);
        assert_ne!(summary["sync_id"], left);
        assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    }
}

#[test]
fn a_cursor_that_expired_between_two_syncs_begins_its_list_again() {
    let bench = Bench::with_pool(varied_pool());
    end_at(&bench, Operation::ListUsers, 8, kill);
    bench.server.expire_tokens();
    let gone = expected_users(bench.pool())[0]["id"].clone();
    assert!(bench.pool().remove_user(gone.as_str().unwrap()));
    let summary = bench.json(&["sync"]);
    assert_eq!(summary["resumed"], true);
    assert!(warning_count(&summary, "restarted") >= 1, "{summary}");
    assert_the_truth(&bench);
}

#[test]
fn a_service_that_starts_over_is_noticed_and_leaves_nothing_behind() {
    for interrupted in [false, true] {
        let bench = Bench::with_pool(varied_pool());
        if interrupted {
            end_at(&bench, Operation::ListUsers, 8, kill);
        }
        let restart = Rule::on(Operation::ListUsers, Fault::Restart);
        let later = if interrupted { 0 } else { 7 };
        bench.server.faults().add(restart.after(later).times(1));
        let summary = bench.json(&["sync"]);
        assert_eq!(summary["resumed"], interrupted);
        assert_eq!(warning_count(&summary, "started-over"), 1, "{summary}");
        assert_eq!(warning_count(&summary, "repeated-rows"), 0, "{summary}");
        assert_the_truth(&bench);
    }
}

#[test]
fn a_service_that_never_gets_further_is_given_up_and_read_from_the_start_next_time() {
    let bench = Bench::with_pool(varied_pool());
    let fault = Rule::on(Operation::ListUsers, Fault::RepeatToken);
    bench.server.faults().add(fault);
    let ran = bench.run(&["sync", "-o", "json"]);
    assert_eq!(ran.code, 14, "{ran:?}");
    assert!(ran.message().contains("4 times"), "{ran:?}");
    assert_nothing_is_current(&bench);
    bench.server.faults().clear();
    assert_eq!(bench.json(&["sync"])["resumed"], true);
    assert_the_truth(&bench);
}

#[test]
fn a_second_sync_on_the_same_store_is_refused_while_the_first_one_lives() {
    let bench = Bench::with_pool(varied_pool());
    end_at(&bench, Operation::ListUsers, 6, |child| {
        let second = bench.run(&["sync", "-o", "json"]);
        assert_eq!(second.code, 9, "{second:?}");
        let id = child.id().to_string();
        assert!(second.message().contains(&id), "{second:?}");
        kill(child);
    });
    assert_eq!(bench.json(&["sync"])["resumed"], true);
}

#[cfg(unix)]
#[test]
fn a_store_is_one_store_under_all_its_names() {
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync", "--only", "groups"]);
    let named = |name: &str| bench.folder.path().join(name);
    std::os::unix::fs::symlink(bench.store(), named("link.db")).unwrap();
    end_at(&bench, Operation::ListUsers, 6, |child| {
        for arguments in [&["--store", "link.db"][..], &[]] {
            let second = bench.run(&[&["sync", "-o", "json"], arguments].concat());
            assert_eq!(second.code, 9, "{second:?}");
            let runs = bench.json(&[&["syncs"], arguments].concat());
            assert_eq!(runs[1]["state"], "running", "{runs}");
        }
        // Somebody who tidies up does not let a second one in.
        std::fs::remove_file(named("connector.db.lock")).unwrap();
        assert_eq!(bench.run(&["sync"]).code, 9);
        kill(child);
    });
    std::fs::hard_link(bench.store(), named("hard.db")).unwrap();
    let ran = bench.run(&["sync", "-o", "json", "--store", "hard.db"]);
    ran.assert_refused(3, &["hard.db", "hard links"]);
    std::fs::remove_file(named("hard.db")).unwrap();
    assert_eq!(bench.json(&["sync"])["resumed"], true);
    assert_the_truth(&bench);
}

#[cfg(unix)]
#[test]
fn a_store_that_is_taken_away_during_a_sync_is_no_success() {
    let bench = Bench::with_pool(varied_pool());
    let gate = Gate::closed();
    let held = Rule::on(Operation::ListUsers, Fault::HeldUntil(gate.clone())).after(6);
    bench.server.faults().add(held);
    let mut child = start_sync(&bench);
    wait_for_faults(&bench, &mut child, 1);
    wait_for_stored_page(&bench, &mut child);
    std::fs::remove_file(bench.store()).unwrap();
    gate.open();
    let ran = ran(&child.wait_with_output().unwrap());
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(ran.message().contains("removed during the sync"), "{ran:?}");
}

#[test]
fn a_damaged_store_is_refused_by_every_sync_and_never_written_to() {
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync"]);
    let mut bytes = std::fs::read(bench.store()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xa5);
    std::fs::write(bench.store(), &bytes).unwrap();
    // What a killed sync leaves behind.
    bench.write("connector.db.lock", "4194304");
    for _ in 0..3 {
        let ran = bench.run(&["sync", "-o", "json"]);
        ran.assert_refused(3, &["is damaged"]);
        assert!(
            std::fs::read(bench.store()).unwrap() == bytes,
            "it was written to"
        );
    }
}

#[test]
fn a_disk_that_takes_no_more_costs_the_last_page_only() {
    let bench = Bench::with_pool(varied_pool());
    let whole = requests_of_a_whole_sync();
    // A limit on the length of files stands for the disk: the write fails in the same way.
    let limited = bench.command(&["sync", "-o", "json"]);
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$@\"", "sh"])
        .arg(limited.get_program())
        .args(limited.get_args())
        .current_dir(bench.folder.path())
        .env_clear();
    for (name, value) in limited.get_envs() {
        shell.env(name, value.unwrap());
    }
    let full = crate::support::finish(&mut shell);
    assert_eq!(full.code, 3, "{full:?}");
    assert!(full.stderr.contains("connector.db"), "{full:?}");
    assert_nothing_is_current(&bench);
    assert_eq!(bench.json(&["store", "check"])["ok"], true);
    assert_eq!(bench.json(&["sync"])["resumed"], true);
    assert_the_truth(&bench);
    let sent = bench.server.log().total();
    assert!(sent <= whole + 4 * WORKERS, "{sent} of {whole}");
}

#[test]
fn as_many_snapshots_are_kept_as_asked_for() {
    let bench = Bench::with_pool(varied_pool());
    for _ in 0..4 {
        bench.json(&["sync", "--only", "groups", "--keep", "3"]);
    }
    let runs = |bench: &Bench| bench.json(&["syncs"]).as_array().unwrap().len();
    assert_eq!(runs(&bench), 3);
    bench.json(&["sync", "--only", "groups"]);
    assert_eq!(runs(&bench), 3, "it is remembered");
    for wrong in ["0", "-1", "many"] {
        let ran = bench.run(&["sync", "-o", "json", &format!("--keep={wrong}")]);
        ran.assert_refused(3, &["--keep", wrong]);
    }
    bench.json(&["sync", "--only", "groups", "--keep", "1"]);
    assert_eq!(runs(&bench), 1);
}

/// 70 groups of two, so that the list of groups has two pages.
fn many_small_groups() -> PoolSpec {
    let pool = ["alice", "bob"]
        .map(User::new)
        .into_iter()
        .fold(PoolSpec::literal(POOL), PoolSpec::user);
    (1..=70).fold(pool, |pool, number| {
        let name = format!("g{number}");
        let pool = pool.group(Group::new(name.clone()));
        pool.member("alice", name.clone()).member("bob", name)
    })
}

#[test]
fn members_who_left_while_a_list_that_began_again_was_interrupted_do_not_stay() {
    let config = Config::new()
        .pool(many_small_groups())
        .key(Key::new(KEY_ID, SECRET))
        .log_contents();
    let bench = Bench::start(config);
    let (log, faults) = (bench.server.log(), bench.server.faults());
    let (second_page, first_again) = (Gate::closed(), Gate::closed());
    for gate in [&second_page, &first_again] {
        // The first rule takes the second request, so the other one's second is the third.
        let held = Fault::HeldUntil(gate.clone());
        faults.add(Rule::on(Operation::ListGroups, held).nth(2));
    }
    // One worker waits for the second page, the other one reads members.
    let mut child = bench
        .command(&["sync", "-o", "json", "--workers", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut wait_until = |what: &dyn Fn() -> bool| {
        while !what() {
            assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
            std::thread::yield_now();
        }
    };
    wait_until(&|| faults.struck() == 1 && log.count(Operation::ListUsersInGroup) == 60);
    bench.server.expire_tokens();
    second_page.open();
    wait_until(&|| faults.struck() == 2);
    kill(&mut child);
    child.wait().unwrap();
    first_again.open();
    faults.clear();
    log.clear();

    assert!(bench.pool().remove_member("bob", "g1"));
    let summary = bench.json(&["sync"]);
    assert_eq!(summary["resumed"], true, "{summary}");
    assert_eq!(warning_count(&summary, "restarted"), 1, "{summary}");
    assert_eq!(warning_count(&summary, "repeated-rows"), 0, "{summary}");
    let asked = bench.bodies(Operation::ListUsersInGroup);
    if asked.iter().any(|body| body["GroupName"] == "g1") {
        assert_the_truth(&bench);
    } else {
        // Read once, before the change, and kept as it was read.
        let grants = bench.list("grants");
        assert!(bench.pool().add_member("bob", "g1"));
        assert_rows(&grants, &expected_grants(bench.pool()));
    }
}
