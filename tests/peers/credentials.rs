//! What a peer that checks every signature makes of ours: the host's and the component's,
//! with a long-term key, with a session, and with that of a role.

use serde_json::{Value, json};

use crate::connector::Connector;
use crate::peer::{Key, Peer, ministack};
use crate::python;

const EXTERNAL_ID: &str = "agreed-with-the-owner";

#[test]
fn what_the_host_signs_is_accepted_and_so_is_what_the_component_signs() {
    let peer = ministack();
    for key in [peer.key("reader"), peer.seed.session.clone()] {
        let snapshots = ["sealed", "pass"].map(|holder| {
            let connector = Connector::new(&peer, &peer.seed.pool, &key)
                .environment("CONNECTOR_CREDENTIALS", holder);
            connector.sync().assert_code(0);
            connector.list("users").assert_code(0).stdout
        });
        assert_eq!(snapshots[0], snapshots[1]);
        assert!(!snapshots[0].is_empty());
    }
}

/// The role, and a key whose only right is to assume it.
fn role(peer: &Peer) -> (String, Key) {
    let administrator = peer.key("administrator");
    let arguments = [
        peer.endpoint.as_str(),
        &administrator.id,
        &administrator.secret,
    ];
    let wanted = json!({"name": "auditor", "external_id": EXTERNAL_ID});
    let made = python::run("role.py", &arguments, &wanted);
    let arn = made["arn"].as_str().expect("role.py prints an ARN");
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}],
    });
    let wanted = json!({"assumer": policy.to_string()});
    let mut made = python::run("keys.py", &arguments, &wanted);
    let key = serde_json::from_value(made["assumer"].take()).expect("keys.py prints a key");
    (arn.to_owned(), key)
}

#[test]
fn a_role_is_assumed_with_its_external_id_and_its_session_can_be_scoped() {
    let peer = ministack();
    let (arn, key) = role(&peer);
    let connector = || {
        Connector::new(&peer, &peer.seed.pool, &key)
            .environment("AWS_ENDPOINT_URL_STS", &peer.endpoint)
    };
    // The key itself may not read anything.
    connector().sync().assert_code(7);
    let with_role = || connector().environment("CONNECTOR_ROLE_ARN", &arn);
    with_role().sync().assert_code(16);
    with_role()
        .environment("CONNECTOR_EXTERNAL_ID", "of-somebody-else")
        .sync()
        .assert_code(16);

    let agreed = || with_role().environment("CONNECTOR_EXTERNAL_ID", EXTERNAL_ID);
    let count = |run: crate::connector::Run| run.assert_code(0).json()["users"].clone();
    let unscoped = count(agreed().sync());
    assert_ne!(unscoped, Value::from(0));
    for holder in ["sealed", "pass"] {
        let scoped = agreed()
            .environment("CONNECTOR_SCOPE_CREDENTIALS", "true")
            .environment("CONNECTOR_CREDENTIALS", holder);
        assert_eq!(count(scoped.sync()), unscoped);
    }
}
