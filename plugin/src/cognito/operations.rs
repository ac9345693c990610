//! The operations that can be sent, and no others: six that read.
//!
//! Every body names the one pool of the session; a page asks for the most that the
//! service gives unless the caller wants less.

use std::fmt;

use serde::Serialize;

use super::client::Client;
use super::error::{Cause, Failure, Meaning};
use super::model::{DescribedUserPool, Group, GroupPage, Page, User, UserPage};
use super::transport::{SendErrorKind, Transport};
use crate::error::Error;

/// What precedes the operation in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AWSCognitoIdentityProviderService";

/// The service in the credential scope and in the names of IAM actions.
pub const SERVICE: &str = "cognito-idp";

/// The largest page of all four lists.
const MAX_PAGE: u32 = 60;

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

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    user_pool_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

/// One user pool.
#[derive(Debug)]
pub struct UserPool<T> {
    id: String,
    client: Client<T>,
}

impl<T: Transport> UserPool<T> {
    /// The pool with this id.
    pub fn new(id: String, client: Client<T>) -> Self {
        Self { id, client }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// One page of its users.
    pub fn list_users(
        &self,
        token: Option<&str>,
        page_size: Option<u32>,
    ) -> Result<Page<User>, Error> {
        let body = Body {
            limit: Some(limit(page_size)),
            pagination_token: token,
            ..self.body()
        };
        self.call::<UserPage>(Operation::ListUsers, &body)
            .map(Page::from)
    }

    /// One user. Makes it a billable active user of the month: for single look-ups
    /// only, never for a list.
    pub fn admin_get_user(&self, username: &str) -> Result<User, Error> {
        let body = Body {
            username: Some(username),
            ..self.body()
        };
        self.call(Operation::AdminGetUser, &body)
    }

    /// One page of its groups.
    pub fn list_groups(
        &self,
        token: Option<&str>,
        page_size: Option<u32>,
    ) -> Result<Page<Group>, Error> {
        let body = Body {
            limit: Some(limit(page_size)),
            next_token: token,
            ..self.body()
        };
        self.call::<GroupPage>(Operation::ListGroups, &body)
            .map(Page::from)
    }

    /// One page of the members of a group.
    pub fn list_users_in_group(
        &self,
        group: &str,
        token: Option<&str>,
        page_size: Option<u32>,
    ) -> Result<Page<User>, Error> {
        let body = Body {
            group_name: Some(group),
            limit: Some(limit(page_size)),
            next_token: token,
            ..self.body()
        };
        self.call::<UserPage>(Operation::ListUsersInGroup, &body)
            .map(Page::from)
    }

    /// One page of the groups of a user.
    pub fn admin_list_groups_for_user(
        &self,
        username: &str,
        token: Option<&str>,
        page_size: Option<u32>,
    ) -> Result<Page<Group>, Error> {
        let body = Body {
            username: Some(username),
            limit: Some(limit(page_size)),
            next_token: token,
            ..self.body()
        };
        self.call::<GroupPage>(Operation::AdminListGroupsForUser, &body)
            .map(Page::from)
    }

    /// How many users the pool believes to have; `None` if it does not say or if we
    /// may not ask.
    pub fn estimated_number_of_users(&self) -> Result<Option<u64>, Error> {
        let body = self.body();
        match self.send::<DescribedUserPool>(Operation::DescribeUserPool, &body) {
            Ok(described) => {
                let estimate = described.user_pool.estimated_number_of_users;
                Ok(estimate.and_then(|number| u64::try_from(number).ok()))
            }
            Err(failure) if not_allowed(&failure) => Ok(None),
            Err(failure) => Err(self.error(failure, Operation::DescribeUserPool, &body)),
        }
    }

    fn body(&self) -> Body<'_> {
        Body {
            user_pool_id: &self.id,
            ..Body::default()
        }
    }

    fn call<R: serde::de::DeserializeOwned>(
        &self,
        operation: Operation,
        body: &Body<'_>,
    ) -> Result<R, Error> {
        self.send(operation, body)
            .map_err(|failure| self.error(failure, operation, body))
    }

    fn send<R: serde::de::DeserializeOwned>(
        &self,
        operation: Operation,
        body: &Body<'_>,
    ) -> Result<R, Failure> {
        // Texts and numbers can always be written.
        let bytes = serde_json::to_vec(body).unwrap_or_default();
        self.client.call(operation, &bytes)
    }

    fn error(&self, failure: Failure, operation: Operation, body: &Body<'_>) -> Error {
        let subject = Subject {
            pool: &self.id,
            server: self.client.server(),
            group: body.group_name,
            user: body.username,
            with_cursor: body.pagination_token.or(body.next_token).is_some(),
        };
        failure.into_error(operation, &subject)
    }
}

/// Whether IAM or the host of this connector leaves an operation out.
fn not_allowed(failure: &Failure) -> bool {
    match &failure.cause {
        Cause::Refused(refusal) => refusal.meaning() == Meaning::Denied,
        Cause::NotAnswered(error) => error.kind == SendErrorKind::Denied,
        _ => false,
    }
}

/// Zero is a trap: an emulator answers it with an endless list of empty pages.
fn limit(page_size: Option<u32>) -> u32 {
    page_size.map_or(MAX_PAGE, |size| size.clamp(1, MAX_PAGE))
}
