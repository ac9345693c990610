use super::*;
use crate::error::INVALID_ARGUMENT;
use crate::testing::read;
use serde_json::{Value, json};

fn pool(schema: Value) -> Pool {
    read(&json!({"SchemaAttributes": schema}))
}

fn refusal(pool: &Pool, name: &str, value: &str) -> Option<String> {
    let error = Schema::new(pool, "us-east-1_A").check(name, value).err()?;
    assert_eq!(error.code, INVALID_ARGUMENT);
    Some(error.message)
}

fn full() -> Pool {
    pool(json!([
        {"Name": "sub", "AttributeDataType": "String", "Required": true,
         "StringAttributeConstraints": {"MinLength": "1", "MaxLength": "2048"}},
        {"Name": "email", "AttributeDataType": "String", "Required": true},
        {"Name": "birthdate", "AttributeDataType": "String", "Required": false,
         "StringAttributeConstraints": {"MinLength": "10", "MaxLength": "10"}},
        {"Name": "name", "AttributeDataType": "String", "Required": true},
        {"Name": "custom:department", "AttributeDataType": "String",
         "StringAttributeConstraints": {"MinLength": "2", "MaxLength": "5"}},
        {"Name": "custom:level", "AttributeDataType": "Number",
         "NumberAttributeConstraints": {"MinValue": "-1", "MaxValue": "9"}},
        {"Name": "custom:any", "AttributeDataType": "Number"},
    ]))
}

#[test]
fn an_unknown_custom_name_is_refused_with_those_that_exist() {
    let message = refusal(&full(), "custom:dept", "hunter2").unwrap();
    assert_eq!(
        message,
        "user pool 'us-east-1_A' has no attribute 'custom:dept'; its custom attributes are \
         custom:department, custom:level, custom:any"
    );
    let none = pool(json!([{"Name": "sub"}]));
    let message = refusal(&none, "custom:dept", "v").unwrap();
    assert!(
        message.ends_with("it has no custom attributes"),
        "{message}"
    );
}

#[test]
fn every_other_name_passes() {
    for name in ["nickname", "department", "dev:custom:x", "Custom:x"] {
        assert_eq!(refusal(&full(), name, "v"), None, "{name}");
    }
}

#[test]
fn a_pool_that_did_not_send_its_schema_is_not_judged_by_it() {
    for unknown in [pool(Value::Null), pool(json!([])), Pool::default()] {
        assert_eq!(refusal(&unknown, "custom:dept", "v"), None);
        assert!(!Schema::new(&unknown, "p").lacks("custom:dept"));
    }
}

#[test]
fn a_pool_lacks_what_it_would_have_named() {
    let lacks = |pool: &Pool, name| Schema::new(pool, "p").lacks(name);
    assert!(lacks(&full(), "custom:last_login"));
    assert!(lacks(&full(), "last_login"));
    assert!(!lacks(&full(), "custom:level"));
    // What an emulator sends: the custom attributes alone.
    let part = pool(json!([{"Name": "custom:level"}]));
    assert!(lacks(&part, "custom:last_login"));
    assert!(!lacks(&part, "updated_at"));
}

#[test]
fn lengths_are_counted_in_characters_and_the_value_is_not_shown() {
    let pool = full();
    for (name, value, problem) in [
        ("custom:department", "äöüßé", None),
        ("custom:department", "hunter2", Some("at most 5 characters")),
        ("custom:department", "h", Some("at least 2 characters")),
        ("birthdate", "1990-01-01", None),
        ("birthdate", "1990", Some("at least 10 characters")),
        ("email", "", None),
    ] {
        let message = refusal(&pool, name, value);
        assert_eq!(message.is_some(), problem.is_some(), "{name}");
        if let (Some(message), Some(problem)) = (message, problem) {
            assert!(message.contains(&format!("'{name}'")), "{message}");
            assert!(message.contains(problem), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}

#[test]
fn no_value_is_longer_than_2048_characters_whatever_the_pool_says() {
    let generous = pool(json!([
        {"Name": "custom:x", "StringAttributeConstraints": {"MaxLength": "5000"}},
    ]));
    for pool in [generous, Pool::default()] {
        assert_eq!(refusal(&pool, "custom:x", &"é".repeat(2048)), None);
        let message = refusal(&pool, "custom:x", &"é".repeat(2049)).unwrap();
        assert!(message.contains("at most 2048 characters"), "{message}");
    }
}

#[test]
fn a_number_must_be_one_and_in_its_range() {
    let pool = full();
    for (name, value, problem) in [
        ("custom:level", "0", None),
        ("custom:level", "-1", None),
        ("custom:level", "9", None),
        ("custom:level", "10", Some("a number up to 9")),
        ("custom:level", "-2", Some("a number from -1 on")),
        ("custom:level", "nine", Some("takes a number")),
        ("custom:level", "", Some("takes a number")),
        ("custom:level", " 5", Some("takes a number")),
        ("custom:level", "inf", Some("takes a number")),
        ("custom:level", "NaN", Some("takes a number")),
        ("custom:any", "1e3", None),
        ("custom:any", "12345678901234567890", None),
        ("custom:any", "1e999", Some("takes a number")),
    ] {
        let message = refusal(&pool, name, value);
        assert_eq!(message.is_some(), problem.is_some(), "{name} {value}");
        if let (Some(message), Some(problem)) = (message, problem) {
            assert!(message.contains(problem), "{message}");
        }
    }
}

#[test]
fn bounds_that_are_no_texts_or_no_numbers_do_no_harm() {
    let odd = pool(json!([
        {"Name": "custom:a", "StringAttributeConstraints": {"MinLength": 2, "MaxLength": null}},
        {"Name": "custom:b", "StringAttributeConstraints": {"MinLength": "many", "MaxLength": {}}},
        {"Name": "custom:c", "StringAttributeConstraints": null},
        {"Name": null, "AttributeDataType": null, "Required": null},
        {},
    ]));
    assert!(
        refusal(&odd, "custom:a", "x")
            .unwrap()
            .contains("at least 2")
    );
    for name in ["custom:b", "custom:c"] {
        assert_eq!(refusal(&odd, name, "x"), None, "{name}");
    }
}

#[test]
fn what_is_required_leaves_out_what_nobody_chooses() {
    let pool = full();
    let required: Vec<&str> = Schema::new(&pool, "p").required().collect();
    assert_eq!(required, ["email", "name"]);
}

#[test]
fn a_phone_number_has_its_country_code_and_nothing_but_digits() {
    // Whether or not the pool tells its schema.
    for pool in [
        Pool::default(),
        pool(json!([{"Name": "phone_number", "AttributeDataType": "String"}])),
    ] {
        for good in ["+15555550100", "+1", "+491234567890123", ""] {
            assert_eq!(refusal(&pool, "phone_number", good), None, "{good}");
        }
        for bad in [
            "15555550100",
            "0171 5555555",
            "+1 555 5550100",
            "+1-555-555-0100",
            "+",
            "+4912345678901234",
            "+١٢٣",
            " +15555550100",
        ] {
            let message = refusal(&pool, "phone_number", bad).unwrap();
            assert!(message.contains("E.164"), "{bad}: {message}");
            assert!(!message.contains("555"), "{message}");
        }
    }
    let custom = pool(json!([{"Name": "custom:phone", "AttributeDataType": "String"}]));
    assert_eq!(refusal(&custom, "custom:phone", "0171 5555555"), None);
}

#[test]
fn a_truth_value_is_the_word_for_it() {
    let pool = pool(json!([
        {"Name": "email_verified", "AttributeDataType": "Boolean"},
        {"Name": "custom:external", "AttributeDataType": "Boolean"},
    ]));
    for name in ["email_verified", "custom:external"] {
        for good in ["true", "false", "True", "FALSE"] {
            assert_eq!(refusal(&pool, name, good), None, "{good}");
        }
        for bad in ["yes", "1", "", " true", "hunter2"] {
            let message = refusal(&pool, name, bad).unwrap();
            assert!(message.contains("true or false"), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}

#[test]
fn numbers_are_ordered_as_floats_are() {
    let mut random = fastrand::Rng::with_seed(6);
    let mut text = || {
        let mut text = String::new();
        for (part, most) in [
            ("+-", 2),
            ("0123", 5),
            (".", 2),
            ("0123", 4),
            ("e", 2),
            ("-", 2),
            ("012", 3),
        ] {
            for _ in 0..random.usize(..most) {
                text.push(char::from(part.as_bytes()[random.usize(..part.len())]));
            }
        }
        text
    };
    let float = |text: &str| text.parse::<f64>().ok();
    let mut compared = 0;
    for _ in 0..100_000 {
        let (one, other) = (text(), text());
        assert_eq!(number(&one).is_some(), float(&one).is_some(), "{one}");
        if let (Some(a), Some(b)) = (number(&one), number(&other)) {
            let (x, y) = (float(&one).unwrap(), float(&other).unwrap());
            assert_eq!(a.partial_cmp(&b), x.partial_cmp(&y), "{one} {other}");
            compared += 1;
        }
    }
    assert!(compared > 10_000, "{compared}");
    for word in [
        "inf",
        "-inf",
        "nan",
        "infinity",
        "1e999",
        "1e99999999999",
        ".",
        "1_0",
        " 1",
        "1 ",
    ] {
        assert_eq!(number(word), None, "{word}");
    }
    assert!(number("1e308") < number("2e308"));
}
