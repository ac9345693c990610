//! The end of a connection that an HTTP library would not send: resets, and lengths that lie.
//!
//! hyper frames every answer right, so an answer that is framed wrong is written by hand after hyper
//! has let go of the connection.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_LENGTH, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fault::{Fault, LengthLie, Moment};

/// What happens when everything has been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The connection is closed.
    Close,
    /// It is reset.
    Reset,
    /// It stays open until the client says anything or goes.
    Linger,
}

#[derive(Debug)]
struct Last {
    bytes: Vec<u8>,
    end: End,
}

/// The last words of one connection, if it has any.
#[derive(Debug, Default)]
pub(crate) struct Farewell(Mutex<Option<Last>>);

impl Farewell {
    /// Lays an answer up that a fault makes unfit for HTTP.
    pub(crate) fn prepare(&self, fault: &Fault, answer: Response<Bytes>) {
        let length = answer.body().len();
        let half = length / 2;
        let (lengths, sent, end) = match fault {
            Fault::Length(LengthLie::TooLong) => (vec![length + half + 1], length, End::Close),
            Fault::Length(LengthLie::TooShort) => (vec![half], length, End::Linger),
            Fault::Length(LengthLie::Twice) => (vec![length, half], length, End::Linger),
            Fault::Reset(Moment::Within) => (vec![length], half, End::Reset),
            Fault::Reset(Moment::After) => (vec![length], length, End::Reset),
            _ => (Vec::new(), 0, End::Reset),
        };
        let silent = lengths.is_empty();
        let bytes = if silent {
            Vec::new()
        } else {
            write(answer, &lengths, sent)
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Last { bytes, end });
    }

    /// Says them; a connection without any is simply closed.
    pub(crate) async fn say(self, mut stream: TcpStream) {
        let last = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = last else { return };
        // A client that has gone already has met what it should.
        let _ = stream.write_all(&last.bytes).await;
        match last.end {
            End::Close => {}
            End::Reset => drop(stream.set_zero_linger()),
            End::Linger => drop(stream.read_u8().await),
        }
    }
}

/// An answer as it goes over the wire, with these lengths and so much of its body.
fn write(answer: Response<Bytes>, lengths: &[usize], sent: usize) -> Vec<u8> {
    let (mut parts, body) = answer.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    for length in lengths {
        parts
            .headers
            .append(CONTENT_LENGTH, HeaderValue::from(*length));
    }
    let mut bytes = format!("HTTP/1.1 {}\r\n", parts.status).into_bytes();
    for (name, value) in &parts.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.get(..sent).unwrap_or(&body));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_up(fault: &Fault) -> (String, End) {
        let farewell = Farewell::default();
        farewell.prepare(fault, Response::new(Bytes::from_static(b"0123456789")));
        let last = farewell.0.into_inner().unwrap().unwrap();
        (String::from_utf8(last.bytes).unwrap(), last.end)
    }

    #[test]
    fn lengths_lie_and_bodies_are_cut_where_the_fault_says() {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: ";
        for (fault, expected, end) in [
            (
                Fault::Length(LengthLie::TooLong),
                format!("{head}16\r\n\r\n0123456789"),
                End::Close,
            ),
            (
                Fault::Length(LengthLie::TooShort),
                format!("{head}5\r\n\r\n0123456789"),
                End::Linger,
            ),
            (
                Fault::Length(LengthLie::Twice),
                format!("{head}10\r\ncontent-length: 5\r\n\r\n0123456789"),
                End::Linger,
            ),
            (
                Fault::Reset(Moment::Within),
                format!("{head}10\r\n\r\n01234"),
                End::Reset,
            ),
            (
                Fault::Reset(Moment::After),
                format!("{head}10\r\n\r\n0123456789"),
                End::Reset,
            ),
            (Fault::Reset(Moment::Before), String::new(), End::Reset),
        ] {
            assert_eq!(laid_up(&fault), (expected, end), "{fault:?}");
        }
    }
}
