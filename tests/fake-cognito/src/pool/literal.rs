//! A pool written down user by user, with its indexes.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::{PoolError, fold};
use crate::hash::{draw, scramble, uuid};
use crate::model::{Group, User};

/// Users, groups and memberships as a test names them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub(crate) users: Vec<User>,
    pub(crate) groups: Vec<Group>,
    pub(crate) members: Vec<(String, String)>,
}

/// The same with everything that lookups need.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    users: Vec<User>,
    groups: Vec<Group>,
    members: Vec<Vec<u64>>,
    groups_of: Vec<BTreeSet<u32>>,
    by_username: HashMap<String, u64>,
    by_sub: HashMap<String, u64>,
    /// Folded values of e-mail, phone number and preferred username.
    by_alias: HashMap<String, Vec<u64>>,
}

/// Attributes that may serve as an alias.
const ALIASES: [&str; 3] = ["email", "phone_number", "preferred_username"];

impl Literal {
    pub(crate) fn new(written: Written, case_sensitive: bool) -> Result<Self, PoolError> {
        let Written {
            mut users,
            groups,
            members: pairs,
        } = written;
        let mut by_username = HashMap::new();
        let mut by_sub = HashMap::new();
        let mut by_alias: HashMap<String, Vec<u64>> = HashMap::new();
        for (i, user) in (0_u64..).zip(&mut users) {
            if user.value("sub").is_none() {
                let sub = uuid(scramble(i as u32, 7), draw(7, 1, i), draw(7, 2, i));
                user.attributes
                    .insert(0, (Cow::Borrowed("sub"), Cow::Owned(sub)));
            }
            if by_username
                .insert(fold(&user.username, case_sensitive), i)
                .is_some()
            {
                return Err(PoolError::RepeatedUser(user.username.clone()));
            }
            by_sub.insert(user.sub().to_owned(), i);
            for alias in ALIASES.iter().filter_map(|alias| user.value(alias)) {
                by_alias
                    .entry(fold(alias, case_sensitive))
                    .or_default()
                    .push(i);
            }
        }
        let mut by_group = HashMap::new();
        for (g, group) in (0_u32..).zip(&groups) {
            if by_group.insert(group.name.as_str(), g).is_some() {
                return Err(PoolError::RepeatedGroup(group.name.clone()));
            }
        }
        let mut members = vec![Vec::new(); groups.len()];
        let mut groups_of = vec![BTreeSet::new(); users.len()];
        for (user, group) in pairs {
            let i = by_username.get(&fold(&user, case_sensitive)).copied();
            let g = by_group.get(group.as_str()).copied();
            let (Some(i), Some(g)) = (i, g) else {
                return Err(PoolError::DanglingMember { user, group });
            };
            let fresh = groups_of
                .get_mut(i as usize)
                .is_some_and(|set| set.insert(g));
            if fresh && let Some(list) = members.get_mut(g as usize) {
                list.push(i);
            }
        }
        Ok(Self {
            users,
            groups,
            members,
            groups_of,
            by_username,
            by_sub,
            by_alias,
        })
    }

    pub(crate) fn user_count(&self) -> u64 {
        self.users.len() as u64
    }

    pub(crate) fn groups(&self) -> Vec<Group> {
        self.groups.clone()
    }

    pub(crate) fn user(&self, i: u64) -> Option<&User> {
        self.users.get(i as usize)
    }

    pub(crate) fn find(&self, folded: &str) -> Option<u64> {
        self.by_username.get(folded).copied()
    }

    pub(crate) fn find_sub(&self, sub: &str) -> Option<u64> {
        self.by_sub.get(sub).copied()
    }

    pub(crate) fn with_alias(&self, folded: &str) -> &[u64] {
        self.by_alias.get(folded).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn member_count(&self, g: u32) -> u64 {
        self.members
            .get(g as usize)
            .map_or(0, |list| list.len() as u64)
    }

    pub(crate) fn member(&self, g: u32, k: u64) -> Option<u64> {
        self.members.get(g as usize)?.get(k as usize).copied()
    }

    pub(crate) fn is_member(&self, g: u32, i: u64) -> bool {
        self.groups_of
            .get(i as usize)
            .is_some_and(|set| set.contains(&g))
    }
}
