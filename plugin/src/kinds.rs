//! The kinds of resource of a user pool, and the arguments that name them.

use crate::contract::types::ResourceId;
use crate::error::{Error, escaped, invalid_argument};

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An account.
    User,
    /// A group.
    Group,
}

impl Kind {
    /// Its id in the contract.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    /// The kind that an argument names.
    pub fn parse(id: &str) -> Result<Self, Error> {
        [Self::User, Self::Group]
            .into_iter()
            .find(|kind| kind.id() == id)
            .ok_or_else(|| {
                invalid_argument(format!(
                    "kind '{}' is unknown; known are user and group",
                    escaped(id)
                ))
            })
    }

    /// The kind of the resource that an argument names.
    pub fn of(resource: &ResourceId) -> Result<Self, Error> {
        let kind = Self::parse(&resource.kind)?;
        if resource.id.is_empty() {
            return Err(invalid_argument(format!(
                "the id of a {} is empty",
                kind.id()
            )));
        }
        Ok(kind)
    }

    /// The resource of this kind with this id.
    #[must_use]
    pub fn resource(self, id: impl Into<String>) -> ResourceId {
        ResourceId {
            kind: self.id().to_owned(),
            id: id.into(),
        }
    }
}
