//! Failures as people and scripts see them: an exit code, a message, and what to do next.

use serde_json::json;

use crate::connector::ConnectorError;
use crate::credentials::CredentialsError;
use crate::engine::{CallError, EngineError, ErrorCode, LoadError, Reported};
use crate::limits::sandbox::Party;
use crate::provision::ProvisionError;
use crate::provision::check::Misfit;
use crate::provision::rules::Refused;
use crate::settings::SettingError;
use crate::store::{StoreError, StoreErrorClass};
use crate::sync::{GateError, SyncError};
use crate::trust::description::Kind;
use crate::trust::file::TrustFileError;

/// How the program ends: the numbers of the gRPC status codes, which users of Baton
/// connectors know. Scripts are built on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Done = 0,
    /// A difference was asked for and found. Not a failure: whatever fails wins over it.
    Different = 1,
    /// An option or command that does not exist.
    Usage = 2,
    /// An invalid setting, argument or file.
    Invalid = 3,
    /// No answer in time.
    DeadlineExceeded = 4,
    /// The pool, resource or snapshot does not exist.
    NotFound = 5,
    /// It exists already.
    AlreadyExists = 6,
    /// A right is missing, or the sandbox refused.
    PermissionDenied = 7,
    /// The rate budget, or a quota of the service, is used up.
    RateExhausted = 8,
    /// Refused by the state of the system or a safety gate.
    Refused = 9,
    /// Interrupted.
    Interrupted = 10,
    /// The component can't do it.
    Lacking = 12,
    /// The component failed.
    Component = 13,
    /// The service, or the way to it, failed.
    Unavailable = 14,
    /// The credentials were rejected or have expired.
    Unauthenticated = 16,
}

/// A failure on its way to the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How the program ends.
    pub code: ExitCode,
    /// What failed and why.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The service's id of the request.
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            request_id: None,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What goes to standard error: text, and with JSON output an object too.
    pub fn render(&self, as_json: bool) -> String {
        let mut text = format!("error: {}\n", defused(&self.message));
        if let Some(hint) = &self.hint {
            text.push_str(&format!("hint: {}\n", defused(hint)));
        }
        if as_json {
            let object = json!({"error": {
                "code": self.code as u8,
                "message": self.message,
                "hint": self.hint,
                "request_id": self.request_id,
            }});
            text.push_str(&format!("{object}\n"));
        }
        text
    }
}

impl From<&Reported> for Failure {
    fn from(reported: &Reported) -> Self {
        let (code, hint) = match reported.code {
            ErrorCode::InvalidArgument => (ExitCode::Invalid, None),
            // The connector knows better which part of the credentials is wrong.
            ErrorCode::Unauthenticated => (ExitCode::Unauthenticated, None),
            ErrorCode::PermissionDenied => (
                ExitCode::PermissionDenied,
                Some(
                    "allow the action in the policy of this key; `connector validate` lists what is missing",
                ),
            ),
            ErrorCode::NotFound => (ExitCode::NotFound, None),
            ErrorCode::AlreadyExists => (ExitCode::AlreadyExists, None),
            ErrorCode::FailedPrecondition => (ExitCode::Refused, None),
            ErrorCode::Throttled => (
                ExitCode::RateExhausted,
                // Otherwise it is our own pace, and the message says so.
                reported.retryable.then_some(
                    "the account's quota is used up, perhaps by somebody else; try later or lower --max-rate",
                ),
            ),
            ErrorCode::QuotaExceeded | ErrorCode::Postponed => (ExitCode::RateExhausted, None),
            ErrorCode::DeadlineExceeded => (ExitCode::DeadlineExceeded, Some("try again")),
            ErrorCode::CursorExpired | ErrorCode::Unavailable => (
                ExitCode::Unavailable,
                Some("check the network, and --endpoint-url if one is set, then try again"),
            ),
            ErrorCode::BadResponse => (
                ExitCode::Unavailable,
                Some(
                    "something between here and the service changes its answers (a proxy, a captive portal?), or the endpoint is not the service",
                ),
            ),
            ErrorCode::OutcomeUnknown => (ExitCode::Unavailable, None),
            ErrorCode::DeniedByHost => (
                ExitCode::PermissionDenied,
                Some(
                    "of a run with --audit FILE `connector audit explain FILE` says which rule of the sandbox it was and what would allow it",
                ),
            ),
            ErrorCode::Internal => (ExitCode::Component, None),
        };
        Self {
            code,
            message: reported.to_string(),
            hint: hint.map(str::to_owned),
            request_id: reported.request_id.clone(),
        }
    }
}

impl From<&CallError> for Failure {
    fn from(error: &CallError) -> Self {
        match error {
            CallError::Reported(reported) => (&**reported).into(),
            CallError::LimitHit(hit) => Self {
                code: match hit.excess.party() {
                    Party::Component => ExitCode::Component,
                    Party::Service => ExitCode::Unavailable,
                },
                message: hit.to_string(),
                hint: Some(hit.excess.hint()),
                request_id: hit.request_id.clone(),
            },
            CallError::TimedOut { excess, .. } => {
                Self::new(ExitCode::DeadlineExceeded, error.to_string())
                    .hint(format!("try again; if it stays so: {}", excess.hint()))
            }
            CallError::OutcomeUnknown { source } => (&**source).into(),
            CallError::NotOffered { .. } => Self::new(ExitCode::Lacking, error.to_string())
                .hint("`connector capabilities` shows what it can do"),
            CallError::Trapped { .. } | CallError::BrokenContract { .. } => {
                Self::new(ExitCode::Component, error.to_string())
                    .hint("this is a defect of the component; report it with the output of `connector inspect`")
            }
        }
    }
}

impl From<CredentialsError> for Failure {
    fn from(error: CredentialsError) -> Self {
        let (code, hint) = match error {
            CredentialsError::Incomplete { .. } => (ExitCode::Invalid, None),
            CredentialsError::NotFound(_) => (
                ExitCode::Invalid,
                Some(
                    "give --aws-access-key-id and --aws-secret-access-key, or --profile NAME; \
                     an SSO profile needs `aws sso login` first",
                ),
            ),
            CredentialsError::Refused(_) => (
                ExitCode::Unauthenticated,
                Some("sign in again (`aws sso login`, or whatever the profile uses)"),
            ),
            CredentialsError::TimedOut(_) => (ExitCode::Unavailable, Some("try again")),
            CredentialsError::Unreachable(_) => (
                ExitCode::Unavailable,
                Some("check the network, and AWS_ENDPOINT_URL_STS or the like if one is set"),
            ),
            CredentialsError::Role { .. } => (
                ExitCode::Unauthenticated,
                Some(
                    "the trust policy of the role must allow sts:AssumeRole to these credentials, \
                     with the external id of --external-id if it asks for one",
                ),
            ),
        };
        Self {
            hint: hint.map(str::to_owned),
            ..Self::new(code, error.to_string())
        }
    }
}

impl From<ConnectorError> for Failure {
    fn from(error: ConnectorError) -> Self {
        (&error).into()
    }
}

impl From<&ConnectorError> for Failure {
    fn from(error: &ConnectorError) -> Self {
        match error {
            ConnectorError::Call(call) => call.into(),
            ConnectorError::Persistent { source, .. } => Self {
                message: error.to_string(),
                ..source.into()
            },
            ConnectorError::Credentials(credentials) => credentials.clone().into(),
        }
    }
}

impl From<&ProvisionError> for Failure {
    fn from(error: &ProvisionError) -> Self {
        let message = error.to_string();
        let invalid = || Self::new(ExitCode::Invalid, message.clone());
        match error {
            ProvisionError::Misfit(Misfit::NoAction { .. }) => {
                invalid().hint("`connector action list` shows them")
            }
            ProvisionError::Misfit(_) => invalid(),
            ProvisionError::Refused(Refused::Protected(_) | Refused::Loses { .. }) => {
                Self::new(ExitCode::Refused, message)
            }
            ProvisionError::Refused(Refused::TooMany { asked, .. }) => {
                Self::new(ExitCode::Refused, message)
                    .hint(format!("if that is meant, add --max-changes {asked}"))
            }
            ProvisionError::Interrupted => Self::new(ExitCode::Interrupted, message),
            ProvisionError::Failed(error) if error.is_not_found() => {
                let failure = Self::from(error);
                failure.hint(
                    "ids are exact, in upper and lower case too: `connector list` shows them after \
                     a sync, and an action takes the id without its kind",
                )
            }
            ProvisionError::Failed(error) => error.into(),
            ProvisionError::WithoutEffect { source } => Self {
                message,
                hint: Some("it is safe to run the command again".to_owned()),
                ..source.into()
            },
            ProvisionError::Unknown {
                source, look_at, ..
            } => Self {
                message,
                hint: Some(match look_at {
                    Some(id) => format!(
                        "look with `connector get {id}`; running the command again is safe: what is \
                         done already is not done twice"
                    ),
                    None => {
                        "look with the same command and --dry-run; running it again is safe: what \
                             is done already is not done twice"
                            .to_owned()
                    }
                }),
                ..match source {
                    Some(source) => (&**source).into(),
                    None => Self::new(ExitCode::Unavailable, ""),
                }
            },
            ProvisionError::Overstepped { source, .. } => Self {
                message,
                hint: Some(
                    "do not use this component before somebody has found out why it did that"
                        .to_owned(),
                ),
                ..source.into()
            },
            ProvisionError::Unwritten { .. } => Self::new(ExitCode::Invalid, message)
                .hint("make room or name another file with --audit"),
        }
    }
}

impl From<Misfit> for Failure {
    fn from(error: Misfit) -> Self {
        (&ProvisionError::from(error)).into()
    }
}

impl From<Refused> for Failure {
    fn from(error: Refused) -> Self {
        (&ProvisionError::from(error)).into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let (code, hint) = match error.class() {
            StoreErrorClass::Missing => (
                ExitCode::NotFound,
                Some("`connector sync` makes a snapshot; `connector syncs` shows what there is"),
            ),
            StoreErrorClass::Unusable => (ExitCode::Invalid, None),
            StoreErrorClass::InUse => (ExitCode::Refused, None),
            StoreErrorClass::Failed => (ExitCode::Invalid, None),
        };
        Self {
            hint: hint.map(str::to_owned),
            ..Self::new(code, error.to_string())
        }
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        let message = error.to_string();
        match error {
            SyncError::Read { source, .. } => Self {
                message,
                ..(*source).into()
            },
            SyncError::Circle { .. } => Self::new(ExitCode::Unavailable, message).hint(
                "sync again; if it stays so, something between here and the service (or an \
                 emulator, or the component itself) does not keep its place",
            ),
            SyncError::Unreachable(source) => (*source).into(),
            SyncError::Denied { source, .. } => {
                let source = Self::from(*source);
                Self {
                    hint: Some(
                        "allow these actions in the policy of the key and sync again".to_owned(),
                    ),
                    message: format!("{message}; the service said: {}", source.message),
                    ..source
                }
            }
            SyncError::Worker(_) => Self::new(ExitCode::Component, message),
            SyncError::TooManyVanished { .. } | SyncError::Contradiction(_) => {
                Self::new(ExitCode::Refused, message)
                    .hint("make sure that the system still exists, then sync again")
            }
            SyncError::Gate { source, sync_id } => {
                let look = format!("look at it with `connector list … --sync {sync_id}`");
                Self::new(ExitCode::Refused, message).hint(match source {
                    GateError::Shrunk { .. } => {
                        format!("{look}; if it is right, sync again with --allow-shrink")
                    }
                    GateError::Dangling { .. } | GateError::ListedLate { .. } => format!(
                        "{look}, and sync again: a sync at a quiet time should not have that"
                    ),
                    GateError::Twins(_) => format!(
                        "{look}, and sync again; if it stays so, the service contradicts itself"
                    ),
                    GateError::Ambiguous(_) => format!(
                        "look at the groups with a colon in their name (`connector list groups \
                         --sync {sync_id}`) and rename the one that imitates a grant"
                    ),
                })
            }
            SyncError::Store(error) => error.into(),
            SyncError::Interrupted { .. } => Self::new(ExitCode::Interrupted, message),
        }
    }
}

impl From<TrustFileError> for Failure {
    fn from(error: TrustFileError) -> Self {
        let message = error.to_string();
        match error {
            TrustFileError::Unprotected { remedy, .. } => {
                Self::new(ExitCode::PermissionDenied, message).hint(remedy)
            }
            TrustFileError::Io { .. }
            | TrustFileError::Newer { .. }
            | TrustFileError::Malformed { .. } => Self::new(ExitCode::Invalid, message),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::new(ExitCode::Component, error.to_string())
    }
}

impl From<SettingError> for Failure {
    fn from(error: SettingError) -> Self {
        let hint = match &error {
            SettingError::Missing { name, .. } => {
                let variable = super::variables::variable(name);
                Some(format!(
                    "give --{name}, set {variable}, or put it into connector.toml"
                ))
            }
            _ => None,
        };
        Self {
            hint,
            ..Self::new(ExitCode::Invalid, error.to_string())
        }
    }
}

/// Messages repeat what was typed and what services say; neither may steer a terminal.
pub(super) fn defused(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => c,
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// A word that is no kind of resource.
pub(super) fn no_kind(word: &str, kinds: &[Kind]) -> Failure {
    let known: Vec<&str> = kinds.iter().map(|kind| kind.id.as_str()).collect();
    Failure::new(
        ExitCode::Invalid,
        format!(
            "`{word}` is no kind of resource here; there are {}",
            known.join(" and ")
        ),
    )
}

/// Why a file can't be used as a component.
pub(super) fn load_failure(what: &str, error: &LoadError) -> Failure {
    let code = match error {
        LoadError::NotWasm
        | LoadError::CoreModule
        | LoadError::UnknownLayer
        | LoadError::TooLarge { .. }
        | LoadError::Invalid(_) => ExitCode::Invalid,
        LoadError::NotAConnector { .. }
        | LoadError::OtherContract { .. }
        | LoadError::UnknownImports { .. }
        | LoadError::Engine(_) => ExitCode::Component,
    };
    Failure::new(code, format!("{what} can't be run: {error}"))
}
