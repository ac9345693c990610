//! The commands that would take a run's changes back, from its audit file.
//!
//! Nothing is sent from here: people read the commands and decide. So a command is only
//! given where the file proves what was before, and everything else is a note. Ids are
//! chosen by strangers and the commands are pasted into shells, so an id is quoted
//! wherever it stands, in notes too ([`Step::shell`]).

mod read;
mod shell;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead};

use serde_json::{Map, Value};

use self::read::{Change, Run};
use self::shell::{comment, line, quoted, visible};
use super::journal::{Asked, End, EndedLine, RunLine, Unfinished};
use crate::change::{Outcome, State};
use crate::egress::Origin;
use crate::model::{AccountStatus, EntitlementId, ResourceId};
use crate::store::Connection;
use crate::trust::description::{ActionSchema, Description};

/// The setting that names an endpoint.
const ENDPOINT_SETTING: &str = "endpoint-url";

/// The standard words for actions that take each other back (`wit/describe.wit`).
const ENABLE: &str = "account-enable";
const DISABLE: &str = "account-disable";

/// What takes a run back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// The id of the run.
    pub run: String,
    /// When it began.
    pub time: String,
    /// The system that it changed.
    pub connection: Connection,
    /// The last change first. Empty if nothing is to be taken back.
    pub steps: Vec<Step>,
    /// The runs of the file that changed something before.
    pub earlier: Vec<String>,
}

/// What takes one change back, or what people must know because nothing does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of the change.
    pub change: u64,
    /// The arguments of `connector`.
    pub command: Option<Vec<String>>,
    /// For people. Ids in it are quoted as a shell needs them.
    pub note: Option<String>,
}

/// Why an audit file says nothing about what to take back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The system refuses to read it.
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// The first line is none.
    #[error("it is no audit file; name one that was written with --audit")]
    NotAJournal,
    /// A line that is no record.
    #[error(
        "line {line} is not a record that this version writes, so what happened is not known; \
         read it with the version that wrote it, or restore the file"
    )]
    NotARecord {
        /// Counted from 1.
        line: u64,
    },
    /// Records that cannot be of one run.
    #[error("line {line} {problem}, so what happened is not known; restore the file")]
    Contradiction {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// No run is in it.
    #[error("it records no run; name a file that was written with --audit")]
    NoRun,
    /// Not the one that was asked for.
    #[error("it records no run `{}`; the last one is `{}`", visible(.asked), visible(.last))]
    UnknownRun {
        /// Which one.
        asked: String,
        /// The one at the end.
        last: String,
    },
    /// The run is another connector's.
    #[error(
        "the run was made with the component `{}`, and this is `{}`; undo it with that one",
        visible(.found), .expected
    )]
    OtherComponent {
        /// In the file.
        found: String,
        /// The one whose actions are known.
        expected: String,
    },
    /// A setting that the connector does not have.
    #[error("the run has the setting `{}`, which this version of the connector lacks", visible(.name))]
    UnknownSetting {
        /// Its name.
        name: String,
    },
}

/// Reads an audit file and finds what takes a run back: the named one, or the last one
/// of which anything is to be taken back.
///
/// # Errors
///
/// [`UndoError`] if the file does not prove what happened.
pub fn plan(
    journal: impl BufRead,
    run: Option<&str>,
    description: &Description,
) -> Result<Undo, UndoError> {
    let runs = read::runs(journal)?;
    let last = runs.last().ok_or(UndoError::NoRun)?;
    let found = match run {
        Some(asked) => match runs.iter().find(|run| run.line.run == asked) {
            Some(run) => undo(run, description)?,
            None => {
                return Err(UndoError::UnknownRun {
                    asked: asked.to_owned(),
                    last: last.line.run.clone(),
                });
            }
        },
        None => last_with_steps(&runs, last, description)?,
    };
    let mut earlier = Vec::new();
    for run in runs.iter().take_while(|run| run.line.run != found.run) {
        if run.may_have_changed() && !undo(run, description)?.steps.is_empty() {
            earlier.push(run.line.run.clone());
        }
    }
    Ok(Undo { earlier, ..found })
}

fn last_with_steps(runs: &[Run], last: &Run, description: &Description) -> Result<Undo, UndoError> {
    for run in runs.iter().rev().filter(|run| run.may_have_changed()) {
        let undo = undo(run, description)?;
        if !undo.steps.is_empty() {
            return Ok(undo);
        }
    }
    undo(last, description)
}

fn undo(run: &Run, description: &Description) -> Result<Undo, UndoError> {
    if run.line.component != description.name {
        return Err(UndoError::OtherComponent {
            found: run.line.component.clone(),
            expected: description.name.clone(),
        });
    }
    // They become options, and a file must not add any.
    let is_known = |name: &String| {
        let setting = description.setting(name);
        setting.is_some_and(|setting| setting.identifies_system)
    };
    if let Some(name) = run.line.settings.keys().find(|name| !is_known(name)) {
        return Err(UndoError::UnknownSetting { name: name.clone() });
    }
    let planner = Planner {
        options: options(&run.line, description),
        description,
    };
    Ok(Undo {
        run: run.line.run.clone(),
        time: run.line.time.clone(),
        connection: Connection {
            component: run.line.component.clone(),
            origin: run.line.origin.clone(),
            settings: run.line.settings.clone(),
        },
        steps: run
            .changes
            .iter()
            .rev()
            .filter_map(|change| planner.step(change))
            .collect(),
        earlier: Vec::new(),
    })
}

/// The options that name the system; joined by `=`, so that a value that begins with a
/// hyphen is still a value. An origin that is not the service's own was named.
fn options(run: &RunLine, description: &Description) -> Vec<String> {
    let own = Origin::of_record(&description.wire.origins, &run.settings);
    let is_own = own.is_ok_and(|own| own.to_string() == run.origin);
    let endpoint = (!is_own).then(|| format!("--{ENDPOINT_SETTING}={}", run.origin));
    let settings = run.settings.iter();
    settings
        .map(|(name, value)| format!("--{name}={value}"))
        .chain(endpoint)
        .collect()
}

/// What takes one change back.
enum Answer {
    Nothing,
    Command(Vec<String>),
    Note(String),
}

struct Planner<'a> {
    options: Vec<String>,
    description: &'a Description,
}

impl Planner<'_> {
    fn step(&self, change: &Change) -> Option<Step> {
        let (command, note) = match self.answer(change) {
            Answer::Nothing => return None,
            // The system cannot pass such an argument to any program.
            Answer::Command(command) if command.iter().any(|part| part.contains('\0')) => {
                let note = "an id in it has a zero byte, which no command can carry";
                (None, Some(note.to_owned()))
            }
            Answer::Command(command) => (Some(command), None),
            Answer::Note(note) => (None, Some(note)),
        };
        Some(Step {
            change: change.begun.change,
            command,
            note,
        })
    }

    fn answer(&self, change: &Change) -> Answer {
        let asked = &change.begun.asked;
        let Some(ended) = &change.ended else {
            return self.unknown(change);
        };
        let outcome = match ended.outcome {
            End::Unfinished(Unfinished::Failed | Unfinished::Refused) => return Answer::Nothing,
            End::Unfinished(Unfinished::Unknown) => return self.unknown(change),
            End::Outcome(outcome) if !outcome.has_changed() => return Answer::Nothing,
            End::Outcome(outcome) => outcome,
        };
        if contradicts(change.begun.before.as_ref(), outcome) {
            return self.unknown(change);
        }
        match (asked, outcome) {
            (
                Asked::Grant {
                    entitlement,
                    principal,
                },
                Outcome::Granted,
            ) => self.membership("revoke", entitlement, principal),
            (
                Asked::Revoke {
                    entitlement,
                    principal,
                },
                Outcome::Revoked,
            ) => self.membership("grant", entitlement, principal),
            (Asked::CreateAccount { kind, .. }, Outcome::Created) => match &ended.account {
                Some(account) => {
                    self.command(&["account", "delete", "--yes"], [account.to_string()])
                }
                None => Answer::Note(format!(
                    "an account of the kind {} was created, and which one is not recorded",
                    shown(kind)
                )),
            },
            (Asked::DeleteAccount { account }, Outcome::Deleted) => {
                deleted(account, change.begun.before.as_ref())
            }
            (Asked::Invoke { action, arguments }, Outcome::Done) => {
                self.action(action, arguments, change.begun.before.as_ref(), ended)
            }
            _ => self.unknown(change),
        }
    }

    fn membership(&self, verb: &str, entitlement: &str, principal: &ResourceId) -> Answer {
        // What is no entitlement could not be undone by naming it.
        match entitlement.parse::<EntitlementId>() {
            Ok(entitlement) => {
                self.command(&[verb], [entitlement.to_string(), principal.to_string()])
            }
            Err(_) => Answer::Note(format!(
                "{} was changed for {}, which is no name of an entitlement",
                shown(entitlement),
                shown(&principal.to_string())
            )),
        }
    }

    fn action(
        &self,
        name: &str,
        arguments: &Map<String, Value>,
        before: Option<&State>,
        ended: &EndedLine,
    ) -> Answer {
        let done = self.description.action(name);
        let is_for = |purpose: &str| {
            done.is_some_and(|schema| schema.purposes.iter().any(|word| word == purpose))
        };
        if !is_for(ENABLE) && !is_for(DISABLE) {
            return Answer::Note(format!(
                "the action {} was done, and no action is known that takes it back{}",
                shown(name),
                self.look(self.account_of(name, arguments).as_ref())
            ));
        }
        let wanted = match (status(before), status(ended.after.as_ref())) {
            (Some(before), Some(after)) if before == after => return Answer::Nothing,
            (Some(AccountStatus::Enabled), Some(_)) => ENABLE,
            (Some(AccountStatus::Disabled), Some(_)) => DISABLE,
            (None, _) | (_, None) => {
                return Answer::Note(format!(
                    "the action {} was done, and whether it changed anything is not recorded{}",
                    shown(name),
                    self.look(self.account_of(name, arguments).as_ref())
                ));
            }
        };
        let opposite = self
            .description
            .actions
            .iter()
            .filter(|schema| schema.purposes.iter().any(|word| word == wanted))
            .find_map(|schema| Some((schema, same_arguments(schema, arguments)?)));
        match opposite {
            Some((schema, arguments)) => self.command(
                &["action", "invoke"],
                std::iter::once(schema.name.clone()).chain(arguments),
            ),
            None => Answer::Note(format!(
                "the action {} was done, and no action with the same arguments takes it back{}",
                shown(name),
                self.look(self.account_of(name, arguments).as_ref())
            )),
        }
    }

    fn unknown(&self, change: &Change) -> Answer {
        let (what, account) = match &change.begun.asked {
            Asked::Grant {
                entitlement,
                principal,
            } => {
                let what = format!("given to {}", shown(&principal.to_string()));
                return self.unknown_membership("grant", &what, entitlement, principal);
            }
            Asked::Revoke {
                entitlement,
                principal,
            } => {
                let what = format!("taken from {}", shown(&principal.to_string()));
                return self.unknown_membership("revoke", &what, entitlement, principal);
            }
            // Its name may be an address, which is not written down.
            Asked::CreateAccount { kind, .. } => (
                format!(
                    "whether an account of the kind {} was created is unknown: look at the one \
                     that was asked for, in row {} if it was a file",
                    shown(kind),
                    change.begun.change
                ),
                None,
            ),
            Asked::DeleteAccount { account } => (
                format!(
                    "whether {} was deleted is unknown",
                    shown(&account.to_string())
                ),
                Some(account.clone()),
            ),
            Asked::Invoke { action, arguments } => (
                format!("whether the action {} was done is unknown", shown(action)),
                self.account_of(action, arguments),
            ),
        };
        Answer::Note(format!("{what}{}", self.look(account.as_ref())))
    }

    /// No account shows its memberships, but a dry run of the same change does.
    fn unknown_membership(
        &self,
        verb: &str,
        what: &str,
        entitlement: &str,
        principal: &ResourceId,
    ) -> Answer {
        let principal = principal.to_string();
        let options = self.options.iter().map(String::as_str);
        let command = ["connector", "--provisioning"]
            .into_iter()
            .chain(options)
            .chain([verb, "--dry-run", "--", entitlement, &principal])
            .map(shown)
            .collect::<Vec<_>>()
            .join(" ");
        Answer::Note(format!(
            "whether {} was {what} is unknown, look first: {command}",
            shown(entitlement)
        ))
    }

    /// The first account that the arguments of an action name.
    fn account_of(&self, action: &str, arguments: &Map<String, Value>) -> Option<ResourceId> {
        let schema = self.description.action(action)?;
        schema.arguments.iter().find_map(|field| {
            let id = arguments.get(&field.name)?.as_str()?;
            Some(ResourceId::new(field.id_of.as_ref()?, id))
        })
    }

    fn look(&self, account: Option<&ResourceId>) -> String {
        let Some(account) = account else {
            return String::new();
        };
        let mut command = vec!["connector".to_owned()];
        command.extend(self.options.iter().map(|option| shown(option)));
        command.extend(["get", "--"].map(str::to_owned));
        command.push(shown(&account.to_string()));
        format!(", look first: {}", command.join(" "))
    }

    fn command(&self, verb: &[&str], names: impl IntoIterator<Item = String>) -> Answer {
        let mut command = vec!["--provisioning".to_owned()];
        command.extend(self.options.iter().cloned());
        command.extend(verb.iter().map(|&word| word.to_owned()));
        // After it, a name that begins with a hyphen is still a name.
        command.push("--".to_owned());
        command.extend(names);
        Answer::Command(command)
    }
}

fn deleted(account: &ResourceId, before: Option<&State>) -> Answer {
    let held = match before {
        Some(State::Account { holds, .. }) if holds.is_empty() => {
            "no memberships of it are recorded".to_owned()
        }
        Some(State::Account { holds, .. }) => {
            let names: Vec<_> = holds.iter().map(|name| shown(name)).collect();
            format!("it held {}", names.join(", "))
        }
        Some(State::Membership { .. }) | None => "what it held is not recorded".to_owned(),
    };
    Answer::Note(format!(
        "{} was deleted and cannot be brought back: its password, the ids that the system gave \
         it and its attributes are lost, and a new account of the same name is another one, {held}",
        shown(&account.to_string())
    ))
}

/// Whether the state that was read before says that there was nothing to change.
fn contradicts(before: Option<&State>, outcome: Outcome) -> bool {
    match (before, outcome) {
        (Some(State::Membership { held }), Outcome::Granted) => *held,
        (Some(State::Membership { held }), Outcome::Revoked) => !held,
        (Some(State::Account { exists, .. }), Outcome::Created) => *exists,
        _ => false,
    }
}

fn status(state: Option<&State>) -> Option<AccountStatus> {
    match state? {
        State::Account { status, .. } => *status,
        State::Membership { .. } => None,
    }
}

/// The arguments as they are typed, if all of them are recorded and the action takes
/// exactly these.
fn same_arguments(schema: &ActionSchema, arguments: &Map<String, Value>) -> Option<Vec<String>> {
    let is_taken = |name: &str| schema.arguments.iter().any(|field| field.name == name);
    let is_missing = schema
        .arguments
        .iter()
        .any(|field| field.required && !arguments.contains_key(&field.name));
    if is_missing {
        return None;
    }
    arguments
        .iter()
        .map(|(name, value)| match value {
            Value::String(id) if is_taken(name) => Some(format!("{name}={id}")),
            _ => None,
        })
        .collect()
}

/// An id in a note: visible, and quoted for the shells that take no comments.
fn shown(id: &str) -> String {
    quoted(&visible(id))
}

impl Step {
    /// The step for a POSIX shell: the note as a comment, the command on a line of its
    /// own. A line break in an id stays one, inside quotes.
    pub fn shell(&self) -> String {
        let note = self.note.as_deref().map(comment);
        let command = self.command.as_deref().map(line);
        let lines: Vec<_> = note.into_iter().chain(command).collect();
        lines.join("\n")
    }
}
