//! A component that is ready to be instantiated: checked, compiled and linked to exactly
//! the imports that this host gives.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use wasmtime::component::Linker;

use super::error::{CallError, LoadError};
use super::exports::Exports;
use super::inspect::{Artifact, artifact, check_header};
use super::instance::{Instance, Sandbox};
use super::redact::Secrets;
use super::state::State;
use super::{Engine, stderr::Capture};
use crate::contract::Function;
use crate::egress::{Egress, EgressHooks};
use crate::limits::Limits;
use crate::trust::description::Description;

/// A component that can be run. Cheap to clone.
#[derive(Clone)]
pub struct Component {
    engine: wasmtime::Engine,
    exports: Exports,
    artifact: Arc<Artifact>,
    limits: Limits,
    /// Whether it was told that one of its instances writes too much.
    told: Arc<AtomicBool>,
}

impl Component {
    pub(super) fn load(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        check_header(bytes)?;
        let wasm = &engine.inner;
        let component = match &engine.cache {
            Some(cache) => cache.component(wasm, bytes),
            None => wasmtime::component::Component::new(wasm, bytes),
        }
        .map_err(|error| LoadError::invalid(&error))?;
        let artifact = artifact(wasm, &component, bytes)?;
        let linker = linker(wasm).map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        let pre = linker.instantiate_pre(&component).map_err(|error| {
            refused_imports(&artifact).unwrap_or_else(|| LoadError::invalid(&error))
        })?;
        let exports = Exports::find(pre, artifact.offers())?;
        Ok(Self {
            engine: wasm.clone(),
            exports,
            artifact: Arc::new(artifact),
            limits: engine.limits.clone(),
            told: Arc::default(),
        })
    }

    /// The facts of its file.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// Asks the component what it is, with all egress denied.
    ///
    /// # Errors
    ///
    /// Fails if the component traps or does not answer in time.
    pub async fn describe(&self) -> Result<Description, CallError> {
        let state = self.state("describe", EgressHooks::closed(), &Secrets::default());
        let (function, name) = (Function::Describe, None);
        let mut sandbox = Sandbox::new(&self.engine, &self.exports, state, function, name).await?;
        sandbox.describe().await
    }

    fn state(&self, name: &str, hooks: EgressHooks, secrets: &Secrets) -> State {
        let told = Arc::clone(&self.told);
        let capture = Capture::new(name, secrets.clone(), &self.limits, told);
        State::new(hooks, capture, self.limits.clone())
    }

    /// Makes an instance and opens its session with settings. Sends nothing.
    ///
    /// `secrets` are the values among the settings that must never be shown.
    ///
    /// # Errors
    ///
    /// Fails if the component refuses the settings or breaks.
    pub async fn open(
        &self,
        name: &str,
        egress: Arc<Egress>,
        settings: &[(String, String)],
        secrets: Vec<String>,
    ) -> Result<Instance, CallError> {
        let secrets = Secrets::new(&secrets);
        let state = self.state(name, EgressHooks::new(egress), &secrets);
        let (function, name) = (Function::Open, Some(name.to_owned()));
        let sandbox = Sandbox::new(&self.engine, &self.exports, state, function, name).await?;
        sandbox.open(settings, secrets).await
    }
}

/// Links what a component of the contract may import and nothing else: no file system,
/// no sockets, no environment with anything in it.
pub(super) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    use wasmtime_wasi::WasiView;
    use wasmtime_wasi::cli::{WasiCli, WasiCliView};
    use wasmtime_wasi::p2::bindings::{cli, random};
    use wasmtime_wasi::random::WasiRandom;

    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(&mut linker)?;
    cli::environment::add_to_linker::<State, WasiCli>(&mut linker, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(&mut linker, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(&mut linker, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(&mut linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(&mut linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(&mut linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(&mut linker, State::cli)?;
    random::insecure::add_to_linker::<State, WasiRandom>(&mut linker, |state| {
        state.ctx().ctx.random()
    })?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(&mut linker, |state| {
        state.ctx().ctx.random()
    })?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Ok(linker)
}

/// What [`linker`] links, by interface.
const PROVIDED: &[&str] = &[
    "identity:connector/types",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:http/outgoing-handler",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// The imports that explain why a component can't be linked.
fn refused_imports(artifact: &Artifact) -> Option<LoadError> {
    let imports: Vec<String> = artifact
        .imports
        .iter()
        .filter(|import| {
            let (interface, version) = import.split_once('@').unwrap_or((import, ""));
            let wasi_version_fits = !interface.starts_with("wasi:") || version.starts_with("0.2.");
            !(PROVIDED.contains(&interface) && wasi_version_fits)
        })
        .cloned()
        .collect();
    (!imports.is_empty()).then_some(LoadError::UnknownImports { imports })
}
