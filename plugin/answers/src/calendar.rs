//! Days and seconds: as much of a calendar as signatures and timestamps need.
//!
//! The usual crates bring parsers and formatters for every notation, which would be a
//! good part of the component. The tests hold this against one of them.

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Days from the first of March of the year 0 to 1970.
const EPOCH: i64 = 719_468;

/// Days of 400 years.
const ERA: i64 = 146_097;

/// A moment in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The year; the year 0 is there.
    pub year: i64,
    /// From 1.
    pub month: i64,
    /// From 1.
    pub day: i64,
    /// From 0.
    pub hour: i64,
    /// From 0.
    pub minute: i64,
    /// From 0; a leap second is none.
    pub second: i64,
}

impl Moment {
    /// The moment so many seconds after the beginning of 1970.
    #[must_use]
    pub fn at(seconds: i64) -> Self {
        // In years that begin in March every leap day is the last day of its year.
        let days = seconds.div_euclid(DAY).saturating_add(EPOCH);
        let of_day = seconds.rem_euclid(DAY);
        let of_era = days.rem_euclid(ERA);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let shifted = i64::from(month >= 10);
        Self {
            year: year + days.div_euclid(ERA) * 400 + shifted,
            month: month + 3 - 12 * shifted,
            day: of_year - (153 * month + 2) / 5 + 1,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
        }
    }

    /// The seconds since the beginning of 1970; `None` if there is no such moment.
    #[must_use]
    pub fn seconds(&self) -> Option<i64> {
        let shifted = i64::from(self.month <= 2);
        let year = self.year - shifted;
        let month = self.month - 3 + 12 * shifted;
        let of_year = (153 * month + 2) / 5 + self.day - 1;
        let of_century = year.rem_euclid(400);
        let days = year.div_euclid(400) * ERA + 365 * of_century + of_century / 4
            - of_century / 100
            + of_year
            - EPOCH;
        let seconds = days * DAY + self.hour * 3600 + self.minute * 60 + self.second;
        // What is out of its range comes back as something else.
        (Self::at(seconds) == *self).then_some(seconds)
    }

    /// The moment as texts, with these separators after the date and the time.
    #[must_use]
    pub fn written(&self, in_date: &str, between: &str, in_time: &str) -> String {
        let mut text = String::with_capacity("0000-00-00T00:00:00.000Z".len());
        for (number, width, after) in [
            (self.year, 4, in_date),
            (self.month, 2, in_date),
            (self.day, 2, between),
            (self.hour, 2, in_time),
            (self.minute, 2, in_time),
            (self.second, 2, ""),
        ] {
            let mut unit = 10_i64.pow(width - 1);
            while unit > 0 {
                let digit = u32::try_from(number / unit % 10).unwrap_or_default();
                text.push(char::from_digit(digit, 10).unwrap_or_default());
                unit /= 10;
            }
            text.push_str(after);
        }
        text
    }
}

/// RFC 3339: the seconds since the beginning of 1970 and the digits of the fraction.
#[must_use]
pub fn rfc_3339(text: &str) -> Option<(i64, &str)> {
    let mut moment = Moment {
        year: number(text, 0, 4)?,
        month: number(text, 5, 7)?,
        day: number(text, 8, 10)?,
        hour: number(text, 11, 13)?,
        minute: number(text, 14, 16)?,
        second: number(text, 17, 19)?,
    };
    let is = |at: usize, byte: u8| text.as_bytes().get(at) == Some(&byte);
    if !(is(4, b'-') && is(7, b'-') && is(13, b':') && is(16, b':') && text.is_char_boundary(11)) {
        return None;
    }
    let leap = moment.second == 60;
    moment.second -= i64::from(leap);
    let mut rest = text.get(19..)?;
    let mut fraction = "";
    if let Some(digits) = rest.strip_prefix('.') {
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        (fraction, rest) = digits.split_at_checked(length)?;
        if fraction.is_empty() {
            return None;
        }
    }
    let offset = match rest.as_bytes().first()? {
        b'Z' | b'z' if rest.len() == 1 => 0,
        sign @ (b'+' | b'-') if rest.len() == 6 && rest.get(3..4) == Some(":") => {
            let (hours, minutes) = (number(rest, 1, 3)?, number(rest, 4, 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let size = hours * 3600 + minutes * 60;
            if *sign == b'-' { -size } else { size }
        }
        _ => return None,
    };
    let seconds = moment.seconds()? - offset;
    if leap {
        // Leap seconds stand at the ends of months.
        let next = Moment::at(seconds + 1);
        if (next.day, next.hour, next.minute, next.second) != (1, 0, 0, 0) {
            return None;
        }
    }
    Some((seconds, fraction))
}

/// The date of an HTTP header, such as `Fri, 14 Feb 2025 12:00:00 GMT`. Nobody has sent
/// the two other notations since 1997.
#[must_use]
pub fn http_date(text: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = MONTHS.find(text.get(8..11)?)?;
    let frame = [
        (3, ", "),
        (7, " "),
        (11, " "),
        (16, " "),
        (19, ":"),
        (22, ":"),
    ];
    let framed = |(at, part): (usize, &str)| text.get(at..at + part.len()) == Some(part);
    if month % 3 != 0 || !frame.into_iter().all(framed) || text.get(25..) != Some(" GMT") {
        return None;
    }
    Moment {
        year: number(text, 12, 16)?,
        month: i64::try_from(month).ok()? / 3 + 1,
        day: number(text, 5, 7)?,
        hour: number(text, 17, 19)?,
        minute: number(text, 20, 22)?,
        second: number(text, 23, 25)?,
    }
    .seconds()
}

/// The decimal digits that stand here, and nothing but digits.
fn number(text: &str, from: usize, to: usize) -> Option<i64> {
    let digits = text.get(from..to)?;
    match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => digits.parse().ok(),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};
    use time::format_description::well_known::Rfc3339;
    use time::{OffsetDateTime, UtcOffset};

    #[test]
    fn every_day_of_ten_thousand_years_has_its_date() {
        let first = -719_528 * DAY;
        for day in 0..3_652_425 {
            let seconds = first + day * DAY + day * 7 % DAY;
            let moment = Moment::at(seconds);
            let expected = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            assert_eq!(moment.year, i64::from(expected.year()));
            assert_eq!(moment.month, i64::from(u8::from(expected.month())));
            assert_eq!(moment.day, i64::from(expected.day()));
            assert_eq!(moment.hour, i64::from(expected.hour()));
            assert_eq!(moment.minute, i64::from(expected.minute()));
            assert_eq!(moment.second, i64::from(expected.second()));
            assert_eq!(moment.seconds(), Some(seconds));
        }
    }

    #[test]
    fn rfc_3339_is_read_as_others_read_it() {
        let mut random = fastrand::Rng::with_seed(4);
        let mut read = 0;
        let originals = [
            "2025-02-14T10:40:18Z",
            "2024-02-29t23:59:60.5z",
            "2023-02-28 11:40:18.1025+01:00",
            "0000-01-01T00:00:00+23:59",
            "1999-12-31T23:59:60Z",
            "2016-12-31T18:59:60.123456789-05:00",
        ];
        for _ in 0..200_000 {
            let mut text = originals[random.usize(..originals.len())]
                .as_bytes()
                .to_vec();
            for _ in 0..random.usize(..3) {
                let at = random.usize(..text.len());
                match random.u8(..8) {
                    0 => drop(text.remove(at)),
                    1 => text.insert(at, b'0'),
                    2 => text[at] = b"TZtz+-:. _e"[random.usize(..11)],
                    _ => text[at] = random.u8(b'0'..=b'9'),
                }
            }
            let text = String::from_utf8(text).unwrap();
            let expected = OffsetDateTime::parse(&text, &Rfc3339)
                .ok()
                .and_then(|moment| moment.checked_to_offset(UtcOffset::UTC))
                .map(OffsetDateTime::unix_timestamp);
            let seconds = rfc_3339(&text).map(|(seconds, _)| seconds);
            // The year before the first and the one after the last are for the caller.
            let seconds = seconds.filter(|seconds| {
                expected.is_some() || (0..=9999).contains(&Moment::at(*seconds).year)
            });
            assert_eq!(seconds, expected, "{text}");
            read += usize::from(expected.is_some());
        }
        assert!(read > 50_000, "{read}");
    }

    #[test]
    fn the_date_of_a_header_is_read_and_nothing_like_it() {
        for day in 0..80_000_u64 {
            let moment = UNIX_EPOCH + Duration::from_secs(day * 86_399);
            let text = httpdate::fmt_http_date(moment);
            assert_eq!(http_date(&text), i64::try_from(day * 86_399).ok(), "{text}");
        }
        for text in [
            "",
            "Fri, 14 Feb 2025 12:00:00",
            "Fri, 14 Feb 2025 12:00:00 CET",
            "Fri, 14 ebM 2025 12:00:00 GMT",
            "Fri, 31 Feb 2025 12:00:00 GMT",
            "Fri, 14 Feb 2025 24:00:00 GMT",
            "Fri, +4 Feb 2025 12:00:00 GMT",
            "Fri, 14 Feb 2025 12.00:00 GMT",
            "Fri, 14 Feb 2025 12:00:00 GMT ",
            "Friday, 14-Feb-25 12:00:00 GMT",
            "é, 14 Feb 2025 12:00:00 GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
