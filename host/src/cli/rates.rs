//! Who shares a pace: the connectors of one user that reach one service with one account.

use std::path::PathBuf;
use std::sync::Arc;

use super::chosen::Chosen;
use super::exit::{ExitCode, Failure};
use super::layers::Layers;
use crate::limits::clock::Clock;
use crate::limits::rate::{FileLedger, Ledger, OwnLedger};
use crate::limits::{MaxRate, Pacer, Paces};
use crate::settings::Settings;
use crate::store::Connection;
use crate::trust::Digest;

/// Whose pace is wanted.
pub(super) struct For<'a> {
    pub(super) connection: &'a Connection,
    pub(super) account: Option<&'a str>,
    pub(super) settings: &'a Settings,
    pub(super) max_rate: &'a MaxRate,
}

/// The pacer of a connection.
pub(super) fn pacer(
    chosen: &Chosen,
    layers: &Layers<'_>,
    of: &For<'_>,
    clock: Arc<dyn Clock>,
) -> Result<Pacer, Failure> {
    let ledger: Arc<dyn Ledger> = match file(layers, of) {
        Some(file) => Arc::new(FileLedger::new(file, Arc::clone(&clock))),
        None => Arc::new(OwnLedger::new(Arc::clone(&clock))),
    };
    let record = &chosen.record;
    let paces = match chosen.is_bundled {
        true => Paces::Start(&record.pace),
        false => Paces::Ceiling(&record.pace),
    };
    let system: Vec<&str> = of
        .connection
        .settings
        .values()
        .map(String::as_str)
        .collect();
    let system = system.join(" ");
    let wire = &record.approved.wire;
    Pacer::sharing(&ledger, &system, wire, paces, of.max_rate, clock).map_err(|error| {
        Failure::new(
            ExitCode::Component,
            format!("the trust record is inconsistent: {error}"),
        )
    })
}

/// The file of the budgets that belong to an account at a service. Its name tells neither:
/// where there is no account, the secrets take its place.
fn file(layers: &Layers<'_>, of: &For<'_>) -> Option<PathBuf> {
    let mut whose = vec![of.connection.component.as_str(), &of.connection.origin];
    match of.account {
        Some(account) => whose.push(account),
        None => {
            let names = of.settings.secret_names().iter();
            whose.extend(names.filter_map(|name| of.settings.get(name)));
        }
    }
    let name = Digest::of(whose.join("\n").as_bytes()).to_string();
    let name = name.replace(':', "-");
    Some(
        layers
            .state_folder()?
            .join("rates")
            .join(name)
            .with_extension("json"),
    )
}
