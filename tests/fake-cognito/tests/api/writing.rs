//! The operations that change a pool.

use fake_cognito::{Generated, Group, GroupSizes, Invitation, PoolSpec, User};
use serde_json::{Value, json};

use crate::client::{POOL, names, serve};

fn small() -> PoolSpec {
    PoolSpec::literal(POOL)
        .user(User::new("alice").email("alice@example.com"))
        .user(User::new("bob").status("FORCE_CHANGE_PASSWORD"))
        .group(Group::new("admins"))
        .group(Group::new("staff"))
        .member("bob", "staff")
}

#[test]
fn void_operations_answer_with_an_empty_body_and_switches_with_an_object() {
    let (_server, client) = serve(small());
    let pair = json!({"Username": "alice", "GroupName": "admins"});
    for (operation, body) in [
        ("AdminAddUserToGroup", ""),
        ("AdminRemoveUserFromGroup", ""),
        ("AdminDisableUser", "{}"),
        ("AdminEnableUser", "{}"),
        ("AdminDeleteUser", ""),
    ] {
        let answer = client.call(operation, pair.clone());
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, body, "{operation}");
    }
}

#[test]
fn memberships_can_be_made_and_ended_again_and_again() {
    for spec in [
        small(),
        PoolSpec::generated(
            POOL,
            Generated {
                users: 300,
                groups: 2,
                sizes: GroupSizes::Uniform(100),
                seed: 4,
            },
        ),
    ] {
        let (server, client) = serve(spec);
        let pool = &server.pools()[0];
        let group = pool.groups()[1].name.clone();
        let before: Vec<String> = pool.members(&group).collect();
        let outsider = pool
            .users()
            .map(|user| user.username)
            .find(|name| !before.contains(name))
            .unwrap();
        let call = |operation: &str, user: &str| {
            let answer = client.call(operation, json!({"Username": user, "GroupName": group}));
            assert_eq!(answer.status, 200);
        };
        let listed = || {
            names(
                &client
                    .pages("ListUsersInGroup", &json!({"GroupName": group}))
                    .0,
                "Username",
            )
        };
        for _ in 0..2 {
            call("AdminAddUserToGroup", &outsider);
            assert_eq!(
                listed(),
                [&before[..], std::slice::from_ref(&outsider)].concat()
            );
            assert!(pool.groups_of(&outsider).contains(&group));
        }
        for _ in 0..2 {
            call("AdminRemoveUserFromGroup", &outsider);
            call("AdminRemoveUserFromGroup", &before[0]);
            assert_eq!(listed(), before[1..]);
            assert!(!pool.groups_of(&before[0]).contains(&group));
        }
        call("AdminAddUserToGroup", &before[0]);
        assert_eq!(listed(), before);
    }
}

#[test]
fn missing_users_and_groups_are_told_apart() {
    let (_server, client) = serve(small());
    for operation in ["AdminAddUserToGroup", "AdminRemoveUserFromGroup"] {
        let error = |user: &str, group: &str| {
            client
                .call(operation, json!({"Username": user, "GroupName": group}))
                .error_type()
        };
        assert_eq!(error("nobody", "admins"), "UserNotFoundException");
        assert_eq!(error("alice", "nothing"), "ResourceNotFoundException");
    }
    for operation in ["AdminDeleteUser", "AdminEnableUser", "AdminDisableUser"] {
        let answer = client.call(operation, json!({"Username": "nobody"}));
        assert_eq!(answer.error_type(), "UserNotFoundException");
    }
}

#[test]
fn a_user_is_limited_to_a_hundred_groups() {
    let spec = (0..101).fold(small(), |spec, n| spec.group(Group::new(format!("g{n}"))));
    let (_server, client) = serve(spec);
    let add = |n: usize| {
        client.call(
            "AdminAddUserToGroup",
            json!({"Username": "alice", "GroupName": format!("g{n}")}),
        )
    };
    assert!((0..100).all(|n| add(n).status == 200));
    assert_eq!(add(100).error_type(), "LimitExceededException");
    assert_eq!(
        add(99).status,
        200,
        "a membership that exists is no new one"
    );
    assert_eq!(
        client
            .pages("AdminListGroupsForUser", &json!({"Username": "alice"}))
            .1,
        [60, 40]
    );
}

#[test]
fn disabling_shows_in_lists_and_changes_the_date() {
    let (_server, client) = serve(small());
    client
        .call("AdminDisableUser", json!({"Username": "alice"}))
        .ok();
    let user = client.call("ListUsers", json!({})).ok()["Users"][0].clone();
    assert_eq!(user["Enabled"], false);
    assert!(user["UserLastModifiedDate"].as_f64() > user["UserCreateDate"].as_f64());
    client
        .call("AdminEnableUser", json!({"Username": "alice"}))
        .ok();
    assert_eq!(
        client
            .call("AdminGetUser", json!({"Username": "alice"}))
            .ok()["Enabled"],
        true
    );
}

#[test]
fn a_deleted_user_is_gone_everywhere_and_its_name_is_free_with_another_subject() {
    let (server, client) = serve(small());
    let old = server.pools()[0].user("bob").unwrap().sub().to_owned();
    assert_eq!(
        client
            .call("AdminDeleteUser", json!({"Username": "bob"}))
            .status,
        200
    );
    assert_eq!(
        client
            .call("AdminDeleteUser", json!({"Username": "bob"}))
            .error_type(),
        "UserNotFoundException"
    );
    assert_eq!(
        client
            .call("ListUsersInGroup", json!({"GroupName": "staff"}))
            .ok(),
        json!({"Users": []})
    );
    let created = client
        .call(
            "AdminCreateUser",
            json!({"Username": "bob", "MessageAction": "SUPPRESS"}),
        )
        .ok();
    let sub = created["User"]["Attributes"][0]["Value"].as_str().unwrap();
    assert_ne!(sub, old);
    assert!(server.pools()[0].groups_of("bob").is_empty());
    assert_eq!(server.pools()[0].user_count(), 2);
    let found = client
        .call("ListUsers", json!({"Filter": format!("sub = \"{sub}\"")}))
        .ok();
    assert_eq!(found["Users"][0]["Username"], "bob");
}

fn create(spec: PoolSpec, input: Value) -> Result<Value, (String, String)> {
    let (_server, client) = serve(spec);
    let answer = client.call("AdminCreateUser", input);
    if answer.status == 200 {
        Ok(answer.json()["User"].clone())
    } else {
        Err(answer.error())
    }
}

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs
        .iter()
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect()
}

#[test]
fn a_created_user_has_to_change_its_password() {
    let input = json!({
        "Username": "carol", "MessageAction": "SUPPRESS", "TemporaryPassword": "Abcdef1!",
        "UserAttributes": attributes(&[("email", "c@example.com"), ("email_verified", "true"), ("custom:notes", "n")]),
    });
    let user = create(small(), input).unwrap();
    assert_eq!(user["Username"], "carol");
    assert_eq!(user["Enabled"], true);
    assert_eq!(user["UserStatus"], "FORCE_CHANGE_PASSWORD");
    assert_eq!(
        names(user["Attributes"].as_array().unwrap(), "Name"),
        ["sub", "email", "email_verified", "custom:notes"]
    );
}

#[test]
fn creation_is_refused_for_what_is_taken_unknown_or_malformed() {
    let refused = |spec: PoolSpec, input: Value| create(spec, input).unwrap_err().0;
    let named = |name: &str, pairs: &[(&str, &str)]| json!({"Username": name, "UserAttributes": attributes(pairs)});
    assert_eq!(
        create(small(), named("alice", &[])).unwrap_err(),
        (
            "UsernameExistsException".to_owned(),
            "User account already exists".to_owned()
        )
    );
    assert_eq!(
        refused(small().case_insensitive(), named("ALICE", &[])),
        "UsernameExistsException"
    );
    assert!(create(small(), named("ALICE", &[])).is_ok());
    let verified = [("email", "alice@example.com"), ("email_verified", "True")];
    assert_eq!(
        refused(small().alias("email"), named("dave", &verified)),
        "AliasExistsException"
    );
    assert!(
        create(small().alias("email"), named("dave", &verified[..1])).is_ok(),
        "unverified is no alias"
    );
    assert!(
        create(small(), named("dave", &verified)).is_ok(),
        "no alias in this pool"
    );
    let long = "x".repeat(2049);
    for (n, input) in [
        named("dave", &[("custom:unknown", "x")]),
        named("dave", &[("sub", "x")]),
        named("dave", &[("email", "no address")]),
        named("dave", &[("phone_number", "030 1234")]),
        named("dave", &[("email_verified", "yes")]),
        named("dave", &[("name", &long)]),
        named("two words", &[]),
        json!({"Username": "dave", "MessageAction": "LOUD"}),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(
            refused(small(), input),
            "InvalidParameterException",
            "input {n}"
        );
    }
    for password in [
        "short1!",
        "nouppercase1!",
        "NOLOWERCASE1!",
        "NoNumbers!",
        "NoSymbols1",
    ] {
        let (kind, message) = create(
            small(),
            json!({"Username": "dave", "TemporaryPassword": password}),
        )
        .unwrap_err();
        assert_eq!(kind, "InvalidPasswordException");
        assert!(!message.contains(password));
    }
}

#[test]
fn a_pool_that_signs_in_with_addresses_makes_its_own_usernames() {
    let pool = || PoolSpec::literal(POOL).username_attribute("email");
    let (_server, client) = serve(pool());
    let input = json!({"Username": "carol@example.com", "MessageAction": "SUPPRESS"});
    let user = client.call("AdminCreateUser", input.clone()).ok()["User"].clone();
    let name = user["Username"].as_str().unwrap();
    assert_eq!(user["Attributes"][0], json!({"Name": "sub", "Value": name}));
    assert_eq!(
        user["Attributes"][1],
        json!({"Name": "email", "Value": "carol@example.com"})
    );
    assert_eq!(
        client.call("AdminCreateUser", input).error_type(),
        "UsernameExistsException"
    );
    assert_eq!(
        create(pool(), json!({"Username": "carol"})).unwrap_err().0,
        "InvalidParameterException"
    );
}

#[test]
fn only_suppressed_creations_send_no_invitation() {
    let (server, client) = serve(small());
    let invited = |input: Value| {
        client.call("AdminCreateUser", input).ok();
        server.pools()[0].invitations()
    };
    assert!(invited(json!({"Username": "quiet", "MessageAction": "SUPPRESS"})).is_empty());
    let note = |username: &str, medium: &str, resent| Invitation {
        username: username.to_owned(),
        medium: medium.to_owned(),
        resent,
    };
    assert_eq!(
        invited(json!({"Username": "loud"})),
        [note("loud", "SMS", false)]
    );
    invited(json!({"Username": "mail", "DesiredDeliveryMediums": ["EMAIL"]}));
    let all = invited(
        json!({"Username": "bob", "MessageAction": "RESEND", "DesiredDeliveryMediums": ["EMAIL"]}),
    );
    assert_eq!(
        all[1..],
        [note("mail", "EMAIL", false), note("bob", "EMAIL", true)]
    );
    let resend = |name: &str| {
        client
            .call(
                "AdminCreateUser",
                json!({"Username": name, "MessageAction": "RESEND"}),
            )
            .error_type()
    };
    assert_eq!(resend("alice"), "UnsupportedUserStateException");
    assert_eq!(resend("nobody"), "UserNotFoundException");
}

#[test]
fn a_group_can_vanish_and_come_back_empty() {
    let (server, client) = serve(small());
    let pool = &server.pools()[0];
    assert!(pool.remove_group("staff"));
    assert_eq!(
        client
            .call("ListUsersInGroup", json!({"GroupName": "staff"}))
            .error_type(),
        "ResourceNotFoundException"
    );
    assert!(pool.groups_of("bob").is_empty());
    assert!(pool.add_group(Group::new("staff").dated(1, 2)));
    assert!(!pool.add_group(Group::new("staff")));
    assert_eq!(pool.members("staff").count(), 0);
    assert_eq!(
        names(&client.pages("ListGroups", &json!({})).0, "GroupName"),
        ["admins", "staff"]
    );
}

#[test]
fn members_can_come_and_go_behind_the_clients_backs() {
    let (server, client) = serve(small());
    let pool = &server.pools()[0];
    let members = || {
        names(
            &client
                .pages("ListUsersInGroup", &json!({"GroupName": "staff"}))
                .0,
            "Username",
        )
    };
    let before = members();
    assert!(before.contains(&"bob".to_owned()));
    assert!(pool.remove_member("bob", "staff"));
    assert!(!pool.remove_member("bob", "staff"), "twice");
    assert!(!members().contains(&"bob".to_owned()));
    assert!(pool.add_member("bob", "staff"));
    assert!(!pool.add_member("bob", "staff"), "twice");
    assert_eq!(members(), before);
    for (user, group) in [("nobody", "staff"), ("bob", "nothing")] {
        assert!(!pool.add_member(user, group) && !pool.remove_member(user, group));
    }
}

#[test]
fn what_a_pool_demands_of_an_attribute_is_described_and_held() {
    let pool = small()
        .required_attribute("given_name")
        .length("custom:department", 2, 4)
        .number("custom:employee_id", 10, 20)
        .tier("PLUS");
    let (server, client) = serve(pool);
    let described = client.call("DescribeUserPool", json!({})).ok()["UserPool"].clone();
    assert_eq!(described["UserPoolTier"], "PLUS");
    let schema = described["SchemaAttributes"].as_array().unwrap().clone();
    let attribute = |name: &str| schema.iter().find(|one| one["Name"] == name).unwrap();
    assert_eq!(attribute("given_name")["Required"], true);
    assert_eq!(attribute("family_name")["Required"], false);
    assert_eq!(
        attribute("custom:department")["StringAttributeConstraints"],
        json!({"MinLength": "2", "MaxLength": "4"})
    );
    let number = attribute("custom:employee_id");
    assert_eq!(number["AttributeDataType"], "Number");
    assert_eq!(
        number["NumberAttributeConstraints"],
        json!({"MinValue": "10", "MaxValue": "20"})
    );

    let create = |name: &str, value: &str| {
        client.call(
            "AdminCreateUser",
            json!({
                "Username": "carol",
                "MessageAction": "SUPPRESS",
                "UserAttributes": [{"Name": name, "Value": value}],
            }),
        )
    };
    for (name, value) in [
        ("custom:department", "é"),
        ("custom:department", "ééééé"),
        ("custom:employee_id", "9"),
        ("custom:employee_id", "21"),
        ("custom:employee_id", "ten"),
    ] {
        let (kind, message) = create(name, value).error();
        assert_eq!(kind, "InvalidParameterException");
        assert!(
            message.contains(name) && !message.contains(value),
            "{message}"
        );
    }
    assert_eq!(server.pools()[0].user_count(), 2);
    create("custom:department", "éééé").ok();
    assert_eq!(server.pools()[0].user_count(), 3);
}
