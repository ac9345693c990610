use super::*;
use crate::cognito::fake::{Fake, answer, noon, with_header};
use crate::cognito::model::{GroupPage, User, UserPage};
use crate::cognito::signing::Keys;
use crate::cognito::transport::{SendError, SendErrorKind};
use crate::error::Error;
use http::HeaderName;
use std::time::UNIX_EPOCH;

use super::super::operations::Subject;

const EMPTY: &str = r#"{"Users":[]}"#;
const THROTTLE: &str = r#"{"__type":"TooManyRequestsException","message":"Rate exceeded"}"#;

fn client(fake: &Fake, max_attempts: u32) -> Client<Fake> {
    client_with(fake, max_attempts, "secret-hunter2-hunter2")
}

fn client_with(fake: &Fake, max_attempts: u32, secret: &str) -> Client<Fake> {
    let keys = Keys {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: secret.to_owned(),
        session_token: Some("token-hunter2-hunter2".to_owned()),
    };
    let signer = Signer::new(keys, "us-east-1".to_owned(), "cognito-idp");
    let endpoint = Endpoint::of_region("us-east-1").unwrap();
    Client::new(fake.clone(), endpoint, Some(signer), max_attempts)
}

fn call(client: &Client<Fake>) -> Result<(), Error> {
    let subject = Subject {
        pool: "us-east-1_AbCd12345",
        server: client.server(),
        group: None,
        user: None,
        with_cursor: false,
    };
    client
        .call::<UserPage<User>>(Operation::ListUsers, b"{}")
        .map(drop)
        .map_err(|failure| failure.into_error(Operation::ListUsers, &subject))
}

fn code_of(answers: impl IntoIterator<Item = http::Response<Vec<u8>>>) -> (String, bool) {
    let fake = Fake::answering(answers);
    let error = call(&client(&fake, 1)).unwrap_err();
    assert_eq!(fake.requests(), 1);
    (error.code, error.retryable)
}

fn millis(fake: &Fake) -> Vec<u128> {
    fake.slept().iter().map(Duration::as_millis).collect()
}

#[test]
fn a_request_is_signed_and_addressed_as_the_protocol_says() {
    let fake = Fake::answering([answer(200, EMPTY)]);
    call(&client(&fake, 1)).unwrap();
    assert_eq!(
        fake.line(0),
        "POST https://cognito-idp.us-east-1.amazonaws.com/"
    );
    let headers = fake.headers(0);
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "authorization",
            "content-type",
            "user-agent",
            "x-amz-date",
            "x-amz-security-token",
            "x-amz-target",
        ]
    );
    assert_eq!(headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(
        headers["x-amz-target"],
        "AWSCognitoIdentityProviderService.ListUsers"
    );
    assert_eq!(headers["x-amz-date"], "20250214T120000Z");
    assert_eq!(headers["x-amz-security-token"], "token-hunter2-hunter2");
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(
        authorization.starts_with(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250214/us-east-1/cognito-idp/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, \
             Signature="
        ),
        "{authorization}"
    );
    assert!(headers["x-amz-security-token"].is_sensitive());
}

#[test]
fn without_keys_a_request_carries_no_proof() {
    let fake = Fake::answering([answer(200, EMPTY)]);
    let endpoint = Endpoint::of_region("us-east-1").unwrap();
    call(&Client::new(fake.clone(), endpoint, None, 1)).unwrap();
    let headers = fake.headers(0);
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-type", "user-agent", "x-amz-target"]);
}

#[test]
fn without_keys_the_clock_does_not_matter_here() {
    let fake = Fake::answering([expired_by(20), answer(200, EMPTY)]);
    let endpoint = Endpoint::of_region("us-east-1").unwrap();
    let error = call(&Client::new(fake.clone(), endpoint, None, 3)).unwrap_err();
    assert_eq!(
        (error.code.as_str(), fake.requests()),
        ("unauthenticated", 1)
    );
}

#[test]
fn a_success_that_is_no_complete_list_is_an_error() {
    for (body, cut_off) in [
        ("", true),
        (" \n", true),
        (r#"{"Users":[{"Username":"al"#, true),
        (r#"{"Users":[]"#, true),
        ("{}", false),
        (r#"{"PaginationToken":"t"}"#, false),
        (r#"{"Users":null}"#, false),
        (r#"{"Users":{}}"#, false),
        (r#"{"Users":"none"}"#, false),
        (r#"{"Users":[null]}"#, false),
        (r#"{"Users":[{}]}"#, false),
        (r#"{"Users":[{"Username":""}]}"#, false),
        (r#"{"Users":[{"Username":7}]}"#, false),
        (r#"{"Users":[{"Username":"u","Attributes":{}}]}"#, false),
        (
            r#"{"Users":[{"Username":"u","Attributes":[{"Value":"v"}]}]}"#,
            false,
        ),
        (r#"{"Users":[],"Users":[]}"#, false),
        (r#"{"Users":[],"PaginationToken":""}"#, false),
        (r#"{"Users":[],"PaginationToken":7}"#, false),
        (r#"{"Users":[]}x"#, false),
        (r#"{"Users":[]}{"Users":[]}"#, false),
        ("[[],null]", false),
        ("<html></html>", false),
        ("null", false),
    ] {
        assert_eq!(
            code_of([answer(200, body)]),
            ("bad-response".to_owned(), cut_off),
            "{body}"
        );
    }
}

#[test]
fn an_error_about_a_body_never_quotes_the_body() {
    for body in [
        r#"{"Users":[{"Username":"u","Attributes":[{"Name":"email","Value":["hunter2@example.com"]}]}]}"#,
        r#"{"Users":[{"Username":"u","Enabled":"hunter2"}]}"#,
        r#"{"Users":"hunter2"}"#,
        r#"{"Users":[{"Username":"u","Attributes":["hunter2"]}]}"#,
        r#"{"Users":[{"Username":"u","UserStatus":{"hunter2":1}}]}"#,
        r#"{"Users": hunter2}"#,
    ] {
        let fake = Fake::answering([answer(200, body)]);
        let error = call(&client(&fake, 1)).unwrap_err();
        assert_eq!(error.code, "bad-response");
        assert!(!error.message.contains("hunter2"), "{}", error.message);
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_an_error_wherever_they_stand() {
    for body in [
        &b"{\"Users\":[{\"Username\":\"\xff\"}]}"[..],
        b"{\"Users\":[],\"Ignored\":\"\xc3\x28\"}",
    ] {
        let mut broken = answer(200, "");
        *broken.body_mut() = body.to_vec();
        assert_eq!(code_of([broken]), ("bad-response".to_owned(), true));
    }
}

#[test]
fn a_success_of_another_content_type_is_an_error() {
    for content_type in ["text/html", "text/html; charset=utf-8", "text/plain", ""] {
        let portal = with_header(answer(200, EMPTY), "content-type", content_type);
        assert_eq!(code_of([portal]).0, "bad-response", "{content_type}");
    }
    let mut untyped = answer(200, EMPTY);
    untyped.headers_mut().clear();
    assert_eq!(code_of([untyped]).0, "bad-response");
    let compressed = with_header(answer(200, EMPTY), "content-encoding", "gzip");
    assert_eq!(code_of([compressed]).0, "bad-response");
    for content_type in [
        "application/json",
        "Application/X-Amz-Json-1.1; charset=utf-8",
    ] {
        let fake = Fake::answering([with_header(
            answer(200, EMPTY),
            "content-type",
            content_type,
        )]);
        call(&client(&fake, 1)).unwrap();
    }
}

#[test]
fn a_redirect_is_an_error_and_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let moved = with_header(answer(status, ""), "location", "https://evil.example/");
        let fake = Fake::answering([moved, answer(200, EMPTY)]);
        let error = call(&client(&fake, 3)).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.retryable),
            ("bad-response", false)
        );
        assert_eq!(fake.requests(), 1);
    }
}

#[test]
fn a_success_other_than_200_is_no_success() {
    for status in [201, 202, 204, 206] {
        assert_eq!(
            code_of([answer(status, EMPTY)]).0,
            "bad-response",
            "{status}"
        );
    }
}

#[test]
fn throttles_are_retried_with_doubled_waits_until_the_attempts_are_used_up() {
    let fake = Fake::answering([400, 429, 403, 400].map(|status| answer(status, THROTTLE)));
    let error = call(&client(&fake, 4)).unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("throttled", true));
    assert_eq!(fake.requests(), 4);
    assert_eq!(millis(&fake), [1_000, 2_000, 4_000]);
}

#[test]
fn failures_are_retried_and_the_answer_is_the_last_one() {
    let fake = Fake::default();
    fake.then(Err(SendError::new(SendErrorKind::Connection, "reset")));
    fake.then(Ok(answer(502, "<html>Bad Gateway</html>")));
    fake.then(Ok(answer(200, r#"{"Users":[{"User"#)));
    fake.then(Ok(answer(200, EMPTY)));
    fake.set_jitter(0.5);
    call(&client(&fake, 4)).unwrap();
    assert_eq!(fake.requests(), 4);
    assert_eq!(millis(&fake), [25, 50, 100]);
}

#[test]
fn one_attempt_means_one_request() {
    let fake = Fake::answering([answer(429, THROTTLE), answer(200, EMPTY)]);
    assert_eq!(call(&client(&fake, 1)).unwrap_err().code, "throttled");
    assert_eq!((fake.requests(), fake.slept().len()), (1, 0));
}

#[test]
fn what_waiting_does_not_cure_is_not_retried() {
    for service_code in [
        "LimitExceededException",
        "ServiceQuotaExceededException",
        "NotAuthorizedException",
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "ResourceNotFoundException",
        "ForbiddenException",
        "InvalidParameterException",
        "OperationNotEnabledException",
    ] {
        let body = format!(r#"{{"__type":"{service_code}"}}"#);
        let fake = Fake::answering([answer(400, &body), answer(200, EMPTY)]);
        call(&client(&fake, 3)).unwrap_err();
        assert_eq!(fake.requests(), 1, "{service_code}");
    }
}

#[test]
fn the_wait_that_the_service_asks_for_is_kept_and_reported() {
    let throttle = |name, value| with_header(answer(429, THROTTLE), name, value);
    for (header, value, waited, reported) in [
        ("x-amz-retry-after", "3000", 3_000, Some(3_000)),
        ("x-amz-retry-after", "60000", 6_000, Some(60_000)),
        ("x-amz-retry-after", "10", 1_000, Some(10)),
        ("x-amz-retry-after", "soon", 1_000, None),
        ("retry-after", "2", 2_000, Some(2_000)),
        ("retry-after", "Fri, 14 Feb 2025 12:00:00 GMT", 1_000, None),
    ] {
        let fake = Fake::answering([throttle(header, value), throttle(header, value)]);
        let error = call(&client(&fake, 2)).unwrap_err();
        assert_eq!(error.retry_after_ms, reported, "{header}: {value}");
        assert_eq!(millis(&fake), [waited], "{header}: {value}");
    }
}

#[test]
fn the_retry_budget_outlives_a_call() {
    let fake = Fake::default();
    let client = client(&fake, 10);
    // 9 retries at 14 tokens a call: 500 tokens are 35 retries.
    for _ in 0..10 {
        for _ in 0..10 {
            fake.then(Ok(answer(500, "")));
        }
        call(&client).unwrap_err();
        fake.forget_answers();
    }
    assert_eq!(fake.slept().len(), 35);
    assert!(client.quota.tokens() < 14);
    fake.then(Ok(answer(200, EMPTY)));
    call(&client).unwrap();
}

fn expired_by(minutes: i64) -> http::Response<Vec<u8>> {
    let noon = noon().duration_since(UNIX_EPOCH).unwrap();
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Offset(minutes * 60_000).apply(noon));
    let body = r#"{"__type":"InvalidSignatureException","message":"Signature expired: 20250214T120000Z is now earlier"}"#;
    with_header(answer(400, body), "date", &date)
}

#[test]
fn a_wrong_clock_is_corrected_once_and_remembered() {
    for (minutes, signed_at) in [(20, "20250214T122000Z"), (-6, "20250214T115400Z")] {
        let fake = Fake::answering([expired_by(minutes), answer(200, EMPTY), answer(200, EMPTY)]);
        let client = client(&fake, 1);
        call(&client).unwrap();
        assert_eq!(fake.requests(), 2, "the correction is no attempt");
        assert_eq!(fake.slept().len(), 0);
        assert_eq!(fake.headers(0)["x-amz-date"], "20250214T120000Z");
        assert_eq!(fake.headers(1)["x-amz-date"], signed_at);
        call(&client).unwrap();
        assert_eq!(fake.requests(), 3);
        assert_eq!(fake.headers(2)["x-amz-date"], signed_at);
    }
}

#[test]
fn a_clock_that_stays_wrong_is_not_corrected_for_ever() {
    let fake = Fake::answering([expired_by(20), expired_by(40), answer(200, EMPTY)]);
    assert_eq!(call(&client(&fake, 3)).unwrap_err().code, "unauthenticated");
    assert_eq!(fake.requests(), 2);
}

#[test]
fn a_wrong_key_is_not_blamed_on_the_clock() {
    let cached = with_header(expired_by(20), "age", "7");
    for refusal in [expired_by(0), expired_by(3), cached] {
        let fake = Fake::answering([refusal, answer(200, EMPTY)]);
        assert_eq!(call(&client(&fake, 3)).unwrap_err().code, "unauthenticated");
        assert_eq!(fake.requests(), 1);
    }
}

#[test]
fn a_correction_leaves_the_attempts_for_retries() {
    let fake = Fake::answering([expired_by(20), answer(429, THROTTLE), answer(200, EMPTY)]);
    call(&client(&fake, 2)).unwrap();
    assert_eq!(millis(&fake), [1_000]);
}

#[test]
fn secrets_that_the_service_echoes_are_taken_out() {
    let body = r#"{"__type":"InvalidSignatureException","message":"token token-hunter2-hunter2, key secret-hunter2-hunter2"}"#;
    let fake = Fake::answering([answer(400, body)]);
    let error = call(&client(&fake, 1)).unwrap_err();
    assert!(
        error.message.contains("token [redacted], key [redacted]"),
        "{}",
        error.message
    );
}

#[test]
fn a_placeholder_for_a_secret_does_not_tear_codes_apart() {
    let fake = Fake::answering([answer(400, THROTTLE)]);
    let error = call(&client_with(&fake, 1, "x")).unwrap_err();
    assert_eq!(error.code, "throttled");
    assert!(
        error
            .message
            .contains("TooManyRequestsException: Rate exceeded")
    );
}

#[test]
fn an_error_carries_the_services_id_of_the_request() {
    let fake = Fake::answering([answer(400, THROTTLE)]);
    let error = call(&client(&fake, 1)).unwrap_err();
    assert_eq!(
        error.request_id.as_deref(),
        Some("00000000-0000-4000-8000-000000000001")
    );
    let long = with_header(answer(400, THROTTLE), "x-amzn-requestid", &"x".repeat(65));
    let fake = Fake::answering([long]);
    assert_eq!(call(&client(&fake, 1)).unwrap_err().request_id, None);
}

#[test]
fn retries_are_logged_as_json_lines_without_bodies_or_secrets() {
    let fake = Fake::answering([expired_by(20), answer(429, THROTTLE), answer(200, EMPTY)]);
    call(&client(&fake, 2)).unwrap();
    let lines = fake.logged();
    assert_eq!(
        lines,
        [
            r#"{"level":"info","message":"the clock is wrong, signing again","operation":"ListUsers","offset_ms":1200000}"#,
            r#"{"level":"info","message":"sending again","operation":"ListUsers","reason":"throttled","retry":1,"wait_ms":1000}"#,
        ]
    );
}

#[test]
fn a_page_of_six_megabytes_is_read() {
    let value = "v".repeat(2048);
    let attributes: Vec<_> = (0..50)
        .map(|number| serde_json::json!({"Name": format!("custom:a{number}"), "Value": value}))
        .collect();
    let users: Vec<_> = (0..60)
        .map(|number| serde_json::json!({"Username": format!("u{number}"), "Attributes": attributes}))
        .collect();
    let body = serde_json::json!({"Users": users}).to_string();
    assert!(body.len() > 6_000_000);
    let fake = Fake::answering([answer(200, &body)]);
    call(&client(&fake, 1)).unwrap();
}

#[test]
fn a_list_of_groups_is_as_strict_as_a_list_of_users() {
    for body in [
        "{}",
        r#"{"Groups":null}"#,
        r#"{"Groups":[{"GroupName":""}]}"#,
        r#"{"Users":[]}"#,
    ] {
        let fake = Fake::answering([answer(200, body)]);
        client(&fake, 1)
            .call::<GroupPage>(Operation::ListGroups, b"{}")
            .unwrap_err();
    }
}

fn void(answer: http::Response<Vec<u8>>) -> Result<(), bool> {
    let fake = Fake::answering([answer]);
    client(&fake, 1)
        .call_void(Operation::AdminDeleteUser, b"{}")
        .map_err(|failure| failure.is_ambiguous())
}

#[test]
fn an_operation_without_an_answer_is_done_when_nothing_or_an_object_comes() {
    let mut untyped = answer(200, "");
    untyped.headers_mut().remove("content-type");
    assert_eq!(void(untyped), Ok(()));
    for body in ["", "{}", " {} ", r#"{"Later":{"more":[1]}}"#] {
        assert_eq!(void(answer(200, body)), Ok(()), "{body}");
    }
}

#[test]
fn an_operation_without_an_answer_is_in_doubt_when_something_else_comes() {
    let html = |body| with_header(answer(200, body), "content-type", "text/html");
    let mut untyped = answer(200, "{}");
    untyped.headers_mut().remove("content-type");
    let mut packed = with_header(answer(200, ""), "content-encoding", "gzip");
    packed.headers_mut().remove("content-type");
    for odd in [
        html("<html></html>"),
        html(""),
        html("{}"),
        untyped,
        packed,
        answer(200, "null"),
        answer(200, "[]"),
        answer(200, "{"),
        answer(200, "{}{}"),
        answer(204, ""),
        answer(302, ""),
        answer(500, ""),
    ] {
        let shown = format!("{odd:?}");
        assert_eq!(void(odd), Err(true), "{shown}");
    }
}

#[test]
fn a_change_is_sent_again_only_when_it_certainly_did_not_happen() {
    let send = |first: Result<http::Response<Vec<u8>>, SendError>| {
        let fake = Fake::default();
        fake.then(first);
        fake.then(Ok(answer(200, "{}")));
        let result = client(&fake, 3).call_void(Operation::AdminDeleteUser, b"{}");
        (result.is_ok(), fake.requests())
    };
    for kind in [
        SendErrorKind::NameResolution,
        SendErrorKind::Connection,
        SendErrorKind::ConnectTimeout,
    ] {
        assert_eq!(send(Err(SendError::new(kind, ""))), (true, 2), "{kind:?}");
    }
    assert_eq!(send(Ok(answer(429, THROTTLE))), (true, 2));
    for kind in [
        SendErrorKind::Broken,
        SendErrorKind::Timeout,
        SendErrorKind::Incomplete,
    ] {
        assert_eq!(send(Err(SendError::new(kind, ""))), (false, 1), "{kind:?}");
    }
    for status in [408, 500, 503] {
        assert_eq!(send(Ok(answer(status, ""))), (false, 1), "{status}");
    }
    assert_eq!(send(Ok(answer(200, "{\"cut"))), (false, 1));
}

#[test]
fn a_change_that_was_signed_at_the_wrong_time_is_signed_again() {
    let fake = Fake::answering([expired_by(20), answer(200, "{}")]);
    client(&fake, 1)
        .call_void(Operation::AdminDeleteUser, b"{}")
        .unwrap();
    assert_eq!(fake.headers(1)["x-amz-date"], "20250214T122000Z");
}
