//! The whole chain on a built-in sample pool, with no account and no key: starts the
//! double of the service on loopback and types real `connector` commands at it.
//!
//! `cargo demo`

use std::io::Write;
use std::process::ExitCode;

use fake_cognito::{Config, Key, Server, sample_pool};

const POOL: &str = "eu-central-1_SamplePoo";
const KEY_ID: &str = "AKIADEMOKEY000000000";
const SECRET: &str = "demo-secret-of-the-sample-pool";

fn main() -> ExitCode {
    match demo() {
        Ok(code) => code,
        Err(why) => {
            say(&why);
            ExitCode::FAILURE
        }
    }
}

fn demo() -> Result<ExitCode, String> {
    let key = Key::new(KEY_ID, SECRET);
    let server = Server::start_blocking(Config::new().pool(sample_pool(POOL)).key(key))
        .map_err(|error| format!("the sample pool could not be started: {error}"))?;
    let folder = tempfile::tempdir()
        .map_err(|error| format!("no temporary folder could be made: {error}"))?;
    let store = folder.path().join("connector.db").display().to_string();
    // So that a connector.toml of the working folder is not read.
    let config = folder.path().join("empty.toml").display().to_string();
    std::fs::write(&config, "").map_err(|error| format!("{config} can't be written: {error}"))?;

    let endpoint = server.endpoint();
    let users: u64 = server
        .pools()
        .iter()
        .map(fake_cognito::Pool::user_count)
        .sum();
    say(&format!(
        "A sample user pool with {users} users is served on {endpoint}.\n\
         The connector below is a WebAssembly component in a sandbox; it can reach that address only.\n"
    ));
    let sync = [
        "sync",
        "--user-pool-id",
        POOL,
        "--aws-access-key-id",
        KEY_ID,
        "--aws-secret-access-key",
        SECRET,
        "--endpoint-url",
        &endpoint,
        "--max-rate",
        "unlimited",
        "--quiet",
    ];
    let steps: [&[&str]; 4] = [
        &sync,
        &["stats"],
        &["list", "groups"],
        &["show", "group:prod/oncall"],
    ];
    for step in steps {
        let shown: Vec<&str> = step
            .iter()
            .map(|word| if *word == SECRET { "…" } else { word })
            .collect();
        say(&format!("$ connector {}", shown.join(" ")));
        let arguments = std::iter::once("connector")
            .chain(step.iter().copied())
            .chain(["--store", &store, "--config", &config]);
        let code = connector_host::cli::run_with(arguments.map(Into::into), &environment);
        say("");
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
    }
    say(
        "For a pool of your own, with credentials from the usual AWS places (environment, profile, SSO):\n\n  \
         cargo run --release -- sync --user-pool-id <region>_<id>\n  \
         cargo run --release -- list users\n\n\
         It only reads. Requests are paced at 5 a second for lists of users; see the README.",
    );
    Ok(ExitCode::SUCCESS)
}

/// Settings and keys of the person's own have no place here; where compiled components
/// are kept does.
fn environment(name: &str) -> Option<String> {
    ["HOME", "XDG_CACHE_HOME", "CONNECTOR_CACHE"]
        .contains(&name)
        .then(|| std::env::var(name).ok())
        .flatten()
}

/// Speaks to the person who started it. If nobody listens any more that is no failure.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
