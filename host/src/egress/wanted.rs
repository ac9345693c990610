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

/// A text that may end up on somebody's terminal.
pub(super) fn bounded(text: &str) -> String {
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
    use crate::egress::Origin;

    #[test]
    fn what_a_component_chose_is_bounded_and_steers_no_terminal() {
        let operation = format!("\u{1b}[2J{}", "x".repeat(1000));
        let denied = Denied::UnknownOperation { operation };
        let wanted = Wanted::from(&denied).operation.unwrap();
        assert_eq!(wanted.chars().count(), LONGEST + 1);
        assert!(wanted.starts_with("\u{fffd}[2Jxxx"), "{wanted}");
    }

    #[test]
    fn every_refusal_says_what_was_wanted() {
        use serde_json::json;

        let operation = || "Delete".to_owned();
        let text = str::to_owned;
        let allowed = Origin::parse("https://idp.example").unwrap();
        for (denied, expected) in [
            (
                Denied::NoCall {
                    host: text("https://evil.example"),
                },
                json!({"origin": "https://evil.example"}),
            ),
            (
                Denied::Url(Origin::parse("https://evil.example:0").unwrap_err()),
                json!({"origin": "evil.example:0", "reason": "port 0 means no port"}),
            ),
            (
                Denied::Url(Origin::parse("ftp://evil.example").unwrap_err()),
                json!({"reason": "its URL is neither http nor https"}),
            ),
            (
                Denied::Origin {
                    asked: text("https://evil.example"),
                    allowed,
                },
                json!({"origin": "https://evil.example", "allowed": "https://idp.example"}),
            ),
            (
                Denied::Protocol {
                    host: text("https://idp.example"),
                    reason: text("why"),
                },
                json!({"origin": "https://idp.example", "reason": "why"}),
            ),
            (
                Denied::UnknownOperation {
                    operation: operation(),
                },
                json!({"operation": "Delete"}),
            ),
            (
                Denied::ReadingCall {
                    operation: operation(),
                    function: text("sync.list-resources"),
                },
                json!({"operation": "Delete"}),
            ),
            (
                Denied::ProvisioningOff {
                    operation: operation(),
                },
                json!({"operation": "Delete"}),
            ),
            (
                Denied::SecondChange {
                    operation: operation(),
                },
                json!({"operation": "Delete"}),
            ),
            (
                Denied::Function {
                    operation: operation(),
                    function: text("sync.list-resources"),
                    assigned: text("provisioning.delete-account"),
                },
                json!({"operation": "Delete", "allowed": "provisioning.delete-account"}),
            ),
            (
                Denied::Header {
                    operation: operation(),
                    reason: text("why"),
                },
                json!({"operation": "Delete", "reason": "why"}),
            ),
            (Denied::BodySize { limit: 7 }, json!({"allowed": "7 bytes"})),
            (
                Denied::Body {
                    operation: operation(),
                    reason: "why",
                },
                json!({"operation": "Delete", "reason": "why"}),
            ),
            (
                Denied::Member {
                    operation: operation(),
                    member: text("/Force"),
                },
                json!({"operation": "Delete", "member": "/Force"}),
            ),
            (
                Denied::Bound {
                    operation: operation(),
                    member: text("/Username"),
                    expected: text("the account of the call"),
                },
                json!({
                    "operation": "Delete",
                    "member": "/Username",
                    "allowed": "the account of the call",
                }),
            ),
        ] {
            let wanted = serde_json::to_value(Wanted::from(&denied)).unwrap();
            assert_eq!(wanted, expected, "{denied:?}");
        }
    }

    #[test]
    fn neither_a_path_nor_user_info_of_a_url_is_repeated() {
        for (url, expected) in [
            ("ftp://host/users/alice", None),
            ("https://alice:s3cret@host/", Some("@host")),
        ] {
            let uri: http::Uri = url.parse().unwrap();
            let error = Origin::of_request(&uri).unwrap_err();
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
