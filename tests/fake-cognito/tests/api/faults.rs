//! Faults do what they say, to the requests that they name, and connections are counted.

use std::time::Duration;

use fake_cognito::{
    Fault, Latency, LengthLie, ListMember, Moment, Operation, PoolSpec, Rule, Server, StartError,
    Storm, User,
};
use serde_json::json;

use crate::client::{Client, POOL, config, names, serve, serve_config};

fn pool() -> PoolSpec {
    PoolSpec::literal(POOL).users((0..150).map(|n| User::new(format!("user{n}"))))
}

fn struck(fault: Fault) -> (Server, Client) {
    serve_config(config(pool()).fault(Rule::any(fault)))
}

#[test]
fn the_named_request_fails_and_the_others_do_not() {
    let rule = Rule::on(
        Operation::ListUsers,
        Fault::throttled().with_header("x-amz-retry-after", "250"),
    )
    .nth(2);
    let (server, client) = serve_config(config(pool()).fault(rule));
    client.call("ListUsers", json!({})).ok();
    client.call("ListGroups", json!({})).ok();
    let answer = client.call("ListUsers", json!({}));
    assert_eq!(answer.error_type(), "TooManyRequestsException");
    assert_eq!(answer.header("x-amz-retry-after"), "250");
    client.call("ListUsers", json!({})).ok();
    assert_eq!(server.faults().struck(), 1);
    let entries = server.log().entries();
    assert_eq!(entries.iter().filter(|entry| entry.faulted).count(), 1);
    assert_eq!(
        entries[2].error.as_deref(),
        Some("TooManyRequestsException")
    );
    assert_eq!(entries[2].status, Some(400));
}

#[test]
fn replies_of_other_servers_come_as_they_are() {
    let html = struck(Fault::html(503)).1.call("ListUsers", json!({}));
    assert_eq!(html.status, 503);
    assert_eq!(html.header("content-type"), "text/html");
    let portal = struck(Fault::html(200)).1.call("ListUsers", json!({}));
    assert_eq!(portal.status, 200);
    assert!(portal.body.starts_with(b"<html>"));
    let redirect = struck(Fault::redirect("http://127.0.0.1:9/"))
        .1
        .call("ListUsers", json!({}));
    assert_eq!(redirect.status, 307);
    assert_eq!(redirect.header("location"), "http://127.0.0.1:9/");
    let gzip = struck(Fault::garbage_gzip()).1.call("ListUsers", json!({}));
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert!(
        struck(Fault::empty())
            .1
            .call("ListUsers", json!({}))
            .body
            .is_empty()
    );
}

#[test]
fn a_truncated_body_is_framed_well_and_an_aborted_one_is_not() {
    let (_server, client) = struck(Fault::Truncate);
    let cut = client.call("ListUsers", json!({}));
    assert_eq!(cut.status, 200);
    assert_eq!(cut.header("content-length"), cut.body.len().to_string());
    assert!(serde_json::from_slice::<serde_json::Value>(&cut.body).is_err());
    let (_server, client) = struck(Fault::Abort);
    assert!(
        client
            .send("ListUsers", json!({"UserPoolId": POOL}).to_string())
            .is_err()
    );
    let (server, client) = struck(Fault::Drop);
    assert!(
        client
            .send("ListUsers", json!({"UserPoolId": POOL}).to_string())
            .is_err()
    );
    assert!(
        server
            .log()
            .entries()
            .iter()
            .all(|entry| entry.status.is_none())
    );
}

#[test]
fn lists_lose_their_member_in_three_ways() {
    let body = |how| struck(Fault::List(how)).1.call("ListUsers", json!({})).ok();
    let absent = body(ListMember::Absent);
    assert!(absent.get("Users").is_none() && absent["PaginationToken"].is_string());
    assert!(body(ListMember::Null)["Users"].is_null());
    assert!(body(ListMember::WrongType)["Users"].is_string());
}

#[test]
fn bytes_and_headers_can_be_spoilt() {
    let bent = struck(Fault::InvalidUtf8).1.call("ListUsers", json!({}));
    assert!(std::str::from_utf8(&bent.body).is_err());
    let typed = struck(Fault::ContentType("text/html".to_owned()))
        .1
        .call("ListUsers", json!({}));
    assert_eq!(typed.header("content-type"), "text/html");
    typed.ok();
    let aged = struck(Fault::Headers(Vec::new()).with_header("age", "30"))
        .1
        .call("ListUsers", json!({}));
    assert_eq!(aged.header("age"), "30");
    let replaced = Fault::Replace {
        from: "1739528018.102".to_owned(),
        to: "1.739528018102E9".to_owned(),
    };
    let replaced = struck(replaced).1.call("ListUsers", json!({}));
    assert!(
        String::from_utf8_lossy(&replaced.body).contains("\"UserCreateDate\":1.739528018102E9")
    );
}

#[test]
fn cursors_can_loop_restart_and_overlap() {
    let (_server, client) = struck(Fault::RepeatToken);
    let first = client.call("ListUsers", json!({})).ok();
    let token = first["PaginationToken"].clone();
    for _ in 0..3 {
        let again = client
            .call("ListUsers", json!({"PaginationToken": token}))
            .ok();
        assert_eq!(again, first);
    }
    let second_page = |fault| {
        let rule = Rule::any(fault).nth(2);
        let (_server, client) = serve_config(config(pool()).fault(rule));
        let token = client.call("ListUsers", json!({})).ok()["PaginationToken"].clone();
        let page = client
            .call("ListUsers", json!({"PaginationToken": token}))
            .ok();
        names(page["Users"].as_array().unwrap(), "Username")[0].clone()
    };
    assert_eq!(second_page(Fault::Restart), "user0");
    assert_eq!(second_page(Fault::Overlap), "user59");
    let all = struck(Fault::Oversize)
        .1
        .call("ListUsers", json!({"Limit": 10}))
        .ok();
    assert_eq!(all["Users"].as_array().unwrap().len(), 150);
}

#[test]
fn a_write_can_be_lost_before_or_after_it_happens() {
    let drop = || {
        Rule::on(Operation::AdminDeleteUser, Fault::Drop)
            .containing("user7\"")
            .nth(1)
    };
    for (rule, survives) in [(drop(), true), (drop().after_effect(), false)] {
        let (server, client) = serve_config(config(pool()).fault(rule));
        let request = json!({"UserPoolId": POOL, "Username": "user7"}).to_string();
        assert!(client.send("AdminDeleteUser", request).is_err());
        assert_eq!(server.pools()[0].user("user7").is_some(), survives);
    }
}

#[test]
fn slow_and_endless_answers_can_be_waited_for_and_given_up() {
    let drip = Fault::Drip {
        bytes: 4_096,
        pause: Duration::from_millis(1),
    };
    struck(drip).1.call("ListUsers", json!({})).ok();
    let far_too_much = 1 << 20;
    let patience = Duration::from_secs(60);
    assert!(
        struck(Fault::Endless)
            .1
            .first_bytes("ListUsers", far_too_much, patience)
            .is_some()
    );
    let (server, client) = struck(Fault::Hang);
    assert_eq!(
        client.first_bytes("ListUsers", 1, Duration::from_millis(50)),
        None
    );
    drop(server);
}

#[test]
fn one_connection_serves_a_client_that_keeps_it() {
    let (server, client) = serve(pool());
    for _ in 0..20 {
        client.call("ListUsers", json!({})).ok();
    }
    client.call("DescribeUserPool", json!({})).ok();
    let log = server.log();
    assert_eq!((log.connections_accepted(), log.connections_peak()), (1, 1));
    assert_eq!(log.count(Operation::ListUsers), 20);
    assert_eq!(log.count(Operation::AdminGetUser), 0);
    assert_eq!(log.total(), 21);
    assert!(log.wait_for(21, Duration::from_secs(60)));
    assert!(!log.wait_for(22, Duration::from_millis(1)));
    let last = log.entries().pop().unwrap();
    assert_eq!(last.operation, Some(Operation::DescribeUserPool));
    assert_eq!(
        last.body,
        json!({"UserPoolId": POOL}).to_string().into_bytes()
    );
    assert!(last.headers.iter().any(|(name, _)| name == "x-amz-target"));
    log.clear();
    assert_eq!((log.total(), log.entries().len()), (0, 0));
}

#[test]
fn idle_connections_can_be_closed_and_new_ones_are_accepted() {
    let (server, client) = serve(pool());
    client.call("ListUsers", json!({})).ok();
    server.close_connections();
    while server.log().connections_open() > 0 {
        std::thread::yield_now();
    }
    let fresh = Client::new(server.endpoint());
    fresh.call("ListUsers", json!({})).ok();
    assert_eq!(server.log().connections_accepted(), 2);
}

#[test]
fn latency_delays_and_can_be_changed() {
    let (server, client) = serve(pool());
    server.set_latency(Latency {
        fixed: Duration::from_secs(3_600),
        ..Latency::default()
    });
    assert_eq!(
        client.first_bytes("ListUsers", 1, Duration::from_millis(50)),
        None
    );
    server.set_latency(Latency::default());
    client.call("ListUsers", json!({})).ok();
}

#[test]
fn only_loopback_is_served_and_pools_must_be_sound() {
    let elsewhere = config(pool()).address("0.0.0.0:0".parse().unwrap());
    assert!(matches!(
        Server::start_blocking(elsewhere),
        Err(StartError::NotLoopback(_))
    ));
    assert!(matches!(
        Server::start_blocking(config(pool()).pool(pool())),
        Err(StartError::RepeatedPool(_))
    ));
    let dangling = config(pool().member("user0", "nothing"));
    assert!(matches!(
        Server::start_blocking(dangling),
        Err(StartError::Pool(_))
    ));
    let (first, _client) = serve(pool());
    let taken = config(pool()).address(first.address());
    assert!(matches!(
        Server::start_blocking(taken),
        Err(StartError::Bind(..))
    ));
}

#[test]
fn connections_are_reset_before_within_and_after_the_body() {
    for (moment, whole, any) in [
        (Moment::Before, false, false),
        (Moment::Within, false, true),
        (Moment::After, true, true),
    ] {
        let (_server, client) = struck(Fault::Reset(moment));
        let (text, end) = client.raw("ListUsers", false);
        let error = end.unwrap_err();
        assert_eq!(
            error.kind(),
            std::io::ErrorKind::ConnectionReset,
            "{moment:?}"
        );
        assert_eq!(!text.is_empty(), any, "{moment:?}");
        assert_eq!(text.ends_with('}'), whole, "{moment:?}");
    }
}

#[test]
fn lengths_lie_in_three_ways() {
    let wire = |lie| {
        let (_server, client) = struck(Fault::Length(lie));
        client.raw("ListUsers", true).0
    };
    let lengths = |text: &str| -> Vec<usize> {
        let head = text.split("\r\n\r\n").next().unwrap();
        head.lines()
            .filter_map(|line| line.strip_prefix("content-length: "))
            .map(|length| length.parse().unwrap())
            .collect()
    };
    let body = |text: &str| text.split("\r\n\r\n").nth(1).unwrap().len();
    let text = wire(LengthLie::TooLong);
    assert!(lengths(&text)[0] > body(&text));
    let text = wire(LengthLie::TooShort);
    assert!(lengths(&text)[0] < body(&text));
    let text = wire(LengthLie::Twice);
    assert_eq!(lengths(&text)[0], body(&text));
    assert!(lengths(&text)[1] < body(&text));
}

#[test]
fn a_stalled_body_comes_by_half() {
    let (_server, client) = struck(Fault::Stall);
    let patience = Duration::from_secs(60);
    assert!(client.first_bytes("ListUsers", 1_000, patience).is_some());
    let too_much = 1 << 20;
    assert_eq!(
        client.first_bytes("ListUsers", too_much, Duration::from_millis(50)),
        None
    );
}

#[test]
fn pages_are_short_or_empty_and_cursors_expire_without_losing_a_row() {
    for fault in [Fault::ShortPage, Fault::EmptyPage] {
        let (_server, client) = serve_config(config(pool()).fault(Rule::any(fault.clone()).nth(2)));
        let (users, sizes) = client.pages("ListUsers", &json!({}));
        let expected: &[usize] = match fault {
            Fault::ShortPage => &[60, 1, 60, 29],
            _ => &[60, 0, 60, 30],
        };
        assert_eq!(sizes, expected);
        assert_eq!(users.len(), 150);
    }
    let (_server, client) = struck(Fault::ExpiredCursor);
    let token = client.call("ListUsers", json!({})).ok()["PaginationToken"].clone();
    let refused = client.call("ListUsers", json!({"PaginationToken": token}));
    assert_eq!(refused.error_type(), "InvalidParameterException");
}

#[test]
fn a_storm_strikes_what_no_rule_strikes_and_can_be_ended() {
    let (server, client) = serve_config(
        config(pool())
            .storm(Storm::new(1).broken(1_000))
            .fault(Rule::on(Operation::ListGroups, Fault::throttled())),
    );
    let struck = client.call("ListGroups", json!({}));
    assert_eq!(struck.error_type(), "TooManyRequestsException");
    let _ = client.send("ListUsers", json!({"UserPoolId": POOL}).to_string());
    assert_eq!(server.faults().struck(), 2);
    assert_eq!(server.faults().storm_struck().values().sum::<u64>(), 1);
    server.faults().clear();
    client.call("ListUsers", json!({})).ok();
    assert_eq!(server.faults().struck(), 0);
}
