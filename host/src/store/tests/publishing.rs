//! When a run becomes current, what becomes of the others.

use super::*;

#[test]
fn a_run_is_current_only_once_it_is_complete() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let run = sync.begin_run(&start()).unwrap();
    sync.write_page(&run, &pages()[0]).unwrap();
    let during = Store::open(&path).unwrap();
    assert_eq!(during.current_run().unwrap(), None);
    assert_eq!(
        during.run(&run.sync_id).unwrap().unwrap().state,
        RunState::Running
    );

    let published = sync.finish_run(&run, &end(RunState::Complete)).unwrap();
    assert_eq!(published.state, RunState::Complete);
    assert_eq!(published.counters.requests, 7);
    assert_eq!(published.warnings, ["one thing"]);
    assert_eq!(
        published.finished_at.as_deref(),
        Some("2026-11-23T14:03:10.000Z")
    );
    assert_eq!(
        during.current_run().unwrap(),
        None,
        "an open reader sees one state"
    );
    assert_eq!(
        Store::open(&path).unwrap().current_run().unwrap(),
        Some(published)
    );
}

#[test]
fn a_run_whose_process_died_is_interrupted_and_the_last_one_stays_current() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let current = publish(&mut sync, &pages());
    let dead = sync.begin_run(&start()).unwrap();
    sync.write_page(
        &dead,
        &Page {
            resources: vec![user("eve", "Eve")],
            ..Page::default()
        },
    )
    .unwrap();
    drop(sync);

    let store = Store::open(&path).unwrap();
    let dead = store.run(&dead.sync_id).unwrap().unwrap();
    assert_eq!(dead.state, RunState::Interrupted);
    assert_eq!(store.current_run().unwrap().as_ref(), Some(&current));
    assert_eq!(store.counts(&dead).unwrap().of("users"), Some(1));
    drop(store);

    let sync = sync_store(&path);
    assert_eq!(
        sync.store().run(&dead.sync_id).unwrap().unwrap().state,
        RunState::Interrupted
    );
    assert_eq!(sync.store().current_run().unwrap(), Some(current));
}

#[test]
fn a_run_that_is_not_complete_is_kept_and_never_current() {
    for state in [RunState::Partial, RunState::Refused, RunState::Interrupted] {
        let (_folder, path) = folder();
        let mut sync = sync_store(&path);
        let run = sync.begin_run(&start()).unwrap();
        sync.write_pages(&run, &pages()).unwrap();
        sync.finish_run(&run, &end(state)).unwrap();
        drop(sync);
        let store = Store::open(&path).unwrap();
        let error = store.require_run(None).unwrap_err();
        assert_eq!(error.class(), StoreErrorClass::Missing);
        assert!(error.to_string().contains(&run.sync_id), "{error}");
        let kept = store.require_run(Some(&run.sync_id)).unwrap();
        assert_eq!(kept.state, state);
        assert_eq!(everything(&store, &kept).len(), 6, "{state}");
    }
}

#[test]
fn an_unknown_run_is_missing() {
    let (_folder, path) = folder();
    drop(sync_store(&path));
    let error = Store::open(&path)
        .unwrap()
        .require_run(Some("yesterday"))
        .unwrap_err();
    assert_eq!(error.class(), StoreErrorClass::Missing);
    assert!(error.to_string().contains("`yesterday`"), "{error}");
}

#[test]
fn run_ids_say_when_and_never_repeat() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    for expected in ["-1", "-2", "-3", "-4"] {
        // From the third on, the first one is no longer there.
        let sync_id = publish(&mut sync, &pages()).sync_id;
        assert_eq!(sync_id, format!("20261123T140210Z{expected}"));
    }
}

#[test]
fn two_complete_runs_and_the_newest_other_one_are_kept() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    for state in [
        RunState::Complete,
        RunState::Partial,
        RunState::Complete,
        RunState::Refused,
        RunState::Complete,
    ] {
        let run = sync.begin_run(&start()).unwrap();
        sync.write_pages(&run, &pages()).unwrap();
        sync.finish_run(&run, &end(state)).unwrap();
    }
    let store = sync.store();
    let kept: Vec<_> = store
        .runs()
        .unwrap()
        .iter()
        .map(|run| run.sync_id.clone())
        .collect();
    assert_eq!(
        kept,
        [
            "20261123T140210Z-3",
            "20261123T140210Z-4",
            "20261123T140210Z-5"
        ]
    );
    for table in ["resource", "resource_key", "entitlement", "grant"] {
        let rows: i64 = store
            .ask(|sqlite| {
                sqlite.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get(0)
                })
            })
            .unwrap();
        let of_one = match table {
            "resource" | "resource_key" => 3,
            "entitlement" => 1,
            _ => 2,
        };
        assert_eq!(rows, 3 * of_one, "{table}");
    }
}

#[test]
fn a_removal_that_was_cut_off_is_finished_and_never_seen() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let gone = publish(&mut sync, &pages());
    let kept = publish(&mut sync, &pages());
    sync.store()
        .ask(|sqlite| {
            sqlite.execute(
                "UPDATE run SET state = 'removed' WHERE number = ?1",
                [gone.number],
            )
        })
        .unwrap();
    assert_eq!(sync.store().runs().unwrap(), [kept]);
    assert_eq!(sync.store().run(&gone.sync_id).unwrap(), None);
    drop(sync);
    let left: i64 = sync_store(&path)
        .store()
        .ask(|sqlite| sqlite.query_row("SELECT count(*) FROM resource", [], |row| row.get(0)))
        .unwrap();
    assert_eq!(left, 3);
}

#[test]
fn the_file_does_not_grow_with_every_run_and_shrinks_with_the_system() {
    let (_folder, path) = folder();
    let large: Vec<_> = (0..30_000)
        .map(|n| user(&format!("{n}"), &"x".repeat(300)))
        .collect();
    let page = [Page {
        resources: large,
        ..Page::default()
    }];
    let size = |path: &Path| std::fs::metadata(path).unwrap().len();
    let mut sizes = Vec::new();
    for _ in 0..5 {
        publish(&mut sync_store(&path), &page);
        sizes.push(size(&path));
    }
    assert!(sizes[4] <= sizes[2] + sizes[0] / 10, "{sizes:?}");
    for _ in 0..2 {
        publish(&mut sync_store(&path), &pages());
    }
    // What the next run may reuse: 4 MiB.
    assert!(
        size(&path) < 5 * 1024 * 1024,
        "{} after {sizes:?}",
        size(&path)
    );
}

#[test]
fn a_run_that_has_ended_takes_no_more_pages() {
    let (_folder, path) = folder();
    let mut sync = sync_store(&path);
    let run = publish(&mut sync, &pages());
    let error = sync.write_page(&run, &pages()[0]).unwrap_err();
    assert!(matches!(error, StoreError::RunClosed { .. }), "{error}");
    assert_eq!(sync.store().counts(&run).unwrap().of("users"), Some(2));
}
