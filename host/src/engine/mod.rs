//! Running components: the engine, the loading of a component, and its instances.
//!
//! The engine narrows wasmtime to what a connector needs. It decides nothing about where
//! a component may go, which is `egress`' business, but sees to it that the only way out
//! is through `egress` and that a component can neither hang nor eat the machine.

mod cache;
mod component;
mod error;
mod exports;
mod inspect;
mod instance;
mod limiter;
mod redact;
mod request;
mod state;
mod stderr;
mod trapped;
mod verdict;

use std::path::Path;
use std::time::Duration;

pub use component::Component;
pub use error::{CallError, ErrorCode, LimitHit, LoadError, Reported};
pub use inspect::Artifact;
pub use instance::Instance;
pub use request::{AccountCheck, Answer, Changed, GrantsOf, Lookup, Request};

use crate::limits::{Limits, deadline};

/// wasmtime, set up for connectors, with the thread that interrupts them.
pub struct Engine {
    inner: wasmtime::Engine,
    cache: Option<cache::Cache>,
    limits: Limits,
}

/// The engine could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine could not be set up: {0}")]
pub struct EngineError(String);

impl Engine {
    /// Sets up the engine. `cache_folder` keeps compiled components; without one, or
    /// where the folder is not safe to load code from, every start compiles.
    ///
    /// # Errors
    ///
    /// Fails where wasmtime does not support the machine, or no thread can be started.
    pub fn new(cache_folder: Option<&Path>) -> Result<Self, EngineError> {
        let inner = wasm_engine(&config())?;
        let cache = cache_folder.and_then(|folder| {
            cache::Cache::open(folder)
                .inspect_err(|error| {
                    tracing::warn!(folder = %folder.display(), %error, "compiled components are not kept");
                })
                .ok()
        });
        Ok(Self {
            inner,
            cache,
            limits: Limits::default(),
        })
    }

    /// Bounds what is loaded from here on by other limits than the defaults.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// An engine whose instances differ from those of production in one respect.
    #[cfg(test)]
    pub(crate) fn with_config(
        change: impl FnOnce(&mut wasmtime::Config),
    ) -> Result<Self, EngineError> {
        let mut config = config();
        change(&mut config);
        Ok(Self {
            inner: wasm_engine(&config)?,
            ..Self::new(None)?
        })
    }

    /// Prepares a component to be run.
    ///
    /// # Errors
    ///
    /// [`LoadError`] says what is wrong with the bytes.
    pub fn load(&self, bytes: &[u8]) -> Result<Component, LoadError> {
        Component::load(self, bytes)
    }

    /// The facts of a component that need not be one that can be run: what it imports need
    /// not be there.
    ///
    /// # Errors
    ///
    /// [`LoadError`] says what is wrong with the bytes.
    pub fn examine(&self, bytes: &[u8]) -> Result<Artifact, LoadError> {
        inspect::check_header(bytes)?;
        let component = wasmtime::component::Component::new(&self.inner, bytes)
            .map_err(|error| LoadError::invalid(&error))?;
        inspect::artifact(&self.inner, &component, bytes)
    }
}

fn config() -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config.wasm_component_model(true).epoch_interruption(true);
    config
}

fn wasm_engine(config: &wasmtime::Config) -> Result<wasmtime::Engine, EngineError> {
    let engine =
        wasmtime::Engine::new(config).map_err(|error| EngineError(format!("{error:#}")))?;
    start_ticker(&engine, deadline::EPOCH_TICK)?;
    Ok(engine)
}

/// The thread ends with the last clone of the engine.
fn start_ticker(engine: &wasmtime::Engine, tick: Duration) -> Result<(), EngineError> {
    let weak = engine.weak();
    std::thread::Builder::new()
        .name("epoch-ticker".to_owned())
        .spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(tick);
            }
        })
        .map(|_| ())
        .map_err(|error| EngineError(format!("no thread for the interrupt timer: {error}")))
}

#[cfg(test)]
mod tests;
