//! Why a call into a component, or loading one, failed, and whose fault it was.

use std::time::Duration;

use crate::contract::{BrokenPromise, Function};
use crate::limits::Excess;
use crate::limits::sandbox::Party;
use crate::trust::text::shown;

/// The documented codes of the contract's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// A setting or an argument is wrong.
    InvalidArgument,
    /// The credentials are wrong, unknown or expired.
    Unauthenticated,
    /// The credentials are good but may not do this.
    PermissionDenied,
    /// The thing does not exist.
    NotFound,
    /// The thing exists already.
    AlreadyExists,
    /// The state of the system forbids it.
    FailedPrecondition,
    /// The list must be read again from its start.
    CursorExpired,
    /// The system asked for fewer requests.
    Throttled,
    /// A hard limit of the system.
    QuotaExceeded,
    /// The system, or the way to it, failed.
    Unavailable,
    /// No answer in time.
    DeadlineExceeded,
    /// The answer could not be understood or was cut off.
    BadResponse,
    /// A change was sent, and whether it took effect is not known.
    OutcomeUnknown,
    /// The host did not let the request out.
    DeniedByHost,
    /// The host's pace leaves room for it only when what the component signed is too old:
    /// to be made anew then. No component reports it.
    Postponed,
    /// A defect of the connector, or a code that this host does not know.
    Internal,
}

impl ErrorCode {
    /// The code behind the contract's text; unknown texts are [`ErrorCode::Internal`].
    pub fn parse(text: &str) -> Self {
        match text {
            "invalid-argument" => Self::InvalidArgument,
            "unauthenticated" => Self::Unauthenticated,
            "permission-denied" => Self::PermissionDenied,
            "not-found" => Self::NotFound,
            "already-exists" => Self::AlreadyExists,
            "failed-precondition" => Self::FailedPrecondition,
            "cursor-expired" => Self::CursorExpired,
            "throttled" => Self::Throttled,
            "quota-exceeded" => Self::QuotaExceeded,
            "unavailable" => Self::Unavailable,
            "deadline-exceeded" => Self::DeadlineExceeded,
            "bad-response" => Self::BadResponse,
            "outcome-unknown" => Self::OutcomeUnknown,
            "denied-by-host" => Self::DeniedByHost,
            _ => Self::Internal,
        }
    }
}

/// What the connector itself reported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", suffix(message, operation.as_deref(), request_id.as_deref()))]
pub struct Reported {
    /// What kind of failure it is.
    pub code: ErrorCode,
    /// For people. Control characters are removed and the length is bounded.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// How long the system asked to wait.
    pub retry_after: Option<Duration>,
    /// The operation that failed.
    pub operation: Option<String>,
    /// The system's id of the request.
    pub request_id: Option<String>,
}

/// What the message does not say itself.
fn suffix(message: &str, operation: Option<&str>, request_id: Option<&str>) -> String {
    let mut words = message.split(|c: char| !(c.is_alphanumeric() || c == '-'));
    let unsaid = operation.filter(|operation| !words.any(|word| word == *operation));
    match (unsaid, request_id) {
        (Some(operation), Some(id)) => format!(" ({operation}, request {id})"),
        (Some(operation), None) => format!(" ({operation})"),
        (None, Some(id)) => format!(" (request {id})"),
        (None, None) => String::new(),
    }
}

/// Why a call into a component failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// The connector answered with an error.
    #[error(transparent)]
    Reported(Box<Reported>),
    /// A change left the sandbox, and the call ended without telling what became of it.
    #[error("{source}")]
    OutcomeUnknown {
        /// How the call ended.
        source: Box<CallError>,
    },
    /// The component does not have the function.
    #[error("the component does not export {}", function.name())]
    NotOffered {
        /// What was to be called.
        function: Function,
    },
    /// A limit of the sandbox was hit.
    #[error(transparent)]
    LimitHit(Box<LimitHit>),
    /// The component trapped.
    #[error("the component failed in {}: {cause}{}", function.name(), last_words(last_lines))]
    Trapped {
        /// What was called.
        function: Function,
        /// The trap.
        cause: String,
        /// What it last wrote to standard error.
        last_lines: Vec<String>,
    },
    /// The component returned something that the contract forbids.
    #[error("the component broke the contract in {}: {broken}", function.name())]
    BrokenContract {
        /// What was called.
        function: Function,
        /// What is wrong with the answer.
        broken: BrokenPromise,
    },
    /// The call took longer than it may.
    #[error("the component did not finish {} within {excess}", function.name())]
    TimedOut {
        /// What was called.
        function: Function,
        /// The wall-clock limit.
        excess: Excess,
    },
}

impl CallError {
    /// What the connector itself reported, if it did.
    pub fn reported(&self) -> Option<&Reported> {
        match self {
            Self::Reported(reported) => Some(reported),
            Self::OutcomeUnknown { source } => source.reported(),
            Self::LimitHit(_)
            | Self::Trapped { .. }
            | Self::BrokenContract { .. }
            | Self::TimedOut { .. }
            | Self::NotOffered { .. } => None,
        }
    }

    /// Whether a change was sent and nobody has told what became of it.
    pub fn leaves_outcome_open(&self) -> bool {
        match self {
            Self::OutcomeUnknown { .. } => true,
            Self::Reported(reported) => reported.code == ErrorCode::OutcomeUnknown,
            Self::LimitHit(_)
            | Self::Trapped { .. }
            | Self::BrokenContract { .. }
            | Self::TimedOut { .. }
            | Self::NotOffered { .. } => false,
        }
    }
}

/// A limit of the sandbox that was hit, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} hit {excess} in {}{}: {}{}",
    self.who(),
    function.name(),
    of_operation(operation.as_deref()),
    excess.what(),
    last_words(last_lines)
)]
pub struct LimitHit {
    /// What was called.
    pub function: Function,
    /// The component's name, if it is known.
    pub component: Option<String>,
    /// The limit.
    pub excess: Excess,
    /// The operation of the service that was under way, by the component's own word.
    pub operation: Option<String>,
    /// The system's id of the request.
    pub request_id: Option<String>,
    /// What the component last wrote to standard error.
    pub last_lines: Vec<String>,
}

impl LimitHit {
    fn who(&self) -> String {
        match (self.excess.party(), &self.component) {
            (Party::Service, _) => "the service".to_owned(),
            (Party::Component, Some(name)) => format!("the component `{name}`"),
            (Party::Component, None) => "the component".to_owned(),
        }
    }
}

fn of_operation(operation: Option<&str>) -> String {
    operation.map_or_else(String::new, |operation| format!(" ({operation})"))
}

impl From<LimitHit> for CallError {
    fn from(hit: LimitHit) -> Self {
        Self::LimitHit(Box::new(hit))
    }
}

impl From<Reported> for CallError {
    fn from(reported: Reported) -> Self {
        Self::Reported(Box::new(reported))
    }
}

fn last_words(lines: &[String]) -> String {
    if lines.is_empty() {
        String::new()
    } else {
        format!("; its last words were: {}", lines.join(" | "))
    }
}

/// Why a file can't be run as a component.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not WebAssembly at all.
    #[error("it is not a WebAssembly file (it does not begin with the bytes 00 61 73 6d)")]
    NotWasm,
    /// A core module, not a component.
    #[error(
        "it is a WebAssembly core module and not a component; build it for the target wasm32-wasip2"
    )]
    CoreModule,
    /// A component format that is neither module nor the current component format.
    #[error("it has an unknown WebAssembly layer or version")]
    UnknownLayer,
    /// Larger than what is compiled.
    #[error("it is {size} bytes long; at most {limit} are accepted")]
    TooLarge {
        /// Its length in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Damaged or using features that are switched off.
    #[error("it is no valid component: {0}")]
    Invalid(String),
    /// It does not export the contract.
    #[error(
        "it does not export the contract {}@{}; it exports {}",
        crate::contract::PACKAGE,
        crate::contract::VERSION,
        exports_text(exports)
    )]
    NotAConnector {
        /// What it exports.
        exports: Vec<String>,
    },
    /// It exports another version of the contract.
    #[error(
        "it speaks version {found} of the contract {} and this host speaks {}",
        crate::contract::PACKAGE,
        crate::contract::VERSION
    )]
    OtherContract {
        /// Its version.
        found: String,
    },
    /// It imports something that this host does not give.
    #[error("it imports what this host does not provide: {}", imports.join(", "))]
    UnknownImports {
        /// The imports that are refused.
        imports: Vec<String>,
    },
    /// The engine itself failed.
    #[error("it could not be prepared: {0}")]
    Engine(String),
}

impl LoadError {
    /// What a parser says of a file repeats names of the file, and whoever wrote that may
    /// have put lines into them that pass for ours.
    pub(super) fn invalid(error: &wasmtime::Error) -> Self {
        Self::Invalid(shown(&format!("{error:#}")))
    }
}

fn exports_text(exports: &[String]) -> String {
    if exports.is_empty() {
        "nothing".to_owned()
    } else {
        exports.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_named_once() {
        let shown = |message: &str, request_id: Option<&str>| {
            let reported = Reported {
                code: ErrorCode::Unavailable,
                message: message.to_owned(),
                retryable: true,
                retry_after: None,
                operation: Some("ListUsers".to_owned()),
                request_id: request_id.map(str::to_owned),
            };
            reported.to_string()
        };
        for (message, id, expected) in [
            ("no way to ListUsers", None, "no way to ListUsers"),
            (
                "ListUsers failed",
                Some("r1"),
                "ListUsers failed (request r1)",
            ),
            (
                "ListUsersInGroup is meant",
                None,
                "ListUsersInGroup is meant (ListUsers)",
            ),
            ("it failed", Some("r1"), "it failed (ListUsers, request r1)"),
        ] {
            assert_eq!(shown(message, id), expected);
        }
    }
}
