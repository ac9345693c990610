//! Where the value of an option comes from: the command line, the environment, the
//! configuration file, in this order.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::args::setting_id;
use super::exit::{ExitCode, Failure};
use super::variables::{baton_variable, variable};

/// The configuration file that is read without being named.
const DEFAULT_FILE: &str = "connector.toml";

/// Written by all who are neither the owner nor of the file's group. The group may: many
/// systems give each user one of their own, and a umask that lets it write.
#[cfg(unix)]
const EVERYBODY_WRITES: u32 = 0o002;

/// The environment, as a function so that tests need not change their own process.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The layers below the command line.
pub(super) struct Layers<'a> {
    environment: Environment<'a>,
    file: BTreeMap<String, Given>,
}

/// A value of the configuration file.
enum Given {
    One(String),
    Several(Vec<String>),
}

impl<'a> Layers<'a> {
    /// Reads the configuration file, the named one or the one in the working folder.
    /// `known` are the options that it may set; with `None` nothing in it is refused.
    pub(super) fn read(
        matches: &ArgMatches,
        environment: Environment<'a>,
        known: Option<&[String]>,
    ) -> Result<Self, Failure> {
        let named = given(matches, "config").or_else(|| environment(&variable("config")));
        let file = match content(named.as_deref())? {
            Some((name, text)) => parse(&name, &text, known)?,
            None => BTreeMap::new(),
        };
        Ok(Self { environment, file })
    }

    /// A first look at the configuration file: where it is, if there is one, and the single
    /// texts in it. Whatever is wrong with it is told when it is read.
    pub(super) fn glance(named: Option<&str>) -> (Option<PathBuf>, BTreeMap<String, String>) {
        let Ok(Some((file_name, text))) = content(named) else {
            return (named.map(PathBuf::from), BTreeMap::new());
        };
        let found = parse(&file_name, &text, None).unwrap_or_default();
        let texts = found.into_iter().filter_map(|(name, given)| match given {
            Given::One(text) => Some((name, text)),
            Given::Several(_) => None,
        });
        (Some(file_name), texts.collect())
    }

    /// The value of an option of the command line itself.
    pub(super) fn option(&self, matches: &ArgMatches, name: &str) -> Option<String> {
        given(matches, name).or_else(|| self.below(name, &[]))
    }

    /// Who runs this, as the system calls them.
    pub(super) fn who(&self) -> Option<String> {
        ["USER", "LOGNAME", "USERNAME"]
            .iter()
            .find_map(|name| (self.environment)(name).filter(|name| !name.is_empty()))
    }

    /// The values of an option that may be repeated, each as it is.
    pub(super) fn values(&self, matches: &ArgMatches, name: &str) -> Vec<String> {
        let typed = matches.try_get_many::<String>(name).ok().flatten();
        let typed: Vec<String> = typed.into_iter().flatten().cloned().collect();
        if !typed.is_empty() {
            return typed;
        }
        (self.environment)(&variable(name))
            .filter(|value| !value.is_empty())
            .into_iter()
            .collect()
    }

    /// A list that only the configuration file has; `None` if it has something else there.
    pub(super) fn list(&self, name: &str) -> Option<&[String]> {
        match self.file.get(name) {
            None => Some(&[]),
            Some(Given::Several(values)) => Some(values),
            Some(Given::One(_)) => None,
        }
    }

    /// Whether a switch is on.
    pub(super) fn switch(&self, matches: &ArgMatches, name: &str) -> Result<bool, Failure> {
        self.switch_with(matches, name, &[])
    }

    /// Whether changes are permitted; Baton connectors have a variable for it too.
    pub(super) fn provisioning(&self, matches: &ArgMatches) -> Result<bool, Failure> {
        let name = "provisioning";
        self.switch_with(matches, name, &[baton_variable(name)])
    }

    fn switch_with(
        &self,
        matches: &ArgMatches,
        name: &str,
        more: &[String],
    ) -> Result<bool, Failure> {
        if matches.value_source(name) == Some(ValueSource::CommandLine) {
            return Ok(matches.get_flag(name));
        }
        match self.below(name, more).as_deref() {
            None | Some("0" | "") => Ok(false),
            Some("1") => Ok(true),
            Some(word) if word.eq_ignore_ascii_case("true") => Ok(true),
            Some(word) if word.eq_ignore_ascii_case("false") => Ok(false),
            Some(other) => Err(Failure::new(
                ExitCode::Invalid,
                format!("the option `{name}` is `{other}`; write true or false"),
            )),
        }
    }

    /// The value of a setting of the connector; `more` are further variables that mean it.
    pub(super) fn setting(
        &self,
        matches: &ArgMatches,
        name: &str,
        more: &[String],
    ) -> Option<String> {
        let mut variables = vec![baton_variable(name)];
        variables.extend_from_slice(more);
        given(matches, &setting_id(name)).or_else(|| self.below(name, &variables))
    }

    /// An empty variable is an unset one, as in the AWS tools: CI systems set empty ones
    /// for secrets that they do not have.
    fn below(&self, name: &str, more: &[String]) -> Option<String> {
        std::iter::once(variable(name))
            .chain(more.iter().cloned())
            .find_map(|variable| (self.environment)(&variable).filter(|value| !value.is_empty()))
            .or_else(|| {
                self.file.get(name).map(|given| match given {
                    Given::One(value) => value.clone(),
                    Given::Several(values) => values.join(","),
                })
            })
    }

    /// Whether an environment variable of the AWS tools is switched on.
    pub(super) fn is_true(&self, variable: &str) -> bool {
        (self.environment)(variable).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Whether an environment variable has a value, for those that are no options of ours.
    pub(super) fn is_set(&self, variable: &str) -> bool {
        (self.environment)(variable).is_some_and(|value| !value.is_empty())
    }

    /// Where compiled components are kept: CONNECTOR_CACHE, else the user's cache folder.
    pub(super) fn cache_folder(&self) -> Option<PathBuf> {
        let named = self.folder("CONNECTOR_CACHE");
        named.or_else(|| self.user_folder("XDG_CACHE_HOME", ".cache"))
    }

    /// Where the paces are kept that were found: the user's state folder.
    pub(super) fn state_folder(&self) -> Option<PathBuf> {
        self.user_folder("XDG_STATE_HOME", ".local/state")
    }

    fn user_folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let user = self
            .folder(variable)
            .or_else(|| self.folder("HOME").map(|home| home.join(below_home)))?;
        Some(user.join("connector"))
    }

    fn folder(&self, variable: &str) -> Option<PathBuf> {
        (self.environment)(variable)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    }
}

/// What was typed for an option, several values joined by commas.
fn given(matches: &ArgMatches, name: &str) -> Option<String> {
    let values = matches.try_get_many::<String>(name).ok().flatten()?;
    let values: Vec<&str> = values.map(String::as_str).collect();
    Some(values.join(","))
}

/// The configuration file that is named, or the one in the working folder, if there is one:
/// it decides what runs, where that sends, and who holds the keys, so that one which nobody
/// named must be of whoever runs this.
fn content(named: Option<&str>) -> Result<Option<(PathBuf, String)>, Failure> {
    let name = PathBuf::from(named.unwrap_or(DEFAULT_FILE));
    let shown = name.display();
    let unreadable = |error: std::io::Error| {
        Failure::new(
            ExitCode::Invalid,
            format!("the configuration file {shown} can't be read: {error}"),
        )
    };
    let mut file = match File::open(&name) {
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        opened => opened.map_err(unreadable)?,
    };
    if named.is_none()
        && let Some(why) = foreign(&file).map_err(unreadable)?
    {
        return Err(Failure::new(
            ExitCode::PermissionDenied,
            format!("the configuration file {shown} of this folder {why}, and nobody named it"),
        )
        .hint(format!(
            "read it: it decides what runs and where that sends. If it is right, name it with \
             --config {shown}"
        )));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unreadable)?;
    Ok(Some((name, text)))
}

/// Why somebody else than who runs this, or root, may have written an open file.
fn foreign(file: &File) -> std::io::Result<Option<String>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let found = file.metadata()?;
        let (us, owner) = (rustix::process::geteuid().as_raw(), found.uid());
        Ok(if owner != us && owner != 0 {
            Some(format!("belongs to another user (uid {owner})"))
        } else if found.mode() & EVERYBODY_WRITES != 0 {
            Some("can be written by everybody".to_owned())
        } else {
            None
        })
    }
    #[cfg(not(unix))]
    {
        file.metadata().map(|_| None)
    }
}

fn parse(
    name: &Path,
    text: &str,
    known: Option<&[String]>,
) -> Result<BTreeMap<String, Given>, Failure> {
    let wrong = |why: String| {
        Failure::new(
            ExitCode::Invalid,
            format!("the configuration file {}: {why}", name.display()),
        )
    };
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        wrong(format!("line {line}: {}", error.message()))
    })?;
    table
        .into_iter()
        .map(|(key, value)| {
            if let Some(known) = known
                && !known.contains(&key)
            {
                return Err(wrong(format!(
                    "`{key}` is no option; there are {}",
                    known.join(", ")
                )));
            }
            let value = match value {
                toml::Value::String(text) => Given::One(text),
                toml::Value::Integer(number) => Given::One(number.to_string()),
                toml::Value::Float(number) => Given::One(number.to_string()),
                toml::Value::Boolean(truth) => Given::One(truth.to_string()),
                toml::Value::Array(list) => list
                    .iter()
                    .map(|one| {
                        one.as_str().map(str::to_owned).ok_or_else(|| {
                            wrong(format!("`{key}` holds something else than texts"))
                        })
                    })
                    .collect::<Result<_, _>>()
                    .map(Given::Several)?,
                _ => {
                    return Err(wrong(format!(
                        "`{key}` must be a text, a number, true or false"
                    )));
                }
            };
            Ok((key, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, Command};

    fn matches(arguments: &[&str]) -> ArgMatches {
        Command::new("connector")
            .arg(Arg::new("config").long("config"))
            .arg(Arg::new(setting_id("region")).long("region"))
            .get_matches_from(std::iter::once("connector").chain(arguments.iter().copied()))
    }

    fn region(arguments: &[&str], environment: Environment<'_>) -> Option<String> {
        let matches = matches(arguments);
        let layers = Layers::read(&matches, environment, Some(&["region".to_owned()])).unwrap();
        layers.setting(&matches, "region", &[])
    }

    #[test]
    fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("connector.toml");
        std::fs::write(&file, "region = \"from-file\"\n").unwrap();
        let file = file.to_str().unwrap();
        let ours = |name: &str| (name == "CONNECTOR_REGION").then(|| "from-ours".to_owned());
        let baton = |name: &str| (name == "BATON_REGION").then(|| "from-baton".to_owned());
        let both = |name: &str| ours(name).or_else(|| baton(name));
        let empty = |name: &str| (name == "CONNECTOR_REGION").then(String::new);

        assert_eq!(
            region(&["--config", file, "--region", "typed"], &both).unwrap(),
            "typed"
        );
        assert_eq!(region(&["--config", file], &both).unwrap(), "from-ours");
        assert_eq!(region(&["--config", file], &baton).unwrap(), "from-baton");
        assert_eq!(region(&["--config", file], &empty).unwrap(), "from-file");
        assert_eq!(region(&[], &|_| None), None);
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let environment = |name: &str| match name {
            "NO_COLOR" => Some("1".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let layers = Layers::read(&matches(&[]), &environment, None).unwrap();
        assert!(layers.is_set("NO_COLOR"));
        assert!(!layers.is_set("EMPTY"));
        assert!(!layers.is_set("PATH"));
    }

    #[test]
    fn mistakes_in_the_file_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("connector.toml");
        let environment =
            |name: &str| (name == "CONNECTOR_CONFIG").then(|| file.display().to_string());
        let message = |text: &str| {
            std::fs::write(&file, text).unwrap();
            Layers::read(&matches(&[]), &environment, Some(&["region".to_owned()]))
                .err()
                .unwrap()
                .message
        };
        assert!(message("regoin = \"x\"").contains("`regoin` is no option; there are region"));
        assert!(message("region = ").contains("connector.toml: "));
        assert!(message("region = { a = 1 }").contains("`region` must be a text"));
        std::fs::remove_file(&file).unwrap();
        let missing = Layers::read(&matches(&[]), &environment, None)
            .err()
            .unwrap();
        assert!(
            missing.message.contains("can't be read"),
            "{}",
            missing.message
        );
    }
}
