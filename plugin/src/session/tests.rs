use super::*;
use crate::cognito::fake::{Fake, answer};
use crate::contract::types::Principal;
use crate::settings::{
    ACCESS_KEY_ID, ENDPOINT_URL, LAST_LOGIN_ATTRIBUTE, SECRET_ACCESS_KEY, USER_POOL_ID,
};
use crate::testing::refused;
use serde_json::{Value, json};

mod listed;

const POOL: &str = "us-east-1_AbCd12345";

fn open_with(more: &[(&str, &str)], bodies: &[(u16, Value)]) -> (Session<Fake>, Fake) {
    let required = [
        (USER_POOL_ID, POOL),
        (ACCESS_KEY_ID, "AKIDEXAMPLE"),
        (SECRET_ACCESS_KEY, "hunter2"),
    ];
    let settings: Vec<Setting> = required
        .iter()
        .chain(more)
        .map(|(name, value)| Setting {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    let answers = bodies
        .iter()
        .map(|(status, body)| answer(*status, &body.to_string()));
    let fake = Fake::answering(answers);
    (Session::open(&settings, fake.clone()).unwrap(), fake)
}

fn open(bodies: &[(u16, Value)]) -> (Session<Fake>, Fake) {
    open_with(&[], bodies)
}

fn ids(page: &ResourcePage) -> Vec<&str> {
    page.items
        .iter()
        .map(|resource| resource.id.id.as_str())
        .collect()
}

fn of_group(group: &str) -> GrantsOf {
    GrantsOf::Resource(Kind::Group.resource(group))
}

fn of_user(user: &str) -> GrantsOf {
    GrantsOf::Principal(Principal {
        resource: Kind::User.resource(user),
    })
}

fn invalid<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code, "invalid-argument");
    error.message
}

#[test]
fn opening_sends_nothing() {
    let (session, fake) = open(&[]);
    assert_eq!(session.partitions("user").unwrap().len(), 16);
    assert_eq!(session.partitions("group"), Ok(Vec::new()));
    assert_eq!(fake.requests(), 0);
}

#[test]
fn a_page_of_users_is_one_request_and_never_asks_for_a_single_user() {
    let users = json!({"Users": [{"Username": "a"}, {"Username": "b"}], "PaginationToken": "t+/="});
    let (session, fake) = open(&[(200, users), (200, json!({"Users": []}))]);
    let first = session
        .list_resources("user", None, None, None, None)
        .unwrap();
    assert_eq!(ids(&first), ["a", "b"]);
    assert_eq!(first.next.as_deref(), Some("t+/="));
    let last = session
        .list_resources("user", None, None, Some("t+/="), Some(10))
        .unwrap();
    assert_eq!((ids(&last).len(), last.next), (0, None));
    assert_eq!(
        fake.sent(),
        [
            (
                "ListUsers".to_owned(),
                json!({"UserPoolId": POOL, "Limit": 60})
            ),
            (
                "ListUsers".to_owned(),
                json!({"UserPoolId": POOL, "Limit": 10, "PaginationToken": "t+/="})
            ),
        ]
    );
}

#[test]
fn a_page_of_groups_is_one_request() {
    let groups = json!({"Groups": [{"GroupName": "admins"}], "NextToken": "n"});
    let (session, fake) = open(&[(200, groups), (200, json!({"Groups": []}))]);
    let first = session
        .list_resources("group", None, None, None, Some(1))
        .unwrap();
    assert_eq!(
        (ids(&first), first.next.as_deref()),
        (vec!["admins"], Some("n"))
    );
    let last = session
        .list_resources("group", None, None, Some("n"), Some(1000))
        .unwrap();
    assert_eq!(last.next, None);
    assert_eq!(
        fake.sent(),
        [
            (
                "ListGroups".to_owned(),
                json!({"UserPoolId": POOL, "Limit": 1})
            ),
            (
                "ListGroups".to_owned(),
                json!({"UserPoolId": POOL, "Limit": 60, "NextToken": "n"})
            ),
        ]
    );
}

#[test]
fn an_empty_or_short_or_long_page_is_passed_on_with_its_cursor() {
    let many: Vec<Value> = (0..200)
        .map(|number| json!({"Username": number.to_string()}))
        .collect();
    let (session, _) = open(&[
        (200, json!({"Users": [], "PaginationToken": "1"})),
        (200, json!({"Users": many, "PaginationToken": null})),
    ]);
    let empty = session
        .list_resources("user", None, None, None, None)
        .unwrap();
    assert_eq!((empty.items.len(), empty.next.as_deref()), (0, Some("1")));
    let long = session
        .list_resources("user", None, None, Some("1"), None)
        .unwrap();
    assert_eq!((long.items.len(), long.next), (200, None));
}

#[test]
fn the_members_of_a_group_are_grants() {
    let members = json!({"Users": [{"Username": "alice"}], "NextToken": "n"});
    let (session, fake) = open(&[(200, members)]);
    let page = session
        .list_grants(&of_group("Ops/Team:é"), Some("m"), None)
        .unwrap();
    assert_eq!(page.next.as_deref(), Some("n"));
    let grant = &page.items[0];
    assert_eq!(grant.entitlement, groups::membership_id("Ops/Team:é"));
    assert_eq!(grant.principal.resource, Kind::User.resource("alice"));
    assert_eq!(grant.expands, None);
    assert_eq!(
        fake.sent(),
        [(
            "ListUsersInGroup".to_owned(),
            json!({"UserPoolId": POOL, "GroupName": "Ops/Team:é", "Limit": 60, "NextToken": "m"}),
        )]
    );
}

#[test]
fn the_groups_of_a_user_are_grants() {
    let groups = json!({"Groups": [{"GroupName": "admins"}, {"GroupName": "ops"}]});
    let (session, fake) = open(&[(200, groups)]);
    let page = session.list_grants(&of_user("alice"), None, None).unwrap();
    let held: Vec<&str> = page
        .items
        .iter()
        .map(|grant| grant.entitlement.resource.id.as_str())
        .collect();
    assert_eq!(held, ["admins", "ops"]);
    assert!(
        page.items
            .iter()
            .all(|grant| grant.principal.resource.id == "alice")
    );
    assert_eq!(
        fake.sent(),
        [(
            "AdminListGroupsForUser".to_owned(),
            json!({"UserPoolId": POOL, "Username": "alice", "Limit": 60}),
        )]
    );
}

#[test]
fn grants_are_refused_from_the_end_that_the_kind_does_not_offer() {
    let (session, fake) = open(&[]);
    let user = GrantsOf::Resource(Kind::User.resource("alice"));
    let group = GrantsOf::Principal(Principal {
        resource: Kind::Group.resource("admins"),
    });
    invalid(session.list_grants(&user, None, None));
    invalid(session.list_grants(&group, None, None));
    assert_eq!(fake.requests(), 0);
}

#[test]
fn a_group_has_one_entitlement_and_a_user_has_none() {
    let (session, fake) = open(&[]);
    let group = session
        .list_entitlements(&Kind::Group.resource("admins"), None, None)
        .unwrap();
    assert_eq!(group.items, [groups::membership("admins")]);
    assert_eq!(group.next, None);
    let user = session
        .list_entitlements(&Kind::User.resource("alice"), None, None)
        .unwrap();
    assert_eq!((user.items.len(), user.next), (0, None));
    invalid(session.list_entitlements(&Kind::Group.resource("admins"), Some("c"), None));
    assert_eq!(fake.requests(), 0);
}

#[test]
fn a_user_is_read_by_id() {
    let user = json!({"Username": "alice", "UserAttributes": [{"Name": "custom:last", "Value": "1739529618"}]});
    let settings = [(LAST_LOGIN_ATTRIBUTE, "custom:last")];
    let (session, fake) = open_with(&settings, &[(200, user)]);
    let Lookup::Found(alice) = session
        .get_resource(&Kind::User.resource("alice"), None)
        .unwrap()
    else {
        panic!("alice was not found");
    };
    assert_eq!(
        alice.account.unwrap().last_login.as_deref(),
        Some("2025-02-14T10:40:18.000Z")
    );
    assert_eq!(
        fake.sent(),
        [(
            "AdminGetUser".to_owned(),
            json!({"UserPoolId": POOL, "Username": "alice"}),
        )]
    );
    invalid(session.get_resource(&Kind::User.resource("alice"), Some("c")));
}

#[test]
fn a_missing_user_is_not_found() {
    let gone = json!({"__type": "UserNotFoundException", "message": "User does not exist."});
    let (session, _) = open(&[(400, gone)]);
    let error = session
        .get_resource(&Kind::User.resource("alice"), None)
        .unwrap_err();
    assert_eq!(error.code, "not-found");
    assert!(
        error.message.starts_with("user 'alice' does not exist"),
        "{}",
        error.message
    );
}

#[test]
fn an_alias_of_a_user_is_not_its_id() {
    let (session, _) = open(&[(200, json!({"Username": "Alice"}))]);
    assert_eq!(
        invalid(session.get_resource(&Kind::User.resource("alice"), None)),
        "'alice' is another name of user 'Alice'; use user:Alice"
    );
}

#[test]
fn a_group_is_looked_for_page_by_page() {
    let page = |name: &str, next: Value| {
        (
            200,
            json!({"Groups": [{"GroupName": name}], "NextToken": next}),
        )
    };
    let (session, fake) = open(&[
        page("Admins", json!("1")),
        page("admins", json!("2")),
        page("ops", Value::Null),
    ]);
    let admins = Kind::Group.resource("admins");
    assert_eq!(
        session.get_resource(&admins, None),
        Ok(Lookup::GoOn("1".to_owned()))
    );
    assert_eq!(fake.requests(), 1);
    let Lookup::Found(found) = session.get_resource(&admins, Some("1")).unwrap() else {
        panic!("admins was not found");
    };
    assert_eq!(found.id, admins);
    let error = session.get_resource(&admins, Some("2")).unwrap_err();
    assert_eq!(error.code, "not-found");
    assert!(
        error.message.starts_with("group 'admins' does not exist"),
        "{}",
        error.message
    );
    let limit = json!({"UserPoolId": POOL, "Limit": 60, "NextToken": "2"});
    assert_eq!(fake.sent()[2], ("ListGroups".to_owned(), limit));
}

#[test]
fn the_estimate_is_the_pools_own_or_unknown() {
    let pool = |estimate: Value| {
        (
            200,
            json!({"UserPool": {"Id": POOL, "EstimatedNumberOfUsers": estimate}}),
        )
    };
    for (answer, estimate) in [
        (pool(json!(40_000_000)), Some(40_000_000)),
        (pool(json!(0)), Some(0)),
        (pool(json!(-1)), None),
        (pool(Value::Null), None),
        ((200, json!({"UserPool": {}})), None),
        ((400, json!({"__type": "AccessDeniedException"})), None),
        ((403, json!({"__type": "AccessDeniedException"})), None),
        ((400, json!({"__type": "NotAuthorizedException"})), None),
    ] {
        let (session, fake) = open(std::slice::from_ref(&answer));
        assert_eq!(session.estimate("user"), Ok(estimate), "{answer:?}");
        assert_eq!(
            fake.sent(),
            [("DescribeUserPool".to_owned(), json!({"UserPoolId": POOL}))]
        );
    }
    let (session, fake) = open(&[(200, json!({}))]);
    assert_eq!(session.estimate("group"), Ok(None));
    assert_eq!(fake.requests(), 0);
    assert_eq!(session.estimate("user").unwrap_err().code, "bad-response");
}

#[test]
fn the_pool_is_described_once_for_a_session() {
    let pool = json!({"UserPool": {"EstimatedNumberOfUsers": 7, "Name": "staff"}});
    let (session, fake) = open(&[
        (400, json!({"__type": "AccessDeniedException"})),
        (200, pool),
    ]);
    assert_eq!(session.estimate("user"), Ok(None), "a denial is not kept");
    assert_eq!(session.estimate("user"), Ok(Some(7)));
    assert_eq!(session.estimate("user"), Ok(Some(7)));
    assert_eq!(session.system().unwrap().name.as_deref(), Some("staff"));
    assert_eq!(fake.requests(), 2);
}

#[test]
fn what_the_pool_says_about_itself_needs_the_right_to_ask() {
    let (session, _) = open(&[(400, json!({"__type": "AccessDeniedException"}))]);
    let error = session.system().unwrap_err();
    assert_eq!(error.code, "permission-denied");
    assert!(
        error.message.contains("cognito-idp:DescribeUserPool"),
        "{}",
        error.message
    );
}

#[test]
fn an_estimate_that_the_host_does_not_let_out_is_unknown() {
    let (session, fake) = open(&[]);
    assert_eq!(session.estimate("user"), Ok(None));
    assert_eq!(fake.requests(), 1);
    let error = session
        .list_resources("user", None, None, None, None)
        .unwrap_err();
    assert_eq!(error.code, "denied-by-host");
}

#[test]
fn an_estimate_of_a_missing_pool_is_an_error() {
    let gone =
        json!({"__type": "ResourceNotFoundException", "message": "User pool x does not exist."});
    let (session, _) = open(&[(400, gone)]);
    let error = session.estimate("user").unwrap_err();
    assert_eq!(error.code, "not-found");
    assert!(error.message.contains(POOL), "{}", error.message);
}

#[test]
fn a_slice_is_asked_for_by_sub_and_nobody_else_is_taken_for_a_part_of_it() {
    let user = |attributes: Value| json!({ "Username": "alice", "Attributes": attributes });
    let of = |sub: &str| json!([{"Name": "sub", "Value": sub}]);
    for (attributes, belongs) in [
        (of("ab12"), true),
        (of("bb12"), false),
        (of("Ab12"), false),
        (json!([]), false),
    ] {
        let (session, fake) = open(&[(200, json!({ "Users": [user(attributes.clone())] }))]);
        let page = session.list_resources("user", None, Some("a"), None, None);
        assert_eq!(fake.sent()[0].1["Filter"], r#"sub ^= "a""#);
        match page {
            Ok(page) => assert!(belongs && page.items.len() == 1, "{attributes}"),
            Err(error) => {
                assert!(!belongs, "{error:?}");
                assert_eq!(error.code, "failed-precondition");
                assert!(error.message.contains("'alice'"), "{error:?}");
            }
        }
    }
}

#[test]
fn wrong_arguments_are_named_and_nothing_is_sent() {
    let (session, fake) = open(&[]);
    let parent = Kind::Group.resource("admins");
    assert!(invalid(session.partitions("role")).contains("'role'"));
    assert!(invalid(session.estimate("users")).contains("'users'"));
    assert!(invalid(session.list_resources("role", None, None, None, None)).contains("'role'"));
    assert!(
        invalid(session.list_resources("user", Some(&parent), None, None, None)).contains("parent")
    );
    assert!(
        invalid(session.list_resources("user", None, Some("A"), None, None)).contains("partitions")
    );
    assert!(
        invalid(session.list_resources("group", None, Some("a"), None, None))
            .contains("no partitions")
    );
    assert!(invalid(session.list_resources("user", None, None, Some(""), None)).contains("cursor"));
    assert!(
        invalid(session.list_resources("user", None, None, None, Some(0))).contains("page-size")
    );
    assert!(invalid(session.list_grants(&of_group("g"), None, Some(0))).contains("page-size"));
    assert!(invalid(session.list_grants(&of_group(""), None, None)).contains("group is empty"));
    assert!(invalid(session.list_grants(&of_user(""), None, None)).contains("user is empty"));
    let role = ResourceId {
        kind: "role".to_owned(),
        id: "r".to_owned(),
    };
    assert!(invalid(session.get_resource(&role, None)).contains("'role'"));
    assert!(invalid(session.list_entitlements(&role, None, None)).contains("'role'"));
    assert_eq!(fake.requests(), 0);
}

#[test]
fn a_cursor_that_is_rejected_has_expired() {
    let rejected =
        json!({"__type": "InvalidParameterException", "message": "Paging marker is invalid"});
    for list in ["user", "group"] {
        let (session, _) = open(&[(400, rejected.clone())]);
        let error = session
            .list_resources(list, None, None, Some("old"), None)
            .unwrap_err();
        assert_eq!(error.code, "cursor-expired", "{list}");
    }
}

#[test]
fn everything_goes_to_the_one_endpoint() {
    let endpoint = [(ENDPOINT_URL, "http://127.0.0.1:5000/")];
    let (session, fake) = open_with(
        &endpoint,
        &[(200, json!({"Users": []})), (200, json!({"Groups": []}))],
    );
    session
        .list_resources("user", None, None, None, None)
        .unwrap();
    session
        .list_resources("group", None, None, None, None)
        .unwrap();
    for index in 0..2 {
        assert_eq!(fake.line(index), "POST http://127.0.0.1:5000/");
    }
}

#[test]
fn a_refusal_of_an_unsigned_request_says_that_no_keys_were_given() {
    let settings = [Setting {
        name: "user-pool-id".to_owned(),
        value: POOL.to_owned(),
    }];
    for (status, code, hint) in [
        (400, "MissingAuthenticationTokenException", true),
        (403, "MissingAuthenticationToken", true),
        (400, "IncompleteSignatureException", true),
        (400, "UnrecognizedClientException", false),
        (400, "InvalidSignatureException", false),
        (400, "AccessDeniedException", false),
    ] {
        let fake = Fake::default();
        fake.then(refused(status, code));
        let session = Session::open(&settings, fake.clone()).unwrap();
        let error = session
            .list_resources("user", None, None, None, None)
            .unwrap_err();
        let expected = match code {
            "AccessDeniedException" => "permission-denied",
            _ => "unauthenticated",
        };
        assert_eq!(error.code, expected, "{code}");
        let told = error.message.contains("no keys were given");
        assert_eq!(told, hint, "{}", error.message);
        for setting in ["aws-access-key-id", "aws-secret-access-key"] {
            assert!(
                !hint || error.message.contains(setting),
                "{}",
                error.message
            );
        }
        assert!(!fake.headers(0).contains_key("authorization"));
    }
    let (session, _) = open(&[(
        400,
        json!({"__type": "MissingAuthenticationTokenException"}),
    )]);
    let error = session
        .list_resources("user", None, None, None, None)
        .unwrap_err();
    assert!(!error.message.contains("no keys"), "{}", error.message);
}
