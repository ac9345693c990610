//! New accounts: which name they get, what is sent for them, and what is refused before
//! anything is sent.

use fake_cognito::{Config, Fault, Key, Operation, PoolSpec, Rule, User};
use serde_json::{Value, json};

use crate::support::{Bench, KEY_ID, POOL, Ran, SECRET, finish, small_pool, truth};

/// A service that keeps the bodies of requests.
fn bench(pool: PoolSpec) -> Bench {
    let config = Config::new().pool(pool).key(Key::new(KEY_ID, SECRET));
    Bench::start(config.log_contents())
}

fn create(bench: &Bench, arguments: &[&str]) -> Ran {
    bench.change(&[&["account", "create"], arguments].concat())
}

#[track_caller]
fn created(bench: &Bench, arguments: &[&str]) -> Value {
    bench.changed(&[&["account", "create"], arguments].concat())
}

/// The one request that creates somebody.
#[track_caller]
fn body(bench: &Bench) -> Value {
    let bodies = bench.bodies(Operation::AdminCreateUser);
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    bodies[0].clone()
}

#[test]
fn an_address_is_the_username_where_no_other_is_given() {
    let bench = bench(small_pool());
    let printed = created(
        &bench,
        &[
            "--email",
            "dave@example.com",
            "--given-name",
            "Dave",
            "--family-name",
            "O'Neill, \"D\"",
        ],
    );
    assert_eq!(printed["user"]["id"], "dave@example.com");
    assert_eq!(
        body(&bench),
        json!({
            "UserPoolId": POOL,
            "Username": "dave@example.com",
            "UserAttributes": [
                {"Name": "email", "Value": "dave@example.com"},
                {"Name": "given_name", "Value": "Dave"},
                {"Name": "family_name", "Value": "O'Neill, \"D\""},
            ],
            "MessageAction": "SUPPRESS",
        })
    );
    assert_eq!(bench.pool().invitations(), []);
}

#[test]
fn a_username_alone_is_enough() {
    let bench = bench(small_pool());
    created(&bench, &["--username", "dave"]);
    assert_eq!(
        body(&bench),
        json!({"UserPoolId": POOL, "Username": "dave", "MessageAction": "SUPPRESS"})
    );
    let ran = create(&bench, &["--given-name", "Dave"]);
    ran.assert_refused(3, &["--email", "--username"]);
}

#[test]
fn a_pool_with_addresses_as_aliases_asks_for_a_username() {
    let bench = bench(small_pool().alias("email"));
    let ran = create(&bench, &["--email", "dave@example.com"]);
    ran.assert_refused(3, &["alias", "--username"]);
    assert_eq!(bench.changes_sent(), []);
    let both = ["--email", "dave@example.com", "--username", "dave"];
    assert_eq!(created(&bench, &both)["user"]["id"], "dave");
}

#[test]
fn where_people_sign_in_with_an_address_the_id_is_the_one_that_the_pool_made_up() {
    let bench = bench(small_pool().username_attribute("email"));
    let arguments = ["--email", "dave@example.com"];
    let printed = created(&bench, &arguments);
    let id = printed["user"]["id"].as_str().unwrap();
    let user = bench.pool().user(id).unwrap();
    assert_eq!(user.sub(), id);
    assert_eq!(user.value("email"), Some("dave@example.com"));
    assert_eq!(printed["user"]["login"], "dave@example.com");
    let again = created(&bench, &arguments);
    assert_eq!(again["outcome"], "already-exists");
    assert_eq!(again["user"]["id"], id);
}

#[test]
fn an_account_that_is_there_is_shown_as_it_is_and_is_not_changed() {
    let bench = bench(small_pool());
    let before = bench.pool().user("carol").unwrap();
    let arguments = ["--username", "carol", "--email", "other@example.com"];
    let printed = created(&bench, &arguments);
    assert_eq!(printed["outcome"], "already-exists");
    assert_eq!(printed["user"], bench.json(&["get", "user:carol"]));
    assert_eq!(bench.pool().user("carol").unwrap(), before);
    let ran = create(&bench, &[&arguments[..], &["--fail-if-exists"]].concat());
    assert_eq!(ran.code, 6, "{ran:?}");
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(printed["outcome"], "already-exists");
}

#[test]
fn an_account_of_another_case_is_the_same_where_the_pool_says_so() {
    let bench = bench(small_pool().case_insensitive());
    let printed = created(&bench, &["--username", "ALICE"]);
    assert_eq!(printed["outcome"], "already-exists");
    assert_eq!(printed["user"]["id"], "alice");
}

#[test]
fn an_alias_of_somebody_else_is_never_taken_over() {
    let bench = bench(small_pool().alias("email").alias("preferred_username"));
    let before = truth(bench.pool());
    let ran = create(
        &bench,
        &[
            "--username",
            "dave",
            "--email",
            "alice@example.com",
            "--attr",
            "email_verified=true",
        ],
    );
    ran.assert_refused(9, &["AliasExists"]);
    assert!(!ran.stderr.contains("alice@example.com"), "{ran:?}");
    assert_eq!(truth(bench.pool()), before);
    assert_eq!(bench.changes_sent().len(), 1);
    for sent in bench.bodies(Operation::AdminCreateUser) {
        assert_eq!(sent.get("ForceAliasCreation"), None);
    }
}

#[test]
fn an_unknown_custom_attribute_is_refused_with_those_that_there_are() {
    let bench = bench(small_pool());
    let ran = create(
        &bench,
        &[
            "--username",
            "dave",
            "--attr",
            "custom:departement=secret-7",
        ],
    );
    ran.assert_refused(
        3,
        &[
            "custom:departement",
            "custom:department",
            "custom:employee_id",
            "custom:notes",
        ],
    );
    assert!(!ran.stderr.contains("secret-7"), "{ran:?}");
    assert_eq!(bench.changes_sent(), []);
}

#[test]
fn lengths_and_numbers_are_explained_before_anything_is_sent() {
    let pool = small_pool()
        .length("custom:department", 2, 4)
        .number("custom:employee_id", 10, 20);
    let bench = bench(pool);
    let long = format!("nickname={}", "é".repeat(2049));
    for (attribute, words) in [
        ("custom:department=é", &["custom:department", "2"][..]),
        ("custom:department=ééééé", &["custom:department", "4"]),
        ("custom:department=", &["custom:department", "2"]),
        ("custom:employee_id=9", &["custom:employee_id", "10"]),
        ("custom:employee_id=21", &["custom:employee_id", "20"]),
        ("custom:employee_id=ten", &["custom:employee_id", "number"]),
        (&long, &["nickname", "2048"]),
    ] {
        let ran = create(&bench, &["--username", "dave", "--attr", attribute]);
        ran.assert_refused(3, words);
    }
    assert_eq!(bench.changes_sent(), []);
    let most = format!("nickname={}", "é".repeat(2048));
    let fitting = ["custom:department=éééé", "custom:employee_id=15", &most];
    let options = fitting.iter().flat_map(|value| ["--attr", value]);
    let options: Vec<&str> = ["--username", "dave"].into_iter().chain(options).collect();
    created(&bench, &options);
    let dave = bench.pool().user("dave").unwrap();
    assert_eq!(dave.value("custom:department"), Some("éééé"));
    assert_eq!(dave.value("custom:employee_id"), Some("15"));
}

#[test]
fn a_missing_required_attribute_is_a_warning_and_left_to_the_service() {
    let bench = bench(small_pool().required_attribute("given_name"));
    let ran = create(&bench, &["--username", "dave"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(printed["outcome"], "created");
    let warnings = printed["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{printed}");
    assert!(warnings[0].as_str().unwrap().contains("given_name"));
    assert!(ran.stderr.contains("warning: "), "{ran:?}");
    let printed = created(&bench, &["--username", "eve", "--given-name", "Eve"]);
    assert_eq!(printed["warnings"], json!([]));
}

#[test]
fn attributes_are_forwarded_byte_for_byte_under_their_own_names() {
    let bench = bench(small_pool());
    let values = [
        ("custom:department", "a,b;c"),
        ("custom:notes", "line 1\nline 2\t\"quoted\" 'single' \\ {}"),
        ("nickname", "🚀e\u{301} 佐藤"),
        ("website", "=HYPERLINK(\"x\")"),
        ("profile", "-leading=and=more"),
        ("zoneinfo", " blank at both ends "),
        ("locale", "true"),
        ("updated_at", "0010"),
    ];
    let texts: Vec<String> = values
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut arguments = vec!["--username", "-dave", "--given-name", "--yes"];
    arguments.extend(texts.iter().flat_map(|text| ["--attr", text.as_str()]));
    let printed = created(&bench, &arguments);
    assert_eq!(printed["user"]["id"], "-dave");
    let sent = body(&bench)["UserAttributes"].clone();
    let expected: Vec<Value> = [("given_name", "--yes")]
        .iter()
        .chain(&values)
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect();
    assert_eq!(sent, json!(expected));
    for (name, value) in values {
        assert_eq!(bench.pool().user("-dave").unwrap().value(name), Some(value));
        assert_eq!(printed["user"]["attributes"][name], value);
    }
}

#[test]
fn a_plain_name_that_nobody_knows_is_left_to_the_service() {
    let bench = bench(small_pool());
    let ran = create(
        &bench,
        &["--username", "dave", "--attr", "shoe_size=secret-47"],
    );
    ran.assert_refused(3, &["shoe_size"]);
    assert!(!ran.stderr.contains("secret-47"), "{ran:?}");
    let attribute = json!([{"Name": "shoe_size", "Value": "secret-47"}]);
    assert_eq!(body(&bench)["UserAttributes"], attribute);
}

#[test]
fn an_attribute_without_a_name_or_twice_is_refused_before_anything_is_sent() {
    let bench = bench(small_pool());
    for attributes in [
        &["--attr", "custom:notes"][..],
        &["--attr", "=value"],
        &["--attr", "nickname=a", "--attr", "nickname=b"],
        &["--email", "a@example.com", "--attr", "email=b@example.com"],
    ] {
        let ran = create(&bench, &[&["--username", "dave"], attributes].concat());
        assert_eq!(ran.code, 3, "{attributes:?}: {ran:?}");
    }
    assert_eq!(bench.server.log().total(), 0);
}

#[test]
fn an_invitation_goes_out_by_mail_and_only_if_it_is_asked_for() {
    let bench = bench(small_pool());
    let arguments = ["--username", "dave", "--email", "dave@example.com"];
    created(&bench, &[&arguments[..], &["--send-invite-email"]].concat());
    let sent = body(&bench);
    assert_eq!(sent["DesiredDeliveryMediums"], json!(["EMAIL"]));
    assert_eq!(sent.get("MessageAction"), None);
    let invitations = bench.pool().invitations();
    assert_eq!(invitations.len(), 1);
    assert_eq!(invitations[0].username, "dave");
    assert_eq!(invitations[0].medium, "EMAIL");
    // Whoever exists is not invited again.
    created(&bench, &[&arguments[..], &["--send-invite-email"]].concat());
    assert_eq!(bench.pool().invitations().len(), 1);
    let ran = create(&bench, &["--username", "eve", "--send-invite-email"]);
    ran.assert_refused(3, &["e-mail"]);
    assert!(bench.pool().user("eve").is_none());
}

#[test]
fn a_variable_asks_for_an_invitation_in_words_and_says_so_if_it_is_no_truth_value() {
    for (text, invitations) in [("true", 1), ("false", 0)] {
        let bench = bench(small_pool());
        let arguments = ["-p", "account", "create", "--email", "dave@example.com"];
        let mut command = bench.command(&arguments);
        let ran = finish(command.env("CONNECTOR_SEND_INVITE_EMAIL", text));
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(bench.pool().invitations().len(), invitations, "{text}");
    }
    let bench = bench(small_pool());
    let mut command = bench.command(&["-p", "account", "create", "--email", "d@example.com"]);
    let ran = finish(command.env("CONNECTOR_SEND_INVITE_EMAIL", "maybe"));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(bench.server.log().total(), 0);
}

#[test]
fn no_password_and_no_attribute_value_is_anywhere_but_in_the_request_and_the_result() {
    for invited in [false, true] {
        let bench = bench(small_pool().user(User::new("eve").email("eve@example.com")));
        let mut arguments = vec![
            "-p",
            "-o",
            "json",
            "--log-level",
            "trace",
            "--audit",
            "audit.jsonl",
            "account",
            "create",
            "--username",
            "dave",
            "--email",
            "planted-address@example.com",
            "--attr",
            "custom:notes=planted-value",
        ];
        if invited {
            arguments.push("--send-invite-email");
        }
        let ran = bench.run(&arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        for text in [&ran.stderr, &bench.read("audit.jsonl")] {
            for planted in ["planted-", SECRET] {
                assert!(!text.contains(planted), "{text}");
            }
        }
        let sent = body(&bench).to_string();
        for text in [&sent, &ran.stdout, &ran.stderr, &bench.read("audit.jsonl")] {
            assert!(!text.to_lowercase().contains("temporarypassword"), "{text}");
        }
        assert!(!ran.stdout.contains(SECRET));
    }
}

#[test]
fn a_refusal_that_repeats_what_was_sent_is_shown_without_it() {
    let refusal = "Attribute value planted-value of planted@example.com is not good enough";
    let fault = Fault::error(400, "InvalidParameterException", refusal);
    let bench = bench(small_pool());
    let faults = bench.server.faults();
    faults.add(Rule::on(Operation::AdminCreateUser, fault));
    let ran = bench.change(&[
        "--audit",
        "audit.jsonl",
        "--log-level",
        "trace",
        "account",
        "create",
        "--username",
        "dave",
        "--email",
        "planted@example.com",
        "--attr",
        "custom:notes=planted-value",
    ]);
    ran.assert_refused(3, &["InvalidParameterException"]);
    assert!(!ran.stderr.contains("planted"), "{ran:?}");
    assert!(!bench.read("audit.jsonl").contains("planted"));
    assert_eq!(bench.changes_sent().len(), 1);
}
