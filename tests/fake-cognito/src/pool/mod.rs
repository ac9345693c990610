//! A pool: an unchanging base, literal or generated, under an overlay of what has happened since.
//!
//! Only changes take memory. A request works on a snapshot of the overlay, so that a page is
//! consistent however many writers there are; cursors are positions that no deletion shifts.

mod arithmetic;
mod company;
mod generated;
mod literal;
mod names;
mod overlay;
mod sample;
mod spec;
mod view;

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

pub use generated::{Generated, GroupSizes};
pub use sample::sample_pool;
pub use spec::PoolSpec;

use generated::Generator;
use literal::Literal;
pub use overlay::Invitation;
pub(crate) use overlay::Overlay;
use spec::Source;
pub(crate) use spec::{ACCOUNT, Demand, NICKNAME, STANDARD_ATTRIBUTES};
pub(crate) use view::View;

use crate::hash::{draw, scramble, uuid};
use crate::model::{Group, User};

/// A user within one pool: an index of the base, or a number after the base for a created one.
pub(crate) type UserKey = u64;
/// A group within one pool.
pub(crate) type GroupKey = u32;

/// The seed of the subjects of created users.
const CREATED_SEED: u64 = 0x5eed;

/// Why a description is not a pool.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PoolError {
    /// The same username twice.
    #[error("username {0:?} appears twice in the pool")]
    RepeatedUser(String),
    /// The same group name twice.
    #[error("group {0:?} appears twice in the pool")]
    RepeatedGroup(String),
    /// A membership without its user or its group.
    #[error("membership of {user:?} in {group:?} names a user or a group that the pool lacks")]
    DanglingMember {
        /// The username of the membership.
        user: String,
        /// The group of the membership.
        group: String,
    },
    /// The id is not `REGION_NAME`.
    #[error("pool id {0:?} is not a region, an underscore and letters or digits")]
    Id(String),
}

#[derive(Debug)]
enum Base {
    Literal(Literal),
    Generated(Generator),
}

#[derive(Debug)]
struct Inner {
    spec: PoolSpec,
    base: Base,
    base_groups: GroupKey,
    overlay: RwLock<Arc<Overlay>>,
}

/// A handle on a running pool; clones are the same pool.
///
/// What it hands out is the truth at the time of the call, without HTTP.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Inner>);

pub(crate) fn fold(text: &str, case_sensitive: bool) -> String {
    if case_sensitive {
        text.to_owned()
    } else {
        text.to_lowercase()
    }
}

pub(crate) fn is_pool_id(id: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    id.len() <= 55
        && id.rsplit_once('_').is_some_and(|(region, name)| {
            !region.is_empty()
                && region.chars().all(word)
                && !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric())
        })
}

impl Pool {
    pub(crate) fn build(mut spec: PoolSpec) -> Result<Self, PoolError> {
        if !is_pool_id(&spec.id) {
            return Err(PoolError::Id(spec.id));
        }
        let source = std::mem::replace(
            &mut spec.source,
            Source::Written(literal::Written::default()),
        );
        let (base, groups) = match source {
            Source::Written(written) => {
                let literal = Literal::new(written, spec.case_sensitive)?;
                let groups = literal.groups();
                (Base::Literal(literal), groups)
            }
            Source::Generated(generated) => {
                let generator = Generator::new(generated);
                let groups = generator.groups();
                (Base::Generated(generator), groups)
            }
        };
        Ok(Self(Arc::new(Inner {
            spec,
            base,
            base_groups: groups.len() as GroupKey,
            overlay: RwLock::new(Arc::new(Overlay::new(groups))),
        })))
    }

    /// The pool id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.spec.id
    }

    /// The Region, which is the front part of the id.
    #[must_use]
    pub fn region(&self) -> &str {
        self.id().rsplit_once('_').map_or("", |(region, _)| region)
    }

    /// The ARN that an IAM policy names.
    #[must_use]
    pub fn arn(&self) -> String {
        format!(
            "arn:aws:cognito-idp:{}:{ACCOUNT}:userpool/{}",
            self.region(),
            self.id()
        )
    }

    pub(crate) fn spec(&self) -> &PoolSpec {
        &self.0.spec
    }

    pub(crate) fn now(&self) -> View {
        let overlay = self
            .0
            .overlay
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        View::new(self.clone(), Arc::clone(&overlay))
    }

    /// Runs a change with nobody else changing; readers go on with what they have.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&Self, &mut Overlay) -> T) -> T {
        let mut overlay = self
            .0
            .overlay
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        work(self, Arc::make_mut(&mut overlay))
    }

    /// All users, in the order of ListUsers.
    pub fn users(&self) -> impl Iterator<Item = User> + use<> {
        let view = self.now();
        let end = view.user_end();
        (0..end).filter_map(move |key| view.user(key))
    }

    /// The number of users.
    #[must_use]
    pub fn user_count(&self) -> u64 {
        self.now().user_count()
    }

    /// One user by its username, and by nothing else.
    #[must_use]
    pub fn user(&self, username: &str) -> Option<User> {
        let view = self.now();
        view.find_username(username).and_then(|key| view.user(key))
    }

    /// All groups, in the order of ListGroups.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        let view = self.now();
        view.overlay
            .groups
            .values()
            .map(|group| (**group).clone())
            .collect()
    }

    /// The usernames in a group, in the order of ListUsersInGroup; none for an unknown group.
    pub fn members(&self, group: &str) -> impl Iterator<Item = String> + use<> {
        let view = self.now();
        let group = view.overlay.group_names.get(group).copied();
        let end = group.map_or(0, |g| view.member_end(g));
        (0..end).filter_map(move |place| {
            view.member(group?, place)
                .and_then(|key| view.username(key))
        })
    }

    /// The names of a user's groups, in the order of AdminListGroupsForUser.
    #[must_use]
    pub fn groups_of(&self, username: &str) -> Vec<String> {
        let view = self.now();
        let Some(key) = view.find_username(username) else {
            return Vec::new();
        };
        view.groups_of(key)
            .filter_map(|g| view.overlay.groups.get(&g))
            .map(|group| group.name.clone())
            .collect()
    }

    /// The invitations that AdminCreateUser has sent so far.
    #[must_use]
    pub fn invitations(&self) -> Vec<Invitation> {
        self.now().overlay.invitations.clone()
    }

    /// Takes a group away behind the clients' backs; says whether it was there.
    pub fn remove_group(&self, name: &str) -> bool {
        self.change(|_, overlay| overlay.remove_group(name))
    }

    /// Adds a group, or an empty one in place of one that was removed; says whether the name was free.
    pub fn add_group(&self, group: Group) -> bool {
        self.change(|_, overlay| overlay.add_group(group))
    }

    /// Takes a user away behind the clients' backs; says whether it was there.
    pub fn remove_user(&self, username: &str) -> bool {
        let view = self.now();
        let found = view.find_username(username);
        drop(view);
        found.is_some_and(|key| {
            self.change(|pool, overlay| overlay.remove_user(key, pool.base_users()))
        })
    }

    /// Puts a user into a group behind the clients' backs; says whether both exist and the user was
    /// not in it.
    pub fn add_member(&self, username: &str, group: &str) -> bool {
        self.change_member(username, group, |pool, overlay, g, key| {
            let joins = !overlay.is_member(pool, g, key);
            overlay.join(pool, g, key);
            joins
        })
    }

    /// Takes a user out of a group behind the clients' backs; says whether the user was in it.
    pub fn remove_member(&self, username: &str, group: &str) -> bool {
        self.change_member(username, group, |pool, overlay, g, key| {
            let leaves = overlay.is_member(pool, g, key);
            overlay.leave(pool, g, key);
            leaves
        })
    }

    fn change_member(
        &self,
        username: &str,
        group: &str,
        change: impl FnOnce(&Self, &mut Overlay, GroupKey, UserKey) -> bool,
    ) -> bool {
        let view = self.now();
        let found = view
            .find_username(username)
            .zip(view.overlay.group_names.get(group).copied());
        drop(view);
        found.is_some_and(|(key, g)| self.change(|pool, overlay| change(pool, overlay, g, key)))
    }

    pub(crate) fn base_users(&self) -> u64 {
        match &self.0.base {
            Base::Literal(literal) => literal.user_count(),
            Base::Generated(generator) => generator.user_count(),
        }
    }

    fn base_user(&self, i: UserKey) -> Option<User> {
        match &self.0.base {
            Base::Literal(literal) => literal.user(i).cloned(),
            Base::Generated(generator) => Some(generator.user(i)),
        }
    }

    fn base_username(&self, i: UserKey) -> Option<Cow<'_, str>> {
        match &self.0.base {
            Base::Literal(literal) => literal
                .user(i)
                .map(|user| Cow::Borrowed(user.username.as_str())),
            Base::Generated(generator) => Some(Cow::Owned(generator.username(i))),
        }
    }

    fn find_in_base(&self, username: &str) -> Option<UserKey> {
        let case_sensitive = self.0.spec.case_sensitive;
        let wanted = fold(username, case_sensitive);
        match &self.0.base {
            Base::Literal(literal) => literal.find(&wanted),
            Base::Generated(generator) => generator
                .candidates(username)
                .find(|i| fold(&generator.username(*i), case_sensitive) == wanted),
        }
    }

    fn find_sub_in_base(&self, sub: &str) -> Option<UserKey> {
        match &self.0.base {
            Base::Literal(literal) => literal.find_sub(sub),
            Base::Generated(generator) => {
                generator.candidates(sub).find(|i| generator.sub(*i) == sub)
            }
        }
    }

    fn base_with_alias(&self, value: &str) -> Vec<UserKey> {
        match &self.0.base {
            Base::Literal(literal) => literal
                .with_alias(&fold(value, self.0.spec.case_sensitive))
                .to_vec(),
            Base::Generated(generator) => generator.candidates(value).collect(),
        }
    }

    pub(crate) fn base_member_count(&self, g: GroupKey) -> u64 {
        if g >= self.0.base_groups {
            return 0;
        }
        match &self.0.base {
            Base::Literal(literal) => literal.member_count(g),
            Base::Generated(generator) => generator.member_count(g),
        }
    }

    pub(crate) fn base_is_member(&self, g: GroupKey, i: UserKey) -> bool {
        if g >= self.0.base_groups {
            return false;
        }
        match &self.0.base {
            Base::Literal(literal) => literal.is_member(g, i),
            Base::Generated(generator) => generator.is_member(g, i),
        }
    }

    /// The subject of the created user with that number.
    pub(crate) fn created_sub(key: UserKey) -> String {
        uuid(
            scramble(key as u32, CREATED_SEED),
            draw(CREATED_SEED, 1, key),
            draw(CREATED_SEED, 2, key),
        )
    }
}
