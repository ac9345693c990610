//! The component's reading of what a service answers, built natively.
//!
//! Input: an operation, then its answer: a status, headers, a body. Every other operation
//! of the same call is answered as the service does.
//!
//! Invariants: a page has as many rows as the answer, with their ids, in their order and
//! with the answer's token, or it is an error; only a 200 of JSON is a success, except where
//! a refusal is an outcome (the user is gone, the user is there already); a call that reads
//! sends one request and one that changes sends one change, and another one only where the
//! first was refused for the clock; an error has a code of the contract and one bounded line
//! without control characters; and nothing that the component says or logs repeats a secret
//! or the value of an attribute that the operation was sent, even if the service echoes it.

#![no_main]

use cognito_connector::error::Error;
use fuzz::calls::{About, FULL_NAME, FUNCTIONS, Given, run};
use fuzz::input::Message;
use fuzz::json::{Json, Takes};
use fuzz::pool::{self, SECRET, TOKEN, Wire};
use libfuzzer_sys::{Corpus, fuzz_target};

const ALICE: About<'static> = About {
    user: "alice",
    group: "admins",
    cursor: Some("cursor"),
};
/// Each operation, the functions that send it, and how the service answers it.
const OPERATIONS: [(&str, &[&str], &str); 10] = [
    (
        "ListUsers",
        &["sync.list-resources user", "sync.find-listed user"],
        r#"{"Users":[]}"#,
    ),
    (
        "ListGroups",
        &["sync.list-resources group", "sync.get-resource group"],
        r#"{"Groups":[]}"#,
    ),
    (
        "ListUsersInGroup",
        &["sync.list-grants group"],
        r#"{"Users":[]}"#,
    ),
    (
        "AdminListGroupsForUser",
        &["sync.list-grants user", "provisioning.grant"],
        r#"{"Groups":[]}"#,
    ),
    (
        "AdminGetUser",
        &["sync.get-resource user", "provisioning.check-account"],
        r#"{"Username":"alice"}"#,
    ),
    (
        "DescribeUserPool",
        &["sync.system", "sync.estimate", "provisioning.check-account"],
        r#"{"UserPool":{}}"#,
    ),
    ("AdminAddUserToGroup", &["provisioning.grant"], "{}"),
    (
        "AdminCreateUser",
        &["provisioning.create-account"],
        r#"{"User":{"Username":"alice"}}"#,
    ),
    ("AdminDeleteUser", &["provisioning.delete-account"], "{}"),
    ("AdminDisableUser", &["actions.invoke/disable_user"], "{}"),
];
const CODES: [&str; 15] = [
    "invalid-argument",
    "unauthenticated",
    "permission-denied",
    "not-found",
    "already-exists",
    "failed-precondition",
    "cursor-expired",
    "throttled",
    "quota-exceeded",
    "unavailable",
    "deadline-exceeded",
    "bad-response",
    "outcome-unknown",
    "denied-by-host",
    "internal",
];

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some(message) = Message::read(data) else {
        return Corpus::Reject;
    };
    let Some(answer) = message.answer() else {
        return Corpus::Reject;
    };
    let Some((operation, functions, _)) = OPERATIONS
        .into_iter()
        .find(|(name, _, _)| *name == message.about)
    else {
        return Corpus::Reject;
    };
    for function in functions {
        assert!(FUNCTIONS.contains(function));
        let fuzzed = answer.clone();
        let wire = Wire::new(move |request| {
            let asked = pool::operation(request);
            if asked == operation {
                return Ok(fuzzed.clone());
            }
            let usual = OPERATIONS.iter().find(|(name, _, _)| *name == asked);
            pool::answer(usual.map_or("{}", |(_, _, body)| body))
        });
        let result = run(&wire.session(), function, ALICE);
        check_requests(&wire, function, &answer);
        let secrets = secrets(operation);
        for line in wire.logged() {
            check_words(secrets, &line);
        }
        match result {
            Ok(given) => check_success(function, &given, &answer),
            Err(error) => check_error(secrets, &error),
        }
    }
    Corpus::Keep
});

fn check_requests(wire: &Wire, function: &str, answer: &http::Response<Vec<u8>>) {
    let sent = wire.sent();
    let changes = ["Add", "Remove", "Create", "Delete", "Enable", "Disable"];
    let changing = |request: &&pool::Sent| {
        let operation = pool::operation(request);
        changes
            .iter()
            .any(|verb| operation.starts_with(&format!("Admin{verb}")))
    };
    let changes = sent.iter().filter(changing).count();
    // A refusal for a wrong clock is signed anew, once, if the answer tells the time.
    let tries = 1 + usize::from(answer.headers().contains_key("date"));
    if function.starts_with("sync.") {
        assert!((1..=tries).contains(&sent.len()), "{function}");
        assert_eq!(changes, 0, "{function}");
    } else {
        assert!(changes <= tries, "{function}");
    }
}

fn check_success(function: &str, given: &Given, answer: &http::Response<Vec<u8>>) {
    // A refusal is an outcome of these; every other one is an error.
    let refusal = match function {
        "provisioning.check-account" | "provisioning.delete-account" => Some("UserNotFound"),
        "provisioning.create-account" | "sync.estimate" => Some(""),
        _ => None,
    };
    if answer.status() != 200 {
        let said = format!(
            "{:?} {}",
            answer.headers(),
            String::from_utf8_lossy(answer.body())
        );
        assert!(
            refusal.is_some_and(|code| said.contains(code)),
            "{function}"
        );
        return;
    }
    let (list, name) = match function {
        "sync.list-resources user" | "sync.list-grants group" => ("Users", "Username"),
        "sync.list-resources group" | "sync.list-grants user" => ("Groups", "GroupName"),
        _ => return,
    };
    let media_type = answer.headers().get("content-type");
    let media_type = media_type.and_then(|value| value.to_str().ok());
    assert!(media_type.is_some_and(|text| text.to_lowercase().contains("json")));
    let read = Json::read(answer.body()).expect("a page is JSON");
    let rows = read.member(list, Takes::Last).and_then(Json::items);
    let names: Option<Vec<&str>> = rows.and_then(|rows| {
        rows.iter()
            .map(|row| row.member(name, Takes::Last)?.text())
            .collect()
    });
    let ids = given.ids.as_ref();
    let ids: Option<Vec<&str>> = ids.map(|ids| ids.iter().map(String::as_str).collect());
    assert!(names.is_some(), "{function}");
    assert_eq!(ids, names, "{function}");
    let token = ["PaginationToken", "NextToken"]
        .iter()
        .find_map(|key| read.member(key, Takes::Last)?.text());
    if list == "Users" || read.member("PaginationToken", Takes::Last).is_none() {
        assert_eq!(given.next.as_deref(), token, "{function}");
    }
    assert_ne!(given.next.as_deref(), Some(""), "{function}");
}

/// What an operation was sent and nobody may see. Only an account to be created has a name:
/// a service that says it elsewhere has it from somewhere else.
fn secrets(operation: &str) -> &'static [&'static str] {
    match operation {
        "AdminCreateUser" => &[SECRET, TOKEN, FULL_NAME],
        _ => &[SECRET, TOKEN],
    }
}

fn check_error(secrets: &[&str], error: &Error) {
    assert!(CODES.contains(&error.code.as_str()), "{}", error.code);
    check_words(secrets, &error.message);
    assert!(!error.message.contains(char::is_control), "{error:?}");
    assert!(error.message.chars().count() < 2_000, "{error:?}");
    // What may have taken effect is never to be sent again blindly.
    assert!(!(error.retryable && error.code == "outcome-unknown"));
}

fn check_words(secrets: &[&str], text: &str) {
    for secret in secrets {
        assert!(!text.contains(secret), "{text}");
    }
}
