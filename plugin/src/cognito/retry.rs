//! How long to wait before a request is sent again, and when to stop: the "standard"
//! mode of the AWS SDKs.
//!
//! Pure arithmetic; time and chance are passed in. What is worth a retry is decided
//! where errors are classified, not here. Inside a host that retries by itself,
//! `max-attempts` is 1 and nothing of this comes into play.

use std::cell::Cell;
use std::time::Duration;

/// What a retry answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The service asked for fewer requests.
    Throttled,
    /// The service or the way to it failed.
    Transient,
}

impl Reason {
    /// First wait: the service needs a second to forget a throttle, a broken
    /// connection only a moment.
    const fn base(self) -> Duration {
        match self {
            Self::Throttled => Duration::from_secs(1),
            Self::Transient => Duration::from_millis(50),
        }
    }

    /// Price of a retry in tokens. Failures are dearer than throttles, because they
    /// say that more requests make it worse.
    const fn cost(self) -> u32 {
        match self {
            Self::Throttled => 5,
            Self::Transient => 14,
        }
    }
}

/// No wait grows beyond this by itself.
const MAX_BACKOFF: Duration = Duration::from_secs(20);

/// How much longer than our own wait the service can make us wait.
const MAX_ADDED: Duration = Duration::from_secs(5);

/// Tokens of a full bucket: about 35 retries of failed requests in a row.
const CAPACITY: u32 = 500;

/// The wait before retry number `retry` (0 is the first), where `jitter` is a random
/// number in `0..1` and `asked` what the service asked for.
#[must_use]
pub fn delay(reason: Reason, retry: u32, jitter: f64, asked: Option<Duration>) -> Duration {
    let backoff = reason
        .base()
        .saturating_mul(2u32.saturating_pow(retry))
        .min(MAX_BACKOFF)
        .mul_f64(jitter.clamp(0.0, 1.0));
    match asked {
        Some(asked) => asked.clamp(backoff, backoff + MAX_ADDED),
        None => backoff,
    }
}

/// A bucket that retries are paid from, so that a system which fails all the time is
/// not asked several times for each call.
#[derive(Debug)]
pub struct RetryQuota {
    tokens: Cell<u32>,
}

impl Default for RetryQuota {
    fn default() -> Self {
        Self {
            tokens: Cell::new(CAPACITY),
        }
    }
}

impl RetryQuota {
    /// Pays for a retry; `None` if the bucket does not hold enough.
    pub fn pay(&self, reason: Reason) -> Option<Paid> {
        let cost = reason.cost();
        let left = self.tokens.get().checked_sub(cost)?;
        self.tokens.set(left);
        Some(Paid(cost))
    }

    /// Takes note of a success, with the price of the last retry if there was one.
    pub fn succeeded(&self, last: Option<Paid>) {
        let refund = last.map_or(1, |Paid(cost)| cost);
        self.tokens.set((self.tokens.get() + refund).min(CAPACITY));
    }

    #[cfg(test)]
    pub(crate) fn tokens(&self) -> u32 {
        self.tokens.get()
    }
}

/// What a retry has cost.
#[derive(Debug)]
pub struct Paid(u32);

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn waits_double_up_to_twenty_seconds() {
        let throttled = [1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000];
        let transient = [50, 100, 200, 400, 800, 1_600, 3_200];
        for (retry, (throttled, transient)) in (0..).zip(throttled.into_iter().zip(transient)) {
            assert_eq!(delay(Reason::Throttled, retry, 1.0, None), ms(throttled));
            assert_eq!(delay(Reason::Transient, retry, 1.0, None), ms(transient));
        }
        assert_eq!(delay(Reason::Transient, u32::MAX, 1.0, None), ms(20_000));
    }

    #[test]
    fn jitter_scales_the_whole_wait() {
        assert_eq!(delay(Reason::Throttled, 1, 0.25, None), ms(500));
        assert_eq!(delay(Reason::Throttled, 5, 0.5, None), ms(10_000));
        assert_eq!(delay(Reason::Throttled, 3, 0.0, None), ms(0));
    }

    #[test]
    fn the_service_can_lengthen_a_wait_by_five_seconds_at_most() {
        let asked = |asked| delay(Reason::Throttled, 0, 0.5, Some(ms(asked)));
        assert_eq!(asked(0), ms(500), "never shorter than our own");
        assert_eq!(asked(500), ms(500));
        assert_eq!(asked(3_000), ms(3_000));
        assert_eq!(asked(5_500), ms(5_500));
        assert_eq!(asked(3_600_000), ms(5_500));
    }

    #[test]
    fn the_bucket_pays_for_a_hundred_throttles_or_thirty_five_failures() {
        for (reason, retries, left) in [(Reason::Throttled, 100, 0), (Reason::Transient, 35, 10)] {
            let quota = RetryQuota::default();
            for _ in 0..retries {
                assert!(quota.pay(reason).is_some());
            }
            assert!(quota.pay(reason).is_none());
            assert_eq!(quota.tokens(), left);
        }
    }

    #[test]
    fn a_success_gives_back_the_last_price_or_one_token() {
        let quota = RetryQuota::default();
        let _first = quota.pay(Reason::Throttled);
        let last = quota.pay(Reason::Transient);
        assert_eq!(quota.tokens(), 481);
        quota.succeeded(last);
        assert_eq!(quota.tokens(), 495);
        quota.succeeded(None);
        assert_eq!(quota.tokens(), 496);
    }

    #[test]
    fn the_bucket_never_overflows() {
        let quota = RetryQuota::default();
        quota.succeeded(None);
        assert_eq!(quota.tokens(), 500);
    }
}
