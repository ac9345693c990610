//! What a pool demands of the attributes of a new account.
//!
//! The service refuses a wrong value with a sentence that names neither the bound nor,
//! sometimes, the attribute. The pool says all of it beforehand, so that it can be
//! explained before anything is sent; values are never repeated. What the pool does
//! not say is not guessed: the service has the last word.

use std::cmp::Ordering;

use crate::cognito::described::{NumberConstraints, Pool, SchemaAttribute, StringConstraints};
use crate::error::{Error, escaped, invalid_argument};

/// What the names of a customer's own attributes begin with.
const CUSTOM: &str = "custom:";

/// Every user has one, and nobody chooses it.
const SUB: &str = "sub";

/// The standard attribute whose form is fixed by more than its length.
const PHONE_NUMBER: &str = "phone_number";

/// Digits of the longest phone number (E.164).
const PHONE_DIGITS: usize = 15;

/// The longest value of any attribute.
const MAX_VALUE: usize = 2048;

/// The schema of a pool.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'a> {
    pool: &'a Pool,
    id: &'a str,
}

impl<'a> Schema<'a> {
    /// The schema of the pool with this id.
    #[must_use]
    pub fn new(pool: &'a Pool, id: &'a str) -> Self {
        Self { pool, id }
    }

    /// Whether the pool certainly lacks an attribute. A pool that is described in part
    /// (emulators leave out the standard attributes, or everything) lacks only what it
    /// would have named.
    #[must_use]
    pub fn lacks(&self, name: &str) -> bool {
        let names = || self.names();
        names().next().is_some()
            && names().all(|known| known != name)
            && (name.starts_with(CUSTOM) || names().any(|known| known == SUB))
    }

    /// Required attributes, in the pool's order, without the one that nobody chooses.
    pub fn required(&self) -> impl Iterator<Item = &'a str> {
        self.pool
            .schema_attributes
            .iter()
            .filter(|attribute| attribute.required == Some(true))
            .filter_map(|attribute| attribute.name.as_deref())
            .filter(|name| *name != SUB)
    }

    /// Checks an attribute that is to be sent. Standard names always pass: which of
    /// them exist is the service's business.
    pub fn check(&self, name: &str, value: &str) -> Result<(), Error> {
        if name.starts_with(CUSTOM) && self.lacks(name) {
            return Err(self.unknown(name));
        }
        let schema = self
            .pool
            .schema_attributes
            .iter()
            .find(|attribute| attribute.name.as_deref() == Some(name));
        match schema.and_then(|schema| Some((schema, schema.attribute_data_type.as_deref()?))) {
            Some((schema, "Number")) => self.check_number(name, value, schema),
            Some((_, "Boolean")) => self.check_boolean(name, value),
            _ if name == PHONE_NUMBER => self.check_phone_number(name, value),
            _ => self.check_length(name, value, schema),
        }
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.pool
            .schema_attributes
            .iter()
            .filter_map(|attribute| attribute.name.as_deref())
    }

    fn unknown(&self, name: &str) -> Error {
        let known: Vec<&str> = self
            .names()
            .filter(|known| known.starts_with(CUSTOM))
            .collect();
        let known = match known.as_slice() {
            [] => "it has no custom attributes".to_owned(),
            known => format!("its custom attributes are {}", known.join(", ")),
        };
        invalid_argument(format!(
            "user pool '{}' has no attribute '{}'; {known}",
            self.id,
            escaped(name)
        ))
    }

    fn check_length(
        &self,
        name: &str,
        value: &str,
        schema: Option<&SchemaAttribute>,
    ) -> Result<(), Error> {
        let StringConstraints {
            min_length,
            max_length,
        } = schema
            .and_then(|schema| schema.string_attribute_constraints.clone())
            .unwrap_or_default();
        let length = value.chars().count();
        let least = length_bound(min_length.as_deref()).unwrap_or(0);
        let most = length_bound(max_length.as_deref())
            .unwrap_or(MAX_VALUE)
            .min(MAX_VALUE);
        if length < least {
            return Err(self.outside(name, &format!("at least {least} characters")));
        }
        if length > most {
            return Err(self.outside(name, &format!("at most {most} characters")));
        }
        Ok(())
    }

    fn check_number(&self, name: &str, value: &str, schema: &SchemaAttribute) -> Result<(), Error> {
        let NumberConstraints {
            min_value,
            max_value,
        } = schema
            .number_attribute_constraints
            .clone()
            .unwrap_or_default();
        let Some(value) = number(value) else {
            return Err(self.outside(name, "a number"));
        };
        if let Some(least) = min_value
            && number(&least).is_some_and(|least| value < least)
        {
            return Err(self.outside(name, &format!("a number from {least} on")));
        }
        if let Some(most) = max_value
            && number(&most).is_some_and(|most| value > most)
        {
            return Err(self.outside(name, &format!("a number up to {most}")));
        }
        Ok(())
    }

    fn check_boolean(&self, name: &str, value: &str) -> Result<(), Error> {
        let fits = ["true", "false"]
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word));
        match fits {
            true => Ok(()),
            false => Err(self.outside(name, "true or false")),
        }
    }

    /// A blank one is none at all.
    fn check_phone_number(&self, name: &str, value: &str) -> Result<(), Error> {
        let fits = value.strip_prefix('+').is_some_and(|digits| {
            (1..=PHONE_DIGITS).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        match fits || value.is_empty() {
            true => Ok(()),
            false => Err(self.outside(
                name,
                "a plus sign, the country code and the number, without blanks (E.164)",
            )),
        }
    }

    fn outside(&self, name: &str, wanted: &str) -> Error {
        invalid_argument(format!(
            "the value of '{}' does not fit: user pool '{}' takes {wanted}",
            escaped(name),
            self.id
        ))
    }
}

fn length_bound(text: Option<&str>) -> Option<usize> {
    text?.parse().ok()
}

/// No attribute holds a number with more digits before its point, and no float does.
const MOST_DIGITS: i64 = 309;

/// A decimal number as the service writes it. Compared by its digits: the tables that
/// make a float of them would be a twentieth of the component.
#[derive(Debug, PartialEq, Eq)]
struct Number {
    negative: bool,
    /// What follows the point, without zeros at either end; empty for zero.
    digits: String,
    /// By how many places the point moves to the right.
    point: i64,
}

fn number(text: &str) -> Option<Number> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = all.trim_start_matches('0');
    let zeros = all.len() - significant.len();
    let digits = significant.trim_end_matches('0').to_owned();
    if digits.is_empty() {
        return Some(Number {
            negative: false,
            digits,
            point: 0,
        });
    }
    let moved = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
    let point = moved + i64::from(exponent);
    (point <= MOST_DIGITS).then_some(Number {
        negative,
        digits,
        point,
    })
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        let size = |number: &Self| (number.point, number.digits.clone());
        Some(match sign(self).cmp(&sign(other)) {
            Ordering::Equal if self.negative => size(other).cmp(&size(self)),
            Ordering::Equal => size(self).cmp(&size(other)),
            unequal => unequal,
        })
    }
}

#[cfg(test)]
mod tests;
