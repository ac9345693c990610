//! What the tests of the domain modules share: an open session before a pool that
//! answers from a list.

use serde_json::{Value, json};

use crate::cognito::fake::{Answer, Fake, answer};
use crate::cognito::json::{self, FromJson};
use crate::cognito::transport::{SendError, SendErrorKind};
use crate::contract::sync::Setting;
use crate::contract::types::{Attribute, AttributeValue, EntitlementId, Principal};
use crate::error::Error;
use crate::groups;
use crate::kinds::Kind;
use crate::session::Session;
use crate::settings::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, USER_POOL_ID};

pub(crate) const POOL: &str = "us-east-1_AbCd12345";

pub(crate) fn open_with(
    more: &[(&str, &str)],
    answers: impl IntoIterator<Item = Answer>,
) -> (Session<Fake>, Fake) {
    let required = [
        (USER_POOL_ID, POOL),
        (ACCESS_KEY_ID, "AKIDEXAMPLE"),
        (SECRET_ACCESS_KEY, "secret-of-the-key-of-the-test"),
    ];
    let settings: Vec<Setting> = required
        .iter()
        .chain(more)
        .map(|(name, value)| Setting {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    let fake = Fake::default();
    for answer in answers {
        fake.then(answer);
    }
    (Session::open(&settings, fake.clone()).unwrap(), fake)
}

pub(crate) fn open(answers: impl IntoIterator<Item = Answer>) -> (Session<Fake>, Fake) {
    open_with(&[], answers)
}

/// What a part of an answer is read as.
pub(crate) fn read<T: FromJson>(value: &Value) -> T {
    json::parse(value.to_string().as_bytes()).unwrap()
}

pub(crate) fn ok(body: Value) -> Answer {
    Ok(answer(200, &body.to_string()))
}

/// What the service answers to a change that has nothing to say.
pub(crate) fn done() -> Answer {
    let mut empty = answer(200, "");
    empty.headers_mut().remove("content-type");
    Ok(empty)
}

pub(crate) fn refused(status: u16, code: &str) -> Answer {
    let body = json!({"__type": code, "message": "the service's words"});
    Ok(answer(status, &body.to_string()))
}

pub(crate) fn lost(kind: SendErrorKind) -> Answer {
    Err(SendError::new(kind, "host's words"))
}

pub(crate) fn groups_of_user(names: &[&str], next: Option<&str>) -> Answer {
    let groups: Vec<Value> = names
        .iter()
        .map(|name| json!({"GroupName": name}))
        .collect();
    ok(json!({"Groups": groups, "NextToken": next}))
}

pub(crate) fn membership_of(group: &str) -> EntitlementId {
    groups::membership_id(group)
}

pub(crate) fn user(id: &str) -> Principal {
    Principal {
        resource: Kind::User.resource(id),
    }
}

pub(crate) fn text(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value: AttributeValue::Text(value.to_owned()),
    }
}

pub(crate) fn boolean(name: &str, value: bool) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value: AttributeValue::Boolean(value),
    }
}

/// The message of a refusal that was made here.
pub(crate) fn invalid<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code, "invalid-argument", "{}", error.message);
    error.message
}

/// The operation and the body of a request about this pool.
pub(crate) fn request(operation: &str, mut body: Value) -> (String, Value) {
    body["UserPoolId"] = json!(POOL);
    (operation.to_owned(), body)
}

/// Names as the service's pattern admits them (letters, marks, symbols, numbers and
/// punctuation of any script), with what separators, quotes and escapes could break.
pub(crate) fn names(count: usize) -> Vec<String> {
    const RANGES: &[(u32, u32)] = &[
        (0x21, 0x7e),
        (0xa1, 0xac),
        (0xc0, 0x24f),
        (0x300, 0x36f),
        (0x391, 0x3a1),
        (0x410, 0x44f),
        (0x5d0, 0x5ea),
        (0x905, 0x939),
        (0x2190, 0x21ff),
        (0x3041, 0x3096),
        (0x4e00, 0x9fff),
        (0xac00, 0xd7a3),
        (0x1f300, 0x1f5ff),
        (0x20000, 0x2a6df),
    ];
    const TRAPS: &[char] = &[
        ':', '/', '@', '"', '\\', '{', '}', '%', '#', '\'', '?', '&', '<',
    ];
    let mut random = fastrand::Rng::with_seed(3);
    (0..count)
        .map(|_| {
            (0..random.usize(1..=128))
                .map(|_| {
                    if random.u8(0..3) == 0 {
                        return TRAPS[random.usize(..TRAPS.len())];
                    }
                    let (first, last) = RANGES[random.usize(..RANGES.len())];
                    char::from_u32(random.u32(first..=last)).unwrap()
                })
                .collect()
        })
        .collect()
}
