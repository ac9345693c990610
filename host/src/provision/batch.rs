//! Many changes from a file, several at a time.
//!
//! Rows that concern the same account stay in their order, because the second may build on
//! the first; all others run side by side, so that the pace is set by the quotas and not by
//! the latency. A row that fails is told and the others go on. What would make every
//! further row fail (rejected credentials, a service that is away, an audit file that can't
//! be written) ends the run instead.

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::rows::{Row, RowError};
use super::{Done, ProvisionError, Provisioner};
use crate::change::Change;
use crate::connector::{Connector, ConnectorError};
use crate::engine::{CallError, ErrorCode};
use crate::trust::description::Description;

/// Changes that are under way at a time. A change takes three to six requests one after
/// the other; with a latency of 100 ms eight of them use up the half of Cognito's quota
/// for changes (12 a second) that is taken.
const LANES: usize = 8;

/// Rows in a row that find the service away before the run ends. Each look has been tried
/// ten times within a minute, and each change three times, so this is an outage.
const UNAVAILABLE_ROWS: u32 = 5;

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
    /// The run was cut off in the middle of it.
    #[error("cut off while it was under way; whether it took effect is not known")]
    CutOff,
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
/// is ready for the first time, the changes under way are finished and no further one is
/// begun; at the second time they are cut off.
pub async fn run<S: Future<Output = ()>>(
    connector: &Connector,
    provisioner: Provisioner<'_>,
    rows: Vec<Row>,
    mut stop: impl FnMut() -> S,
    mut each: impl FnMut(RowResult),
) -> End {
    let shared = Shared::new(connector, provisioner, &rows);
    let (results, mut arriving) = mpsc::unbounded_channel();
    let lanes: FuturesUnordered<_> = lanes(rows, connector.description())
        .into_iter()
        .map(|rows| shared.lane(rows, results.clone()))
        .collect();
    drop(results);

    let mut waiting = BTreeMap::new();
    let mut next = 1;
    let mut told = |result: RowResult| {
        waiting.insert(result.row, result);
        while let Some(result) = waiting.remove(&next) {
            each(result);
            next += 1;
        }
    };
    let mut is_interrupted = false;
    {
        let mut work = std::pin::pin!(lanes.collect::<()>());
        let mut asked = std::pin::pin!(stop());
        let mut is_working = true;
        loop {
            tokio::select! {
                () = &mut work, if is_working => is_working = false,
                () = &mut asked => {
                    if is_interrupted {
                        break;
                    }
                    is_interrupted = true;
                    provisioner.stop.ask();
                    asked.set(stop());
                }
                result = arriving.recv() => match result {
                    None => break,
                    Some(result) => told(result),
                },
            }
        }
    }
    while let Ok(result) = arriving.try_recv() {
        told(result);
    }
    for (row, left) in std::mem::take(&mut *shared.left()) {
        told(RowResult {
            row,
            change: left.change,
            result: Err(match left.is_sent.load(Ordering::SeqCst) {
                true => RowFailure::CutOff,
                false => RowFailure::NotTried,
            }),
        });
    }
    match (shared.outlook.is_hopeless(), is_interrupted) {
        (true, _) => End::Hopeless,
        (false, true) => End::Interrupted,
        (false, false) => End::Complete,
    }
}

/// A row that is not done yet.
struct Left {
    change: Option<Change>,
    is_sent: Arc<AtomicBool>,
}

/// What the lanes of a run share.
struct Shared<'a> {
    connector: &'a Connector,
    provisioner: Provisioner<'a>,
    left: Mutex<BTreeMap<u64, Left>>,
    outlook: Outlook,
}

impl<'a> Shared<'a> {
    fn new(connector: &'a Connector, provisioner: Provisioner<'a>, rows: &[Row]) -> Self {
        let left = rows.iter().map(|row| {
            let left = Left {
                change: row.change.as_ref().ok().cloned(),
                is_sent: Arc::default(),
            };
            (row.number, left)
        });
        Self {
            connector,
            provisioner,
            left: Mutex::new(left.collect()),
            outlook: Outlook::default(),
        }
    }

    fn left(&self) -> MutexGuard<'_, BTreeMap<u64, Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.outlook.is_hopeless() || self.provisioner.stop.is_asked()
    }

    async fn lane(&self, rows: Vec<Row>, results: mpsc::UnboundedSender<RowResult>) {
        let mut conversation = self.connector.conversation().patient();
        for row in rows {
            let change = row.change.as_ref().ok().cloned();
            let result = match row.change {
                Err(error) => Err(error.into()),
                Ok(_) if self.is_over() => Err(RowFailure::NotTried),
                Ok(change) => {
                    let is_sent = self
                        .left()
                        .get(&row.number)
                        .map(|left| left.is_sent.clone());
                    let is_sent = is_sent.unwrap_or_default();
                    let made = self
                        .provisioner
                        .carry_out(&mut conversation, row.number, &change, &is_sent)
                        .await;
                    self.outlook.learn(&made);
                    match made {
                        Err(ProvisionError::Interrupted) => Err(RowFailure::NotTried),
                        made => made.map_err(|error| RowFailure::Failed(Box::new(error))),
                    }
                }
            };
            self.left().remove(&row.number);
            // The receiver lives as long as the lanes do.
            let _ = results.send(RowResult {
                row: row.number,
                change,
                result,
            });
        }
    }
}

/// What the rows so far say about the next ones.
#[derive(Default)]
struct Outlook {
    is_hopeless: AtomicBool,
    unavailable: AtomicU32,
}

impl Outlook {
    fn is_hopeless(&self) -> bool {
        self.is_hopeless.load(Ordering::Relaxed)
    }

    fn learn(&self, made: &Result<Done, ProvisionError>) {
        let in_a_row = if made.as_ref().is_err_and(is_unavailable) {
            self.unavailable.fetch_add(1, Ordering::Relaxed) + 1
        } else {
            self.unavailable.store(0, Ordering::Relaxed);
            0
        };
        if in_a_row >= UNAVAILABLE_ROWS || made.as_ref().is_err_and(is_hopeless) {
            self.is_hopeless.store(true, Ordering::Relaxed);
        }
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
    let change = row.change.as_ref().ok();
    change
        .and_then(|change| change.concerns(description))
        .map_or_else(|| row.number.to_string(), |id| id.id.to_lowercase())
}

/// Whether every further change would fail in the same way.
fn is_hopeless(error: &ProvisionError) -> bool {
    match error {
        ProvisionError::Unwritten { .. } => true,
        ProvisionError::Failed(ConnectorError::Credentials(error)) => !error.is_away(),
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

/// Whether the service, or the way to it, is away.
fn is_unavailable(error: &ProvisionError) -> bool {
    match error {
        ProvisionError::WithoutEffect { .. } | ProvisionError::Unknown { .. } => true,
        ProvisionError::Failed(ConnectorError::Credentials(error)) if error.is_away() => true,
        ProvisionError::Failed(
            ConnectorError::Call(CallError::TimedOut { .. })
            | ConnectorError::Persistent {
                source: CallError::TimedOut { .. },
                ..
            },
        ) => true,
        ProvisionError::Failed(error) => error.reported().is_some_and(|reported| {
            matches!(
                reported.code,
                ErrorCode::Unavailable | ErrorCode::DeadlineExceeded
            )
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{Outcome, State};
    use crate::engine::Reported;
    use crate::model::Attributes;

    fn failed(code: ErrorCode) -> Result<Done, ProvisionError> {
        let reported = Reported {
            code,
            message: "it failed".to_owned(),
            retryable: false,
            retry_after: None,
            operation: None,
            request_id: None,
        };
        let error = ConnectorError::from(CallError::from(reported));
        Err(ProvisionError::Failed(error))
    }

    fn done() -> Result<Done, ProvisionError> {
        Ok(Done {
            outcome: Outcome::Granted,
            dry_run: false,
            account: None,
            before: State::Membership { held: false },
            after: None,
            results: Attributes::default(),
            warnings: Vec::new(),
        })
    }

    fn is_hopeless(rows: impl IntoIterator<Item = Result<Done, ProvisionError>>) -> bool {
        let outlook = Outlook::default();
        for row in rows {
            outlook.learn(&row);
        }
        outlook.is_hopeless()
    }

    #[test]
    fn rejected_credentials_and_an_outage_end_a_run() {
        assert!(is_hopeless([failed(ErrorCode::Unauthenticated)]));
        let away = || failed(ErrorCode::Unavailable);
        assert!(!is_hopeless((1..UNAVAILABLE_ROWS).map(|_| away())));
        assert!(is_hopeless((0..UNAVAILABLE_ROWS).map(|_| away())));
        let lost = || {
            let Err(ProvisionError::Failed(source)) = failed(ErrorCode::OutcomeUnknown) else {
                panic!("it failed");
            };
            Err(ProvisionError::WithoutEffect { source })
        };
        assert!(is_hopeless((0..UNAVAILABLE_ROWS).map(|_| lost())));
    }

    #[test]
    fn rows_that_fail_by_themselves_do_not() {
        let rows = || (0..100).map(|_| failed(ErrorCode::NotFound));
        assert!(!is_hopeless(rows()));
        let away = |count| (0..count).map(|_| failed(ErrorCode::Unavailable));
        let few = UNAVAILABLE_ROWS - 1;
        assert!(!is_hopeless(away(few).chain([done()]).chain(away(few))));
    }

    #[test]
    fn rows_of_one_account_are_in_one_lane_in_their_order() {
        let description = crate::trust::TrustRecord::bundled().unwrap().approved;
        let rows = (1..=100).map(|number| Row {
            number,
            change: Ok(Change::DeleteAccount {
                account: crate::model::ResourceId::new(
                    "user",
                    ["Alice", "alice", "bob", "carol"][number as usize % 4],
                ),
            }),
        });
        let lanes = lanes(rows.collect(), &description);
        assert!(
            lanes.len() <= 3,
            "two spellings of one name are one account"
        );
        for lane in lanes {
            assert!(lane.is_sorted_by_key(|row| row.number));
        }
    }
}
