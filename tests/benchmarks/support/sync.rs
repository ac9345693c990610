//! `connector sync` as benchmarks start it: with nothing of the caller's environment, and
//! as fast as the service is.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::key::{KEY_ID, POOL, SECRET};

/// A sync of the double at `endpoint` into a store.
pub(crate) fn sync(folder: &Path, cache: &Path, store: &Path, endpoint: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector"));
    command
        .args(["sync", "--max-rate", "unlimited", "--quiet", "-o", "json"])
        .args(["--user-pool-id", POOL, "--endpoint-url", endpoint])
        .args(["--aws-access-key-id", KEY_ID])
        .args(["--aws-secret-access-key", SECRET])
        .arg("--store")
        .arg(store)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("CONNECTOR_CACHE", cache)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}
