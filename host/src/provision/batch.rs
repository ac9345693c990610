//! Many changes from a file, several at a time.
//!
//! Rows that concern the same account stay in their order, because the second may build on
//! the first; all others run side by side, so that the pace is set by the quotas and not by
//! the latency. A row that fails is told and the others go on. What would make every
//! further row fail (rejected credentials, an audit file that can't be written) ends the
//! run instead.

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::rows::{Row, RowError};
use super::{Done, ProvisionError, Provisioner};
use crate::change::Change;
use crate::connector::{Connector, ConnectorError};
use crate::engine::{CallError, ErrorCode};
use crate::model::AttributeValue;
use crate::trust::description::Description;

/// Changes that are under way at a time. A change takes three to six requests one after
/// the other; with a latency of 100 ms eight of them use up the half of Cognito's quota
/// for changes (12 a second) that is taken.
const LANES: usize = 8;

/// What became of a row.
#[derive(Debug)]
pub struct RowResult {
    /// The number of the row, from 1.
    pub row: u64,
    /// The change, if the row could be read.
    pub change: Option<Change>,
    /// What became of it.
    pub result: Result<Done, RowFailure>,
}

/// Why a row was not done.
#[derive(Debug, thiserror::Error)]
pub enum RowFailure {
    /// It can't be read.
    #[error(transparent)]
    Unreadable(#[from] RowError),
    /// The change failed.
    #[error(transparent)]
    Failed(#[from] Box<ProvisionError>),
    /// The run ended before its turn.
    #[error("not tried, because the run ended before")]
    NotTried,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every row was tried.
    Complete,
    /// Somebody asked for the end.
    Interrupted,
    /// Every further row would have failed like the last one.
    Hopeless,
}

/// Carries out rows; `each` gets what became of them in the order of the file. When `stop`
/// is ready the changes under way are finished and no further one is begun.
pub async fn run(
    connector: &Connector,
    provisioner: Provisioner<'_>,
    rows: Vec<Row>,
    stop: impl Future<Output = ()>,
    mut each: impl FnMut(RowResult),
) -> End {
    let interrupted = AtomicBool::new(false);
    let hopeless = AtomicBool::new(false);
    let (results, mut arriving) = mpsc::unbounded_channel();
    let lanes: FuturesUnordered<_> = lanes(rows, connector.description())
        .into_iter()
        .map(|rows| {
            let results = results.clone();
            let (interrupted, hopeless) = (&interrupted, &hopeless);
            async move {
                let mut conversation = connector.conversation().patient();
                for row in rows {
                    let change = row.change.as_ref().ok().cloned();
                    let over =
                        || interrupted.load(Ordering::Relaxed) || hopeless.load(Ordering::Relaxed);
                    let result = match row.change {
                        Err(error) => Err(error.into()),
                        Ok(_) if over() => Err(RowFailure::NotTried),
                        Ok(change) => provisioner
                            .carry_out(&mut conversation, row.number, &change)
                            .await
                            .map_err(|error| {
                                if is_hopeless(&error) {
                                    hopeless.store(true, Ordering::Relaxed);
                                }
                                RowFailure::Failed(Box::new(error))
                            }),
                    };
                    // The receiver lives as long as the lanes do.
                    let _ = results.send(RowResult {
                        row: row.number,
                        change,
                        result,
                    });
                }
            }
        })
        .collect();
    drop(results);

    let work = lanes.collect::<()>();
    let mut work = std::pin::pin!(work);
    let mut stop = std::pin::pin!(stop);
    let mut working = true;
    let mut waiting = BTreeMap::new();
    let mut next = 1;
    loop {
        tokio::select! {
            () = &mut work, if working => working = false,
            () = &mut stop, if !interrupted.load(Ordering::Relaxed) => {
                interrupted.store(true, Ordering::Relaxed);
            }
            result = arriving.recv() => match result {
                None => break,
                Some(result) => {
                    waiting.insert(result.row, result);
                    while let Some(result) = waiting.remove(&next) {
                        each(result);
                        next += 1;
                    }
                }
            },
        }
    }
    let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    match (is_set(&hopeless), is_set(&interrupted)) {
        (true, _) => End::Hopeless,
        (false, true) => End::Interrupted,
        (false, false) => End::Complete,
    }
}

/// Rows dealt out so that those of one account are in one lane.
fn lanes(rows: Vec<Row>, description: &Description) -> Vec<Vec<Row>> {
    let mut lanes: Vec<Vec<Row>> = Vec::new();
    lanes.resize_with(LANES, Vec::new);
    for row in rows {
        let mut hasher = DefaultHasher::new();
        concerns(&row, description).hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default();
        if let Some(lane) = lanes.get_mut(lane) {
            lane.push(row);
        }
    }
    lanes.retain(|lane| !lane.is_empty());
    lanes
}

/// What rows that must stay in their order have in common. Names that differ in case only
/// may be one account.
fn concerns(row: &Row, description: &Description) -> String {
    let Ok(change) = &row.change else {
        return row.number.to_string();
    };
    let name = match change {
        Change::CreateAccount { fields, .. } => ["username", "email"].iter().find_map(|wanted| {
            fields.iter().find_map(|(name, value)| match value {
                AttributeValue::Text(text) if name == wanted => Some(text.clone()),
                _ => None,
            })
        }),
        other => other.account(description).map(|id| id.id),
    };
    name.unwrap_or_else(|| row.number.to_string())
        .to_lowercase()
}

/// Whether every further change would fail in the same way.
fn is_hopeless(error: &ProvisionError) -> bool {
    match error {
        ProvisionError::Unwritten { .. } => true,
        ProvisionError::Failed(ConnectorError::Credentials(_)) => true,
        ProvisionError::Failed(
            ConnectorError::Call(CallError::NotOffered { .. })
            | ConnectorError::Persistent {
                source: CallError::NotOffered { .. },
                ..
            },
        ) => true,
        ProvisionError::Failed(error) => error
            .reported()
            .is_some_and(|reported| reported.code == ErrorCode::Unauthenticated),
        _ => false,
    }
}
