//! What a sync stores is what the pool holds, as an independent client reads it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::connector::Connector;
use crate::peer::{Peer, ministack, moto};
use crate::python;
use crate::rows::{assert_same, comparable};

#[test]
fn what_list_prints_equals_what_boto3_reads_from_ministack() {
    what_list_prints_equals_what_boto3_reads(&ministack());
}

#[test]
fn what_list_prints_equals_what_boto3_reads_from_moto() {
    what_list_prints_equals_what_boto3_reads(&moto());
}

#[test]
fn what_get_prints_equals_the_listed_row_on_ministack() {
    what_get_prints_equals_the_listed_row(&ministack());
}

#[test]
fn what_get_prints_equals_the_listed_row_on_moto() {
    what_get_prints_equals_the_listed_row(&moto());
}

#[test]
fn ministack_holds_the_pool_that_was_planned() {
    a_peer_holds_the_pool_that_was_planned(&ministack());
}

#[test]
fn moto_holds_the_pool_that_was_planned() {
    a_peer_holds_the_pool_that_was_planned(&moto());
}

fn what_list_prints_equals_what_boto3_reads(peer: &Peer) {
    for options in [&[][..], &["--shards", "16"], &["--plan", "by-user"]] {
        what_is_listed_is_what_boto3_reads(peer, options);
    }
}

fn what_is_listed_is_what_boto3_reads(peer: &Peer, options: &[&str]) {
    let mut read = peer.dump();
    let connector = Connector::new(peer, &peer.seed.pool, &peer.key("reader"));

    let summary = connector.sync_with(options).assert_code(0).json();
    assert_eq!(summary["complete"], true, "{summary}");
    assert_eq!(summary["resumed"], false, "{summary}");
    assert_eq!(summary["warnings"], serde_json::json!([]), "{options:?}");

    let entitlements = entitlements(&read["groups"]);
    for (kind, read) in [
        ("users", take(&mut read, "users")),
        ("groups", take(&mut read, "groups")),
        ("grants", take(&mut read, "grants")),
    ] {
        assert_eq!(summary[kind], read.len(), "{kind} in {summary}");
        assert_same(kind, connector.list(kind).assert_code(0).json_lines(), read);
    }
    assert_eq!(summary["entitlements"], entitlements.len(), "{summary}");
    assert_same(
        "entitlements",
        named_entitlements(connector.list("entitlements").assert_code(0).json_lines()),
        entitlements,
    );
}

fn what_get_prints_equals_the_listed_row(peer: &Peer) {
    let connector = Connector::new(peer, &peer.seed.pool, &peer.key("reader"));
    connector.sync().assert_code(0);
    let unusual = [
        "user-0001",
        "user-0004",
        "user:alice",
        "../../etc/passwd",
        "per%20cent",
        "日本語ユーザー",
        "alice",
        "Alice",
        "admins",
    ];
    let groups = [
        "admins",
        "empty",
        "Ops/Team:é😀+1",
        "group:admins:member",
        "alice",
    ];
    for (kind, listed, ids) in [
        ("user", "users", unusual.as_slice()),
        ("group", "groups", groups.as_slice()),
    ] {
        let rows = connector.list(listed).assert_code(0).json_lines();
        for id in ids {
            let row = rows
                .iter()
                .find(|row| row["id"] == *id)
                .unwrap_or_else(|| panic!("{kind} {id:?} is not listed"));
            let live = connector
                .on_pool(&["get", &format!("{kind}:{id}"), "-o", "json"])
                .assert_code(0)
                .json();
            assert_eq!(comparable(live), comparable(row.clone()), "{kind} {id:?}");
        }
    }
}

/// A peer that lost or changed something would make every other comparison worthless.
fn a_peer_holds_the_pool_that_was_planned(peer: &Peer) {
    let plan = python::run("plan.py", &[], &Value::Null);
    let mut read = peer.dump();
    let defaults = peer.deviations()["group_defaults"].clone();

    let grants: BTreeSet<String> = take(&mut read, "grants")
        .iter()
        .map(|grant| text(&grant["id"]))
        .collect();
    let planned_users = plan["users"].as_array().expect("users are planned");
    let planned_grants = planned_users.iter().flat_map(|user| {
        let groups = user["groups"].as_array().into_iter().flatten();
        groups.map(|group| {
            format!(
                "group:{}:member:user:{}",
                text(group),
                text(&user["username"])
            )
        })
    });
    assert_eq!(grants, planned_grants.collect());

    let users = take(&mut read, "users").into_iter().map(|mut user| {
        let sub = user["attributes"].as_object_mut().and_then(|attributes| attributes.remove("sub"));
        assert_eq!(sub.map(|sub| text(&sub).len()), Some(36), "the sub of {}", user["id"]);
        json!({"id": user["id"], "enabled": user["status"] == "enabled", "status": user["status_details"], "attributes": user["attributes"]})
    });
    let planned = planned_users.iter().map(|user| {
        json!({"id": user["username"], "enabled": user["enabled"], "status": user["status"], "attributes": user["attributes"]})
    });
    assert_same("users", users.collect(), planned.collect());

    let groups = take(&mut read, "groups").into_iter().map(|group| {
        let attributes = &group["attributes"];
        json!({"id": group["id"], "description": group["description"], "precedence": attributes["precedence"], "role_arn": attributes["role_arn"]})
    });
    let planned_groups = plan["groups"]
        .as_array()
        .expect("groups are planned")
        .iter()
        .map(|group| {
            let role = if group["role"] == true {
                json!(peer.seed.role_arn)
            } else {
                Value::Null
            };
            let sent = |member: &str, value: &Value| {
                if value.is_null() {
                    defaults[member].clone()
                } else {
                    value.clone()
                }
            };
            json!({
                "id": group["name"],
                "description": sent("description", &group["description"]),
                "precedence": sent("precedence", &group["precedence"]),
                "role_arn": sent("role_arn", &role),
            })
        });
    assert_same("groups", groups.collect(), planned_groups.collect());
}

/// One entitlement a group; how it is called is not promised.
fn entitlements(groups: &Value) -> Vec<Value> {
    let groups = groups.as_array().expect("groups were read");
    groups
        .iter()
        .map(|group| {
            let resource = format!("group:{}", text(&group["id"]));
            json!({"id": format!("{resource}:member"), "resource": resource, "slug": "member", "grantable_to": ["user"]})
        })
        .collect()
}

fn named_entitlements(rows: Vec<Value>) -> Vec<Value> {
    rows.into_iter()
        .map(|mut row| {
            let name = row
                .as_object_mut()
                .and_then(|members: &mut Map<String, Value>| members.remove("display_name"));
            assert!(
                name.is_some_and(|name| name.as_str().is_some_and(|name| !name.is_empty())),
                "no name for {row}"
            );
            row
        })
        .collect()
}

fn take(dump: &mut Value, kind: &str) -> Vec<Value> {
    match dump[kind].take() {
        Value::Array(rows) => rows,
        other => panic!("{kind} is no list: {other}"),
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}
