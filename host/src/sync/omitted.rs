//! What a sync leaves out, and what people should know about that.

use std::sync::{MutexGuard, PoisonError};

use super::run::Run;
use super::warnings::WarningCode;
use crate::omit::{self, Noticed};
use crate::store::{Page, Run as StoredRun};

impl Run {
    /// Takes out of a page, before anything of it is written, what is to be left out.
    pub(super) fn leave_out(&self, page: &mut Page) {
        let names = &self.scope.omitted;
        if names.is_empty() {
            return;
        }
        let mut noticed = self.lock_noticed();
        for resource in &mut page.resources {
            omit::of_resource(names, resource, &mut noticed);
        }
        for entitlement in &mut page.entitlements {
            omit::of_attributes(names, &mut entitlement.attributes, &mut noticed);
        }
        for grant in &mut page.grants {
            omit::of_attributes(names, &mut grant.attributes, &mut noticed);
        }
    }

    /// Warns of what could not be left out, was not there, or is still there from before.
    pub(super) fn tell_omitted(&self, runs: &[StoredRun], run: &StoredRun) {
        let names = &self.scope.omitted;
        let noticed = self.lock_noticed();
        let joined = |names: Vec<&str>| names.join(", ");
        let unknown: Vec<&str> = names
            .difference(&noticed.matched)
            .map(String::as_str)
            .collect();
        self.warnings
            .add(WarningCode::OmittedNothing, count(unknown.len()), || {
                joined(unknown)
            });
        for (code, found) in [
            (WarningCode::OmittedInId, &noticed.in_ids),
            (WarningCode::OmittedElsewhere, &noticed.elsewhere),
        ] {
            let names = found.keys().map(String::as_str);
            self.warnings
                .add(code, found.values().sum(), || joined(names.collect()));
        }
        let have_it = runs
            .iter()
            .filter(|other| other.sync_id != run.sync_id && !names.is_subset(&other.scope.omitted));
        self.warnings.add(
            WarningCode::OmittedBefore,
            count(have_it.count()),
            String::new,
        );
    }

    pub(super) fn lock_noticed(&self) -> MutexGuard<'_, Noticed> {
        self.noticed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
