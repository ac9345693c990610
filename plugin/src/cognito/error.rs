//! From a refusal of the service, or of the way to it, to an error of the contract.
//!
//! The code of a refusal can stand in the body (`__type`, with a namespace before `#`),
//! in a header (with a suffix after `:`), in XML (a front end that never saw the
//! request's protocol), or nowhere (a proxy's HTML). The HTTP status is the last resort
//! only: this API sends 400 for nearly everything. A 401 or 403 without a code of AWS is
//! not taken for the service's at all: blaming the key for what a proxy said would send
//! people to their IAM policies.

mod ambiguity;
mod meaning;
mod text;

use super::json::{self, Fault, FromJson, Reader, members};
use super::message::Headers;
use super::operations::{Operation, Subject};
use super::retry::Reason;
use super::transport::{SendError, SendErrorKind};
use crate::error::{self as code, Error};
pub use meaning::Meaning;
use meaning::{is_known, meaning_of_code, meaning_of_status, refuses_access};
use text::{bare_code, shown, without, xml_exception, xml_text};

/// The code, where a front end puts it.
pub(super) const ERROR_TYPE: &str = "x-amzn-errortype";

/// The message, where a front end puts it.
pub(super) const ERROR_MESSAGE: &str = "x-amzn-errormessage";

/// Why an operation did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened.
    pub cause: Cause,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// How long the service asked to wait.
    pub retry_after_ms: Option<u32>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No answer.
    NotAnswered(SendError),
    /// The service refused.
    Refused(Refusal),
    /// A success that can't be understood.
    NotUnderstood {
        /// In which way.
        detail: String,
        /// Whether the rest is missing, so that another attempt may bring it.
        cut_off: bool,
    },
    /// The request could not be signed.
    NotSigned,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The bare code, if one was found.
    pub code: Option<String>,
    /// The message, if one was found; not yet fit to be shown.
    pub message: Option<String>,
}

/// The body of a refusal.
#[derive(Default)]
struct Body {
    kind: Option<Words>,
    code: Option<Words>,
    message: Option<Words>,
    capital_message: Option<Words>,
}

impl FromJson for Body {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader,
            b"__type" => kind,
            b"code" => code,
            b"message" => message,
            b"Message" => capital_message,
        );
        Ok(Self {
            kind,
            code,
            message,
            capital_message,
        })
    }
}

/// A text, or something else that must not hide the other members.
struct Words(Option<String>);

impl FromJson for Words {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let raw = reader.raw()?;
        Ok(Self(json::parse(raw).ok()))
    }
}

fn words(member: Option<Words>) -> Option<String> {
    member?.0
}

impl Refusal {
    /// Reads a refusal.
    #[must_use]
    pub fn read(status: u16, headers: &Headers, body: &[u8]) -> Self {
        let text = std::str::from_utf8(body).unwrap_or_default();
        let header = |name| {
            let value = headers.text(name)?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let json = json::parse::<Body>(text.as_bytes()).unwrap_or_default();
        let code = words(json.kind)
            .or_else(|| header(ERROR_TYPE))
            .or_else(|| {
                words(json.code)
                    .or_else(|| xml_text(text, "Code"))
                    .or_else(|| xml_exception(text))
                    .filter(|code| !refuses_access(status) || is_known(code))
            })
            .map(|code| bare_code(&code).to_owned())
            .filter(|code| !code.is_empty());
        let message = words(json.message)
            .or_else(|| words(json.capital_message))
            .or_else(|| header(ERROR_MESSAGE))
            .or_else(|| xml_text(text, "Message"));
        Self {
            status,
            code,
            message,
        }
    }

    /// What it means.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        let by_code = self.code.as_deref().and_then(meaning_of_code);
        match by_code {
            // One code for three faults, which only the text tells apart.
            Some(Meaning::WrongSignature) => self.fault_of_signature(),
            Some(meaning) => meaning,
            None if self.code.is_none() && refuses_access(self.status) => Meaning::Intercepted,
            None => meaning_of_status(self.status),
        }
    }

    fn fault_of_signature(&self) -> Meaning {
        let text = self.message.as_deref().unwrap_or_default();
        let begins = |words: &[&str]| words.iter().any(|words| text.starts_with(words));
        if begins(&["Signature expired", "Signature not yet current"]) {
            Meaning::WrongClock
        } else if begins(&["Credential should be scoped"]) {
            Meaning::WrongScope
        } else {
            Meaning::WrongSignature
        }
    }

    /// Code and message in brackets, fit to be shown.
    fn quote(&self) -> String {
        let code = match &self.code {
            Some(code) => shown(code),
            None => format!("HTTP status {}", self.status),
        };
        match self.message.as_deref().map(shown) {
            Some(message) if !message.is_empty() => format!("({code}: {message})"),
            _ => format!("({code})"),
        }
    }
}

impl Failure {
    /// A failure without anything that the service said.
    #[must_use]
    pub fn new(cause: Cause) -> Self {
        Self {
            cause,
            request_id: None,
            retry_after_ms: None,
        }
    }

    /// Why the same request is worth sending again; `None` if it is not.
    #[must_use]
    pub fn retry_reason(&self) -> Option<Reason> {
        match &self.cause {
            Cause::NotAnswered(error) => match error.kind {
                SendErrorKind::NameResolution
                | SendErrorKind::Connection
                | SendErrorKind::ConnectTimeout
                | SendErrorKind::Broken
                | SendErrorKind::Timeout
                | SendErrorKind::Incomplete => Some(Reason::Transient),
                SendErrorKind::Denied
                | SendErrorKind::Certificate
                | SendErrorKind::TooLong
                | SendErrorKind::Protocol => None,
            },
            Cause::Refused(refusal) => match refusal.meaning() {
                Meaning::Throttled => Some(Reason::Throttled),
                Meaning::ServiceFailed | Meaning::TimedOut => Some(Reason::Transient),
                _ => None,
            },
            Cause::NotUnderstood { cut_off, .. } => cut_off.then_some(Reason::Transient),
            Cause::NotSigned => None,
        }
    }

    /// What the refusal means, if it is one.
    #[must_use]
    pub fn meaning(&self) -> Option<Meaning> {
        match &self.cause {
            Cause::Refused(refusal) => Some(refusal.meaning()),
            _ => None,
        }
    }

    /// The same without these values in what the service said: it likes to quote the
    /// attribute that it refuses. A code that has a meaning stays as it is, whatever the
    /// values are.
    #[must_use]
    pub fn without(mut self, values: &[&str]) -> Self {
        if let Cause::Refused(refusal) = &mut self.cause {
            let unknown_code = refusal.code.as_mut().filter(|code| !is_known(code));
            for text in unknown_code.into_iter().chain(&mut refusal.message) {
                *text = without(text, values);
            }
        }
        self
    }

    /// The error of the contract.
    #[must_use]
    pub fn into_error(self, operation: Operation, subject: &Subject<'_>) -> Error {
        let (code, message) = match &self.cause {
            Cause::NotAnswered(error) => not_answered(error, operation, subject.server),
            Cause::Refused(refusal) => refused(refusal, operation, subject),
            Cause::NotUnderstood { detail, .. } => (
                code::BAD_RESPONSE,
                format!("the answer to {operation} can't be used: {detail}"),
            ),
            Cause::NotSigned => (
                code::INTERNAL,
                format!("the request for {operation} could not be signed"),
            ),
        };
        Error {
            code: code.to_owned(),
            message: code::one_line(message),
            retryable: self.retry_reason().is_some(),
            retry_after_ms: self.retry_after_ms,
            operation: Some(operation.name().to_owned()),
            request_id: self.request_id,
        }
    }
}

fn not_answered(error: &SendError, operation: Operation, server: &str) -> (&'static str, String) {
    let (code, what) = match error.kind {
        SendErrorKind::Denied => (
            code::DENIED_BY_HOST,
            format!("{operation} was not let out by the host of this connector"),
        ),
        SendErrorKind::NameResolution => (
            code::UNAVAILABLE,
            format!("{server} does not resolve for {operation}"),
        ),
        SendErrorKind::Connection => (
            code::UNAVAILABLE,
            format!("no connection to {server} for {operation}"),
        ),
        SendErrorKind::ConnectTimeout => (
            code::DEADLINE_EXCEEDED,
            format!("{server} could not be reached in time for {operation}"),
        ),
        SendErrorKind::Broken => (
            code::UNAVAILABLE,
            format!("the connection to {server} broke before {operation} was answered"),
        ),
        SendErrorKind::Certificate => (
            code::UNAVAILABLE,
            format!("{server} could not prove its identity, so {operation} was not sent"),
        ),
        SendErrorKind::Timeout => (
            code::DEADLINE_EXCEEDED,
            format!("{operation} was not answered in time"),
        ),
        SendErrorKind::Incomplete => (
            code::BAD_RESPONSE,
            format!("the answer to {operation} was cut off"),
        ),
        SendErrorKind::TooLong => (
            code::BAD_RESPONSE,
            format!("the answer to {operation} is too long"),
        ),
        SendErrorKind::Protocol => (
            code::BAD_RESPONSE,
            format!("the answer to {operation} breaks HTTP"),
        ),
    };
    let hint = match error.kind {
        SendErrorKind::NameResolution => "; check region and endpoint-url",
        _ => "",
    };
    let detail = shown(&error.detail);
    let colon = if detail.is_empty() { "" } else { ": " };
    (code, format!("{what}{colon}{detail}{hint}"))
}

fn refused(
    refusal: &Refusal,
    operation: Operation,
    subject: &Subject<'_>,
) -> (&'static str, String) {
    let pool = subject.pool;
    let (code, what) = match refusal.meaning() {
        Meaning::Throttled => (
            code::THROTTLED,
            format!("the service asked for fewer requests of {operation}"),
        ),
        Meaning::Quota => (
            code::QUOTA_EXCEEDED,
            format!("{operation} hit a hard limit of the service, waiting does not help"),
        ),
        Meaning::ServiceFailed => (
            code::UNAVAILABLE,
            format!("the service failed at {operation}"),
        ),
        Meaning::TimedOut => (
            code::DEADLINE_EXCEEDED,
            format!("the service did not finish {operation} in time"),
        ),
        Meaning::WrongSignature => (
            code::UNAUTHENTICATED,
            "the service rejected the signature; check that aws-secret-access-key belongs to \
             aws-access-key-id"
                .to_owned(),
        ),
        Meaning::WrongClock => (
            code::UNAUTHENTICATED,
            "the service rejected the time of the signature; set the clock".to_owned(),
        ),
        Meaning::WrongScope => (
            code::INVALID_ARGUMENT,
            "the request was signed for another region than the one that answered; region and \
             endpoint-url do not belong together"
                .to_owned(),
        ),
        Meaning::UnknownKey => (
            code::UNAUTHENTICATED,
            "the service does not know the credentials; check aws-access-key-id, and \
             aws-session-token for temporary ones"
                .to_owned(),
        ),
        Meaning::ExpiredToken => (
            code::UNAUTHENTICATED,
            "the temporary credentials have expired; give fresh ones".to_owned(),
        ),
        Meaning::NotAuthenticated => (
            code::UNAUTHENTICATED,
            "the service found no valid proof of who sent the request".to_owned(),
        ),
        Meaning::Denied => (
            code::PERMISSION_DENIED,
            format!(
                "the credentials may not call {} on user pool '{pool}'; allow it in their IAM \
                 policy",
                operation.permission()
            ),
        ),
        Meaning::Blocked => (
            code::FAILED_PRECONDITION,
            format!(
                "a web ACL (AWS WAF) of user pool '{pool}' refused {operation}, not the \
                 credentials; let this client pass in its rules"
            ),
        ),
        Meaning::Intercepted => (
            code::BAD_RESPONSE,
            format!(
                "{operation} was refused without a code of AWS, so by something between here \
                 and the service: a proxy, a captive portal or a web application firewall"
            ),
        ),
        Meaning::NoSuchUser => (code::NOT_FOUND, subject.missing_user()),
        Meaning::NoSuchResource => (
            code::NOT_FOUND,
            subject.missing_resource(refusal.message.as_deref().unwrap_or_default()),
        ),
        Meaning::UserExists => (code::ALREADY_EXISTS, subject.existing_user()),
        Meaning::AliasExists => (
            code::FAILED_PRECONDITION,
            format!(
                "an address or a name of the account already belongs to another account of user \
                 pool '{pool}' as its alias, and is not taken away from it"
            ),
        ),
        Meaning::Forbidden => (
            code::FAILED_PRECONDITION,
            format!(
                "the set-up of user pool '{pool}' or the state of the user forbids {operation}"
            ),
        ),
        Meaning::LambdaRefused => (
            code::FAILED_PRECONDITION,
            format!("a Lambda trigger of user pool '{pool}' refused {operation}"),
        ),
        Meaning::LambdaFailed => (
            code::FAILED_PRECONDITION,
            format!("a Lambda trigger of user pool '{pool}' failed at {operation}"),
        ),
        Meaning::NotDelivered => (
            code::FAILED_PRECONDITION,
            format!("user pool '{pool}' could not deliver its message at {operation}"),
        ),
        Meaning::InvalidInput | Meaning::InvalidToken if subject.with_cursor => (
            code::CURSOR_EXPIRED,
            format!(
                "{operation} does not accept the cursor any more; read the list from its start"
            ),
        ),
        Meaning::InvalidInput | Meaning::InvalidToken => (
            code::INVALID_ARGUMENT,
            format!("{operation} does not accept an argument"),
        ),
        Meaning::NotOffered => (
            code::FAILED_PRECONDITION,
            format!("user pool '{pool}' does not offer {operation} in this region or plan"),
        ),
        Meaning::NotThisApi => (
            code::BAD_RESPONSE,
            format!("the endpoint does not understand {operation}; check endpoint-url"),
        ),
        Meaning::Redirect => (
            code::BAD_RESPONSE,
            format!(
                "{operation} was redirected, and signed requests follow no redirect; check \
                 endpoint-url"
            ),
        ),
        Meaning::Unknown => (
            code::BAD_RESPONSE,
            format!("{operation} failed for a reason that is not known here"),
        ),
    };
    (code, format!("{what} {}", refusal.quote()))
}

#[cfg(test)]
mod tests;
