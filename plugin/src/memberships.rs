//! Grants: who is a member of which group, read from either end.

use crate::cognito::model::{Group, User};
use crate::contract::types::{Grant, Principal};
use crate::groups;
use crate::kinds::Kind;

/// The grants of the members of a group.
#[must_use]
pub fn of_group(group: &str, members: Vec<User>) -> Vec<Grant> {
    let grant_to = |user: User| grant(group, user.username);
    members.into_iter().map(grant_to).collect()
}

/// The grants that a user holds.
#[must_use]
pub fn of_user(username: &str, groups: Vec<Group>) -> Vec<Grant> {
    let grant_of = |group: Group| grant(&group.group_name, username.to_owned());
    groups.into_iter().map(grant_of).collect()
}

fn grant(group: &str, username: String) -> Grant {
    Grant {
        entitlement: groups::membership_id(group),
        principal: Principal {
            resource: Kind::User.resource(username),
        },
        expands: None,
        attributes: Vec::new(),
    }
}
