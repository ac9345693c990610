//! One operation, from its body to its parsed answer: sign, send, judge, correct the
//! clock once, retry as often as allowed. A change that may have taken effect is never
//! sent again.
//!
//! Relies on [`Outside`] for everything outside; guards against answers that only
//! look like a success: another content type (the log-in page of a captive portal), an
//! encoding nobody asked for, bytes that are not UTF-8, JSON that ends too early.

use std::cell::Cell;
use std::time::Duration;

use super::endpoint::Endpoint;
use super::error::{Cause, Failure, Refusal};
use super::json::{self, Fault, FromJson, Reader, Writer};
use super::message::{Answer, Headers, Request};
use super::operations::{Operation, TARGET_PREFIX};
use super::retry::{Paid, Reason, RetryQuota, delay};
use super::signing::{NotSignable, Signable, Signer};
use super::skew::{Offset, correction};
use super::transport::Outside;

const TARGET: &str = "x-amz-target";
/// The id that the service gives to a request.
pub(super) const REQUEST_ID: &str = "x-amzn-requestid";
/// How long the service asks to wait.
pub(super) const RETRY_AFTER_MS: &str = "x-amz-retry-after";
const CONTENT_TYPE: &str = "content-type";
const JSON_1_1: &str = "application/x-amz-json-1.1";
const METHOD: &str = "POST";
/// This API has a single one.
const PATH: &str = "/";
const AGENT: &str = concat!("cognito-connector/", env!("CARGO_PKG_VERSION"));

/// What is shorter is no secret but a placeholder (`test`), and taking it out would
/// tear words and codes apart. AWS's secrets have 40 characters.
const MIN_SECRET: usize = 16;

/// Judges a success by its headers and its body.
type Accept<'a> = &'a mut dyn FnMut(&Headers, &[u8]) -> Result<(), Cause>;

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

impl<T: Outside> Client<T> {
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
            if answer.is_empty() && !headers.has(CONTENT_TYPE) {
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
            .map_err(|NotSignable| (Failure::new(Cause::NotSigned), None))?;
        let sent = self.transport.now();
        let response = match self.transport.send(request) {
            Ok(response) => response,
            Err(error) => return Err((Failure::new(Cause::NotAnswered(error)), None)),
        };
        let received = self.transport.now();
        let Answer {
            status,
            headers,
            body: answer,
        } = response;
        let mut offset = None;
        let cause = if status == 200 {
            match accept(&headers, &answer) {
                Ok(()) => return Ok(()),
                Err(cause) => cause,
            }
        } else {
            let refusal = Refusal::read(status, &headers, &answer);
            if let (Some(code), Some(_)) = (&refusal.code, &self.signer)
                && let (Some(sent), Some(received)) = (sent, received)
            {
                offset = correction(code, &headers, sent, received, self.offset.get());
            }
            Cause::Refused(refusal)
        };
        let failure = Failure {
            cause: self.redacted(cause),
            request_id: request_id(&headers),
            retry_after_ms: retry_after_ms(&headers),
        };
        Err((failure, offset))
    }

    fn request(&self, operation: Operation, body: &[u8]) -> Result<Request, NotSignable> {
        let mut headers = Headers::default();
        headers.add(CONTENT_TYPE, JSON_1_1.as_bytes())?;
        let target = [TARGET_PREFIX, ".", operation.name()].concat();
        headers.add(TARGET, target.as_bytes())?;
        if let Some(signer) = &self.signer {
            let signable = Signable {
                method: METHOD,
                host: self.endpoint.authority(),
                path: PATH,
                query: "",
                headers: &headers,
                body,
            };
            let now = self.transport.now().ok_or(NotSignable)?;
            let proof = signer.sign(&signable, self.offset.get().apply(now))?;
            headers.extend(proof);
        }
        headers.add("user-agent", AGENT.as_bytes())?;
        Ok(Request {
            method: METHOD.to_owned(),
            scheme: self.endpoint.scheme(),
            authority: Some(self.endpoint.authority().to_owned()),
            path: Some(PATH.to_owned()),
            headers,
            body: body.to_vec(),
        })
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

fn not_compressed(headers: &Headers) -> Result<(), Cause> {
    match headers.text("content-encoding") {
        None | Some("identity") => Ok(()),
        Some(_) => Err(not_understood(
            "it is compressed, which was not asked for",
            false,
        )),
    }
}

/// Whether a success can be an answer of this API at all.
fn usable(headers: &Headers) -> Result<(), Cause> {
    not_compressed(headers)?;
    let media_type = headers
        .text(CONTENT_TYPE)
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

fn request_id(headers: &Headers) -> Option<String> {
    let id = headers.text(REQUEST_ID)?;
    // A UUID has 36 characters; what is longer is not worth passing on.
    (!id.is_empty() && id.len() <= 64).then(|| id.to_owned())
}

fn retry_after_ms(headers: &Headers) -> Option<u32> {
    let number = |name| headers.text(name)?.trim().parse::<u32>().ok();
    number(RETRY_AFTER_MS).or_else(|| number("retry-after")?.checked_mul(1000))
}

#[cfg(test)]
mod tests;
