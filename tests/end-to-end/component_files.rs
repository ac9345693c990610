//! Component files: what `inspect` says of good and bad ones, and `plugin export`.

use std::fs;

use crate::support::{Ran, bare_command, finish};

fn run_in(folder: &std::path::Path, arguments: &[&str]) -> Ran {
    finish(&mut bare_command(folder, arguments))
}

#[test]
fn the_bundled_component_imports_http_and_what_std_needs_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run_in(folder.path(), &["inspect", "-o", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let inspected: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(inspected["trusted"], true);
    assert_eq!(inspected["contract"], "identity:connector@0.1.0");
    assert_eq!(inspected["asks_for"]["name"], "cognito-connector");
    let imports: Vec<&str> = inspected["imports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    for import in &imports {
        let (interface, version) = import.split_once('@').unwrap();
        let allowed = [
            "wasi:cli/",
            "wasi:io/",
            "wasi:clocks/",
            "wasi:random/",
            "wasi:http/",
            "identity:connector/",
        ];
        assert!(
            allowed.iter().any(|prefix| interface.starts_with(prefix)),
            "{import}"
        );
        // Hosts that match versions exactly know the low ones.
        let low = [
            "0.2.0", "0.2.1", "0.2.2", "0.2.3", "0.2.4", "0.2.5", "0.2.6",
        ];
        assert!(
            interface.starts_with("identity:") || low.contains(&version),
            "{import}"
        );
    }
    assert!(
        imports
            .iter()
            .any(|import| import.starts_with("wasi:http/outgoing-handler@"))
    );
}

#[test]
fn an_exported_component_is_the_bundled_one() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run_in(
        folder.path(),
        &["plugin", "export", "--out", "exported.wasm", "-o", "json"],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let bundled: serde_json::Value =
        serde_json::from_str(&run_in(folder.path(), &["inspect", "-o", "json"]).stdout).unwrap();
    let exported: serde_json::Value = serde_json::from_str(
        &run_in(folder.path(), &["inspect", "exported.wasm", "-o", "json"]).stdout,
    )
    .unwrap();
    assert_eq!(bundled, exported);

    let again = run_in(
        folder.path(),
        &["plugin", "export", "--out", "exported.wasm"],
    );
    assert_eq!(
        again.code, 3,
        "an existing file is not overwritten: {again:?}"
    );
}

#[test]
fn no_path_of_the_machine_that_built_it_is_in_the_component() {
    let folder = tempfile::tempdir().unwrap();
    run_in(
        folder.path(),
        &["plugin", "export", "--out", "exported.wasm"],
    );
    let bytes = fs::read(folder.path().join("exported.wasm")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let workspace = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_str()
        .unwrap();
    let home = std::env::var("HOME").unwrap();
    for path in [
        workspace,
        &format!("{home}/.cargo"),
        &format!("{home}/.rustup"),
    ] {
        assert!(!text.contains(path), "{path}");
    }
}

#[test]
fn a_file_that_is_no_connector_is_told_apart_from_a_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), &["plugin", "export", "--out", "good.wasm"]);
    let good = fs::read(folder.path().join("good.wasm")).unwrap();
    // The version of the contract stands in the export names; of equal length, so that
    // the component stays well-formed.
    let other_version = replace(
        &good,
        b"identity:connector/sync@0.1.0",
        b"identity:connector/sync@0.9.0",
    );
    let other_version = replace(
        &other_version,
        b"identity:connector/describe@0.1.0",
        b"identity:connector/describe@0.9.0",
    );
    let cases: &[(&[u8], i32, &str)] = &[
        (b"I am a text file", 3, "not a WebAssembly file"),
        (b"", 3, "not a WebAssembly file"),
        (b"\0asm\x01\0\0\0", 3, "not a component"),
        (b"\0asm\x0d\0\x01\0", 13, "does not export the contract"),
        (&good[..good.len() / 2], 3, "no valid component"),
        (&other_version, 13, "speaks version 0.9.0"),
    ];
    for (bytes, code, expected) in cases {
        fs::write(folder.path().join("bad.wasm"), bytes).unwrap();
        let ran = run_in(folder.path(), &["inspect", "bad.wasm"]);
        assert_eq!(ran.code, *code, "{expected}: {ran:?}");
        assert!(
            ran.stderr.contains(expected) && ran.stderr.contains("bad.wasm"),
            "{expected}: {ran:?}"
        );
        assert_eq!(ran.stdout, "");
    }
    let ran = run_in(folder.path(), &["inspect", "missing.wasm"]);
    assert_eq!(ran.code, 3, "{ran:?}");
}

#[test]
fn completions_know_the_commands_and_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let ran = run_in(folder.path(), &["completions", shell]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(
            ran.stdout.contains("user-pool-id") && ran.stdout.contains("inspect"),
            "{shell}"
        );
    }
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = bytes.to_vec();
    let places: Vec<usize> = (0..bytes.len().saturating_sub(from.len()))
        .filter(|&at| bytes[at..].starts_with(from))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        out[at..at + to.len()].copy_from_slice(to);
    }
    out
}

#[test]
fn compiled_code_that_was_changed_is_told_and_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let inspect = || {
        let mut command = bare_command(folder.path(), &["inspect", "-o", "json"]);
        finish(command.env("CONNECTOR_CACHE", &cache))
    };
    let first = inspect();
    assert_eq!(first.code, 0, "{first:?}");
    let files: Vec<_> = fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let compiled = fs::read(&files[0]).unwrap();
    let mut changed = compiled.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&files[0], &changed).unwrap();

    let second = inspect();
    assert_eq!((second.code, &second.stdout), (0, &first.stdout));
    let told = "is not used, and compiled again: it is not what was written there";
    assert!(second.stderr.contains(told), "{second:?}");
    assert!(
        fs::read(&files[0]).unwrap() == compiled,
        "it was not mended"
    );
    let third = inspect();
    assert_eq!((third.code, third.stderr.as_str()), (0, ""), "{third:?}");
}
