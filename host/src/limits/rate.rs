//! The pace of requests: how far apart they are, so that a service is never asked faster
//! than its operator allows and, once that is known, no faster than it answers.
//!
//! Requests of a class are evenly spaced. A burst would be spent on the first pages of a
//! sync and then be throttled, and it would take the quota from the account's other users
//! for a moment. A class can have several limits: what its operations share, what each
//! operation has for itself, and what each resource has that is asked about; all of them
//! hold. How fast that is changes with what the service refuses ([`budget`]), between what
//! a class starts with and its ceiling, but for single resources (`resources`).
//!
//! Waiting is first come, first served, is bounded by the call's deadline, and is refused
//! at once when the deadline cannot be met. The kind of endpoint plays no part: only the
//! operator switches pacing off.
//!
//! A pacer belongs to one system reached with one account. Its budgets may be shared with
//! other processes ([`ledger`]).

pub mod budget;
mod lane;
pub mod ledger;
mod queue;
mod resources;
mod shared_file;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::budget::Bounds;
use self::lane::{Lane, Turn};
pub use self::ledger::{Ledger, OwnLedger};
use self::resources::{Resource, Resources};
pub use self::shared_file::FileLedger;
use super::clock::Clock;
use super::setting::{MaxRate, RateSetting};
use crate::trust::description::{Access, RateClass, RateLimit, RateScope, Wire};
use crate::trust::text::shown;

/// The part of a documented limit that is used without being asked: the limit belongs to
/// the whole account, whose own applications need the rest.
pub(super) const SHARE: f64 = 0.5;

/// A permit to send one request. What the service makes of it is told to
/// [`Pacer::throttled`].
#[derive(Debug)]
pub struct Permit {
    /// How long it was waited for.
    pub waited: Duration,
    /// The first limit with a budget that it is counted against, and the turn there.
    turn: Option<(Arc<Lane>, Turn)>,
}

/// No permit was given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RateError {
    /// The wait would outlast the deadline.
    #[error(
        "the pace of {rate} for {class}{} leaves no room within the deadline: the next request \
         could go in {wait:.1?}, and only {left:.1?} are left{}",
        about_each(.each.as_deref()),
        hint(.class, .each.as_deref())
    )]
    Deadline {
        /// The rate class.
        class: String,
        /// The member that tells the resource, if the pace is that of each resource.
        each: Option<String>,
        /// The pace.
        rate: RateSetting,
        /// How long the wait would have been.
        wait: Duration,
        /// How much time there was.
        left: Duration,
    },
    /// The operation has no class: the record is inconsistent.
    #[error("operation {operation} has no rate class in the component's trust record")]
    NoClass {
        /// The operation.
        operation: String,
    },
}

/// What the account's quota allows makes no difference to a single resource.
fn hint(class: &str, member: Option<&str>) -> String {
    match member {
        Some(_) => String::new(),
        None => format!(" (hint: --max-rate {class}=RPS if the account's quota allows it)"),
    }
}

fn about_each(member: Option<&str>) -> String {
    member.map_or_else(String::new, |member| {
        format!(" about each {}", shown(member))
    })
}

/// A trust record or a pace table that contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaceError {
    /// An operation names a class that is not there.
    #[error("operation {operation} is of rate class '{class}', which the trust record lacks")]
    UnknownClass {
        /// The operation.
        operation: String,
        /// Its class.
        class: String,
    },
    /// A starting pace is no positive number.
    #[error("the starting pace of rate class '{0}' is not a number greater than 0")]
    Pace(String),
}

/// The paces of a trust record, in requests per second by rate class.
#[derive(Clone, Copy, Debug)]
pub enum Paces<'a> {
    /// What classes start with. They may climb to half of what the service documents.
    Start(&'a BTreeMap<String, f64>),
    /// What classes never exceed unless the operator says so.
    Ceiling(&'a BTreeMap<String, f64>),
}

impl Paces<'_> {
    /// The pace of a class, if it has one.
    pub fn of(&self, class: &str) -> Option<f64> {
        let (Self::Start(paces) | Self::Ceiling(paces)) = self;
        paces.get(class).copied()
    }
}

/// How fast a class may be.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRate {
    /// The class.
    pub class: String,
    /// All its operations together; `None`: without pace.
    pub bounds: Option<Bounds>,
    /// Each operation for itself, where the system has such a limit.
    pub per_operation: Option<Bounds>,
    /// Each resource for itself, in requests per second by the member that tells it, where
    /// the system has such a limit.
    pub per_resource: BTreeMap<String, f64>,
}

/// Gives permits to send, in the pace of the operation's class.
pub struct Pacer {
    clock: Arc<dyn Clock>,
    classes: BTreeMap<String, ClassRate>,
    shared: HashMap<String, Arc<Lane>>,
    operations: HashMap<String, OperationLanes>,
    resources: Resources,
}

/// The class of an operation and what a request goes through, the specific one first: a
/// request that waits for its own resource or operation must not hold up the others.
struct OperationLanes {
    class: String,
    access: Access,
    per_resource: BTreeMap<String, f64>,
    lanes: Vec<Arc<Lane>>,
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer")
            .field("classes", &self.classes)
            .finish_non_exhaustive()
    }
}

impl Pacer {
    /// A pacer for the operations of a trust record that shares its budgets with nobody.
    ///
    /// # Errors
    ///
    /// As [`Pacer::sharing`].
    pub fn new(
        wire: &Wire,
        paces: Paces<'_>,
        max_rate: &MaxRate,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PaceError> {
        let own: Arc<dyn Ledger> = Arc::new(OwnLedger::new(Arc::clone(&clock)));
        Self::sharing(&own, "", wire, paces, max_rate, clock)
    }

    /// A pacer for the operations of a trust record, with the budgets of a ledger.
    ///
    /// A class starts at its pace if the table has one, else at half of its documented
    /// limit, and climbs to that half at most; `max_rate` replaces the ceiling. The rate is
    /// that of the class; limits of single operations keep the proportion to it that they
    /// have in the record. Half of the limit of a single resource is used, and up to all of
    /// it where `max_rate` gives the class as much of its own. `system` tells apart the
    /// systems whose budgets are in one ledger.
    ///
    /// # Errors
    ///
    /// A record that contradicts itself.
    pub fn sharing(
        ledger: &Arc<dyn Ledger>,
        system: &str,
        wire: &Wire,
        paces: Paces<'_>,
        max_rate: &MaxRate,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PaceError> {
        let mut classes = BTreeMap::new();
        for class in &wire.rate_classes {
            if paces
                .of(&class.id)
                .is_some_and(|rate| !(rate.is_finite() && rate > 0.0))
            {
                return Err(PaceError::Pace(class.id.clone()));
            }
            classes.insert(class.id.clone(), class_rate(class, &paces, max_rate));
        }
        let shared: HashMap<String, Arc<Lane>> = classes
            .values()
            .filter_map(|class| {
                let lane = Lane::new(class.class.clone(), class.bounds?, ledger.clone());
                Some((class.class.clone(), Arc::new(lane)))
            })
            .collect();
        let mut operations = HashMap::new();
        for operation in &wire.operations {
            let class =
                classes
                    .get(&operation.rate_class)
                    .ok_or_else(|| PaceError::UnknownClass {
                        operation: operation.name.clone(),
                        class: operation.rate_class.clone(),
                    })?;
            let own = class.per_operation.map(|bounds| {
                let name = format!("{} of {system}", operation.name);
                Arc::new(Lane::new(name, bounds, ledger.clone()))
            });
            let lanes = own.into_iter().chain(shared.get(&class.class).cloned());
            operations.insert(
                operation.name.clone(),
                OperationLanes {
                    class: class.class.clone(),
                    access: operation.access,
                    per_resource: class.per_resource.clone(),
                    lanes: lanes.collect(),
                },
            );
        }
        Ok(Self {
            clock,
            classes,
            shared,
            operations,
            resources: Resources::default(),
        })
    }

    /// Waits for a permit to send an operation whose members have these values, as far as
    /// they are fixed, until a deadline at most. Dropping the future gives the place in the
    /// queue back.
    pub async fn acquire(
        &self,
        operation: &str,
        fixed: &[(String, String)],
        deadline: Instant,
    ) -> Result<Permit, RateError> {
        let operation = self
            .operations
            .get(operation)
            .ok_or_else(|| RateError::NoClass {
                operation: operation.to_owned(),
            })?;
        let clock = &*self.clock;
        let start = clock.now();
        let too_late = |each: Option<&String>, rate, wait| RateError::Deadline {
            class: operation.class.clone(),
            each: each.cloned(),
            rate: RateSetting::PerSecond(rate),
            wait,
            left: deadline.saturating_duration_since(clock.now()),
        };
        let mut turns = Vec::new();
        // In one order, whatever that of the request, so that no two wait for each other.
        for (member, &rate) in &operation.per_resource {
            let Some((_, value)) = fixed.iter().find(|(name, _)| name == member) else {
                continue;
            };
            let resource = Resource {
                access: operation.access,
                member,
                value,
            };
            let turn = self.resources.turn(&resource, rate, clock, deadline).await;
            turns.push(turn.map_err(|wait| too_late(Some(member), rate, wait))?);
        }
        let mut turn = None;
        for lane in &operation.lanes {
            let passed = lane.pass(clock, deadline).await;
            let passed = passed.map_err(|wait| too_late(None, lane.rate(), wait))?;
            turn.get_or_insert((Arc::clone(lane), passed));
        }
        let now = clock.now();
        turns.into_iter().for_each(|turn| turn.used(now));
        Ok(Permit {
            waited: now.saturating_duration_since(start),
            turn,
        })
    }

    /// The service throttled the request that had this permit: the pace falls. Where an
    /// operation has a limit of its own it is that one, since it is the lower one. It is
    /// never that of a resource: the answer does not tell which limit was met, and hardly
    /// any resource is asked about often enough to meet its own.
    pub async fn throttled(&self, permit: &Permit) {
        if let Some((lane, turn)) = &permit.turn {
            lane.throttled(turn).await;
        }
    }

    /// The bounds of every class, in the order of their names.
    pub fn classes(&self) -> impl Iterator<Item = &ClassRate> {
        self.classes.values()
    }

    /// How many requests wait for a permit of a class.
    pub fn waiting(&self, class: &str) -> u32 {
        self.shared.get(class).map_or(0, |lane| lane.waiting())
    }

    /// The pace of a class of late, in requests per second; `None`: without pace.
    pub fn rate(&self, class: &str) -> Option<f64> {
        self.shared.get(class).map(|lane| lane.rate())
    }
}

/// How fast a class, and each of its operations and resources for itself, may be; `None`
/// or nothing: without pace.
fn class_rate(class: &RateClass, paces: &Paces<'_>, max_rate: &MaxRate) -> ClassRate {
    let account = class.lowest(&RateScope::Account);
    let operation = class.lowest(&RateScope::SystemOperation);
    let documented = account.or(operation);
    let share = documented.map(|table| table * SHARE);
    let pace = paces.of(&class.id);
    let usual = pace.or(share).map(|start| Bounds {
        start,
        ceiling: match paces {
            Paces::Start(_) => share.map_or(start, |share| share.max(start)),
            Paces::Ceiling(_) => start,
        },
    });
    let told = max_rate.of(&class.id);
    let bounds = match told {
        Some(RateSetting::Unlimited) => None,
        // What the service documents may be asked for at once; beyond it nobody knows.
        Some(RateSetting::PerSecond(told)) => Some(Bounds {
            start: match (documented, usual) {
                (Some(table), Some(usual)) if told > table => usual.start,
                _ => told,
            },
            ceiling: told,
        }),
        None => usual,
    };
    let proportional = |table: f64| {
        let (bounds, documented) = (bounds?, documented?);
        Some(Bounds {
            start: bounds.start * table / documented,
            ceiling: bounds.ceiling * table / documented,
        })
    };
    // A class that is slowed down need not ask about each resource more seldom, and a quota
    // that was raised for an account leaves the limit of each resource where it is.
    let part = match (told, documented) {
        (Some(RateSetting::Unlimited), _) => None,
        (Some(RateSetting::PerSecond(told)), Some(table)) => Some((told / table).clamp(SHARE, 1.0)),
        (Some(RateSetting::PerSecond(_)), None) | (None, _) => Some(SHARE),
    };
    let each_resource = |limit: &RateLimit| match &limit.scope {
        RateScope::Resource(member) => Some((member.clone(), class.lowest(&limit.scope)? * part?)),
        RateScope::Account | RateScope::SystemOperation => None,
    };
    ClassRate {
        class: class.id.clone(),
        // A class with nothing but limits per operation has no limit over all of them,
        // unless somebody gives it one.
        bounds: bounds.filter(|_| account.is_some() || pace.is_some() || told.is_some()),
        per_operation: operation.and_then(proportional),
        per_resource: class.limits.iter().filter_map(each_resource).collect(),
    }
}

#[cfg(test)]
mod tests;
