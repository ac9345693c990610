//! The operations that can be sent, and no others: six that read and six that change.

use std::fmt;

/// What precedes the operation in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AWSCognitoIdentityProviderService";

/// The service in the credential scope and in the names of IAM actions.
pub const SERVICE: &str = "cognito-idp";

/// An operation of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The users of the pool.
    ListUsers,
    /// One user.
    AdminGetUser,
    /// The groups of the pool.
    ListGroups,
    /// The members of a group.
    ListUsersInGroup,
    /// The groups of a user.
    AdminListGroupsForUser,
    /// The pool itself.
    DescribeUserPool,
    /// Makes a user a member of a group.
    AdminAddUserToGroup,
    /// Ends a user's membership of a group.
    AdminRemoveUserFromGroup,
    /// Creates a user.
    AdminCreateUser,
    /// Deletes a user.
    AdminDeleteUser,
    /// Lets a user sign in again.
    AdminEnableUser,
    /// Keeps a user from signing in.
    AdminDisableUser,
}

impl Operation {
    /// The service's name for it.
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

    /// Whether it changes anything.
    #[must_use]
    pub const fn changes(self) -> bool {
        match self {
            Self::ListUsers
            | Self::AdminGetUser
            | Self::ListGroups
            | Self::ListUsersInGroup
            | Self::AdminListGroupsForUser
            | Self::DescribeUserPool => false,
            Self::AdminAddUserToGroup
            | Self::AdminRemoveUserFromGroup
            | Self::AdminCreateUser
            | Self::AdminDeleteUser
            | Self::AdminEnableUser
            | Self::AdminDisableUser => true,
        }
    }

    /// The IAM action that it needs.
    #[must_use]
    pub fn permission(self) -> String {
        format!("{SERVICE}:{self}")
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What an operation is about, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The pool.
    pub pool: &'a str,
    /// Where the request goes: host, and port where it is not the usual one.
    pub server: &'a str,
    /// The group, if it is about one.
    pub group: Option<&'a str>,
    /// The user, if it is about one.
    pub user: Option<&'a str>,
    /// Whether the request carried a page token.
    pub with_cursor: bool,
}

impl Subject<'_> {
    /// Says that the user is missing.
    #[must_use]
    pub fn missing_user(&self) -> String {
        match self.user {
            Some(user) => format!("user '{user}' does not exist in user pool '{}'", self.pool),
            None => format!("a user does not exist in user pool '{}'", self.pool),
        }
    }

    /// Says that the user is there already.
    #[must_use]
    pub fn existing_user(&self) -> String {
        match self.user {
            Some(user) => format!("user '{user}' exists in user pool '{}'", self.pool),
            None => format!("the user exists in user pool '{}'", self.pool),
        }
    }

    /// Says that the group is missing, or else the pool. The service has one code for
    /// both; its message tells them apart by naming the pool.
    #[must_use]
    pub fn missing_resource(&self, message: &str) -> String {
        let names_pool = message.contains(self.pool) || message.starts_with("User pool");
        match self.group {
            Some(group) if !names_pool => {
                format!(
                    "group '{group}' does not exist in user pool '{}'",
                    self.pool
                )
            }
            _ => format!(
                "user pool '{}' does not exist in this region and account",
                self.pool
            ),
        }
    }
}
