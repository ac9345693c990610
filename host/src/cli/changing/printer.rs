//! Prints results from a thread of its own: a reader that does not read must hold up neither
//! the changes under way nor the signals.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use indicatif::ProgressBar;
use serde_json::Value;
use tokio::sync::oneshot;

use super::super::hint;
use super::rows::ROW_COLUMNS;
use crate::export::{Format, Stream};

/// Prints the rows of a run in the order in which they are given.
pub(super) struct Printer {
    rows: mpsc::Sender<(Value, Vec<String>)>,
    ended: oneshot::Receiver<io::Result<()>>,
    has_failed: Arc<AtomicBool>,
}

impl Printer {
    /// Begins to print, around the progress bar.
    pub(super) fn start(format: Format, bar: ProgressBar) -> Self {
        let (rows, given) = mpsc::channel::<(Value, Vec<String>)>();
        let (end, ended) = oneshot::channel();
        let has_failed = Arc::new(AtomicBool::new(false));
        let failed = has_failed.clone();
        std::thread::spawn(move || {
            let mut stream = Stream::new(io::stdout(), format, ROW_COLUMNS);
            let mut written = Ok(());
            for (row, remarks) in given {
                bar.suspend(|| {
                    if written.is_ok() {
                        written = stream.row(&row);
                    }
                    for remark in remarks {
                        hint(&remark);
                    }
                });
                // Who closes the output on purpose does not want to know.
                if written
                    .as_ref()
                    .is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe)
                {
                    failed.store(true, Ordering::SeqCst);
                }
            }
            // Nobody waits for it if the program was asked to end.
            let _ = end.send(written.and_then(|()| stream.end()));
        });
        Self {
            rows,
            ended,
            has_failed,
        }
    }

    /// Prints a row, and remarks to standard error.
    pub(super) fn row(&self, row: Value, remarks: Vec<String>) {
        // The thread ends last.
        let _ = self.rows.send((row, remarks));
    }

    /// Whether results can't be written, so that nobody would learn of further ones.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::SeqCst)
    }

    /// Waits until everything is printed.
    pub(super) async fn end(self) -> io::Result<()> {
        drop(self.rows);
        self.ended
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the printing thread ended")))
    }
}
