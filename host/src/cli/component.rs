//! Commands about component files: `inspect` and `plugin export`.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::chosen::{self, BUNDLED_LABEL};
use super::connect::{BUNDLED, bundled_record};
use super::exit::{ExitCode, Failure, defused, load_failure};
use super::limits::limits;
use super::{Session, plugin, print};
use crate::engine::{Artifact, Engine, LoadError};
use crate::export::Format;
use crate::limits::ceiling::ceilings;
use crate::limits::sizes;
use crate::trust::Digest;
use crate::trust::file::{Record, TrustFile};
use crate::trust::words::words;

impl Session<'_> {
    /// `inspect`: what a component is and what it asks for. It runs without network and
    /// without settings.
    pub(super) async fn inspect(self, file: Option<&str>) -> Result<(), Failure> {
        let file = file.or(self.first.plugin());
        let (label, bytes) = match file {
            None => (BUNDLED_LABEL, Cow::Borrowed(BUNDLED)),
            Some(file) => (file, Cow::Owned(read(Path::new(file))?)),
        };
        self.first.check_pin(label, &bytes)?;
        let digest = Digest::of(&bytes);
        let is_bundled = *bytes == *BUNDLED;
        let record = if is_bundled {
            Some(bundled_record()?)
        } else {
            let trust = TrustFile::read(&self.first.trust_path())?;
            trust.find(&digest).map(Record::in_force)
        };
        // Compiled code of a component that nobody trusts is not kept.
        let cache = self.layers.cache_folder().filter(|_| record.is_some());
        let limits = limits(self.matches, &self.layers)?;
        let engine = Engine::new(cache.as_deref())?.limited(limits);
        let component = match engine.load(&bytes) {
            Ok(component) => component,
            Err(error) => {
                if let (LoadError::UnknownImports { imports }, Ok(artifact)) =
                    (&error, engine.examine(&bytes))
                {
                    self.show_refused(&artifact, imports)?;
                }
                return Err(load_failure(label, &error));
            }
        };
        let description = plugin::describe(label, &component).await?;
        let artifact = component.artifact();
        let trusted = record
            .as_ref()
            .is_some_and(|record| record.check(&description).is_ok());
        let paces = match record {
            Some(record) => record.pace,
            None => ceilings(&description.wire),
        };
        let unsound = match is_bundled {
            true => None,
            false => chosen::check_soundness(&description, &self.options).err(),
        };
        let unsound = unsound.map(|unsound| unsound.message);
        if self.format == Format::Table {
            let state = match (trusted, &unsound) {
                (true, _) => "yes".to_owned(),
                (false, None) => "no".to_owned(),
                (false, Some(why)) => format!("no, and it can't be: {why}"),
            };
            let text = plugin::introduction(artifact, &description, &paces);
            let text = format!("trusted   {state}\n{text}");
            return super::finish(super::write_text(&defused(&text)));
        }
        let facts = json!({
            "name": description.name,
            "version": description.version,
            "digest": digest,
            "size": artifact.size,
            "contract": format!("{}@{}", crate::contract::PACKAGE, artifact.contract),
            "trusted": trusted,
            "unsound": unsound,
            "imports": artifact.imports,
            "imports_in_words": in_words(&artifact.imports, &[]),
            "exports": artifact.exports,
            "asks_for": description,
            "asks_for_in_words": words(&description, &paces).lines().collect::<Vec<_>>(),
        });
        print(self.format, &facts)
    }

    /// The facts of a component that can't be run for what it imports.
    fn show_refused(&self, artifact: &Artifact, unknown: &[String]) -> Result<(), Failure> {
        let facts = json!({
            "digest": format!("sha256:{}", artifact.digest),
            "size": artifact.size,
            "contract": format!("{}@{}", crate::contract::PACKAGE, artifact.contract),
            "trusted": false,
            "imports": artifact.imports,
            "imports_in_words": in_words(&artifact.imports, unknown),
            "unknown_imports": unknown,
            "exports": artifact.exports,
        });
        print(self.format, &facts)
    }
}

fn in_words(imports: &[String], unknown: &[String]) -> Vec<Value> {
    imports
        .iter()
        .map(|import| {
            let means = if unknown.contains(import) {
                UNKNOWN
            } else {
                means(import)
            };
            json!({"interface": import, "means": means})
        })
        .collect()
}

/// What is said of an import that this host does not provide.
const UNKNOWN: &str = "not provided by this host, so the component can't be run";

/// What an import gives to a component here, in words.
pub(super) fn means(import: &str) -> &'static str {
    let (interface, _) = import.split_once('@').unwrap_or((import, ""));
    match interface {
        "identity:connector/types" => "the types of the contract; no access to anything",
        "wasi:cli/environment" => "environment variables and arguments; here there are none",
        "wasi:cli/exit" => "ends itself",
        "wasi:cli/stdin" => "standard input; here it is empty",
        "wasi:cli/stdout" => "standard output; here nothing comes of it",
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

/// Writes the bundled component to a new file.
pub(super) fn export(out: Option<&str>) -> Result<Value, Failure> {
    let out = out.ok_or_else(|| Failure::new(ExitCode::Usage, "plugin export needs --out FILE"))?;
    write_new(Path::new(out), |file| file.write_all(BUNDLED)).map_err(|error| {
        let failure = Failure::new(
            ExitCode::Invalid,
            format!("{out} can't be written: {error}"),
        );
        if error.kind() == io::ErrorKind::AlreadyExists {
            failure.hint("choose another name, or delete the file first")
        } else {
            failure
        }
    })?;
    Ok(json!({"file": out, "size": BUNDLED.len()}))
}

/// Makes a file, whole or not at all. A component is no secret, so that it gets the mode of
/// any other file.
fn write_new(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    let written = write(&mut file);
    if written.is_err() {
        // Not every platform removes an open file.
        drop(file);
        let _ = fs::remove_file(path);
    }
    written
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

    #[test]
    fn a_file_that_could_not_be_written_whole_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.wasm");
        let full = |file: &mut File| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        assert_eq!(
            write_new(&path, full).unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        assert!(!path.exists());

        fs::write(&path, "mine").unwrap();
        assert_eq!(
            write_new(&path, full).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }
}
