//! The operations that are asked for: which functions send them, about whom, and how
//! often they may be sent.
//!
//! Each function opens only what it needs, and each operation of it can only be about
//! what the call is about. The looks that decide a doubtful change are bound like the
//! change itself.

use crate::accounts::{EMAIL, SEND_INVITE_EMAIL, USERNAME};
use crate::actions::{Action, USER_ID};
use crate::cognito::operations::Operation as Sent;
use crate::contract::describe::{
    Access, Binding, BindingCondition, BindingSource, NamedArguments, Operation, RateClass,
    RateLimit, RateScope,
};
use crate::kinds::Kind;
use crate::settings::USER_POOL_ID;

const ESTIMATE: &str = "sync.estimate";
const SYSTEM: &str = "sync.system";
const LIST_RESOURCES: &str = "sync.list-resources";
const GET_RESOURCE: &str = "sync.get-resource";
const FIND_LISTED: &str = "sync.find-listed";
const LIST_GRANTS: &str = "sync.list-grants";
const GRANT: &str = "provisioning.grant";
const REVOKE: &str = "provisioning.revoke";
const CHECK_ACCOUNT: &str = "provisioning.check-account";
const CREATE_ACCOUNT: &str = "provisioning.create-account";
const DELETE_ACCOUNT: &str = "provisioning.delete-account";

const USER_LIST: &str = "user-list";
const USER_READ: &str = "user-read";
const USER_RESOURCE_READ: &str = "user-resource-read";
const USER_CREATION: &str = "user-creation";
const USER_UPDATE: &str = "user-update";
const USER_POOL_READ: &str = "user-pool-read";
const USER_POOL_RESOURCE_READ: &str = "user-pool-resource-read";

const TO_USERNAME: &str = "/Username";
const TO_GROUP_NAME: &str = "/GroupName";
const LIMIT: &str = "Limit";
const NEXT_TOKEN: &str = "NextToken";

pub(super) fn operations() -> Vec<Operation> {
    let enable = invokes(Action::EnableUser);
    let disable = invokes(Action::DisableUser);
    let user_id = || vec![BindingSource::Argument(USER_ID.into())];
    // Without a username, the address is one.
    let new_user = || {
        let argument = |name: &str| BindingSource::Argument(name.into());
        vec![argument(USERNAME), argument(EMAIL)]
    };
    let resource = || vec![BindingSource::Resource];
    let principal = || vec![BindingSource::Principal];
    let constant = |json: &str| vec![BindingSource::Constant(json.into())];
    let attributes = vec![BindingSource::NamedArguments(NamedArguments {
        name_member: "Name".into(),
        value_member: "Value".into(),
        except: texts(&[USERNAME, SEND_INVITE_EMAIL]),
    })];
    let invited = |equals| BindingCondition {
        argument: SEND_INVITE_EMAIL.into(),
        value: "true".into(),
        equals,
    };
    vec![
        // No binding can reach into a filter; the page shows no more than the list does.
        with(
            operation(
                Sent::ListUsers,
                Kind::User,
                USER_LIST,
                &[LIST_RESOURCES, FIND_LISTED],
            ),
            &[LIMIT, "PaginationToken", "Filter"],
        ),
        about(
            operation(
                Sent::AdminGetUser,
                Kind::User,
                USER_READ,
                &[
                    GET_RESOURCE,
                    CHECK_ACCOUNT,
                    CREATE_ACCOUNT,
                    DELETE_ACCOUNT,
                    &enable,
                    &disable,
                ],
            ),
            vec![
                bound(TO_USERNAME, resource(), &[GET_RESOURCE, DELETE_ACCOUNT]),
                bound(TO_USERNAME, new_user(), &[CHECK_ACCOUNT, CREATE_ACCOUNT]),
                bound(TO_USERNAME, user_id(), &[&enable, &disable]),
            ],
        ),
        with(
            operation(
                Sent::ListGroups,
                Kind::Group,
                USER_POOL_RESOURCE_READ,
                &[LIST_RESOURCES, GET_RESOURCE, FIND_LISTED],
            ),
            &[LIMIT, NEXT_TOKEN],
        ),
        with(
            about(
                operation(
                    Sent::ListUsersInGroup,
                    Kind::Group,
                    USER_LIST,
                    &[LIST_GRANTS],
                ),
                vec![bound(TO_GROUP_NAME, resource(), &[LIST_GRANTS])],
            ),
            &[LIMIT, NEXT_TOKEN],
        ),
        with(
            about(
                operation(
                    Sent::AdminListGroupsForUser,
                    Kind::Group,
                    USER_RESOURCE_READ,
                    &[LIST_GRANTS, GRANT, REVOKE],
                ),
                vec![bound(
                    TO_USERNAME,
                    principal(),
                    &[LIST_GRANTS, GRANT, REVOKE],
                )],
            ),
            &[LIMIT, NEXT_TOKEN],
        ),
        // Reading does without it, creating an account does not.
        Operation {
            optional: true,
            ..operation(
                Sent::DescribeUserPool,
                Kind::User,
                USER_POOL_READ,
                &[ESTIMATE, SYSTEM, CHECK_ACCOUNT, CREATE_ACCOUNT],
            )
        },
        about(
            operation(
                Sent::AdminAddUserToGroup,
                Kind::Group,
                USER_UPDATE,
                &[GRANT],
            ),
            vec![
                bound(TO_USERNAME, principal(), &[GRANT]),
                bound(TO_GROUP_NAME, resource(), &[GRANT]),
            ],
        ),
        about(
            operation(
                Sent::AdminRemoveUserFromGroup,
                Kind::Group,
                USER_UPDATE,
                &[REVOKE],
            ),
            vec![
                bound(TO_USERNAME, principal(), &[REVOKE]),
                bound(TO_GROUP_NAME, resource(), &[REVOKE]),
            ],
        ),
        about(
            operation(
                Sent::AdminCreateUser,
                Kind::User,
                USER_CREATION,
                &[CREATE_ACCOUNT],
            ),
            vec![
                bound(TO_USERNAME, new_user(), &[CREATE_ACCOUNT]),
                bound("/UserAttributes", attributes, &[CREATE_ACCOUNT]),
                // Whoever did not ask for an invitation can't be the reason of one.
                Binding {
                    when: Some(invited(false)),
                    ..bound(
                        "/MessageAction",
                        constant("\"SUPPRESS\""),
                        &[CREATE_ACCOUNT],
                    )
                },
                Binding {
                    when: Some(invited(true)),
                    ..bound(
                        "/DesiredDeliveryMediums",
                        constant("[\"EMAIL\"]"),
                        &[CREATE_ACCOUNT],
                    )
                },
            ],
        ),
        about(
            operation(
                Sent::AdminDeleteUser,
                Kind::User,
                USER_UPDATE,
                &[DELETE_ACCOUNT],
            ),
            vec![bound(TO_USERNAME, resource(), &[DELETE_ACCOUNT])],
        ),
        about(
            operation(
                Action::EnableUser.operation(),
                Kind::User,
                USER_UPDATE,
                &[&enable],
            ),
            vec![bound(TO_USERNAME, user_id(), &[&enable])],
        ),
        about(
            operation(
                Action::DisableUser.operation(),
                Kind::User,
                USER_UPDATE,
                &[&disable],
            ),
            vec![bound(TO_USERNAME, user_id(), &[&disable])],
        ),
    ]
}

fn invokes(action: Action) -> String {
    format!("actions.invoke/{}", action.name())
}

/// An operation on the pool of the settings.
fn operation(sent: Sent, kind: Kind, rate_class: &str, functions: &[&str]) -> Operation {
    let pool = BindingSource::Setting(USER_POOL_ID.into());
    Operation {
        name: sent.name().into(),
        access: match sent.changes() {
            true => Access::Change,
            false => Access::Read,
        },
        route: None,
        functions: texts(functions),
        kinds: vec![kind.id().into()],
        rate_class: rate_class.into(),
        bound: vec![bound("/UserPoolId", vec![pool], &[])],
        members: Vec::new(),
        permission: Some(sent.permission()),
        optional: false,
    }
}

/// The same operation with more bound members.
fn about(mut operation: Operation, members: Vec<Binding>) -> Operation {
    operation.bound.extend(members);
    operation
}

/// The same operation with members that may say anything.
fn with(operation: Operation, members: &[&str]) -> Operation {
    Operation {
        members: texts(members),
        ..operation
    }
}

fn bound(member: &str, sources: Vec<BindingSource>, functions: &[&str]) -> Binding {
    Binding {
        member: member.into(),
        sources,
        functions: texts(functions),
        when: None,
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.into()).collect()
}

/// The defaults of AWS's table of quotas
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html>, 2026). Those of
/// an account are shared by everything that runs in it in the region, the customer's own
/// log-in pages included.
pub(super) fn rate_classes() -> Vec<RateClass> {
    let account = |per_second| RateLimit {
        scope: RateScope::Account,
        per_second,
    };
    let class = |id: &str, limits| RateClass {
        id: id.into(),
        limits,
    };
    let per_pool = RateLimit {
        scope: RateScope::SystemOperation,
        per_second: 5,
    };
    // Ten may read about a user, and ten may change it, whatever the operation.
    let per_user = || RateLimit {
        scope: RateScope::Resource(TO_USERNAME.into()),
        per_second: 10,
    };
    vec![
        class(USER_LIST, vec![account(30)]),
        class(USER_READ, vec![account(120), per_user()]),
        class(USER_RESOURCE_READ, vec![account(50), per_user()]),
        class(USER_CREATION, vec![account(50), per_user()]),
        class(USER_UPDATE, vec![account(25), per_user()]),
        class(USER_POOL_READ, vec![account(15)]),
        class(USER_POOL_RESOURCE_READ, vec![account(20), per_pool]),
    ]
}
