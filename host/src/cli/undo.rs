//! `undo`: the commands that take a run's changes back. It prints and does nothing: what is
//! to be taken back is for people to decide, with the whole list in front of them.

use std::fs::File;
use std::io::{self, BufReader, Write};

use serde_json::{Value, json};

use super::exit::{ExitCode, Failure};
use super::{Session, finish, hint};
use crate::export::{Format, Stream, StreamColumn};
use crate::provision::journal::verify::verify;
use crate::provision::undo::{self, Step};

/// Columns of CSV; the table is the shell's own form.
const COLUMNS: &[StreamColumn] = &[
    StreamColumn {
        name: "change",
        width: 6,
    },
    StreamColumn {
        name: "shell",
        width: 0,
    },
    StreamColumn {
        name: "note",
        width: 0,
    },
];

impl Session<'_> {
    pub(super) fn undo(self) -> Result<(), Failure> {
        let file = self.matches.get_one::<String>("file");
        let file = file.map(String::as_str).unwrap_or_default();
        let failed = |why: String| Failure::new(ExitCode::Invalid, format!("{file}: {why}"));
        let open =
            || File::open(file).map_err(|error| failed(format!("it can't be read: {error}")));
        let run = self.layers.option(self.matches, "run");
        let undo = undo::plan(
            BufReader::new(open()?),
            run.as_deref(),
            &self.component.record.approved,
        )
        .map_err(|error| failed(error.to_string()))?;
        // Also with --quiet: these commands are only worth what the file is.
        if let Some(complaint) = verify(BufReader::new(open()?), None)
            .map_err(|error| failed(format!("it can't be read: {error}")))?
            .complaint()
        {
            hint(&format!(
                "warning: {file}: {complaint}; look what happened before you run any of this \
                 (`connector audit verify`)"
            ));
        }
        if !self.quiet {
            hint(&format!(
                "{} of the run {}, begun {}",
                match undo.steps.len() {
                    0 => "nothing to take back".to_owned(),
                    1 => "1 step".to_owned(),
                    steps => format!("{steps} steps, the last change first,"),
                },
                undo.run,
                undo.time
            ));
        }
        if !self.quiet && !undo.earlier.is_empty() {
            hint(&format!(
                "before it this file has changes of {}; undo them with --run ID",
                undo.earlier.join(", ")
            ));
        }
        let mut out = io::stdout().lock();
        match self.format {
            Format::Table => finish(
                undo.steps
                    .iter()
                    .try_for_each(|step| writeln!(out, "{}", step.shell())),
            ),
            format => {
                let mut stream = Stream::new(out, format, COLUMNS);
                let written = undo
                    .steps
                    .iter()
                    .try_for_each(|step| stream.row(&row(step)))
                    .and_then(|()| stream.end());
                finish(written)
            }
        }
    }
}

fn row(step: &Step) -> Value {
    let bare = Step {
        note: None,
        ..step.clone()
    };
    json!({
        "change": step.change,
        "command": step.command,
        "shell": step.command.as_ref().map(|_| bare.shell()),
        "note": step.note,
    })
}
