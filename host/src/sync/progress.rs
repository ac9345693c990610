//! What a sync has done so far, for whoever wants to show it. The sync writes, anybody
//! reads; nothing waits for anything.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one sync.
#[derive(Debug, Default)]
pub struct Progress {
    kinds: Vec<KindProgress>,
    grants: AtomicU64,
    retries: AtomicU64,
}

/// Counters of one kind.
#[derive(Debug)]
struct KindProgress {
    kind: String,
    plural: String,
    read: AtomicU64,
    /// What the system believes to have; zero if it did not say.
    estimate: AtomicU64,
}

/// How far one kind has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindCount {
    /// The plural of the kind.
    pub plural: String,
    /// Rows read, repeated ones included.
    pub read: u64,
    /// What the system believes to have, if it says.
    pub estimate: Option<u64>,
}

impl Progress {
    /// Counters for these kinds, given as id and plural.
    pub fn new(kinds: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            kinds: kinds
                .into_iter()
                .map(|(kind, plural)| KindProgress {
                    kind,
                    plural,
                    read: AtomicU64::new(0),
                    estimate: AtomicU64::new(0),
                })
                .collect(),
            ..Self::default()
        }
    }

    fn kind(&self, id: &str) -> Option<&KindProgress> {
        self.kinds.iter().find(|kind| kind.kind == id)
    }

    pub(super) fn estimated(&self, kind: &str, estimate: u64) {
        if let Some(kind) = self.kind(kind) {
            kind.estimate.store(estimate, Ordering::Relaxed);
        }
    }

    pub(super) fn read_resources(&self, kind: &str, rows: usize) {
        if let Some(kind) = self.kind(kind) {
            kind.read.fetch_add(rows as u64, Ordering::Relaxed);
        }
    }

    pub(super) fn read_grants(&self, rows: usize) {
        self.grants.fetch_add(rows as u64, Ordering::Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// The kinds in their order.
    pub fn kinds(&self) -> Vec<KindCount> {
        self.kinds
            .iter()
            .map(|kind| {
                let estimate = kind.estimate.load(Ordering::Relaxed);
                KindCount {
                    plural: kind.plural.clone(),
                    read: kind.read.load(Ordering::Relaxed),
                    estimate: (estimate > 0).then_some(estimate),
                }
            })
            .collect()
    }

    /// Grants read, repeated ones included.
    pub fn grants(&self) -> u64 {
        self.grants.load(Ordering::Relaxed)
    }

    /// Pages that were tried again.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }
}
