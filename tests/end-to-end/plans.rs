//! Other ways of reading the same pool: memberships by user, users in slices.

use fake_cognito::{Fault, Generated, Operation, PoolSpec, Reply, Rule};
use rusqlite::{Connection as Sqlite, OpenFlags};
use serde_json::{Value, json};

use crate::support::{
    Bench, POOL, assert_rows, expected_grants, expected_groups, expected_users, ran,
    start_sync_with, varied_pool, wait_for_faults, wait_for_stored_page, warning_count,
};

fn assert_the_truth(bench: &Bench) {
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    assert_rows(&bench.list("groups"), &expected_groups(bench.pool()));
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
}

/// Answers the request for one slice in another way than the pool would, once.
fn answer_slice(bench: &Bench, slice: char, users: &Value) {
    let content_type = "application/x-amz-json-1.1";
    let reply = Fault::Reply(Reply {
        status: 200,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: json!({ "Users": users }).to_string().into_bytes().into(),
    });
    let asked = format!(r#"sub ^= \"{slice}\""#);
    let rule = Rule::on(Operation::ListUsers, reply);
    bench.server.faults().add(rule.containing(&asked).times(1));
}

/// Somebody of the pool whose `sub` begins with a digit, or with none of a few.
fn name_of(bench: &Bench, wanted: impl Fn(&str) -> bool) -> String {
    let mut users = bench.pool().users();
    let user = users.find(|user| user.value("sub").is_some_and(&wanted));
    user.unwrap().username
}

#[test]
fn slices_are_the_whole_list_however_many_are_read_side_by_side() {
    for shards in ["1", "5", "16"] {
        let config = fake_cognito::Config::new()
            .pool(varied_pool())
            .key(fake_cognito::Key::new(
                crate::support::KEY_ID,
                crate::support::SECRET,
            ))
            .log_contents();
        let bench = Bench::start(config);
        let summary = bench.json(&["sync", "--shards", shards]);
        assert_eq!(summary["warnings"], json!([]), "{shards}");
        assert_the_truth(&bench);
        let mut filters: Vec<String> = bench
            .bodies(Operation::ListUsers)
            .iter()
            .map(|body| body["Filter"].as_str().unwrap().to_owned())
            .collect();
        filters.sort();
        filters.dedup();
        assert_eq!(filters.len(), 16, "{filters:?}");
    }
}

#[test]
fn slices_that_can_not_be_true_are_discarded_and_the_pool_is_listed_whole() {
    // A service that does not know the filter.
    let stranger =
        |_: &Bench| json!([{"Username": "x", "Attributes": [{"Name": "sub", "Value": "8"}]}]);
    // One that forgets members of groups.
    let nobody = |_: &Bench| json!([]);
    // One that has the same user twice.
    let twice = |bench: &Bench| {
        let name = name_of(bench, |sub| sub.starts_with('3'));
        json!([{"Username": name, "Attributes": [{"Name": "sub", "Value": "7"}]}])
    };
    type Users = dyn Fn(&Bench) -> Value;
    let cases: [(&Users, &str); 3] = [
        (&stranger, "whose sub does not"),
        (&nobody, "is in no slice and exists"),
        (&twice, "is in two of them"),
    ];
    for (users, why) in cases {
        let bench = Bench::with_pool(varied_pool());
        answer_slice(&bench, '7', &users(&bench));
        let summary = bench.json(&["sync", "--shards", "16"]);
        assert_eq!(warning_count(&summary, "slices-discarded"), 1, "{summary}");
        assert_eq!(
            summary["warnings"].as_array().unwrap().len(),
            1,
            "{summary}"
        );
        let message = summary["warnings"][0]["message"].as_str().unwrap();
        assert!(message.contains(why), "{message}");
        assert_the_truth(&bench);
    }
}

#[test]
fn a_doubt_outlives_the_process_that_had_it() {
    let bench = Bench::with_pool(varied_pool());
    answer_slice(&bench, '7', &json!([]));
    let gate = fake_cognito::Gate::closed();
    let held = Rule::on(Operation::ListUsers, Fault::HeldUntil(gate.clone()));
    // Those who are missing are looked up, and the first of them has to be found.
    let look_up = held.containing("username =").after(1);
    bench.server.faults().add(look_up);
    let mut child = start_sync_with(&bench, &["--shards", "16"]);
    let is_noted = || {
        let store = Sqlite::open_with_flags(bench.store(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let note = "SELECT note FROM open_run";
        store.query_row(note, [], |row| row.get::<_, String>(0))
    };
    while !is_noted().is_ok_and(|note| note.contains("is in no slice")) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    ran(&child.wait_with_output().unwrap());
    gate.open();
    bench.server.faults().clear();
    let summary = bench.json(&["sync"]);
    assert_eq!(summary["resumed"], true, "{summary}");
    assert_eq!(warning_count(&summary, "slices-discarded"), 1, "{summary}");
    assert_the_truth(&bench);
}

#[test]
fn a_stop_that_outlives_the_cursors_costs_the_open_slices_only() {
    let bench = Bench::with_pool(PoolSpec::generated(
        POOL,
        Generated {
            users: 4_000,
            groups: 5,
            ..Generated::default()
        },
    ));
    let gate = fake_cognito::Gate::closed();
    // Four pages a slice and two slices at a time: some are done when it is killed.
    let held = Rule::on(Operation::ListUsers, Fault::HeldUntil(gate.clone())).after(40);
    bench.server.faults().add(held);
    let mut child = start_sync_with(&bench, &["--shards", "2", "--only", "users"]);
    wait_for_faults(&bench, &mut child, 2);
    wait_for_stored_page(&bench, &mut child);
    child.kill().unwrap();
    ran(&child.wait_with_output().unwrap());
    gate.open();
    bench.server.faults().clear();
    bench.server.expire_tokens();
    bench.server.log().clear();
    let summary = bench.json(&["sync", "--only", "users"]);
    assert_eq!(summary["resumed"], true, "{summary}");
    assert!(warning_count(&summary, "restarted") <= 2, "{summary}");
    assert_eq!(warning_count(&summary, "repeated-rows"), 0, "{summary}");
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    // 67 pages of users, and more because each slice ends with a short one.
    let asked = bench.server.log().count(Operation::ListUsers);
    assert!(asked <= 60, "{asked}");
}

#[test]
fn memberships_read_by_user_are_the_same() {
    let bench = Bench::with_pool(varied_pool());
    let summary = bench.json(&["sync", "--plan", "by-user"]);
    assert_eq!(summary["warnings"], json!([]), "{summary}");
    assert_eq!(bench.server.log().count(Operation::ListUsersInGroup), 0);
    assert_the_truth(&bench);
    // And with the other plan afterwards, nothing has changed.
    let ran = bench.run(&["sync", "--fail-on-change", "any"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // Grants alone need the users here.
    let bench = Bench::with_pool(varied_pool());
    bench.json(&["sync", "--plan", "by-user", "--only", "grants"]);
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
}

#[test]
fn the_summary_tells_when_the_other_plan_is_cheaper() {
    let pool = |users, groups| {
        let generated = Generated {
            users,
            groups,
            ..Generated::default()
        };
        Bench::with_pool(PoolSpec::generated(POOL, generated))
    };
    let bench = pool(10, 300);
    let paced = ["--max-rate", "user-list=100,user-resource-read=100"];
    let ran = bench.run(&[&["sync", "-o", "json"], &paced[..]].concat());
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    // 300 groups at least one page each, against 10 users.
    assert_eq!(
        summary["cheaper_plan"],
        json!({"plan": "by-user", "quota_seconds": 1, "instead_of": 3}),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains("--plan by-user") && ran.stderr.contains("bill"),
        "{ran:?}"
    );
    let bench = pool(300, 10);
    let summary = bench.json(&[&["sync"], &paced[..]].concat());
    assert_eq!(summary["cheaper_plan"], Value::Null);
}

#[test]
fn a_run_of_another_plan_is_not_gone_on_with() {
    let bench = Bench::with_pool(varied_pool());
    let gate = fake_cognito::Gate::closed();
    let held = Rule::on(Operation::ListUsers, Fault::HeldUntil(gate.clone())).after(4);
    bench.server.faults().add(held);
    let mut child = start_sync_with(&bench, &[]);
    wait_for_faults(&bench, &mut child, 1);
    wait_for_stored_page(&bench, &mut child);
    child.kill().unwrap();
    ran(&child.wait_with_output().unwrap());
    gate.open();
    bench.server.faults().clear();
    let ran = bench.run(&["sync", "--plan", "by-user"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("--plan"), "{ran:?}");
    assert_the_truth(&bench);
}

#[test]
fn a_plan_or_a_number_of_shards_that_there_is_not_is_refused() {
    let bench = Bench::with_pool(varied_pool());
    for (arguments, words) in [
        (["--plan", "by-role"], ["by-role", "by-group or by-user"]),
        (["--shards", "17"], ["17", "from 1 to 16"]),
        (["--shards", "0"], ["0", "from 1 to 16"]),
    ] {
        let ran = bench.run(&[&["sync", "-o", "json"], &arguments[..]].concat());
        ran.assert_refused(3, &words);
    }
    assert_eq!(bench.server.log().total(), 0);
}
