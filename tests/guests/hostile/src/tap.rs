//! Attacks on the wire: between the honest connector and the way out sits somebody who
//! changes its requests or sends others.

use std::time::{Duration, SystemTime};

use cognito_connector::cognito::transport::{SendError, SendErrorKind, Transport};
use cognito_connector::cognito::wasi::Wasi;
use cognito_connector::contract::wasi::http::outgoing_handler;
use cognito_connector::contract::wasi::http::types::{
    Fields, IncomingResponse, Method, OutgoingRequest, Scheme,
};
use cognito_connector::contract::wasi::io::streams::StreamError;
use http::header::{CONTENT_ENCODING, HeaderName, HeaderValue, LOCATION};
use serde_json::Value;

use crate::mark::{self, Attack};

/// The header that names the operation, and what stands before the operation there.
const TARGET: &str = "x-amz-target";
const PREFIX: &str = "AWSCognitoIdentityProviderService.";

/// Longer than any request that a host lets out.
const HUGE: usize = 2 << 20;

type Request = http::Request<Vec<u8>>;
type Response = http::Response<Vec<u8>>;

/// The way out, with somebody at it.
#[derive(Clone, Copy, Debug)]
pub struct Tap;

impl Transport for Tap {
    fn send(&self, request: Request) -> Result<Response, SendError> {
        match mark::now().filter(|attack| is_meant(*attack, &request)) {
            Some(attack) => attacked(attack, request),
            None => Wasi.send(request),
        }
    }

    fn now(&self) -> SystemTime {
        Wasi.now()
    }

    fn sleep(&self, duration: Duration) {
        Wasi.sleep(duration);
    }

    fn jitter(&self) -> f64 {
        Wasi.jitter()
    }

    fn log(&self, line: &str) {
        Wasi.log(line);
    }
}

fn is_meant(attack: Attack, request: &Request) -> bool {
    let target = request.headers().get(TARGET);
    let operation = target.and_then(|value| value.to_str().ok()?.strip_prefix(PREFIX));
    attack.at.is_empty() || operation == Some(attack.at)
}

fn attacked(attack: Attack, mut request: Request) -> Result<Response, SendError> {
    let argument = attack.argument;
    match attack.name {
        "send" => {
            let mut answer = Err(unlike("nothing to send"));
            for url in argument.split(' ') {
                answer = Tap.send_to(url);
            }
            return answer;
        }
        "take-it-to" => {
            if let (Ok(place), Some(path)) = (
                argument.parse::<http::Uri>(),
                request.uri().path_and_query().cloned(),
            ) {
                let mut parts = place.into_parts();
                parts.path_and_query = Some(path);
                if let Ok(uri) = http::Uri::from_parts(parts) {
                    *request.uri_mut() = uri;
                }
            }
        }
        "send-instead" => return Wasi.send(other(&request, argument)),
        "send-first" => {
            // Nobody listens to the outcome: what counts is whether it was let out.
            let _ = Wasi.send(other(&request, argument));
        }
        "send-afterwards" => {
            let extra = other(&request, argument);
            let answer = Wasi.send(request)?;
            let _ = Wasi.send(extra);
            return Ok(answer);
        }
        "follow-redirects" => {
            let answer = Wasi.send(request)?;
            let elsewhere = answer.headers().get(LOCATION);
            return match elsewhere.and_then(|value| value.to_str().ok()) {
                Some(elsewhere) => Tap.send_to(elsewhere),
                None => Ok(answer),
            };
        }
        "header" => {
            if let Some((name, value)) = argument.split_once(": ")
                && let (Ok(name), Ok(value)) = (
                    HeaderName::from_bytes(name.as_bytes()),
                    HeaderValue::from_bytes(value.as_bytes()),
                )
            {
                request.headers_mut().append(name, value);
            }
        }
        "target" => {
            if let Ok(target) = HeaderValue::from_str(argument) {
                request.headers_mut().insert(TARGET, target);
            }
        }
        "method" => {
            if let Ok(method) = http::Method::from_bytes(argument.as_bytes()) {
                *request.method_mut() = method;
            }
        }
        "member" => add_members(request.body_mut(), argument),
        "replace" => {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            if let Some((from, to)) = argument.split_once(" by ") {
                *request.body_mut() = body.replace(from, to).into_bytes();
            }
        }
        "utf-16" => {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            let units = std::iter::once(0xfeff).chain(body.encode_utf16());
            *request.body_mut() = units.flat_map(u16::to_le_bytes).collect();
        }
        "gzip" => {
            let packed = gzip(request.body());
            *request.body_mut() = packed;
            request
                .headers_mut()
                .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        "huge-body" => request.body_mut().extend(vec![b' '; HUGE]),
        "read-for-ever" => return read_for_ever(request),
        _ => {}
    }
    Wasi.send(request)
}

impl Tap {
    /// Sends an empty request to a URL, spelled exactly so.
    pub fn send_to(self, url: &str) -> Result<Response, SendError> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => Scheme::Other(other.to_owned()),
        };
        let request = OutgoingRequest::new(Fields::new());
        request
            .set_method(&Method::Post)
            .and_then(|()| request.set_scheme(Some(&scheme)))
            .and_then(|()| request.set_authority(Some(authority)))
            .and_then(|()| request.set_path_with_query(Some(path).filter(|path| !path.is_empty())))
            .map_err(|()| unlike("the engine does not take the address"))?;
        let answer = handle(request)?;
        let mut response = http::Response::new(Vec::new());
        if let Ok(status) = http::StatusCode::from_u16(answer.status()) {
            *response.status_mut() = status;
        }
        Ok(response)
    }
}

fn unlike(what: &str) -> SendError {
    SendError::new(SendErrorKind::Protocol, what)
}

fn handle(request: OutgoingRequest) -> Result<IncomingResponse, SendError> {
    let pending = outgoing_handler::handle(request, None)
        .map_err(|code| unlike(&format!("not sent: {code:?}")))?;
    pending.subscribe().block();
    match pending.get() {
        Some(Ok(answer)) => answer.map_err(|code| unlike(&format!("no answer: {code:?}"))),
        _ => Err(unlike("the answer is gone")),
    }
}

/// The same request for another operation, `NAME BODY`.
fn other(request: &Request, what: &str) -> Request {
    let (name, body) = what.split_once(' ').unwrap_or((what, "{}"));
    let mut other = Request::new(body.as_bytes().to_vec());
    request.method().clone_into(other.method_mut());
    request.uri().clone_into(other.uri_mut());
    request.headers().clone_into(other.headers_mut());
    if let Ok(target) = HeaderValue::try_from(format!("{PREFIX}{name}")) {
        other.headers_mut().insert(TARGET, target);
    }
    other
}

/// Adds the members of one JSON object to another.
fn add_members(body: &mut Vec<u8>, more: &str) {
    if let (Ok(Value::Object(mut members)), Ok(Value::Object(more))) =
        (serde_json::from_slice(body), serde_json::from_str(more))
    {
        members.extend(more);
        *body = Value::Object(members).to_string().into_bytes();
    }
}

/// Reads an answer that does not end, and keeps nothing of it, so that no memory runs out.
fn read_for_ever(request: Request) -> Result<Response, SendError> {
    let headers: Vec<(String, Vec<u8>)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    let fields = Fields::from_list(&headers).map_err(|_| unlike("the headers are refused"))?;
    let outgoing = OutgoingRequest::new(fields);
    outgoing
        .set_method(&Method::Post)
        .and_then(|()| outgoing.set_scheme(Some(&Scheme::Http)))
        .and_then(|()| {
            outgoing.set_authority(request.uri().authority().map(http::uri::Authority::as_str))
        })
        .and_then(|()| outgoing.set_path_with_query(Some("/")))
        .map_err(|()| unlike("the engine does not take the address"))?;
    let body = outgoing.body().map_err(|()| unlike("no body"))?;
    let stream = body.write().map_err(|()| unlike("no stream"))?;
    let _ = stream.blocking_write_and_flush(request.body());
    drop(stream);
    let _ = cognito_connector::contract::wasi::http::types::OutgoingBody::finish(body, None);
    let answer = handle(outgoing)?;
    let body = answer.consume().map_err(|()| unlike("no body"))?;
    let stream = body.stream().map_err(|()| unlike("no stream"))?;
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(_) => {}
            Err(StreamError::Closed) => return Err(unlike("it ended")),
            Err(StreamError::LastOperationFailed(_)) => return Err(unlike("it was cut off")),
        }
    }
}

/// Real gzip (RFC 1952) of one stored block (RFC 1951), which is enough for small bodies.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(bytes);
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    });
    packed.extend((!sum).to_le_bytes());
    packed.extend(u32::from(length).to_le_bytes());
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_real_gzip() {
        assert_eq!(
            gzip(b"{}"),
            [
                0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 2, 0, 0xfd, 0xff, b'{', b'}', 0x43, 0xbf,
                0xa6, 0xa3, 2, 0, 0, 0
            ]
        );
    }
}
