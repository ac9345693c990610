//! Quotas over HTTP, by a clock that a test moves.

use std::time::{Duration, SystemTime};

use fake_cognito::{Class, Clock, PoolSpec, Quotas};
use serde_json::json;

use crate::client::{Client, POOL, config, serve_config};

const START_S: u64 = 1_740_000_000;

fn passed(client: &Client, operation: &str, tries: usize) -> usize {
    (0..tries)
        .filter(|_| {
            let answer = client.call(operation, json!({}));
            if answer.status != 200 {
                let error = (
                    "TooManyRequestsException".to_owned(),
                    "Rate exceeded".to_owned(),
                );
                assert_eq!(answer.error(), error);
            }
            answer.status == 200
        })
        .count()
}

#[test]
fn a_class_over_its_quota_is_refused_until_time_passes() {
    let clock = Clock::manual(START_S as i64 * 1_000);
    let (server, mut client) = serve_config(
        config(PoolSpec::literal(POOL))
            .clock(clock.clone())
            .quotas(Quotas::cognito()),
    );
    client.time = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(START_S));
    assert_eq!(passed(&client, "ListGroups", 8), 5);
    assert_eq!(passed(&client, "ListUsers", 35), 30);
    assert_eq!(passed(&client, "DescribeUserPool", 20), 15);
    clock.advance(Duration::from_millis(400));
    assert_eq!(passed(&client, "ListGroups", 8), 2);
    assert_eq!(passed(&client, "ListUsers", 35), 12);
    server.quotas().set(Class::UserList, None);
    assert_eq!(passed(&client, "ListUsers", 50), 50);
}
