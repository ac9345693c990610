//! The body of an answer on its way into the sandbox, with the record of its request.
//!
//! The record is written when the body has been read to its end, has failed, or is
//! dropped, so that it tells how many bytes arrived and whether anybody read them.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::error::EgressError;
use super::trail::Trail;
use super::transport::{Peeked, ResponseBody, TransportError};

/// The body of an answer.
#[derive(Debug)]
pub struct AnswerBody {
    /// What was read before, to see whether an error means "slower".
    read: Bytes,
    rest: ResponseBody,
    trail: Option<Trail>,
}

impl AnswerBody {
    pub(super) fn new(answer: Peeked, mut trail: Trail) -> Self {
        let Peeked { read, rest } = answer;
        trail.received(read.len());
        let mut body = Self {
            read,
            rest,
            trail: Some(trail),
        };
        body.close_if_complete();
        body
    }

    fn close_if_complete(&mut self) {
        if self.is_end_stream() {
            self.close();
        }
    }

    fn close(&mut self) {
        if let Some(mut trail) = self.trail.take() {
            trail.complete();
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = self.get_mut();
        if !this.read.is_empty() {
            let frame = Frame::data(std::mem::take(&mut this.read));
            this.close_if_complete();
            return Poll::Ready(Some(Ok(frame)));
        }
        let frame = ready!(Pin::new(&mut this.rest).poll_frame(context));
        match &frame {
            None => this.close(),
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                if let Some(trail) = &mut this.trail {
                    trail.received(length);
                }
                this.close_if_complete();
            }
            Some(Err(error)) => {
                if let Some(mut trail) = this.trail.take() {
                    trail.fail(&EgressError::Transport(error.clone()));
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read = u64::try_from(self.read.len()).unwrap_or(u64::MAX);
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint
    }
}
