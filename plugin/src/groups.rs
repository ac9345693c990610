//! A group of the pool as a resource, and the one thing that can be held on it.

use crate::cognito::model::Group;
use crate::contract::types::{Attribute, AttributeValue, Entitlement, EntitlementId, Resource};
use crate::kinds::Kind;

/// The slug of membership.
pub const MEMBER: &str = "member";

/// The resource that a group is.
#[must_use]
pub fn resource(group: Group) -> Resource {
    let precedence = group
        .precedence
        .map(|precedence| attribute("precedence", AttributeValue::Integer(precedence)));
    let role_arn = group
        .role_arn
        .map(|arn| attribute("role_arn", AttributeValue::Text(arn)));
    Resource {
        display_name: group.group_name.clone(),
        parent: None,
        description: group.description,
        created_at: group.creation_date.0,
        updated_at: group.last_modified_date.0,
        account: None,
        attributes: precedence.into_iter().chain(role_arn).collect(),
        id: Kind::Group.resource(group.group_name),
    }
}

/// Membership of a group.
#[must_use]
pub fn membership(group: &str) -> Entitlement {
    Entitlement {
        id: membership_id(group),
        display_name: format!("{group} Group Member"),
        description: None,
        grantable_to: vec![Kind::User.id().to_owned()],
        attributes: Vec::new(),
    }
}

/// The id of the membership of a group.
#[must_use]
pub fn membership_id(group: &str) -> EntitlementId {
    EntitlementId {
        resource: Kind::Group.resource(group),
        slug: MEMBER.to_owned(),
    }
}

fn attribute(name: &str, value: AttributeValue) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value,
    }
}

#[cfg(test)]
mod tests;
