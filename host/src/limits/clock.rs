//! The one source of time for everything that paces and times out.
//!
//! Limits are made of time, and a limit that can only be tested by waiting is tested
//! badly. So time is a value that is passed in: the system's, or one that a test moves.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A wait for an instant.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present instant. Never goes back.
    fn now(&self) -> Instant;
    /// Waits until an instant; not at all if it has passed.
    fn sleep_until(&self, instant: Instant) -> Sleep;
}

/// A future did not finish in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

/// Runs a future until it is done or an instant has come.
pub async fn timeout_at<F: Future>(
    clock: &dyn Clock,
    instant: Instant,
    future: F,
) -> Result<F::Output, Elapsed> {
    tokio::select! {
        biased;
        output = future => Ok(output),
        () = clock.sleep_until(instant) => Err(Elapsed),
    }
}

/// The system's monotonic clock, and timers of the runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, instant: Instant) -> Sleep {
        Box::pin(tokio::time::sleep_until(instant.into()))
    }
}

/// A clock that only moves when it is told to. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
    leaps: bool,
}

#[derive(Debug)]
struct State {
    now: Instant,
    waiting: Vec<Waker>,
}

impl ManualClock {
    /// A clock that stands still until [`advance`](Self::advance).
    pub fn new() -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                now: Instant::now(),
                waiting: Vec::new(),
            })),
            leaps: false,
        }
    }

    /// A clock on which every wait is over at once, having moved the clock to its end:
    /// for code in which only one thing waits at a time.
    pub fn leaping() -> Self {
        Self {
            leaps: true,
            ..Self::new()
        }
    }

    /// Moves the clock and wakes whoever waits.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state();
        state.now += by;
        for waker in state.waiting.drain(..) {
            waker.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.state().now
    }

    fn sleep_until(&self, instant: Instant) -> Sleep {
        if self.leaps {
            let clock = self.clone();
            return Box::pin(async move {
                let mut state = clock.state();
                state.now = state.now.max(instant);
            });
        }
        Box::pin(Waiting {
            clock: self.clone(),
            until: instant,
        })
    }
}

struct Waiting {
    clock: ManualClock,
    until: Instant,
}

impl Future for Waiting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state();
        if state.now >= self.until {
            return Poll::Ready(());
        }
        state.waiting.push(context.waker().clone());
        Poll::Pending
    }
}
