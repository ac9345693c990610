//! The whole chain on a built-in sample pool, with no account and no key: starts the
//! double of the service on loopback and types real `connector` commands at it.
//!
//! `cargo demo`

use std::process::ExitCode;

use fake_cognito::{Config, Key, Server, sample_pool};

const POOL: &str = "eu-central-1_SamplePoo";
const KEY_ID: &str = "AKIADEMOKEY000000000";
const SECRET: &str = "demo-secret-of-the-sample-pool";

/// Settings and keys of the person's own have no place here; where compiled components
/// are kept does.
fn environment(name: &str) -> Option<String> {
    ["HOME", "XDG_CACHE_HOME", "CONNECTOR_CACHE"]
        .contains(&name)
        .then(|| std::env::var(name).ok())
        .flatten()
}

#[expect(clippy::print_stdout, reason = "it talks to the person who started it")]
fn main() -> ExitCode {
    let config = Config::new()
        .pool(sample_pool(POOL))
        .key(Key::new(KEY_ID, SECRET));
    let server = match Server::start_blocking(config) {
        Ok(server) => server,
        Err(error) => {
            println!("the sample pool could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            println!("no temporary folder could be made: {error}");
            return ExitCode::FAILURE;
        }
    };
    let store = folder.path().join("connector.db").display().to_string();
    // So that a connector.toml of the working folder is not read.
    let config = folder.path().join("empty.toml").display().to_string();
    if let Err(error) = std::fs::write(&config, "") {
        println!("{config} can't be written: {error}");
        return ExitCode::FAILURE;
    }
    println!(
        "A sample user pool with {} users is served on {}.",
        server
            .pools()
            .iter()
            .map(fake_cognito::Pool::user_count)
            .sum::<u64>(),
        server.endpoint()
    );
    println!(
        "The connector below is a WebAssembly component in a sandbox; it can reach that address only.\n"
    );

    let endpoint = server.endpoint();
    let steps: [&[&str]; 4] = [
        &[
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
        ],
        &["stats"],
        &["list", "groups"],
        &["show", "group:prod/oncall"],
    ];
    for step in steps {
        let shown: Vec<&str> = step
            .iter()
            .map(|word| if *word == SECRET { "…" } else { word })
            .collect();
        println!("$ connector {}", shown.join(" "));
        let arguments = std::iter::once("connector")
            .chain(step.iter().copied())
            .chain(["--store", &store, "--config", &config]);
        let code = connector_host::cli::run_with(arguments.map(Into::into), &environment);
        println!();
        if code != ExitCode::SUCCESS {
            return code;
        }
    }
    println!(
        "For a pool of your own, with credentials from the usual AWS places (environment, profile, SSO):\n\n  \
         cargo run --release -- sync --user-pool-id <region>_<id>\n  \
         cargo run --release -- list users\n\n\
         It only reads. Requests are paced at 5 a second for lists of users; see the README."
    );
    ExitCode::SUCCESS
}
