//! A judged request on its way: permit, proof, transport, and where the service refuses
//! the proof for a reason that the host can mend, all of that once more.
//!
//! What is sent again is the very request that was judged. Each time has a permit and a
//! record of its own, so that pace and audit stay true.

use std::time::Instant;

use bytes::Bytes;
use http::response::Parts;
use http_body::Body;
use http_body_util::Full;

use super::{Asked, Egress};
use crate::egress::call::ChangeFate;
use crate::egress::error::EgressError;
use crate::egress::policy::{Denied, Permitted};
use crate::egress::signing::{ProofError, Proven, Remedies, Remedy};
use crate::egress::throttle;
use crate::egress::trail::Trail;
use crate::egress::transport::{Limits, Peeked, TransportError};
use crate::limits::clock::timeout_at;
use crate::limits::rate::{Permit, RateError};
use crate::limits::{Limit, deadline, sizes};
use crate::trust::description::Access;

/// A request that may be sent.
pub(super) struct Order {
    pub(super) method: http::Method,
    pub(super) permitted: Permitted,
    pub(super) body: Bytes,
    pub(super) asked: Asked,
    /// When the call ends.
    pub(super) end: Instant,
}

impl Order {
    fn request(&self) -> http::Request<Full<Bytes>> {
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.permitted.uri.clone();
        *request.headers_mut() = self.permitted.headers.clone();
        request
    }

    fn is_change(&self) -> bool {
        self.permitted.access == Access::Change
    }
}

impl Egress {
    pub(super) async fn exchange(
        &self,
        order: &Order,
        trail: &mut Trail,
    ) -> Result<http::Response<Peeked>, EgressError> {
        loop {
            let (proven, answer) = self.once(order, trail).await?;
            let (head, peeked) = answer.into_parts();
            let mended = match trail.scope.clone() {
                Some(scope) => {
                    let seen = peeked.read.clone();
                    self.mend(order, &proven, &head, seen, &scope.remedies)
                        .await
                }
                None => Ok(None),
            };
            // Another change of the same call may have taken the place meanwhile.
            let remedy = match mended {
                Ok(Some(remedy)) if !order.is_change() || trail.begin_change() => remedy,
                Ok(_) => return Ok(http::Response::from_parts(head, peeked)),
                // What keeps the host from mending says more than the refusal does.
                Err(error) => {
                    trail.end(&peeked);
                    return Err(error);
                }
            };
            tracing::warn!(operation = order.permitted.operation, "{remedy}");
            trail.again(&peeked);
        }
    }

    /// Sends it, unless no permit or no proof is to be had.
    async fn once(
        &self,
        order: &Order,
        trail: &mut Trail,
    ) -> Result<(Proven, http::Response<Peeked>), EgressError> {
        let ready = self.make_ready(order, trail).await;
        if ready.is_err() && order.is_change() {
            trail.change(ChangeFate::Refused);
        }
        let (request, proven, permit) = ready?;
        let now = self.clock.now();
        let limits = Limits {
            connect: deadline::clamp(order.asked.connect, deadline::CONNECT),
            first_byte: deadline::clamp(order.asked.first_byte, deadline::FIRST_BYTE),
            between_bytes: deadline::clamp(order.asked.between_bytes, deadline::BETWEEN_BYTES),
            body: self.limits.get(Limit::ResponseBody),
            ..Limits::until(deadline::within(order.end, now, deadline::REQUEST))
        };
        trail.record.sent = request.body().size_hint().exact().unwrap_or_default();
        let sent = self.transport.send(request, limits).await;
        if order.is_change() {
            trail.change(fate(&sent));
        }
        let (head, body) = sent?.into_parts();
        trail.answered(head.status, &head.headers);

        let peeked = if head.status.is_client_error() || head.status.is_server_error() {
            let peeked = Peeked::up_to(sizes::ERROR_BODY_PEEK, body).await?;
            let seen = &peeked.read;
            if throttle::is_throttled(&self.protocol, head.status, &head.headers, seen) {
                trail.throttled();
                self.pacer.throttled(&permit).await;
            }
            peeked
        } else {
            Peeked {
                read: Bytes::new(),
                rest: body,
            }
        };
        Ok((proven, http::Response::from_parts(head, peeked)))
    }

    /// Waits for a permit, and proves then who sends the request: a proof that waited
    /// could be too old.
    async fn make_ready(
        &self,
        order: &Order,
        trail: &mut Trail,
    ) -> Result<(http::Request<Full<Bytes>>, Proven, Permit), EgressError> {
        let waiting = self.clock.now();
        let permit = self.permit(order, waiting).await;
        trail.waited(self.clock.now().saturating_duration_since(waiting));
        let permit = permit?;
        let mut request = order.request();
        let proof = self.proof.put_on(&mut request, &order.body);
        let proven = timeout_at(&*self.clock, order.end, proof)
            .await
            .map_err(|_| EgressError::CallDeadline)?
            .map_err(|error| match error {
                ProofError::Credentials(error) => EgressError::Credentials(error),
                ProofError::NotSignable | ProofError::Place { .. } => Denied::Header {
                    operation: order.permitted.operation.clone(),
                    reason: error.to_string(),
                }
                .into(),
            })?;
        // The call may have ended meanwhile: what it was answered with must stay true.
        if trail.is_over() {
            return Err(EgressError::CallDeadline);
        }
        Ok((request, proven, permit))
    }

    async fn permit(&self, order: &Order, now: Instant) -> Result<Permit, EgressError> {
        let until = if self.proof.goes_stale() {
            deadline::within(order.end, now, deadline::DATED_REQUEST)
        } else {
            order.end
        };
        let Permitted {
            operation, fixed, ..
        } = &order.permitted;
        let permit = self.pacer.acquire(operation, fixed, until).await;
        match permit {
            Ok(permit) => Ok(permit),
            // Within the call there would be time; only what was written is too old then.
            Err(RateError::Deadline { wait, .. })
                if until < order.end && wait <= order.end.saturating_duration_since(now) =>
            {
                Err(EgressError::Postponed {
                    wait: wait.saturating_sub(deadline::DATED_REQUEST),
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Mends what a refusal complains of, within the time of the call.
    async fn mend(
        &self,
        order: &Order,
        proven: &Proven,
        head: &Parts,
        seen: Bytes,
        remedies: &Remedies,
    ) -> Result<Option<Remedy>, EgressError> {
        let mending = self
            .proof
            .mend(proven, head.status, &head.headers, &seen, remedies);
        timeout_at(&*self.clock, order.end, mending)
            .await
            .map_err(|_| EgressError::CallDeadline)?
            .map_err(EgressError::Credentials)
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
