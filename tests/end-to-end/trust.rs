//! Components that somebody else wrote: nothing of them runs against a system before a
//! person has approved what they ask for, and nothing but that runs afterwards.
//!
//! The directory of the second connector stands for a service whose connector is foreign.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use guests::bearer_directory::{PEOPLE, Server, TEAMS};
use guests::hostile;
use serde_json::{Value, json};

use crate::support::{Ran, bare_command, finish, ran};

/// The foreign component, its service, and a folder of the operator's.
struct Desk {
    server: Server,
    folder: tempfile::TempDir,
}

const PLUGIN: &str = "directory.wasm";
const RECORDS: &str = "connector.trust.json";

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(PLUGIN), guests::BEARER_DIRECTORY).unwrap();
        Self {
            server: Server::start().unwrap(),
            folder,
        }
    }

    /// One whose component is approved.
    fn trusting() -> Self {
        let desk = Self::new();
        let ran = desk.run(&["plugin", "trust", PLUGIN, "--yes", "-o", "json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        bare_command(self.folder.path(), arguments)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        finish(&mut self.command(arguments))
    }

    /// A command with the component and everything that it needs.
    fn with_plugin(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command
            .env("CONNECTOR_PLUGIN", PLUGIN)
            .env("CONNECTOR_TENANT", "acme")
            .env("CONNECTOR_TOKEN", self.server.token())
            .env("CONNECTOR_ENDPOINT_URL", self.server.endpoint())
            .env("CONNECTOR_MAX_RATE", "unlimited");
        command
    }

    fn records(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(RECORDS)).unwrap()).unwrap()
    }

    /// Writes the records with one change.
    fn change_records(&self, change: impl FnOnce(&mut Value)) {
        let mut records = self.records();
        change(&mut records);
        fs::write(self.path(RECORDS), records.to_string()).unwrap();
    }

    #[track_caller]
    fn assert_nothing_was_sent(&self) {
        assert_eq!(self.server.requests(), [""; 0]);
        assert!(!self.path("connector.db").exists());
    }
}

/// The same component with other bytes: an empty custom section more.
fn other_bytes() -> Vec<u8> {
    let mut bytes = guests::BEARER_DIRECTORY.to_vec();
    bytes.extend([0, 2, 1, b'x']);
    bytes
}

fn digest_in(text: &str) -> &str {
    let at = text.find("sha256:").unwrap();
    &text[at..at + "sha256:".len() + 64]
}

#[test]
fn a_component_that_nobody_has_approved_is_not_run_and_shows_what_it_asks_for() {
    let desk = Desk::new();
    for arguments in [&["sync"][..], &["validate"], &["list", "people"]] {
        let ran = finish(&mut desk.with_plugin(&[arguments, &["-o", "json"]].concat()));
        ran.assert_refused(7, &["nobody has approved directory.wasm", RECORDS]);
        let words = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for told in [
            "https://{tenant}.directory.example",
            "bearer token from: setting token",
            "ListMembers GET /teams/{team}/members sent by: sync.list-grants fixed: {team} = the \
             resource asked for free: ?size, ?cursor",
            "right: people:read",
            "what it changes (only with --provisioning) none",
            "read: 10/s here; it declares: 100/s for each operation",
            "token A token with the scopes",
            "wasi:http/outgoing-handler@",
            "`connector plugin trust directory.wasm`",
        ] {
            assert!(
                words.contains(told),
                "{told}\nis missing in\n{}",
                ran.stderr
            );
        }
        desk.assert_nothing_was_sent();
        assert!(!desk.path(RECORDS).exists());
    }
    // Its settings as options are no reason to say something else.
    let ran = desk.run(&["sync", "--plugin", PLUGIN, "--tenant", "acme"]);
    assert_eq!(ran.code, 7, "{ran:?}");
}

#[test]
fn what_is_approved_is_written_down_and_runs_with_its_settings_from_all_places() {
    let desk = Desk::new();
    let ran = desk.run(&["plugin", "trust", PLUGIN]);
    assert_eq!(ran.code, 2, "nobody can be asked: {ran:?}");
    assert!(ran.stderr.contains("--yes"), "{ran:?}");
    assert!(!desk.path(RECORDS).exists());

    let mut trust = desk.command(&["plugin", "trust", PLUGIN, "--yes", "-o", "json"]);
    let ran = finish(trust.env("USER", "carol"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(said["outcome"], "trusted");
    assert!(ran.stderr.contains("ListPeople"), "{ran:?}");
    let records = desk.records();
    assert_eq!(records["version"], 1);
    let record = &records["records"][0];
    assert_eq!(record["digest"], said["digest"]);
    assert_eq!(record["file"], PLUGIN);
    assert_eq!(record["approved_by"], "carol");
    assert_eq!(record["ceilings"], json!({"read": 10.0}));
    assert_eq!(record["approved"]["name"], "bearer-directory");
    assert!(record["approved_at"].as_str().unwrap().ends_with('Z'));
    desk.assert_nothing_was_sent();

    let endpoint = desk.server.endpoint();
    let expected = json!([PEOPLE.len(), TEAMS.len()]);
    let synced = |store: &str, command: &mut Command| {
        let ran = finish(command.args(["sync", "-o", "json", "--store", store]));
        assert_eq!(ran.code, 0, "{ran:?}");
        let listed = |plural: &str| {
            let ran = desk.run(&[
                "list", plural, "--plugin", PLUGIN, "--store", store, "-o", "json",
            ]);
            assert_eq!(ran.code, 0, "{ran:?}");
            let rows: Value = serde_json::from_str(&ran.stdout).unwrap();
            rows.as_array().unwrap().len()
        };
        assert_eq!(json!([listed("people"), listed("teams")]), expected);
    };
    // Options.
    synced(
        "a.db",
        desk.command(&["--plugin", PLUGIN, "--tenant", "acme"])
            .args(["--endpoint-url", &endpoint, "--token", desk.server.token()])
            .args(["--max-rate", "unlimited"]),
    );
    // The environment, in both spellings.
    synced(
        "b.db",
        desk.with_plugin(&[])
            .env_remove("CONNECTOR_TENANT")
            .env("BATON_TENANT", "acme"),
    );
    // The configuration file; the records stand beside it.
    let folder = desk.path("etc");
    fs::create_dir(&folder).unwrap();
    fs::rename(desk.path(RECORDS), folder.join(RECORDS)).unwrap();
    let config = format!(
        "plugin = \"{PLUGIN}\"\ntenant = \"acme\"\nendpoint-url = \"{endpoint}\"\ntoken = \"{}\"\n\
         max-rate = \"unlimited\"\n",
        desk.server.token()
    );
    fs::write(folder.join("directory.toml"), config).unwrap();
    let ran = finish(&mut desk.with_plugin(&["sync", "-o", "json"]));
    assert_eq!(ran.code, 7, "the records are elsewhere now: {ran:?}");
    let mut command = desk.command(&["--config", "etc/directory.toml", "sync", "-o", "json"]);
    let ran = finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    // Or are named.
    let mut command = desk.with_plugin(&["validate", "-o", "json"]);
    let ran = finish(command.env("CONNECTOR_TRUST", "etc/connector.trust.json"));
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn the_help_shows_the_settings_of_the_component_that_is_meant() {
    let desk = Desk::trusting();
    let ran = desk.run(&["--plugin", PLUGIN, "sync", "--help"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for told in ["--tenant", "CONNECTOR_TENANT", "BATON_TENANT", "--token"] {
        assert!(ran.stdout.contains(told), "{told}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("user-pool-id"), "{}", ran.stdout);
    let ran = desk.run(&["--plugin", PLUGIN, "--help"]);
    assert!(
        ran.stdout
            .contains("Example directory was named with --plugin")
    );
    // Nobody has approved this one: the help is that of the program.
    let ran = desk.run(&["--plugin", "none.wasm", "--help"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("plugin"), "{ran:?}");
    let ran = desk.run(&["sync", "--tenant", "acme"]);
    assert_eq!(ran.code, 2, "the bundled one has no such setting: {ran:?}");
}

#[test]
fn other_bytes_need_another_approval_and_the_difference_is_shown() {
    let desk = Desk::trusting();
    fs::write(desk.path(PLUGIN), other_bytes()).unwrap();
    let ran = finish(&mut desk.with_plugin(&["sync", "-o", "json"]));
    ran.assert_refused(7, &["nobody has approved directory.wasm"]);
    assert!(
        ran.stderr
            .contains("exactly what was approved of directory.wasm"),
        "{ran:?}"
    );
    desk.assert_nothing_was_sent();

    // What was approved asked for less.
    desk.change_records(|records| {
        let wire = &mut records["records"][0]["approved"]["wire"];
        wire["operations"].as_array_mut().unwrap().pop();
        wire["origins"][0]["template"] = "https://{tenant}.old.example".into();
    });
    let ran = desk.run(&["plugin", "trust", PLUGIN, "--yes", "-o", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for told in [
        "more: origin https://{tenant}.directory.example",
        "less: origin https://{tenant}.old.example",
        "more: operation ListAssignments, access reads",
        "is still trusted too",
    ] {
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
    let ran = finish(&mut desk.with_plugin(&["sync", "-o", "json"]));
    assert_eq!(ran.code, 0, "{ran:?}");

    let listed = desk.run(&["plugin", "list", "-o", "json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
    let ran = desk.run(&[
        "plugin",
        "trust",
        PLUGIN,
        "--yes",
        "--replace",
        "-o",
        "json",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(said["replaced"], json!([listed[0]["digest"]]));
    assert_eq!(desk.records()["records"].as_array().unwrap().len(), 1);
    let again = desk.run(&["plugin", "trust", PLUGIN, "-o", "json"]);
    assert_eq!(again.code, 0, "there is nothing to ask: {again:?}");
    assert!(again.stdout.contains("already-trusted"), "{again:?}");

    let digest = listed[1]["digest"].as_str().unwrap();
    for (meant, code) in [
        ("sha256:0000000000", 5),
        ("sha256:", 5),
        (&digest["sha256:".len()..][..12], 0),
        (digest, 5),
    ] {
        let ran = desk.run(&["plugin", "untrust", meant]);
        assert_eq!(ran.code, code, "{meant}: {ran:?}");
    }
    let ran = finish(&mut desk.with_plugin(&["list", "people"]));
    assert_eq!(ran.code, 7, "{ran:?}");
}

#[test]
fn another_answer_than_approved_is_refused_with_all_differences() {
    let desk = Desk::trusting();
    desk.change_records(|records| {
        let approved = &mut records["records"][0]["approved"];
        approved["version"] = "9.9.9".into();
        approved["wire"]["operations"][0]["rate_class"] = "slow".into();
        approved["wire"]["rate_classes"]
            .as_array_mut()
            .unwrap()
            .push(json!({"id": "slow", "limits": [{"scope": "account", "per_second": 1}]}));
    });
    let ran = finish(&mut desk.with_plugin(&["sync", "-o", "json"]));
    ran.assert_refused(
        7,
        &[
            "describes itself otherwise than its trust record says",
            "changed: the component's version was `9.9.9`, is `0.1.0`",
            "changed: operation ListPeople, pace was `slow`, is `read`",
            "less: rate class slow",
        ],
    );
    assert!(ran.stderr.contains("approve it anew"), "{ran:?}");
    desk.assert_nothing_was_sent();
}

#[test]
fn only_the_pinned_bytes_are_run_and_approved() {
    let desk = Desk::trusting();
    let digest = desk.records()["records"][0]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let right = digest.strip_prefix("sha256:").unwrap();
    let wrong = "0".repeat(64);
    let mut command = desk.with_plugin(&["sync", "-o", "json"]);
    let ran = finish(command.env("CONNECTOR_PLUGIN_SHA256", &wrong));
    ran.assert_refused(7, &[&digest, &format!("sha256:{wrong}")]);
    desk.assert_nothing_was_sent();
    let ran = desk.run(&[
        "plugin",
        "trust",
        PLUGIN,
        "--plugin-sha256",
        &wrong,
        "--yes",
    ]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let ran = desk.run(&["stats", "--plugin-sha256", right, "-o", "json"]);
    ran.assert_refused(7, &["the bundled component has the digest"]);
    let ran = desk.run(&["inspect", "--plugin-sha256", "abc", "-o", "json"]);
    ran.assert_refused(3, &["64 hexadecimal digits"]);
    let mut command = desk.with_plugin(&["sync", "-o", "json", "--plugin-sha256", right]);
    let ran = finish(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");

    let bundled = desk.run(&["inspect", "-o", "json"]);
    let bundled = digest_in(&bundled.stdout).to_owned();
    let ran = desk.run(&["inspect", "--plugin-sha256", &bundled, "-o", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[cfg(unix)]
#[test]
fn records_that_somebody_else_could_have_written_are_not_believed() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let desk = Desk::trusting();
    let mode = fs::metadata(desk.path(RECORDS))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::set_permissions(desk.path(RECORDS), fs::Permissions::from_mode(0o620)).unwrap();
    for arguments in [
        &["sync"][..],
        &["inspect"],
        &["plugin", "list"],
        &["plugin", "trust", "--yes"],
        &["plugin", "untrust", "bearer-directory"],
    ] {
        let ran = finish(&mut desk.with_plugin(&[arguments, &["-o", "json"]].concat()));
        ran.assert_refused(7, &["can be written by others"]);
        assert!(ran.stderr.contains("chmod go-w"), "{ran:?}");
    }
    desk.assert_nothing_was_sent();

    fs::set_permissions(desk.path(RECORDS), fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(desk.path(RECORDS), desk.path("elsewhere.json")).unwrap();
    symlink("elsewhere.json", desk.path(RECORDS)).unwrap();
    let ran = finish(&mut desk.with_plugin(&["sync", "-o", "json"]));
    ran.assert_refused(7, &["is a link"]);
}

#[test]
fn records_of_a_newer_program_or_with_unknown_members_are_not_guessed_at() {
    let desk = Desk::trusting();
    desk.change_records(|records| records["records"][0]["approved"]["wire"]["more"] = 1.into());
    let ran = finish(&mut desk.with_plugin(&["sync", "-o", "json"]));
    ran.assert_refused(3, &["unknown field `more`"]);
    desk.change_records(|records| records["version"] = 2.into());
    let ran = finish(&mut desk.with_plugin(&["sync", "-o", "json"]));
    ran.assert_refused(3, &["has version 2"]);
    desk.assert_nothing_was_sent();
}

#[test]
fn a_record_that_was_written_by_hand_can_take_nothing_of_the_host() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 4] = [
        (
            |approved| approved["name"] = "cognito-connector".into(),
            "takes the name of the bundled component",
        ),
        (
            |approved| approved["settings"][0]["name"] = "store".into(),
            "option --store",
        ),
        (
            |approved| approved["wire"]["origins"][0]["template"] = "https://10.0.0.1".into(),
            "not one of the internet",
        ),
        (
            |approved| approved["wire"]["operations"][0]["rate_class"] = "none".into(),
            "there is no such class",
        ),
    ];
    for (change, expected) in cases {
        let desk = Desk::trusting();
        desk.change_records(|records| change(&mut records["records"][0]["approved"]));
        let ran = finish(&mut desk.with_plugin(&["sync", "-o", "json"]));
        ran.assert_refused(13, &["can't be put into effect", expected]);
        desk.assert_nothing_was_sent();
    }
}

#[test]
fn the_bundled_component_needs_no_approval_by_any_path_and_its_look_alike_does() {
    let desk = Desk::new();
    let ran = desk.run(&["plugin", "export", "--out", "bundled.wasm"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = desk.run(&["plugin", "trust", "bundled.wasm", "-o", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("needs no approval"), "{ran:?}");
    assert!(!desk.path(RECORDS).exists());
    let ran = desk.run(&["--plugin", "bundled.wasm", "sync", "--help"]);
    assert!(ran.stdout.contains("--user-pool-id"), "{ran:?}");

    let mut bytes = fs::read(desk.path("bundled.wasm")).unwrap();
    bytes.extend([0, 2, 1, b'x']);
    fs::write(desk.path("look-alike.wasm"), bytes).unwrap();
    let inspected = desk.run(&["inspect", "look-alike.wasm", "-o", "json"]);
    let inspected: Value = serde_json::from_str(&inspected.stdout).unwrap();
    assert_eq!(inspected["trusted"], false);
    let unsound = inspected["unsound"].as_str().unwrap();
    assert!(unsound.contains("takes the name"), "{unsound}");
    for arguments in [
        &["plugin", "trust", "look-alike.wasm", "--yes"][..],
        &["--plugin", "look-alike.wasm", "sync"],
    ] {
        let ran = desk.run(&[arguments, &["-o", "json"]].concat());
        ran.assert_refused(13, &["takes the name of the bundled component"]);
        assert!(!desk.path(RECORDS).exists());
    }
}

#[test]
fn inspect_says_in_words_what_a_component_may_do_and_whether_it_is_approved() {
    let desk = Desk::trusting();
    let ran = desk.run(&["inspect", PLUGIN]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for told in [
        "trusted   yes",
        "wasi:http/outgoing-handler@0.2",
        "only those that its trust record permits",
        "https://{tenant}.directory.example",
        "identity:connector/sync@0.1.0",
    ] {
        assert!(ran.stdout.contains(told), "{told}: {}", ran.stdout);
    }
    let ran = finish(&mut desk.with_plugin(&["inspect", "-o", "json"]));
    let inspected: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(inspected["name"], "bearer-directory");
    assert_eq!(inspected["trusted"], true);
    let imports = inspected["imports"].as_array().unwrap();
    let in_words = inspected["imports_in_words"].as_array().unwrap();
    assert_eq!(imports.len(), in_words.len());
    for (import, words) in imports.iter().zip(in_words) {
        assert_eq!(*import, words["interface"]);
        let means = words["means"].as_str().unwrap();
        assert!(
            !means.is_empty() && !means.contains("not provided"),
            "{words}"
        );
    }
    desk.assert_nothing_was_sent();
}

#[test]
fn an_import_that_this_host_does_not_provide_is_named_by_inspect_and_refused_at_load() {
    let desk = Desk::new();
    // Of equal length, so that the component stays well-formed.
    let (known, unknown) = (
        &b"wasi:random/insecure-seed@"[..],
        &b"evil:random/insecure-seed@"[..],
    );
    let mut bytes = guests::BEARER_DIRECTORY.to_vec();
    let places: Vec<usize> = (0..bytes.len() - known.len())
        .filter(|&at| bytes[at..].starts_with(known))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + known.len()].copy_from_slice(unknown);
    }
    fs::write(desk.path("evil.wasm"), bytes).unwrap();
    let ran = desk.run(&["inspect", "evil.wasm", "-o", "json"]);
    assert_eq!(ran.code, 13, "{ran:?}");
    assert!(ran.stderr.contains("evil:random/insecure-seed@"), "{ran:?}");
    let inspected: Value = serde_json::from_str(&ran.stdout).unwrap();
    let named = inspected["unknown_imports"][0].as_str().unwrap();
    assert!(named.starts_with("evil:random/insecure-seed@"), "{named}");
    for arguments in [
        &["plugin", "trust", "evil.wasm", "--yes"][..],
        &["--plugin", "evil.wasm", "sync"],
    ] {
        let ran = desk.run(&[arguments, &["-o", "json"]].concat());
        ran.assert_refused(13, &["evil:random/insecure-seed@"]);
    }
}

/// Tries to approve hostile components, all at once: some of them take their time.
fn trusting_attacks(attacks: &[&str]) -> Vec<Ran> {
    let folder = tempfile::tempdir().unwrap();
    let children: Vec<_> = attacks
        .iter()
        .enumerate()
        .map(|(index, attack)| {
            let file = format!("hostile-{index}.wasm");
            fs::write(folder.path().join(&file), hostile::component(attack)).unwrap();
            bare_command(
                folder.path(),
                &["plugin", "trust", &file, "--yes", "-o", "json"],
            )
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
        })
        .collect();
    let ran = children
        .into_iter()
        .map(|child| ran(&child.wait_with_output().unwrap()))
        .collect();
    assert!(!folder.path().join(RECORDS).exists());
    ran
}

#[test]
fn a_component_that_does_not_say_what_it_is_can_not_be_approved() {
    let attacks = [
        ("infinite-loop during describe", "does not say what it is"),
        ("park during describe", "does not say what it is"),
        ("panic during describe with no", "does not say what it is"),
        ("huge-answer during describe", "hostile-3.wasm"),
        (
            "another-answer-every-time during describe",
            "differently each time",
        ),
    ];
    let ran = trusting_attacks(&attacks.map(|(attack, _)| attack));
    for ((_, expected), ran) in attacks.iter().zip(ran) {
        ran.assert_refused(13, &[expected]);
        assert!(ran.stderr.len() < 10_000, "{}", ran.stderr.len());
    }
}

#[test]
fn a_component_that_is_to_be_approved_runs_in_the_limits_that_were_asked_for() {
    let desk = Desk::new();
    let trust = ["plugin", "trust", PLUGIN, "--yes", "--limit", "memory=1MiB"];
    let ran = desk.run(&[&trust[..], &["-o", "json"]].concat());
    ran.assert_refused(13, &["hit the limit `memory` of 1 MiB"]);
    assert!(!desk.path(RECORDS).exists());
}

#[test]
fn a_component_that_asks_for_an_evil_origin_can_not_be_approved() {
    let attacks = [
        (
            "origin during describe with https://169.254.169.254",
            "not one of the internet",
        ),
        (
            "origin during describe with http://collector.example",
            "must begin with https://",
        ),
        (
            "origin during describe with https://cognito-idp.eu-central-1.amazonaws.com@collector.example",
            "user name and password",
        ),
        (
            "use-it-in-lists during describe with AdminDeleteUser",
            "`AdminDeleteUser` changes something and is sent by sync.list-resources",
        ),
    ];
    let ran = trusting_attacks(&attacks.map(|(attack, _)| attack));
    for ((_, expected), ran) in attacks.iter().zip(ran) {
        ran.assert_refused(13, &[expected]);
    }
}

#[test]
fn what_a_component_says_of_a_changing_operation_is_shown_as_its_own_word() {
    let desk = Desk::new();
    let attack = "call-it-reading during describe with AdminDeleteUser";
    fs::write(desk.path("liar.wasm"), hostile::component(attack)).unwrap();
    let ran = desk.run(&["inspect", "liar.wasm"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let (_, reading) = ran.stdout.split_once("by its own account").unwrap();
    let (reading, _) = reading.split_once("what it changes").unwrap();
    assert!(reading.contains("AdminDeleteUser"), "{reading}");
    // What is set for the bundled component is there for this one too.
    let ran = desk.run(&["sync", "--plugin", "liar.wasm", "-o", "json"]);
    ran.assert_refused(7, &["nobody has approved liar.wasm"]);
    for note in [
        "goes to this one as it is: user-pool-id, region, endpoint-url",
        "as aws-access-key-id, aws-secret-access-key, aws-session-token",
    ] {
        assert!(ran.stderr.contains(note), "{note}: {ran:?}");
    }
}

#[test]
fn an_option_that_could_be_read_in_two_ways_is_not_guessed_at() {
    let desk = Desk::trusting();
    let ran = desk.run(&[
        "-p", "account", "create", "--email", "--plugin", "-o", "json",
    ]);
    assert!([2, 3].contains(&ran.code), "{ran:?}");
    let ran = desk.run(&["sync", "--plugin", PLUGIN, "--plugin", "other.wasm"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    desk.assert_nothing_was_sent();
}

#[test]
fn compiled_code_is_kept_of_approved_components_alone() {
    let desk = Desk::new();
    let kept = |arguments: &[&str]| {
        let cache = desk.path("cache");
        let _ = fs::remove_dir_all(&cache);
        finish(desk.command(arguments).env("CONNECTOR_CACHE", &cache));
        fs::read_dir(&cache).map_or(0, |files| files.count())
    };
    assert_eq!(kept(&["inspect", PLUGIN]), 0);
    assert_eq!(kept(&["--plugin", PLUGIN, "capabilities"]), 0);
    assert_eq!(kept(&["plugin", "trust", PLUGIN, "--yes"]), 0);
    assert_eq!(kept(&["inspect", PLUGIN]), 1);
    assert_eq!(kept(&["--plugin", PLUGIN, "capabilities"]), 1);
}
