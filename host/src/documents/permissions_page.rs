//! The page `docs/permissions.md` names the rights that the policy grants, and no others.
//!
//! What each command really needs is proved elsewhere, by taking the rights away one by
//! one; here it is only that the page, the policy and the description speak of the same.

use std::collections::{BTreeMap, BTreeSet};

use super::cognito;
use crate::trust::description::Access;

const PAGE: &str = include_str!("../../../docs/permissions.md");

/// The actions that a command needs, and those that it can do without.
type Rights<'a> = (BTreeSet<&'a str>, BTreeSet<&'a str>);

/// The table of the page by command.
fn table() -> BTreeMap<&'static str, Rights<'static>> {
    fn names(cell: &str) -> BTreeSet<&str> {
        cell.split('`').skip(1).step_by(2).collect()
    }
    PAGE.lines()
        .skip_while(|line| !line.starts_with("| command "))
        .skip(2)
        .map_while(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let [command, needs, uses] = cells.as_slice() else {
                panic!("{row}");
            };
            (command.trim_matches('`'), (names(needs), names(uses)))
        })
        .collect()
}

#[test]
fn the_page_names_every_right_that_the_policy_grants_and_no_other() {
    let table = table();
    assert_eq!(table.len(), 11, "{:?}", table.keys());
    let on_page: BTreeSet<&str> = table
        .values()
        .flat_map(|(needs, uses)| needs.union(uses))
        .copied()
        .collect();
    let description = cognito();
    let granted: BTreeSet<&str> = description
        .wire
        .operations
        .iter()
        .filter_map(|operation| operation.permission.as_deref()?.split(':').next_back())
        .collect();
    assert_eq!(on_page, granted);
}

#[test]
fn a_read_only_policy_is_enough_for_exactly_the_commands_that_change_nothing() {
    let description = cognito();
    let reading: BTreeSet<&str> = description
        .wire
        .operations
        .iter()
        .filter(|operation| operation.access == Access::Read && !operation.optional)
        .map(|operation| operation.name.as_str())
        .collect();
    let table = table();
    let enough: Vec<&str> = table
        .iter()
        .filter(|(_, (needs, _))| needs.is_subset(&reading))
        .map(|(command, _)| *command)
        .collect();
    assert_eq!(
        enough,
        ["get group", "get user", "iam-policy", "sync", "validate"]
    );
}
