//! The contract's functions, called on the native component, and the scope that the host
//! opens for each of them.

use cognito_connector::contract::sync::{GrantsOf, Lookup};
use cognito_connector::contract::types::{
    Attribute, AttributeValue, EntitlementId, Principal, ResourceId,
};
use cognito_connector::error::Error;
use cognito_connector::session::Session;
use connector_host::egress::Call;
use connector_host::trust::description::BindingSource;

use crate::pool::Wire;

/// Every function that sends something, under the name that trust records give it; where
/// one function has two forms, a word follows.
pub const FUNCTIONS: [&str; 15] = [
    "sync.system",
    "sync.estimate",
    "sync.list-resources user",
    "sync.list-resources group",
    "sync.get-resource user",
    "sync.get-resource group",
    "sync.find-listed user",
    "sync.list-grants user",
    "sync.list-grants group",
    "provisioning.grant",
    "provisioning.revoke",
    "provisioning.check-account",
    "provisioning.create-account",
    "provisioning.delete-account",
    "actions.invoke/disable_user",
];

/// The attribute `name` of an account to be created.
pub const FULL_NAME: &str = "A. Smithee";

/// What a call is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The user.
    pub user: &'a str,
    /// The group.
    pub group: &'a str,
    /// The cursor, if there is one.
    pub cursor: Option<&'a str>,
}

/// What a call gave.
#[derive(Debug, Default)]
pub struct Given {
    /// The ids of the rows, in their order: those at the other end of grants, too.
    pub ids: Option<Vec<String>>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

impl Given {
    fn page(ids: impl Iterator<Item = String>, next: Option<String>) -> Self {
        Self {
            ids: Some(ids.collect()),
            next,
        }
    }

    fn lookup(lookup: Lookup) -> Self {
        match lookup {
            Lookup::Found(row) => Self::page([row.id.id].into_iter(), None),
            Lookup::GoOn(cursor) => Self {
                ids: None,
                next: Some(cursor),
            },
        }
    }
}

fn user(id: &str) -> ResourceId {
    ResourceId {
        kind: "user".to_owned(),
        id: id.to_owned(),
    }
}

fn group(id: &str) -> ResourceId {
    ResourceId {
        kind: "group".to_owned(),
        id: id.to_owned(),
    }
}

fn text(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value: AttributeValue::Text(value.to_owned()),
    }
}

/// The scope that the host opens for a call, as `engine::request` does.
pub fn scope(function: &str, about: About<'_>) -> Call {
    let (name, form) = function.split_once(' ').unwrap_or((function, ""));
    let call = Call::new(name.to_owned());
    let argument = |name: &str| BindingSource::Argument(name.to_owned());
    match (name, form) {
        ("sync.get-resource" | "sync.find-listed", "group") | ("sync.list-grants", "group") => {
            call.about(BindingSource::Resource, about.group)
        }
        ("sync.get-resource" | "sync.find-listed", _) | ("provisioning.delete-account", _) => {
            call.about(BindingSource::Resource, about.user)
        }
        ("sync.list-grants", _) => call.about(BindingSource::Principal, about.user),
        ("provisioning.grant" | "provisioning.revoke", _) => call
            .about(BindingSource::Resource, about.group)
            .about(BindingSource::Principal, about.user),
        ("provisioning.check-account" | "provisioning.create-account", _) => call
            .about(argument("username"), about.user)
            .about(argument("name"), FULL_NAME),
        ("actions.invoke/disable_user", _) => call.about(argument("user_id"), about.user),
        _ => call,
    }
}

/// Calls a function.
pub fn run(session: &Session<Wire>, function: &str, about: About<'_>) -> Result<Given, Error> {
    let cursor = about.cursor;
    let membership = EntitlementId {
        resource: group(about.group),
        slug: "member".to_owned(),
    };
    let principal = Principal {
        resource: user(about.user),
    };
    let fields = || vec![text("username", about.user), text("name", FULL_NAME)];
    let rows = |kind: &str| {
        let page = session.list_resources(kind, None, None, cursor, Some(60))?;
        Ok(Given::page(
            page.items.into_iter().map(|row| row.id.id),
            page.next,
        ))
    };
    match function {
        "sync.system" => session.system().map(|_| Given::default()),
        "sync.estimate" => session.estimate("user").map(|_| Given::default()),
        "sync.list-resources user" => rows("user"),
        "sync.list-resources group" => rows("group"),
        "sync.get-resource user" => session
            .get_resource(&user(about.user), None)
            .map(Given::lookup),
        "sync.get-resource group" => session
            .get_resource(&group(about.group), cursor)
            .map(Given::lookup),
        "sync.find-listed user" => session
            .find_listed(&user(about.user), cursor)
            .map(Given::lookup),
        "sync.list-grants user" => {
            let of = GrantsOf::Principal(principal);
            let page = session.list_grants(&of, cursor, None)?;
            let ids = page.items.into_iter().map(|g| g.entitlement.resource.id);
            Ok(Given::page(ids, page.next))
        }
        "sync.list-grants group" => {
            let of = GrantsOf::Resource(group(about.group));
            let page = session.list_grants(&of, cursor, None)?;
            let ids = page.items.into_iter().map(|g| g.principal.resource.id);
            Ok(Given::page(ids, page.next))
        }
        "provisioning.grant" => session
            .grant(&membership, &principal)
            .map(|_| Given::default()),
        "provisioning.revoke" => session
            .revoke(&membership, &principal)
            .map(|_| Given::default()),
        "provisioning.check-account" => session
            .check_account("user", &fields())
            .map(|_| Given::default()),
        "provisioning.create-account" => session
            .create_account("user", &fields())
            .map(|_| Given::default()),
        "provisioning.delete-account" => session
            .delete_account(&user(about.user))
            .map(|_| Given::default()),
        "actions.invoke/disable_user" => session
            .invoke("disable_user", &[text("user_id", about.user)])
            .map(|_| Given::default()),
        other => panic!("{other} is no function"),
    }
}
