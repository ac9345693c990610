//! The operations: a request that has been authenticated goes in, a body or a refusal comes out.

mod create;
mod describe;
mod filter;
mod input;
mod lists;
mod users;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;

pub(crate) use input::Input;
pub use lists::Paging;

use crate::answer::Refusal;
use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::operation::{Operation, TARGET_PREFIX};
use crate::pool::Pool;
use crate::quota::Quotas;
use crate::sigv4;

/// A change to how a list answers that cannot be made on the finished body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Twist {
    #[default]
    None,
    /// The token of the answer leads to the same page for ever.
    RepeatToken,
    /// The token of the request is accepted and ignored.
    Restart,
    /// The page begins with the last row of the one before.
    Overlap,
    /// The limit is ignored and everything is sent.
    Oversize,
    /// The page has one row.
    Short,
    /// The page has no row and a token.
    Empty,
    /// The token of the request is too old.
    Expired,
}

/// The service without its transport.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) region: String,
    pub(crate) pools: HashMap<String, Pool>,
    pub(crate) credentials: Credentials,
    pub(crate) quotas: Quotas,
    pub(crate) clock: Clock,
    pub(crate) paging: Paging,
    pub(crate) token_lifetime_ms: Option<i64>,
    pub(crate) generation: AtomicU64,
}

/// The operation that `X-Amz-Target` names.
pub(crate) fn target(headers: &HeaderMap) -> Option<Operation> {
    let mut targets = headers.get_all("x-amz-target").iter();
    let only = targets.next().filter(|_| targets.next().is_none())?;
    only.to_str()
        .ok()?
        .strip_prefix(TARGET_PREFIX)?
        .parse()
        .ok()
}

impl Service {
    pub(crate) fn token_generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Answers a request that arrived whole.
    pub(crate) fn answer(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        twist: Twist,
    ) -> Result<Vec<u8>, Refusal> {
        let json = headers
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.split(';').next() == Some("application/x-amz-json-1.1"));
        let operation = target(headers)
            .filter(|_| json)
            .ok_or_else(|| Refusal::front("UnknownOperationException", ""))?;
        let key = sigv4::verify(
            headers,
            body,
            &self.region,
            &self.credentials,
            self.clock.now_ms(),
        )?;
        let input = Input::parse(body)?;
        let pool_id = input.pool_id()?;
        if !key.may(operation, pool_id) {
            return Err(Refusal::front(
                "AccessDeniedException",
                format!(
                    "User: arn:aws:iam::{account}:user/{user} is not authorized to perform: cognito-idp:{operation} on resource: arn:aws:cognito-idp:{region}:{account}:userpool/{pool_id} because no identity-based policy allows the cognito-idp:{operation} action",
                    account = crate::pool::ACCOUNT,
                    user = key.user_name,
                    region = self.region,
                ),
            ));
        }
        if !self.quotas.admit(operation, pool_id, self.clock.now_ms()) {
            return Err(Refusal::throttled());
        }
        let pool = self.pools.get(pool_id).ok_or_else(|| {
            Refusal::service(
                "ResourceNotFoundException",
                format!("User pool {pool_id} does not exist."),
            )
        })?;
        match operation {
            Operation::ListUsers => self.list_users(pool, &input, twist),
            Operation::ListGroups => self.list_groups(pool, &input, twist),
            Operation::ListUsersInGroup => self.list_users_in_group(pool, &input, twist),
            Operation::AdminListGroupsForUser => self.list_groups_for_user(pool, &input, twist),
            Operation::DescribeUserPool => Ok(describe::describe(pool)),
            Operation::AdminGetUser => users::get(pool, &input),
            Operation::AdminAddUserToGroup => users::add_to_group(pool, &input),
            Operation::AdminRemoveUserFromGroup => users::remove_from_group(pool, &input),
            Operation::AdminDeleteUser => users::delete(pool, &input),
            Operation::AdminEnableUser => users::switch(pool, &input, true, self.clock.now_ms()),
            Operation::AdminDisableUser => users::switch(pool, &input, false, self.clock.now_ms()),
            Operation::AdminCreateUser => create::create(pool, &input, self.clock.now_ms()),
        }
    }
}
