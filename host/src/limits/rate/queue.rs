//! A queue of which the head alone goes on, so that whoever came first is served first.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

use crate::limits::clock::{Clock, timeout_at};

/// A queue, and what its head may change.
#[derive(Debug)]
pub(super) struct Queue<T> {
    head: Mutex<T>,
    queued: AtomicU32,
}

/// The head of a queue, until it is dropped.
pub(super) struct Head<'a, T> {
    pub(super) state: MutexGuard<'a, T>,
    _place: Place<'a>,
}

impl<T> Queue<T> {
    pub(super) fn new(state: T) -> Self {
        Self {
            head: Mutex::new(state),
            queued: AtomicU32::new(0),
        }
    }

    /// How many wait, the head among them.
    pub(super) fn waiting(&self) -> u32 {
        self.queued.load(Ordering::Relaxed)
    }

    /// What only the head may change, where there is none.
    pub(super) fn state(&mut self) -> &mut T {
        self.head.get_mut()
    }

    /// Waits to be the head of a queue in which one goes on each period; the error is how
    /// long that would have taken.
    pub(super) async fn enter(
        &self,
        period: Duration,
        clock: &dyn Clock,
        deadline: Instant,
    ) -> Result<Head<'_, T>, Duration> {
        let place = Place::take(&self.queued);
        let ahead = self.waiting().saturating_sub(1);
        let estimate = period.saturating_mul(ahead);
        let left = deadline.saturating_duration_since(clock.now());
        if estimate.saturating_sub(period) > left {
            return Err(estimate);
        }
        let state = timeout_at(clock, deadline, self.head.lock())
            .await
            .map_err(|_| estimate)?;
        Ok(Head {
            state,
            _place: place,
        })
    }
}

/// A place in a queue, given back however the wait ends.
struct Place<'a>(&'a AtomicU32);

impl<'a> Place<'a> {
    fn take(queued: &'a AtomicU32) -> Self {
        queued.fetch_add(1, Ordering::Relaxed);
        Self(queued)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
