//! Looking for one resource as the list shows it.

use super::*;
use crate::settings::MAX_ATTEMPTS;

fn user(name: &str) -> ResourceId {
    Kind::User.resource(name)
}

fn page(names: &[&str], next: Value) -> (u16, Value) {
    let rows: Vec<Value> = names.iter().map(|name| json!({"Username": name})).collect();
    (200, json!({"Users": rows, "PaginationToken": next}))
}

#[test]
fn a_user_is_looked_for_in_the_list_and_never_read_by_id() {
    let (session, fake) = open(&[page(&["alice"], Value::Null)]);
    let Lookup::Found(alice) = session.find_listed(&user("alice"), None).unwrap() else {
        panic!("alice was not found");
    };
    assert_eq!(alice.id, user("alice"));
    assert_eq!(fake.operations(), ["ListUsers"]);
    assert_eq!(
        fake.body(0),
        r#"{"UserPoolId":"us-east-1_AbCd12345","Limit":60,"Filter":"username = \"alice\""}"#
    );
}

#[test]
fn the_row_is_the_one_that_the_list_has() {
    let row = json!({
        "Username": "alice",
        "Enabled": false,
        "UserStatus": "UNCONFIRMED",
        "UserCreateDate": 1_739_529_618.5,
        "Attributes": [
            {"Name": "custom:last", "Value": "1739529618"},
            {"Name": "name", "Value": "Alice Doe"},
        ],
    });
    let answer = (200, json!({"Users": [row]}));
    let settings = [(LAST_LOGIN_ATTRIBUTE, "custom:last")];
    let (session, _) = open_with(&settings, &[answer.clone(), answer]);
    let listed = session
        .list_resources("user", None, None, None, None)
        .unwrap();
    let found = session.find_listed(&user("alice"), None).unwrap();
    assert_eq!(found, Lookup::Found(listed.items[0].clone()));
}

#[test]
fn a_name_can_not_end_the_filter() {
    let name = r#"a\" or username ^= "b"#;
    let (session, fake) = open(&[page(&[name], Value::Null)]);
    let found = session.find_listed(&user(name), None).unwrap();
    assert!(matches!(found, Lookup::Found(row) if row.id.id == name));
    let (_, body) = &fake.sent()[0];
    assert_eq!(body["Filter"], r#"username = "a\\\" or username ^= \"b""#);
}

#[test]
fn other_rows_are_not_taken_for_the_one_that_is_looked_for() {
    let everybody = ["Alice", "alice ", "alicf", "álice", "al", "alice2"];
    let (session, fake) = open(&[
        page(&everybody, json!("1")),
        page(&[], json!("2")),
        page(&["bob", "alice", "carol"], json!("3")),
        page(&everybody, Value::Null),
    ]);
    let alice = user("alice");
    let looked = |cursor| session.find_listed(&alice, cursor);
    assert_eq!(looked(None), Ok(Lookup::GoOn("1".to_owned())));
    assert_eq!(looked(Some("1")), Ok(Lookup::GoOn("2".to_owned())));
    let found = looked(Some("2")).unwrap();
    assert!(matches!(found, Lookup::Found(row) if row.id == alice));
    let error = looked(Some("3")).unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        (
            "not-found",
            "user 'alice' is not in the list of users of user pool 'us-east-1_AbCd12345'"
        )
    );
    assert_eq!(
        fake.sent()[3].1,
        json!({
            "UserPoolId": POOL,
            "Limit": 60,
            "Filter": "username = \"alice\"",
            "PaginationToken": "3",
        })
    );
}

#[test]
fn an_answer_without_a_whole_list_does_not_say_that_somebody_is_missing() {
    for broken in [
        json!({}),
        json!({"Users": null}),
        json!({"Users": {}}),
        json!({"Users": [{"Enabled": true}]}),
        json!({"Users": [{"Username": ""}]}),
        json!({"Users": [], "PaginationToken": ""}),
        json!({"Users": [{"Username": "alice"}], "PaginationToken": 1}),
    ] {
        let (session, _) = open(&[(200, broken.clone())]);
        let error = session.find_listed(&user("alice"), None).unwrap_err();
        assert_eq!(error.code, "bad-response", "{broken}");
    }
    let cut = answer(200, r#"{"Users":[]"#);
    let (session, fake) = open_with(&[(MAX_ATTEMPTS, "1")], &[]);
    fake.then(Ok(cut));
    let error = session.find_listed(&user("alice"), None).unwrap_err();
    assert_eq!(error.code, "bad-response");
}

#[test]
fn a_refusal_says_what_is_missing() {
    let denied = json!({"__type": "AccessDeniedException"});
    let (session, _) = open(&[(400, denied)]);
    let error = session.find_listed(&user("alice"), None).unwrap_err();
    assert_eq!(error.code, "permission-denied");
    assert!(
        error.message.contains("cognito-idp:ListUsers"),
        "{}",
        error.message
    );
    let rejected = json!({"__type": "InvalidParameterException"});
    let (session, _) = open(&[(400, rejected)]);
    let error = session
        .find_listed(&user("alice"), Some("old"))
        .unwrap_err();
    assert_eq!(error.code, "cursor-expired");
}

#[test]
fn a_group_is_looked_for_as_it_is_read() {
    let pages = [
        (
            200,
            json!({"Groups": [{"GroupName": "Admins"}], "NextToken": "1"}),
        ),
        (200, json!({"Groups": [{"GroupName": "admins"}]})),
        (200, json!({"Groups": []})),
    ];
    let admins = Kind::Group.resource("admins");
    let (finding, found) = open(&pages);
    let (getting, got) = open(&pages);
    for cursor in [None, Some("1"), Some("2")] {
        assert_eq!(
            finding.find_listed(&admins, cursor),
            getting.get_resource(&admins, cursor),
            "{cursor:?}"
        );
    }
    assert_eq!(found.sent(), got.sent());
    assert_eq!(found.operations(), ["ListGroups"; 3]);
}

#[test]
fn wrong_arguments_of_a_look_are_named_and_nothing_is_sent() {
    let (session, fake) = open(&[]);
    let role = ResourceId {
        kind: "role".to_owned(),
        id: "r".to_owned(),
    };
    assert!(invalid(session.find_listed(&role, None)).contains("'role'"));
    assert!(invalid(session.find_listed(&user(""), None)).contains("user is empty"));
    assert!(invalid(session.find_listed(&user("alice"), Some(""))).contains("cursor"));
    assert_eq!(fake.requests(), 0);
}
