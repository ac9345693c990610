//! What a store promises, tried on real files.

mod checkpoint;
mod comparing;
mod maintenance;
mod opening;
mod publishing;
mod reading;

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use time::OffsetDateTime;

use super::*;
use crate::model::{Account, Attributes, Entitlement, EntitlementId, Grant, Resource, ResourceId};
use crate::trust::description::{Kind, Trait};

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("connector.db");
    (folder, path)
}

/// The names of the files in a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn connection(pool: &str) -> Connection {
    Connection {
        component: "sample-connector".to_owned(),
        origin: "https://directory.example".to_owned(),
        settings: [("pool".to_owned(), pool.to_owned())].into(),
    }
}

fn sync_store(path: &Path) -> SyncStore {
    SyncStore::open(path, &connection("one")).unwrap()
}

fn kind(id: &str, traits: &[Trait]) -> Kind {
    Kind {
        id: id.to_owned(),
        plural: format!("{id}s"),
        display_name: id.to_owned(),
        traits: traits.to_vec(),
        parents: Vec::new(),
        entitlements: Vec::new(),
        grants_of_resource: false,
        grants_of_principal: false,
        accounts: false,
    }
}

fn start() -> RunStart {
    let kinds = vec![kind("user", &[Trait::User]), kind("group", &[Trait::Group])];
    RunStart {
        component_digest: "sha256:00".to_owned(),
        component_version: "0.1.0".to_owned(),
        // 2026-11-23T14:02:10Z
        started_at: OffsetDateTime::from_unix_timestamp(1_795_442_530).unwrap(),
        scope: Scope::everything(&kinds),
        settings: [("pool".to_owned(), "one".to_owned())].into(),
        lists: vec!["users".to_owned(), "groups".to_owned()],
        kinds,
    }
}

/// Rows without a list, where only the rows matter.
impl SyncStore {
    fn write_page(&mut self, run: &Run, page: &Page) -> Result<(), StoreError> {
        let step = Step {
            list: "rows",
            slice: None,
            next: None,
            first_page: None,
            brought: &[],
        };
        self.store_pages(run, [(page, step)], "")
    }

    fn forget(&mut self, run: &Run, rows: &Forget<'_>) -> Result<(), StoreError> {
        let told = self.told(run)?;
        self.change(run, |transaction, open| {
            forget::forget(transaction, open, &told, rows).map(drop)
        })
    }

    fn write_pages(&mut self, run: &Run, pages: &[Page]) -> Result<(), StoreError> {
        pages.iter().try_for_each(|page| self.write_page(run, page))
    }
}

fn end(state: RunState) -> RunEnd {
    RunEnd {
        state,
        finished_at: OffsetDateTime::from_unix_timestamp(1_795_442_590).unwrap(),
        warnings: vec!["one thing".to_owned()],
        counters: Counters {
            requests: 7,
            throttled: 1,
            retries: 2,
            duration_ms: 60_000,
        },
        note: String::new(),
    }
}

fn user(id: &str, name: &str) -> Resource {
    Resource {
        account: Some(Account::default()),
        ..resource("user", id, name)
    }
}

fn group(id: &str, name: &str) -> Resource {
    resource("group", id, name)
}

fn resource(kind: &str, id: &str, name: &str) -> Resource {
    Resource {
        id: ResourceId::new(kind, id),
        parent: None,
        display_name: name.to_owned(),
        description: None,
        created_at: None,
        updated_at: None,
        account: None,
        attributes: Attributes::default(),
    }
}

fn member_of(group: &str) -> EntitlementId {
    EntitlementId {
        resource: ResourceId::new("group", group),
        slug: "member".to_owned(),
    }
}

fn membership(group: &str) -> Entitlement {
    Entitlement {
        id: member_of(group),
        display_name: format!("{group} member"),
        description: None,
        grantable_to: vec!["user".to_owned()],
        attributes: Attributes::default(),
    }
}

fn grant(group: &str, user: &str) -> Grant {
    Grant {
        entitlement: member_of(group),
        principal: ResourceId::new("user", user),
        expands: None,
        attributes: Attributes::default(),
    }
}

/// Two users, one group, both members, on two pages.
fn pages() -> [Page; 2] {
    [
        Page {
            resources: vec![user("bob", "Bob"), group("admins", "Admins")],
            entitlements: vec![membership("admins")],
            grants: vec![grant("admins", "bob")],
        },
        Page {
            resources: vec![user("alice", "Alice")],
            grants: vec![grant("admins", "alice")],
            ..Page::default()
        },
    ]
}

fn publish(store: &mut SyncStore, pages: &[Page]) -> Run {
    let run = store.begin_run(&start()).unwrap();
    for page in pages {
        store.write_page(&run, page).unwrap();
    }
    store.finish_run(&run, &end(RunState::Complete)).unwrap()
}

fn rows(store: &Store, run: &Run, which: Rows<'_>) -> Vec<String> {
    let mut rows = Vec::new();
    store
        .each_row(run, which, |row| {
            rows.push(row.to_owned());
            Ok::<_, StoreError>(())
        })
        .unwrap();
    rows
}

fn everything(store: &Store, run: &Run) -> Vec<String> {
    [
        Rows::Resources("user"),
        Rows::Resources("group"),
        Rows::Entitlements,
        Rows::Grants,
    ]
    .into_iter()
    .flat_map(|which| rows(store, run, which))
    .collect()
}
