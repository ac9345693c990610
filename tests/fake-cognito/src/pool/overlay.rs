//! What has been changed in a pool since it was built.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::{GroupKey, Pool, UserKey};
use crate::model::{Group, User};

/// A message with a temporary password, as AdminCreateUser would have sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Who was invited.
    pub username: String,
    /// `EMAIL` or `SMS`.
    pub medium: String,
    /// Whether it was asked for with `RESEND`.
    pub resent: bool,
}

/// The changes. Cloned only while a reader holds an older state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    pub(crate) groups: BTreeMap<GroupKey, Arc<Group>>,
    pub(crate) group_names: HashMap<String, GroupKey>,
    next_group: GroupKey,
    pub(crate) created: BTreeMap<UserKey, Arc<User>>,
    /// Folded usernames of created users.
    pub(crate) created_names: HashMap<String, UserKey>,
    pub(crate) next_created: u64,
    pub(crate) deleted: HashSet<UserKey>,
    /// Enabled and the time of the change, for users of the base and created ones alike.
    pub(crate) touched: HashMap<UserKey, (bool, i64)>,
    /// Members added, under the number of the addition.
    pub(crate) joined: BTreeMap<(GroupKey, u64), UserKey>,
    joined_at: HashMap<(GroupKey, UserKey), u64>,
    pub(crate) next_joined: u64,
    /// Members of the base that were removed.
    pub(crate) left: HashSet<(GroupKey, UserKey)>,
    pub(crate) invitations: Vec<Invitation>,
}

impl Overlay {
    pub(crate) fn new(groups: Vec<Group>) -> Self {
        let mut overlay = Self::default();
        for group in groups {
            overlay.add_group(group);
        }
        overlay
    }

    pub(crate) fn add_group(&mut self, group: Group) -> bool {
        if self.group_names.contains_key(&group.name) {
            return false;
        }
        let key = self.next_group;
        self.next_group += 1;
        self.group_names.insert(group.name.clone(), key);
        self.groups.insert(key, Arc::new(group));
        true
    }

    pub(crate) fn remove_group(&mut self, name: &str) -> bool {
        let Some(key) = self.group_names.remove(name) else {
            return false;
        };
        self.groups.remove(&key);
        true
    }

    pub(crate) fn create_user(&mut self, user: User, folded: String, base_users: u64) -> UserKey {
        let key = base_users + self.next_created;
        self.next_created += 1;
        self.created_names.insert(folded, key);
        self.created.insert(key, Arc::new(user));
        key
    }

    pub(crate) fn remove_user(&mut self, key: UserKey, base_users: u64) -> bool {
        if key < base_users {
            return self.deleted.insert(key);
        }
        self.created_names.retain(|_, named| *named != key);
        self.created.remove(&key).is_some()
    }

    pub(crate) fn is_member(&self, pool: &Pool, g: GroupKey, key: UserKey) -> bool {
        self.joined_at.contains_key(&(g, key))
            || (pool.base_is_member(g, key) && !self.left.contains(&(g, key)))
    }

    pub(crate) fn join(&mut self, pool: &Pool, g: GroupKey, key: UserKey) {
        if self.is_member(pool, g, key) || self.left.remove(&(g, key)) {
            return;
        }
        let number = self.next_joined;
        self.next_joined += 1;
        self.joined.insert((g, number), key);
        self.joined_at.insert((g, key), number);
    }

    pub(crate) fn leave(&mut self, pool: &Pool, g: GroupKey, key: UserKey) {
        if let Some(number) = self.joined_at.remove(&(g, key)) {
            self.joined.remove(&(g, number));
        } else if pool.base_is_member(g, key) {
            self.left.insert((g, key));
        }
    }
}
