//! What stands in an audit file, and what does not.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::change::{Membership, Outcome};
use crate::egress::Wanted;
use crate::egress::audit::Verdict;
use crate::model::{AccountStatus, AttributeValue};
use crate::trust::description::{ActionSchema, Authentication, Field, Protocol, ValueType, Wire};

fn connection() -> Connection {
    Connection {
        component: "sample-connector".to_owned(),
        origin: "https://directory.example".to_owned(),
        settings: [("pool".to_owned(), "one".to_owned())].into(),
    }
}

fn argument(name: &str, id_of: Option<&str>, secret: bool) -> Field {
    Field {
        name: name.to_owned(),
        display_name: name.to_owned(),
        help: name.to_owned(),
        value_type: ValueType::Text,
        required: true,
        secret,
        id_of: id_of.map(str::to_owned),
    }
}

fn description() -> Description {
    Description {
        name: "sample-connector".to_owned(),
        display_name: "Sample".to_owned(),
        version: "1.0.0".to_owned(),
        help_url: None,
        settings: Vec::new(),
        kinds: Vec::new(),
        account_schema: Vec::new(),
        actions: vec![ActionSchema {
            name: "disable_user".to_owned(),
            display_name: "Disable".to_owned(),
            help: "Disables".to_owned(),
            purposes: vec!["account-disable".to_owned()],
            arguments: vec![
                argument("user_id", Some("user"), false),
                argument("reason", None, false),
                argument("key_id", Some("key"), true),
            ],
            results: Vec::new(),
        }],
        wire: Wire {
            authentication: Authentication::None,
            protocol: Protocol::Http,
            origins: Vec::new(),
            operations: Vec::new(),
            rate_classes: Vec::new(),
            resource_name: None,
        },
    }
}

fn grant() -> Change {
    Change::Grant(Membership {
        entitlement: "group:a:member".parse().unwrap(),
        principal: "user:alice".parse().unwrap(),
    })
}

fn ended(outcome: &'static str) -> Ended<'static> {
    Ended {
        end: serde_json::from_value(json!(outcome)).unwrap(),
        account: None,
        after: None,
        error: None,
    }
}

fn request() -> AuditRecord {
    AuditRecord {
        time: OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap()
            + Duration::from_millis(120),
        call: "provisioning.grant".to_owned(),
        operation: "AddMember".to_owned(),
        class: "changes".to_owned(),
        wait: Duration::from_micros(1_999),
        status: Some(200),
        request_id: Some("r-1".to_owned()),
        sent: 10,
        received: 20,
        verdict: Verdict::Denied("operation"),
        wanted: Some(Wanted {
            operation: Some("DropEverything".to_owned()),
            ..Wanted::default()
        }),
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The line without what differs from run to run, which is checked for its form.
fn settled(mut line: Value, run: &str) -> Value {
    let members = line.as_object_mut().unwrap();
    assert_eq!(members.shift_remove("run").unwrap(), run);
    let prev = members.shift_remove("prev").unwrap();
    assert_eq!(prev.as_str().unwrap().len(), 64);
    let time = members.shift_remove("time").unwrap();
    let form = time
        .as_str()
        .unwrap()
        .replace(|c: char| c.is_ascii_digit(), "0");
    assert_eq!(form, "0000-00-00T00:00:00.000Z");
    line
}

#[test]
fn a_run_its_changes_and_its_requests_are_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let journal = Journal::open(&path, &connection(), None).unwrap();
    let before = State::Membership { held: false };
    journal
        .begun(7, &grant(), &description(), Some(&before))
        .unwrap();
    journal.record(&request());
    let after = State::Account {
        exists: true,
        status: Some(AccountStatus::Enabled),
        status_details: Some("CONFIRMED".to_owned()),
        holds: Vec::new(),
    };
    journal
        .ended(
            7,
            Ended {
                end: End::Outcome(Outcome::AlreadyExists),
                account: Some(ResourceId::new("user", "a:b")),
                after: Some(&after),
                error: Some("it broke".to_owned()),
            },
        )
        .unwrap();

    let lines = lines(&path);
    assert_eq!(lines[2]["time"], "2023-11-14T22:13:20.120Z");
    let run = journal.run();
    assert_eq!(run.len(), 32);
    assert!(run.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let lines: Vec<_> = lines.into_iter().map(|line| settled(line, run)).collect();
    assert_eq!(
        lines,
        [
            json!({
                "record": "run", "component": "sample-connector",
                "origin": "https://directory.example", "settings": {"pool": "one"},
            }),
            json!({
                "record": "begun", "change": 7,
                "asked": {
                    "command": "grant", "entitlement": "group:a:member", "principal": "user:alice",
                },
                "before": {"held": false},
            }),
            json!({
                "record": "request", "call": "provisioning.grant", "operation": "AddMember",
                "class": "changes", "wait_ms": 1, "status": 200, "request_id": "r-1", "sent": 10,
                "received": 20, "verdict": "denied:operation",
                "wanted": {"operation": "DropEverything"},
            }),
            json!({
                "record": "ended", "change": 7, "outcome": "already-exists", "account": "user:a:b",
                "after": {"exists": true, "status": "enabled", "status_details": "CONFIRMED"},
                "error": "it broke",
            }),
        ]
    );
}

#[test]
fn what_is_asked_names_fields_and_ids_and_no_value() {
    let secret = || AttributeValue::Text("s3cret".to_owned());
    let cases = [
        (
            Change::Revoke(Membership {
                entitlement: "group:a:member".parse().unwrap(),
                principal: "user:alice".parse().unwrap(),
            }),
            json!({"command": "revoke", "entitlement": "group:a:member", "principal": "user:alice"}),
        ),
        (
            Change::CreateAccount {
                kind: "user".to_owned(),
                fields: vec![
                    ("email".to_owned(), secret()),
                    ("custom:x".to_owned(), secret()),
                ],
            },
            // No operation of this description is bound to a field, so nothing names it.
            json!({"command": "account create", "kind": "user", "fields": ["email", "custom:x"]}),
        ),
        (
            Change::DeleteAccount {
                account: ResourceId::new("user", "alice"),
            },
            json!({"command": "account delete", "account": "user:alice"}),
        ),
        (
            Change::Invoke {
                action: "disable_user".to_owned(),
                arguments: vec![
                    (
                        "user_id".to_owned(),
                        AttributeValue::Text("alice".to_owned()),
                    ),
                    ("reason".to_owned(), secret()),
                    ("key_id".to_owned(), secret()),
                    ("unheard_of".to_owned(), secret()),
                ],
            },
            json!({
                "command": "action invoke", "action": "disable_user",
                "arguments": {"user_id": "alice", "reason": null, "key_id": null, "unheard_of": null},
            }),
        ),
        (
            Change::Invoke {
                action: "unheard_of".to_owned(),
                arguments: vec![("user_id".to_owned(), secret())],
            },
            json!({
                "command": "action invoke", "action": "unheard_of", "arguments": {"user_id": null},
            }),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let journal = Journal::open(&path, &connection(), None).unwrap();
    for (number, (change, _)) in (1..).zip(&cases) {
        journal.begun(number, change, &description(), None).unwrap();
    }
    let lines = lines(&path);
    for (line, (_, asked)) in lines[1..].iter().zip(&cases) {
        assert_eq!(line["asked"], *asked);
        assert_eq!(line["before"], Value::Null);
    }
    assert!(!std::fs::read_to_string(&path).unwrap().contains("s3cret"));
}

#[test]
fn every_outcome_has_the_word_that_it_is_reported_with() {
    for one in [
        Outcome::Granted,
        Outcome::AlreadyGranted,
        Outcome::Revoked,
        Outcome::AlreadyRevoked,
        Outcome::Created,
        Outcome::AlreadyExists,
        Outcome::Deleted,
        Outcome::AlreadyGone,
        Outcome::Done,
    ] {
        assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
        let end: End = serde_json::from_value(json!(one.as_str())).unwrap();
        assert_eq!(end, End::Outcome(one));
    }
    for word in ["failed", "unknown", "refused"] {
        let end: End = serde_json::from_value(json!(word)).unwrap();
        assert!(matches!(end, End::Unfinished(_)));
    }
}

#[cfg(unix)]
#[test]
fn a_new_file_is_for_the_eyes_of_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    Journal::open(&path, &connection(), None).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn runs_are_appended_and_have_ids_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let first = Journal::open(&path, &connection(), None).unwrap();
    let second = Journal::open(&path, &connection(), None).unwrap();
    first.begun(1, &grant(), &description(), None).unwrap();
    second.begun(1, &grant(), &description(), None).unwrap();
    let runs: Vec<_> = lines(&path)
        .iter()
        .map(|line| line["run"].clone())
        .collect();
    let (first, second) = (first.run(), second.run());
    assert_ne!(first, second);
    assert_eq!(runs, [first, second, first, second]);
}

#[test]
fn half_a_line_of_a_killed_run_does_not_swallow_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    for torn in [
        "{",
        "{\"record\":\"run\",\"ti",
        "{\"record\":\"request\"}\n{\"reco",
    ] {
        std::fs::write(&path, torn).unwrap();
        let journal = Journal::open(&path, &connection(), None).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let run = text.strip_prefix(torn).unwrap().strip_prefix('\n').unwrap();
        let run: Value = serde_json::from_str(run).unwrap();
        assert_eq!(run["run"], journal.run());
        journal.begun(1, &grant(), &description(), None).unwrap();
    }
}

#[test]
fn a_file_that_holds_something_else_is_not_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("connector.db");
    for content in ["SQLite format 3\0", "{\"kind\":\"user\"}\n", "\n"] {
        std::fs::write(&path, content).unwrap();
        let error = Journal::open(&path, &connection(), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it holds something else than audit records; name another file"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    std::fs::write(&path, "").unwrap();
    Journal::open(&path, &connection(), None).unwrap();
}

/// A device that is full after so many writes, and remembers them; a write of nothing is a
/// sync.
struct Device {
    room: usize,
    writes: Writes,
}

impl place::Stream for Device {
    fn sync(&mut self) -> io::Result<()> {
        self.write(&[]).map(drop)
    }
}

impl Write for Device {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut writes = self.writes.lock().unwrap();
        if writes.len() == self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        writes.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Writes = Arc<Mutex<Vec<Vec<u8>>>>;

fn on_device(room: usize) -> (io::Result<Journal>, Writes) {
    let writes = Writes::default();
    let device = Device {
        room,
        writes: writes.clone(),
    };
    (
        Journal::begin(
            Path::new("device"),
            Place::stream(Box::new(device)),
            &connection(),
            None,
        ),
        writes,
    )
}

#[test]
fn a_run_does_not_begin_where_it_cannot_be_written_down() {
    let (journal, _) = on_device(0);
    assert_eq!(journal.unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_when_the_file_is_opened() {
    let error = Journal::open(Path::new("/dev/full"), &connection(), None).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_failure_is_told_and_nothing_is_written_after_it() {
    let (journal, writes) = on_device(3);
    let journal = journal.unwrap();
    let kind = |result: io::Result<()>| result.map_err(|error| error.kind());
    let full = Err(io::ErrorKind::StorageFull);
    assert_eq!(
        kind(journal.begun(1, &grant(), &description(), None)),
        Ok(())
    );
    // A request has nobody to tell it to, so the next change hears of it.
    journal.record(&request());
    writes.lock().unwrap().clear();
    assert_eq!(kind(journal.ended(1, ended("granted"))), full);
    assert_eq!(kind(journal.begun(2, &grant(), &description(), None)), full);
    assert_eq!(kind(journal.finish()), full);
    assert!(writes.lock().unwrap().is_empty());
}

#[test]
fn a_change_is_on_the_disk_before_it_is_made_and_the_rest_at_the_end() {
    let (journal, writes) = on_device(usize::MAX);
    let journal = journal.unwrap();
    let syncs = |what: &str| {
        let written = std::mem::take(&mut *writes.lock().unwrap());
        let of_kind = |write: &Vec<u8>| match write.is_empty() {
            true => "sync",
            false => "record",
        };
        let written: Vec<_> = written.iter().map(of_kind).collect();
        assert_eq!(written.join(" "), what);
    };
    syncs("record");
    journal.record(&request());
    syncs("record");
    journal.begun(1, &grant(), &description(), None).unwrap();
    syncs("record sync");
    journal.record(&request());
    journal.ended(1, ended("granted")).unwrap();
    syncs("record record");
    journal.finish().unwrap();
    syncs("sync");
}

#[test]
fn a_change_that_the_disk_does_not_take_is_not_made() {
    // Room for the run and for the change, and not for the sync.
    let (journal, _) = on_device(2);
    let journal = journal.unwrap();
    let error = journal
        .begun(1, &grant(), &description(), None)
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(journal.ended(1, ended("granted")).is_err());
}

#[test]
fn a_line_is_one_write() {
    let (journal, writes) = on_device(usize::MAX);
    let journal = journal.unwrap();
    journal.begun(1, &grant(), &description(), None).unwrap();
    journal.record(&request());
    journal.ended(1, ended("failed")).unwrap();
    let mut writes = writes.lock().unwrap();
    writes.retain(|write| !write.is_empty());
    assert_eq!(writes.len(), 4);
    for write in writes.iter() {
        let (end, line) = write.split_last().unwrap();
        assert_eq!(*end, b'\n');
        serde_json::from_slice::<Line>(line).unwrap();
    }
}

#[test]
fn threads_and_processes_do_not_mix_their_lines() {
    const THREADS: u64 = 8;
    const EACH: u64 = 50;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    // Two journals on one file are two processes as far as the file is concerned.
    let journals = [
        Journal::open(&path, &connection(), None).unwrap(),
        Journal::open(&path, &connection(), None).unwrap(),
    ];
    let description = description();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (journals, description) = (&journals, &description);
            scope.spawn(move || {
                for n in 0..EACH {
                    let number = thread * EACH + n;
                    for journal in journals {
                        journal.begun(number, &grant(), description, None).unwrap();
                        journal.record(&request());
                        journal.ended(number, ended("granted")).unwrap();
                    }
                }
            });
        }
    });
    let lines = lines(&path);
    for journal in &journals {
        for record in ["begun", "ended"] {
            let mut numbers: Vec<_> = lines
                .iter()
                .filter(|line| line["run"] == journal.run() && line["record"] == record)
                .map(|line| line["change"].as_u64().unwrap())
                .collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..THREADS * EACH).collect::<Vec<_>>());
        }
    }
    assert_eq!(lines.len() as u64, 2 + 2 * 3 * THREADS * EACH);
    let file = std::fs::read(&path).unwrap();
    let verified = verify::verify(&*file, None).unwrap();
    assert_eq!(verified.complaint(), None);
}
