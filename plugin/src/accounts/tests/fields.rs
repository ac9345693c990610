//! What is sent for which fields, and what is refused beforehand.

use super::*;

#[test]
fn an_account_is_sent_as_it_was_given_and_without_an_invitation() {
    let (session, fake) = open([plain(), created_as("alice")]);
    let fields = [
        text("custom:department", " R&D \"x\" "),
        text("email", "alice@example.com"),
        text("username", "alice"),
        text("family_name", "Doe"),
        Attribute {
            name: "custom:level".to_owned(),
            value: AttributeValue::Integer(5),
        },
        boolean("custom:external", true),
        Attribute {
            name: "custom:since".to_owned(),
            value: AttributeValue::Instant("2025-02-14T10:40:18.102Z".to_owned()),
        },
        text("nickname", ""),
    ];
    let account = create(&session, &fields).unwrap();
    assert_eq!(outcome(&account), ("alice", true));
    assert_eq!(account.warnings, [""; 0]);
    assert_eq!(fake.operations(), ["DescribeUserPool", "AdminCreateUser"]);
    let expected = concat!(
        r#"{"UserPoolId":"us-east-1_AbCd12345","Username":"alice","UserAttributes":["#,
        r#"{"Name":"custom:department","Value":" R&D \"x\" "},"#,
        r#"{"Name":"email","Value":"alice@example.com"},"#,
        r#"{"Name":"family_name","Value":"Doe"},"#,
        r#"{"Name":"custom:level","Value":"5"},"#,
        r#"{"Name":"custom:external","Value":"true"},"#,
        r#"{"Name":"custom:since","Value":"2025-02-14T10:40:18.102Z"},"#,
        r#"{"Name":"nickname","Value":""}],"MessageAction":"SUPPRESS"}"#,
    );
    assert_eq!(fake.body(1), expected);
}

#[test]
fn an_invitation_goes_out_only_where_it_was_asked_for_and_by_e_mail() {
    for (field, invited) in [
        (None, false),
        (Some(boolean("sendInviteEmail", false)), false),
        (Some(text("sendInviteEmail", "False")), false),
        (Some(boolean("sendInviteEmail", true)), true),
        (Some(text("sendInviteEmail", "true")), true),
        (Some(text("sendInviteEmail", "TRUE")), true),
    ] {
        let (session, fake) = open([plain(), created_as("alice@example.com")]);
        let fields: Vec<Attribute> = email_only().into_iter().chain(field).collect();
        create(&session, &fields).unwrap();
        let mut expected = json!({
            "Username": "alice@example.com",
            "UserAttributes": [{"Name": "email", "Value": "alice@example.com"}],
        });
        match invited {
            true => expected["DesiredDeliveryMediums"] = json!(["EMAIL"]),
            false => expected["MessageAction"] = json!("SUPPRESS"),
        }
        assert_eq!(fake.sent()[1], request("AdminCreateUser", expected));
    }
}

#[test]
fn two_hundred_creations_invite_exactly_those_who_were_to_be_invited() {
    let mut random = fastrand::Rng::with_seed(7);
    for number in 0..200 {
        let invited = random.u8(0..4) == 0;
        let mut fields = vec![text("email", &format!("user{number}@example.com"))];
        match (invited, random.u8(0..3)) {
            (true, 0) => fields.insert(0, boolean("sendInviteEmail", true)),
            (true, _) => fields.push(text("sendInviteEmail", "True")),
            (false, 0) => fields.push(boolean("sendInviteEmail", false)),
            (false, 1) => fields.push(text("sendInviteEmail", "FALSE")),
            (false, _) => {}
        }
        let answers = match random.u8(0..3) {
            0 => vec![
                plain(),
                refused(400, "TooManyRequestsException"),
                created_as("u"),
            ],
            1 => vec![
                plain(),
                lost(SendErrorKind::Timeout),
                refused(400, "UserNotFoundException"),
            ],
            _ => vec![plain(), created_as("u")],
        };
        let (session, fake) = open(answers);
        let _either_way = create(&session, &fields);
        let mut creations = 0;
        for (operation, body) in fake.sent() {
            if operation == "AdminCreateUser" {
                creations += 1;
                assert_eq!(body["MessageAction"] == "SUPPRESS", !invited, "{body}");
                assert_eq!(body["DesiredDeliveryMediums"] == json!(["EMAIL"]), invited);
            }
        }
        assert!(creations > 0);
    }
}

#[test]
fn no_request_ever_holds_a_password_a_forced_alias_or_data_for_triggers() {
    let fields = [
        text("username", "alice"),
        text("email", "alice@example.com"),
        text("password", "p"),
        boolean("sendInviteEmail", true),
    ];
    let (session, fake) = open([plain(), created_as("alice"), done(), done(), done()]);
    create(&session, &fields).unwrap();
    session
        .delete_account(&Kind::User.resource("alice"))
        .unwrap();
    for action in ["enable_user", "disable_user"] {
        session.invoke(action, &[text("user_id", "alice")]).unwrap();
    }
    const ALLOWED: &[&str] = &[
        "UserPoolId",
        "Username",
        "UserAttributes",
        "DesiredDeliveryMediums",
    ];
    for (operation, body) in fake.sent() {
        for member in body.as_object().unwrap().keys() {
            assert!(ALLOWED.contains(&member.as_str()), "{operation}: {member}");
        }
    }
    assert_eq!(fake.requests(), 5);
}

#[test]
fn fields_that_make_no_sense_are_refused_before_anything_is_sent() {
    let (session, fake) = open([]);
    let list = Attribute {
        name: "custom:x".to_owned(),
        value: AttributeValue::TextList(vec!["hunter2".to_owned()]),
    };
    let number = Attribute {
        name: "email".to_owned(),
        value: AttributeValue::Integer(5),
    };
    for (fields, problem) in [
        (vec![], "needs an e-mail address or a username"),
        (vec![text("given_name", "hunter2")], "(--username)"),
        (vec![text("email", "")], "field 'email' is empty"),
        (vec![text("username", "")], "the username is empty"),
        (vec![text("username", "hunter2 x")], "contains a space"),
        (vec![text("username", "hunter2\u{7}")], "control character"),
        (vec![text("username", &"x".repeat(129))], "longer than 128"),
        (
            vec![text("email", "hunter2"), text("email", "b")],
            "'email' is given twice",
        ),
        (
            vec![
                text("username", "u"),
                text("custom:x", "hunter2"),
                text("custom:x", "b"),
            ],
            "'custom:x' is given twice",
        ),
        (
            vec![text("username", "u"), text("", "hunter2")],
            "empty name",
        ),
        (vec![text("username", "u"), list], "'custom:x' is a list"),
        (vec![number], "'email' is not a text"),
        (vec![boolean("username", true)], "'username' is not a text"),
        (
            vec![text("username", "u"), text("sendInviteEmail", "hunter2")],
            "'sendInviteEmail' is neither true nor false",
        ),
        (
            vec![text("username", "u"), text("sendInviteEmail", "1")],
            "'sendInviteEmail' is neither true nor false",
        ),
    ] {
        let message = invalid(create(&session, &fields));
        assert!(message.contains(problem), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
        let checked = invalid(session.check_account("user", &fields));
        assert_eq!(checked, message);
    }
    assert!(invalid(session.create_account("group", &alice())).contains("only a user"));
    assert!(invalid(session.create_account("role", &alice())).contains("'role'"));
    assert!(invalid(session.check_account("group", &alice())).contains("only a user"));
    assert!(invalid(session.delete_account(&Kind::Group.resource("g"))).contains("only a user"));
    assert!(invalid(session.delete_account(&Kind::User.resource(""))).contains("empty"));
    assert_eq!(fake.requests(), 0);
}

#[test]
fn a_username_of_128_characters_of_any_script_is_taken() {
    let longest = "é".repeat(128);
    let (session, _) = open([plain(), created_as(&longest)]);
    let account = create(&session, &[text("username", &longest)]).unwrap();
    assert_eq!(outcome(&account), (longest.as_str(), true));
}

#[test]
fn a_pool_with_addresses_as_aliases_wants_a_username() {
    let pool = json!({"AliasAttributes": ["phone_number", "email"]});
    let (session, fake) = open([described(pool), created_as("alice")]);
    let message = invalid(create(&session, &email_only()));
    assert!(message.contains("--username"), "{message}");
    assert!(!message.contains("alice"), "{message}");
    assert_eq!(fake.operations(), ["DescribeUserPool"]);
    create(&session, &alice()).unwrap();
    assert_eq!(fake.sent()[1].1["Username"], "alice");
}

#[test]
fn a_pool_of_phone_numbers_wants_one_as_username() {
    let pool = || described(json!({"UsernameAttributes": ["phone_number"]}));
    let (session, fake) = open([pool()]);
    let message = invalid(create(&session, &email_only()));
    assert!(message.contains("phone number"), "{message}");
    assert!(message.contains("--username"), "{message}");
    assert_eq!(fake.requests(), 1);
    let (session, _) = open([pool(), created_as("11111111-1111-4111-8111-111111111111")]);
    create(&session, &[text("username", "+15555550100")]).unwrap();
    let both = described(json!({"UsernameAttributes": ["phone_number", "email"]}));
    let (session, fake) = open([both, created_as("u")]);
    create(&session, &email_only()).unwrap();
    assert_eq!(fake.sent()[1].1["Username"], "alice@example.com");
}

#[test]
fn an_address_that_is_no_username_is_explained() {
    let (session, _) = open([plain()]);
    let message = invalid(create(&session, &[text("email", "hunter2 @example.com")]));
    assert!(
        message.contains("e-mail address can't be the username"),
        "{message}"
    );
    assert!(message.contains("--username"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn an_invitation_needs_an_address() {
    let invited = |name: &str| [text("username", name), boolean("sendInviteEmail", true)];
    let (session, fake) = open([plain()]);
    let message = invalid(create(&session, &invited("alice")));
    assert!(message.contains("--email"), "{message}");
    assert_eq!(fake.requests(), 1);
    // Here the username is the address.
    let pool = described(json!({"UsernameAttributes": ["email"]}));
    let (session, _) = open([pool, created_as("u")]);
    create(&session, &invited("alice@example.com")).unwrap();
}

#[test]
fn a_required_attribute_that_is_missing_is_a_warning_and_sent_all_the_same() {
    let required = |names: &[&str], used: &[&str]| {
        let schema: Vec<Value> = names
            .iter()
            .map(|name| json!({"Name": name, "Required": true}))
            .collect();
        described(json!({"SchemaAttributes": schema, "UsernameAttributes": used}))
    };
    let all = ["sub", "email", "phone_number", "name"];
    for (used, username, missing) in [
        (&[][..], "alice", vec!["email", "phone_number", "name"]),
        (
            &["email"],
            "alice@example.com",
            vec!["phone_number", "name"],
        ),
        (&["phone_number"], "+15555550100", vec!["email", "name"]),
        (
            &["phone_number"],
            "alice@example.com",
            vec!["email", "phone_number", "name"],
        ),
        (
            &[],
            "alice@example.com",
            vec!["email", "phone_number", "name"],
        ),
    ] {
        let fields = [text("username", username)];
        let (session, fake) = open([required(&all, used), created_as("u")]);
        let account = create(&session, &fields).unwrap();
        let expected: Vec<String> = missing
            .iter()
            .map(|name| {
                format!("user pool '{POOL}' requires the attribute '{name}', which was not given")
            })
            .collect();
        assert_eq!(account.warnings, expected, "{used:?} {username}");
        assert_eq!(fake.requests(), 2);
    }
    let given = [
        text("email", "a@example.com"),
        text("name", "A"),
        text("phone_number", ""),
    ];
    let (session, _) = open([required(&all, &[]), created_as("u")]);
    assert_eq!(create(&session, &given).unwrap().warnings, [""; 0]);
}

#[test]
fn a_value_that_the_schema_forbids_is_not_sent() {
    let pool = json!({"SchemaAttributes": [
        {"Name": "custom:level", "AttributeDataType": "Number",
         "NumberAttributeConstraints": {"MaxValue": "9"}},
    ]});
    let (session, fake) = open([described(pool)]);
    let mut fields = alice();
    fields.push(text("custom:level", "10"));
    assert!(invalid(create(&session, &fields)).contains("'custom:level'"));
    assert!(invalid(session.check_account("user", &fields)).contains("'custom:level'"));
    fields.push(text("custom:lvl", "10"));
    fields.remove(2);
    assert!(invalid(create(&session, &fields)).contains("custom attributes are custom:level"));
    assert_eq!(
        fake.operations(),
        ["DescribeUserPool"],
        "described once for all of it"
    );
}

#[test]
fn without_the_right_to_describe_the_pool_nothing_is_created() {
    for check in [true, false] {
        let (session, fake) = open([refused(400, "AccessDeniedException")]);
        let error = match check {
            true => session.check_account("user", &alice()).unwrap_err(),
            false => create(&session, &alice()).unwrap_err(),
        };
        assert_eq!(error.code, "permission-denied");
        assert!(error.message.contains("cognito-idp:DescribeUserPool"));
        assert_eq!(fake.requests(), 1);
    }
}

#[test]
fn names_and_values_of_any_script_arrive_as_they_are() {
    for pair in names(400).chunks(2) {
        let [name, value] = pair else { continue };
        // A value may also hold what a name may not.
        let value = format!(" {value}\n\t\u{200d}\u{1}");
        let (session, fake) = open([plain(), created_as(name)]);
        let fields = [text("username", name), text("custom:note", &value)];
        let account = create(&session, &fields).unwrap();
        assert_eq!(outcome(&account), (name.as_str(), true));
        let expected = format!(
            r#"{{"UserPoolId":"us-east-1_AbCd12345","Username":{},"UserAttributes":[{{"Name":"custom:note","Value":{}}}],"MessageAction":"SUPPRESS"}}"#,
            json!(name),
            json!(value)
        );
        assert_eq!(fake.body(1), expected);
        let (session, fake) = open([done()]);
        session.delete_account(&Kind::User.resource(name)).unwrap();
        assert_eq!(fake.sent()[0].1["Username"], json!(name));
    }
}
