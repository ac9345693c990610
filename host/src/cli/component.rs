//! Commands about component files: `inspect` and `plugin export`.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::bundled;
use super::chosen;
use super::exit::{ExitCode, Failure, defused, load_failure};
use super::introduction::{UNKNOWN, describe, introduction, means, read};
use super::limits::limits;
use super::{Session, print};
use crate::engine::{Artifact, Engine, LoadError};
use crate::export::Format;
use crate::limits::Paces;
use crate::limits::ceiling::ceilings;
use crate::trust::Digest;
use crate::trust::file::{Record, TrustFile};
use crate::trust::words::words;

impl Session<'_> {
    /// `inspect`: what a component is and what it asks for. It runs without network and
    /// without settings.
    pub(super) async fn inspect(self, file: Option<&str>) -> Result<(), Failure> {
        let file = file.or(self.first.plugin());
        let (label, bytes) = match file {
            None => (bundled::LABEL, Cow::Borrowed(bundled::COMPONENT)),
            Some(file) => (file, Cow::Owned(read(Path::new(file))?)),
        };
        self.first.check_pin(label, &bytes)?;
        let digest = Digest::of(&bytes);
        let is_bundled = *bytes == *bundled::COMPONENT;
        let record = if is_bundled {
            Some(bundled::record()?)
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
        let description = describe(label, &component).await?;
        let artifact = component.artifact();
        let trusted = record
            .as_ref()
            .is_some_and(|record| record.check(&description).is_ok());
        let paces = record.map_or_else(|| ceilings(&description.wire), |record| record.pace);
        let paces = match is_bundled {
            true => Paces::Start(&paces),
            false => Paces::Ceiling(&paces),
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
            let text = introduction(artifact, &description, paces);
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
            "asks_for_in_words": words(&description, paces).lines().collect::<Vec<_>>(),
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

/// Writes the bundled component to a new file.
pub(super) fn export(out: Option<&str>) -> Result<Value, Failure> {
    let out = out.ok_or_else(|| Failure::new(ExitCode::Usage, "plugin export needs --out FILE"))?;
    write_new(Path::new(out), |file| file.write_all(bundled::COMPONENT)).map_err(|error| {
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
    Ok(json!({"file": out, "size": bundled::COMPONENT.len()}))
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
