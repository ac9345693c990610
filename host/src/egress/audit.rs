//! What was sent, in numbers and in one record per request.
//!
//! A record says what an auditor needs to reconstruct the traffic, and nothing that must
//! not be kept: no header, no body, no path (ids stand in paths), no attribute value.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::wanted::Wanted;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Answered, and the answer was read to its end.
    Answered,
    /// Answered with a demand for fewer requests.
    Throttled,
    /// Answered, but nobody read the answer to its end.
    Abandoned,
    /// Not sent: this rule of the policy refused it.
    Denied(&'static str),
    /// Not sent: no permit within the deadline.
    NoPermit,
    /// Sent or dialled, and failed.
    Failed(&'static str),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => f.write_str("answered"),
            Self::Throttled => f.write_str("throttled"),
            Self::Abandoned => f.write_str("abandoned"),
            Self::Denied(rule) => write!(f, "denied:{rule}"),
            Self::NoPermit => f.write_str("no-permit"),
            Self::Failed(phase) => write!(f, "failed:{phase}"),
        }
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// When it left the component.
    pub time: time::OffsetDateTime,
    /// The contract function in progress; empty if none was.
    pub call: String,
    /// The operation; empty if it was not recognised.
    pub operation: String,
    /// The rate class; empty if the operation was not recognised.
    pub class: String,
    /// How long it waited for its permit.
    pub wait: Duration,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The service's id of the request, if it gave one.
    pub request_id: Option<String>,
    /// Bytes of the request's body.
    pub sent: u64,
    /// Bytes of the answer's body that arrived.
    pub received: u64,
    /// What became of it.
    pub verdict: Verdict,
    /// What it wanted, if it got no answer and that says why.
    pub wanted: Option<Wanted>,
}

/// Where records go.
pub trait AuditSink: Send + Sync {
    /// Takes one record. Called when the request is over, from any thread.
    fn record(&self, record: &AuditRecord);
}

/// Writes records to the log, as debug events of the target `connector::audit`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSink;

impl AuditSink for LogSink {
    fn record(&self, record: &AuditRecord) {
        tracing::debug!(
            target: "connector::audit",
            time = %record.time,
            call = %record.call,
            operation = %record.operation,
            class = %record.class,
            wait_ms = u64::try_from(record.wait.as_millis()).unwrap_or(u64::MAX),
            status = record.status,
            request_id = record.request_id.as_deref(),
            sent = record.sent,
            received = record.received,
            verdict = %record.verdict,
            "request"
        );
    }
}

/// The traffic so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests that left a component, whatever became of them.
    pub requests: u64,
    /// Requests that the policy refused.
    pub denied: u64,
    /// Answers that demanded fewer requests.
    pub throttled: u64,
    /// Requests that were sent, or dialled, and failed.
    pub failed: u64,
    /// Bytes of request bodies.
    pub sent: u64,
    /// Bytes of response bodies.
    pub received: u64,
    /// Time that requests waited for permits, summed up over all of them.
    pub waited: Duration,
}

/// Counts traffic without locks.
#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    denied: AtomicU64,
    throttled: AtomicU64,
    failed: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    waited_micros: AtomicU64,
}

impl Counters {
    fn count(&self, record: &AuditRecord) {
        let add = |counter: &AtomicU64, n| counter.fetch_add(n, Ordering::Relaxed);
        add(&self.requests, 1);
        match record.verdict {
            Verdict::Denied(_) => add(&self.denied, 1),
            Verdict::Throttled => add(&self.throttled, 1),
            Verdict::Failed(_) => add(&self.failed, 1),
            Verdict::Answered | Verdict::Abandoned | Verdict::NoPermit => 0,
        };
        add(&self.sent, record.sent);
        add(&self.received, record.received);
        let micros = u64::try_from(record.wait.as_micros()).unwrap_or(u64::MAX);
        add(&self.waited_micros, micros);
    }

    fn traffic(&self) -> Traffic {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            requests: get(&self.requests),
            denied: get(&self.denied),
            throttled: get(&self.throttled),
            failed: get(&self.failed),
            sent: get(&self.sent),
            received: get(&self.received),
            waited: Duration::from_micros(get(&self.waited_micros)),
        }
    }
}

/// Takes the record of every request: to the counters and to where records go.
pub struct Recorder {
    counters: Counters,
    sink: Arc<dyn AuditSink>,
}

impl Recorder {
    /// One that has counted nothing.
    pub fn new(sink: Arc<dyn AuditSink>) -> Self {
        Self {
            counters: Counters::default(),
            sink,
        }
    }

    /// Takes the record of a request that is over.
    pub fn record(&self, record: &AuditRecord) {
        self.counters.count(record);
        self.sink.record(record);
    }

    /// The sums so far.
    pub fn traffic(&self) -> Traffic {
        self.counters.traffic()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<Verdict>>);

    impl AuditSink for Kept {
        fn record(&self, record: &AuditRecord) {
            self.0.lock().unwrap().push(record.verdict);
        }
    }

    #[test]
    fn every_request_is_counted_for_what_became_of_it_and_handed_on() {
        let kept = Arc::new(Kept::default());
        let recorder = Recorder::new(kept.clone());
        let verdicts = [
            Verdict::Answered,
            Verdict::Abandoned,
            Verdict::NoPermit,
            Verdict::Throttled,
            Verdict::Denied("origin"),
            Verdict::Denied("body"),
            Verdict::Failed("tls"),
            Verdict::Failed("timeout"),
            Verdict::Failed("timeout"),
        ];
        for verdict in verdicts {
            recorder.record(&AuditRecord {
                time: time::OffsetDateTime::UNIX_EPOCH,
                call: String::new(),
                operation: String::new(),
                class: String::new(),
                wait: Duration::from_millis(3),
                status: None,
                request_id: None,
                sent: 5,
                received: 7,
                verdict,
                wanted: None,
            });
        }
        let expected = Traffic {
            requests: 9,
            denied: 2,
            throttled: 1,
            failed: 3,
            sent: 45,
            received: 63,
            waited: Duration::from_millis(27),
        };
        assert_eq!(recorder.traffic(), expected);
        assert_eq!(*kept.0.lock().unwrap(), verdicts);
    }
}
