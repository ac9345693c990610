//! What an operator allows: which resources no command changes, and how much one run may
//! change. Both are checked before anything is sent.

use std::collections::HashSet;

use crate::change::Change;
use crate::model::ResourceId;

/// Changes of one run unless more are asked for. A typing error in a file of changes should
/// cost an afternoon and not a directory; a hundred is more than anybody types.
pub const DEFAULT_MAX_CHANGES: u64 = 100;

/// What an operator allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    protected: HashSet<ResourceId>,
    max_changes: u64,
}

/// The operator's rules forbid it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The resource is on the list.
    #[error(
        "{0} is protected: `protect` in the configuration keeps every command from changing it"
    )]
    Protected(ResourceId),
    /// The resource is on the list, and would lose something.
    #[error(
        "{account} can't be deleted: it holds something on {protected}, which is protected by \
         `protect` in the configuration"
    )]
    Loses {
        /// What would be deleted.
        account: ResourceId,
        /// What would lose it.
        protected: ResourceId,
    },
    /// More changes than one run may make.
    #[error("{asked} changes are asked for, and a run may make {allowed}; nothing was changed")]
    TooMany {
        /// How many are asked for.
        asked: u64,
        /// How many are allowed.
        allowed: u64,
    },
}

impl Rules {
    /// Rules with a list of protected resources and a number of changes.
    pub fn new(protected: impl IntoIterator<Item = ResourceId>, max_changes: u64) -> Self {
        Self {
            protected: protected.into_iter().collect(),
            max_changes,
        }
    }

    /// Refuses a change that touches a protected resource.
    ///
    /// # Errors
    ///
    /// [`Refused::Protected`] with the resource.
    pub fn permit<'a>(
        &self,
        subjects: impl IntoIterator<Item = &'a ResourceId>,
    ) -> Result<(), Refused> {
        match subjects.into_iter().find(|id| self.protected.contains(id)) {
            Some(id) => Err(Refused::Protected(id.clone())),
            None => Ok(()),
        }
    }

    /// Refuses a deletion by which a protected resource loses something.
    ///
    /// # Errors
    ///
    /// [`Refused::Loses`] with both.
    pub fn permit_loss(&self, change: &Change, touches: &[ResourceId]) -> Result<(), Refused> {
        match (
            change,
            touches.iter().find(|id| self.protected.contains(id)),
        ) {
            (Change::DeleteAccount { account }, Some(protected)) => Err(Refused::Loses {
                account: account.clone(),
                protected: protected.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Refuses a run that asks for too many changes. Asked changes are counted, and not
    /// those that turn out to be needed: what a file may do should be known before its
    /// first line is done.
    ///
    /// # Errors
    ///
    /// [`Refused::TooMany`] with both numbers.
    pub fn permit_number(&self, asked: u64) -> Result<(), Refused> {
        if asked > self.max_changes {
            return Err(Refused::TooMany {
                asked,
                allowed: self.max_changes,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protection_is_exact_and_covers_every_subject() {
        let rules = Rules::new([ResourceId::new("group", "admins")], 1);
        let id = |kind, id| ResourceId::new(kind, id);
        assert!(rules.permit(&[id("user", "admins")]).is_ok());
        assert!(rules.permit(&[id("group", "Admins")]).is_ok());
        assert_eq!(
            rules.permit(&[id("user", "alice"), id("group", "admins")]),
            Err(Refused::Protected(id("group", "admins")))
        );
    }

    #[test]
    fn a_run_may_make_so_many_changes_and_not_one_more() {
        let rules = Rules::new([], 2);
        assert!(rules.permit_number(2).is_ok());
        assert_eq!(
            rules.permit_number(3),
            Err(Refused::TooMany {
                asked: 3,
                allowed: 2
            })
        );
        assert!(Rules::new([], 0).permit_number(1).is_err());
    }
}
