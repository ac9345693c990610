//! What the service sends, as far as it is read.
//!
//! Strict where a gap would look like an empty pool: a list that is missing, `null` or
//! of another type is an error, and so is an object without its name. Lenient where a
//! gap is only something unknown: optional members, timestamps, the pool's own facts,
//! and members that a later version of the API adds.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

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
pub(super) struct UserPage<T> {
    users: Vec<T>,
    #[serde(default, alias = "NextToken", deserialize_with = "token")]
    pagination_token: Option<String>,
}

impl<T> From<UserPage<T>> for Page<T> {
    fn from(page: UserPage<T>) -> Self {
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

/// A user as a member of a group. The service sends all of it, for every group again, and
/// two thirds of what a sync reads are such rows: only the name is taken out of them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Member {
    /// The immutable name.
    #[serde(deserialize_with = "name")]
    pub username: String,
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

/// The answer of AdminCreateUser.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreatedUser {
    pub(super) user: User,
}

/// The answer of DescribeUserPool.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribedUserPool {
    pub(super) user_pool: Pool,
}

/// A user pool, as far as it matters here. Emulators leave out or send as `null` much
/// of what the service always sends, therefore nothing is required.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Pool {
    /// Its id.
    pub id: Option<String>,
    /// What its permissions are granted on.
    pub arn: Option<String>,
    /// What people called it.
    pub name: Option<String>,
    /// The plan: LITE, ESSENTIALS or PLUS.
    pub user_pool_tier: Option<String>,
    /// How many users it believes to have.
    pub estimated_number_of_users: Option<i64>,
    /// Which attributes users have; empty if it was not sent.
    #[serde(default, deserialize_with = "or_empty")]
    pub schema_attributes: Vec<SchemaAttribute>,
    /// With what people sign in instead of a username.
    #[serde(default, deserialize_with = "or_empty")]
    pub username_attributes: Vec<String>,
    /// With what people sign in besides the username.
    #[serde(default, deserialize_with = "or_empty")]
    pub alias_attributes: Vec<String>,
    /// How usernames are compared.
    pub username_configuration: Option<UsernameConfiguration>,
}

/// How usernames are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UsernameConfiguration {
    /// Whether `Alice` and `alice` are two users; absent: they are.
    pub case_sensitive: Option<bool>,
}

/// An attribute that users of a pool can have.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SchemaAttribute {
    /// Its name, with the prefix `custom:` where it has one.
    pub name: Option<String>,
    /// String, Number, DateTime or Boolean.
    pub attribute_data_type: Option<String>,
    /// Whether every user should have it.
    pub required: Option<bool>,
    /// Bounds of a text's length.
    pub string_attribute_constraints: Option<StringConstraints>,
    /// Bounds of a number.
    pub number_attribute_constraints: Option<NumberConstraints>,
}

/// Bounds of a text's length, which the service sends as texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StringConstraints {
    /// The shortest, in characters.
    #[serde(default, deserialize_with = "bound")]
    pub min_length: Option<String>,
    /// The longest, in characters.
    #[serde(default, deserialize_with = "bound")]
    pub max_length: Option<String>,
}

/// Bounds of a number, which the service sends as texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NumberConstraints {
    /// The smallest.
    #[serde(default, deserialize_with = "bound")]
    pub min_value: Option<String>,
    /// The largest.
    #[serde(default, deserialize_with = "bound")]
    pub max_value: Option<String>,
}

/// A number in a text, or one that an emulator sends as a number.
fn bound<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = raw.get().trim_matches('"');
    Ok((text != "null").then(|| text.to_owned()))
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

fn or_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
