//! The virtual environment that the peers and the scripts run in, and how to run a script.
//!
//! The environment is built once for every content of `requirements.txt` and every Python,
//! under a lock that also holds against other test processes. A marker written last tells
//! a finished environment from one whose making was interrupted. It does not judge what
//! the scripts print.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

const REQUIREMENTS: &str = include_str!("requirements.txt");
const INSTALL_HINT: &str = "the tests against MiniStack and moto need Python 3.11 or newer with venv and a pip \
     that reaches its package index; on Debian: apt-get install python3 python3-venv";
/// Prints the version and fails below 3.11, the oldest Python that the pins are complete for.
const VERSION_PROBE: &str = "import sys; print(sys.version); sys.exit(sys.version_info < (3, 11))";

/// Runs a script of this folder to its end and returns the JSON that it printed.
pub(crate) fn run(script: &str, arguments: &[&str], stdin: &Value) -> Value {
    let mut child = spawn(script, arguments);
    let mut pipe = child.stdin.take().expect("standard input is piped");
    // A script that needs no input may be gone before it is written.
    let _ = write!(pipe, "{stdin}");
    drop(pipe);
    let output = child
        .wait_with_output()
        .expect("a started script can be waited for");
    assert!(
        output.status.success(),
        "{script} failed: {}",
        text(&output)
    );
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{script} printed no JSON ({error}): {}", text(&output)))
}

/// Starts a script of this folder with its three streams piped.
pub(crate) fn spawn(script: &str, arguments: &[&str]) -> Child {
    let python = interpreter();
    python_command(python)
        .arg(folder().join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} did not start: {error}", python.display()))
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers"))
}

/// Python without the caller's settings, writing no bytecode into the source tree.
fn python_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg("-B")
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
}

/// The interpreter of the environment, made by whichever test comes first.
fn interpreter() -> &'static Path {
    static INTERPRETER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match INTERPRETER.get_or_init(prepare) {
        Ok(path) => path,
        Err(problem) => panic!("{problem}\nhint: {INSTALL_HINT}"),
    }
}

fn prepare() -> Result<PathBuf, String> {
    let version = finish(
        python_command(Path::new("python3")).args(["-c", VERSION_PROBE]),
        "python3 is missing or too old",
    )?;
    let mut hasher = DefaultHasher::new();
    (REQUIREMENTS, &version).hash(&mut hasher);

    // CARGO_TARGET_TMPDIR is `<target>/tmp`: the environment outlives what is there.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .ok_or("the target folder has no parent")?;
    let home = target.join("peers");
    fs::create_dir_all(&home)
        .map_err(|error| format!("{} can't be made: {error}", home.display()))?;
    let environment = home.join(format!("venv-{:016x}", hasher.finish()));

    let lock = File::create(home.join("venv.lock"))
        .map_err(|error| format!("the lock of {} can't be made: {error}", home.display()))?;
    lock.lock()
        .map_err(|error| format!("{} can't be locked: {error}", home.display()))?;
    let complete = environment.join("complete");
    if !complete.exists() {
        build(&environment)?;
        fs::write(&complete, version)
            .map_err(|error| format!("{} can't be written: {error}", complete.display()))?;
    }
    Ok(environment.join("bin").join("python"))
}

fn build(environment: &Path) -> Result<(), String> {
    if environment.exists() {
        fs::remove_dir_all(environment).map_err(|error| {
            format!(
                "the unfinished {} can't be removed: {error}",
                environment.display()
            )
        })?;
    }
    finish(
        python_command(Path::new("python3"))
            .args(["-m", "venv"])
            .arg(environment),
        "the virtual environment was not made",
    )?;
    finish(
        python_command(&environment.join("bin").join("python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
                "--requirement",
            ])
            .arg(folder().join("requirements.txt")),
        "pip did not install the pinned packages",
    )?;
    Ok(())
}

/// Runs a command to its end; its output is shown only if it failed.
fn finish(command: &mut Command, problem: &str) -> Result<Vec<u8>, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{problem}: {error}"))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{problem}: {}", text(&output)))
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
