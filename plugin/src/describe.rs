//! What the connector says about itself: the same at every call, without a session.
//!
//! A host turns this into what it lets through, and a reviewer reads it. It lists what
//! the component does now and nothing else.

use crate::cognito::endpoint::PARTITIONS;
use crate::cognito::operations::{Operation as Sent, SERVICE, TARGET_PREFIX};
use crate::contract::describe::{
    Access, Authentication, Binding, BindingSource, Derivation, Description, EntitlementSchema,
    GrantSources, Kind as KindSchema, Operation, Origin, OriginCondition, Protocol, RateClass,
    RateLimit, RateScope, SettingSchema, SettingType, Sigv4, Trait, Wire,
};
use crate::groups::MEMBER;
use crate::kinds::Kind;
use crate::settings::{
    ACCESS_KEY_ID, DEFAULT_MAX_ATTEMPTS, ENDPOINT_URL, LAST_LOGIN_ATTRIBUTE, MAX_ATTEMPTS, REGION,
    REGION_PATTERN, SECRET_ACCESS_KEY, SESSION_TOKEN, USER_POOL_ID, USER_POOL_ID_PATTERN,
};

const ESTIMATE: &str = "sync.estimate";
const LIST_RESOURCES: &str = "sync.list-resources";
const GET_RESOURCE: &str = "sync.get-resource";
const LIST_GRANTS: &str = "sync.list-grants";

const USER_LIST: &str = "user-list";
const USER_READ: &str = "user-read";
const USER_RESOURCE_READ: &str = "user-resource-read";
const USER_POOL_READ: &str = "user-pool-read";
const USER_POOL_RESOURCE_READ: &str = "user-pool-resource-read";

/// Describes the connector.
#[must_use]
pub fn description() -> Description {
    Description {
        name: "cognito-connector".into(),
        display_name: "Amazon Cognito".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        help_url: None,
        settings: settings(),
        kinds: kinds(),
        account_schema: Vec::new(),
        actions: Vec::new(),
        wire: Wire {
            authentication: Authentication::Sigv4(Sigv4 {
                service: SERVICE.into(),
                region_setting: REGION.into(),
                access_key_id_setting: ACCESS_KEY_ID.into(),
                secret_access_key_setting: SECRET_ACCESS_KEY.into(),
                session_token_setting: SESSION_TOKEN.into(),
            }),
            protocol: Protocol::AwsJson(TARGET_PREFIX.into()),
            origins: origins(),
            operations: operations(),
            rate_classes: rate_classes(),
            resource_name: Some(format!(
                "arn:{{partition}}:{SERVICE}:{{{REGION}}}:{{account-id}}:userpool/{{{USER_POOL_ID}}}"
            )),
        },
    }
}

fn settings() -> Vec<SettingSchema> {
    let text = |name: &str, display_name: &str, help: &str| SettingSchema {
        name: name.into(),
        display_name: display_name.into(),
        help: help.into(),
        value_type: SettingType::Text,
        required: false,
        secret: false,
        identifies_system: false,
        pattern: None,
        example: None,
        default_value: None,
        derived_from: None,
    };
    vec![
        SettingSchema {
            required: true,
            identifies_system: true,
            pattern: Some(USER_POOL_ID_PATTERN.into()),
            example: Some("us-east-1_AbCd12345".into()),
            ..text(
                USER_POOL_ID,
                "User pool ID",
                "The user pool to read; the Cognito console shows its id in the pool's overview.",
            )
        },
        SettingSchema {
            identifies_system: true,
            pattern: Some(REGION_PATTERN.into()),
            example: Some("us-east-1".into()),
            derived_from: Some(Derivation {
                setting: USER_POOL_ID.into(),
                before: "_".into(),
            }),
            ..text(
                REGION,
                "Region",
                "The AWS region of the user pool; the pool's id begins with it.",
            )
        },
        SettingSchema {
            required: true,
            ..text(
                ACCESS_KEY_ID,
                "AWS access key ID",
                "The access key that signs the requests, from the IAM console.",
            )
        },
        SettingSchema {
            required: true,
            secret: true,
            ..text(
                SECRET_ACCESS_KEY,
                "AWS secret access key",
                "The secret of the access key, shown once when the key is created.",
            )
        },
        SettingSchema {
            secret: true,
            ..text(
                SESSION_TOKEN,
                "AWS session token",
                "Comes with temporary credentials, whose access key ID begins with ASIA.",
            )
        },
        SettingSchema {
            pattern: Some("[Hh][Tt][Tt][Pp][Ss]?://[^\\s/?#@\\\\]+/?".into()),
            example: Some("https://vpce-0123.cognito-idp.us-east-1.vpce.amazonaws.com".into()),
            ..text(
                ENDPOINT_URL,
                "Endpoint URL",
                "Where requests go instead of the region's public endpoint, such as a VPC endpoint or an emulator.",
            )
        },
        SettingSchema {
            value_type: SettingType::Integer,
            pattern: Some("[1-9]|10".into()),
            example: Some("1".into()),
            default_value: Some(DEFAULT_MAX_ATTEMPTS.to_string()),
            ..text(
                MAX_ATTEMPTS,
                "Attempts",
                "How often one request is tried in all; 1 where the caller retries by itself.",
            )
        },
        SettingSchema {
            example: Some("custom:last_login".into()),
            ..text(
                LAST_LOGIN_ATTRIBUTE,
                "Last login attribute",
                "The user attribute in which a Lambda trigger of yours keeps the time of the last login.",
            )
        },
    ]
}

fn kinds() -> Vec<KindSchema> {
    vec![
        KindSchema {
            id: Kind::User.id().into(),
            plural: "users".into(),
            display_name: "User".into(),
            traits: vec![Trait::User],
            parents: Vec::new(),
            entitlements: Vec::new(),
            grants: GrantSources::OF_PRINCIPAL,
            accounts: false,
        },
        KindSchema {
            id: Kind::Group.id().into(),
            plural: "groups".into(),
            display_name: "Group".into(),
            traits: vec![Trait::Group],
            parents: Vec::new(),
            entitlements: vec![EntitlementSchema {
                slug: MEMBER.into(),
                display_name: "Group Member".into(),
                grantable_to: vec![Kind::User.id().into()],
            }],
            grants: GrantSources::OF_RESOURCE,
            accounts: false,
        },
    ]
}

fn origins() -> Vec<Origin> {
    PARTITIONS
        .iter()
        .map(|partition| Origin {
            template: format!("https://{SERVICE}.{{{REGION}}}.{}", partition.dns_suffix),
            when: Some(OriginCondition {
                setting: REGION.into(),
                prefixes: partition
                    .region_prefixes
                    .iter()
                    .map(|prefix| (*prefix).into())
                    .collect(),
            }),
        })
        .collect()
}

fn operations() -> Vec<Operation> {
    let username = |source| ("/Username", source);
    vec![
        reads(Sent::ListUsers, &[LIST_RESOURCES], USER_LIST, None),
        reads(
            Sent::AdminGetUser,
            &[GET_RESOURCE],
            USER_READ,
            Some(username(BindingSource::Resource)),
        ),
        reads(
            Sent::ListGroups,
            &[LIST_RESOURCES, GET_RESOURCE],
            USER_POOL_RESOURCE_READ,
            None,
        ),
        reads(
            Sent::ListUsersInGroup,
            &[LIST_GRANTS],
            USER_LIST,
            Some(("/GroupName", BindingSource::Resource)),
        ),
        reads(
            Sent::AdminListGroupsForUser,
            &[LIST_GRANTS],
            USER_RESOURCE_READ,
            Some(username(BindingSource::Principal)),
        ),
        Operation {
            optional: true,
            ..reads(Sent::DescribeUserPool, &[ESTIMATE], USER_POOL_READ, None)
        },
    ]
}

fn reads(
    operation: Sent,
    functions: &[&str],
    rate_class: &str,
    about: Option<(&str, BindingSource)>,
) -> Operation {
    let functions: Vec<String> = functions.iter().map(|&function| function.into()).collect();
    let pool = Binding {
        member: "/UserPoolId".into(),
        source: BindingSource::Setting(USER_POOL_ID.into()),
        functions: Vec::new(),
    };
    let about = about.map(|(member, source)| Binding {
        member: member.into(),
        source,
        functions: functions.clone(),
    });
    Operation {
        name: operation.name().into(),
        access: Access::Read,
        route: None,
        functions,
        rate_class: rate_class.into(),
        bound: [pool].into_iter().chain(about).collect(),
        permission: Some(operation.permission()),
        optional: false,
    }
}

/// The defaults of AWS's table of quotas. All but the last are shared by everything
/// that runs in the account and region, the customer's own log-in pages included.
fn rate_classes() -> Vec<RateClass> {
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
    vec![
        class(USER_LIST, vec![account(30)]),
        class(USER_READ, vec![account(120)]),
        class(USER_RESOURCE_READ, vec![account(50)]),
        class(USER_POOL_READ, vec![account(15)]),
        class(USER_POOL_RESOURCE_READ, vec![account(20), per_pool]),
    ]
}

#[cfg(test)]
mod tests;
