//! The whole way of a request, against a server on this machine.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::egress::ChangeFate;
use crate::egress::audit::{AuditRecord, Verdict};
use crate::egress::hook::{EgressHooks, to_wasi};
use crate::egress::origin::Origin;
use crate::egress::policy::Call;
use crate::egress::transport::TransportError;
use crate::limits::clock::{ManualClock, SystemClock};
use crate::limits::rate::{Paces, RateError};
use crate::limits::setting::MaxRate;
use crate::limits::{deadline, sizes};
use crate::trust::description::{
    Access, Authentication, Binding, BindingSource, Operation, RateClass, Wire,
};

mod bounds;
mod changes;
mod proof;

const LIST: &str = "sync.list-resources";

fn wire() -> Wire {
    Wire {
        authentication: Authentication::None,
        protocol: Protocol::AwsJson("Directory".to_owned()),
        origins: Vec::new(),
        operations: vec![
            operation("List", Access::Read, &[LIST]),
            operation("Remove", Access::Change, &[changes::DELETE]),
        ],
        rate_classes: vec![RateClass {
            id: "list".to_owned(),
            limits: Vec::new(),
        }],
        resource_name: None,
    }
}

fn operation(name: &str, access: Access, functions: &[&str]) -> Operation {
    Operation {
        name: name.to_owned(),
        access,
        route: None,
        functions: functions.iter().map(|name| (*name).to_owned()).collect(),
        kinds: Vec::new(),
        rate_class: "list".to_owned(),
        bound: vec![Binding {
            member: "/Pool".to_owned(),
            sources: vec![BindingSource::Setting("pool".to_owned())],
            functions: Vec::new(),
            when: None,
        }],
        members: vec!["Filter".to_owned()],
        permission: None,
        optional: false,
    }
}

#[derive(Default)]
struct Recorder(Mutex<Vec<AuditRecord>>);

impl AuditSink for Recorder {
    fn record(&self, record: &AuditRecord) {
        self.0.lock().unwrap().push(record.clone());
    }
}

impl Recorder {
    fn only(&self) -> AuditRecord {
        let records = self.0.lock().unwrap();
        assert_eq!(records.len(), 1, "{records:?}");
        records[0].clone()
    }
}

struct Bench {
    egress: Arc<Egress>,
    recorder: Arc<Recorder>,
    address: SocketAddr,
    seen: mpsc::UnboundedReceiver<String>,
}

impl Bench {
    /// A gate to a server that gives the same answer to everything.
    async fn new(answer: impl Into<Vec<u8>>, max_rate: &str, clock: impl Clock + 'static) -> Self {
        let proof = Proof::Nothing;
        Self::in_turn(vec![answer.into()], max_rate, clock, |_| proof).await
    }

    /// A gate to a server that gives one answer after the other, and the last one for ever.
    async fn in_turn(
        answers: Vec<Vec<u8>>,
        max_rate: &str,
        clock: impl Clock + 'static,
        proof: impl FnOnce(&Policy) -> Proof,
    ) -> Self {
        let limits = sandbox::Limits::default();
        Self::made(answers, max_rate, clock, proof, limits).await
    }

    /// A gate with other limits than the default ones.
    async fn bounded(
        answer: impl Into<Vec<u8>>,
        max_rate: &str,
        clock: impl Clock + 'static,
        limits: sandbox::Limits,
    ) -> Self {
        let proof = |_: &Policy| Proof::Nothing;
        Self::made(vec![answer.into()], max_rate, clock, proof, limits).await
    }

    async fn made(
        answers: Vec<Vec<u8>>,
        max_rate: &str,
        clock: impl Clock + 'static,
        proof: impl FnOnce(&Policy) -> Proof,
        limits: sandbox::Limits,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = mpsc::unbounded_channel();
        let mut answers = answers.into_iter();
        tokio::spawn(async move {
            let mut answer = Vec::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"}") {
                    let mut buffer = [0; 4096];
                    match socket.read(&mut buffer).await {
                        Ok(0) | Err(_) => break,
                        Ok(n) => request.extend_from_slice(&buffer[..n]),
                    }
                }
                answer = answers.next().unwrap_or(answer);
                let _ = socket.write_all(&answer).await;
                let _ = sender.send(String::from_utf8(request).unwrap());
            }
        });
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let settings = [("pool".to_owned(), "pool-a".to_owned())].into();
        let named = Origin::parse(&format!("http://{address}")).unwrap();
        let policy = Policy::new(&wire(), &settings, Some(named), true).unwrap();
        let max_rate = MaxRate::parse([max_rate], &["list"]).unwrap();
        let pacer = Pacer::new(
            &wire(),
            Paces::Start(&BTreeMap::new()),
            &max_rate,
            Arc::clone(&clock),
        )
        .unwrap();
        let recorder = Arc::new(Recorder::default());
        let parts = transport::Parts {
            limits,
            ..transport::Parts::system(clock)
        };
        let sink: Arc<dyn AuditSink> = recorder.clone();
        let proof = proof(&policy);
        let egress = Egress::new(policy, Arc::new(pacer), parts, sink).proving(proof);
        Self {
            egress: Arc::new(egress),
            recorder,
            address,
            seen,
        }
    }

    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::new(answer, "unlimited", SystemClock).await
    }

    fn request<B>(&self, body: B) -> http::Request<B> {
        http::Request::post(format!("http://{}/", self.address))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "Directory.List")
            .header("authorization", "the-secret-of-alice")
            .header("x-forwarded-host", "evil.example")
            .body(body)
            .unwrap()
    }

    async fn send(
        &self,
        scope: &CallScope,
        body: &'static str,
    ) -> Result<http::Response<AnswerBody>, EgressError> {
        let request = self.request(Full::new(Bytes::from_static(body.as_bytes())));
        let egress = Arc::clone(&self.egress);
        egress
            .send(Some(scope.clone()), request, Asked::default())
            .await
    }
}

/// Lets a future go as far as it can, which must not be its end.
async fn assert_waits<F: Future + Unpin>(future: &mut F)
where
    F::Output: std::fmt::Debug,
{
    tokio::select! {
        biased;
        output = future => panic!("{output:?}"),
        () = std::future::ready(()) => {}
    }
}

const BODY: &str = r#"{"Pool":"pool-a","Filter":"alice"}"#;

fn scope(clock: &impl Clock) -> CallScope {
    CallScope::new(Call::new(LIST), clock.now() + deadline::CALL)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

async fn read(response: http::Response<AnswerBody>) -> Result<Bytes, TransportError> {
    response
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes())
}

#[tokio::test]
async fn an_answered_request_leaves_one_record_without_its_content() {
    let bench = Bench::answering(answer("200 OK", "x-amzn-requestid: r-1\r\n", "{}")).await;
    let scope = scope(&SystemClock);
    let response = bench.send(&scope, BODY).await.unwrap();
    assert_eq!(read(response).await.unwrap(), "{}");
    let record = bench.recorder.only();
    let expected = AuditRecord {
        wanted: None,
        time: record.time,
        call: LIST.to_owned(),
        operation: "List".to_owned(),
        class: "list".to_owned(),
        wait: record.wait,
        status: Some(200),
        request_id: Some("r-1".to_owned()),
        sent: 34,
        received: 2,
        verdict: Verdict::Answered,
    };
    assert_eq!(record, expected);
    assert!(!format!("{record:?}").contains("alice"));
    let traffic = bench.egress.traffic();
    assert_eq!(
        (traffic.requests, traffic.sent, traffic.received),
        (1, 34, 2)
    );
    let report = scope.report();
    assert_eq!(report.status, Some(200));
    assert_eq!(report.failure, None);
}

#[tokio::test]
async fn what_was_judged_is_what_is_sent() {
    let mut bench = Bench::answering(answer("200 OK", "", "{}")).await;
    bench.send(&scope(&SystemClock), BODY).await.unwrap();
    let seen = bench.seen.recv().await.unwrap();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, BODY);
    let mut lines: Vec<_> = head.lines().collect();
    lines[1..].sort_unstable();
    let expected = [
        "POST / HTTP/1.1",
        "content-length: 34",
        "content-type: application/x-amz-json-1.1",
        &format!("host: {}", bench.address),
        "x-amz-target: Directory.List",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn throttling_is_seen_and_its_answer_is_passed_on_unchanged() {
    let body = r#"{"__type":"TooManyRequestsException","message":"Rate exceeded"}"#;
    let bench = Bench::answering(answer(
        "400 Bad Request",
        "x-amz-retry-after: 1500\r\n",
        body,
    ))
    .await;
    let scope = scope(&SystemClock);
    let response = bench.send(&scope, BODY).await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(read(response).await.unwrap(), body);
    let report = scope.report();
    assert!(report.throttled);
    assert_eq!(report.retry_after, Some(Duration::from_millis(1500)));
    assert_eq!(bench.recorder.only().verdict, Verdict::Throttled);
    assert_eq!(bench.recorder.only().received, 63);
    assert_eq!(bench.egress.traffic().throttled, 1);
}

#[tokio::test]
async fn an_error_that_is_longer_than_what_is_looked_at_arrives_whole() {
    let body = "x".repeat(3 * sizes::ERROR_BODY_PEEK);
    let bench = Bench::answering(answer("500 Internal Server Error", "", &body)).await;
    let scope = scope(&SystemClock);
    let response = bench.send(&scope, BODY).await.unwrap();
    assert_eq!(read(response).await.unwrap(), body);
    assert!(!scope.report().throttled);
    assert_eq!(
        bench.recorder.only().received,
        u64::try_from(body.len()).unwrap()
    );
}

#[tokio::test]
async fn a_broken_answer_is_reported_whatever_the_component_says() {
    let bench = Bench::answering("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{").await;
    let scope = scope(&SystemClock);
    let response = bench.send(&scope, BODY).await.unwrap();
    assert_eq!(read(response).await, Err(TransportError::Incomplete));
    let failure = EgressError::Transport(TransportError::Incomplete);
    assert_eq!(scope.report().failure, Some(failure));
    assert_eq!(bench.recorder.only().verdict, Verdict::Failed("incomplete"));
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_recorded_as_abandoned() {
    let bench = Bench::answering(answer("200 OK", "", "{}")).await;
    let scope = scope(&SystemClock);
    drop(bench.send(&scope, BODY).await.unwrap());
    assert_eq!(bench.recorder.only().verdict, Verdict::Abandoned);
}

/// A body that must not be read.
struct Untouchable;

impl Body for Untouchable {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        panic!("the body of a refused request was read");
    }
}

#[tokio::test]
async fn what_is_refused_by_its_head_is_not_read_and_reaches_nobody() {
    let mut bench = Bench::answering(answer("200 OK", "", "{}")).await;
    let scope = CallScope::new(
        Call::new("sync.estimate"),
        SystemClock.now() + deadline::CALL,
    );
    let egress = Arc::clone(&bench.egress);
    let request = bench.request(Untouchable);
    let result = egress
        .send(Some(scope.clone()), request, Asked::default())
        .await;
    let error = result.unwrap_err();
    assert!(
        matches!(&error, EgressError::Denied(Denied::Function { .. })),
        "{error:?}"
    );
    assert_eq!(scope.report().failure, Some(error));
    assert_eq!(bench.recorder.only().verdict, Verdict::Denied("function"));
    assert_eq!(bench.egress.traffic().denied, 1);
    assert!(bench.seen.try_recv().is_err());
}

#[tokio::test]
async fn what_is_refused_by_its_body_reaches_nobody() {
    let mut bench = Bench::answering(answer("200 OK", "", "{}")).await;
    let scope = scope(&SystemClock);
    let error = bench
        .send(&scope, r#"{"Pool":"pool-b"}"#)
        .await
        .unwrap_err();
    assert!(
        matches!(error, EgressError::Denied(Denied::Bound { .. })),
        "{error:?}"
    );
    assert!(bench.seen.try_recv().is_err());
}

#[tokio::test]
async fn a_body_without_end_is_refused_at_the_limit() {
    struct Endless;
    impl Body for Endless {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(
                &[b' '; 1024],
            )))))
        }
    }
    let bench = Bench::answering(answer("200 OK", "", "{}")).await;
    let egress = Arc::clone(&bench.egress);
    let request = bench.request(Endless);
    let result = egress
        .send(Some(scope(&SystemClock)), request, Asked::default())
        .await;
    let limit = sizes::REQUEST_BODY;
    assert_eq!(
        result.unwrap_err(),
        EgressError::Denied(Denied::BodySize { limit })
    );
}

#[tokio::test]
async fn a_component_that_writes_slowly_takes_no_permit() {
    struct Stalled;
    impl Body for Stalled {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }
    let clock = ManualClock::new();
    let bench = Bench::new(answer("200 OK", "", "{}"), "list=0.001", clock.clone()).await;
    let stalled = CallScope::new(Call::new(LIST), clock.now() + Duration::from_secs(1));
    let mut sending = Box::pin(bench.egress.send(
        Some(stalled),
        bench.request(Stalled),
        Asked::default(),
    ));
    assert_waits(&mut sending).await;
    // The only permit of a thousand seconds is still there.
    assert!(bench.send(&scope(&clock), BODY).await.is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(sending.await.unwrap_err(), EgressError::CallDeadline);
}

#[tokio::test]
async fn no_permit_within_the_deadline_is_a_refusal_with_the_pace() {
    let clock = ManualClock::new();
    let mut bench = Bench::new(answer("200 OK", "", "{}"), "list=0.001", clock.clone()).await;
    bench.send(&scope(&clock), BODY).await.unwrap();
    bench.seen.recv().await.unwrap();
    let scope = scope(&clock);
    let error = bench.send(&scope, BODY).await.unwrap_err();
    assert!(
        matches!(error, EgressError::Rate(RateError::Deadline { .. })),
        "{error:?}"
    );
    assert_eq!(scope.report().failure, Some(error));
    assert!(bench.seen.try_recv().is_err());
}

#[tokio::test]
async fn waiting_for_a_permit_does_not_eat_the_time_of_the_request() {
    let clock = ManualClock::new();
    // One request in 50 seconds: longer than a request may take, shorter than a call.
    let bench = Bench::new(answer("200 OK", "", "{}"), "list=0.02", clock.clone()).await;
    read(bench.send(&scope(&clock), BODY).await.unwrap())
        .await
        .unwrap();
    let second = scope(&clock);
    let mut sending = Box::pin(bench.send(&second, BODY));
    assert_waits(&mut sending).await;
    clock.advance(Duration::from_secs(50));
    assert_eq!(read(sending.await.unwrap()).await.unwrap(), "{}");
    assert_eq!(second.report().waited, Duration::from_secs(50));
    assert_eq!(bench.egress.traffic().waited, Duration::from_secs(50));
}

fn wasi(request: http::Request<Full<Bytes>>) -> http::Request<wasmtime_wasi_http::WasiBody> {
    request.map(|body| body.map_err(|never| match never {}).boxed_unsync())
}

#[tokio::test]
async fn the_hook_opens_for_a_call_and_closes_after_it() {
    use wasmtime_wasi_http::{Error, WasiHttpHooks};

    let bench = Bench::answering(answer("200 OK", "", "{}")).await;
    let request = || wasi(bench.request(Full::new(Bytes::from_static(BODY.as_bytes()))));
    let mut hooks = EgressHooks::new(Arc::clone(&bench.egress));
    let ask = async |hooks: &mut EgressHooks| {
        let sending = hooks.send_request(request(), None, Box::new(async { Ok(()) }));
        Pin::from(sending).await.map(|(answer, _)| answer)
    };
    assert!(matches!(
        ask(&mut hooks).await,
        Err(Error::HttpRequestDenied)
    ));
    hooks.begin(scope(&SystemClock));
    let answer = ask(&mut hooks).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "{}");
    assert_eq!(hooks.end().requests, 1);
    assert!(matches!(
        ask(&mut hooks).await,
        Err(Error::HttpRequestDenied)
    ));
    assert_eq!(bench.egress.traffic().denied, 2);
    let mut closed = EgressHooks::closed();
    closed.begin(scope(&SystemClock));
    assert!(matches!(
        ask(&mut closed).await,
        Err(Error::HttpRequestDenied)
    ));
}

#[test]
fn the_component_sees_the_code_of_what_happened() {
    use wasmtime_wasi_http::Error;

    let host = || "x.example".to_owned();
    let limit = Duration::from_secs(1);
    let reason = || "no".to_owned();
    let cases: Vec<(TransportError, Error)> = vec![
        (
            TransportError::Prohibited {
                host: host(),
                refused: Vec::new(),
            },
            Error::DestinationIpProhibited,
        ),
        (
            TransportError::ResolveTimeout {
                host: host(),
                limit,
            },
            Error::DnsTimeout,
        ),
        (
            TransportError::ConnectionLimit {
                host: host(),
                limit,
            },
            Error::ConnectionLimitReached,
        ),
        (
            TransportError::Connect {
                host: host(),
                reason: reason(),
            },
            Error::ConnectionRefused,
        ),
        (
            TransportError::FirstByteTimeout(limit),
            Error::ConnectionReadTimeout,
        ),
        (
            TransportError::BetweenBytesTimeout(limit),
            Error::ConnectionReadTimeout,
        ),
        (
            TransportError::BodySize { limit: 9 },
            Error::HttpResponseBodySize(Some(9)),
        ),
        (
            TransportError::HeaderSize,
            Error::HttpResponseHeaderSectionSize(None),
        ),
        (TransportError::Incomplete, Error::HttpResponseIncomplete),
    ];
    for (error, code) in cases {
        let seen = to_wasi(&EgressError::Transport(error));
        assert_eq!(format!("{seen:?}"), format!("{code:?}"));
    }
}
