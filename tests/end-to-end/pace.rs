//! The pace of requests as the service sees it: nobody is too early, several processes share
//! a pace, and the next process begins where the last one stopped.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use fake_cognito::{Class, Config, Generated, GroupSizes, Key, PoolSpec};
use serde_json::Value;

use crate::redis_server::Redis;
use crate::support::{Bench, KEY_ID, POOL, Ran, SECRET, finish, ran};

/// The documented default that half of is the ceiling nobody has to ask for.
const CEILING: f64 = 15.0;

/// A pool of some sixty lists of users.
fn pool() -> PoolSpec {
    PoolSpec::generated(
        POOL,
        Generated {
            users: 600,
            groups: 5,
            sizes: GroupSizes::Uniform(600),
            seed: 3,
        },
    )
}

fn summary(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

/// A sync that keeps its pace, into a store of its own.
fn spawn(bench: &Bench, store: &str) -> Child {
    bench
        .command(&["sync", "-o", "json", "--store", store])
        .env_remove("CONNECTOR_MAX_RATE")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn throttled(child: Child) -> u64 {
    let ran = ran(&child.wait_with_output().unwrap());
    summary(&ran)["throttled"].as_u64().unwrap()
}

/// The file in which the pace is kept, and what stands in it.
fn kept(bench: &Bench) -> (PathBuf, Value) {
    let folder = bench.folder.path().join(".local/state/connector/rates");
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [file] = <[PathBuf; 1]>::try_from(files).unwrap();
    let text = std::fs::read(&file).unwrap();
    let value = serde_json::Deserializer::from_slice(&text)
        .into_iter()
        .next();
    (file, value.unwrap().unwrap())
}

#[test]
fn nobody_is_faster_than_half_of_the_documented_quota_unless_told_to_be() {
    let bench = Bench::with_pool(pool());
    bench
        .server
        .quotas()
        .set(Class::UserList, Some(CEILING + 1.0));
    assert_eq!(throttled(spawn(&bench, "paced.db")), 0);
    let unpaced = bench.json(&["sync", "--store", "unpaced.db"]);
    assert!(
        unpaced["throttled"].as_u64().unwrap() > 0,
        "the quota bites whoever is faster: {unpaced}"
    );
}

/// Four processes that read one pool at the same time, each with another key of one
/// account, so that the log tells who sent what.
fn four_share_the_quota(prepare: impl Fn(&mut Command, usize)) {
    let keys: Vec<String> = (1..=4)
        .map(|number| format!("AKIAENDTOENDAAKEYNR{number}"))
        .collect();
    let config = Config::new().pool(pool());
    let config = keys
        .iter()
        .fold(config, |config, id| config.key(Key::new(id, SECRET)));
    let bench = Bench::start(config);
    bench
        .server
        .quotas()
        .set(Class::UserList, Some(CEILING + 1.0));
    let spawned = keys.iter().enumerate().map(|(number, id)| {
        let store = format!("{id}.db");
        let mut command = bench.command(&["sync", "-o", "json", "--store", &store]);
        command
            .env_remove("CONNECTOR_MAX_RATE")
            .env("CONNECTOR_AWS_ACCESS_KEY_ID", id)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        prepare(&mut command, number);
        command.spawn().unwrap()
    });
    let processes: Vec<Child> = spawned.collect();
    for process in processes {
        assert_eq!(throttled(process), 0);
    }
    let entries = bench.server.log().entries();
    let ids = entries.iter().filter_map(|entry| entry.key_id.clone());
    let ids: Vec<String> = ids.collect();
    // From when all have begun until the first has ended.
    let first = |id: &String| ids.iter().position(|other| other == id).unwrap();
    let last = |id: &String| ids.iter().rposition(|other| other == id).unwrap();
    let together = keys.iter().map(first).max().unwrap()..keys.iter().map(last).min().unwrap();
    let fair = together.len() / keys.len();
    assert!(fair > 20, "they hardly met: {together:?}");
    for id in &keys {
        let part = ids[together.clone()].iter().filter(|other| *other == id);
        let part = part.count();
        assert!(
            part * 3 >= fair * 2 && part * 3 <= fair * 4,
            "{id} had {part} of {}",
            together.len()
        );
    }
}

#[test]
fn four_processes_of_one_account_stay_under_the_quota_together_and_get_equal_parts() {
    four_share_the_quota(|_, _| {});
}

#[test]
fn four_machines_share_the_quota_through_a_server() {
    let server = Redis::start();
    let homes = tempfile::tempdir().unwrap();
    four_share_the_quota(|command, number| {
        let home = homes.path().join(number.to_string());
        std::fs::create_dir(&home).unwrap();
        command
            .env("HOME", home)
            .env("CONNECTOR_RATE_STORE", server.url());
    });
    assert!(server.keys().contains("user-list"), "{}", server.keys());
}

#[test]
fn a_machine_whose_rate_store_is_away_goes_on_alone_and_slower() {
    let bench = Bench::with_pool(PoolSpec::generated(POOL, Generated::default()));
    let server = Redis::start();
    let url = server.url().replace("//", "//:geheim@");
    drop(server);
    let ceiling = CEILING / 4.0;
    let quotas = bench.server.quotas();
    quotas.set(Class::UserList, Some(ceiling + 1.0));
    let mut sync = bench.command(&["sync", "-o", "json", "--rate-store", &url]);
    let ran = finish(sync.env_remove("CONNECTOR_MAX_RATE"));
    assert_eq!(summary(&ran)["throttled"], 0, "{ran:?}");
    assert_eq!(ran.stderr.matches("goes on alone").count(), 1, "{ran:?}");
    assert!(!ran.stderr.contains("geheim"), "{ran:?}");
}

#[test]
fn a_rate_store_that_is_none_is_refused_before_anything_is_sent() {
    let bench = Bench::with_pool(pool());
    for url in [
        "",
        "redis",
        "http://127.0.0.1",
        "redis://:geheim@",
        "/tmp/rates",
    ] {
        let ran = bench.run(&["sync", "-o", "json", "--rate-store", url]);
        ran.assert_refused(3, &["--rate-store", "redis://HOST:PORT"]);
        assert!(!ran.stderr.contains("geheim"), "{ran:?}");
        assert_eq!(bench.server.log().entries().len(), 0);
    }
}

#[test]
fn the_next_run_begins_with_the_pace_that_the_last_one_found() {
    let bench = Bench::with_pool(pool());
    bench.server.quotas().set(Class::UserList, Some(2.0));
    let mut lifted = bench.command(&["sync", "-o", "json", "--only", "users"]);
    let first = summary(&finish(lifted.env("CONNECTOR_MAX_RATE", "user-list=1000")));
    assert!(first["throttled"].as_u64().unwrap() > 0, "{first}");
    let (_, found) = kept(&bench);
    let rate = found["user-list"]["rate"].as_f64().unwrap();
    assert!(rate < 5.0, "below the pace that it began with: {found}");

    bench
        .server
        .quotas()
        .set(Class::UserList, Some(rate.ceil()));
    let mut again = bench.command(&["sync", "-o", "json", "--only", "users"]);
    let second = summary(&finish(again.env("CONNECTOR_MAX_RATE", "user-list=30")));
    assert_eq!(second["throttled"], 0, "{second}");
}

#[test]
fn the_file_of_paces_tells_nobody_whose_they_are() {
    let bench = Bench::with_pool(pool());
    bench.json(&["sync", "--only", "groups"]);
    let mut paced = bench.command(&["sync", "-o", "json", "--only", "groups"]);
    summary(&finish(paced.env_remove("CONNECTOR_MAX_RATE")));
    let (file, kept) = kept(&bench);
    let shown = format!("{} {kept}", file.display());
    let shown = shown.replace(&bench.folder.path().display().to_string(), "");
    for secret in [KEY_ID, SECRET, "127.0.0.1"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}
