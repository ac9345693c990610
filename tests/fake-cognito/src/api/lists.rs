//! The four lists and their paging.
//!
//! A page goes on at a position, never at a count of rows, so deletions neither skip nor repeat
//! anybody. Short pages, empty pages with a token and an empty page at the end are drawn from a
//! seed: the service is documented to send all of them.

use super::filter::Filter;
use super::input::Input;
use super::{Service, Twist};
use crate::answer::{Json, Refusal};
use crate::hash::draw;
use crate::operation::Operation;
use crate::pool::{Pool, View};
use crate::token::{self, Position};

/// Rows that a filtered page may look at before it is sent as it is, perhaps empty.
const SCAN_LIMIT: usize = 6_000;
/// The same for prefixes of the subject, which cost next to nothing to check.
const SUB_SCAN_LIMIT: usize = 200_000;
/// Empty pages in a row; the next one makes progress.
const EMPTY_RUN_LIMIT: u16 = 3;
/// Bytes of a page of ordinary users.
const PAGE_BYTES: usize = 48 * 1024;

/// How pages are cut.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// Out of 1,000 pages, how many hold fewer items than asked for.
    pub short_per_mille: u16,
    /// Out of 1,000 pages, how many are empty and have a token.
    pub empty_per_mille: u16,
    /// Whether the last page still has a token, which leads to an empty page without one.
    pub empty_at_end: bool,
    /// What the two numbers are drawn from.
    pub seed: u64,
}

/// What one page needs besides its rows.
struct Turn<'a> {
    operation: Operation,
    binding: String,
    limit: usize,
    start: Position,
    given: Option<&'a str>,
    twist: Twist,
}

fn binding(operation: Operation, parts: &[&str]) -> String {
    let mut binding = operation.name().to_owned();
    for part in parts {
        binding.push('\0');
        binding.push_str(part);
    }
    binding
}

impl Service {
    fn turn<'a>(
        &self,
        operation: Operation,
        input: &'a Input,
        parts: &[&str],
        twist: Twist,
    ) -> Result<Turn<'a>, Refusal> {
        let binding = binding(operation, parts);
        let limit = usize::try_from(input.limit()?).unwrap_or(usize::MAX);
        let given = input.text(operation.token_member())?;
        let now_ms = self.clock.now_ms();
        let generation = self.token_generation();
        let mut start = match given {
            None => Position {
                next: 0,
                issued_ms: now_ms,
                generation,
                empty_run: 0,
            },
            Some(text) => {
                let position = token::read(&binding, text)
                    .ok_or_else(|| Refusal::parameter("Invalid pagination token given."))?;
                let expired = twist == Twist::Expired
                    || self
                        .token_lifetime_ms
                        .is_some_and(|lifetime| now_ms - position.issued_ms >= lifetime);
                if expired || position.generation != generation {
                    return Err(Refusal::parameter("Pagination token has expired."));
                }
                position
            }
        };
        match twist {
            Twist::Restart => start.next = 0,
            Twist::Overlap => start.next = start.next.saturating_sub(1),
            _ => {}
        }
        Ok(Turn {
            operation,
            binding,
            limit,
            start,
            given,
            twist,
        })
    }

    /// How many items this page may have.
    fn page_size(&self, turn: &Turn<'_>) -> usize {
        match turn.twist {
            Twist::Oversize => return usize::MAX,
            Twist::Short => return 1,
            Twist::Empty => return 0,
            _ => {}
        }
        let paging = &self.paging;
        let place = turn.binding.bytes().fold(turn.start.next, |sum, byte| {
            sum.rotate_left(5) ^ u64::from(byte)
        });
        let luck = draw(paging.seed, u64::from(turn.start.empty_run), place);
        let empty = luck % 1_000 < u64::from(paging.empty_per_mille);
        if empty && turn.start.empty_run < EMPTY_RUN_LIMIT {
            return 0;
        }
        if (luck >> 16) % 1_000 < u64::from(paging.short_per_mille) {
            return 1 + (luck >> 32) as usize % turn.limit.max(1);
        }
        turn.limit
    }

    /// Writes one page out of the rows from the start on; a row that is not there or does not pass
    /// is `None` and still counts as looked at.
    fn page<T>(
        &self,
        turn: &Turn<'_>,
        rows: impl Iterator<Item = (u64, Option<T>)>,
        scan_limit: usize,
        mut write: impl FnMut(&mut Json, T) -> Result<(), Refusal>,
    ) -> Result<Vec<u8>, Refusal> {
        let size = self.page_size(turn);
        let mut json = Json::with_capacity(PAGE_BYTES);
        json.open();
        json.open_list(turn.operation.list_member().unwrap_or_default());
        let mut written = 0;
        let mut next = None;
        let mut after_last = turn.start.next;
        for (looked_at, (place, row)) in rows.enumerate() {
            after_last = place + 1;
            if looked_at >= scan_limit && turn.twist != Twist::Oversize {
                next = Some(place);
                break;
            }
            let Some(row) = row else { continue };
            if written >= size {
                next = Some(place);
                break;
            }
            write(&mut json, row)?;
            written += 1;
        }
        json.close_list();
        if next.is_none() && written > 0 && self.paging.empty_at_end {
            next = Some(after_last);
        }
        if matches!(turn.twist, Twist::RepeatToken | Twist::Empty) {
            next = Some(turn.start.next);
        }
        if let Some(next) = next {
            let position = Position {
                next,
                issued_ms: self.clock.now_ms(),
                generation: self.token_generation(),
                empty_run: if written == 0 {
                    turn.start.empty_run.saturating_add(1)
                } else {
                    0
                },
            };
            let repeated = turn.given.filter(|_| turn.twist == Twist::RepeatToken);
            let fresh = || token::write(&turn.binding, position);
            json.text(
                turn.operation.token_member(),
                &repeated.map_or_else(fresh, str::to_owned),
            );
        }
        json.close();
        Ok(json.finish())
    }

    pub(super) fn list_users(
        &self,
        pool: &Pool,
        input: &Input,
        twist: Twist,
    ) -> Result<Vec<u8>, Refusal> {
        let filter_text = input.filter()?.unwrap_or_default();
        let wanted = input.texts("AttributesToGet")?;
        let joined = wanted
            .as_ref()
            .map(|names| names.join("\0"))
            .unwrap_or_default();
        let turn = self.turn(
            Operation::ListUsers,
            input,
            &[pool.id(), filter_text, &joined],
            twist,
        )?;
        let filter = match filter_text {
            "" => None,
            text => Some(Filter::parse(text)?),
        };
        let view = pool.now();
        let case_sensitive = pool.spec().case_sensitive;
        let write = |json: &mut Json, user: crate::User| {
            if let Some(wanted) = &wanted {
                // Documented: an error where a user of the result has no value.
                if wanted.iter().any(|name| user.value(name).is_none()) {
                    return Err(Refusal::parameter(
                        "One or more requested attributes have no value for a user of the result.",
                    ));
                }
            }
            json.user(&user, wanted.as_deref());
            Ok(())
        };
        let Some(filter) = filter else {
            let rows = (turn.start.next..view.user_end()).map(|key| (key, view.user(key)));
            return self.page(&turn, rows, usize::MAX, write);
        };
        if let Some(found) = indexed(&view, &filter) {
            let rows = found
                .filter(|key| *key >= turn.start.next)
                .and_then(|key| view.user(key).map(|user| (key, Some(user))));
            return self.page(&turn, rows.into_iter(), usize::MAX, write);
        }
        let digits = sub_digits(&filter);
        let budget = if digits.is_some() {
            SUB_SCAN_LIMIT
        } else {
            SCAN_LIMIT
        };
        let rows = (turn.start.next..view.user_end()).map(|key| {
            let hopeless =
                digits.and_then(|digits| view.sub_starts_with(key, digits)) == Some(false);
            let user = if hopeless { None } else { view.user(key) };
            (key, user.filter(|user| filter.passes(user, case_sensitive)))
        });
        self.page(&turn, rows, budget, write)
    }

    pub(super) fn list_groups(
        &self,
        pool: &Pool,
        input: &Input,
        twist: Twist,
    ) -> Result<Vec<u8>, Refusal> {
        let turn = self.turn(Operation::ListGroups, input, &[pool.id()], twist)?;
        let view = pool.now();
        let from = u32::try_from(turn.start.next).unwrap_or(u32::MAX);
        let rows = view
            .overlay
            .groups
            .range(from..)
            .map(|(key, group)| (u64::from(*key), Some(group)));
        self.page(&turn, rows, usize::MAX, |json, group| {
            json.group(group, pool.id());
            Ok(())
        })
    }

    pub(super) fn list_users_in_group(
        &self,
        pool: &Pool,
        input: &Input,
        twist: Twist,
    ) -> Result<Vec<u8>, Refusal> {
        let name = input.name("GroupName")?;
        let turn = self.turn(
            Operation::ListUsersInGroup,
            input,
            &[pool.id(), name],
            twist,
        )?;
        let view = pool.now();
        let group = *view
            .overlay
            .group_names
            .get(name)
            .ok_or_else(Refusal::group_not_found)?;
        let first = view.next_place(group, turn.start.next);
        let places = std::iter::successors(first, |place| view.next_place(group, place + 1));
        let rows = places.map(|place| {
            let user = view.member(group, place).and_then(|key| view.user(key));
            (place, user)
        });
        self.page(&turn, rows, usize::MAX, |json, user| {
            json.user(&user, None);
            Ok(())
        })
    }

    pub(super) fn list_groups_for_user(
        &self,
        pool: &Pool,
        input: &Input,
        twist: Twist,
    ) -> Result<Vec<u8>, Refusal> {
        let name = input.name("Username")?;
        let turn = self.turn(
            Operation::AdminListGroupsForUser,
            input,
            &[pool.id(), name],
            twist,
        )?;
        let view = pool.now();
        let key = view.resolve(name).ok_or_else(Refusal::user_not_found)?;
        let rows = view
            .groups_of(key)
            .filter(|group| u64::from(*group) >= turn.start.next)
            .map(|group| (u64::from(group), view.overlay.groups.get(&group)));
        self.page(&turn, rows, usize::MAX, |json, group| {
            json.group(group, pool.id());
            Ok(())
        })
    }
}

/// The answer of a filter that needs no scan: outside `None` if it does need one.
fn indexed(view: &View, filter: &Filter) -> Option<Option<u64>> {
    match (filter.attribute, filter.prefix) {
        ("username", false) => Some(view.find_username(&filter.value)),
        ("sub", false) => Some(view.find_sub(&filter.value)),
        _ => None,
    }
}

/// The leading hexadecimal digits of a prefix of the subject.
fn sub_digits(filter: &Filter) -> Option<&str> {
    if filter.attribute != "sub" {
        return None;
    }
    let digits = filter.value.split('-').next()?;
    let hexadecimal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (!digits.is_empty() && digits.bytes().all(hexadecimal)).then_some(digits)
}
