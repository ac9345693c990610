//! Compiled components, kept so that the second start compiles nothing.
//!
//! A compiled component is native code that wasmtime runs without looking at it again:
//! whoever can write here owns the process. So the folder must be ours alone, and where
//! that can't be established the cache is off and the component is compiled, which is
//! slower but safe. This is the only file of the host with `unsafe` code.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

/// Every release and every new engine leaves a file behind that nobody reads again. A
/// monthly run still finds its own; a wrong guess costs one compilation.
const UNUSED_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A folder of compiled components.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Uses a folder, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// Fails where the folder can't be made, is a link, belongs to somebody else, or
    /// can be written by others.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        private_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The compiled form of a component, from the folder or made and put there.
    pub(super) fn component(
        &self,
        engine: &wasmtime::Engine,
        bytes: &[u8],
    ) -> wasmtime::Result<Component> {
        let path = self.folder.join(format!("{}.cwasm", key(engine, bytes)));
        if let Some(component) = load(engine, &path) {
            return Ok(component);
        }
        let component = Component::new(engine, bytes)?;
        // A cache that can't be written costs time and nothing else.
        if let Err(error) = component
            .serialize()
            .map_err(io::Error::other)
            .and_then(|compiled| self.store(&path, &compiled))
        {
            tracing::debug!(path = %path.display(), %error, "the compiled component was not kept");
        }
        self.forget_unused(&path);
        Ok(component)
    }

    /// Removes what was neither written nor read for long. Where a platform keeps no time
    /// of reading, that of writing counts. Code that a process runs stays mapped.
    fn forget_unused(&self, kept: &Path) {
        let Some(limit) = SystemTime::now().checked_sub(UNUSED_FOR) else {
            return;
        };
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let compiled = path
                .extension()
                .is_some_and(|extension| extension == "cwasm");
            let unused = entry.metadata().is_ok_and(|metadata| {
                let times = [metadata.modified(), metadata.accessed()];
                metadata.is_file() && times.into_iter().flatten().all(|time| time < limit)
            });
            if compiled && unused && path != kept {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Never overwrites in place: another process may have the file mapped as code.
    fn store(&self, path: &Path, compiled: &[u8]) -> io::Result<()> {
        let temporary = self.folder.join(format!(
            ".{}-{:016x}.tmp",
            std::process::id(),
            fastrand::u64(..)
        ));
        let written = (|| {
            let mut file = private_file(&temporary)?;
            file.write_all(compiled)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

#[expect(
    unsafe_code,
    reason = "wasmtime can't verify compiled code; see the safety comment"
)]
fn load(engine: &wasmtime::Engine, path: &Path) -> Option<Component> {
    if !path.is_file() {
        return None;
    }
    // SAFETY: the file was written by `Cache::store` of a process of the same user, for
    // `Cache::open` refuses a folder that anybody else can write to, and it is replaced
    // by renaming only, so a mapping never changes under us. Its name holds the digest of
    // the component and of everything of the engine that the code depends on.
    match unsafe { Component::deserialize_file(engine, path) } {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::debug!(path = %path.display(), %error, "a compiled component is compiled again");
            None
        }
    }
}

/// What compiled code depends on: the component, and the engine's version and settings.
fn key(engine: &wasmtime::Engine, bytes: &[u8]) -> String {
    struct Fixed(Sha256);
    impl Hasher for Fixed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        // Only the digest is used; this completes the trait.
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut hasher = Fixed(Sha256::new());
    hasher.0.update(bytes);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hex::encode(hasher.0.finalize())
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    if !folder.exists() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let metadata = fs::symlink_metadata(folder)?;
    if !metadata.is_dir() {
        return Err(io::Error::other("it is a link or no folder"));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(io::Error::other("others can write to it"));
    }
    // The owner of a file that we make is us, whatever the platform calls that.
    let probe = folder.join(format!(
        ".{}-{:016x}.probe",
        std::process::id(),
        fastrand::u64(..)
    ));
    let ours = private_file(&probe)?.metadata()?.uid();
    fs::remove_file(&probe)?;
    if metadata.uid() != ours {
        return Err(io::Error::other("it belongs to another user"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
}

/// Who else can write to a folder can't be told here, so the cache stays off.
#[cfg(not(unix))]
fn private_folder(_: &Path) -> io::Result<()> {
    Err(io::Error::other(
        "its protection can't be checked on this platform",
    ))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    fn compiled_files(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    }

    #[test]
    fn a_component_is_compiled_once_and_then_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("made/here");
        let cache = Cache::open(&folder).unwrap();
        let engine = wasmtime::Engine::default();
        cache.component(&engine, EMPTY_COMPONENT).unwrap();
        let files = compiled_files(&folder);
        assert_eq!(files.len(), 1, "{files:?}");
        assert!(load(&engine, &files[0]).is_some());
        cache.component(&engine, EMPTY_COMPONENT).unwrap();
        assert_eq!(compiled_files(&folder), files);
        assert_eq!(
            fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_of_another_engine_is_compiled_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let engine = wasmtime::Engine::default();
        let path = folder
            .path()
            .join(format!("{}.cwasm", key(&engine, EMPTY_COMPONENT)));
        fs::write(&path, b"not compiled code").unwrap();
        cache.component(&engine, EMPTY_COMPONENT).unwrap();
        assert!(load(&engine, &path).is_some(), "it was not replaced");
    }

    #[test]
    fn compiled_code_that_nobody_used_for_long_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let now = SystemTime::now();
        let old = now - UNUSED_FOR - Duration::from_secs(60);
        let make = |name: &str, modified, accessed| {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            let times = fs::FileTimes::new()
                .set_modified(modified)
                .set_accessed(accessed);
            file.set_times(times).unwrap();
        };
        make("unused.cwasm", old, old);
        make("read.cwasm", old, now);
        make("written.cwasm", now, old);
        make("something-else", old, old);
        let engine = wasmtime::Engine::default();
        cache.component(&engine, EMPTY_COMPONENT).unwrap();
        let own = format!("{}.cwasm", key(&engine, EMPTY_COMPONENT));
        for (name, kept) in [
            ("unused.cwasm", false),
            ("read.cwasm", true),
            ("written.cwasm", true),
            ("something-else", true),
            (&own, true),
        ] {
            assert_eq!(folder.path().join(name).exists(), kept, "{name}");
        }
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
        let refused = Cache::open(folder.path()).unwrap_err();
        assert_eq!(refused.to_string(), "others can write to it");
    }

    #[test]
    fn a_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink(folder.path(), &link).unwrap();
        assert_eq!(
            Cache::open(&link).unwrap_err().to_string(),
            "it is a link or no folder"
        );
    }
}
