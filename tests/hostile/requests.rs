//! What a reading call may send: its own operations, about this pool, in one reading only.

use fake_cognito::Operation;

use crate::bench::{Bench, OTHER_POOL, POOL, list};
use connector_host::cli::ExitCode;

const DELETE_BOB: &str =
    r#"AdminDeleteUser {"UserPoolId":"eu-central-1_Ab1Cd2Ef3","Username":"bob"}"#;

#[tokio::test]
async fn an_operation_that_nobody_approved_is_refused_by_its_name() {
    let bench = Bench::start().await;
    let attack = format!(r#"send-instead with AdminSetUserPassword {{"UserPoolId":"{POOL}"}}"#);
    let refused = bench.refused(&attack, &list("user")).await;
    refused.is_denied(
        "operation",
        &[
            "'AdminSetUserPassword'",
            "not in the component's trust record",
        ],
    );
}

#[tokio::test]
async fn an_operation_of_another_prefix_or_spelling_is_another_operation() {
    let bench = Bench::start().await;
    for target in [
        "AWSCognitoIdentityService.ListUsers",
        "AWSCognitoIdentityProviderService.listusers",
        "AWSCognitoIdentityProviderService.ListUsers ,AWSCognitoIdentityProviderService.AdminDeleteUser",
        "ListUsers",
    ] {
        let refused = bench
            .refused(&format!("target with {target}"), &list("user"))
            .await;
        refused.is_denied("operation", &["not in the component's trust record"]);
        bench.server.log().clear();
    }
}

#[tokio::test]
async fn a_list_changes_nothing_although_changes_are_permitted() {
    let bench = Bench::start().await;
    let words = ["AdminDeleteUser", "during sync.list-resources"];
    let refused = bench
        .refused(&format!("send-instead with {DELETE_BOB}"), &list("user"))
        .await;
    refused.is_denied("function", &words);

    // Beside an honest request it is refused as well, and no answer makes up for it.
    for attack in ["send-first", "send-afterwards"] {
        bench.server.log().clear();
        let refused = bench
            .refused(&format!("{attack} with {DELETE_BOB}"), &list("user"))
            .await;
        refused.is_denied_after(&[Operation::ListUsers], "function", &words);
    }
}

#[tokio::test]
async fn a_record_that_assigns_a_change_to_a_list_does_not_make_it_one() {
    let bench = Bench::start().await;
    let attack = format!("send-instead with {DELETE_BOB}");
    let mut terms = bench.terms();
    terms.approve = &|described| {
        for operation in &mut described.wire.operations {
            if operation.name == "AdminDeleteUser" {
                operation.functions.push("sync.list-resources".to_owned());
            }
        }
    };
    let hostile = bench.hostile_on(&attack, terms).await;
    let refused = bench.refused_by(&hostile, &list("user")).await;
    refused.is_denied("reading-call", &["AdminDeleteUser", "that call only reads"]);
}

/// What nobody but a person can see is whether an operation that is called reading reads.
/// What is left to the host: it goes with the calls that it was approved for, about what
/// these calls are about.
#[tokio::test]
async fn a_change_that_is_called_reading_passes_in_no_other_call() {
    let bench = Bench::start().await;
    let attack = format!("send-instead with {DELETE_BOB}");
    let mut terms = bench.terms();
    terms.approve = &|described| {
        for operation in &mut described.wire.operations {
            if operation.name == "AdminDeleteUser" {
                operation.access = connector_host::trust::description::Access::Read;
            }
        }
    };
    let hostile = bench.hostile_on(&attack, terms).await;
    let refused = bench.refused_by(&hostile, &list("user")).await;
    refused.is_denied(
        "function",
        &["AdminDeleteUser", "only during provisioning.delete-account"],
    );
}

#[tokio::test]
async fn another_pool_is_refused_however_its_name_is_written() {
    let bench = Bench::start().await;
    let pool = format!(r#""UserPoolId":"{POOL}""#);
    let other = format!(r#""UserPoolId":"{OTHER_POOL}""#);
    let escaped: String = OTHER_POOL.bytes().map(|b| format!("\\u{b:04x}")).collect();
    for replacement in [
        other.clone(),
        format!(r#""UserPoolId":"{escaped}""#),
        format!(r#""UserPoolId":["{OTHER_POOL}"]"#),
        r#""UserPoolId":null"#.to_owned(),
        format!(r#""UserPoolId":"{POOL} ""#),
        format!(r#""UserPoolId":"{POOL}\u0000""#),
    ] {
        let attack = format!("replace with {pool} by {replacement}");
        let refused = bench.refused(&attack, &list("user")).await;
        refused.is_denied("binding", &["ListUsers", "/UserPoolId", "user-pool-id"]);
        assert!(!refused.failure.message.contains(OTHER_POOL), "{refused:?}");
        bench.server.log().clear();
    }
}

#[tokio::test]
async fn a_pool_that_is_named_twice_is_refused_whichever_comes_first() {
    let bench = Bench::start().await;
    let pool = format!(r#""UserPoolId":"{POOL}""#);
    let other = format!(r#""UserPoolId":"{OTHER_POOL}""#);
    let escaped = format!(r#""\u0055serPoolId":"{OTHER_POOL}""#);
    for twice in [
        format!("{pool},{other}"),
        format!("{other},{pool}"),
        format!("{pool},{escaped}"),
        format!("{pool},{pool}"),
    ] {
        let attack = format!("replace with {pool} by {twice}");
        let refused = bench.refused(&attack, &list("user")).await;
        refused.is_denied("body", &["ListUsers", "a key stands twice"]);
        bench.server.log().clear();
    }
}

#[tokio::test]
async fn a_body_in_another_encoding_is_refused() {
    let bench = Bench::start().await;
    for attack in ["utf-16", "gzip"] {
        let refused = bench.refused(attack, &list("user")).await;
        refused.is_denied("body", &["ListUsers", "not JSON"]);
        bench.server.log().clear();
    }
}

#[tokio::test]
async fn a_second_operation_in_the_headers_is_refused() {
    let bench = Bench::start().await;
    let second = "AWSCognitoIdentityProviderService.AdminDeleteUser";
    let refused = bench
        .refused(
            &format!("header with X-Amz-Target: {second}"),
            &list("user"),
        )
        .await;
    refused.is_denied("protocol", &["x-amz-target", "twice"]);
}

#[tokio::test]
async fn another_method_or_content_type_is_refused() {
    let bench = Bench::start().await;
    for attack in [
        "method with PUT",
        "header with content-type: application/x-www-form-urlencoded",
    ] {
        let refused = bench.refused(attack, &list("user")).await;
        refused.is_denied("protocol", &["does not keep to its own protocol"]);
        bench.server.log().clear();
    }
}

#[tokio::test]
async fn a_member_that_nobody_approved_is_refused_by_its_name() {
    let bench = Bench::start().await;
    for (member, name) in [
        (
            r#"{"AttributesToGet":["custom:password"]}"#,
            "'AttributesToGet'",
        ),
        (r#"{"ClientMetadata":{"a":"b"}}"#, "'ClientMetadata'"),
        (r#"{"userPoolId":"eu-central-1_Zz9Yy8Xx7"}"#, "'userPoolId'"),
    ] {
        let refused = bench
            .refused(&format!("member with {member}"), &list("user"))
            .await;
        refused.is_denied("member", &["ListUsers", name]);
        bench.server.log().clear();
    }
}

#[tokio::test]
async fn a_request_that_is_larger_than_any_honest_one_is_refused() {
    let bench = Bench::start().await;
    let refused = bench.refused("huge-body", &list("user")).await;
    refused.is(
        ExitCode::Component,
        &["size"],
        &["the limit `request-body` of 1 MiB"],
    );
    assert_eq!(refused.sent, []);
}
