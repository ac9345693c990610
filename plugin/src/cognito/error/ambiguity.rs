//! Whether a failed request may have taken effect all the same.
//!
//! A change that may have happened must never be sent again blindly, and must not be
//! reported as a failure. Only two things are certain: a request that never left, and
//! one that the service itself refused, in words that we know. Everything else leaves
//! a doubt: a time-out, a broken answer, a failure in the middle, a success that can't
//! be read, and what a proxy said in the service's place.

use super::meaning::Meaning;
use super::{Cause, Failure, Refusal};
use crate::cognito::transport::SendErrorKind;

impl Failure {
    /// Whether the request may have taken effect.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        match &self.cause {
            Cause::NotAnswered(error) => match error.kind {
                SendErrorKind::Denied
                | SendErrorKind::NameResolution
                | SendErrorKind::Connection
                | SendErrorKind::ConnectTimeout
                | SendErrorKind::Certificate => false,
                SendErrorKind::Broken
                | SendErrorKind::Timeout
                | SendErrorKind::Incomplete
                | SendErrorKind::TooLong
                | SendErrorKind::Protocol => true,
            },
            Cause::Refused(refusal) => refusal.is_ambiguous(),
            Cause::NotUnderstood { .. } => true,
            Cause::NotSigned => false,
        }
    }
}

impl Refusal {
    fn is_ambiguous(&self) -> bool {
        match self.meaning() {
            // Whoever asks for fewer requests has not carried this one out, whatever
            // the status: some front ends say it with a 503.
            Meaning::Throttled => false,
            Meaning::ServiceFailed
            | Meaning::TimedOut
            | Meaning::Intercepted
            | Meaning::Redirect
            | Meaning::LambdaFailed
            | Meaning::NotDelivered
            | Meaning::Unknown => true,
            // Without a code it is the word of something in front of the service.
            _ => self.code.is_none() || !(400..500).contains(&self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cognito::message::Headers;
    use crate::cognito::transport::SendError;

    fn refused(status: u16, code: &str) -> bool {
        let body = match code {
            "" => String::new(),
            code => format!(r#"{{"__type":"{code}"}}"#),
        };
        let refusal = Refusal::read(status, &Headers::default(), body.as_bytes());
        Failure::new(Cause::Refused(refusal)).is_ambiguous()
    }

    #[test]
    fn what_the_service_refused_in_known_words_has_not_happened() {
        for (status, code) in [
            (400, "TooManyRequestsException"),
            (429, "TooManyRequestsException"),
            (429, ""),
            (503, "SlowDown"),
            (400, "UserNotFoundException"),
            (400, "ResourceNotFoundException"),
            (400, "UsernameExistsException"),
            (400, "AliasExistsException"),
            (400, "UserLambdaValidationException"),
            (400, "InvalidParameterException"),
            (400, "LimitExceededException"),
            (403, "AccessDeniedException"),
            (400, "ExpiredTokenException"),
            (400, "InvalidSignatureException"),
            (400, "OperationNotEnabledException"),
            (403, "ForbiddenException"),
            (400, "UnsupportedUserStateException"),
        ] {
            assert!(!refused(status, code), "{status} {code}");
        }
    }

    #[test]
    fn what_nobody_can_vouch_for_may_have_happened() {
        for (status, code) in [
            (500, "InternalErrorException"),
            (400, "InternalErrorException"),
            (500, ""),
            (502, ""),
            (504, ""),
            (408, ""),
            (408, "RequestTimeoutException"),
            (401, ""),
            (403, ""),
            (404, ""),
            (301, ""),
            (204, ""),
            (400, ""),
            (400, "InventedYesterdayException"),
            (500, "AccessDeniedException"),
            (400, "UnexpectedLambdaException"),
            (400, "InvalidLambdaResponseException"),
            (400, "CodeDeliveryFailureException"),
        ] {
            assert!(refused(status, code), "{status} {code}");
        }
        for cut_off in [false, true] {
            let detail = String::new();
            assert!(Failure::new(Cause::NotUnderstood { detail, cut_off }).is_ambiguous());
        }
    }

    #[test]
    fn a_request_that_never_left_has_not_happened() {
        for (kind, ambiguous) in [
            (SendErrorKind::Denied, false),
            (SendErrorKind::NameResolution, false),
            (SendErrorKind::Connection, false),
            (SendErrorKind::ConnectTimeout, false),
            (SendErrorKind::Certificate, false),
            (SendErrorKind::Broken, true),
            (SendErrorKind::Timeout, true),
            (SendErrorKind::Incomplete, true),
            (SendErrorKind::TooLong, true),
            (SendErrorKind::Protocol, true),
        ] {
            let failure = Failure::new(Cause::NotAnswered(SendError::new(kind, "")));
            assert_eq!(failure.is_ambiguous(), ambiguous, "{kind:?}");
        }
        assert!(!Failure::new(Cause::NotSigned).is_ambiguous());
    }
}
