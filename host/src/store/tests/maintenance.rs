//! What a check finds, and what a copy holds.

use rusqlite::Connection as Sqlite;

use super::*;

/// A store with one published run that fills more than a few pages.
fn filled(path: &Path) -> Run {
    let mut store = sync_store(path);
    let many = Page {
        resources: (0..2000)
            .map(|number| user(&format!("user-{number:04}"), "Somebody"))
            .collect(),
        ..Page::default()
    };
    let [first, second] = pages();
    publish(&mut store, &[first, second, many])
}

fn behind_its_back(path: &Path, statement: &str) {
    let changed = Sqlite::open(path).unwrap().execute(statement, []).unwrap();
    assert!(changed > 0, "{statement}");
}

#[test]
fn a_sound_store_is_read_to_its_last_row() {
    let (_folder, path) = folder();
    filled(&path);
    let checked = Store::open(&path).unwrap().check().unwrap();
    let expected = Checked {
        ok: true,
        runs: 1,
        // 2002 users, one group, one entitlement, two grants.
        rows: 2006,
        problems: Vec::new(),
    };
    assert_eq!(checked, expected);
}

#[test]
fn a_page_that_was_overwritten_is_found() {
    let (_folder, path) = folder();
    filled(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    match Store::open(&path).and_then(|store| store.check()) {
        Ok(checked) => assert!(!checked.ok, "{checked:?}"),
        Err(error) => assert!(matches!(error, StoreError::Corrupt { .. }), "{error}"),
    }
}

#[test]
fn rows_that_were_changed_behind_its_back_are_found() {
    for (statement, told) in [
        (
            "UPDATE resource SET body = replace(body, 'user-0001', 'user-9999')",
            "1 resources are not what their key says",
        ),
        (
            "UPDATE resource SET body = 'no JSON' WHERE id = 'bob'",
            "1 resources are not what their key says",
        ),
        (
            "UPDATE entitlement SET body = '{'",
            "a stored object does not read back",
        ),
        (
            "DELETE FROM grant WHERE principal_id = 'alice'",
            "does not have the rows that it was published with",
        ),
    ] {
        let (_folder, path) = folder();
        filled(&path);
        behind_its_back(&path, statement);
        let checked = Store::open(&path).unwrap().check().unwrap();
        assert!(!checked.ok, "{statement}");
        let problems = checked.problems.join("\n");
        assert!(problems.contains(told), "{statement}: {problems}");
    }
}

#[test]
fn a_copy_of_a_store_in_use_holds_what_was_published() {
    let (folder, path) = folder();
    let run = filled(&path);
    let mut writing = sync_store(&path);
    let open = writing.begin_run(&start()).unwrap();
    writing.write_page(&open, &pages()[0]).unwrap();

    let out = folder.path().join("copy.db");
    let store = Store::open(&path).unwrap();
    let size = store.backup(&out).unwrap();
    assert_eq!(size, std::fs::metadata(&out).unwrap().len());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&out).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    writing.write_page(&open, &pages()[1]).unwrap();

    let copy = Store::open(&out).unwrap();
    assert!(copy.check().unwrap().ok);
    assert_eq!(copy.current_run().unwrap().unwrap().sync_id, run.sync_id);
    assert_eq!(everything(&copy, &run), everything(&store, &run));
    assert!(!folder.path().join("copy.db.new").exists());
    drop(copy);
    // It is a store like any other: a sync may go on with it.
    publish(&mut sync_store(&out), &pages());
}

#[test]
fn a_copy_replaces_nothing_and_leaves_nothing_half_done() {
    let (folder, path) = folder();
    filled(&path);
    let out = folder.path().join("mine.db");
    std::fs::write(&out, "mine").unwrap();
    let store = Store::open(&path).unwrap();
    assert!(store.backup(&out).is_err());
    assert_eq!(std::fs::read(&out).unwrap(), b"mine");
    assert!(store.backup(&folder.path().join("no/folder.db")).is_err());
    assert!(
        !files(folder.path())
            .iter()
            .any(|name| name.ends_with(".new"))
    );
}
