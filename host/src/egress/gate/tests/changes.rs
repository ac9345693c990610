//! What the gate knows about a change, and that it lets none out twice.

use super::*;

pub(super) const DELETE: &str = "provisioning.delete-account";

pub(super) fn deleting() -> CallScope {
    CallScope::new(Call::new(DELETE), SystemClock.now() + deadline::CALL)
}

impl Bench {
    pub(super) async fn remove(&self, scope: &CallScope) -> Result<http::StatusCode, EgressError> {
        let mut request = self.request(Full::new(Bytes::from_static(BODY.as_bytes())));
        let target = http::HeaderValue::from_static("Directory.Remove");
        request.headers_mut().insert("x-amz-target", target);
        let egress = Arc::clone(&self.egress);
        let answer = egress
            .send(Some(scope.clone()), request, Asked::default())
            .await?;
        Ok(answer.status())
    }

    fn requests(&mut self) -> usize {
        std::iter::from_fn(|| self.seen.try_recv().ok()).count()
    }
}

async fn fate_of(answer: impl Into<Vec<u8>>) -> Option<ChangeFate> {
    let bench = Bench::answering(answer).await;
    let scope = deleting();
    let _ = bench.remove(&scope).await;
    scope.report().change
}

#[tokio::test]
async fn the_wire_tells_what_became_of_a_change() {
    for (status, fate) in [
        ("200 OK", ChangeFate::Accepted),
        ("400 Bad Request", ChangeFate::Refused),
        ("403 Forbidden", ChangeFate::Refused),
        ("429 Too Many Requests", ChangeFate::Refused),
        ("408 Request Timeout", ChangeFate::Unknown),
        ("302 Found", ChangeFate::Unknown),
        ("500 Internal Server Error", ChangeFate::Unknown),
        ("503 Service Unavailable", ChangeFate::Unknown),
    ] {
        assert_eq!(
            fate_of(answer(status, "", "{}")).await,
            Some(fate),
            "{status}"
        );
    }
    assert_eq!(
        fate_of("").await,
        Some(ChangeFate::Unknown),
        "the connection broke"
    );
}

#[tokio::test]
async fn a_change_that_nobody_listened_to_was_not_made() {
    let mut bench = Bench::answering("").await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    let origin = Origin::parse(&format!("http://{nobody}")).unwrap();
    let settings = [("pool".to_owned(), "pool-a".to_owned())].into();
    let policy = Policy::new(&wire(), &settings, Some(origin), true).unwrap();
    let max_rate = MaxRate::parse(["unlimited"], &["list"]).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let pacer = Pacer::new(
        &wire(),
        Paces::Start(&BTreeMap::new()),
        &max_rate,
        Arc::clone(&clock),
    )
    .unwrap();
    let sink: Arc<dyn AuditSink> = bench.recorder.clone();
    let parts = transport::Parts::system(clock);
    bench.egress = Arc::new(Egress::new(policy, Arc::new(pacer), parts, sink));
    bench.address = nobody;
    let scope = deleting();
    bench.remove(&scope).await.unwrap_err();
    assert_eq!(scope.report().change, Some(ChangeFate::Refused));
}

#[tokio::test]
async fn one_call_sends_one_change_unless_the_first_was_refused() {
    for (status, sent) in [
        ("200 OK", 1),
        ("503 Service Unavailable", 1),
        ("400 Bad Request", 2),
    ] {
        let mut bench = Bench::answering(answer(status, "connection: close\r\n", "{}")).await;
        let scope = deleting();
        bench.remove(&scope).await.unwrap();
        let second = bench.remove(&scope).await;
        if sent == 1 {
            let error = second.unwrap_err();
            assert_eq!(
                error.verdict(),
                Verdict::Denied("second-change"),
                "{status}"
            );
        } else {
            second.unwrap();
        }
        assert_eq!(bench.requests(), sent, "{status}");
    }
}

#[tokio::test]
async fn reading_goes_on_after_a_change() {
    let bench = Bench::answering(answer("503 Service Unavailable", "", "{}")).await;
    let scope = CallScope::new(Call::new(LIST), SystemClock.now() + deadline::CALL);
    bench.send(&scope, BODY).await.unwrap();
    bench.send(&scope, BODY).await.unwrap();
    assert_eq!(scope.report().change, None, "reading is no change");
}
