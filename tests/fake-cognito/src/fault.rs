//! The ways in which a request can go wrong. Which request does, is said by a
//! [`Rule`](crate::Rule) or drawn by a [`Storm`](crate::Storm).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::answer::Refusal;
use crate::api::Twist;
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

/// Where in its answer a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing of it is sent.
    Before,
    /// The header and half of the body are.
    Within,
    /// All of it is.
    After,
}

/// How `Content-Length` lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthLie {
    /// More than what comes before the connection closes.
    TooLong,
    /// Half of what comes; the connection stays open, so that a client which goes on using it meets
    /// the rest.
    TooShort,
    /// It is there twice, first right and then too short.
    Twice,
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
    /// The connection is reset (RST, where [`Fault::Drop`] and [`Fault::Abort`] close it).
    Reset(Moment),
    /// `Content-Length` does not agree with the body.
    Length(LengthLie),
    /// Half of the body comes and then nothing; the connection stays open.
    Stall,
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
    /// The page has one row, whatever the limit.
    ShortPage,
    /// The page has no row, and a token.
    EmptyPage,
    /// The token of the request is refused as if it were too old; a request without one is answered.
    ExpiredCursor,
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

    /// A status and no body at all.
    #[must_use]
    pub fn bare(status: u16) -> Self {
        Self::Reply(Reply {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
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
            Self::ShortPage => Twist::Short,
            Self::EmptyPage => Twist::Empty,
            Self::ExpiredCursor => Twist::Expired,
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

#[cfg(test)]
mod tests {
    use super::*;

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
