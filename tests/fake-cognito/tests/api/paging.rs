//! Lists are complete and disjoint however their pages are cut, and tokens belong to their list.

use std::collections::HashSet;
use std::time::Duration;

use fake_cognito::{Clock, Generated, GroupSizes, Paging, PoolSpec};
use serde_json::{Value, json};

use crate::client::{Client, POOL, config, names, serve, serve_config};

fn generated(users: u32) -> PoolSpec {
    PoolSpec::generated(
        POOL,
        Generated {
            users,
            groups: 130,
            sizes: GroupSizes::Uniform(150),
            seed: 11,
        },
    )
}

fn first_token(client: &Client, operation: &str, input: Value) -> String {
    let page = client.call(operation, input).ok();
    let token = page
        .get("PaginationToken")
        .or(page.get("NextToken"))
        .unwrap();
    token.as_str().unwrap().to_owned()
}

#[test]
fn pages_are_full_by_default_and_the_last_has_no_token() {
    let (server, client) = serve(generated(150));
    let (users, sizes) = client.pages("ListUsers", &json!({}));
    assert_eq!(sizes, [60, 60, 30]);
    assert_eq!(
        names(&users, "Username")
            .into_iter()
            .collect::<HashSet<_>>()
            .len(),
        150
    );
    assert_eq!(
        client.pages("ListUsers", &json!({"Limit": 50})).1,
        [50, 50, 50]
    );
    assert_eq!(
        client.pages("ListUsers", &json!({"Limit": 0})).1,
        [60, 60, 30]
    );
    assert_eq!(
        client.pages("ListGroups", &json!({"Limit": 60})).1,
        [60, 60, 10]
    );
    let group = server.pools()[0].groups()[0].name.clone();
    assert_eq!(
        client
            .pages("ListUsersInGroup", &json!({"GroupName": group}))
            .1,
        [60, 60, 30]
    );
    let user = server.pools()[0].users().next().unwrap().username;
    assert_eq!(
        client
            .pages("AdminListGroupsForUser", &json!({"Username": user}))
            .1,
        [60, 60, 10]
    );
}

#[test]
fn empty_pools_and_groups_are_one_empty_page() {
    let (_server, client) = serve(PoolSpec::literal(POOL).group(fake_cognito::Group::new("none")));
    assert_eq!(
        client.call("ListUsers", json!({})).ok(),
        json!({"Users": []})
    );
    assert_eq!(
        client
            .call("ListUsersInGroup", json!({"GroupName": "none"}))
            .ok(),
        json!({"Users": []})
    );
}

#[test]
fn short_and_empty_pages_lose_nobody_and_are_the_same_every_time() {
    let paging = Paging {
        short_per_mille: 400,
        empty_per_mille: 400,
        empty_at_end: true,
        seed: 5,
    };
    let (server, client) = serve_config(config(generated(600)).paging(paging));
    let (users, sizes) = client.pages("ListUsers", &json!({}));
    let truth: Vec<String> = server.pools()[0]
        .users()
        .map(|user| user.username)
        .collect();
    assert_eq!(names(&users, "Username"), truth);
    assert!(
        sizes.contains(&0) && sizes.iter().any(|size| (1..60).contains(size)),
        "{sizes:?}"
    );
    assert_eq!(sizes.last(), Some(&0), "an empty page at the end");
    assert_eq!(client.pages("ListUsers", &json!({})).1, sizes);
}

#[test]
fn nothing_but_empty_pages_still_comes_to_an_end() {
    let paging = Paging {
        empty_per_mille: 1_000,
        ..Paging::default()
    };
    let (_server, client) = serve_config(config(generated(120)).paging(paging));
    let (users, sizes) = client.pages("ListUsers", &json!({}));
    assert_eq!(users.len(), 120);
    assert_eq!(sizes, [0, 0, 0, 60, 0, 0, 0, 60]);
}

#[test]
fn a_token_is_refused_for_any_other_list() {
    let pools =
        config(generated(200)).pool(PoolSpec::generated("us-east-1_Other", Generated::default()));
    let (server, client) = serve_config(pools);
    let token = first_token(&client, "ListUsers", json!({}));
    assert!(
        token.contains('+') && token.contains('/') && token.contains('='),
        "{token}"
    );
    let refused = |operation: &str, input: Value| {
        let answer = client.call(operation, input);
        assert_eq!(answer.error_type(), "InvalidParameterException");
    };
    refused(
        "ListUsers",
        json!({"PaginationToken": token, "Filter": "sub ^= \"a\""}),
    );
    refused(
        "ListUsers",
        json!({"PaginationToken": token, "UserPoolId": "us-east-1_Other"}),
    );
    refused("ListGroups", json!({"NextToken": token}));
    refused(
        "ListUsers",
        json!({"PaginationToken": token.replace('+', " ")}),
    );
    let groups = server.pools()[0].groups();
    let token = first_token(
        &client,
        "ListUsersInGroup",
        json!({"GroupName": groups[0].name}),
    );
    refused(
        "ListUsersInGroup",
        json!({"GroupName": groups[1].name, "NextToken": token}),
    );
    client
        .call(
            "ListUsersInGroup",
            json!({"GroupName": groups[0].name, "NextToken": token}),
        )
        .ok();
}

#[test]
fn tokens_age_and_can_be_made_invalid_at_once() {
    let clock = Clock::system();
    let (server, client) = serve_config(config(generated(200)).clock(clock.clone()));
    let token = first_token(&client, "ListUsers", json!({}));
    client
        .call("ListUsers", json!({"PaginationToken": token}))
        .ok();
    server.expire_tokens();
    let expired = client.call("ListUsers", json!({"PaginationToken": token}));
    assert_eq!(expired.error_type(), "InvalidParameterException");

    let token = first_token(&client, "ListUsers", json!({}));
    let mut later = client;
    later.time = Some(std::time::SystemTime::now() + Duration::from_secs(3_601));
    clock.advance(Duration::from_secs(3_601));
    let expired = later.call("ListUsers", json!({"PaginationToken": token}));
    assert_eq!(expired.error_type(), "InvalidParameterException");
}

#[test]
fn deletions_during_a_list_neither_skip_nor_repeat_the_others() {
    let (server, client) = serve(generated(180));
    let pool = &server.pools()[0];
    let truth: Vec<String> = pool.users().map(|user| user.username).collect();
    let first = client.call("ListUsers", json!({})).ok();
    for name in &truth[..30] {
        assert!(pool.remove_user(name));
    }
    for name in &truth[60..70] {
        assert!(pool.remove_user(name));
    }
    let mut seen = names(first["Users"].as_array().unwrap(), "Username");
    let mut token = first["PaginationToken"].clone();
    while !token.is_null() {
        let page = client
            .call("ListUsers", json!({"PaginationToken": token}))
            .ok();
        seen.extend(names(page["Users"].as_array().unwrap(), "Username"));
        token = page["PaginationToken"].clone();
    }
    assert_eq!(seen[..60], truth[..60]);
    assert_eq!(seen[60..], truth[70..]);
}
