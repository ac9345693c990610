//! The functions of the contract: the honest connector's own, with the attack before,
//! within or after them.

use cognito_connector::contract::actions::Guest as Actions;
use cognito_connector::contract::provisioning::{
    AccountCheck, CreatedAccount, DeleteOutcome, GrantOutcome, Guest as Provisioning, RevokeOutcome,
};
use cognito_connector::contract::sync::{
    self, EntitlementPage, GrantPage, GrantsOf, Guest as Sync, GuestSession, Lookup, ResourcePage,
    SessionBorrow, Setting, SystemFacts,
};
use cognito_connector::contract::types::{Attribute, EntitlementId, Error, Principal, ResourceId};
use cognito_connector::session::Session;

use crate::tap::Tap;
use crate::{Hostile, answers, machine, mark};

/// An open session.
#[derive(Debug)]
pub struct Opened {
    honest: Session<Tap>,
    settings: Vec<Setting>,
}

impl Sync for Hostile {
    type Session = Opened;
}

impl Opened {
    /// Does what the attack wants before anything else is done.
    fn begin(&self, function: &'static str, is_meant: bool) -> Result<(), Error> {
        mark::enter(function, is_meant);
        match mark::now() {
            Some(attack) if attack.name == "tell-secrets" => Err(answers::secrets(&self.settings)),
            Some(attack) => {
                machine::strike(attack);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl GuestSession for Opened {
    fn open(settings: Vec<Setting>) -> Result<sync::Session, Error> {
        mark::enter("open", true);
        if let Some(attack) = mark::now() {
            machine::strike(attack);
            // Nobody listens to the outcome: what counts is whether it was let out.
            if attack.name == "send" {
                let _ = Tap.send_to(attack.argument);
            }
            // Each is a handle that nobody gives back.
            if attack.name == "handle-bomb" {
                for _ in 0..machine::MANY {
                    std::mem::forget(sync::Session::new(Self {
                        honest: Session::open(&settings, Tap)?,
                        settings: Vec::new(),
                    }));
                }
            }
        }
        let honest = Session::open(&settings, Tap)?;
        Ok(sync::Session::new(Self { honest, settings }))
    }

    fn system(&self) -> Result<SystemFacts, Error> {
        self.begin("system", true)?;
        self.honest.system()
    }

    fn partitions(&self, kind: String) -> Result<Vec<String>, Error> {
        self.begin("partitions", true)?;
        self.honest.partitions(&kind)
    }

    fn estimate(&self, kind: String) -> Result<Option<u64>, Error> {
        self.begin("estimate", true)?;
        self.honest.estimate(&kind)
    }

    fn list_resources(
        &self,
        kind: String,
        parent: Option<ResourceId>,
        partition: Option<String>,
        cursor: Option<String>,
        page_size: Option<u32>,
    ) -> Result<ResourcePage, Error> {
        // Groups are left in peace.
        self.begin("list-resources", kind == "user")?;
        let honest = || {
            self.honest.list_resources(
                &kind,
                parent.as_ref(),
                partition.as_deref(),
                cursor.as_deref(),
                page_size,
            )
        };
        let Some(attack) = mark::now() else {
            return honest();
        };
        match answers::resources(attack, cursor.as_deref()) {
            Some(page) if answers::asks_first(attack) => {
                let first = self
                    .honest
                    .list_resources(&kind, None, None, None, page_size);
                first.map(|_| page)
            }
            Some(page) => Ok(page),
            None => honest(),
        }
    }

    fn get_resource(&self, id: ResourceId, cursor: Option<String>) -> Result<Lookup, Error> {
        self.begin("get-resource", id.kind == "user")?;
        self.honest.get_resource(&id, cursor.as_deref())
    }

    fn find_listed(&self, id: ResourceId, cursor: Option<String>) -> Result<Lookup, Error> {
        self.begin("find-listed", true)?;
        self.honest.find_listed(&id, cursor.as_deref())
    }

    fn list_entitlements(
        &self,
        of: ResourceId,
        cursor: Option<String>,
        page_size: Option<u32>,
    ) -> Result<EntitlementPage, Error> {
        self.begin("list-entitlements", true)?;
        self.honest
            .list_entitlements(&of, cursor.as_deref(), page_size)
    }

    fn list_grants(
        &self,
        of: GrantsOf,
        cursor: Option<String>,
        page_size: Option<u32>,
    ) -> Result<GrantPage, Error> {
        self.begin("list-grants", true)?;
        match mark::now().and_then(|attack| answers::grants(attack, &of)) {
            Some(page) => Ok(page),
            None => self.honest.list_grants(&of, cursor.as_deref(), page_size),
        }
    }
}

/// Whether the change is only claimed and not made.
fn lies() -> bool {
    mark::now().is_some_and(|attack| attack.name == "claim-it")
}

impl Provisioning for Hostile {
    fn grant(
        session: SessionBorrow<'_>,
        entitlement: EntitlementId,
        principal: Principal,
    ) -> Result<GrantOutcome, Error> {
        let session: &Opened = session.get();
        session.begin("grant", true)?;
        if lies() {
            return Ok(GrantOutcome::Granted);
        }
        session.honest.grant(&entitlement, &principal)
    }

    fn revoke(
        session: SessionBorrow<'_>,
        entitlement: EntitlementId,
        principal: Principal,
    ) -> Result<RevokeOutcome, Error> {
        let session: &Opened = session.get();
        session.begin("revoke", true)?;
        if lies() {
            return Ok(RevokeOutcome::Revoked);
        }
        session.honest.revoke(&entitlement, &principal)
    }

    fn check_account(
        session: SessionBorrow<'_>,
        kind: String,
        fields: Vec<Attribute>,
    ) -> Result<AccountCheck, Error> {
        let session: &Opened = session.get();
        session.begin("check-account", true)?;
        session.honest.check_account(&kind, &fields)
    }

    fn create_account(
        session: SessionBorrow<'_>,
        kind: String,
        fields: Vec<Attribute>,
    ) -> Result<CreatedAccount, Error> {
        let session: &Opened = session.get();
        session.begin("create-account", true)?;
        session.honest.create_account(&kind, &fields)
    }

    fn delete_account(
        session: SessionBorrow<'_>,
        account: ResourceId,
    ) -> Result<DeleteOutcome, Error> {
        let session: &Opened = session.get();
        session.begin("delete-account", true)?;
        if lies() {
            return Ok(DeleteOutcome::Deleted);
        }
        session.honest.delete_account(&account)
    }
}

impl Actions for Hostile {
    fn invoke(
        session: SessionBorrow<'_>,
        name: String,
        arguments: Vec<Attribute>,
    ) -> Result<Vec<Attribute>, Error> {
        let session: &Opened = session.get();
        session.begin("invoke", true)?;
        session.honest.invoke(&name, &arguments)
    }
}
