//! One request to the directory: where it goes, how often it is tried, and what an
//! answer means. All requests only read, so that trying again is always safe.

use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::contract::identity::connector::types::Error;
use crate::http::{self, Response};
use crate::settings::Settings;

/// The pause before the second try; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Nobody waits longer than this for a directory that did not say how long.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Sends requests to one directory.
pub struct Client {
    settings: Settings,
}

impl Client {
    /// A client for checked settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Reads what is at a path. `operation` is the name that `describe` gives it.
    pub fn get<T: DeserializeOwned>(
        &self,
        operation: &str,
        segments: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, Error> {
        let target = target(segments, query);
        let mut attempt = 1;
        loop {
            let answer = http::get(&self.settings, &target).and_then(understand);
            match answer {
                Err(error) if error.retryable && attempt < self.settings.attempts => {
                    thread::sleep(pause(attempt, error.retry_after_ms));
                    attempt += 1;
                }
                Err(error) => {
                    return Err(Error {
                        message: format!("{operation} {}: {}", segments.join("/"), error.message),
                        operation: Some(operation.to_owned()),
                        ..error
                    });
                }
                Ok(value) => return Ok(value),
            }
        }
    }
}

/// The query of a page.
pub fn paging(cursor: Option<String>, size: Option<u32>) -> Vec<(&'static str, String)> {
    let size = size.map(|size| ("size", size.to_string()));
    let cursor = cursor.map(|cursor| ("cursor", cursor));
    size.into_iter().chain(cursor).collect()
}

/// An error that blames the caller.
pub fn invalid(message: impl Into<String>) -> Error {
    error("invalid-argument", message)
}

/// An error that no repetition heals.
pub fn error(code: &str, message: impl Into<String>) -> Error {
    Error {
        code: code.to_owned(),
        message: message.into(),
        retryable: false,
        retry_after_ms: None,
        operation: None,
        request_id: None,
    }
}

/// An error that may be gone when the same is tried again.
pub fn passing(code: &str, message: impl Into<String>) -> Error {
    Error {
        retryable: true,
        ..error(code, message)
    }
}

fn understand<T: DeserializeOwned>(response: Response) -> Result<T, Error> {
    let status = response.status;
    let error = match status {
        200 => match serde_json::from_slice(&response.body) {
            Ok(value) => return Ok(value),
            // Not the parser's own words: they may quote a value.
            Err(error) => passing(
                "bad-response",
                format!(
                    "the answer is not what was expected (line {}, column {})",
                    error.line(),
                    error.column()
                ),
            ),
        },
        401 => error("unauthenticated", "the directory does not accept the token"),
        403 => error("permission-denied", "the token lacks the scope for this"),
        404 => error("not-found", "the directory does not have it"),
        410 => error(
            "cursor-expired",
            "the directory does not accept the cursor any more",
        ),
        429 => Error {
            retry_after_ms: response.retry_after_ms,
            ..passing("throttled", "the directory asks for fewer requests")
        },
        500.. => Error {
            retry_after_ms: response.retry_after_ms,
            ..passing(
                "unavailable",
                format!("the directory failed with status {status}"),
            )
        },
        _ => error(
            "bad-response",
            format!("the directory answered with status {status}"),
        ),
    };
    Err(Error {
        request_id: response.request_id,
        ..error
    })
}

fn pause(attempt: u32, asked_ms: Option<u32>) -> Duration {
    match asked_ms {
        Some(asked) => Duration::from_millis(asked.into()),
        None => FIRST_PAUSE
            .saturating_mul(1 << (attempt - 1).min(8))
            .min(LONGEST_PAUSE),
    }
}

/// Path and query. An id may contain any character, so every segment is encoded.
fn target(segments: &[&str], query: &[(&str, String)]) -> String {
    let mut target = String::new();
    for segment in segments {
        target.push('/');
        encode(segment, &mut target);
    }
    for (index, (name, value)) in query.iter().enumerate() {
        target.push(if index == 0 { '?' } else { '&' });
        target.push_str(name);
        target.push('=');
        encode(value, &mut target);
    }
    target
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
fn encode(text: &str, target: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            target.push(char::from(byte));
        } else {
            target.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests;
