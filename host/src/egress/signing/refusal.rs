//! Refusals that speak of the proof and not of the request.
//!
//! The codes are those that services of AWS share, in all their protocols. Some of them
//! stand for several causes: a signature that does not fit can come from a wrong clock
//! as well as from a wrong secret, and the `Date` of the answer tells which.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::egress::throttle;

/// Codes of a key or token that the service does not take any more, without the ending
/// `Exception` that some services give them. A key that is unknown may have been replaced
/// meanwhile, so that the source has another one.
const KEY: &[&str] = &[
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "TokenRefreshRequired",
    "UnrecognizedClient",
];
/// Codes that always speak of the clock.
const CLOCK: &[&str] = &[
    "RequestExpired",
    "RequestInTheFuture",
    "RequestTimeTooSkewed",
];
/// Codes that a wrong clock shares with wrong keys and missing rights.
const AMBIGUOUS: &[&str] = &[
    "AccessDenied",
    "AuthFailure",
    "InvalidSignature",
    "SignatureDoesNotMatch",
];

/// `Date` has whole seconds, so that a smaller difference is no difference.
const CLOCK_LEAST: Duration = Duration::from_secs(1);
/// An ambiguous code is blamed on the clock from this difference on: one minute short of
/// the five that services tolerate, as the AWS SDKs do.
const AMBIGUOUS_LEAST: Duration = Duration::from_secs(4 * 60);

/// What the service complains of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The key or its token.
    Key,
    /// The clock, if it is at least so far off.
    Clock {
        /// The smallest difference that explains it.
        least: Duration,
    },
}

/// Reads an answer. Only what the service refuses as the client's fault counts: after a
/// failure of its own nobody knows whether it has done what was asked.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Refusal> {
    if !status.is_client_error() || status == StatusCode::REQUEST_TIMEOUT {
        return None;
    }
    let code = throttle::error_code(headers, body).or_else(|| code_of_xml(body))?;
    let code = code.strip_suffix("Exception").unwrap_or(&code);
    if KEY.contains(&code) {
        Some(Refusal::Key)
    } else if CLOCK.contains(&code) {
        Some(Refusal::Clock { least: CLOCK_LEAST })
    } else if AMBIGUOUS.contains(&code) {
        let least = AMBIGUOUS_LEAST;
        Some(Refusal::Clock { least })
    } else {
        None
    }
}

/// The older protocols answer in XML, with one element for the code.
fn code_of_xml(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Option<Refusal> {
        let status = StatusCode::from_u16(status).unwrap();
        read(status, &HeaderMap::new(), body.as_bytes())
    }

    fn of_code(code: &str) -> Option<Refusal> {
        refusal(400, &format!(r#"{{"__type":"{code}"}}"#))
    }

    #[test]
    fn a_key_that_has_ended_or_is_unknown_is_told_in_every_spelling() {
        for code in [
            "ExpiredTokenException",
            "ExpiredToken",
            "com.amazon.coral.service#ExpiredTokenException",
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
        ] {
            assert_eq!(of_code(code), Some(Refusal::Key), "{code}");
        }
        let xml = "<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>";
        assert_eq!(refusal(403, xml), Some(Refusal::Key));
    }

    #[test]
    fn a_code_that_always_means_the_clock_needs_less_of_a_difference() {
        let clock = |least| Some(Refusal::Clock { least });
        for code in ["RequestExpired", "RequestTimeTooSkewed"] {
            assert_eq!(of_code(code), clock(CLOCK_LEAST), "{code}");
        }
        for code in ["InvalidSignatureException", "SignatureDoesNotMatch"] {
            assert_eq!(of_code(code), clock(AMBIGUOUS_LEAST), "{code}");
        }
    }

    #[test]
    fn nothing_else_is_taken_for_a_refused_proof() {
        for code in [
            "TooManyRequestsException",
            "UserNotFoundException",
            "InvalidParameterException",
            "",
        ] {
            assert_eq!(of_code(code), None, "{code}");
        }
        let expired = r#"{"__type":"ExpiredTokenException"}"#;
        for status in [200, 302, 408, 500, 503] {
            assert_eq!(refusal(status, expired), None, "{status}");
        }
    }
}
