//! Inputs as text that a person can read and write: a line that says what is called, then
//! a message as it looks on the wire.

use http::{HeaderMap, HeaderName, HeaderValue};

/// `about`, then a start line, headers, an empty line and a body.
#[derive(Debug)]
pub struct Message<'a> {
    /// What the message is about; each target says which words it knows.
    pub about: &'a str,
    /// The first line of the message.
    pub start: &'a str,
    /// Its headers; what is no header is left out.
    pub headers: HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message; `None` if its head is not text.
    pub fn read(data: &'a [u8]) -> Option<Self> {
        let end = data.windows(2).position(|two| two == b"\n\n");
        let (head, body) = match end {
            Some(end) => (&data[..end], &data[end + 2..]),
            None => (data, &data[data.len()..]),
        };
        let mut lines = std::str::from_utf8(head).ok()?.split('\n');
        let about = lines.next()?;
        let start = lines.next()?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let Some((name, value)) = line.split_once(": ") else {
                continue;
            };
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_bytes(value.as_bytes());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        Some(Self {
            about,
            start,
            headers,
            body,
        })
    }

    /// The message as a request whose start line is `METHOD URL`.
    pub fn request(&self) -> Option<http::request::Parts> {
        let (method, uri) = self.start.split_once(' ')?;
        let request = http::Request::builder().method(method).uri(uri).body(());
        let (mut parts, ()) = request.ok()?.into_parts();
        parts.headers = self.headers.clone();
        Some(parts)
    }

    /// The message as an answer whose start line is a status.
    pub fn answer(&self) -> Option<http::Response<Vec<u8>>> {
        let status: http::StatusCode = self.start.parse().ok()?;
        let mut answer = http::Response::new(self.body.to_vec());
        *answer.status_mut() = status;
        *answer.headers_mut() = self.headers.clone();
        Some(answer)
    }
}
