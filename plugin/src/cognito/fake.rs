//! A transport for tests: answers from a list, records everything, and has a clock and
//! a random number that only move when a test says so.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::transport::{SendError, SendErrorKind, Transport};

pub(crate) type Answer = Result<http::Response<Vec<u8>>, SendError>;

/// Shared, so that a test keeps a view of what the session under test owns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fake(Rc<State>);

#[derive(Debug)]
struct State {
    answers: RefCell<VecDeque<Answer>>,
    sent: RefCell<Vec<http::Request<Vec<u8>>>>,
    slept: RefCell<Vec<Duration>>,
    logged: RefCell<Vec<String>>,
    now: Cell<SystemTime>,
    jitter: Cell<f64>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            answers: RefCell::default(),
            sent: RefCell::default(),
            slept: RefCell::default(),
            logged: RefCell::default(),
            now: Cell::new(noon()),
            jitter: Cell::new(1.0),
        }
    }
}

/// The time that the fake clock shows.
pub(crate) fn noon() -> SystemTime {
    httpdate::parse_http_date("Fri, 14 Feb 2025 12:00:00 GMT").unwrap()
}

/// An answer with a JSON body of the service's content type.
pub(crate) fn answer(status: u16, body: &str) -> http::Response<Vec<u8>> {
    http::Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amzn-requestid", "00000000-0000-4000-8000-000000000001")
        .body(body.as_bytes().to_vec())
        .unwrap()
}

/// The same answer with one more header.
pub(crate) fn with_header(
    mut answer: http::Response<Vec<u8>>,
    name: &'static str,
    value: &str,
) -> http::Response<Vec<u8>> {
    answer.headers_mut().insert(name, value.parse().unwrap());
    answer
}

impl Fake {
    /// A transport that gives these answers, one after the other.
    pub(crate) fn answering(answers: impl IntoIterator<Item = http::Response<Vec<u8>>>) -> Self {
        let fake = Self::default();
        for answer in answers {
            fake.then(Ok(answer));
        }
        fake
    }

    pub(crate) fn then(&self, answer: Answer) {
        self.0.answers.borrow_mut().push_back(answer);
    }

    /// Throws away the answers that were not asked for.
    pub(crate) fn forget_answers(&self) {
        self.0.answers.borrow_mut().clear();
    }

    pub(crate) fn set_jitter(&self, jitter: f64) {
        self.0.jitter.set(jitter);
    }

    pub(crate) fn requests(&self) -> usize {
        self.0.sent.borrow().len()
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.0.slept.borrow().clone()
    }

    pub(crate) fn logged(&self) -> Vec<String> {
        self.0.logged.borrow().clone()
    }

    /// The headers of a request, by its number.
    pub(crate) fn headers(&self, index: usize) -> HeaderMap {
        self.0.sent.borrow()[index].headers().clone()
    }

    /// The bytes of a request's body, as text.
    pub(crate) fn body(&self, index: usize) -> String {
        String::from_utf8(self.0.sent.borrow()[index].body().clone()).unwrap()
    }

    /// The operations that were sent.
    pub(crate) fn operations(&self) -> Vec<String> {
        let sent = self.sent().into_iter();
        sent.map(|(operation, _)| operation).collect()
    }

    /// Method and address of a request.
    pub(crate) fn line(&self, index: usize) -> String {
        let sent = self.0.sent.borrow();
        format!("{} {}", sent[index].method(), sent[index].uri())
    }

    /// The operation and the body of each request.
    pub(crate) fn sent(&self) -> Vec<(String, Value)> {
        self.0
            .sent
            .borrow()
            .iter()
            .map(operation_and_body)
            .collect()
    }
}

fn operation_and_body(request: &http::Request<Vec<u8>>) -> (String, Value) {
    let target = request.headers()["x-amz-target"].to_str().unwrap();
    let operation = target
        .strip_prefix("AWSCognitoIdentityProviderService.")
        .unwrap();
    let body = serde_json::from_slice(request.body()).unwrap();
    (operation.to_owned(), body)
}

impl Transport for Fake {
    fn send(&self, request: http::Request<Vec<u8>>) -> Answer {
        self.0.sent.borrow_mut().push(request);
        let next = self.0.answers.borrow_mut().pop_front();
        next.unwrap_or_else(|| {
            Err(SendError::new(
                SendErrorKind::Denied,
                "the test has no further answer",
            ))
        })
    }

    fn now(&self) -> SystemTime {
        self.0.now.get()
    }

    fn sleep(&self, duration: Duration) {
        self.0.slept.borrow_mut().push(duration);
    }

    fn jitter(&self) -> f64 {
        self.0.jitter.get()
    }

    fn log(&self, line: &str) {
        self.0.logged.borrow_mut().push(line.to_owned());
    }
}
