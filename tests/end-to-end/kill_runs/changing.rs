//! Kills between which the pool changes: no snapshot can be the truth of one moment then,
//! and yet it may not hold what never was, lack what always was, or keep what a list that
//! was read again does not have any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;

use fake_cognito::{Entry, Group, Operation, Pool};
use fastrand::Rng;
use serde_json::Value;

use super::{Plan, kill_until_done, pages_of, restarting};
use crate::support::{Bench, expected_grants, expected_groups, expected_users};
use crate::weather::{Seeds, Tally, site};

/// What repeats a seed of this file.
const COMMAND: &str =
    "cargo test -p connector-host --test end_to_end -- kill_runs::changing::whatever";

/// More requests than any run here takes: what the log holds decides which lists were read again.
const REQUESTS: usize = 1_000_000;
/// Users, and groups, that are deleted in a run at most. From eleven groups on a sync may
/// doubt the service itself.
const MOST_DELETED: u32 = 5;
/// The names of what is compared, as `list` knows them.
const SORTS: [&str; 3] = ["users", "groups", "grants"];

/// What a pool holds at one moment: the rows of each sort by their ids.
struct State([BTreeMap<String, Value>; 3]);

impl State {
    fn of(pool: &Pool) -> Self {
        Self([
            by_id(expected_users(pool)),
            by_id(expected_groups(pool)),
            by_id(expected_grants(pool)),
        ])
    }
}

fn by_id(rows: Vec<Value>) -> BTreeMap<String, Value> {
    rows.into_iter()
        .map(|row| (row["id"].as_str().unwrap().to_owned(), row))
        .collect()
}

/// What has become of a pool since the run began that is gone on with.
struct History {
    states: Vec<State>,
    /// How many requests had been sent at the last change.
    changed_after: usize,
    deleted_users: u32,
    deleted_groups: u32,
    added_groups: u32,
}

/// Syncs a pool that changes after some of so many kills, until it is done.
pub(crate) fn kill_run_of_a_changing_pool(seed: u64, kills: u64, tally: &Tally) {
    let mut luck = Rng::with_seed(seed);
    // Many groups, so that members are read while the list of groups goes on.
    let (users, groups) = (luck.u32(100..500), luck.u32(60..200));
    let pages = pages_of(site(users, groups, seed, &mut luck.clone()), tally);
    let logged = site(users, groups, seed, &mut luck)
        .log_capacity(REQUESTS)
        .log_contents();
    let bench = Bench::start(logged);
    bench.server.faults().begin(restarting(seed, &mut luck));
    let plan = Plan {
        pages,
        kills,
        expiring: luck.u8(..3) > 0,
    };
    let mut history = History {
        states: Vec::new(),
        changed_after: 0,
        deleted_users: 0,
        deleted_groups: 0,
        added_groups: 0,
    };
    let done = kill_until_done(&bench, plan, &mut luck, tally, |luck, resumable| {
        if !resumable {
            // What was before does not matter to a run that begins now.
            history.states = vec![State::of(bench.pool())];
            history.changed_after = bench.server.log().entries().len();
            return;
        }
        if luck.u8(..3) > 0 {
            change(bench.pool(), luck, &mut history);
            history.states.push(State::of(bench.pool()));
            history.changed_after = bench.server.log().entries().len();
            tally.add("changes of a pool", 1);
        }
    });
    let rows = SORTS.map(|sort| by_id(bench.list(sort)));
    assert_between(&rows, &history.states);
    assert_nothing_dangles(&rows);
    let entries = bench.server.log().entries();
    let (before, after) = entries.split_at(history.changed_after);
    let after = member_lists_begun(after);
    for group in &after {
        assert_members(&rows[2], bench.pool(), group);
    }
    let again = member_lists_begun(before).intersection(&after).count();
    tally.add("kill runs of changing pools", 1);
    tally.add("member lists read after a change", after.len() as u64);
    tally.add("member lists read again after a change", again as u64);
    tally.add("lists begun again", done.restarts().unwrap_or_default());
    done.count(&bench, tally);
}

/// Changes some of everything, mostly who is in which group.
fn change(pool: &Pool, luck: &mut Rng, history: &mut History) {
    let groups = pool.groups();
    let users: Vec<String> = pool.users().map(|user| user.username).collect();
    for group in &groups {
        let members: Vec<String> = pool.members(&group.name).collect();
        if luck.bool() && !members.is_empty() {
            let leaving = &members[luck.usize(..members.len())];
            assert!(pool.remove_member(leaving, &group.name));
        }
        if luck.u8(..4) == 0 {
            pool.add_member(&users[luck.usize(..users.len())], &group.name);
        }
    }
    if luck.bool() && history.deleted_users < MOST_DELETED {
        history.deleted_users += 1;
        assert!(pool.remove_user(&users[luck.usize(..users.len())]));
    }
    if luck.u8(..3) == 0 && history.deleted_groups < MOST_DELETED {
        history.deleted_groups += 1;
        assert!(pool.remove_group(&groups[luck.usize(..groups.len())].name));
    }
    if luck.u8(..3) == 0 {
        history.added_groups += 1;
        let new = format!("new-{}", history.added_groups);
        assert!(pool.add_group(Group::new(new.clone())));
        pool.add_member(&users[luck.usize(..users.len())], &new);
    }
}

/// Fails if a row is missing that was always there, or one is there that never was.
#[track_caller]
fn assert_between(rows: &[BTreeMap<String, Value>; 3], states: &[State]) {
    for (sort, name) in SORTS.iter().enumerate() {
        for (id, row) in &rows[sort] {
            let was = states
                .iter()
                .any(|state| state.0[sort].get(id) == Some(row));
            assert!(was, "never among the {name}: {row}");
        }
        for id in states[0].0[sort].keys() {
            let always = states.iter().all(|state| state.0[sort].contains_key(id));
            let is = rows[sort].contains_key(id);
            assert!(is || !always, "missing among the {name}: {id}");
        }
    }
}

/// Fails if somebody holds something who is not listed, or on a group that is not.
#[track_caller]
fn assert_nothing_dangles(rows: &[BTreeMap<String, Value>; 3]) {
    let [users, groups, grants] = rows;
    for grant in grants.values() {
        let principal = grant["principal"].as_str().unwrap();
        let user = principal.strip_prefix("user:").unwrap();
        assert!(users.contains_key(user), "nobody holds {grant}");
        assert!(groups.contains_key(group_of(grant)), "on nothing: {grant}");
    }
}

fn group_of(grant: &Value) -> &str {
    let entitlement = grant["entitlement"].as_str().unwrap();
    let group = entitlement.strip_prefix("group:").unwrap();
    group.strip_suffix(":member").unwrap()
}

/// The groups whose members were asked for from the start.
fn member_lists_begun(entries: &[Entry]) -> BTreeSet<String> {
    entries
        .iter()
        .filter(|entry| entry.operation == Some(Operation::ListUsersInGroup))
        .map(|entry| serde_json::from_slice::<Value>(&entry.body).unwrap())
        .filter(|body| body["NextToken"].is_null())
        .map(|body| body["GroupName"].as_str().unwrap().to_owned())
        .collect()
}

/// Fails unless the members of a group are exactly those that the pool has now.
#[track_caller]
fn assert_members(grants: &BTreeMap<String, Value>, pool: &Pool, group: &str) {
    let of_group = grants.values().filter(|grant| group_of(grant) == group);
    let listed: BTreeSet<String> = of_group
        .map(|grant| grant["principal"].as_str().unwrap()["user:".len()..].to_owned())
        .collect();
    let truth: BTreeSet<String> = pool.members(group).collect();
    assert_eq!(listed, truth, "read after the last change: {group}");
}

#[test]
fn whatever_changes_between_two_kills_no_list_that_was_read_again_keeps_what_was() {
    let tally = Tally::default();
    let seeds = Seeds::of_test(4_000, 6);
    seeds.each(
        COMMAND,
        || true,
        |_: &mpsc::Receiver<()>| {},
        |seed| kill_run_of_a_changing_pool(seed, 5, &tally),
    );
    println!("{}", tally.report());
    let counted = |event| tally.count(event) > 0;
    assert!(counted("changes of a pool"), "{}", tally.report());
    assert!(
        counted("member lists read after a change"),
        "{}",
        tally.report()
    );
}
