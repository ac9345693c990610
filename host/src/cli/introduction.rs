//! A component file as it is met for the first time: its bytes, what it is and what it asks
//! for, in words.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::exit::{ExitCode, Failure, load_failure};
use crate::engine::{Artifact, CallError, Component, LoadError};
use crate::limits::{Paces, sizes};
use crate::trust::description::Description;
use crate::trust::words::words;

/// The bytes of a component, or some more than are accepted of what has no length, as a
/// device: who loads them refuses them.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| {
        Failure::new(
            ExitCode::Invalid,
            format!("{} can't be read: {error}", path.display()),
        )
    };
    let limit = sizes::COMPONENT_BYTES;
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size > limit {
        let too_large = LoadError::TooLarge { size, limit };
        return Err(load_failure(&path.display().to_string(), &too_large));
    }
    let mut bytes = Vec::with_capacity(size);
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// What a component says that it is. Whatever goes wrong is its own fault: it was given
/// nothing, and nothing was in its way.
pub(super) async fn describe(label: &str, component: &Component) -> Result<Description, Failure> {
    component
        .describe()
        .await
        .map_err(|error: CallError| Failure {
            code: ExitCode::Component,
            message: format!("{label} does not say what it is: {error}"),
            ..Failure::from(&error)
        })
}

/// What a component is and asks for, as text; `paces` are those of its record.
pub(super) fn introduction(
    artifact: &Artifact,
    description: &Description,
    paces: Paces<'_>,
) -> String {
    let mut text = format!(
        "digest    sha256:{}\nsize      {} bytes\ncontract  {}@{}\n",
        artifact.digest,
        artifact.size,
        crate::contract::PACKAGE,
        artifact.contract
    );
    text.push_str("\nwhat it imports\n");
    for import in &artifact.imports {
        text.push_str(&format!("  {import}: {}\n", means(import)));
    }
    text.push_str("\nwhat it offers\n");
    for export in &artifact.exports {
        text.push_str(&format!("  {export}\n"));
    }
    text.push('\n');
    text.push_str(&words(description, paces));
    text
}

/// What is said of an import that this host does not provide.
pub(super) const UNKNOWN: &str = "not provided by this host, so the component can't be run";

/// What an import gives to a component here, in words.
pub(super) fn means(import: &str) -> &'static str {
    let (interface, _) = import.split_once('@').unwrap_or((import, ""));
    match interface {
        "identity:connector/types" => "the types of the contract; no access to anything",
        "wasi:cli/environment" => "environment variables and arguments; here there are none",
        "wasi:cli/exit" => "ends itself",
        "wasi:cli/stdin" => "standard input; here it is empty",
        "wasi:cli/stdout" => "standard output; here bounded lines of the log",
        "wasi:cli/stderr" => "standard error; here bounded lines of the log",
        "wasi:clocks/monotonic-clock" => "measures time, waits",
        "wasi:clocks/wall-clock" => "the time of day",
        "wasi:http/outgoing-handler" => {
            "sends HTTP requests; here only those that its trust record permits"
        }
        "wasi:http/types" => "makes HTTP requests and reads responses",
        "wasi:io/error" | "wasi:io/poll" | "wasi:io/streams" => {
            "reads and writes what other imports opened"
        }
        "wasi:random/random" | "wasi:random/insecure" | "wasi:random/insecure-seed" => {
            "random numbers"
        }
        terminal if terminal.starts_with("wasi:cli/terminal-") => {
            "asks whether there is a terminal; here there is none"
        }
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_long_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.wasm");
        // A hole, and more than fits into memory.
        let huge = 1 << 40;
        File::create(&path).unwrap().set_len(huge).unwrap();
        let failure = read(&path).unwrap_err();
        assert_eq!(failure.code, ExitCode::Invalid);
        assert!(
            failure
                .message
                .contains(&format!("it is {huge} bytes long")),
            "{}",
            failure.message
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_device_without_end_is_not_read_to_its_end() {
        let bytes = read(Path::new("/dev/zero")).unwrap();
        assert_eq!(bytes.len(), sizes::COMPONENT_BYTES + 1);
    }
}
