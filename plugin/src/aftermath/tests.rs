//! Faults that strike before and after a change takes effect, for each change.

use crate::cognito::fake::{Answer, Fake, answer, with_header};
use crate::cognito::transport::SendErrorKind;
use crate::contract::provisioning::CreateOutcome;
use crate::error::Error;
use crate::kinds::Kind;
use crate::session::Session;
use crate::settings::MAX_ATTEMPTS;
use crate::testing::{groups_of_user, lost, membership_of, ok, open_with, refused, text, user};
use serde_json::json;

/// A change, what it needs beforehand, and what a look shows with and without it.
struct Change {
    operation: &'static str,
    call: fn(&Session<Fake>) -> Result<String, Error>,
    before: fn() -> Vec<Answer>,
    done: fn() -> Answer,
    not_done: fn() -> Answer,
    outcome: &'static str,
    check: &'static str,
}

fn alice(enabled: bool) -> Answer {
    ok(json!({
        "Username": "alice",
        "Enabled": enabled,
        "UserStatus": "FORCE_CHANGE_PASSWORD",
        "UserAttributes": [{"Name": "email", "Value": "alice@example.com"}],
    }))
}

fn nobody() -> Answer {
    refused(400, "UserNotFoundException")
}

fn changes() -> Vec<Change> {
    vec![
        Change {
            operation: "AdminAddUserToGroup",
            call: |session| {
                let outcome = session.grant(&membership_of("admins"), &user("alice"))?;
                Ok(format!("{outcome:?}"))
            },
            before: || vec![groups_of_user(&[], None)],
            done: || groups_of_user(&["admins"], None),
            not_done: || groups_of_user(&[], None),
            outcome: "GrantOutcome::Granted",
            check: "check whether user 'alice' is a member of group 'admins'",
        },
        Change {
            operation: "AdminRemoveUserFromGroup",
            call: |session| {
                let outcome = session.revoke(&membership_of("admins"), &user("alice"))?;
                Ok(format!("{outcome:?}"))
            },
            before: || vec![groups_of_user(&["admins"], None)],
            done: || groups_of_user(&[], None),
            not_done: || groups_of_user(&["admins"], None),
            outcome: "RevokeOutcome::Revoked",
            check: "check whether user 'alice' is a member of group 'admins'",
        },
        Change {
            operation: "AdminCreateUser",
            call: |session| {
                let fields = [
                    text("username", "alice"),
                    text("email", "alice@example.com"),
                ];
                let created = session.create_account("user", &fields)?;
                assert_eq!(created.warnings.len(), 1, "{:?}", created.warnings);
                match created.outcome {
                    CreateOutcome::Created(user) => Ok(format!("created {}", user.id.id)),
                    CreateOutcome::AlreadyExists(user) => Ok(format!("exists {}", user.id.id)),
                }
            },
            before: || vec![ok(json!({"UserPool": {}}))],
            done: || alice(true),
            not_done: nobody,
            outcome: "created alice",
            check: "check whether user 'alice' exists",
        },
        Change {
            operation: "AdminDeleteUser",
            call: |session| {
                let outcome = session.delete_account(&Kind::User.resource("alice"))?;
                Ok(format!("{outcome:?}"))
            },
            before: Vec::new,
            done: nobody,
            not_done: || alice(true),
            outcome: "DeleteOutcome::Deleted",
            check: "check whether user 'alice' exists",
        },
        Change {
            operation: "AdminEnableUser",
            call: |session| {
                let results = session.invoke("enable_user", &[text("user_id", "alice")])?;
                Ok(results[0].name.clone())
            },
            before: Vec::new,
            done: || alice(true),
            not_done: || alice(false),
            outcome: "success",
            check: "check whether user 'alice' is enabled",
        },
        Change {
            operation: "AdminDisableUser",
            call: |session| {
                let results = session.invoke("disable_user", &[text("user_id", "alice")])?;
                Ok(results[0].name.clone())
            },
            before: Vec::new,
            done: || alice(false),
            not_done: || alice(true),
            outcome: "success",
            check: "check whether user 'alice' is enabled",
        },
    ]
}

/// Failures after which nobody knows, with the code of the error and whether it passes.
fn doubts() -> Vec<(Answer, &'static str, bool)> {
    let html = with_header(answer(200, "<html></html>"), "content-type", "text/html");
    vec![
        (lost(SendErrorKind::Timeout), "deadline-exceeded", true),
        (lost(SendErrorKind::Broken), "unavailable", true),
        (lost(SendErrorKind::Incomplete), "bad-response", true),
        (lost(SendErrorKind::TooLong), "bad-response", false),
        (lost(SendErrorKind::Protocol), "bad-response", false),
        (refused(500, "InternalErrorException"), "unavailable", true),
        (Ok(answer(502, "")), "unavailable", true),
        (Ok(answer(408, "")), "deadline-exceeded", true),
        (Ok(answer(403, "<html></html>")), "bad-response", false),
        (Ok(answer(200, "{\"Us")), "bad-response", true),
        (Ok(answer(200, "null")), "bad-response", false),
        (Ok(answer(204, "")), "bad-response", false),
        (Ok(html), "bad-response", false),
    ]
}

fn run(change: &Change, answers: Vec<Answer>) -> (Result<String, Error>, Fake) {
    let answers = (change.before)().into_iter().chain(answers);
    // More attempts than any change may have.
    let (session, fake) = open_with(&[(MAX_ATTEMPTS, "3")], answers);
    let result = (change.call)(&session);
    (result, fake)
}

fn times_sent(fake: &Fake, change: &Change) -> usize {
    let sent = fake.operations();
    sent.iter().filter(|sent| *sent == change.operation).count()
}

#[test]
fn a_change_that_took_effect_before_its_answer_was_lost_is_a_success() {
    for change in changes() {
        for (fault, ..) in doubts() {
            let (result, fake) = run(&change, vec![fault.clone(), (change.done)()]);
            assert_eq!(
                result.as_deref(),
                Ok(change.outcome),
                "{} {fault:?}",
                change.operation
            );
            assert_eq!(times_sent(&fake, &change), 1, "{}", change.operation);
        }
    }
}

#[test]
fn a_change_that_did_not_take_effect_is_the_error_of_its_request() {
    for change in changes() {
        for (fault, code, retryable) in doubts() {
            let (result, fake) = run(&change, vec![fault.clone(), (change.not_done)()]);
            let error = result.unwrap_err();
            let name = format!("{} {fault:?}", change.operation);
            assert_eq!(
                (error.code.as_str(), error.retryable),
                (code, retryable),
                "{name}"
            );
            assert!(
                error
                    .message
                    .ends_with("; a look afterwards shows that nothing has changed"),
                "{}",
                error.message
            );
            assert_eq!(error.operation.as_deref(), Some(change.operation));
            assert_eq!(times_sent(&fake, &change), 1, "{name}");
        }
    }
}

#[test]
fn a_change_that_nobody_can_look_at_is_unknown_and_not_to_be_repeated() {
    for change in changes() {
        for (fault, ..) in doubts() {
            let denied = refused(400, "AccessDeniedException");
            let (result, fake) = run(&change, vec![fault, denied]);
            let error = result.unwrap_err();
            assert_eq!(error.code, "outcome-unknown");
            assert!(!error.retryable);
            assert_eq!(error.operation.as_deref(), Some(change.operation));
            for words in [change.operation, "user 'alice'", change.check] {
                assert!(error.message.contains(words), "{}", error.message);
            }
            assert_eq!(times_sent(&fake, &change), 1);
        }
    }
}

#[test]
fn a_change_that_never_left_or_was_throttled_is_sent_again_without_a_look() {
    for change in changes() {
        for fault in [
            lost(SendErrorKind::Connection),
            lost(SendErrorKind::ConnectTimeout),
            lost(SendErrorKind::NameResolution),
            refused(400, "TooManyRequestsException"),
        ] {
            let (result, fake) = run(&change, vec![fault.clone(), fault.clone(), fault]);
            let error = result.unwrap_err();
            assert!(error.retryable, "{}", error.message);
            assert_eq!(times_sent(&fake, &change), 3, "{}", change.operation);
            assert_eq!(fake.operations().last().unwrap(), change.operation);
        }
    }
}

#[test]
fn after_a_throttle_a_doubtful_second_attempt_is_the_last() {
    for change in changes() {
        let throttle = refused(400, "TooManyRequestsException");
        let fault = lost(SendErrorKind::Timeout);
        let (result, fake) = run(&change, vec![throttle, fault, (change.done)()]);
        assert_eq!(result.as_deref(), Ok(change.outcome));
        assert_eq!(times_sent(&fake, &change), 2);
    }
}

#[test]
fn what_the_service_refused_is_believed_without_a_look() {
    for change in changes() {
        for code in [
            "AccessDeniedException",
            "InvalidParameterException",
            "LimitExceededException",
        ] {
            let (result, fake) = run(&change, vec![refused(400, code)]);
            assert_ne!(result.unwrap_err().code, "outcome-unknown");
            assert_eq!(times_sent(&fake, &change), 1);
            assert_eq!(fake.operations().last().unwrap(), change.operation);
        }
        for kind in [SendErrorKind::Denied, SendErrorKind::Certificate] {
            let (result, fake) = run(&change, vec![lost(kind)]);
            assert!(!result.unwrap_err().retryable);
            assert_eq!(fake.operations().last().unwrap(), change.operation);
        }
    }
}

#[test]
fn a_thing_that_the_look_does_not_find_is_named() {
    for change in changes() {
        if matches!(change.operation, "AdminCreateUser" | "AdminDeleteUser") {
            continue;
        }
        let (result, _) = run(&change, vec![lost(SendErrorKind::Timeout), nobody()]);
        let error = result.unwrap_err();
        assert_eq!(error.code, "not-found", "{}", change.operation);
        assert!(error.message.starts_with("user 'alice' does not exist"));
    }
}
