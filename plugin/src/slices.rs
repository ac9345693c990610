//! The list of users in sixteen slices, by the first digit of their `sub`.
//!
//! The service gives every user a `sub`, a random UUID in lower case, and can filter by how
//! it begins. An emulator that does not know the filter returns everybody; so whatever comes
//! is compared with what was asked for.

use crate::cognito::model::User;
use crate::error::{Error, FAILED_PRECONDITION, escaped, invalid_argument, local};
use crate::kinds::Kind;

const DIGITS: &str = "0123456789abcdef";

/// The attribute that the slices are made by.
const SUB: &str = "sub";

/// The names of all slices.
#[must_use]
pub fn names() -> Vec<String> {
    DIGITS.chars().map(String::from).collect()
}

/// One slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice(char);

impl Slice {
    /// The slice of this name.
    pub fn parse(kind: Kind, name: &str) -> Result<Self, Error> {
        let mut letters = name.chars();
        match (kind, letters.next(), letters.next()) {
            (Kind::User, Some(digit), None) if DIGITS.contains(digit) => Ok(Self(digit)),
            (Kind::User, ..) => Err(invalid_argument(format!(
                "the list of users has the partitions 0 to 9 and a to f, and not '{}'",
                escaped(name)
            ))),
            (Kind::Group, ..) => Err(invalid_argument("the list of groups has no partitions")),
        }
    }

    /// The filter of ListUsers for it.
    #[must_use]
    pub fn filter(self) -> String {
        format!(r#"{SUB} ^= "{}""#, self.0)
    }

    /// Refuses users who are not in it.
    pub fn check(self, users: &[User]) -> Result<(), Error> {
        let is_in_it = |user: &User| {
            let mut subs = user.attributes.iter().filter(|value| value.name == SUB);
            subs.next()
                .and_then(|sub| sub.value.as_deref())
                .is_some_and(|sub| sub.starts_with(self.0))
        };
        match users.iter().find(|user| !is_in_it(user)) {
            None => Ok(()),
            Some(user) => Err(local(
                FAILED_PRECONDITION,
                format!(
                    "asked for users whose sub begins with {}, the service returned user '{}', \
                     whose sub does not",
                    self.0, user.username
                ),
            )),
        }
    }
}
