//! How fast an operator allows requests to be: `--max-rate` and its environment variable.

use std::collections::BTreeMap;
use std::fmt;

/// A rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RateSetting {
    /// Requests per second; more than zero.
    PerSecond(f64),
    /// No pacing at all.
    Unlimited,
}

impl fmt::Display for RateSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(rate) => write!(f, "{rate}/s"),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

/// Why a `--max-rate` is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaxRateError {
    /// It has no form that is known.
    #[error(
        "--max-rate '{0}' is not understood: write unlimited, CLASS=REQUESTS-PER-SECOND or \
         CLASS=unlimited"
    )]
    Form(String),
    /// The class does not exist.
    #[error(
        "--max-rate names the class '{class}', which this component does not have; it has {known}"
    )]
    UnknownClass {
        /// What was named.
        class: String,
        /// What there is.
        known: String,
    },
    /// The rate is no positive number.
    #[error(
        "--max-rate '{0}': the rate must be a number greater than 0 (such as 12 or 0.5) or the \
         word unlimited"
    )]
    Rate(String),
    /// A class is given two rates.
    #[error("--max-rate gives the class '{0}' two different rates")]
    Contradiction(String),
}

/// What an operator allows beyond, or below, the rates that a connector starts with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MaxRate {
    all_unlimited: bool,
    classes: BTreeMap<String, RateSetting>,
}

impl MaxRate {
    /// Reads entries such as `unlimited`, `user-list=12` or `user-list=unlimited`; an
    /// entry may hold several, separated by commas. A class that is named keeps its own
    /// rate beside `unlimited`.
    pub fn parse<'a>(
        entries: impl IntoIterator<Item = &'a str>,
        known: &[&str],
    ) -> Result<Self, MaxRateError> {
        let mut max_rate = Self::default();
        let entries = entries.into_iter().flat_map(|entry| entry.split(','));
        for entry in entries.map(str::trim) {
            if entry == "unlimited" {
                max_rate.all_unlimited = true;
                continue;
            }
            let (class, rate) = entry
                .split_once('=')
                .map(|(class, rate)| (class.trim(), rate.trim()))
                .filter(|(class, _)| !class.is_empty())
                .ok_or_else(|| MaxRateError::Form(entry.escape_debug().to_string()))?;
            if !known.contains(&class) {
                return Err(MaxRateError::UnknownClass {
                    class: class.escape_debug().to_string(),
                    known: match known {
                        [] => "none".to_owned(),
                        known => known.join(", "),
                    },
                });
            }
            let rate = if rate == "unlimited" {
                RateSetting::Unlimited
            } else {
                rate.parse()
                    .ok()
                    .filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
                    .map(RateSetting::PerSecond)
                    .ok_or_else(|| MaxRateError::Rate(entry.escape_debug().to_string()))?
            };
            match max_rate.classes.insert(class.to_owned(), rate) {
                Some(before) if before != rate => {
                    return Err(MaxRateError::Contradiction(class.to_owned()));
                }
                _ => {}
            }
        }
        Ok(max_rate)
    }

    /// No pacing at all, for emulators and benchmarks.
    pub fn unlimited() -> Self {
        Self {
            all_unlimited: true,
            classes: BTreeMap::new(),
        }
    }

    /// What the operator says about a class; `None` if nothing.
    pub fn of(&self, class: &str) -> Option<RateSetting> {
        self.classes
            .get(class)
            .copied()
            .or(self.all_unlimited.then_some(RateSetting::Unlimited))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 2] = ["user-list", "user-read"];

    fn parse(entries: &[&str]) -> Result<MaxRate, MaxRateError> {
        MaxRate::parse(entries.iter().copied(), &KNOWN)
    }

    #[test]
    fn nothing_said_is_nothing_changed() {
        assert_eq!(parse(&[]).unwrap().of("user-list"), None);
    }

    #[test]
    fn unlimited_is_for_all_classes_but_those_that_are_named() {
        let max_rate = parse(&["unlimited", "user-list=0.5"]).unwrap();
        assert_eq!(max_rate.of("user-list"), Some(RateSetting::PerSecond(0.5)));
        assert_eq!(max_rate.of("user-read"), Some(RateSetting::Unlimited));
        assert_eq!(
            MaxRate::unlimited().of("user-read"),
            Some(RateSetting::Unlimited)
        );
    }

    #[test]
    fn one_entry_may_hold_several_as_the_environment_does() {
        let max_rate = parse(&["user-list=12, user-read=unlimited"]).unwrap();
        assert_eq!(max_rate.of("user-list"), Some(RateSetting::PerSecond(12.0)));
        assert_eq!(max_rate.of("user-read"), Some(RateSetting::Unlimited));
    }

    #[test]
    fn a_rate_is_a_positive_number() {
        for rate in ["0", "-1", "NaN", "inf", "1e999", "fast", "", "1/s"] {
            let entry = format!("user-list={rate}");
            assert_eq!(
                parse(&[&entry]),
                Err(MaxRateError::Rate(entry.clone())),
                "{rate}"
            );
        }
    }

    #[test]
    fn an_unknown_class_is_answered_with_the_known_ones() {
        let message = parse(&["users=3"]).unwrap_err().to_string();
        assert!(message.contains("'users'"), "{message}");
        assert!(message.contains("user-list, user-read"), "{message}");
    }

    #[test]
    fn what_has_no_known_form_is_refused() {
        for entry in ["", "5", "Unlimited", "=5", "user-list", "user-list:5"] {
            assert!(
                matches!(parse(&[entry]), Err(MaxRateError::Form(_))),
                "{entry}"
            );
        }
    }

    #[test]
    fn two_rates_for_one_class_are_a_contradiction() {
        assert!(parse(&["user-list=5", "user-list=5"]).is_ok());
        assert_eq!(
            parse(&["user-list=5", "user-list=6"]),
            Err(MaxRateError::Contradiction("user-list".to_owned()))
        );
    }
}
