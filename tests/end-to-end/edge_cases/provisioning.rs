//! What the service says to a change, and what people then read.

use fake_cognito::{Config, Fault, Key, Operation, Rule, User};
use serde_json::json;

use crate::support::{Bench, KEY_ID, SECRET, small_pool, truth};

const CREATE: &[&str] = &["account", "create", "--username", "dave"];

fn refusing(kind: &str, message: &str) -> Bench {
    let bench = Bench::start(
        Config::new()
            .pool(small_pool())
            .key(Key::new(KEY_ID, SECRET))
            .log_contents(),
    );
    let fault = Fault::error(400, kind, message);
    let rule = Rule::on(Operation::AdminCreateUser, fault);
    bench.server.faults().add(rule);
    bench
}

#[test]
fn the_words_of_a_trigger_that_refuses_are_shown() {
    let words = "PreSignUp failed with error only employees may sign up.";
    let bench = refusing("UserLambdaValidationException", words);
    let ran = bench.change(CREATE);
    ran.assert_refused(9, &["Lambda trigger", words]);
    assert_eq!(bench.changes_sent().len(), 1);
}

#[test]
fn the_daily_limit_of_mail_is_told_and_never_retried() {
    let words = "Exceeded daily email limit for the operation or the account.";
    let bench = refusing("LimitExceededException", words);
    let invited = ["--email", "dave@example.com", "--send-invite-email"];
    let ran = bench.change(&[CREATE, &invited].concat());
    ran.assert_refused(8, &["hard limit", "waiting does not help", words]);
    assert_eq!(bench.changes_sent().len(), 1);

    bench.server.log().clear();
    let rows = "username\ndave\neve\n";
    let ran = bench.fed(&["account", "create"], rows);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert_eq!(bench.changes_sent().len(), 2, "each row once");
}

#[test]
fn a_password_that_the_policy_refuses_is_reported_and_none_is_ever_sent() {
    let words = "Password did not conform with policy: Password not long enough";
    let bench = refusing("InvalidPasswordException", words);
    let ran = bench.change(CREATE);
    ran.assert_refused(9, &["InvalidPassword", words]);
    let sent = bench.bodies(Operation::AdminCreateUser);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].get("TemporaryPassword"), None);
}

#[test]
fn a_plain_name_is_refused_where_people_sign_in_with_an_address() {
    let bench = Bench::with_pool(small_pool().username_attribute("email"));
    let before = truth(bench.pool());
    let ran = bench.change(CREATE);
    ran.assert_refused(3, &["AdminCreateUser", "email"]);
    assert_eq!(truth(bench.pool()), before);
}

#[test]
fn phone_numbers_and_truth_values_are_checked_before_anything_is_sent() {
    let bench = Bench::with_pool(small_pool());
    for (attribute, words) in [
        ("phone_number=0171 5555555", "E.164"),
        ("phone_number=+1-555-555-0100", "E.164"),
        ("email_verified=yes", "true or false"),
    ] {
        let ran = bench.change(&[CREATE, &["--attr", attribute]].concat());
        ran.assert_refused(3, &[words]);
    }
    assert_eq!(bench.changes_sent(), []);
    let fitting = ["phone_number=+15555550100", "phone_number_verified=true"];
    let options = fitting.iter().flat_map(|value| ["--attr", value]);
    let arguments: Vec<&str> = CREATE.iter().copied().chain(options).collect();
    bench.changed(&arguments);
    let dave = bench.pool().user("dave").unwrap();
    assert_eq!(dave.value("phone_number"), Some("+15555550100"));
}

#[test]
fn what_is_so_already_is_an_outcome_of_its_own() {
    let bench = Bench::with_pool(small_pool().user(User::new("dave").disabled()));
    let before = truth(bench.pool());
    let disable = ["action", "invoke", "disable_user", "user_id=dave"];
    assert_eq!(bench.changed(&disable)["success"], json!(true));
    assert_eq!(truth(bench.pool()), before);
    let delete = ["account", "delete", "user:alice", "--yes"];
    assert_eq!(
        bench.changed(&delete)["outcome"],
        "deleted",
        "an enabled one"
    );
    assert_eq!(bench.changed(&delete)["outcome"], "already-gone");
}
