//! The work of a sync: which list to read on, and from where.
//!
//! Lists are independent of one another, and the pages of one list are not, so an item is
//! a list with the cursor that it has got to. Lists of resources go first: they bring
//! more work, and the longest of them decides when a sync ends.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::list::List;
use super::trail::Trail;
use crate::engine::{GrantsOf, Request};

/// A list, how far it has been read, and how that went.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) list: List,
    pub(super) cursor: Option<String>,
    /// How often this page has failed.
    pub(super) attempts: u32,
    /// What the retries of this page cost.
    pub(super) spent: u32,
    /// How often the list was begun again because its cursor had expired.
    pub(super) expiries: u32,
    /// How often it was begun again because it went in a circle.
    pub(super) circles: u32,
    /// Whether this page was already asked for with renewed credentials.
    pub(super) renewed: bool,
    /// Whether only the right to read the list is of interest.
    pub(super) probe: bool,
    pub(super) trail: Trail,
}

impl Item {
    pub(super) fn new(list: List) -> Self {
        Self {
            list,
            cursor: None,
            attempts: 0,
            spent: 0,
            expiries: 0,
            circles: 0,
            renewed: false,
            probe: false,
            trail: Trail::default(),
        }
    }

    /// A list that another process has begun.
    pub(super) fn resumed(list: List, cursor: Option<String>, first_page: Vec<u64>) -> Self {
        Self {
            cursor,
            trail: Trail::resumed(first_page),
            ..Self::new(list)
        }
    }

    /// A list that is asked for once, to find out whether it may be read.
    pub(super) fn probe(list: List) -> Self {
        Self {
            probe: true,
            ..Self::new(list)
        }
    }

    /// The contract call that reads the next page.
    pub(super) fn request(&self) -> Request {
        let cursor = self.cursor.clone();
        match &self.list {
            List::Resources {
                kind,
                parent,
                slice,
            } => Request::ListResources {
                kind: kind.clone(),
                parent: parent.clone(),
                partition: slice.clone(),
                cursor,
                page_size: None,
            },
            List::Entitlements(of) => Request::ListEntitlements {
                of: of.clone(),
                cursor,
            },
            List::GrantsOn(of) => Request::ListGrants {
                of: GrantsOf::Resource(of.clone()),
                cursor,
                page_size: None,
            },
            List::GrantsHeldBy(of) => Request::ListGrants {
                of: GrantsOf::Principal(of.clone()),
                cursor,
                page_size: None,
            },
            List::Listed(id) => Request::FindListed {
                id: id.clone(),
                cursor,
            },
        }
    }

    /// Moves on to the next page.
    pub(super) fn advance(&mut self, next: String) {
        self.cursor = Some(next);
        self.attempts = 0;
        self.spent = 0;
        self.renewed = false;
    }

    /// Begins the list again from its start.
    pub(super) fn restart(&mut self) {
        self.cursor = None;
        self.attempts = 0;
        self.spent = 0;
        self.renewed = false;
        self.trail = Trail::default();
    }
}

/// The items that wait, and how many are being worked on.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    first: VecDeque<Item>,
    then: VecDeque<Item>,
    delayed: Vec<(Instant, Item)>,
    in_flight: usize,
    stopped: bool,
}

enum Next {
    Item(Box<Item>),
    Wait(Option<Instant>),
    End,
}

impl Queue {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds an item that is ready.
    pub(super) fn push(&self, item: Item) {
        self.with(|state| match item.list {
            List::Resources { .. } => state.first.push_back(item),
            _ => state.then.push_back(item),
        });
        self.changed.notify_waiters();
    }

    /// Adds an item that is ready later.
    pub(super) fn push_at(&self, when: Instant, item: Item) {
        self.with(|state| state.delayed.push((when, item)));
        self.changed.notify_waiters();
    }

    /// The next item, once there is one; `None` when all work is done or stopped. Each
    /// item that is taken must be followed by [`Queue::done`].
    pub(super) async fn next(&self) -> Option<Item> {
        loop {
            // Registered before the look, so that no change between the two is missed.
            let changed = self.changed.notified();
            match self.with(State::next) {
                Next::Item(item) => return Some(*item),
                Next::End => return None,
                Next::Wait(None) => changed.await,
                Next::Wait(Some(when)) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(when.into()) => {}
                    }
                }
            }
        }
    }

    /// An item that was taken is finished or was put back.
    pub(super) fn done(&self) {
        self.with(|state| state.in_flight -= 1);
        self.changed.notify_waiters();
    }

    /// Ends the work: nobody gets another item.
    pub(super) fn stop(&self) {
        self.with(|state| state.stopped = true);
        self.changed.notify_waiters();
    }

    /// Drops the lists that wait and that a test picks.
    pub(super) fn drop_lists(&self, unwanted: impl Fn(&List) -> bool) {
        self.with(|state| {
            state.first.retain(|item| !unwanted(&item.list));
            state.then.retain(|item| !unwanted(&item.list));
            state.delayed.retain(|(_, item)| !unwanted(&item.list));
        });
        self.changed.notify_waiters();
    }
}

impl State {
    fn next(&mut self) -> Next {
        if self.stopped {
            return Next::End;
        }
        let now = Instant::now();
        let due = self.delayed.iter().position(|(when, _)| *when <= now);
        let item = match due {
            Some(index) => Some(self.delayed.swap_remove(index).1),
            None => self.first.pop_front().or_else(|| self.then.pop_front()),
        };
        match item {
            Some(item) => {
                self.in_flight += 1;
                Next::Item(Box::new(item))
            }
            None if self.delayed.is_empty() && self.in_flight == 0 => Next::End,
            None => Next::Wait(self.delayed.iter().map(|(when, _)| *when).min()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::ResourceId;

    fn users() -> List {
        List::whole("user")
    }

    fn members(group: &str) -> List {
        List::GrantsOn(ResourceId::new("group", group))
    }

    #[tokio::test]
    async fn lists_of_resources_come_before_the_lists_that_they_bring() {
        let queue = Queue::default();
        queue.push(Item::new(members("a")));
        queue.push(Item::new(users()));
        assert_eq!(queue.next().await.unwrap().list, users());
        assert_eq!(queue.next().await.unwrap().list, members("a"));
    }

    #[tokio::test]
    async fn a_worker_waits_for_what_another_may_still_bring_and_then_all_end() {
        let queue = std::sync::Arc::new(Queue::default());
        queue.push(Item::new(users()));
        let taken = queue.next().await.unwrap();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move {
                    let mut lists = Vec::new();
                    while let Some(item) = queue.next().await {
                        lists.push(item.list);
                        queue.done();
                    }
                    lists
                })
            })
            .collect();
        tokio::task::yield_now().await;
        queue.push(Item::new(members("a")));
        drop(taken);
        queue.done();
        let mut lists = Vec::new();
        for worker in waiting {
            lists.extend(worker.await.unwrap());
        }
        assert_eq!(lists, [members("a")]);
    }

    #[tokio::test]
    async fn a_delayed_item_holds_the_work_open() {
        let queue = Queue::default();
        queue.push_at(
            Instant::now() + Duration::from_millis(1),
            Item::new(users()),
        );
        assert_eq!(queue.next().await.unwrap().list, users());
        queue.done();
        assert!(queue.next().await.is_none());
    }

    #[tokio::test]
    async fn nothing_is_handed_out_after_a_stop() {
        let queue = Queue::default();
        queue.push(Item::new(users()));
        queue.stop();
        assert!(queue.next().await.is_none());
    }

    #[test]
    fn a_list_that_begins_again_has_no_trail() {
        let mut item = Item::new(users());
        item.trail.follow(&[1, 2], true, Some("a")).unwrap();
        item.advance("a".to_owned());
        item.restart();
        assert_eq!(item.cursor, None);
        item.trail.follow(&[1, 2], true, Some("a")).unwrap();
    }
}
