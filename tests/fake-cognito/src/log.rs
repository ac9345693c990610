//! What the clients did: counters that cost nothing, and the last requests in a bounded ring.
//!
//! Proofs such as "one connection was enough" and "no user was read one by one" count here instead
//! of measuring time. Bodies are kept only on request.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::operation::Operation;

/// Requests that the ring holds unless told otherwise.
pub(crate) const DEFAULT_CAPACITY: usize = 10_000;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The operation, absent if the target was unknown.
    pub operation: Option<Operation>,
    /// The key that the request claimed to be signed with.
    pub key_id: Option<String>,
    /// The status that was sent, absent if no answer was.
    pub status: Option<u16>,
    /// The error type that was sent.
    pub error: Option<String>,
    /// The id that was sent in `x-amzn-RequestId`.
    pub request_id: String,
    /// Bytes of the request's body.
    pub request_bytes: usize,
    /// Bytes of the answer's body.
    pub answer_bytes: usize,
    /// When the request was complete, by the service's clock, in milliseconds since 1970.
    pub at_ms: i64,
    /// Which connection it came on, counted from one.
    pub connection: u64,
    /// Whether a fault struck it.
    pub faulted: bool,
    /// The request's headers, where the log keeps contents.
    pub headers: Vec<(String, String)>,
    /// The request's body, where the log keeps contents.
    pub body: Vec<u8>,
}

#[derive(Debug, Default)]
struct Shared {
    ring: Mutex<VecDeque<Entry>>,
    capacity: usize,
    contents: bool,
    by_operation: [AtomicU64; Operation::ALL.len()],
    unknown: AtomicU64,
    accepted: AtomicU64,
    open: AtomicU64,
    peak: AtomicU64,
    /// Tells those who wait for a request that one has come.
    arrived: (Mutex<()>, Condvar),
}

/// The request log; clones are the same log.
#[derive(Clone, Debug)]
pub struct RequestLog(Arc<Shared>);

impl RequestLog {
    pub(crate) fn new(capacity: usize, contents: bool) -> Self {
        Self(Arc::new(Shared {
            capacity,
            contents,
            ..Shared::default()
        }))
    }

    /// The last requests, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let ring = self.0.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.iter().cloned().collect()
    }

    /// How many requests of an operation came in, refused and faulted ones included.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        self.counter(Some(operation)).load(Ordering::Relaxed)
    }

    /// How many requests came in, by operation; operations without requests are left out.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Operation, u64> {
        Operation::ALL
            .into_iter()
            .map(|operation| (operation, self.count(operation)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// How many requests came in, those of unknown operations included.
    #[must_use]
    pub fn total(&self) -> u64 {
        let known: u64 = self.counts().values().sum();
        known + self.0.unknown.load(Ordering::Relaxed)
    }

    /// Waits until so many requests have come in, but no longer than that; says whether they have.
    #[must_use]
    pub fn wait_for(&self, total: u64, patience: Duration) -> bool {
        let (lock, arrived) = &self.0.arrived;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = arrived.wait_timeout_while(guard, patience, |()| self.total() < total);
        let (_guard, late) = waited.unwrap_or_else(PoisonError::into_inner);
        !late.timed_out()
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections_accepted(&self) -> u64 {
        self.0.accepted.load(Ordering::Relaxed)
    }

    /// How many connections are open now.
    #[must_use]
    pub fn connections_open(&self) -> u64 {
        self.0.open.load(Ordering::Relaxed)
    }

    /// How many connections were open at the same time, at most.
    #[must_use]
    pub fn connections_peak(&self) -> u64 {
        self.0.peak.load(Ordering::Relaxed)
    }

    /// Empties the ring and sets the request counters to zero; connections go on being counted.
    pub fn clear(&self) {
        self.0
            .ring
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        for counter in self.0.by_operation.iter().chain([&self.0.unknown]) {
            counter.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn keeps_contents(&self) -> bool {
        self.0.contents
    }

    fn counter(&self, operation: Option<Operation>) -> &AtomicU64 {
        operation
            .and_then(|operation| self.0.by_operation.get(operation as usize))
            .unwrap_or(&self.0.unknown)
    }

    pub(crate) fn record(&self, entry: Entry) {
        self.counter(entry.operation)
            .fetch_add(1, Ordering::Relaxed);
        let (lock, arrived) = &self.0.arrived;
        // Nobody may look at the counter and fall asleep between the two steps.
        drop(lock.lock().unwrap_or_else(PoisonError::into_inner));
        arrived.notify_all();
        if self.0.capacity == 0 {
            return;
        }
        let mut ring = self.0.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() >= self.0.capacity {
            ring.pop_front();
        }
        ring.push_back(entry);
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn connected(&self) -> Connection {
        let number = self.0.accepted.fetch_add(1, Ordering::Relaxed) + 1;
        let open = self.0.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.peak.fetch_max(open, Ordering::Relaxed);
        Connection {
            log: self.clone(),
            number,
        }
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    log: RequestLog,
    pub(crate) number: u64,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.log.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
