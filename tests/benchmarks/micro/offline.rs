//! The connector's own code without sandbox and without network: a session whose requests
//! are answered from memory, and its parser alone.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use cognito_connector::cognito::json;
use cognito_connector::cognito::model::{Member, User, UserPage};
use cognito_connector::cognito::transport::{SendError, SendErrorKind, Transport};
use cognito_connector::contract::sync::{GrantsOf, Setting};
use cognito_connector::kinds::Kind;
use cognito_connector::session::Session;
use cognito_connector::settings::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, USER_POOL_ID};

use crate::canned;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    /// A request is written and signed; the page that comes has no row.
    Request,
    /// A page of 60 users is parsed.
    ParseUsers,
    /// A page of 60 members is parsed.
    ParseMembers,
    /// A request, a page of users, and the contract's rows made of it.
    Users,
    /// A request, a page of members, and the contract's rows made of it.
    Members,
}

impl Operation {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::Request,
        Self::ParseUsers,
        Self::ParseMembers,
        Self::Users,
        Self::Members,
    ];

    /// Its name in tables and files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::ParseUsers => "parse-users",
            Self::ParseMembers => "parse-members",
            Self::Users => "page-of-users",
            Self::Members => "page-of-members",
        }
    }

    /// Makes it ready to be carried out.
    pub(crate) fn prepare(self) -> impl Fn() {
        let page = match self {
            Self::Request => "{\"Users\":[]}".to_owned(),
            Self::ParseUsers | Self::Users => canned::users(),
            Self::ParseMembers | Self::Members => canned::members(),
        };
        let session = open(page.clone());
        let group = GrantsOf::Resource(Kind::Group.resource("developers".to_owned()));
        move || match self {
            Self::Request | Self::Users => {
                let page = session.list_resources("user", None, None, None, None);
                black_box(page.unwrap());
            }
            Self::Members => {
                black_box(session.list_grants(&group, None, None).unwrap());
            }
            Self::ParseUsers => {
                let page = json::parse::<UserPage<User>>(black_box(page.as_bytes()));
                black_box(page.unwrap());
            }
            Self::ParseMembers => {
                let page = json::parse::<UserPage<Member>>(black_box(page.as_bytes()));
                black_box(page.unwrap());
            }
        }
    }
}

fn open(answer: String) -> Session<Canned> {
    let settings = [
        (USER_POOL_ID, "eu-central-1_Benchmark"),
        (ACCESS_KEY_ID, "AKIABENCHMARK0000000"),
        (
            SECRET_ACCESS_KEY,
            "benchmark-secret-that-is-no-secret-00000",
        ),
    ];
    let settings = settings.map(|(name, value)| Setting {
        name: name.to_owned(),
        value: value.to_owned(),
    });
    Session::open(&settings, Canned(answer)).unwrap()
}

/// Gives one answer to everything, at one moment: nothing may differ between two runs.
struct Canned(String);

impl Transport for Canned {
    fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, SendError> {
        black_box(request);
        http::Response::builder()
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amzn-requestid", "00000000-0000-4000-8000-000000000001")
            .body(self.0.clone().into_bytes())
            .map_err(|error| SendError::new(SendErrorKind::Protocol, error.to_string()))
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    fn sleep(&self, _: Duration) {}

    fn jitter(&self) -> f64 {
        0.5
    }

    fn log(&self, _: &str) {}
}
