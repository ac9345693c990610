//! The judgement of a request of the protocol `aws-json`, under the trust record of the
//! bundled component.
//!
//! Input: a function of the contract, then a request as it looks on the wire. The call is
//! about user alice and group admins of one pool.
//!
//! Invariants, for every request that is permitted: it goes to the origin of the settings;
//! it carries one of each header, each from a list that is written here once more, and
//! exactly one operation; the record assigns the operation to the function; nothing that
//! only reads may change; no key stands twice in the body; each member that the call fixes
//! has its value, for a server that takes the first of several members as for one that
//! takes the last; and besides there is nothing but what a page needs.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use connector_host::egress::{Call, Policy};
use connector_host::trust::TrustRecord;
use connector_host::trust::description::{Access, Wire};
use fuzz::calls::{About, FUNCTIONS, scope};
use fuzz::input::Message;
use fuzz::json::{Json, Takes};
use fuzz::pool::{POOL, PREFIX};
use libfuzzer_sys::{Corpus, fuzz_target};

const HOST: &str = "cognito-idp.us-east-1.amazonaws.com";
const ALICE: About<'static> = About {
    user: "alice",
    group: "admins",
    cursor: None,
};

const IN_POOL: (&str, &str) = ("UserPoolId", "\"us-east-1_AbCd12345\"");
const OF_ALICE: (&str, &str) = ("Username", "\"alice\"");
const OF_ADMINS: (&str, &str) = ("GroupName", "\"admins\"");
/// What each operation must say, and what else it may: by the service's own model, and not
/// taken from the record.
const MEMBERS: [Members; 12] = [
    (
        "ListUsers",
        &[IN_POOL],
        &["Limit", "PaginationToken", "Filter"],
    ),
    ("AdminGetUser", &[IN_POOL, OF_ALICE], &[]),
    ("ListGroups", &[IN_POOL], &["Limit", "NextToken"]),
    (
        "ListUsersInGroup",
        &[IN_POOL, OF_ADMINS],
        &["Limit", "NextToken"],
    ),
    (
        "AdminListGroupsForUser",
        &[IN_POOL, OF_ALICE],
        &["Limit", "NextToken"],
    ),
    ("DescribeUserPool", &[IN_POOL], &[]),
    ("AdminAddUserToGroup", &[IN_POOL, OF_ALICE, OF_ADMINS], &[]),
    (
        "AdminRemoveUserFromGroup",
        &[IN_POOL, OF_ALICE, OF_ADMINS],
        &[],
    ),
    (
        "AdminCreateUser",
        &[
            IN_POOL,
            OF_ALICE,
            (
                "UserAttributes",
                r#"[{"Name":"name","Value":"A. Smithee"}]"#,
            ),
            // Nobody asked for an invitation.
            ("MessageAction", "\"SUPPRESS\""),
        ],
        &[],
    ),
    ("AdminDeleteUser", &[IN_POOL, OF_ALICE], &[]),
    ("AdminEnableUser", &[IN_POOL, OF_ALICE], &[]),
    ("AdminDisableUser", &[IN_POOL, OF_ALICE], &[]),
];
/// An operation, members with their values as JSON, members with any value.
type Members = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

struct Judges {
    wire: Wire,
    changing: Policy,
    reading: Policy,
}

static JUDGES: LazyLock<Judges> = LazyLock::new(|| {
    let record = TrustRecord::bundled().expect("a test of the host reads it");
    let settings: BTreeMap<String, String> = [("user-pool-id", POOL), ("region", "us-east-1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let wire = record.approved.wire;
    let policy = |provisioning| {
        Policy::new(&wire, &settings, None, provisioning).expect("the settings are good")
    };
    Judges {
        changing: policy(true),
        reading: policy(false),
        wire: wire.clone(),
    }
});

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some(message) = Message::read(data) else {
        return Corpus::Reject;
    };
    let Some(request) = message.request() else {
        return Corpus::Reject;
    };
    if !FUNCTIONS.contains(&message.about) {
        return Corpus::Reject;
    }
    let call = scope(message.about, ALICE);
    for (policy, provisioning) in [(&JUDGES.changing, true), (&JUDGES.reading, false)] {
        let permitted = match policy.judge(Some(&call), &request, message.body) {
            Ok(permitted) => permitted,
            Err(denied) => {
                let said = denied.to_string();
                assert!(!said.contains(char::is_control), "{said:?}");
                assert!(said.chars().count() < 2_000, "{said}");
                continue;
            }
        };
        assert!(policy.judge_head(Some(&call), &request).is_ok());
        assert!(policy.judge(None, &request, message.body).is_err());
        assert!(provisioning || permitted.access == Access::Read);
        check_head(&permitted.uri, &permitted.headers, message.body.len());
        check_operation(&permitted.operation, permitted.access, &call);
        let target = &permitted.headers["x-amz-target"];
        assert_eq!(target, &format!("{PREFIX}{}", permitted.operation));
        check_body(&permitted.operation, message.body);
    }
    Corpus::Keep
});

fn check_head(uri: &http::Uri, headers: &http::HeaderMap, body: usize) {
    assert_eq!(uri.to_string(), format!("https://{HOST}/"));
    for name in headers.keys() {
        let known = [
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "user-agent",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-security-token",
            "x-amz-target",
            "x-amz-user-agent",
        ];
        assert!(
            known.contains(&name.as_str()) || name.as_str().starts_with("amz-sdk-"),
            "{name}"
        );
        assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
    }
    assert_eq!(headers["host"], HOST);
    assert_eq!(headers["content-length"], body.to_string());
    assert_eq!(headers["content-type"], "application/x-amz-json-1.1");
}

fn check_operation(name: &str, access: Access, call: &Call) {
    let operation = JUDGES.wire.operation(name).expect("it is in the record");
    assert_eq!(access, operation.access);
    let function = call.function();
    assert!(operation.functions.iter().any(|f| f == function), "{name}");
    if function.starts_with("sync.") {
        assert_eq!(access, Access::Read, "{name} during {function}");
    }
}

fn check_body(operation: &str, body: &[u8]) {
    let read = Json::read(body).expect("what is permitted is JSON");
    assert!(!read.has_twins(), "a key stands twice");
    let strict: serde_json::Value =
        serde_json::from_slice(body).expect("what is permitted is JSON for every parser");
    let (_, fixed, free) = MEMBERS
        .into_iter()
        .find(|(name, _, _)| *name == operation)
        .expect("it is written here");
    for key in read.keys() {
        let known = free.contains(&key) || fixed.iter().any(|(name, _)| *name == key);
        assert!(known, "{operation} carries {key}");
    }
    for (member, expected) in fixed {
        let json: serde_json::Value = serde_json::from_str(expected).expect("it is JSON");
        assert_eq!(strict.get(member), Some(&json), "{member}");
        let expected = Json::read(expected.as_bytes());
        for takes in [Takes::First, Takes::Last] {
            let sent = read.member(member, takes);
            assert_eq!(
                sent.map(sorted),
                expected.as_ref().map(sorted),
                "{member} for who takes {takes:?}"
            );
        }
    }
}

/// The same with the members of objects in one order, which says nothing.
fn sorted(json: &Json) -> Json {
    match json {
        Json::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Json::Object(members)
        }
        Json::List(items) => Json::List(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
