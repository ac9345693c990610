//! `diff`: what changed between two snapshots, of one store or of two.

mod output;

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use super::exit::{ExitCode, Failure};
use super::stored::{Stored, warn_if_incomplete};
use super::{Session, connect, hint, printed};
use crate::export::Format;
use crate::store::{Comparison, Connection, Run, Side, Store, Tallies};
use output::Output;

impl Session<'_> {
    pub(super) fn diff(self) -> Result<ExitCode, Failure> {
        let typed = |name: &str| self.matches.get_one::<String>(name).map(String::as_str);
        let stored = Stored {
            meant: connect::meant(self.matches, &self.layers, &self.component.record.approved),
            store: connect::store_file(self.matches, &self.layers),
            run: None,
            format: self.format,
        };
        let first = stored.store()?;
        // Two systems may be compared, so the settings name only the first one.
        let second = self.layers.option(self.matches, "store-b");
        let second = second
            .map(|file| Store::open(&PathBuf::from(file)))
            .transpose()?;
        let store_b = second.as_ref().unwrap_or(&first);
        let to = store_b.require_run(typed("to"))?;
        let from = match (typed("from"), &second) {
            (None, None) => first
                .run_before(&to)?
                .ok_or_else(|| nothing_before(&to, &stored.store))?,
            (sync_id, _) => first.require_run(sync_id)?,
        };
        let from = Side {
            store: &first,
            run: &from,
        };
        let to = Side {
            store: store_b,
            run: &to,
        };
        warn_if_incomplete(from.run);
        warn_if_incomplete(to.run);
        self.compare(from, to)
    }

    fn compare(&self, from: Side<'_>, to: Side<'_>) -> Result<ExitCode, Failure> {
        let comparison = Comparison::new(from, to, None)?;
        if comparison.sorts().next().is_none() {
            return Err(nothing_in_common(from.run, to.run));
        }
        let unknown = comparison.not_compared();
        if !unknown.is_empty() {
            // Also with --quiet: what nobody looked at must not be taken for unchanged.
            hint(&format!(
                "warning: not compared: {}; one of the two did not ask for it, so nothing is known \
                 of it there",
                unknown.join(", ")
            ));
        }
        if !self.quiet {
            remarks(from, to).iter().for_each(|remark| hint(remark));
        }
        let mut output = Output::new(&comparison, from.run, to.run);
        let mut out = BufWriter::new(io::stdout().lock());
        printed(output.write(&mut out, self.format), Failure::from)?;
        if let (Format::Table, false, Some(tallies)) = (self.format, self.quiet, &output.tallies) {
            hint(&summary(tallies, &from.run.sync_id, &to.run.sync_id));
        }
        // A reader who closed the output early did so after the first difference.
        Ok(match output.is_different {
            true => ExitCode::Different,
            false => ExitCode::Done,
        })
    }
}

/// What else may be the reason for differences.
fn remarks(from: Side<'_>, to: Side<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    let differences = differences(from.store.connection(), to.store.connection());
    if !differences.is_empty() {
        remarks.push(format!(
            "the two stores belong to different connections: {}",
            differences.join(", ")
        ));
    } else if from.run.component_digest != to.run.component_digest {
        remarks.push(format!(
            "they were read by different builds of the component ({} and {}), which may tell the \
             same thing differently",
            from.run.component_version, to.run.component_version
        ));
    }
    remarks
}

fn differences(from: &Connection, to: &Connection) -> Vec<String> {
    let shown = |name: &str, from: Option<&String>, to: Option<&String>| {
        let value = |value: Option<&String>| {
            value.map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"))
        };
        (from != to).then(|| format!("{name} is {} and {}", value(from), value(to)))
    };
    let names: std::collections::BTreeSet<_> =
        from.settings.keys().chain(to.settings.keys()).collect();
    let settings = names
        .into_iter()
        .filter_map(|name| shown(name, from.settings.get(name), to.settings.get(name)));
    [
        shown("component", Some(&from.component), Some(&to.component)),
        shown("endpoint", Some(&from.origin), Some(&to.origin)),
    ]
    .into_iter()
    .flatten()
    .chain(settings)
    .collect()
}

pub(super) fn summary(tallies: &Tallies, from: &str, to: &str) -> String {
    let between = format!("{from} and {to}");
    if !tallies.is_different() {
        let sorts: Vec<&str> = tallies.0.iter().map(|(sort, _)| sort.as_str()).collect();
        return match sorts.is_empty() {
            true => format!("nothing was compared between {between}"),
            false => format!("no difference in {} between {between}", sorts.join(", ")),
        };
    }
    let parts = tallies.0.iter().filter(|(_, tally)| tally.total() > 0);
    let parts = parts.map(|(sort, tally)| {
        let counts = [
            (tally.added, "added"),
            (tally.removed, "removed"),
            (tally.changed, "changed"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, word)| format!("{count} {word}"));
        format!("{sort}: {}", counts.collect::<Vec<_>>().join(", "))
    });
    format!(
        "between {between}: {}",
        parts.collect::<Vec<_>>().join("; ")
    )
}

fn nothing_before(run: &Run, store: &Path) -> Failure {
    Failure::new(
        ExitCode::NotFound,
        format!(
            "the store `{}` has no complete snapshot before {}",
            store.display(),
            run.sync_id
        ),
    )
    .hint("sync again to have something to compare with, or name another store with --store-b FILE")
}

fn nothing_in_common(from: &Run, to: &Run) -> Failure {
    Failure::new(
        ExitCode::NotFound,
        format!(
            "{} and {} did not ask for the same things, so there is nothing to compare",
            from.sync_id, to.sync_id
        ),
    )
    .hint("`connector sync` without --only reads everything")
}
