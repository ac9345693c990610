use super::*;
use crate::documents::cognito;

const ACCOUNT: &str = "123456789012";
const ARN: &str = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCd12345";

fn settings_of(region: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("region".to_owned(), region.to_owned()),
        ("user-pool-id".to_owned(), format!("{region}_AbCd12345")),
    ])
}

fn policy(resource_name: Option<&str>, account_id: Option<&str>) -> Result<Policy, PolicyError> {
    let settings = settings_of("eu-central-1");
    iam_policy(&cognito(), &settings, resource_name, account_id, false)
}

fn resource(policy: &Policy) -> &str {
    policy.document["Statement"][0]["Resource"]
        .as_str()
        .unwrap()
}

#[test]
fn the_policy_names_all_twelve_actions_and_one_pool() {
    let policy = policy(Some(ARN), None).unwrap();
    assert_eq!(
        policy.document,
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "CognitoConnector",
                "Effect": "Allow",
                "Action": [
                    "cognito-idp:AdminAddUserToGroup",
                    "cognito-idp:AdminCreateUser",
                    "cognito-idp:AdminDeleteUser",
                    "cognito-idp:AdminDisableUser",
                    "cognito-idp:AdminEnableUser",
                    "cognito-idp:AdminGetUser",
                    "cognito-idp:AdminListGroupsForUser",
                    "cognito-idp:AdminRemoveUserFromGroup",
                    "cognito-idp:DescribeUserPool",
                    "cognito-idp:ListGroups",
                    "cognito-idp:ListUsers",
                    "cognito-idp:ListUsersInGroup",
                ],
                "Resource": ARN,
            }],
        })
    );
    assert_eq!(policy.notes, Vec::<String>::new());
}

#[test]
fn a_read_only_policy_has_the_five_documented_actions() {
    let settings = settings_of("eu-central-1");
    let policy = iam_policy(&cognito(), &settings, None, Some(ACCOUNT), true).unwrap();
    let statement = &policy.document["Statement"][0];
    assert_eq!(statement["Sid"], "CognitoConnectorReadOnly");
    assert_eq!(
        statement["Action"],
        json!([
            "cognito-idp:AdminGetUser",
            "cognito-idp:AdminListGroupsForUser",
            "cognito-idp:ListGroups",
            "cognito-idp:ListUsers",
            "cognito-idp:ListUsersInGroup",
        ])
    );
    assert_eq!(statement["Resource"], ARN);
}

#[test]
fn the_partition_follows_from_the_region() {
    for (region, partition) in [
        ("eu-central-1", "aws"),
        ("us-east-1", "aws"),
        ("local", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ] {
        let policy =
            iam_policy(&cognito(), &settings_of(region), None, Some(ACCOUNT), false).unwrap();
        assert_eq!(
            resource(&policy),
            format!("arn:{partition}:cognito-idp:{region}:{ACCOUNT}:userpool/{region}_AbCd12345")
        );
        // What the service says of itself in that partition is the same.
        let own = resource(&policy).to_owned();
        let settings = settings_of(region);
        let again = iam_policy(&cognito(), &settings, Some(&own), None, false).unwrap();
        assert_eq!(again, policy);
    }
}

#[test]
fn the_partition_that_the_service_names_counts_more_than_the_regions_name() {
    // An emulator is in the partition `aws`, whatever region it plays.
    let own = "arn:aws:cognito-idp:cn-north-1:000000000000:userpool/cn-north-1_AbCd12345";
    let settings = settings_of("cn-north-1");
    let policy = iam_policy(&cognito(), &settings, Some(own), None, false).unwrap();
    assert_eq!(resource(&policy), own);
}

#[test]
fn an_account_that_nobody_names_is_left_open_with_a_note() {
    let open = "arn:aws:cognito-idp:eu-central-1:*:userpool/eu-central-1_AbCd12345";
    // An emulator's name without an account says no more than nothing at all.
    for nameless in [
        None,
        Some("arn:aws:cognito-idp:local:local:userpool/local_x"),
        Some("arn:aws:cognito-idp:eu-central-1:*:userpool/eu-central-1_AbCd12345"),
        Some("arn:*:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCd12345"),
        Some("userpool/eu-central-1_AbCd12345"),
        Some(""),
    ] {
        let policy = policy(nameless, None).unwrap();
        assert_eq!(resource(&policy), open);
        let [note] = policy.notes.as_slice() else {
            panic!("{:?}", policy.notes);
        };
        assert!(note.contains("--account-id"), "{note}");
    }
}

#[test]
fn a_resource_without_an_account_needs_no_note() {
    let mut description = cognito();
    description.wire.resource_name = Some("arn:{partition}:s3:::{user-pool-id}".to_owned());
    let settings = settings_of("eu-central-1");
    let policy = iam_policy(&description, &settings, None, None, false).unwrap();
    assert_eq!(resource(&policy), "arn:aws:s3:::eu-central-1_AbCd12345");
    assert_eq!(policy.notes, Vec::<String>::new());
}

#[test]
fn a_given_account_and_the_services_word_may_agree_but_not_contradict() {
    let agreed = policy(Some(ARN), Some(ACCOUNT)).unwrap();
    assert_eq!(resource(&agreed), ARN);
    assert_eq!(agreed.notes, Vec::<String>::new());

    let refused = policy(Some(ARN), Some("999999999999")).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("--account-id is 999999999999"), "{text}");
    assert!(text.contains("belongs to 123456789012"), "{text}");
}

#[test]
fn what_is_no_account_id_is_refused_even_where_the_service_knows_better() {
    for wrong in [
        "",
        "*",
        "12345678901",
        "1234567890123",
        "1234-5678-9012",
        "１２３４",
    ] {
        let refused = policy(Some(ARN), Some(wrong)).unwrap_err();
        assert_eq!(refused, PolicyError::AccountId(wrong.to_owned()));
    }
}

#[test]
fn a_service_that_calls_itself_otherwise_gets_no_policy() {
    for other in [
        "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-central-1_AbCd12345",
        "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Other",
        "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/*",
    ] {
        let refused = policy(Some(other), None).unwrap_err();
        assert_eq!(
            refused,
            PolicyError::OtherSystem {
                found: other.to_owned(),
                expected: ARN.to_owned(),
            }
        );
    }
}

#[test]
fn a_setting_can_neither_widen_the_resource_nor_be_missing() {
    for wild in ["*", "eu-central-1_?", "${aws:username}"] {
        let mut settings = settings_of("eu-central-1");
        settings.insert("user-pool-id".to_owned(), wild.to_owned());
        let refused = iam_policy(&cognito(), &settings, None, None, false).unwrap_err();
        assert_eq!(refused, PolicyError::Wildcard("user-pool-id".to_owned()));
    }
    for missing in ["user-pool-id", "region"] {
        let mut settings = settings_of("eu-central-1");
        settings.remove(missing);
        let refused = iam_policy(&cognito(), &settings, None, None, false).unwrap_err();
        assert!(
            matches!(&refused, PolicyError::MissingSetting { setting, .. } if setting == missing),
            "{refused}"
        );
    }
}

#[test]
fn a_template_that_cannot_be_read_is_the_trust_records_fault() {
    let mut description = cognito();
    description.wire.resource_name = Some("arn:{partition".to_owned());
    let settings = settings_of("eu-central-1");
    let refused = iam_policy(&description, &settings, None, None, false).unwrap_err();
    assert!(refused.to_string().contains("trust record"), "{refused}");
}

#[test]
fn a_connector_whose_rights_are_not_those_of_iam_has_no_policy() {
    type Change = fn(&mut Description);
    let cases: [(Change, &str); 3] = [
        (
            |d| d.wire.authentication = Authentication::Bearer("token".to_owned()),
            "does not sign",
        ),
        (|d| d.wire.resource_name = None, "granted on"),
        (
            |d| {
                d.wire
                    .operations
                    .iter_mut()
                    .for_each(|o| o.permission = None)
            },
            "does not name",
        ),
    ];
    for (change, expected) in cases {
        let mut description = cognito();
        change(&mut description);
        let settings = settings_of("eu-central-1");
        let refused = iam_policy(&description, &settings, None, None, false).unwrap_err();
        let text = refused.to_string();
        assert!(
            text.contains("has no IAM policy") && text.contains(expected),
            "{text}"
        );
    }
}

fn of_session(changes: bool) -> Value {
    let settings = settings_of("eu-central-1");
    let policy = session_policy(&cognito(), &settings, Some(ACCOUNT), changes).unwrap();
    assert!(policy.len() <= MAX_SESSION_POLICY, "{}", policy.len());
    assert!(!policy.contains(char::is_whitespace), "it counts: {policy}");
    serde_json::from_str(&policy).unwrap()
}

#[test]
fn a_session_may_read_this_pool_and_change_it_only_where_changes_are_permitted() {
    let all = policy(Some(ARN), None).unwrap();
    let all = &all.document["Statement"][0];
    let permitted = &of_session(true)["Statement"][0];
    assert_eq!(permitted["Action"], all["Action"]);
    assert_eq!(permitted["Resource"], ARN);
    let reading = &of_session(false)["Statement"][0];
    assert_eq!(reading["Resource"], ARN);
    let expected = [
        "AdminGetUser",
        "AdminListGroupsForUser",
        "DescribeUserPool",
        "ListGroups",
        "ListUsers",
        "ListUsersInGroup",
    ];
    assert_eq!(
        reading["Action"],
        json!(expected.map(|name| format!("cognito-idp:{name}")))
    );
}

#[test]
fn a_policy_that_fits_into_no_session_is_none() {
    let mut description = cognito();
    for operation in &mut description.wire.operations {
        operation.permission = Some(format!("cognito-idp:{}{}", operation.name, "x".repeat(200)));
    }
    let settings = settings_of("eu-central-1");
    let error = session_policy(&description, &settings, Some(ACCOUNT), true).unwrap_err();
    assert!(
        matches!(error, PolicyError::TooLong { length } if length > MAX_SESSION_POLICY),
        "{error}"
    );
    assert!(session_policy(&description, &settings, Some(ACCOUNT), false).is_ok());
}
