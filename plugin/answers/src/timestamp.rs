//! Moments in time, from what the service and its emulators send to the contract's
//! `instant`.
//!
//! The service sends epoch seconds as a JSON number: whole, with three or six decimals,
//! or with an exponent, depending on who answers. The digits are taken from the text of
//! the number and not from a float, so that nothing is rounded. A value that is no
//! moment (`null`, a word, the year 50000, `1e999`) is unknown: it never costs the page
//! that it stands on. An instant always has milliseconds, so that instants sort as text.

use super::calendar::{Moment, rfc_3339};
use super::json::{Fault, FromJson, Reader};

/// A moment as the contract writes it.
pub type Instant = String;

/// From this number on, an epoch is in milliseconds: as seconds it would lie beyond
/// the year 5138, as milliseconds in 1973.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// Epoch seconds of the year 9999 have 12 digits.
const MAX_DIGITS: usize = 12;

/// A member that holds epoch seconds, or nothing that we know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timestamp(pub Option<Instant>);

impl FromJson for Timestamp {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let number = std::str::from_utf8(reader.raw()?).map_err(|_| Fault::NotUtf8)?;
        Ok(Self(from_epoch_seconds(number)))
    }
}

/// Epoch seconds as JSON writes a number.
#[must_use]
pub fn from_epoch_seconds(number: &str) -> Option<Instant> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let (seconds, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if exponent == 0 {
        return from_digits(seconds, fraction);
    }
    // The exponent only moves the point among the digits that were sent.
    let mut digits = [seconds, fraction].concat();
    let point = i32::try_from(seconds.len()).ok()?.checked_add(exponent)?;
    let point = usize::try_from(point)
        .ok()
        .filter(|point| *point <= MAX_DIGITS)?;
    while digits.len() < point {
        digits.push('0');
    }
    let (seconds, fraction) = digits.split_at_checked(point)?;
    from_digits(seconds, fraction)
}

/// A text that a customer's own code wrote: RFC 3339, or epoch seconds or milliseconds.
#[must_use]
pub fn from_text(text: &str) -> Option<Instant> {
    let text = text.trim();
    if let Some((seconds, fraction)) = rfc_3339(text) {
        return format(seconds, fraction);
    }
    match text.parse::<i64>() {
        Ok(millis) if millis >= MILLISECONDS_FROM => {
            let fraction = (1000 + millis % 1000).to_string();
            format(millis / 1000, fraction.get(1..)?)
        }
        _ => from_epoch_seconds(text),
    }
}

fn from_digits(seconds: &str, fraction: &str) -> Option<Instant> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // A sign fails here too: no user pool is older than 1970.
    if seconds.is_empty() || !digits(seconds) || !digits(fraction) {
        return None;
    }
    format(seconds.parse().ok()?, fraction)
}

fn format(seconds: i64, fraction: &str) -> Option<Instant> {
    let moment = Moment::at(seconds);
    if !(0..=9999).contains(&moment.year) {
        return None;
    }
    let mut instant = moment.written("-", "T", ":");
    instant.push('.');
    let millis = fraction.get(..3).unwrap_or(fraction);
    instant.push_str(millis);
    instant.push_str("000".get(millis.len()..).unwrap_or_default());
    instant.push('Z');
    Some(instant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn parsed(json: &str) -> Option<String> {
        json::parse::<Timestamp>(json.as_bytes()).unwrap().0
    }

    #[test]
    fn every_notation_of_a_number_keeps_its_milliseconds() {
        for (json, instant) in [
            ("1739529618", "2025-02-14T10:40:18.000Z"),
            ("1739529618.102", "2025-02-14T10:40:18.102Z"),
            ("1739529618.1", "2025-02-14T10:40:18.100Z"),
            ("1739529618.100", "2025-02-14T10:40:18.100Z"),
            ("1739529618.123456", "2025-02-14T10:40:18.123Z"),
            ("1739529618.999999", "2025-02-14T10:40:18.999Z"),
            ("1739529618.0", "2025-02-14T10:40:18.000Z"),
            ("1.70057487582E9", "2023-11-21T13:54:35.820Z"),
            ("1.7e9", "2023-11-14T22:13:20.000Z"),
            ("17E+8", "2023-11-14T22:13:20.000Z"),
            ("17395296181.02E-1", "2025-02-14T10:40:18.102Z"),
            ("1739529618.1e0", "2025-02-14T10:40:18.100Z"),
            ("0", "1970-01-01T00:00:00.000Z"),
            ("253402300799", "9999-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(parsed(json).as_deref(), Some(instant), "{json}");
        }
    }

    #[test]
    fn what_is_no_moment_is_unknown_and_no_error() {
        for json in [
            "null",
            "253402300800",
            "99999999999999999999999",
            "1e999",
            "1e300",
            "1e-400",
            "1e99999999999",
            "-1",
            "-62135596800",
            "-0.5",
            "\"2025-02-14\"",
            "\"\"",
            "true",
            "[]",
            "{\"epoch\":1}",
        ] {
            assert_eq!(parsed(json), None, "{json}");
        }
    }

    #[test]
    fn text_of_customers_may_be_rfc_3339_or_an_epoch() {
        for (text, instant) in [
            ("2025-02-14T10:40:18Z", Some("2025-02-14T10:40:18.000Z")),
            ("2025-02-14T10:40:18.102Z", Some("2025-02-14T10:40:18.102Z")),
            (
                "2025-02-14T11:40:18.1025+01:00",
                Some("2025-02-14T10:40:18.102Z"),
            ),
            (" 2025-02-14T10:40:18Z\n", Some("2025-02-14T10:40:18.000Z")),
            ("1739529618", Some("2025-02-14T10:40:18.000Z")),
            ("1739529618.102", Some("2025-02-14T10:40:18.102Z")),
            ("1739529618102", Some("2025-02-14T10:40:18.102Z")),
            ("0000-01-01T00:00:00+23:59", None),
            ("14.02.2025", None),
            ("yesterday", None),
            ("", None),
            ("-5", None),
            ("NaN", None),
            ("inf", None),
        ] {
            assert_eq!(from_text(text).as_deref(), instant, "{text}");
        }
    }
}
