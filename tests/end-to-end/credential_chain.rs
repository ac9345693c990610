//! Where credentials come from: a web identity, a role with an external id and a scope,
//! and neither a proxy nor a redirect on the way.

use std::process::Command;

use fake_cognito::{Config, Key};
use serde_json::{Value, json};

use crate::doubles::{Double, Received, Temporary, container, token_service};
use crate::support::{Bench, KEY_ID, SECRET, finish, small_pool};

const ROLE: &str = "arn:aws:iam::123456789012:role/auditor";
const EXTERNAL_ID: &str = "agreed/with+the=owner";

/// A service that knows only what is given out.
fn bench() -> Bench {
    Bench::start(
        Config::new()
            .pool(small_pool())
            .key(Temporary::numbered(0).key()),
    )
}

/// The program with a key that the service does not know and a token service that does.
fn command(bench: &Bench, service: &Double, arguments: &[&str]) -> Command {
    let mut command = bench.command(arguments);
    command.env("AWS_ENDPOINT_URL_STS", service.url());
    command
}

/// Region and key id of a signed request.
fn signed_by(request: &Received) -> (String, String) {
    let (_, rest) = request.head.split_once("Credential=").unwrap();
    let parts: Vec<&str> = rest.split('/').collect();
    (parts[2].to_owned(), parts[0].to_owned())
}

fn only(service: &Double) -> Received {
    let received = service.received();
    assert_eq!(received.len(), 1, "{received:?}");
    received[0].clone()
}

#[test]
fn a_role_is_assumed_with_the_given_key_and_the_external_id_is_sent() {
    for holder in ["sealed", "pass"] {
        let (bench, service) = (bench(), token_service(false));
        let mut command = command(&bench, &service, &["sync", "--role-arn", ROLE]);
        command.args(["--external-id", EXTERNAL_ID, "--credentials", holder]);
        let ran = finish(&mut command);
        assert_eq!(ran.code, 0, "{ran:?}");
        let request = only(&service);
        for (field, expected) in [
            ("Action", Some("AssumeRole")),
            ("RoleArn", Some(ROLE)),
            ("ExternalId", Some(EXTERNAL_ID)),
            ("RoleSessionName", Some("connector")),
            ("Policy", None),
        ] {
            assert_eq!(request.field(field).as_deref(), expected, "{field}");
        }
        // The region of the pool, where nobody names another.
        let pool_region = "eu-central-1".to_owned();
        assert_eq!(signed_by(&request), (pool_region, KEY_ID.to_owned()));
        let entries = bench.server.log().entries();
        let role_key = Some(Temporary::numbered(0).id);
        assert!(entries.iter().all(|entry| entry.key_id == role_key));
    }
}

#[test]
fn role_and_external_id_come_from_the_environment_too_and_so_does_the_region() {
    let (bench, service) = (bench(), token_service(false));
    let mut command = command(&bench, &service, &["get", "user:alice"]);
    command
        .env("CONNECTOR_ROLE_ARN", ROLE)
        .env("CONNECTOR_EXTERNAL_ID", EXTERNAL_ID)
        .env("AWS_REGION", "eu-west-3");
    let ran = finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let request = only(&service);
    assert_eq!(request.field("ExternalId").as_deref(), Some(EXTERNAL_ID));
    assert_eq!(signed_by(&request).0, "eu-west-3");
}

fn policy_sent(arguments: &[&str]) -> Value {
    let (bench, service) = (bench(), token_service(false));
    let mut command = command(&bench, &service, arguments);
    command.args(["--role-arn", ROLE, "--scope-credentials"]);
    let ran = finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let policy = only(&service).field("Policy").unwrap();
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let statement = &policy["Statement"][0];
    assert_eq!(statement["Effect"], "Allow");
    assert_eq!(
        statement["Resource"],
        bench.pool().arn().replace("000000000000", "123456789012")
    );
    statement["Action"].clone()
}

#[test]
fn scoped_credentials_can_do_what_the_command_does_on_this_pool_and_nothing_else() {
    let reading = json!([
        "cognito-idp:AdminGetUser",
        "cognito-idp:AdminListGroupsForUser",
        "cognito-idp:DescribeUserPool",
        "cognito-idp:ListGroups",
        "cognito-idp:ListUsers",
        "cognito-idp:ListUsersInGroup",
    ]);
    assert_eq!(policy_sent(&["sync"]), reading);
    // A sync changes nothing, whatever is permitted.
    assert_eq!(policy_sent(&["sync", "--provisioning"]), reading);
    let grant = ["grant", "group:admins:member", "user:bob"];
    let changing = policy_sent(&[&grant[..], &["--provisioning"]].concat());
    assert_eq!(changing.as_array().unwrap().len(), 12, "{changing}");
}

#[test]
fn a_role_that_may_not_be_assumed_is_named_and_nothing_is_sent() {
    let (bench, service) = (bench(), token_service(true));
    let mut command = command(&bench, &service, &["sync", "-o", "json"]);
    command.args(["--role-arn", ROLE]);
    let ran = finish(&mut command);
    ran.assert_refused(16, &[ROLE, "AccessDenied"]);
    assert!(ran.stderr.contains("--external-id"), "{ran:?}");
    assert!(!ran.stderr.contains(SECRET), "{ran:?}");
    assert_eq!(bench.server.log().total(), 0);
    assert!(!bench.store().exists());
}

#[test]
fn a_token_service_that_is_not_there_has_refused_nobody() {
    let bench = bench();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let mut command = bench.command(&["sync", "-o", "json"]);
    command.env("AWS_ENDPOINT_URL_STS", nobody);
    command.args(["--role-arn", ROLE]);
    let ran = finish(&mut command);
    ran.assert_refused(14, &["can't be reached"]);
    assert!(ran.stderr.contains("AWS_ENDPOINT_URL_STS"), "{ran:?}");
    assert!(!ran.stderr.contains("trust policy"), "{ran:?}");
}

#[test]
fn what_says_nothing_without_a_role_and_a_role_that_is_none_are_refused() {
    let bench = bench();
    for (arguments, words) in [
        (
            &["--external-id", "abc"][..],
            &["--external-id", "role"][..],
        ),
        (&["--scope-credentials"], &["--scope-credentials", "role"]),
        (&["--role-arn", "auditor"], &["`auditor`", "ARN"]),
        (
            &["--role-arn", ROLE, "--external-id", "a b"],
            &["--external-id"],
        ),
    ] {
        let ran = bench.run(&[&["get", "user:alice", "-o", "json"], arguments].concat());
        ran.assert_refused(3, words);
    }
    assert_eq!(bench.server.log().total(), 0);
}

/// The program with no key and a token of a web identity.
fn with_web_identity(bench: &Bench, service: &Double, arguments: &[&str]) -> Command {
    bench.write("web-token", "the-token-of-the-web-identity");
    let mut command = command(bench, service, arguments);
    command
        .env_remove("CONNECTOR_AWS_ACCESS_KEY_ID")
        .env_remove("CONNECTOR_AWS_SECRET_ACCESS_KEY")
        .env(
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            bench.folder.path().join("web-token"),
        )
        .env(
            "AWS_ROLE_ARN",
            "arn:aws:iam::123456789012:role/of-the-cluster",
        )
        .env("AWS_ROLE_SESSION_NAME", "cluster");
    command
}

#[test]
fn a_web_identity_is_exchanged_for_credentials() {
    let (bench, service) = (bench(), token_service(false));
    let ran = finish(&mut with_web_identity(
        &bench,
        &service,
        &["get", "user:alice"],
    ));
    assert_eq!(ran.code, 0, "{ran:?}");
    let request = only(&service);
    let field = |name| request.field(name).unwrap_or_default();
    assert_eq!(field("Action"), "AssumeRoleWithWebIdentity");
    assert_eq!(field("WebIdentityToken"), "the-token-of-the-web-identity");
    assert!(!request.head.to_ascii_lowercase().contains("authorization"));
}

#[test]
fn a_role_is_assumed_on_top_of_whatever_the_chain_yields() {
    let (bench, service) = (bench(), token_service(false));
    // The first key is the web identity's, the second one the role's.
    bench
        .server
        .credentials()
        .remove(&Temporary::numbered(0).id);
    let role_key = Temporary::numbered(1).key();
    bench.server.credentials().put(role_key);
    let mut command = with_web_identity(&bench, &service, &["get", "user:alice"]);
    command.args(["--role-arn", ROLE, "--external-id", EXTERNAL_ID]);
    let ran = finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let actions: Vec<_> = service
        .received()
        .iter()
        .map(|request| request.field("Action").unwrap())
        .collect();
    assert_eq!(actions, ["AssumeRoleWithWebIdentity", "AssumeRole"]);
    let (_, key) = signed_by(&service.received()[1]);
    assert_eq!(key, Temporary::numbered(0).id);
}

#[test]
fn an_expired_role_is_assumed_anew_in_the_middle_of_a_sync() {
    let bench = Bench::start(
        Config::new()
            .pool(small_pool())
            .key(Temporary::numbered(0).key().expires_after(2))
            .key(Temporary::numbered(1).key()),
    );
    let service = token_service(false);
    let mut command = command(&bench, &service, &["sync", "--role-arn", ROLE]);
    let ran = finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(service.received().len(), 2);
}

#[test]
fn no_proxy_of_the_environment_is_asked() {
    let bench = bench();
    let (endpoint, proxy) = (
        container(),
        Double::start(|_| (502, String::new(), String::new())),
    );
    let mut command = bench.command(&["get", "user:alice"]);
    command
        .env_remove("CONNECTOR_AWS_ACCESS_KEY_ID")
        .env_remove("CONNECTOR_AWS_SECRET_ACCESS_KEY")
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, proxy.url());
        command.env(name.to_ascii_lowercase(), proxy.url());
    }
    let ran = finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(endpoint.received().len(), 1);
    assert!(proxy.received().is_empty());
}

#[test]
fn a_redirect_to_other_credentials_is_not_followed() {
    let bench = bench();
    let elsewhere = container();
    let location = format!("location: {}\r\n", elsewhere.url());
    let endpoint = Double::start(move |_| (307, location.clone(), String::new()));
    let mut command = bench.command(&["get", "user:alice"]);
    command
        .env_remove("CONNECTOR_AWS_ACCESS_KEY_ID")
        .env_remove("CONNECTOR_AWS_SECRET_ACCESS_KEY")
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url());
    let ran = finish(&mut command);
    assert!([3, 14, 16].contains(&ran.code), "{ran:?}");
    assert!(!endpoint.received().is_empty());
    assert!(elsewhere.received().is_empty());
    assert_eq!(bench.server.log().total(), 0);
}

#[test]
fn a_key_that_the_service_does_not_know_is_refused_without_a_role() {
    let bench = bench();
    bench
        .server
        .credentials()
        .put(Key::new("AKIAOTHER", SECRET));
    let ran = bench.run(&["get", "user:alice"]);
    assert_eq!(ran.code, 16, "{ran:?}");
}
