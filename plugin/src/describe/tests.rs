use super::*;
use crate::cognito::endpoint::Endpoint;
use std::collections::BTreeSet;

/// Member, source, functions.
type Bound = (String, BindingSource, Vec<String>);

#[test]
fn exactly_the_six_reading_operations_are_asked_for() {
    let wire = description().wire;
    let asked: Vec<(&str, &str, Vec<&str>)> = wire
        .operations
        .iter()
        .map(|operation| {
            let functions = operation.functions.iter().map(String::as_str).collect();
            (
                operation.name.as_str(),
                operation.rate_class.as_str(),
                functions,
            )
        })
        .collect();
    assert_eq!(
        asked,
        [
            ("ListUsers", "user-list", vec!["sync.list-resources"]),
            ("AdminGetUser", "user-read", vec!["sync.get-resource"]),
            (
                "ListGroups",
                "user-pool-resource-read",
                vec!["sync.list-resources", "sync.get-resource"]
            ),
            ("ListUsersInGroup", "user-list", vec!["sync.list-grants"]),
            (
                "AdminListGroupsForUser",
                "user-resource-read",
                vec!["sync.list-grants"]
            ),
            ("DescribeUserPool", "user-pool-read", vec!["sync.estimate"]),
        ]
    );
    for operation in &wire.operations {
        assert_eq!(operation.access, Access::Read);
        assert_eq!(operation.route, None);
        let permission = format!("cognito-idp:{}", operation.name);
        assert_eq!(operation.permission.as_deref(), Some(permission.as_str()));
        assert_eq!(operation.optional, operation.name == "DescribeUserPool");
    }
}

#[test]
fn every_operation_is_bound_to_the_pool_and_to_what_the_call_is_about() {
    let bound: Vec<(String, Vec<Bound>)> = description()
        .wire
        .operations
        .into_iter()
        .map(|operation| {
            let members = operation.bound.into_iter();
            let members = members.map(|bound| (bound.member, bound.source, bound.functions));
            (operation.name, members.collect())
        })
        .collect();
    let pool = || {
        let setting = BindingSource::Setting("user-pool-id".to_owned());
        ("/UserPoolId".to_owned(), setting, Vec::new())
    };
    let about = |member: &str, source, function: &str| {
        vec![
            pool(),
            (member.to_owned(), source, vec![function.to_owned()]),
        ]
    };
    assert_eq!(
        bound,
        [
            ("ListUsers".to_owned(), vec![pool()]),
            (
                "AdminGetUser".to_owned(),
                about("/Username", BindingSource::Resource, "sync.get-resource")
            ),
            ("ListGroups".to_owned(), vec![pool()]),
            (
                "ListUsersInGroup".to_owned(),
                about("/GroupName", BindingSource::Resource, "sync.list-grants")
            ),
            (
                "AdminListGroupsForUser".to_owned(),
                about("/Username", BindingSource::Principal, "sync.list-grants")
            ),
            ("DescribeUserPool".to_owned(), vec![pool()]),
        ]
    );
}

#[test]
fn every_rate_class_is_used_and_every_used_one_exists() {
    let wire = description().wire;
    let used: BTreeSet<&str> = wire
        .operations
        .iter()
        .map(|o| o.rate_class.as_str())
        .collect();
    let known: BTreeSet<&str> = wire
        .rate_classes
        .iter()
        .map(|class| class.id.as_str())
        .collect();
    assert_eq!(used, known);
    let limits: Vec<Vec<(RateScope, u32)>> = wire
        .rate_classes
        .iter()
        .map(|class| {
            class
                .limits
                .iter()
                .map(|limit| (limit.scope, limit.per_second))
                .collect()
        })
        .collect();
    assert_eq!(
        limits,
        [
            vec![(RateScope::Account, 30)],
            vec![(RateScope::Account, 120)],
            vec![(RateScope::Account, 50)],
            vec![(RateScope::Account, 15)],
            vec![(RateScope::Account, 20), (RateScope::SystemOperation, 5)],
        ]
    );
}

#[test]
fn the_described_origin_is_the_one_that_is_used() {
    let origins = description().wire.origins;
    for region in [
        "us-east-1",
        "us-gov-west-1",
        "cn-north-1",
        "eusc-de-east-1",
        "us-isob-east-1",
        "eu-isoe-west-1",
        "eu-west-3",
    ] {
        let described = origins
            .iter()
            .find(|origin| {
                let when = origin.when.as_ref().unwrap();
                assert_eq!(when.setting, "region");
                when.prefixes
                    .iter()
                    .any(|prefix| region.starts_with(prefix))
            })
            .unwrap();
        let uri = format!("{}/", described.template.replace("{region}", region));
        assert_eq!(Endpoint::of_region(region).unwrap().uri().to_string(), uri);
    }
    assert!(!origins.iter().any(|origin| {
        let when = origin.when.as_ref().unwrap();
        when.prefixes
            .iter()
            .any(|prefix| "local".starts_with(prefix))
    }));
}

#[test]
fn only_the_keys_are_required_or_secret_where_they_must_be() {
    let settings = description().settings;
    let names = |test: &dyn Fn(&SettingSchema) -> bool| -> Vec<String> {
        settings
            .iter()
            .filter(|setting| test(setting))
            .map(|setting| setting.name.clone())
            .collect()
    };
    assert_eq!(
        names(&|setting| setting.required),
        ["user-pool-id", "aws-access-key-id", "aws-secret-access-key"]
    );
    assert_eq!(
        names(&|setting| setting.secret),
        ["aws-secret-access-key", "aws-session-token"]
    );
    assert_eq!(
        names(&|setting| setting.identifies_system),
        ["user-pool-id", "region"]
    );
    assert_eq!(names(&|setting| setting.derived_from.is_some()), ["region"]);
    assert_eq!(settings.len(), 8);
}

#[test]
fn the_resource_name_is_the_arn_of_the_pool() {
    assert_eq!(
        description().wire.resource_name.as_deref(),
        Some("arn:{partition}:cognito-idp:{region}:{account-id}:userpool/{user-pool-id}")
    );
}

#[test]
fn the_kinds_are_users_and_groups_of_users() {
    let kinds = description().kinds;
    let [user, group] = kinds.as_slice() else {
        panic!("{kinds:?}");
    };
    assert_eq!((user.id.as_str(), user.plural.as_str()), ("user", "users"));
    assert_eq!(
        (group.id.as_str(), group.plural.as_str()),
        ("group", "groups")
    );
    assert_eq!(
        (user.grants, group.grants),
        (GrantSources::OF_PRINCIPAL, GrantSources::OF_RESOURCE)
    );
    assert_eq!(user.entitlements, []);
    assert_eq!(group.entitlements.len(), 1);
    assert_eq!(group.entitlements[0].slug, "member");
    assert_eq!(group.entitlements[0].grantable_to, ["user"]);
    assert!(
        kinds
            .iter()
            .all(|kind| kind.parents.is_empty() && !kind.accounts)
    );
}
