//! Correction of a wrong clock.
//!
//! A signature is valid for five minutes around the service's time. Where the local
//! clock is off by more, every request fails with an error that looks like a wrong key.
//! The service's `Date` header tells the difference, and one resend with the corrected
//! time settles it. Not trusted: an answer from a cache (`Age`), and a `Date` that was
//! under way too long.

use std::time::Duration;

use super::calendar::http_date;
use super::message::Headers;

/// Codes that always speak of the clock, without the ending `Exception` that some front
/// ends give them.
const CLOCK_CODES: &[&str] = &[
    "RequestTimeTooSkewed",
    "RequestExpired",
    "RequestInTheFuture",
];

/// Codes that a wrong clock shares with wrong keys and missing rights.
const AMBIGUOUS_CODES: &[&str] = &[
    "InvalidSignature",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "AccessDenied",
];

/// An ambiguous code is blamed on the clock from this difference on: one minute short
/// of the five that the service tolerates, as the AWS SDKs do.
const AMBIGUOUS_THRESHOLD_MS: u64 = 4 * 60 * 1000;

/// `Date` has whole seconds, so that a smaller difference is no difference.
const CLOCK_THRESHOLD_MS: u64 = 1000;

/// After a longer round trip nobody knows when the answer was dated.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(15 * 60);

/// How far the service's clock is ahead of ours, in milliseconds; negative if behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset(pub i64);

impl Offset {
    /// The service's time at our time `now`.
    #[must_use]
    pub fn apply(self, now: Duration) -> Duration {
        let size = Duration::from_millis(self.0.unsigned_abs());
        if self.0 >= 0 {
            now.checked_add(size)
        } else {
            now.checked_sub(size)
        }
        .unwrap_or(now)
    }
}

/// The offset to sign with when the request is sent again; `None` if the refusal has
/// nothing to do with the clock or no better time is known.
#[must_use]
pub fn correction(
    code: &str,
    headers: &Headers,
    sent: Duration,
    received: Duration,
    signed_with: Offset,
) -> Option<Offset> {
    let code = code.strip_suffix("Exception").unwrap_or(code);
    let threshold = if CLOCK_CODES.contains(&code) {
        CLOCK_THRESHOLD_MS
    } else if AMBIGUOUS_CODES.contains(&code) {
        AMBIGUOUS_THRESHOLD_MS
    } else {
        return None;
    };
    let measured = measure(headers, sent, received)?;
    (measured.0.abs_diff(signed_with.0) >= threshold).then_some(measured)
}

fn measure(headers: &Headers, sent: Duration, received: Duration) -> Option<Offset> {
    if headers.has("age") {
        return None;
    }
    let date = http_date(headers.text("date")?)?;
    let date = Duration::from_secs(u64::try_from(date).ok()?);
    let round_trip = received.saturating_sub(sent);
    if round_trip > MAX_ROUND_TRIP {
        return None;
    }
    let midpoint = sent.checked_add(round_trip / 2)?;
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).ok();
    match date.checked_sub(midpoint) {
        Some(ahead) => millis(ahead).map(Offset),
        None => millis(midpoint.saturating_sub(date)).map(|behind| Offset(-behind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    const MINUTE: i64 = 60_000;

    fn noon() -> Duration {
        let noon = httpdate::parse_http_date("Fri, 14 Feb 2025 12:00:00 GMT").unwrap();
        noon.duration_since(UNIX_EPOCH).unwrap()
    }

    fn dated(offset_ms: i64) -> Headers {
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Offset(offset_ms).apply(noon()));
        with("date", &date)
    }

    fn with(name: &str, value: &str) -> Headers {
        let mut headers = Headers::default();
        headers.add(name, value.as_bytes()).unwrap();
        headers
    }

    fn corrected(code: &str, offset_ms: i64) -> Option<Offset> {
        correction(code, &dated(offset_ms), noon(), noon(), Offset(0))
    }

    #[test]
    fn an_ambiguous_code_is_the_clocks_fault_from_four_minutes_on() {
        for code in AMBIGUOUS_CODES {
            for minutes in [-20, -6, -4, 4, 6, 20] {
                let offset = minutes * MINUTE;
                assert_eq!(corrected(code, offset), Some(Offset(offset)), "{code}");
            }
            for offset in [0, 3 * MINUTE, 4 * MINUTE - 1000, 1000 - 4 * MINUTE] {
                assert_eq!(corrected(code, offset), None, "{code} {offset}");
            }
        }
    }

    #[test]
    fn a_clock_code_is_believed_at_any_difference() {
        for code in CLOCK_CODES {
            assert_eq!(corrected(code, 2000), Some(Offset(2000)), "{code}");
            assert_eq!(corrected(code, 0), None, "{code}");
        }
    }

    #[test]
    fn other_codes_have_nothing_to_do_with_the_clock() {
        for code in [
            "TooManyRequestsException",
            "ExpiredTokenException",
            "",
            "403",
        ] {
            assert_eq!(corrected(code, 20 * MINUTE), None, "{code}");
        }
    }

    #[test]
    fn a_cached_or_undated_or_very_late_answer_is_not_believed() {
        let code = "RequestTimeTooSkewed";
        let mut cached = dated(20 * MINUTE);
        cached.add("age", b"0").unwrap();
        assert_eq!(correction(code, &cached, noon(), noon(), Offset(0)), None);

        let undated = Headers::default();
        assert_eq!(correction(code, &undated, noon(), noon(), Offset(0)), None);

        let garbled = with("date", "yesterday");
        assert_eq!(correction(code, &garbled, noon(), noon(), Offset(0)), None);

        let late = noon() + MAX_ROUND_TRIP + Duration::from_secs(1);
        let dated = dated(60 * MINUTE);
        assert_eq!(correction(code, &dated, noon(), late, Offset(0)), None);
    }

    #[test]
    fn the_answer_is_taken_to_be_dated_halfway() {
        let received = noon() + Duration::from_secs(20);
        let offset = correction(
            "RequestTimeTooSkewed",
            &dated(10 * MINUTE),
            noon(),
            received,
            Offset(0),
        );
        assert_eq!(offset, Some(Offset(10 * MINUTE - 10_000)));
    }

    #[test]
    fn a_time_that_was_corrected_already_is_not_corrected_again() {
        let headers = dated(20 * MINUTE);
        let signed_with = Offset(20 * MINUTE);
        for code in ["InvalidSignatureException", "RequestTimeTooSkewed"] {
            assert_eq!(
                correction(code, &headers, noon(), noon(), signed_with),
                None
            );
        }
    }

    #[test]
    fn an_offset_moves_time_both_ways() {
        let later = noon() + Duration::from_secs(60);
        assert_eq!(Offset(MINUTE).apply(noon()), later);
        assert_eq!(Offset(-MINUTE).apply(later), noon());
    }
}
