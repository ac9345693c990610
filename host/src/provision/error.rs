//! Why a change was not made, or is not known to be made.

use std::io;

use super::Done;
use super::check::Misfit;
use super::rules::Refused;
use crate::change::Outcome;
use crate::connector::ConnectorError;
use crate::model::ResourceId;
use crate::trust::description::Description;

/// Why a change was not made, or is not known to be made.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// It does not fit what the component can do.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The operator's rules forbid it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The end was asked for before it was sent.
    #[error("interrupted before anything was changed")]
    Interrupted,
    /// The state before it could not be read, or it failed. Nothing was changed.
    #[error(transparent)]
    Failed(#[from] ConnectorError),
    /// It was sent, and a look afterwards shows that it did not take effect.
    #[error("{}", without_effect(source))]
    WithoutEffect {
        /// What happened to it.
        source: ConnectorError,
    },
    /// It was sent, and whether it took effect is not known.
    #[error("{what}; its outcome is unknown: {why}")]
    Unknown {
        /// What happened to it.
        what: String,
        /// Why looking did not help.
        why: String,
        /// The error that it ended with, if it did.
        source: Option<Box<ConnectorError>>,
        /// What people should look at.
        look_at: Option<ResourceId>,
    },
    /// It was made, and the component tried to do more.
    #[error(
        "{source}; the change itself took effect ({}), and nothing else was let out",
        done.outcome.as_str()
    )]
    Overstepped {
        /// What the change came to.
        done: Box<Done>,
        /// What was refused.
        source: ConnectorError,
    },
    /// What happens can't be written down, so nothing more is changed.
    #[error("the audit file can't be written: {source}; {}", meanwhile(made.as_ref()))]
    Unwritten {
        /// Why not.
        source: io::Error,
        /// What the change that it happened at came to; `None` if it was not made.
        made: Option<Result<Outcome, Box<ProvisionError>>>,
    },
}

impl ProvisionError {
    /// What may be written down: messages of services and components repeat values.
    pub(super) fn for_the_record(&self, description: &Description) -> String {
        match self {
            Self::Misfit(_) => "it does not fit what the component can do".to_owned(),
            Self::Refused(_) | Self::Interrupted => self.to_string(),
            Self::Failed(error)
            | Self::WithoutEffect { source: error }
            | Self::Overstepped { source: error, .. } => recorded(error, description),
            Self::Unknown { source, .. } => match source {
                Some(error) => recorded(error, description),
                None => "accepted by the service, and not seen afterwards".to_owned(),
            },
            Self::Unwritten { .. } => "the record could not be written".to_owned(),
        }
    }
}

/// An error without anything that a component could have put into it.
fn recorded(error: &ConnectorError, description: &Description) -> String {
    let Some(reported) = error.reported() else {
        return match error {
            ConnectorError::Credentials(_) => "there were no credentials".to_owned(),
            ConnectorError::Call(_) | ConnectorError::Persistent { .. } => {
                "the component failed, or did not finish".to_owned()
            }
        };
    };
    let operation = reported
        .operation
        .as_deref()
        .and_then(|name| description.wire.operation(name))
        .map_or("no operation", |operation| &operation.name);
    let is_plain = |id: &&str| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_graphic());
    let request = reported.request_id.as_deref().filter(is_plain);
    format!(
        "{:?} at {operation}, request {}",
        reported.code,
        request.unwrap_or("unknown")
    )
}

/// Components say themselves what their own look has shown.
fn without_effect(source: &ConnectorError) -> String {
    let text = source.to_string();
    if text.contains("nothing has changed") {
        return text;
    }
    format!("{text}; looking at it afterwards shows that nothing has changed")
}

fn meanwhile(made: Option<&Result<Outcome, Box<ProvisionError>>>) -> String {
    match made {
        None => "the change was not made".to_owned(),
        Some(Ok(outcome)) => {
            format!("the change was made all the same ({})", outcome.as_str())
        }
        Some(Err(error)) => format!("the change itself ended so: {error}"),
    }
}
