//! Trust records: what a component may do, decided by people.
//!
//! `describe` is a request. The host acts only on a record that somebody approved; the
//! record of the bundled component is a file of this repository
//! (`host/trust/cognito-connector.json`), reviewed like code and embedded. A component
//! that answers otherwise than its record says is refused ([`TrustRecord::check`]).

pub mod description;

use std::collections::BTreeMap;

use description::Description;
use serde::{Deserialize, Serialize};

/// What a component may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRecord {
    /// The answer of `describe` that was approved.
    pub approved: Description,
    /// The pace that a host starts with, in requests per second by rate class. Classes
    /// that are not named start at half of their documented limit.
    #[serde(default)]
    pub pace: BTreeMap<String, u32>,
    /// Environment variables that name an endpoint, by falling precedence.
    #[serde(default)]
    pub endpoint_variables: Vec<String>,
}

/// A component that does not answer as its record says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the component `{name}` describes itself otherwise than its trust record says \
     (first difference at {place}), so it is not run"
)]
pub struct AnswerDiffers {
    /// The name that the record was made for.
    pub name: String,
    /// JSON Pointer to the first difference.
    pub place: String,
}

impl TrustRecord {
    /// The record of the bundled component.
    ///
    /// # Errors
    ///
    /// Fails if the embedded record can't be parsed, which a test rules out.
    pub fn bundled() -> Result<Self, serde_json::Error> {
        serde_json::from_str(include_str!("../../trust/cognito-connector.json"))
    }

    /// Refuses an answer that is not the approved one.
    ///
    /// # Errors
    ///
    /// [`AnswerDiffers`] names the first member that differs.
    pub fn check(&self, answer: &Description) -> Result<(), AnswerDiffers> {
        if *answer == self.approved {
            return Ok(());
        }
        let place = match (
            serde_json::to_value(&self.approved),
            serde_json::to_value(answer),
        ) {
            (Ok(approved), Ok(answer)) => first_difference(&approved, &answer, String::new()),
            _ => None,
        };
        Err(AnswerDiffers {
            name: self.approved.name.clone(),
            place: place.unwrap_or_else(|| "/".to_owned()),
        })
    }
}

fn first_difference(
    left: &serde_json::Value,
    right: &serde_json::Value,
    place: String,
) -> Option<String> {
    use serde_json::Value;
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => a
            .keys()
            .chain(b.keys().filter(|key| !a.contains_key(*key)))
            .find_map(|key| {
                let at = format!("{place}/{key}");
                match (a.get(key), b.get(key)) {
                    (Some(x), Some(y)) => first_difference(x, y, at),
                    _ => Some(at),
                }
            }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(index, (x, y))| first_difference(x, y, format!("{place}/{index}"))),
        _ if left == right => None,
        _ => Some(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_record_parses_and_agrees_with_itself() {
        let record = TrustRecord::bundled().unwrap();
        record.check(&record.approved).unwrap();
    }

    #[test]
    fn an_answer_that_asks_for_more_is_refused_and_the_place_is_named() {
        let record = TrustRecord::bundled().unwrap();
        let mut answer = record.approved.clone();
        answer.wire.operations[0].access = description::Access::Change;
        let refused = record.check(&answer).unwrap_err();
        assert_eq!(refused.place, "/wire/operations/0/access");

        let mut answer = record.approved.clone();
        answer.wire.operations.pop();
        assert_eq!(record.check(&answer).unwrap_err().place, "/wire/operations");
    }

    #[test]
    fn kinds_that_would_be_misread_or_never_listed_are_found() {
        type Change = fn(&mut Vec<description::Kind>);
        let good = TrustRecord::bundled().unwrap().approved;
        assert_eq!(good.inconsistency(), None);
        let with = |change: Change| {
            let mut changed = good.clone();
            change(&mut changed.kinds);
            changed.inconsistency().unwrap()
        };
        let cases: [(Change, &str); 5] = [
            (|kinds| kinds[1].id = "user".to_owned(), "stands twice"),
            (|kinds| kinds[1].id = "a:b".to_owned(), "colon"),
            (
                |kinds| kinds[1].plural = "users".to_owned(),
                "something else",
            ),
            (
                |kinds| kinds[1].plural = "grants".to_owned(),
                "something else",
            ),
            (
                |kinds| kinds[0].parents = vec!["group".to_owned()],
                "does not stand before it",
            ),
        ];
        for (change, expected) in cases {
            let why = with(change);
            assert!(why.contains(expected), "{why}");
        }
    }
}
