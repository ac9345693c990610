//! The same battery of calls against the double and against both peers.
//!
//! The double has to answer as AWS documents, without exception. A peer may differ where
//! `deviations.json` says so and gives a reason. A difference that is not listed fails, and
//! so does a listed one that is gone: both mean that what we know about the peer is wrong.

use fake_cognito::{Config, Operation, PoolSpec, Server};
use serde_json::{Value, json};

use crate::peer::{Key, Peer, ministack, moto};
use crate::python;
use crate::site::planned_pool;

const POOL: &str = "us-east-1_Battery01";
const MISSING_POOL: &str = "us-east-1_NoSuchPol";
const ADDRESS_POOL: &str = "us-east-1_Address01";
const ALIAS_POOL: &str = "us-east-1_Alias0001";

#[test]
fn fake_cognito_answers_as_aws_documents() {
    let [all, denied, session] = ["ALL", "DENIED", "SESSION"].map(|name| Key {
        id: format!("AKIDEXAMPLE{name}"),
        secret: format!("wJalrXUtnFEMI/K7MDENG+bPxRfiCY{name}"),
        token: (name == "SESSION").then(|| "issued".to_owned()),
    });
    let token = session.token.clone().unwrap_or_default();
    let server = Config::new()
        .pool(battery_pool())
        .pool(PoolSpec::literal(ADDRESS_POOL).username_attribute("email"))
        .pool(PoolSpec::literal(ALIAS_POOL).alias("email"))
        .key(fake_cognito::Key::new(&all.id, &all.secret))
        .key(fake_cognito::Key::new(&denied.id, &denied.secret).allow_only([Operation::ListUsers]))
        .key(fake_cognito::Key::new(&session.id, &session.secret).session_token(token));
    let server = Server::start_blocking(server).expect("the double starts on loopback");
    let config = config(
        &server.endpoint(),
        [POOL, MISSING_POOL],
        &json!({"address": ADDRESS_POOL, "alias": ALIAS_POOL}),
        [&all, &denied, &session],
    );
    assert_as_expected(&python::run("battery.py", &[], &config), &json!({}));
}

/// The groups that the peers are given by `seed.py`.
fn battery_pool() -> PoolSpec {
    let plan = python::run("plan.py", &[], &Value::Null);
    planned_pool(POOL, &plan["battery_groups"])
}

#[test]
fn ministack_deviates_only_where_listed() {
    a_peer_deviates_only_where_listed(&ministack());
}

#[test]
fn moto_deviates_only_where_listed() {
    a_peer_deviates_only_where_listed(&moto());
}

fn a_peer_deviates_only_where_listed(peer: &Peer) {
    let report = python::run(
        "battery.py",
        &[],
        &config(
            &peer.endpoint,
            [&peer.seed.battery_pool, &peer.seed.missing_pool],
            &peer.seed.sign_in_pools,
            [
                &peer.key("anything"),
                &peer.key("only_users"),
                &peer.seed.session,
            ],
        ),
    );
    assert_as_expected(&report, &peer.deviations()["battery"]);
}

/// What `battery.py` reads from standard input.
fn config(
    endpoint: &str,
    [pool, missing_pool]: [&str; 2],
    sign_in_pools: &Value,
    [key, denied, session]: [&Key; 3],
) -> Value {
    json!({
        "endpoint": endpoint,
        "key": key.id,
        "secret": key.secret,
        "pool": pool,
        "missing_pool": missing_pool,
        "sign_in_pools": sign_in_pools,
        "denied": denied,
        "session": session,
    })
}

/// Every case was observed as documented, or as its deviation says.
#[track_caller]
pub(crate) fn assert_as_expected(report: &Value, deviations: &Value) {
    let problems = problems(report, deviations);
    assert!(
        problems.is_empty(),
        "{} cases are not as expected:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

fn problems(report: &Value, deviations: &Value) -> Vec<String> {
    let cases = report.as_object().expect("the battery reports an object");
    let mut problems = Vec::new();
    for (name, case) in cases {
        let (observed, documented, source) =
            (&case["observed"], &case["documented"], &case["source"]);
        let listed = deviations.get(name);
        match listed {
            None if observed == documented => {}
            None => problems.push(format!(
                "{name}\n  observed:   {observed}\n  documented: {documented} ({source})"
            )),
            Some(_) if observed == documented => {
                problems.push(format!("{name}\n  the listed deviation is gone: remove it"))
            }
            Some(listed) if *observed != listed["observed"] => {
                let listed = &listed["observed"];
                problems.push(format!("{name}\n  observed:   {observed}\n  listed:     {listed}\n  documented: {documented} ({source})"));
            }
            Some(listed) if listed["reason"].as_str().is_none_or(str::is_empty) => {
                problems.push(format!("{name}\n  is listed without a reason"));
            }
            Some(_) => {}
        }
    }
    let unknown = deviations
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !cases.contains_key(*name));
    problems
        .extend(unknown.map(|(name, _)| format!("{name}\n  is listed and no case of the battery")));
    problems
}

#[test]
fn only_a_listed_difference_that_is_still_there_passes() {
    let report = json!({"case": {"observed": 1, "documented": 2, "source": "model"}});
    let count = |deviations: Value| problems(&report, &deviations).len();
    assert_eq!(
        count(json!({"case": {"reason": "known", "observed": 1}})),
        0
    );
    assert_eq!(count(json!({})), 1, "not listed");
    assert_eq!(
        count(json!({"case": {"reason": "known", "observed": 3}})),
        1,
        "another difference than listed"
    );
    assert_eq!(
        count(json!({"case": {"reason": "", "observed": 1}})),
        1,
        "no reason"
    );
    assert_eq!(
        count(json!({"case": {"reason": "known", "observed": 1}, "gone": {}})),
        1,
        "no such case"
    );

    let faithful = json!({"case": {"observed": 2, "documented": 2, "source": "model"}});
    assert_eq!(problems(&faithful, &json!({})).len(), 0);
    assert_eq!(
        problems(
            &faithful,
            &json!({"case": {"reason": "known", "observed": 1}})
        )
        .len(),
        1,
        "the difference is gone"
    );
}
