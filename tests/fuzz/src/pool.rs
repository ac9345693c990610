//! The bundled component, built natively, in front of a pool that answers what a target
//! says.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use cognito_connector::cognito::transport::{SendError, Transport};
use cognito_connector::contract::sync::Setting;
use cognito_connector::session::Session;

/// The pool.
pub const POOL: &str = "us-east-1_AbCd12345";
/// The secret key; it must appear in no message and in no log line.
pub const SECRET: &str = "secretsecretsecretsecretsecretsecretsecr";
/// The session token; neither must it.
pub const TOKEN: &str = "tokentokentokentokentokentokentokentoken";
/// What precedes the operation in its header.
pub const PREFIX: &str = "AWSCognitoIdentityProviderService.";

/// A request as it was sent.
pub type Sent = http::Request<Vec<u8>>;
/// What the pool says to one.
pub type Answer = Result<http::Response<Vec<u8>>, SendError>;

/// Answers by a function, and remembers what was sent and logged.
#[derive(Clone)]
pub struct Wire(Rc<State>);

struct State {
    answer: Box<dyn Fn(&Sent) -> Answer>,
    sent: RefCell<Vec<Sent>>,
    logged: RefCell<Vec<String>>,
}

impl Wire {
    /// A wire to a pool that answers so.
    pub fn new(answer: impl Fn(&Sent) -> Answer + 'static) -> Self {
        Self(Rc::new(State {
            answer: Box::new(answer),
            sent: RefCell::default(),
            logged: RefCell::default(),
        }))
    }

    /// A session on this wire, which sends each request once as it does in the host.
    pub fn session(&self) -> Session<Self> {
        let settings = [
            ("user-pool-id", POOL),
            ("aws-access-key-id", "ASIDEXAMPLE"),
            ("aws-secret-access-key", SECRET),
            ("aws-session-token", TOKEN),
            ("max-attempts", "1"),
        ];
        let settings = settings.map(|(name, value)| Setting {
            name: name.to_owned(),
            value: value.to_owned(),
        });
        match Session::open(&settings, self.clone()) {
            Ok(session) => session,
            Err(error) => panic!("the settings are good: {}", error.message),
        }
    }

    /// What was sent so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.0.sent.borrow().clone()
    }

    /// What was logged so far.
    pub fn logged(&self) -> Vec<String> {
        self.0.logged.borrow().clone()
    }
}

impl Transport for Wire {
    fn send(&self, request: Sent) -> Answer {
        let answer = (self.0.answer)(&request);
        self.0.sent.borrow_mut().push(request);
        answer
    }

    fn now(&self) -> SystemTime {
        // 14 February 2025, noon.
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_739_534_400)
    }

    fn sleep(&self, _: Duration) {}

    fn jitter(&self) -> f64 {
        0.5
    }

    fn log(&self, line: &str) {
        self.0.logged.borrow_mut().push(line.to_owned());
    }
}

/// The operation that a request names.
pub fn operation(request: &Sent) -> &str {
    let target = request.headers().get("x-amz-target");
    let target = target.and_then(|value| value.to_str().ok());
    target
        .and_then(|target| target.strip_prefix(PREFIX))
        .unwrap_or_default()
}

/// An answer of the service.
pub fn answer(body: &str) -> Answer {
    let mut answer = http::Response::new(body.as_bytes().to_vec());
    let json = http::HeaderValue::from_static("application/x-amz-json-1.1");
    answer.headers_mut().insert("content-type", json);
    Ok(answer)
}
