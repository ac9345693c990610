//! Lists that are read in slices, side by side, and what makes them doubtful.
//!
//! Slices are a wish: whether a service keeps what its filters promise is seen only in what
//! comes. So they are believed as long as nothing speaks against them. Afterwards all of
//! them are discarded, and the list is read whole.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::SyncError;
use super::list::List;
use super::queue::Item;
use super::run::{Run, sort_of};
use super::warnings::WarningCode;
use crate::connector::{Connector, ConnectorError};
use crate::contract::{BrokenPromise, Function};
use crate::engine::{Answer, CallError, Request};
use crate::model::Resource;
use crate::trust::description::Kind;

/// More slices than this are no wish of a connector that means well: each is a list with a
/// place of its own.
const MAX_SLICES: usize = 256;

/// The longest name of a slice, in bytes; it is stored with every row.
const MAX_NAME: usize = 64;

/// How lists are cut into slices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slicing {
    /// How many slices are read side by side.
    side_by_side: usize,
    /// The slices of those kinds that have any.
    slices: BTreeMap<String, Vec<String>>,
}

impl Slicing {
    /// Asks a component into which slices its lists can be cut. `side_by_side` of them are
    /// read at the same time, at least one.
    ///
    /// # Errors
    ///
    /// A component that fails, or whose slices can't be meant.
    pub async fn ask(
        connector: &Connector,
        kinds: impl Iterator<Item = &Kind>,
        side_by_side: usize,
    ) -> Result<Self, ConnectorError> {
        let mut slices = BTreeMap::new();
        for kind in kinds.filter(|kind| kind.parents.is_empty()) {
            let request = Request::Partitions {
                kind: kind.id.clone(),
            };
            let Answer::Partitions(names) = connector.call(&request).await? else {
                return Err(broken(BrokenPromise::OtherAnswer));
            };
            if !names.is_empty() {
                slices.insert(kind.id.clone(), checked(names).map_err(broken)?);
            }
        }
        Ok(Self {
            side_by_side: side_by_side.max(1),
            slices,
        })
    }

    /// Whether no list can be cut.
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// The lists that together have all top-level resources of a kind.
    pub(super) fn lists(&self, kind: &str) -> Vec<List> {
        let Some(slices) = self.slices.get(kind) else {
            return vec![List::whole(kind)];
        };
        let slices = slices.iter().map(|slice| List::Resources {
            kind: kind.to_owned(),
            parent: None,
            slice: Some(slice.clone()),
        });
        slices.collect()
    }
}

fn broken(broken: BrokenPromise) -> ConnectorError {
    let function = Function::Partitions;
    CallError::BrokenContract { function, broken }.into()
}

fn checked(names: Vec<String>) -> Result<Vec<String>, BrokenPromise> {
    let is_sound = |name: &String| {
        !name.is_empty() && name.len() <= MAX_NAME && !name.contains(char::is_control)
    };
    let different: BTreeSet<&String> = names.iter().collect();
    match names.len() <= MAX_SLICES && different.len() == names.len() && names.iter().all(is_sound)
    {
        true => Ok(names),
        false => Err(BrokenPromise::Slices),
    }
}

/// The slices of a run.
#[derive(Default)]
pub(super) struct Slices(Mutex<State>);

#[derive(Default)]
struct State {
    side_by_side: usize,
    /// How many are in the queue or being read.
    open: usize,
    /// Those whose turn has not come.
    waiting: VecDeque<Item>,
    /// All lists that are slices, until they are discarded.
    lists: Vec<List>,
    /// Why they are not believed.
    doubt: Option<String>,
}

impl Slices {
    pub(super) fn new(slicing: &Slicing) -> Self {
        Self(Mutex::new(State {
            side_by_side: slicing.side_by_side.max(1),
            ..State::default()
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a list is one of the slices, done or not.
    pub(super) fn know(&self, list: &List) {
        if list.slice().is_some() {
            self.lock().lists.push(list.clone());
        }
    }

    /// Gives an item back whose turn it is: what is no slice, and so many slices as are to
    /// be read side by side. Slices that are not believed are not read.
    pub(super) fn admit(&self, item: Item) -> Option<Item> {
        if item.list.slice().is_none() {
            return Some(item);
        }
        let mut state = self.lock();
        if state.doubt.is_some() {
            return None;
        }
        if state.open < state.side_by_side {
            state.open += 1;
            return Some(item);
        }
        state.waiting.push_back(item);
        None
    }

    /// A slice has come to its end: whose turn is next.
    fn ended(&self) -> Option<Item> {
        let mut state = self.lock();
        let next = state.waiting.pop_front();
        state.open -= usize::from(next.is_none() && state.open > 0);
        next
    }

    fn are_doubted(&self) -> bool {
        self.lock().doubt.is_some()
    }

    /// Why they are not believed: the next process must know it too, since what has shown
    /// it is in the store by then.
    pub(super) fn doubted(&self) -> Option<String> {
        self.lock().doubt.clone()
    }

    /// The slices are not believed any more. The first reason counts.
    pub(super) fn doubt(&self, why: impl FnOnce() -> String) {
        let mut state = self.lock();
        state.doubt.get_or_insert_with(why);
        state.waiting.clear();
    }

    /// Whether any list is read in slices.
    pub(super) fn are_used(&self) -> bool {
        !self.lock().lists.is_empty()
    }

    fn are_of(&self, kind: &str) -> bool {
        self.lock().lists.iter().any(|list| list.kind() == kind)
    }

    /// The slices and why they are not believed, once.
    fn take_doubted(&self) -> Option<(Vec<List>, String)> {
        let mut state = self.lock();
        let why = state.doubt.take()?;
        Some((std::mem::take(&mut state.lists), why))
    }
}

impl Run {
    /// Whether a page of a slice is not wanted any more.
    pub(super) fn is_discarded(&self, list: &List) -> bool {
        list.slice().is_some() && self.slices.are_doubted()
    }

    /// Begins the next slice after one has come to its end.
    pub(super) fn end_slice(&self, list: &List) {
        if list.slice().is_some()
            && let Some(item) = self.slices.ended()
            && !self.is_denied_sort(&sort_of(&item.list))
        {
            self.queue.push(item);
        }
    }

    /// Drops what is still to be read of slices, since the service does not keep them, and
    /// the look-ups of whom they lack.
    pub(super) fn doubt_slices(&self, why: impl FnOnce() -> String) {
        self.slices.doubt(why);
        self.queue.drop_lists(|list| match list {
            List::Listed(id) => self.slices.are_of(&id.kind),
            list => list.slice().is_some(),
        });
    }

    /// Whoever was there before the sync began and holds something had to be in a slice.
    pub(super) fn doubt_slices_that_lack(&self, late: &Resource) -> Result<(), SyncError> {
        if !self.slices.are_of(&late.id.kind) {
            return Ok(());
        }
        let started = self.with_store(|_, run| Ok(run.started_at.clone()))?;
        // Instants sort as text.
        if late
            .created_at
            .as_ref()
            .is_none_or(|created| *created < started)
        {
            self.doubt_slices(|| format!("{} is in no slice and exists", late.id));
        }
        Ok(())
    }

    /// Puts whole lists in the place of slices that are not believed. Nobody may be reading.
    /// Returns whether there were any.
    pub(super) fn discard_slices(&self) -> Result<bool, SyncError> {
        let Some((slices, why)) = self.slices.take_doubted() else {
            return Ok(false);
        };
        self.warnings.add(WarningCode::SlicesDiscarded, 1, || why);
        // Said of lists that are read again.
        self.warnings.forget(WarningCode::ListedLate);
        let kinds: BTreeSet<&str> = slices.iter().map(List::kind).collect();
        for kind in kinds {
            let is_replaced = |list: &List| match list {
                List::Listed(id) => id.kind == kind,
                list => list.slice().is_some() && list.kind() == kind,
            };
            let whole = List::whole(kind);
            let replaced: Vec<String> = {
                let mut begun = self.lock_begun();
                let replaced = begun.extract_if(is_replaced).map(|list| list.to_text());
                let replaced = replaced.collect();
                begun.insert(whole.clone());
                replaced
            };
            let text = whole.to_text();
            self.with_store(|store, run| {
                let note = self.note().to_text();
                store.replace_slices(run, kind, &replaced, &text, &note)
            })?;
            self.queue.push(Item::new(whole));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(name: &str) -> List {
        List::Resources {
            kind: "user".to_owned(),
            parent: None,
            slice: Some(name.to_owned()),
        }
    }

    #[test]
    fn as_many_slices_are_open_as_were_asked_for() {
        let slices = Slices::new(&Slicing {
            side_by_side: 2,
            ..Slicing::default()
        });
        let admitted = ["a", "b", "c", "d"].map(|name| slices.admit(Item::new(slice(name))));
        assert_eq!(admitted.iter().flatten().count(), 2);
        assert_eq!(slices.ended().unwrap().list, slice("c"));
        assert_eq!(slices.ended().unwrap().list, slice("d"));
        assert!(slices.ended().is_none());
        // A place is free again.
        assert!(slices.admit(Item::new(slice("e"))).is_some());
        assert!(slices.admit(Item::new(slice("f"))).is_none());
        assert!(slices.admit(Item::new(List::whole("group"))).is_some());
    }

    #[test]
    fn slices_that_were_doubted_before_are_replaced_and_not_read() {
        let slices = Slices::new(&Slicing::default());
        slices.know(&slice("a"));
        slices.doubt(|| "the first reason".to_owned());
        slices.doubt(|| "another one".to_owned());
        assert!(slices.admit(Item::new(slice("b"))).is_none());
        assert!(slices.admit(Item::new(List::whole("group"))).is_some());
        assert_eq!(slices.doubted().as_deref(), Some("the first reason"));
        let (lists, why) = slices.take_doubted().unwrap();
        assert_eq!(
            (lists, why.as_str()),
            (vec![slice("a")], "the first reason")
        );
        assert_eq!(slices.doubted(), None);
    }

    #[test]
    fn names_that_can_not_be_meant_are_refused() {
        let refused = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned());
            checked(names.collect()) == Err(BrokenPromise::Slices)
        };
        assert!(!refused(&["0", "f"]));
        assert!(refused(&["0", "0"]));
        assert!(refused(&[""]));
        assert!(refused(&["a\u{1b}"]));
        assert!(refused(&[&"a".repeat(MAX_NAME + 1)]));
        let many: Vec<String> = (0..=MAX_SLICES).map(|number| number.to_string()).collect();
        assert_eq!(checked(many), Err(BrokenPromise::Slices));
    }
}
