//! The outside in the types of the crate `http`, for tests and for components that are
//! made of this one. The component itself does without that crate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::uri::{Authority, PathAndQuery, Scheme as UriScheme, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::message::{Answer, Headers, Request, Scheme};
use super::transport::{Outside, SendError, SendErrorKind};
use super::wasi::Wasi;

/// What lies outside of the component.
pub trait Transport {
    /// Sends one request and reads the whole answer. Never follows a redirect.
    fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, SendError>;

    /// The wall clock.
    fn now(&self) -> SystemTime;

    /// Waits.
    fn sleep(&self, duration: Duration);

    /// A random number, at least 0 and less than 1.
    fn jitter(&self) -> f64;

    /// Writes one line to the log.
    fn log(&self, line: &str);
}

impl<T: Transport> Outside for T {
    fn send(&self, request: Request) -> Result<Answer, SendError> {
        let request = request.try_into().map_err(|_| unlike("no such request"))?;
        let (parts, body) = Transport::send(self, request)?.into_parts();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: (&parts.headers).into(),
            body,
        })
    }

    fn now(&self) -> Option<Duration> {
        Transport::now(self).duration_since(UNIX_EPOCH).ok()
    }

    fn sleep(&self, duration: Duration) {
        Transport::sleep(self, duration);
    }

    fn jitter(&self) -> f64 {
        Transport::jitter(self)
    }

    fn log(&self, line: &str) {
        Transport::log(self, line);
    }
}

impl Transport for Wasi {
    fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, SendError> {
        let answer = self.exchange(request.into())?;
        let mut response = http::Response::new(answer.body);
        *response.status_mut() =
            StatusCode::from_u16(answer.status).map_err(|_| unlike("no such status"))?;
        *response.headers_mut() = (&answer.headers)
            .try_into()
            .map_err(|_| unlike("no such header"))?;
        Ok(response)
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.since_1970()
    }

    fn sleep(&self, duration: Duration) {
        self.wait(duration);
    }

    fn jitter(&self) -> f64 {
        self.random()
    }

    fn log(&self, line: &str) {
        self.write_line(line);
    }
}

fn unlike(what: &str) -> SendError {
    SendError::new(SendErrorKind::Protocol, what)
}

impl From<http::Request<Vec<u8>>> for Request {
    fn from(request: http::Request<Vec<u8>>) -> Self {
        let (parts, body) = request.into_parts();
        Self {
            method: parts.method.to_string(),
            scheme: match parts.uri.scheme() {
                Some(scheme) if *scheme == UriScheme::HTTP => Scheme::Http,
                _ => Scheme::Https,
            },
            authority: parts.uri.authority().map(ToString::to_string),
            path: parts.uri.path_and_query().map(ToString::to_string),
            headers: (&parts.headers).into(),
            body,
        }
    }
}

impl TryFrom<Request> for http::Request<Vec<u8>> {
    type Error = http::Error;

    fn try_from(request: Request) -> Result<Self, http::Error> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(match request.scheme {
            Scheme::Http => UriScheme::HTTP,
            Scheme::Https => UriScheme::HTTPS,
        });
        parts.authority = request.authority.map(Authority::try_from).transpose()?;
        parts.path_and_query = request.path.map(PathAndQuery::try_from).transpose()?;
        let mut foreign = Self::new(request.body);
        *foreign.method_mut() = Method::from_bytes(request.method.as_bytes())?;
        *foreign.uri_mut() = Uri::from_parts(parts)?;
        *foreign.headers_mut() = (&request.headers).try_into()?;
        Ok(foreign)
    }
}

impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Self {
        let mut headers = Self::default();
        for (name, value) in map {
            let added = match value.is_sensitive() {
                true => headers.add_secret(name.as_str(), value.as_bytes()),
                false => headers.add(name.as_str(), value.as_bytes()),
            };
            debug_assert!(added.is_ok(), "both kinds of headers know the same values");
        }
        headers
    }
}

impl TryFrom<&Headers> for HeaderMap {
    type Error = http::Error;

    fn try_from(headers: &Headers) -> Result<Self, http::Error> {
        let mut map = Self::new();
        for header in headers.iter() {
            let name = HeaderName::from_bytes(header.name.as_bytes())?;
            let mut value = HeaderValue::from_bytes(&header.value)?;
            value.set_sensitive(header.secret);
            map.append(name, value);
        }
        Ok(map)
    }
}
