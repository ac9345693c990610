//! The shape of every reading operation, and that it shows the pool as it is.

use fake_cognito::{Generated, Group, GroupSizes, PoolSpec, User, sample_pool};
use serde_json::{Value, json};

use crate::client::{POOL, names, serve};

fn small() -> PoolSpec {
    PoolSpec::literal(POOL)
        .user(
            User::new("alice")
                .subject("11111111-1111-4111-8111-111111111111")
                .email("alice@example.com")
                .attribute("custom:department", "")
                .dated(1_739_528_018_102, 1_739_528_019_000)
                .second_factor("SOFTWARE_TOKEN_MFA"),
        )
        .user(
            User::new("Google_123")
                .subject("22222222-2222-4222-8222-222222222222")
                .email("bob@example.com")
                .status("EXTERNAL_PROVIDER")
                .disabled(),
        )
        .group(
            Group::new("admins")
                .precedence(0)
                .description("All \"rights\"")
                .role_arn("arn:aws:iam::123456789012:role/a"),
        )
        .group(Group::new("Team/é:😀+1"))
        .member("alice", "admins")
        .member("alice", "Team/é:😀+1")
        .member("Google_123", "admins")
}

fn user_json(user: &User) -> Value {
    let attributes: Vec<Value> = user
        .attributes
        .iter()
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect();
    json!({
        "Username": user.username, "Attributes": attributes,
        "UserCreateDate": user.created_ms as f64 / 1000.0,
        "UserLastModifiedDate": user.modified_ms as f64 / 1000.0,
        "Enabled": user.enabled, "UserStatus": user.status,
    })
}

fn same_user(sent: &Value, user: &User) {
    let expected = user_json(user);
    for member in ["Username", "Attributes", "Enabled", "UserStatus"] {
        assert_eq!(
            sent[member], expected[member],
            "{member} of {}",
            user.username
        );
    }
    for member in ["UserCreateDate", "UserLastModifiedDate"] {
        assert_eq!(
            sent[member].as_f64(),
            expected[member].as_f64(),
            "{member} of {}",
            user.username
        );
    }
    assert_eq!(sent.as_object().unwrap().len(), 6);
}

#[test]
fn list_users_shows_attributes_and_times_in_the_form_of_lists() {
    let (server, client) = serve(small());
    let answer = client.call("ListUsers", json!({}));
    assert_eq!(answer.header("content-type"), "application/x-amz-json-1.1");
    assert_eq!(answer.header("x-amzn-requestid").len(), 36);
    assert!(answer.header("date").ends_with(" GMT"));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(
        text.contains(r#""UserCreateDate":1739528018.102,"UserLastModifiedDate":1739528019,"#),
        "{text}"
    );
    let page = answer.ok();
    assert!(page.get("PaginationToken").is_none());
    let truth: Vec<User> = server.pools()[0].users().collect();
    assert_eq!(page["Users"].as_array().unwrap().len(), truth.len());
    for (sent, user) in page["Users"].as_array().unwrap().iter().zip(&truth) {
        same_user(sent, user);
    }
}

#[test]
fn admin_get_user_calls_the_attributes_otherwise_and_shows_factors() {
    let (_server, client) = serve(small());
    let user = client
        .call("AdminGetUser", json!({"Username": "alice"}))
        .ok();
    assert!(user.get("Attributes").is_none());
    assert_eq!(
        user["UserAttributes"][0],
        json!({"Name": "sub", "Value": "11111111-1111-4111-8111-111111111111"})
    );
    assert_eq!(user["PreferredMfaSetting"], "SOFTWARE_TOKEN_MFA");
    assert_eq!(user["UserMFASettingList"], json!(["SOFTWARE_TOKEN_MFA"]));
    let federated = client
        .call("AdminGetUser", json!({"Username": "Google_123"}))
        .ok();
    assert_eq!(federated["Enabled"], false);
    assert!(federated.get("UserMFASettingList").is_none());
    let missing = client.call("AdminGetUser", json!({"Username": "carol"}));
    assert_eq!(
        missing.error(),
        (
            "UserNotFoundException".to_owned(),
            "User does not exist.".to_owned()
        )
    );
    assert_eq!(missing.header("x-amzn-errortype"), "UserNotFoundException:");
    assert_eq!(
        missing.json(),
        json!({"__type": "UserNotFoundException", "message": "User does not exist."})
    );
}

#[test]
fn a_subject_finds_local_users_only_and_an_address_only_where_it_is_an_alias() {
    let find = |spec: PoolSpec, name: &str| {
        let (_server, client) = serve(spec);
        let answer = client.call("AdminGetUser", json!({"Username": name}));
        (answer.status == 200).then(|| answer.json()["Username"].as_str().unwrap().to_owned())
    };
    let alice = Some("alice".to_owned());
    assert_eq!(find(small(), "11111111-1111-4111-8111-111111111111"), alice);
    assert_eq!(find(small(), "22222222-2222-4222-8222-222222222222"), None);
    assert_eq!(find(small(), "alice@example.com"), None);
    assert_eq!(find(small().alias("email"), "alice@example.com"), alice);
    assert_eq!(find(small().alias("email"), "bob@example.com"), None);
    assert_eq!(find(small(), "ALICE"), None);
    assert_eq!(find(small().case_insensitive(), "ALICE"), alice);
}

#[test]
fn groups_keep_absent_and_zero_apart() {
    let (_server, client) = serve(small());
    let groups = client.call("ListGroups", json!({})).ok()["Groups"].clone();
    assert_eq!(
        groups[0],
        json!({
            "GroupName": "admins", "UserPoolId": POOL, "Description": "All \"rights\"",
            "RoleArn": "arn:aws:iam::123456789012:role/a", "Precedence": 0,
            "LastModifiedDate": 1_739_528_018.102, "CreationDate": 1_739_528_018.102,
        })
    );
    let bare = groups[1].as_object().unwrap();
    assert_eq!(bare["GroupName"], "Team/é:😀+1");
    for absent in ["Description", "RoleArn", "Precedence"] {
        assert!(!bare.contains_key(absent), "{absent}");
    }
    let of_alice = client
        .call("AdminListGroupsForUser", json!({"Username": "alice"}))
        .ok();
    assert_eq!(of_alice["Groups"], groups);
    let members = client
        .call("ListUsersInGroup", json!({"GroupName": "admins"}))
        .ok();
    assert_eq!(
        names(members["Users"].as_array().unwrap(), "Username"),
        ["alice", "Google_123"]
    );
    assert!(members["Users"][0]["Attributes"].is_array());
}

#[test]
fn describe_user_pool_tells_the_schema_and_the_number_of_users() {
    let (server, client) = serve(small().alias("email").case_insensitive());
    let pool = client.call("DescribeUserPool", json!({})).ok()["UserPool"].clone();
    assert_eq!(pool["Id"], POOL);
    assert_eq!(pool["Arn"], server.pools()[0].arn());
    assert_eq!(pool["EstimatedNumberOfUsers"], 2);
    assert_eq!(pool["UsernameConfiguration"]["CaseSensitive"], false);
    assert_eq!(pool["AliasAttributes"], json!(["email"]));
    let schema = names(pool["SchemaAttributes"].as_array().unwrap(), "Name");
    assert!(
        schema.contains(&"nickname".to_owned()) && schema.contains(&"custom:department".to_owned())
    );
}

#[test]
fn what_does_not_exist_is_refused_in_the_words_of_the_service() {
    let (_server, client) = serve(small());
    let (kind, message) = client
        .call("ListUsers", json!({"UserPoolId": "us-east-1_Nothere99"}))
        .error();
    assert_eq!(kind, "ResourceNotFoundException");
    assert_eq!(message, "User pool us-east-1_Nothere99 does not exist.");
    let (kind, message) = client
        .call("ListUsersInGroup", json!({"GroupName": "none"}))
        .error();
    assert_eq!(
        (kind.as_str(), message.as_str()),
        ("ResourceNotFoundException", "Group not found.")
    );
    let unknown = client.call("AdminLinkProviderForUser", json!({}));
    assert_eq!(
        unknown.json()["__type"],
        "com.amazon.coral.service#UnknownOperationException"
    );
}

#[test]
fn malformed_and_invalid_requests_are_told_apart() {
    let (_server, client) = serve(small());
    for broken in [
        "",
        "{",
        "[]",
        "{\"UserPoolId\":7}",
        "{\"UserPoolId\":\"us-east-1_Example01\",\"Limit\":\"x\"}",
    ] {
        let answer = client.send("ListUsers", broken).unwrap();
        assert_eq!(answer.error_type(), "SerializationException", "{broken}");
    }
    let invalid_utf8 = client
        .send(
            "ListUsers",
            &b"{\"UserPoolId\":\"us-east-1_Example01\",\"Filter\":\"\xff\"}"[..],
        )
        .unwrap();
    assert_eq!(invalid_utf8.error_type(), "SerializationException");
    for (operation, input) in [
        ("ListUsers", json!({"UserPoolId": "nonsense"})),
        ("ListUsers", json!({"Limit": 61})),
        ("ListUsers", json!({"Limit": -1})),
        ("ListUsers", json!({"Filter": "custom:department = \"x\""})),
        ("ListUsers", json!({"Filter": "everybody"})),
        ("ListUsers", json!({"PaginationToken": "garbage"})),
        ("ListGroups", json!({"NextToken": "garbage"})),
        ("AdminGetUser", json!({})),
        ("AdminGetUser", json!({"Username": "two words"})),
        ("ListUsersInGroup", json!({"GroupName": "x".repeat(129)})),
    ] {
        let answer = client.call(operation, input.clone());
        assert_eq!(
            answer.error_type(),
            "InvalidParameterException",
            "{operation} {input}"
        );
    }
}

#[test]
fn filters_find_who_they_name() {
    let (server, client) = serve(PoolSpec::generated(
        POOL,
        Generated {
            users: 700,
            ..Generated::default()
        },
    ));
    let truth: Vec<User> = server.pools()[0].users().collect();
    let found = |filter: String| {
        names(
            &client.pages("ListUsers", &json!({"Filter": filter})).0,
            "Username",
        )
    };
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    for user in truth.iter().step_by(37) {
        assert_eq!(
            found(format!("sub = \"{}\"", user.sub())),
            [user.username.as_str()]
        );
        assert_eq!(
            found(format!("username=\"{}\"", quoted(&user.username))),
            [user.username.as_str()]
        );
    }
    for prefix in ["0", "a", "f3", "b1c2"] {
        let expected: Vec<&str> = truth
            .iter()
            .filter(|user| user.sub().starts_with(prefix))
            .map(|user| user.username.as_str())
            .collect();
        assert_eq!(found(format!("sub ^= \"{prefix}\"")), expected, "{prefix}");
    }
    let disabled: Vec<&str> = truth
        .iter()
        .filter(|user| !user.enabled)
        .map(|user| user.username.as_str())
        .collect();
    assert!(!disabled.is_empty());
    assert_eq!(found("status = \"Disabled\"".to_owned()), disabled);
    let external = truth
        .iter()
        .filter(|user| user.status == "EXTERNAL_PROVIDER")
        .count();
    assert_eq!(
        found("cognito:user_status = \"external_provider\"".to_owned()).len(),
        external
    );
    assert!(found("email = \"nobody@example.com\"".to_owned()).is_empty());
}

#[test]
fn a_scanning_filter_sends_empty_pages_and_still_finds_everybody() {
    let (server, client) = serve(PoolSpec::generated(
        POOL,
        Generated {
            users: 20_000,
            ..Generated::default()
        },
    ));
    let wanted = server.pools()[0].users().nth(19_990).unwrap();
    let filter = format!("name = \"{}\"", wanted.value("name").unwrap_or("さくら"));
    let (found, sizes) = client.pages("ListUsers", &json!({"Filter": filter}));
    let expected = server.pools()[0]
        .users()
        .filter(|user| user.value("name") == wanted.value("name").or(Some("さくら")))
        .count();
    assert_eq!(found.len(), expected);
    assert!(sizes.len() > 1, "the scan stops at a budget: {sizes:?}");
}

#[test]
fn attributes_to_get_trims_and_fails_where_a_value_is_missing() {
    let (_server, client) = serve(small());
    let page = client
        .call("ListUsers", json!({"AttributesToGet": ["email"]}))
        .ok();
    assert_eq!(
        page["Users"][0]["Attributes"],
        json!([{"Name": "email", "Value": "alice@example.com"}])
    );
    let answer = client.call(
        "ListUsers",
        json!({"AttributesToGet": ["custom:department"]}),
    );
    assert_eq!(answer.error_type(), "InvalidParameterException");
}

#[test]
fn the_demo_pool_is_the_same_every_time_and_speaks_many_scripts() {
    let (first, client) = serve(sample_pool(POOL));
    let (second, _) = serve(sample_pool(POOL));
    let (one, two) = (&first.pools()[0], &second.pools()[0]);
    let users: Vec<User> = one.users().collect();
    assert_eq!(users.len(), 3_200);
    assert!(two.users().eq(users.iter().cloned()));
    assert_eq!(one.groups(), two.groups());
    assert_eq!(one.groups().len(), 40);
    for script in ["佐藤", "حداد", "Müller", "शर्मा", "כהן"] {
        assert!(
            users
                .iter()
                .any(|user| user.value("family_name") == Some(script)),
            "{script}"
        );
    }
    assert_eq!(one.members("break-glass").count(), 0);
    assert!(one.members("all-staff").count() > 2_500);
    let shown = names(&client.pages("ListUsers", &json!({})).0, "Username");
    assert_eq!(
        shown,
        users
            .iter()
            .map(|user| user.username.clone())
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_generated_pool_says_the_same_over_http_and_in_both_directions() {
    let generated = Generated {
        users: 900,
        groups: 25,
        sizes: GroupSizes::Mixed,
        seed: 3,
    };
    let (server, client) = serve(PoolSpec::generated(POOL, generated));
    let pool = &server.pools()[0];
    let users: Vec<User> = pool.users().collect();
    for (sent, user) in client.pages("ListUsers", &json!({})).0.iter().zip(&users) {
        same_user(sent, user);
    }
    let mut pairs = Vec::new();
    for group in names(&client.pages("ListGroups", &json!({})).0, "GroupName") {
        let (members, _) = client.pages("ListUsersInGroup", &json!({"GroupName": group}));
        let members = names(&members, "Username");
        assert_eq!(members, pool.members(&group).collect::<Vec<_>>());
        pairs.extend(members.into_iter().map(|user| (user, group.clone())));
    }
    let mut reverse = Vec::new();
    for user in &users {
        let (groups, _) = client.pages(
            "AdminListGroupsForUser",
            &json!({"Username": user.username}),
        );
        let groups = names(&groups, "GroupName");
        assert_eq!(groups, pool.groups_of(&user.username));
        reverse.extend(
            groups
                .into_iter()
                .map(|group| (user.username.clone(), group)),
        );
    }
    pairs.sort();
    reverse.sort();
    assert!(pairs.len() > 900);
    assert_eq!(pairs, reverse);
}
