use super::*;
use crate::cognito::fake::{Answer, Fake, answer};
use crate::cognito::transport::SendErrorKind;
use crate::contract::types::AttributeValue;
use crate::session::Session;
use crate::testing::{POOL, boolean, done, invalid, lost, names, ok, open, refused, request, text};
use serde_json::{Value, json};

mod fields;
mod outcomes;

fn described(pool: Value) -> Answer {
    ok(json!({"UserPool": pool}))
}

fn plain() -> Answer {
    described(json!({}))
}

fn created_as(username: &str) -> Answer {
    ok(json!({"User": {"Username": username, "Enabled": true}}))
}

fn alice() -> Vec<Attribute> {
    vec![
        text("username", "alice"),
        text("email", "alice@example.com"),
    ]
}

fn email_only() -> Vec<Attribute> {
    vec![text("email", "alice@example.com")]
}

fn create(session: &Session<Fake>, fields: &[Attribute]) -> Result<CreatedAccount, Error> {
    session.create_account("user", fields)
}

/// The id, and whether the account was created.
fn outcome(account: &CreatedAccount) -> (&str, bool) {
    match &account.outcome {
        CreateOutcome::Created(user) => (&user.id.id, true),
        CreateOutcome::AlreadyExists(user) => (&user.id.id, false),
    }
}

#[test]
fn names_are_compared_in_any_case_and_alphabet() {
    for (one, other) in [
        ("Ada", "aDA"),
        ("ÄRGER", "ärger"),
        ("ΟΔΟΣ", "οδος"),
        ("", ""),
    ] {
        assert!(are_one_in_any_case(one, other), "{one} {other}");
    }
    assert!(!are_one_in_any_case("ada", "adam"));
    assert!(!are_one_in_any_case("a", "ä"));
}
