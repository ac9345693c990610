//! The operations on one existing user.
//!
//! Operations without an output shape answer an empty body and not `{}`; repeated memberships and
//! repeated enabling are no errors.

use super::Input;
use crate::answer::{Json, Refusal};
use crate::pool::{GroupKey, Overlay, Pool, UserKey};

/// The quota of groups per user.
const GROUPS_PER_USER: usize = 100;

pub(super) fn get(pool: &Pool, input: &Input) -> Result<Vec<u8>, Refusal> {
    let name = input.name("Username")?;
    let view = pool.now();
    let user = view
        .resolve(name)
        .and_then(|key| view.user(key))
        .ok_or_else(Refusal::user_not_found)?;
    let mut json = Json::with_capacity(2048);
    json.user_detail(&user);
    Ok(json.finish())
}

/// Finds the user and applies the change, in one step that no other writer comes between.
fn change<T>(
    pool: &Pool,
    name: &str,
    work: impl FnOnce(&Pool, &mut Overlay, UserKey) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let key = pool
        .now()
        .resolve(name)
        .ok_or_else(Refusal::user_not_found)?;
    pool.change(|pool, overlay| {
        let gone = overlay.deleted.contains(&key)
            || (key >= pool.base_users() && !overlay.created.contains_key(&key));
        if gone {
            return Err(Refusal::user_not_found());
        }
        work(pool, overlay, key)
    })
}

fn group_key(overlay: &Overlay, name: &str) -> Result<GroupKey, Refusal> {
    overlay
        .group_names
        .get(name)
        .copied()
        .ok_or_else(Refusal::group_not_found)
}

pub(super) fn add_to_group(pool: &Pool, input: &Input) -> Result<Vec<u8>, Refusal> {
    let (user, group) = (input.name("Username")?, input.name("GroupName")?);
    change(pool, user, |pool, overlay, key| {
        let group = group_key(overlay, group)?;
        if !overlay.is_member(pool, group, key) {
            let groups = overlay
                .groups
                .keys()
                .filter(|g| overlay.is_member(pool, **g, key));
            if groups.count() >= GROUPS_PER_USER {
                return Err(Refusal::service(
                    "LimitExceededException",
                    "Exceeded limit: a user can belong to 100 groups.",
                ));
            }
            overlay.join(pool, group, key);
        }
        Ok(Vec::new())
    })
}

pub(super) fn remove_from_group(pool: &Pool, input: &Input) -> Result<Vec<u8>, Refusal> {
    let (user, group) = (input.name("Username")?, input.name("GroupName")?);
    change(pool, user, |pool, overlay, key| {
        let group = group_key(overlay, group)?;
        overlay.leave(pool, group, key);
        Ok(Vec::new())
    })
}

pub(super) fn delete(pool: &Pool, input: &Input) -> Result<Vec<u8>, Refusal> {
    change(pool, input.name("Username")?, |pool, overlay, key| {
        overlay.remove_user(key, pool.base_users());
        Ok(Vec::new())
    })
}

pub(super) fn switch(
    pool: &Pool,
    input: &Input,
    enabled: bool,
    now_ms: i64,
) -> Result<Vec<u8>, Refusal> {
    change(pool, input.name("Username")?, |_, overlay, key| {
        overlay.touched.insert(key, (enabled, now_ms));
        Ok(b"{}".to_vec())
    })
}
