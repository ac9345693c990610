//! The way of one request out of the sandbox, step by step.
//!
//! The order matters: what the policy refuses is refused before its body is read; the
//! body is complete before a permit is taken, so that a component cannot hold the pace
//! of others by writing slowly; the request's own time starts at the permit, so that
//! waiting does not eat it; who sends it is proven after the permit, by the host and not
//! by the component; and a throttled answer is recognised here, whatever the component
//! makes of it. Each request leaves one audit record, however it ends.

mod exchange;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use http_body_util::BodyExt;

use self::exchange::Order;
use super::answer::AnswerBody;
use super::audit::{AuditRecord, AuditSink, Counters, Traffic, Verdict};
use super::explain::{Failure, Rule};
use super::policy::{Call, Denied, Policy};
use super::signing::{Proof, Remedies};
use super::throttle;
use super::transport::{self, Transport, TransportError};
use super::wanted::Wanted;
use crate::credentials::CredentialsError;
use crate::limits::clock::{Clock, timeout_at};
use crate::limits::rate::{ClassRate, Pacer, RateError};
use crate::limits::{Limit, deadline, sandbox};
use crate::trust::description::{Access, Protocol};

/// Where services put their id of a request.
const REQUEST_ID: [&str; 3] = ["x-amzn-requestid", "x-amz-request-id", "x-request-id"];
/// Longer than any known form of such an id.
const MAX_REQUEST_ID: usize = 128;

/// Why a request got no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EgressError {
    /// The policy refused it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The pace left no room for it.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// The pace has room for it, but later than what the component wrote into it is good.
    #[error(
        "the pace leaves no room within {} s, and a request that the component has signed can't \
         wait longer", deadline::DATED_REQUEST.as_secs()
    )]
    Postponed {
        /// When to make it anew, so that it need not wait too long again.
        wait: Duration,
    },
    /// There are no credentials to sign it with.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// It could not be sent, or its answer could not be read.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It has more headers than any honest request.
    #[error("request refused: it has {count} header fields")]
    HeaderFields {
        /// How many it has.
        count: usize,
    },
    /// The component did not finish writing it.
    #[error("the component did not write its request to the end: {0}")]
    RequestBody(String),
    /// The call's time was over before the request could be sent.
    #[error("the call's time was over before its request was complete")]
    CallDeadline,
}

impl EgressError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Denied(denied) => Verdict::Denied(denied.rule()),
            Self::Rate(_) | Self::Postponed { .. } => Verdict::NoPermit,
            Self::Credentials(_) => Verdict::Failed(Failure::Credentials.word()),
            Self::Transport(error) => Verdict::Failed(error.phase()),
            Self::HeaderFields { .. } => Verdict::Denied(Rule::Size.word()),
            Self::RequestBody(_) => Verdict::Failed(Failure::RequestBody.word()),
            Self::CallDeadline => Verdict::Failed(Failure::CallDeadline.word()),
        }
    }
}

/// The contract call in progress: what it may send, until when, and what became of it.
#[derive(Clone, Debug)]
pub struct CallScope {
    call: Arc<Call>,
    deadline: Instant,
    report: Arc<Mutex<CallReport>>,
    over: Arc<AtomicBool>,
    remedies: Arc<Remedies>,
}

impl CallScope {
    /// The scope of a call that must end at an instant.
    pub fn new(call: Call, deadline: Instant) -> Self {
        Self {
            call: Arc::new(call),
            deadline,
            report: Arc::default(),
            over: Arc::default(),
            remedies: Arc::default(),
        }
    }

    /// The call has ended: what still waits for its turn is not sent any more.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// What happened on the wire so far.
    pub fn report(&self) -> CallReport {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, CallReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happened on the wire during one contract call. The component may tell it
/// otherwise; this is what the host saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallReport {
    /// Requests that left the component.
    pub requests: u32,
    /// Time that they waited for permits.
    pub waited: Duration,
    /// Whether an answer demanded fewer requests.
    pub throttled: bool,
    /// How long the service asks to wait, by the last answer that said so.
    pub retry_after: Option<Duration>,
    /// The status of the last answer.
    pub status: Option<u16>,
    /// The service's id of the last request.
    pub request_id: Option<String>,
    /// The last request that got no complete answer, and why; the first one that the policy
    /// refused, if any was.
    pub failure: Option<EgressError>,
    /// What is known about the change that was sent, if one was.
    pub change: Option<ChangeFate>,
    /// Whether something was asked after that, which is what a component does that got no
    /// clear answer.
    pub looked_after_change: bool,
}

/// What the wire tells about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeFate {
    /// It never left, or the service refused it: nothing has changed.
    Refused,
    /// The service answered with success.
    Accepted,
    /// It left, and no answer tells what became of it.
    Unknown,
}

/// How long the component allows for the parts of an exchange; the host's maxima hold
/// anyway.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// For the connection.
    pub connect: Option<Duration>,
    /// For the head of the answer.
    pub first_byte: Option<Duration>,
    /// Between two pieces of the answer's body.
    pub between_bytes: Option<Duration>,
}

/// Everything that one connection of the host needs to let requests out.
pub struct Egress {
    policy: Policy,
    protocol: Protocol,
    proof: Proof,
    pacer: Arc<Pacer>,
    transport: Transport,
    clock: Arc<dyn Clock>,
    counters: Counters,
    sink: Arc<dyn AuditSink>,
    limits: sandbox::Limits,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress")
            .field("origin", self.policy.origin())
            .field("pacer", &self.pacer)
            .finish_non_exhaustive()
    }
}

impl Egress {
    /// Joins policy, pace and transport. Nothing that says who sends a request gets out,
    /// unless [`Egress::proving`] says how.
    pub fn new(
        policy: Policy,
        pacer: Arc<Pacer>,
        parts: transport::Parts,
        sink: Arc<dyn AuditSink>,
    ) -> Self {
        let clock = Arc::clone(&parts.clock);
        let limits = parts.limits.clone();
        let policy = policy.with_largest_body(limits.count(Limit::RequestBody));
        Self {
            limits,
            transport: Transport::new(policy.addresses(), parts),
            protocol: policy.protocol().clone(),
            proof: Proof::Nothing,
            policy,
            pacer,
            clock,
            counters: Counters::default(),
            sink,
        }
    }

    /// Proves who sends its requests.
    #[must_use]
    pub fn proving(self, proof: Proof) -> Self {
        Self { proof, ..self }
    }

    /// The policy in effect.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The traffic so far; requests under way are not in it.
    pub fn traffic(&self) -> Traffic {
        self.counters.traffic()
    }

    /// The pace of every class.
    pub fn rates(&self) -> impl Iterator<Item = &ClassRate> {
        self.pacer.rates()
    }

    /// The source of permits.
    pub fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// Judges, paces and sends a request of the call in progress.
    pub async fn send<B>(
        self: Arc<Self>,
        scope: Option<CallScope>,
        request: http::Request<B>,
        asked: Asked,
    ) -> Result<http::Response<AnswerBody>, EgressError>
    where
        B: Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let mut trail = Trail::begin(Arc::clone(&self), scope.clone());
        let result = self.pass(scope, request, asked, &mut trail).await;
        match result {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                let body = AnswerBody::new(body.read, body.rest, trail);
                Ok(http::Response::from_parts(head, body))
            }
            Err(error) => {
                trail.fail(&error);
                Err(error)
            }
        }
    }

    async fn pass<B>(
        &self,
        scope: Option<CallScope>,
        request: http::Request<B>,
        asked: Asked,
        trail: &mut Trail,
    ) -> Result<http::Response<Peeked>, EgressError>
    where
        B: Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let (head, body) = request.into_parts();
        let count = head.headers.len();
        if count > self.limits.count(Limit::RequestHeaderFields) {
            return Err(EgressError::HeaderFields { count });
        }
        let call = scope.as_ref().map(|scope| &*scope.call);
        self.policy.judge_head(call, &head)?;
        let end = scope
            .as_ref()
            .map_or_else(|| self.clock.now(), |scope| scope.deadline);
        let body = timeout_at(&*self.clock, end, self.collect(body))
            .await
            .map_err(|_| EgressError::CallDeadline)??;
        let permitted = self.policy.judge(call, &head, &body)?;
        let is_change = permitted.access == Access::Change;
        if !is_change {
            trail.look();
        } else if !trail.begin_change() {
            return Err(Denied::SecondChange {
                operation: permitted.operation,
            }
            .into());
        }
        trail.record.operation.clone_from(&permitted.operation);
        trail.record.class.clone_from(&permitted.rate_class);

        let order = Order {
            method: head.method,
            permitted,
            body,
            asked,
            end,
        };
        self.exchange(&order, trail).await
    }

    /// Reads a request's body, as far as any honest one goes.
    async fn collect<B>(&self, body: B) -> Result<Bytes, EgressError>
    where
        B: Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let limit = self.limits.count(Limit::RequestBody);
        let mut body = std::pin::pin!(body);
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| EgressError::RequestBody(error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                if read.len() + data.len() > limit {
                    return Err(Denied::BodySize { limit }.into());
                }
                read.extend_from_slice(&data);
            }
        }
        Ok(read.freeze())
    }
}

/// What an answer, or its absence, tells about a change.
fn fate<B>(sent: &Result<http::Response<B>, TransportError>) -> ChangeFate {
    match sent {
        Ok(answer) if answer.status().is_success() => ChangeFate::Accepted,
        Ok(answer)
            if answer.status().is_client_error()
                && answer.status() != http::StatusCode::REQUEST_TIMEOUT =>
        {
            ChangeFate::Refused
        }
        Err(error) if !error.may_have_been_sent() => ChangeFate::Refused,
        Ok(_) | Err(_) => ChangeFate::Unknown,
    }
}

/// The beginning of a body, and the rest of it.
struct Peeked {
    read: Bytes,
    rest: transport::ResponseBody,
}

impl Peeked {
    async fn up_to(
        limit: usize,
        mut rest: transport::ResponseBody,
    ) -> Result<Self, TransportError> {
        let mut read = BytesMut::new();
        while read.len() < limit {
            match rest.frame().await {
                None => break,
                Some(frame) => {
                    // An error's trailers say nothing that anybody reads.
                    if let Ok(data) = frame?.into_data() {
                        read.extend_from_slice(&data);
                    }
                }
            }
        }
        Ok(Self {
            read: read.freeze(),
            rest,
        })
    }
}

/// The record of a request under way. Dropping it, at whatever point, writes it.
pub(super) struct Trail {
    record: AuditRecord,
    egress: Arc<Egress>,
    scope: Option<CallScope>,
}

impl std::fmt::Debug for Trail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.record.fmt(f)
    }
}

impl Trail {
    fn begin(egress: Arc<Egress>, scope: Option<CallScope>) -> Self {
        if let Some(scope) = &scope {
            let mut report = scope.lock();
            report.requests = report.requests.saturating_add(1);
        }
        Self {
            record: AuditRecord {
                time: time::OffsetDateTime::now_utc(),
                call: scope
                    .as_ref()
                    .map(|scope| scope.call.function().to_owned())
                    .unwrap_or_default(),
                operation: String::new(),
                class: String::new(),
                wait: Duration::ZERO,
                status: None,
                request_id: None,
                sent: 0,
                received: 0,
                verdict: Verdict::Abandoned,
                wanted: None,
            },
            egress,
            scope,
        }
    }

    /// Ends the record of an answer that only the host has read.
    fn end(&mut self, answer: &Peeked) {
        self.received(answer.read.len());
        if answer.rest.is_end_stream() {
            self.complete();
        }
    }

    /// Ends the record of an answer that only the host has read, and begins that of the
    /// same request sent once more.
    fn again(&mut self, answer: &Peeked) {
        self.end(answer);
        let mut next = Self::begin(Arc::clone(&self.egress), self.scope.clone());
        next.record.operation.clone_from(&self.record.operation);
        next.record.class.clone_from(&self.record.class);
        *self = next;
    }

    fn is_over(&self) -> bool {
        self.scope.as_ref().is_some_and(CallScope::is_over)
    }

    fn report(&self, change: impl FnOnce(&mut CallReport)) {
        if let Some(scope) = &self.scope {
            change(&mut scope.lock());
        }
    }

    fn waited(&mut self, duration: Duration) {
        self.record.wait = duration;
        self.report(|report| report.waited += duration);
    }

    fn answered(&mut self, status: http::StatusCode, headers: &HeaderMap) {
        self.record.status = Some(status.as_u16());
        self.record.request_id = request_id(headers);
        let retry_after = throttle::retry_after(headers);
        self.report(|report| {
            report.status = self.record.status;
            report.request_id.clone_from(&self.record.request_id);
            if retry_after.is_some() {
                report.retry_after = retry_after;
            }
        });
    }

    /// Takes the call's one place for a change, unless it has one that was not refused. From
    /// here on its fate is unknown: what is dropped under way may have left as well.
    fn begin_change(&self) -> bool {
        let Some(scope) = &self.scope else {
            return false;
        };
        let mut report = scope.lock();
        let is_free = matches!(report.change, None | Some(ChangeFate::Refused));
        if is_free {
            report.change = Some(ChangeFate::Unknown);
        }
        is_free
    }

    fn look(&self) {
        self.report(|report| report.looked_after_change |= report.change.is_some());
    }

    fn change(&self, fate: ChangeFate) {
        self.report(|report| report.change = Some(fate));
    }

    fn throttled(&mut self) {
        self.record.verdict = Verdict::Throttled;
        self.report(|report| report.throttled = true);
    }

    pub(super) fn received(&mut self, bytes: usize) {
        self.record.received += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    pub(super) fn complete(&mut self) {
        if self.record.verdict == Verdict::Abandoned {
            self.record.verdict = Verdict::Answered;
        }
    }

    pub(super) fn fail(&mut self, error: &EgressError) {
        // An answer that the host has read stays one, whatever came of it afterwards.
        if self.record.verdict != Verdict::Answered {
            self.record.verdict = error.verdict();
            self.record.wanted = Wanted::of(error);
        }
        self.report(|report| {
            // What it was refused says more about a component than what failed later.
            if !matches!(report.failure, Some(EgressError::Denied(_))) {
                report.failure = Some(error.clone());
            }
        });
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.egress.counters.count(&self.record);
        self.egress.sink.record(&self.record);
    }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = REQUEST_ID
        .iter()
        .find_map(|name| headers.get(*name))?
        .to_str()
        .ok()?;
    let plain = id.bytes().all(|b| b.is_ascii_graphic());
    (plain && !id.is_empty() && id.len() <= MAX_REQUEST_ID).then(|| id.to_owned())
}

#[cfg(test)]
mod tests;
