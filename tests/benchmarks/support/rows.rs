//! A store with the rows of a large system, written by the library itself: reading so many
//! from a double would measure the double.

use std::ops::Range;

use connector_host::model::{
    Account, Attributes, Entitlement, EntitlementId, Grant, Resource, ResourceId,
};
use connector_host::store::{Connection, Page, Run, RunStart, Scope, Step, SyncStore};
use connector_host::trust::description::{EntitlementSchema, Kind};
use time::OffsetDateTime;

/// As many rows as a page of Cognito has.
const PAGE: usize = 60;

/// The list that all rows come from.
const LIST: &str = "users";

/// What the rows are of.
pub(crate) fn connection() -> Connection {
    Connection {
        component: "sample".to_owned(),
        origin: "https://directory.example".to_owned(),
        settings: [("pool".to_owned(), "one".to_owned())].into(),
    }
}

/// Begins a run and writes so many users page by page, each with a membership.
pub(crate) fn write(store: &mut SyncStore, users: usize, groups: usize) -> Run {
    let run = store.begin_run(&start()).unwrap();
    for first in (0..users).step_by(PAGE) {
        let page = page(first..users.min(first + PAGE), users, groups);
        store.store_pages(&run, [(&page, step())], "{}").unwrap();
    }
    run
}

/// Its list goes on.
pub(crate) fn step() -> Step<'static> {
    Step {
        list: LIST,
        slice: None,
        next: Some("next"),
        first_page: None,
        brought: &[],
    }
}

pub(crate) fn start() -> RunStart {
    let kind = |id: &str| Kind {
        id: id.to_owned(),
        plural: format!("{id}s"),
        display_name: id.to_owned(),
        traits: Vec::new(),
        parents: Vec::new(),
        entitlements: Vec::new(),
        grants_of_resource: false,
        grants_of_principal: false,
        accounts: false,
    };
    let group = Kind {
        entitlements: vec![EntitlementSchema {
            slug: "member".to_owned(),
            display_name: "Member".to_owned(),
            grantable_to: vec!["user".to_owned()],
        }],
        grants_of_resource: true,
        ..kind("group")
    };
    let kinds = vec![kind("user"), group];
    RunStart {
        component_digest: "sha256:00".to_owned(),
        component_version: "0.1.0".to_owned(),
        started_at: OffsetDateTime::now_utc(),
        scope: Scope::everything(&kinds),
        settings: [].into(),
        lists: vec![LIST.to_owned()],
        kinds,
    }
}

/// Users in an order that is no order, as a service lists them, and a group for each
/// thousand of them.
fn page(places: Range<usize>, users: usize, groups: usize) -> Page {
    let mut page = Page::default();
    for place in places {
        // A step that shares no factor with the number of users visits each of them once.
        let number = place * 617_411 % users;
        let user = ResourceId::new("user", format!("user-{number:07}"));
        let group = ResourceId::new("group", format!("group-{}", number % groups));
        let member = EntitlementId {
            resource: group.clone(),
            slug: "member".to_owned(),
        };
        if number < groups {
            page.resources.push(resource(group, None));
            page.entitlements.push(Entitlement {
                id: member.clone(),
                display_name: "Member".to_owned(),
                description: None,
                grantable_to: vec!["user".to_owned()],
                attributes: Attributes::default(),
            });
        }
        page.resources
            .push(resource(user.clone(), Some(Account::default())));
        page.grants.push(Grant {
            entitlement: member,
            principal: user,
            expands: None,
            attributes: Attributes::default(),
        });
    }
    page
}

fn resource(id: ResourceId, account: Option<Account>) -> Resource {
    Resource {
        display_name: format!("Somebody called {}", id.id),
        description: None,
        parent: None,
        created_at: None,
        updated_at: None,
        account,
        attributes: Attributes::default(),
        id,
    }
}
