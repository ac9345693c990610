//! What a person should know about a sync that went well: counted, with a few examples,
//! never one line a row.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Examples that are kept of each kind of warning; enough to begin looking.
const EXAMPLES: usize = 3;

/// A kind of warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningCode {
    /// Rows came more than once and were kept once.
    RepeatedRows,
    /// A resource vanished while what belongs to it was read.
    Vanished,
    /// A list was begun again because its cursor was not accepted any more.
    Restarted,
    /// A list was begun again because it went in a circle.
    StartedOver,
    /// An answer that could not be read in full was asked for again.
    BadAnswer,
    /// The service or the way to it failed, and the page was asked for again.
    Failure,
    /// A principal that grants name and its list did not have was looked up and is there.
    ListedLate,
    /// A grant was left out because its principal does not exist.
    GonePrincipal,
    /// A resource was deleted and created again under the same id.
    Recreated,
    /// The run was interrupted and gone on with, so that it shows several moments.
    Resumed,
    /// A grant is of an entitlement that was not listed.
    UnknownEntitlement,
    /// Far fewer resources were listed than the system believes to have.
    BelowEstimate,
    /// Rows belonged to a resource that was gone in the end.
    Orphans,
    /// A grant names a principal that is not in the snapshot.
    UnknownPrincipal,
    /// What was read in slices was not believed and read again in one list.
    SlicesDiscarded,
    /// An attribute was to be left out, and nothing had it.
    OmittedNothing,
    /// An id tells the value of an attribute that was left out.
    OmittedInId,
    /// Another attribute tells the value of one that was left out.
    OmittedElsewhere,
    /// A snapshot from before has what was left out now.
    OmittedBefore,
}

/// A kind of warning, how often it came, and examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What kind it is.
    pub code: WarningCode,
    /// How often it came.
    pub count: u64,
    /// For people.
    pub message: String,
}

/// The warnings of a run by their kind: how often, and examples.
pub(super) type Noted = BTreeMap<WarningCode, (u64, Vec<String>)>;

/// Collects warnings.
#[derive(Debug, Default)]
pub(super) struct Warnings(Mutex<Noted>);

impl Warnings {
    /// Goes on from those of an earlier process.
    pub(super) fn take_over(&self, noted: Noted) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = noted;
    }

    /// Those that have come so far.
    pub(super) fn noted(&self) -> Noted {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }

    pub(super) fn add(&self, code: WarningCode, count: u64, example: impl FnOnce() -> String) {
        if count == 0 {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, examples) = all.entry(code).or_default();
        *total += count;
        if examples.len() < EXAMPLES {
            examples.push(example());
        }
    }

    /// Takes back one kind.
    pub(super) fn forget(&self, code: WarningCode) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&code);
    }

    /// How often one kind came so far.
    pub(super) fn count(&self, code: WarningCode) -> u64 {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&code).map_or(0, |(count, _)| *count)
    }

    /// In the order of their codes, so that equal syncs warn equally.
    pub(super) fn list(&self) -> Vec<Warning> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .map(|(&code, (count, examples))| {
                let mut examples = examples.clone();
                examples.sort();
                let what = match code {
                    WarningCode::RepeatedRows => "rows came more than once and were kept once",
                    WarningCode::Vanished => "resources vanished while they were read",
                    WarningCode::Restarted => "lists were begun again because their cursor had expired",
                    WarningCode::StartedOver => {
                        "lists were begun again because the service had started over in the middle"
                    }
                    WarningCode::BadAnswer => {
                        "answers could not be read in full and were asked for again"
                    }
                    WarningCode::Failure => {
                        "requests failed at the service or on the way and were sent again"
                    }
                    WarningCode::ListedLate => {
                        "members were not in the list, were looked up one by one, and are there"
                    }
                    WarningCode::GonePrincipal => {
                        "grants were left out because whom they name does not exist"
                    }
                    WarningCode::Recreated => {
                        "resources were deleted and created again under the same id"
                    }
                    WarningCode::Resumed => {
                        "interruptions lie within this sync, which shows what was there when each \
                         part was read"
                    }
                    WarningCode::UnknownEntitlement => {
                        "grants are of an entitlement that was not listed"
                    }
                    WarningCode::BelowEstimate => {
                        "kinds have far fewer resources than the service estimates"
                    }
                    WarningCode::Orphans => {
                        "entitlements and grants were dropped with the resource that they were on"
                    }
                    WarningCode::UnknownPrincipal => {
                        "grants name a principal that was not listed (created or deleted during the sync)"
                    }
                    WarningCode::SlicesDiscarded => {
                        "lists that were read in slices were discarded and read again whole, since \
                         the slices can't be complete"
                    }
                    WarningCode::OmittedNothing => {
                        "names given with --omit-attr left nothing out, since nothing has them; \
                         upper and lower case count"
                    }
                    WarningCode::OmittedInId => {
                        "ids tell what was left out, and an id can't be left out"
                    }
                    WarningCode::OmittedElsewhere => {
                        "resources tell what was left out in another attribute, which --omit-attr \
                         does not name"
                    }
                    WarningCode::OmittedBefore => {
                        "runs of before were stored without leaving that out; delete the file of the \
                         store, or sync into a new one"
                    }
                };
                examples.retain(|example| !example.is_empty());
                let shown = if examples.is_empty() { String::new() } else { format!(": {}", examples.join("; ")) };
                let message = format!("{count} {what}{shown}");
                Warning { code, count: *count, message }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_counted_and_show_a_few_examples_only() {
        let warnings = Warnings::default();
        for number in 0..10 {
            warnings.add(WarningCode::Vanished, 1, || format!("group:{number}"));
        }
        warnings.add(WarningCode::RepeatedRows, 0, || "nothing".to_owned());
        let list = warnings.list();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].count, 10);
        assert_eq!(
            list[0].message,
            "10 resources vanished while they were read: group:0; group:1; group:2"
        );
    }
}
