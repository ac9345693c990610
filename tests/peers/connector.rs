//! The command line under test, run as a user would run it: the built program, a fresh
//! store, and none of the caller's environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::peer::{Key, Peer};

/// A connection of the command line to a pool, with a store of its own.
pub(crate) struct Connector {
    connection: Vec<String>,
    environment: Vec<(&'static str, String)>,
    folder: TempDir,
}

/// How a command ended.
pub(crate) struct Run {
    pub(crate) command: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Connector {
    pub(crate) fn new(peer: &Peer, pool: &str, key: &Key) -> Self {
        Self::at(&peer.endpoint, &peer.seed.region, pool, key)
    }

    pub(crate) fn at(endpoint: &str, region: &str, pool: &str, key: &Key) -> Self {
        let mut options = vec![
            ("--endpoint-url", endpoint),
            ("--user-pool-id", pool),
            ("--region", region),
            ("--aws-access-key-id", &key.id),
            ("--aws-secret-access-key", &key.secret),
        ];
        options.extend(
            key.token
                .iter()
                .map(|token| ("--aws-session-token", token.as_str())),
        );
        Self {
            connection: options
                .iter()
                .flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()])
                .collect(),
            environment: Vec::new(),
            folder: TempDir::new().expect("a temporary folder can be made"),
        }
    }

    /// Runs its commands with a variable.
    pub(crate) fn environment(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// `sync`, as fast as the peer can.
    pub(crate) fn sync(&self) -> Run {
        self.sync_with(&[])
    }

    /// `sync` with more options.
    pub(crate) fn sync_with(&self, options: &[&str]) -> Run {
        let sync = ["sync", "--max-rate", "unlimited", "-o", "json"];
        self.run(&[&sync, options].concat(), true, true)
    }

    /// `list KIND` of the current snapshot, which needs the store alone.
    pub(crate) fn list(&self, kind: &str) -> Run {
        self.run(&["list", kind, "-o", "jsonl"], false, true)
    }

    /// A command about the store.
    pub(crate) fn on_store(&self, arguments: &[&str]) -> Run {
        self.run(arguments, false, true)
    }

    /// A command about the live pool.
    pub(crate) fn on_pool(&self, arguments: &[&str]) -> Run {
        self.run(arguments, true, false)
    }

    /// A command that changes the live pool, as fast as it can.
    pub(crate) fn change(&self, arguments: &[&str]) -> Run {
        let permitted = ["--provisioning", "--max-rate", "unlimited", "-o", "json"];
        self.run(&[arguments, &permitted].concat(), true, false)
    }

    /// A command that makes the changes of a file, one a row.
    pub(crate) fn change_many(&self, arguments: &[&str], name: &str, file: &str) -> Run {
        let path = self.folder.path().join(name);
        fs::write(&path, file).expect("a file can be written");
        let path = path.to_str().expect("the folder has a name in UTF-8");
        let permitted = ["--provisioning", "--max-rate", "unlimited", "-o", "jsonl"];
        let of_file = ["--from", path, "--max-changes", "1000"];
        self.run(&[arguments, &of_file, &permitted].concat(), true, false)
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("pool.db")
    }

    fn run(&self, arguments: &[&str], connect: bool, store: bool) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_connector"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("XDG_CACHE_HOME", cache());
        // Without it a key that is not taken would be looked for on the network.
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(arguments);
        if connect {
            command.args(&self.connection);
        }
        if store {
            command.arg("--store").arg(self.store());
        }
        let output = command.output().expect("the connector can be started");
        Run {
            command: format!("connector {}", arguments.join(" ")),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// No snapshot can be listed. A store that was never made is as good as an empty one.
    pub(crate) fn assert_nothing_is_current(&self) {
        if self.store().exists() {
            for kind in ["users", "groups", "entitlements", "grants"] {
                let listed = self.list(kind).assert_code(5);
                assert_eq!(listed.stdout, "", "rows of a snapshot that is not current");
            }
        }
    }
}

impl Run {
    #[track_caller]
    pub(crate) fn assert_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "{}\nstdout: {}\nstderr: {}",
            self.command,
            self.stdout,
            self.stderr
        );
        self
    }

    /// The one JSON document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.command, self.stdout))
    }

    /// The JSON objects on standard output, one a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("{}: {error}: {line}", self.command))
            })
            .collect()
    }

    /// The error object that `-o json` promises on standard error, among whatever else
    /// went there.
    #[track_caller]
    pub(crate) fn error(&self) -> Value {
        self.stderr
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find_map(|mut line| line.get_mut("error").map(Value::take))
            .unwrap_or_else(|| panic!("{} printed no error object: {}", self.command, self.stderr))
    }
}

/// Compiled components are kept between the commands of all tests.
fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers-cache")
}
