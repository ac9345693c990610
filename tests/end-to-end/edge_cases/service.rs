//! The way to the service and back: quotas, broken answers, clocks, keys, regions and wires.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use fake_cognito::{Fault, Gate, Operation, Rule};
use serde_json::json;

use super::{answer, pool_of, refusal};
use crate::support::{
    Bench, Ran, assert_nothing_is_current, assert_rows, bench_with, expected_grants,
    expected_users, finish, varied_pool,
};

/// One fault after the other, each on one request.
fn bench_with_each(operation: Operation, faults: impl IntoIterator<Item = Fault>) -> Bench {
    let bench = Bench::with_pool(varied_pool());
    for fault in faults {
        let rule = Rule::on(operation, fault).times(1);
        bench.server.faults().add(rule);
    }
    bench
}

#[track_caller]
fn assert_whole(bench: &Bench) {
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
}

#[test]
fn throttling_of_one_operation_holds_up_no_other() {
    // The wait that is asked for is longer than all other requests together.
    let throttled = Fault::throttled().with_header("x-amz-retry-after", "700");
    let bench = bench_with(Rule::on(Operation::ListGroups, throttled).nth(1));
    let summary = bench.json(&["sync", "--workers", "1"]);
    assert_eq!(summary["throttled"], 1);
    let sent = bench.sent();
    let groups: Vec<usize> = (0..sent.len())
        .filter(|place| sent[*place] == Operation::ListGroups)
        .collect();
    let between = &sent[groups[0] + 1..groups[1]];
    assert!(between.contains(&Operation::ListUsers), "{sent:?}");
    assert_whole(&bench);
}

#[test]
fn throttling_without_end_ends_with_a_message_that_blames_the_quota() {
    let bench = bench_with(Rule::any(Fault::throttled()));
    let ran = bench.run(&["get", "user:alice", "-o", "json"]);
    ran.assert_refused(8, &["fewer requests", "tried 3 times"]);
    assert!(ran.stderr.contains("quota"), "{ran:?}");
    assert_eq!(bench.server.log().total(), 3);
}

#[test]
fn throttling_is_recognised_at_every_status_and_in_every_spelling() {
    let kind = "TooManyRequestsException";
    let coral =
        format!(r#"{{"__type":"com.amazon.coral.service#{kind}","Message":"Rate exceeded"}}"#);
    let header = format!("{kind}:http://internal.amazon.com/coral/com.amazon.coral.service/");
    let faults = [
        Fault::error(400, kind, "Rate exceeded"),
        Fault::error(429, kind, "Rate exceeded"),
        Fault::error(403, kind, "Rate exceeded"),
        Fault::error(400, "ThrottlingException", "Rate exceeded"),
        refusal(400, &[], &coral),
        refusal(400, &[("x-amzn-errortype", &header)], ""),
        refusal(429, &[("retry-after", "0")], ""),
    ];
    let number = faults.len();
    let bench = bench_with_each(Operation::ListUsersInGroup, faults);
    let summary = bench.json(&["sync"]);
    assert_eq!(
        (&summary["throttled"], &summary["retries"]),
        (&json!(number), &json!(number))
    );
    assert_whole(&bench);
}

#[test]
fn server_errors_are_retried_whatever_their_body_is() {
    let faults = [500, 502, 503, 504].into_iter().flat_map(|status| {
        let error = Fault::error(status, "InternalErrorException", "Something went wrong");
        [error, Fault::html(status), refusal(status, &[], "")]
    });
    let bench = bench_with_each(Operation::ListUsersInGroup, faults);
    let summary = bench.json(&["sync"]);
    assert_eq!(summary["retries"], 12, "{summary}");
    assert_whole(&bench);
}

#[test]
fn a_cut_or_slow_answer_is_read_again_or_waited_for() {
    let slow = Fault::Drip {
        bytes: 2048,
        pause: Duration::from_millis(1),
    };
    let faults = [
        Fault::Truncate,
        Fault::Abort,
        Fault::empty(),
        Fault::Drop,
        slow,
    ];
    let bench = bench_with_each(Operation::ListUsers, faults);
    let summary = bench.json(&["sync"]);
    assert_eq!(summary["retries"], 4, "{summary}");
    assert_whole(&bench);
}

#[test]
fn an_answer_in_a_wrapping_is_an_error_and_never_a_short_list() {
    let portal = Fault::ContentType("text/html".to_owned());
    for (name, fault) in [
        ("packed", Fault::garbage_gzip()),
        ("of another type", portal),
    ] {
        let bench = bench_with(Rule::on(Operation::ListUsers, fault).after(2));
        let ran = bench.run(&["sync", "-o", "json"]);
        assert_eq!(ran.code, 14, "{name}: {ran:?}");
        assert!(ran.message().contains("ListUsers"), "{name}: {ran:?}");
        assert_nothing_is_current(&bench);
    }
}

#[test]
fn an_answer_without_end_is_given_up_at_the_limit() {
    let bench = Bench::with_pool(pool_of(1));
    bench.server.faults().add(Rule::any(Fault::Endless));
    let ran = bench.run(&["get", "user:user-000", "-o", "json"]);
    ran.assert_refused(
        14,
        &["AdminGetUser", "the service", "`response-body` of 16 MiB"],
    );
    assert_eq!(bench.server.log().total(), 1, "it was fetched again");
}

#[test]
fn a_clock_is_corrected_where_it_must_be_and_only_by_a_fresh_answer() {
    let refusals = |bench: &Bench| {
        let entries = bench.server.log().entries();
        entries.iter().filter(|one| one.status != Some(200)).count()
    };
    for (minutes, is_off) in [(-4, false), (4, false), (-6, true), (6, true)] {
        let bench = Bench::with_pool(pool_of(70));
        bench.server.clock().set_offset_ms(minutes * 60_000);
        bench.json(&["sync", "--workers", "1"]);
        assert_eq!(refusals(&bench) > 0, is_off, "{minutes} min");
        assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    }
    let bench = Bench::with_pool(pool_of(70));
    bench.server.clock().set_offset_ms(20 * 60_000);
    let cached = Fault::Headers(vec![("age".to_owned(), "7".to_owned())]);
    bench.server.faults().add(Rule::any(cached));
    let ran = bench.run(&["sync", "-o", "json"]);
    ran.assert_refused(16, &["clock"]);
    assert!(!bench.store().exists());
}

#[test]
fn keys_that_were_copied_badly_are_mistakes_of_the_settings() {
    let bench = Bench::with_pool(pool_of(1));
    for (name, value, words) in [
        (
            "AWS_ACCESS_KEY_ID",
            "ASIAENDTOEND00000000",
            "aws-session-token",
        ),
        (
            "AWS_ACCESS_KEY_ID",
            " AKIAENDTOEND00000000",
            "aws-access-key-id",
        ),
        ("AWS_SECRET_ACCESS_KEY", "planted-secret\n", "white space"),
        ("AWS_SESSION_TOKEN", "planted token", "white space"),
    ] {
        let mut command = bench.command(&["sync", "-o", "json"]);
        let ran = finish(command.env(format!("CONNECTOR_{name}"), value));
        ran.assert_refused(3, &[words]);
        assert!(!ran.stderr.contains("planted"), "{ran:?}");
    }
    assert_eq!(bench.server.log().total(), 0);
}

#[test]
fn a_region_that_only_holds_a_replica_says_so() {
    let fault = Fault::error(
        400,
        "OperationNotEnabledException",
        "This operation is not enabled in this Region.",
    );
    let bench = bench_with(Rule::on(Operation::ListUsers, fault));
    let ran = bench.run(&["sync", "-o", "json"]);
    ran.assert_refused(9, &["does not offer ListUsers in this region"]);
    assert_nothing_is_current(&bench);
}

#[test]
fn a_special_kind_of_endpoint_is_named_or_refused_and_never_guessed() {
    let bench = Bench::with_pool(pool_of(1));
    for variable in ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"] {
        let mut command = bench.command(&["sync", "-o", "json"]);
        command.env_remove("CONNECTOR_ENDPOINT_URL");
        let ran = finish(command.env(variable, "true"));
        ran.assert_refused(3, &[variable]);
        assert!(ran.stderr.contains("--endpoint-url"), "{ran:?}");
        let named = finish(bench.command(&["sync", "-o", "json"]).env(variable, "true"));
        assert_eq!(named.code, 0, "{named:?}");
    }
}

/// Asks for one user at another place than the double.
fn get_at(endpoint: &str) -> Ran {
    let bench = Bench::with_pool(pool_of(1));
    let mut command = bench.command(&["get", "user:alice", "-o", "json"]);
    let ran = finish(command.env("CONNECTOR_ENDPOINT_URL", endpoint));
    assert_eq!(bench.server.log().total(), 0);
    ran
}

#[test]
fn nobody_there_and_no_proof_of_identity_have_messages_of_their_own() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let ran = get_at(&format!("http://{closed}"));
    ran.assert_refused(14, &["no connection", &closed.to_string()]);

    let plain = Bench::with_pool(pool_of(1));
    let endpoint = plain.server.endpoint().replace("http://", "https://");
    let ran = get_at(&endpoint);
    ran.assert_refused(14, &["TLS"]);
}

#[test]
fn no_proxy_of_the_environment_is_asked() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let bench = Bench::with_pool(pool_of(70));
    let mut command = bench.command(&["sync", "-o", "json"]);
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(variable, &address);
        command.env(variable.to_lowercase(), &address);
    }
    let ran = finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let asked = proxy.accept().map_err(|error| error.kind());
    assert_eq!(asked.unwrap_err(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_server_that_hangs_up_on_everybody_costs_no_row() {
    let gate = Gate::closed();
    let bench = bench_with(Rule::on(Operation::ListUsers, Fault::HeldUntil(gate.clone())).nth(3));
    let sync = bench
        .command(&["sync", "-o", "json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while bench.server.faults().struck() < 1 {
        std::thread::yield_now();
    }
    bench.server.close_connections();
    gate.open();
    let ran = crate::support::ran(&sync.wait_with_output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_whole(&bench);
}

/// Answers every request with the same bytes and hangs up.
fn raw_server(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It ends with the process of the tests.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            // The bodies of these requests end with the only closing brace.
            while !request.ends_with(b"}") {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(bytes) => request.extend_from_slice(&buffer[..bytes]),
                }
            }
            // The program may hang up first, which is its right.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn an_answer_with_two_lengths_or_a_false_one_is_an_error() {
    let body = r#"{"Username":"alice","Enabled":true}"#;
    let length = body.len();
    let get = |headers: &str, body: &str| {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\n{headers}\r\n{body}"
        );
        get_at(&format!("http://{}", raw_server(answer)))
    };
    let honest = format!("content-length: {length}\r\n");
    let ran = get(&honest, body);
    assert_eq!(ran.code, 0, "{ran:?}");
    let other = length + 1;
    let shorter = length - 1;
    for headers in [
        format!("content-length: {length}\r\ncontent-length: {length}\r\n"),
        format!("content-length: {length}\r\ncontent-length: {other}\r\n"),
        format!("content-length: {other}\r\ncontent-length: {length}\r\n"),
        format!("content-length: {length}, {other}\r\n"),
        format!("content-length: +{length}\r\n"),
        format!("content-length: {other}\r\n"),
        format!("content-length: {shorter}\r\n"),
    ] {
        let ran = get(&headers, body);
        ran.assert_refused(14, &["AdminGetUser"]);
    }
    // Complete as JSON and still not what was announced.
    let ran = get(&format!("content-length: {}\r\n", length + 100), body);
    ran.assert_refused(14, &["AdminGetUser"]);
}

#[test]
fn an_empty_list_that_was_announced_longer_is_not_believed() {
    let bench = Bench::with_pool(pool_of(70));
    let fault = answer(r#"{"Users":[]}"#).with_header("content-length", "13");
    let rule = Rule::on(Operation::ListUsers, fault).times(1);
    bench.server.faults().add(rule);
    let summary = bench.json(&["sync"]);
    assert_eq!(summary["retries"], 1, "{summary}");
    assert_eq!(summary["users"], 70);
}
