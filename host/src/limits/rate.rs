//! The pace of requests: how far apart they are, so that a service is never asked faster
//! than its operator and its documentation allow.
//!
//! Requests of a class are evenly spaced (GCRA without a burst). A burst would be spent
//! on the first pages of a sync and then be throttled, and it would take the quota from
//! the account's other users for a moment. A class can have several limits: what its
//! operations share, and what each operation has for itself; all of them hold.
//!
//! Waiting is first come, first served, is bounded by the call's deadline, and is refused
//! at once when the deadline cannot be met. The kind of endpoint plays no part: only the
//! operator switches pacing off.
//!
//! A pacer belongs to one system reached with one account, so that its keys are classes
//! and operations only.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Mutex;

use super::clock::{Clock, timeout_at};
use super::setting::{MaxRate, RateSetting};
use crate::trust::description::{RateClass, RateScope, Wire};

/// The part of a documented limit that is used without being asked: the limit belongs to
/// the whole account, whose own applications need the rest.
pub(super) const SHARE: f64 = 0.5;
/// The slowest pace that is told apart from standing still: one request a day.
const SLOWEST: f64 = 1.0 / 86_400.0;

/// A permit was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// How long it was waited for.
    pub duration: Duration,
}

/// No permit was given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RateError {
    /// The wait would outlast the deadline.
    #[error(
        "the pace of {rate} for {class} leaves no room within the deadline: the next request \
         could go in {wait:.1?}, and only {left:.1?} are left (hint: --max-rate {class}=RPS \
         if the account's quota allows it)"
    )]
    Deadline {
        /// The rate class.
        class: String,
        /// Its pace.
        rate: RateSetting,
        /// How long the wait would have been.
        wait: Duration,
        /// How much time there was.
        left: Duration,
    },
    /// The operation has no class: the record is inconsistent.
    #[error("operation {operation} has no rate class in the component's trust record")]
    NoClass {
        /// The operation.
        operation: String,
    },
}

/// A trust record or a pace table that contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaceError {
    /// An operation names a class that is not there.
    #[error("operation {operation} is of rate class '{class}', which the trust record lacks")]
    UnknownClass {
        /// The operation.
        operation: String,
        /// Its class.
        class: String,
    },
    /// A starting pace is no positive number.
    #[error("the starting pace of rate class '{0}' is not a number greater than 0")]
    Pace(String),
}

/// The present pace of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRate {
    /// The class.
    pub class: String,
    /// The pace of all its operations together.
    pub rate: RateSetting,
    /// The pace of each operation for itself, where the system has such a limit.
    pub per_operation: Option<RateSetting>,
}

/// Gives permits to send, in the pace of the operation's class.
pub struct Pacer {
    clock: Arc<dyn Clock>,
    classes: BTreeMap<String, ClassRate>,
    shared: HashMap<String, Arc<Lane>>,
    operations: HashMap<String, OperationLanes>,
}

/// The class of an operation and the lanes that a request goes through, the specific
/// one first: a request that waits for its own operation must not hold up the others.
struct OperationLanes {
    class: String,
    lanes: Vec<Arc<Lane>>,
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer")
            .field("classes", &self.classes)
            .finish_non_exhaustive()
    }
}

impl Pacer {
    /// A pacer for the operations of a trust record.
    ///
    /// A class starts at its `pace` if the table has one, else at half of its documented
    /// limit; `max_rate` replaces either. The rate is that of the class; limits of single
    /// operations keep the proportion to it that they have in the record.
    pub fn new(
        wire: &Wire,
        pace: &BTreeMap<String, f64>,
        max_rate: &MaxRate,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PaceError> {
        let mut classes = BTreeMap::new();
        for class in &wire.rate_classes {
            let start = pace.get(&class.id).copied();
            if start.is_some_and(|rate| !(rate.is_finite() && rate > 0.0)) {
                return Err(PaceError::Pace(class.id.clone()));
            }
            classes.insert(class.id.clone(), class_rate(class, start, max_rate));
        }
        let shared: HashMap<String, Arc<Lane>> = classes
            .values()
            .filter_map(|class| {
                let lane = Lane::new(class.rate, &clock)?;
                Some((class.class.clone(), lane))
            })
            .collect();
        let mut operations = HashMap::new();
        for operation in &wire.operations {
            let class =
                classes
                    .get(&operation.rate_class)
                    .ok_or_else(|| PaceError::UnknownClass {
                        operation: operation.name.clone(),
                        class: operation.rate_class.clone(),
                    })?;
            let own = class.per_operation.and_then(|rate| Lane::new(rate, &clock));
            let lanes = own.into_iter().chain(shared.get(&class.class).cloned());
            operations.insert(
                operation.name.clone(),
                OperationLanes {
                    class: class.class.clone(),
                    lanes: lanes.collect(),
                },
            );
        }
        Ok(Self {
            clock,
            classes,
            shared,
            operations,
        })
    }

    /// Waits for a permit to send an operation, until a deadline at most. Dropping the
    /// future gives the place in the queue back.
    pub async fn acquire(&self, operation: &str, deadline: Instant) -> Result<Waited, RateError> {
        let operation = self
            .operations
            .get(operation)
            .ok_or_else(|| RateError::NoClass {
                operation: operation.to_owned(),
            })?;
        let start = self.clock.now();
        for lane in &operation.lanes {
            lane.pass(&*self.clock, deadline)
                .await
                .map_err(|wait| RateError::Deadline {
                    class: operation.class.clone(),
                    rate: lane.rate,
                    wait,
                    left: deadline.saturating_duration_since(self.clock.now()),
                })?;
        }
        Ok(Waited {
            duration: self.clock.now().saturating_duration_since(start),
        })
    }

    /// The pace of every class, in the order of their names.
    pub fn rates(&self) -> impl Iterator<Item = &ClassRate> {
        self.classes.values()
    }

    /// How many requests wait for a permit of a class.
    pub fn waiting(&self, class: &str) -> u32 {
        self.shared
            .get(class)
            .map_or(0, |lane| lane.queued.load(Ordering::Relaxed))
    }
}

fn class_rate(class: &RateClass, start: Option<f64>, max_rate: &MaxRate) -> ClassRate {
    let account = class.lowest(RateScope::Account);
    let operation = class.lowest(RateScope::SystemOperation);
    let documented = account.or(operation);
    let (rate, factor) = match (max_rate.of(&class.id), start, documented) {
        (Some(RateSetting::Unlimited), ..) => (None, None),
        (Some(RateSetting::PerSecond(rate)), _, documented) | (None, Some(rate), documented) => {
            (Some(rate), documented.map(|table| rate / table))
        }
        (None, None, Some(table)) => (Some(table * SHARE), Some(SHARE)),
        // No known limit, and nobody asked for one.
        (None, None, None) => (None, None),
    };
    let setting = |rate: Option<f64>| rate.map_or(RateSetting::Unlimited, RateSetting::PerSecond);
    ClassRate {
        class: class.id.clone(),
        // A class with nothing but limits per operation has no limit over all of them,
        // unless somebody gives it one.
        rate: match (account, start, max_rate.of(&class.id)) {
            (None, None, None) => RateSetting::Unlimited,
            _ => setting(rate),
        },
        per_operation: operation.map(|table| setting(factor.map(|factor| table * factor))),
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Spacing, NoOpMiddleware<Duration>>;

/// One limit, with its queue.
struct Lane {
    rate: RateSetting,
    period: Duration,
    limiter: Limiter,
    spacing: Spacing,
    /// The head of the queue holds it while it waits for its turn.
    head: Mutex<()>,
    queued: AtomicU32,
}

impl Lane {
    fn new(rate: RateSetting, clock: &Arc<dyn Clock>) -> Option<Arc<Self>> {
        let RateSetting::PerSecond(per_second) = rate else {
            return None;
        };
        let period = Duration::from_secs_f64(1.0 / per_second.max(SLOWEST));
        // Faster than a nanosecond apart is no pace.
        let quota = Quota::with_period(period)?.allow_burst(NonZeroU32::MIN);
        let spacing = Spacing {
            clock: Arc::clone(clock),
            start: clock.now(),
        };
        Some(Arc::new(Self {
            rate,
            period,
            limiter: RateLimiter::direct_with_clock(quota, spacing.clone()),
            spacing,
            head: Mutex::new(()),
            queued: AtomicU32::new(0),
        }))
    }

    /// Waits for its turn; the error is how long that would have taken.
    async fn pass(&self, clock: &dyn Clock, deadline: Instant) -> Result<(), Duration> {
        let left = |now| deadline.saturating_duration_since(now);
        let _place = Place::take(&self.queued);
        let ahead = self.queued.load(Ordering::Relaxed).saturating_sub(1);
        let estimate = self.period.saturating_mul(ahead);
        if estimate.saturating_sub(self.period) > left(clock.now()) {
            return Err(estimate);
        }
        let _head = timeout_at(clock, deadline, self.head.lock())
            .await
            .map_err(|_| estimate)?;
        while let Err(not_until) = self.limiter.check() {
            let wait = not_until.wait_time_from(governor::clock::Clock::now(&self.spacing));
            let now = clock.now();
            if wait > left(now) {
                return Err(wait);
            }
            clock.sleep_until(now + wait).await;
        }
        Ok(())
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

/// Our clock as the limiter wants it: the time since it was made.
#[derive(Clone, Debug)]
struct Spacing {
    clock: Arc<dyn Clock>,
    start: Instant,
}

impl governor::clock::Clock for Spacing {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.start)
    }
}

#[cfg(test)]
mod tests;
