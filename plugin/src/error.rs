//! Errors of the contract: the documented codes and how one is made.
//!
//! The contract's record is the only error type of the domain modules. Its text goes
//! to people and into logs, therefore nothing here takes a setting's value or an
//! attribute's value.

pub use crate::contract::types::Error;

/// A setting or an argument is wrong.
pub const INVALID_ARGUMENT: &str = "invalid-argument";
/// The credentials are wrong, unknown or expired.
pub const UNAUTHENTICATED: &str = "unauthenticated";
/// The credentials are good but may not do this.
pub const PERMISSION_DENIED: &str = "permission-denied";
/// What the message names does not exist.
pub const NOT_FOUND: &str = "not-found";
/// Only where it is not an outcome of its own.
pub const ALREADY_EXISTS: &str = "already-exists";
/// The state of the system forbids it.
pub const FAILED_PRECONDITION: &str = "failed-precondition";
/// The list has to be read again from its start.
pub const CURSOR_EXPIRED: &str = "cursor-expired";
/// The system asked for fewer requests.
pub const THROTTLED: &str = "throttled";
/// A hard limit of the system.
pub const QUOTA_EXCEEDED: &str = "quota-exceeded";
/// The system, or the way to it, failed.
pub const UNAVAILABLE: &str = "unavailable";
/// No answer in time.
pub const DEADLINE_EXCEEDED: &str = "deadline-exceeded";
/// The answer could not be understood or was cut off.
pub const BAD_RESPONSE: &str = "bad-response";
/// Nobody knows whether a change took effect.
pub const OUTCOME_UNKNOWN: &str = "outcome-unknown";
/// The host did not let the request out.
pub const DENIED_BY_HOST: &str = "denied-by-host";
/// A defect of the connector.
pub const INTERNAL: &str = "internal";

/// A message fit to be shown: names in it are chosen by others, and a control character
/// in one would be obeyed by terminals.
#[must_use]
pub fn one_line(message: impl Into<String>) -> String {
    let message = message.into();
    match message.contains(char::is_control) {
        true => message.replace(char::is_control, " "),
        false => message,
    }
}

/// A foreign name, so that everybody sees where it ends and what is in it.
#[must_use]
pub fn escaped(name: &str) -> String {
    name.escape_debug().collect()
}

/// An error that no request led to.
#[must_use]
pub fn local(code: &str, message: impl Into<String>) -> Error {
    Error {
        code: code.to_owned(),
        message: one_line(message),
        retryable: false,
        retry_after_ms: None,
        operation: None,
        request_id: None,
    }
}

/// A setting or an argument is wrong.
#[must_use]
pub fn invalid_argument(message: impl Into<String>) -> Error {
    local(INVALID_ARGUMENT, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_the_names_in_it() {
        let error = invalid_argument("no user 'a\u{1b}[2J\r\nb\u{85}c'");
        assert_eq!(error.message, "no user 'a [2J  b c'");
        assert_eq!(one_line("no user 'ä'"), "no user 'ä'");
    }
}
