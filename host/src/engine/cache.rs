//! Compiled components, kept so that the second start compiles nothing.
//!
//! A compiled component is native code that wasmtime runs without looking at it again:
//! whoever can write here owns the process. So the folder, all above it and the file must
//! be ours alone, and where that can't be established the cache is off and the component
//! is compiled, which is slower but safe. This is the only file of the host with `unsafe`
//! code.
//!
//! The name of a file holds the digest of what is in it. Whoever gets at the file alone,
//! by a descriptor, a second name or a damaged disk, can change what is in it and not its
//! name, so the change is seen; a digest beside it or in it could be changed along. Whoever
//! can make names in the folder is us. The bytes that were judged are the bytes that are
//! run: they are read once, and mapping the file instead would let it change afterwards.

mod place;

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use place::{Place, new_file, temporary_name};

/// Every release and every new engine leaves a file behind that nobody reads again. A
/// monthly run still finds its own; a wrong guess costs one compilation.
const UNUSED_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A folder of compiled components.
#[derive(Debug)]
pub(super) struct Cache {
    place: Place,
}

impl Cache {
    /// Uses a folder, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// Fails where the folder can't be made or is not ours alone.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Place::open(folder).map(|place| Self { place })
    }

    /// The compiled form of a component, from the folder or made and put there.
    pub(super) fn component(
        &self,
        engine: &wasmtime::Engine,
        bytes: &[u8],
    ) -> wasmtime::Result<Component> {
        let key = key(engine, bytes);
        if let Some(component) = self.kept(engine, &key) {
            return Ok(component);
        }
        let component = Component::new(engine, bytes)?;
        // A cache that can't be written costs time and nothing else.
        let stored = component
            .serialize()
            .map_err(io::Error::other)
            .and_then(|compiled| self.store(&key, &compiled));
        match stored {
            Ok(path) => self.forget_unused(&path),
            Err(error) => tracing::warn!(%error, "the compiled component was not kept"),
        }
        Ok(component)
    }

    /// The component with a key, if a file of it is as it was written. One that is not is
    /// removed: it would be judged at every start.
    fn kept(&self, engine: &wasmtime::Engine, key: &str) -> Option<Component> {
        for entry in fs::read_dir(&self.place.folder).ok()?.flatten() {
            let name = entry.file_name();
            let Some(digest) = name.to_str().and_then(|name| digest_in(name, key)) else {
                continue;
            };
            let path = entry.path();
            let compiled = self.place.open_file(&path).and_then(|mut file| {
                let mut compiled = Vec::new();
                file.read_to_end(&mut compiled)?;
                Ok(compiled)
            });
            let judged = compiled.and_then(|compiled| {
                if hex::encode(Sha256::digest(&compiled)) == digest {
                    Ok(compiled)
                } else {
                    Err(io::Error::other("it is not what was written there"))
                }
            });
            match judged {
                Ok(compiled) => match load(engine, &compiled) {
                    Ok(component) => return Some(component),
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "a compiled component is compiled again");
                    }
                },
                // Another process has removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    let path = path.display();
                    tracing::warn!(
                        "the compiled component {path} is not used, and compiled again: {error}"
                    );
                }
            }
            let _ = fs::remove_file(path);
        }
        None
    }

    /// Removes what was neither written nor read for long. Where a platform keeps no time
    /// of reading, that of writing counts. Code that runs is in memory and not here.
    fn forget_unused(&self, kept: &Path) {
        let Some(limit) = SystemTime::now().checked_sub(UNUSED_FOR) else {
            return;
        };
        for entry in fs::read_dir(&self.place.folder)
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            let ours = path.extension().is_some_and(|extension| {
                ["cwasm", "tmp", "probe"]
                    .map(Some)
                    .contains(&extension.to_str())
            });
            let unused = entry.metadata().is_ok_and(|metadata| {
                let times = [metadata.modified(), metadata.accessed()];
                metadata.is_file() && times.into_iter().flatten().all(|time| time < limit)
            });
            if ours && unused && path != kept {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Writes beside and renames: another process reads a whole file or none.
    fn store(&self, key: &str, compiled: &[u8]) -> io::Result<PathBuf> {
        let folder = &self.place.folder;
        let digest = hex::encode(Sha256::digest(compiled));
        let path = folder.join(file_name(key, &digest));
        let temporary = folder.join(temporary_name("tmp"));
        let written = (|| {
            let mut file = new_file(&temporary)?;
            file.write_all(compiled)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.map(|()| path)
    }
}

fn file_name(key: &str, digest: &str) -> String {
    format!("{key}-{digest}.cwasm")
}

/// The digest in a name, if it is one of a key.
fn digest_in<'a>(name: &'a str, key: &str) -> Option<&'a str> {
    name.strip_prefix(key)?
        .strip_prefix('-')?
        .strip_suffix(".cwasm")
}

#[expect(
    unsafe_code,
    reason = "wasmtime can't verify compiled code; see the safety comment"
)]
fn load(engine: &wasmtime::Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes have the digest that stood in their file's name, and only
    // `Cache::store` of a process of the same user makes such names, because `Place::open`
    // refuses a folder that anybody else can write to. It makes them of what wasmtime
    // serialized. They are in our memory, so nothing changes them between the digest and
    // here. The rest of the name is the digest of the component and of everything of the
    // engine that the code depends on.
    unsafe { Component::deserialize(engine, compiled) }
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

#[cfg(test)]
#[cfg(unix)]
mod tests;
