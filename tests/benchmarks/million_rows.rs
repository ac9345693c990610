//! What commands cost on a store with a snapshot of a million users.
//!
//! `cargo bench --package connector-host --bench million_rows`
//!
//! The rows are written by the library itself, since reading so many from a double would
//! measure the double. The figures are recorded in `docs/benchmarks.md`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for developers that prints what it measured"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use connector_host::model::{
    Account, Attributes, Entitlement, EntitlementId, Grant, Resource, ResourceId,
};
use connector_host::store::{
    Connection, Counters, Page, RunEnd, RunStart, RunState, Scope, Step, SyncStore,
};
use connector_host::trust::description::{EntitlementSchema, Kind};
use time::OffsetDateTime;

const USERS: usize = 1_000_000;
const GROUPS: usize = 1_000;
/// As many rows as a page of Cognito has.
const PAGE: usize = 60;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("connector.db");
    let connection = Connection {
        component: "sample".to_owned(),
        origin: "https://directory.example".to_owned(),
        settings: [("pool".to_owned(), "one".to_owned())].into(),
    };
    println!("a snapshot of {USERS} users with a membership each in {GROUPS} groups");
    for (number, state) in [
        RunState::Complete,
        RunState::Complete,
        RunState::Interrupted,
    ]
    .into_iter()
    .enumerate()
    {
        let started = Instant::now();
        let mut store = SyncStore::open(&path, &connection).unwrap();
        let run = store.begin_run(&start()).unwrap();
        for first in (0..USERS).step_by(PAGE) {
            let page = page(first..USERS.min(first + PAGE));
            let step = Step {
                list: "users",
                slice: None,
                next: Some("next"),
                first_page: None,
                brought: &[],
            };
            store.store_pages(&run, [(&page, step)], "{}").unwrap();
        }
        let end = RunEnd {
            state,
            finished_at: OffsetDateTime::now_utc(),
            warnings: Vec::new(),
            counters: Counters::default(),
            note: String::new(),
        };
        store.finish_run(&run, &end).unwrap();
        println!(
            "  write run {number} ({state})  {:>8.1} s",
            started.elapsed().as_secs_f64()
        );
    }
    let size = std::fs::metadata(&path).unwrap().len();
    println!("  three runs, {} MiB", size / 1024 / 1024);

    let open = |what: &str| {
        let started = Instant::now();
        let store = SyncStore::open(&path, &connection).unwrap();
        println!("  {what:<28} {:>8.1} ms", millis(started));
        store
    };
    let store = open("open for a sync");
    let started = Instant::now();
    assert!(store.resumable().unwrap().is_some());
    println!("  find the run to go on with   {:>8.1} ms", millis(started));
    drop(store);
    std::fs::write(folder.path().join("connector.db.lock"), "1").unwrap();
    drop(open("open for a sync after a kill"));
    for arguments in [
        &["syncs"][..],
        &["stats"],
        &["show", "user:user-0700000"],
        &["show", "group:group-500"],
        &["list", "users", "-o", "jsonl"],
        &["list", "grants", "-o", "jsonl"],
        &["diff"],
        &["store", "check"],
    ] {
        let started = Instant::now();
        let status = command(folder.path(), arguments).status().unwrap();
        assert!(status.success(), "{arguments:?}");
        println!("  {:<28} {:>8.1} ms", arguments.join(" "), millis(started));
    }
}

fn millis(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .stdout(Stdio::null());
    command
}

fn start() -> RunStart {
    let kind = |id: &str| Kind {
        id: id.to_owned(),
        plural: format!("{id}s"),
        display_name: id.to_owned(),
        traits: Vec::new(),
        parents: Vec::new(),
        entitlements: Vec::new(),
        grants_of_resource: false,
        grants_of_principal: false,
        accounts: false,
    };
    let group = Kind {
        entitlements: vec![EntitlementSchema {
            slug: "member".to_owned(),
            display_name: "Member".to_owned(),
            grantable_to: vec!["user".to_owned()],
        }],
        grants_of_resource: true,
        ..kind("group")
    };
    let kinds = vec![kind("user"), group];
    RunStart {
        component_digest: "sha256:00".to_owned(),
        component_version: "0.1.0".to_owned(),
        started_at: OffsetDateTime::now_utc(),
        scope: Scope::everything(&kinds),
        settings: [].into(),
        lists: vec!["users".to_owned()],
        kinds,
    }
}

/// Users in an order that is no order, as a service lists them, and a group for each
/// thousand of them.
fn page(places: std::ops::Range<usize>) -> Page {
    let mut page = Page::default();
    for place in places {
        // A step that shares no factor with the number of users visits each of them once.
        let number = place * 617_411 % USERS;
        let user = ResourceId::new("user", format!("user-{number:07}"));
        let group = ResourceId::new("group", format!("group-{}", number % GROUPS));
        let member = EntitlementId {
            resource: group.clone(),
            slug: "member".to_owned(),
        };
        if number < GROUPS {
            page.resources.push(resource(group, None));
            page.entitlements.push(Entitlement {
                id: member.clone(),
                display_name: "Member".to_owned(),
                description: None,
                grantable_to: vec!["user".to_owned()],
                attributes: Attributes::default(),
            });
        }
        page.resources
            .push(resource(user.clone(), Some(Account::default())));
        page.grants.push(Grant {
            entitlement: member,
            principal: user,
            expands: None,
            attributes: Attributes::default(),
        });
    }
    page
}

fn resource(id: ResourceId, account: Option<Account>) -> Resource {
    Resource {
        display_name: format!("Somebody called {}", id.id),
        description: None,
        parent: None,
        created_at: None,
        updated_at: None,
        account,
        attributes: Attributes::default(),
        id,
    }
}
