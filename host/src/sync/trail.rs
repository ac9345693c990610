//! The way that a list has come so far, so that one that goes in a circle is noticed.
//!
//! A service that starts over in the middle, or hands out the same cursor again, must
//! neither keep a sync busy for ever nor leave rows in the snapshot that only the abandoned
//! pass has seen. A row that comes twice is no such sign: lists shift while they are read.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Rows of the first page that are remembered: more than a page of any service that is
/// known has, and few enough to keep them with every open list.
const FIRST_PAGE_ROWS: usize = 200;

/// Pages in succession that bring nothing new: no service is known to send more than a few
/// empty ones, and at five a second these take minutes.
const MAX_FRUITLESS: u32 = 1000;

/// A list came to where it had been before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Circle;

/// What has been seen of a list. Memory grows by a few bytes a page and not with the rows.
#[derive(Debug, Default)]
pub(super) struct Trail {
    cursors: HashSet<u64>,
    pages: HashSet<u64>,
    first_page: Vec<u64>,
    fruitless: u32,
}

impl Trail {
    /// The trail of a list that another process has begun. A stored one that the hashes of
    /// this build do not fit only makes circles harder to notice.
    pub(super) fn resumed(first_page: Vec<u64>) -> Self {
        Self {
            first_page,
            ..Self::default()
        }
    }

    /// What is remembered of the first page.
    pub(super) fn first_page(&self) -> &[u64] {
        &self.first_page
    }

    /// Notes a page by the keys of its rows, and the cursor that it leads to.
    pub(super) fn follow(
        &mut self,
        keys: &[u64],
        is_first: bool,
        next: Option<&str>,
    ) -> Result<(), Circle> {
        if is_first {
            self.first_page = keys.iter().copied().take(FIRST_PAGE_ROWS).collect();
        } else if self.is_first_page_again(keys) {
            return Err(Circle);
        }
        let is_new = !keys.is_empty() && self.pages.insert(hash(keys));
        // One row that comes again is a list that has shifted.
        if !is_new && keys.len() > 1 {
            return Err(Circle);
        }
        self.fruitless = if is_new { 0 } else { self.fruitless + 1 };
        let leads_back = next.is_some_and(|next| !self.cursors.insert(hash(next)));
        if leads_back || self.fruitless > MAX_FRUITLESS {
            return Err(Circle);
        }
        Ok(())
    }

    /// Whether most of a page came with the first one already. It need not be the same:
    /// what it began with may have been deleted.
    fn is_first_page_again(&self, keys: &[u64]) -> bool {
        let known = keys.iter().filter(|key| self.first_page.contains(key));
        let known = known.count();
        known > 1 && known > keys.len() / 2
    }
}

/// A short stand-in for a row or a cursor. Two that share one by chance, which takes
/// billions of rows to expect, make a list be read once more.
pub(super) fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows pages of rows, each with a cursor of its own, and says which one ends it.
    fn circle(pages: &[&[u64]]) -> Option<usize> {
        let mut trail = Trail::default();
        pages.iter().enumerate().position(|(number, page)| {
            let next = format!("cursor {number}");
            trail.follow(page, number == 0, Some(&next)).is_err()
        })
    }

    #[test]
    fn a_cursor_that_comes_back_is_found_even_in_a_larger_circle() {
        let mut trail = Trail::default();
        for (page, next) in ["a", "b", "c"].into_iter().enumerate() {
            let rows = [page as u64 * 2, page as u64 * 2 + 1];
            trail.follow(&rows, page == 0, Some(next)).unwrap();
        }
        assert_eq!(trail.follow(&[90, 91], false, Some("a")), Err(Circle));
    }

    #[test]
    fn a_list_that_starts_over_is_found_although_every_cursor_is_new() {
        assert_eq!(circle(&[&[1, 2, 3], &[4, 5, 6], &[1, 2, 3]]), Some(2));
        assert_eq!(
            circle(&[&[1, 2, 3], &[4, 5, 6], &[2, 3, 4]]),
            Some(2),
            "the first row is gone meanwhile"
        );
        assert_eq!(
            circle(&[&[1, 2], &[3, 4], &[5, 6], &[3, 4]]),
            Some(3),
            "a circle that the first page is not part of"
        );
    }

    #[test]
    fn rows_that_come_twice_and_empty_pages_are_no_circle() {
        assert_eq!(circle(&[&[1, 2, 3], &[3, 4, 5], &[5]]), None);
        assert_eq!(circle(&[&[1], &[1], &[2]]), None);
        assert_eq!(circle(&[&[], &[], &[1, 2], &[], &[3]]), None);
    }

    #[test]
    fn pages_that_bring_nothing_for_ever_end_some_time() {
        let endless = vec![&[][..]; MAX_FRUITLESS as usize + 2];
        assert_eq!(circle(&endless), Some(MAX_FRUITLESS as usize));
        let endless = vec![&[7][..]; MAX_FRUITLESS as usize + 2];
        assert_eq!(circle(&endless), Some(MAX_FRUITLESS as usize + 1));
    }

    #[test]
    fn a_list_that_another_process_began_is_known_by_its_first_page() {
        let mut trail = Trail::resumed(vec![1, 2, 3]);
        assert_eq!(trail.follow(&[1, 2, 3], false, Some("new")), Err(Circle));
        let mut trail = Trail::resumed(vec![1, 2, 3]);
        assert_eq!(trail.follow(&[4, 5, 6], false, Some("new")), Ok(()));
    }
}
