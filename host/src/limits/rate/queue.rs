//! A queue of which the head alone goes on, so that whoever came first is served first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::limits::clock::{Clock, timeout_at};

/// A queue, and what its head may change. Clones are the same queue.
#[derive(Clone, Debug)]
pub(super) struct Queue<T> {
    head: Arc<Mutex<T>>,
    queued: Arc<AtomicU32>,
}

/// The head of a queue, until it is dropped.
pub(super) struct Head<T> {
    pub(super) state: OwnedMutexGuard<T>,
    _place: Place,
}

impl<T> Queue<T> {
    pub(super) fn new(state: T) -> Self {
        Self {
            head: Arc::new(Mutex::new(state)),
            queued: Arc::default(),
        }
    }

    /// How many wait, the head among them.
    pub(super) fn waiting(&self) -> u32 {
        self.queued.load(Ordering::Relaxed)
    }

    /// What only the head may change, where nobody else has the queue.
    pub(super) fn state(&mut self) -> Option<&mut T> {
        Arc::get_mut(&mut self.head).map(Mutex::get_mut)
    }

    /// Waits to be the head of a queue in which one goes on each period; the error is how
    /// long that would have taken.
    pub(super) async fn enter(
        &self,
        period: Duration,
        clock: &dyn Clock,
        deadline: Instant,
    ) -> Result<Head<T>, Duration> {
        let place = Place::take(&self.queued);
        let ahead = self.waiting().saturating_sub(1);
        let estimate = period.saturating_mul(ahead);
        let left = deadline.saturating_duration_since(clock.now());
        if estimate.saturating_sub(period) > left {
            return Err(estimate);
        }
        let state = timeout_at(clock, deadline, Arc::clone(&self.head).lock_owned())
            .await
            .map_err(|_| estimate)?;
        Ok(Head {
            state,
            _place: place,
        })
    }
}

/// A place in a queue, given back however the wait ends.
struct Place(Arc<AtomicU32>);

impl Place {
    fn take(queued: &Arc<AtomicU32>) -> Self {
        queued.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(queued))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
