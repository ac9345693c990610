//! The functions of the contract: which request each of them is, and nothing else.

use crate::client::{self, Client};
use crate::contract::exports::identity::connector::sync::{
    EntitlementPage, GrantPage, GrantsOf, GuestSession, Lookup, ResourcePage, Session, Setting,
    SystemFacts,
};
use crate::contract::identity::connector::types::{
    Entitlement, EntitlementId, Error, Resource, ResourceId,
};
use crate::description::{APP, ASSIGNED, HOLDERS, MEMBER, PERSON, ROLE, TEAM};
use crate::settings::Settings;
use crate::wire::{Holder, Page, Person, Role, Thing, grant};

/// An open connector.
pub struct Directory {
    client: Client,
}

impl GuestSession for Directory {
    fn open(settings: Vec<Setting>) -> Result<Session, Error> {
        let client = Client::new(Settings::check(settings)?);
        Ok(Session::new(Self { client }))
    }

    /// The directory has nothing to say about itself.
    fn system(&self) -> Result<SystemFacts, Error> {
        Ok(SystemFacts {
            name: None,
            resource_name: None,
            attributes: Vec::new(),
            notes: Vec::new(),
        })
    }

    fn partitions(&self, kind: String) -> Result<Vec<String>, Error> {
        known(&kind).map(|()| Vec::new())
    }

    fn estimate(&self, kind: String) -> Result<Option<u64>, Error> {
        known(&kind).map(|()| None)
    }

    fn list_resources(
        &self,
        kind: String,
        parent: Option<ResourceId>,
        partition: Option<String>,
        cursor: Option<String>,
        page_size: Option<u32>,
    ) -> Result<ResourcePage, Error> {
        known(&kind)?;
        if let Some(partition) = partition {
            return Err(client::invalid(format!(
                "there is no partition `{partition}`"
            )));
        }
        let paging = client::paging(cursor, page_size);
        let client = &self.client;
        let (items, next) = match (kind.as_str(), &parent) {
            (PERSON, None) => client
                .get::<Page<Person>>("ListPeople", &["people"], &paging)?
                .map(Person::resource),
            (TEAM, None) => client
                .get::<Page<Thing>>("ListTeams", &["teams"], &paging)?
                .map(|team| team.resource(TEAM)),
            (APP, None) => client
                .get::<Page<Thing>>("ListApps", &["apps"], &paging)?
                .map(|app| app.resource(APP)),
            (ROLE, Some(app)) if app.kind == APP => client
                .get::<Page<Role>>("ListRoles", &["apps", &app.id, "roles"], &paging)?
                .map(Role::resource),
            _ => {
                return Err(client::invalid(
                    "a role is listed for an app, any other kind without a parent",
                ));
            }
        };
        Ok(ResourcePage { items, next })
    }

    fn get_resource(&self, id: ResourceId, _cursor: Option<String>) -> Result<Lookup, Error> {
        known(&id.kind)?;
        let client = &self.client;
        let resource: Resource = match id.kind.as_str() {
            PERSON => client
                .get::<Person>("GetPerson", &["people", &id.id], &[])?
                .resource(),
            TEAM => client
                .get::<Thing>("GetTeam", &["teams", &id.id], &[])?
                .resource(TEAM),
            APP => client
                .get::<Thing>("GetApp", &["apps", &id.id], &[])?
                .resource(APP),
            _ => client
                .get::<Role>("GetRole", &["roles", &id.id], &[])?
                .resource(),
        };
        Ok(Lookup::Found(resource))
    }

    /// In this directory a look-up shows what the list does, needs the same scope and
    /// counts as nobody's use.
    fn find_listed(&self, id: ResourceId, cursor: Option<String>) -> Result<Lookup, Error> {
        self.get_resource(id, cursor)
    }

    fn list_entitlements(
        &self,
        of: ResourceId,
        _cursor: Option<String>,
        _page_size: Option<u32>,
    ) -> Result<EntitlementPage, Error> {
        known(&of.kind)?;
        let held = match of.kind.as_str() {
            TEAM => Some((MEMBER, "Member")),
            ROLE => Some((ASSIGNED, "Assigned")),
            _ => None,
        };
        let items = held.map(|(slug, display_name)| Entitlement {
            id: EntitlementId {
                resource: of,
                slug: slug.to_owned(),
            },
            display_name: display_name.to_owned(),
            description: None,
            grantable_to: HOLDERS.map(str::to_owned).to_vec(),
            attributes: Vec::new(),
        });
        Ok(EntitlementPage {
            items: items.into_iter().collect(),
            next: None,
        })
    }

    fn list_grants(
        &self,
        of: GrantsOf,
        cursor: Option<String>,
        page_size: Option<u32>,
    ) -> Result<GrantPage, Error> {
        let GrantsOf::Resource(resource) = of else {
            return Err(client::invalid(
                "grants are listed by team or role, not by holder",
            ));
        };
        known(&resource.kind)?;
        let (operation, segments, slug) = match resource.kind.as_str() {
            TEAM => ("ListMembers", ["teams", &resource.id, "members"], MEMBER),
            ROLE => (
                "ListAssignments",
                ["roles", &resource.id, "assignments"],
                ASSIGNED,
            ),
            kind => {
                return Err(client::invalid(format!("nothing can be held on a {kind}")));
            }
        };
        let paging = client::paging(cursor, page_size);
        let page: Page<Holder> = self.client.get(operation, &segments, &paging)?;
        let entitlement = EntitlementId {
            slug: slug.to_owned(),
            resource: resource.clone(),
        };
        let (items, next) = page.map(|holder| grant(&entitlement, holder));
        Ok(GrantPage { items, next })
    }
}

fn known(kind: &str) -> Result<(), Error> {
    if [PERSON, TEAM, APP, ROLE].contains(&kind) {
        Ok(())
    } else {
        Err(client::invalid(format!("there is no kind `{kind}`")))
    }
}
