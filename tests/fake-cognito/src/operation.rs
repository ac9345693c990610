//! The twelve operations this double knows, and the quota class of each.
//!
//! A list that is closed on purpose: a connector that calls anything else gets
//! `UnknownOperationException` and its test fails.

use std::fmt;
use std::str::FromStr;

/// What `X-Amz-Target` starts with.
pub(crate) const TARGET_PREFIX: &str = "AWSCognitoIdentityProviderService.";

/// An operation of the user pools API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Pages through the users of a pool.
    ListUsers,
    /// Reads one user.
    AdminGetUser,
    /// Pages through the groups of a pool.
    ListGroups,
    /// Pages through the members of a group.
    ListUsersInGroup,
    /// Pages through the groups of a user.
    AdminListGroupsForUser,
    /// Reads the pool's settings.
    DescribeUserPool,
    /// Makes a user a member of a group.
    AdminAddUserToGroup,
    /// Ends a membership.
    AdminRemoveUserFromGroup,
    /// Creates a user, or sends the invitation again.
    AdminCreateUser,
    /// Deletes a user.
    AdminDeleteUser,
    /// Lets a user sign in again.
    AdminEnableUser,
    /// Keeps a user from signing in.
    AdminDisableUser,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 12] = [
        Self::ListUsers,
        Self::AdminGetUser,
        Self::ListGroups,
        Self::ListUsersInGroup,
        Self::AdminListGroupsForUser,
        Self::DescribeUserPool,
        Self::AdminAddUserToGroup,
        Self::AdminRemoveUserFromGroup,
        Self::AdminCreateUser,
        Self::AdminDeleteUser,
        Self::AdminEnableUser,
        Self::AdminDisableUser,
    ];

    /// The name on the wire, which is also the name of the IAM action after `cognito-idp:`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ListUsers => "ListUsers",
            Self::AdminGetUser => "AdminGetUser",
            Self::ListGroups => "ListGroups",
            Self::ListUsersInGroup => "ListUsersInGroup",
            Self::AdminListGroupsForUser => "AdminListGroupsForUser",
            Self::DescribeUserPool => "DescribeUserPool",
            Self::AdminAddUserToGroup => "AdminAddUserToGroup",
            Self::AdminRemoveUserFromGroup => "AdminRemoveUserFromGroup",
            Self::AdminCreateUser => "AdminCreateUser",
            Self::AdminDeleteUser => "AdminDeleteUser",
            Self::AdminEnableUser => "AdminEnableUser",
            Self::AdminDisableUser => "AdminDisableUser",
        }
    }

    /// The quota class that a request of this operation is counted in.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::ListUsers | Self::ListUsersInGroup => Class::UserList,
            Self::AdminGetUser => Class::UserRead,
            Self::AdminListGroupsForUser => Class::UserResourceRead,
            Self::DescribeUserPool => Class::UserPoolRead,
            Self::ListGroups => Class::UserPoolResourceRead,
            Self::AdminCreateUser => Class::UserCreation,
            Self::AdminAddUserToGroup
            | Self::AdminRemoveUserFromGroup
            | Self::AdminDeleteUser
            | Self::AdminEnableUser
            | Self::AdminDisableUser => Class::UserUpdate,
        }
    }

    /// Whether it changes the pool.
    #[must_use]
    pub const fn changes(self) -> bool {
        matches!(self.class(), Class::UserCreation | Class::UserUpdate)
    }

    /// The member of the answer that holds the list, for the four lists.
    pub(crate) const fn list_member(self) -> Option<&'static str> {
        match self {
            Self::ListUsers | Self::ListUsersInGroup => Some("Users"),
            Self::ListGroups | Self::AdminListGroupsForUser => Some("Groups"),
            _ => None,
        }
    }

    /// ListUsers calls its cursor differently from the other lists.
    pub(crate) const fn token_member(self) -> &'static str {
        match self {
            Self::ListUsers => "PaginationToken",
            _ => "NextToken",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is not one of a closed list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {given:?}, expected one of {expected}")]
pub struct UnknownName {
    what: &'static str,
    given: String,
    expected: String,
}

impl FromStr for Operation {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.name() == name)
            .ok_or_else(|| UnknownName {
                what: "operation",
                given: name.to_owned(),
                expected: Self::ALL.map(Self::name).join(", "),
            })
    }
}

/// A quota class, in AWS's documents a "category".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// ListUsers and ListUsersInGroup.
    UserList,
    /// AdminGetUser.
    UserRead,
    /// AdminListGroupsForUser.
    UserResourceRead,
    /// DescribeUserPool.
    UserPoolRead,
    /// ListGroups; the only class that is also counted per operation and pool.
    UserPoolResourceRead,
    /// AdminCreateUser.
    UserCreation,
    /// The other changing operations.
    UserUpdate,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 7] = [
        Self::UserList,
        Self::UserRead,
        Self::UserResourceRead,
        Self::UserPoolRead,
        Self::UserPoolResourceRead,
        Self::UserCreation,
        Self::UserUpdate,
    ];

    /// The name in options and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserList => "user-list",
            Self::UserRead => "user-read",
            Self::UserResourceRead => "user-resource-read",
            Self::UserPoolRead => "user-pool-read",
            Self::UserPoolResourceRead => "user-pool-resource-read",
            Self::UserCreation => "user-creation",
            Self::UserUpdate => "user-update",
        }
    }

    /// Requests per second that AWS grants an account and Region by default.
    #[must_use]
    pub const fn default_rate(self) -> f64 {
        match self {
            Self::UserList => 30.0,
            Self::UserRead => 120.0,
            Self::UserResourceRead | Self::UserCreation => 50.0,
            Self::UserPoolRead => 15.0,
            Self::UserPoolResourceRead => 20.0,
            Self::UserUpdate => 25.0,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Class {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|class| class.name() == name)
            .ok_or_else(|| UnknownName {
                what: "quota class",
                given: name.to_owned(),
                expected: Self::ALL.map(Self::name).join(", "),
            })
    }
}
