//! The transport of the component: `wasi:http` for requests, the WASI clocks and random
//! numbers themselves for the rest. The same behind the standard library is larger.
//!
//! It does not judge where a request goes (the client knows one origin only, and the
//! host has the last word) and it does not follow redirects. It bounds every wait: the
//! host may have tighter limits, but not every host has any.

use std::io::Write as _;
use std::time::Duration;

use self::imports::wasi::clocks::wall_clock;
use self::imports::wasi::random::random;
use super::client::{REQUEST_ID, RETRY_AFTER_MS};
use super::error::{ERROR_MESSAGE, ERROR_TYPE};
use super::message::{self, Answer, Headers, Request};
use super::transport::{BodyBuffer, SendError, SendErrorKind};
use crate::contract::wasi::clocks::monotonic_clock;
use crate::contract::wasi::http::outgoing_handler;
use crate::contract::wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method,
    OutgoingBody, OutgoingRequest, RequestOptions, Scheme, http_error_code,
};
use crate::contract::wasi::io::streams::{InputStream, StreamError};

/// What the contract itself has no need of.
#[allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    reason = "generated code is documented and checked where it is generated from"
)]
mod imports {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package identity:cognito;

            world outside {
                import wasi:clocks/wall-clock@0.2.0;
                import wasi:random/random@0.2.0;
            }
        ",
        world: "identity:cognito/outside",
        generate_all,
    });
}

/// Name resolution, TCP and TLS; the AWS SDKs give up after about three seconds, which
/// is short for a slow resolver.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The read timeout of the AWS SDKs: no answer of this API takes that long.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(60);

/// A pause in the middle of an answer is a broken connection.
const BETWEEN_BYTES_TIMEOUT: Duration = Duration::from_secs(30);

/// The whole body. Bounds a drip of single bytes, which no pause between them does.
const BODY_TIMEOUT: Duration = Duration::from_secs(120);

/// A stream takes no more than this in one blocking write.
const WRITE_CHUNK: usize = 4096;

/// How much is asked for in one read.
const READ_CHUNK: u64 = 64 * 1024;

const CONTENT_LENGTH: &str = "content-length";

/// The headers that anybody looks at.
const READ: [&str; 11] = [
    "age",
    "content-encoding",
    CONTENT_LENGTH,
    "content-type",
    "date",
    "location",
    "retry-after",
    ERROR_MESSAGE,
    ERROR_TYPE,
    REQUEST_ID,
    RETRY_AFTER_MS,
];

/// The outside as WASI gives it.
#[derive(Debug, Default)]
pub struct Wasi;

impl Wasi {
    /// Sends one request and reads the whole answer. Never follows a redirect.
    pub fn exchange(&self, request: Request) -> Result<Answer, SendError> {
        let outgoing = OutgoingRequest::new(fields(&request)?);
        let scheme = match request.scheme {
            message::Scheme::Http => Scheme::Http,
            message::Scheme::Https => Scheme::Https,
        };
        let method = match request.method.as_str() {
            "POST" => Method::Post,
            _ => Method::Other(request.method),
        };
        outgoing
            .set_method(&method)
            .and_then(|()| outgoing.set_scheme(Some(&scheme)))
            .and_then(|()| outgoing.set_authority(request.authority.as_deref()))
            .and_then(|()| outgoing.set_path_with_query(request.path.as_deref()))
            .map_err(|()| refused("the request line was not accepted"))?;
        let outgoing_body = outgoing
            .body()
            .map_err(|()| refused("the request has no body"))?;
        let answer = outgoing_handler::handle(outgoing, Some(options()?)).map_err(error)?;
        // A host that refuses the request may not read its body. Its answer then says
        // more than the broken stream.
        let written = write(outgoing_body, &request.body);
        let response = wait(&answer)?;
        written
            .map_err(|SendError { kind, detail }| SendError::new(after_the_start(kind), detail))?;
        read(response)
    }

    /// The wall clock: the time since the beginning of 1970.
    #[must_use]
    pub fn since_1970(&self) -> Duration {
        let time = wall_clock::now();
        Duration::new(time.seconds, time.nanoseconds)
    }

    /// Waits.
    pub fn wait(&self, duration: Duration) {
        monotonic_clock::subscribe_duration(nanos(duration)).block();
    }

    /// A random number, at least 0 and less than 1.
    #[must_use]
    pub fn random(&self) -> f64 {
        fastrand::Rng::with_seed(random::get_random_u64()).f64()
    }

    /// Writes one line to standard error.
    pub fn write_line(&self, line: &str) {
        // Nobody to tell that the log can't be written.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

fn fields(request: &Request) -> Result<Fields, SendError> {
    let mut list: Vec<_> = request
        .headers
        .iter()
        .map(|header| (header.name.clone(), header.value.clone()))
        .collect();
    list.push((
        CONTENT_LENGTH.to_owned(),
        request.body.len().to_string().into_bytes(),
    ));
    Fields::from_list(&list).map_err(|_| refused("the headers were not accepted"))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn options() -> Result<RequestOptions, SendError> {
    let options = RequestOptions::new();
    options
        .set_connect_timeout(Some(nanos(CONNECT_TIMEOUT)))
        .and_then(|()| options.set_first_byte_timeout(Some(nanos(FIRST_BYTE_TIMEOUT))))
        .and_then(|()| options.set_between_bytes_timeout(Some(nanos(BETWEEN_BYTES_TIMEOUT))))
        .map_err(|()| refused("the timeouts were not accepted"))?;
    Ok(options)
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), SendError> {
    let stream = body
        .write()
        .map_err(|()| refused("the request body can't be written"))?;
    for chunk in bytes.chunks(WRITE_CHUNK) {
        stream
            .blocking_write_and_flush(chunk)
            .map_err(|broken| broken_stream(&broken))?;
    }
    drop(stream);
    OutgoingBody::finish(body, None).map_err(error)
}

fn wait(answer: &FutureIncomingResponse) -> Result<IncomingResponse, SendError> {
    loop {
        if let Some(result) = answer.get() {
            return result
                .map_err(|()| {
                    SendError::new(SendErrorKind::Protocol, "the answer was taken before")
                })?
                .map_err(error);
        }
        answer.subscribe().block();
    }
}

fn read(response: IncomingResponse) -> Result<Answer, SendError> {
    let protocol = |what: &str| SendError::new(SendErrorKind::Protocol, what);
    let mut headers = Headers::default();
    for (name, value) in response.headers().entries() {
        let Some(name) = READ.iter().find(|read| name.eq_ignore_ascii_case(read)) else {
            continue;
        };
        headers
            .add(name, &value)
            .map_err(|_| protocol("a header has no valid value"))?;
    }
    let status = response.status();
    if !(100..1000).contains(&status) {
        return Err(protocol("the status is no HTTP status"));
    }
    let mut buffer = BodyBuffer::new(&headers)?;
    let body = response
        .consume()
        .map_err(|()| protocol("the answer has no body"))?;
    fill(&mut buffer, &body)?;
    Ok(Answer {
        status,
        headers,
        body: buffer.finish()?,
    })
}

fn fill(buffer: &mut BodyBuffer, body: &IncomingBody) -> Result<(), SendError> {
    let stream: InputStream = body
        .stream()
        .map_err(|()| SendError::new(SendErrorKind::Protocol, "the answer has no body"))?;
    let started = monotonic_clock::now();
    loop {
        match stream.blocking_read(READ_CHUNK) {
            Ok(chunk) => buffer.take(chunk)?,
            Err(StreamError::Closed) => return Ok(()),
            Err(broken) => return Err(broken_stream(&broken)),
        }
        if monotonic_clock::now().saturating_sub(started) > nanos(BODY_TIMEOUT) {
            return Err(SendError::new(
                SendErrorKind::Timeout,
                "the body of the answer took too long",
            ));
        }
    }
}

fn refused(what: &str) -> SendError {
    SendError::new(SendErrorKind::Denied, what)
}

fn broken_stream(broken: &StreamError) -> SendError {
    let code = match broken {
        StreamError::LastOperationFailed(cause) => http_error_code(cause),
        StreamError::Closed => None,
    };
    code.map_or_else(
        || SendError::new(SendErrorKind::Incomplete, "the connection broke"),
        |code| {
            let SendError { kind, detail } = error(code);
            SendError::new(after_the_start(kind), detail)
        },
    )
}

/// What a failure means once the answer has begun: whatever it is called, the request
/// was sent, and a change must not be taken for one that was not.
fn after_the_start(kind: SendErrorKind) -> SendErrorKind {
    match kind {
        SendErrorKind::Denied
        | SendErrorKind::NameResolution
        | SendErrorKind::Connection
        | SendErrorKind::ConnectTimeout
        | SendErrorKind::Certificate
        | SendErrorKind::Broken
        | SendErrorKind::Incomplete => SendErrorKind::Incomplete,
        kind @ (SendErrorKind::Timeout | SendErrorKind::TooLong | SendErrorKind::Protocol) => kind,
    }
}

fn error(code: ErrorCode) -> SendError {
    let kind = match &code {
        ErrorCode::HttpRequestDenied
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong
        | ErrorCode::HttpRequestLengthRequired
        | ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_)
        | ErrorCode::HttpRequestTrailerSectionSize(_)
        | ErrorCode::HttpRequestTrailerSize(_)
        | ErrorCode::ConfigurationError
        | ErrorCode::LoopDetected => SendErrorKind::Denied,
        ErrorCode::DnsTimeout | ErrorCode::ConnectionTimeout => SendErrorKind::ConnectTimeout,
        ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => SendErrorKind::Timeout,
        ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => SendErrorKind::NameResolution,
        ErrorCode::TlsCertificateError => SendErrorKind::Certificate,
        ErrorCode::HttpResponseIncomplete => SendErrorKind::Incomplete,
        ErrorCode::HttpResponseBodySize(_)
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_)
        | ErrorCode::HttpResponseTrailerSectionSize(_)
        | ErrorCode::HttpResponseTrailerSize(_) => SendErrorKind::TooLong,
        ErrorCode::HttpResponseTransferCoding(_)
        | ErrorCode::HttpResponseContentCoding(_)
        | ErrorCode::HttpUpgradeFailed
        | ErrorCode::HttpProtocolError => SendErrorKind::Protocol,
        ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsAlertReceived(_) => SendErrorKind::Connection,
        // The last can be anything at any time.
        ErrorCode::ConnectionTerminated | ErrorCode::InternalError(_) => SendErrorKind::Broken,
    };
    SendError::new(kind, detail(code))
}

/// The words of the host where it has any, else what its code tells apart within a kind.
/// Mostly that is nothing, and a host that has more to say adds it to our error.
fn detail(code: ErrorCode) -> String {
    match code {
        ErrorCode::InternalError(Some(words)) => words,
        // One word. Hosts also put the sentence there that they report themselves.
        ErrorCode::DnsError(payload) => payload
            .rcode
            .filter(|rcode| !rcode.contains(char::is_whitespace))
            .unwrap_or_default(),
        ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_)
        | ErrorCode::HttpRequestUriTooLong => "it is too long".to_owned(),
        ErrorCode::DestinationIpProhibited => "its address is prohibited".to_owned(),
        ErrorCode::LoopDetected => "it would run in a circle".to_owned(),
        ErrorCode::ConnectionLimitReached => "too many are open".to_owned(),
        ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => {
            "the TLS handshake failed".to_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::wasi::http::types::DnsErrorPayload;

    #[test]
    fn every_failure_of_the_host_is_told_apart() {
        for (code, kind) in [
            (ErrorCode::HttpRequestDenied, SendErrorKind::Denied),
            (ErrorCode::DestinationIpProhibited, SendErrorKind::Denied),
            (ErrorCode::DnsTimeout, SendErrorKind::ConnectTimeout),
            (ErrorCode::ConnectionTimeout, SendErrorKind::ConnectTimeout),
            (ErrorCode::ConnectionReadTimeout, SendErrorKind::Timeout),
            (ErrorCode::HttpResponseTimeout, SendErrorKind::Timeout),
            (
                ErrorCode::DestinationNotFound,
                SendErrorKind::NameResolution,
            ),
            (ErrorCode::TlsCertificateError, SendErrorKind::Certificate),
            (ErrorCode::HttpResponseIncomplete, SendErrorKind::Incomplete),
            (
                ErrorCode::HttpResponseBodySize(None),
                SendErrorKind::TooLong,
            ),
            (ErrorCode::HttpProtocolError, SendErrorKind::Protocol),
            (ErrorCode::ConnectionRefused, SendErrorKind::Connection),
            (ErrorCode::DestinationUnavailable, SendErrorKind::Connection),
            (ErrorCode::ConnectionLimitReached, SendErrorKind::Connection),
            (ErrorCode::TlsProtocolError, SendErrorKind::Connection),
            (ErrorCode::ConnectionTerminated, SendErrorKind::Broken),
            (ErrorCode::InternalError(None), SendErrorKind::Broken),
        ] {
            let name = format!("{code:?}");
            assert_eq!(error(code).kind, kind, "{name}");
        }
    }

    #[test]
    fn the_hosts_own_words_are_kept() {
        let words = "no route to host".to_owned();
        assert_eq!(
            error(ErrorCode::InternalError(Some(words))).detail,
            "no route to host"
        );
        let rcode = DnsErrorPayload {
            rcode: Some("NXDOMAIN".to_owned()),
            info_code: None,
        };
        assert_eq!(error(ErrorCode::DnsError(rcode)).detail, "NXDOMAIN");
        let sentence = DnsErrorPayload {
            rcode: Some("Name or service not known".to_owned()),
            info_code: None,
        };
        assert_eq!(error(ErrorCode::DnsError(sentence)).detail, "");
        assert_eq!(error(ErrorCode::ConnectionRefused).detail, "");
        assert_eq!(error(ErrorCode::ConnectionTerminated).detail, "");
    }

    #[test]
    fn once_the_answer_has_begun_nothing_counts_as_not_sent() {
        for kind in [
            SendErrorKind::Denied,
            SendErrorKind::NameResolution,
            SendErrorKind::Connection,
            SendErrorKind::ConnectTimeout,
            SendErrorKind::Certificate,
            SendErrorKind::Broken,
        ] {
            assert_eq!(after_the_start(kind), SendErrorKind::Incomplete, "{kind:?}");
        }
        for kind in [
            SendErrorKind::Timeout,
            SendErrorKind::TooLong,
            SendErrorKind::Protocol,
        ] {
            assert_eq!(after_the_start(kind), kind);
        }
    }
}
