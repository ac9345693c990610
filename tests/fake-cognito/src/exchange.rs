//! One request and its answer: latency, faults, headers and the log around an operation.

use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use crate::answer::Refusal;
use crate::api::{Twist, target};
use crate::body::Content;
use crate::clock::http_date;
use crate::farewell::Farewell;
use crate::fault::{Fault, Moment, Reply};
use crate::hash::{draw, uuid};
use crate::log::{Connection, Entry};
use crate::server::Shared;
use crate::sigv4::claimed_key;

/// The service refuses larger requests; the connector's are below two kilobytes, but 50 attributes
/// of 2,048 bytes are allowed.
const REQUEST_BYTES: usize = 1024 * 1024;

/// An answer before it becomes HTTP.
struct Outcome {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    error: Option<String>,
}

impl Outcome {
    fn of(answer: Result<Vec<u8>, Refusal>) -> Self {
        let json = (
            "content-type".to_owned(),
            "application/x-amz-json-1.1".to_owned(),
        );
        match answer {
            Ok(body) => Self {
                status: 200,
                headers: vec![json],
                body: Bytes::from(body),
                error: None,
            },
            Err(refusal) => {
                let mut headers = vec![
                    json,
                    ("x-amzn-errortype".to_owned(), format!("{}:", refusal.kind)),
                ];
                if refusal.message.bytes().all(|b| (b' '..0x7f).contains(&b)) {
                    headers.push(("x-amzn-errormessage".to_owned(), refusal.message.clone()));
                }
                Self {
                    status: refusal.status,
                    headers,
                    body: Bytes::from(refusal.body()),
                    error: Some(refusal.kind.to_owned()),
                }
            }
        }
    }

    fn replaced(reply: Reply) -> Self {
        let error = reply
            .headers
            .iter()
            .find(|(name, _)| name == "x-amzn-errortype")
            .map(|(_, value)| value.trim_end_matches(':').to_owned());
        Self {
            status: reply.status,
            headers: reply.headers,
            body: reply.body,
            error,
        }
    }
}

/// Answers a request, or breaks its connection.
pub(crate) async fn handle(
    shared: &Shared,
    connection: &Connection,
    farewell: &Farewell,
    request: Request<Incoming>,
) -> Result<Response<Content>, io::Error> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, REQUEST_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Err(io::Error::other(error)),
    };
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let request_id = uuid(number as u32, draw(1, 1, number), draw(1, 2, number));
    let operation = target(&parts.headers);
    wait(shared, number).await;

    let strike = shared.faults.strike(operation, &body);
    let fault = strike.as_ref().map(|strike| &strike.fault);
    if let Some(Fault::HeldUntil(gate)) = fault {
        gate.pass().await;
    }
    let twist = fault.map_or(Twist::None, Fault::twist);
    let take_effect = || {
        if parts.method == http::Method::POST
            && parts.uri.path() == "/"
            && parts.uri.query().is_none()
        {
            shared.service.answer(&parts.headers, &body, twist)
        } else {
            Err(Refusal::front("UnknownOperationException", ""))
        }
    };
    let mut outcome = match &strike {
        Some(strike) if strike.fault.replaces_answer() => {
            if strike.after_effect {
                // The answer is lost on purpose, its effect is not.
                let _ = take_effect();
            }
            match &strike.fault {
                Fault::Reply(reply) => Outcome::replaced(reply.clone()),
                _ => Outcome::of(Ok(Vec::new())),
            }
        }
        _ => Outcome::of(take_effect()),
    };
    if let Some(fault) = fault
        && outcome.error.is_none()
        && !fault.replaces_answer()
    {
        outcome.body = Bytes::from(fault.spoil(operation, outcome.body.to_vec()));
    }
    if let Some(Fault::Headers(headers)) = fault {
        outcome.headers.extend(headers.iter().cloned());
    }
    if let Some(Fault::ContentType(other)) = fault {
        outcome.headers.retain(|(name, _)| name != "content-type");
        outcome
            .headers
            .push(("content-type".to_owned(), other.clone()));
    }

    let silent = matches!(
        fault,
        Some(Fault::Drop | Fault::Hang | Fault::Reset(Moment::Before))
    );
    let contents = shared.log.keeps_contents();
    shared.log.record(Entry {
        operation,
        key_id: claimed_key(&parts.headers).map(str::to_owned),
        status: (!silent).then_some(outcome.status),
        error: outcome.error.clone(),
        request_id: request_id.clone(),
        request_bytes: body.len(),
        answer_bytes: outcome.body.len(),
        at_ms: shared.service.clock.now_ms(),
        connection: connection.number,
        faulted: strike.is_some(),
        headers: if contents {
            text_headers(&parts.headers)
        } else {
            Vec::new()
        },
        body: if contents { body.to_vec() } else { Vec::new() },
    });
    match fault {
        Some(Fault::Drop) => return Err(io::Error::other("the connection is dropped on purpose")),
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(Fault::Delay(time)) => tokio::time::sleep(*time).await,
        _ => {}
    }
    if let Some(fault @ (Fault::Reset(_) | Fault::Length(_))) = fault {
        farewell.prepare(
            fault,
            respond(shared, outcome, None, &request_id).map(Content::whole),
        );
        return Err(io::Error::other("the connection ends on purpose"));
    }
    Ok(respond(shared, outcome, fault, &request_id))
}

async fn wait(shared: &Shared, number: u64) {
    let latency = *shared
        .latency
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let share = (draw(latency.seed, 0, number) >> 11) as f64 / (1_u64 << 53) as f64;
    let time = latency.fixed + latency.jitter.mul_f64(share);
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn text_headers(headers: &http::HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

fn respond(
    shared: &Shared,
    outcome: Outcome,
    fault: Option<&Fault>,
    request_id: &str,
) -> Response<Content> {
    let length = outcome.body.len();
    let content = match fault {
        Some(Fault::Abort) => {
            let mut body = outcome.body;
            Content::Aborted(body.split_to(length / 2))
        }
        Some(Fault::Stall) => {
            let mut body = outcome.body;
            Content::Stalled(body.split_to(length / 2))
        }
        Some(Fault::Drip { bytes, pause }) => Content::Drip {
            rest: outcome.body,
            bytes: *bytes,
            pause: *pause,
            timer: None,
        },
        Some(Fault::Endless) => Content::Endless,
        _ => Content::Whole(outcome.body),
    };
    let mut response = Response::new(content);
    *response.status_mut() =
        StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let date = http_date(shared.service.clock.now_ms());
    let own = [("x-amzn-requestid", request_id), ("date", date.as_str())];
    for (name, value) in own {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if matches!(fault, Some(Fault::Abort | Fault::Stall)) {
        headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    for (name, value) in &outcome.headers {
        let header = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        );
        if let (Ok(name), Ok(value)) = header {
            headers.insert(name, value);
        }
    }
    response
}
