//! Who keeps the budgets: one process for itself, or several together.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::budget::{Bounds, Budget, Moment, Slot};
use crate::limits::clock::Clock;

/// What is done with a budget.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// The next turn is reserved, if it comes soon enough.
    Reserve {
        /// How long it may be waited for.
        within: Duration,
        /// How fast whoever asks may be.
        bounds: Bounds,
    },
    /// A request was throttled.
    Throttled {
        /// The turn at which it went.
        slot: Slot,
        /// How fast whoever asks may be.
        bounds: Bounds,
    },
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Changed {
    /// A turn.
    Reserved {
        /// Which one.
        slot: Slot,
        /// How long it is until then.
        wait: Duration,
    },
    /// The next turn comes too late, and is not reserved.
    TooLate {
        /// How long it is until then.
        wait: Duration,
    },
    /// The pace after a throttled request, in requests per second.
    Pace(f64),
}

impl Change {
    /// Makes the change. A budget that is not there yet, or makes no sense, begins anew.
    pub fn make(self, kept: &mut Option<Budget>, now: Moment) -> Changed {
        let (Self::Reserve { bounds, .. } | Self::Throttled { bounds, .. }) = self;
        let budget = match kept {
            Some(budget) if budget.is_sound() => budget,
            _ => kept.insert(Budget::new(now, bounds)),
        };
        match self {
            Self::Reserve { within, bounds } => {
                match budget.reserve(now, now.saturating_add(within), bounds) {
                    Ok(slot) => Changed::Reserved {
                        slot,
                        wait: slot.at.saturating_sub(now),
                    },
                    Err(at) => Changed::TooLate {
                        wait: at.saturating_sub(now),
                    },
                }
            }
            Self::Throttled { slot, bounds } => {
                budget.throttled(&slot, now, bounds);
                Changed::Pace(budget.rate(bounds))
            }
        }
    }
}

/// A change under way.
pub type Changing<'a> = Pin<Box<dyn Future<Output = Changed> + Send + 'a>>;

/// Keeps the budgets of one account at one service, by the names of their limits.
pub trait Ledger: Send + Sync + fmt::Debug {
    /// Changes a budget, as if nobody else did at the same time.
    fn change<'a>(&'a self, limit: &'a str, change: Change) -> Changing<'a>;
}

/// Budgets of one process, which end with it.
#[derive(Debug)]
pub struct OwnLedger {
    clock: Arc<dyn Clock>,
    start: Instant,
    budgets: Mutex<HashMap<String, Option<Budget>>>,
}

impl OwnLedger {
    /// No budget yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            start: clock.now(),
            clock,
            budgets: Mutex::default(),
        }
    }
}

impl Ledger for OwnLedger {
    fn change<'a>(&'a self, limit: &'a str, change: Change) -> Changing<'a> {
        Box::pin(async move {
            let now = self.clock.now().saturating_duration_since(self.start);
            let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = match budgets.get_mut(limit) {
                Some(kept) => kept,
                None => budgets.entry(limit.to_owned()).or_default(),
            };
            change.make(kept, now)
        })
    }
}
