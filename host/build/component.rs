//! Compiles packages of this workspace to WebAssembly components, from a build script.
//!
//! Cargo has no stable way to depend on an artefact for another target, so the build
//! script starts a cargo of its own. Three things go wrong with that, and this module
//! is there to prevent them:
//!
//! - **Deadlock.** The outer cargo holds the lock of its target folder until the build
//!   script ends. The inner one gets a folder of its own under `OUT_DIR`.
//! - **Inheritance.** Variables of the outer cargo reach the inner one: flags for
//!   another target, clippy as the compiler, coverage, profile overrides. They are
//!   cleared; what says where packages come from stays.
//! - **Bytes that depend on the machine.** Panic messages carry the paths of source
//!   files. They are mapped to fixed ones, so that one source gives one component
//!   (and one digest) in every folder and for every profile of the outer build.
//!
//! It does not choose the toolchain: the one that compiles the build script also
//! compiles the component.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What components are compiled for.
const TARGET: &str = "wasm32-wasip2";

/// Of the root manifest, where its settings are explained.
const PROFILE: &str = "component";

/// Variables that the inner cargo keeps: where its home is, how it reaches and
/// authenticates to registries, and the jobserver, without which two cargos would each
/// use all processors.
const KEPT: [&str; 6] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_MAKEFLAGS",
    "CARGO_NET_",
    "CARGO_REGISTR",
    "CARGO_SOURCE_",
];

/// The files of the workspace that every component is made of.
const SHARED_SOURCES: [&str; 4] = ["Cargo.lock", "Cargo.toml", "rust-toolchain.toml", "wit"];

/// Tells cargo one thing about this build.
pub(crate) fn tell_cargo(key: &str, value: &str) {
    println!("cargo::{key}={value}");
}

/// How a build script ends.
pub(crate) fn report(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            tell_cargo("error", &message);
            ExitCode::FAILURE
        }
    }
}

/// Has the build script run again when one of these changes.
pub(crate) fn watch(workspace: &Path, sources: &[&str]) {
    for source in SHARED_SOURCES.iter().chain(sources) {
        tell_cargo(
            "rerun-if-changed",
            &workspace.join(source).display().to_string(),
        );
    }
}

/// Compiles `packages` and returns where their components are, in the same order.
/// The error is for people and says what to type.
pub(crate) fn compile(workspace: &Path, packages: &[&str]) -> Result<Vec<PathBuf>, String> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    let rustc = variable("RUSTC")?;
    ensure_target(&rustc, &out)?;

    let folder = out.join("wasm");
    let mut cargo = Command::new(variable("CARGO")?);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_") && !KEPT.iter().any(|kept| text.starts_with(kept)) {
            cargo.env_remove(&name);
        }
    }
    cargo
        .current_dir(workspace)
        .args(["build", "--quiet", "--locked", "--lib"])
        .args(["--target", TARGET, "--profile", PROFILE, "--target-dir"])
        .arg(&folder)
        .env("RUSTC", &rustc)
        .env_remove("RUSTFLAGS")
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            path_mapping(workspace, &rustc, &folder)?,
        )
        // Empty, not absent: the variable wins over the user's configuration files.
        .env("RUSTC_WRAPPER", "")
        .env("RUSTC_WORKSPACE_WRAPPER", "")
        // A configured build folder would be shared with the outer cargo again.
        .env("CARGO_BUILD_BUILD_DIR", &folder)
        .env("CARGO_INCREMENTAL", "0");
    for package in packages {
        cargo.args(["--package", package]);
    }
    let status = cargo
        .status()
        .map_err(|error| format!("can't start cargo to compile the component: {error}"))?;
    if !status.success() {
        return Err(format!(
            "{} did not compile for {TARGET}, see the messages of the compiler below",
            packages.join(", ")
        ));
    }
    packages
        .iter()
        .map(|package| {
            let name = format!("{}.wasm", package.replace('-', "_"));
            let built = folder.join(TARGET).join(PROFILE).join(&name);
            let stripped = out.join(&name);
            fs::read(&built)
                .and_then(|component| fs::write(&stripped, without_names(&component)))
                .map_err(|error| format!("{} can't be copied: {error}", built.display()))?;
            Ok(stripped)
        })
        .collect()
}

/// The component without the names that the linker gives to its parts, whatever the profile
/// says about symbols. Nobody reads them, and they are 3 % of it.
fn without_names(component: &[u8]) -> Vec<u8> {
    const NAMES: &[u8] = b"\x0ecomponent-name";
    // The magic number and the version; then sections: an id, a length, that many bytes.
    let (header, mut rest) = component.split_at(component.len().min(8));
    let mut kept = header.to_vec();
    while let Some((id, after)) = rest.split_first() {
        let Some((length, content)) = leb128(after) else {
            break;
        };
        let Some((content, next)) = content.split_at_checked(length) else {
            break;
        };
        let (section, next) = rest.split_at(rest.len() - next.len());
        if !(*id == 0 && content.starts_with(NAMES)) {
            kept.extend_from_slice(section);
        }
        rest = next;
    }
    // What is no section is somebody else's to judge.
    kept.extend_from_slice(rest);
    kept
}

/// A number as WebAssembly writes lengths, and what comes after it.
fn leb128(mut bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        bytes = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((number, bytes));
        }
    }
    None
}

/// A variable that cargo sets for every build script.
pub(crate) fn variable(name: &str) -> Result<OsString, String> {
    std::env::var_os(name).ok_or_else(|| format!("{name} is not set: only cargo can run this"))
}

/// Installs the standard library of the target unless it is there. rustup reads
/// `rust-toolchain.toml` and does this by itself, but not if automatic installation is
/// off or if a toolchain was named on the command line.
fn ensure_target(rustc: &OsString, out: &Path) -> Result<(), String> {
    let library = PathBuf::from(ask(
        rustc,
        &["--print", "target-libdir", "--target", TARGET],
    )?);
    if library.is_dir() {
        return Ok(());
    }
    // Two build scripts may come here side by side, and rustup does not like that.
    // Cargo marks the root of its folder with this file and never reads it.
    let _turn = out
        .ancestors()
        .map(|folder| folder.join("CACHEDIR.TAG"))
        .find_map(|tag| File::open(tag).ok())
        .filter(|tag| tag.lock().is_ok());
    if library.is_dir() {
        return Ok(());
    }
    let mut install = vec!["target", "add", TARGET];
    let toolchain = std::env::var("RUSTUP_TOOLCHAIN").unwrap_or_default();
    if !toolchain.is_empty() {
        install.extend(["--toolchain", &toolchain]);
    }
    // Its standard output would be read by cargo as instructions.
    let tried = Command::new("rustup").args(&install).output();
    if library.is_dir() {
        return Ok(());
    }
    let cause = match tried {
        Ok(output) => String::from_utf8_lossy(&output.stderr)
            .lines()
            .find(|line| line.starts_with("error"))
            .unwrap_or("rustup did not install it")
            .to_owned(),
        Err(error) => format!("rustup can't be started: {error}"),
    };
    Err(format!(
        "the Rust target {TARGET} is not installed ({cause}); type: rustup {}",
        install.join(" ")
    ))
}

/// Compiler flags that replace every path of this machine, as `CARGO_ENCODED_RUSTFLAGS`
/// wants them. They reach only what is compiled for the target.
fn path_mapping(workspace: &Path, rustc: &OsString, folder: &Path) -> Result<OsString, String> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| {
            // Cargo sets no CARGO_HOME for build scripts; this is its default.
            std::env::home_dir().map(|home| home.join(".cargo"))
        });
    let sysroot = PathBuf::from(ask(rustc, &["--print", "sysroot"])?);
    let version = ask(rustc, &["--version", "--verbose"])?;
    let commit = version
        .lines()
        .find_map(|line| line.strip_prefix("commit-hash: "))
        .unwrap_or("unknown");

    let mut mappings = vec![
        (workspace.to_owned(), "/workspace".to_owned()),
        (folder.to_owned(), "/target".to_owned()),
        (sysroot.clone(), "/toolchain".to_owned()),
        // Where the standard library says it is when its sources are not installed.
        (
            sysroot.join("lib/rustlib/src/rust"),
            format!("/rustc/{commit}"),
        ),
    ];
    if let Some(home) = home {
        // The name of a folder in here depends on the mirror that the packages came from.
        let registries = fs::read_dir(home.join("registry/src"))
            .into_iter()
            .flatten();
        mappings.extend(
            registries
                .flatten()
                .map(|entry| (entry.path(), "/registry".to_owned())),
        );
        mappings.push((home, "/cargo".to_owned()));
    }
    // The last mapping that matches wins, and one of these folders may be in another.
    mappings.sort_by_key(|(from, _)| from.as_os_str().len());

    let mut flags = OsString::new();
    for (from, to) in mappings {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    }
    Ok(flags)
}

/// What the compiler answers, without the line break.
fn ask(rustc: &OsString, question: &[&str]) -> Result<String, String> {
    let answer = Command::new(rustc)
        .args(question)
        .output()
        .map_err(|error| format!("can't start {}: {error}", rustc.display()))?;
    if !answer.status.success() {
        return Err(format!(
            "{} {} failed: {}",
            rustc.display(),
            question.join(" "),
            String::from_utf8_lossy(&answer.stderr).trim()
        ));
    }
    Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
}
