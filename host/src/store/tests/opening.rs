//! What may be at a path, and who may open it.

use super::*;

fn refusal(path: &Path) -> (StoreErrorClass, String) {
    let reading = Store::open(path).unwrap_err();
    let syncing = SyncStore::open(path, &connection("one")).unwrap_err();
    assert_eq!(reading.to_string(), syncing.to_string());
    (syncing.class(), syncing.to_string())
}

#[test]
fn a_path_without_a_store_is_missing_and_stays_empty() {
    let (folder, path) = folder();
    let error = Store::open(&path).unwrap_err();
    assert_eq!(error.class(), StoreErrorClass::Missing);
    assert!(error.to_string().contains("run `sync` first"), "{error}");
    assert_eq!(files(folder.path()), [""; 0]);
}

#[test]
fn a_folder_is_refused() {
    let (folder, _) = folder();
    let (class, message) = refusal(folder.path());
    assert_eq!(class, StoreErrorClass::Unusable);
    assert!(message.contains("is a folder"), "{message}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (folder, path) = folder();
    let text = "minutes of the meeting\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let (class, message) = refusal(&path);
    assert_eq!(class, StoreErrorClass::Unusable);
    assert!(message.contains("is not a SQLite database"), "{message}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert_eq!(files(folder.path()), ["connector.db"]);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let (folder, path) = folder();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE bookmark (url TEXT)")
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let (class, message) = refusal(&path);
    assert_eq!(class, StoreErrorClass::Unusable);
    assert!(message.contains("of another program"), "{message}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(files(folder.path()), ["connector.db"]);
}

#[test]
fn a_newer_store_is_refused_and_left_alone() {
    let (folder, path) = folder();
    drop(sync_store(&path));
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", SCHEMA_VERSION + 1)
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let (class, message) = refusal(&path);
    assert_eq!(class, StoreErrorClass::Unusable);
    assert!(message.contains("schema version 5"), "{message}");
    assert!(message.contains("newer `connector`"), "{message}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(files(folder.path()), ["connector.db"]);
}

#[test]
fn a_damaged_store_is_called_damaged() {
    let (_folder, path) = folder();
    drop(sync_store(&path));
    let mut bytes = std::fs::read(&path).unwrap();
    // Everything but the header of the first page, which says that it is a store.
    bytes[100..].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let (class, message) = refusal(&path);
    assert_eq!(class, StoreErrorClass::Unusable);
    assert!(message.contains("is damaged"), "{message}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn rows_that_are_gone_are_damage_and_not_an_end() {
    let (_folder, path) = folder();
    let users = (0..2000)
        .map(|n| user(&format!("{n:04}"), &"x".repeat(200)))
        .collect();
    publish(
        &mut sync_store(&path),
        &[Page {
            resources: users,
            ..Page::default()
        }],
    );
    let whole = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(whole / 2 / 4096 * 4096)
        .unwrap();
    let listed = Store::open(&path).and_then(|store| {
        let run = store.require_run(None)?;
        store.each_row(&run, Rows::Resources("user"), |_| Ok::<_, StoreError>(()))
    });
    assert!(
        matches!(listed, Err(StoreError::Corrupt { .. })),
        "{listed:?}"
    );
}

#[test]
fn a_store_of_another_connection_is_refused_with_each_difference() {
    let (folder, path) = folder();
    drop(sync_store(&path));
    let before = std::fs::read(&path).unwrap();
    let other = Connection {
        origin: "http://127.0.0.1:9".to_owned(),
        ..connection("two")
    };
    let error = SyncStore::open(&path, &other).unwrap_err();
    assert_eq!(error.class(), StoreErrorClass::Unusable);
    let message = error.to_string();
    assert!(
        message.contains("pool is `one` there and `two` here"),
        "{message}"
    );
    assert!(
        message.contains("endpoint is `https://directory.example` there"),
        "{message}"
    );
    assert!(message.contains("--store FILE"), "{message}");
    assert!(!message.contains("component is"), "{message}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(files(folder.path()), ["connector.db"]);
}

#[test]
fn an_empty_file_becomes_a_store() {
    let (_folder, path) = folder();
    std::fs::write(&path, "").unwrap();
    assert_eq!(
        Store::open(&path).unwrap_err().class(),
        StoreErrorClass::Missing
    );
    drop(sync_store(&path));
    assert_eq!(Store::open(&path).unwrap().connection(), &connection("one"));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (folder, _) = folder();
    let path = folder.path().join("missing").join("connector.db");
    let error = SyncStore::open(&path, &connection("one")).unwrap_err();
    assert_eq!(error.class(), StoreErrorClass::Unusable);
    assert!(
        error.to_string().contains("missing/connector.db"),
        "{error}"
    );
    assert_eq!(files(folder.path()), [""; 0]);
}

#[test]
fn a_name_that_sqlite_knows_is_a_file_like_any_other() {
    let (folder, _) = folder();
    for name in [":memory:", "file:x?mode=memory", "100%#.db"] {
        let path = folder.path().join(name);
        publish(&mut sync_store(&path), &pages());
        assert!(path.is_file());
        assert!(
            Store::open(&path).unwrap().current_run().unwrap().is_some(),
            "{name}"
        );
    }
}

#[test]
fn a_second_sync_is_refused_while_the_first_one_lives() {
    let (folder, path) = folder();
    let first = sync_store(&path);
    let error = SyncStore::open(&path, &connection("one")).unwrap_err();
    assert_eq!(error.class(), StoreErrorClass::InUse);
    let message = error.to_string();
    assert!(
        message.contains(&format!("process {}", std::process::id())),
        "{message}"
    );
    drop(first);
    drop(sync_store(&path));
    assert_eq!(
        files(folder.path()),
        ["connector.db"],
        "nothing is left lying around"
    );
}

#[test]
fn a_creation_that_was_killed_does_not_stand_in_the_way() {
    let (folder, path) = folder();
    std::fs::write(folder.path().join("connector.db.new"), "half").unwrap();
    std::fs::write(folder.path().join("connector.db.lock"), "99").unwrap();
    drop(sync_store(&path));
    assert_eq!(files(folder.path()), ["connector.db"]);
}

#[test]
fn readers_leave_no_files_behind() {
    let (folder, path) = folder();
    publish(&mut sync_store(&path), &pages());
    let before = std::fs::read(&path).unwrap();
    let store = Store::open(&path).unwrap();
    let run = store.require_run(None).unwrap();
    assert_eq!(everything(&store, &run).len(), 6);
    drop(store);
    assert_eq!(files(folder.path()), ["connector.db"]);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn every_file_is_for_its_owner_only() {
        let (folder, path) = folder();
        let mut store = sync_store(&path);
        let run = store.begin_run(&start()).unwrap();
        store.write_page(&run, &pages()[0]).unwrap();
        let names = files(folder.path());
        assert_eq!(
            names,
            [
                "connector.db",
                "connector.db-shm",
                "connector.db-wal",
                "connector.db.lock"
            ]
        );
        for name in names {
            let mode = std::fs::metadata(folder.path().join(&name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_special_file_is_refused() {
        let (class, message) = refusal(Path::new("/dev/null"));
        assert_eq!(class, StoreErrorClass::Unusable);
        assert!(message.contains("is a special file"), "{message}");
    }
}
