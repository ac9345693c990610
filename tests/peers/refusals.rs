//! What a peer refuses is reported as what it is, and never becomes a snapshot.
//!
//! MiniStack refuses in the format of the service, moto in XML as some front ends of AWS
//! do: the same refusal has to be understood in both.

use serde_json::Value;

use crate::connector::Connector;
use crate::peer::{Key, Peer, ministack, moto};

/// An access key in the form of a real one that nobody was given.
const UNKNOWN_KEY: &str = "AKIAIOSFODNN7UNKNOWN";

#[test]
fn a_wrong_secret_and_an_unknown_key_are_credentials_rejected() {
    for peer in [ministack(), moto()] {
        for key in rejected_keys(&peer) {
            let connector = Connector::new(&peer, &peer.seed.pool, &key);
            let error = connector.sync().assert_code(16).error();
            assert!(
                !error.to_string().contains(&key.secret),
                "the secret is in the message"
            );
            connector.assert_nothing_is_current();
            connector
                .on_pool(&["validate", "-o", "json"])
                .assert_code(16);
            connector
                .on_pool(&["get", "user:user-0001", "-o", "json"])
                .assert_code(16);
        }
    }
}

#[test]
fn temporary_credentials_are_rejected_with_another_token_and_refused_without_one() {
    let peer = ministack();
    let session = &peer.seed.session;
    let with_token = |token: Option<String>| {
        let key = Key {
            token,
            ..session.clone()
        };
        Connector::new(&peer, &peer.seed.pool, &key)
    };
    let user = ["get", "user:user-0001", "-o", "json"];
    with_token(session.token.clone())
        .on_pool(&user)
        .assert_code(0);

    let foreign = with_token(Some("a-token-of-somebody-else".to_owned()));
    foreign.on_pool(&user).assert_code(16);
    foreign.sync().assert_code(16);
    foreign.assert_nothing_is_current();

    // The key id alone tells that a token is missing, so nothing is sent.
    let halved = with_token(None);
    halved.on_pool(&user).assert_code(3);
    halved.assert_nothing_is_current();
}

#[test]
fn a_missing_right_is_named_and_leaves_a_partial_run_that_is_not_current() {
    let cases: [(&str, &[&str]); 2] = [
        ("without_members", &["ListUsersInGroup"]),
        (
            "without_users_and_members",
            &["ListUsers", "ListUsersInGroup"],
        ),
    ];
    for peer in [ministack(), moto()] {
        for (key, missing) in cases {
            let connector = Connector::new(&peer, &peer.seed.pool, &peer.key(key));
            let error = connector.sync().assert_code(7).error();
            assert_eq!(named_rights(&error["message"]), missing, "{error}");
            connector.assert_nothing_is_current();

            let runs = connector
                .on_store(&["syncs", "-o", "json"])
                .assert_code(0)
                .json();
            let states: Vec<&str> = runs
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|run| run["state"].as_str())
                .collect();
            assert_eq!(states, ["partial"], "{runs}");
        }
    }
}

#[test]
fn validate_passes_with_every_reading_right() {
    for peer in [ministack(), moto()] {
        let connector = Connector::new(&peer, &peer.seed.pool, &peer.key("reader"));
        let report = connector
            .on_pool(&["validate", "-o", "json"])
            .assert_code(0)
            .json();
        assert_eq!(report["ok"], true, "{report}");
        let checks = report["checks"]
            .as_array()
            .expect("validate lists its checks");
        assert!(
            checks.iter().any(|check| check["status"] == "ok"),
            "{report}"
        );
        assert!(
            checks.iter().all(|check| check["status"] != "failed"),
            "{report}"
        );
    }
}

#[test]
fn validate_names_the_right_that_is_missing() {
    for peer in [ministack(), moto()] {
        let connector = Connector::new(&peer, &peer.seed.pool, &peer.key("without_members"));
        let report = connector
            .on_pool(&["validate", "-o", "json"])
            .assert_code(7)
            .json();
        assert_eq!(report["ok"], false, "{report}");
        let checks = report["checks"]
            .as_array()
            .expect("validate lists its checks");
        let failed: Vec<String> = checks
            .iter()
            .filter(|check| check["status"] == "failed")
            .map(Value::to_string)
            .collect();
        assert_eq!(failed.len(), 1, "{report}");
        assert!(
            failed[0].contains("cognito-idp:ListUsersInGroup"),
            "{report}"
        );
    }
}

#[test]
fn what_does_not_exist_is_not_found() {
    for peer in [ministack(), moto()] {
        let connector = Connector::new(&peer, &peer.seed.missing_pool, &peer.key("anything"));
        let error = connector.sync().assert_code(5).error();
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| message.contains(&peer.seed.missing_pool)),
            "{error}"
        );
        connector.assert_nothing_is_current();

        let connector = Connector::new(&peer, &peer.seed.pool, &peer.key("reader"));
        connector
            .on_pool(&["get", "user:nobody", "-o", "json"])
            .assert_code(5);
        connector
            .on_pool(&["get", "group:nothing", "-o", "json"])
            .assert_code(5);
    }
}

fn rejected_keys(peer: &Peer) -> [Key; 2] {
    let key = peer.key("reader");
    let wrong_secret = Key {
        secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYNOTTHISKEY".to_owned(),
        ..key.clone()
    };
    [
        wrong_secret,
        Key {
            id: UNKNOWN_KEY.to_owned(),
            ..key
        },
    ]
}

/// Every `cognito-idp:Operation` in a message, sorted, each once.
pub(crate) fn named_rights(message: &Value) -> Vec<&str> {
    let mut rights: Vec<&str> = message
        .as_str()
        .into_iter()
        .flat_map(|text| text.split("cognito-idp:").skip(1))
        .map(|rest| {
            rest.split(|letter: char| !letter.is_ascii_alphanumeric())
                .next()
                .unwrap_or_default()
        })
        // In an ARN the region follows.
        .filter(|name| name.starts_with(|letter: char| letter.is_ascii_uppercase()))
        .collect();
    rights.sort_unstable();
    rights.dedup();
    rights
}
