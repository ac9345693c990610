//! Values, names and moments that have broken other tools.

use fake_cognito::{Fault, Group, Operation, PoolSpec, Rule, User};
use serde_json::{Value, json};

use super::{only_page_of_users, pool_of};
use crate::support::{
    Bench, POOL, SECRET, assert_nothing_is_current, assert_rows, expected_grants, expected_groups,
    expected_users, full_page,
};

const SUB: &str = "11111111-2222-4333-8444-555555555555";

/// The rows of a pool after a sync.
fn synced(pool: PoolSpec) -> (Bench, Vec<Value>) {
    let bench = Bench::with_pool(pool);
    bench.json(&["sync"]);
    let rows = bench.list("users");
    assert_rows(&rows, &expected_users(bench.pool()));
    assert_rows(&bench.list("groups"), &expected_groups(bench.pool()));
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
    (bench, rows)
}

#[test]
fn text_of_any_script_is_kept_as_it_is() {
    let texts = [
        "👩‍👩‍👧🏽 🇩🇪",
        "e\u{301} is not é",
        "\u{202e}right to left\u{202c} שלום",
        "a\u{0}b\\u0000",
        "\u{feff}\u{200b}\u{2028}\u{85}",
        "\u{1}\u{7f}\t\r\n\"\\/",
        " blank at both ends ",
    ];
    let users = texts
        .iter()
        .enumerate()
        .map(|(number, text)| User::new(format!("user-{number}")).attribute("custom:notes", *text));
    let (bench, rows) = synced(PoolSpec::literal(POOL).users(users));
    for (row, text) in rows.iter().zip(texts) {
        assert_eq!(row["attributes"]["custom:notes"], text);
        let id = format!("user:{}", row["id"].as_str().unwrap());
        assert_eq!(bench.json(&["get", &id]), *row);
    }
}

#[test]
fn bytes_that_are_no_text_are_an_error_and_no_crash() {
    let bench = Bench::with_pool(pool_of(1));
    bench.server.faults().add(Rule::any(Fault::InvalidUtf8));
    let ran = bench.run(&["get", "user:user-000", "-o", "json"]);
    ran.assert_refused(14, &["AdminGetUser", "UTF-8"]);
}

#[test]
fn names_with_every_separator_are_told_apart_in_every_list() {
    let long = "x".repeat(128);
    let user_names = [
        "Ops/Team:é😀+1",
        "a%20b&c=d?e#f@g\\h",
        "a:member:user:b",
        "user:c",
        &long,
    ];
    let group_names = ["Ops/Team:é😀+1", "a", "a:member", "group:a", "%2F..", &long];
    let mut pool = PoolSpec::literal(POOL).users(user_names.map(User::new));
    for group in group_names {
        pool = pool.group(Group::new(group));
        for user in user_names {
            pool = pool.member(user, group);
        }
    }
    let (bench, _) = synced(pool);
    let grants = bench.list("grants");
    let pairs: std::collections::BTreeSet<(&str, &str)> = grants
        .iter()
        .map(|grant| {
            let text = |member: &str| grant[member].as_str().unwrap();
            (text("entitlement"), text("principal"))
        })
        .collect();
    assert_eq!(pairs.len(), user_names.len() * group_names.len());
    for group in group_names {
        let shown = bench.json(&["show", &format!("group:{group}")]);
        assert_eq!(shown["id"], group);
        assert_eq!(shown["members"].as_array().unwrap().len(), user_names.len());
    }
    for user in user_names {
        assert_eq!(bench.json(&["show", &format!("user:{user}")])["id"], user);
    }
}

#[test]
fn two_grants_that_would_share_an_id_are_refused() {
    let pool = PoolSpec::literal(POOL)
        .users(["c", "b:member:user:c"].map(User::new))
        .group(Group::new("a"))
        .group(Group::new("a:member:user:b"))
        .member("b:member:user:c", "a")
        .member("c", "a:member:user:b");
    let bench = Bench::with_pool(pool);
    let ran = bench.run(&["sync", "-o", "json"]);
    ran.assert_refused(9, &["grant ids stand for more than one grant"]);
    assert!(ran.stderr.contains("colon in their name"), "{ran:?}");
    assert_nothing_is_current(&bench);
}

#[test]
fn names_that_differ_in_case_only_are_several_users_and_groups() {
    let pool = PoolSpec::literal(POOL)
        .users(["alice", "Alice", "ALICE"].map(User::new))
        .group(Group::new("staff"))
        .group(Group::new("Staff"))
        .member("Alice", "staff")
        .member("ALICE", "Staff");
    let (bench, rows) = synced(pool);
    assert_eq!(rows.len(), 3);
    for (user, held) in [
        ("alice", vec![]),
        ("Alice", vec!["group:staff:member"]),
        ("ALICE", vec!["group:Staff:member"]),
    ] {
        let shown = bench.json(&["show", &format!("user:{user}")]);
        let memberships = shown["memberships"].as_array().unwrap();
        let entitlements: Vec<&Value> = memberships.iter().map(|one| &one["entitlement"]).collect();
        assert_eq!(entitlements, held, "{user}");
    }
}

#[test]
fn a_name_that_is_somebody_elses_address_or_sub_means_its_own_bearer() {
    let address = "alice@example.com";
    let pool = PoolSpec::literal(POOL)
        .user(User::new("alice").subject(SUB).email(address))
        .user(User::new(SUB))
        .user(User::new(address))
        .group(Group::new("alice"))
        .member("alice", "alice")
        .member(SUB, "alice");
    let (bench, _) = synced(pool);
    for name in ["alice", SUB, address] {
        assert_eq!(bench.json(&["get", &format!("user:{name}")])["id"], name);
    }
    let group = bench.json(&["show", "group:alice"]);
    assert_eq!(
        (&group["kind"], &group["id"]),
        (&json!("group"), &json!("alice"))
    );
    assert_eq!(bench.json(&["show", "user:alice"])["kind"], "user");
    for name in [SUB, address] {
        let argument = format!("user_id={name}");
        bench.changed(&["action", "invoke", "disable_user", &argument]);
        assert!(!bench.pool().user(name).unwrap().enabled, "{name}");
    }
    bench.changed(&["revoke", "group:alice:member", &format!("user:{SUB}")]);
    assert_eq!(bench.pool().groups_of("alice"), ["alice"]);
    assert!(bench.pool().user("alice").unwrap().enabled);
}

#[test]
fn an_address_may_be_missing_unverified_or_shared() {
    let pool = PoolSpec::literal(POOL)
        .user(User::new("a").email("shared@example.com"))
        .user(User::new("b").attribute("email", "shared@example.com"))
        .user(User::new("c"));
    let (_, rows) = synced(pool);
    let emails: Vec<&Value> = rows.iter().map(|row| &row["emails"]).collect();
    let shared = |verified: Value| json!([{"address": "shared@example.com", "primary": true, "verified": verified}]);
    assert_eq!(
        emails,
        [&shared(json!(true)), &shared(Value::Null), &json!([])]
    );
}

#[test]
fn a_user_of_a_pool_of_addresses_is_named_by_its_uuid() {
    let pool = PoolSpec::literal(POOL)
        .username_attribute("email")
        .user(User::new(SUB).subject(SUB).email("eve@example.com"));
    let (bench, rows) = synced(pool);
    assert_eq!(rows[0]["id"], SUB);
    assert_eq!(rows[0]["login"], "eve@example.com");
    assert_eq!(rows[0]["emails"][0]["address"], "eve@example.com");
    assert_eq!(bench.json(&["get", &format!("user:{SUB}")]), rows[0]);
}

#[test]
fn a_federated_user_shows_its_link_and_answers_to_its_username_only() {
    let identities = r#"[{"userId":"123","providerName":"Google","providerType":"Google","issuer":null,"primary":"true","dateCreated":"1700000000000"}]"#;
    let federated = |name: &str| {
        User::new(name)
            .status("EXTERNAL_PROVIDER")
            .attribute("identities", identities.to_owned())
    };
    let pool = PoolSpec::literal(POOL)
        .user(federated("Google_123").subject(SUB))
        .user(federated("SAML_x@y"));
    let (bench, rows) = synced(pool);
    for row in &rows {
        assert_eq!(row["status_details"], "EXTERNAL_PROVIDER");
        assert_eq!(row["attributes"]["identities"], identities);
        let id = format!("user:{}", row["id"].as_str().unwrap());
        assert_eq!(bench.json(&["get", &id]), *row);
    }
    let by_sub = bench.run(&["get", &format!("user:{SUB}"), "-o", "json"]);
    by_sub.assert_refused(5, &[SUB]);
}

#[test]
fn what_the_service_leaves_out_is_unknown_and_its_new_words_are_kept() {
    let bench = Bench::with_pool(PoolSpec::literal(POOL));
    let rule = only_page_of_users(
        r#"{"Username":"a"},
           {"Username":"b","Enabled":false,"UserStatus":"INVENTED_YESTERDAY"},
           {"Username":"c","Enabled":null,"UserStatus":null}"#,
    );
    bench.server.faults().add(rule);
    bench.json(&["sync"]);
    let rows = bench.list("users");
    let told: Vec<(&Value, &Value)> = rows
        .iter()
        .map(|row| (&row["status"], &row["status_details"]))
        .collect();
    assert_eq!(
        told,
        [
            (&Value::Null, &Value::Null),
            (&json!("disabled"), &json!("INVENTED_YESTERDAY")),
            (&Value::Null, &Value::Null),
        ]
    );
}

#[test]
fn no_moment_costs_its_page_however_it_is_written() {
    let cases = [
        ("1700000000", Some("2023-11-14T22:13:20.000Z")),
        ("1700000000.102", Some("2023-11-14T22:13:20.102Z")),
        ("1700000000.102003", Some("2023-11-14T22:13:20.102Z")),
        ("1.7E9", Some("2023-11-14T22:13:20.000Z")),
        ("null", None),
        ("253402300800", None),
        ("1e999", None),
        ("\"soon\"", None),
    ];
    let users: Vec<String> = cases
        .iter()
        .enumerate()
        .map(|(number, (moment, _))| {
            format!(r#"{{"Username":"user-{number}","UserCreateDate":{moment}}}"#)
        })
        .collect();
    let bench = Bench::with_pool(PoolSpec::literal(POOL));
    let rule = only_page_of_users(&users.join(","));
    bench.server.faults().add(rule);
    bench.json(&["sync"]);
    let rows = bench.list("users");
    let moments: Vec<&Value> = rows.iter().map(|row| &row["created_at"]).collect();
    assert_eq!(moments, cases.map(|(_, moment)| json!(moment)).each_ref());
}

#[test]
fn a_page_of_sixty_full_users_is_read_whole() {
    let (bench, rows) = synced(full_page());
    let page = bench.server.log().entries();
    let largest = page.iter().map(|entry| entry.answer_bytes).max();
    assert!(largest > Some(6_000_000), "{largest:?}");
    assert_eq!(rows.len(), 60);
}

#[test]
fn odd_attributes_stay_unambiguous() {
    let user = User::new("alice")
        .attribute("custom:team", "")
        .attribute("dev:custom:team", "x")
        .attribute("team", "y")
        .attribute("an attribute", "z")
        .attribute("custom:tag", "1")
        .attribute("custom:tag", "2")
        .subject(SUB);
    let bench = Bench::with_pool(PoolSpec::literal(POOL).user(user));
    bench.json(&["sync"]);
    assert_eq!(
        bench.list("users")[0]["attributes"],
        json!({
            "an attribute": "z",
            "custom:tag": ["1", "2"],
            "custom:team": "",
            "dev:custom:team": "x",
            "sub": SUB,
            "team": "y",
        })
    );
}

#[test]
fn no_value_and_no_secret_is_in_the_log_of_a_sync() {
    let user = User::new("planted-name")
        .email("planted@example.com")
        .attribute("custom:notes", "planted-value");
    let broken = Fault::Replace {
        from: "\"Enabled\":true".to_owned(),
        to: "\"Enabled\":\"planted-switch\"".to_owned(),
    };
    for fault in [None, Some(broken), Some(Fault::html(200))] {
        let bench = Bench::with_pool(PoolSpec::literal(POOL).user(user.clone()));
        let code = if fault.is_some() { 14 } else { 0 };
        if let Some(fault) = fault {
            let rule = Rule::on(Operation::ListUsers, fault);
            bench.server.faults().add(rule);
        }
        let ran = bench.run(&["sync", "-o", "json", "--log-level", "trace"]);
        assert_eq!(ran.code, code, "{ran:?}");
        for text in [&ran.stderr, &ran.stdout] {
            for secret in ["planted", SECRET] {
                assert!(!text.contains(secret), "{secret} is in {text}");
            }
        }
    }
}

#[test]
fn quotes_and_line_ends_in_a_value_leave_every_row_whole() {
    let values = [
        "a\nb\r\nc",
        "\"quoted\", comma",
        "=1+1",
        "\u{2028}",
        "',\"\n",
    ];
    let users = values
        .iter()
        .enumerate()
        .map(|(number, text)| User::new(format!("user-{number}")).attribute("custom:notes", *text));
    let (bench, rows) = synced(PoolSpec::literal(POOL).users(users));
    // One object a line, or the lines would not parse.
    assert_eq!(rows.len(), values.len());
    let csv = bench.run(&["list", "users", "-o", "csv"]).stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let column = reader
        .headers()
        .unwrap()
        .iter()
        .position(|name| name.contains("custom:notes"))
        .unwrap();
    let read: Vec<String> = reader
        .records()
        .map(|record| record.unwrap()[column].to_owned())
        .collect();
    let expected = values.map(|value| match value.starts_with('=') {
        true => format!("'{value}"),
        false => value.to_owned(),
    });
    assert_eq!(read, expected);
}
