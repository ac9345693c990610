//! In which direction memberships are read: who holds something on each resource, or what
//! each principal holds.
//!
//! Both give the same snapshot of a system that holds still. Their requests are counted
//! against different limits of the service, so that the cheaper one depends on the system:
//! few people in many groups are read faster one by one.

use serde::Serialize;

use super::run::Run;
use crate::limits::rate::ClassRate;
use crate::store::Counts;
use crate::trust::description::{BindingSource, Kind, Operation};

/// In which direction memberships are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plan {
    /// By resource where the component can, by principal elsewhere.
    #[default]
    ByResource,
    /// By principal where the component can, by resource elsewhere.
    ByPrincipal,
}

impl Plan {
    /// The kinds as a sync with this plan reads them.
    pub fn kinds(self, kinds: &[Kind]) -> Vec<Kind> {
        let mut planned = kinds.to_vec();
        if self == Self::ByPrincipal {
            for kind in &mut planned {
                kind.grants_of_resource &= !is_told_by_principals(kinds, kind);
            }
        }
        planned
    }
}

/// Whether everybody who can hold something on a resource of this kind can be asked for it.
fn is_told_by_principals(kinds: &[Kind], kind: &Kind) -> bool {
    let can_be_asked = |id: &String| {
        kinds
            .iter()
            .any(|holder| holder.id == *id && holder.grants_of_principal)
    };
    let mut holders = kind
        .entitlements
        .iter()
        .flat_map(|entitlement| &entitlement.grantable_to)
        .peekable();
    holders.peek().is_some() && holders.all(can_be_asked)
}

/// A plan that would have taken less of the service's quota than the one that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheaperPlan {
    /// What to ask for with `--plan`.
    pub plan: &'static str,
    /// How many seconds its requests would take at the highest pace that their class is
    /// allowed.
    pub quota_seconds: u64,
    /// How many seconds those of the plan that was used take in this way.
    pub instead_of: u64,
}

impl Run {
    /// The plan by principal, if it would have been cheaper. A class without pace costs
    /// nothing, so that nothing is cheaper.
    pub(super) fn cheaper_plan(&self, counts: &Counts) -> Option<CheaperPlan> {
        let kinds = &self.connector.description().kinds;
        let asked: Vec<&Kind> = kinds
            .iter()
            .filter(|kind| kind.grants_of_resource && self.scope.has_kind(&kind.id))
            .collect();
        let could_be = self.plan == Plan::ByResource
            && self.scope.grants
            && !asked.is_empty()
            && asked.iter().all(|kind| is_told_by_principals(kinds, kind));
        if !could_be {
            return None;
        }
        let is_holder = |kind: &&Kind| {
            let mut entitlements = asked.iter().flat_map(|kind| &kind.entitlements);
            entitlements.any(|entitlement| entitlement.grantable_to.contains(&kind.id))
        };
        // One request for each at least. Unknown is not few.
        let principals: Option<u64> = kinds
            .iter()
            .filter(is_holder)
            .map(|kind| counts.of(&kind.plural))
            .sum();
        let by_resource = self.quota_seconds(BindingSource::Resource, self.pages_by_resource())?;
        let by_principal = self.quota_seconds(BindingSource::Principal, principals?)?;
        (by_principal < by_resource).then_some(CheaperPlan {
            plan: "by-user",
            quota_seconds: by_principal,
            instead_of: by_resource,
        })
    }

    /// How long so many requests for grants take, at the highest pace allowed.
    fn quota_seconds(&self, of: BindingSource, requests: u64) -> Option<u64> {
        let operations = &self.connector.description().wire.operations;
        let operation = operations
            .iter()
            .find(|operation| reads_grants(operation, &of))?;
        let pacer = self.connector.egress().pacer();
        let class = pacer
            .classes()
            .find(|class| class.class == operation.rate_class)?;
        let pace = slowest(class)?;
        Some((requests as f64 / pace).ceil() as u64)
    }
}

fn reads_grants(operation: &Operation, of: &BindingSource) -> bool {
    let lists_grants = |functions: &[String]| functions.iter().any(|name| name == LIST_GRANTS);
    lists_grants(&operation.functions)
        && operation.bound.iter().any(|binding| {
            binding.sources.contains(of)
                && (binding.functions.is_empty() || lists_grants(&binding.functions))
        })
}

/// The function of the contract that lists grants, as trust records name it.
const LIST_GRANTS: &str = crate::contract::Function::ListGrants.name();

fn slowest(class: &ClassRate) -> Option<f64> {
    let bounds = [class.bounds, class.per_operation].into_iter().flatten();
    bounds.map(|bounds| bounds.ceiling).reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::super::page::tests::kind;
    use super::*;

    #[test]
    fn only_what_every_holder_can_be_asked_for_is_read_by_principal() {
        let kinds = [
            kind("user", &[], false, true),
            kind("robot", &[], false, false),
            kind("group", &["user"], true, false),
            kind("role", &["user", "robot"], true, false),
        ];
        let by_resource = |plan: Plan| {
            let kinds = plan.kinds(&kinds).into_iter();
            let kinds = kinds.filter(|kind| kind.grants_of_resource);
            kinds.map(|kind| kind.id).collect::<Vec<_>>()
        };
        assert_eq!(by_resource(Plan::ByResource), ["group", "role"]);
        assert_eq!(by_resource(Plan::ByPrincipal), ["role"]);
    }
}
