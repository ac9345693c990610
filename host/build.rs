//! Compiles the connector that the host carries inside itself, so that one
//! `cargo build` gives one program that works.
//!
//! The library reads it as `include_bytes!(env!("CONNECTOR_COMPONENT"))`.

use std::path::PathBuf;
use std::process::ExitCode;

#[path = "build/component.rs"]
mod component;

/// The connector that is built in.
const CONNECTOR: &str = "cognito-connector";

fn main() -> ExitCode {
    component::report(build())
}

fn build() -> Result<(), String> {
    component::tell_cargo("rerun-if-changed", "build.rs");
    component::tell_cargo("rerun-if-changed", "build");
    // Without the sandbox there is nothing that could run a component.
    if component::variable("CARGO_FEATURE_SANDBOX").is_err() {
        return Ok(());
    }
    let package = PathBuf::from(component::variable("CARGO_MANIFEST_DIR")?);
    let workspace = package
        .parent()
        .ok_or("the package of the host is not in a workspace")?;
    component::watch(
        workspace,
        &["plugin/Cargo.toml", "plugin/answers", "plugin/src"],
    );
    for file in component::compile(workspace, &[CONNECTOR])? {
        component::tell_cargo(
            "rustc-env",
            &format!("CONNECTOR_COMPONENT={}", file.display()),
        );
    }
    Ok(())
}
