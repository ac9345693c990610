use super::*;
use crate::documents::cognito;

const HOST: HostOptions<'_> = HostOptions {
    operational: &[HostOption {
        name: "log-level",
        help: "The log level: off, error, warn, info, debug, trace",
        default_value: Some("warn"),
    }],
    decided_by_host: &["max-attempts"],
};

fn field_of<'a>(document: &'a Value, name: &str) -> &'a Value {
    let fields = document["fields"].as_array().unwrap();
    let found: Vec<&Value> = fields.iter().filter(|f| f["name"] == name).collect();
    assert_eq!(found.len(), 1, "{name}: {document:#}");
    found[0]
}

fn names(document: &Value) -> Vec<&str> {
    let fields = document["fields"].as_array().unwrap();
    fields.iter().map(|f| f["name"].as_str().unwrap()).collect()
}

#[test]
fn the_four_documented_fields_are_the_ones_that_the_family_of_connectors_prints() {
    let document = config_schema(&cognito(), HOST);
    let documented = [
        json!({"name": "user-pool-id", "displayName": "User Pool ID",
               "description": "The Cognito User Pool ID",
               "isRequired": true, "stringField": {"rules": {"isRequired": true}}}),
        json!({"name": "region", "displayName": "Region",
               "isRequired": true, "stringField": {"rules": {"isRequired": true}}}),
        json!({"name": "aws-access-key-id", "displayName": "AWS Access Key ID",
               "isRequired": true, "stringField": {"rules": {"isRequired": true}}}),
        json!({"name": "aws-secret-access-key", "displayName": "AWS Secret Access Key",
               "isRequired": true, "isSecret": true,
               "stringField": {"rules": {"isRequired": true}}}),
    ];
    for mut expected in documented {
        let ours = field_of(&document, expected["name"].as_str().unwrap());
        let name = expected["name"].clone();
        // Every field explains itself; the words are the component's own.
        for text in ["displayName", "description"] {
            assert!(!ours[text].as_str().unwrap().is_empty(), "{name}");
            expected[text] = ours[text].clone();
        }
        assert!(
            ours["displayName"]
                .as_str()
                .unwrap()
                .to_lowercase()
                .contains(&name.as_str().unwrap().replace('-', " ")),
            "{ours:#}"
        );
        if name == "user-pool-id" {
            // We know what one looks like and say it.
            expected["placeholder"] = json!("us-east-1_AbCd12345");
            expected["stringField"]["rules"]["pattern"] =
                json!("^(?:[0-9A-Za-z_-]+_[0-9A-Za-z]+)$");
        }
        if name == "region" {
            // It follows from the pool's id, so nobody has to give it.
            expected.as_object_mut().unwrap().remove("isRequired");
            let rules = expected["stringField"]["rules"].as_object_mut().unwrap();
            rules.remove("isRequired");
            let pattern = ours["stringField"]["rules"]["pattern"].clone();
            assert!(pattern.as_str().unwrap().contains("us-gov"), "{pattern}");
            rules.insert("pattern".to_owned(), pattern);
            expected["placeholder"] = json!("us-east-1");
        }
        assert_eq!(*ours, expected);
    }
}

#[test]
fn the_programs_own_options_come_first_and_what_it_decides_alone_is_missing() {
    let description = cognito();
    let document = config_schema(&description, HOST);
    assert_eq!(
        document["fields"][0],
        json!({"name": "log-level",
               "description": "The log level: off, error, warn, info, debug, trace",
               "isOps": true, "stringField": {"defaultValue": "warn"}})
    );
    let settings = description.settings.iter().map(|s| s.name.as_str());
    let expected: Vec<&str> = ["log-level"]
        .into_iter()
        .chain(settings.filter(|name| *name != "max-attempts"))
        .collect();
    assert_eq!(names(&document), expected);
    assert!(description.setting("max-attempts").is_some());
    assert_eq!(document["displayName"], "Amazon Cognito");
    assert_eq!(document.get("helpUrl"), None);
}

#[test]
fn numbers_and_flags_are_written_as_protocol_buffers_write_them() {
    let mut description = cognito();
    description.help_url = Some("https://example.org/help".to_owned());
    let template = description.setting("max-attempts").unwrap().clone();
    let setting = |name: &str, value_type, default: Option<&str>, required| SettingSchema {
        name: name.to_owned(),
        value_type,
        default_value: default.map(str::to_owned),
        required,
        example: None,
        ..template.clone()
    };
    description.settings = vec![
        setting("attempts", ValueType::Integer, Some("3"), false),
        setting("zero", ValueType::Integer, Some("0"), true),
        setting("on", ValueType::Boolean, Some("true"), true),
        setting("off", ValueType::Boolean, Some("false"), false),
    ];
    let document = config_schema(&description, HOST);
    let typed = |name: &str, part: &str| field_of(&document, name)[part].clone();
    assert_eq!(typed("attempts", "intField"), json!({"defaultValue": "3"}));
    assert_eq!(
        typed("zero", "intField"),
        json!({"rules": {"isRequired": true}})
    );
    assert_eq!(typed("on", "boolField"), json!({"defaultValue": true}));
    assert_eq!(typed("on", "isRequired"), json!(true));
    assert_eq!(typed("off", "boolField"), json!({}));
    assert_eq!(field_of(&document, "off").get("isRequired"), None);
    assert_eq!(document["helpUrl"], "https://example.org/help");
}

#[test]
fn a_pattern_with_alternatives_still_means_the_whole_value() {
    let mut description = cognito();
    description.settings.truncate(1);
    description.settings[0].pattern = Some("a|b".to_owned());
    let document = config_schema(&description, HOST);
    let id = field_of(&document, "user-pool-id");
    let pattern = id["stringField"]["rules"]["pattern"].as_str().unwrap();
    let pattern = regex::Regex::new(pattern).unwrap();
    assert!(pattern.is_match("a") && pattern.is_match("b"));
    assert!(!pattern.is_match("ab") && !pattern.is_match("xb"));
}
