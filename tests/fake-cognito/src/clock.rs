//! The time this double believes in.
//!
//! Signature windows, token lifetimes, quotas and the `Date` header all ask here, so a test can put
//! the service's clock wrong (to provoke skew correction) or stand it still (to prove a token bucket
//! without sleeping). Injected latency is real time and does not pass through this clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// A shared clock; clones show and change the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    manual: Option<Arc<AtomicI64>>,
    offset_ms: Arc<AtomicI64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self {
            manual: None,
            offset_ms: Arc::default(),
        }
    }

    /// A clock that stands at `start_ms` (milliseconds since 1970) until it is advanced.
    #[must_use]
    pub fn manual(start_ms: i64) -> Self {
        Self {
            manual: Some(Arc::new(AtomicI64::new(start_ms))),
            offset_ms: Arc::default(),
        }
    }

    /// Moves a manual clock forward; a system clock gets the same as an offset.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let target = self.manual.as_ref().unwrap_or(&self.offset_ms);
        target.fetch_add(by, Ordering::Relaxed);
    }

    /// Makes the service's clock wrong by this many milliseconds; positive runs ahead.
    pub fn set_offset_ms(&self, offset: i64) {
        self.offset_ms.store(offset, Ordering::Relaxed);
    }

    /// Milliseconds since 1970 as the service believes them, its error included.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.true_now_ms() + self.offset_ms.load(Ordering::Relaxed)
    }

    fn true_now_ms(&self) -> i64 {
        match &self.manual {
            Some(manual) => manual.load(Ordering::Relaxed),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0)),
        }
    }
}

fn at(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// `20261123T141500Z`, the form of `x-amz-date`.
pub(crate) fn basic_iso(ms: i64) -> String {
    let t = at(ms);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// The inverse of [`basic_iso`].
pub(crate) fn parse_basic_iso(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 16 && bytes.get(8) == Some(&b'T') && bytes.get(15) == Some(&b'Z');
    if !shaped {
        return None;
    }
    let number = |range: std::ops::Range<usize>| -> Option<u16> {
        let digits = text.get(range)?;
        if digits.bytes().all(|b| b.is_ascii_digit()) {
            digits.parse().ok()
        } else {
            None
        }
    };
    let byte = |range| number(range).and_then(|n| u8::try_from(n).ok());
    let month = time::Month::try_from(byte(4..6)?).ok()?;
    let date = time::Date::from_calendar_date(i32::from(number(0..4)?), month, byte(6..8)?).ok()?;
    let clock = time::Time::from_hms(byte(9..11)?, byte(11..13)?, byte(13..15)?).ok()?;
    Some(OffsetDateTime::new_utc(date, clock).unix_timestamp() * 1000)
}

/// `Mon, 23 Nov 2026 14:15:00 GMT`, the form of a `Date` header.
pub(crate) fn http_date(ms: i64) -> String {
    let t = at(ms);
    let weekday = t.weekday().to_string();
    let month = t.month().to_string();
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        weekday.get(..3).unwrap_or_default(),
        t.day(),
        month.get(..3).unwrap_or_default(),
        t.year(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_the_two_forms_of_the_wire() {
        let ms = 1_440_938_160_000;
        assert_eq!(basic_iso(ms), "20150830T123600Z");
        assert_eq!(http_date(ms), "Sun, 30 Aug 2015 12:36:00 GMT");
        assert_eq!(parse_basic_iso("20150830T123600Z"), Some(ms));
        assert_eq!(parse_basic_iso("20150830T123600"), None);
        assert_eq!(parse_basic_iso("20151330T123600Z"), None);
    }

    #[test]
    fn an_offset_and_an_advance_show_in_every_clone() {
        let clock = Clock::manual(1_000);
        let other = clock.clone();
        clock.advance(Duration::from_secs(2));
        other.set_offset_ms(-500);
        assert_eq!(clock.now_ms(), 2_500);
    }
}
