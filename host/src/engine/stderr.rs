//! What a component writes to its standard streams.
//!
//! A component may log as it likes and must never fail because of it, nor flood the
//! operator's terminal, steer it with escape sequences, or print a secret that it was
//! given. The sink accepts everything, keeps a bounded part of it, and hands whole,
//! cleaned lines to `tracing`. Nothing here is ever parsed for results: neither a level
//! nor a field that a component claims is believed, and its lines stand quoted in a field
//! of their own.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::redact::Secrets;
use crate::limits::{Limit, Limits};

/// Lines that an error message repeats.
const LAST_LINES: usize = 3;
/// Bytes that a component may hand over in one write; it can go on at once.
const PERMIT: usize = 64 << 10;

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// Standard output, which is as good as standard error here.
    Output,
    /// Standard error.
    Error,
}

impl Stream {
    fn name(self) -> &'static str {
        match self {
            Self::Output => "stdout",
            Self::Error => "stderr",
        }
    }
}

/// The capture of one instance's standard error and output.
#[derive(Clone)]
pub(super) struct Capture {
    shared: Arc<Mutex<Lines>>,
}

/// One stream of a capture. All of a kind share what is kept of an unfinished line.
#[derive(Clone)]
pub(super) struct Sink {
    capture: Capture,
    stream: Stream,
}

struct Lines {
    connector: String,
    secrets: Secrets,
    most_lines: usize,
    most_in_line: usize,
    most_bytes: usize,
    call: &'static str,
    output: Vec<u8>,
    error: Vec<u8>,
    lines: usize,
    bytes: usize,
    dropped_lines: usize,
    dropped_bytes: usize,
    last: VecDeque<String>,
    /// Whether anybody has been told that too much is written, in any instance.
    told: Arc<AtomicBool>,
}

impl Capture {
    /// The capture of an instance. `told` is shared by all instances of a component: that it
    /// writes too much is worth one warning, and not one a page.
    pub(super) fn new(
        connector: &str,
        secrets: Secrets,
        limits: &Limits,
        told: Arc<AtomicBool>,
    ) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Lines {
                connector: connector.to_owned(),
                secrets,
                most_lines: limits.count(Limit::StderrLines),
                most_in_line: limits.count(Limit::StderrLine),
                most_bytes: limits.count(Limit::StderrBytes),
                call: "",
                output: Vec::new(),
                error: Vec::new(),
                lines: 0,
                bytes: 0,
                dropped_lines: 0,
                dropped_bytes: 0,
                last: VecDeque::new(),
                told,
            })),
        }
    }

    pub(super) fn stream(&self, stream: Stream) -> Sink {
        Sink {
            capture: self.clone(),
            stream,
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Lines) -> T) -> T {
        change(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts the budget of a new call.
    pub(super) fn begin_call(&self, call: &'static str) {
        self.with(|lines| {
            lines.call = call;
            lines.output.clear();
            lines.error.clear();
            lines.lines = 0;
            lines.bytes = 0;
            lines.dropped_lines = 0;
            lines.dropped_bytes = 0;
            lines.last.clear();
        });
    }

    /// Emits what is left without a line end, says what was dropped, and returns the
    /// last lines.
    pub(super) fn end_call(&self) -> Vec<String> {
        self.with(|lines| {
            for stream in [Stream::Output, Stream::Error] {
                if !lines.partial(stream).is_empty() {
                    lines.line_complete(stream);
                }
            }
            lines.tell_what_was_dropped();
            lines.last.iter().cloned().collect()
        })
    }
}

impl Lines {
    fn partial(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Output => &mut self.output,
            Stream::Error => &mut self.error,
        }
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        // A secret that begins within what is kept must be seen to its end.
        let capacity = self.most_in_line.saturating_add(self.secrets.longest());
        for chunk in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match chunk.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (chunk, false),
            };
            let partial = self.partial(stream);
            let room = capacity.saturating_sub(partial.len()).min(text.len());
            let (kept, dropped) = text.split_at_checked(room).unwrap_or((text, b""));
            partial.extend_from_slice(kept);
            self.dropped_bytes = self.dropped_bytes.saturating_add(dropped.len());
            if ended {
                self.line_complete(stream);
            }
        }
    }

    fn line_complete(&mut self, stream: Stream) {
        let line = std::mem::take(self.partial(stream));
        if line.is_empty() {
            return;
        }
        let kept = line.len().min(self.most_in_line);
        if self.lines >= self.most_lines || self.bytes.saturating_add(kept) > self.most_bytes {
            self.dropped_lines = self.dropped_lines.saturating_add(1);
            self.dropped_bytes = self.dropped_bytes.saturating_add(line.len());
            return;
        }
        self.lines += 1;
        self.bytes += kept;
        let mut text = self.secrets.clean(&String::from_utf8_lossy(&line));
        self.dropped_bytes = self.dropped_bytes.saturating_add(line.len() - kept);
        text.truncate(text.floor_char_boundary(self.most_in_line));
        tracing::debug!(
            target: "connector::component",
            connector = self.connector,
            call = self.call,
            stream = stream.name(),
            line = ?text,
            "the component wrote"
        );
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(text);
    }

    /// No honest connector writes so much, so the first time is told where it is seen.
    fn tell_what_was_dropped(&self) {
        if self.dropped_bytes == 0 {
            return;
        }
        let Self {
            connector,
            call,
            dropped_bytes,
            dropped_lines,
            most_lines,
            most_in_line,
            most_bytes,
            ..
        } = self;
        let text = format!(
            "the component {connector:?} wrote more in {call} than is kept of one call \
             ({most_lines} lines of {most_in_line} bytes, {most_bytes} bytes in all; the limits \
             `stderr-lines`, `stderr-line` and `stderr-bytes`): {dropped_bytes} bytes were \
             dropped, {dropped_lines} whole lines among them"
        );
        if self.told.swap(true, Ordering::Relaxed) {
            tracing::debug!("{text}");
        } else {
            tracing::warn!("{text}; further ones are told with --log-level debug");
        }
    }
}

impl Sink {
    fn take(&self, bytes: &[u8]) {
        self.capture.with(|lines| lines.write(self.stream, bytes));
    }
}

impl IsTerminal for Sink {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Sink {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // The engine's own adapter writes from another task: after a trap, the lines that
    // tell why could still be on their way.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Sink {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sink {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
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
mod tests;
