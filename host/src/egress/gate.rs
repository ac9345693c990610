//! The way of one request out of the sandbox, step by step.
//!
//! The order matters: what the policy refuses is refused before its body is read; the
//! body is complete before a permit is taken, so that a component cannot hold the pace
//! of others by writing slowly; the request's own time starts at the permit, so that
//! waiting does not eat it; who sends it is proven after the permit, by the host and not
//! by the component; and a throttled answer is recognised here, whatever the component
//! makes of it. Each request leaves one audit record, however it ends.

mod exchange;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

use self::exchange::Order;
use super::answer::AnswerBody;
use super::audit::{AuditSink, Recorder, Traffic};
use super::call::CallScope;
use super::error::EgressError;
use super::policy::{Denied, Policy};
use super::signing::Proof;
use super::trail::Trail;
use super::transport::{self, Peeked, Transport};
use crate::limits::clock::{Clock, timeout_at};
use crate::limits::rate::Pacer;
use crate::limits::{Limit, sandbox};
use crate::trust::description::{Access, Protocol};

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
    recorder: Arc<Recorder>,
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
            recorder: Arc::new(Recorder::new(sink)),
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
        self.recorder.traffic()
    }

    /// The source of permits.
    pub fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// Judges, paces and sends a request of the call in progress.
    pub async fn send<B>(
        &self,
        scope: Option<CallScope>,
        request: http::Request<B>,
        asked: Asked,
    ) -> Result<http::Response<AnswerBody>, EgressError>
    where
        B: Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let mut trail = Trail::begin(Arc::clone(&self.recorder), scope.clone());
        let result = self.pass(scope, request, asked, &mut trail).await;
        match result {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                let body = AnswerBody::new(body, trail);
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

#[cfg(test)]
mod tests;
