//! Files that hold personal data are for their owner only, however generous the umask.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use fake_cognito::{Fault, Gate, Operation, Rule};

use crate::support::{Bench, finish, varied_pool, wait_for_faults, wait_for_stored_page};

/// The program where everybody may read and write what it creates.
fn generous(bench: &Bench, arguments: &[&str]) -> Command {
    let inner = bench.command(arguments);
    let mut outer = Command::new("sh");
    outer
        .args(["-c", "umask 000; exec \"$@\"", "sh"])
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(bench.folder.path())
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in inner.get_envs() {
        outer.env(name, value.unwrap_or_default());
    }
    outer
}

/// The files of a folder with their modes.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let mut modes: Vec<(String, u32)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            (entry.file_name().into_string().unwrap(), mode & 0o777)
        })
        .collect();
    modes.sort();
    modes
}

#[test]
fn stores_audits_and_what_lies_beside_them_are_for_their_owner_only() {
    let bench = Bench::with_pool(varied_pool());
    let gate = Gate::closed();
    let held = Rule::on(Operation::ListUsers, Fault::HeldUntil(gate.clone())).after(3);
    bench.server.faults().add(held);
    let mut sync = generous(&bench, &["sync", "--audit", "audit.jsonl"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_faults(&bench, &mut sync, 1);
    wait_for_stored_page(&bench, &mut sync);
    let private = |names: &[&str]| -> Vec<(String, u32)> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), 0o600))
            .collect()
    };
    let during = modes(bench.folder.path());
    let backup = finish(&mut generous(
        &bench,
        &["store", "backup", "--out", "copy.db"],
    ));
    gate.open();
    assert_eq!(
        during,
        private(&[
            "audit.jsonl",
            "connector.db",
            "connector.db-shm",
            "connector.db-wal",
            "connector.db.lock",
        ])
    );
    assert!(sync.wait().unwrap().success());
    assert_eq!(backup.code, 0, "{backup:?}");
    assert_eq!(
        modes(bench.folder.path()),
        private(&["audit.jsonl", "connector.db", "copy.db"])
    );
}

#[test]
fn a_component_is_no_secret() {
    let bench = Bench::with_pool(varied_pool());
    let arguments = ["plugin", "export", "--out", "out.wasm"];
    let ran = finish(&mut generous(&bench, &arguments));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(modes(bench.folder.path()), [("out.wasm".to_owned(), 0o666)]);
}

#[test]
fn a_configuration_file_that_anybody_may_have_written_must_be_named() {
    let bench = Bench::with_pool(varied_pool());
    bench.write("connector.toml", "max-rate = \"unlimited\"\n");
    let file = bench.folder.path().join("connector.toml");
    let mode = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o666);
    let sync = ["sync", "--only", "groups", "-o", "json"];
    let ran = bench.run(&sync);
    ran.assert_refused(7, &["connector.toml", "can be written by everybody"]);
    assert_eq!(bench.server.log().total(), 0);

    let named = [&sync[..], &["--config", "connector.toml"]].concat();
    assert_eq!(bench.run(&named).code, 0);
    mode(0o664);
    assert_eq!(bench.run(&sync).code, 0);
}
