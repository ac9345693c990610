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
