//! AWS credentials: where they come from, how they stay good, and who gets to see them.
//!
//! [`CredentialSource`] hands out those that were given, or those of the ordinary chain of
//! the AWS tools, or of a role assumed with either ([`chain`]), and fetches them anew
//! ahead of their expiry. [`Keys`] decides what a component is given: by default none, or
//! placeholders, because the host signs in its place and no real key enters the sandbox.

mod account;
mod chain;
mod keys;
mod source;
#[cfg(test)]
pub(crate) mod testing;

use std::fmt;
use std::time::SystemTime;

pub use chain::{Role, Wanted};
pub use keys::{Keys, NoPlaceholder};
pub use source::CredentialSource;

/// A key that can sign.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id; not secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token of temporary credentials.
    pub session_token: Option<String>,
    /// When they end; `None` for long-term keys.
    pub expires: Option<SystemTime>,
}

impl Credentials {
    fn has_expired(&self) -> bool {
        self.expires
            .is_some_and(|expires| expires <= SystemTime::now())
    }

    /// Whether they are good for a while yet.
    pub fn is_fresh(&self) -> bool {
        self.expires
            .is_none_or(|expires| SystemTime::now() + source::EXPIRY_MARGIN < expires)
    }
}

/// Shows the key id and no secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// No credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Half of a key.
    #[error(
        "`{given}` is given without `{missing}`; give both, or neither to use the AWS credential chain"
    )]
    Incomplete {
        /// What was given.
        given: String,
        /// What was not.
        missing: String,
    },
    /// The chain has none, or what it was told to use is wrong.
    #[error(
        "no AWS credentials: none were given, and the AWS credential chain (environment, profile, SSO, \
         web identity, container, instance) has none: {0}"
    )]
    NotFound(String),
    /// Whoever gives out credentials refused.
    #[error("the AWS credential chain was refused credentials (has a session expired?): {0}")]
    Refused(String),
    /// Whoever gives out credentials did not answer.
    #[error("the AWS credential chain got no answer in time: {0}")]
    TimedOut(String),
    /// Whoever gives out credentials can't be reached.
    #[error("who gives out AWS credentials can't be reached: {0}")]
    Unreachable(String),
    /// The credentials are there and may not become the role.
    #[error("the role {arn} could not be assumed: {causes}")]
    Role {
        /// The role.
        arn: String,
        /// What the token service said.
        causes: String,
    },
}

impl CredentialsError {
    /// Whether nobody has refused anything: it may be otherwise in a moment.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::TimedOut(_) | Self::Unreachable(_))
    }

    fn of_chain(error: &aws_credential_types::provider::error::CredentialsError) -> Self {
        use aws_credential_types::provider::error::CredentialsError as Chain;
        let causes = causes(error);
        match error {
            Chain::CredentialsNotLoaded(_) | Chain::InvalidConfiguration(_) => {
                Self::NotFound(causes)
            }
            Chain::ProviderTimedOut(_) => Self::TimedOut(causes),
            _ if is_of_the_way(error) => Self::Unreachable(causes),
            _ => Self::Refused(causes),
        }
    }
}

/// Whether something went wrong on the way, so that nobody has refused anything. What is
/// wrong with a file or a program that the chain was told to use is none of that.
fn is_of_the_way(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind as Kind;
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| {
            !matches!(
                error.kind(),
                Kind::InvalidData
                    | Kind::InvalidInput
                    | Kind::NotFound
                    | Kind::Other
                    | Kind::PermissionDenied
                    | Kind::Unsupported
            )
        })
    })
}

/// The SDK's error and what it was caused by, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
