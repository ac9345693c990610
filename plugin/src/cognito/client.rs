//! One operation, from its body to its parsed answer: sign, send, judge, correct the
//! clock once, retry as often as allowed. A change that may have taken effect is never
//! sent again.
//!
//! Relies on [`Transport`] for everything outside; guards against answers that only
//! look like a success: another content type (the log-in page of a captive portal), an
//! encoding nobody asked for, bytes that are not UTF-8, JSON that ends too early.

use std::cell::Cell;
use std::time::Duration;

use http::Method;
use http::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};

use super::endpoint::Endpoint;
use super::error::{Cause, Failure, Refusal};
use super::json::{self, Fault, FromJson, Reader, Writer};
use super::operations::Operation;
use super::retry::{Paid, Reason, RetryQuota, delay};
use super::signing::{Signable, Signer};
use super::skew::{Offset, correction};
use super::transport::Transport;

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
/// The id that the service gives to a request.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// How long the service asks to wait.
pub(super) const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("x-amz-retry-after");
const JSON_1_1: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("cognito-connector/", env!("CARGO_PKG_VERSION")));

/// What is shorter is no secret but a placeholder (`test`), and taking it out would
/// tear words and codes apart. AWS's secrets have 40 characters.
const MIN_SECRET: usize = 16;

/// Judges a success by its headers and its body.
type Accept<'a> = &'a mut dyn FnMut(&HeaderMap, &[u8]) -> Result<(), Cause>;

/// Any JSON object.
struct IgnoredObject;

impl FromJson for IgnoredObject {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut progress = reader.object()?;
        while reader.name(&mut progress)?.is_some() {
            reader.skip()?;
        }
        Ok(Self)
    }
}

/// Sends the operations of one session.
#[derive(Debug)]
pub struct Client<T> {
    transport: T,
    endpoint: Endpoint,
    signer: Option<Signer>,
    max_attempts: u32,
    quota: RetryQuota,
    offset: Cell<Offset>,
}

impl<T: Transport> Client<T> {
    /// A client of one endpoint. Without a signer, requests leave unsigned and the host
    /// signs them.
    pub fn new(
        transport: T,
        endpoint: Endpoint,
        signer: Option<Signer>,
        max_attempts: u32,
    ) -> Self {
        Self {
            transport,
            endpoint,
            signer,
            max_attempts,
            quota: RetryQuota::default(),
            offset: Cell::default(),
        }
    }

    /// Where requests go, for messages.
    pub fn server(&self) -> &str {
        self.endpoint.authority()
    }

    /// Whether requests are signed here.
    pub fn signs(&self) -> bool {
        self.signer.is_some()
    }

    /// Sends an operation and parses its answer.
    pub fn call<R: FromJson>(&self, operation: Operation, body: &[u8]) -> Result<R, Failure> {
        let mut parsed = None;
        self.attempt_until_done(operation, body, &mut |headers, answer| {
            usable(headers)?;
            parsed = Some(parse(answer)?);
            Ok(())
        })?;
        parsed.ok_or_else(|| Failure::new(not_understood("it is empty", false)))
    }

    /// Sends an operation whose success says nothing more.
    pub fn call_void(&self, operation: Operation, body: &[u8]) -> Result<(), Failure> {
        self.attempt_until_done(operation, body, &mut |headers, answer| {
            // The documented answer is empty, and needs no content type then; emulators
            // send an empty object.
            if answer.is_empty() && !headers.contains_key(CONTENT_TYPE) {
                return not_compressed(headers);
            }
            usable(headers)?;
            match answer.is_empty() {
                true => Ok(()),
                false => parse::<IgnoredObject>(answer).map(drop),
            }
        })
    }

    fn attempt_until_done(
        &self,
        operation: Operation,
        body: &[u8],
        accept: Accept<'_>,
    ) -> Result<(), Failure> {
        let mut retries = 0;
        let mut paid: Option<Paid> = None;
        let mut clock_corrected = false;
        loop {
            let (failure, better_offset) = match self.attempt(operation, body, accept) {
                Ok(()) => {
                    self.quota.succeeded(paid);
                    return Ok(());
                }
                Err(failed) => failed,
            };
            if operation.changes() && failure.is_ambiguous() {
                return Err(failure);
            }
            if let Some(offset) = better_offset.filter(|_| !clock_corrected) {
                clock_corrected = true;
                self.offset.set(offset);
                self.log(&LogLine {
                    offset_ms: Some(offset.0),
                    ..LogLine::new("the clock is wrong, signing again", operation)
                });
                continue;
            }
            let Some(reason) = failure.retry_reason() else {
                return Err(failure);
            };
            if retries + 1 >= self.max_attempts {
                return Err(failure);
            }
            paid = self.quota.pay(reason);
            if paid.is_none() {
                return Err(failure);
            }
            let asked = failure
                .retry_after_ms
                .map(u64::from)
                .map(Duration::from_millis);
            let wait = delay(reason, retries, self.transport.jitter(), asked);
            retries += 1;
            self.log(&LogLine {
                reason: Some(match reason {
                    Reason::Throttled => "throttled",
                    Reason::Transient => "transient",
                }),
                retry: Some(retries),
                wait_ms: i64::try_from(wait.as_millis()).ok(),
                ..LogLine::new("sending again", operation)
            });
            self.transport.sleep(wait);
        }
    }

    /// One request. Its failure comes with a better clock offset where one is known.
    fn attempt(
        &self,
        operation: Operation,
        body: &[u8],
        accept: Accept<'_>,
    ) -> Result<(), (Failure, Option<Offset>)> {
        let request = self
            .request(operation, body)
            .map_err(|failure| (failure, None))?;
        let sent = self.transport.now();
        let response = match self.transport.send(request) {
            Ok(response) => response,
            Err(error) => return Err((Failure::new(Cause::NotAnswered(error)), None)),
        };
        let received = self.transport.now();
        let (parts, answer) = response.into_parts();
        let mut offset = None;
        let cause = if parts.status == http::StatusCode::OK {
            match accept(&parts.headers, &answer) {
                Ok(()) => return Ok(()),
                Err(cause) => cause,
            }
        } else {
            let refusal = Refusal::read(parts.status, &parts.headers, &answer);
            if let (Some(code), Some(_)) = (&refusal.code, &self.signer) {
                offset = correction(code, &parts.headers, sent, received, self.offset.get());
            }
            Cause::Refused(refusal)
        };
        let failure = Failure {
            cause: self.redacted(cause),
            request_id: request_id(&parts.headers),
            retry_after_ms: retry_after_ms(&parts.headers),
        };
        Err((failure, offset))
    }

    fn request(
        &self,
        operation: Operation,
        body: &[u8],
    ) -> Result<http::Request<Vec<u8>>, Failure> {
        let not_signed = || Failure::new(Cause::NotSigned);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, JSON_1_1);
        let target = [super::operations::TARGET_PREFIX, ".", operation.name()].concat();
        let target = HeaderValue::from_str(&target).map_err(|_| not_signed())?;
        headers.insert(TARGET, target);
        if let Some(signer) = &self.signer {
            let signable = Signable {
                method: Method::POST.as_str(),
                host: self.endpoint.authority(),
                path: "/",
                query: "",
                headers: &headers,
                body,
            };
            let time = self.offset.get().apply(self.transport.now());
            let proof = signer.sign(&signable, time).map_err(|_| not_signed())?;
            headers.extend(proof);
        }
        headers.insert(USER_AGENT, AGENT);
        let mut request = http::Request::new(body.to_vec());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.uri();
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Takes our own secrets out of a message that the service may have echoed.
    fn redacted(&self, cause: Cause) -> Cause {
        let Cause::Refused(mut refusal) = cause else {
            return cause;
        };
        let long = |secret: &&str| secret.len() >= MIN_SECRET;
        for secret in self.signer.iter().flat_map(Signer::secrets).filter(long) {
            for text in [&mut refusal.code, &mut refusal.message]
                .into_iter()
                .flatten()
            {
                *text = text.replace(secret, "[redacted]");
            }
        }
        Cause::Refused(refusal)
    }

    fn log(&self, line: &LogLine<'_>) {
        self.transport.log(&line.written());
    }
}

/// A line of the log.
#[derive(Default)]
struct LogLine<'a> {
    level: &'a str,
    message: &'a str,
    operation: &'a str,
    reason: Option<&'a str>,
    retry: Option<u32>,
    wait_ms: Option<i64>,
    offset_ms: Option<i64>,
}

impl<'a> LogLine<'a> {
    fn new(message: &'a str, operation: Operation) -> Self {
        Self {
            level: "info",
            message,
            operation: operation.name(),
            ..Self::default()
        }
    }

    fn written(&self) -> String {
        let mut json = Writer::object();
        json.text("level", Some(self.level));
        json.text("message", Some(self.message));
        json.text("operation", Some(self.operation));
        json.text("reason", self.reason);
        json.number("retry", self.retry.map(i64::from));
        json.number("wait_ms", self.wait_ms);
        json.number("offset_ms", self.offset_ms);
        json.finish()
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn not_compressed(headers: &HeaderMap) -> Result<(), Cause> {
    match text(headers, CONTENT_ENCODING) {
        None | Some("identity") => Ok(()),
        Some(_) => Err(not_understood(
            "it is compressed, which was not asked for",
            false,
        )),
    }
}

/// Whether a success can be an answer of this API at all.
fn usable(headers: &HeaderMap) -> Result<(), Cause> {
    not_compressed(headers)?;
    let media_type = text(headers, CONTENT_TYPE)
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase());
    // The second is what emulators send.
    match media_type.as_deref() {
        Some("application/x-amz-json-1.1" | "application/json") => Ok(()),
        _ => Err(not_understood(
            "its content type is not JSON; something between here and the service answered",
            false,
        )),
    }
}

fn parse<R: FromJson>(answer: &[u8]) -> Result<R, Cause> {
    json::parse(answer).map_err(|(fault, at)| fault_of(answer, fault, at))
}

fn fault_of(answer: &[u8], fault: Fault, at: usize) -> Cause {
    let mut text = answer.iter().filter(|byte| !byte.is_ascii_whitespace());
    let place = || {
        let (line, column) = json::place(answer, at);
        format!("line {line} column {column}")
    };
    match (fault, text.next()) {
        (Fault::NotUtf8, _) => not_understood("it is not UTF-8", true),
        (_, None) => not_understood("it is empty", true),
        (_, Some(first)) if *first != b'{' => not_understood("it is no JSON object", false),
        (Fault::EndsEarly, _) => not_understood("it ends too early", true),
        (Fault::Missing(name), _) => {
            not_understood(&format!("missing field `{name}` at {}", place()), false)
        }
        (Fault::Empty(what), _) => not_understood(
            &format!("missing field: {what} is empty at {}", place()),
            false,
        ),
        (Fault::OtherType | Fault::Twice, _) => not_understood(
            &format!("a member is not of the expected type at {}", place()),
            false,
        ),
        (Fault::NotJson, _) => {
            not_understood(&format!("it is not valid JSON at {}", place()), false)
        }
    }
}

fn not_understood(detail: &str, cut_off: bool) -> Cause {
    Cause::NotUnderstood {
        detail: detail.to_owned(),
        cut_off,
    }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    // A UUID has 36 characters; what is longer is not worth passing on.
    (!id.is_empty() && id.len() <= 64).then(|| id.to_owned())
}

fn retry_after_ms(headers: &HeaderMap) -> Option<u32> {
    let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
    number(RETRY_AFTER_MS).or_else(|| number(RETRY_AFTER)?.checked_mul(1000))
}

#[cfg(test)]
mod tests;
