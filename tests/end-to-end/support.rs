//! Running `connector` and comparing what it prints with what a pool holds.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fake_cognito::{Config, Generated, Group, Key, Operation, Pool, PoolSpec, Rule, Server, User};
use rusqlite::{Connection as Sqlite, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The pool of every test here.
pub(crate) const POOL: &str = "eu-central-1_Ab1Cd2Ef3";
pub(crate) const KEY_ID: &str = "AKIAENDTOEND00000000";
pub(crate) const SECRET: &str = "end-to-end-secret-0123456789";

/// The operations that change something.
pub(crate) const CHANGING: [Operation; 6] = [
    Operation::AdminAddUserToGroup,
    Operation::AdminRemoveUserFromGroup,
    Operation::AdminCreateUser,
    Operation::AdminDeleteUser,
    Operation::AdminEnableUser,
    Operation::AdminDisableUser,
];

/// A service, a folder for one store, and the program between them.
pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    pub(crate) fn start(config: Config) -> Self {
        let server = Server::start_blocking(config).unwrap();
        Self {
            server,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A service with one pool and one key that may do everything.
    pub(crate) fn with_pool(pool: PoolSpec) -> Self {
        Self::start(Config::new().pool(pool).key(Key::new(KEY_ID, SECRET)))
    }

    pub(crate) fn pool(&self) -> &Pool {
        self.server.pool(POOL).unwrap()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("connector.db")
    }

    /// The program with everything that it needs to reach this service, and nothing of
    /// the environment that the tests run in.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare_command(self.folder.path(), arguments);
        command
            .env("CONNECTOR_USER_POOL_ID", POOL)
            .env("CONNECTOR_AWS_ACCESS_KEY_ID", KEY_ID)
            .env("CONNECTOR_AWS_SECRET_ACCESS_KEY", SECRET)
            .env("CONNECTOR_ENDPOINT_URL", self.server.endpoint())
            .env("CONNECTOR_MAX_RATE", "unlimited");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        finish(&mut self.command(arguments))
    }

    /// Runs a command that must succeed and print JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["-o", "json"]].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// Runs a command that may change something and prints JSON.
    pub(crate) fn change(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["--provisioning", "-o", "json"], arguments].concat())
    }

    /// Runs a command that may change something and must succeed.
    #[track_caller]
    pub(crate) fn changed(&self, arguments: &[&str]) -> Value {
        let ran = self.change(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// Runs a command with a file of changes on its standard input; prints JSON lines.
    pub(crate) fn fed(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command
            .args(["--provisioning", "-o", "jsonl", "--from", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that refuses early reads nothing, which is its right.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        ran(&child.wait_with_output().unwrap())
    }

    /// What was sent since the log was cleared last, in its order.
    pub(crate) fn sent(&self) -> Vec<Operation> {
        let entries = self.server.log().entries();
        entries.iter().filter_map(|entry| entry.operation).collect()
    }

    /// The same of the changing operations alone.
    pub(crate) fn changes_sent(&self) -> Vec<Operation> {
        let mut sent = self.sent();
        sent.retain(|operation| CHANGING.contains(operation));
        sent
    }

    /// The bodies of what was sent for an operation, where the log keeps contents.
    pub(crate) fn bodies(&self, operation: Operation) -> Vec<Value> {
        let entries = self.server.log().entries();
        entries
            .iter()
            .filter(|entry| entry.operation == Some(operation))
            .map(|entry| serde_json::from_slice(&entry.body).unwrap())
            .collect()
    }

    /// Writes a file into the working folder of the program.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Reads a file of the working folder of the program.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// The rows of `list` in the order in which they are printed.
    pub(crate) fn list(&self, what: &str) -> Vec<Value> {
        let ran = self.run(&["list", what, "-o", "jsonl"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Ran {
    /// The rows that a command printed as JSON lines.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let rows = self.stdout.lines().map(serde_json::from_str);
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// The message of a failure, as programs read it.
    #[track_caller]
    pub(crate) fn message(&self) -> String {
        let last = self.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("{\"error\":"), "{self:?}");
        let object: Value = serde_json::from_str(last).unwrap();
        assert_eq!(object["error"]["code"], self.code, "{self:?}");
        object["error"]["message"].as_str().unwrap().to_owned()
    }

    /// Fails unless the command ended with a code and a message with these words.
    #[track_caller]
    pub(crate) fn assert_refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        let message = self.message();
        for word in words {
            assert!(message.contains(word), "{word:?} is missing: {message}");
        }
        assert_eq!(self.stdout, "", "{self:?}");
    }
}

/// A pool whose one page of users is as large as a page can be: 6 MB.
pub(crate) fn full_page() -> PoolSpec {
    let value = "é".repeat(1024);
    let users = (0..60).map(|number| {
        (0..50).fold(User::new(format!("user-{number:02}")), |user, attribute| {
            user.attribute(format!("custom:a{attribute}"), value.clone())
        })
    });
    PoolSpec::literal(POOL).users(users)
}

/// The program in an empty environment; `folder` is its home and its working folder.
pub(crate) fn bare_command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        // One cache for all tests: each compiles the component only if no other has.
        .env(
            "CONNECTOR_CACHE",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("component-cache"),
        )
        .stdin(Stdio::null());
    command
}

pub(crate) fn finish(command: &mut Command) -> Ran {
    ran(&command.output().unwrap())
}

pub(crate) fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout.clone()).unwrap(),
        stderr: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

/// A pool of a few hundred users with everything that has broken other tools in it.
pub(crate) fn varied_pool() -> PoolSpec {
    PoolSpec::generated(
        POOL,
        Generated {
            users: 700,
            groups: 25,
            ..Generated::default()
        },
    )
}

/// The rows that `list users` must print for a pool, in its order.
pub(crate) fn expected_users(pool: &Pool) -> Vec<Value> {
    let mut users: Vec<User> = pool.users().collect();
    users.sort_by(|a, b| a.username.cmp(&b.username));
    users.iter().map(user_row).collect()
}

fn user_row(user: &User) -> Value {
    let text = |name: &str| {
        user.value(name)
            .map(str::trim)
            .filter(|value| !value.is_empty())
    };
    let full_name = || {
        let names: Vec<&str> = [text("given_name"), text("family_name")]
            .into_iter()
            .flatten()
            .collect();
        (!names.is_empty()).then(|| names.join(" "))
    };
    let display_name = text("name")
        .map(str::to_owned)
        .or_else(full_name)
        .or_else(|| text("email").map(str::to_owned))
        .unwrap_or_else(|| user.username.clone());
    let emails = match user.value("email") {
        Some(address) if !address.is_empty() => json!([{
            "address": address,
            "primary": true,
            "verified": user.value("email_verified").map(|verified| verified == "true"),
        }]),
        _ => json!([]),
    };
    let generated_name = user.username == user.sub();
    let typed = ["email", "phone_number"]
        .iter()
        .find_map(|name| user.value(name).filter(|value| !value.trim().is_empty()));
    let login = match typed {
        Some(typed) if generated_name => typed,
        _ => &user.username,
    };
    let attributes: serde_json::Map<String, Value> = user
        .attributes
        .iter()
        .map(|(name, value)| (name.to_string(), Value::from(value.as_ref())))
        .collect();
    json!({
        "kind": "user",
        "id": user.username,
        "display_name": display_name,
        "status": if user.enabled { "enabled" } else { "disabled" },
        "status_details": user.status,
        "emails": emails,
        "login": login,
        "created_at": rfc3339(user.created_ms),
        "updated_at": rfc3339(user.modified_ms),
        "last_login": null,
        "attributes": attributes,
    })
}

/// The rows that `list groups` must print for a pool, in its order.
pub(crate) fn expected_groups(pool: &Pool) -> Vec<Value> {
    let mut groups: Vec<Group> = pool.groups();
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    groups
        .iter()
        .map(|group| {
            let mut row = json!({"kind": "group", "id": group.name, "display_name": group.name});
            if let Some(description) = &group.description {
                row["description"] = json!(description);
            }
            row["created_at"] = json!(rfc3339(group.created_ms));
            row["updated_at"] = json!(rfc3339(group.modified_ms));
            let mut attributes = json!({});
            if let Some(precedence) = group.precedence {
                attributes["precedence"] = json!(precedence);
            }
            if let Some(role) = &group.role_arn {
                attributes["role_arn"] = json!(role);
            }
            row["attributes"] = attributes;
            row
        })
        .collect()
}

/// The rows that `list grants` must print for a pool, in its order.
pub(crate) fn expected_grants(pool: &Pool) -> Vec<Value> {
    let mut grants: Vec<(String, String)> = pool
        .groups()
        .iter()
        .flat_map(|group| {
            pool.members(&group.name)
                .map(|user| (group.name.clone(), user))
        })
        .collect();
    grants.sort();
    grants
        .iter()
        .map(|(group, user)| {
            json!({
                "id": format!("group:{group}:member:user:{user}"),
                "entitlement": format!("group:{group}:member"),
                "principal": format!("user:{user}"),
            })
        })
        .collect()
}

/// Milliseconds since 1970 as the promise says: UTC with the milliseconds that were sent.
fn rfc3339(ms: i64) -> String {
    let time = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

/// Fails with the first row that differs; whole lists of rows are nothing to read.
#[track_caller]
pub(crate) fn assert_rows(actual: &[Value], expected: &[Value]) {
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        assert_eq!(actual, expected, "row {index}");
    }
    assert_eq!(actual.len(), expected.len(), "number of rows");
}

/// A pool of few users, each with another state.
pub(crate) fn small_pool() -> PoolSpec {
    PoolSpec::literal(POOL)
        .user(User::new("alice").email("alice@example.com"))
        .user(User::new("bob").email("bob@example.com"))
        .user(User::new("carol").email("carol@example.com").disabled())
        .group(Group::new("admins"))
        .group(Group::new("developers"))
        .member("alice", "admins")
        .member("alice", "developers")
        .member("carol", "developers")
}

/// Each user with what can be changed of it. Two pools with the same truth are the same
/// to whoever asks who may do what.
pub(crate) fn truth(pool: &Pool) -> Value {
    pool.users()
        .map(|user| {
            let held = pool.groups_of(&user.username);
            let row = json!({"enabled": user.enabled, "status": user.status, "groups": held});
            (user.username, row)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A service with one pool, one key and one fault.
pub(crate) fn bench_with(rule: Rule) -> Bench {
    Bench::start(
        Config::new()
            .pool(varied_pool())
            .key(Key::new(KEY_ID, SECRET))
            .fault(rule),
    )
}

/// Starts a sync that goes on while a test looks.
pub(crate) fn start_sync(bench: &Bench) -> std::process::Child {
    start_sync_with(bench, &[])
}

/// The same with more options.
pub(crate) fn start_sync_with(bench: &Bench, options: &[&str]) -> std::process::Child {
    bench
        .command(&[&["sync", "-o", "json"], options].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until so many requests of the program have met a fault.
pub(crate) fn wait_for_faults(bench: &Bench, child: &mut std::process::Child, requests: u64) {
    while bench.server.faults().struck() < requests {
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        std::thread::yield_now();
    }
}

/// Waits until the store knows how far a list of the open run has been read. A page is
/// stored while the next one is asked for, so a request that came says nothing about it.
pub(crate) fn wait_for_stored_page(bench: &Bench, child: &mut std::process::Child) {
    let progress = "SELECT count(*) FROM list_of_run WHERE cursor IS NOT NULL OR done";
    let stored = || {
        // Read again from the start: the file may be there and have no tables yet.
        let store = Sqlite::open_with_flags(bench.store(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        store.query_row(progress, [], |row| row.get::<_, i64>(0))
    };
    while !stored().is_ok_and(|lists| lists > 0) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        std::thread::yield_now();
    }
}

/// Sends a signal, as `-INT`, to the program.
pub(crate) fn signal(child: &std::process::Child, name: &str) {
    let kill = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// How often a sync warned of something.
pub(crate) fn warning_count(summary: &Value, code: &str) -> u64 {
    let warnings = summary["warnings"].as_array().unwrap().iter();
    warnings
        .filter(|warning| warning["code"] == code)
        .map(|warning| warning["count"].as_u64().unwrap())
        .sum()
}

/// The newest run.
pub(crate) fn newest_run(bench: &Bench) -> Value {
    bench
        .json(&["syncs"])
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone()
}

#[track_caller]
pub(crate) fn assert_nothing_is_current(bench: &Bench) {
    let listed = bench.run(&["list", "users"]);
    assert_eq!(listed.code, 5, "{listed:?}");
    assert_eq!(listed.stdout, "");
}
