//! Why an exchange failed, in words for people; the mapping to the codes that a
//! component sees is in [`crate::egress::hook`].

use std::error::Error as StdError;
use std::time::Duration;

use crate::egress::address::Refused;
use crate::egress::words::Failure;

/// Why an exchange failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The name does not resolve.
    #[error("{host} does not resolve: {reason}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// The resolver is too slow.
    #[error("{host} was not resolved within {limit:?}")]
    ResolveTimeout {
        /// The name.
        host: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// Every address was refused.
    #[error(
        "{host} may not be connected to: {}{}",
        list(.refused),
        hint(.refused)
    )]
    Prohibited {
        /// The name.
        host: String,
        /// What was refused, and why.
        refused: Vec<Refused>,
    },
    /// Too many connections are open.
    #[error("no connection to {host} became free within {limit:?}: too many are open")]
    ConnectionLimit {
        /// The host.
        host: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// Nobody accepts the connection.
    #[error("cannot connect to {host}: {reason}")]
    Connect {
        /// The host.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// The connection was not there in time.
    #[error("no connection to {host} within {limit:?} ({phase})")]
    ConnectTimeout {
        /// The host.
        host: String,
        /// How long it was waited for.
        limit: Duration,
        /// What took too long.
        phase: &'static str,
    },
    /// The server's certificate is not trusted.
    #[error("the certificate of {host} is not trusted: {reason}")]
    Certificate {
        /// The host.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS handshake failed otherwise.
    #[error("no TLS connection to {host}: {reason}")]
    Tls {
        /// The host.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The head of the answer did not come in time.
    #[error("no answer within {0:?}")]
    FirstByteTimeout(Duration),
    /// The body of the answer paused too long.
    #[error("the answer paused for more than {0:?}")]
    BetweenBytesTimeout(Duration),
    /// The exchange did not end in time.
    #[error("the answer was not complete when the request's time was over")]
    Deadline,
    /// The header section of the answer is too large.
    #[error("the answer's headers are larger or more than this host takes")]
    HeaderSize,
    /// The body of the answer is too large.
    #[error("the answer's body is larger than {limit} bytes")]
    BodySize {
        /// What is allowed.
        limit: u64,
    },
    /// The answer ended before its end.
    #[error("the connection broke before the answer was complete")]
    Incomplete,
    /// The answer is not HTTP.
    #[error("the answer is not understood: {0}")]
    Protocol(String),
}

impl TransportError {
    /// Whether the service may have got the request.
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            Self::Resolve { .. }
            | Self::ResolveTimeout { .. }
            | Self::Prohibited { .. }
            | Self::ConnectionLimit { .. }
            | Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::Certificate { .. }
            | Self::Tls { .. } => false,
            Self::FirstByteTimeout(_)
            | Self::BetweenBytesTimeout(_)
            | Self::Deadline
            | Self::HeaderSize
            | Self::BodySize { .. }
            | Self::Incomplete
            | Self::Protocol(_) => true,
        }
    }

    /// One word for audit records.
    pub fn phase(&self) -> &'static str {
        let failure = match self {
            Self::Resolve { .. } | Self::ResolveTimeout { .. } => Failure::Resolve,
            Self::Prohibited { .. } => Failure::Address,
            Self::ConnectionLimit { .. } => Failure::ConnectionLimit,
            Self::Connect { .. } | Self::ConnectTimeout { .. } => Failure::Connect,
            Self::Certificate { .. } | Self::Tls { .. } => Failure::Tls,
            Self::FirstByteTimeout(_) | Self::BetweenBytesTimeout(_) | Self::Deadline => {
                Failure::Timeout
            }
            Self::HeaderSize | Self::BodySize { .. } => Failure::Size,
            Self::Incomplete => Failure::Incomplete,
            Self::Protocol(_) => Failure::Protocol,
        };
        failure.word()
    }

    /// Reads the error of the pooled client.
    pub(super) fn from_client(error: &hyper_util::client::legacy::Error) -> Self {
        let mut source: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(current) = source {
            if let Some(own) = current.downcast_ref::<Self>() {
                return own.clone();
            }
            if let Some(hyper) = current.downcast_ref::<hyper::Error>() {
                return Self::from_hyper(hyper);
            }
            source = current.source();
        }
        Self::Protocol(error.to_string())
    }

    /// Reads an error of the HTTP implementation.
    pub(super) fn from_hyper(error: &hyper::Error) -> Self {
        if error.is_parse_too_large() {
            return Self::HeaderSize;
        }
        let broke = error
            .source()
            .is_some_and(|source| source.downcast_ref::<std::io::Error>().is_some());
        if error.is_incomplete_message() || error.is_closed() || error.is_canceled() || broke {
            return Self::Incomplete;
        }
        // Its text describes the syntax error and repeats nothing of the answer.
        Self::Protocol(error.to_string())
    }
}

fn list(refused: &[Refused]) -> String {
    let texts: Vec<_> = refused.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

fn hint(refused: &[Refused]) -> &'static str {
    use crate::egress::address::Class;
    let local = |reason: &Refused| {
        matches!(
            reason,
            Refused::Class {
                class: Class::Loopback | Class::Private,
                ..
            }
        )
    };
    if refused.iter().any(local) {
        " (hint: only an endpoint named with --endpoint-url may be there)"
    } else {
        ""
    }
}
