//! Whether a sync goes on with an interrupted run or begins a new one.
//!
//! Hours of reading are worth keeping, and half a truth is not: a run is gone on with only
//! if the same component would have read the same things under the same settings, and not
//! so long ago that its first rows are history.

use std::fmt;

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::Options;
use super::list::List;
use super::note::Note;
use crate::connector::Connector;
use crate::model::ResourceId;
use crate::store::{Resumable, Run, StoreError, SyncStore};

/// The age from which on a run is begun anew. Accounts come and go within a day, and a
/// snapshot of which one half is older than that describes no moment at all.
const MAX_AGE: Duration = Duration::hours(24);

/// How a sync begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// There is nothing to go on with.
    New,
    /// It goes on with an interrupted run.
    GoesOn {
        /// The run.
        sync_id: String,
        /// When that run began, RFC 3339.
        started_at: String,
    },
    /// It begins anew although there is an interrupted run.
    Anew {
        /// The run that is left.
        sync_id: String,
        /// Why.
        why: NotResumed,
    },
}

/// Why an interrupted run is not gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotResumed {
    /// That was asked for.
    Asked,
    /// It is too old.
    Old,
    /// Another component has begun it, or another version of it.
    OtherComponent,
    /// It was to read something else.
    OtherScope,
    /// It read memberships in the other direction.
    OtherPlan,
    /// It was begun with other settings.
    OtherSettings,
    /// Another version of this program has begun it.
    OtherProgram,
}

impl fmt::Display for NotResumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "that was asked for",
            Self::Old => "it began more than 24 hours ago",
            Self::OtherComponent => "another version of the component had begun it",
            Self::OtherScope => "it was to read something else (--only, --omit-attr)",
            Self::OtherPlan => "it read memberships in another way (--plan)",
            Self::OtherSettings => "it was begun with other settings",
            Self::OtherProgram => "another version of this program had begun it",
        })
    }
}

/// A run to go on with.
pub(super) struct Left {
    pub(super) run: Run,
    /// All lists that were begun, and the place of those that are not at their end.
    pub(super) lists: Vec<(List, Option<Place>)>,
    pub(super) rows: Vec<(String, u64)>,
    pub(super) vanished: Vec<ResourceId>,
    pub(super) note: Note,
}

/// How far a list has been read.
pub(super) struct Place {
    pub(super) cursor: Option<String>,
    pub(super) first_page: Vec<u64>,
}

/// Decides what to do about the newest run of a store.
pub(super) fn decide(
    store: &SyncStore,
    connector: &Connector,
    options: &Options,
) -> Result<(Beginning, Option<Left>), StoreError> {
    let Some(resumable) = store.resumable()? else {
        return Ok((Beginning::New, None));
    };
    let sync_id = resumable.run.sync_id.clone();
    let started_at = resumable.run.started_at.clone();
    Ok(match judge(resumable, connector, options) {
        Ok(left) => (
            Beginning::GoesOn {
                sync_id,
                started_at,
            },
            Some(left),
        ),
        Err(why) => (Beginning::Anew { sync_id, why }, None),
    })
}

fn judge(
    resumable: Resumable,
    connector: &Connector,
    options: &Options,
) -> Result<Left, NotResumed> {
    let run = resumable.run;
    let description = connector.description();
    let component = &connector.component().artifact().digest;
    if options.fresh {
        return Err(NotResumed::Asked);
    }
    if run.component_digest != *component {
        return Err(NotResumed::OtherComponent);
    }
    // The same component has the same kinds; only the plan changes them.
    if run.kinds != options.plan.kinds(&description.kinds) {
        return Err(NotResumed::OtherPlan);
    }
    if run.scope != options.scope {
        return Err(NotResumed::OtherScope);
    }
    if resumable.settings != connector.reading_settings() {
        return Err(NotResumed::OtherSettings);
    }
    if !is_recent(&run.started_at, OffsetDateTime::now_utc()) {
        return Err(NotResumed::Old);
    }
    let lists = resumable.lists.into_iter().map(|begun| {
        let place = (!begun.done).then_some(Place {
            cursor: begun.cursor,
            first_page: begun.first_page,
        });
        List::from_text(&begun.list).map(|list| (list, place))
    });
    let lists: Option<Vec<_>> = lists.collect();
    match (lists, Note::from_text(&resumable.note)) {
        (Some(lists), Some(note)) => Ok(Left {
            lists,
            note,
            rows: resumable.rows,
            vanished: resumable.vanished,
            run,
        }),
        _ => Err(NotResumed::OtherProgram),
    }
}

/// A run from the future was begun under another clock, and nobody knows how old it is.
fn is_recent(started_at: &str, now: OffsetDateTime) -> bool {
    OffsetDateTime::parse(started_at, &Rfc3339).is_ok_and(|started| (now - started).abs() < MAX_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_recent_for_a_day() {
        let now = OffsetDateTime::parse("2026-11-23T12:00:00Z", &Rfc3339).unwrap();
        assert!(is_recent("2026-11-23T11:00:00.123Z", now));
        assert!(is_recent("2026-11-22T12:00:01Z", now));
        assert!(!is_recent("2026-11-22T12:00:00Z", now));
        assert!(!is_recent("2026-11-25T12:00:00Z", now), "from the future");
        assert!(!is_recent("yesterday", now));
    }
}
