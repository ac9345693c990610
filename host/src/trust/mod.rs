//! Trust records: what a component may do, decided by people.
//!
//! `describe` is a request. The host acts only on a record that somebody approved; the
//! record of the bundled component is a file of this repository
//! (`host/trust/cognito-connector.json`), reviewed like code and embedded, and it is for
//! the embedded bytes alone. Records of other components stand in a file of the operator's
//! ([`file`]), each for the bytes with one digest. Before an approval a component's requests
//! are shown in [`words`], and what could not be put into effect is refused ([`sound`]); a
//! component that answers otherwise than its record says is refused ([`TrustRecord::check`]).

pub mod description;
mod difference;
mod digest;
mod facts;
#[cfg(feature = "sandbox")]
pub mod file;
pub mod sound;
pub(crate) mod text;
pub mod words;

use std::collections::BTreeMap;

use description::Description;
pub use difference::differences;
pub use digest::{Digest, NotADigest};
use serde::{Deserialize, Serialize};

/// What a component may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRecord {
    /// The answer of `describe` that was approved.
    pub approved: Description,
    /// The pace that a host starts with, in requests per second by rate class. Classes
    /// that are not named start at half of their documented limit.
    #[serde(default)]
    pub pace: BTreeMap<String, f64>,
    /// Where the limits of the rate classes are documented, for whoever checks them.
    #[serde(default)]
    pub limits_source: Option<String>,
    /// Environment variables that name an endpoint, by falling precedence.
    #[serde(default)]
    pub endpoint_variables: Vec<String>,
}

/// A component that does not answer as its record says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the component `{name}` describes itself otherwise than its trust record says, so it is \
     not run:\n  {}", differences.join("\n  ")
)]
pub struct AnswerDiffers {
    /// The name that the record was made for.
    pub name: String,
    /// What differs, in words.
    pub differences: Vec<String>,
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
    /// [`AnswerDiffers`] says in words what differs.
    pub fn check(&self, answer: &Description) -> Result<(), AnswerDiffers> {
        let differences = differences(&self.approved, answer);
        if differences.is_empty() {
            return Ok(());
        }
        Err(AnswerDiffers {
            name: self.approved.name.clone(),
            differences,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_record_parses_and_agrees_with_itself() {
        let record = TrustRecord::bundled().unwrap();
        record.check(&record.approved).unwrap();
        assert!(record.limits_source.is_some(), "limits are checked again");
    }

    #[test]
    fn an_answer_that_asks_for_more_is_refused_and_told_in_words() {
        let record = TrustRecord::bundled().unwrap();
        let mut answer = record.approved.clone();
        answer.wire.operations[0].access = description::Access::Change;
        let refused = record.check(&answer).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the component `cognito-connector` describes itself otherwise than its trust record \
             says, so it is not run:\n  changed: operation ListUsers, access was `reads`, is \
             `changes`"
        );
    }

    #[test]
    fn an_operation_that_is_not_recorded_as_reading_is_judged_as_changing() {
        use crate::egress::{Call, Denied, Policy};

        let judged = |access: Option<&str>| {
            let mut wire =
                serde_json::to_value(&TrustRecord::bundled().unwrap().approved.wire).unwrap();
            let operation = wire["operations"][1].as_object_mut().unwrap();
            operation.remove("access");
            if let Some(access) = access {
                operation.insert("access".to_owned(), access.into());
            }
            let wire = serde_json::from_value(wire).unwrap();
            let settings = [("region".to_owned(), "eu-central-1".to_owned())].into();
            let policy = Policy::new(&wire, &settings, None, false).unwrap();
            let (request, ()) =
                http::Request::post("https://cognito-idp.eu-central-1.amazonaws.com")
                    .header("content-type", "application/x-amz-json-1.1")
                    .header(
                        "x-amz-target",
                        "AWSCognitoIdentityProviderService.AdminGetUser",
                    )
                    .body(())
                    .unwrap()
                    .into_parts();
            policy.judge_head(Some(&Call::new("provisioning.delete-account")), &request)
        };
        assert_eq!(judged(Some("read")), Ok(()));
        let off = Denied::ProvisioningOff {
            operation: "AdminGetUser".to_owned(),
        };
        assert_eq!(judged(None), Err(off.clone()));
        assert_eq!(judged(Some("change")), Err(off));
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
