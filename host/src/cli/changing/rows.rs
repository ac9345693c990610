//! What became of the rows of a file: a line for each, and the sums.

use std::fmt;

use serde_json::{Value, json};

use super::super::exit::{ExitCode, Failure};
use super::shown::about;
use crate::export::StreamColumn;
use crate::provision::Done;
use crate::provision::batch::RowResult;
use crate::trust::description::Description;

/// The columns of the results of a file. Most ids fit; a longer one pushes its line.
pub(super) const ROW_COLUMNS: &[StreamColumn] = &[
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

/// How a row ended.
pub(super) struct Ended {
    outcome: String,
    sort: Sort,
    failure: Option<Failure>,
    warnings: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Changed,
    Unchanged,
    Failed,
    Unknown,
    CutOff,
    NotTried,
}

impl Ended {
    /// It was done.
    pub(super) fn done(outcome: String, has_changed: bool, done: &Done) -> Self {
        let changes = has_changed && done.outcome.has_changed();
        Self {
            outcome,
            sort: match changes {
                true => Sort::Changed,
                false => Sort::Unchanged,
            },
            failure: None,
            warnings: done.warnings.clone(),
        }
    }

    /// It failed.
    pub(super) fn failed(outcome: impl Into<String>, failure: Failure) -> Self {
        Self::without_outcome(outcome, Sort::Failed, failure)
    }

    /// Nobody knows.
    pub(super) fn unknown(failure: Failure) -> Self {
        Self::without_outcome("unknown", Sort::Unknown, failure)
    }

    /// It was cut off in the middle, so nobody knows.
    pub(super) fn cut_off(failure: Failure) -> Self {
        Self::without_outcome("unknown", Sort::CutOff, failure)
    }

    /// Its turn did not come.
    pub(super) fn not_tried(failure: Failure) -> Self {
        Self::without_outcome("not-tried", Sort::NotTried, failure)
    }

    fn without_outcome(outcome: impl Into<String>, sort: Sort, failure: Failure) -> Self {
        Self {
            outcome: outcome.into(),
            sort,
            failure: Some(failure),
            warnings: Vec::new(),
        }
    }

    /// The result of the row as it is printed.
    pub(super) fn row(&self, result: &RowResult, description: &Description) -> Value {
        let done = result.result.as_ref().ok();
        let account = done.and_then(|done| done.account.as_ref());
        let about = result.change.as_ref().map(|change| {
            let named = change.concerns(description);
            about(
                change,
                account.map(|account| &account.id).or(named.as_ref()),
            )
        });
        let failure = self.failure.as_ref();
        json!({
            "row": result.row,
            "outcome": self.outcome,
            "about": about,
            "code": failure.map_or(0, |failure| failure.code as u8),
            "error": failure.map(|failure| &failure.message),
            "request_id": failure.and_then(|failure| failure.request_id.as_ref()),
            "warnings": self.warnings,
        })
    }
}

/// What became of the rows of a file, in numbers.
pub(super) struct Tally {
    dry_run: bool,
    changed: u64,
    unchanged: u64,
    failed: u64,
    unknown: u64,
    cut_off: u64,
    not_tried: u64,
    first_failure: Option<(u64, ExitCode, String)>,
}

impl Tally {
    pub(super) fn new(dry_run: bool) -> Self {
        Self {
            dry_run,
            changed: 0,
            unchanged: 0,
            failed: 0,
            unknown: 0,
            cut_off: 0,
            not_tried: 0,
            first_failure: None,
        }
    }

    /// Counts a row.
    pub(super) fn count(&mut self, row: u64, ended: &Ended) {
        *match ended.sort {
            Sort::Changed => &mut self.changed,
            Sort::Unchanged => &mut self.unchanged,
            Sort::Failed => &mut self.failed,
            Sort::Unknown => &mut self.unknown,
            Sort::CutOff => &mut self.cut_off,
            Sort::NotTried => &mut self.not_tried,
        } += 1;
        // What was not tried is the consequence of a failure and not one itself.
        if let (None, Some(failure)) = (&self.first_failure, &ended.failure)
            && ended.sort != Sort::NotTried
        {
            self.first_failure = Some((row, failure.code, failure.message.clone()));
        }
    }

    /// Rows that failed, or may have.
    pub(super) fn failed(&self) -> u64 {
        self.failed + self.unknown + self.cut_off
    }

    /// Whether rows are left that an interruption has kept from being done.
    pub(super) fn is_incomplete(&self) -> bool {
        self.cut_off + self.not_tried > 0
    }

    /// Rows whose turn did not come.
    pub(super) fn not_tried(&self) -> u64 {
        self.not_tried
    }

    /// The first row that failed: its number, its code and why.
    pub(super) fn first_failure(&self) -> Option<&(u64, ExitCode, String)> {
        self.first_failure.as_ref()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changed = match self.dry_run {
            true => "would change",
            false => "changed",
        };
        write!(
            f,
            "{} {changed}, {} unchanged, {} failed",
            self.changed, self.unchanged, self.failed
        )?;
        for (number, what) in [
            (self.unknown + self.cut_off, "with an unknown outcome"),
            (self.not_tried, "not tried"),
        ] {
            if number > 0 {
                write!(f, ", {number} {what}")?;
            }
        }
        if self.dry_run {
            f.write_str("; nothing was changed")?;
        }
        Ok(())
    }
}
