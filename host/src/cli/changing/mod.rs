//! Commands that change something: what was typed becomes a change or a file of changes,
//! everything that can be refused is refused before a connection is made, and what came of
//! it is printed.

mod asked;
mod printer;
mod rows;
mod run;
mod shown;

use clap::ArgMatches;

use super::args::PROTECT;
use super::connect::{self, Changes};
use super::exit::{ExitCode, Failure};
use super::layers::Layers;
use super::question::{Reply, ask};
use super::signals::Signals;
use super::variables::variable;
use super::{Session, progress};
use crate::change::Change;
use crate::contract::Offers;
use crate::model::{NotAResourceId, ResourceId};
use crate::provision::check;
use crate::provision::rules::{DEFAULT_MAX_CHANGES, Rules};
use crate::trust::description::Description;
use asked::Asked;
use run::Run;

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
        let rules = rules(self.matches, &self.layers, &self.component.record.approved)?;
        let asked = self.asked(command)?;
        let description = &self.component.record.approved;
        match &asked {
            Asked::One(change) => {
                check::fits(change, description)?;
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
        let signals = Signals::listen();
        let connected =
            connect::connect(self.matches, &self.layers, &self.component, changes).await?;
        self.audit.keep(connected.journal.as_ref());
        offered(command, connected.connector.component().artifact().offers())?;
        let run = Run {
            connected,
            rules,
            dry_run,
            fail_if_exists,
            format: self.format,
            quiet: self.quiet,
            show_progress: progress::wanted(self.quiet, self.layers.is_set("NO_COLOR")),
            signals,
        };
        match asked {
            Asked::One(change) => run.one(&change).await,
            Asked::Many { file, rows } => run.many(command, &file, rows).await,
        }
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
        let settings = connect::settings(self.matches, &self.layers, &self.component.record)?;
        let identifying = self
            .component
            .record
            .approved
            .settings
            .iter()
            .filter(|setting| setting.identifies_system && setting.required)
            .filter_map(|setting| settings.get(&setting.name));
        let system: Vec<&str> = identifying.map(String::as_str).collect();
        let system = system.join(", ");
        match ask(&format!(
            "delete {what} of {system}? It can't be taken back."
        )) {
            Reply::Yes => Ok(()),
            Reply::No => Err(Failure::new(
                ExitCode::Refused,
                "not confirmed; nothing was changed",
            )),
            Reply::Nobody => Err(Failure::new(
                ExitCode::Refused,
                format!(
                    "deleting {what} of {system} can't be taken back, and nobody can be asked here"
                ),
            )
            .hint("add --yes if that is meant, or --dry-run to look first")),
        }
    }
}

/// The rules of the operator, from the options and the configuration file.
fn rules(
    matches: &ArgMatches,
    layers: &Layers<'_>,
    description: &Description,
) -> Result<Rules, Failure> {
    let max_changes = match layers.option(matches, "max-changes") {
        None => DEFAULT_MAX_CHANGES,
        Some(text) => text.parse().map_err(|_| {
            Failure::new(
                ExitCode::Invalid,
                format!("--max-changes is `{text}`; give a whole number"),
            )
        })?,
    };
    Ok(Rules::new(protected(layers, description)?, max_changes))
}

/// The resources that no command changes. An entry that can't protect anything is an error:
/// whoever wrote it relies on it.
pub(super) fn protected(
    layers: &Layers<'_>,
    description: &Description,
) -> Result<Vec<ResourceId>, Failure> {
    if layers.is_set(&variable(PROTECT)) {
        return Err(Failure::new(
            ExitCode::Invalid,
            format!(
                "{} is set, and `{PROTECT}` only stands in the configuration file, as a list",
                variable(PROTECT)
            ),
        ));
    }
    let wrong = |why: String| {
        Failure::new(
            ExitCode::Invalid,
            format!("`{PROTECT}` in the configuration: {why}"),
        )
    };
    let Some(entries) = layers.list(PROTECT) else {
        return Err(wrong(
            "it is a list, for example [\"user:break-glass\", \"group:admins\"]".to_owned(),
        ));
    };
    entries
        .iter()
        .map(|text| {
            let id: ResourceId = text
                .parse()
                .map_err(|error: NotAResourceId| wrong(error.to_string()))?;
            check::kind(&id.kind, description).map_err(|misfit| wrong(misfit.to_string()))?;
            Ok(id)
        })
        .collect()
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
