//! The body of an answer, bounded in size and time.
//!
//! Over a limit it fails and never ends early: a cut page would look like a short one.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{Limits, TransportError};
use crate::limits::clock::{Clock, Sleep};
use crate::limits::deadline;

/// The body of an answer.
pub struct ResponseBody {
    incoming: Incoming,
    clock: Arc<dyn Clock>,
    between_bytes: Duration,
    deadline: Instant,
    /// Until the next piece must be there; started when the reader waits for it, so that
    /// a slow reader is not taken for a slow server.
    pause: Option<(Instant, Sleep)>,
    limit: u64,
    received: u64,
    failed: bool,
}

impl std::fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseBody")
            .field("received", &self.received)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl ResponseBody {
    /// Bounds a body; fails at once if it announces more than is allowed.
    pub(super) fn new(
        incoming: Incoming,
        limits: &Limits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TransportError> {
        if incoming.size_hint().lower() > limits.body {
            return Err(TransportError::BodySize { limit: limits.body });
        }
        Ok(Self {
            incoming,
            clock,
            between_bytes: limits.between_bytes,
            deadline: limits.deadline,
            pause: None,
            limit: limits.body,
            received: 0,
            failed: false,
        })
    }

    fn fail(
        &mut self,
        error: TransportError,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        self.failed = true;
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = self.get_mut();
        if this.failed {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.incoming).poll_frame(context) {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => {
                this.fail(match TransportError::from_hyper(&error) {
                    // Between the head and the end of a body, every failure of the
                    // connection is the same: the answer is not complete.
                    TransportError::Protocol(_) => TransportError::Incomplete,
                    other => other,
                })
            }
            Poll::Ready(Some(Ok(frame))) => {
                this.pause = None;
                let length = frame.data_ref().map_or(0, Bytes::len);
                this.received = this
                    .received
                    .saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                if this.received > this.limit {
                    let limit = this.limit;
                    return this.fail(TransportError::BodySize { limit });
                }
                // A stream of small pieces must not outlive the request either.
                if this.clock.now() >= this.deadline {
                    return this.fail(TransportError::Deadline);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Pending => {
                let (clock, deadline) = (&this.clock, this.deadline);
                let pause = this.between_bytes;
                let (end, sleep) = this.pause.get_or_insert_with(|| {
                    let end = deadline::within(deadline, clock.now(), pause);
                    (end, clock.sleep_until(end))
                });
                let end = *end;
                ready!(sleep.as_mut().poll(context));
                if end >= deadline {
                    this.fail(TransportError::Deadline)
                } else {
                    this.fail(TransportError::BetweenBytesTimeout(pause))
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failed || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
