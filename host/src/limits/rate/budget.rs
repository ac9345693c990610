//! How fast a limit may be used, found out by using it.
//!
//! A service tells its limits by refusing; what it documents is a default that an account
//! need not have, and that others use as well. So the pace climbs while nothing is
//! throttled and falls back when something is. Every throttled request is wasted and takes
//! the same quota from others, so that the rules below are made for few of them: once the
//! limit is known, [`CLIMB`] ÷ [`FALL`] of them (0.5 %) find out whether it is still there.
//! They were found by simulation (`tests/benchmarks/rate_control.rs`, `docs/rates.md`).
//!
//! The pace itself is GCRA without a burst: every request reserves the next free moment,
//! one period after the one before. A budget is a value without a clock, a lock or a file, so
//! that one process, several, or several machines can share it ([`super::ledger`]).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How much faster the pace is after each request, near a known limit.
const CLIMB: f64 = 0.000_25;
/// How much slower it is after a throttled request, at least.
const FALL: f64 = 0.05;
/// A throttled request says that the limit is below the pace; how far below, the requests
/// between two of them say, which were admitted. The pace goes on a little below that, so
/// that the service's bucket fills again.
const BELOW_ADMITTED: f64 = 0.97;
/// Never believed further than this at once, since few requests say little.
const DEEPEST_FALL: f64 = 0.4;
/// Between so few requests the next throttled one says only "still too fast".
const FEW: u32 = 8;
/// The fall after so few requests.
const STILL_TOO_FAST: f64 = 0.1;
/// After so many requests without a throttled one the limit is not where it was: near it
/// there would have been two.
const QUIET: u32 = 400;
/// How fast the pace grows where no limit is known, per second (as an exponent): from 5 to
/// 30 requests a second in 9 s.
const SEEK: f64 = 0.2;
/// How fast it grows at first once a limit was known.
const SEEK_AGAIN: f64 = 0.02;
/// How long it takes that growth to double, in seconds.
const SEEK_DOUBLES: f64 = 3.0;
/// From a growth below this a throttled request tells the limit well enough.
const NEAR: f64 = 0.03;
/// How much of a second's worth a service lets pass before it refuses, as buckets do.
/// Less than all of it, because the bucket need not have been full.
const BURST: f64 = 0.64;
/// The pace below which nothing falls, in requests per second: at one in ten seconds a
/// service that admits anything at all is found to do so within a call's time.
const FLOOR: f64 = 0.1;
/// The slowest pace that is told apart from standing still: one request a day.
pub const SLOWEST: f64 = 1.0 / 86_400.0;
/// How many periods ahead a reservation can sensibly be. One further ahead was made by a
/// clock that was set back since.
const HORIZON: u32 = 256;

/// A moment, as the time since the epoch of whoever keeps the budget.
pub type Moment = Duration;

/// How fast whoever asks may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The pace to start with, in requests per second, while no limit has been met.
    pub start: f64,
    /// The fastest pace, in requests per second. One below [`SLOWEST`] counts as that.
    pub ceiling: f64,
}

/// A turn to send one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// When.
    pub at: Moment,
    /// The time to the next one.
    pub period: Duration,
    /// How often the pace had fallen.
    pub falls: u32,
}

/// The state of one limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// When the next request may go.
    next: Moment,
    /// Requests per second.
    rate: f64,
    /// How often the pace has fallen. Requests that were on their way when it fell tell
    /// nothing new.
    falls: u32,
    /// Requests since the pace fell, or since it was last not used.
    since_fall: u32,
    /// When that was.
    fell_at: Moment,
    /// How fast the pace grows per second while the limit is unknown; `None` near it.
    seeking: Option<f64>,
}

impl Budget {
    /// A limit of which nothing is known.
    pub fn new(now: Moment, bounds: Bounds) -> Self {
        Self {
            next: now,
            rate: bounds.start.min(bounds.ceiling).max(SLOWEST),
            falls: 0,
            since_fall: 0,
            fell_at: now,
            seeking: Some(SEEK),
        }
    }

    /// Whether its numbers can be reckoned with; what was read from elsewhere need not be.
    pub fn is_sound(&self) -> bool {
        let growth = self.seeking.unwrap_or_default();
        self.rate.is_finite() && self.rate >= SLOWEST && (0.0..=SEEK).contains(&growth)
    }

    /// Whether a turn was reserved at that moment or later.
    pub fn is_used_since(&self, moment: Moment) -> bool {
        self.next >= moment
    }

    /// The pace within bounds, in requests per second.
    pub fn rate(&self, bounds: Bounds) -> f64 {
        // What somebody allows counts until the service has said something else.
        let rate = match self.falls {
            0 => self.rate.max(bounds.start),
            _ => self.rate,
        };
        rate.min(bounds.ceiling).max(SLOWEST)
    }

    /// Reserves the next turn.
    ///
    /// # Errors
    ///
    /// The moment of that turn, if it is later than `latest`; nothing is reserved then.
    pub fn reserve(&mut self, now: Moment, latest: Moment, bounds: Bounds) -> Result<Slot, Moment> {
        let rate = self.rate(bounds);
        let period = Duration::from_secs_f64(1.0 / rate);
        let horizon = now.saturating_add(period.saturating_mul(HORIZON));
        if self.next > horizon || self.fell_at > horizon {
            (self.next, self.fell_at, self.since_fall) = (now, now, 0);
        }
        let at = self.next.max(now);
        if at > latest {
            return Err(at);
        }
        // Whoever comes late does not use the pace, and learns nothing about it.
        let is_used = now <= self.next.saturating_add(period);
        self.next = at.saturating_add(period);
        let slot = Slot {
            at,
            period,
            falls: self.falls,
        };
        if is_used {
            self.climb(rate, period, bounds.ceiling);
        } else {
            self.since_fall = 0;
            self.fell_at = at;
        }
        Ok(slot)
    }

    fn climb(&mut self, rate: f64, period: Duration, ceiling: f64) {
        self.since_fall = self.since_fall.saturating_add(1);
        let passed = period.as_secs_f64();
        let faster = match self.seeking {
            Some(growth) => {
                let later = growth * (passed / SEEK_DOUBLES).exp2();
                self.seeking = Some(later.min(SEEK));
                rate * (growth * passed).exp()
            }
            None => {
                if self.since_fall > QUIET {
                    self.seeking = Some(SEEK_AGAIN);
                }
                rate * (1.0 + CLIMB)
            }
        };
        // Somebody with a higher ceiling may have found more.
        self.rate = self.rate.max(faster.min(ceiling));
    }

    /// A request that went at a slot was throttled. Whether the pace fell.
    pub fn throttled(&mut self, slot: &Slot, now: Moment, bounds: Bounds) -> bool {
        if slot.falls != self.falls {
            return false;
        }
        let rate = self.rate(bounds);
        let slower = match self.seeking {
            // While the bucket was emptied the pace has grown past the limit: with a growth
            // of g by e^x where e^x - 1 - x = g · burst, for which this is near enough.
            Some(growth) if growth > NEAR => {
                self.seeking = Some(SEEK_AGAIN);
                rate / (1.0 + (2.0 * growth * BURST).sqrt())
            }
            _ => {
                self.seeking = None;
                if self.since_fall < FEW {
                    rate * (1.0 - STILL_TOO_FAST)
                } else {
                    let passed = now.saturating_sub(self.fell_at).as_secs_f64();
                    let admitted = f64::from(self.since_fall) / passed.max(f64::EPSILON);
                    (admitted * BELOW_ADMITTED)
                        .clamp(rate * (1.0 - DEEPEST_FALL), rate * (1.0 - FALL))
                }
            }
        };
        self.rate = slower.max(FLOOR.min(rate));
        self.falls = self.falls.wrapping_add(1).max(1);
        self.since_fall = 0;
        self.fell_at = now;
        // The one that was refused did not use its turn up, but an empty bucket needs a
        // moment to hold one again.
        let pause = Duration::from_secs_f64(0.5 / self.rate);
        self.next = self.next.max(now.saturating_add(pause));
        true
    }
}

#[cfg(test)]
mod tests;
