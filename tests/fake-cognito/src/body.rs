//! Response bodies, well-behaved and not.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// Bytes of a chunk of a body that does not end.
const ENDLESS_CHUNK: &[u8] = &[b' '; 16 * 1024];

/// What is sent after the header.
#[derive(Debug)]
pub(crate) enum Content {
    /// Everything at once.
    Whole(Bytes),
    /// A piece, and then the connection breaks. The header has announced more.
    Aborted(Bytes),
    /// A piece, and then nothing while the connection stays open. The header has announced more.
    Stalled(Bytes),
    /// Pieces with pauses.
    Drip {
        rest: Bytes,
        bytes: usize,
        pause: Duration,
        timer: Option<Pin<Box<Sleep>>>,
    },
    /// White space for ever, which a JSON parser would gladly skip.
    Endless,
    /// An aborted body whose piece has been handed over.
    Breaking,
}

impl Content {
    /// The bytes of a body that is whole.
    pub(crate) fn whole(self) -> Bytes {
        match self {
            Self::Whole(bytes) => bytes,
            _ => Bytes::new(),
        }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let frame = |bytes: Bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        match this {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => frame(std::mem::take(bytes)),
            Self::Aborted(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = Self::Breaking;
                frame(bytes)
            }
            Self::Breaking => Poll::Ready(Some(Err(io::Error::other(
                "the body is broken off on purpose",
            )))),
            // Nobody is going to wake it; the connection ends with the client or the server.
            Self::Stalled(bytes) if bytes.is_empty() => Poll::Pending,
            Self::Stalled(bytes) => frame(std::mem::take(bytes)),
            Self::Endless => frame(Bytes::from_static(ENDLESS_CHUNK)),
            Self::Drip {
                rest,
                bytes,
                pause,
                timer,
            } => {
                if let Some(running) = timer {
                    std::task::ready!(running.as_mut().poll(context));
                }
                if rest.is_empty() {
                    return Poll::Ready(None);
                }
                *timer = Some(Box::pin(sleep(*pause)));
                let piece = rest.split_to((*bytes).clamp(1, rest.len()));
                frame(piece)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Drip { rest, .. } => SizeHint::with_exact(rest.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
