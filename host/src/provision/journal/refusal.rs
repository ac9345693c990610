//! A request of an audit file that got no answer, found again to be explained.

use std::io::{self, BufRead};

use serde::Serialize;

use super::record::{Line, RequestLine};
use crate::egress::Wanted;
use crate::egress::explain::{self, Explanation};

/// Which request is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The last one that got no answer.
    Last,
    /// The one of a line, counted from 1.
    Line(u64),
}

/// A request, and why it got no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The line of the file, counted from 1.
    pub line: u64,
    /// The run that sent it.
    pub run: String,
    /// When.
    pub time: String,
    /// The contract function in progress; empty if none was.
    pub call: String,
    /// The operation; empty if it was refused before that was settled.
    pub operation: String,
    /// What became of it, in the words of the file.
    pub verdict: String,
    /// What the service answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The service's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What it wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Wanted>,
    /// What that means.
    #[serde(flatten)]
    pub explanation: Explanation,
}

/// Why there is nothing to explain.
#[derive(Debug, thiserror::Error)]
pub enum NoRefusal {
    /// The system refuses to read it.
    #[error("it can't be read: {0}")]
    Unreadable(#[source] io::Error),
    /// Every request was answered.
    #[error("every request in it was answered, so there is no refusal to explain")]
    None,
    /// The file is shorter.
    #[error("it has no line {line}; the last one is {last}")]
    NoLine {
        /// Which one was asked for.
        line: u64,
        /// The last one.
        last: u64,
    },
    /// The line is another sort of record, or none.
    #[error("line {line} records no request; those that do begin with {{\"record\":\"request\"")]
    NoRequest {
        /// Which one.
        line: u64,
    },
    /// Another version has written it.
    #[error(
        "line {line} has a verdict that this version does not know; explain it with the version \
         that wrote it"
    )]
    Unknown {
        /// Which one.
        line: u64,
    },
}

/// Finds a request and explains it.
///
/// # Errors
///
/// [`NoRefusal`]; lines that are not asked for may hold anything.
pub fn find(mut file: impl BufRead, which: Which) -> Result<Refusal, NoRefusal> {
    let mut found = None;
    let mut bytes = Vec::new();
    let mut last = 0;
    for line in 1.. {
        bytes.clear();
        let read = file.read_until(b'\n', &mut bytes);
        if read.map_err(NoRefusal::Unreadable)? == 0 {
            break;
        }
        last = line;
        let request = match serde_json::from_slice(&bytes) {
            Ok(Line::Request(request)) => Some(request),
            _ => None,
        };
        match (which, request) {
            (Which::Line(asked), request) if asked == line => {
                let request = request.ok_or(NoRefusal::NoRequest { line })?;
                return explained(line, request);
            }
            (Which::Last, Some(request)) if is_unanswered(&request) => {
                found = Some((line, request));
            }
            _ => {}
        }
    }
    match (which, found) {
        (Which::Line(line), _) => Err(NoRefusal::NoLine { line, last }),
        (Which::Last, Some((line, request))) => explained(line, request),
        (Which::Last, None) => Err(NoRefusal::None),
    }
}

/// Whether the host refused it or could not carry it out.
fn is_unanswered(request: &RequestLine) -> bool {
    !["answered", "throttled", "abandoned"].contains(&request.verdict.as_str())
}

fn explained(line: u64, request: RequestLine) -> Result<Refusal, NoRefusal> {
    let explanation = explain::of_verdict(&request.verdict).ok_or(NoRefusal::Unknown { line })?;
    Ok(Refusal {
        line,
        run: request.run,
        time: request.time,
        call: request.call,
        operation: request.operation,
        verdict: request.verdict,
        status: request.status,
        request_id: request.request_id,
        wanted: request.wanted,
        explanation,
    })
}
