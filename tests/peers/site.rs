//! A pool of its own for one test, on the double or on a peer: the tests that change a pool
//! run the same against all three, and none sees what another does.
//!
//! Groups and users are given in the shape of `plan.py`, options as CreateUserPool takes
//! them, and boto3 reads back what is there in any of the three.

use std::sync::atomic::{AtomicU32, Ordering};

use fake_cognito::{Config, Group, Pool, PoolSpec, Server, User};
use serde_json::{Value, json};

use crate::connector::Connector;
use crate::peer::{Key, Peer, Watched, ministack, moto};
use crate::python;

pub(crate) const REGION: &str = "us-east-1";
const FAKE_POOL: &str = "us-east-1_Changed01";
const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/directory/Ops.Admins";

/// A pool and a key that may do everything to it.
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) endpoint: String,
    pub(crate) pool: String,
    pub(crate) arn: String,
    pub(crate) key: Key,
    holder: Holder,
}

enum Holder {
    Double(Server),
    Peer(Watched),
}

/// A pool to be made.
pub(crate) struct Wanted {
    pub(crate) groups: Value,
    pub(crate) users: Value,
    pub(crate) options: Value,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            groups: json!([]),
            users: json!([]),
            options: json!({}),
        }
    }
}

impl Wanted {
    /// A pool with groups of these names, that have nothing but their names.
    pub(crate) fn groups(names: &[impl AsRef<str>]) -> Self {
        Self {
            groups: names
                .iter()
                .map(|name| json!({"name": name.as_ref()}))
                .collect(),
            ..Self::default()
        }
    }
}

impl Site {
    pub(crate) fn fake_cognito(wanted: &Wanted) -> Self {
        let key = Key {
            id: "AKIDEXAMPLEALL".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYALL".to_owned(),
            token: None,
        };
        let config = Config::new()
            .pool(wanted.for_the_double())
            .key(fake_cognito::Key::new(&key.id, &key.secret));
        let server = Server::start_blocking(config).expect("the double starts on loopback");
        Self {
            name: "fake-cognito",
            endpoint: server.endpoint(),
            pool: FAKE_POOL.to_owned(),
            arn: server.pools()[0].arn(),
            key,
            holder: Holder::Double(server),
        }
    }

    pub(crate) fn ministack(wanted: &Wanted) -> Self {
        Self::on(ministack(), wanted)
    }

    pub(crate) fn moto(wanted: &Wanted) -> Self {
        Self::on(moto(), wanted)
    }

    fn on(peer: Watched, wanted: &Wanted) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(1);

        assert_eq!(peer.seed.region, REGION);
        let key = peer.key("anything");
        let name = format!("changed-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let made = python::run(
            "pool.py",
            &[&peer.endpoint, &key.id, &key.secret],
            &json!({
                "name": name,
                "groups": wanted.groups,
                "users": wanted.users,
                "options": wanted.options,
            }),
        );
        let text = |member: &str| made[member].as_str().expect("pool.py says it").to_owned();
        Self {
            name: peer.name,
            endpoint: peer.endpoint.clone(),
            pool: text("pool"),
            arn: text("arn"),
            key,
            holder: Holder::Peer(peer),
        }
    }

    /// The command line, with the key that may do everything.
    pub(crate) fn connector(&self) -> Connector {
        self.connector_with(&self.key)
    }

    pub(crate) fn connector_with(&self, key: &Key) -> Connector {
        Connector::at(&self.endpoint, REGION, &self.pool, key)
    }

    /// Everything that boto3 reads from the pool.
    pub(crate) fn dump(&self) -> Value {
        python::run(
            "dump.py",
            &[&self.endpoint, &self.key.id, &self.key.secret, &self.pool],
            &Value::Null,
        )
    }

    /// The double, if it is the double.
    pub(crate) fn double(&self) -> Option<(&Server, &Pool)> {
        match &self.holder {
            Holder::Double(server) => Some((server, &server.pools()[0])),
            Holder::Peer(_) => None,
        }
    }

    /// The peer, if it is one.
    pub(crate) fn peer(&self) -> Option<&Peer> {
        match &self.holder {
            Holder::Double(_) => None,
            Holder::Peer(peer) => Some(peer),
        }
    }

    /// What is known to differ here in one group of cases. The double is allowed nothing.
    pub(crate) fn deviations(&self, cases: &str) -> Value {
        match self.peer() {
            None => json!({}),
            Some(peer) => match &peer.deviations_in_changes()[cases] {
                Value::Null => json!({}),
                listed => listed.clone(),
            },
        }
    }
}

impl Wanted {
    fn for_the_double(&self) -> PoolSpec {
        let attributes = |option: &str| -> Vec<String> {
            let names = self.options[option].as_array().into_iter().flatten();
            names.map(text).collect()
        };
        let mut pool = planned_pool(FAKE_POOL, &self.groups);
        for attribute in attributes("UsernameAttributes") {
            pool = pool.username_attribute(attribute);
        }
        for attribute in attributes("AliasAttributes") {
            pool = pool.alias(attribute);
        }
        if self.options["UsernameConfiguration"]["CaseSensitive"] == false {
            pool = pool.case_insensitive();
        }
        for planned in self.users.as_array().into_iter().flatten() {
            let name = text(&planned["username"]);
            let mut user = User::new(name.clone()).status(text(&planned["status"]));
            for (attribute, value) in planned["attributes"].as_object().into_iter().flatten() {
                user = user.attribute(attribute.clone(), text(value));
            }
            if planned["enabled"] == false {
                user = user.disabled();
            }
            pool = pool.user(user);
            for group in planned["groups"].as_array().into_iter().flatten() {
                pool = pool.member(name.clone(), text(group));
            }
        }
        pool
    }
}

/// A pool of the double with groups and custom attributes as the peers are given them.
pub(crate) fn planned_pool(id: &str, groups: &Value) -> PoolSpec {
    let pool = ["custom:note", "custom:cost_centre"]
        .into_iter()
        .fold(PoolSpec::literal(id), PoolSpec::custom_attribute);
    let groups = groups.as_array().expect("groups are planned");
    groups.iter().fold(pool, |pool, planned| {
        let mut group = Group::new(text(&planned["name"]));
        group.description = planned["description"].as_str().map(str::to_owned);
        group.precedence = planned["precedence"]
            .as_u64()
            .and_then(|value| u32::try_from(value).ok());
        group.role_arn = planned["role"].as_bool().map(|_| ROLE_ARN.to_owned());
        pool.group(group)
    })
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}
