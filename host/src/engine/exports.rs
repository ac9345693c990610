//! The functions that a component exports: found once when it is loaded, bound to each
//! instance, and called.
//!
//! Reading is what every connector does. `provisioning` and `actions` are there or not;
//! which is seen at the component and never asked of it.

use wasmtime::Store;
use wasmtime::component::{InstancePre, ResourceAny};

use super::error::LoadError;
use super::request::{AccountCheck, Answer, Changed, GrantsOf, Lookup, Request};
use super::state::State;
use crate::change::{Change, Fields, Membership, Outcome};
use crate::contract::actor::{Actor, ActorIndices};
use crate::contract::bindings::exports::identity::connector::sync;
use crate::contract::bindings::identity::connector::types as contract;
use crate::contract::bindings::{Reader, ReaderIndices};
use crate::contract::provisioner::exports::identity::connector::provisioning;
use crate::contract::provisioner::{Provisioner, ProvisionerIndices};
use crate::contract::{BrokenPromise, Offers, attributes, fields};
use crate::model::{Attributes, Resource, ResourceId};

/// What a call into a component comes to, before anybody judges it.
pub(super) type Entered = wasmtime::Result<Result<Result<Answer, BrokenPromise>, contract::Error>>;

/// The exports of a component.
#[derive(Clone)]
pub(super) struct Exports {
    pre: InstancePre<State>,
    reader: ReaderIndices,
    provisioner: Option<ProvisionerIndices>,
    actor: Option<ActorIndices>,
}

impl Exports {
    /// Finds the functions of the interfaces that the component exports. An interface
    /// that has the name and not the functions is an error, and not one that is missing.
    pub(super) fn find(pre: InstancePre<State>, offers: Offers) -> Result<Self, LoadError> {
        let invalid = |error: wasmtime::Error| LoadError::invalid(&error);
        let provisioner = offers
            .provisioning
            .then(|| ProvisionerIndices::new(&pre))
            .transpose()
            .map_err(invalid)?;
        let actor = offers
            .actions
            .then(|| ActorIndices::new(&pre))
            .transpose()
            .map_err(invalid)?;
        Ok(Self {
            reader: ReaderIndices::new(&pre).map_err(invalid)?,
            provisioner,
            actor,
            pre,
        })
    }

    /// Makes an instance.
    pub(super) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Guest> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        let provisioner = match &self.provisioner {
            Some(indices) => Some(indices.load(&mut *store, &instance)?),
            None => None,
        };
        let actor = match &self.actor {
            Some(indices) => Some(indices.load(&mut *store, &instance)?),
            None => None,
        };
        Ok(Guest {
            reader: self.reader.load(&mut *store, &instance)?,
            provisioner,
            actor,
        })
    }
}

/// The functions of one instance.
pub(super) struct Guest {
    pub(super) reader: Reader,
    provisioner: Option<Provisioner>,
    actor: Option<Actor>,
}

impl Guest {
    /// Whether the component exports what a request calls.
    pub(super) fn can(&self, request: &Request) -> bool {
        match request {
            Request::Change(Change::Invoke { .. }) => self.actor.is_some(),
            Request::CheckAccount { .. } | Request::Change(_) => self.provisioner.is_some(),
            _ => true,
        }
    }

    /// Makes the call of a request. One that the component does not export traps.
    pub(super) async fn enter(
        &self,
        store: &mut Store<State>,
        session: ResourceAny,
        request: &Request,
    ) -> Entered {
        match request {
            Request::CheckAccount { kind, fields } => {
                self.check_account(store, session, kind, fields).await
            }
            Request::Change(change) => self.change(store, session, change).await,
            reading => self.read(store, session, reading).await,
        }
    }

    fn provisioning(&self) -> wasmtime::Result<&provisioning::Guest> {
        match &self.provisioner {
            Some(provisioner) => Ok(provisioner.identity_connector_provisioning()),
            None => Err(wasmtime::Error::msg("provisioning is not exported")),
        }
    }

    async fn check_account(
        &self,
        store: &mut Store<State>,
        session: ResourceAny,
        kind: &str,
        given: &Fields,
    ) -> Entered {
        let checked = self
            .provisioning()?
            .call_check_account(store, session, kind, &fields(given))
            .await?;
        Ok(checked.map(|check| {
            Ok(Answer::AccountCheck(AccountCheck {
                existing: check
                    .existing
                    .map(|found| account(found, kind))
                    .transpose()?,
                warnings: check.warnings,
            }))
        }))
    }

    async fn change(
        &self,
        store: &mut Store<State>,
        session: ResourceAny,
        change: &Change,
    ) -> Entered {
        let changed = match change {
            Change::Grant(membership) => {
                let (entitlement, principal) = ids(membership);
                self.provisioning()?
                    .call_grant(store, session, &entitlement, &principal)
                    .await?
                    .map(|outcome| Ok(Outcome::from(outcome).into()))
            }
            Change::Revoke(membership) => {
                let (entitlement, principal) = ids(membership);
                self.provisioning()?
                    .call_revoke(store, session, &entitlement, &principal)
                    .await?
                    .map(|outcome| Ok(Outcome::from(outcome).into()))
            }
            Change::CreateAccount {
                kind,
                fields: given,
            } => self
                .provisioning()?
                .call_create_account(store, session, kind, &fields(given))
                .await?
                .map(|created| created_account(created, kind)),
            Change::DeleteAccount { account } => self
                .provisioning()?
                .call_delete_account(store, session, &account.clone().into())
                .await?
                .map(|outcome| Ok(Outcome::from(outcome).into())),
            Change::Invoke { action, arguments } => {
                return self.invoke(store, session, action, arguments).await;
            }
        };
        Ok(changed.map(|changed| changed.map(Answer::Changed)))
    }

    async fn invoke(
        &self,
        store: &mut Store<State>,
        session: ResourceAny,
        action: &str,
        arguments: &Fields,
    ) -> Entered {
        let Some(actor) = &self.actor else {
            return Err(wasmtime::Error::msg("actions is not exported"));
        };
        let results = actor
            .identity_connector_actions()
            .call_invoke(store, session, action, &fields(arguments))
            .await?;
        Ok(results.map(|results| {
            Ok(Answer::Changed(Changed {
                results: attributes(results)?,
                ..Changed::from(Outcome::Done)
            }))
        }))
    }

    async fn read(
        &self,
        store: &mut Store<State>,
        session: ResourceAny,
        request: &Request,
    ) -> Entered {
        let guest = self.reader.identity_connector_sync();
        let methods = guest.session();
        Ok(match request {
            Request::System => methods
                .call_system(store, session)
                .await?
                .map(|facts| facts.try_into().map(Answer::System)),
            Request::Partitions { kind } => methods
                .call_partitions(store, session, kind)
                .await?
                .map(|names| Ok(Answer::Partitions(names))),
            Request::Estimate { kind } => methods
                .call_estimate(store, session, kind)
                .await?
                .map(|estimate| Ok(Answer::Estimate(estimate))),
            Request::ListResources {
                kind,
                parent,
                partition,
                cursor,
                page_size,
            } => methods
                .call_list_resources(
                    store,
                    session,
                    kind,
                    parent.clone().map(Into::into).as_ref(),
                    partition.as_deref(),
                    cursor.as_deref(),
                    *page_size,
                )
                .await?
                .map(|page| page.try_into().map(Answer::Resources)),
            Request::GetResource { id, cursor } => methods
                .call_get_resource(store, session, &id.clone().into(), cursor.as_deref())
                .await?
                .map(|answer| lookup(answer, id)),
            Request::FindListed { id, cursor } => methods
                .call_find_listed(store, session, &id.clone().into(), cursor.as_deref())
                .await?
                .map(|answer| lookup(answer, id)),
            Request::ListEntitlements { of, cursor } => methods
                .call_list_entitlements(store, session, &of.clone().into(), cursor.as_deref(), None)
                .await?
                .map(|page| page.try_into().map(Answer::Entitlements)),
            Request::ListGrants {
                of,
                cursor,
                page_size,
            } => methods
                .call_list_grants(
                    store,
                    session,
                    &of.clone().into(),
                    cursor.as_deref(),
                    *page_size,
                )
                .await?
                .map(|page| page.try_into().map(Answer::Grants)),
            Request::CheckAccount { .. } | Request::Change(_) => {
                return Err(wasmtime::Error::msg("a change is no reading"));
            }
        })
    }
}

/// The one resource that was asked for, or where to go on.
fn lookup(answer: sync::Lookup, asked: &ResourceId) -> Result<Answer, BrokenPromise> {
    let found = match answer {
        sync::Lookup::Found(found) => Resource::try_from(found)?,
        sync::Lookup::GoOn(cursor) => return Ok(Answer::Lookup(Lookup::GoOn(cursor))),
    };
    if found.id != *asked {
        return Err(BrokenPromise::OtherResource {
            asked: asked.clone(),
            returned: found.id,
        });
    }
    Ok(Answer::Lookup(Lookup::Found(Box::new(found))))
}

fn ids(membership: &Membership) -> (contract::EntitlementId, contract::Principal) {
    let principal = contract::Principal {
        resource: membership.principal.clone().into(),
    };
    (membership.entitlement.clone().into(), principal)
}

fn created_account(
    created: provisioning::CreatedAccount,
    kind: &str,
) -> Result<Changed, BrokenPromise> {
    let (outcome, found) = match created.outcome {
        provisioning::CreateOutcome::Created(account) => (Outcome::Created, account),
        provisioning::CreateOutcome::AlreadyExists(account) => (Outcome::AlreadyExists, account),
    };
    Ok(Changed {
        outcome,
        account: Some(account(found, kind)?),
        results: Attributes::default(),
        warnings: created.warnings,
        fate: None,
    })
}

/// An account of the kind that was asked for.
fn account(found: contract::Resource, kind: &str) -> Result<Box<Resource>, BrokenPromise> {
    let found = Resource::try_from(found)?;
    if found.id.kind != kind {
        return Err(BrokenPromise::OtherKind {
            asked: kind.to_owned(),
            returned: found.id,
        });
    }
    Ok(Box::new(found))
}

impl From<provisioning::GrantOutcome> for Outcome {
    fn from(outcome: provisioning::GrantOutcome) -> Self {
        match outcome {
            provisioning::GrantOutcome::Granted => Self::Granted,
            provisioning::GrantOutcome::AlreadyGranted => Self::AlreadyGranted,
        }
    }
}

impl From<provisioning::RevokeOutcome> for Outcome {
    fn from(outcome: provisioning::RevokeOutcome) -> Self {
        match outcome {
            provisioning::RevokeOutcome::Revoked => Self::Revoked,
            provisioning::RevokeOutcome::AlreadyRevoked => Self::AlreadyRevoked,
        }
    }
}

impl From<provisioning::DeleteOutcome> for Outcome {
    fn from(outcome: provisioning::DeleteOutcome) -> Self {
        match outcome {
            provisioning::DeleteOutcome::Deleted => Self::Deleted,
            provisioning::DeleteOutcome::AlreadyGone => Self::AlreadyGone,
        }
    }
}

impl From<GrantsOf> for sync::GrantsOf {
    fn from(of: GrantsOf) -> Self {
        match of {
            GrantsOf::Resource(id) => Self::Resource(id.into()),
            GrantsOf::Principal(id) => Self::Principal(contract::Principal {
                resource: id.into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: &str, id: &str) -> sync::Lookup {
        sync::Lookup::Found(contract::Resource {
            id: ResourceId::new(kind, id).into(),
            parent: None,
            display_name: id.to_owned(),
            description: None,
            created_at: None,
            updated_at: None,
            account: None,
            attributes: Vec::new(),
        })
    }

    #[test]
    fn what_is_found_is_what_was_asked_for() {
        let alice = ResourceId::new("user", "alice");
        let Ok(Answer::Lookup(Lookup::Found(row))) = lookup(found("user", "alice"), &alice) else {
            panic!("alice was not found");
        };
        assert_eq!(row.id, alice);
        for (kind, id) in [("user", "Alice"), ("group", "alice")] {
            assert_eq!(
                lookup(found(kind, id), &alice),
                Err(BrokenPromise::OtherResource {
                    asked: alice.clone(),
                    returned: ResourceId::new(kind, id),
                })
            );
        }
        assert_eq!(
            lookup(sync::Lookup::GoOn("2".to_owned()), &alice),
            Ok(Answer::Lookup(Lookup::GoOn("2".to_owned())))
        );
    }
}
