//! What a component writes to its standard streams.
//!
//! A component may log as it likes and must never fail because of it, nor flood the
//! operator's terminal, steer it with escape sequences, or print a secret that it was
//! given. The sink accepts everything, keeps a bounded part of it, and hands whole,
//! cleaned lines to `tracing`. Nothing here is ever parsed for results.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// Longest line that is kept, in bytes. Four terminal rows; a log line of a connector
/// has about 200.
const MAX_LINE: usize = 1024;
/// Lines kept for one call. A panic message with a back-trace has about 40.
const MAX_LINES: usize = 100;
/// Lines that an error message repeats.
const LAST_LINES: usize = 3;
/// Secrets shorter than this are not searched for: replacing every "a" would destroy
/// the log without protecting anything.
const MIN_SECRET: usize = 8;

/// The capture of one instance's standard error and output.
#[derive(Clone)]
pub(super) struct Capture {
    shared: Arc<Mutex<Lines>>,
}

struct Lines {
    connector: String,
    secrets: Vec<String>,
    partial: Vec<u8>,
    emitted: usize,
    dropped_bytes: usize,
    last: VecDeque<String>,
}

impl Capture {
    pub(super) fn new(connector: &str, secrets: Vec<String>) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Lines {
                connector: connector.to_owned(),
                secrets,
                partial: Vec::new(),
                emitted: 0,
                dropped_bytes: 0,
                last: VecDeque::new(),
            })),
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Lines) -> T) -> T {
        change(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts the budget of a new call.
    pub(super) fn begin_call(&self) {
        self.with(|lines| {
            lines.emitted = 0;
            lines.dropped_bytes = 0;
            lines.last.clear();
        });
    }

    /// Emits what is left without a line end, says what was dropped, and returns the
    /// last lines.
    pub(super) fn end_call(&self) -> Vec<String> {
        self.with(|lines| {
            if !lines.partial.is_empty() {
                lines.line_complete();
            }
            if lines.dropped_bytes > 0 {
                tracing::debug!(
                    target: "connector::component",
                    connector = lines.connector,
                    bytes = lines.dropped_bytes,
                    "the rest of what the component wrote was dropped"
                );
            }
            lines.last.iter().cloned().collect()
        })
    }
}

impl Lines {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match chunk.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (chunk, false),
            };
            let room = MAX_LINE.saturating_sub(self.partial.len());
            let kept = text.get(..room.min(text.len())).unwrap_or_default();
            self.partial.extend_from_slice(kept);
            self.dropped_bytes += text.len() - kept.len();
            if ended {
                self.line_complete();
            }
        }
    }

    fn line_complete(&mut self) {
        let line = std::mem::take(&mut self.partial);
        if self.emitted >= MAX_LINES {
            self.dropped_bytes += line.len();
            return;
        }
        self.emitted += 1;
        let text = clean(&String::from_utf8_lossy(&line), &self.secrets);
        if text.is_empty() {
            return;
        }
        tracing::debug!(target: "connector::component", connector = self.connector, "{text}");
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(text);
    }
}

/// Text of a component made fit for a terminal: secrets replaced, control characters
/// removed.
pub(super) fn clean(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= MIN_SECRET) {
        text = text.replace(secret.as_str(), "[secret]");
    }
    text.chars()
        .filter(|c| !c.is_control() || *c == '\t')
        .collect()
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Capture {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|lines| lines.write(bytes));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_lines_of(writes: &[&[u8]]) -> Vec<String> {
        let capture = Capture::new("test", vec!["s3cr3t-value".to_owned(), "abc".to_owned()]);
        capture.begin_call();
        for bytes in writes {
            capture.with(|lines| lines.write(bytes));
        }
        capture.end_call()
    }

    #[test]
    fn lines_are_joined_across_writes_and_a_rest_without_line_end_counts() {
        assert_eq!(
            last_lines_of(&[b"one\ntw", b"o\nthr", b"ee"]),
            ["one", "two", "three"]
        );
    }

    #[test]
    fn secrets_and_escape_sequences_do_not_get_through() {
        assert_eq!(
            last_lines_of(&[b"key=s3cr3t-value \x1b[2Jabc\xff"]),
            ["key=[secret] [2Jabc\u{fffd}"]
        );
    }

    #[test]
    fn a_flood_is_cut_and_does_not_grow_memory() {
        let capture = Capture::new("test", Vec::new());
        capture.begin_call();
        for _ in 0..10_000 {
            capture.with(|lines| lines.write(&[b'x'; 5000]));
        }
        capture.with(|lines| {
            assert!(lines.partial.len() <= MAX_LINE);
            assert!(lines.dropped_bytes > 40_000_000);
        });
        for _ in 0..10_000 {
            capture.with(|lines| lines.write(b"line\n"));
        }
        capture.with(|lines| assert_eq!(lines.emitted, MAX_LINES));
    }
}
