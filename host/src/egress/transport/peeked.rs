//! The body of an answer of which the host has read the beginning.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use super::{ResponseBody, TransportError};

/// The beginning of a body, and the rest of it.
#[derive(Debug)]
pub struct Peeked {
    /// What was read.
    pub(in crate::egress) read: Bytes,
    /// What was not.
    pub(in crate::egress) rest: ResponseBody,
}

impl Peeked {
    /// Reads up to so many bytes, or a few more: a piece is not cut.
    pub(in crate::egress) async fn up_to(
        limit: usize,
        mut rest: ResponseBody,
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
