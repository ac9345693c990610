//! From options to a connector that can be asked: settings, credentials, policy, pace.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ArgMatches;

use super::args::{ENDPOINT_SETTING, HOST_SETTINGS};
use super::chosen::Chosen;
use super::credentials;
use super::exit::{ExitCode, Failure, load_failure};
use super::introduction::describe;
use super::layers::Layers;
use super::limits::limits;
use super::rates;
use crate::connector::Connector;
use crate::credentials::{Credentials, CredentialsError};
use crate::egress::audit::{AuditRecord, AuditSink, LogSink};
use crate::egress::origin::{Host, Scheme};
use crate::egress::{Egress, Origin, Policy, transport};
use crate::engine::{Component, Engine};
use crate::limits::clock::SystemClock;
use crate::limits::{Limits, MaxRate};
use crate::provision::journal::Journal;
use crate::settings::Settings;
use crate::store::Connection;
use crate::trust::TrustRecord;
use crate::trust::description::{Authentication, Description, Sigv4};

/// What a command works with.
pub(super) struct Connected {
    pub(super) connector: Connector,
    pub(super) connection: Connection,
    /// The audit file, if one is kept.
    pub(super) journal: Option<Arc<Journal>>,
}

/// Whether changes may be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Changes {
    /// Not at all: the sandbox refuses them.
    Refused,
    /// Those of the call in progress.
    Permitted,
}

/// Sends the records of requests to the log and to the audit file.
struct Both(LogSink, Arc<Journal>);

impl AuditSink for Both {
    fn record(&self, record: &AuditRecord) {
        self.0.record(record);
        self.1.record(record);
    }
}

/// Checked input, before anything is loaded.
struct Input {
    settings: Settings,
    endpoint: Option<Origin>,
    max_rate: MaxRate,
    limits: Limits,
    key: Option<Credentials>,
}

/// Checks all input, loads the component, and makes sure that it is what its trust record
/// says.
pub(super) async fn connect(
    matches: &ArgMatches,
    layers: &Layers<'_>,
    chosen: &Chosen,
    changes: Changes,
) -> Result<Connected, Failure> {
    let record = chosen.record.clone();
    let input = check_input(matches, layers, &record)?;
    let wire = &record.approved.wire;
    let provisioning = changes == Changes::Permitted;
    let policy = Policy::new(wire, input.settings.values(), input.endpoint, provisioning)
        .map_err(|error| Failure::new(ExitCode::Invalid, error.to_string()))?;
    let connection = Connection {
        component: record.approved.name.clone(),
        origin: policy.origin().to_string(),
        settings: input.settings.identifying(),
    };

    let component = load(chosen, layers, input.limits.clone())?;
    let answer = describe(&chosen.label, &component).await?;
    record.check(&answer).map_err(|differs| {
        let failure = Failure::new(ExitCode::PermissionDenied, differs.to_string());
        match chosen.is_bundled {
            true => failure,
            false => failure.hint(format!(
                "if that may be, approve it anew: `connector plugin trust {}`",
                chosen.label
            )),
        }
    })?;

    let of = credentials::For {
        description: &record.approved,
        settings: &input.settings,
        key: input.key,
        policy: &policy,
        provisioning,
    };
    let (keys, proof) = credentials::find(matches, layers, of).await?;
    let clock = Arc::new(SystemClock);
    let account = keys.account().await?;
    let of = rates::For {
        connection: &connection,
        account: account.as_deref(),
        settings: &input.settings,
        max_rate: &input.max_rate,
    };
    let pacer = rates::pacer(matches, chosen, layers, &of, clock.clone())?;
    let journal = journal(matches, layers, &connection)?;
    let sink: Arc<dyn AuditSink> = match &journal {
        Some(journal) => Arc::new(Both(LogSink, journal.clone())),
        None => Arc::new(LogSink),
    };
    let egress = Egress::new(
        policy,
        Arc::new(pacer),
        transport::Parts {
            limits: input.limits,
            ..transport::Parts::system(clock)
        },
        sink,
    )
    .proving(proof);
    Ok(Connected {
        connector: Connector::new(
            component,
            Arc::new(record),
            input.settings,
            keys,
            Arc::new(egress),
        ),
        connection,
        journal,
    })
}

fn journal(
    matches: &ArgMatches,
    layers: &Layers<'_>,
    connection: &Connection,
) -> Result<Option<Arc<Journal>>, Failure> {
    let Some(file) = layers.option(matches, "audit") else {
        return Ok(None);
    };
    if file == "-" {
        return Err(Failure::new(
            ExitCode::Invalid,
            "--audit takes the name of a file, and `-` is none",
        ));
    }
    let path = PathBuf::from(&file);
    let journal = Journal::open(&path, connection, layers.who()).map_err(|error| {
        Failure::new(
            ExitCode::Invalid,
            format!("the audit file {file} can't be written: {error}"),
        )
        .hint("nothing was sent; name another file with --audit")
    })?;
    if journal.is_shared() {
        super::hint(&format!(
            "warning: others may read or write the audit file {file}; `chmod 600` keeps it to \
             yourself"
        ));
    }
    Ok(Some(Arc::new(journal)))
}

/// The checked settings, for what is made of them without a connection.
pub(super) fn settings(
    matches: &ArgMatches,
    layers: &Layers<'_>,
    record: &TrustRecord,
) -> Result<BTreeMap<String, String>, Failure> {
    Ok(check_input(matches, layers, record)?
        .settings
        .values()
        .clone())
}

/// The component, compiled or from the cache: there is a record of it.
pub(super) fn load(
    chosen: &Chosen,
    layers: &Layers<'_>,
    limits: Limits,
) -> Result<Component, Failure> {
    Engine::new(layers.cache_folder().as_deref())?
        .limited(limits)
        .load(&chosen.bytes)
        .map_err(|error| load_failure(&chosen.label, &error))
}

fn check_input(
    matches: &ArgMatches,
    layers: &Layers<'_>,
    record: &TrustRecord,
) -> Result<Input, Failure> {
    let description = &record.approved;
    let mut given = BTreeMap::new();
    for setting in &description.settings {
        if HOST_SETTINGS.contains(&setting.name.as_str()) {
            continue;
        }
        let more: &[String] = if setting.name == ENDPOINT_SETTING {
            &record.endpoint_variables
        } else {
            &[]
        };
        if let Some(value) = layers.setting(matches, &setting.name, more) {
            given.insert(setting.name.clone(), value);
        }
    }
    let (key, supplied) = match &description.wire.authentication {
        Authentication::Sigv4(sigv4) => (
            key(sigv4, &given)?,
            vec![
                sigv4.access_key_id_setting.as_str(),
                sigv4.secret_access_key_setting.as_str(),
                sigv4.session_token_setting.as_str(),
            ],
        ),
        Authentication::None | Authentication::Bearer(_) => (None, Vec::new()),
    };
    let settings = Settings::check(description, given, &supplied)?;
    let endpoint = settings
        .get(ENDPOINT_SETTING)
        .map(Origin::parse)
        .transpose()
        .map_err(|error| {
            Failure::new(
                ExitCode::Invalid,
                format!("setting `{ENDPOINT_SETTING}`: {error}"),
            )
        })?;
    if let Some(origin) = &endpoint
        && origin.scheme() == Scheme::Http
        && let Host::Address(address) = origin.host()
        && !address.is_loopback()
    {
        return Err(Failure::new(
            ExitCode::Invalid,
            format!(
                "setting `{ENDPOINT_SETTING}` is plain http to {address}; only loopback addresses may be reached so"
            ),
        )
        .hint(format!("write https://{}", origin.authority())));
    }
    if endpoint.is_none() {
        for variable in ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"] {
            if layers.is_true(variable) {
                return Err(Failure::new(
                    ExitCode::Invalid,
                    format!("{variable} is true, and which endpoint that means is not known here"),
                )
                .hint(format!(
                    "name it with --{ENDPOINT_SETTING}, or unset the variable"
                )));
            }
        }
    }
    if key.is_some() && layers.option(matches, "profile").is_some() {
        return Err(Failure::new(
            ExitCode::Invalid,
            "--profile is given, and so is an access key, which would be used instead",
        )
        .hint(
            "leave one of them out; keys also come from the environment and from connector.toml",
        ));
    }
    let classes: Vec<&str> = description
        .wire
        .rate_classes
        .iter()
        .map(|class| class.id.as_str())
        .collect();
    let max_rate = layers.option(matches, "max-rate");
    let max_rate = MaxRate::parse(max_rate.as_deref(), &classes)
        .map_err(|error| Failure::new(ExitCode::Invalid, error.to_string()))?;
    Ok(Input {
        settings,
        endpoint,
        max_rate,
        limits: limits(matches, layers)?,
        key,
    })
}

/// The key among the settings; half of one is a mistake and not a reason to look for
/// another key in the chain.
fn key(sigv4: &Sigv4, given: &BTreeMap<String, String>) -> Result<Option<Credentials>, Failure> {
    let (id, secret) = (
        &sigv4.access_key_id_setting,
        &sigv4.secret_access_key_setting,
    );
    let incomplete = |given: &str, missing: &str| {
        Err(CredentialsError::Incomplete {
            given: given.to_owned(),
            missing: missing.to_owned(),
        }
        .into())
    };
    match (given.get(id), given.get(secret)) {
        (None, None) if given.contains_key(&sigv4.session_token_setting) => {
            incomplete(&sigv4.session_token_setting, id)
        }
        (None, None) => Ok(None),
        (Some(_), None) => incomplete(id, secret),
        (None, Some(_)) => incomplete(secret, id),
        (Some(id), Some(secret)) => Ok(Some(Credentials {
            access_key_id: id.clone(),
            secret_access_key: secret.clone(),
            session_token: given.get(&sigv4.session_token_setting).cloned(),
            expires: None,
        })),
    }
}

/// The settings that were given and say which system is meant.
pub(super) fn meant(
    matches: &ArgMatches,
    layers: &Layers<'_>,
    description: &Description,
) -> BTreeMap<String, String> {
    description
        .settings
        .iter()
        .filter(|setting| setting.identifies_system)
        .filter_map(|setting| {
            let value = layers.setting(matches, &setting.name, &[])?;
            Some((setting.name.clone(), value))
        })
        .collect()
}

/// The store's file.
pub(super) fn store_file(matches: &ArgMatches, layers: &Layers<'_>) -> PathBuf {
    PathBuf::from(
        layers
            .option(matches, "store")
            .unwrap_or_else(|| "connector.db".to_owned()),
    )
}
