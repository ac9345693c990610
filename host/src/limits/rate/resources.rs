//! The pace of requests about one resource, such as one user.
//!
//! What is reckoned here is forgotten when room is needed and it is over, and stays in this
//! process: a sync asks about 100,000 users once each, which is nothing to remember, and a file or a
//! server must not learn whom anybody asks about. Two processes that ask about one
//! resource at the same moment use the documented limit up, since each has half of it.
//!
//! Nothing is learned either: hardly any resource is asked about often enough.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::budget::SLOWEST;
use super::queue::{Head, Queue};
use crate::limits::clock::Clock;
use crate::trust::description::Access;

/// So many resources are known at once. One is known for the time between two requests
/// about it (a fifth of a second at five a second), and no service lets one client
/// ask about so many in that time. It bounds the memory to about 200 KiB. Whoever comes
/// when it is full is not slowed down, except by the limits of its class.
pub(super) const KNOWN: usize = 1024;

/// A resource, and what is done with it.
#[derive(Hash)]
pub(super) struct Resource<'a> {
    pub(super) access: Access,
    /// The member of the request that tells it.
    pub(super) member: &'a str,
    pub(super) value: &'a str,
}

/// A turn to ask about a resource. Nobody else has one until it is used or given up.
pub(super) struct Turn {
    head: Head<Instant>,
    period: Duration,
}

impl Turn {
    /// The request goes now. Not earlier: while it waited for its class, those behind it
    /// would have come closer than the limit allows.
    pub(super) fn used(mut self, now: Instant) {
        *self.head.state = now + self.period;
    }
}

/// The resources that have been asked about just now.
#[derive(Debug, Default)]
pub(super) struct Resources {
    /// What they are known by: an id may be as long as a request, and nobody can make two
    /// that are the same here.
    keys: RandomState,
    /// When each may be asked about again, with those who wait for that.
    known: Mutex<HashMap<u64, Queue<Instant>>>,
}

impl Resources {
    /// Waits until a resource may be asked about, so many times a second; the error is how
    /// long that would have taken.
    pub(super) async fn turn(
        &self,
        resource: &Resource<'_>,
        rate: f64,
        clock: &dyn Clock,
        deadline: Instant,
    ) -> Result<Turn, Duration> {
        let period = Duration::from_secs_f64(1.0 / rate.max(SLOWEST));
        let queue = self.queue(self.keys.hash_one(resource), clock.now());
        let head = queue.enter(period, clock, deadline).await?;
        let next = *head.state;
        if next > deadline {
            return Err(next.saturating_duration_since(clock.now()));
        }
        clock.sleep_until(next).await;
        Ok(Turn { head, period })
    }

    fn queue(&self, key: u64, now: Instant) -> Queue<Instant> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = known.get(&key) {
            return queue.clone();
        }
        if known.len() >= KNOWN {
            known.retain(|_, queue| queue.state().is_none_or(|next| *next > now));
        }
        let queue = Queue::new(now);
        if known.len() < KNOWN {
            known.insert(key, queue.clone());
        }
        queue
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.known.lock().unwrap().len()
    }
}
