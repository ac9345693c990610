//! What a pool holds at one moment: the base with the overlay of that moment laid over it.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Base, GroupKey, Overlay, Pool, UserKey, fold};
use crate::model::{Text, User};

/// A pool at one moment.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pool: Pool,
    pub(crate) overlay: Arc<Overlay>,
}

impl View {
    pub(super) fn new(pool: Pool, overlay: Arc<Overlay>) -> Self {
        Self { pool, overlay }
    }

    /// One past the last user key.
    pub(crate) fn user_end(&self) -> UserKey {
        self.pool.base_users() + self.overlay.next_created
    }

    pub(crate) fn user_count(&self) -> u64 {
        self.pool.base_users() - self.overlay.deleted.len() as u64
            + self.overlay.created.len() as u64
    }

    pub(crate) fn exists(&self, key: UserKey) -> bool {
        if key < self.pool.base_users() {
            !self.overlay.deleted.contains(&key)
        } else {
            self.overlay.created.contains_key(&key)
        }
    }

    pub(crate) fn user(&self, key: UserKey) -> Option<User> {
        if !self.exists(key) {
            return None;
        }
        let mut user = match self.overlay.created.get(&key) {
            Some(user) => (**user).clone(),
            None => self.pool.base_user(key)?,
        };
        if let Some((enabled, modified_ms)) = self.overlay.touched.get(&key) {
            user.enabled = *enabled;
            user.modified_ms = *modified_ms;
        }
        Some(user)
    }

    pub(crate) fn username(&self, key: UserKey) -> Option<String> {
        if !self.exists(key) {
            return None;
        }
        match self.overlay.created.get(&key) {
            Some(user) => Some(user.username.clone()),
            None => self.pool.base_username(key).map(Cow::into_owned),
        }
    }

    /// Whether the subject starts with these lower-case hexadecimal digits; `Some` only where that
    /// is known without making the user. Lists by `sub ^=` would be slow otherwise.
    pub(crate) fn sub_starts_with(&self, key: UserKey, digits: &str) -> Option<bool> {
        let Base::Generated(generator) = &self.pool.0.base else {
            return None;
        };
        let digits = digits.get(..digits.len().min(8))?;
        if key >= self.pool.base_users() || digits.is_empty() {
            return None;
        }
        let wanted = u32::from_str_radix(digits, 16).ok()?;
        let shift = 32 - 4 * digits.len() as u32;
        Some(generator.sub_word(key) >> shift == wanted)
    }

    pub(crate) fn find_username(&self, username: &str) -> Option<UserKey> {
        let folded = fold(username, self.pool.spec().case_sensitive);
        self.overlay
            .created_names
            .get(&folded)
            .copied()
            .or_else(|| self.pool.find_in_base(username))
            .filter(|key| self.exists(*key))
    }

    pub(crate) fn find_sub(&self, sub: &str) -> Option<UserKey> {
        self.pool
            .find_sub_in_base(sub)
            .filter(|key| self.exists(*key))
            .or_else(|| {
                let created =
                    |(key, user): (&UserKey, &Arc<User>)| (user.sub() == sub).then_some(*key);
                self.overlay.created.iter().find_map(created)
            })
    }

    /// The user with that value of an attribute. An alias counts once it is verified; an attribute
    /// that people sign in with counts from the start.
    pub(crate) fn find_alias(&self, attribute: &str, value: &str) -> Option<UserKey> {
        let case_sensitive = self.pool.spec().case_sensitive;
        let wanted = fold(value, case_sensitive);
        let signs_in = self.pool.spec().signs_in_with(attribute);
        let created = self.overlay.created.keys().copied();
        self.pool
            .base_with_alias(value)
            .into_iter()
            .chain(created)
            .find(|key| {
                self.user(*key).is_some_and(|user| {
                    (signs_in || user.is_verified(attribute))
                        && user
                            .value(attribute)
                            .is_some_and(|text| fold(text, case_sensitive) == wanted)
                })
            })
    }

    /// What an Admin operation calls a user: the username, an alias, or the subject of a local user.
    pub(crate) fn resolve(&self, name: &str) -> Option<UserKey> {
        if let Some(key) = self.find_username(name) {
            return Some(key);
        }
        let spec = self.pool.spec();
        let local = |key: &UserKey| self.user(*key).is_some_and(|user| !user.is_federated());
        let aliases: Vec<Text> =
            [&spec.alias_attributes[..], &spec.username_attributes[..]].concat();
        aliases
            .iter()
            .find_map(|attribute| self.find_alias(attribute, name).filter(local))
            .or_else(|| self.find_sub(name).filter(local))
    }

    /// One past the last place in a group.
    pub(crate) fn member_end(&self, g: GroupKey) -> u64 {
        self.pool.base_member_count(g) + self.overlay.next_joined
    }

    /// The first place from `place` on that may hold a member; joined members lie far apart.
    pub(crate) fn next_place(&self, g: GroupKey, place: u64) -> Option<u64> {
        let base = self.pool.base_member_count(g);
        if place < base {
            return Some(place);
        }
        self.overlay
            .joined
            .range((g, place - base)..(g, u64::MAX))
            .next()
            .map(|((_, number), _)| base + number)
    }

    /// The member at a place, if there is one.
    pub(crate) fn member(&self, g: GroupKey, place: u64) -> Option<UserKey> {
        let base = self.pool.base_member_count(g);
        let key = if place < base {
            let key = match &self.pool.0.base {
                Base::Literal(literal) => literal.member(g, place)?,
                Base::Generated(generator) => generator.member(g, place),
            };
            (!self.overlay.left.contains(&(g, key))).then_some(key)
        } else {
            self.overlay.joined.get(&(g, place - base)).copied()
        };
        key.filter(|key| self.exists(*key))
    }

    pub(crate) fn is_member(&self, g: GroupKey, key: UserKey) -> bool {
        self.overlay.is_member(&self.pool, g, key)
    }

    /// The groups of a user in ascending order.
    pub(crate) fn groups_of(&self, key: UserKey) -> impl Iterator<Item = GroupKey> + '_ {
        self.overlay
            .groups
            .keys()
            .copied()
            .filter(move |g| self.is_member(*g, key))
    }
}
