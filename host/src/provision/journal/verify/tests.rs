//! What a chain shows, and what only a hash that was kept elsewhere shows.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::super::Journal;
use super::*;
use crate::egress::audit::{AuditRecord, AuditSink, Verdict};
use crate::store::Connection;

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    /// A run with so many requests; the hash that it ends with.
    fn run(&self, requests: u64) -> String {
        let journal = self.begin();
        (0..requests).for_each(|number| journal.record(&request(number)));
        journal.finish().unwrap();
        journal.head()
    }

    fn begin(&self) -> Journal {
        let connection = Connection {
            component: "sample-connector".to_owned(),
            origin: "https://directory.example".to_owned(),
            settings: [("pool".to_owned(), "one".to_owned())].into(),
        };
        Journal::open(&self.path(), &connection, None).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn append(&self, bytes: &[u8]) {
        let mut file = OpenOptions::new().append(true).open(self.path()).unwrap();
        file.write_all(bytes).unwrap();
    }

    fn found(&self, kept: Option<&str>) -> Verified {
        let file = std::fs::read(self.path()).unwrap();
        verify(&*file, kept).unwrap()
    }
}

fn request(number: u64) -> AuditRecord {
    AuditRecord {
        time: time::OffsetDateTime::UNIX_EPOCH + Duration::from_secs(number),
        call: "sync.list-resources".to_owned(),
        operation: "ListPeople".to_owned(),
        class: "reading".to_owned(),
        wait: Duration::ZERO,
        status: Some(200),
        request_id: None,
        sent: number,
        received: 0,
        verdict: Verdict::Answered,
        wanted: None,
    }
}

fn of_lines(lines: &[String], kept: Option<&str>) -> Verified {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    verify(text.as_bytes(), kept).unwrap()
}

#[track_caller]
fn complains(found: &Verified, complaint: &str) {
    let said = found.complaint();
    assert!(!found.ok);
    assert!(
        said.as_deref()
            .is_some_and(|said| said.starts_with(complaint)),
        "{said:?}"
    );
}

#[test]
fn what_was_written_fits() {
    let bench = Bench::new();
    bench.run(2);
    let head = bench.run(1);
    let found = bench.found(None);
    assert_eq!(found.complaint(), None);
    assert!(found.ok);
    assert_eq!((found.records, found.without_hash), (5, 0));
    assert_eq!(found.head.as_deref(), Some(head.as_str()));
    assert_eq!(found.last.as_deref(), Some("1970-01-01T00:00:00.000Z"));
    assert_eq!((found.halves, found.kept), (Vec::new(), None));
}

#[test]
fn the_first_line_that_does_not_fit_is_named_whatever_was_done() {
    let bench = Bench::new();
    bench.run(5);
    let lines = bench.lines();
    let changed_after = "was changed, or lines were removed or put in after it";
    for at in 0..lines.len() - 1 {
        let mut changed = lines.clone();
        changed[at] = changed[at]
            .replace("reading", "changes")
            .replace("\"pool\"", "\"pond\"");
        assert_ne!(changed[at], lines[at]);
        let (line, next) = (at + 1, at + 2);
        let wanted = format!(
            "line {next} does not carry the hash of what stands before it: line {line} {changed_after}"
        );
        complains(&of_lines(&changed, None), &wanted);

        let mut removed = lines.clone();
        removed.remove(at);
        let wanted = match at {
            0 => "line 1 is not the first record of its file".to_owned(),
            _ => format!(
                "line {line} does not carry the hash of what stands before it: line {at} \
                 {changed_after}"
            ),
        };
        complains(&of_lines(&removed, None), &wanted);

        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        assert_eq!(
            of_lines(&swapped, None).problem.unwrap().line,
            Some(line as u64)
        );

        let mut doubled = lines.clone();
        doubled.insert(at, lines[at].clone());
        assert_eq!(
            of_lines(&doubled, None).problem.unwrap().line,
            Some(next as u64)
        );
    }
    complains(
        &of_lines(&[lines.clone(), lines.clone()].concat(), None),
        "line 7 is the first record of another file",
    );
}

#[test]
fn only_a_kept_hash_shows_that_the_end_or_everything_was_written_anew() {
    let bench = Bench::new();
    let earlier = bench.run(3);
    let head = bench.run(2);
    let lines = bench.lines();
    let kept = |line, followed_by| Some(Kept { line, followed_by });
    assert_eq!(bench.found(Some(&head)).kept, kept(7, 0));
    let found = bench.found(Some(&earlier));
    assert_eq!((found.ok, found.kept), (true, kept(4, 3)));

    let cut_off = &lines[..5];
    assert!(of_lines(cut_off, None).ok);
    assert_eq!(of_lines(cut_off, Some(&earlier)).kept, kept(4, 1));
    complains(
        &of_lines(cut_off, Some(&head)),
        "no record of it has the kept hash",
    );

    let other = Bench::new();
    other.run(7);
    assert!(other.found(None).ok);
    complains(
        &other.found(Some(&head)),
        "no record of it has the kept hash",
    );
    complains(&verify(&b""[..], None).unwrap(), "it holds no record");
}

#[test]
fn half_a_record_is_told_and_sealed_by_whoever_writes_next() {
    let bench = Bench::new();
    // Another process is writing while this one is killed.
    let other = bench.begin();
    let kept = bench.run(1);
    bench.append(b"{\"record\":\"requ");
    let found = bench.found(Some(&kept));
    assert_eq!((found.ok, found.halves), (true, vec![4]));
    assert_eq!(
        found.kept,
        Some(Kept {
            line: 3,
            followed_by: 0
        })
    );

    other.record(&request(0));
    let found = bench.found(Some(&kept));
    assert_eq!(found.complaint(), None);
    assert_eq!((found.records, found.halves), (4, vec![4]));
    assert_eq!(
        found.kept,
        Some(Kept {
            line: 3,
            followed_by: 1
        })
    );

    // After a loss of power there may be zeros, and more than one run ends so.
    bench.append(&[&b"{\"rec"[..], &[0; 100]].concat());
    bench.run(0);
    bench.append(b"{");
    bench.run(0);
    let found = bench.found(None);
    assert_eq!(found.complaint(), None);
    assert_eq!(found.halves, [4, 6, 8]);

    let mut lines = bench.lines();
    lines[3] = "{\"record\":\"req".to_owned();
    complains(&of_lines(&lines, None), "line 5 does not carry the hash");
}

#[test]
fn a_record_that_lacks_only_the_end_of_its_line_counts() {
    let bench = Bench::new();
    let head = bench.run(1);
    let text = std::fs::read(bench.path()).unwrap();
    std::fs::write(bench.path(), &text[..text.len() - 1]).unwrap();
    assert_eq!(bench.found(Some(&head)).records, 2);
    bench.run(0);
    let found = bench.found(Some(&head));
    assert_eq!((found.complaint(), found.records), (None, 3));
    assert!(found.halves.is_empty());
}

#[test]
fn records_of_an_older_version_are_sealed_as_they_are_found() {
    let bench = Bench::new();
    let old = |number| format!("{{\"record\":\"request\",\"run\":\"r\",\"time\":\"t{number}\"}}");
    let text = format!("{}\n{}\n", old(1), old(2));
    std::fs::write(bench.path(), &text).unwrap();
    let found = bench.found(None);
    assert_eq!((found.records, found.without_hash), (2, 2));
    complains(
        &found,
        "no record of it carries a hash: an older version wrote it",
    );

    bench.run(1);
    let found = bench.found(None);
    assert_eq!(found.complaint(), None);
    assert_eq!((found.records, found.without_hash), (4, 2));
    assert_eq!(found.first.as_deref(), Some("t1"));
    let mut changed = bench.lines();
    changed[0] = old(3);
    complains(&of_lines(&changed, None), "line 3 does not carry the hash");

    bench.append(format!("{}\n", old(4)).as_bytes());
    complains(
        &bench.found(None),
        "line 5 carries no hash, and the record before it does",
    );
}

#[test]
fn something_else_in_the_file_is_called_that() {
    let bench = Bench::new();
    bench.run(1);
    for strange in ["hello", "{\"record\":\"request\"}}", "{\"kind\":\"user\"}"] {
        let mut lines = bench.lines();
        lines.insert(1, strange.to_owned());
        complains(
            &of_lines(&lines, None),
            "line 2 is no audit record: it was changed",
        );
        complains(
            &of_lines(&lines[1..], None),
            "line 1 is no audit record; name a file",
        );
    }
}

#[test]
fn a_file_that_is_cut_off_while_it_is_written_is_not_written_to_any_more() {
    let bench = Bench::new();
    let journal = bench.begin();
    journal.record(&request(1));
    OpenOptions::new()
        .write(true)
        .open(bench.path())
        .unwrap()
        .set_len(0)
        .unwrap();
    journal.record(&request(2));
    let error = journal.finish().unwrap_err();
    assert_eq!(error.to_string(), "something else has cut it off meanwhile");
    assert_eq!(std::fs::read(bench.path()).unwrap(), b"");
}
