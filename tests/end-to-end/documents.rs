//! Documents for other programs, and what `validate` finds out.

use fake_cognito::{Config, Key, Operation, PoolSpec, User};
use serde_json::{Value, json};

use crate::support::{
    Bench, CHANGING, KEY_ID, POOL, Ran, SECRET, bare_command, finish, small_pool,
};

/// Runs a command in an empty environment, where there is nobody to ask.
fn alone(arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let ran = finish(&mut bare_command(folder.path(), arguments));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    ran
}

#[track_caller]
fn document(arguments: &[&str]) -> Value {
    let ran = alone(arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn capabilities_say_what_the_component_exports_without_any_setting() {
    let document = document(&["capabilities"]);
    let of = |kind: &str| {
        let types = document["resourceTypeCapabilities"].as_array().unwrap();
        let one = types.iter().find(|one| one["resourceType"]["id"] == kind);
        one.unwrap().clone()
    };
    assert_eq!(
        of("group")["capabilities"],
        json!([
            "CAPABILITY_SYNC",
            "CAPABILITY_TARGETED_SYNC",
            "CAPABILITY_PROVISION"
        ])
    );
    assert_eq!(
        of("user")["capabilities"],
        json!([
            "CAPABILITY_SYNC",
            "CAPABILITY_TARGETED_SYNC",
            "CAPABILITY_ACCOUNT_PROVISIONING",
            "CAPABILITY_RESOURCE_DELETE"
        ])
    );
    let connector = document["connectorCapabilities"].to_string();
    for capability in [
        "CAPABILITY_SYNC",
        "CAPABILITY_PROVISION",
        "CAPABILITY_ACCOUNT_PROVISIONING",
        "CAPABILITY_ACTIONS",
    ] {
        assert!(connector.contains(capability), "{document}");
    }
    for format in ["json", "jsonl", "table", "csv"] {
        let ran = alone(&["capabilities", "-o", format]);
        let again: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(again, document, "{format}");
    }
}

#[test]
fn the_schema_of_settings_lists_what_exists_and_knows_the_secrets() {
    let document = document(&["config-schema"]);
    let fields = document["fields"].as_array().unwrap();
    let field = |name: &str| fields.iter().find(|field| field["name"] == name);
    assert_eq!(field("user-pool-id").unwrap()["isRequired"], true);
    assert_eq!(field("aws-secret-access-key").unwrap()["isSecret"], true);
    let help = alone(&["sync", "--help"]).stdout;
    for field in fields {
        let option = format!("--{}", field["name"].as_str().unwrap());
        assert!(help.contains(&option), "{option} does not exist");
    }
}

/// The policy that is printed, and what was said about it.
fn policy(bench: &Bench, arguments: &[&str]) -> (Value, String) {
    let ran = bench.run(&[&["iam-policy"], arguments].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    (document["Statement"][0].clone(), ran.stderr)
}

fn arn(account: &str) -> Value {
    json!(format!(
        "arn:aws:cognito-idp:eu-central-1:{account}:userpool/{POOL}"
    ))
}

#[test]
fn the_policy_names_the_account_that_the_pool_tells() {
    let bench = Bench::with_pool(small_pool());
    let (statement, said) = policy(&bench, &[]);
    assert_eq!(statement["Resource"], arn("123456789012"));
    assert_eq!(said, "");
    assert_eq!(bench.sent(), [Operation::DescribeUserPool]);
    let mut actions: Vec<String> = Operation::ALL
        .iter()
        .map(|operation| format!("cognito-idp:{operation}"))
        .collect();
    actions.sort();
    assert_eq!(statement["Action"], json!(actions));
    let (again, _) = policy(&bench, &["--account-id", "123456789012"]);
    assert_eq!(again, statement);
}

#[test]
fn the_policy_for_reading_has_the_five_actions_of_the_documentation() {
    let bench = Bench::with_pool(small_pool());
    let (statement, _) = policy(&bench, &["--read-only"]);
    assert_eq!(
        statement["Action"],
        json!([
            "cognito-idp:AdminGetUser",
            "cognito-idp:AdminListGroupsForUser",
            "cognito-idp:ListGroups",
            "cognito-idp:ListUsers",
            "cognito-idp:ListUsersInGroup",
        ])
    );
    assert_eq!(statement["Resource"], arn("123456789012"));
}

#[test]
fn the_policies_are_enough_for_what_they_are_for() {
    let bench = Bench::with_pool(small_pool());
    let (statement, _) = policy(&bench, &["--read-only"]);
    let granted: Vec<Operation> = statement["Action"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| {
            let action = action.as_str().unwrap();
            let name = action.strip_prefix("cognito-idp:").unwrap();
            name.parse().unwrap()
        })
        .collect();
    let key = Key::new(KEY_ID, SECRET).allow_only(granted);
    bench.server.credentials().put(key);
    bench.json(&["sync"]);
    bench.json(&["get", "user:alice"]);
    bench.json(&["get", "group:admins"]);
    assert_eq!(bench.json(&["validate"])["ok"], true);
    let ran = bench.change(&["grant", "group:admins:member", "user:bob"]);
    ran.assert_refused(7, &["cognito-idp:AdminAddUserToGroup"]);
}

#[test]
fn a_star_stands_for_an_account_that_nobody_tells_and_a_note_says_so() {
    let bench = Bench::with_pool(small_pool());
    let key = Key::new(KEY_ID, SECRET).deny([Operation::DescribeUserPool]);
    bench.server.credentials().put(key);
    let (statement, said) = policy(&bench, &[]);
    assert_eq!(statement["Resource"], arn("*"));
    assert!(
        said.contains("note: ") && said.contains("--account-id"),
        "{said}"
    );
    assert!(said.contains("DescribeUserPool"), "{said}");

    let pool = ["iam-policy", "--user-pool-id", POOL];
    let ran = alone(&pool);
    assert_eq!(ran.code, 0, "{ran:?}");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["Statement"][0]["Resource"], arn("*"));
    assert!(ran.stderr.contains("note: "), "{ran:?}");
}

#[test]
fn an_account_that_is_given_is_taken_without_asking_anybody() {
    let bench = Bench::with_pool(small_pool());
    let (statement, said) = policy(&bench, &["--account-id", "210987654321"]);
    assert_eq!(statement["Resource"], arn("210987654321"));
    assert_eq!(said, "");
    assert_eq!(bench.server.log().total(), 0);
    let ran = alone(&[
        "iam-policy",
        "--user-pool-id",
        POOL,
        "--account-id",
        "210987654321",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for wrong in ["12345678901", "1234-5678-9012", "*", "12345678901a"] {
        let ran = bench.run(&["iam-policy", "--account-id", wrong]);
        assert_eq!(ran.code, 3, "{wrong}: {ran:?}");
        assert_eq!(ran.stdout, "");
    }
}

fn checks(report: &Value) -> Vec<(String, String, String)> {
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            (
                text(check, "name"),
                text(check, "status"),
                text(check, "detail"),
            )
        })
        .collect()
}

#[test]
fn validate_tells_the_plan_and_whether_a_last_login_can_be_expected() {
    for tier in ["LITE", "ESSENTIALS", "PLUS"] {
        let bench = Bench::with_pool(small_pool().tier(tier));
        let report = bench.json(&["validate"]);
        let checks = checks(&report);
        let told = checks.iter().find(|(_, _, detail)| detail.contains(tier));
        let (_, status, detail) = told.unwrap();
        assert_eq!(status, "ok");
        assert!(detail.contains("no last login"), "{detail}");
    }
    for (attribute, words) in [
        ("custom:notes", "last login comes from"),
        ("custom:none", "no attribute 'custom:none'"),
    ] {
        let bench = Bench::with_pool(small_pool());
        let report = bench.json(&["validate", "--last-login-attribute", attribute]);
        let found = checks(&report)
            .iter()
            .any(|(_, _, detail)| detail.contains(words));
        assert!(found, "{report}");
    }
}

#[test]
fn validate_lists_the_rights_to_change_and_tries_none_of_them() {
    let bench = Bench::with_pool(small_pool());
    let report = bench.json(&["validate"]);
    let mut listed: Vec<String> = checks(&report)
        .into_iter()
        .filter(|(_, status, _)| status == "not-checkable")
        .map(|(name, _, _)| name)
        .collect();
    listed.sort();
    let mut changing = CHANGING.map(|operation| format!("cognito-idp:{operation}"));
    changing.sort();
    assert_eq!(listed, changing);
    assert_eq!(bench.changes_sent(), []);
    assert_eq!(report["ok"], true);
    // No request may be refused for what it says.
    let refused = bench.server.log().entries();
    let refused = refused.iter().filter_map(|entry| entry.error.as_deref());
    for error in refused {
        assert!(
            ["UserNotFoundException", "ResourceNotFoundException"].contains(&error),
            "{error}"
        );
    }
}

#[test]
fn validate_fails_for_a_protected_entry_that_protects_nothing() {
    let bench = Bench::with_pool(small_pool());
    let list = |entries: &str| bench.write("connector.toml", &format!("protect = [{entries}]\n"));
    list("\"user:alice\", \"group:admins\"");
    let report = bench.json(&["validate"]);
    assert_eq!(report["ok"], true, "{report}");
    for (entry, code) in [("user:alcie", 5), ("group:admin", 5), ("user:ALICE", 5)] {
        list(&format!("\"user:alice\", \"{entry}\""));
        let ran = bench.run(&["validate", "-o", "json"]);
        assert_eq!(ran.code, code, "{entry}: {ran:?}");
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report["ok"], false);
        let failed: Vec<_> = checks(&report)
            .into_iter()
            .filter(|(_, status, _)| status == "failed")
            .collect();
        assert_eq!(failed.len(), 1, "{report}");
        assert!(failed[0].0.contains(entry), "{report}");
    }
}

#[test]
fn validate_fails_for_a_protected_entry_that_is_another_name_of_somebody() {
    let pool = small_pool().alias("email");
    let bench = Bench::with_pool(pool);
    bench.write("connector.toml", "protect = [\"user:alice@example.com\"]\n");
    let ran = bench.run(&["validate", "-o", "json"]);
    ran_names_the_user(&ran);
}

fn ran_names_the_user(ran: &Ran) {
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.message().contains("user:alice"), "{ran:?}");
}

#[test]
fn validate_says_which_pool_is_not_there_and_which_key_is_not_accepted() {
    let bench = Bench::with_pool(small_pool());
    let mut command = bench.command(&["validate", "-o", "json"]);
    let ran = finish(command.env("CONNECTOR_USER_POOL_ID", "eu-central-1_Missing01"));
    assert_eq!(ran.code, 5, "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let status = |report: &Value, name: &str| {
        let found = checks(report);
        let found = found.iter().find(|(one, _, _)| one == name);
        found.unwrap().1.clone()
    };
    let (reached, accepted) = (
        "the system is reached and exists",
        "the credentials are accepted",
    );
    assert_eq!(status(&report, reached), "failed");
    assert_eq!(status(&report, accepted), "ok");

    let mut command = bench.command(&["validate", "-o", "json"]);
    let ran = finish(command.env("CONNECTOR_AWS_SECRET_ACCESS_KEY", "wrong-secret-0123456789"));
    assert_eq!(ran.code, 16, "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(status(&report, reached), "ok");
    assert_eq!(status(&report, accepted), "failed");
}

#[test]
fn a_pool_of_another_partition_gets_the_name_of_that_partition() {
    let id = "us-gov-west-1_Ab1Cd2Ef3";
    let pool = PoolSpec::literal(id).user(User::new("alice"));
    let config = Config::new().pool(pool).key(Key::new(KEY_ID, SECRET));
    let bench = Bench::start(config);
    let arguments = [
        "iam-policy",
        "--user-pool-id",
        id,
        "--account-id",
        "123456789012",
    ];
    let mut command = bench.command(&arguments);
    let ran = finish(command.env_remove("CONNECTOR_USER_POOL_ID"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let resource = document["Statement"][0]["Resource"].as_str().unwrap();
    assert!(resource.starts_with("arn:aws-us-gov:cognito-idp:us-gov-west-1:"));
}
