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

/// Fills a page in the middle of the file, which is one of some tree, with what no page is.
fn overwrite_a_page(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xff);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_page_that_was_overwritten_is_found_and_told_in_single_lines() {
    let (_folder, path) = folder();
    filled(&path);
    overwrite_a_page(&path);
    let checked = Store::open(&path).unwrap().check().unwrap();
    assert!(!checked.ok && !checked.problems.is_empty(), "{checked:?}");
    let mut seen = std::collections::BTreeSet::new();
    for problem in &checked.problems {
        assert!(
            !problem.contains('\n') && !problem.contains("***"),
            "{problem}"
        );
        assert!(seen.insert(problem), "{checked:?}");
    }
}

#[test]
fn a_store_that_is_too_damaged_to_be_opened_is_reported_like_another() {
    let (_folder, path) = folder();
    filled(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    // The first page holds the names of the tables, behind the header of the file.
    bytes[100..4096].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let error = Store::open(&path).unwrap_err();
    let checked = Checked::unopened(&error).unwrap();
    assert!(!checked.ok && checked.problems.len() == 1, "{checked:?}");
    let missing = Store::open(&path.with_extension("none")).unwrap_err();
    assert_eq!(Checked::unopened(&missing), None);
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
    let refused = |out: &Path| store.backup(out).unwrap_err().to_string();
    assert_eq!(
        refused(&out),
        format!(
            "`{}` exists already, and nothing is overwritten: name another file with --out",
            out.display()
        )
    );
    assert_eq!(std::fs::read(&out).unwrap(), b"mine");
    let missing = folder.path().join("no");
    assert_eq!(
        refused(&missing.join("folder.db")),
        format!(
            "there is no folder `{}` to write the copy into: create it or name another file with \
             --out",
            missing.display()
        )
    );
    drop(store);
    assert_eq!(files(folder.path()), ["connector.db", "mine.db"]);
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere_is_not_replaced_by_a_copy() {
    let (folder, path) = folder();
    filled(&path);
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(folder.path().join("elsewhere.db"), &link).unwrap();
    let refused = Store::open(&path).unwrap().backup(&link);
    assert!(
        matches!(refused, Err(StoreError::Exists { .. })),
        "{refused:?}"
    );
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(files(folder.path()), ["connector.db", "link.db"]);
}

#[test]
fn a_copy_that_was_killed_is_not_in_the_way_of_the_next() {
    let (folder, path) = folder();
    let run = filled(&path);
    // What a kill leaves: a part of a draft, its journal, and a lock that nobody holds.
    for (name, text) in [
        ("copy.db.new", "half"),
        ("copy.db.new-journal", "journal"),
        ("copy.db.new-wal", "log"),
        ("copy.db.lock", "1"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let store = Store::open(&path).unwrap();
    let out = folder.path().join("copy.db");
    store.backup(&out).unwrap();
    assert_eq!(
        everything(&Store::open(&out).unwrap(), &run),
        everything(&store, &run)
    );
    drop(store);
    assert_eq!(files(folder.path()), ["connector.db", "copy.db"]);
}

#[test]
fn a_second_copy_to_the_same_file_leaves_the_first_alone() {
    let (folder, path) = folder();
    filled(&path);
    let out = folder.path().join("copy.db");
    let draft = folder.path().join("copy.db.new");
    let first = lock::SyncLock::acquire(&out).unwrap();
    std::fs::write(&draft, "half").unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(
        store.backup(&out).unwrap_err().to_string(),
        format!(
            "another backup to `{}` is running (process {}): wait for it to end or name another \
             file with --out",
            out.display(),
            std::process::id()
        )
    );
    assert_eq!(std::fs::read(&draft).unwrap(), b"half");
    drop(first);
    store.backup(&out).unwrap();
}

#[test]
fn a_damaged_store_is_not_copied() {
    let (folder, path) = folder();
    filled(&path);
    overwrite_a_page(&path);
    let store = Store::open(&path).unwrap();
    let error = store.backup(&folder.path().join("copy.db")).unwrap_err();
    assert!(
        matches!(&error, StoreError::Corrupt { path, .. } if path == store.path()),
        "{error}"
    );
    drop(store);
    assert_eq!(files(folder.path()), ["connector.db"]);
}
