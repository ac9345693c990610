//! Which component is meant, and whether somebody has approved it.
//!
//! The settings of the component are options of the command line, so it must be known
//! before the command line can be read. A first look finds the few options that say it; the
//! full reading must come to the same, or nothing is done. A record is found by the digest
//! of the bytes, and these same bytes are run: no file is read twice, and no component is
//! run to find out what it is.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ArgMatches;

use super::args::HOST_SETTINGS;
use super::bundled;
use super::exit::{ExitCode, Failure};
use super::introduction::read;
use super::layers::{Environment, Layers};
use super::variables::variable;
use crate::trust::description::{Authentication, Description};
use crate::trust::file::{DEFAULT_NAME, TrustFile};
use crate::trust::sound::Taken;
use crate::trust::{Digest, TrustRecord};

/// The options that say which component is meant.
const ASKED: [&str; 4] = ["config", "plugin", "plugin-sha256", "trust"];

/// A component that may be run, by its record.
pub(super) struct Chosen {
    /// What messages call it.
    pub(super) label: String,
    /// What is run.
    pub(super) bytes: Cow<'static, [u8]>,
    /// What it may do.
    pub(super) record: TrustRecord,
    /// Whether it is the one that is built in.
    pub(super) is_bundled: bool,
}

impl Chosen {
    pub(super) fn bundled() -> Result<Self, Failure> {
        Ok(Self {
            label: bundled::LABEL.to_owned(),
            bytes: Cow::Borrowed(bundled::COMPONENT),
            record: bundled::record()?,
            is_bundled: true,
        })
    }
}

/// Why there is no component to run.
pub(super) enum NotChosen {
    /// Nobody has approved it.
    Stranger(Stranger),
    /// It can't be known.
    Failed(Failure),
}

impl From<Failure> for NotChosen {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A component without a record.
pub(super) struct Stranger {
    /// The file.
    pub(super) file: String,
    pub(super) bytes: Vec<u8>,
    /// Where no record of it is.
    pub(super) trust: PathBuf,
}

/// The first look at the command line, the environment and the configuration file.
pub(super) struct First {
    given: [Option<String>; ASKED.len()],
    config: Option<PathBuf>,
}

impl First {
    /// Looks without complaining: what is wrong is told by the full reading.
    pub(super) fn look(arguments: &[OsString], environment: Environment<'_>) -> Self {
        let typed = |name: &str| typed(arguments, name);
        let variables = |name: &str| environment(&variable(name)).filter(|value| !value.is_empty());
        let named = typed("config").or_else(|| variables("config"));
        let (config, file) = Layers::glance(named.as_deref());
        let given = ASKED.map(|name| match name {
            "config" => named.clone(),
            name => typed(name)
                .or_else(|| variables(name))
                .or_else(|| file.get(name).cloned()),
        });
        Self { given, config }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let index = ASKED.iter().position(|known| *known == name)?;
        self.given.get(index)?.as_deref()
    }

    /// The file of the component, if it is not the bundled one.
    pub(super) fn plugin(&self) -> Option<&str> {
        self.get("plugin")
    }

    /// Where the records are: named, or beside the configuration file.
    pub(super) fn trust_path(&self) -> PathBuf {
        match self.get("trust") {
            Some(named) => PathBuf::from(named),
            None => self
                .config
                .as_deref()
                .and_then(Path::parent)
                .unwrap_or(Path::new(""))
                .join(DEFAULT_NAME),
        }
    }

    /// Refuses bytes that are not the pinned ones.
    pub(super) fn check_pin(&self, label: &str, bytes: &[u8]) -> Result<(), Failure> {
        let Some(pinned) = self.get("plugin-sha256") else {
            return Ok(());
        };
        let pinned: Digest = pinned.parse().map_err(|error| {
            Failure::new(
                ExitCode::Invalid,
                format!("--plugin-sha256 is `{pinned}`: {error}"),
            )
        })?;
        let found = Digest::of(bytes);
        if found == pinned {
            return Ok(());
        }
        Err(Failure::new(
            ExitCode::PermissionDenied,
            format!("{label} has the digest {found}, and --plugin-sha256 permits {pinned} alone"),
        )
        .hint("get the file again from where it is published, or pin the digest that you checked"))
    }

    /// The component that is meant.
    pub(super) fn choose(&self, taken: &[String]) -> Result<Chosen, NotChosen> {
        let Some(file) = self.plugin() else {
            let bundled = Chosen::bundled()?;
            self.check_pin(bundled::LABEL, bundled::COMPONENT)?;
            return Ok(bundled);
        };
        let bytes = read(Path::new(file))?;
        self.check_pin(file, &bytes)?;
        // Not by its name or its description: by every byte.
        if bytes == bundled::COMPONENT {
            return Ok(Chosen::bundled()?);
        }
        let trust = TrustFile::read(&self.trust_path()).map_err(Failure::from)?;
        let Some(record) = trust.find(&Digest::of(&bytes)) else {
            return Err(NotChosen::Stranger(Stranger {
                file: file.to_owned(),
                bytes,
                trust: trust.path().to_owned(),
            }));
        };
        let record = record.in_force();
        // Also now: the file may have been written by hand or by an older program.
        check_soundness(&record.approved, taken).map_err(|unsound| Failure {
            message: format!(
                "the record of {file} in {} can't be put into effect: {}",
                trust.path().display(),
                unsound.message
            ),
            ..unsound
        })?;
        Ok(Chosen {
            label: file.to_owned(),
            bytes: Cow::Owned(bytes),
            record,
            is_bundled: false,
        })
    }

    /// Makes sure that the full reading found the same.
    pub(super) fn check_agreement(
        &self,
        matches: &ArgMatches,
        layers: &Layers<'_>,
    ) -> Result<(), Failure> {
        for name in ASKED {
            if layers.option(matches, name).as_deref() != self.get(name) {
                return Err(Failure::new(
                    ExitCode::Usage,
                    format!("--{name} can be read in two ways here"),
                )
                .hint(format!(
                    "write --{name}=VALUE once, and no value that looks like it elsewhere"
                )));
            }
        }
        Ok(())
    }
}

/// Refuses a description that would take what belongs to the host or to the bundled
/// component, or that could not be put into effect.
pub(super) fn check_soundness(
    description: &Description,
    options: &[String],
) -> Result<(), Failure> {
    let bundled = bundled::record()?;
    let secrets = bundled.approved.settings.iter();
    let secrets: Vec<&str> = secrets
        .filter(|setting| setting.secret)
        .map(|setting| setting.name.as_str())
        .collect();
    let taken = Taken {
        secrets: &secrets,
        names: &[&bundled.approved.name],
        options,
        option_of_field: super::args::option_of_field,
    };
    description
        .check_soundness(taken)
        .map_err(|unsound| Failure::new(ExitCode::Component, unsound.to_string()))
}

/// The settings that a component has in common with the bundled one, so that what is set for
/// that one is there for this one too.
pub(super) struct Shared {
    /// Given to it as they are.
    pub(super) given: Vec<String>,
    /// The keys that the host signs its requests with.
    pub(super) signing: Vec<String>,
}

/// What a component has in common with the bundled one, besides what the host sets itself.
pub(super) fn shared_settings(description: &Description) -> Result<Shared, Failure> {
    let bundled = bundled::record()?.approved;
    let names = description.settings.iter().map(|setting| &setting.name);
    let shared = names
        .filter(|name| bundled.setting(name).is_some() && !HOST_SETTINGS.contains(&name.as_str()));
    let (signing, given) = shared.cloned().partition(|name| {
        let Authentication::Sigv4(sigv4) = &description.wire.authentication else {
            return false;
        };
        [
            &sigv4.access_key_id_setting,
            &sigv4.secret_access_key_setting,
            &sigv4.session_token_setting,
        ]
        .contains(&name)
    });
    Ok(Shared { given, signing })
}

/// The value of an option where it was typed; what follows `--` is no option.
fn typed(arguments: &[OsString], name: &str) -> Option<String> {
    let long = format!("--{name}");
    let mut rest = arguments.iter().skip(1).map(|argument| argument.to_str());
    while let Some(argument) = rest.next() {
        let argument = argument.unwrap_or_default();
        if argument == "--" {
            return None;
        }
        if argument == long {
            return rest.next().flatten().map(str::to_owned);
        }
        if let Some(value) = argument
            .strip_prefix(&long)
            .and_then(|tail| tail.strip_prefix('='))
        {
            return Some(value.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(arguments: &[&str], environment: Environment<'_>) -> First {
        let arguments: Vec<OsString> = std::iter::once("connector")
            .chain(arguments.iter().copied())
            .map(OsString::from)
            .collect();
        First::look(&arguments, environment)
    }

    #[test]
    fn the_first_look_finds_what_is_typed_set_or_written_in_this_order() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("other.toml");
        std::fs::write(
            &config,
            "plugin = \"from-file\"\ntenant = \"acme\"\nprotect = [\"a:b\"]\n",
        )
        .unwrap();
        let config = config.to_str().unwrap();
        let set = |name: &str| (name == "CONNECTOR_PLUGIN").then(|| "from-variable".to_owned());
        let nothing = |_: &str| None;
        for (arguments, environment, expected) in [
            (
                &["--config", config][..],
                &nothing as Environment<'_>,
                "from-file",
            ),
            (&["--config", config], &set, "from-variable"),
            (
                &["sync", "--config", config, "--plugin", "typed"],
                &set,
                "typed",
            ),
            (
                &["--plugin=typed", "--", "--plugin", "other"],
                &set,
                "typed",
            ),
            (&["--", "--plugin", "other"], &set, "from-variable"),
        ] {
            let first = look(arguments, environment);
            assert_eq!(first.plugin(), Some(expected), "{arguments:?}");
        }
        assert_eq!(look(&[], &nothing).plugin(), None);
    }

    #[test]
    fn the_records_stand_beside_the_configuration_file_unless_another_place_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("other.toml");
        std::fs::write(&config, "").unwrap();
        let config = config.to_str().unwrap();
        let nothing = |_: &str| None;
        assert_eq!(
            look(&["--config", config], &nothing).trust_path(),
            folder.path().join("connector.trust.json")
        );
        assert_eq!(
            look(&["--config", config, "--trust", "here"], &nothing).trust_path(),
            Path::new("here")
        );
        assert_eq!(
            look(&[], &nothing).trust_path(),
            Path::new("connector.trust.json")
        );
    }

    #[test]
    fn the_bundled_component_is_every_byte_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("component.wasm");
        let choose = |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            let trust = folder.path().join("none.json");
            let arguments = ["--plugin", file.to_str().unwrap(), "--trust"];
            look(
                &[&arguments[..], &[trust.to_str().unwrap()]].concat(),
                &|_| None,
            )
            .choose(&[])
        };
        let same = choose(bundled::COMPONENT).unwrap_or_else(|_| panic!("it is the bundled one"));
        assert!(same.is_bundled);

        // An empty custom section: another file that does exactly the same.
        let mut other = bundled::COMPONENT.to_vec();
        other.extend([0, 2, 1, b'x']);
        for other in [
            other,
            bundled::COMPONENT[..bundled::COMPONENT.len() - 1].to_vec(),
        ] {
            match choose(&other) {
                Err(NotChosen::Stranger(stranger)) => assert_eq!(stranger.bytes, other),
                _ => panic!("other bytes were taken for the bundled component"),
            }
        }
    }
}
