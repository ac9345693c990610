//! One user pool: each operation as a function, with its body and its answer.
//!
//! Every body names the one pool of the session; a page asks for the most that the
//! service gives unless the caller wants less. A body holds what is listed in [`Body`]
//! and nothing else: no password, no forced alias, nothing for the pool's triggers.
//! What changes something fails with a [`FailedChange`], so that nobody forgets that it
//! may have taken effect.

use std::cell::OnceCell;

use super::client::Client;
use super::described::{DescribedUserPool, Pool};
use super::error::{Cause, Failure, Meaning};
use super::filter;
use super::json::{FromJson, Writer};
use super::model::{CreatedUser, Group, GroupPage, Member, Page, User, UserPage};
use super::operations::{Operation, Subject};
use super::transport::{Outside, SendErrorKind};
use crate::error::Error;

/// The largest page of all four lists.
const MAX_PAGE: u32 = 60;

/// Who sends requests unsigned may not know it.
const NO_KEYS: &str = "; no keys were given, so the request was not signed here: give \
                       aws-access-key-id and aws-secret-access-key, unless the host signs";

/// Without it the service invites the new user.
const SUPPRESS: &str = "SUPPRESS";

/// Without it the service invites by text message.
const EMAIL: &str = "EMAIL";

/// The members of all requests, in the order in which they are written.
#[derive(Default)]
struct Body<'a> {
    user_pool_id: &'a str,
    username: Option<&'a str>,
    group_name: Option<&'a str>,
    user_attributes: &'a [NewAttribute],
    message_action: Option<&'static str>,
    desired_delivery_mediums: Option<[&'static str; 1]>,
    limit: Option<u32>,
    filter: Option<&'a str>,
    pagination_token: Option<&'a str>,
    next_token: Option<&'a str>,
}

/// A user to be created.
#[derive(Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Its name, or what the pool takes instead.
    pub username: String,
    /// Its attributes, in the order in which they are sent.
    pub attributes: Vec<NewAttribute>,
    /// Whether it gets an e-mail with a temporary password.
    pub invited: bool,
}

/// An attribute of a user to be created.
#[derive(Debug, PartialEq, Eq)]
pub struct NewAttribute {
    /// Its name, spelled as the pool does.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Why a change was not made, or not for certain.
#[derive(Debug)]
pub struct FailedChange {
    /// The error that it is, if nothing else is found out.
    pub error: Error,
    /// What the service meant, if it was a refusal.
    pub meaning: Option<Meaning>,
    /// Whether the change may have been made all the same.
    pub ambiguous: bool,
}

/// One user pool.
#[derive(Debug)]
pub struct UserPool<T> {
    id: String,
    client: Client<T>,
    described: OnceCell<Pool>,
}

impl<T: Outside> UserPool<T> {
    /// The pool with this id.
    pub fn new(id: String, client: Client<T>) -> Self {
        Self {
            id,
            client,
            described: OnceCell::new(),
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// One page of its users, or of those that a filter passes.
    pub fn list_users(
        &self,
        filter: Option<&str>,
        token: Option<&str>,
        page_size: Option<u32>,
    ) -> Result<Page<User>, Error> {
        let body = Body {
            limit: Some(limit(page_size)),
            filter,
            pagination_token: token,
            ..self.body()
        };
        self.call::<UserPage<User>>(Operation::ListUsers, &body)
            .map(Page::from)
    }

    /// One page of those of its users that may have this name, which is all of them where
    /// an emulator does not understand the filter. Bills nobody.
    pub fn list_users_named(
        &self,
        username: &str,
        token: Option<&str>,
    ) -> Result<Page<User>, Error> {
        let filter = filter::username(username);
        let body = Body {
            // A filtered page may be short and yet not the last one, so that a small limit
            // would only make more requests.
            limit: Some(MAX_PAGE),
            filter: Some(&filter),
            pagination_token: token,
            ..self.body()
        };
        self.call::<UserPage<User>>(Operation::ListUsers, &body)
            .map(Page::from)
    }

    /// One user. Makes it a billable active user of the month: for single look-ups
    /// only, never for a list.
    pub fn admin_get_user(&self, username: &str) -> Result<User, Error> {
        self.call(Operation::AdminGetUser, &self.about(username))
    }

    /// One user, or the certainty that it does not exist. The service also answers to
    /// an alias and to the sub.
    pub fn find_user(&self, username: &str) -> Result<Option<User>, Error> {
        let body = self.about(username);
        match self.send(Operation::AdminGetUser, &body) {
            Ok(user) => Ok(Some(user)),
            Err(failure) if failure.meaning() == Some(Meaning::NoSuchUser) => Ok(None),
            Err(failure) => Err(self.error(failure, Operation::AdminGetUser, &body)),
        }
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
    ) -> Result<Page<Member>, Error> {
        let body = Body {
            group_name: Some(group),
            limit: Some(limit(page_size)),
            next_token: token,
            ..self.body()
        };
        self.call::<UserPage<Member>>(Operation::ListUsersInGroup, &body)
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
            limit: Some(limit(page_size)),
            next_token: token,
            ..self.about(username)
        };
        self.call::<GroupPage>(Operation::AdminListGroupsForUser, &body)
            .map(Page::from)
    }

    /// The pool itself. Asked once: its schema does not change under a call, and one
    /// batch must not describe it for every row.
    pub fn describe(&self) -> Result<&Pool, Error> {
        self.described()
            .map_err(|failure| self.error(failure, Operation::DescribeUserPool, &self.body()))
    }

    /// How many users the pool believes to have; `None` if it does not say or if we
    /// may not ask.
    pub fn estimated_number_of_users(&self) -> Result<Option<u64>, Error> {
        match self.described() {
            Ok(pool) => Ok(pool
                .estimated_number_of_users
                .and_then(|number| u64::try_from(number).ok())),
            Err(failure) if not_allowed(&failure) => Ok(None),
            Err(failure) => Err(self.error(failure, Operation::DescribeUserPool, &self.body())),
        }
    }

    /// Makes a user a member of a group.
    pub fn admin_add_user_to_group(&self, username: &str, group: &str) -> Result<(), FailedChange> {
        let body = Body {
            group_name: Some(group),
            ..self.about(username)
        };
        self.change(Operation::AdminAddUserToGroup, &body)
    }

    /// Ends a user's membership of a group.
    pub fn admin_remove_user_from_group(
        &self,
        username: &str,
        group: &str,
    ) -> Result<(), FailedChange> {
        let body = Body {
            group_name: Some(group),
            ..self.about(username)
        };
        self.change(Operation::AdminRemoveUserFromGroup, &body)
    }

    /// Creates a user.
    pub fn admin_create_user(&self, user: &NewUser) -> Result<User, FailedChange> {
        let body = Body {
            user_attributes: &user.attributes,
            message_action: (!user.invited).then_some(SUPPRESS),
            desired_delivery_mediums: user.invited.then_some([EMAIL]),
            ..self.about(&user.username)
        };
        self.send::<CreatedUser>(Operation::AdminCreateUser, &body)
            .map(|created| created.user)
            .map_err(|failure| {
                let values: Vec<&str> = user.attributes.iter().map(|a| a.value.as_str()).collect();
                self.failed_change(failure.without(&values), Operation::AdminCreateUser, &body)
            })
    }

    /// Deletes a user.
    pub fn admin_delete_user(&self, username: &str) -> Result<(), FailedChange> {
        self.change(Operation::AdminDeleteUser, &self.about(username))
    }

    /// Lets a user sign in again.
    pub fn admin_enable_user(&self, username: &str) -> Result<(), FailedChange> {
        self.change(Operation::AdminEnableUser, &self.about(username))
    }

    /// Keeps a user from signing in.
    pub fn admin_disable_user(&self, username: &str) -> Result<(), FailedChange> {
        self.change(Operation::AdminDisableUser, &self.about(username))
    }

    fn body(&self) -> Body<'_> {
        Body {
            user_pool_id: &self.id,
            ..Body::default()
        }
    }

    fn about<'a>(&'a self, username: &'a str) -> Body<'a> {
        Body {
            username: Some(username),
            ..self.body()
        }
    }

    fn described(&self) -> Result<&Pool, Failure> {
        if let Some(pool) = self.described.get() {
            return Ok(pool);
        }
        let answer: DescribedUserPool = self.send(Operation::DescribeUserPool, &self.body())?;
        Ok(self.described.get_or_init(|| answer.user_pool))
    }

    fn call<R: FromJson>(&self, operation: Operation, body: &Body<'_>) -> Result<R, Error> {
        self.send(operation, body)
            .map_err(|failure| self.error(failure, operation, body))
    }

    fn send<R: FromJson>(&self, operation: Operation, body: &Body<'_>) -> Result<R, Failure> {
        self.client.call(operation, &written(body))
    }

    fn change(&self, operation: Operation, body: &Body<'_>) -> Result<(), FailedChange> {
        self.client
            .call_void(operation, &written(body))
            .map_err(|failure| self.failed_change(failure, operation, body))
    }

    fn failed_change(
        &self,
        failure: Failure,
        operation: Operation,
        body: &Body<'_>,
    ) -> FailedChange {
        FailedChange {
            meaning: failure.meaning(),
            ambiguous: failure.is_ambiguous(),
            error: self.error(failure, operation, body),
        }
    }

    fn error(&self, failure: Failure, operation: Operation, body: &Body<'_>) -> Error {
        let subject = Subject {
            pool: &self.id,
            server: self.client.server(),
            group: body.group_name,
            user: body.username,
            with_cursor: body.pagination_token.or(body.next_token).is_some(),
        };
        // Whatever else the service says of who asks, somebody has signed.
        let is_unsigned =
            failure.meaning() == Some(Meaning::NotAuthenticated) && !self.client.signs();
        let mut error = failure.into_error(operation, &subject);
        if is_unsigned {
            error.message.push_str(NO_KEYS);
        }
        error
    }
}

fn written(body: &Body<'_>) -> Vec<u8> {
    let mut json = Writer::object();
    json.text("UserPoolId", Some(body.user_pool_id));
    json.text("Username", body.username);
    json.text("GroupName", body.group_name);
    if !body.user_attributes.is_empty() {
        json.list("UserAttributes", body.user_attributes, |json, attribute| {
            json.texts(&[("Name", &attribute.name), ("Value", &attribute.value)]);
        });
    }
    json.text("MessageAction", body.message_action);
    if let Some(mediums) = &body.desired_delivery_mediums {
        json.list("DesiredDeliveryMediums", mediums, |json, medium| {
            json.quoted(medium);
        });
    }
    json.number("Limit", body.limit.map(i64::from));
    json.text("Filter", body.filter);
    json.text("PaginationToken", body.pagination_token);
    json.text("NextToken", body.next_token);
    json.finish().into_bytes()
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
