//! One GET by way of `wasi:http`, which is all of the network that a component has.
//!
//! Handles of `wasi:http` must be dropped children first; the order of the bindings
//! below does that.

use crate::client::{error, passing};
use crate::contract::identity::connector::types::Error;
use crate::contract::wasi::http::outgoing_handler;
use crate::contract::wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, OutgoingRequest, RequestOptions, Scheme,
};
use crate::contract::wasi::io::streams::StreamError;
use crate::settings::Settings;

/// How long a host may take to connect, to the first byte and between two, in
/// nanoseconds: the defaults of hosts are minutes. A host may be stricter.
const PATIENCE: u64 = 30_000_000_000;

/// How much of a body is asked for at once.
const CHUNK: u64 = 64 * 1024;

/// What came back.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// How long the system asked to wait.
    pub retry_after_ms: Option<u32>,
    /// The system's id of the request.
    pub request_id: Option<String>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Sends one request and reads the whole answer.
pub fn get(settings: &Settings, target: &str) -> Result<Response, Error> {
    let headers = Fields::from_list(&[
        ("accept".to_owned(), b"application/json".to_vec()),
        (
            "authorization".to_owned(),
            format!("Bearer {}", settings.token).into_bytes(),
        ),
    ])
    .map_err(|_| error("internal", "the host refuses the headers of the request"))?;
    let scheme = if settings.tls {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let request = OutgoingRequest::new(headers);
    let options = RequestOptions::new();
    request
        .set_scheme(Some(&scheme))
        .and_then(|()| request.set_authority(Some(&settings.authority)))
        .and_then(|()| request.set_path_with_query(Some(target)))
        .and_then(|()| options.set_connect_timeout(Some(PATIENCE)))
        .and_then(|()| options.set_first_byte_timeout(Some(PATIENCE)))
        .and_then(|()| options.set_between_bytes_timeout(Some(PATIENCE)))
        .map_err(|()| error("internal", "the host refuses the form of the request"))?;

    let pending = outgoing_handler::handle(request, Some(options)).map_err(refused)?;
    pending.subscribe().block();
    let response = match pending.get() {
        Some(Ok(answer)) => answer.map_err(refused)?,
        _ => return Err(error("internal", "the host lost the answer")),
    };
    Ok(Response {
        status: response.status(),
        retry_after_ms: header(&response, "retry-after")
            .and_then(|seconds| seconds.parse::<u32>().ok())
            .and_then(|seconds| seconds.checked_mul(1000)),
        request_id: header(&response, "x-request-id"),
        body: read(&response)?,
    })
}

fn header(response: &IncomingResponse, name: &str) -> Option<String> {
    let values = response.headers().get(name);
    String::from_utf8(values.into_iter().next()?).ok()
}

fn read(response: &IncomingResponse) -> Result<Vec<u8>, Error> {
    let cut_off = || passing("bad-response", "the answer was cut off");
    let body: IncomingBody = response.consume().map_err(|()| cut_off())?;
    let stream = body.stream().map_err(|()| cut_off())?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(CHUNK) {
            Ok(chunk) => bytes.extend(chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(cut_off()),
        }
    }
}

/// Why there is no answer, and whose doing that is.
fn refused(code: ErrorCode) -> Error {
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => {
            error("denied-by-host", "the host did not let the request out")
        }
        ErrorCode::DnsTimeout
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => passing("deadline-exceeded", "no answer in time"),
        ErrorCode::HttpResponseIncomplete => passing("bad-response", "the answer was cut off"),
        ErrorCode::HttpResponseBodySize(_)
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_) => {
            error("bad-response", "the answer is larger than the host allows")
        }
        other => passing(
            "unavailable",
            format!("the directory can't be reached: {other:?}"),
        ),
    }
}
