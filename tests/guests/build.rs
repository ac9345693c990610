//! Compiles every guest: every folder here that holds a manifest.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

#[path = "../../host/build/component.rs"]
mod component;

fn main() -> ExitCode {
    component::report(build())
}

fn build() -> Result<(), String> {
    let here = PathBuf::from(component::variable("CARGO_MANIFEST_DIR")?);
    let workspace = here
        .ancestors()
        .nth(2)
        .ok_or("the package of the guests is not in a workspace")?;
    let guests = guests_in(&here)?;
    let names: Vec<&str> = guests.iter().map(String::as_str).collect();

    component::tell_cargo("rerun-if-changed", "build.rs");
    component::watch(workspace, &["host/build", "plugin", "tests/guests"]);

    let mut list = String::new();
    for (name, file) in names.iter().zip(component::compile(workspace, &names)?) {
        let module = name.replace('-', "_");
        let constant = module.to_uppercase();
        component::tell_cargo("rustc-env", &format!("GUEST_{constant}={}", file.display()));
        list.push_str(&format!("$check!({module} {constant});\n"));
    }
    let path = PathBuf::from(component::variable("OUT_DIR")?).join("for_each_guest.rs");
    fs::write(
        &path,
        format!(
            "/// Applies a macro to every guest: its name and the name of its constant.\n\
             #[macro_export]\nmacro_rules! for_each_guest {{\n($check:ident) => {{\n{list}}};\n}}\n"
        ),
    )
    .map_err(|error| format!("can't write {}: {error}", path.display()))
}

/// The names of the folders, which are also the names of the packages.
fn guests_in(folder: &PathBuf) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("can't list {}: {error}", folder.display()))?;
    let mut guests: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    guests.sort();
    Ok(guests)
}
