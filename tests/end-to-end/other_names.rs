//! The service answers to more names than the one that is the id: aliases, the `sub`,
//! another case. Nobody is changed under such a name, so that a rule about an id holds.

use fake_cognito::{PoolSpec, User};

use crate::support::{Bench, small_pool, truth};

const SUB: &str = "11111111-2222-4333-8444-555555555555";

/// A pool, another name of its user, and the user's id.
struct Case {
    name: &'static str,
    pool: PoolSpec,
    given: &'static str,
    id: &'static str,
}

fn cases() -> Vec<Case> {
    let mallory = || User::new("mallory").subject(SUB);
    vec![
        Case {
            name: "an e-mail address as alias",
            pool: small_pool().alias("email"),
            given: "alice@example.com",
            id: "alice",
        },
        Case {
            name: "a phone number as alias",
            pool: small_pool().alias("phone_number").user(
                mallory()
                    .attribute("phone_number", "+15555550100")
                    .attribute("phone_number_verified", "true"),
            ),
            given: "+15555550100",
            id: "mallory",
        },
        Case {
            name: "a preferred username",
            pool: small_pool()
                .alias("preferred_username")
                .user(mallory().attribute("preferred_username", "mal")),
            given: "mal",
            id: "mallory",
        },
        Case {
            name: "the sub",
            pool: small_pool().user(mallory()),
            given: SUB,
            id: "mallory",
        },
        Case {
            name: "another case",
            pool: small_pool().case_insensitive(),
            given: "Alice",
            id: "alice",
        },
        Case {
            name: "the address that is signed in with",
            pool: small_pool()
                .username_attribute("email")
                .user(User::new(SUB).subject(SUB).email("eve@example.com")),
            given: "eve@example.com",
            id: SUB,
        },
    ]
}

fn commands(given: &str) -> Vec<Vec<String>> {
    let user = format!("user:{given}");
    let argument = format!("user_id={given}");
    [
        &["grant", "group:admins:member", &user][..],
        &["revoke", "group:developers:member", &user],
        &["account", "delete", &user, "--yes"],
        &["action", "invoke", "enable_user", &argument],
        &["action", "invoke", "disable_user", &argument],
    ]
    .iter()
    .map(|words| words.iter().map(|word| (*word).to_owned()).collect())
    .collect()
}

#[test]
fn no_command_changes_anybody_under_another_name_and_each_says_which_is_the_id() {
    for case in cases() {
        let bench = Bench::with_pool(case.pool);
        assert!(bench.pool().user(case.id).is_some(), "{}", case.name);
        let before = truth(bench.pool());
        for arguments in commands(case.given) {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let ran = bench.change(&arguments);
            assert_eq!(ran.code, 3, "{}: {arguments:?}: {ran:?}", case.name);
            let message = ran.message();
            assert!(message.contains(case.given), "{}: {message}", case.name);
            let id = format!("user:{}", case.id);
            assert!(message.contains(&id), "{}: {message}", case.name);
            assert_eq!(bench.changes_sent(), [], "{}: {arguments:?}", case.name);
        }
        assert_eq!(truth(bench.pool()), before, "{}", case.name);
    }
}

#[test]
fn a_dry_run_under_another_name_is_refused_too() {
    for case in cases() {
        let bench = Bench::with_pool(case.pool);
        for arguments in commands(case.given) {
            let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            arguments.push("--dry-run");
            let ran = bench.change(&arguments);
            assert_eq!(ran.code, 3, "{}: {arguments:?}: {ran:?}", case.name);
        }
        assert_eq!(bench.changes_sent(), [], "{}", case.name);
    }
}

#[test]
fn a_protected_account_is_not_reached_under_another_name_either() {
    for case in cases() {
        let bench = Bench::with_pool(case.pool);
        let list = format!("protect = [\"user:{}\"]\n", case.id);
        bench.write("connector.toml", &list);
        let before = truth(bench.pool());
        for (given, code) in [(case.given, 3), (case.id, 9)] {
            for arguments in commands(given) {
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                let ran = bench.change(&arguments);
                assert_eq!(ran.code, code, "{}: {arguments:?}: {ran:?}", case.name);
            }
        }
        assert_eq!(bench.changes_sent(), [], "{}", case.name);
        assert_eq!(truth(bench.pool()), before, "{}", case.name);
    }
}

#[test]
fn the_id_itself_works_in_every_one_of_these_pools() {
    for case in cases() {
        let bench = Bench::with_pool(case.pool);
        for arguments in commands(case.id) {
            if arguments[1] == "delete" {
                continue;
            }
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            bench.changed(&arguments);
        }
        assert_eq!(bench.pool().groups_of(case.id), ["admins"], "{}", case.name);
        let user = format!("user:{}", case.id);
        bench.changed(&["account", "delete", &user, "--yes"]);
        assert!(bench.pool().user(case.id).is_none(), "{}", case.name);
    }
}

#[test]
fn two_users_whose_names_differ_in_case_are_two_users_where_the_pool_says_so() {
    let bench = Bench::with_pool(small_pool().user(User::new("ALICE")));
    bench.changed(&["account", "delete", "user:ALICE", "--yes"]);
    assert!(bench.pool().user("ALICE").is_none());
    assert_eq!(bench.pool().groups_of("alice"), ["admins", "developers"]);
}
