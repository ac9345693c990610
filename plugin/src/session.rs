//! What an open connector does: one method for each function of the contract, each
//! with at most one request.

use aws_credential_types::Credentials;

use crate::cognito::client::Client;
use crate::cognito::operations::{SERVICE, UserPool};
use crate::cognito::signing::Signer;
use crate::cognito::transport::Transport;
use crate::contract::sync::{EntitlementPage, GrantPage, GrantsOf, Lookup, ResourcePage, Setting};
use crate::contract::types::ResourceId;
use crate::error::{Error, NOT_FOUND, invalid_argument, local};
use crate::kinds::Kind;
use crate::settings::Settings;
use crate::{groups, memberships, users};

/// An open connector.
#[derive(Debug)]
pub struct Session<T> {
    pool: UserPool<T>,
    last_login_attribute: Option<String>,
}

impl<T: Transport> Session<T> {
    /// Checks the settings and remembers them.
    pub fn open(settings: &[Setting], transport: T) -> Result<Self, Error> {
        let settings = Settings::check(settings)?;
        let signer = Signer {
            credentials: Credentials::new(
                settings.access_key_id,
                settings.secret_access_key,
                settings.session_token,
                None,
                "settings",
            ),
            region: settings.region,
            service: SERVICE,
        };
        let client = Client::new(transport, settings.endpoint, signer, settings.max_attempts);
        Ok(Self {
            pool: UserPool::new(settings.user_pool_id, client),
            last_login_attribute: settings.last_login_attribute,
        })
    }

    /// No list of a pool can be cut into slices: filters look at one attribute that a
    /// user may lack.
    pub fn partitions(&self, kind: &str) -> Result<Vec<String>, Error> {
        Kind::parse(kind).map(|_| Vec::new())
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
        if partition.is_some() {
            return Err(invalid_argument(format!(
                "the list of {}s has no partitions",
                kind.id()
            )));
        }
        check_page(cursor, page_size)?;
        match kind {
            Kind::User => {
                let page = self.pool.list_users(cursor, page_size)?;
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

    fn user(&self, username: &str) -> Result<Lookup, Error> {
        let user = self.pool.admin_get_user(username)?;
        // The service also answers to aliases and to the sub; an id is neither.
        if user.username != username {
            return Err(local(
                NOT_FOUND,
                format!(
                    "no user of user pool '{}' has the id '{username}'; it is another name of \
                     user '{}'",
                    self.pool.id(),
                    user.username
                ),
            ));
        }
        let last_login = self.last_login_attribute.as_deref();
        Ok(Lookup::Found(users::resource(user, last_login)))
    }

    fn group(&self, name: &str, cursor: Option<&str>) -> Result<Lookup, Error> {
        let page = self.pool.list_groups(cursor, None)?;
        let found = page
            .items
            .into_iter()
            .find(|group| group.group_name == name);
        match (found, page.next) {
            (Some(group), _) => Ok(Lookup::Found(groups::resource(group))),
            (None, Some(next)) => Ok(Lookup::GoOn(next)),
            (None, None) => Err(local(
                NOT_FOUND,
                format!(
                    "group '{name}' does not exist in user pool '{}'",
                    self.pool.id()
                ),
            )),
        }
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
