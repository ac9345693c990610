//! Requests per second, as AWS counts them: one bucket for each class of the account and Region, and
//! for the pool resources another for each operation and pool.
//!
//! A bucket holds one second's worth, so a burst of a second is let through and no more. The time is
//! the service's [`Clock`](crate::Clock), so tests need not wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::operation::{Class, Operation};

/// Requests per second of one operation on one pool, in the pool resource classes.
const PER_POOL_RATE: f64 = 5.0;

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at_ms: i64,
}

#[derive(Debug, Default)]
struct State {
    rates: HashMap<Class, f64>,
    per_pool: Option<f64>,
    buckets: HashMap<Class, Bucket>,
    pool_buckets: HashMap<(Operation, String), Bucket>,
}

/// The quotas of the service; clones are the same quotas and may be changed while it runs.
#[derive(Clone, Debug, Default)]
pub struct Quotas(Arc<Mutex<State>>);

impl Quotas {
    /// No limit at all.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// The defaults of an AWS account.
    #[must_use]
    pub fn cognito() -> Self {
        let quotas = Self::default();
        for class in Class::ALL {
            quotas.set(class, Some(class.default_rate()));
        }
        quotas.set_per_pool(Some(PER_POOL_RATE));
        quotas
    }

    /// Sets the requests per second of a class, or takes its limit away.
    pub fn set(&self, class: Class, rate: Option<f64>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.buckets.remove(&class);
        match rate {
            Some(rate) => state.rates.insert(class, rate),
            None => state.rates.remove(&class),
        };
    }

    /// Sets the requests per second of ListGroups on one pool, or takes that limit away.
    pub fn set_per_pool(&self, rate: Option<f64>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.pool_buckets.clear();
        state.per_pool = rate;
    }

    /// Takes a permit at a moment of the service's clock, or says that there is none.
    pub fn admit(&self, operation: Operation, pool_id: &str, now_ms: i64) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let class = operation.class();
        if class == Class::UserPoolResourceRead
            && let Some(rate) = state.per_pool
        {
            let bucket = state
                .pool_buckets
                .entry((operation, pool_id.to_owned()))
                .or_insert(full(rate, now_ms));
            if !take(bucket, rate, now_ms) {
                return false;
            }
        }
        let Some(rate) = state.rates.get(&class).copied() else {
            return true;
        };
        let bucket = state.buckets.entry(class).or_insert(full(rate, now_ms));
        take(bucket, rate, now_ms)
    }
}

/// A class slower than one a second still lets the first request through.
fn capacity(rate: f64) -> f64 {
    if rate > 0.0 { rate.max(1.0) } else { 0.0 }
}

fn full(rate: f64, now_ms: i64) -> Bucket {
    Bucket {
        tokens: capacity(rate),
        at_ms: now_ms,
    }
}

fn take(bucket: &mut Bucket, rate: f64, now_ms: i64) -> bool {
    let passed = (now_ms - bucket.at_ms).max(0) as f64 / 1000.0;
    bucket.tokens = (bucket.tokens + passed * rate).min(capacity(rate));
    bucket.at_ms = now_ms;
    let granted = bucket.tokens >= 1.0;
    if granted {
        bucket.tokens -= 1.0;
    }
    granted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(
        quotas: &Quotas,
        operation: Operation,
        pool: &str,
        tries: usize,
        now_ms: i64,
    ) -> usize {
        (0..tries)
            .filter(|_| quotas.admit(operation, pool, now_ms))
            .count()
    }

    #[test]
    fn a_class_is_shared_by_its_operations_and_by_all_pools() {
        let quotas = Quotas::cognito();
        assert_eq!(admitted(&quotas, Operation::ListUsers, "a", 20, 0), 20);
        assert_eq!(
            admitted(&quotas, Operation::ListUsersInGroup, "b", 20, 0),
            10
        );
        assert_eq!(admitted(&quotas, Operation::ListUsers, "a", 20, 100), 3);
        assert_eq!(
            admitted(&quotas, Operation::AdminGetUser, "a", 500, 100),
            120
        );
    }

    #[test]
    fn groups_are_also_counted_for_each_pool() {
        let quotas = Quotas::cognito();
        for pool in ["a", "b", "c", "d"] {
            assert_eq!(admitted(&quotas, Operation::ListGroups, pool, 20, 0), 5);
        }
        assert_eq!(
            admitted(&quotas, Operation::ListGroups, "e", 20, 0),
            0,
            "20 for the account"
        );
    }

    #[test]
    fn a_quota_can_be_changed_and_taken_away_while_it_runs() {
        let quotas = Quotas::unlimited();
        assert_eq!(
            admitted(&quotas, Operation::ListUsers, "a", 1_000, 0),
            1_000
        );
        quotas.set(Class::UserList, Some(2.0));
        assert_eq!(admitted(&quotas, Operation::ListUsers, "a", 10, 0), 2);
        quotas.set(Class::UserList, Some(0.0));
        assert_eq!(admitted(&quotas, Operation::ListUsers, "a", 10, 60_000), 0);
        quotas.set(Class::UserList, None);
        assert_eq!(admitted(&quotas, Operation::ListUsers, "a", 10, 0), 10);
    }
}
