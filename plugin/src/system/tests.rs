use super::*;
use crate::testing::read;
use serde_json::{Value, json};

fn said(pool: Value, last_login_attribute: Option<&str>) -> SystemFacts {
    let pool: Pool = read(&pool);
    facts(&pool, "us-east-1_A", last_login_attribute)
}

#[test]
fn a_full_pool_is_told_under_the_services_own_names() {
    let pool = json!({
        "Id": "us-east-1_A",
        "Name": "staff",
        "Arn": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_A",
        "UserPoolTier": "ESSENTIALS",
        "EstimatedNumberOfUsers": 12,
        "UsernameAttributes": ["email", "phone_number"],
        "AliasAttributes": ["preferred_username"],
        "UsernameConfiguration": {"CaseSensitive": false},
        "SchemaAttributes": [{"Name": "sub"}],
    });
    let facts = said(pool, None);
    assert_eq!(facts.name.as_deref(), Some("staff"));
    assert_eq!(
        facts.resource_name.as_deref(),
        Some("arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_A")
    );
    let list = |names: &[&str]| {
        AttributeValue::TextList(names.iter().map(|&name| name.to_owned()).collect())
    };
    let attributes: Vec<(&str, &AttributeValue)> = facts
        .attributes
        .iter()
        .map(|attribute| (attribute.name.as_str(), &attribute.value))
        .collect();
    assert_eq!(
        attributes,
        [
            ("Id", &AttributeValue::Text("us-east-1_A".to_owned())),
            (
                "UserPoolTier",
                &AttributeValue::Text("ESSENTIALS".to_owned())
            ),
            ("EstimatedNumberOfUsers", &AttributeValue::Integer(12)),
            ("UsernameAttributes", &list(&["email", "phone_number"])),
            ("AliasAttributes", &list(&["preferred_username"])),
            ("CaseSensitive", &AttributeValue::Boolean(false)),
        ]
    );
    assert_eq!(facts.notes[0], "the plan of the pool is ESSENTIALS");
}

#[test]
fn what_was_not_sent_is_absent() {
    for pool in [
        json!({}),
        json!({"Id": null, "Name": null, "Arn": null, "UserPoolTier": null,
               "EstimatedNumberOfUsers": null, "UsernameAttributes": null,
               "AliasAttributes": null, "UsernameConfiguration": null,
               "SchemaAttributes": null}),
        json!({"UsernameAttributes": [], "UsernameConfiguration": {}}),
    ] {
        let facts = said(pool, None);
        assert_eq!((facts.name, facts.resource_name), (None, None));
        assert_eq!(facts.attributes, []);
        assert_eq!(
            facts.notes[0],
            "the pool does not say its plan (UserPoolTier)"
        );
    }
}

#[test]
fn no_plan_promises_a_last_login() {
    for tier in [
        json!("LITE"),
        json!("ESSENTIALS"),
        json!("PLUS"),
        Value::Null,
    ] {
        let facts = said(json!({"UserPoolTier": tier}), None);
        let [_, note] = facts.notes.as_slice() else {
            panic!("{:?}", facts.notes);
        };
        assert!(note.starts_with("no last login can be expected"), "{note}");
        assert!(note.contains("last-login-attribute"), "{note}");
        assert_eq!(
            note.contains("should it send one all the same"),
            tier == "PLUS"
        );
    }
}

#[test]
fn the_attribute_of_the_settings_is_where_it_comes_from_if_the_pool_has_it() {
    let pool = || json!({"SchemaAttributes": [{"Name": "sub"}, {"Name": "custom:last"}]});
    let note = |name| said(pool(), Some(name)).notes.remove(1);
    assert_eq!(
        note("custom:last"),
        "last login comes from the attribute 'custom:last', for users that have it"
    );
    let lacking = note("custom:lasst");
    assert!(
        lacking.starts_with(
            "no last login can be expected: the pool's schema has no attribute 'custom:lasst'"
        ),
        "{lacking}"
    );
    let unknown = said(json!({}), Some("custom:last")).notes.remove(1);
    assert!(unknown.starts_with("last login comes from"), "{unknown}");
}

#[test]
fn notes_have_no_final_full_stop() {
    for attribute in [None, Some("custom:last")] {
        for note in said(json!({"UserPoolTier": "PLUS"}), attribute).notes {
            assert!(!note.ends_with('.'), "{note}");
        }
    }
}
