//! What becomes of a creation and of a deletion.

use super::*;

#[test]
fn a_user_that_is_there_already_is_returned_as_it_is() {
    let taken = || refused(400, "UsernameExistsException");
    let found = |username: &str| ok(json!({"Username": username, "UserStatus": "CONFIRMED"}));
    for (pool, answers_as) in [
        (json!({}), "alice"),
        (
            json!({"UsernameConfiguration": {"CaseSensitive": false}}),
            "Alice",
        ),
        (
            json!({"UsernameAttributes": ["email"]}),
            "11111111-1111-4111-8111-111111111111",
        ),
    ] {
        let (session, fake) = open([described(pool), taken(), found(answers_as)]);
        let account = create(&session, &alice()).unwrap();
        assert_eq!(outcome(&account), (answers_as, false));
        assert_eq!(
            fake.sent()[2],
            request("AdminGetUser", json!({"Username": "alice"}))
        );
    }
    for pool in [
        json!({}),
        json!({"UsernameConfiguration": {"CaseSensitive": true}}),
        json!({"AliasAttributes": ["email"]}),
    ] {
        for other in ["Alice", "bob"] {
            let pool = match other {
                "Alice" => pool.clone(),
                _ => json!({"UsernameConfiguration": {"CaseSensitive": false}}),
            };
            let (session, _) = open([described(pool), taken(), found(other)]);
            let error = create(&session, &alice()).unwrap_err();
            assert_eq!(error.code, "failed-precondition");
            assert!(
                error
                    .message
                    .contains(&format!("another name of user '{other}'")),
                "{}",
                error.message
            );
        }
    }
}

#[test]
fn an_existing_user_that_can_not_be_shown_is_an_error_of_its_own() {
    let taken = || refused(400, "UsernameExistsException");
    let (session, _) = open([plain(), taken(), refused(400, "AccessDeniedException")]);
    let error = create(&session, &alice()).unwrap_err();
    assert_eq!(error.code, "permission-denied");
    assert!(error.message.contains("cognito-idp:AdminGetUser"));
    let (session, _) = open([plain(), taken(), refused(400, "UserNotFoundException")]);
    let error = create(&session, &alice()).unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.retryable),
        ("already-exists", true)
    );
}

#[test]
fn an_alias_of_another_account_is_not_taken_over() {
    let (session, fake) = open([plain(), refused(400, "AliasExistsException")]);
    let error = create(&session, &alice()).unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.retryable),
        ("failed-precondition", false)
    );
    assert!(
        error.message.contains("not taken away from it"),
        "{}",
        error.message
    );
    assert_eq!(fake.requests(), 2);
}

#[test]
fn a_check_looks_and_changes_nothing() {
    let schema = || described(json!({"SchemaAttributes": [{"Name": "name", "Required": true}]}));
    let (session, fake) = open([schema(), refused(400, "UserNotFoundException")]);
    let check = session.check_account("user", &alice()).unwrap();
    assert_eq!(check.existing, None);
    assert_eq!(check.warnings.len(), 1);
    assert_eq!(
        fake.sent(),
        [
            request("DescribeUserPool", json!({})),
            request("AdminGetUser", json!({"Username": "alice"})),
        ]
    );
    let (session, _) = open([schema(), ok(json!({"Username": "alice"}))]);
    let existing = session.check_account("user", &alice()).unwrap().existing;
    assert_eq!(existing.unwrap().id, Kind::User.resource("alice"));
    let (session, _) = open([plain(), ok(json!({"Username": "bob"}))]);
    let check = session.check_account("user", &alice()).unwrap();
    assert_eq!(check.existing, None);
    assert_eq!(check.warnings, ["'alice' is another name of user 'bob'"]);
}

#[test]
fn a_trigger_that_refuses_is_named() {
    let (session, fake) = open([plain(), refused(400, "UserLambdaValidationException")]);
    let error = create(&session, &alice()).unwrap_err();
    assert_eq!(error.code, "failed-precondition");
    assert!(
        error.message.contains("a Lambda trigger of user pool"),
        "{}",
        error.message
    );
    assert_eq!(fake.requests(), 2);
}

#[test]
fn a_failure_after_the_creation_is_a_warning_and_one_before_it_an_error() {
    let mut fields = alice();
    fields.push(boolean("sendInviteEmail", true));
    for (code, words) in [
        (
            "CodeDeliveryFailureException",
            "its invitation could not be delivered",
        ),
        (
            "UnexpectedLambdaException",
            "a Lambda trigger of the pool failed",
        ),
        (
            "InvalidLambdaResponseException",
            "a Lambda trigger of the pool failed",
        ),
    ] {
        let (session, _) = open([
            plain(),
            refused(400, code),
            ok(json!({"Username": "alice"})),
        ]);
        let account = create(&session, &fields).unwrap();
        assert_eq!(outcome(&account), ("alice", true));
        assert!(
            account.warnings[0].contains(words),
            "{:?}",
            account.warnings
        );
        let gone = refused(400, "UserNotFoundException");
        let (session, fake) = open([plain(), refused(400, code), gone]);
        let error = create(&session, &fields).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.retryable),
            ("failed-precondition", false)
        );
        assert!(
            error.message.contains("nothing has changed"),
            "{}",
            error.message
        );
        assert_eq!(fake.requests(), 3);
    }
}

#[test]
fn after_a_doubtful_creation_only_an_account_as_it_was_sent_counts_as_created() {
    let attributes = |email: &str| json!([{"Name": "email", "Value": email}]);
    for (found, created) in [
        (
            json!({"UserStatus": "FORCE_CHANGE_PASSWORD", "UserAttributes": attributes("alice@example.com")}),
            true,
        ),
        (
            json!({"UserAttributes": attributes("ALICE@example.com")}),
            true,
        ),
        (
            json!({"UserStatus": "CONFIRMED", "UserAttributes": attributes("alice@example.com")}),
            false,
        ),
        (
            json!({"UserStatus": "FORCE_CHANGE_PASSWORD", "UserAttributes": attributes("b@example.com")}),
            false,
        ),
        (json!({"UserStatus": "FORCE_CHANGE_PASSWORD"}), false),
    ] {
        let mut user = found.clone();
        user["Username"] = json!("alice");
        let (session, _) = open([plain(), lost(SendErrorKind::Timeout), ok(user)]);
        let account = create(&session, &alice()).unwrap();
        assert_eq!(outcome(&account), ("alice", created), "{found}");
        assert!(
            account.warnings[0].contains("no clear answer"),
            "{:?}",
            account.warnings
        );
    }
    // Somebody else's account that answers to the name proves nothing.
    let (session, _) = open([
        plain(),
        lost(SendErrorKind::Timeout),
        ok(json!({"Username": "bob"})),
    ]);
    let error = create(&session, &alice()).unwrap_err();
    assert!(
        error.message.contains("nothing has changed"),
        "{}",
        error.message
    );
}

#[test]
fn a_success_without_the_user_is_looked_after() {
    for body in ["{}", "", r#"{"User":null}"#, r#"{"User":{"Username":""}}"#] {
        let user = json!({"Username": "u-1", "UserAttributes": [{"Name": "email", "Value": "alice@example.com"}]});
        let pool = described(json!({"UsernameAttributes": ["email"]}));
        let (session, fake) = open([pool, Ok(answer(200, body)), ok(user)]);
        let account = create(&session, &email_only()).unwrap();
        assert_eq!(outcome(&account), ("u-1", true), "{body}");
        assert_eq!(fake.requests(), 3);
    }
}

#[test]
fn the_id_is_the_one_that_the_pool_assigned() {
    let pool = described(json!({"UsernameAttributes": ["email"]}));
    let (session, _) = open([pool, created_as("11111111-1111-4111-8111-111111111111")]);
    let account = create(&session, &email_only()).unwrap();
    assert_eq!(
        outcome(&account),
        ("11111111-1111-4111-8111-111111111111", true)
    );
}

#[test]
fn an_error_never_repeats_a_value_that_the_service_quotes() {
    let body = json!({
        "__type": "InvalidParameterException",
        "message": "1 validation error: Value 'hunter2' at 'userAttributes.1.member.value', hunter2@example.com",
    });
    let fields = [
        text("username", "alice"),
        text("email", "hunter2@example.com"),
        text("custom:x", "hunter2"),
    ];
    let (session, _) = open([plain(), Ok(answer(400, &body.to_string()))]);
    let error = create(&session, &fields).unwrap_err();
    assert_eq!(error.code, "invalid-argument");
    assert!(!error.message.contains("hunter2"), "{}", error.message);
    assert!(
        error.message.contains("userAttributes.1.member.value"),
        "{}",
        error.message
    );
}

#[test]
fn a_user_is_deleted_once_and_then_gone() {
    let alice = Kind::User.resource("alice");
    for answer in [done(), ok(json!({}))] {
        let (session, fake) = open([answer]);
        assert_eq!(session.delete_account(&alice), Ok(DeleteOutcome::Deleted));
        assert_eq!(
            fake.body(0),
            r#"{"UserPoolId":"us-east-1_AbCd12345","Username":"alice"}"#
        );
    }
    let (session, fake) = open([refused(400, "UserNotFoundException")]);
    assert_eq!(
        session.delete_account(&alice),
        Ok(DeleteOutcome::AlreadyGone)
    );
    assert_eq!(fake.operations(), ["AdminDeleteUser"]);
    let (session, _) = open([refused(400, "ResourceNotFoundException")]);
    let error = session.delete_account(&alice).unwrap_err();
    assert_eq!(error.code, "not-found");
    assert!(error.message.starts_with("user pool"), "{}", error.message);
}
