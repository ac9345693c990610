//! Who shares a pace: the connectors of one user that reach one service with one account.

use std::sync::Arc;

use clap::ArgMatches;

use super::chosen::Chosen;
use super::exit::{ExitCode, Failure};
use super::layers::Layers;
use crate::limits::clock::Clock;
use crate::limits::rate::{FileLedger, Ledger, OwnLedger};
use crate::limits::{MaxRate, Pacer, Paces};
use crate::rate_store::RedisLedger;
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
    matches: &ArgMatches,
    chosen: &Chosen,
    layers: &Layers<'_>,
    of: &For<'_>,
    clock: Arc<dyn Clock>,
) -> Result<Pacer, Failure> {
    let ledger = ledger(matches, layers, of, &clock)?;
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

/// Who keeps the budgets: a server that is named, else a file of the user.
fn ledger(
    matches: &ArgMatches,
    layers: &Layers<'_>,
    of: &For<'_>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Ledger>, Failure> {
    let whose = whose(of);
    if let Some(url) = layers.option(matches, "rate-store") {
        let server = RedisLedger::new(&url, &whose, Arc::clone(clock)).map_err(|error| {
            // The URL may hold a password.
            Failure::new(ExitCode::Invalid, format!("--rate-store: {error}"))
        })?;
        return Ok(Arc::new(server));
    }
    Ok(match layers.state_folder() {
        Some(folder) => {
            let file = folder.join("rates").join(whose).with_extension("json");
            Arc::new(FileLedger::new(file, Arc::clone(clock)))
        }
        None => Arc::new(OwnLedger::new(Arc::clone(clock))),
    })
}

/// What tells the budgets of an account at a service from others, without telling either.
/// Where there is no account, the secrets take its place.
fn whose(of: &For<'_>) -> String {
    let mut whose = vec![of.connection.component.as_str(), &of.connection.origin];
    match of.account {
        Some(account) => whose.push(account),
        None => {
            let names = of.settings.secret_names().iter();
            whose.extend(names.filter_map(|name| of.settings.get(name)));
        }
    }
    let digest = Digest::of(whose.join("\n").as_bytes()).to_string();
    digest.replace(':', "-")
}
