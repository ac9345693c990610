//! The words by which audit records say why a request got no answer.
//!
//! They are read by people and by programs for years, so that each is defined once.

/// Defines the words with their names, so that none can be missing from the list of all.
macro_rules! words {
    ($(#[$of:meta])* $name:ident { $($(#[$doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$of])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $word,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$word,)+];

            /// As audit records have it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$word => $text,)+ }
            }
        }
    };
}

words! {
    /// A rule of the policy, which refuses a request before it is sent.
    Rule {
        /// No call that may use the network is in progress.
        NoCall = "no-call",
        /// It goes elsewhere.
        Origin = "origin",
        /// It does not follow the protocol.
        Protocol = "protocol",
        /// The trust record does not have the operation.
        Operation = "operation",
        /// The operation belongs to another call.
        Function = "function",
        /// It changes something in a call that is for reading.
        ReadingCall = "reading-call",
        /// It changes something, and that is switched off.
        Provisioning = "provisioning",
        /// The call has sent a change already.
        SecondChange = "second-change",
        /// A header makes it ambiguous.
        Header = "header",
        /// Its body is too large, or it has too many headers.
        Size = "size",
        /// Its body cannot be judged.
        Body = "body",
        /// It carries something that the trust record does not name.
        Member = "member",
        /// A member does not have the one value that it may have.
        Binding = "binding",
    }
}

words! {
    /// Why a request that the policy permits got no answer.
    Failure {
        /// The name does not resolve.
        Resolve = "resolve",
        /// No address of the name may be connected to.
        Address = "address",
        /// Too many connections are open.
        ConnectionLimit = "connection-limit",
        /// Nobody accepts the connection.
        Connect = "connect",
        /// No TLS connection.
        Tls = "tls",
        /// No answer in time.
        Timeout = "timeout",
        /// The answer is too large.
        Size = "size",
        /// The answer broke off.
        Incomplete = "incomplete",
        /// The answer is not HTTP.
        Protocol = "protocol",
        /// There are no credentials to sign it with.
        Credentials = "credentials",
        /// The component did not write it to its end.
        RequestBody = "request-body",
        /// The call ended before it was sent.
        CallDeadline = "call-deadline",
    }
}
