//! What a pool demands of attributes is read from the pool and explained before anything is
//! sent. Only the peers: the attributes of the double have no demands of their own.

use serde_json::json;

use crate::ledger::Ledger;
use crate::observed::Observed;
use crate::site::{Site, Wanted};

fn wanted() -> Wanted {
    Wanted {
        options: json!({"Schema": [
            {"Name": "email", "AttributeDataType": "String", "Required": true, "Mutable": true},
            {
                "Name": "code",
                "AttributeDataType": "String",
                "Mutable": true,
                "StringAttributeConstraints": {"MinLength": "2", "MaxLength": "5"},
            },
            {
                "Name": "level",
                "AttributeDataType": "Number",
                "Mutable": true,
                "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "10"},
            },
        ]}),
        ..Wanted::groups(&["any"])
    }
}

#[test]
fn the_demands_of_a_pool_are_explained_before_anything_is_sent_to_ministack() {
    the_demands_of_a_pool_are_explained(&Site::ministack(&wanted()));
}

#[test]
fn the_demands_of_a_pool_are_explained_before_anything_is_sent_to_moto() {
    the_demands_of_a_pool_are_explained(&Site::moto(&wanted()));
}

/// Neither peer compares a value with the schema: what is refused here, the program refused.
fn the_demands_of_a_pool_are_explained(site: &Site) {
    let connector = site.connector();
    let mut ledger = Ledger::new(site);
    let mut seen = Observed::default();
    let create = |username: &str, attribute: &str| {
        let named = ["account", "create", "--username", username];
        let address = ["--email", "somebody@example.com"];
        connector.change(&[&named[..], &address, &["--attr", attribute]].concat())
    };
    for (attribute, words) in [
        ("custom:code=x", ["custom:code", "at least 2 characters"]),
        (
            "custom:code=sixsix",
            ["custom:code", "at most 5 characters"],
        ),
        ("custom:level=0", ["custom:level", "a number from 1 on"]),
        ("custom:level=10.5", ["custom:level", "a number up to 10"]),
        ("custom:level=seven", ["custom:level", "a number"]),
        (
            "custom:rank=7",
            ["custom:rank", "custom:code, custom:level"],
        ),
    ] {
        let run = create("refused", attribute);
        ledger.enter(&run);
        seen.refusal(attribute, &run, 3, &words, "guide: attributes");
    }
    ledger.assert_agrees("what was refused");
    // Five characters are more than five bytes.
    for (username, attribute) in [
        ("code", "custom:code=日本語研究"),
        ("level", "custom:level=10"),
    ] {
        let run = create(username, attribute);
        ledger.enter(&run);
        assert_eq!(run.json()["warnings"], json!([]), "{attribute}");
        seen.outcome(attribute, &run, "created", "guide: attributes");
    }
    // Whether a required attribute may be missing is for the service to decide.
    let run = connector.change(&["account", "create", "--username", "nameless"]);
    ledger.enter(&run);
    let warnings = run.json()["warnings"].to_string();
    assert!(
        warnings.contains("requires the attribute 'email'"),
        "{warnings}"
    );
    ledger.assert_agrees("what was taken");
    seen.assert_as_documented(site, "demands");
}
