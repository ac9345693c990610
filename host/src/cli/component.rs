//! Commands about component files: `inspect` and `plugin export`.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::connect::{BUNDLED, load_bundled};
use super::exit::{ExitCode, Failure, load_failure};
use super::layers::Layers;
use crate::engine::{Component, Engine, LoadError};
use crate::limits::sizes;

/// What a component is and what it asks for. It runs without network and without
/// settings.
pub(super) async fn inspect(layers: &Layers<'_>, file: Option<&str>) -> Result<Value, Failure> {
    let component = match file {
        None => load_bundled(layers)?,
        Some(file) => load_file(layers, Path::new(file))?,
    };
    let description = component
        .describe()
        .await
        .map_err(|error| Failure::from(&error))?;
    let artifact = component.artifact();
    let bundled = super::connect::bundled_record()?;
    let is_bundled = hex::encode(Sha256::digest(BUNDLED)) == artifact.digest;
    let trusted = is_bundled && bundled.check(&description).is_ok();
    Ok(json!({
        "name": description.name,
        "version": description.version,
        "digest": format!("sha256:{}", artifact.digest),
        "size": artifact.size,
        "contract": format!("{}@{}", crate::contract::PACKAGE, artifact.contract),
        "trusted": trusted,
        "imports": artifact.imports,
        "exports": artifact.exports,
        "asks_for": description,
    }))
}

fn load_file(layers: &Layers<'_>, file: &Path) -> Result<Component, Failure> {
    let bytes = read(file)?;
    // Compiled code of a component that nobody trusts is not kept.
    let cache = layers.cache_folder().filter(|_| bytes == BUNDLED);
    Engine::new(cache.as_deref())?
        .load(&bytes)
        .map_err(|error| load_failure(&file.display().to_string(), &error))
}

/// The bytes of a component, or some more than are accepted of what has no length, as a
/// device: who loads them refuses them.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
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

/// Makes a file, whole or not at all.
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
