use std::collections::BTreeSet;

use super::*;
use crate::token::Position;

fn members_of(group: usize) -> Vec<u8> {
    format!(r#"{{"UserPoolId":"p","GroupName":"g{group}","Limit":60}}"#).into_bytes()
}

fn page_at(next: u64, issued_ms: i64) -> Vec<u8> {
    let token = token::write(
        "ListUsers",
        Position {
            next,
            issued_ms,
            generation: 0,
            empty_run: 0,
        },
    );
    serde_json::json!({"UserPoolId": "p", "PaginationToken": token})
        .to_string()
        .into_bytes()
}

fn everything(seed: u64) -> Storm {
    Storm::new(seed)
        .passing(100)
        .paging(50)
        .restarts(50)
        .broken(50)
        .slow(10)
}

#[test]
fn what_strikes_a_request_does_not_depend_on_the_others() {
    let requests: Vec<Vec<u8>> = (0..400).map(members_of).collect();
    let strikes = |storm: &mut Storm, body: &[u8]| {
        let strike = storm.strike(Some(Operation::ListUsersInGroup), body);
        strike.map(|fault| format!("{fault:?}"))
    };
    let mut forwards = everything(7);
    let first: Vec<_> = requests
        .iter()
        .map(|body| strikes(&mut forwards, body))
        .collect();
    let mut backwards = everything(7);
    let mut second: Vec<_> = requests
        .iter()
        .rev()
        .map(|body| strikes(&mut backwards, body))
        .collect();
    second.reverse();
    assert_eq!(first, second);
    let mut again = everything(8);
    let other: Vec<_> = requests
        .iter()
        .map(|body| strikes(&mut again, body))
        .collect();
    assert_ne!(first, other, "another seed");
}

#[test]
fn a_request_that_comes_again_is_drawn_for_again() {
    let mut storm = Storm::new(1).passing(500);
    let body = members_of(1);
    let struck = (0..200)
        .filter(|_| {
            storm
                .strike(Some(Operation::ListUsersInGroup), &body)
                .is_some()
        })
        .count();
    assert!((60..140).contains(&struck), "{struck}");
}

#[test]
fn a_cursor_counts_by_where_it_leads_and_not_by_when_it_was_made() {
    let request = |body: &[u8]| identity(Operation::ListUsers, body);
    assert_eq!(request(&page_at(60, 1_000)), request(&page_at(60, 2_000)));
    assert_ne!(request(&page_at(60, 1_000)), request(&page_at(61, 1_000)));
    assert!(request(&page_at(60, 1_000)).1);
    assert!(!request(br#"{"UserPoolId":"p"}"#).1);
}

#[test]
fn shares_are_kept_and_every_kind_comes_up() {
    let mut storm = everything(3);
    let mut struck = 0;
    for n in 0..20_000 {
        let body = page_at(n, 0);
        struck += u64::from(storm.strike(Some(Operation::ListUsers), &body).is_some());
    }
    assert!((4_900..5_500).contains(&struck), "{struck}");
    assert_eq!(storm.struck().values().sum::<u64>(), struck);
    let named: BTreeSet<&str> = [PASSING, PAGING, RESTARTS, BROKEN, SLOW]
        .into_iter()
        .flatten()
        .map(|kind| kind.name)
        .collect();
    let come_up: BTreeSet<&str> = storm.struck().keys().copied().collect();
    assert_eq!(come_up, named);
}

#[test]
fn only_reading_is_struck_and_only_lists_get_pages() {
    let mut storm = Storm::new(5).paging(500).restarts(500);
    for operation in [
        Some(Operation::DescribeUserPool),
        Some(Operation::AdminDeleteUser),
        None,
    ] {
        for group in 0..100 {
            assert_eq!(storm.strike(operation, &members_of(group)), None);
        }
    }
    let first_pages = (0..100).filter_map(|group| {
        let fault = storm.strike(Some(Operation::ListUsersInGroup), &members_of(group));
        fault.filter(|fault| matches!(fault, Fault::ExpiredCursor | Fault::Restart))
    });
    assert_eq!(first_pages.count(), 0);
}

#[test]
fn without_a_share_it_is_calm() {
    let mut storm = Storm::new(1);
    assert!((0..100).all(|n| {
        storm
            .strike(Some(Operation::ListUsersInGroup), &members_of(n))
            .is_none()
    }));
}
