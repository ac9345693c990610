//! Pages that were read and are not in the store yet.
//!
//! Workers leave what they have read here and go on reading; one thread writes. It takes
//! all that has gathered into one transaction, which is much cheaper than one for each
//! page: the end of the rows that a page is added to, and what is noted of the run, is
//! written once. A page is stored at once when the thread has nothing to do, and
//! [`GATHERING`] after the transaction before at the latest.
//!
//! Pages are written in the order in which they were left, which keeps a list's cursor
//! behind its rows. After a failure nothing more is written: a later page of the same list
//! would move the cursor past what was lost.

use std::pin::pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::store::{Page, Step};

/// How many bytes of texts may wait: pages of a few megabytes are legal, and many of them
/// would be more memory than all the rest.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// How long pages gather after a transaction: a tenth of what a service with a fast quota
/// leaves between two pages, and long enough for the most that may wait of one without.
const GATHERING: Duration = Duration::from_millis(3);

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
pub(super) struct Pending {
    /// How many pages may wait before whoever brings another one waits for the writer.
    most: usize,
    waiting: Mutex<Waiting>,
    /// Told to the writer: there is something to do.
    come: Condvar,
    /// Told to workers: there is room.
    gone: Notify,
}

#[derive(Default)]
struct Waiting {
    pages: Vec<ReadPage>,
    bytes: usize,
    has_failed: bool,
    is_closed: bool,
}

impl Pending {
    /// For so many workers. When the last place but one is taken, each of them may still be
    /// on its way with a page. So less than two pages for each worker wait, as many again are
    /// under way into the store, and fewer than four for each are read again when the process
    /// is killed.
    pub(super) fn of(workers: usize) -> Self {
        Self {
            most: workers,
            waiting: Mutex::default(),
            come: Condvar::new(),
            gone: Notify::new(),
        }
    }

    fn are_enough(&self, waiting: &Waiting) -> bool {
        // What failed is not waited for.
        !waiting.has_failed && (waiting.pages.len() >= self.most || waiting.bytes >= MOST_BYTES)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a page.
    pub(super) fn leave(&self, page: ReadPage) {
        let mut waiting = self.lock();
        waiting.bytes += page.page.weight();
        waiting.pages.push(page);
        // The writer looks by itself while pages gather.
        if waiting.pages.len() == 1 || self.are_enough(&waiting) {
            self.come.notify_one();
        }
    }

    /// Waits until so few pages wait that another one may be read.
    pub(super) async fn room(&self) {
        loop {
            let mut gone = pin!(self.gone.notified());
            // From here on nothing is missed.
            gone.as_mut().enable();
            if !self.are_enough(&self.lock()) {
                return;
            }
            gone.await;
        }
    }

    /// All that wait; none after a failure.
    pub(super) fn take(&self) -> Vec<ReadPage> {
        let mut waiting = self.lock();
        waiting.bytes = 0;
        let pages = std::mem::take(&mut waiting.pages);
        let has_failed = waiting.has_failed;
        drop(waiting);
        self.gone.notify_waiters();
        match has_failed {
            true => Vec::new(),
            false => pages,
        }
    }

    /// Blocks until pages have gathered since the last ones were written; `false` once
    /// nobody reads any more.
    pub(super) fn gather(&self, written: Option<Instant>) -> bool {
        let mut waiting = self.lock();
        loop {
            if waiting.is_closed {
                return false;
            }
            let left = match written {
                _ if waiting.pages.is_empty() => None,
                Some(written) if !self.are_enough(&waiting) => {
                    Some(GATHERING.saturating_sub(written.elapsed()))
                }
                _ => Some(Duration::ZERO),
            };
            waiting = match left {
                Some(Duration::ZERO) => return true,
                Some(left) => {
                    let waited = self.come.wait_timeout(waiting, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let waited = self.come.wait(waiting);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }

    /// Lets the writer go: nobody reads any more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.come.notify_one();
    }

    /// What was taken could not be written.
    pub(super) fn fail(&self) {
        self.lock().has_failed = true;
        self.gone.notify_waiters();
    }

    /// Whether the store lacks what was read.
    pub(super) fn has_failed(&self) -> bool {
        self.lock().has_failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttributeValue, Attributes, Resource, ResourceId};

    const WORKERS: usize = 4;

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

    fn heavy_page(bytes: usize) -> ReadPage {
        let value = AttributeValue::Text("v".repeat(bytes));
        let resource = Resource {
            id: ResourceId::new("user", "a"),
            parent: None,
            display_name: String::new(),
            description: None,
            created_at: None,
            updated_at: None,
            account: None,
            attributes: Attributes([("long".to_owned(), value)].into()),
        };
        let mut read = page("a");
        read.page.resources.push(resource);
        read
    }

    fn lists(pages: &[ReadPage]) -> Vec<&str> {
        pages.iter().map(|page| page.list.as_str()).collect()
    }

    fn has_room(pending: &Pending) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        pin!(pending.room()).poll(&mut context).is_ready()
    }

    #[test]
    fn pages_are_taken_in_the_order_in_which_they_were_left() {
        let pending = Pending::of(WORKERS);
        for list in ["a", "b", "c"] {
            pending.leave(page(list));
        }
        assert_eq!(lists(&pending.take()), ["a", "b", "c"]);
        assert!(pending.take().is_empty());
    }

    #[test]
    fn there_is_no_room_for_more_pages_or_bytes_than_may_wait() {
        let pending = Pending::of(WORKERS);
        for _ in 1..pending.most {
            pending.leave(page("a"));
        }
        assert!(has_room(&pending));
        pending.leave(page("a"));
        assert!(!has_room(&pending));
        pending.take();
        assert!(has_room(&pending));
        pending.leave(heavy_page(MOST_BYTES));
        assert!(!has_room(&pending));
        pending.take();
        assert!(has_room(&pending));
    }

    #[test]
    fn after_a_failure_no_later_page_moves_a_cursor() {
        let pending = Pending::of(WORKERS);
        pending.leave(page("a"));
        pending.fail();
        assert!(pending.take().is_empty());
        for _ in 0..pending.most {
            pending.leave(page("a"));
        }
        assert!(pending.take().is_empty());
        assert!(has_room(&pending), "nobody waits for it");
    }

    #[tokio::test]
    async fn whoever_waits_for_room_goes_on_when_there_is_some_and_when_none_will_ever_be() {
        let ends: [fn(&Pending); 2] = [|pending| drop(pending.take()), Pending::fail];
        for end in ends {
            let pending = Pending::of(1);
            pending.leave(page("a"));
            let mut room = pin!(pending.room());
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(room.as_mut().poll(&mut context).is_pending());
            end(&pending);
            room.await;
        }
    }

    #[test]
    fn the_writer_is_told_of_pages_and_of_the_end() {
        let pending = Pending::of(WORKERS);
        std::thread::scope(|scope| {
            let gathered = scope.spawn(|| pending.gather(None));
            pending.leave(page("a"));
            assert!(gathered.join().unwrap());
            // Just after a write pages gather, and are written all the same.
            assert!(pending.gather(Some(Instant::now())));
            pending.take();
            let ended = scope.spawn(|| pending.gather(Some(Instant::now())));
            pending.close();
            assert!(!ended.join().unwrap());
        });
    }
}
