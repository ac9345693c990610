//! One contract call as the wire sees it: what it may send, until when, and what it sent.
//!
//! What an instance says of its own call is not believed where it matters; this is what the
//! host saw.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::EgressError;
use super::policy::Call;
use super::signing::Remedies;

/// The contract call in progress: what it may send, until when, and what became of it.
#[derive(Clone, Debug)]
pub struct CallScope {
    pub(super) call: Arc<Call>,
    pub(super) deadline: Instant,
    report: Arc<Mutex<CallReport>>,
    over: Arc<AtomicBool>,
    pub(super) remedies: Arc<Remedies>,
}

impl CallScope {
    /// The scope of a call that must end at an instant.
    pub fn new(call: Call, deadline: Instant) -> Self {
        Self {
            call: Arc::new(call),
            deadline,
            report: Arc::default(),
            over: Arc::default(),
            remedies: Arc::default(),
        }
    }

    /// The call has ended: what still waits for its turn is not sent any more.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// What happened on the wire so far.
    pub fn report(&self) -> CallReport {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, CallReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happened on the wire during one contract call. The component may tell it
/// otherwise; this is what the host saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallReport {
    /// Requests that left the component.
    pub requests: u32,
    /// Time that they waited for permits.
    pub waited: Duration,
    /// Whether an answer demanded fewer requests.
    pub throttled: bool,
    /// How long the service asks to wait, by the last answer that said so.
    pub retry_after: Option<Duration>,
    /// The status of the last answer.
    pub status: Option<u16>,
    /// The service's id of the last request.
    pub request_id: Option<String>,
    /// The last request that got no complete answer, and why; the first one that the policy
    /// refused, if any was.
    pub failure: Option<EgressError>,
    /// What is known about the change that was sent, if one was.
    pub change: Option<ChangeFate>,
    /// Whether something was asked after that, which is what a component does that got no
    /// clear answer.
    pub looked_after_change: bool,
}

/// What the wire tells about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeFate {
    /// It never left, or the service refused it: nothing has changed.
    Refused,
    /// The service answered with success.
    Accepted,
    /// It left, and no answer tells what became of it.
    Unknown,
}
