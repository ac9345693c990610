//! What goes with an attribute, and what stays.

use super::*;
use crate::model::{AccountStatus, Email, ResourceId};

fn alice() -> Resource {
    let text = |text: &str| AttributeValue::Text(text.to_owned());
    Resource {
        id: ResourceId::new("user", "u-1"),
        parent: None,
        display_name: "Alice Müller".to_owned(),
        description: None,
        created_at: Some("2024-01-01T00:00:00.000Z".to_owned()),
        updated_at: None,
        account: Some(Account {
            status: Some(AccountStatus::Enabled),
            status_details: Some("CONFIRMED".to_owned()),
            login: Some("alice@example.com".to_owned()),
            emails: vec![Email {
                address: "Alice@example.com".to_owned(),
                primary: true,
                verified: Some(true),
            }],
            last_login: None,
        }),
        attributes: Attributes(
            [
                ("email".to_owned(), text("Alice@example.com ")),
                ("email_verified".to_owned(), text("true")),
                ("family_name".to_owned(), text("Müller")),
                ("given_name".to_owned(), text("Alice")),
                ("locale".to_owned(), text("de")),
                ("custom:level".to_owned(), AttributeValue::Integer(1)),
            ]
            .into(),
        ),
    }
}

fn without(names: &[&str], mut resource: Resource) -> (Resource, Noticed) {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let mut noticed = Noticed::default();
    of_resource(&names, &mut resource, &mut noticed);
    (resource, noticed)
}

fn text(resource: &Resource) -> String {
    serde_json::to_string(resource).unwrap()
}

#[test]
fn an_attribute_goes_with_everything_that_tells_its_value() {
    let (left, noticed) = without(&["email"], alice());
    assert!(!text(&left).to_lowercase().contains("alice@"), "{left:?}");
    let account = left.account.unwrap();
    assert_eq!((account.login, account.emails.len()), (None, 0));
    assert_eq!(
        left.display_name, "Alice Müller",
        "that is another attribute's"
    );
    assert_eq!(noticed.matched, Names::from(["email".to_owned()]));

    for name in ["given_name", "family_name"] {
        let (left, _) = without(&[name], alice());
        assert_eq!(left.display_name, "u-1", "{name}");
    }
    // Not by its address, and it is no address without it.
    let mut other = alice();
    other.account.as_mut().unwrap().emails[0].address = "a@b.example".to_owned();
    assert_eq!(without(&["email"], other).0.account.unwrap().emails, []);
}

#[test]
fn what_has_nothing_to_do_with_it_stays() {
    for name in ["locale", "custom:level"] {
        let (left, noticed) = without(&[name], alice());
        let mut expected = alice();
        expected.attributes.0.remove(name);
        assert_eq!(left, expected, "{name}");
        assert_eq!((noticed.in_ids.len(), noticed.elsewhere.len()), (0, 0));
    }
    let (left, _) = without(&["email_verified"], alice());
    let emails = left.account.unwrap().emails;
    assert_eq!((emails[0].verified, emails[0].address.len()), (None, 17));
    assert_eq!(without(&[], alice()).0, alice());
}

#[test]
fn a_name_that_nothing_has_is_not_matched_and_members_may_be_named() {
    let (left, noticed) = without(&["Email", "emial"], alice());
    assert_eq!((left, noticed), (alice(), Noticed::default()));
    let members = [
        "display_name",
        "emails",
        "login",
        "status_details",
        "last_login",
    ];
    let (left, noticed) = without(&members, alice());
    assert_eq!(left.display_name, "u-1");
    let account = left.account.unwrap();
    let empty = Account {
        status: Some(AccountStatus::Enabled),
        ..Account::default()
    };
    assert_eq!(account, empty);
    assert_eq!(noticed.matched.len(), 4, "nobody had a last login");
}

#[test]
fn what_cannot_or_was_not_asked_to_go_is_noticed() {
    let mut resource = alice();
    resource.id = ResourceId::new("user", "alice@example.com");
    let federated = r#"[{"userId":"alice@example.com"}]"#.to_owned();
    let more = [
        ("identities".to_owned(), AttributeValue::Text(federated)),
        (
            "custom:lang".to_owned(),
            AttributeValue::Text("de".to_owned()),
        ),
    ];
    resource.attributes.0.extend(more);
    let (left, noticed) = without(&["email", "locale"], resource);
    assert_eq!(noticed.in_ids, [("email".to_owned(), 1)].into());
    assert_eq!(
        noticed.elsewhere,
        [("email in identities".to_owned(), 1)].into()
    );
    assert!(left.attributes.0.contains_key("identities"));
}

#[test]
fn a_short_value_is_told_by_a_word_and_a_long_one_anywhere() {
    for (text, value, expected) in [
        ("Al Smith", "al", true),
        ("Alan Smith", "al", false),
        ("Smith (al)", "al", true),
        ("Joanna", "ann", true),
        ("山田太郎", "山田", true),
        ("Apollo 1", "1", true),
        ("Apollo 11", "1", false),
    ] {
        assert_eq!(tells(text, value), expected, "{value:?} in {text:?}");
    }
}

#[test]
fn what_is_left_out_in_two_steps_is_left_out_in_any_order() {
    let (both, _) = without(&["email", "given_name"], alice());
    for [first, second] in [["email", "given_name"], ["given_name", "email"]] {
        let (one, _) = without(&[first], alice());
        assert_eq!(without(&[second], one).0, both);
    }
}

#[test]
fn pairs_of_attributes_are_remembered_up_to_a_number() {
    let mut resource = alice();
    let many = (0..1000).map(|number| {
        let value = AttributeValue::Text("Alice@example.com".to_owned());
        (format!("custom:{number}"), value)
    });
    resource.attributes.0.extend(many);
    let (_, noticed) = without(&["email"], resource);
    assert_eq!(noticed.elsewhere.len(), MOST_PAIRS);
}
