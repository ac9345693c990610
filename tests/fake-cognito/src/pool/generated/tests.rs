use std::collections::HashSet;

use super::*;

fn generator(users: u32, sizes: GroupSizes) -> Generator {
    Generator::new(Generated {
        users,
        groups: 30,
        sizes,
        seed: 9,
    })
}

#[test]
fn every_user_is_found_by_its_username_and_its_subject() {
    let pool = generator(5_000, GroupSizes::Mixed);
    let mut names = HashSet::new();
    for i in 0..5_000 {
        let user = pool.user(i);
        assert!(
            pool.candidates(&user.username).any(|found| found == i),
            "{}",
            user.username
        );
        assert!(pool.candidates(user.sub()).any(|found| found == i));
        assert!(user.username.chars().count() <= NAME_LIMIT);
        assert!(names.insert(user.username));
    }
}

#[test]
fn membership_says_the_same_in_both_directions() {
    for users in [1, 2, 60, 997, 1_000] {
        let pool = generator(users, GroupSizes::Mixed);
        for g in 0..30 {
            let listed: HashSet<u64> = (0..pool.member_count(g))
                .map(|k| pool.member(g, k))
                .collect();
            assert_eq!(
                listed.len() as u64,
                pool.member_count(g),
                "a member twice in group {g}"
            );
            for i in 0..u64::from(users) {
                assert_eq!(
                    pool.is_member(g, i),
                    listed.contains(&i),
                    "group {g} user {i}"
                );
            }
        }
    }
}

#[test]
fn the_last_number_of_a_name_is_read_past_any_script() {
    assert_eq!(last_number("佐藤·さくら17"), Some(17));
    assert_eq!(last_number("a1@b2.example"), Some(2));
    assert_eq!(last_number("17"), Some(17));
    assert_eq!(last_number("none"), None);
}
