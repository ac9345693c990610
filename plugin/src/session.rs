//! What an open connector does: one method for each function of the contract. What
//! reads sends at most one request; what changes is in the modules that it is about.

use crate::accounts::Accounts;
use crate::cognito::client::Client;
use crate::cognito::model::{Group, Page, User};
use crate::cognito::operations::SERVICE;
use crate::cognito::pool::UserPool;
use crate::cognito::signing::Signer;
use crate::cognito::transport::Outside;
use crate::contract::provisioning::{
    AccountCheck, CreatedAccount, DeleteOutcome, GrantOutcome, RevokeOutcome,
};
use crate::contract::sync::{
    EntitlementPage, GrantPage, GrantsOf, Lookup, ResourcePage, Setting, SystemFacts,
};
use crate::contract::types::{Attribute, EntitlementId, Principal, Resource, ResourceId};
use crate::error::{Error, NOT_FOUND, invalid_argument, local};
use crate::kinds::Kind;
use crate::settings::Settings;
use crate::slices::{self, Slice};
use crate::{actions, groups, memberships, system, users};

/// An open connector.
#[derive(Debug)]
pub struct Session<T> {
    pool: UserPool<T>,
    last_login_attribute: Option<String>,
}

impl<T: Outside> Session<T> {
    /// Checks the settings and remembers them.
    pub fn open(settings: &[Setting], transport: T) -> Result<Self, Error> {
        let settings = Settings::check(settings)?;
        let signer = settings
            .keys
            .map(|keys| Signer::new(keys, settings.region, SERVICE));
        let client = Client::new(transport, settings.endpoint, signer, settings.max_attempts);
        Ok(Self {
            pool: UserPool::new(settings.user_pool_id, client),
            last_login_attribute: settings.last_login_attribute,
        })
    }

    /// What the pool says about itself.
    pub fn system(&self) -> Result<SystemFacts, Error> {
        let pool = self.pool.describe()?;
        let last_login = self.last_login_attribute.as_deref();
        Ok(system::facts(pool, self.pool.id(), last_login))
    }

    /// Users can be listed by the first digit of their `sub`, which every user has. Groups
    /// can't be filtered.
    pub fn partitions(&self, kind: &str) -> Result<Vec<String>, Error> {
        Ok(match Kind::parse(kind)? {
            Kind::User => slices::names(),
            Kind::Group => Vec::new(),
        })
    }

    /// How many users there are; groups are not counted by the service.
    pub fn estimate(&self, kind: &str) -> Result<Option<u64>, Error> {
        match Kind::parse(kind)? {
            Kind::User => self.pool.estimated_number_of_users(),
            Kind::Group => Ok(None),
        }
    }

    /// One page of users or groups.
    pub fn list_resources(
        &self,
        kind: &str,
        parent: Option<&ResourceId>,
        partition: Option<&str>,
        cursor: Option<&str>,
        page_size: Option<u32>,
    ) -> Result<ResourcePage, Error> {
        let kind = Kind::parse(kind)?;
        if parent.is_some() {
            return Err(invalid_argument(format!("a {} has no parent", kind.id())));
        }
        let slice = partition.map(|name| Slice::parse(kind, name)).transpose()?;
        check_page(cursor, page_size)?;
        match kind {
            Kind::User => {
                let filter = slice.map(Slice::filter);
                let page = self.pool.list_users(filter.as_deref(), cursor, page_size)?;
                if let Some(slice) = slice {
                    slice.check(&page.items)?;
                }
                let last_login = self.last_login_attribute.as_deref();
                let resource = |user| users::resource(user, last_login);
                Ok(ResourcePage {
                    items: page.items.into_iter().map(resource).collect(),
                    next: page.next,
                })
            }
            Kind::Group => {
                let page = self.pool.list_groups(cursor, page_size)?;
                Ok(ResourcePage {
                    items: page.items.into_iter().map(groups::resource).collect(),
                    next: page.next,
                })
            }
        }
    }

    /// Looks for one user by id, or for one group page by page.
    pub fn get_resource(&self, id: &ResourceId, cursor: Option<&str>) -> Result<Lookup, Error> {
        match Kind::of(id)? {
            Kind::User => {
                no_cursor(cursor, "a user is read by id")?;
                self.user(&id.id)
            }
            Kind::Group => {
                check_page(cursor, None)?;
                self.group(&id.id, cursor)
            }
        }
    }

    /// Looks for one user or group as the list shows it.
    pub fn find_listed(&self, id: &ResourceId, cursor: Option<&str>) -> Result<Lookup, Error> {
        let kind = Kind::of(id)?;
        check_page(cursor, None)?;
        match kind {
            Kind::User => self.listed_user(&id.id, cursor),
            Kind::Group => self.group(&id.id, cursor),
        }
    }

    /// One page of what can be held on a resource.
    pub fn list_entitlements(
        &self,
        of: &ResourceId,
        cursor: Option<&str>,
        page_size: Option<u32>,
    ) -> Result<EntitlementPage, Error> {
        let kind = Kind::of(of)?;
        check_page(cursor, page_size)?;
        no_cursor(cursor, "entitlements are one page")?;
        Ok(EntitlementPage {
            items: match kind {
                Kind::User => Vec::new(),
                Kind::Group => vec![groups::membership(&of.id)],
            },
            next: None,
        })
    }

    /// One page of the members of a group or of the groups of a user.
    pub fn list_grants(
        &self,
        of: &GrantsOf,
        cursor: Option<&str>,
        page_size: Option<u32>,
    ) -> Result<GrantPage, Error> {
        check_page(cursor, page_size)?;
        match of {
            GrantsOf::Resource(group) if Kind::of(group)? == Kind::Group => {
                let page = self
                    .pool
                    .list_users_in_group(&group.id, cursor, page_size)?;
                Ok(GrantPage {
                    items: memberships::of_group(&group.id, page.items),
                    next: page.next,
                })
            }
            GrantsOf::Resource(_) => Err(invalid_argument(
                "nothing can be held on a user; ask for the grants of a user as principal",
            )),
            GrantsOf::Principal(user) if Kind::of(&user.resource)? == Kind::User => {
                let user = &user.resource.id;
                let page = self
                    .pool
                    .admin_list_groups_for_user(user, cursor, page_size)?;
                Ok(GrantPage {
                    items: memberships::of_user(user, page.items),
                    next: page.next,
                })
            }
            GrantsOf::Principal(_) => Err(invalid_argument(
                "a group holds nothing; ask for the grants of a group as resource",
            )),
        }
    }

    /// Makes a user a member of a group.
    pub fn grant(
        &self,
        entitlement: &EntitlementId,
        principal: &Principal,
    ) -> Result<GrantOutcome, Error> {
        memberships::grant(&self.pool, entitlement, principal)
    }

    /// Ends a user's membership of a group.
    pub fn revoke(
        &self,
        entitlement: &EntitlementId,
        principal: &Principal,
    ) -> Result<RevokeOutcome, Error> {
        memberships::revoke(&self.pool, entitlement, principal)
    }

    /// Checks the fields of a user to be created, and looks whether it is there.
    pub fn check_account(&self, kind: &str, fields: &[Attribute]) -> Result<AccountCheck, Error> {
        self.accounts().check(kind, fields)
    }

    /// Creates a user.
    pub fn create_account(
        &self,
        kind: &str,
        fields: &[Attribute],
    ) -> Result<CreatedAccount, Error> {
        self.accounts().create(kind, fields)
    }

    /// Deletes a user.
    pub fn delete_account(&self, account: &ResourceId) -> Result<DeleteOutcome, Error> {
        self.accounts().delete(account)
    }

    /// Does what an action says.
    pub fn invoke(&self, action: &str, arguments: &[Attribute]) -> Result<Vec<Attribute>, Error> {
        actions::invoke(&self.pool, action, arguments)
    }

    fn accounts(&self) -> Accounts<'_, T> {
        Accounts {
            pool: &self.pool,
            last_login_attribute: self.last_login_attribute.as_deref(),
        }
    }

    fn user(&self, username: &str) -> Result<Lookup, Error> {
        let user = self.pool.admin_get_user(username)?;
        // The service also answers to aliases and to the sub; an id is neither.
        if user.username != username {
            return Err(invalid_argument(format!(
                "'{username}' is another name of user '{0}'; use user:{0}",
                user.username
            )));
        }
        let last_login = self.last_login_attribute.as_deref();
        Ok(Lookup::Found(users::resource(user, last_login)))
    }

    fn listed_user(&self, username: &str, cursor: Option<&str>) -> Result<Lookup, Error> {
        let page = self.pool.list_users_named(username, cursor)?;
        let last_login = self.last_login_attribute.as_deref();
        let is_it = |user: &User| user.username == username;
        lookup(page, is_it, |user| users::resource(user, last_login)).ok_or_else(|| {
            let pool = self.pool.id();
            local(
                NOT_FOUND,
                format!("user '{username}' is not in the list of users of user pool '{pool}'"),
            )
        })
    }

    fn group(&self, name: &str, cursor: Option<&str>) -> Result<Lookup, Error> {
        let page = self.pool.list_groups(cursor, None)?;
        let is_it = |group: &Group| group.group_name == name;
        lookup(page, is_it, groups::resource).ok_or_else(|| {
            let pool = self.pool.id();
            local(
                NOT_FOUND,
                format!("group '{name}' does not exist in user pool '{pool}'"),
            )
        })
    }
}

/// What a page says about the one row that is looked for: `None`, if it was the last page
/// and does not have it.
fn lookup<T>(
    page: Page<T>,
    is_it: impl Fn(&T) -> bool,
    resource: impl FnOnce(T) -> Resource,
) -> Option<Lookup> {
    let found = page.items.into_iter().find(is_it);
    match found {
        Some(row) => Some(Lookup::Found(resource(row))),
        None => page.next.map(Lookup::GoOn),
    }
}

fn check_page(cursor: Option<&str>, page_size: Option<u32>) -> Result<(), Error> {
    if cursor == Some("") {
        return Err(invalid_argument(
            "the cursor is empty; leave it out for the first page",
        ));
    }
    if page_size == Some(0) {
        return Err(invalid_argument(
            "page-size is 0; the smallest page has 1 item",
        ));
    }
    Ok(())
}

fn no_cursor(cursor: Option<&str>, why: &str) -> Result<(), Error> {
    match cursor {
        None => Ok(()),
        Some(_) => Err(invalid_argument(format!("{why} and has no cursor"))),
    }
}

#[cfg(test)]
mod tests;
