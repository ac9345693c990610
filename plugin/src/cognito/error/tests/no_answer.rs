//! Requests that got no answer.

use super::*;

#[test]
fn every_way_to_get_no_answer_has_its_own_message() {
    let mut messages = Vec::new();
    for (kind, code, retryable) in [
        (SendErrorKind::Denied, "denied-by-host", false),
        (SendErrorKind::NameResolution, "unavailable", true),
        (SendErrorKind::Connection, "unavailable", true),
        (SendErrorKind::ConnectTimeout, "deadline-exceeded", true),
        (SendErrorKind::Broken, "unavailable", true),
        (SendErrorKind::Certificate, "unavailable", false),
        (SendErrorKind::Timeout, "deadline-exceeded", true),
        (SendErrorKind::Incomplete, "bad-response", true),
        (SendErrorKind::TooLong, "bad-response", false),
        (SendErrorKind::Protocol, "bad-response", false),
    ] {
        let failure = Failure::new(Cause::NotAnswered(SendError::new(kind, "host's words")));
        let error = failure.into_error(Operation::ListGroups, &POOL_ITSELF);
        assert_eq!(error.code, code, "{kind:?}");
        assert_eq!(error.retryable, retryable, "{kind:?}");
        assert!(error.message.contains("host's words"));
        assert!(!messages.contains(&error.message), "{}", error.message);
        messages.push(error.message);
    }
}

#[test]
fn no_answer_without_words_of_the_host_is_one_plain_sentence() {
    for (kind, message) in [
        (
            SendErrorKind::Connection,
            "no connection to 127.0.0.1:9 for ListUsers",
        ),
        (
            SendErrorKind::NameResolution,
            "127.0.0.1:9 does not resolve for ListUsers; check region and endpoint-url",
        ),
    ] {
        let failure = Failure::new(Cause::NotAnswered(SendError::new(kind, "")));
        let error = failure.into_error(Operation::ListUsers, &POOL_ITSELF);
        assert_eq!(error.message, message);
    }
}
