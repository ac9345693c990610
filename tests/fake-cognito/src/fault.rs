//! Faults on demand: which requests go wrong, and how.
//!
//! Rules are counted and drawn from seeds, never from time, so that a failing run can be repeated.
//! By default a fault that replaces the answer strikes before the operation takes effect;
//! [`Rule::after_effect`] lets the operation happen first, which is how a client meets a timeout
//! after a successful write.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::answer::Refusal;
use crate::api::Twist;
use crate::hash::draw;
use crate::operation::Operation;

/// A complete answer that the service did not make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Header names and values; `Date` and the request id are added.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// What becomes of the member that holds the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListMember {
    /// It is not there.
    Absent,
    /// It is null.
    Null,
    /// It is a text instead of a list.
    WrongType,
}

/// Holds requests up until a test has done what must happen before they are looked at.
/// Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<tokio::sync::watch::Sender<bool>>);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn closed() -> Self {
        Self(Arc::new(tokio::sync::watch::Sender::new(false)))
    }

    /// Lets everything through from now on.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn pass(&self) {
        // The sender is this gate itself, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

impl PartialEq for Gate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Gate {}

/// One way to go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another answer instead of the service's own.
    Reply(Reply),
    /// The connection closes without an answer.
    Drop,
    /// Nothing is ever sent; the connection stays open until the client or the server goes.
    Hang,
    /// The answer comes, but later.
    Delay(Duration),
    /// The request is looked at only after the gate was opened.
    HeldUntil(Gate),
    /// The JSON is cut in the middle, and `Content-Length` agrees with what is left.
    Truncate,
    /// The connection closes in the middle of the body that `Content-Length` announced.
    Abort,
    /// The body comes in small pieces.
    Drip {
        /// Bytes in a piece.
        bytes: usize,
        /// Time between two pieces.
        pause: Duration,
    },
    /// A body that does not end, sent as chunks.
    Endless,
    /// The list of the answer is not a list.
    List(ListMember),
    /// A byte in the middle of the answer is not UTF-8.
    InvalidUtf8,
    /// The answer claims to be of another type.
    ContentType(String),
    /// The answer carries more headers, e.g. `Age`.
    Headers(Vec<(String, String)>),
    /// Every occurrence of a text in the answer becomes another, e.g. a timestamp's form.
    Replace {
        /// The text to look for.
        from: String,
        /// The text in its place.
        to: String,
    },
    /// The list's token leads to the same page again and again.
    RepeatToken,
    /// The token of the request is accepted and the list starts over.
    Restart,
    /// The page begins with the last row of the page before.
    Overlap,
    /// All rows are sent at once, whatever the limit.
    Oversize,
}

impl Fault {
    /// An error in the form of the operations.
    #[must_use]
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let body = serde_json::json!({"__type": kind, "message": message});
        Self::Reply(Reply {
            status,
            headers: vec![
                (
                    "content-type".to_owned(),
                    "application/x-amz-json-1.1".to_owned(),
                ),
                ("x-amzn-errortype".to_owned(), format!("{kind}:")),
            ],
            body: Bytes::from(body.to_string()),
        })
    }

    /// "Rate exceeded", as documented.
    #[must_use]
    pub fn throttled() -> Self {
        let refusal = Refusal::throttled();
        Self::error(refusal.status, refusal.kind, &refusal.message)
    }

    /// A page for people, as a proxy or a load balancer sends it; 200 is a captive portal.
    #[must_use]
    pub fn html(status: u16) -> Self {
        Self::Reply(Reply {
            status,
            headers: vec![("content-type".to_owned(), "text/html".to_owned())],
            body: Bytes::from_static(
                b"<html><head><title>Not what you asked for</title></head></html>",
            ),
        })
    }

    /// A 307 to another place.
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        Self::Reply(Reply {
            status: 307,
            headers: vec![("location".to_owned(), location.to_owned())],
            body: Bytes::new(),
        })
    }

    /// 200 with `Content-Encoding: gzip` that nobody asked for, around bytes that are not gzip.
    #[must_use]
    pub fn garbage_gzip() -> Self {
        Self::Reply(Reply {
            status: 200,
            headers: vec![
                (
                    "content-type".to_owned(),
                    "application/x-amz-json-1.1".to_owned(),
                ),
                ("content-encoding".to_owned(), "gzip".to_owned()),
            ],
            body: Bytes::from_static(b"\x1f\x8b\x08\x00\xff\xff\xff\xff garbage"),
        })
    }

    /// A 200 without a body where JSON is due.
    #[must_use]
    pub fn empty() -> Self {
        Self::Reply(Reply {
            status: 200,
            headers: vec![(
                "content-type".to_owned(),
                "application/x-amz-json-1.1".to_owned(),
            )],
            body: Bytes::new(),
        })
    }

    /// Adds a header to a replacing answer or to the service's own, e.g. `x-amz-retry-after`.
    #[must_use]
    pub fn with_header(self, name: &str, value: &str) -> Self {
        let header = (name.to_owned(), value.to_owned());
        match self {
            Self::Reply(mut reply) => {
                reply.headers.push(header);
                Self::Reply(reply)
            }
            Self::Headers(mut headers) => {
                headers.push(header);
                Self::Headers(headers)
            }
            other => other,
        }
    }

    /// Whether the service's own answer is not used at all.
    pub(crate) fn replaces_answer(&self) -> bool {
        matches!(
            self,
            Self::Reply(_) | Self::Drop | Self::Hang | Self::Endless
        )
    }

    pub(crate) fn twist(&self) -> Twist {
        match self {
            Self::RepeatToken => Twist::RepeatToken,
            Self::Restart => Twist::Restart,
            Self::Overlap => Twist::Overlap,
            Self::Oversize => Twist::Oversize,
            _ => Twist::None,
        }
    }

    /// What the fault makes of the bytes of a successful answer.
    pub(crate) fn spoil(&self, operation: Option<Operation>, body: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Truncate => {
                let keep = body.len() / 2;
                let mut body = body;
                body.truncate(keep);
                body
            }
            Self::InvalidUtf8 => {
                let mut body = body;
                // Right after the opening brace's first quote, so that it lands inside a text.
                if let Some(at) = body.iter().position(|byte| *byte == b'"') {
                    body.insert(at + 1, 0xff);
                }
                body
            }
            Self::Replace { from, to } => String::from_utf8_lossy(&body)
                .replace(from.as_str(), to)
                .into_bytes(),
            Self::List(how) => {
                let member = operation.and_then(Operation::list_member);
                let parsed = serde_json::from_slice::<Value>(&body).ok();
                let (Some(member), Some(Value::Object(mut members))) = (member, parsed) else {
                    return body;
                };
                match how {
                    ListMember::Absent => members.remove(member),
                    ListMember::Null => members.insert(member.to_owned(), Value::Null),
                    ListMember::WrongType => members.insert(member.to_owned(), Value::from("none")),
                };
                Value::Object(members).to_string().into_bytes()
            }
            _ => body,
        }
    }
}

/// Which requests a fault strikes.
#[derive(Clone, Debug)]
pub struct Rule {
    fault: Fault,
    operation: Option<Operation>,
    containing: Option<String>,
    skip: u64,
    times: u64,
    probability: Option<(f64, u64)>,
    after_effect: bool,
    seen: u64,
    struck: u64,
}

impl Rule {
    /// Strikes every request.
    #[must_use]
    pub fn any(fault: Fault) -> Self {
        Self {
            fault,
            operation: None,
            containing: None,
            skip: 0,
            times: u64::MAX,
            probability: None,
            after_effect: false,
            seen: 0,
            struck: 0,
        }
    }

    /// Strikes every request of one operation.
    #[must_use]
    pub fn on(operation: Operation, fault: Fault) -> Self {
        Self {
            operation: Some(operation),
            ..Self::any(fault)
        }
    }

    /// Only requests whose body contains this text.
    #[must_use]
    pub fn containing(mut self, text: impl Into<String>) -> Self {
        self.containing = Some(text.into());
        self
    }

    /// Only the n-th matching request, counted from one.
    #[must_use]
    pub fn nth(mut self, n: u64) -> Self {
        self.skip = n.saturating_sub(1);
        self.times = 1;
        self
    }

    /// Lets so many matching requests through first.
    #[must_use]
    pub fn after(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Strikes at most so many times.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Strikes each matching request with this probability, drawn from a seed.
    #[must_use]
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.probability = Some((probability, seed));
        self
    }

    /// Lets the operation take effect before its answer is lost.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.after_effect = true;
        self
    }

    fn strikes(&mut self, operation: Option<Operation>, body: &[u8]) -> bool {
        let matches = self
            .operation
            .is_none_or(|wanted| operation == Some(wanted))
            && self.containing.as_ref().is_none_or(|text| {
                !text.is_empty() && body.windows(text.len()).any(|part| part == text.as_bytes())
            });
        if !matches {
            return false;
        }
        let place = self.seen;
        self.seen += 1;
        let lucky = self.probability.is_some_and(|(probability, seed)| {
            draw(seed, 0, place) as f64 / u64::MAX as f64 >= probability
        });
        let strikes = place >= self.skip && self.struck < self.times && !lucky;
        self.struck += u64::from(strikes);
        strikes
    }
}

/// What strikes one request.
#[derive(Clone, Debug)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    pub(crate) after_effect: bool,
}

/// The rules of the service; clones are the same rules and may be changed while it runs.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Rule>>>);

impl Faults {
    /// Adds a rule. Of several that match a request the first strikes; the others do not count it.
    pub fn add(&self, rule: Rule) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rule);
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// How often the present rules have struck.
    #[must_use]
    pub fn struck(&self) -> u64 {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().map(|rule| rule.struck).sum()
    }

    pub(crate) fn strike(&self, operation: Option<Operation>, body: &[u8]) -> Option<Strike> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules
            .iter_mut()
            .find_map(|rule| rule.strikes(operation, body).then_some(rule))?;
        Some(Strike {
            fault: rule.fault.clone(),
            after_effect: rule.after_effect,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(rule: Rule, requests: usize) -> Vec<usize> {
        let faults = Faults::default();
        faults.add(rule);
        (1..=requests)
            .filter(|_| {
                faults
                    .strike(Some(Operation::ListUsers), b"{\"a\":1}")
                    .is_some()
            })
            .collect()
    }

    #[test]
    fn rules_strike_by_place_and_count() {
        assert_eq!(strikes(Rule::any(Fault::Drop).nth(3), 6), [3]);
        assert_eq!(strikes(Rule::any(Fault::Drop).times(2), 6), [1, 2]);
        assert_eq!(strikes(Rule::any(Fault::Drop).after(2).times(2), 6), [3, 4]);
        assert_eq!(
            strikes(Rule::on(Operation::ListGroups, Fault::Drop), 6),
            [0; 0]
        );
        assert_eq!(
            strikes(Rule::any(Fault::Drop).containing("\"b\""), 6),
            [0; 0]
        );
        assert_eq!(strikes(Rule::any(Fault::Drop).containing("\"a\""), 1), [1]);
    }

    #[test]
    fn a_probability_repeats_itself() {
        let first = strikes(Rule::any(Fault::Drop).probability(0.3, 5), 1_000);
        assert_eq!(
            first,
            strikes(Rule::any(Fault::Drop).probability(0.3, 5), 1_000)
        );
        assert!((200..400).contains(&first.len()), "{}", first.len());
        assert!(strikes(Rule::any(Fault::Drop).probability(0.0, 5), 100).is_empty());
        assert_eq!(
            strikes(Rule::any(Fault::Drop).probability(1.0, 5), 100).len(),
            100
        );
    }

    #[test]
    fn a_list_can_lose_its_member_and_keep_its_token() {
        let body = br#"{"Users":[],"PaginationToken":"t"}"#.to_vec();
        let spoilt =
            Fault::List(ListMember::Absent).spoil(Some(Operation::ListUsers), body.clone());
        assert_eq!(spoilt, br#"{"PaginationToken":"t"}"#);
        let spoilt = Fault::List(ListMember::Null).spoil(Some(Operation::ListUsers), body);
        assert_eq!(spoilt, br#"{"Users":null,"PaginationToken":"t"}"#);
    }
}
