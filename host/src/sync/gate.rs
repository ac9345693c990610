//! Gates before publishing: what is suspicious as a whole although every page was fine.
//!
//! A sync that reports "nobody is in this group" where the truth is something else is worse
//! than none, because automation acts on it. So a snapshot that lost much of what the last
//! one had, or that refers to much that is not in it, is kept for people to look at and does
//! not become current.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::model::ResourceId;
use crate::store::{Counts, Dangling, Twin};

/// A loss counts as sudden if it is more than this part of what was there (a fifth) ...
const SHRINK_PART: u64 = 5;
/// ... and more than so many rows: of ten groups three may go on an ordinary day.
const SHRINK_ROWS: u64 = 20;

/// References to nothing are suspicious if they are more than this part of the grants (a
/// hundredth) ...
const DANGLING_PART: u64 = 100;
/// ... and more than so many: people who sign up during a sync are in its groups and not in
/// its list.
const DANGLING_ROWS: u64 = 100;

/// Why a snapshot does not become current.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// Much of what the last snapshot had is gone.
    #[error("there are {now} {what}, and the last snapshot that read them had {before}")]
    Shrunk {
        /// The rows, by the word that people know.
        what: String,
        /// How many the last snapshot had.
        before: u64,
        /// How many there are now.
        now: u64,
    },
    /// Many who hold something were not listed, and yet exist.
    #[error(
        "{late} of {known} who hold something exist and were not listed, so the list can't be \
         complete"
    )]
    ListedLate {
        /// How many were looked up and found.
        late: u64,
        /// How many accounts and other principals are known.
        known: u64,
    },
    /// Many grants name what was not listed.
    #[error("{dangling} of {grants} grants name {what} that was not listed")]
    Dangling {
        /// What they name.
        what: &'static str,
        /// How many do.
        dangling: u64,
        /// How many grants there are.
        grants: u64,
    },
    /// Two resources claim one id.
    #[error("two resources that were created at different times have the id {0}")]
    Twins(ResourceId),
    /// Two grants would be shown as one.
    #[error(
        "{0} grant ids stand for more than one grant, because a group is named like the middle \
         of one"
    )]
    Ambiguous(u64),
}

/// Whether an id came for two resources that both were there before the sync began. One
/// that was created later took the place of the other one while it was listed.
pub(super) fn twins(twins: &[Twin], started_at: &str) -> Option<GateError> {
    let moment = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let started = moment(started_at);
    twins
        .iter()
        .find(|twin| moment(&twin.later) < started)
        .map(|twin| GateError::Twins(twin.id.clone()))
}

/// Whether some text that scripts take for the id of one grant stands for two.
pub(super) fn ambiguous(ids: u64) -> Option<GateError> {
    (ids > 0).then_some(GateError::Ambiguous(ids))
}

/// Whether less is there than can be believed. What one of the two did not ask for is
/// unknown there and not compared.
pub(super) fn shrunk(before: &Counts, now: &Counts) -> Option<GateError> {
    before.iter().find_map(|(what, before)| {
        let (_, now) = now.iter().find(|(name, _)| *name == what)?;
        let lost = before.saturating_sub(now);
        (lost > SHRINK_ROWS && lost > before / SHRINK_PART).then(|| GateError::Shrunk {
            what: what.to_owned(),
            before,
            now,
        })
    })
}

/// Whether more members are in no list than could be looked up: nobody knows then whether
/// they exist, nor who else is missing.
pub(super) fn unlisted(too_many: bool, found: &Dangling, counts: &Counts) -> Option<GateError> {
    too_many.then(|| GateError::Dangling {
        what: "somebody",
        dangling: found.principals,
        grants: counts.grants.unwrap_or_default(),
    })
}

/// Whether more members were missing in the lists than people who sign up explain: then
/// others are missing too, who are in no group and nobody asks for.
pub(super) fn listed_late(late: u64, counts: &Counts) -> Option<GateError> {
    let known = counts.resources.iter().map(|(_, rows)| rows).sum();
    (late > DANGLING_ROWS && late > known / DANGLING_PART)
        .then_some(GateError::ListedLate { late, known })
}

/// Whether more grants refer to nothing than people coming and going explain. Those that
/// were left out because the service denies whom they name count too: a service that denies
/// everybody must not look like a system without members.
pub(super) fn dangling(found: &Dangling, left_out: u64, counts: &Counts) -> Option<GateError> {
    let grants = counts.grants? + left_out;
    [
        ("somebody", found.principals + left_out),
        ("something", found.entitlements),
    ]
    .into_iter()
    .find(|(_, dangling)| *dangling > DANGLING_ROWS && *dangling > grants / DANGLING_PART)
    .map(|(what, dangling)| GateError::Dangling {
        what,
        dangling,
        grants,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(users: u64, grants: Option<u64>) -> Counts {
        Counts {
            resources: vec![("users".to_owned(), users)],
            entitlements: None,
            grants,
        }
    }

    #[test]
    fn a_fifth_and_twenty_rows_may_go_and_not_one_more() {
        let shrunk = |before, now| shrunk(&counts(before, None), &counts(now, None)).is_some();
        assert!(!shrunk(1000, 800));
        assert!(shrunk(1000, 799));
        assert!(!shrunk(30, 10), "few rows");
        assert!(shrunk(30, 9));
        assert!(!shrunk(0, 0));
        assert!(!shrunk(10, 1000), "growth is no loss");
    }

    #[test]
    fn what_was_not_asked_for_is_not_taken_for_lost() {
        assert_eq!(shrunk(&counts(10, Some(1000)), &counts(10, None)), None);
        assert_eq!(shrunk(&counts(10, None), &counts(10, Some(1))), None);
        assert!(shrunk(&counts(10, Some(1000)), &counts(10, Some(0))).is_some());
    }

    #[test]
    fn members_whom_no_list_named_are_believed_up_to_a_hundredth() {
        let late = |late, users| listed_late(late, &counts(users, None)).is_some();
        assert!(!late(100, 200));
        assert!(late(101, 200));
        assert!(!late(101, 10_200));
    }

    #[test]
    fn more_unlisted_members_than_can_be_looked_up_are_refused_however_many_grants_there_are() {
        let found = Dangling {
            principals: 5001,
            entitlements: 0,
        };
        let counts = counts(1_000_000, Some(1_000_000));
        assert!(unlisted(true, &found, &counts).is_some());
        assert!(unlisted(false, &found, &counts).is_none());
        assert!(
            dangling(&found, 0, &counts).is_none(),
            "the other gate would let them pass"
        );
    }

    #[test]
    fn an_id_has_two_owners_unless_one_came_after_the_other_during_the_sync() {
        let twin = |later: &str| Twin {
            id: ResourceId::new("user", "alice"),
            later: later.to_owned(),
        };
        let started = "2026-11-23T12:00:00Z";
        let before = twin("2026-11-23T11:59:59.999Z");
        let during = twin("2026-11-23T12:00:00.001Z");
        assert_eq!(twins(std::slice::from_ref(&during), started), None);
        assert_eq!(
            twins(&[during, before], started),
            Some(GateError::Twins(ResourceId::new("user", "alice")))
        );
    }

    #[test]
    fn a_hundredth_and_a_hundred_references_to_nothing_are_believed() {
        let dangling = |principals, grants| {
            let found = Dangling {
                principals,
                entitlements: 0,
            };
            dangling(&found, 0, &counts(1, Some(grants))).is_some()
        };
        assert!(!dangling(100, 200));
        assert!(dangling(101, 200));
        assert!(!dangling(101, 10_200), "a hundredth of many");
        assert!(dangling(103, 10_200));
        let left_out = |grants, left| {
            super::dangling(&Dangling::default(), left, &counts(1, Some(grants))).is_some()
        };
        assert!(!left_out(0, 100));
        assert!(left_out(0, 101), "what was left out was there before");
    }
}
