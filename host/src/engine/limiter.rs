//! What an instance may take of the machine: memories, tables, instances.
//!
//! wasmtime asks before it gives, and a refusal reaches the component as a `memory.grow`
//! that has failed. What a component makes of that is its own business: most panic, some
//! report an error that says something else. So each refusal is written down here, and
//! whoever judges the call knows the cause.

use wasmtime::ResourceLimiter;

use crate::limits::{Excess, Limit, Limits};

/// The limits of one store, and what was refused in the call in progress.
#[derive(Debug)]
pub(super) struct Limiter {
    memory: usize,
    memories: usize,
    tables: usize,
    table_elements: usize,
    instances: usize,
    /// Bytes of all linear memories, as far as they were granted.
    granted: usize,
    /// The last grant, which may yet fail.
    last_grant: usize,
    refused: Option<Excess>,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            memory: limits.count(Limit::Memory),
            memories: limits.count(Limit::Memories),
            tables: limits.count(Limit::Tables),
            table_elements: limits.count(Limit::TableElements),
            instances: limits.count(Limit::Instances),
            granted: 0,
            last_grant: 0,
            refused: None,
        }
    }

    /// Forgets what was refused in the call before.
    pub(super) fn begin_call(&mut self) {
        self.refused = None;
    }

    /// What was refused last in this call.
    pub(super) fn refused(&self) -> Option<Excess> {
        self.refused
    }

    fn refuse(&mut self, limit: Limit, allowed: usize, wanted: usize) {
        let [allowed, wanted] = [allowed, wanted].map(|n| u64::try_from(n).unwrap_or(u64::MAX));
        self.refused = Some(Excess::of(limit, allowed).wanting(wanted));
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Beyond its own maximum it fails anyway, and that is no doing of ours.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let growth = desired.saturating_sub(current);
        let total = self.granted.saturating_add(growth);
        if total > self.memory {
            self.refuse(Limit::Memory, self.memory, total);
            return Ok(false);
        }
        self.granted = total;
        self.last_grant = growth;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        tracing::debug!(%error, "a memory that was granted could not be had");
        self.granted = self.granted.saturating_sub(self.last_grant);
        self.last_grant = 0;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if desired > self.table_elements {
            self.refuse(Limit::TableElements, self.table_elements, desired);
            return Ok(false);
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 65_536;

    fn limiter() -> Limiter {
        let limits = Limits::default()
            .with(Limit::Memory, 4 * 65_536)
            .with(Limit::TableElements, 10);
        Limiter::new(&limits)
    }

    fn grow(limiter: &mut Limiter, from: usize, to: usize) -> bool {
        limiter
            .memory_growing(from * PAGE, to * PAGE, None)
            .unwrap()
    }

    #[test]
    fn memories_share_one_limit() {
        let mut limiter = limiter();
        assert!(grow(&mut limiter, 0, 3));
        assert!(grow(&mut limiter, 0, 1), "a second memory");
        assert_eq!(limiter.refused(), None);
        assert!(!grow(&mut limiter, 1, 2));
        let excess = Excess::of(Limit::Memory, 4 * 65_536).wanting(5 * 65_536);
        assert_eq!(limiter.refused(), Some(excess));
        limiter.begin_call();
        assert_eq!(limiter.refused(), None);
        assert!(!grow(&mut limiter, 1, 2), "what was granted stays granted");
    }

    #[test]
    fn what_was_granted_and_could_not_be_had_does_not_count() {
        let mut limiter = limiter();
        let failed = || wasmtime::Error::msg("no room");
        assert!(grow(&mut limiter, 0, 4));
        limiter.memory_grow_failed(failed()).unwrap();
        limiter.memory_grow_failed(failed()).unwrap();
        assert!(grow(&mut limiter, 0, 4));
        assert!(!grow(&mut limiter, 4, 5));
    }

    #[test]
    fn a_memory_or_table_at_its_own_maximum_is_not_blamed_on_a_limit() {
        let mut limiter = limiter();
        let maximum = Some(2 * PAGE);
        assert!(!limiter.memory_growing(PAGE, usize::MAX, maximum).unwrap());
        assert!(!limiter.table_growing(0, usize::MAX, Some(5)).unwrap());
        assert_eq!(limiter.refused(), None);
        assert!(limiter.table_growing(0, 10, None).unwrap());
        assert!(!limiter.table_growing(10, 11, None).unwrap());
        let excess = Excess::of(Limit::TableElements, 10).wanting(11);
        assert_eq!(limiter.refused(), Some(excess));
    }
}
