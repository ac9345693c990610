//! What a pool must hold according to what the program reported, and nothing else: compared
//! in full with what boto3 reads, so that neither a change that was not reported nor a
//! report without a change goes unseen.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::connector::Run;
use crate::rows::{assert_same, comparable};
use crate::site::Site;

/// The users and memberships that were reported.
pub(crate) struct Ledger<'a> {
    site: &'a Site,
    groups: Vec<Value>,
    users: BTreeMap<String, Value>,
    /// Their ids, which are put together and never taken apart.
    grants: BTreeSet<String>,
}

impl<'a> Ledger<'a> {
    /// Begins with a pool without users.
    pub(crate) fn new(site: &'a Site) -> Self {
        let mut read = site.dump();
        assert_eq!(read["users"], json!([]), "{} begins empty", site.name);
        Self {
            site,
            groups: rows(&mut read, "groups"),
            users: BTreeMap::new(),
            grants: BTreeSet::new(),
        }
    }

    /// Enters what a command printed about its change; a failed one has printed nothing.
    pub(crate) fn enter(&mut self, run: &Run) {
        if run.code != Some(0) {
            assert_eq!(run.stdout, "", "{} failed and printed", run.command);
            return;
        }
        let printed = run.json();
        let outcome = text(&printed["outcome"]);
        let grant = || {
            let (entitlement, principal) =
                (text(&printed["entitlement"]), text(&printed["principal"]));
            let id = format!("{entitlement}:{principal}");
            assert_eq!(printed["grant"], id, "{printed}");
            id
        };
        match outcome.as_str() {
            "created" | "done" => {
                let user = printed["user"].clone();
                let before = self.users.insert(text(&user["id"]), user);
                let expected = outcome == "done";
                assert_eq!(before.is_some(), expected, "{printed} of another user");
            }
            "already-exists" => {
                let known = self.users.get(&text(&printed["user"]["id"]));
                assert_eq!(
                    known.cloned().map(comparable),
                    Some(comparable(printed["user"].clone())),
                    "the existing user"
                );
            }
            "deleted" => self.forget(&text(&printed["account"])),
            "already-gone" => self.assert_unknown(&text(&printed["account"])),
            "granted" => assert!(self.grants.insert(grant()), "{printed} again"),
            "already-granted" => assert!(self.grants.contains(&grant()), "{printed} too early"),
            "revoked" => assert!(self.grants.remove(&grant()), "{printed} again"),
            "already-revoked" => assert!(!self.grants.contains(&grant()), "{printed} wrongly"),
            other => assert!(other.starts_with("would-"), "{other} is no outcome"),
        }
    }

    /// Enters the results of a file: of accounts only the id is printed, so each new one is
    /// looked up by a command of its own.
    pub(crate) fn enter_rows(&mut self, rows: &[Value]) {
        for row in rows {
            let about = row["about"].as_str().unwrap_or_default();
            match row["outcome"].as_str().unwrap_or_default() {
                "created" => {
                    let user = self.look_up(about);
                    let before = self.users.insert(text(&user["id"]), user);
                    assert!(before.is_none(), "{row} of a user that was there");
                }
                "done" => {
                    let (_, id) = about.split_once("user_id=").expect("the argument is shown");
                    let user = self.look_up(&format!("user:{id}"));
                    self.users.insert(id.to_owned(), user);
                }
                "deleted" => self.forget(about),
                "granted" => assert!(self.grants.insert(about.to_owned()), "{row} again"),
                "revoked" => assert!(self.grants.remove(about), "{row} again"),
                _ => {}
            }
        }
    }

    /// What boto3 reads is what was reported, in full.
    #[track_caller]
    pub(crate) fn assert_agrees(&self, stage: &str) {
        let mut read = self.site.dump();
        let about = |kind: &str| format!("{kind} of {} after {stage}", self.site.name);
        let groups = rows(&mut read, "groups");
        assert_same(&about("groups"), self.groups.clone(), groups);
        let users = rows(&mut read, "users");
        if self.users.is_empty() {
            assert!(users.is_empty(), "{}: {users:?}", about("users"));
        } else {
            let reported = self.users.values().cloned().collect();
            assert_same(&about("users"), reported, users);
        }
        let grants = rows(&mut read, "grants");
        let grants: BTreeSet<String> = grants.iter().map(|grant| text(&grant["id"])).collect();
        assert_eq!(self.grants, grants, "{}", about("grants"));
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(String::as_str)
    }

    /// The attributes of a user, without the `sub` that the service made.
    pub(crate) fn attributes(&self, id: &str) -> Map<String, Value> {
        let user = self.users.get(id);
        let user = user.unwrap_or_else(|| panic!("no user {id:?} was reported"));
        let mut attributes = user["attributes"]
            .as_object()
            .expect("a user has attributes")
            .clone();
        let sub = attributes.remove("sub");
        assert_eq!(
            sub.map(|sub| text(&sub).len()),
            Some(36),
            "the sub of {id:?}"
        );
        attributes
    }

    fn look_up(&self, resource: &str) -> Value {
        let found = self
            .site
            .connector()
            .on_pool(&["get", resource, "-o", "json"]);
        found.assert_code(0).json()
    }

    fn forget(&mut self, account: &str) {
        let id = account.strip_prefix("user:").expect("an account is a user");
        assert!(self.users.remove(id).is_some(), "{account} was not there");
        let of_account = format!(":member:{account}");
        self.grants.retain(|id| !id.ends_with(&of_account));
    }

    fn assert_unknown(&self, account: &str) {
        let id = account.strip_prefix("user:").expect("an account is a user");
        assert!(!self.users.contains_key(id), "{account} is there");
    }
}

fn rows(dump: &mut Value, kind: &str) -> Vec<Value> {
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
