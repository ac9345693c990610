//! Why a request is not sent, in words for an operator and in one word for audit records.

use crate::egress::origin::{Origin, OriginError};
use crate::egress::words::Rule;

/// A request that may not be sent, and which rule refused it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No contract function that may use the network is in progress.
    #[error(
        "request to {host} refused: no call that may use the network is in progress; describing \
         a component and starting it happen without network"
    )]
    NoCall {
        /// Where it wanted to go.
        host: String,
    },
    /// The URL is malformed or misleading.
    #[error("request refused: {0}")]
    Url(OriginError),
    /// It goes somewhere else.
    #[error("request to {asked} refused: this connection may only reach {allowed}")]
    Origin {
        /// Where it wanted to go.
        asked: String,
        /// Where it may go.
        allowed: Origin,
    },
    /// It does not follow the protocol of the trust record.
    #[error("request to {host} refused: {reason}; the component does not keep to its own protocol")]
    Protocol {
        /// Where it wanted to go.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The trust record does not have the operation.
    #[error(
        "operation '{operation}' refused: it is not in the component's trust record; a newer \
         component needs a new approval"
    )]
    UnknownOperation {
        /// What was asked for.
        operation: String,
    },
    /// The operation belongs to another contract function.
    #[error(
        "operation {operation} refused during {function}: the trust record allows it only \
         during {assigned}"
    )]
    Function {
        /// The operation.
        operation: String,
        /// The contract function in progress.
        function: String,
        /// The contract functions that may send it.
        assigned: String,
    },
    /// It changes something in a call that is for reading.
    #[error(
        "operation {operation} refused during {function}: it changes something, and that call \
         only reads"
    )]
    ReadingCall {
        /// The operation.
        operation: String,
        /// The contract function in progress.
        function: String,
    },
    /// It changes something, and that is switched off.
    #[error("operation {operation} refused: it changes something, and provisioning is off")]
    ProvisioningOff {
        /// The operation.
        operation: String,
    },
    /// The call has sent a change already.
    #[error(
        "operation {operation} refused: this call has sent a change already, and it was not \
         refused; a change is never sent twice"
    )]
    SecondChange {
        /// The operation.
        operation: String,
    },
    /// A header that makes the request ambiguous.
    #[error("operation {operation} refused: {reason}")]
    Header {
        /// The operation.
        operation: String,
        /// What is wrong.
        reason: String,
    },
    /// The body is larger than any honest request.
    #[error("request body refused: it is larger than {limit} bytes")]
    BodySize {
        /// What is allowed.
        limit: usize,
    },
    /// The body cannot be judged.
    #[error("operation {operation} refused: {reason}")]
    Body {
        /// The operation.
        operation: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// It carries something that the trust record does not name.
    #[error(
        "operation {operation} refused: it carries '{member}', which the trust record does not \
         let it send in this call"
    )]
    Member {
        /// The operation.
        operation: String,
        /// The member of the request.
        member: String,
    },
    /// A member does not have the one value that it may have.
    #[error("operation {operation} refused: its {member} is not {expected}")]
    Bound {
        /// The operation.
        operation: String,
        /// The member of the request.
        member: String,
        /// What it should have been, in words and never as a value.
        expected: String,
    },
}

impl Denied {
    /// The rule that refused, in one word for audit records.
    pub fn rule(&self) -> &'static str {
        let rule = match self {
            Self::NoCall { .. } => Rule::NoCall,
            Self::Url(_) | Self::Origin { .. } => Rule::Origin,
            Self::Protocol { .. } => Rule::Protocol,
            Self::UnknownOperation { .. } => Rule::Operation,
            Self::Function { .. } => Rule::Function,
            Self::ReadingCall { .. } => Rule::ReadingCall,
            Self::ProvisioningOff { .. } => Rule::Provisioning,
            Self::SecondChange { .. } => Rule::SecondChange,
            Self::Header { .. } => Rule::Header,
            Self::BodySize { .. } => Rule::Size,
            Self::Body { .. } => Rule::Body,
            Self::Member { .. } => Rule::Member,
            Self::Bound { .. } => Rule::Binding,
        };
        rule.word()
    }
}
