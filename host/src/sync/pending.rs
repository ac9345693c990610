//! Pages that were read and are not in the store yet.
//!
//! One worker at a time writes, and whoever has a page meanwhile leaves it here and goes on
//! reading. The one who writes takes all that has gathered into one transaction, which is
//! much cheaper than one for each page, and looks again before it goes. So a page is stored
//! at once when there is little to do, and never waits for a time or a number.
//!
//! Pages are written in the order in which they were left, which keeps a list's cursor
//! behind its rows. After a failure nothing more is written: a later page of the same list
//! would move the cursor past what was lost.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::{Page, Step};

/// How many pages may wait before whoever brings another one waits for the writer. As many
/// as there are workers by default: what waits is lost when the process is killed, and is
/// memory.
const MOST: usize = 4;

/// A page and how it moves its run on.
pub(super) struct ReadPage {
    pub(super) page: Page,
    /// The list that it is of.
    pub(super) list: String,
    /// The slice that it is in.
    pub(super) slice: Option<String>,
    /// Where the list goes on.
    pub(super) next: Option<String>,
    /// With the first page: the keys of its rows.
    pub(super) first_page: Option<Vec<u64>>,
    /// The lists that its rows bring.
    pub(super) brought: Vec<String>,
}

impl ReadPage {
    pub(super) fn step(&self) -> (&Page, Step<'_>) {
        let step = Step {
            list: &self.list,
            slice: self.slice.as_deref(),
            next: self.next.as_deref(),
            first_page: self.first_page.as_deref(),
            brought: &self.brought,
        };
        (&self.page, step)
    }
}

/// The pages that wait, in their order.
#[derive(Default)]
pub(super) struct Pending(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    pages: Vec<ReadPage>,
    has_failed: bool,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a page. Whether so many wait that whoever brought it should wait too.
    pub(super) fn leave(&self, page: ReadPage) -> bool {
        let mut waiting = self.lock();
        waiting.pages.push(page);
        waiting.pages.len() > MOST
    }

    /// All that wait; none after a failure.
    pub(super) fn take(&self) -> Vec<ReadPage> {
        let mut waiting = self.lock();
        let pages = std::mem::take(&mut waiting.pages);
        match waiting.has_failed {
            true => Vec::new(),
            false => pages,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().pages.is_empty()
    }

    /// What was taken could not be written.
    pub(super) fn fail(&self) {
        self.lock().has_failed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(list: &str) -> ReadPage {
        ReadPage {
            page: Page::default(),
            list: list.to_owned(),
            slice: None,
            next: None,
            first_page: None,
            brought: Vec::new(),
        }
    }

    fn lists(pages: &[ReadPage]) -> Vec<&str> {
        pages.iter().map(|page| page.list.as_str()).collect()
    }

    #[test]
    fn pages_are_taken_in_the_order_in_which_they_were_left() {
        let pending = Pending::default();
        for list in ["a", "b", "c"] {
            assert!(!pending.leave(page(list)));
        }
        assert_eq!(lists(&pending.take()), ["a", "b", "c"]);
        assert!(pending.is_empty());
        assert!(pending.take().is_empty());
    }

    #[test]
    fn whoever_leaves_one_too_many_is_told_to_wait() {
        let pending = Pending::default();
        let told: Vec<bool> = (0..=MOST).map(|_| pending.leave(page("a"))).collect();
        assert_eq!(told.iter().filter(|told| **told).count(), 1);
        assert!(told[MOST]);
    }

    #[test]
    fn after_a_failure_no_later_page_moves_a_cursor() {
        let pending = Pending::default();
        pending.leave(page("a"));
        pending.fail();
        assert!(pending.take().is_empty());
        pending.leave(page("a"));
        assert!(pending.take().is_empty());
        assert!(pending.is_empty(), "nobody waits for it");
    }
}
