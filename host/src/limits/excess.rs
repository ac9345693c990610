//! A limit that was hit, in words: which one, how much it allows, what was wanted, and
//! what can be done about it.

use std::fmt;

use super::sandbox::{Limit, Party};

/// A limit that was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Which one.
    pub limit: Limit,
    /// What it allowed.
    pub allowed: u64,
    /// What was wanted, if that is known.
    pub wanted: Option<u64>,
    /// Another one that may have been hit instead: what refused does not say which.
    pub or: Option<(Limit, u64)>,
}

impl Excess {
    /// A limit that was hit by something of unknown size.
    pub fn of(limit: Limit, allowed: u64) -> Self {
        Self {
            limit,
            allowed,
            wanted: None,
            or: None,
        }
    }

    /// Says how much was wanted.
    #[must_use]
    pub fn wanting(self, amount: u64) -> Self {
        Self {
            wanted: Some(amount),
            ..self
        }
    }

    /// Names the limit that may have been hit instead.
    #[must_use]
    pub fn or(self, limit: Limit, allowed: u64) -> Self {
        Self {
            or: Some((limit, allowed)),
            ..self
        }
    }

    /// Whose doing it is.
    pub fn party(&self) -> Party {
        self.limit.row().party
    }

    /// What has happened, for a sentence that named who did it.
    pub fn what(&self) -> String {
        let row = self.limit.row();
        match self.wanted {
            Some(amount) => format!("it wanted {}", row.unit.shown(amount)),
            None => row.excess.to_owned(),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        let raise = self.raise().map(|option| format!("raise it with {option}"));
        match (self.party(), raise) {
            (Party::Component, Some(raise)) => {
                format!("a connector that is right needs less: report it to its maker, or {raise}")
            }
            (Party::Component, None) => {
                "a connector that is right needs less: report it to its maker".to_owned()
            }
            (Party::Service, Some(raise)) => format!(
                "if such an answer is right, {raise}; else something between here and the service \
                 gives answers of its own"
            ),
            (Party::Service, None) => {
                "something between here and the service gives answers of its own".to_owned()
            }
        }
    }

    /// The option that would have let it through, or may have if it is not known how much
    /// was wanted: twice as much then.
    fn raise(&self) -> Option<String> {
        let ceiling = self.limit.row().ceiling;
        let wanted = self.wanted.unwrap_or_default();
        if self.allowed >= ceiling || wanted > ceiling {
            return None;
        }
        let twice = self.allowed.saturating_mul(2);
        let enough = wanted.checked_next_power_of_two().unwrap_or(wanted);
        self.limit.option(twice.max(enough).min(ceiling))
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = |limit: Limit, allowed| limit.row().unit.shown(allowed);
        write!(
            f,
            "the limit `{}` of {}",
            self.limit,
            amount(self.limit, self.allowed)
        )?;
        match self.or {
            Some((limit, allowed)) => write!(f, " or `{limit}` of {}", amount(limit, allowed)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn it_says_what_was_hit_what_was_wanted_and_what_to_do() {
        let excess = Excess::of(Limit::Memory, 64 * MIB).wanting(65 * MIB);
        assert_eq!(excess.to_string(), "the limit `memory` of 64 MiB");
        assert_eq!(excess.what(), "it wanted 65 MiB");
        assert_eq!(
            excess.hint(),
            "a connector that is right needs less: report it to its maker, or raise it with \
             --limit memory=128MiB"
        );
        let excess = Excess::of(Limit::ResponseHeaders, 65_536).or(Limit::ResponseHeaderFields, 9);
        assert_eq!(
            excess.to_string(),
            "the limit `response-headers` of 64 KiB or `response-header-fields` of 9"
        );
        assert_eq!(excess.party(), Party::Service);
        assert!(
            excess
                .hint()
                .starts_with("if such an answer is right, raise it with --limit")
        );
    }

    #[test]
    fn it_offers_what_would_have_been_enough_and_nothing_that_can_not_be_had() {
        let raise = |allowed, wanted| {
            let excess = Excess::of(Limit::Memory, allowed);
            Excess { wanted, ..excess }.raise()
        };
        let option = |text: &str| Some(format!("--limit memory={text}"));
        assert_eq!(raise(64 * MIB, None), option("128MiB"));
        assert_eq!(raise(64 * MIB, Some(300 * MIB)), option("512MiB"));
        assert_eq!(raise(3000 * MIB, None), option("4GiB"));
        assert_eq!(raise(64 * MIB, Some(4096 * MIB)), option("4GiB"));
        assert_eq!(raise(64 * MIB, Some(5000 * MIB)), None);
        assert_eq!(raise(64 * MIB, Some(u64::MAX)), None);
        assert_eq!(raise(4096 * MIB, None), None);
    }

    #[test]
    fn a_limit_that_can_not_be_raised_is_not_said_to_be() {
        for limit in [Limit::Memory, Limit::ResponseBody] {
            let hint = Excess::of(limit, limit.row().ceiling).hint();
            assert!(!hint.contains("--limit") && !hint.is_empty(), "{hint}");
        }
    }
}
