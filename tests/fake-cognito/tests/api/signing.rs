//! Everything that AWS refuses before an operation sees it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fake_cognito::{Clock, Key, Operation, PoolSpec};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use http_body_util::Full;
use serde_json::json;

use crate::client::{Answer, Client, KEY_ID, POOL, SECRET, config, serve, serve_config};

fn empty_pool() -> PoolSpec {
    PoolSpec::literal(POOL)
}

fn attempt(change: impl FnOnce(&mut Client)) -> Answer {
    let (_server, mut client) = serve(empty_pool());
    change(&mut client);
    client.call("ListUsers", json!({}))
}

fn refused(change: impl FnOnce(&mut Client)) -> (String, String) {
    let answer = attempt(change);
    let (kind, message) = answer.error();
    assert_eq!(
        answer.json(),
        json!({"__type": format!("com.amazon.coral.service#{kind}"), "Message": message})
    );
    (kind, message)
}

fn edit_authorization(request: &mut Request<Full<Bytes>>, edit: impl Fn(&str) -> String) {
    let text = request.headers()[AUTHORIZATION]
        .to_str()
        .unwrap()
        .to_owned();
    let edited = HeaderValue::from_str(&edit(&text)).unwrap();
    request.headers_mut().insert(AUTHORIZATION, edited);
}

#[test]
fn a_correct_signature_passes() {
    attempt(|_| {}).ok();
}

#[test]
fn wrong_keys_are_refused() {
    let (kind, message) = refused(|client| client.secret = "wrong".to_owned());
    assert_eq!(kind, "InvalidSignatureException");
    assert!(message.starts_with("The request signature we calculated does not match"));
    let (kind, message) = refused(|client| client.key_id = "AKIDUNKNOWN".to_owned());
    assert_eq!(kind, "UnrecognizedClientException");
    assert_eq!(
        message,
        "The security token included in the request is invalid."
    );
    assert_eq!(
        refused(|client| client.token = Some("stray".to_owned())).0,
        "UnrecognizedClientException"
    );
}

#[test]
fn a_wrong_scope_is_refused() {
    let (kind, message) = refused(|client| client.region = "eu-west-1".to_owned());
    assert_eq!(kind, "InvalidSignatureException");
    assert!(message.contains("valid region"));
    let (_, message) = refused(|client| client.service = "cognito-identity".to_owned());
    assert!(message.contains("correct service: 'cognito-idp'"));
}

#[test]
fn a_changed_request_is_refused() {
    type Tamper = fn(&mut Request<Full<Bytes>>);
    let changes: [(Tamper, &str); 8] = [
        (
            |r| *r.body_mut() = Full::from("{\"UserPoolId\": \"us-east-1_Example01\"}"),
            "InvalidSignatureException",
        ),
        (
            |r| {
                r.headers_mut().insert(
                    "x-amz-target",
                    HeaderValue::from_static("AWSCognitoIdentityProviderService.ListGroups"),
                );
            },
            "InvalidSignatureException",
        ),
        (
            |r| {
                r.headers_mut()
                    .insert("x-amz-extra", HeaderValue::from_static("1"));
            },
            "InvalidSignatureException",
        ),
        (
            |r| {
                r.headers_mut()
                    .insert("host", HeaderValue::from_static("elsewhere"));
            },
            "InvalidSignatureException",
        ),
        (
            |r| {
                r.headers_mut().remove(AUTHORIZATION);
            },
            "MissingAuthenticationTokenException",
        ),
        (
            |r| edit_authorization(r, |_| "Bearer abc".to_owned()),
            "IncompleteSignatureException",
        ),
        (
            |r| edit_authorization(r, |text| text.replace("host;", "")),
            "InvalidSignatureException",
        ),
        (
            |r| {
                r.headers_mut().remove("x-amz-date");
            },
            "IncompleteSignatureException",
        ),
    ];
    for (n, (tamper, expected)) in changes.into_iter().enumerate() {
        assert_eq!(
            refused(|client| client.tamper = tamper).0,
            expected,
            "change {n}"
        );
    }
}

#[test]
fn a_clock_more_than_five_minutes_off_is_refused_and_the_date_tells() {
    let clock = Clock::manual(1_740_000_000_000);
    let at =
        |offset: i64| SystemTime::UNIX_EPOCH + Duration::from_secs((1_740_000_000 + offset) as u64);
    let (_server, mut client) = serve_config(config(empty_pool()).clock(clock.clone()));
    for offset in [-299, 0, 299] {
        client.time = Some(at(offset));
        client.call("ListUsers", json!({})).ok();
    }
    client.time = Some(at(-360));
    let answer = client.call("ListUsers", json!({}));
    assert_eq!(answer.header("date"), "Wed, 19 Feb 2025 21:20:00 GMT");
    assert_eq!(
        answer.error().1,
        "Signature expired: 20250219T211400Z is now earlier than 20250219T211500Z (20250219T212000Z - 5 min.)"
    );
    client.time = Some(at(360));
    let (kind, message) = client.call("ListUsers", json!({})).error();
    assert_eq!(kind, "InvalidSignatureException");
    assert!(
        message.starts_with("Signature not yet current: 20250219T212600Z is still later"),
        "{message}"
    );
    clock.set_offset_ms(300_000);
    client.call("ListUsers", json!({})).ok();
}

#[test]
fn a_session_needs_its_token_and_ends() {
    let key = Key::new("ASIASESSION", SECRET).session_token("to+ken/=");
    let (server, mut client) = serve_config(config(empty_pool()).key(key));
    client.key_id = "ASIASESSION".to_owned();
    assert_eq!(
        client.call("ListUsers", json!({})).error_type(),
        "UnrecognizedClientException"
    );
    client.token = Some("to+ken/=".to_owned());
    client.call("ListUsers", json!({})).ok();
    server
        .credentials()
        .expire_at_ms("ASIASESSION", server.clock().now_ms());
    let (kind, message) = client.call("ListUsers", json!({})).error();
    assert_eq!(kind, "ExpiredTokenException");
    assert_eq!(
        message,
        "The security token included in the request is expired"
    );
}

#[test]
fn a_session_can_end_after_so_many_requests_that_were_signed_with_it() {
    let key = Key::new(KEY_ID, SECRET).expires_after(2);
    let (_server, mut client) = serve_config(config(empty_pool()).key(key));
    client.secret = "wrong".to_owned();
    for _ in 0..3 {
        let refused = client.call("ListUsers", json!({})).error().0;
        assert_eq!(refused, "InvalidSignatureException");
    }
    client.secret = SECRET.to_owned();
    for _ in 0..2 {
        client.call("ListUsers", json!({})).ok();
    }
    for _ in 0..2 {
        let refused = client.call("ListUsers", json!({})).error().0;
        assert_eq!(refused, "ExpiredTokenException");
    }
}

#[test]
fn a_key_may_do_what_its_policy_says() {
    let key = Key::new("AKIDREADER", SECRET)
        .user_name("reader")
        .allow_only([Operation::ListUsers]);
    let (server, mut client) = serve_config(config(empty_pool()).key(key));
    client.key_id = "AKIDREADER".to_owned();
    client.call("ListUsers", json!({})).ok();
    let (kind, message) = client.call("ListGroups", json!({})).error();
    assert_eq!(kind, "AccessDeniedException");
    assert_eq!(
        message,
        "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: cognito-idp:ListGroups on resource: arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Example01 because no identity-based policy allows the cognito-idp:ListGroups action"
    );
    server
        .credentials()
        .put(Key::new("AKIDREADER", SECRET).only_pools(["us-east-1_Other"]));
    assert_eq!(
        client.call("ListUsers", json!({})).error_type(),
        "AccessDeniedException"
    );
    server
        .credentials()
        .put(Key::new("AKIDREADER", SECRET).deny([Operation::ListUsers]));
    assert_eq!(
        client.call("ListUsers", json!({})).error_type(),
        "AccessDeniedException"
    );
    client.call("ListGroups", json!({})).ok();
    assert!(
        server
            .log()
            .entries()
            .iter()
            .all(|entry| entry.key_id.as_deref() == Some("AKIDREADER"))
    );
}

#[test]
fn another_content_type_is_no_operation() {
    let answer = attempt(|client| client.content_type = "application/json".to_owned());
    assert_eq!(answer.error_type(), "UnknownOperationException");
    let (_server, client) = serve(empty_pool());
    assert_eq!(client.key_id, KEY_ID);
    assert_eq!(
        client.call("Nothing", json!({})).error_type(),
        "UnknownOperationException"
    );
}
