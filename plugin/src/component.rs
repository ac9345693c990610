//! The exports of the component.
#![expect(
    unreachable_pub,
    unsafe_code,
    reason = "the export macro declares the symbols that a host calls"
)]

use std::time::Duration;

use crate::cognito::message::{Answer, Request};
use crate::cognito::transport::{Outside, SendError};
use crate::cognito::wasi::Wasi;
use crate::contract::actions::Guest as Actions;
use crate::contract::describe::{Description, Guest as Describe};
use crate::contract::provisioning::{
    AccountCheck, CreatedAccount, DeleteOutcome, GrantOutcome, Guest as Provisioning, RevokeOutcome,
};
use crate::contract::sync::{
    self, EntitlementPage, GrantPage, GrantsOf, Guest as Sync, GuestSession, Lookup, ResourcePage,
    SessionBorrow, Setting, SystemFacts,
};
use crate::contract::types::{Attribute, EntitlementId, Error, Principal, ResourceId};
use crate::session::Session;

struct Component;

impl Outside for Wasi {
    fn send(&self, request: Request) -> Result<Answer, SendError> {
        self.exchange(request)
    }

    fn now(&self) -> Option<Duration> {
        Some(self.since_1970())
    }

    fn sleep(&self, duration: Duration) {
        self.wait(duration);
    }

    fn jitter(&self) -> f64 {
        self.random()
    }

    fn log(&self, line: &str) {
        self.write_line(line);
    }
}

impl Describe for Component {
    fn describe() -> Description {
        crate::describe::description()
    }
}

impl Sync for Component {
    type Session = Session<Wasi>;
}

impl GuestSession for Session<Wasi> {
    fn open(settings: Vec<Setting>) -> Result<sync::Session, Error> {
        Self::open(&settings, Wasi).map(sync::Session::new)
    }

    fn system(&self) -> Result<SystemFacts, Error> {
        self.system()
    }

    fn partitions(&self, kind: String) -> Result<Vec<String>, Error> {
        self.partitions(&kind)
    }

    fn estimate(&self, kind: String) -> Result<Option<u64>, Error> {
        self.estimate(&kind)
    }

    fn list_resources(
        &self,
        kind: String,
        parent: Option<ResourceId>,
        partition: Option<String>,
        cursor: Option<String>,
        page_size: Option<u32>,
    ) -> Result<ResourcePage, Error> {
        self.list_resources(
            &kind,
            parent.as_ref(),
            partition.as_deref(),
            cursor.as_deref(),
            page_size,
        )
    }

    fn get_resource(&self, id: ResourceId, cursor: Option<String>) -> Result<Lookup, Error> {
        self.get_resource(&id, cursor.as_deref())
    }

    fn find_listed(&self, id: ResourceId, cursor: Option<String>) -> Result<Lookup, Error> {
        self.find_listed(&id, cursor.as_deref())
    }

    fn list_entitlements(
        &self,
        of: ResourceId,
        cursor: Option<String>,
        page_size: Option<u32>,
    ) -> Result<EntitlementPage, Error> {
        self.list_entitlements(&of, cursor.as_deref(), page_size)
    }

    fn list_grants(
        &self,
        of: GrantsOf,
        cursor: Option<String>,
        page_size: Option<u32>,
    ) -> Result<GrantPage, Error> {
        self.list_grants(&of, cursor.as_deref(), page_size)
    }
}

impl Provisioning for Component {
    fn grant(
        session: SessionBorrow<'_>,
        entitlement: EntitlementId,
        principal: Principal,
    ) -> Result<GrantOutcome, Error> {
        opened(&session).grant(&entitlement, &principal)
    }

    fn revoke(
        session: SessionBorrow<'_>,
        entitlement: EntitlementId,
        principal: Principal,
    ) -> Result<RevokeOutcome, Error> {
        opened(&session).revoke(&entitlement, &principal)
    }

    fn check_account(
        session: SessionBorrow<'_>,
        kind: String,
        fields: Vec<Attribute>,
    ) -> Result<AccountCheck, Error> {
        opened(&session).check_account(&kind, &fields)
    }

    fn create_account(
        session: SessionBorrow<'_>,
        kind: String,
        fields: Vec<Attribute>,
    ) -> Result<CreatedAccount, Error> {
        opened(&session).create_account(&kind, &fields)
    }

    fn delete_account(
        session: SessionBorrow<'_>,
        account: ResourceId,
    ) -> Result<DeleteOutcome, Error> {
        opened(&session).delete_account(&account)
    }
}

impl Actions for Component {
    fn invoke(
        session: SessionBorrow<'_>,
        name: String,
        arguments: Vec<Attribute>,
    ) -> Result<Vec<Attribute>, Error> {
        opened(&session).invoke(&name, &arguments)
    }
}

fn opened<'a>(session: &'a SessionBorrow<'_>) -> &'a Session<Wasi> {
    session.get()
}

crate::contract::export!(Component with_types_in crate::contract);
