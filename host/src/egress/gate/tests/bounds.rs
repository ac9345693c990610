//! The limits of a connection are those that were set, and not the defaults.

use super::*;

async fn bounded(answer: String, limit: Limit, amount: u64) -> Bench {
    let limits = sandbox::Limits::default().with(limit, amount);
    Bench::bounded(answer, "unlimited", SystemClock, limits).await
}

fn ok(body: &str) -> String {
    answer("200 OK", "", body)
}

#[tokio::test]
async fn a_request_with_too_many_headers_is_refused_and_recorded() {
    // Four of its own, and those that it brings.
    for (amount, passes) in [(4, true), (3, false)] {
        let bench = bounded(ok("{}"), Limit::RequestHeaderFields, amount).await;
        let scope = scope(&SystemClock);
        let sent = bench.send(&scope, BODY).await;
        assert_eq!(sent.is_ok(), passes, "{amount}: {sent:?}");
        if let Err(error) = sent {
            let expected = EgressError::HeaderFields { count: 4 };
            assert_eq!(error, expected);
            assert_eq!(scope.report().failure, Some(expected));
            assert_eq!(bench.recorder.only().verdict, Verdict::Denied("size"));
        }
    }
}

#[tokio::test]
async fn a_request_body_is_bounded_by_what_was_set_in_both_directions() {
    let length = BODY.len() as u64;
    for (amount, passes) in [(length, true), (length - 1, false)] {
        let bench = bounded(ok("{}"), Limit::RequestBody, amount).await;
        let sent = bench.send(&scope(&SystemClock), BODY).await;
        assert_eq!(sent.is_ok(), passes, "{amount}: {sent:?}");
    }
    let long = format!(
        r#"{{"Pool":"pool-a","Filter":"{}"}}"#,
        "x".repeat(sizes::REQUEST_BODY)
    );
    let bench = bounded(ok("{}"), Limit::RequestBody, 2 * long.len() as u64).await;
    let request = bench.request(Full::new(Bytes::from(long)));
    let egress = Arc::clone(&bench.egress);
    let scope = scope(&SystemClock);
    let sent = egress.send(Some(scope), request, Asked::default()).await;
    assert!(sent.is_ok(), "{sent:?}");
}

#[tokio::test]
async fn an_answer_is_bounded_by_what_was_set_whether_it_says_its_length_or_not() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for answer in [ok("abc"), chunked.to_owned()] {
        for (amount, passes) in [(3, true), (2, false)] {
            let bench = bounded(answer.clone(), Limit::ResponseBody, amount).await;
            let scope = scope(&SystemClock);
            let sent = match bench.send(&scope, BODY).await {
                Ok(response) => read(response).await.map_err(EgressError::from),
                Err(error) => Err(error),
            };
            let too_large = || TransportError::BodySize { limit: 2 }.into();
            let expected = passes.then(|| Bytes::from("abc")).ok_or_else(too_large);
            assert_eq!(sent, expected, "{amount}: {answer}");
            assert_eq!(scope.report().failure, expected.err());
        }
    }
}

#[tokio::test]
async fn headers_of_an_answer_are_bounded_by_what_was_set() {
    let many = answer("200 OK", &"x: y\r\n".repeat(9), "{}");
    for (amount, passes) in [(10, true), (9, false)] {
        let bench = bounded(many.clone(), Limit::ResponseHeaderFields, amount).await;
        let sent = bench.send(&scope(&SystemClock), BODY).await;
        assert_eq!(sent.is_ok(), passes, "{amount}: {sent:?}");
    }
    let long = answer("200 OK", &format!("x: {}\r\n", "y".repeat(10_000)), "{}");
    for (amount, passes) in [(16_384, true), (8192, false)] {
        let bench = bounded(long.clone(), Limit::ResponseHeaders, amount).await;
        let sent = bench.send(&scope(&SystemClock), BODY).await;
        assert_eq!(sent.is_ok(), passes, "{amount}: {sent:?}");
    }
}
