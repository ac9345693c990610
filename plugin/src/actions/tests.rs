use crate::actions::Action;
use crate::cognito::transport::SendErrorKind;
use crate::contract::types::{Attribute, AttributeValue};
use crate::testing::{boolean, done, invalid, lost, names, ok, open, refused, request, text};
use serde_json::json;

const BOTH: [(&str, &str); 2] = [
    ("enable_user", "AdminEnableUser"),
    ("disable_user", "AdminDisableUser"),
];

#[test]
fn an_action_is_one_request_and_a_success() {
    for (action, operation) in BOTH {
        for answer in [ok(json!({})), done()] {
            let (session, fake) = open([answer]);
            let results = session.invoke(action, &[text("user_id", "alice")]);
            assert_eq!(results, Ok(vec![boolean("success", true)]));
            assert_eq!(
                fake.sent(),
                [request(operation, json!({"Username": "alice"}))]
            );
        }
    }
}

#[test]
fn a_missing_user_is_not_found() {
    for (action, _) in BOTH {
        let (session, _) = open([refused(400, "UserNotFoundException")]);
        let error = session
            .invoke(action, &[text("user_id", "alice")])
            .unwrap_err();
        assert_eq!(error.code, "not-found");
        assert!(error.message.starts_with("user 'alice' does not exist"));
    }
}

#[test]
fn wrong_arguments_are_answered_with_the_schema() {
    let (session, fake) = open([]);
    let id = || text("user_id", "alice");
    let number = Attribute {
        name: "user_id".to_owned(),
        value: AttributeValue::Integer(7),
    };
    for (action, _) in BOTH {
        for (arguments, problem) in [
            (vec![], "user_id is missing"),
            (
                vec![id(), text("reason", "hunter2")],
                "argument 'reason' is unknown",
            ),
            (
                vec![text("userId", "alice")],
                "argument 'userId' is unknown",
            ),
            (vec![id(), id()], "user_id is given twice"),
            (vec![text("user_id", "")], "user_id is empty"),
            (vec![number.clone()], "user_id is not a text"),
            (vec![boolean("user_id", true)], "user_id is not a text"),
        ] {
            let message = invalid(session.invoke(action, &arguments));
            assert!(message.starts_with(problem), "{message}");
            assert!(
                message.contains("takes exactly one argument: user_id, a text"),
                "{message}"
            );
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
    for unknown in ["", "delete_user", "Enable_user"] {
        let message = invalid(session.invoke(unknown, &[id()]));
        assert!(
            message.contains("enable_user (user_id: text, required) and disable_user"),
            "{message}"
        );
    }
    assert_eq!(fake.requests(), 0);
}

#[test]
fn the_schema_says_what_is_checked() {
    let schemas = Action::ALL.map(Action::schema);
    for (schema, (name, _)) in schemas.iter().zip(BOTH) {
        assert_eq!(schema.name, name);
        assert_eq!(schema.arguments.len(), 1);
        let argument = &schema.arguments[0];
        assert_eq!(
            (argument.name.as_str(), argument.required),
            ("user_id", true)
        );
        assert_eq!(argument.id_of.as_deref(), Some("user"));
        assert_eq!(schema.results[0].name, "success");
    }
    assert_eq!(schemas[0].purposes, ["account-enable"]);
    assert_eq!(schemas[1].purposes, ["account-disable"]);
}

#[test]
fn a_state_that_the_look_does_not_tell_leaves_the_outcome_unknown() {
    let (session, fake) = open([
        lost(SendErrorKind::Timeout),
        ok(json!({"Username": "alice"})),
    ]);
    let error = session
        .invoke("disable_user", &[text("user_id", "alice")])
        .unwrap_err();
    assert_eq!(error.code, "outcome-unknown");
    assert_eq!(fake.operations(), ["AdminDisableUser", "AdminGetUser"]);
}

#[test]
fn ids_of_any_script_arrive_as_they_are() {
    for name in names(200) {
        let (session, fake) = open([done()]);
        session
            .invoke("disable_user", &[text("user_id", &name)])
            .unwrap();
        let expected = format!(
            r#"{{"UserPoolId":"us-east-1_AbCd12345","Username":{}}}"#,
            json!(name)
        );
        assert_eq!(fake.body(0), expected);
    }
}
