//! Carrying out what was asked for, and telling what came of it: one object for one change, a
//! line for each row of a file.

use std::io;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::super::connect::Connected;
use super::super::exit::{ExitCode, Failure};
use super::super::{finish, hint, interrupted, print};
use super::shown::{about, outcome, shown};
use crate::change::{Change, Outcome};
use crate::export::{Format, Stream, StreamColumn};
use crate::provision::batch::{self, End, RowFailure, RowResult};
use crate::provision::rows::Row;
use crate::provision::rules::Rules;
use crate::provision::{Done, ProvisionError, Provisioner};

/// The columns of the results of a file. Most ids fit; a longer one pushes its line.
const ROW_COLUMNS: &[StreamColumn] = &[
    StreamColumn {
        name: "row",
        width: 6,
    },
    StreamColumn {
        name: "outcome",
        width: 15,
    },
    StreamColumn {
        name: "about",
        width: 40,
    },
    StreamColumn {
        name: "code",
        width: 4,
    },
    StreamColumn {
        name: "error",
        width: 0,
    },
];

/// A run of one or more changes.
pub(super) struct Run {
    pub(super) connected: Connected,
    pub(super) rules: Rules,
    pub(super) dry_run: bool,
    pub(super) fail_if_exists: bool,
    pub(super) format: Format,
    pub(super) quiet: bool,
    pub(super) show_progress: bool,
}

impl Run {
    fn provisioner(&self) -> Provisioner<'_> {
        Provisioner {
            rules: &self.rules,
            journal: self.connected.journal.as_deref(),
            dry_run: self.dry_run,
        }
    }

    /// Carries out one change.
    pub(super) async fn one(self, change: &Change) -> Result<(), Failure> {
        let mut conversation = self.connected.connector.conversation();
        let provisioner = self.provisioner();
        let mut work = std::pin::pin!(provisioner.carry_out(&mut conversation, 1, change));
        // A change that is cut off in the middle has an unknown outcome.
        let done = tokio::select! {
            done = &mut work => done,
            () = interrupted() => {
                hint("finishing the change that is under way");
                work.await
            }
        };
        let done = done.map_err(|error| Failure::from(&error))?;
        if !self.quiet {
            for warning in &done.warnings {
                hint(&format!("warning: {warning}"));
            }
        }
        print(self.format, &shown(change, &done))?;
        if self.fail_if_exists && done.outcome == Outcome::AlreadyExists {
            return Err(exists_already());
        }
        Ok(())
    }

    /// Carries out the rows of a file.
    pub(super) async fn many(
        self,
        command: &str,
        file: &str,
        rows: Vec<Row>,
    ) -> Result<(), Failure> {
        let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let bar = match self.show_progress {
            true => ProgressBar::new(total),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta} left {msg}")
        {
            bar.set_style(style);
        }
        let mut tally = Tally::default();
        let mut stream = Stream::new(io::stdout(), self.format, ROW_COLUMNS);
        let mut written = Ok(());
        let end = batch::run(
            &self.connected.connector,
            self.provisioner(),
            rows,
            interrupted(),
            |result| {
                let ended = self.ended(&result.result);
                tally.count(result.row, &ended);
                if written.is_ok() {
                    written = bar.suspend(|| stream.row(&ended.row(&result)));
                }
                bar.inc(1);
            },
        )
        .await;
        bar.finish_and_clear();
        finish(written.and_then(|()| stream.end()))?;
        if !self.quiet {
            hint(&tally.to_string());
        }
        match (end, tally.first_failure) {
            (End::Interrupted, _) => Err(Failure::new(
                ExitCode::Interrupted,
                format!(
                    "interrupted: {} of {total} rows were not tried",
                    tally.not_tried
                ),
            )
            .hint(again(command, file))),
            (_, Some((row, code, message))) => Err(Failure::new(
                code,
                format!(
                    "{} of {total} rows failed, the first is row {row}: {message}",
                    tally.failed + tally.unknown + tally.not_tried
                ),
            )
            .hint(again(command, file))),
            (_, None) => Ok(()),
        }
    }

    fn ended(&self, result: &Result<Done, RowFailure>) -> Ended {
        match result {
            Ok(done) if self.fail_if_exists && done.outcome == Outcome::AlreadyExists => {
                Ended::failed(outcome(done), exists_already())
            }
            Ok(done) => Ended {
                outcome: outcome(done),
                failure: None,
            },
            Err(RowFailure::Unreadable(error)) => {
                Ended::failed("failed", Failure::new(ExitCode::Invalid, error.to_string()))
            }
            Err(RowFailure::Failed(error)) => match **error {
                ProvisionError::Unknown { .. } => Ended::failed(UNKNOWN, (&**error).into()),
                _ => Ended::failed("failed", (&**error).into()),
            },
            Err(error @ RowFailure::NotTried) => Ended::failed(
                NOT_TRIED,
                Failure::new(ExitCode::Interrupted, error.to_string()),
            ),
        }
    }
}

const UNKNOWN: &str = "unknown";
const NOT_TRIED: &str = "not-tried";

/// How a row ended.
struct Ended {
    outcome: String,
    failure: Option<Failure>,
}

impl Ended {
    fn failed(outcome: impl Into<String>, failure: Failure) -> Self {
        Self {
            outcome: outcome.into(),
            failure: Some(failure),
        }
    }

    /// The result of the row as it is printed.
    fn row(&self, result: &RowResult) -> Value {
        let done = result.result.as_ref().ok();
        let account = done.and_then(|done| done.account.as_ref());
        let about = result
            .change
            .as_ref()
            .map(|change| about(change, account.map(|account| &account.id)));
        let failure = self.failure.as_ref();
        json!({
            "row": result.row,
            "outcome": self.outcome,
            "about": about,
            "code": failure.map_or(0, |failure| failure.code as u8),
            "error": failure.map(|failure| &failure.message),
            "request_id": failure.and_then(|failure| failure.request_id.as_ref()),
            "warnings": done.map_or(&[][..], |done| &done.warnings),
        })
    }
}

fn again(command: &str, file: &str) -> String {
    format!("`{command} --from {file}` can be run again: what is done already is not done twice")
}

fn exists_already() -> Failure {
    Failure::new(ExitCode::AlreadyExists, "the account exists already")
}

/// What became of the rows of a file.
#[derive(Default)]
struct Tally {
    changed: u64,
    unchanged: u64,
    failed: u64,
    unknown: u64,
    not_tried: u64,
    first_failure: Option<(u64, ExitCode, String)>,
}

impl Tally {
    fn count(&mut self, row: u64, ended: &Ended) {
        let number = match (&ended.failure, ended.outcome.as_str()) {
            (None, outcome) if outcome.starts_with("already-") => &mut self.unchanged,
            (None, _) => &mut self.changed,
            (Some(_), UNKNOWN) => &mut self.unknown,
            (Some(_), NOT_TRIED) => &mut self.not_tried,
            (Some(_), _) => &mut self.failed,
        };
        *number += 1;
        if let (None, Some(failure)) = (&self.first_failure, &ended.failure) {
            self.first_failure = Some((row, failure.code, failure.message.clone()));
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} changed, {} were so already, {} failed",
            self.changed, self.unchanged, self.failed
        )?;
        for (number, what) in [
            (self.unknown, "have an unknown outcome"),
            (self.not_tried, "were not tried"),
        ] {
            if number > 0 {
                write!(f, ", {number} {what}")?;
            }
        }
        Ok(())
    }
}
