//! Why a request got no answer.

use std::time::Duration;

use super::audit::Verdict;
use super::policy::Denied;
use super::transport::TransportError;
use super::wanted::{Wanted, bounded};
use super::words::{Failure, Rule};
use crate::credentials::CredentialsError;
use crate::limits::deadline;
use crate::limits::rate::RateError;

/// Why a request got no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EgressError {
    /// The policy refused it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The pace left no room for it.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// The pace has room for it, but later than what the component wrote into it is good.
    #[error(
        "the pace leaves no room within {} s, and a request that the component has signed can't \
         wait longer", deadline::DATED_REQUEST.as_secs()
    )]
    Postponed {
        /// When to make it anew, so that it need not wait too long again.
        wait: Duration,
    },
    /// There are no credentials to sign it with.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// It could not be sent, or its answer could not be read.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It has more headers than any honest request.
    #[error("request refused: it has {count} header fields")]
    HeaderFields {
        /// How many it has.
        count: usize,
    },
    /// The component did not finish writing it.
    #[error("the component did not write its request to the end: {0}")]
    RequestBody(String),
    /// The call's time was over before the request could be sent.
    #[error("the call's time was over before its request was complete")]
    CallDeadline,
}

impl EgressError {
    /// What an audit record says of it.
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Denied(denied) => Verdict::Denied(denied.rule()),
            Self::Rate(_) | Self::Postponed { .. } => Verdict::NoPermit,
            Self::Credentials(_) => Verdict::Failed(Failure::Credentials.word()),
            Self::Transport(error) => Verdict::Failed(error.phase()),
            Self::HeaderFields { .. } => Verdict::Denied(Rule::Size.word()),
            Self::RequestBody(_) => Verdict::Failed(Failure::RequestBody.word()),
            Self::CallDeadline => Verdict::Failed(Failure::CallDeadline.word()),
        }
    }

    /// What the request wanted, as far as that says why it got no answer.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        match self {
            Self::Denied(denied) => Some(denied.into()),
            Self::Transport(_)
            | Self::Rate(_)
            | Self::Postponed { .. }
            | Self::HeaderFields { .. } => Some(Wanted {
                reason: Some(bounded(&self.to_string())),
                ..Wanted::default()
            }),
            // What a component says of its own request may be anything, and so may what the
            // source of credentials says. The command itself tells it.
            Self::RequestBody(_) | Self::Credentials(_) | Self::CallDeadline => None,
        }
    }
}
