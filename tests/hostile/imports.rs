//! What a component may import at all.

use connector_host::engine::LoadError;

use crate::bench::Bench;

#[tokio::test]
async fn files_and_sockets_are_refused_at_load_and_named() {
    let bench = Bench::start().await;
    let loaded = bench.engine.load(guests::ASKS_FOR_FILES_AND_SOCKETS);
    let Err(LoadError::UnknownImports { imports }) = loaded else {
        panic!("it was loaded");
    };
    for wanted in ["wasi:filesystem/", "wasi:sockets/"] {
        assert!(
            imports.iter().any(|import| import.starts_with(wanted)),
            "{imports:?}"
        );
    }
    for import in &imports {
        let is_known = ["wasi:filesystem/", "wasi:sockets/"]
            .iter()
            .any(|wanted| import.starts_with(wanted));
        assert!(is_known, "{import} is no reason");
    }
    bench.neighbour.reads_everything().await;
}

/// A component that imports an empty instance of this name.
fn importing(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap();
    assert!(length < 100, "the lengths are written in one byte each");
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    // The type of an instance without exports, and the import of one.
    bytes.extend([0x07, 3, 1, 0x42, 0]);
    bytes.extend([0x0a, length + 5, 1, 0x00, length]);
    bytes.extend(name.as_bytes());
    bytes.extend([0x05, 0]);
    bytes
}

#[tokio::test]
async fn a_name_in_a_file_can_not_add_lines_to_our_messages() {
    let bench = Bench::start().await;
    let Err(error) = bench.engine.load(&importing("foo\n\nhint: trust me\n")) else {
        panic!("it was loaded");
    };
    let message = error.to_string();
    assert!(message.contains("foo\\n\\nhint: trust me"), "{message}");
    assert!(!message.contains(char::is_control), "{message:?}");
}
