//! Correction of a wrong clock.
//!
//! A signature is valid for five minutes around the service's time. Where the local
//! clock is off by more, every request fails with an error that looks like a wrong key,
//! and the service's `Date` header tells the difference.
//!
//! Not believed: an answer from a cache (`Age`), one that was under way too long, and a
//! date that is more than a day away. Whoever chooses the date chooses when a signature
//! is valid: an endpoint that says it is next year would be sent a signature that is
//! good next year, long after the key was given out for an hour of work. A clock that is
//! set to another time zone is at most 14 hours off; one that is days off does not get
//! as far as here, because it finds most certificates not valid.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, DATE};

/// The largest difference that is believed.
const MAX_OFFSET: Duration = Duration::from_secs(24 * 60 * 60);
/// After a longer round trip nobody knows when the answer was dated.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(15 * 60);

/// How far the service's clock is ahead of ours, in milliseconds; negative if behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offset(pub(super) i64);

impl Offset {
    /// The service's time at our time `now`.
    pub(super) fn apply(self, now: SystemTime) -> SystemTime {
        let size = Duration::from_millis(self.0.unsigned_abs());
        if self.0 >= 0 {
            now.checked_add(size)
        } else {
            now.checked_sub(size)
        }
        .unwrap_or(now)
    }

    /// Whether two offsets are at least so far apart.
    pub(super) fn differs(self, other: Self, least: Duration) -> bool {
        u128::from(self.0.abs_diff(other.0)) >= least.as_millis()
    }
}

/// What an answer says about the difference of the clocks.
pub(super) fn measure(
    headers: &HeaderMap,
    sent: SystemTime,
    received: SystemTime,
) -> Option<Offset> {
    if headers.contains_key(AGE) {
        return None;
    }
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let round_trip = received.duration_since(sent).unwrap_or_default();
    if round_trip > MAX_ROUND_TRIP {
        return None;
    }
    let midpoint = sent.checked_add(round_trip / 2)?;
    let believed = |difference: Duration| {
        let millis = i64::try_from(difference.as_millis()).ok()?;
        (difference <= MAX_OFFSET).then_some(millis)
    };
    match date.duration_since(midpoint) {
        Ok(ahead) => believed(ahead).map(Offset),
        Err(behind) => believed(behind.duration()).map(|behind| Offset(-behind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    fn noon() -> SystemTime {
        httpdate::parse_http_date("Fri, 14 Feb 2025 12:00:00 GMT").unwrap()
    }

    fn dated(offset_ms: i64) -> HeaderMap {
        let date = httpdate::fmt_http_date(Offset(offset_ms).apply(noon()));
        HeaderMap::from_iter([(DATE, HeaderValue::from_str(&date).unwrap())])
    }

    fn measured(offset_ms: i64) -> Option<Offset> {
        measure(&dated(offset_ms), noon(), noon())
    }

    #[test]
    fn the_difference_of_the_clocks_is_measured_both_ways() {
        for offset in [-14 * HOUR, -20 * MINUTE, 0, 20 * MINUTE, 24 * HOUR] {
            assert_eq!(measured(offset), Some(Offset(offset)));
        }
    }

    #[test]
    fn a_date_that_is_days_or_years_away_is_not_believed() {
        for days in [2, 30, 365, 3650] {
            assert_eq!(measured(days * 24 * HOUR), None, "{days} days ahead");
            assert_eq!(measured(-days * 24 * HOUR), None, "{days} days behind");
        }
        assert_eq!(measured(24 * HOUR + 1000), None);
    }

    #[test]
    fn a_cached_or_undated_or_very_late_answer_is_not_believed() {
        let mut cached = dated(20 * MINUTE);
        cached.insert(AGE, HeaderValue::from_static("0"));
        assert_eq!(measure(&cached, noon(), noon()), None);
        assert_eq!(measure(&HeaderMap::new(), noon(), noon()), None);
        let mut garbled = dated(0);
        garbled.insert(DATE, HeaderValue::from_static("yesterday"));
        assert_eq!(measure(&garbled, noon(), noon()), None);
        let late = noon() + MAX_ROUND_TRIP + Duration::from_secs(1);
        assert_eq!(measure(&dated(HOUR), noon(), late), None);
    }

    #[test]
    fn the_answer_is_taken_to_be_dated_halfway() {
        let received = noon() + Duration::from_secs(20);
        let offset = measure(&dated(10 * MINUTE), noon(), received);
        assert_eq!(offset, Some(Offset(10 * MINUTE - 10_000)));
    }

    #[test]
    fn an_offset_moves_time_both_ways_and_is_told_from_another() {
        let later = noon() + Duration::from_secs(60);
        assert_eq!(Offset(MINUTE).apply(noon()), later);
        assert_eq!(Offset(-MINUTE).apply(later), noon());
        let least = Duration::from_secs(60);
        assert!(Offset(MINUTE).differs(Offset(0), least));
        assert!(Offset(-MINUTE).differs(Offset(0), least));
        assert!(!Offset(MINUTE).differs(Offset(1), least));
    }
}
