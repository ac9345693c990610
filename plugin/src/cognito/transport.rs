//! The way out of the component, as one trait: send a request, know the time, wait,
//! draw a random number, write a log line.
//!
//! Everything that is not a pure function goes through here, so that every retry,
//! every clock and every broken answer can be tested without a network and without
//! waiting. [`BodyBuffer`] belongs to every implementation: it is what turns a body
//! that is too long, cut off or lying about its length into an error.

use std::time::Duration;

#[cfg(any(test, not(all(target_family = "wasm", feature = "component"))))]
pub use super::foreign::Transport;
use super::message::{Answer, Headers, Request, text};

/// The longest body that is read.
///
/// A legal page can reach about 6 MB (60 users × 50 custom attributes × 2,048 bytes);
/// more than twice that is no answer of this service.
pub const MAX_BODY: usize = 16 * 1024 * 1024;

/// What lies outside of the component.
pub trait Outside {
    /// Sends one request and reads the whole answer. Never follows a redirect.
    fn send(&self, request: Request) -> Result<Answer, SendError>;

    /// The wall clock: the time since the beginning of 1970, unless it is before that.
    fn now(&self) -> Option<Duration>;

    /// Waits.
    fn sleep(&self, duration: Duration);

    /// A random number, at least 0 and less than 1.
    fn jitter(&self) -> f64;

    /// Writes one line to the log.
    fn log(&self, line: &str);
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    /// What went wrong.
    pub kind: SendErrorKind,
    /// For people: the transport's own words; empty where they add nothing to the kind.
    pub detail: String,
}

/// The kinds of failure that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendErrorKind {
    /// The host did not let the request out.
    Denied,
    /// The name of the endpoint does not resolve.
    NameResolution,
    /// No connection could be made, so nothing was sent.
    Connection,
    /// No connection was made in time, so nothing was sent.
    ConnectTimeout,
    /// The connection broke before the answer began; the request may have arrived.
    Broken,
    /// The other side is not who it should be.
    Certificate,
    /// The answer did not come in time; the request may have arrived.
    Timeout,
    /// The answer began and did not end properly.
    Incomplete,
    /// The answer is longer than [`MAX_BODY`].
    TooLong,
    /// The answer breaks HTTP.
    Protocol,
}

impl SendError {
    /// An error with the transport's own words.
    pub fn new(kind: SendErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }
}

/// Collects a body and knows when it is not the one that was announced.
#[derive(Debug)]
pub struct BodyBuffer {
    announced: Option<u64>,
    bytes: Vec<u8>,
}

impl BodyBuffer {
    /// A buffer for the body that these headers announce.
    pub fn new(headers: &Headers) -> Result<Self, SendError> {
        let mut announced = None;
        for value in headers.all("content-length") {
            let length = text(value)
                .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|text| text.parse::<u64>().ok())
                .ok_or_else(|| {
                    SendError::new(SendErrorKind::Protocol, "Content-Length is not a number")
                })?;
            if announced.is_some() {
                return Err(SendError::new(
                    SendErrorKind::Protocol,
                    "more than one Content-Length",
                ));
            }
            announced = Some(length);
        }
        if announced.is_some_and(|length| length > MAX_BODY as u64) {
            return Err(too_long());
        }
        Ok(Self {
            announced,
            bytes: Vec::new(),
        })
    }

    /// Adds what arrived, without a copy if it is all that was announced.
    pub fn take(&mut self, chunk: Vec<u8>) -> Result<(), SendError> {
        if self.bytes.is_empty() && self.announced == Some(chunk.len() as u64) {
            self.bytes = chunk;
            return Ok(());
        }
        self.push(&chunk)
    }

    /// Adds what arrived.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), SendError> {
        if chunk.len() > MAX_BODY - self.bytes.len() {
            return Err(too_long());
        }
        let needed = self.bytes.len() + chunk.len();
        if needed > self.bytes.capacity() {
            // What was announced at once. Else doubling as usual, but not beyond the cap:
            // twice as much is more memory than a host gives to one instance, and a body
            // that is too long is no reason to die.
            let announced = usize::try_from(self.announced.unwrap_or_default());
            let grown = announced
                .unwrap_or(MAX_BODY)
                .max(2 * self.bytes.capacity())
                .clamp(needed, MAX_BODY);
            self.bytes.reserve_exact(grown - self.bytes.len());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// The body, if it is as long as announced.
    pub fn finish(self) -> Result<Vec<u8>, SendError> {
        match self.announced {
            Some(length) if length != self.bytes.len() as u64 => Err(SendError::new(
                SendErrorKind::Incomplete,
                format!("{} of {length} announced bytes arrived", self.bytes.len()),
            )),
            _ => Ok(self.bytes),
        }
    }
}

fn too_long() -> SendError {
    SendError::new(
        SendErrorKind::TooLong,
        format!("longer than {} MiB", MAX_BODY / (1024 * 1024)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    fn headers(lengths: &[&'static str]) -> Headers {
        let mut headers = Headers::default();
        for length in lengths {
            headers.add("content-length", length.as_bytes()).unwrap();
        }
        headers
    }

    fn read(lengths: &[&'static str], chunks: &[&[u8]]) -> Result<Vec<u8>, SendErrorKind> {
        let mut buffer = BodyBuffer::new(&headers(lengths)).map_err(|error| error.kind)?;
        for chunk in chunks {
            buffer.push(chunk).map_err(|error| error.kind)?;
        }
        buffer.finish().map_err(|error| error.kind)
    }

    #[test]
    fn a_body_of_the_announced_length_is_returned_whole() {
        assert_eq!(read(&["5"], &[b"he", b"llo"]), Ok(b"hello".to_vec()));
        assert_eq!(read(&[], &[b"he", b"llo"]), Ok(b"hello".to_vec()));
        assert_eq!(read(&["0"], &[]), Ok(Vec::new()));
    }

    #[test]
    fn a_body_that_comes_at_once_is_not_copied() {
        let mut buffer = BodyBuffer::new(&headers(&["5"])).unwrap();
        let body = b"hello".to_vec();
        let place = body.as_ptr();
        buffer.take(body).unwrap();
        let body = buffer.finish().unwrap();
        assert_eq!(body.as_ptr(), place);
        let taken = |lengths: &[&'static str], chunks: &[&[u8]]| {
            let mut buffer = BodyBuffer::new(&headers(lengths)).unwrap();
            for chunk in chunks {
                buffer.take(chunk.to_vec()).map_err(|error| error.kind)?;
            }
            buffer.finish().map_err(|error| error.kind)
        };
        assert_eq!(taken(&["5"], &[b"he", b"llo"]), Ok(b"hello".to_vec()));
        assert_eq!(taken(&[], &[b"he", b"llo"]), Ok(b"hello".to_vec()));
        for chunks in [&[&b"hello"[..], b"x"][..], &[b"hell"], &[b"hello!"]] {
            assert_eq!(taken(&["5"], chunks), Err(SendErrorKind::Incomplete));
        }
    }

    #[test]
    fn a_body_shorter_or_longer_than_announced_is_incomplete() {
        assert_eq!(read(&["6"], &[b"hello"]), Err(SendErrorKind::Incomplete));
        assert_eq!(read(&["4"], &[b"hello"]), Err(SendErrorKind::Incomplete));
        assert_eq!(read(&["1"], &[]), Err(SendErrorKind::Incomplete));
    }

    #[test]
    fn a_content_length_that_is_doubled_or_no_number_breaks_the_protocol() {
        for lengths in [
            &["5", "5"][..],
            &["5", "6"],
            &["+5"],
            &["5, 5"],
            &[""],
            &["-1"],
        ] {
            assert_eq!(
                read(lengths, &[b"hello"]),
                Err(SendErrorKind::Protocol),
                "{lengths:?}"
            );
        }
    }

    #[test]
    fn no_more_memory_is_taken_than_the_longest_body_needs() {
        let mut buffer = BodyBuffer::new(&headers(&[])).unwrap();
        // A size that no doubling hits the cap with.
        let chunk = vec![b'x'; 60_000];
        let mut allocations = 0;
        let mut capacity = 0;
        while buffer.push(&chunk).is_ok() {
            assert!(buffer.bytes.capacity() <= MAX_BODY);
            allocations += usize::from(buffer.bytes.capacity() != capacity);
            capacity = buffer.bytes.capacity();
        }
        assert!(allocations < 16, "{allocations} allocations");
    }

    #[test]
    fn a_body_may_fill_the_cap_and_not_a_byte_more() {
        let half = vec![b'x'; MAX_BODY / 2];
        assert_eq!(read(&[], &[&half, &half]).unwrap().len(), MAX_BODY);
        assert_eq!(
            read(&[], &[&half, &half, b"x"]),
            Err(SendErrorKind::TooLong)
        );
        assert_eq!(read(&["16777217"], &[]), Err(SendErrorKind::TooLong));
    }
}
