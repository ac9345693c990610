//! Commands that print documents for other programs: `capabilities`, `config-schema` and
//! `iam-policy`. They are JSON whatever `--output` says: nobody reads them as a table.

use std::io::{self, BufWriter};

use serde_json::Value;

use super::args::HOST_SETTINGS;
use super::connect::{self, Changes};
use super::exit::{ExitCode, Failure};
use super::limits::limits;
use super::{Session, hint, printed};
use crate::documents::{self, HostOption, HostOptions, PolicyError};
use crate::engine::{Answer, Request};
use crate::export::{self, Format};

impl Session<'_> {
    /// What the component can do, by its exports.
    pub(super) fn capabilities(self) -> Result<(), Failure> {
        let limits = limits(self.matches, &self.layers)?;
        let component = connect::load(&self.component, &self.layers, limits)?;
        let offers = component.artifact().offers();
        print(
            self.format,
            &documents::capabilities(&self.component.record.approved, offers),
        )
    }

    /// The settings of the connector.
    pub(super) fn config_schema(self) -> Result<(), Failure> {
        let operational = [HostOption {
            name: "log-level",
            help: "What is logged to standard error: off, error, warn, info, debug or trace",
            default_value: Some(super::DEFAULT_LOG_LEVEL),
        }];
        let host = HostOptions {
            operational: &operational,
            decided_by_host: HOST_SETTINGS,
        };
        print(
            self.format,
            &documents::config_schema(&self.component.record.approved, host),
        )
    }

    /// The least policy for the system that the settings name.
    pub(super) async fn iam_policy(self) -> Result<(), Failure> {
        let read_only = self.layers.switch(self.matches, "read-only")?;
        let account_id = self.layers.option(self.matches, "account-id");
        let settings = connect::settings(self.matches, &self.layers, &self.component.record)?;
        let description = self.component.record.approved.clone();
        let policy = |resource_name: Option<&str>| {
            documents::iam_policy(
                &description,
                &settings,
                resource_name,
                account_id.as_deref(),
                read_only,
            )
            .map_err(|error| match error {
                PolicyError::NotOfIam { .. } => Failure::new(ExitCode::Lacking, error.to_string()),
                _ => Failure::new(ExitCode::Invalid, error.to_string()),
            })
        };
        // What is wrong anyway is told before anybody is asked.
        let offline = policy(None)?;
        let format = self.format;
        let (policy, unasked) = match &account_id {
            Some(_) => (offline, None),
            None => match resource_name(self).await {
                Ok(name) => (policy(name.as_deref())?, None),
                Err(failure) => (offline, Some(failure)),
            },
        };
        for note in &policy.notes {
            hint(&format!("note: {note}"));
        }
        if let Some(failure) = unasked {
            hint(&format!(
                "note: the system was asked for the account and did not tell: {}",
                failure.message
            ));
        }
        print(format, &policy.document)
    }
}

/// What the system says that permissions are granted on.
async fn resource_name(session: Session<'_>) -> Result<Option<String>, Failure> {
    let connected = connect::connect(
        session.matches,
        &session.layers,
        &session.component,
        Changes::Refused,
    )
    .await?;
    match connected.connector.call(&Request::System).await? {
        Answer::System(facts) => Ok(facts.resource_name),
        _ => Ok(None),
    }
}

fn print(format: Format, document: &Value) -> Result<(), Failure> {
    let format = match format {
        Format::Jsonl => Format::Jsonl,
        Format::Json | Format::Table | Format::Csv => Format::Json,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    printed(
        export::object(&mut out, format, document),
        |never| match never {},
    )
}
