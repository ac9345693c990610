//! Carrying out what was asked for, and telling what came of it: one object for one change, a
//! line for each row of a file.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::super::audit::with_head;
use super::super::connect::Connected;
use super::super::exit::{ExitCode, Failure};
use super::super::signals::Signals;
use super::super::{finish, hint, print};
use super::printer::Printer;
use super::rows::{Ended, Tally};
use super::shown::{outcome, shown};
use crate::change::{Change, Outcome};
use crate::export::Format;
use crate::provision::batch::{self, End, RowFailure, RowResult};
use crate::provision::rows::Row;
use crate::provision::rules::Rules;
use crate::provision::{Done, ProvisionError, Provisioner, Stop};
use crate::trust::description::Description;

/// What a first signal is answered with.
const FINISHING: &str = "finishing what is under way; once more cuts it off";

/// A run of one or more changes.
pub(super) struct Run {
    pub(super) connected: Connected,
    pub(super) rules: Rules,
    pub(super) dry_run: bool,
    pub(super) fail_if_exists: bool,
    pub(super) format: Format,
    pub(super) quiet: bool,
    pub(super) show_progress: bool,
    pub(super) signals: Signals,
}

impl Run {
    fn provisioner<'a>(&'a self, stop: &'a Stop) -> Provisioner<'a> {
        Provisioner {
            rules: &self.rules,
            journal: self.connected.journal.as_deref(),
            dry_run: self.dry_run,
            stop,
        }
    }

    fn description(&self) -> &Description {
        self.connected.connector.description()
    }

    /// Carries out one change. One that is cut off in the middle has an unknown outcome, so
    /// it takes a second signal to do that.
    pub(super) async fn one(self, change: &Change) -> Result<(), Failure> {
        let stop = Stop::default();
        let mut conversation = self.connected.connector.conversation();
        let provisioner = self.provisioner(&stop);
        let is_sent = AtomicBool::new(false);
        let mut work =
            std::pin::pin!(provisioner.carry_out(&mut conversation, 1, change, &is_sent));
        let made = tokio::select! {
            made = &mut work => made,
            () = self.signals.next() => {
                stop.ask();
                if !self.quiet {
                    hint(FINISHING);
                }
                tokio::select! {
                    made = &mut work => made,
                    () = self.signals.next() => {
                        return Err(self.cut_off(change, is_sent.load(Ordering::SeqCst)));
                    }
                }
            }
        };
        let done = made.map_err(|error| Failure::from(&error))?;
        if !self.quiet {
            for warning in &done.warnings {
                hint(&format!("warning: {warning}"));
            }
        }
        let object = with_head(shown(change, &done), self.connected.journal.as_ref());
        print(self.format, &object).map_err(|failure| Failure {
            message: format!("{}, and {}", self.came_to(change, &done), failure.message),
            ..failure
        })?;
        if self.fail_if_exists && done.outcome == Outcome::AlreadyExists {
            return Err(exists_already());
        }
        Ok(())
    }

    fn cut_off(&self, change: &Change, is_sent: bool) -> Failure {
        if !is_sent {
            return (&ProvisionError::Interrupted).into();
        }
        let failure = Failure::new(
            ExitCode::Interrupted,
            "cut off while the change was under way; whether it took effect is not known",
        );
        match (change, change.concerns(self.description())) {
            (Change::Grant(_) | Change::Revoke(_), _) | (_, None) => {
                failure.hint("look with the same command and --dry-run")
            }
            (_, Some(id)) => failure.hint(format!("look with `connector get {id}`")),
        }
    }

    /// What is told where the result itself can't be printed.
    fn came_to(&self, change: &Change, done: &Done) -> String {
        let named = change.concerns(self.description());
        let account = done.account.as_ref().map(|account| &account.id);
        let (command, outcome) = (change.command(), outcome(done));
        match account.or(named.as_ref()) {
            Some(id) => format!("`{command}` came to `{outcome}` for {id}"),
            None => format!("`{command}` came to `{outcome}`"),
        }
    }

    /// Carries out the rows of a file.
    pub(super) async fn many(
        self,
        command: &str,
        file: &str,
        rows: Vec<Row>,
    ) -> Result<(), Failure> {
        let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let bar = self.bar(total);
        let stop = Stop::default();
        let mut tally = Tally::new(self.dry_run);
        let printer = Printer::start(self.format, bar.clone());
        let is_told = Cell::new(false);
        let end = batch::run(
            &self.connected.connector,
            self.provisioner(&stop),
            rows,
            || async {
                self.signals.next().await;
                if !is_told.replace(true) && !self.quiet {
                    bar.suspend(|| hint(FINISHING));
                }
            },
            |result| {
                let ended = self.ended(&result.result);
                tally.count(result.row, &ended);
                printer.row(
                    ended.row(&result, self.description()),
                    self.remarks(&result),
                );
                bar.inc(1);
                if printer.has_failed() {
                    stop.ask();
                }
            },
        )
        .await;
        bar.finish_and_clear();
        let written = tokio::select! {
            written = printer.end() => written,
            () = self.signals.next() => Err(io::ErrorKind::Interrupted.into()),
        };
        if !self.quiet {
            hint(&tally.to_string());
        }
        finish(written).map_err(|failure| Failure {
            message: format!("{}; {tally}", failure.message),
            ..failure
        })?;
        match self.failure(end, total, &tally) {
            None => Ok(()),
            // Standard input can't be read again.
            Some(failure) if self.dry_run || file == "-" => Err(failure),
            Some(failure) => Err(failure.hint(format!(
                "`{command} --from {file}` can be run again: what is done already is not done \
                 twice"
            ))),
        }
    }

    fn bar(&self, total: u64) -> ProgressBar {
        if !self.show_progress {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(total);
        match ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta} left") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// What people should know about a row, where its line has no room for it.
    fn remarks(&self, result: &RowResult) -> Vec<String> {
        let has_room = matches!(self.format, Format::Json | Format::Jsonl);
        match &result.result {
            Ok(done) if !has_room && !self.quiet => done
                .warnings
                .iter()
                .map(|warning| format!("warning: row {}: {warning}", result.row))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn ended(&self, result: &Result<Done, RowFailure>) -> Ended {
        match result {
            Ok(done) if self.fail_if_exists && done.outcome == Outcome::AlreadyExists => {
                Ended::failed(outcome(done), exists_already())
            }
            Ok(done) => Ended::done(outcome(done), done.dry_run || done.has_changed(), done),
            Err(RowFailure::Unreadable(error)) => {
                Ended::failed("failed", Failure::new(ExitCode::Invalid, error.to_string()))
            }
            Err(RowFailure::Failed(error)) => match &**error {
                error if is_unknown(error) => Ended::unknown(error.into()),
                ProvisionError::Unwritten {
                    made: Some(Ok(outcome)),
                    ..
                } => Ended::failed(outcome.as_str(), (&**error).into()),
                error => Ended::failed("failed", error.into()),
            },
            Err(error @ RowFailure::CutOff) => {
                Ended::cut_off(Failure::new(ExitCode::Interrupted, error.to_string()))
            }
            Err(error @ RowFailure::NotTried) => {
                Ended::not_tried(Failure::new(ExitCode::Interrupted, error.to_string()))
            }
        }
    }

    fn failure(&self, end: End, total: u64, tally: &Tally) -> Option<Failure> {
        // An end that was asked for when all was done already is an ordinary one.
        if end == End::Interrupted && tally.is_incomplete() {
            return Some(Failure::new(
                ExitCode::Interrupted,
                format!("interrupted: {tally}"),
            ));
        }
        let (row, code, message) = tally.first_failure()?;
        let rest = match end {
            End::Hopeless => format!(
                " and {} were not tried, because they would have failed too",
                tally.not_tried()
            ),
            End::Complete | End::Interrupted => String::new(),
        };
        Some(Failure::new(
            *code,
            format!(
                "{} of {total} rows failed{rest}; the first is row {row}: {message}",
                tally.failed()
            ),
        ))
    }
}

/// Whether nobody knows what became of the change, be it that the record failed as well.
fn is_unknown(error: &ProvisionError) -> bool {
    match error {
        ProvisionError::Unknown { .. } => true,
        ProvisionError::Unwritten {
            made: Some(Err(error)),
            ..
        } => is_unknown(error),
        _ => false,
    }
}

fn exists_already() -> Failure {
    Failure::new(ExitCode::AlreadyExists, "the account exists already")
}
