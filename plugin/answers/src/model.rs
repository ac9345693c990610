//! What the service sends, as far as it is read.
//!
//! Strict where a gap would look like an empty pool: a list that is missing, `null` or
//! of another type is an error, and so is an object without its name. Lenient where a
//! gap is only something unknown: optional members, timestamps, and members that a later
//! version of the API adds.

use super::json::{Fault, FromJson, Reader, members};
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
#[derive(Debug)]
pub struct UserPage<T> {
    users: Vec<T>,
    pagination_token: Option<String>,
}

impl<T: FromJson> FromJson for UserPage<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader,
            b"Users" => users,
            b"PaginationToken" | b"NextToken" => token,
        );
        Ok(Self {
            users: users.ok_or(Fault::Missing("Users"))?,
            pagination_token: token_of(token)?,
        })
    }
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
#[derive(Debug)]
pub struct GroupPage {
    groups: Vec<Group>,
    next_token: Option<String>,
}

impl FromJson for GroupPage {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader,
            b"Groups" => groups,
            b"NextToken" => token,
        );
        Ok(Self {
            groups: groups.ok_or(Fault::Missing("Groups"))?,
            next_token: token_of(token)?,
        })
    }
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The immutable name.
    pub username: String,
    /// Standard and custom attributes, in the service's order.
    pub attributes: Vec<Attribute>,
    /// Whether sign-in is allowed.
    pub enabled: Option<bool>,
    /// Where in its life the account is.
    pub user_status: Option<String>,
    /// When it was created.
    pub user_create_date: Timestamp,
    /// When it was last changed.
    pub user_last_modified_date: Timestamp,
    /// In no published model, and read in case that it is sent one day.
    pub user_last_authentication_date: Timestamp,
}

impl FromJson for User {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader,
            b"Username" => username,
            b"Attributes" | b"UserAttributes" => attributes,
            b"Enabled" => enabled,
            b"UserStatus" => user_status,
            b"UserCreateDate" => created,
            b"UserLastModifiedDate" => modified,
            b"UserLastAuthenticationDate" => authenticated,
        );
        Ok(Self {
            username: name_of("Username", username)?,
            attributes: attributes.flatten().unwrap_or_default(),
            enabled: enabled.flatten(),
            user_status: user_status.flatten(),
            user_create_date: created.unwrap_or_default(),
            user_last_modified_date: modified.unwrap_or_default(),
            user_last_authentication_date: authenticated.unwrap_or_default(),
        })
    }
}

/// A user as a member of a group. The service sends all of it, for every group again, and
/// two thirds of what a sync reads are such rows: only the name is taken out of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The immutable name.
    pub username: String,
}

impl FromJson for Member {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader, b"Username" => username,);
        Ok(Self {
            username: name_of("Username", username)?,
        })
    }
}

/// An attribute of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, with the prefix `custom:` where it has one.
    pub name: String,
    /// Its value.
    pub value: Option<String>,
}

impl FromJson for Attribute {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader,
            b"Name" => name,
            b"Value" => value,
        );
        Ok(Self {
            name: name.ok_or(Fault::Missing("Name"))?,
            value: value.flatten(),
        })
    }
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The immutable name.
    pub group_name: String,
    /// Free text.
    pub description: Option<String>,
    /// The IAM role that members can assume.
    pub role_arn: Option<String>,
    /// Which group's role wins; lower is stronger.
    pub precedence: Option<i64>,
    /// When it was created.
    pub creation_date: Timestamp,
    /// When it was last changed.
    pub last_modified_date: Timestamp,
}

impl FromJson for Group {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader,
            b"GroupName" => name,
            b"Description" => description,
            b"RoleArn" => role_arn,
            b"Precedence" => precedence,
            b"CreationDate" => created,
            b"LastModifiedDate" => modified,
        );
        Ok(Self {
            group_name: name_of("GroupName", name)?,
            description: description.flatten(),
            role_arn: role_arn.flatten(),
            precedence: precedence.flatten(),
            creation_date: created.unwrap_or_default(),
            last_modified_date: modified.unwrap_or_default(),
        })
    }
}

/// The answer of AdminCreateUser.
#[derive(Debug)]
pub struct CreatedUser {
    /// The new user.
    pub user: User,
}

impl FromJson for CreatedUser {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader, b"User" => user,);
        Ok(Self {
            user: user.ok_or(Fault::Missing("User"))?,
        })
    }
}

fn name_of(member: &'static str, sent: Option<String>) -> Result<String, Fault> {
    match sent {
        None => Err(Fault::Missing(member)),
        Some(name) if name.is_empty() => Err(Fault::Empty("a name")),
        Some(name) => Ok(name),
    }
}

/// An empty token would end the list for some readers and start it over for others.
fn token_of(sent: Option<Option<String>>) -> Result<Option<String>, Fault> {
    match sent.flatten() {
        Some(token) if token.is_empty() => Err(Fault::Empty("a page token")),
        token => Ok(token),
    }
}
