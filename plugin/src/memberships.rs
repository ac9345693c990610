//! Memberships: who is a member of which group, read from either end, given and taken.
//!
//! The service says neither whether an addition nor whether a removal changed anything,
//! so that the groups of the user are looked at first. Entitlement and principal come as
//! they are: no id is ever taken apart, because names may contain any separator.

use crate::aftermath::{Doubt, Seen, settle};
use crate::cognito::model::{Group, Member};
use crate::cognito::pool::{FailedChange, UserPool};
use crate::cognito::transport::Outside;
use crate::contract::provisioning::{GrantOutcome, RevokeOutcome};
use crate::contract::types::{EntitlementId, Grant, Principal};
use crate::error::{Error, escaped, invalid_argument};
use crate::groups::{self, MEMBER};
use crate::kinds::Kind;

/// A user is in 100 groups at most, which are two full pages.
const MAX_PAGES: usize = 2;

/// The grants of the members of a group.
#[must_use]
pub fn of_group(group: &str, members: Vec<Member>) -> Vec<Grant> {
    let grant_to = |member: Member| grant_of(group, member.username);
    members.into_iter().map(grant_to).collect()
}

/// The grants that a user holds.
#[must_use]
pub fn of_user(username: &str, groups: Vec<Group>) -> Vec<Grant> {
    let grant_in = |group: Group| grant_of(&group.group_name, username.to_owned());
    groups.into_iter().map(grant_in).collect()
}

fn grant_of(group: &str, username: String) -> Grant {
    Grant {
        entitlement: groups::membership_id(group),
        principal: Principal {
            resource: Kind::User.resource(username),
        },
        expands: None,
        attributes: Vec::new(),
    }
}

/// Makes a user a member of a group.
pub fn grant<T: Outside>(
    pool: &UserPool<T>,
    entitlement: &EntitlementId,
    principal: &Principal,
) -> Result<GrantOutcome, Error> {
    let membership = Membership::new(entitlement, principal)?;
    if membership.look(pool)? == Found::Member {
        return Ok(GrantOutcome::AlreadyGranted);
    }
    match pool.admin_add_user_to_group(membership.user, membership.group) {
        Ok(()) => Ok(GrantOutcome::Granted),
        Err(failed) => membership.settle(failed, || {
            Ok(match membership.look(pool)? {
                Found::Member => Seen::Done(GrantOutcome::Granted),
                Found::NoMember => Seen::NotDone,
                Found::Unclear => Seen::Unclear,
            })
        }),
    }
}

/// Ends a user's membership of a group. The removal is sent also for a user who is no
/// member: only the service can say that the group is missing.
pub fn revoke<T: Outside>(
    pool: &UserPool<T>,
    entitlement: &EntitlementId,
    principal: &Principal,
) -> Result<RevokeOutcome, Error> {
    let membership = Membership::new(entitlement, principal)?;
    let outcome = match membership.look(pool)? {
        Found::Member | Found::Unclear => RevokeOutcome::Revoked,
        Found::NoMember => RevokeOutcome::AlreadyRevoked,
    };
    match pool.admin_remove_user_from_group(membership.user, membership.group) {
        Ok(()) => Ok(outcome),
        Err(failed) => membership.settle(failed, || {
            Ok(match membership.look(pool)? {
                Found::NoMember => Seen::Done(outcome),
                Found::Member => Seen::NotDone,
                Found::Unclear => Seen::Unclear,
            })
        }),
    }
}

/// What the groups of a user say about one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Member,
    NoMember,
    /// Not among the pages that were read, and there are more.
    Unclear,
}

/// One user in one group.
struct Membership<'a> {
    group: &'a str,
    user: &'a str,
}

impl<'a> Membership<'a> {
    fn new(entitlement: &'a EntitlementId, principal: &'a Principal) -> Result<Self, Error> {
        let on = Kind::of(&entitlement.resource)?;
        if on != Kind::Group || entitlement.slug != MEMBER {
            return Err(invalid_argument(format!(
                "a {} has no entitlement '{}'; what can be held is '{MEMBER}' of a group",
                on.id(),
                escaped(&entitlement.slug)
            )));
        }
        let holder = Kind::of(&principal.resource)?;
        if holder != Kind::User {
            return Err(invalid_argument(format!(
                "a {} can't be a member of a group; only a user can",
                holder.id()
            )));
        }
        Ok(Self {
            group: &entitlement.resource.id,
            user: &principal.resource.id,
        })
    }

    fn look<T: Outside>(&self, pool: &UserPool<T>) -> Result<Found, Error> {
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let page = pool.admin_list_groups_for_user(self.user, token.as_deref(), None)?;
            if page
                .items
                .iter()
                .any(|group| group.group_name == self.group)
            {
                return Ok(Found::Member);
            }
            if page.next.is_none() {
                return Ok(Found::NoMember);
            }
            token = page.next;
        }
        Ok(Found::Unclear)
    }

    fn settle<O>(
        &self,
        failed: FailedChange,
        look: impl FnOnce() -> Result<Seen<O>, Error>,
    ) -> Result<O, Error> {
        let Self { group, user } = self;
        let about = format!("user '{user}' and group '{group}'");
        let check = format!("whether user '{user}' is a member of group '{group}'");
        let doubt = Doubt {
            about: &about,
            check: &check,
        };
        settle(failed, doubt, look)
    }
}

#[cfg(test)]
mod tests;
