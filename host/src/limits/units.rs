//! Amounts as people write them: `64MiB`, `10s`, `100`.
//!
//! A number without a unit is taken for bytes or a count, where it can mean nothing else;
//! a time always needs one, for "10" could be seconds as well as milliseconds.

use std::fmt;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// What an amount counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things.
    Count,
    /// Milliseconds.
    Time,
}

impl Unit {
    /// Reads an amount; `None` if it is none.
    pub fn parse(self, text: &str) -> Option<u64> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit()).len();
        let (number, unit) = text.split_at_checked(digits)?;
        // `u64` would take a sign, too.
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let factor = match (self, unit.trim_start().to_ascii_lowercase().as_str()) {
            (Self::Bytes, "" | "b") | (Self::Count, "") | (Self::Time, "ms") => 1,
            (Self::Bytes, "kib") => KIB,
            (Self::Bytes, "mib") => MIB,
            (Self::Bytes, "gib") => GIB,
            (Self::Bytes, "kb") => 1_000,
            (Self::Bytes, "mb") => 1_000_000,
            (Self::Bytes, "gb") => 1_000_000_000,
            (Self::Time, "s") => SECOND,
            (Self::Time, "m" | "min") => MINUTE,
            (Self::Time, "h") => HOUR,
            _ => return None,
        };
        // What is too large for the type is too large for every limit, which says so better.
        let number = number.parse::<u64>().or_else(|error| match error.kind() {
            std::num::IntErrorKind::PosOverflow => Ok(u64::MAX),
            _ => Err(error),
        });
        Some(number.ok()?.saturating_mul(factor))
    }

    /// How amounts of it are written.
    pub fn forms(self) -> &'static str {
        match self {
            Self::Bytes => "a number of bytes, such as 65536, 512KiB, 64MiB or 1GiB",
            Self::Count => "a number, such as 100",
            Self::Time => "a time with its unit, such as 500ms, 10s or 5m",
        }
    }

    /// An amount for people: `64 MiB`.
    pub fn shown(self, amount: u64) -> Amount {
        Amount {
            amount,
            unit: self,
            space: " ",
        }
    }

    /// An amount as it can be typed: `64MiB`.
    pub fn typed(self, amount: u64) -> Amount {
        Amount {
            amount,
            unit: self,
            space: "",
        }
    }
}

/// An amount with its unit, in the largest unit that shows it exactly.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    amount: u64,
    unit: Unit,
    space: &'static str,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units: &[(u64, &str)] = match (self.unit, self.space) {
            (Unit::Bytes, "") => &[(GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")],
            (Unit::Bytes, _) => &[(GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"), (1, "bytes")],
            (Unit::Count, _) => &[],
            (Unit::Time, _) => &[(SECOND, "s"), (1, "ms")],
        };
        let exact = |(factor, _): &&(u64, &str)| self.amount.is_multiple_of(*factor);
        match units.iter().find(exact) {
            Some((factor, name)) if self.amount > 0 => {
                write!(f, "{}{}{name}", self.amount / factor, self.space)
            }
            _ => write!(f, "{}", self.amount),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_with_their_units() {
        for (unit, text, amount) in [
            (Unit::Bytes, "65536", 65_536),
            (Unit::Bytes, "100B", 100),
            (Unit::Bytes, "512KiB", 512 * 1024),
            (Unit::Bytes, "64 mib", 64 << 20),
            (Unit::Bytes, "1GiB", 1 << 30),
            (Unit::Bytes, "64MB", 64_000_000),
            (Unit::Count, "100", 100),
            (Unit::Time, "500ms", 500),
            (Unit::Time, "10s", 10_000),
            (Unit::Time, "2m", 120_000),
            (Unit::Time, "1h", 3_600_000),
            (Unit::Bytes, "2kB", 2_000),
            (Unit::Bytes, "2MB", 2_000_000),
            (Unit::Bytes, "2gb", 2_000_000_000),
            (Unit::Count, "99999999999999999999", u64::MAX),
            (Unit::Bytes, "99999999999999999GiB", u64::MAX),
        ] {
            assert_eq!(unit.parse(text), Some(amount), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_of_its_unit_is_none() {
        for (unit, text) in [
            (Unit::Bytes, ""),
            (Unit::Bytes, "MiB"),
            (Unit::Bytes, "64M"),
            (Unit::Bytes, "64s"),
            (Unit::Bytes, "-1"),
            (Unit::Bytes, "+1"),
            (Unit::Bytes, "1.5GiB"),
            (Unit::Bytes, "1 000"),
            (Unit::Bytes, "6٤"),
            (Unit::Count, "10s"),
            (Unit::Count, "many"),
            (Unit::Time, "10"),
            (Unit::Time, "10B"),
            (Unit::Time, "1m30s"),
        ] {
            assert_eq!(unit.parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_typed_and_what_is_shown_mean_the_same() {
        for (unit, amount, typed, shown) in [
            (Unit::Bytes, 64 << 20, "64MiB", "64 MiB"),
            (Unit::Bytes, 65 << 10, "65KiB", "65 KiB"),
            (Unit::Bytes, 1025, "1025", "1025 bytes"),
            (Unit::Count, 1024, "1024", "1024"),
            (Unit::Time, 270_000, "270s", "270 s"),
            (Unit::Time, 1500, "1500ms", "1500 ms"),
        ] {
            assert_eq!(unit.typed(amount).to_string(), typed);
            assert_eq!(unit.shown(amount).to_string(), shown);
            assert_eq!(unit.parse(typed), Some(amount), "{typed}");
        }
    }
}
