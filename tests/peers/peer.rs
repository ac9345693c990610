//! One running MiniStack and one running moto, shared by all tests of this binary, each
//! filled with the pools of `plan.py`.
//!
//! A peer lives as long as the pipe to its launcher: it dies with the test process, however
//! that ends. The tests only read the large pool; the battery has pools of its own, and a
//! test that changes a pool makes one (`site.rs`), so that no test sees another's changes.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::process::Child;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::python;

/// As much of a peer's log as helps without drowning the failure itself.
const LOG_TAIL_BYTES: usize = 4000;

/// A peer that answers and is filled.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) endpoint: String,
    pub(crate) seed: Seed,
    launched: Launched,
}

/// A program that `launch.py` keeps alive.
pub(crate) struct Launched {
    pub(crate) endpoint: String,
    log: String,
    /// Holds the pipe that it lives by.
    _launcher: Child,
}

/// What `seed.py` made.
#[derive(Deserialize)]
pub(crate) struct Seed {
    pub(crate) region: String,
    pub(crate) pool: String,
    pub(crate) battery_pool: String,
    pub(crate) missing_pool: String,
    /// By what people sign in with, as `plan.py` names it.
    pub(crate) sign_in_pools: Value,
    pub(crate) role_arn: String,
    /// Temporary credentials of the user `anything`.
    pub(crate) session: Key,
    keys: HashMap<String, Key>,
}

/// An access key; with a token if it is temporary.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

/// Prints the end of the peer's log when the test that holds it fails.
pub(crate) struct Watched(&'static Peer);

pub(crate) fn ministack() -> Watched {
    static PEER: OnceLock<Peer> = OnceLock::new();
    Watched(PEER.get_or_init(|| Peer::start("ministack")))
}

pub(crate) fn moto() -> Watched {
    static PEER: OnceLock<Peer> = OnceLock::new();
    Watched(PEER.get_or_init(|| Peer::start("moto")))
}

impl Peer {
    fn start(name: &'static str) -> Self {
        let launched = Launched::start(&[name]);
        let seed = python::run("seed.py", &[name, &launched.endpoint], &Value::Null);
        let seed = serde_json::from_value(seed).expect("seed.py prints what Seed reads");
        Self {
            name,
            endpoint: launched.endpoint.clone(),
            seed,
            launched,
        }
    }

    /// A key by its name in `seed.py`.
    pub(crate) fn key(&self, name: &str) -> Key {
        self.seed
            .keys
            .get(name)
            .cloned()
            .unwrap_or_else(|| panic!("seed.py makes no key {name:?}"))
    }

    /// What boto3 reads from the large pool.
    pub(crate) fn dump(&self) -> Value {
        let key = self.key("reader");
        python::run(
            "dump.py",
            &[&self.endpoint, &key.id, &key.secret, &self.seed.pool],
            &Value::Null,
        )
    }

    /// What this peer is known to do otherwise than AWS documents, call by call.
    pub(crate) fn deviations(&self) -> Value {
        self.listed(include_str!("deviations.json"))
    }

    /// What comes of that in commands that change something.
    pub(crate) fn deviations_in_changes(&self) -> Value {
        self.listed(include_str!("deviations_in_changes.json"))
    }

    fn listed(&self, deviations: &str) -> Value {
        let mut all: Value = serde_json::from_str(deviations).expect("deviations are JSON");
        all.get_mut(self.name)
            .map(Value::take)
            .unwrap_or_else(|| json!({}))
    }
}

impl Launched {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Report {
            Ready { endpoint: String, log: String },
            Failed { error: String, log_tail: String },
        }

        let mut launcher = python::spawn("launch.py", arguments);
        let mut line = String::new();
        let output = launcher.stdout.take().expect("standard output is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the launcher reports in text");
        match serde_json::from_str(&line) {
            Ok(Report::Ready { endpoint, log }) => Self {
                endpoint,
                log,
                _launcher: launcher,
            },
            Ok(Report::Failed { error, log_tail }) => {
                panic!("{error}; the end of its log:\n{log_tail}")
            }
            Err(_) => {
                let output = launcher
                    .wait_with_output()
                    .expect("a started launcher can be waited for");
                panic!(
                    "launch.py {arguments:?} reported {line:?}: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
    }

    /// The end of its log.
    pub(crate) fn log_tail(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let tail = &log[log.len().saturating_sub(LOG_TAIL_BYTES)..];
        String::from_utf8_lossy(tail).into_owned()
    }
}

impl Deref for Watched {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        self.0
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "the end of the log of {}:\n{}",
                self.name,
                self.launched.log_tail()
            );
        }
    }
}
