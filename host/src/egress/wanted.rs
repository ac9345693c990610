//! What a refused request wanted, for the audit file.
//!
//! Whoever looks at a refusal later must be able to tell a wrong setting from an attack. So
//! it is said which operation, place or member it was about, and never with which value.
//! A component chooses some of these words, so they are bounded and hold no control
//! characters; and it may put into them whatever it knows, which is one more reason why it
//! is not told a secret.

use serde::{Deserialize, Serialize};

use super::origin::OriginError;
use super::policy::Denied;

/// More than any honest name or reason takes.
const LONGEST: usize = 240;

/// What a request was about. Absent is what the refusal does not depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// The operation that it asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Where it wanted to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The member of the request that was not as it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// What would have been allowed in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
    /// What exactly is wrong, where the rule does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<&Denied> for Wanted {
    fn from(denied: &Denied) -> Self {
        let some = |text: &str| Some(bounded(text));
        let none = Self::default();
        match denied {
            Denied::NoCall { host } => Self {
                origin: some(host),
                ..none
            },
            // The text of the error may repeat a path, and ids stand in paths.
            Denied::Url(OriginError::Authority { text, reason }) => Self {
                origin: some(text),
                reason: some(reason),
                ..none
            },
            Denied::Url(_) => Self {
                reason: some("its URL is neither http nor https"),
                ..none
            },
            Denied::Origin { asked, allowed } => Self {
                origin: some(asked),
                allowed: some(&allowed.to_string()),
                ..none
            },
            Denied::Protocol { host, reason } => Self {
                origin: some(host),
                reason: some(reason),
                ..none
            },
            Denied::UnknownOperation { operation }
            | Denied::ReadingCall { operation, .. }
            | Denied::ProvisioningOff { operation }
            | Denied::SecondChange { operation } => Self {
                operation: some(operation),
                ..none
            },
            Denied::Function {
                operation,
                assigned,
                ..
            } => Self {
                operation: some(operation),
                allowed: some(assigned),
                ..none
            },
            Denied::Header { operation, reason } => Self {
                operation: some(operation),
                reason: some(reason),
                ..none
            },
            Denied::BodySize { limit } => Self {
                allowed: some(&format!("{limit} bytes")),
                ..none
            },
            Denied::Body { operation, reason } => Self {
                operation: some(operation),
                reason: some(reason),
                ..none
            },
            Denied::Member { operation, member } => Self {
                operation: some(operation),
                member: some(member),
                ..none
            },
            Denied::Bound {
                operation,
                member,
                expected,
            } => Self {
                operation: some(operation),
                member: some(member),
                allowed: some(expected),
                ..none
            },
        }
    }
}

#[cfg(feature = "sandbox")]
impl Wanted {
    /// What a request wanted that got no answer, as far as that says why.
    pub(super) fn of(error: &super::EgressError) -> Option<Self> {
        use super::EgressError;
        match error {
            EgressError::Denied(denied) => Some(denied.into()),
            EgressError::Transport(_)
            | EgressError::Rate(_)
            | EgressError::Postponed { .. }
            | EgressError::HeaderFields { .. } => Some(Self {
                reason: Some(bounded(&error.to_string())),
                ..Self::default()
            }),
            // What a component says of its own request may be anything, and so may what the
            // source of credentials says. The command itself tells it.
            EgressError::RequestBody(_) | EgressError::Credentials(_) => None,
            EgressError::CallDeadline => None,
        }
    }
}

/// A text that may end up on somebody's terminal.
fn bounded(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(LONGEST)
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_component_chose_is_bounded_and_steers_no_terminal() {
        let operation = format!("\u{1b}[2J{}", "x".repeat(1000));
        let denied = Denied::UnknownOperation { operation };
        let wanted = Wanted::from(&denied).operation.unwrap();
        assert_eq!(wanted.chars().count(), LONGEST + 1);
        assert!(wanted.starts_with("\u{fffd}[2Jxxx"), "{wanted}");
    }

    #[test]
    fn neither_a_path_nor_user_info_of_a_url_is_repeated() {
        for (url, expected) in [
            ("ftp://host/users/alice", None),
            ("https://alice:s3cret@host/", Some("@host")),
        ] {
            let uri: http::Uri = url.parse().unwrap();
            let error = super::super::Origin::of_request(&uri).unwrap_err();
            let wanted = Wanted::from(&Denied::Url(error));
            assert_eq!(wanted.origin.as_deref(), expected, "{url}");
            let text = serde_json::to_string(&wanted).unwrap();
            assert!(
                !text.contains("alice") && !text.contains("s3cret"),
                "{text}"
            );
        }
    }
}
