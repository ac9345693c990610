//! A sync through microburst, a proxy that nobody here wrote and that makes errors, broken
//! connections and spoilt bodies of MiniStack's answers: it recovers, or says so, and never
//! publishes less than the whole.
//!
//! The proxy puts its own `Host` in the place of the one that was signed, so the requests
//! carry MiniStack's root key, whose signature is not checked. Without a status of its own a
//! rule would send Cognito's throttles as 429 and its internal errors as 400, so every rule
//! names one.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::connector::{Connector, Run};
use crate::peer::{Key, Launched, Watched, ministack};
use crate::python;
use crate::rows::assert_same;

/// The operations of a sync that read what is published.
const LISTS: [&str; 3] = ["ListUsers", "ListGroups", "ListUsersInGroup"];

/// microburst in front of MiniStack, with a root key that it lets through.
struct Burst {
    peer: Watched,
    key: Key,
    proxy: Turn,
}

/// The one proxy of all tests, for one test at a time: rules are for everybody.
struct Turn(MutexGuard<'static, Launched>);

impl Deref for Turn {
    type Target = Launched;

    fn deref(&self) -> &Launched {
        &self.0
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the end of the log of microburst:\n{}", self.log_tail());
        }
    }
}

impl Burst {
    fn start(rules: &Value) -> Self {
        static PROXY: OnceLock<Mutex<Launched>> = OnceLock::new();

        let peer = ministack();
        let proxy = PROXY.get_or_init(|| {
            let proxy = Launched::start(&["microburst", &peer.endpoint]);
            let warm = [&proxy.endpoint, "warm", &peer.seed.pool];
            python::run("burst.py", &warm, &Value::Null);
            Mutex::new(proxy)
        });
        // A test that failed has said so and leaves nothing behind but its rules.
        let proxy = Turn(proxy.lock().unwrap_or_else(PoisonError::into_inner));
        python::run("burst.py", &[&proxy.endpoint, "rules"], rules);
        let key = Key {
            id: "test".to_owned(),
            secret: "test".to_owned(),
            token: None,
        };
        Self { peer, key, proxy }
    }

    fn connector(&self) -> Connector {
        let seed = &self.peer.seed;
        Connector::at(&self.proxy.endpoint, &seed.region, &seed.pool, &self.key)
    }

    /// The operations that a fault has struck, one for each time.
    fn struck(&self) -> Vec<String> {
        let fired = python::run("burst.py", &[&self.proxy.endpoint, "fired"], &Value::Null);
        let events = fired.as_array().expect("burst.py prints a list");
        let operation = |event: &Value| event["operation"].as_str().map(str::to_owned);
        events.iter().filter_map(operation).collect()
    }

    /// What is listed is what boto3 reads from MiniStack itself.
    #[track_caller]
    fn assert_whole(&self, connector: &Connector) {
        let read = self.peer.dump();
        for kind in ["users", "groups", "grants"] {
            let rows = read[kind].as_array().cloned().unwrap_or_default();
            assert_same(kind, connector.list(kind).assert_code(0).json_lines(), rows);
        }
    }
}

/// The same fault for each list.
fn on_lists(fault: &Value) -> Value {
    let rule = |operation: &&str| {
        let mut rule = fault.clone();
        rule["service"] = json!("cognito-idp");
        rule["operation"] = json!(operation);
        rule
    };
    LISTS.iter().map(rule).collect()
}

fn error(code: &str, status: u16) -> Value {
    json!({"error": {"code": code, "status": status, "message": "it is not your fault"}})
}

fn with(mut fault: Value, member: &str, value: Value) -> Value {
    fault[member] = value;
    fault
}

#[test]
fn a_fault_that_passes_costs_a_retry_and_no_row() {
    for (name, fault) in [
        ("a throttle", error("TooManyRequestsException", 400)),
        (
            "a throttle with another status",
            error("TooManyRequestsException", 429),
        ),
        ("an internal error", error("InternalErrorException", 500)),
        ("an unavailable service", error("ServiceUnavailable", 503)),
        ("a reset connection", json!({"reset": true})),
        ("an aborted body", json!({"response": {"abort_frac": 0.3}})),
        (
            "a truncated body",
            json!({"response": {"truncate_frac": 0.5}}),
        ),
        // One byte: two could make another letter of one.
        ("invalid UTF-8", json!({"response": {"corrupt_bytes": 1}})),
    ] {
        let burst = Burst::start(&on_lists(&with(fault, "times", json!(1))));
        let connector = burst.connector();
        let summary = connector.sync().assert_code(0).json();
        assert_eq!(burst.struck().len(), LISTS.len(), "{name}: {summary}");
        assert_eq!(summary["retries"], LISTS.len(), "{name}: {summary}");
        burst.assert_whole(&connector);
    }
}

#[test]
fn faults_of_every_kind_at_once_cost_time_and_no_row() {
    let faults = [
        error("TooManyRequestsException", 400),
        error("InternalErrorException", 500),
        json!({"reset": true}),
        json!({"response": {"abort_frac": 0.7}}),
        json!({"response": {"truncate_frac": 0.9}}),
        json!({"response": {"corrupt_bytes": 1}}),
    ];
    // Six of fifty requests, in a row: a dozen percent.
    let rules: Vec<Value> = faults
        .into_iter()
        .flat_map(|fault| {
            let rare = with(fault, "sequence", json!({"fail": 1, "pass": 49}));
            on_lists(&rare).as_array().cloned().unwrap_or_default()
        })
        .collect();
    let burst = Burst::start(&json!(rules));
    let connector = burst.connector();
    connector.sync().assert_code(0);
    assert!(burst.struck().len() >= 6, "{:?}", burst.struck());
    burst.assert_whole(&connector);
}

#[test]
fn a_fault_that_does_not_pass_is_told_and_leaves_no_snapshot() {
    let members = |fault: Value| {
        let rule = with(fault, "operation", json!("ListUsersInGroup"));
        json!([with(rule, "service", json!("cognito-idp"))])
    };
    for (fault, code) in [
        (error("InternalErrorException", 500), 14),
        (json!({"reset": true}), 14),
        (json!({"response": {"truncate_frac": 0.5}}), 14),
        // What is no answer of this service is not asked for again.
        (
            json!({"response": {"set_headers": {"Content-Type": "text/html"}}}),
            14,
        ),
    ] {
        let burst = Burst::start(&members(fault.clone()));
        let connector = burst.connector();
        let run: Run = connector.sync().assert_code(code);
        let message = run.error()["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(message.contains("ListUsersInGroup"), "{fault}: {message}");
        connector.assert_nothing_is_current();
        assert!(!burst.struck().is_empty(), "{fault}");
    }
}
