//! The command line: what people type, turned into calls of the library, and results
//! turned into text. Results go to standard output, everything else to standard error.

mod args;
mod audit;
mod bundled;
mod changing;
mod chosen;
mod component;
mod connect;
mod credentials;
mod diff;
mod documents;
mod exit;
mod introduction;
mod layers;
mod limits;
mod live;
mod plugin;
mod progress;
mod question;
mod rates;
mod signals;
mod stored;
mod sync;
mod undo;
mod variables;

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};

use clap::ArgMatches;
use clap::error::ErrorKind;

pub use exit::{ExitCode, Failure};

use crate::export::{self, Column, Columns, Format, RenderError};
use crate::provision::check;
use chosen::{Chosen, First, NotChosen};
use layers::Layers;

/// What is logged unless somebody asks for more or less.
const DEFAULT_LOG_LEVEL: &str = "warn";

/// Runs one command line in this process, with its environment, and returns how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> std::process::ExitCode {
    run_with(arguments, &|name| std::env::var(name).ok())
}

/// Runs one command line in this process, with an environment of the caller's making.
///
/// Only the AWS chain, which is asked where no key is given, reads the environment of the
/// process nevertheless.
pub fn run_with(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> std::process::ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let code = match run(&arguments, environment) {
        Ok(code) => code,
        Err(failure) => {
            let as_json = wants_json(&arguments, environment);
            // If standard error is closed too, there is nobody left to tell.
            let _ = io::stderr().write_all(failure.render(as_json).as_bytes());
            failure.code
        }
    };
    std::process::ExitCode::from(code as u8)
}

/// Whether the output was to be JSON, also where the command line itself is wrong. An
/// `output` of the configuration file does not count here: a failure may well be that
/// this file can't be read.
fn wants_json(arguments: &[OsString], environment: layers::Environment<'_>) -> bool {
    let mut texts = arguments.iter().filter_map(|argument| argument.to_str());
    let mut given = None;
    while let Some(text) = texts.next() {
        let value = match text {
            "-o" | "--output" => texts.next(),
            _ => text
                .strip_prefix("--output=")
                .or_else(|| text.strip_prefix("-o")),
        };
        given = value.or(given);
    }
    match given {
        Some(format) => format.trim_start_matches('=').starts_with("json"),
        None => environment(&variables::variable("output"))
            .is_some_and(|format| format.starts_with("json")),
    }
}

fn run(arguments: &[OsString], environment: layers::Environment<'_>) -> Result<ExitCode, Failure> {
    let bundled = Chosen::bundled()?;
    let options = args::taken(&bundled.record.approved);
    let first = First::look(arguments, environment);
    // Help, and what is about components, is there without one that may be run.
    let (component, refused) = match first.choose(&options) {
        Ok(chosen) => (chosen, None),
        Err(refused) => (bundled, Some(refused)),
    };
    let mut command = args::command(&component.record.approved, component.is_bundled);
    let matches = match command.try_get_matches_from_mut(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            return match refused {
                Some(refused) if is_mistake(&error) => Err(refusal(refused, &options)?),
                _ => usage(&error).map(|()| ExitCode::Done),
            };
        }
    };
    let (name, of_command) = subcommand(&matches)?;
    let name = name.as_str();
    if name == "completions" {
        return completions(&mut command, of_command).map(|()| ExitCode::Done);
    }
    let is_about_components = name == "inspect" || name.starts_with("plugin ");
    if let Some(refused) = refused
        && !is_about_components
    {
        return Err(refusal(refused, &options)?);
    }
    let known = args::names(&command);
    // The settings of a component that is yet to be approved may stand there already.
    let known = (!is_about_components).then_some(known.as_slice());
    let layers = Layers::read(of_command, environment, known)?;
    first.check_agreement(of_command, &layers)?;
    start_log(of_command, &layers)?;
    let format = layers
        .option(of_command, "output")
        .unwrap_or_else(|| "table".to_owned());
    let format = output_format(&format)?;
    let quiet = layers.switch(of_command, "quiet")?;
    let session = Session {
        matches: of_command,
        layers,
        component,
        first,
        options,
        format,
        quiet,
        audit: audit::Audit::default(),
    };
    let audit = session.audit.clone();
    let runtime = runtime()?;
    let ended = runtime.block_on(session.carry_out(name));
    // What is still under way leaves its record now.
    drop(runtime);
    audit.end(quiet);
    ended
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(
                ExitCode::Component,
                format!("no threads could be started: {error}"),
            )
        })
}

/// Why there is no component to run; one that nobody has approved is asked what it wants.
fn refusal(refused: NotChosen, options: &[String]) -> Result<Failure, Failure> {
    match refused {
        NotChosen::Failed(failure) => Ok(failure),
        NotChosen::Stranger(stranger) => {
            Ok(runtime()?.block_on(plugin::refuse(&stranger, options)))
        }
    }
}

/// Whether the parser says something else than help or version.
fn is_mistake(error: &clap::Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    )
}

/// Help and version are results; everything else that the parser says is a mistake.
fn usage(error: &clap::Error) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            finish(write_text(&error.to_string()))
        }
        _ => {
            let text = error.render().to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
            Err(Failure::new(ExitCode::Usage, text))
        }
    }
}

/// The command with its sub-command (`account create`), and what was given to it.
fn subcommand(matches: &ArgMatches) -> Result<(String, &ArgMatches), Failure> {
    let missing = || {
        Failure::new(
            ExitCode::Usage,
            "no command was given; try `connector help`",
        )
    };
    let (name, of_command) = matches.subcommand().ok_or_else(missing)?;
    Ok(match of_command.subcommand() {
        Some((below, of_below)) => (format!("{name} {below}"), of_below),
        None => (name.to_owned(), of_command),
    })
}

fn completions(command: &mut clap::Command, matches: &ArgMatches) -> Result<(), Failure> {
    let Some(shell) = matches.get_one::<clap_complete::Shell>("shell") else {
        return Err(Failure::new(ExitCode::Usage, "completions needs a SHELL"));
    };
    let mut script = Vec::new();
    clap_complete::generate(*shell, command, "connector", &mut script);
    finish(io::stdout().write_all(&script))
}

fn write_text(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())
}

/// A reader that has seen enough closes the pipe; that is a normal end.
fn finish(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            ExitCode::Invalid,
            format!("the output can't be written: {error}"),
        )),
        _ => Ok(()),
    }
}

fn output_format(text: &str) -> Result<Format, Failure> {
    match text {
        "table" => Ok(Format::Table),
        "json" => Ok(Format::Json),
        "jsonl" => Ok(Format::Jsonl),
        "csv" => Ok(Format::Csv),
        other => Err(Failure::new(
            ExitCode::Invalid,
            format!("--output is `{other}`; there are table, json, jsonl and csv"),
        )),
    }
}

fn start_log(matches: &ArgMatches, layers: &Layers<'_>) -> Result<(), Failure> {
    let level = layers
        .option(matches, "log-level")
        .unwrap_or_else(|| DEFAULT_LOG_LEVEL.to_owned());
    if !["off", "error", "warn", "info", "debug", "trace"].contains(&level.as_str()) {
        return Err(Failure::new(
            ExitCode::Invalid,
            format!("--log-level is `{level}`; there are off, error, warn, info, debug and trace"),
        ));
    }
    // Only this program's own events: those of the libraries below may hold headers.
    let filter =
        tracing_subscriber::EnvFilter::new(format!("off,connector={level},connector_host={level}"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false)
        .finish();
    // In a process that runs several command lines the first one decides.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

/// One command with everything that it was given.
struct Session<'a> {
    matches: &'a ArgMatches,
    layers: Layers<'a>,
    /// The component that is meant.
    component: Chosen,
    first: First,
    /// The options that no component may have.
    options: Vec<String>,
    format: Format,
    quiet: bool,
    audit: audit::Audit,
}

impl Session<'_> {
    /// Carries a command out; how it ends if nothing fails.
    async fn carry_out(self, command: &str) -> Result<ExitCode, Failure> {
        match command {
            "diff" => self.diff(),
            "sync" => self.sync().await,
            _ => self.dispatch(command).await.map(|()| ExitCode::Done),
        }
    }

    async fn dispatch(self, command: &str) -> Result<(), Failure> {
        let argument = |name: &str| {
            self.matches
                .try_get_one::<String>(name)
                .ok()
                .flatten()
                .cloned()
        };
        match command {
            "get" => {
                let id = resource_id(argument("resource"))?;
                let connected = self.connect().await?;
                let resource = live::get(&connected.connector, &id).await?;
                print(self.format, &resource)
            }
            "validate" => {
                let protected = changing::protected(&self.layers, &self.component.record.approved)?;
                let connected = self.connect().await?;
                let validation = live::validate(&connected.connector, &protected).await;
                print(self.format, &validation.to_json())?;
                validation.failure().map_or(Ok(()), Err)
            }
            "inspect" => {
                let file = argument("file");
                self.inspect(file.as_deref()).await
            }
            "grant" | "revoke" | "account create" | "account delete" | "action invoke" => {
                self.change(command).await
            }
            "action list" => self.actions(),
            "undo" => self.undo(),
            "audit verify" | "audit explain" => self.audit(command),
            "capabilities" => self.capabilities(),
            "config-schema" => self.config_schema(),
            "iam-policy" => self.iam_policy().await,
            "plugin trust" => {
                let file = argument("file");
                self.trust(file).await
            }
            "plugin untrust" => {
                let meant = argument("component").unwrap_or_default();
                self.untrust(&meant)
            }
            "plugin list" => self.plugins(),
            "plugin export" => {
                let out = self.layers.option(self.matches, "out");
                print(self.format, &component::export(out.as_deref())?)
            }
            _ => {
                let description = &self.component.record.approved;
                let stored = stored::Stored {
                    meant: connect::meant(self.matches, &self.layers, description),
                    store: connect::store_file(self.matches, &self.layers),
                    run: match command {
                        "list" | "show" | "stats" => self.layers.option(self.matches, "sync"),
                        _ => None,
                    },
                    format: self.format,
                };
                match command {
                    "list" => stored.list(&argument("what").unwrap_or_default()),
                    "show" => stored.show(&resource_id(argument("resource"))?),
                    "stats" => stored.stats(),
                    "syncs" => stored.syncs(),
                    "store check" => stored.check(),
                    "store backup" => {
                        stored.backup(self.layers.option(self.matches, "out").as_deref())
                    }
                    other => Err(Failure::new(
                        ExitCode::Usage,
                        format!("there is no command `{other}`"),
                    )),
                }
            }
        }
    }

    /// A connection that nothing can be changed through.
    async fn connect(&self) -> Result<connect::Connected, Failure> {
        let connected = connect::connect(
            self.matches,
            &self.layers,
            &self.component,
            connect::Changes::Refused,
        )
        .await?;
        self.audit.keep(connected.journal.as_ref());
        Ok(connected)
    }

    /// The actions with their arguments.
    fn actions(self) -> Result<(), Failure> {
        let columns = Columns::new([
            Column::whole("name"),
            Column::shown("display_name"),
            Column::whole("usage"),
            Column::detail("help"),
        ]);
        let description = &self.component.record.approved;
        let actions = description.actions.iter().map(|action| {
            let mut row = serde_json::to_value(action).unwrap_or_default();
            if let Some(members) = row.as_object_mut() {
                members.insert("usage".to_owned(), check::usage(action).into());
            }
            row
        });
        let actions: Vec<_> = actions.collect();
        let mut out = BufWriter::new(io::stdout().lock());
        printed(
            export::list(&mut out, self.format, &columns, &actions),
            |never| match never {},
        )
    }
}

fn resource_id(text: Option<String>) -> Result<crate::model::ResourceId, Failure> {
    text.unwrap_or_default()
        .parse()
        .map_err(|error: crate::model::NotAResourceId| {
            Failure::new(ExitCode::Invalid, error.to_string())
        })
}

fn hint(text: &str) {
    let _ = writeln!(io::stderr(), "{}", exit::defused(text));
}

/// Prints one object.
fn print(format: Format, object: &impl serde::Serialize) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    printed(
        export::object(&mut out, format, object),
        |never| match never {},
    )
}

/// What rendering came to. A reader that has seen enough closes the pipe: a normal end.
fn printed<E: std::fmt::Display>(
    outcome: Result<(), RenderError<E>>,
    source: impl FnOnce(E) -> Failure,
) -> Result<(), Failure> {
    match outcome {
        Ok(()) | Err(RenderError::Closed) => Ok(()),
        Err(RenderError::Source(error)) => Err(source(error)),
        Err(RenderError::Output(error)) => Err(Failure::new(
            ExitCode::Invalid,
            format!("the output can't be written: {error}"),
        )),
        Err(other) => Err(Failure::new(
            ExitCode::Component,
            format!("the result can't be shown: {other}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_sees_the_environment_that_it_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).into_os_string();
        std::fs::write(path("empty.toml"), "").unwrap();
        let ended = |variables: &[(&str, &str)]| {
            let arguments = ["connector".into(), "stats".into(), "--config".into()]
                .into_iter()
                .chain([path("empty.toml"), "--store".into(), path("none.db")]);
            run_with(arguments, &|name| {
                let found = variables.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let code = |code: ExitCode| std::process::ExitCode::from(code as u8);
        assert_eq!(
            ended(&[("CONNECTOR_OUTPUT", "xml")]),
            code(ExitCode::Invalid)
        );
        assert_eq!(ended(&[]), code(ExitCode::NotFound));
    }
}
