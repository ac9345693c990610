//! The policy that `iam-policy` prints is enough and nothing in it is too much: with it every
//! command works, and without any one action exactly those fail that need it by the table
//! of `docs/permissions.md`, which is read here so that page and program can't drift apart.
//!
//! MiniStack enforces policies on the ARN of the pool. moto matches no resource but `*`, so
//! that there the actions count and the resource is replaced. The double knows actions and
//! pools instead of documents.

use std::collections::{BTreeMap, BTreeSet};

use fake_cognito::Operation;
use serde_json::{Value, json};

use crate::connector::{Connector, Run};
use crate::peer::Key;
use crate::python;
use crate::refusals::named_rights;
use crate::site::{Site, Wanted};

const PAGE: &str = include_str!("../../docs/permissions.md");
const GROUP: &str = "admins";

#[test]
fn every_action_of_the_policy_is_needed_where_the_page_says_on_fake_cognito() {
    every_action_is_needed_where_the_page_says(&Site::fake_cognito(&wanted()));
}

#[test]
fn every_action_of_the_policy_is_needed_where_the_page_says_on_ministack() {
    every_action_is_needed_where_the_page_says(&Site::ministack(&wanted()));
}

#[test]
fn every_action_of_the_policy_is_needed_where_the_page_says_on_moto() {
    every_action_is_needed_where_the_page_says(&Site::moto(&wanted()));
}

/// What a command needs, and what it uses if it may.
struct Rights {
    needs: BTreeSet<&'static str>,
    uses: BTreeSet<&'static str>,
}

/// The table of the page.
fn table() -> BTreeMap<&'static str, Rights> {
    fn names(cell: &'static str) -> BTreeSet<&'static str> {
        cell.split('`').skip(1).step_by(2).collect()
    }
    PAGE.lines()
        .skip_while(|line| !line.starts_with("| command "))
        .skip(2)
        .map_while(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let rights = Rights {
                needs: names(cells[1]),
                uses: names(cells[2]),
            };
            (cells[0].trim_matches('`'), rights)
        })
        .collect()
}

/// The policies: all of it, what `--read-only` leaves, and all of it but one action. Each
/// has users of its own, so that its commands find what they are about to change.
fn policies() -> Vec<String> {
    let all = table()
        .into_values()
        .flat_map(|rights| rights.needs.into_iter().chain(rights.uses));
    let without: BTreeSet<String> = all.map(|action| format!("without-{action}")).collect();
    assert_eq!(without.len(), 12, "{without:?}");
    ["all", "read-only"]
        .map(str::to_owned)
        .into_iter()
        .chain(without)
        .collect()
}

fn wanted() -> Wanted {
    let user = |policy: &str, purpose: &str| {
        json!({
            "username": format!("{policy}-{purpose}"),
            "attributes": {},
            "status": "FORCE_CHANGE_PASSWORD",
            "enabled": purpose != "enable",
            "groups": if purpose == "revoke" { json!([GROUP]) } else { json!([]) },
        })
    };
    let purposes = ["grant", "revoke", "delete", "enable", "disable"];
    let users = policies()
        .into_iter()
        .flat_map(|policy| purposes.map(|purpose| user(&policy, purpose)));
    Wanted {
        users: users.collect(),
        ..Wanted::groups(&[GROUP])
    }
}

fn every_action_is_needed_where_the_page_says(site: &Site) {
    let documents = documents(site);
    let allowed: BTreeMap<&String, BTreeSet<String>> = documents
        .iter()
        .map(|(policy, document)| (policy, actions(document)))
        .collect();
    let keys = keys(site, &documents);
    let mut pool = Expected::of(site);
    for (policy, key) in &keys {
        let connector = site.connector_with(key);
        for (command, rights) in table() {
            let missing: BTreeSet<&str> = rights
                .needs
                .iter()
                .copied()
                .filter(|action| !allowed[policy].contains(*action))
                .collect();
            let run = run(&connector, command, policy);
            let about = format!("`{command}` on {} with the policy {policy:?}", site.name);
            if missing.is_empty() {
                succeeded(&run, command, policy, &about);
                pool.changed_by(command, policy);
            } else {
                let denied = denied(&run, command);
                assert_eq!(run.code, Some(7), "{about}: {} {}", run.stdout, run.stderr);
                // Of several missing rights the first one that is noticed may be all.
                assert!(!denied.is_empty(), "{about} names no right: {}", run.stderr);
                let named: BTreeSet<&str> = denied.iter().map(String::as_str).collect();
                assert!(named.is_subset(&missing), "{about} names {named:?}");
            }
            if command == "iam-policy" {
                let known = allowed[policy].contains("DescribeUserPool");
                assert_eq!(
                    run.json()["Statement"][0]["Resource"] == site.arn,
                    known,
                    "{about}"
                );
                assert_eq!(
                    run.stderr.contains("note: "),
                    !known,
                    "{about}: {}",
                    run.stderr
                );
            }
        }
    }
    // What was denied has changed nothing, and what was not denied has.
    assert_eq!(Expected::of(site).0, pool.0, "users of {}", site.name);
}

/// The documents as they are printed, and those without one action.
fn documents(site: &Site) -> BTreeMap<String, String> {
    let connector = site.connector();
    let printed = |more: &[&str]| {
        let arguments = [&["iam-policy", "-o", "json"], more].concat();
        connector.on_pool(&arguments).assert_code(0).stdout
    };
    let all = printed(&[]);
    let read_only = printed(&["--read-only"]);
    let resource = |text: &str| parsed(text)["Statement"][0]["Resource"].clone();
    assert_eq!(resource(&all), site.arn);
    assert_eq!(resource(&read_only), site.arn);
    policies()
        .into_iter()
        .map(|policy| {
            let document = match policy.as_str() {
                "all" => all.clone(),
                "read-only" => read_only.clone(),
                _ => {
                    let action = policy.strip_prefix("without-").expect("one is left out");
                    without(&all, &format!("cognito-idp:{action}"))
                }
            };
            (policy, document)
        })
        .collect()
}

fn parsed(document: &str) -> Value {
    serde_json::from_str(document).expect("a policy is JSON")
}

fn without(document: &str, action: &str) -> String {
    let mut document = parsed(document);
    let actions = document["Statement"][0]["Action"].as_array_mut();
    let actions = actions.expect("a policy lists its actions");
    let before = actions.len();
    actions.retain(|allowed| allowed != action);
    assert_eq!(actions.len() + 1, before, "{action} is not in the policy");
    document.to_string()
}

/// The actions of a document without the name of the service.
fn actions(document: &str) -> BTreeSet<String> {
    let document = parsed(document);
    let actions = document["Statement"][0]["Action"].as_array();
    let actions = actions.into_iter().flatten().filter_map(Value::as_str);
    actions
        .filter_map(|action| action.strip_prefix("cognito-idp:"))
        .map(str::to_owned)
        .collect()
}

/// One key for each document.
fn keys(site: &Site, documents: &BTreeMap<String, String>) -> BTreeMap<String, Key> {
    if let Some((server, pool)) = site.double() {
        let key = |(number, (policy, document)): (usize, (&String, &String))| {
            let key = Key {
                id: format!("AKIDPOLICY{number}"),
                ..site.key.clone()
            };
            let operations = actions(document).into_iter();
            let operations = operations.map(|name| name.parse().expect("the double knows it"));
            let known = fake_cognito::Key::new(&key.id, &key.secret)
                .allow_only(operations.collect::<Vec<Operation>>())
                .only_pools([pool.id()]);
            server.credentials().put(known);
            (policy.clone(), key)
        };
        return documents.iter().enumerate().map(key).collect();
    }
    let Some(resource) = site.deviations("policy").get("resource").cloned() else {
        return made(site, documents.clone());
    };
    // The deviation is still there: the document as it is allows nothing.
    let as_it_is = BTreeMap::from([("as-it-is".to_owned(), documents["all"].clone())]);
    let refused = site.connector_with(&made(site, as_it_is)["as-it-is"]);
    refused.on_pool(&["get", "group:admins"]).assert_code(7);
    let replaced = |(policy, document): (&String, &String)| {
        let mut document = parsed(document);
        document["Statement"][0]["Resource"] = resource.clone();
        (policy.clone(), document.to_string())
    };
    made(site, documents.iter().map(replaced).collect())
}

/// An IAM user of a peer for each document, which is handed over as it is.
fn made(site: &Site, documents: BTreeMap<String, String>) -> BTreeMap<String, Key> {
    // Users of IAM are not of a pool, so their names say which one is meant.
    let name = |policy: &String| format!("{}-{policy}", site.pool);
    let sent = documents
        .iter()
        .map(|(policy, document)| (name(policy), json!(document)));
    let peer = site.peer().expect("a site is the double or a peer");
    let administrator = peer.key("administrator");
    let arguments = [
        peer.endpoint.as_str(),
        &administrator.id,
        &administrator.secret,
    ];
    let mut made = python::run("keys.py", &arguments, &Value::Object(sent.collect()));
    documents
        .into_keys()
        .map(|policy| {
            let key = serde_json::from_value(made[name(&policy)].take());
            (policy, key.expect("keys.py prints a key"))
        })
        .collect()
}

/// Runs a command of the page's table.
fn run(connector: &Connector, command: &str, policy: &str) -> Run {
    let user = |purpose: &str| format!("user:{policy}-{purpose}");
    let user_id = |purpose: &str| format!("user_id={policy}-{purpose}");
    let entitlement = format!("group:{GROUP}:member");
    match command {
        "sync" => connector.sync(),
        "validate" => connector.on_pool(&["validate", "-o", "json"]),
        "get user" => connector.on_pool(&["get", &user("grant"), "-o", "json"]),
        "get group" => connector.on_pool(&["get", &format!("group:{GROUP}"), "-o", "json"]),
        "iam-policy" => connector.on_pool(&["iam-policy", "-o", "json"]),
        "grant" => connector.change(&["grant", &entitlement, &user("grant")]),
        "revoke" => connector.change(&["revoke", &entitlement, &user("revoke")]),
        "account create" => {
            let name = format!("{policy}-create");
            connector.change(&["account", "create", "--username", &name])
        }
        "account delete" => connector.change(&["account", "delete", &user("delete"), "--yes"]),
        "action invoke enable_user" => {
            connector.change(&["action", "invoke", "enable_user", &user_id("enable")])
        }
        "action invoke disable_user" => {
            connector.change(&["action", "invoke", "disable_user", &user_id("disable")])
        }
        other => panic!("the page has the command `{other}`, and nothing here runs it"),
    }
}

/// The command did what it is for.
fn succeeded(run: &Run, command: &str, policy: &str, about: &str) {
    assert_eq!(run.code, Some(0), "{about}: {} {}", run.stdout, run.stderr);
    let printed = run.json();
    let (member, value) = match command {
        "sync" => ("complete", json!(true)),
        "validate" => ("ok", json!(true)),
        "get user" => ("id", json!(format!("{policy}-grant"))),
        "get group" => ("id", json!(GROUP)),
        "iam-policy" => ("Version", json!("2012-10-17")),
        "grant" => ("outcome", json!("granted")),
        "revoke" => ("outcome", json!("revoked")),
        "account create" => ("outcome", json!("created")),
        "account delete" => ("outcome", json!("deleted")),
        _ => ("success", json!(true)),
    };
    assert_eq!(printed[member], value, "{about}: {printed}");
    if member == "outcome" || member == "success" {
        assert_eq!(printed["warnings"], json!([]), "{about}");
    }
}

/// The rights that a refused command says are missing.
fn denied(run: &Run, command: &str) -> BTreeSet<String> {
    let message = if command == "validate" {
        let report = run.json();
        let checks = report["checks"].as_array().into_iter().flatten();
        let failed = checks.filter(|check| check["status"] == "failed");
        json!(failed.map(Value::to_string).collect::<String>())
    } else {
        run.error()["message"].clone()
    };
    named_rights(&message)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// Of every user whether it is enabled and in the group.
struct Expected(BTreeMap<String, (bool, bool)>);

impl Expected {
    /// What boto3 reads.
    fn of(site: &Site) -> Self {
        let read = site.dump();
        let rows = |kind: &str| read[kind].as_array().expect("rows were read").clone();
        let members: BTreeSet<String> = rows("grants")
            .iter()
            .filter_map(|grant| grant["principal"].as_str())
            .map(str::to_owned)
            .collect();
        let user = |row: &Value| {
            let id = row["id"].as_str().expect("a user has an id").to_owned();
            let member = members.contains(&format!("user:{id}"));
            (id, (row["status"] == "enabled", member))
        };
        Self(rows("users").iter().map(user).collect())
    }

    fn changed_by(&mut self, command: &str, policy: &str) {
        let mut set = |purpose: &str, state: (bool, bool)| {
            self.0.insert(format!("{policy}-{purpose}"), state);
        };
        match command {
            "grant" => set("grant", (true, true)),
            "revoke" => set("revoke", (true, false)),
            "account create" => set("create", (true, false)),
            "action invoke enable_user" => set("enable", (true, false)),
            "action invoke disable_user" => set("disable", (false, false)),
            "account delete" => {
                self.0.remove(&format!("{policy}-delete"));
            }
            _ => {}
        }
    }
}
