//! Commands about component files: `inspect` and `plugin export`.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::connect::{BUNDLED, load_bundled};
use super::exit::{ExitCode, Failure, load_failure};
use super::layers::Layers;
use crate::engine::{Component, Engine};

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
    let bytes = std::fs::read(file).map_err(|error| {
        Failure::new(
            ExitCode::Invalid,
            format!("{} can't be read: {error}", file.display()),
        )
    })?;
    // Compiled code of a component that nobody trusts is not kept.
    let digest_of_bundled = bytes == BUNDLED;
    let cache = if digest_of_bundled {
        layers.cache_folder()
    } else {
        None
    };
    Engine::new(cache.as_deref())?
        .load(&bytes)
        .map_err(|error| load_failure(&file.display().to_string(), &error))
}

/// Writes the bundled component to a new file.
pub(super) fn export(out: Option<&str>) -> Result<Value, Failure> {
    let out = out.ok_or_else(|| Failure::new(ExitCode::Usage, "plugin export needs --out FILE"))?;
    let failed = |error: std::io::Error| {
        let failure = Failure::new(
            ExitCode::Invalid,
            format!("{out} can't be written: {error}"),
        );
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            failure.hint("choose another name, or delete the file first")
        } else {
            failure
        }
    };
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(out)
        .map_err(failed)?;
    file.write_all(BUNDLED).map_err(failed)?;
    Ok(json!({"file": out, "size": BUNDLED.len()}))
}
