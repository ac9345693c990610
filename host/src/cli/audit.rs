//! The audit file at the command line: `audit verify`, `audit explain`, and the hash that
//! every command with `--audit` ends with.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde_json::Value;

use super::exit::{ExitCode, Failure, defused};
use super::{Session, finish, hint, print};
use crate::egress::Wanted;
use crate::export::Format;
use crate::provision::journal::Journal;
use crate::provision::journal::refusal::{self, NoRefusal, Refusal, Which};
use crate::provision::journal::verify::{Verified, verify};

/// Hexadecimal digits of a hash.
const HASH_LENGTH: usize = 64;

/// The audit file of a command, known as soon as it is open.
#[derive(Clone, Default)]
pub(super) struct Audit(Arc<OnceLock<Arc<Journal>>>);

impl Audit {
    /// This is the one, if one is kept.
    pub(super) fn keep(&self, journal: Option<&Arc<Journal>>) {
        if let Some(journal) = journal {
            // A command makes one connection.
            let _ = self.0.set(journal.clone());
        }
    }

    /// Puts the records on the disk and tells the last one's hash, however the command ended.
    pub(super) fn end(&self, quiet: bool) {
        let Some(journal) = self.0.get() else {
            return;
        };
        let file = journal.path().display();
        match journal.finish() {
            Ok(()) if quiet => {}
            Ok(()) => hint(&format!(
                "audit: {file} ends with {head}; keep that elsewhere, and `connector audit verify \
                 {file} --head {head}` shows later whether this is still the file",
                head = journal.head()
            )),
            // Also with --quiet: a record that is missing must not be taken for a request
            // that was not sent.
            Err(error) => hint(&format!(
                "warning: the audit file {file} is incomplete, since it could not be written: \
                 {error}"
            )),
        }
    }
}

/// The result of a command with the hash of its last record.
#[derive(Serialize)]
pub(super) struct WithHead<'a, T> {
    #[serde(flatten)]
    result: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_head: Option<String>,
}

impl<'a, T> WithHead<'a, T> {
    pub(super) fn new(result: &'a T, journal: Option<&Arc<Journal>>) -> Self {
        Self {
            result,
            audit_head: journal.map(|journal| journal.head()),
        }
    }
}

impl Session<'_> {
    pub(super) fn audit(self, command: &str) -> Result<(), Failure> {
        let name = self.matches.get_one::<String>("file");
        let name = name.map(String::as_str).unwrap_or_default();
        let failed = |why: String| Failure::new(ExitCode::Invalid, format!("{name}: {why}"));
        let unreadable = |error: io::Error| failed(format!("it can't be read: {error}"));
        match command {
            "audit verify" => {
                let head = self.layers.option(self.matches, "head");
                let head = head.as_deref().map(hash).transpose()?;
                let file = BufReader::new(File::open(name).map_err(unreadable)?);
                let found = verify(file, head.as_deref()).map_err(unreadable)?;
                print(self.format, &found)?;
                if let Some(complaint) = found.complaint() {
                    let failure = failed(complaint);
                    return Err(match found.records {
                        0 => failure,
                        _ => failure.hint(
                            "the records before that fit together; compare the file with a copy",
                        ),
                    });
                }
                if !self.quiet {
                    remarks(&found, head.is_some())
                        .iter()
                        .for_each(|remark| hint(remark));
                }
                Ok(())
            }
            _ => {
                let line = self.matches.get_one::<String>("line");
                let which = which(line.map_or("last", String::as_str))?;
                let file = BufReader::new(File::open(name).map_err(unreadable)?);
                let refusal = refusal::find(file, which).map_err(|error| Failure {
                    code: match error {
                        NoRefusal::None | NoRefusal::NoLine { .. } => ExitCode::NotFound,
                        _ => ExitCode::Invalid,
                    },
                    ..failed(error.to_string())
                })?;
                match self.format {
                    Format::Table => finish(io::stdout().write_all(text(&refusal).as_bytes())),
                    format => print(format, &refusal),
                }
            }
        }
    }
}

/// What a file that fits says nevertheless.
fn remarks(found: &Verified, is_compared: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    if found.without_hash > 0 {
        remarks.push(format!(
            "the first {} records carry no hash, since an older version wrote them; the next one \
             seals them as they were then",
            found.without_hash
        ));
    }
    for line in &found.halves {
        remarks.push(format!(
            "line {line} is half a record: its process was killed, the disk was full, or the power \
             failed; the next record seals it as it is"
        ));
    }
    match found.kept {
        Some(kept) if kept.followed_by == 0 => {
            remarks.push("this is the file of which the hash was kept, unchanged".to_owned());
        }
        Some(kept) => remarks.push(format!(
            "this is the file of which the hash was kept, as of line {}; {} records followed",
            kept.line, kept.followed_by
        )),
        None if !is_compared => remarks.push(
            "the records fit together; that none was cut off at the end, and that not all were \
             written anew, only --head with a hash kept elsewhere can show"
                .to_owned(),
        ),
        None => {}
    }
    remarks
}

fn hash(text: &str) -> Result<String, Failure> {
    let digits = text.trim();
    let digits = digits.strip_prefix("sha256:").unwrap_or(digits);
    if digits.len() != HASH_LENGTH || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::new(
            ExitCode::Invalid,
            format!("--head takes the {HASH_LENGTH} hexadecimal digits that a run printed"),
        ));
    }
    Ok(digits.to_ascii_lowercase())
}

fn which(text: &str) -> Result<Which, Failure> {
    match text.parse() {
        Ok(line) if line > 0 => Ok(Which::Line(line)),
        _ if text == "last" => Ok(Which::Last),
        _ => Err(Failure::new(
            ExitCode::Invalid,
            format!("`{text}` is no line; write its number, counted from 1, or `last`"),
        )),
    }
}

/// A refusal for people.
fn text(refusal: &Refusal) -> String {
    let mut text = format!(
        "line {}, {}: {}\n",
        refusal.line, refusal.time, refusal.verdict
    );
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!(
                "{name:<12}{}\n",
                defused(value).replace('\n', " ")
            ));
        }
    };
    line("call", &refusal.call);
    line("operation", &refusal.operation);
    if let Some(status) = refusal.status {
        line("status", &status.to_string());
    }
    line(
        "request id",
        refusal.request_id.as_deref().unwrap_or_default(),
    );
    for (name, value) in refusal.wanted.iter().flat_map(wanted) {
        line(name, &value);
    }
    let explanation = refusal.explanation;
    text.push_str(&format!(
        "\nrefused by: {}\n\nwhat happened: {}\n\nwhat would allow it: {}\n",
        explanation.by, explanation.meaning, explanation.what_would_allow_it
    ));
    text
}

/// What a request wanted, by the names of its members.
fn wanted(wanted: &Wanted) -> Vec<(&'static str, String)> {
    let pairs = [
        ("wanted", &wanted.operation),
        ("at", &wanted.origin),
        ("member", &wanted.member),
        ("allowed", &wanted.allowed),
        ("reason", &wanted.reason),
    ];
    let pairs = pairs.into_iter();
    pairs
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect()
}

/// An object with one more member, unless there is none to add.
pub(super) fn with_head(mut object: Value, journal: Option<&Arc<Journal>>) -> Value {
    if let (Value::Object(members), Some(journal)) = (&mut object, journal) {
        members.insert("audit_head".to_owned(), journal.head().into());
    }
    object
}
