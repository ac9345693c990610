//! What is different between two runs, of one store or of two.
//!
//! Both sides hand out their rows in one order, so one pass over each finds every
//! difference, and memory does not grow with the runs. The order is that of bytes, on
//! both sides and here, whatever the language of the names.
//!
//! **What is unknown is not compared.** What one of the two runs did not ask for, and kinds
//! that one of them did not know, would look like mass deletion. They are left out and told.
//!
//! **What counts.** Everything that the system sent, `updated_at` too: that the system
//! says so is a fact, even where nothing else is seen to differ. The order within a list
//! counts, because an address may be the main one by being the first. What does not count
//! is how "unknown" is written: a member that is absent and one that is `null` are equal,
//! and an empty text is neither.
//!
//! What one of the two left out (`sync --omit-attr`) is left out of the other one as well,
//! by the same rules, before they are compared, and that is told too.
//!
//! **Created again.** The same id with another `created_at` is somebody else under an old
//! name, who has lost what the first one held and may have got it again. It is told as a
//! change that says so.

mod members;
mod side;

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

use super::{Rows, Run, Store, StoreError};
use crate::omit::Names;
use members::ATTRIBUTES;
pub use members::{Changed, Member};
use side::Sorted;

/// One of the two that are compared.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Where it is.
    pub store: &'a Store,
    /// Which run.
    pub run: &'a Run,
}

/// How a row differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Differs {
    /// Only the later side has it.
    Added,
    /// Only the earlier side has it.
    Removed,
    /// Both have it, with other members.
    Changed,
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        })
    }
}

/// One difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Among which rows.
    pub rows: Rows<'a>,
    /// What it is.
    pub what: What<'a>,
}

/// What a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// The JSON text of a row that is new.
    Added(&'a str),
    /// The JSON text of a row that is gone.
    Removed(&'a str),
    /// What became of a row that is still there.
    Changed(&'a Changed),
}

impl What<'_> {
    /// The word for it.
    pub fn differs(&self) -> Differs {
        match self {
            Self::Added(_) => Differs::Added,
            Self::Removed(_) => Differs::Removed,
            Self::Changed(_) => Differs::Changed,
        }
    }
}

/// How many differences there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Rows that are new.
    pub added: u64,
    /// Rows that are gone.
    pub removed: u64,
    /// Rows with other members.
    pub changed: u64,
}

impl Tally {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.added + self.removed + self.changed
    }

    fn count(&mut self, differs: Differs) {
        *match differs {
            Differs::Added => &mut self.added,
            Differs::Removed => &mut self.removed,
            Differs::Changed => &mut self.changed,
        } += 1;
    }
}

/// How many differences there are of each sort that was compared, under the names of
/// [`super::Counts`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tallies(pub Vec<(String, Tally)>);

impl Tallies {
    /// Whether there is any difference.
    pub fn is_different(&self) -> bool {
        self.0.iter().any(|(_, tally)| tally.total() > 0)
    }

    /// Those of one sort; absent if it was not compared.
    pub fn of(&self, name: &str) -> Option<Tally> {
        self.0
            .iter()
            .find_map(|(sort, tally)| (sort == name).then_some(*tally))
    }
}

/// Two runs, ready to be compared as often as it takes.
#[derive(Debug)]
pub struct Comparison<'a> {
    from: Sorted<'a>,
    to: Sorted<'a>,
    sorts: Vec<(&'a str, Rows<'a>)>,
    not_compared: Vec<String>,
    /// The ids of kinds that only one of the two knew, as a JSON list.
    unknown_kinds: String,
    /// The attributes that not both have, unless both left out the same.
    omitted: Names,
}

impl<'a> Comparison<'a> {
    /// Finds out what can be compared: of everything, or `only` of the sorts that these
    /// words name (plural or id of a kind, `entitlements`, `grants`).
    ///
    /// # Errors
    ///
    /// Fails if a store does.
    pub fn new(from: Side<'a>, to: Side<'a>, only: Option<&[&str]>) -> Result<Self, StoreError> {
        let mut sorts = Vec::new();
        let mut not_compared = Vec::new();
        let mut known_words = Vec::new();
        let mut consider = |name: &'a str, id: &'a str, rows, are_known: bool| {
            known_words.extend([name, id]);
            if only.is_some_and(|words| !words.contains(&name) && !words.contains(&id)) {
                return;
            }
            match are_known {
                true => sorts.push((name, rows)),
                false => not_compared.push(name.to_owned()),
            }
        };
        let (earlier, later) = (&from.run.scope, &to.run.scope);
        let mut unknown_kinds = Vec::new();
        let only_earlier = from
            .run
            .kinds
            .iter()
            .filter(|kind| !describes(to.run, &kind.id));
        for kind in to.run.kinds.iter().chain(only_earlier) {
            let are_known = earlier.has_kind(&kind.id) && later.has_kind(&kind.id);
            consider(&kind.plural, &kind.id, Rows::Resources(&kind.id), are_known);
            if !describes(from.run, &kind.id) || !describes(to.run, &kind.id) {
                unknown_kinds.push(kind.id.as_str());
            }
        }
        let are_known = earlier.entitlements && later.entitlements;
        consider(
            "entitlements",
            "entitlements",
            Rows::Entitlements,
            are_known,
        );
        let are_known = earlier.grants && later.grants;
        consider("grants", "grants", Rows::Grants, are_known);
        // A word that means nothing here must not end in "no difference".
        let strange = only.into_iter().flatten();
        let strange = strange.filter(|word| !known_words.contains(word));
        not_compared.extend(strange.map(|&word| word.to_owned()));
        let only_one = earlier.omitted.symmetric_difference(&later.omitted);
        not_compared.extend(only_one.map(|name| format!("{ATTRIBUTES}.{name}")));
        let omitted = match earlier.omitted == later.omitted {
            true => Names::new(),
            false => earlier.omitted.union(&later.omitted).cloned().collect(),
        };
        Ok(Self {
            // Both before the first row is read: sorting an unsettled run would disturb it.
            from: Sorted::new(from)?,
            to: Sorted::new(to)?,
            sorts,
            not_compared,
            unknown_kinds: to.store.encode(&unknown_kinds)?,
            omitted,
        })
    }

    /// What is compared, under the names of [`super::Counts`].
    pub fn sorts(&self) -> impl Iterator<Item = &str> {
        self.sorts.iter().map(|(name, _)| *name)
    }

    /// What is not compared, because at least one of the two knows nothing of it; an
    /// attribute as [`Member`]s name it. The
    /// entitlements and grants of a kind that only one of them knew are not compared
    /// either, even if those of others are.
    pub fn not_compared(&self) -> &[String] {
        &self.not_compared
    }

    /// Hands each difference to `visit`, or `only` those of one way to differ, sort by sort
    /// and in the order of the rows. `visit` may end the pass with an error of its own.
    /// Counts what it hands out.
    pub fn each<E: From<StoreError>>(
        &self,
        only: Option<Differs>,
        mut visit: impl FnMut(Difference<'_>) -> Result<(), E>,
    ) -> Result<Tallies, E> {
        let mut tallies = Tallies::default();
        for (name, rows) in &self.sorts {
            let mut tally = Tally::default();
            self.merge(*rows, only, |what| {
                tally.count(what.differs());
                visit(Difference { rows: *rows, what })
            })?;
            tallies.0.push(((*name).to_owned(), tally));
        }
        Ok(tallies)
    }

    fn merge<E: From<StoreError>>(
        &self,
        rows: Rows<'_>,
        only: Option<Differs>,
        mut visit: impl FnMut(What<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let wants = |differs| only.is_none_or(|only| only == differs);
        let (mut earlier, mut later) = (self.from.prepare(rows)?, self.to.prepare(rows)?);
        let mut earlier = self.from.read(rows, &mut earlier, &self.unknown_kinds)?;
        let mut later = self.to.read(rows, &mut later, &self.unknown_kinds)?;
        let (mut old, mut new) = (earlier.next()?, later.next()?);
        loop {
            let order = match (old, new) {
                (Some(old), Some(new)) => old.order(new)?,
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            match (order, old, new) {
                (Ordering::Less, Some(gone), _) => {
                    if wants(Differs::Removed) {
                        visit(What::Removed(&gone.text()?))?;
                    }
                    old = earlier.next()?;
                }
                (Ordering::Greater, _, Some(come)) => {
                    if wants(Differs::Added) {
                        visit(What::Added(&come.text()?))?;
                    }
                    new = later.next()?;
                }
                (Ordering::Equal, Some(before), Some(now)) => {
                    if wants(Differs::Changed)
                        && let Some(changed) = members::changed(before, now, &self.omitted)?
                    {
                        visit(What::Changed(&changed))?;
                    }
                    old = earlier.next()?;
                    new = later.next()?;
                }
                _ => return Ok(()),
            }
        }
    }
}

impl Store {
    /// The last run that was published before this one.
    pub fn run_before(&self, run: &Run) -> Result<Option<Run>, StoreError> {
        let is_before =
            |one: &Run| one.number < run.number && one.state == super::RunState::Complete;
        Ok(self.runs()?.into_iter().rfind(is_before))
    }
}

fn describes(run: &Run, kind: &str) -> bool {
    run.kinds.iter().any(|known| known.id == kind)
}
