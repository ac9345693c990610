use super::*;
use crate::cognito::endpoint::Endpoint;
use crate::contract::describe::{Access, BindingSource, RateScope, SettingSchema, SettingType};
use std::collections::BTreeSet;

/// Name, rate class, kinds, functions.
type Asked<'a> = (&'a str, &'a str, &'a str, Vec<&'a str>);

/// Member, sources, functions.
type Bound<'a> = (&'a str, Vec<BindingSource>, Vec<&'a str>);

const ENABLE: &str = "actions.invoke/enable_user";
const DISABLE: &str = "actions.invoke/disable_user";
const CHECK: &str = "provisioning.check-account";
const CREATE: &str = "provisioning.create-account";
const DELETE: &str = "provisioning.delete-account";
const GRANT: &str = "provisioning.grant";
const REVOKE: &str = "provisioning.revoke";

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[test]
fn exactly_six_reading_and_six_changing_operations_are_asked_for() {
    let wire = description().wire;
    let asked = |access| -> Vec<Asked<'_>> {
        wire.operations
            .iter()
            .filter(|operation| operation.access == access)
            .map(|operation| {
                assert_eq!(operation.kinds.len(), 1);
                (
                    operation.name.as_str(),
                    operation.rate_class.as_str(),
                    operation.kinds[0].as_str(),
                    strs(&operation.functions),
                )
            })
            .collect()
    };
    assert_eq!(
        asked(Access::Read),
        [
            (
                "ListUsers",
                "user-list",
                "user",
                vec!["sync.list-resources", "sync.find-listed"]
            ),
            (
                "AdminGetUser",
                "user-read",
                "user",
                vec!["sync.get-resource", CHECK, CREATE, DELETE, ENABLE, DISABLE]
            ),
            (
                "ListGroups",
                "user-pool-resource-read",
                "group",
                vec![
                    "sync.list-resources",
                    "sync.get-resource",
                    "sync.find-listed"
                ]
            ),
            (
                "ListUsersInGroup",
                "user-list",
                "group",
                vec!["sync.list-grants"]
            ),
            (
                "AdminListGroupsForUser",
                "user-resource-read",
                "group",
                vec!["sync.list-grants", GRANT, REVOKE]
            ),
            (
                "DescribeUserPool",
                "user-pool-read",
                "user",
                vec!["sync.estimate", "sync.system", CHECK, CREATE]
            ),
        ]
    );
    assert_eq!(
        asked(Access::Change),
        [
            ("AdminAddUserToGroup", "user-update", "group", vec![GRANT]),
            (
                "AdminRemoveUserFromGroup",
                "user-update",
                "group",
                vec![REVOKE]
            ),
            ("AdminCreateUser", "user-creation", "user", vec![CREATE]),
            ("AdminDeleteUser", "user-update", "user", vec![DELETE]),
            ("AdminEnableUser", "user-update", "user", vec![ENABLE]),
            ("AdminDisableUser", "user-update", "user", vec![DISABLE]),
        ]
    );
    assert_eq!(wire.operations.len(), 12);
    for operation in &wire.operations {
        assert_eq!(operation.route, None);
        let permission = format!("cognito-idp:{}", operation.name);
        assert_eq!(operation.permission.as_deref(), Some(permission.as_str()));
        assert_eq!(operation.optional, operation.name == "DescribeUserPool");
    }
}

#[test]
fn every_operation_is_bound_to_the_pool_and_to_what_the_call_is_about() {
    let operations = description().wire.operations;
    let mut about: Vec<(&str, Vec<Bound<'_>>)> = Vec::new();
    for operation in &operations {
        let mut members: Vec<Bound<'_>> = operation
            .bound
            .iter()
            .filter(|bound| {
                ["/UserPoolId", "/Username", "/GroupName"].contains(&bound.member.as_str())
            })
            .map(|bound| {
                (
                    bound.member.as_str(),
                    bound.sources.clone(),
                    strs(&bound.functions),
                )
            })
            .collect();
        let pool = vec![BindingSource::Setting("user-pool-id".to_owned())];
        assert_eq!(members.remove(0), ("/UserPoolId", pool, Vec::new()));
        about.push((operation.name.as_str(), members));
    }
    let user = |source, functions| ("/Username", vec![source], functions);
    let group = |functions| ("/GroupName", vec![BindingSource::Resource], functions);
    let argument = |name: &str| BindingSource::Argument(name.to_owned());
    let new_user = |functions| {
        (
            "/Username",
            vec![argument("username"), argument("email")],
            functions,
        )
    };
    assert_eq!(
        about,
        [
            ("ListUsers", vec![]),
            (
                "AdminGetUser",
                vec![
                    user(BindingSource::Resource, vec!["sync.get-resource", DELETE]),
                    new_user(vec![CHECK, CREATE]),
                    user(argument("user_id"), vec![ENABLE, DISABLE]),
                ]
            ),
            ("ListGroups", vec![]),
            ("ListUsersInGroup", vec![group(vec!["sync.list-grants"])]),
            (
                "AdminListGroupsForUser",
                vec![user(
                    BindingSource::Principal,
                    vec!["sync.list-grants", GRANT, REVOKE]
                )]
            ),
            ("DescribeUserPool", vec![]),
            (
                "AdminAddUserToGroup",
                vec![
                    user(BindingSource::Principal, vec![GRANT]),
                    group(vec![GRANT])
                ]
            ),
            (
                "AdminRemoveUserFromGroup",
                vec![
                    user(BindingSource::Principal, vec![REVOKE]),
                    group(vec![REVOKE])
                ]
            ),
            ("AdminCreateUser", vec![new_user(vec![CREATE])]),
            (
                "AdminDeleteUser",
                vec![user(BindingSource::Resource, vec![DELETE])]
            ),
            (
                "AdminEnableUser",
                vec![user(argument("user_id"), vec![ENABLE])]
            ),
            (
                "AdminDisableUser",
                vec![user(argument("user_id"), vec![DISABLE])]
            ),
        ]
    );
}

#[test]
fn beyond_that_a_request_may_only_page_and_filter() {
    let free: Vec<(String, Vec<String>)> = description()
        .wire
        .operations
        .into_iter()
        .filter(|operation| !operation.members.is_empty())
        .map(|operation| (operation.name, operation.members))
        .collect();
    let paging = ["Limit", "NextToken"].map(str::to_owned).to_vec();
    let filtered = ["Limit", "PaginationToken", "Filter"].map(str::to_owned);
    assert_eq!(
        free,
        [
            ("ListUsers".to_owned(), filtered.to_vec()),
            ("ListGroups".to_owned(), paging.clone()),
            ("ListUsersInGroup".to_owned(), paging.clone()),
            ("AdminListGroupsForUser".to_owned(), paging),
        ]
    );
}

#[test]
fn a_new_account_has_the_attributes_of_the_call_and_is_invited_only_if_that_was_asked() {
    let operations = description().wire.operations;
    let create = operations
        .iter()
        .find(|operation| operation.name == "AdminCreateUser");
    let bound = |member: &str| {
        let bound = create.unwrap().bound.iter().find(|b| b.member == member);
        let bound = bound.unwrap();
        (
            bound.sources.clone(),
            bound
                .when
                .clone()
                .map(|when| (when.argument, when.value, when.equals)),
        )
    };
    let invited = |equals| Some(("sendInviteEmail".to_owned(), "true".to_owned(), equals));
    let constant = |json: &str| vec![BindingSource::Constant(json.to_owned())];
    assert_eq!(
        bound("/MessageAction"),
        (constant("\"SUPPRESS\""), invited(false))
    );
    assert_eq!(
        bound("/DesiredDeliveryMediums"),
        (constant("[\"EMAIL\"]"), invited(true))
    );
    let (sources, when) = bound("/UserAttributes");
    assert_eq!(when, None);
    let [BindingSource::NamedArguments(list)] = sources.as_slice() else {
        panic!("the attributes are free");
    };
    assert_eq!(
        (list.name_member.as_str(), list.value_member.as_str()),
        ("Name", "Value")
    );
    assert_eq!(strs(&list.except), ["username", "sendInviteEmail"]);
}

#[test]
fn the_arguments_that_requests_are_bound_to_are_in_the_schemas() {
    let description = description();
    let fields: Vec<&str> = description
        .account_schema
        .iter()
        .chain(description.actions.iter().flat_map(|a| &a.arguments))
        .map(|field| field.name.as_str())
        .collect();
    for operation in &description.wire.operations {
        for source in operation.bound.iter().flat_map(|bound| &bound.sources) {
            if let BindingSource::Argument(name) = source {
                assert!(fields.contains(&name.as_str()), "{name}");
            }
        }
    }
}

#[test]
fn the_account_schema_names_what_has_a_meaning_of_its_own() {
    let fields: Vec<(String, SettingType)> = description()
        .account_schema
        .into_iter()
        .map(|field| {
            assert!(!field.required && !field.secret, "{}", field.name);
            assert!(field.help.ends_with('.'), "{}", field.help);
            (field.name, field.value_type)
        })
        .collect();
    let text = |name: &str| (name.to_owned(), SettingType::Text);
    assert_eq!(
        fields,
        [
            text("email"),
            text("given_name"),
            text("family_name"),
            text("username"),
            ("sendInviteEmail".to_owned(), SettingType::Boolean),
        ]
    );
}

#[test]
fn the_actions_are_those_that_can_be_invoked() {
    let actions = description().actions;
    let names: Vec<&str> = actions.iter().map(|action| action.name.as_str()).collect();
    assert_eq!(names, ["enable_user", "disable_user"]);
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
                .map(|limit| (limit.scope.clone(), limit.per_second))
                .collect()
        })
        .collect();
    let per_user = || (RateScope::Resource("/Username".to_owned()), 10);
    assert_eq!(
        limits,
        [
            vec![(RateScope::Account, 30)],
            vec![(RateScope::Account, 120), per_user()],
            vec![(RateScope::Account, 50), per_user()],
            vec![(RateScope::Account, 50), per_user()],
            vec![(RateScope::Account, 25), per_user()],
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
        assert_eq!(Endpoint::of_region(region).unwrap().uri(), uri);
    }
    assert!(!origins.iter().any(|origin| {
        let when = origin.when.as_ref().unwrap();
        when.prefixes
            .iter()
            .any(|prefix| "local".starts_with(prefix))
    }));
}

#[test]
fn only_the_pool_is_required_and_only_keys_are_secret() {
    let settings = description().settings;
    let names = |test: &dyn Fn(&SettingSchema) -> bool| -> Vec<String> {
        settings
            .iter()
            .filter(|setting| test(setting))
            .map(|setting| setting.name.clone())
            .collect()
    };
    assert_eq!(names(&|setting| setting.required), ["user-pool-id"]);
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
    assert!(kinds.iter().all(|kind| kind.parents.is_empty()));
    assert_eq!((user.accounts, group.accounts), (true, false));
}
