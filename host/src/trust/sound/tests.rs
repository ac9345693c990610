use super::super::TrustRecord;
use super::super::description::{
    Access, Authentication, Binding, BindingCondition, BindingSource, Derivation, NamedArguments,
    Operation, OriginCondition, Protocol, RateLimit, RateScope, Route,
};
use super::*;

fn good() -> Description {
    TrustRecord::bundled().unwrap().approved
}

fn check(description: &Description, names: &[&str], options: &[&str]) -> Result<(), String> {
    let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
    let taken = Taken {
        names,
        options: &options,
        option_of_field: |name| name.replace('_', "-").to_ascii_lowercase(),
        secrets: &["aws-secret-access-key", "aws-session-token"],
    };
    description
        .check_soundness(taken)
        .map_err(|unsound| unsound.to_string())
}

/// Changes a good description and returns why it is refused.
fn refused(change: impl FnOnce(&mut Description)) -> String {
    let mut description = good();
    change(&mut description);
    check(&description, &[], &["store"]).unwrap_err()
}

/// The same for one that speaks plain HTTP.
fn refused_http(change: impl FnOnce(&mut Description)) -> String {
    let mut description = http();
    change(&mut description);
    check(&description, &[], &["store"]).unwrap_err()
}

fn http() -> Description {
    let mut description = good();
    description.wire.protocol = Protocol::Http;
    for (index, operation) in description.wire.operations.iter_mut().enumerate() {
        operation.route = Some(Route {
            method: "POST".to_owned(),
            path: format!("/things/{{id}}/{index}"),
        });
    }
    description
}

#[track_caller]
fn assert_says(why: &str, expected: &str) {
    assert!(why.contains(expected), "{why}\nand not\n{expected}");
}

#[test]
fn an_honest_description_is_sound() {
    assert_eq!(check(&good(), &["other"], &["store"]), Ok(()));
    assert_eq!(check(&http(), &[], &[]), Ok(()));
}

#[test]
fn a_name_that_belongs_to_somebody_else_is_refused() {
    let name = good().name;
    let why = check(&good(), &[&name], &[]).unwrap_err();
    assert_says(&why, "takes the name of the bundled component");
    assert_says(
        &refused(|d| d.name = "Cognito-connector".to_owned()),
        "its name is `Cognito-connector`",
    );
    assert_says(&refused(|d| d.name = String::new()), "its name is ``");
}

#[test]
fn text_that_hides_something_or_that_nobody_reads_is_refused() {
    assert_says(
        &refused(|d| d.settings[0].help = "nice\u{1b}[2J".to_owned()),
        "characters that can't be seen: `nice\\u{1b}[2J`",
    );
    assert_says(
        &refused(|d| d.kinds[0].display_name = "us\u{202e}er".to_owned()),
        "can't be seen",
    );
    assert_says(
        &refused(|d| d.display_name = "x".repeat(2_001)),
        "more than 2000 characters",
    );
    assert_says(
        &refused(|d| {
            let one = d.actions[0].clone();
            d.actions.extend(std::iter::repeat_n(one, 2_000));
        }),
        "at most 262144 can be approved",
    );
}

#[test]
fn settings_that_could_not_be_given_or_would_leak_are_refused() {
    type Change = fn(&mut Vec<SettingSchema>);
    let cases: [(Change, &str); 14] = [
        (
            |s| s[0].name = "Pool".to_owned(),
            "the name of a setting is `Pool`",
        ),
        (
            |s| s[0].name = "a_b".to_owned(),
            "the name of a setting is `a_b`",
        ),
        (
            |s| s[0].name = "-a".to_owned(),
            "the name of a setting is `-a`",
        ),
        (|s| s[0].name = "store".to_owned(), "option --store"),
        (|s| s[1].name = s[0].name.clone(), "stands twice"),
        (|s| s[0].pattern = Some("(".to_owned()), "is invalid"),
        (
            |s| s[0].secret = true,
            "is secret and says which system is meant",
        ),
        (
            |s| {
                s[4].secret = true;
                s[4].default_value = Some("x".to_owned());
            },
            "has a default",
        ),
        (
            |s| s[5].default_value = Some("https://10.0.0.1".to_owned()),
            "only you may name an endpoint",
        ),
        (
            |s| {
                s[5].derived_from = Some(Derivation {
                    setting: "region".to_owned(),
                    before: "-".to_owned(),
                });
            },
            "only you may name an endpoint",
        ),
        (
            |s| s[1].default_value = Some("no region".to_owned()),
            "does not accept",
        ),
        (
            |s| {
                s[1].derived_from = Some(Derivation {
                    setting: "nothing".to_owned(),
                    before: "_".to_owned(),
                });
            },
            "no such setting",
        ),
        (
            |s| {
                s[1].derived_from = Some(Derivation {
                    setting: "aws-secret-access-key".to_owned(),
                    before: "_".to_owned(),
                });
            },
            "follows from the secret",
        ),
        (
            |s| {
                s[1].derived_from = Some(Derivation {
                    setting: "user-pool-id".to_owned(),
                    before: String::new(),
                });
            },
            "before nothing",
        ),
    ];
    for (change, expected) in cases {
        assert_says(&refused(|d| change(&mut d.settings)), expected);
    }
}

#[test]
fn fields_and_actions_that_could_not_be_typed_are_refused() {
    assert_says(
        &refused(|d| d.account_schema[0].name = "store".to_owned()),
        "option --store",
    );
    assert_says(
        &refused(|d| d.account_schema[0].name = "user_pool_id".to_owned()),
        "as something else of it is",
    );
    assert_says(
        &refused(|d| d.account_schema[1].name = d.account_schema[0].name.clone()),
        "stands twice",
    );
    assert_says(
        &refused(|d| d.account_schema[0].name = "a b".to_owned()),
        "must be a name",
    );
    assert_says(
        &refused(|d| d.account_schema[0].name = "a:b".to_owned()),
        "as an option is `a:b`",
    );
    assert_says(
        &refused(|d| d.actions[0].name = "a/b".to_owned()),
        "must be a name",
    );
    assert_says(
        &refused(|d| d.actions[0].arguments[0].id_of = Some("robot".to_owned())),
        "no such kind",
    );
    assert_says(
        &refused(|d| d.kinds[0].plural = "All Users".to_owned()),
        "the plural of a kind is `All Users`",
    );
    assert_says(
        &refused(|d| d.kinds[1].entitlements[0].grantable_to = vec!["robot".to_owned()]),
        "no such kind",
    );
}

#[test]
fn origins_that_lead_nowhere_or_hide_where_are_refused() {
    assert_says(
        &refused(|d| d.wire.origins.clear()),
        "where its requests go",
    );
    assert_says(
        &refused(|d| d.wire.origins[0].template = "https://169.254.169.254".to_owned()),
        "not one of the internet",
    );
    assert_says(
        &refused(|d| d.wire.origins[0].template = "https://{nothing}.example.com".to_owned()),
        "`nothing` stands in an origin, and there is no such setting",
    );
    assert_says(
        &refused(|d| {
            d.wire.origins[0].template = "https://{aws-session-token}.example.com".to_owned();
        }),
        "it is secret",
    );
    assert_says(
        &refused(|d| {
            d.wire.origins[0].when = Some(OriginCondition {
                setting: "region".to_owned(),
                prefixes: Vec::new(),
            });
        }),
        "applies to no value",
    );
}

#[test]
fn credentials_come_from_settings_that_are_kept_secret() {
    assert_says(
        &refused(|d| d.wire.authentication = Authentication::Bearer("region".to_owned())),
        "is its token, and it is not declared secret",
    );
    assert_says(
        &refused(|d| d.wire.authentication = Authentication::Bearer("nothing".to_owned())),
        "no such setting",
    );
    assert_says(
        &refused(|d| {
            if let Authentication::Sigv4(sigv4) = &mut d.wire.authentication {
                sigv4.service = "sts/aws4_request".to_owned();
            }
        }),
        "the AWS service is",
    );
}

#[test]
fn operations_that_could_not_be_judged_or_paced_are_refused() {
    type Change = fn(&mut Description);
    let cases: [(Change, &str); 16] = [
        (
            |d| d.wire.operations[0].rate_class = "none".to_owned(),
            "and there is no such class",
        ),
        (
            |d| d.wire.operations[1].name = d.wire.operations[0].name.clone(),
            "stands twice",
        ),
        (
            |d| d.wire.operations[0].name = String::new(),
            "has no plain name",
        ),
        (
            |d| d.wire.operations[0].name = "ListUsers, and nothing else".to_owned(),
            "has no plain name",
        ),
        (
            |d| d.wire.operations[0].members.push("A = B".to_owned()),
            "is no member of a body or a query",
        ),
        (
            |d| d.wire.operations[0].permission = Some("a:B; free: nothing".to_owned()),
            "is no name of a right",
        ),
        (
            |d| d.wire.operations[0].members.push("UserPoolId".to_owned()),
            "fixes `/UserPoolId`, and may send anything as `UserPoolId`",
        ),
        (
            |d| {
                let one = d.wire.operations[0].clone();
                d.wire.operations.extend((0..100).map(|number| Operation {
                    name: format!("Op{number}"),
                    ..one.clone()
                }));
            },
            "nobody approves more than 100",
        ),
        (
            |d| {
                d.wire.operations[0]
                    .functions
                    .push("describe.describe".to_owned())
            },
            "no function of the contract",
        ),
        (
            |d| {
                d.wire.operations[0]
                    .functions
                    .push("actions.invoke/none".to_owned())
            },
            "no function of the contract",
        ),
        (
            |d| d.wire.operations[0].access = Access::Change,
            "is sent by sync.list-resources, which only reads",
        ),
        (
            |d| d.wire.operations[0].kinds = vec!["robot".to_owned()],
            "no such kind",
        ),
        (
            |d| d.wire.protocol = Protocol::AwsJson(String::new()),
            "no name of a service",
        ),
        (
            |d| {
                d.wire.rate_classes[0].limits = vec![RateLimit {
                    scope: RateScope::Account,
                    per_second: 0,
                }];
            },
            "0 requests per second",
        ),
        (
            |d| {
                d.wire.rate_classes[1].limits.push(RateLimit {
                    scope: RateScope::Resource("/UserName".to_owned()),
                    per_second: 10,
                });
            },
            "has a limit about each `/UserName`, which none of its operations fixes",
        ),
        (
            |d| d.wire.resource_name = Some("arn:{nothing}".to_owned()),
            "no such setting",
        ),
    ];
    for (change, expected) in cases {
        assert_says(&refused(change), expected);
    }
}

#[test]
fn routes_that_could_not_be_told_apart_are_refused() {
    let route = |method: &str, path: &str| {
        Some(Route {
            method: method.to_owned(),
            path: path.to_owned(),
        })
    };
    for (new, expected) in [
        (None, "has no route"),
        (route("GET", "things"), "a path begins with /"),
        (route("GET", "/a//b"), "can't be recognised"),
        (route("GET", "/a/../b"), "can't be recognised"),
        (route("GET", "/a%2fb"), "can't be recognised"),
        (route("GET", "/a?x=1"), "can't be recognised"),
        (route("GET", "/{}"), "has no name"),
        (route("GET", "/{a}/{a}"), "stands twice"),
        (route("POST", "/things/{other}/1"), "the same route"),
        (route("CONNECT", "/a"), "the methods are"),
        (route("get", "/a"), "the methods are"),
        (route("DELETE", "/a"), "is said to read only"),
    ] {
        assert_says(
            &refused_http(|d| d.wire.operations[0].route = new.clone()),
            expected,
        );
    }
    assert_says(
        &refused(|d| d.wire.operations[0].route = route("GET", "/a")),
        "its protocol has no use for",
    );
}

#[test]
fn bindings_that_no_call_could_meet_are_refused() {
    let argument = |name: &str| vec![BindingSource::Argument(name.to_owned())];
    let resource = || vec![BindingSource::Resource];
    let bound = |member: &str, sources: Vec<BindingSource>, functions: &[&str]| Binding {
        member: member.to_owned(),
        sources,
        functions: functions.iter().map(|&name| name.to_owned()).collect(),
        when: None,
    };
    let constant = |json: &str| vec![BindingSource::Constant(json.to_owned())];
    let named = |name: &str, value: &str| {
        vec![BindingSource::NamedArguments(NamedArguments {
            name_member: name.to_owned(),
            value_member: value.to_owned(),
            except: Vec::new(),
        })]
    };
    let only_if = |argument: &str| Binding {
        when: Some(BindingCondition {
            argument: argument.to_owned(),
            value: "true".to_owned(),
            equals: true,
        }),
        ..bound("/A", resource(), &[])
    };
    for (binding, expected) in [
        (bound("UserPoolId", resource(), &[]), "no place in a body"),
        (bound("{user}", resource(), &[]), "its path does not have"),
        (bound("/", resource(), &[]), "no place in a body"),
        (bound("/A", Vec::new(), &[]), "fixes `/A` to nothing"),
        (
            bound("/A", resource(), &["provisioning.grant"]),
            "which does not send it",
        ),
        (
            bound(
                "/A",
                vec![BindingSource::Setting("nothing".to_owned())],
                &[],
            ),
            "no such setting",
        ),
        (
            bound("/A", argument("username"), &[]),
            "which no call that sends it has",
        ),
        (bound("?a", resource(), &[]), "no place in a body"),
        (bound("/A", constant("{"), &[]), "to `{`, which can't stand"),
        (bound("/A", named("", "Value"), &[]), "list of arguments"),
        (bound("/A", named("X", "X"), &[]), "list of arguments"),
        (only_if("username"), "by the argument `username`"),
    ] {
        assert_says(
            &refused(|d| d.wire.operations[0].bound.push(binding.clone())),
            expected,
        );
    }
    for (binding, expected) in [
        (bound("{id}", constant("1"), &[]), "to `1`, which can't"),
        (
            bound("?a", named("Name", "Value"), &[]),
            "list of arguments",
        ),
        (bound("?a b", resource(), &[]), "no place in a body"),
    ] {
        assert_says(
            &refused_http(|d| d.wire.operations[0].bound.push(binding.clone())),
            expected,
        );
    }
    for (member, expected) in [("", "may send ``"), ("?a", "may send `?a`")] {
        assert_says(
            &refused(|d| d.wire.operations[0].members.push(member.to_owned())),
            expected,
        );
    }
    assert_says(
        &refused_http(|d| d.wire.operations[0].members.push("?a=b".to_owned())),
        "may send `?a=b`",
    );
}

#[test]
fn a_secret_that_was_set_for_the_bundled_component_is_not_given_away() {
    let loot = "`aws-secret-access-key` has the name of a secret of the bundled component";
    assert_says(
        &refused(|it| it.wire.authentication = Authentication::None),
        loot,
    );
    // As a token it would be sent in clear.
    let token = "aws-secret-access-key".to_owned();
    assert_says(
        &refused(|it| it.wire.authentication = Authentication::Bearer(token)),
        loot,
    );
    // Signed with something else, it has no use for the real one.
    assert_says(
        &refused(|it| {
            let Authentication::Sigv4(sigv4) = &mut it.wire.authentication else {
                panic!("the bundled component signs");
            };
            let mut own = it.settings.clone();
            own.retain(|setting| setting.name == sigv4.secret_access_key_setting);
            for setting in &mut own {
                setting.name = "own-key".to_owned();
            }
            it.settings.extend(own);
            sigv4.secret_access_key_setting = "own-key".to_owned();
        }),
        loot,
    );
}

#[test]
fn a_condition_that_always_holds_or_reads_as_another_is_none() {
    for prefix in ["", "cn-, or nothing", "CN", "cn-\""] {
        let why = refused(|d| {
            let conditions = d.wire.origins.iter_mut().filter_map(|it| it.when.as_mut());
            for when in conditions {
                when.prefixes.push(prefix.to_owned());
            }
        });
        assert_says(&why, "lower-case letters, digits and hyphens");
    }
}

#[test]
fn a_version_is_no_place_for_claims() {
    for version in ["", "0.1.0; verified", "0.1.0 trusted", &"1".repeat(65)] {
        assert_says(
            &refused(|d| d.version = version.to_owned()),
            "its version is",
        );
    }
    let mut description = good();
    description.version = "1.2.3-rc.1+build".to_owned();
    assert_eq!(check(&description, &[], &[]), Ok(()));
}
