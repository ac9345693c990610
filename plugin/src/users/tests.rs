use super::*;
use crate::testing::read;
use serde_json::{Value, json};

const UUID: &str = "1c7d5a5e-3f0b-4f7e-9a55-0d2f4b6a8c90";

fn mapped(user: Value) -> Resource {
    mapped_with(user, None)
}

fn mapped_with(user: Value, last_login_attribute: Option<&str>) -> Resource {
    let user = read(&user);
    resource(user, last_login_attribute)
}

fn named(username: &str, attributes: &[(&str, &str)]) -> Value {
    let attributes: Vec<Value> = attributes
        .iter()
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect();
    json!({"Username": username, "Attributes": attributes})
}

fn account(resource: Resource) -> Account {
    resource.account.unwrap()
}

fn text(name: &str, value: &str) -> Named {
    Named {
        name: name.to_owned(),
        value: AttributeValue::Text(value.to_owned()),
    }
}

#[test]
fn a_full_user_is_mapped_completely() {
    let mut user = named(
        "alice",
        &[
            ("sub", UUID),
            ("name", "Alice Doe"),
            ("email", "alice@example.com"),
            ("email_verified", "true"),
        ],
    );
    user["Enabled"] = json!(true);
    user["UserStatus"] = json!("CONFIRMED");
    user["UserCreateDate"] = json!(1739529618.102);
    user["UserLastModifiedDate"] = json!(1739529619);
    assert_eq!(
        mapped(user),
        Resource {
            id: Kind::User.resource("alice"),
            parent: None,
            display_name: "Alice Doe".to_owned(),
            description: None,
            created_at: Some("2025-02-14T10:40:18.102Z".to_owned()),
            updated_at: Some("2025-02-14T10:40:19.000Z".to_owned()),
            account: Some(Account {
                status: Some(AccountStatus::Enabled),
                status_details: Some("CONFIRMED".to_owned()),
                login: Some("alice".to_owned()),
                emails: vec![Email {
                    address: "alice@example.com".to_owned(),
                    primary: true,
                    verified: Some(true),
                }],
                last_login: None,
            }),
            attributes: vec![
                text("sub", UUID),
                text("name", "Alice Doe"),
                text("email", "alice@example.com"),
                text("email_verified", "true"),
            ],
        }
    );
}

#[test]
fn what_was_not_sent_is_absent() {
    let bare = mapped(json!({"Username": "bob"}));
    assert_eq!(bare.display_name, "bob");
    assert_eq!(
        (bare.created_at.clone(), bare.updated_at.clone()),
        (None, None)
    );
    assert_eq!(bare.attributes, []);
    let account = account(bare);
    assert_eq!(account.status, None, "missing is not disabled");
    assert_eq!(account.status_details, None);
    assert_eq!(account.emails, []);
    assert_eq!(account.last_login, None);
}

#[test]
fn a_single_look_up_maps_like_a_list() {
    let mut single = named("alice", &[("name", "Alice")]);
    let list = mapped(single.clone());
    let attributes = single
        .as_object_mut()
        .unwrap()
        .remove("Attributes")
        .unwrap();
    single["UserAttributes"] = attributes;
    single["UserMFASettingList"] = json!(["SOFTWARE_TOKEN_MFA"]);
    assert_eq!(mapped(single), list);
}

#[test]
fn the_switch_and_the_status_are_independent() {
    for (enabled, status) in [
        (true, AccountStatus::Enabled),
        (false, AccountStatus::Disabled),
    ] {
        for words in [
            "UNCONFIRMED",
            "ARCHIVED",
            "EXTERNAL_PROVIDER",
            "INVENTED_YESTERDAY",
        ] {
            let account = account(mapped(
                json!({"Username": "u", "Enabled": enabled, "UserStatus": words}),
            ));
            assert_eq!(account.status, Some(status));
            assert_eq!(account.status_details.as_deref(), Some(words));
        }
    }
}

#[test]
fn the_display_name_is_the_best_that_can_be_read() {
    for (attributes, name) in [
        (
            &[("name", "N"), ("given_name", "G"), ("email", "e@x")][..],
            "N",
        ),
        (
            &[("given_name", "G"), ("family_name", "F"), ("email", "e@x")],
            "G F",
        ),
        (&[("family_name", "F"), ("email", "e@x")], "F"),
        (
            &[("name", ""), ("given_name", " "), ("email", "e@x")],
            "e@x",
        ),
        (&[("name", " \u{2003}\n"), ("email", "")], "user"),
        (&[], "user"),
        (&[("name", "李 小龙 👩‍👩‍👧")], "李 小龙 👩‍👩‍👧"),
    ] {
        assert_eq!(
            mapped(named("user", attributes)).display_name,
            name,
            "{attributes:?}"
        );
    }
}

#[test]
fn in_pools_with_made_up_names_the_login_is_the_address() {
    let login = |user| account(mapped(user)).login.unwrap();
    let generated = named(UUID, &[("sub", UUID), ("email", "a@example.com")]);
    assert_eq!(login(generated.clone()), "a@example.com");
    assert_eq!(mapped(generated).id.id, UUID);
    assert_eq!(login(named(UUID, &[("sub", UUID)])), UUID);
    assert_eq!(
        login(named(UUID, &[("sub", "other"), ("email", "a@example.com")])),
        UUID
    );
    assert_eq!(
        login(named("bob", &[("sub", "bob"), ("email", "a@example.com")])),
        "bob"
    );
    assert_eq!(
        login(named("SAML_x@y", &[("sub", UUID), ("email", "x@y")])),
        "SAML_x@y"
    );
}

#[test]
fn a_users_address_may_be_missing_unverified_or_shared() {
    let emails = |attributes: &[(&str, &str)]| account(mapped(named("u", attributes))).emails;
    assert_eq!(emails(&[]), []);
    assert_eq!(emails(&[("email", "")]), []);
    for (verified, expected) in [
        (Some("true"), Some(true)),
        (Some("false"), Some(false)),
        (Some("maybe"), None),
        (Some(""), None),
        (None, None),
    ] {
        let mut attributes = vec![("email", "a@example.com")];
        attributes.extend(verified.map(|verified| ("email_verified", verified)));
        assert_eq!(emails(&attributes)[0].verified, expected, "{verified:?}");
    }
}

#[test]
fn attributes_keep_their_names_their_texts_and_their_order() {
    let identities = r#"[{"userId":"123","providerName":"Google","primary":true}]"#;
    let sent = [
        ("custom:team", ""),
        ("dev:custom:old", " padded "),
        ("an attribute", "\u{0}\u{202e}rtl e\u{301} \u{1f469}"),
        ("identities", identities),
        ("email_verified", "TRUE"),
    ];
    let expected: Vec<Named> = sent.iter().map(|(name, value)| text(name, value)).collect();
    assert_eq!(mapped(named("Google_123", &sent)).attributes, expected);
}

#[test]
fn an_attribute_that_comes_twice_keeps_all_its_values() {
    let sent = [("a", "1"), ("b", "x"), ("a", ""), ("a", "1")];
    let attributes = mapped(named("u", &sent)).attributes;
    let list = ["1", "", "1"].map(str::to_owned).to_vec();
    assert_eq!(
        attributes,
        [
            Named {
                name: "a".to_owned(),
                value: AttributeValue::TextList(list)
            },
            text("b", "x"),
        ]
    );
}

#[test]
fn an_attribute_without_a_value_is_unknown() {
    let user =
        json!({"Username": "u", "Attributes": [{"Name": "a"}, {"Name": "b", "Value": null}]});
    assert_eq!(mapped(user).attributes, []);
}

#[test]
fn the_last_login_comes_from_the_service_or_from_the_named_attribute_only() {
    let user = named(
        "u",
        &[
            ("custom:last", "2025-02-14T11:40:18.102+01:00"),
            ("custom:bad", "soon"),
        ],
    );
    let last_login =
        |user: &Value, attribute| account(mapped_with(user.clone(), attribute)).last_login;
    let moment = Some("2025-02-14T10:40:18.102Z".to_owned());
    assert_eq!(last_login(&user, None), None);
    assert_eq!(last_login(&user, Some("custom:last")), moment);
    assert_eq!(last_login(&user, Some("custom:bad")), None);
    assert_eq!(last_login(&user, Some("custom:none")), None);
    let mut sent = user;
    sent["UserLastAuthenticationDate"] = json!(1739529618.102);
    assert_eq!(last_login(&sent, None), moment);
    assert_eq!(last_login(&sent, Some("custom:bad")), moment);
}
