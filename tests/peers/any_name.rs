//! Whatever Cognito admits as a name or a value goes through the program and the service
//! and comes back byte for byte: by files, in which all of it is escaped and parsed twice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::connector::Run;
use crate::names::Names;
use crate::rows::assert_same;
use crate::site::{Site, Wanted};

/// Any number will do; another one draws other names.
const SEED: u64 = 0x00c0_9111_7000_0003;
const USERS: usize = 120;
const GROUPS: usize = 24;

#[test]
fn any_name_and_value_comes_back_byte_for_byte_from_fake_cognito() {
    let drawn = Drawn::new();
    drawn.comes_back_byte_for_byte(&Site::fake_cognito(&Wanted::groups(&drawn.groups)));
}

#[test]
fn any_name_and_value_comes_back_byte_for_byte_from_ministack() {
    let drawn = Drawn::new();
    drawn.comes_back_byte_for_byte(&Site::ministack(&Wanted::groups(&drawn.groups)));
}

#[test]
fn any_name_and_value_comes_back_byte_for_byte_from_moto() {
    let drawn = Drawn::new();
    drawn.comes_back_byte_for_byte(&Site::moto(&Wanted::groups(&drawn.groups)));
}

struct Drawn {
    groups: Vec<String>,
    /// Attributes by username.
    users: BTreeMap<String, Map<String, Value>>,
    /// Group and username.
    members: BTreeSet<(String, String)>,
}

impl Drawn {
    fn new() -> Self {
        let mut names = Names::new(SEED);
        let groups = names.draw(GROUPS);
        let usernames = names.draw(USERS);
        let mut members = BTreeSet::new();
        for (number, username) in usernames.iter().enumerate() {
            // Every fourth is in two groups; some groups stay small, none stays empty.
            members.insert((groups[number % GROUPS].clone(), username.clone()));
            if number % 4 == 0 {
                members.insert((groups[number / 4 % GROUPS].clone(), username.clone()));
            }
        }
        let users = usernames.into_iter().map(|username| {
            let attributes = json!({
                "given_name": names.draw(1)[0],
                "custom:department": names.value(),
                "custom:note": username,
            });
            let attributes = attributes.as_object().expect("an object").clone();
            (username, attributes)
        });
        Self {
            groups,
            users: users.collect(),
            members,
        }
    }

    fn comes_back_byte_for_byte(&self, site: &Site) {
        let connector = site.connector();
        let file = self.users.iter().map(|(username, attributes)| {
            let mut row = attributes.clone();
            row.insert("username".to_owned(), json!(username));
            Value::Object(row)
        });
        let run = connector.change_many(&["account", "create"], "create.jsonl", &lines(file));
        assert_all(&run, "created", USERS);
        self.assert_users(site);

        let file = self.members.iter().map(|(group, username)| {
            json!({
                "entitlement": format!("group:{group}:member"),
                "principal": format!("user:{username}"),
            })
        });
        let run = connector.change_many(&["grant"], "grant.jsonl", &lines(file));
        assert_all(&run, "granted", self.members.len());
        assert_eq!(self.grants(), read_ids(site, "grants"), "of {}", site.name);
        self.assert_users(site);

        // What `list` prints is a file of changes, too.
        connector.sync().assert_code(0);
        let grants = connector.list("grants").assert_code(0).stdout;
        let run = connector.change_many(&["revoke"], "revoke.jsonl", &grants);
        assert_all(&run, "revoked", self.members.len());
        assert_eq!(
            BTreeSet::new(),
            read_ids(site, "grants"),
            "of {}",
            site.name
        );

        let users = connector.list("users").assert_code(0).stdout;
        let run = connector.change_many(&["account", "delete", "-y"], "delete.jsonl", &users);
        assert_all(&run, "deleted", USERS);
        assert_eq!(site.dump()["users"], json!([]), "users of {}", site.name);
        let groups: BTreeSet<String> = self.groups.iter().cloned().collect();
        assert_eq!(groups, read_ids(site, "groups"), "groups of {}", site.name);
    }

    /// Every user with all attributes, but for the `sub` that the service makes.
    #[track_caller]
    fn assert_users(&self, site: &Site) {
        let mut dump = site.dump();
        let rows = dump["users"].as_array_mut().expect("users were read");
        let read = rows.iter_mut().map(|row| {
            let attributes = row["attributes"].as_object_mut();
            let sub = attributes.and_then(|attributes| attributes.remove("sub"));
            assert!(sub.is_some(), "{row} has no sub");
            json!({"id": row["id"], "attributes": row["attributes"]})
        });
        let drawn = self.users.iter();
        let drawn = drawn.map(|(id, attributes)| json!({"id": id, "attributes": attributes}));
        let about = format!("users of {}", site.name);
        assert_same(&about, drawn.collect(), read.collect());
    }

    fn grants(&self) -> BTreeSet<String> {
        let members = self.members.iter();
        members
            .map(|(group, username)| format!("group:{group}:member:user:{username}"))
            .collect()
    }
}

fn lines(rows: impl Iterator<Item = Value>) -> String {
    rows.map(|row| format!("{row}\n")).collect()
}

#[track_caller]
fn assert_all(run: &Run, outcome: &str, rows: usize) {
    let printed = run.json_lines();
    let others: Vec<&Value> = printed
        .iter()
        .filter(|row| row["outcome"] != outcome || row["warnings"] != json!([]))
        .collect();
    assert!(others.is_empty(), "not {outcome}: {:?}", others[0]);
    assert_eq!(printed.len(), rows, "{}", run.stderr);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

fn read_ids(site: &Site, kind: &str) -> BTreeSet<String> {
    let read = site.dump();
    let rows = read[kind].as_array().expect("rows were read");
    let ids = rows.iter().filter_map(|row| row["id"].as_str());
    ids.map(str::to_owned).collect()
}
