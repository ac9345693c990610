//! Whatever ends a sync, the store knows how far it got.

use std::fs;

use rusqlite::Connection as Sqlite;

use super::*;

/// The users in pages of two, in a list of its own.
fn user_pages(pages: usize) -> Vec<Page> {
    let name = |number: usize| format!("user-{number:02}");
    let page = |number: usize| Page {
        resources: vec![
            user(&name(2 * number), "Even"),
            user(&name(2 * number + 1), "Odd"),
        ],
        ..Page::default()
    };
    (0..pages).map(page).collect()
}

/// Stores the page of a number of the list `users`.
fn store_user_page(
    store: &mut SyncStore,
    run: &Run,
    pages: &[Page],
    number: usize,
) -> Result<(), StoreError> {
    let next = (number + 1 < pages.len()).then(|| (number + 1).to_string());
    let step = Step {
        list: "users",
        slice: None,
        next: next.as_deref(),
        first_page: (number == 0).then_some(&[7, 8]),
        brought: &[format!("what page {number} brings")],
    };
    store.store_pages(run, [(&pages[number], step)], &format!("note {number}"))
}

/// Goes on with what is left in a store, and returns the users of the snapshot.
fn go_on(path: &Path, pages: &[Page]) -> (usize, Vec<String>) {
    let mut store = sync_store(path);
    let left = store.resumable().unwrap().unwrap();
    let users = left.lists.iter().find(|open| open.list == "users");
    let next = match users {
        Some(open) if open.done => pages.len(),
        Some(open) => open.cursor.as_ref().map_or(0, |next| next.parse().unwrap()),
        None => pages.len(),
    };
    let run = store.resume_run(&left.run).unwrap();
    for number in next..pages.len() {
        store_user_page(&mut store, &run, pages, number).unwrap();
    }
    let run = store.finish_run(&run, &end(RunState::Complete)).unwrap();
    (next, rows(store.store(), &run, Rows::Resources("user")))
}

/// Copies a database and its log as they are at this moment.
fn copy(from: &Path, to: &Path, log_bytes: Option<usize>) {
    fs::copy(from, to).unwrap();
    let log = |path: &Path| format!("{}-wal", path.display());
    let mut bytes = fs::read(log(from)).unwrap_or_default();
    bytes.truncate(log_bytes.unwrap_or(usize::MAX));
    fs::write(log(to), bytes).unwrap();
}

#[test]
fn a_run_is_gone_on_with_where_it_was() {
    let (_folder, path) = folder();
    let pages = user_pages(3);
    let mut store = sync_store(&path);
    assert!(store.resumable().unwrap().is_none());
    let run = store.begin_run(&start()).unwrap();
    store_user_page(&mut store, &run, &pages, 0).unwrap();
    store.open_lists(&run, &["more".to_owned()]).unwrap();
    store
        .vanish(
            &run,
            &ResourceId::new("group", "gone"),
            &["groups".to_owned()],
        )
        .unwrap();
    let end = RunEnd {
        note: "note 1".to_owned(),
        ..end(RunState::Interrupted)
    };
    store.finish_run(&run, &end).unwrap();
    drop(store);

    let left = sync_store(&path).resumable().unwrap().unwrap();
    assert_eq!(left.run.sync_id, run.sync_id);
    assert_eq!(left.settings, start().settings);
    assert_eq!(left.note, "note 1");
    assert_eq!(left.vanished, [ResourceId::new("group", "gone")]);
    let open = |list: &str, cursor: Option<&str>, first_page: &[u64]| ListOfRun {
        list: list.to_owned(),
        done: false,
        cursor: cursor.map(str::to_owned),
        first_page: first_page.to_vec(),
    };
    assert_eq!(
        left.lists,
        [
            ListOfRun {
                done: true,
                ..open("groups", None, &[])
            },
            open("more", None, &[]),
            open("users", Some("1"), &[7, 8]),
            open("what page 0 brings", None, &[]),
        ]
    );
    let (next, users) = go_on(&path, &pages);
    assert_eq!((next, users.len()), (1, 6));
}

#[test]
fn the_power_may_fail_after_any_write_and_in_the_middle_of_it() {
    let (folder, path) = folder();
    let pages = user_pages(6);
    let mut store = sync_store(&path);
    let run = store.begin_run(&start()).unwrap();
    let copied = folder.path().join("copy.db");
    let log_size = || {
        fs::metadata(folder.path().join("connector.db-wal"))
            .unwrap()
            .len()
    };
    let mut log = log_size() as usize;
    for number in 0..pages.len() {
        let before = log;
        store_user_page(&mut store, &run, &pages, number).unwrap();
        log = log_size() as usize;
        assert!(log > before, "the page is in the log");
        copy(&path, &copied, None);
        let (next, users) = go_on(&copied, &pages);
        assert_eq!((next, users.len()), (number + 1, 12), "page {number}");
        // The log ends where the last sector was written, which may be anywhere.
        for part in 0..8 {
            let bytes = before + (log - before) * part / 8;
            copy(&path, &copied, Some(bytes));
            let (next, users) = go_on(&copied, &pages);
            assert_eq!((next, users.len()), (number, 12), "{part} of page {number}");
        }
    }
}

#[test]
fn a_full_disk_loses_the_page_that_did_not_fit_and_nothing_else() {
    let (_folder, path) = folder();
    let mut store = sync_store(&path);
    let run = store.begin_run(&start()).unwrap();
    let pages = user_pages(2000);
    let at_most = |store: &SyncStore, pages: i64| {
        let set = |sqlite: &Sqlite| {
            sqlite.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        };
        store.store().ask(set).unwrap();
    };
    let in_use = store
        .store()
        .ask(|sqlite| sqlite.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0)))
        .unwrap();
    at_most(&store, in_use + 5);
    let failed = (0..pages.len())
        .find_map(|number| {
            let stored = store_user_page(&mut store, &run, &pages, number);
            stored.err().map(|error| (number, error))
        })
        .unwrap();
    assert!(matches!(failed.1, StoreError::Full { .. }), "{}", failed.1);
    drop(store);
    let (next, users) = go_on(&path, &pages);
    assert_eq!((next, users.len()), (failed.0, 4000));
}

#[test]
fn only_the_newest_run_that_was_interrupted_is_gone_on_with() {
    let (_folder, path) = folder();
    let mut store = sync_store(&path);
    for (state, can_go_on) in [
        (RunState::Interrupted, true),
        (RunState::Complete, false),
        (RunState::Partial, false),
        (RunState::Refused, false),
        (RunState::Interrupted, true),
    ] {
        let run = store.begin_run(&start()).unwrap();
        store.write_pages(&run, &pages()).unwrap();
        store.finish_run(&run, &end(state)).unwrap();
        let left = store.resumable().unwrap();
        assert_eq!(left.is_some(), can_go_on, "{state}");
    }
    let left: Vec<i64> = ["open_run", "list_of_run"]
        .iter()
        .map(|table| {
            let sql = format!("SELECT count(DISTINCT run) FROM {table}");
            let count = |sqlite: &Sqlite| sqlite.query_row(&sql, [], |row| row.get(0));
            store.store().ask(count).unwrap()
        })
        .collect();
    assert_eq!(left, [1, 1], "what nobody goes on with is forgotten");
}

#[test]
fn a_list_that_is_read_again_forgets_its_rows_and_its_place() {
    let (_folder, path) = folder();
    let pages = user_pages(3);
    let mut store = sync_store(&path);
    let run = store.begin_run(&start()).unwrap();
    store_user_page(&mut store, &run, &pages, 0).unwrap();
    let users = Forget::Resources {
        kind: "user",
        parent: None,
        slice: None,
    };
    store.restart(&run, "users", &users, "again").unwrap();
    drop(store);
    let left = sync_store(&path).resumable().unwrap().unwrap();
    let open = left.lists.iter().find(|open| open.list == "users").unwrap();
    assert_eq!((&open.cursor, open.first_page.len()), (&None, 0));
    assert_eq!(left.note, "again");
    let mut store = sync_store(&path);
    let run = store.resume_run(&left.run).unwrap();
    store_user_page(&mut store, &run, &pages, 2).unwrap();
    let settled = store.settle(&run).unwrap();
    assert_eq!(settled.counts.of("users"), Some(2));
    assert_eq!(settled.repeated, 0);
}

#[test]
fn the_grants_of_somebody_who_does_not_exist_are_taken_back() {
    let (_folder, path) = folder();
    let mut store = sync_store(&path);
    let run = store.begin_run(&start()).unwrap();
    let [first, _] = pages();
    let page = Page {
        grants: vec![grant("admins", "bob"), grant("admins", "ghost")],
        ..first
    };
    store.write_page(&run, &page).unwrap();
    store.settle(&run).unwrap();
    let ghost = ResourceId::new("user", "ghost");
    let unknown = |store: &SyncStore| store.store().references(&run, 10).unwrap().unknown;
    assert_eq!(unknown(&store), [ghost.clone()].into());
    let mut dropped = 0;
    store
        .drop_principal(&run, &ghost, "users", |grants| {
            dropped = grants;
            String::new()
        })
        .unwrap();
    let settled = store.settle(&run).unwrap();
    assert_eq!((dropped, settled.counts.grants), (1, Some(1)));
    assert!(unknown(&store).is_empty());
}

#[test]
fn a_store_of_version_1_is_read_as_it_is_and_carried_forward_by_a_sync() {
    let (_folder, path) = folder();
    let mut store = sync_store(&path);
    publish(&mut store, &pages());
    let run = store.begin_run(&start()).unwrap();
    store.write_page(&run, &pages()[0]).unwrap();
    store.finish_run(&run, &end(RunState::Interrupted)).unwrap();
    drop(store);
    // What the first version did not have.
    let old = Sqlite::open(&path).unwrap();
    old.execute_batch(
        "DROP TABLE open_run; DROP TABLE list_of_run; DROP TABLE vanished;
         ALTER TABLE resource DROP COLUMN slice;
         CREATE TABLE grant_of_principal (run INTEGER NOT NULL); PRAGMA user_version = 1;",
    )
    .unwrap();
    old.close().unwrap();

    let before = fs::read(&path).unwrap();
    let store = Store::open(&path).unwrap();
    let current = store.require_run(None).unwrap();
    assert_eq!(everything(&store, &current).len(), 6);
    drop(store);
    assert_eq!(fs::read(&path).unwrap(), before);

    let mut store = sync_store(&path);
    assert!(store.resumable().unwrap().is_none());
    assert_eq!(everything(store.store(), &current).len(), 6);
    let run = store.begin_run(&start()).unwrap();
    store.write_page(&run, &pages()[0]).unwrap();
    store.finish_run(&run, &end(RunState::Interrupted)).unwrap();
    assert!(store.resumable().unwrap().is_some());
}

#[test]
fn a_store_of_version_3_is_carried_forward_without_its_second_table_of_grants() {
    let (_folder, path) = folder();
    let mut store = sync_store(&path);
    let published = publish(&mut store, &pages());
    let run = store.begin_run(&start()).unwrap();
    store.write_page(&run, &pages()[0]).unwrap();
    store.finish_run(&run, &end(RunState::Interrupted)).unwrap();
    drop(store);
    let old = Sqlite::open(&path).unwrap();
    old.execute_batch(
        "CREATE TABLE grant_of_principal (
           run INTEGER NOT NULL, principal_kind TEXT NOT NULL, principal_id TEXT NOT NULL,
           kind TEXT NOT NULL, id TEXT NOT NULL, slug TEXT NOT NULL,
           PRIMARY KEY (run, principal_kind, principal_id, kind, id, slug)
         ) WITHOUT ROWID, STRICT;
         INSERT INTO grant_of_principal
           SELECT run, principal_kind, principal_id, kind, id, slug FROM grant;
         PRAGMA user_version = 3;",
    )
    .unwrap();
    old.close().unwrap();

    let before = fs::read(&path).unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(everything(&store, &published).len(), 6);
    drop(store);
    assert_eq!(fs::read(&path).unwrap(), before);

    let mut store = sync_store(&path);
    assert_eq!(everything(store.store(), &published).len(), 6);
    let left = store.resumable().unwrap().unwrap();
    let run = store.resume_run(&left.run).unwrap();
    store.write_page(&run, &pages()[1]).unwrap();
    let run = store.finish_run(&run, &end(RunState::Complete)).unwrap();
    assert_eq!(everything(store.store(), &run).len(), 6);
    let tables: i64 = store
        .store()
        .ask(|sqlite| {
            sqlite.query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'grant_of_principal'",
                [],
                |row| row.get(0),
            )
        })
        .unwrap();
    assert_eq!(tables, 0);
}

#[test]
fn a_damaged_store_is_found_after_a_kill_and_left_as_it_is() {
    let (folder, path) = folder();
    let mut store = sync_store(&path);
    publish(&mut store, &user_pages(500));
    drop(store);
    let lock = folder.path().join("connector.db.lock");
    let size = fs::metadata(&path).unwrap().len() as usize;
    let mut damaged = fs::read(&path).unwrap();
    // The middle of the file: rows, and neither the first page nor its list of tables.
    damaged[size / 2..size / 2 + 8192].fill(0xa5);
    fs::write(&path, &damaged).unwrap();
    // What a sync leaves behind that was killed.
    fs::write(&lock, "4194304").unwrap();
    let error = SyncStore::open(&path, &connection("one")).unwrap_err();
    assert_eq!(error.class(), StoreErrorClass::Unusable, "{error}");
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), damaged);
}

#[test]
fn as_many_snapshots_are_kept_as_somebody_said_last() {
    let (_folder, path) = folder();
    let mut store = sync_store(&path);
    let complete = |store: &SyncStore| store.store().runs().unwrap().len();
    store.keep(4).unwrap();
    for published in 1..=6 {
        publish(&mut store, &pages());
        assert_eq!(complete(&store), published.min(4));
    }
    drop(store);
    let mut store = sync_store(&path);
    publish(&mut store, &pages());
    assert_eq!(complete(&store), 4, "a later sync keeps them too");
    store.keep(1).unwrap();
    publish(&mut store, &pages());
    assert_eq!(complete(&store), 1);
}
