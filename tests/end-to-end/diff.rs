//! `diff`: what changed between two snapshots, held against what was changed in the pool.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::Stdio;

use fake_cognito::{Group, Key, PoolSpec, User};
use serde_json::{Value, json};

use crate::support::{
    Bench, KEY_ID, POOL, Ran, SECRET, bare_command, expected_grants, expected_groups,
    expected_users, finish, small_pool, varied_pool,
};

/// All rows of a pool by sort and id.
fn rows(bench: &Bench) -> BTreeMap<(usize, String), Value> {
    let pool = bench.pool();
    let groups = expected_groups(pool);
    let entitlements = groups.iter().map(|group| {
        let name = group["id"].as_str().unwrap();
        json!({
            "kind": "entitlement",
            "id": format!("group:{name}:member"),
            "resource": format!("group:{name}"),
            "slug": "member",
            "display_name": format!("{name} Group Member"),
            "grantable_to": ["user"],
        })
    });
    let entitlements: Vec<Value> = entitlements.collect();
    let grants = expected_grants(pool).into_iter().map(|grant| {
        let mut row = json!({"kind": "grant"});
        row.as_object_mut()
            .unwrap()
            .extend(grant.as_object().unwrap().clone());
        row
    });
    [expected_users(pool), groups, entitlements, grants.collect()]
        .into_iter()
        .enumerate()
        .flat_map(|(sort, rows)| rows.into_iter().map(move |row| (sort, row)))
        .map(|(sort, row)| ((sort, row["id"].as_str().unwrap().to_owned()), row))
        .collect()
}

type Rows = BTreeMap<(usize, String), Value>;

/// What must be told of two states of a pool: added, removed, and the ids of what changed.
fn expected(before: &Rows, after: &Rows) -> (Vec<Value>, Vec<Value>, Vec<Value>) {
    let only = |one: &Rows, other: &Rows| {
        let rows = one.iter().filter(|(key, _)| !other.contains_key(*key));
        rows.map(|(_, row)| row.clone()).collect()
    };
    let changed = after
        .iter()
        .filter(|(key, row)| before.get(*key).is_some_and(|old| old != *row))
        .map(|(_, row)| row["id"].clone())
        .collect();
    (only(after, before), only(before, after), changed)
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

/// Runs `diff`, which must find something.
#[track_caller]
fn different(bench: &Bench, arguments: &[&str]) -> Value {
    let ran = bench.run(&[&["diff", "-o", "json"], arguments].concat());
    assert_eq!(ran.code, 1, "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

fn sync(bench: &Bench, arguments: &[&str]) -> String {
    let summary = bench.json(&[&["sync"], arguments].concat());
    summary["sync_id"].as_str().unwrap().to_owned()
}

/// What an administrator might do on a day, with a deletion and a new creation in it.
fn changed_pool() -> (Bench, String, String, Rows, Rows) {
    let pool = small_pool()
        .user(User::new("dave").attribute("custom:department", "=cmd|'/c calc'!A0"))
        .group(Group::new("old-team").description("before"));
    let bench = Bench::with_pool(pool);
    let before = rows(&bench);
    let first = sync(&bench, &[]);

    bench.changed(&["revoke", "group:developers:member", "user:alice"]);
    bench.changed(&["grant", "group:admins:member", "user:bob"]);
    bench.changed(&["action", "invoke", "disable_user", "user_id=bob"]);
    bench.changed(&[
        "account",
        "create",
        "--username",
        "erin",
        "--email",
        "e@example.com",
    ]);
    assert!(bench.pool().remove_user("dave"));
    assert!(bench.pool().remove_user("carol"));
    bench.changed(&[
        "account",
        "create",
        "--username",
        "carol",
        "--email",
        "new@example.com",
    ]);
    assert!(bench.pool().remove_group("old-team"));
    let renewed = Group::new("old-team")
        .description("after\u{1b}[2J")
        .precedence(3);
    assert!(bench.pool().add_group(renewed));
    assert!(bench.pool().add_group(Group::new("Zürich")));

    let second = sync(&bench, &[]);
    let after = rows(&bench);
    (bench, first, second, before, after)
}

#[test]
fn a_comparison_tells_exactly_what_was_changed_in_the_pool() {
    let (bench, first, second, before, after) = changed_pool();
    let found = different(&bench, &[]);
    let (added, removed, changed) = expected(&before, &after);
    assert_eq!(array(&found["added"]), &added);
    assert_eq!(array(&found["removed"]), &removed);
    let ids: Vec<Value> = array(&found["changed"])
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(ids, changed);
    assert_eq!(found["not_compared"], json!([]));
    assert_eq!(
        (&found["from"]["sync_id"], &found["to"]["sync_id"]),
        (&json!(first), &json!(second))
    );
    assert_eq!(found["from"]["state"], "complete");

    let (bob, carol, team) = (
        &found["changed"][0],
        &found["changed"][1],
        &found["changed"][2],
    );
    assert_eq!(
        bob["changes"]["status"],
        json!({"from": "enabled", "to": "disabled"})
    );
    let names: Vec<&String> = bob["changes"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["status", "updated_at"]);
    assert_eq!(
        (&bob["kind"], &bob["recreated"]),
        (&json!("user"), &Value::Null)
    );
    assert_eq!(carol["recreated"], true);
    assert_eq!(
        carol["changes"]["attributes.email"],
        json!({"from": "carol@example.com", "to": "new@example.com"})
    );
    assert_eq!(
        team["changes"],
        json!({
            "description": {"from": "before", "to": "after\u{1b}[2J"},
            "attributes.precedence": {"from": null, "to": 3},
        })
    );

    // The same two by name, the other way round, and one with itself.
    assert_eq!(different(&bench, &[&first]), found);
    assert_eq!(different(&bench, &[&first, &second]), found);
    let back = different(&bench, &[&second, &first]);
    assert_eq!(
        (&back["added"], &back["removed"]),
        (&found["removed"], &found["added"])
    );
    assert_eq!(
        back["changed"][0]["changes"]["status"],
        json!({"from": "disabled", "to": "enabled"})
    );
    assert_eq!(bench.json(&["diff", &second])["changed"], json!([]));
}

#[test]
fn a_large_pool_is_compared_row_by_row() {
    let bench = Bench::with_pool(varied_pool());
    let before = rows(&bench);
    sync(&bench, &[]);
    let doomed: Vec<User> = bench.pool().users().step_by(50).collect();
    assert!(doomed.len() >= 14);
    for user in &doomed {
        assert!(bench.pool().remove_user(&user.username));
    }
    let group = bench.pool().groups().swap_remove(3);
    assert!(bench.pool().remove_group(&group.name));
    sync(&bench, &["--allow-shrink"]);
    let found = different(&bench, &[]);
    let (added, removed, changed) = expected(&before, &rows(&bench));
    assert_eq!(array(&found["added"]), &added);
    assert_eq!(array(&found["removed"]), &removed);
    assert_eq!((changed.len(), &found["changed"]), (0, &json!([])));
    assert!(removed.len() > doomed.len());
}

#[test]
fn lines_have_one_member_each_and_are_safe_to_look_at() {
    let (bench, ..) = changed_pool();
    let printed = |format: &str| {
        let ran = bench.run(&["diff", "-o", format]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert_eq!(
            bench.run(&["diff", "-o", format]).stdout,
            ran.stdout,
            "{format}"
        );
        ran
    };
    let table = printed("table");
    let words = |line: &str| {
        let words = line.split_whitespace().map(str::to_owned);
        words.collect::<Vec<_>>()
    };
    let lines: Vec<Vec<String>> = table.stdout.lines().map(words).collect();
    assert_eq!(
        lines[0],
        ["CHANGE", "KIND", "ID", "ATTRIBUTE", "FROM", "TO"]
    );
    assert_eq!(
        lines[1],
        ["changed", "user", "bob", "status", "enabled", "disabled"]
    );
    let has = |line: &[&str]| lines.iter().any(|one| one == line);
    assert!(has(&["removed", "user", "dave"]), "{table:?}");
    assert!(
        has(&[
            "recreated",
            "user",
            "carol",
            "emails.0.address",
            "carol@example.com",
            "new@example.com"
        ]),
        "{table:?}"
    );
    assert!(
        has(&["added", "grant", "group:admins:member:user:bob"]),
        "{table:?}"
    );
    assert!(!table.stdout.contains('\u{1b}'), "{table:?}");
    assert!(table.stdout.contains(" after\\u{1b}[2J\n"), "{table:?}");
    assert!(
        table
            .stderr
            .contains("users: 1 added, 1 removed, 2 changed; groups: 1 added, 1 changed"),
        "{table:?}"
    );

    let csv = printed("csv");
    let mut reader = csv::Reader::from_reader(csv.stdout.as_bytes());
    let header = ["change", "kind", "id", "attribute", "from", "to"];
    assert_eq!(
        reader.headers().unwrap(),
        &csv::StringRecord::from(header.to_vec())
    );
    let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    assert_eq!(records.len() + 1, lines.len());
    assert_eq!(
        records[0],
        vec!["changed", "user", "bob", "status", "enabled", "disabled"]
    );

    let found = different(&bench, &[]);
    let jsonl = printed("jsonl").rows();
    for differs in ["added", "removed", "changed"] {
        let mut of_sort: Vec<Value> = jsonl
            .iter()
            .filter(|line| line["change"] == differs)
            .cloned()
            .collect();
        for line in &mut of_sort {
            assert!(
                line.as_object_mut()
                    .unwrap()
                    .shift_remove("change")
                    .is_some()
            );
        }
        assert_eq!(&of_sort, array(&found[differs]));
    }
}

#[test]
fn cells_that_would_be_formulas_are_defused() {
    let pool = |department: &'static str| {
        PoolSpec::literal(POOL).user(
            User::new("alice")
                .subject("s")
                .attribute("custom:department", department),
        )
    };
    let one = Bench::with_pool(pool("=1+1"));
    let two = Bench::with_pool(pool("@SUM(A1)"));
    sync(&one, &[]);
    sync(&two, &[]);
    let store = two.store();
    let ran = one.run(&["diff", "--store-b", store.to_str().unwrap(), "-o", "csv"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(
        ran.stdout,
        "change,kind,id,attribute,from,to\n\
         changed,user,alice,attributes.custom:department,'=1+1,'@SUM(A1)\n"
    );
}

#[test]
fn two_pools_can_be_compared_and_it_is_told_that_they_are_two() {
    const OTHER: &str = "eu-central-1_Zz9Yy8Xx7";
    let other = PoolSpec::literal(OTHER)
        .user(User::new("alice").subject("a"))
        .user(User::new("zoe").subject("z"));
    let config = fake_cognito::Config::new()
        .pool(PoolSpec::literal(POOL).user(User::new("alice").subject("a")))
        .pool(other)
        .key(Key::new(KEY_ID, SECRET));
    let bench = Bench::start(config);
    sync(&bench, &[]);
    sync(&bench, &["--store", "b.db", "--user-pool-id", OTHER]);
    let ran = bench.run(&["diff", "--store-b", "b.db", "-o", "json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["added"][0]["id"], "zoe");
    assert_eq!(
        (array(&found["added"]).len(), array(&found["removed"]).len()),
        (1, 0)
    );
    assert!(
        ran.stderr.contains("different connections") && ran.stderr.contains(OTHER),
        "{ran:?}"
    );
    assert_eq!(bench.run(&["diff", "--store-b", "b.db", "-q"]).stderr, "");

    // An older snapshot of one against the current one of the other.
    let first = bench.json(&["syncs"])[0]["sync_id"].clone();
    sync(&bench, &[]);
    let found = different(&bench, &[first.as_str().unwrap(), "--store-b", "b.db"]);
    assert_eq!(found["from"]["sync_id"], first);
    // The settings still say which system the first store must be of.
    let swapped = bench.run(&[
        "diff",
        "--store",
        "b.db",
        "--store-b",
        "connector.db",
        "-o",
        "json",
    ]);
    swapped.assert_refused(3, &["user-pool-id", POOL]);
    let missing = bench.run(&["diff", "--store-b", "c.db", "-o", "json"]);
    missing.assert_refused(5, &["c.db"]);
}

#[test]
fn what_was_not_asked_for_is_not_taken_for_deleted() {
    let bench = Bench::with_pool(small_pool());
    sync(&bench, &[]);
    assert!(bench.pool().remove_group("admins"));
    let users = sync(&bench, &["--only", "users"]);
    let ran = bench.run(&["diff", "-o", "json", "--quiet"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["removed"], json!([]));
    assert_eq!(
        found["not_compared"],
        json!(["groups", "entitlements", "grants"])
    );
    assert!(
        ran.stderr
            .contains("not compared: groups, entitlements, grants"),
        "{ran:?}"
    );

    sync(&bench, &["--only", "groups"]);
    bench
        .run(&["diff", &users, "-o", "json"])
        .assert_refused(5, &[&users, "nothing to compare"]);
}

#[test]
fn nothing_to_compare_with_is_told_before_anything_is_printed() {
    let bench = Bench::with_pool(small_pool());
    bench
        .run(&["diff", "-o", "json"])
        .assert_refused(5, &["no store"]);
    let only = sync(&bench, &[]);
    let ran = bench.run(&["diff", "-o", "json"]);
    ran.assert_refused(5, &[&only, "no complete snapshot before"]);
    assert!(ran.stderr.contains("sync again"), "{ran:?}");
    bench
        .run(&["diff", "yesterday", "-o", "json"])
        .assert_refused(5, &["`yesterday`"]);
    assert_eq!(bench.run(&["diff", "a", "b", "c"]).code, 2);
}

#[test]
fn an_unchanged_pool_is_the_same_in_every_format() {
    let bench = Bench::with_pool(varied_pool());
    let (first, second) = (sync(&bench, &["--workers", "1"]), sync(&bench, &[]));
    for (format, expected) in [
        ("table", "CHANGE  KIND  ID  ATTRIBUTE  FROM  TO\n"),
        ("csv", "change,kind,id,attribute,from,to\n"),
        ("jsonl", ""),
    ] {
        let ran = bench.run(&["diff", "-o", format]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, expected), "{format}");
        let sorts = "users, groups, entitlements, grants";
        let told = format!("no difference in {sorts} between {first} and {second}\n");
        assert_eq!(ran.stderr, if format == "table" { &told } else { "" });
    }
    let found = bench.json(&["diff"]);
    for member in ["added", "removed", "changed", "not_compared"] {
        assert_eq!(found[member], json!([]), "{member}");
    }
    // No key, no settings, no service: a store is enough.
    let alone = finish(&mut bare_command(bench.folder.path(), &["diff", "-q"]));
    assert_eq!((alone.code, alone.stderr.as_str()), (0, ""));
}

#[test]
fn an_incomplete_run_is_compared_with_a_warning() {
    let bench = Bench::with_pool(
        PoolSpec::literal(POOL).users((0..60).map(|number| User::new(format!("user-{number:02}")))),
    );
    sync(&bench, &[]);
    for number in 0..30 {
        assert!(bench.pool().remove_user(&format!("user-{number:02}")));
    }
    assert_eq!(bench.run(&["sync"]).code, 9);
    let runs = bench.json(&["syncs"]);
    let (current, refused) = (&runs[0]["sync_id"], &runs[1]["sync_id"]);
    let (current, refused) = (current.as_str().unwrap(), refused.as_str().unwrap());
    let ran: Ran = bench.run(&["diff", current, refused, "-o", "json", "-q"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(
        ran.stderr,
        format!(
            "warning: the sync {refused} is refused: it was read in full and did not become current\n"
        )
    );
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["to"]["state"], "refused");
    assert_eq!(array(&found["removed"]).len(), 30);
}

#[test]
fn a_reader_that_has_seen_enough_still_leaves_a_difference() {
    let bench = Bench::with_pool(varied_pool());
    let empty = Bench::with_pool(PoolSpec::literal(POOL));
    sync(&bench, &[]);
    sync(&empty, &[]);
    let store = bench.store();
    for format in ["json", "jsonl", "csv", "table"] {
        let mut diff = empty
            .command(&[
                "diff",
                "--store-b",
                store.to_str().unwrap(),
                "-o",
                format,
                "-q",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Some of it is read, so that the rest has nowhere to go.
        let mut some = [0; 10];
        diff.stdout.take().unwrap().read_exact(&mut some).unwrap();
        let output = diff.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{format}");
        assert!(output.stderr.is_empty(), "{format}: {output:?}");
    }
}
