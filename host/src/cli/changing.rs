//! Commands that change something: what was typed becomes a change or a file of changes,
//! everything that can be refused is refused before a connection is made, and what came of
//! it is printed.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read, Write};

use clap::ArgMatches;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use super::args::{PROTECT, option_of_field};
use super::connect::{self, Changes, Connected};
use super::exit::{ExitCode, Failure};
use super::layers::Layers;
use super::{Session, hint, interrupted, print, progress, resource_id};
use crate::change::{Change, Fields, Outcome};
use crate::contract::Offers;
use crate::export::{Format, Stream, StreamColumn};
use crate::model::{AttributeValue, EntitlementId, NotAnEntitlementId, ResourceId};
use crate::provision::batch::{self, End, RowFailure, RowResult};
use crate::provision::journal;
use crate::provision::rows::{self, Row, Wanted};
use crate::provision::rules::{DEFAULT_MAX_CHANGES, Rules};
use crate::provision::{Done, ProvisionError, Provisioner, check};
use crate::trust::description::{Description, ValueType};

/// The columns of the results of a file. Most ids fit; a longer one pushes its line.
const ROW_COLUMNS: &[StreamColumn] = &[
    StreamColumn {
        name: "row",
        width: 6,
    },
    StreamColumn {
        name: "outcome",
        width: 15,
    },
    StreamColumn {
        name: "about",
        width: 40,
    },
    StreamColumn {
        name: "code",
        width: 4,
    },
    StreamColumn {
        name: "error",
        width: 0,
    },
];

/// What is asked for.
enum Asked {
    One(Change),
    Many { file: String, rows: Vec<Row> },
}

impl Session<'_> {
    /// Runs a changing command.
    pub(super) async fn change(self, command: &str) -> Result<(), Failure> {
        if !self.layers.provisioning(self.matches)? {
            return Err(Failure::new(
                ExitCode::PermissionDenied,
                format!("`{command}` changes something, and provisioning is off; nothing was sent"),
            )
            .hint("add --provisioning, or set CONNECTOR_PROVISIONING=true"));
        }
        let dry_run = self.layers.switch(self.matches, "dry-run")?;
        let rules = rules(self.matches, &self.layers)?;
        let asked = self.asked(command)?;
        let description = &self.record.approved;
        match &asked {
            Asked::One(change) => {
                check::fits(change, description)?;
                rules.permit(&change.subjects(description))?;
                rules.permit_number(1)?;
            }
            Asked::Many { rows, .. } => {
                rules.permit_number(u64::try_from(rows.len()).unwrap_or(u64::MAX))?;
            }
        }
        if command == "account delete" && !dry_run {
            self.confirm(&asked)?;
        }
        let fail_if_exists =
            command == "account create" && self.layers.switch(self.matches, "fail-if-exists")?;
        // In a dry run the sandbox lets no change out, whatever the component does.
        let changes = if dry_run {
            Changes::Refused
        } else {
            Changes::Permitted
        };
        let connected = connect::connect(self.matches, &self.layers, self.record, changes).await?;
        offered(command, connected.connector.component().artifact().offers())?;
        let run = Run {
            connected,
            rules,
            dry_run,
            fail_if_exists,
            format: self.format,
            quiet: self.quiet,
            show_progress: progress::wanted(self.quiet, self.layers.is_set("NO_COLOR")),
        };
        match asked {
            Asked::One(change) => run.one(&change).await,
            Asked::Many { file, rows } => run.many(command, &file, rows).await,
        }
    }

    fn asked(&self, command: &str) -> Result<Asked, Failure> {
        let description = &self.record.approved;
        let typed = |name: &str| self.matches.get_one::<String>(name).cloned();
        if let Some(file) = self.layers.option(self.matches, "from") {
            let positionals = ["entitlement", "principal", "account", "arguments"];
            let has = |name: &&str| self.matches.try_contains_id(name).unwrap_or(false);
            if positionals.iter().any(has) {
                return Err(Failure::new(
                    ExitCode::Usage,
                    format!("`{command}` takes either --from FILE or one change, not both"),
                ));
            }
            let rows = read_rows(&file, &self.wanted(command)?)?;
            return Ok(Asked::Many { file, rows });
        }
        let missing = |what: &str| {
            Failure::new(
                ExitCode::Usage,
                format!("`{command}` needs {what}, or --from FILE"),
            )
            .hint(format!("see `connector {command} --help`"))
        };
        Ok(Asked::One(match command {
            "grant" | "revoke" => {
                let what = "ENTITLEMENT and PRINCIPAL";
                let entitlement = typed("entitlement").ok_or_else(|| missing(what))?;
                let entitlement: EntitlementId =
                    entitlement.parse().map_err(|error: NotAnEntitlementId| {
                        Failure::new(ExitCode::Invalid, error.to_string())
                    })?;
                let principal =
                    resource_id(Some(typed("principal").ok_or_else(|| missing(what))?))?;
                if command == "grant" {
                    Change::Grant {
                        entitlement,
                        principal,
                    }
                } else {
                    Change::Revoke {
                        entitlement,
                        principal,
                    }
                }
            }
            "account create" => Change::CreateAccount {
                kind: account_kind(description)?,
                fields: self.fields()?,
            },
            "account delete" => Change::DeleteAccount {
                account: resource_id(Some(typed("account").ok_or_else(|| missing("KIND:ID"))?))?,
            },
            _ => Change::Invoke {
                action: typed("name").unwrap_or_default(),
                arguments: named_values(
                    self.matches
                        .get_many::<String>("arguments")
                        .into_iter()
                        .flatten(),
                    "argument",
                )?,
            },
        }))
    }

    fn wanted(&self, command: &str) -> Result<Wanted<'_>, Failure> {
        let description = &self.record.approved;
        Ok(match command {
            "grant" => Wanted::Grant,
            "revoke" => Wanted::Revoke,
            "account create" => Wanted::CreateAccount {
                kind: account_kind_of(description)?,
                schema: &description.account_schema,
            },
            "account delete" => Wanted::DeleteAccount,
            _ => {
                let name = self.matches.get_one::<String>("name");
                let name = name.map(String::as_str).unwrap_or_default();
                match description.action(name) {
                    Some(action) => Wanted::Invoke { action },
                    None => {
                        check::fits(
                            &Change::Invoke {
                                action: name.to_owned(),
                                arguments: Fields::new(),
                            },
                            description,
                        )?;
                        return Err(Failure::new(ExitCode::Invalid, "there is no such action"));
                    }
                }
            }
        })
    }

    /// The fields of an account as they were typed.
    fn fields(&self) -> Result<Fields, Failure> {
        let description = &self.record.approved;
        let mut fields = Fields::new();
        for field in &description.account_schema {
            let option = option_of_field(&field.name);
            match field.value_type {
                ValueType::Boolean => {
                    if self.layers.switch(self.matches, &option)? {
                        fields.push((field.name.clone(), AttributeValue::Boolean(true)));
                    }
                }
                ValueType::Text | ValueType::Integer => {
                    if let Some(value) = self.layers.option(self.matches, &option) {
                        fields.push((field.name.clone(), AttributeValue::Text(value)));
                    }
                }
            }
        }
        // Values may hold commas, so they are not joined like those of other options.
        let typed: Vec<&String> = self
            .matches
            .get_many::<String>("attr")
            .into_iter()
            .flatten()
            .collect();
        let given = if typed.is_empty() {
            self.layers.option(self.matches, "attr")
        } else {
            None
        };
        fields.extend(named_values(typed.into_iter().chain(&given), "attribute")?);
        Ok(fields)
    }

    /// Asks before something is lost for good. Where nobody can be asked, --yes says it.
    fn confirm(&self, asked: &Asked) -> Result<(), Failure> {
        if self.layers.switch(self.matches, "yes")? {
            return Ok(());
        }
        let what = match asked {
            Asked::One(Change::DeleteAccount { account }) => account.to_string(),
            Asked::One(_) => return Ok(()),
            Asked::Many { file, rows } => format!("{} accounts named in {file}", rows.len()),
        };
        let settings = connect::settings(self.matches, &self.layers, &self.record)?;
        let identifying = self
            .record
            .approved
            .settings
            .iter()
            .filter(|setting| setting.identifies_system && setting.required)
            .filter_map(|setting| settings.get(&setting.name));
        let system: Vec<&str> = identifying.map(String::as_str).collect();
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Err(Failure::new(
                ExitCode::Refused,
                format!(
                    "deleting {what} of {} can't be taken back, and nobody can be asked here",
                    system.join(", ")
                ),
            )
            .hint("add --yes if that is meant, or --dry-run to look first"));
        }
        let question = format!(
            "delete {what} of {}? It can't be taken back. [y/N] ",
            system.join(", ")
        );
        let mut err = io::stderr();
        let mut answer = String::new();
        let asked = err
            .write_all(super::exit::defused(&question).as_bytes())
            .and_then(|()| err.flush())
            .and_then(|()| io::stdin().lock().read_line(&mut answer));
        match asked {
            Ok(_) if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) => Ok(()),
            _ => Err(Failure::new(
                ExitCode::Refused,
                "not confirmed; nothing was changed",
            )),
        }
    }
}

/// The rules of the operator, from the options and the configuration file.
pub(super) fn rules(matches: &ArgMatches, layers: &Layers<'_>) -> Result<Rules, Failure> {
    let max_changes = match layers.option(matches, "max-changes") {
        None => DEFAULT_MAX_CHANGES,
        Some(text) => text.parse().map_err(|_| {
            Failure::new(
                ExitCode::Invalid,
                format!("--max-changes is `{text}`; give a whole number"),
            )
        })?,
    };
    Ok(Rules::new(protected(layers)?, max_changes))
}

/// The resources that no command changes.
pub(super) fn protected(layers: &Layers<'_>) -> Result<Vec<ResourceId>, Failure> {
    layers
        .list(PROTECT)
        .iter()
        .map(|text| {
            text.parse().map_err(|error| {
                Failure::new(
                    ExitCode::Invalid,
                    format!("`{PROTECT}` in the configuration: {error}"),
                )
            })
        })
        .collect()
}

fn account_kind_of(description: &Description) -> Result<&str, Failure> {
    description
        .kinds
        .iter()
        .find(|kind| kind.accounts)
        .map(|kind| kind.id.as_str())
        .ok_or_else(|| {
            Failure::new(
                ExitCode::Lacking,
                "this connector has no accounts that can be created",
            )
        })
}

fn account_kind(description: &Description) -> Result<String, Failure> {
    account_kind_of(description).map(str::to_owned)
}

/// `NAME=VALUE`, with everything after the first `=` as the value.
fn named_values<'a>(
    texts: impl IntoIterator<Item = &'a String>,
    what: &str,
) -> Result<Fields, Failure> {
    texts
        .into_iter()
        .map(|text| match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok((name.to_owned(), AttributeValue::Text(value.to_owned())))
            }
            _ => Err(Failure::new(
                ExitCode::Invalid,
                format!("an {what} is written NAME=VALUE, and one has no name or no `=`"),
            )),
        })
        .collect()
}

fn read_rows(file: &str, wanted: &Wanted<'_>) -> Result<Vec<Row>, Failure> {
    let failed = |why: String| Failure::new(ExitCode::Invalid, format!("{file}: {why}"));
    let source: Box<dyn Read> = if file == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(file).map_err(|error| failed(format!("it can't be read: {error}")))?)
    };
    rows::read(source, wanted)
        .map_err(|error| failed(error.to_string()).hint("nothing was changed"))
}

/// Whether the component exports what a command needs.
fn offered(command: &str, offers: Offers) -> Result<(), Failure> {
    let offered = match command {
        "action invoke" => offers.actions,
        _ => offers.provisioning,
    };
    if offered {
        return Ok(());
    }
    Err(Failure::new(
        ExitCode::Lacking,
        format!("the component can't do `{command}`: it only reads"),
    )
    .hint("`connector capabilities` shows what it can do"))
}

/// A run of one or more changes.
struct Run {
    connected: Connected,
    rules: Rules,
    dry_run: bool,
    fail_if_exists: bool,
    format: Format,
    quiet: bool,
    show_progress: bool,
}

impl Run {
    fn provisioner(&self) -> Provisioner<'_> {
        Provisioner {
            rules: &self.rules,
            journal: self.connected.journal.as_deref(),
            dry_run: self.dry_run,
        }
    }

    async fn one(self, change: &Change) -> Result<(), Failure> {
        let mut conversation = self.connected.connector.conversation();
        let provisioner = self.provisioner();
        let mut work = std::pin::pin!(provisioner.carry_out(&mut conversation, 1, change));
        // A change that is cut off in the middle has an unknown outcome.
        let done = tokio::select! {
            done = &mut work => done,
            () = interrupted() => {
                hint("finishing the change that is under way");
                work.await
            }
        };
        let done = done.map_err(|error| Failure::from(&error))?;
        if !self.quiet {
            for warning in &done.warnings {
                hint(&format!("warning: {warning}"));
            }
        }
        print(self.format, &shown(change, &done))?;
        if self.fail_if_exists && done.outcome == Outcome::AlreadyExists {
            return Err(exists_already());
        }
        Ok(())
    }

    async fn many(self, command: &str, file: &str, rows: Vec<Row>) -> Result<(), Failure> {
        let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let bar = match self.show_progress {
            true => ProgressBar::new(total),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta} left {msg}")
        {
            bar.set_style(style);
        }
        let mut tally = Tally::default();
        let mut stream = Stream::new(io::stdout(), self.format, ROW_COLUMNS);
        let mut written = Ok(());
        let end = batch::run(
            &self.connected.connector,
            self.provisioner(),
            rows,
            interrupted(),
            |result| {
                let row = self.row(&result);
                tally.count(&result, &row);
                if written.is_ok() {
                    written = bar.suspend(|| stream.row(&row));
                }
                bar.inc(1);
            },
        )
        .await;
        bar.finish_and_clear();
        super::finish(written.and_then(|()| stream.end()))?;
        if !self.quiet {
            hint(&tally.to_string());
        }
        match (end, tally.first_failure) {
            (End::Interrupted, _) => Err(Failure::new(
                ExitCode::Interrupted,
                format!(
                    "interrupted: {} of {total} rows were not tried",
                    tally.not_tried
                ),
            )
            .hint(again(command, file))),
            (_, Some((row, code, message))) => Err(Failure::new(
                code,
                format!(
                    "{} of {total} rows failed, the first is row {row}: {message}",
                    tally.failed + tally.unknown + tally.not_tried
                ),
            )
            .hint(again(command, file))),
            (_, None) => Ok(()),
        }
    }

    /// The result of a row as it is printed.
    fn row(&self, result: &RowResult) -> Value {
        let (outcome, failure) = match &result.result {
            Ok(done) => {
                let exists = self.fail_if_exists && done.outcome == Outcome::AlreadyExists;
                (outcome(done), exists.then(exists_already))
            }
            Err(error) => {
                let (word, failure) = row_failure(error);
                (word.to_owned(), Some(failure))
            }
        };
        let warnings = match &result.result {
            Ok(done) => done.warnings.clone(),
            Err(_) => Vec::new(),
        };
        let created = match &result.result {
            Ok(Done {
                account: Some(account),
                ..
            }) => Some(&account.id),
            _ => None,
        };
        let about = result.change.as_ref().map(|change| about(change, created));
        json!({
            "row": result.row,
            "outcome": outcome,
            "about": about,
            "code": failure.as_ref().map_or(0, |failure| failure.code as u8),
            "error": failure.as_ref().map(|failure| &failure.message),
            "request_id": failure.as_ref().and_then(|failure| failure.request_id.as_ref()),
            "warnings": warnings,
        })
    }
}

fn again(command: &str, file: &str) -> String {
    format!("`{command} --from {file}` can be run again: what is done already is not done twice")
}

fn exists_already() -> Failure {
    Failure::new(ExitCode::AlreadyExists, "the account exists already")
}

fn row_failure(error: &RowFailure) -> (&'static str, Failure) {
    match error {
        RowFailure::Unreadable(error) => {
            ("failed", Failure::new(ExitCode::Invalid, error.to_string()))
        }
        RowFailure::Failed(error) => {
            let word = match **error {
                ProvisionError::Unknown { .. } => "unknown",
                _ => "failed",
            };
            (word, (&**error).into())
        }
        RowFailure::NotTried => (
            "not-tried",
            Failure::new(ExitCode::Interrupted, error.to_string()),
        ),
    }
}

/// What became of the rows of a file.
#[derive(Default)]
struct Tally {
    changed: u64,
    unchanged: u64,
    failed: u64,
    unknown: u64,
    not_tried: u64,
    first_failure: Option<(u64, ExitCode, String)>,
}

impl Tally {
    fn count(&mut self, result: &RowResult, row: &Value) {
        let failure = match &result.result {
            Ok(done) if done.outcome.has_changed() => {
                self.changed += 1;
                None
            }
            Ok(_) => {
                self.unchanged += 1;
                (row["code"] != 0).then(exists_already)
            }
            Err(error) => {
                let (word, failure) = row_failure(error);
                match word {
                    "not-tried" => self.not_tried += 1,
                    "unknown" => self.unknown += 1,
                    _ => self.failed += 1,
                }
                Some(failure)
            }
        };
        if let (None, Some(failure)) = (&self.first_failure, failure) {
            self.first_failure = Some((result.row, failure.code, failure.message));
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} changed, {} were so already, {} failed",
            self.changed, self.unchanged, self.failed
        )?;
        for (number, what) in [
            (self.unknown, "have an unknown outcome"),
            (self.not_tried, "were not tried"),
        ] {
            if number > 0 {
                write!(f, ", {number} {what}")?;
            }
        }
        Ok(())
    }
}

/// The outcome in one word.
fn outcome(done: &Done) -> String {
    let word = journal::outcome(done.outcome);
    if !done.dry_run {
        return word.to_owned();
    }
    match done.outcome {
        Outcome::Granted => "would-grant",
        Outcome::Revoked => "would-revoke",
        Outcome::Created => "would-create",
        Outcome::Deleted => "would-delete",
        Outcome::Done => "would-invoke",
        Outcome::AlreadyGranted
        | Outcome::AlreadyRevoked
        | Outcome::AlreadyExists
        | Outcome::AlreadyGone => word,
    }
    .to_owned()
}

/// What a change is about, as people name it.
fn about(change: &Change, created: Option<&ResourceId>) -> String {
    match change {
        Change::Grant {
            entitlement,
            principal,
        }
        | Change::Revoke {
            entitlement,
            principal,
        } => format!("{entitlement}:{principal}"),
        Change::CreateAccount { kind, fields } => match created {
            Some(id) => id.to_string(),
            None => {
                let named = ["username", "email"].iter().find_map(|wanted| {
                    fields.iter().find_map(|(name, value)| match value {
                        AttributeValue::Text(text) if name == wanted => Some(text.as_str()),
                        _ => None,
                    })
                });
                format!("{kind}:{}", named.unwrap_or_default())
            }
        },
        Change::DeleteAccount { account } => account.to_string(),
        Change::Invoke { action, arguments } => {
            let arguments = arguments.iter().filter_map(|(name, value)| match value {
                AttributeValue::Text(text) => Some(format!("{name}={text}")),
                _ => None,
            });
            std::iter::once(action.clone())
                .chain(arguments)
                .collect::<Vec<_>>()
                .join(" ")
        }
    }
}

/// The object that a single change prints.
fn shown(change: &Change, done: &Done) -> Value {
    let mut object = Map::new();
    let account = || serde_json::to_value(&done.account).unwrap_or_default();
    match change {
        Change::Grant {
            entitlement,
            principal,
        }
        | Change::Revoke {
            entitlement,
            principal,
        } => {
            object.insert("outcome".to_owned(), outcome(done).into());
            object.insert("grant".to_owned(), about(change, None).into());
            object.insert("entitlement".to_owned(), entitlement.to_string().into());
            object.insert("principal".to_owned(), principal.to_string().into());
        }
        Change::CreateAccount { kind, .. } => {
            object.insert("outcome".to_owned(), outcome(done).into());
            object.insert(kind.clone(), account());
        }
        Change::DeleteAccount { account: id } => {
            object.insert("outcome".to_owned(), outcome(done).into());
            object.insert("account".to_owned(), id.to_string().into());
            if done.account.is_some() {
                object.insert(id.kind.clone(), account());
            }
        }
        Change::Invoke { action, .. } => {
            for (name, value) in &done.results.0 {
                object.insert(name.clone(), json!(value));
            }
            object.insert("action".to_owned(), action.clone().into());
            object.insert("outcome".to_owned(), outcome(done).into());
            if let Some(resource) = &done.account {
                object.insert(resource.id.kind.clone(), account());
            }
        }
    }
    object.insert("warnings".to_owned(), json!(done.warnings));
    Value::Object(object)
}
