//! What the service sends, as far as it is read.
//!
//! Strict where a gap would look like an empty pool: a list that is missing, `null` or
//! of another type is an error, and so is an object without its name. Lenient where a
//! gap is only something unknown: optional members, timestamps, and members that a
//! later version of the API adds.

use serde::de::{Deserialize, Deserializer, Error as _};

use super::timestamp::Timestamp;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The token of the next page; `None`: this was the last one.
    pub next: Option<String>,
}

/// The answer of ListUsers and ListUsersInGroup, whose tokens differ in name only.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserPage {
    users: Vec<User>,
    #[serde(default, alias = "NextToken", deserialize_with = "token")]
    pagination_token: Option<String>,
}

impl From<UserPage> for Page<User> {
    fn from(page: UserPage) -> Self {
        Self {
            items: page.users,
            next: page.pagination_token,
        }
    }
}

/// The answer of ListGroups and AdminListGroupsForUser.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupPage {
    groups: Vec<Group>,
    #[serde(default, deserialize_with = "token")]
    next_token: Option<String>,
}

impl From<GroupPage> for Page<Group> {
    fn from(page: GroupPage) -> Self {
        Self {
            items: page.groups,
            next: page.next_token,
        }
    }
}

/// A user, as the lists and AdminGetUser send it. What only AdminGetUser sends (the
/// MFA settings) is left out, so that one user looks the same from everywhere.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct User {
    /// The immutable name.
    #[serde(deserialize_with = "name")]
    pub username: String,
    /// Standard and custom attributes, in the service's order.
    #[serde(default, alias = "UserAttributes", deserialize_with = "or_empty")]
    pub attributes: Vec<Attribute>,
    /// Whether sign-in is allowed.
    pub enabled: Option<bool>,
    /// Where in its life the account is.
    pub user_status: Option<String>,
    /// When it was created.
    #[serde(default)]
    pub user_create_date: Timestamp,
    /// When it was last changed.
    #[serde(default)]
    pub user_last_modified_date: Timestamp,
    /// In no published model, and read in case that it is sent one day.
    #[serde(default)]
    pub user_last_authentication_date: Timestamp,
}

/// An attribute of a user.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    /// Its name, with the prefix `custom:` where it has one.
    pub name: String,
    /// Its value.
    pub value: Option<String>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Group {
    /// The immutable name.
    #[serde(deserialize_with = "name")]
    pub group_name: String,
    /// Free text.
    pub description: Option<String>,
    /// The IAM role that members can assume.
    pub role_arn: Option<String>,
    /// Which group's role wins; lower is stronger.
    pub precedence: Option<i64>,
    /// When it was created.
    #[serde(default)]
    pub creation_date: Timestamp,
    /// When it was last changed.
    #[serde(default)]
    pub last_modified_date: Timestamp,
}

/// The answer of DescribeUserPool.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribedUserPool {
    pub(super) user_pool: UserPool,
}

/// The one member of a user pool that is needed.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserPool {
    pub(super) estimated_number_of_users: Option<i64>,
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.is_empty() {
        return Err(D::Error::custom("missing field: a name is empty"));
    }
    Ok(name)
}

/// An empty token would end the list for some readers and start it over for others.
fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let token = Option::<String>::deserialize(deserializer)?;
    if token.as_deref() == Some("") {
        return Err(D::Error::custom("missing field: a page token is empty"));
    }
    Ok(token)
}

fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Attribute>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
