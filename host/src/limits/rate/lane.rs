//! One limit that is learned, and its queue.
//!
//! The head of the queue alone reserves a turn, so that a process with many workers has no
//! more of a shared budget than one with few, and whoever came first is served first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::budget::{Bounds, SLOWEST, Slot};
use super::ledger::{Change, Changed, Ledger};
use super::queue::Queue;
use crate::limits::clock::Clock;

/// One limit, with its queue.
#[derive(Debug)]
pub(super) struct Lane {
    name: String,
    bounds: Bounds,
    ledger: Arc<dyn Ledger>,
    /// Its head waits for its turn.
    queue: Queue<()>,
    /// The pace of late, as the bits of requests per second.
    rate: AtomicU64,
    /// A turn that somebody reserved and gave up.
    spare: std::sync::Mutex<Option<Turn>>,
}

/// The turn of a request in a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    slot: Slot,
    at: Instant,
}

impl Lane {
    pub(super) fn new(name: String, bounds: Bounds, ledger: Arc<dyn Ledger>) -> Self {
        Self {
            name,
            bounds,
            ledger,
            queue: Queue::new(()),
            rate: AtomicU64::new(bounds.start.min(bounds.ceiling).max(SLOWEST).to_bits()),
            spare: std::sync::Mutex::default(),
        }
    }

    /// The pace of late, in requests per second.
    pub(super) fn rate(&self) -> f64 {
        f64::from_bits(self.rate.load(Ordering::Relaxed))
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> u32 {
        self.queue.waiting()
    }

    /// Waits for a turn; the error is how long that would have taken.
    pub(super) async fn pass(
        &self,
        clock: &dyn Clock,
        deadline: Instant,
    ) -> Result<Turn, Duration> {
        let left = || deadline.saturating_duration_since(clock.now());
        let period = Duration::from_secs_f64(1.0 / self.rate());
        let _head = self.queue.enter(period, clock, deadline).await?;
        let turn = match self.take_spare(clock.now()) {
            Some(turn) => turn,
            None => self.reserve(clock, left()).await?,
        };
        if turn.at > deadline {
            self.leave_spare(turn);
            return Err(turn.at.saturating_duration_since(clock.now()));
        }
        let reserved = Reserved {
            lane: self,
            turn: Some(turn),
        };
        clock.sleep_until(turn.at).await;
        reserved.used();
        Ok(turn)
    }

    async fn reserve(&self, clock: &dyn Clock, within: Duration) -> Result<Turn, Duration> {
        let bounds = self.bounds;
        let change = Change::Reserve { within, bounds };
        match self.ledger.change(&self.name, change).await {
            Changed::Reserved { slot, wait } => {
                let rate = 1.0 / slot.period.as_secs_f64();
                self.rate.store(rate.to_bits(), Ordering::Relaxed);
                let at = clock.now() + wait;
                Ok(Turn { slot, at })
            }
            Changed::TooLate { wait } => Err(wait),
            Changed::Pace(_) => Err(within),
        }
    }

    /// The request that had this turn was throttled.
    pub(super) async fn throttled(&self, turn: &Turn) {
        let change = Change::Throttled {
            slot: turn.slot,
            bounds: self.bounds,
        };
        if let Changed::Pace(rate) = self.ledger.change(&self.name, change).await {
            self.rate.store(rate.to_bits(), Ordering::Relaxed);
        }
    }

    /// A turn that was given up and is not over: one that is would be a second request at
    /// once.
    fn take_spare(&self, now: Instant) -> Option<Turn> {
        let turn = self.spare().take()?;
        (turn.at + turn.slot.period > now).then_some(turn)
    }

    fn leave_spare(&self, turn: Turn) {
        *self.spare() = Some(turn);
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Option<Turn>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn that is waited for; whoever gives up leaves it to the next.
struct Reserved<'a> {
    lane: &'a Lane,
    turn: Option<Turn>,
}

impl Reserved<'_> {
    fn used(mut self) {
        self.turn = None;
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if let Some(turn) = self.turn {
            self.lane.leave_spare(turn);
        }
    }
}
