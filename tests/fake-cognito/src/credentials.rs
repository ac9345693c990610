//! The access keys that the service knows, and what each may do.
//!
//! A small IAM: a key allows everything or a list of actions, on every pool or on some. The set is a
//! shared handle, so that a test can expire a session or withdraw a right in the middle of a run.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::operation::Operation;

/// An access key.
#[derive(Clone, Debug)]
pub struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) user_name: String,
    pub(crate) session_token: Option<String>,
    pub(crate) expires_ms: Option<i64>,
    /// How many more requests it is good for; shared, so that replacing a part of the key does not
    /// give it new ones.
    left: Option<Arc<AtomicU64>>,
    pub(crate) allowed: Option<BTreeSet<Operation>>,
    pub(crate) pools: Option<BTreeSet<String>>,
}

impl Key {
    /// A long-term key that may do everything.
    #[must_use]
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: secret.into(),
            user_name: "connector".to_owned(),
            session_token: None,
            expires_ms: None,
            left: None,
            allowed: None,
            pools: None,
        }
    }

    /// Sets the name of the IAM user in refusals.
    #[must_use]
    pub fn user_name(mut self, name: impl Into<String>) -> Self {
        self.user_name = name.into();
        self
    }

    /// Makes it a temporary key, which must come with this token.
    #[must_use]
    pub fn session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    /// Makes the session end at that time, in milliseconds since 1970 by the service's clock.
    #[must_use]
    pub fn expires_at_ms(mut self, ms: i64) -> Self {
        self.expires_ms = Some(ms);
        self
    }

    /// Makes the session end after so many requests, however long they take.
    #[must_use]
    pub fn expires_after(mut self, requests: u64) -> Self {
        self.left = Some(Arc::new(AtomicU64::new(requests)));
        self
    }

    /// Allows these actions and no others.
    #[must_use]
    pub fn allow_only(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        self.allowed = Some(operations.into_iter().collect());
        self
    }

    /// Allows everything but these actions.
    #[must_use]
    pub fn deny(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        let mut allowed = self
            .allowed
            .take()
            .unwrap_or_else(|| Operation::ALL.into_iter().collect());
        for operation in operations {
            allowed.remove(&operation);
        }
        self.allowed = Some(allowed);
        self
    }

    /// Allows these pools and no others.
    #[must_use]
    pub fn only_pools<I: Into<String>>(mut self, ids: impl IntoIterator<Item = I>) -> Self {
        self.pools = Some(ids.into_iter().map(Into::into).collect());
        self
    }

    /// Uses up one of its requests; says whether there was one left.
    pub(crate) fn take_request(&self) -> bool {
        let take = |left: u64| left.checked_sub(1);
        self.left.as_ref().is_none_or(|left| {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
        })
    }

    pub(crate) fn may(&self, operation: Operation, pool_id: &str) -> bool {
        self.allowed
            .as_ref()
            .is_none_or(|set| set.contains(&operation))
            && self.pools.as_ref().is_none_or(|set| set.contains(pool_id))
    }
}

/// The keys of the service; clones are the same set.
#[derive(Clone, Debug, Default)]
pub struct Credentials(Arc<RwLock<HashMap<String, Arc<Key>>>>);

impl Credentials {
    /// Adds a key, or replaces the one with its id.
    pub fn put(&self, key: Key) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.id.clone(), Arc::new(key));
    }

    /// Takes a key away.
    pub fn remove(&self, id: &str) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
    }

    /// Makes a session end at that time, in milliseconds since 1970 by the service's clock.
    pub fn expire_at_ms(&self, id: &str, ms: i64) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get_mut(id) {
            Arc::make_mut(key).expires_ms = Some(ms);
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Key>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
    }
}
