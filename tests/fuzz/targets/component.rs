//! The component's requests, before the host's judge: ids and cursors from end to end.
//!
//! Input: a function of the contract, a user, a group, a cursor (empty for the first page)
//! and the token that the service answers with, each on its line.
//!
//! Invariants: a request of the bundled component is never refused for what it is about,
//! whatever stands in an id or in a cursor; each id and the cursor are sent as they came,
//! and nothing else of the call is; the service's token comes back as the next cursor as
//! it was, and is sent as it was when the list goes on; and the same request is refused in
//! the scope of a call about somebody else.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use connector_host::egress::Policy;
use connector_host::trust::TrustRecord;
use fuzz::calls::{About, FUNCTIONS, run, scope};
use fuzz::json::{Json, Takes};
use fuzz::pool::{self, POOL, Sent, Wire};
use libfuzzer_sys::{Corpus, fuzz_target};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let record = TrustRecord::bundled().expect("a test of the host reads it");
    let settings: BTreeMap<String, String> = [("user-pool-id", POOL), ("region", "us-east-1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    Policy::new(&record.approved.wire, &settings, None, true).expect("the settings are good")
});

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else {
        return Corpus::Reject;
    };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (function, user, group, cursor, token) = (line(), line(), line(), line(), line());
    if !FUNCTIONS.contains(&function) {
        return Corpus::Reject;
    }
    let about = About {
        user,
        group,
        cursor: (!cursor.is_empty()).then_some(cursor),
    };
    let next = send(function, about, token);
    if let Some(next) = next {
        assert_eq!(next, token);
        let cursor = Some(next.as_str());
        send(function, About { cursor, ..about }, "");
    }
    Corpus::Keep
});

/// Makes a call; returns the cursor of the next page.
fn send(function: &str, about: About<'_>, token: &str) -> Option<String> {
    let next = serde_json::to_string(&(!token.is_empty()).then_some(token)).unwrap_or_default();
    let name = serde_json::to_string(about.user).unwrap_or_default();
    let wire = Wire::new(move |request| {
        let users = format!(r#"{{"Users":[],"PaginationToken":{next}}}"#);
        let groups = format!(r#"{{"Groups":[],"NextToken":{next}}}"#);
        pool::answer(&match pool::operation(request) {
            "ListUsers" | "ListUsersInGroup" => users,
            "ListGroups" | "AdminListGroupsForUser" => groups,
            "AdminGetUser" => format!(r#"{{"Username":{name}}}"#),
            "AdminCreateUser" => format!(r#"{{"User":{{"Username":{name}}}}}"#),
            "DescribeUserPool" => r#"{"UserPool":{}}"#.to_owned(),
            _ => "{}".to_owned(),
        })
    });
    let given = run(&wire.session(), function, about);
    if let Err(error) = &given {
        assert!(!error.message.contains(char::is_control), "{error:?}");
    }
    for (index, request) in wire.sent().iter().enumerate() {
        check(function, about, request, index == 0);
    }
    given.ok().and_then(|given| given.next)
}

fn check(function: &str, about: About<'_>, request: &Sent, is_first: bool) {
    let (head, body) = request.clone().into_parts();
    let judged = POLICY.judge(Some(&scope(function, about)), &head, &body);
    if let Err(denied) = judged {
        panic!("{function}: {denied}");
    }
    let read = Json::read(&body).expect("a request is JSON");
    let member = |name: &str| read.member(name, Takes::First).and_then(Json::text);
    assert_eq!(member("UserPoolId"), Some(POOL));
    for (name, expected) in [("Username", about.user), ("GroupName", about.group)] {
        if let Some(sent) = member(name) {
            assert_eq!(sent, expected, "{function}");
            let other = format!("{expected}x");
            let stranger = match name {
                "Username" => About {
                    user: &other,
                    ..about
                },
                _ => About {
                    group: &other,
                    ..about
                },
            };
            let judged = POLICY.judge(Some(&scope(function, stranger)), &head, &body);
            assert!(judged.is_err(), "{function}");
        }
    }
    let sent = member("PaginationToken").or(member("NextToken"));
    if function.starts_with("sync.list-resources") || function.starts_with("sync.list-grants") {
        assert_eq!(sent, about.cursor, "{function}");
    } else if is_first && !function.starts_with("sync.") {
        assert_eq!(sent, None, "{function}");
    }
    let known = [
        "UserPoolId",
        "Username",
        "GroupName",
        "UserAttributes",
        "MessageAction",
        "Limit",
        "Filter",
        "PaginationToken",
        "NextToken",
    ];
    for key in read.keys() {
        assert!(known.contains(&key), "{function} sends {key}");
    }
}
