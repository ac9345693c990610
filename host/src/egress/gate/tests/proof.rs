//! Who proves what, to whom, and what happens when the service does not believe it.

use std::time::SystemTime;

use super::changes::deleting;
use super::*;
use crate::credentials::testing::{Rotation, SECRET, TOKEN};
use crate::trust::description::Sigv4;

const HOUR: Duration = Duration::from_secs(3600);

fn sigv4() -> Authentication {
    Authentication::Sigv4(Sigv4 {
        service: "directory".to_owned(),
        region_setting: "region".to_owned(),
        access_key_id_setting: "key".to_owned(),
        secret_access_key_setting: "secret".to_owned(),
        session_token_setting: "token".to_owned(),
    })
}

fn proof(authentication: &Authentication, rotation: &Rotation, policy: &Policy) -> Proof {
    let settings = [("region", "eu-west-1"), ("bearer", "the-real-bearer-token")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let source = Some(rotation.source.clone());
    Proof::of_host(authentication, &settings.into(), source, policy.origin()).unwrap()
}

struct Sealed {
    bench: Bench,
    rotation: Rotation,
}

impl Sealed {
    async fn new(answers: &[String]) -> Self {
        Self::with(answers, Rotation::new(HOUR, u32::MAX)).await
    }

    async fn with(answers: &[String], rotation: Rotation) -> Self {
        let answers = answers.iter().map(|answer| answer.clone().into_bytes());
        let proof = |policy: &Policy| proof(&sigv4(), &rotation, policy);
        let bench = Bench::in_turn(answers.collect(), "unlimited", SystemClock, proof).await;
        Self { bench, rotation }
    }

    /// The key ids of what was sent, in its order.
    fn keys_seen(&mut self) -> Vec<String> {
        let seen = std::iter::from_fn(|| self.bench.seen.try_recv().ok());
        seen.map(|request| between(&request, "Credential=", "/"))
            .collect()
    }

    fn records(&self) -> Vec<AuditRecord> {
        self.bench.recorder.0.lock().unwrap().clone()
    }
}

fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{text}"));
    rest.split(after).next().unwrap().to_owned()
}

fn closing(status: &str, headers: &str, body: &str) -> String {
    answer(status, &format!("connection: close\r\n{headers}"), body)
}

fn ok() -> String {
    closing("200 OK", "", "{}")
}

fn refused(code: &str) -> String {
    closing("400 Bad Request", "", &format!(r#"{{"__type":"{code}"}}"#))
}

fn expired() -> String {
    refused("ExpiredTokenException")
}

/// A refusal by a service whose clock is so many seconds ahead.
fn wrong_clock(code: &str, ahead: i64) -> String {
    let now = SystemTime::now();
    let size = Duration::from_secs(ahead.unsigned_abs());
    let then = if ahead < 0 { now - size } else { now + size };
    closing(
        "400 Bad Request",
        &format!("date: {}\r\n", httpdate::fmt_http_date(then)),
        &format!(r#"{{"__type":"{code}"}}"#),
    )
}

#[tokio::test]
async fn whatever_the_component_wrote_about_who_it_is_the_host_signs_what_was_judged() {
    let mut sealed = Sealed::new(&[ok()]).await;
    let mut request = sealed
        .bench
        .request(Full::new(Bytes::from_static(BODY.as_bytes())));
    let forged = [
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIAEVIL/20200101/us-gov-west-1/iam/aws4_request, \
             SignedHeaders=host, Signature=00",
        ),
        ("host", "iam.amazonaws.com"),
        ("x-amz-date", "20200101T000000Z"),
        ("date", "Wed, 01 Jan 2020 00:00:00 GMT"),
        ("x-amz-security-token", "evil-token"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("x-amz-region-set", "*"),
    ];
    for (name, value) in forged {
        let value = http::HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
    }
    let egress = Arc::clone(&sealed.bench.egress);
    egress
        .send(Some(scope(&SystemClock)), request, Asked::default())
        .await
        .unwrap();
    let seen = sealed.bench.seen.recv().await.unwrap();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, BODY);
    let of_scope = between(head, "Credential=", ",");
    let (key, rest) = of_scope.split_once('/').unwrap();
    let (day, of_scope) = rest.split_once('/').unwrap();
    assert_eq!(key, "ASIA0");
    assert_eq!(of_scope, "eu-west-1/directory/aws4_request");
    assert!(between(head, "x-amz-date: ", "\r").starts_with(day) && !day.starts_with("2020"));
    assert_eq!(
        between(head, "SignedHeaders=", ","),
        "content-length;content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
    );
    let host = format!("host: {}", sealed.bench.address);
    let token = format!("x-amz-security-token: {TOKEN}");
    assert!(head.lines().any(|line| line == host), "{head}");
    assert!(head.lines().any(|line| line == token), "{head}");
    for (_, value) in forged {
        assert!(!head.contains(value), "{value}: {head}");
    }
}

#[tokio::test]
async fn a_record_without_authentication_lets_no_proof_out_and_a_bearer_is_the_hosts() {
    let rotation = Rotation::new(HOUR, u32::MAX);
    for (authentication, expected) in [
        (Authentication::None, None),
        (
            Authentication::Bearer("bearer".to_owned()),
            Some("authorization: Bearer the-real-bearer-token"),
        ),
    ] {
        let proof = |policy: &Policy| proof(&authentication, &rotation, policy);
        let answers = vec![ok().into_bytes()];
        let mut bench = Bench::in_turn(answers, "unlimited", SystemClock, proof).await;
        bench.send(&scope(&SystemClock), BODY).await.unwrap();
        let seen = bench.seen.recv().await.unwrap();
        let found = seen.lines().find(|line| line.starts_with("authorization"));
        assert_eq!(found, expected);
        assert!(!seen.contains("the-secret-of-alice"));
    }
    assert_eq!(rotation.fetches(), 0);
}

#[tokio::test]
async fn what_a_component_signs_itself_is_not_touched() {
    let answers = vec![ok().into_bytes()];
    let proof = |_: &Policy| Proof::of_component(&sigv4());
    let mut bench = Bench::in_turn(answers, "unlimited", SystemClock, proof).await;
    bench.send(&scope(&SystemClock), BODY).await.unwrap();
    let seen = bench.seen.recv().await.unwrap();
    assert!(seen.contains("\r\nauthorization: the-secret-of-alice\r\n"));
}

#[tokio::test]
async fn expired_credentials_are_renewed_and_the_request_is_sent_once_more() {
    for code in ["ExpiredTokenException", "UnrecognizedClientException"] {
        let mut sealed = Sealed::new(&[refused(code), ok()]).await;
        let scope = scope(&SystemClock);
        let response = sealed.bench.send(&scope, BODY).await.unwrap();
        assert_eq!(response.status(), 200, "{code}");
        assert_eq!(read(response).await.unwrap(), "{}");
        assert_eq!(sealed.keys_seen(), ["ASIA0", "ASIA1"]);
        assert_eq!(scope.report().requests, 2);

        let records = sealed.records();
        let told: Vec<_> = records
            .iter()
            .map(|record| (record.operation.as_str(), record.status, record.verdict))
            .collect();
        let answered = Verdict::Answered;
        assert_eq!(
            told,
            [("List", Some(400), answered), ("List", Some(200), answered)]
        );
        assert!(records.iter().all(|record| record.sent == 34));
        assert!(records[0].received > 0, "the host has read it");
        assert_eq!(sealed.bench.egress.traffic().requests, 2);
    }
}

#[tokio::test]
async fn one_call_renews_once_and_passes_on_what_comes_then() {
    let mut sealed = Sealed::new(&[expired()]).await;
    let scope = scope(&SystemClock);
    for requests in [2, 3] {
        let response = sealed.bench.send(&scope, BODY).await.unwrap();
        assert_eq!(response.status(), 400);
        let body = read(response).await.unwrap();
        assert_eq!(body, r#"{"__type":"ExpiredTokenException"}"#);
        assert_eq!(scope.report().requests, requests);
    }
    assert_eq!(sealed.keys_seen(), ["ASIA0", "ASIA1", "ASIA1"]);
}

#[tokio::test]
async fn a_source_that_has_no_others_is_not_tried_with_the_same_again() {
    let key = crate::credentials::Credentials {
        access_key_id: "AKIAGIVEN".to_owned(),
        secret_access_key: SECRET.to_owned(),
        session_token: None,
        expires: None,
    };
    let mut sealed = Sealed::new(&[]).await;
    sealed.rotation.source = Arc::new(crate::credentials::CredentialSource::given(key));
    let mut sealed = Sealed::with(&[expired()], sealed.rotation).await;
    let scope = scope(&SystemClock);
    let response = sealed.bench.send(&scope, BODY).await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(sealed.keys_seen(), ["AKIAGIVEN"]);
}

#[tokio::test]
async fn a_failed_renewal_is_told_and_the_answered_request_stays_one() {
    let rotation = Rotation::new(HOUR, 1);
    let mut sealed = Sealed::with(&[expired()], rotation).await;
    let scope = deleting();
    let error = sealed.bench.remove(&scope).await.unwrap_err();
    assert!(matches!(error, EgressError::Credentials(_)), "{error:?}");
    assert_eq!(scope.report().failure, Some(error));
    assert_eq!(scope.report().change, Some(ChangeFate::Refused));
    assert_eq!(sealed.keys_seen(), ["ASIA0"]);
    let records = sealed.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].verdict, Verdict::Answered);
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let mut sealed = Sealed::with(&[ok()], Rotation::new(HOUR, 0)).await;
    let scope = deleting();
    let error = sealed.bench.remove(&scope).await.unwrap_err();
    assert!(matches!(error, EgressError::Credentials(_)), "{error:?}");
    assert_eq!(scope.report().change, Some(ChangeFate::Refused));
    assert_eq!(sealed.keys_seen(), [""; 0]);
    assert_eq!(sealed.records()[0].verdict, Verdict::Failed("credentials"));
}

#[tokio::test]
async fn a_change_that_was_refused_with_its_credentials_is_sent_once_more() {
    for (second, status, fate) in [
        (ok(), 200, ChangeFate::Accepted),
        (refused("UserNotFoundException"), 400, ChangeFate::Refused),
        (
            closing("503 Service Unavailable", "", "{}"),
            503,
            ChangeFate::Unknown,
        ),
    ] {
        let mut sealed = Sealed::new(&[expired(), second]).await;
        let scope = deleting();
        assert_eq!(sealed.bench.remove(&scope).await.unwrap(), status);
        assert_eq!(scope.report().change, Some(fate));
        assert_eq!(sealed.keys_seen(), ["ASIA0", "ASIA1"]);
        assert_eq!(sealed.records().len(), 2);
    }
}

#[tokio::test]
async fn a_failure_of_the_service_is_no_refusal_whatever_it_says() {
    let body = r#"{"__type":"ExpiredTokenException"}"#;
    for status in ["500 Internal Server Error", "503 Service Unavailable"] {
        let mut sealed = Sealed::new(&[closing(status, "", body)]).await;
        let scope = deleting();
        sealed.bench.remove(&scope).await.unwrap();
        assert_eq!(scope.report().change, Some(ChangeFate::Unknown));
        assert_eq!(sealed.keys_seen(), ["ASIA0"], "{status}");
    }
}

/// The time of a signature, in seconds from now.
fn signed_ahead(request: &str) -> i64 {
    let text = between(request, "x-amz-date: ", "\r");
    let number = |range: std::ops::Range<usize>| text[range].parse::<u8>().unwrap();
    let month = time::Month::try_from(number(4..6)).unwrap();
    let year = text[..4].parse().unwrap();
    let date = time::Date::from_calendar_date(year, month, number(6..8)).unwrap();
    let clock = time::Time::from_hms(number(9..11), number(11..13), number(13..15)).unwrap();
    let then = time::OffsetDateTime::new_utc(date, clock);
    (then - time::OffsetDateTime::now_utc()).whole_seconds()
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_once_and_for_the_whole_connection() {
    for ahead in [-1200, 1200, 50_000] {
        let refusal = wrong_clock("InvalidSignatureException", ahead);
        let mut sealed = Sealed::new(&[refusal, ok()]).await;
        for _ in 0..2 {
            let scope = scope(&SystemClock);
            let response = sealed.bench.send(&scope, BODY).await.unwrap();
            assert_eq!(response.status(), 200);
        }
        let seen: Vec<i64> = (0..3)
            .map(|_| signed_ahead(&sealed.bench.seen.try_recv().unwrap()))
            .collect();
        for (found, expected) in seen.into_iter().zip([0, ahead, ahead]) {
            assert!((found - expected).abs() < 60, "{found} for {expected}");
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_right_or_a_date_that_can_t_be_is_no_reason_to_send_again() {
    for (code, ahead) in [
        ("InvalidSignatureException", 0),
        ("InvalidSignatureException", 200),
        ("AccessDeniedException", 0),
        ("RequestExpired", 0),
        ("InvalidSignatureException", 40_000_000),
        ("RequestExpired", -40_000_000),
        ("UserNotFoundException", 1200),
    ] {
        let mut sealed = Sealed::new(&[wrong_clock(code, ahead), ok()]).await;
        let response = sealed.bench.send(&scope(&SystemClock), BODY).await;
        assert_eq!(response.unwrap().status(), 400, "{code} {ahead}");
        assert_eq!(sealed.keys_seen(), ["ASIA0"], "{code} {ahead}");
    }
}

#[tokio::test]
async fn each_sort_of_remedy_helps_once_in_a_call() {
    let clock = |ahead| wrong_clock("RequestExpired", ahead);
    let answers = [expired(), clock(1200), expired(), clock(-1200), ok()];
    let mut sealed = Sealed::new(&answers).await;
    let scope = scope(&SystemClock);
    let response = sealed.bench.send(&scope, BODY).await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(sealed.keys_seen(), ["ASIA0", "ASIA1", "ASIA1"]);
    assert_eq!(scope.report().requests, 3);
}

#[tokio::test]
async fn what_is_sent_again_waits_for_a_permit_of_its_own() {
    let rotation = Rotation::new(HOUR, u32::MAX);
    let clock = ManualClock::new();
    let answers = vec![expired().into_bytes(), ok().into_bytes()];
    let proof = |policy: &Policy| proof(&sigv4(), &rotation, policy);
    let mut bench = Bench::in_turn(answers, "list=0.02", clock.clone(), proof).await;
    let mut seen = std::mem::replace(&mut bench.seen, mpsc::unbounded_channel().1);
    let scope = scope(&clock);
    let answer = {
        let mut sending = Box::pin(bench.send(&scope, BODY));
        // The first one has arrived and the second one has not left.
        tokio::select! {
            answer = &mut sending => panic!("{answer:?}"),
            _ = seen.recv() => {}
        }
        while rotation.fetches() < 2 {
            assert_waits(&mut sending).await;
            tokio::task::yield_now().await;
        }
        assert_waits(&mut sending).await;
        clock.advance(Duration::from_secs(50));
        sending.await
    };
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(scope.report().waited, Duration::from_secs(50));
}

#[tokio::test]
async fn a_request_that_a_component_signed_never_waits_longer_than_its_signature_is_good_for() {
    // One request in 100 seconds, and one in 1000: longer than a call.
    for (max_rate, is_postponed) in [("list=0.01", true), ("list=0.001", false)] {
        let clock = ManualClock::new();
        let answers = vec![ok().into_bytes()];
        let proof = |_: &Policy| Proof::of_component(&sigv4());
        let mut bench = Bench::in_turn(answers, max_rate, clock.clone(), proof).await;
        bench.send(&scope(&clock), BODY).await.unwrap();
        bench.seen.recv().await.unwrap();
        let scope = scope(&clock);
        let error = bench.send(&scope, BODY).await.unwrap_err();
        if is_postponed {
            let wait = Duration::from_secs(40);
            assert_eq!(error, EgressError::Postponed { wait });
            assert_eq!(error.verdict(), Verdict::NoPermit);
        } else {
            assert!(matches!(error, EgressError::Rate(_)), "{error:?}");
        }
        assert_eq!(scope.report().waited, Duration::ZERO, "it is told at once");
        assert!(bench.seen.try_recv().is_err());
    }
}
