//! What the connector says about itself: the same at every call, without a session.
//!
//! A host turns this into what it lets through, and a reviewer reads it. It lists what
//! the component does now and nothing else.

mod operations;
mod settings;

use crate::accounts;
use crate::actions::Action;
use crate::cognito::endpoint::PARTITIONS;
use crate::cognito::operations::{SERVICE, TARGET_PREFIX};
use crate::contract::describe::{
    Authentication, Description, EntitlementSchema, GrantSources, Kind as KindSchema, Origin,
    OriginCondition, Protocol, Sigv4, Trait, Wire,
};
use crate::groups::MEMBER;
use crate::kinds::Kind;
use crate::settings::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, SESSION_TOKEN, USER_POOL_ID};
use operations::{operations, rate_classes};
use settings::settings;

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
        account_schema: accounts::fields(),
        actions: Action::ALL.map(Action::schema).to_vec(),
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
            accounts: true,
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

#[cfg(test)]
mod tests;
