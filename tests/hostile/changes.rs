//! What a changing call may send: the one change that was asked for, and nothing besides.

use std::sync::atomic::AtomicBool;

use connector_host::cli::{ExitCode, Failure};
use connector_host::engine::Request;
use connector_host::provision::journal::Journal;
use connector_host::provision::rules::Rules;
use connector_host::provision::{Provisioner, Stop};
use connector_host::store::Connection;
use fake_cognito::Operation::{
    self, AdminAddUserToGroup, AdminListGroupsForUser, DescribeUserPool,
};

use crate::bench::{Bench, OTHER_POOL, POOL, create, delete, disable, grant, revoke};

fn add(pool: &str, user: &str, group: &str) -> String {
    format!(
        r#"AdminAddUserToGroup {{"UserPoolId":"{pool}","Username":"{user}","GroupName":"{group}"}}"#
    )
}

/// A change that must be refused before anything of it is sent.
async fn is_refused(attack: &str, asked: &Request, rule: &str, words: &[&str], seen: &[Operation]) {
    let bench = Bench::start().await;
    let refused = bench.refused(attack, asked).await;
    refused.is_denied_after(seen, rule, words);
    let pool = bench.server.pool(POOL).unwrap();
    let members: Vec<String> = pool.members("admins").collect();
    assert_eq!(members, Vec::<String>::new());
    assert_eq!(pool.users().count(), 2);
}

#[tokio::test]
async fn a_grant_for_somebody_else_is_refused() {
    let attack = format!(
        "send-instead during grant with {}",
        add(POOL, "bob", "admins")
    );
    let words = ["AdminAddUserToGroup", "/Username", "principal"];
    is_refused(&attack, &grant("alice", "admins"), "binding", &words, &[]).await;
}

#[tokio::test]
async fn a_grant_of_something_else_is_refused() {
    let attack = format!(
        "send-instead during grant with {}",
        add(POOL, "alice", "admins")
    );
    let words = ["AdminAddUserToGroup", "/GroupName", "resource"];
    is_refused(
        &attack,
        &grant("alice", "developers"),
        "binding",
        &words,
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_grant_in_another_pool_is_refused() {
    let attack = format!(
        "send-instead during grant with {}",
        add(OTHER_POOL, "alice", "admins")
    );
    let words = ["AdminAddUserToGroup", "/UserPoolId"];
    is_refused(&attack, &grant("alice", "admins"), "binding", &words, &[]).await;
}

#[tokio::test]
async fn a_revocation_can_not_be_a_grant() {
    let attack = format!(
        "send-instead during revoke with {}",
        add(POOL, "bob", "admins")
    );
    let words = [
        "AdminAddUserToGroup",
        "during provisioning.revoke",
        "only during provisioning.grant",
    ];
    is_refused(&attack, &revoke("bob", "admins"), "function", &words, &[]).await;
}

#[tokio::test]
async fn one_action_can_not_be_another() {
    let attack = format!(
        r#"send-instead during invoke at AdminDisableUser with AdminEnableUser {{"UserPoolId":"{POOL}","Username":"alice"}}"#
    );
    let words = ["AdminEnableUser", "actions.invoke/enable_user"];
    is_refused(&attack, &disable("alice"), "function", &words, &[]).await;
}

#[tokio::test]
async fn the_deletion_of_somebody_else_is_refused() {
    let attack = format!(
        r#"send-instead during delete-account with AdminDeleteUser {{"UserPoolId":"{POOL}","Username":"bob"}}"#
    );
    let words = ["AdminDeleteUser", "/Username", "resource"];
    is_refused(&attack, &delete("alice"), "binding", &words, &[]).await;
}

#[tokio::test]
async fn an_account_is_created_without_anything_that_was_not_asked_for() {
    for (member, name) in [
        (r#"{"ClientMetadata":{"role":"admin"}}"#, "'ClientMetadata'"),
        (
            r#"{"ValidationData":[{"Name":"a","Value":"b"}]}"#,
            "'ValidationData'",
        ),
        (r#"{"ForceAliasCreation":true}"#, "'ForceAliasCreation'"),
        (
            r#"{"TemporaryPassword":"Known-to-me-1"}"#,
            "'TemporaryPassword'",
        ),
        (
            r#"{"DesiredDeliveryMediums":["SMS"]}"#,
            "'DesiredDeliveryMediums'",
        ),
    ] {
        let attack = format!("member during create-account at AdminCreateUser with {member}");
        let words = ["AdminCreateUser", name];
        is_refused(
            &attack,
            &create("carol@example.com"),
            "member",
            &words,
            &[DescribeUserPool],
        )
        .await;
    }
}

#[tokio::test]
async fn an_account_is_created_as_it_was_asked_for() {
    for (member, name) in [
        // An invitation that nobody asked for.
        (r#"{"MessageAction":"RESEND"}"#, "/MessageAction"),
        (r#"{"Username":"mallory@example.com"}"#, "/Username"),
        // Another address, and an attribute that decides about rights somewhere else.
        (
            r#"{"UserAttributes":[{"Name":"email","Value":"mallory@example.com"}]}"#,
            "/UserAttributes",
        ),
        (
            r#"{"UserAttributes":[{"Name":"email","Value":"carol@example.com"},{"Name":"custom:role","Value":"admin"}]}"#,
            "/UserAttributes",
        ),
        (r#"{"UserAttributes":[]}"#, "/UserAttributes"),
    ] {
        let attack = format!("member during create-account at AdminCreateUser with {member}");
        let words = ["AdminCreateUser", name];
        is_refused(
            &attack,
            &create("carol@example.com"),
            "binding",
            &words,
            &[DescribeUserPool],
        )
        .await;
    }
}

#[tokio::test]
async fn nothing_is_changed_where_changes_are_not_permitted() {
    let bench = Bench::start().await;
    let mut terms = bench.terms();
    terms.provisioning = false;
    let hostile = bench.hostile_on("none", terms).await;
    let refused = bench.refused_by(&hostile, &delete("bob")).await;
    refused.is_denied("provisioning", &["AdminDeleteUser", "provisioning is off"]);
}

#[tokio::test]
async fn a_further_change_after_the_asked_one_is_refused_and_told() {
    for (further, rule) in [
        // The same once more, and the same for somebody else.
        (add(POOL, "alice", "admins"), "second-change"),
        (add(POOL, "bob", "admins"), "binding"),
    ] {
        let bench = Bench::start().await;
        let attack = format!("send-afterwards during grant at AdminAddUserToGroup with {further}");
        let hostile = bench.hostile(&attack).await;
        let error = bench
            .call(&hostile, &grant("alice", "admins"))
            .await
            .unwrap_err();
        assert!(error.leaves_outcome_open(), "it was made: {error}");
        let failure = Failure::from(&error);
        assert_eq!(failure.code, ExitCode::PermissionDenied, "{failure:?}");
        assert!(
            failure.message.contains("AdminAddUserToGroup refused"),
            "{failure:?}"
        );
        assert_eq!(hostile.recorder.rules(), [rule]);
        assert_eq!(bench.sent(), [AdminListGroupsForUser, AdminAddUserToGroup]);
        let pool = bench.server.pool(POOL).unwrap();
        let members: Vec<String> = pool.members("admins").collect();
        assert_eq!(members, ["alice"]);
    }
}

#[tokio::test]
async fn a_change_that_was_only_claimed_is_not_believed() {
    let bench = Bench::start().await;
    for (during, asked) in [
        ("grant", grant("alice", "admins")),
        ("revoke", revoke("bob", "developers")),
        ("delete-account", delete("bob")),
    ] {
        let hostile = bench.hostile(&format!("claim-it during {during}")).await;
        let error = bench.call(&hostile, &asked).await.unwrap_err();
        let failure = Failure::from(&error);
        assert_eq!(failure.code, ExitCode::Component, "{failure:?}");
        assert!(failure.message.contains("it sent no change"), "{failure:?}");
    }
    assert_eq!(bench.requests(), 0);
}

/// Carries a change out as a command does, with a look before and after and an audit file,
/// and returns its end and the last record.
async fn carried_out(bench: &Bench, attack: &str) -> (Failure, serde_json::Value) {
    let hostile = bench.hostile(attack).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let connection = Connection {
        component: "hostile-connector".to_owned(),
        origin: bench.server.endpoint(),
        settings: hostile.connector.settings().identifying(),
    };
    let journal = Journal::open(&file, &connection, None).unwrap();
    let provisioner = Provisioner {
        rules: &Rules::new([], 1),
        journal: Some(&journal),
        dry_run: false,
        stop: &Stop::default(),
    };
    let Request::Change(change) = grant("alice", "admins") else {
        panic!("a grant is a change");
    };
    let mut conversation = hostile.connector.conversation();
    let is_sent = AtomicBool::new(false);
    let (ended, ()) = tokio::join!(
        provisioner.carry_out(&mut conversation, 1, &change, &is_sent),
        bench.neighbour.reads_everything()
    );
    let records = std::fs::read_to_string(&file).unwrap();
    let last = records.lines().last().unwrap();
    (
        Failure::from(&ended.unwrap_err()),
        serde_json::from_str(last).unwrap(),
    )
}

#[tokio::test]
async fn a_command_whose_component_did_more_than_asked_fails_and_says_what_was_done() {
    let bench = Bench::start().await;
    let attack = format!(
        "send-afterwards during grant at AdminAddUserToGroup with {}",
        add(POOL, "bob", "admins")
    );
    let (failure, record) = carried_out(&bench, &attack).await;
    assert_eq!(failure.code, ExitCode::PermissionDenied, "{failure:?}");
    for words in [
        "AdminAddUserToGroup refused",
        "the change itself took effect (granted)",
    ] {
        assert!(failure.message.contains(words), "{words}: {failure:?}");
    }
    // What was done is on record as done, so that it can be undone.
    assert_eq!(record["outcome"], "granted", "{record}");
    let pool = bench.server.pool(POOL).unwrap();
    let members: Vec<String> = pool.members("admins").collect();
    assert_eq!(members, ["alice"]);
}
