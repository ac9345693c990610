//! Every change that there is: what it says, what it sends, and what the pool holds
//! afterwards.

use std::collections::BTreeSet;

use fake_cognito::{Group, Key, Operation, PoolSpec, User};
use serde_json::{Value, json};

use crate::support::{Bench, KEY_ID, POOL, SECRET, finish, small_pool, truth};
use Operation::{
    AdminAddUserToGroup, AdminCreateUser, AdminDeleteUser, AdminDisableUser, AdminEnableUser,
    AdminGetUser, AdminListGroupsForUser, AdminRemoveUserFromGroup, DescribeUserPool,
};

/// One step in the life of an account: the command, its outcome, what it sends and what
/// the pool then says about dave.
type Step<'a> = (&'a [&'a str], &'a str, &'a [Operation], Value);

const CREATE: &[&str] = &[
    "account",
    "create",
    "--username",
    "dave",
    "--email",
    "dave@example.com",
];
const GRANT: &[&str] = &["grant", "group:admins:member", "user:dave"];
const REVOKE: &[&str] = &["revoke", "group:admins:member", "user:dave"];
const DISABLE: &[&str] = &["action", "invoke", "disable_user", "user_id=dave"];
const ENABLE: &[&str] = &["action", "invoke", "enable_user", "user_id=dave"];
const DELETE: &[&str] = &["account", "delete", "user:dave", "--yes"];

fn is(enabled: bool, groups: &[&str]) -> Value {
    json!({"enabled": enabled, "status": "FORCE_CHANGE_PASSWORD", "groups": groups})
}

fn life() -> Vec<Step<'static>> {
    vec![
        (
            CREATE,
            "created",
            &[
                DescribeUserPool,
                AdminGetUser,
                AdminCreateUser,
                AdminGetUser,
            ],
            is(true, &[]),
        ),
        (
            CREATE,
            "already-exists",
            &[
                DescribeUserPool,
                AdminGetUser,
                AdminCreateUser,
                AdminGetUser,
                AdminGetUser,
            ],
            is(true, &[]),
        ),
        (
            GRANT,
            "granted",
            &[
                AdminGetUser,
                AdminListGroupsForUser,
                AdminListGroupsForUser,
                AdminAddUserToGroup,
                AdminListGroupsForUser,
            ],
            is(true, &["admins"]),
        ),
        (
            GRANT,
            "already-granted",
            &[
                AdminGetUser,
                AdminListGroupsForUser,
                AdminListGroupsForUser,
                AdminListGroupsForUser,
            ],
            is(true, &["admins"]),
        ),
        (
            DISABLE,
            "done",
            &[AdminGetUser, AdminDisableUser, AdminGetUser],
            is(false, &["admins"]),
        ),
        (
            DISABLE,
            "done",
            &[AdminGetUser, AdminDisableUser, AdminGetUser],
            is(false, &["admins"]),
        ),
        (
            ENABLE,
            "done",
            &[AdminGetUser, AdminEnableUser, AdminGetUser],
            is(true, &["admins"]),
        ),
        (
            REVOKE,
            "revoked",
            &[
                AdminGetUser,
                AdminListGroupsForUser,
                AdminListGroupsForUser,
                AdminRemoveUserFromGroup,
                AdminListGroupsForUser,
            ],
            is(true, &[]),
        ),
        (
            REVOKE,
            "already-revoked",
            &[
                AdminGetUser,
                AdminListGroupsForUser,
                AdminListGroupsForUser,
                AdminRemoveUserFromGroup,
                AdminListGroupsForUser,
            ],
            is(true, &[]),
        ),
        (
            DELETE,
            "deleted",
            &[
                AdminGetUser,
                AdminListGroupsForUser,
                AdminDeleteUser,
                AdminGetUser,
            ],
            Value::Null,
        ),
        (
            DELETE,
            "already-gone",
            &[AdminGetUser, AdminDeleteUser, AdminGetUser],
            Value::Null,
        ),
    ]
}

#[test]
fn an_account_lives_from_its_creation_to_its_deletion_and_each_step_can_be_repeated() {
    let bench = Bench::with_pool(small_pool());
    let others = truth(bench.pool());
    for (arguments, outcome, sent, dave) in life() {
        bench.server.log().clear();
        let printed = bench.changed(arguments);
        assert_eq!(printed["outcome"], outcome, "{arguments:?}");
        // Whoever deletes nobody may have meant somebody else.
        let remarks = usize::from(outcome == "already-gone");
        let warnings = printed["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), remarks, "{arguments:?}: {warnings:?}");
        assert_eq!(bench.sent(), sent, "{arguments:?}");
        let mut now = truth(bench.pool());
        let now_dave = now.as_object_mut().unwrap().remove("dave");
        assert_eq!(now_dave.unwrap_or_default(), dave, "{arguments:?}");
        assert_eq!(now, others, "{arguments:?}");
    }
}

/// What each command needs, as the page about permissions says it.
fn needs() -> Vec<(&'static [&'static str], &'static [Operation])> {
    vec![
        (
            &["sync"],
            &[
                Operation::ListUsers,
                Operation::ListGroups,
                Operation::ListUsersInGroup,
            ],
        ),
        (&["get", "user:dave"], &[AdminGetUser]),
        (&["get", "group:admins"], &[Operation::ListGroups]),
        (
            GRANT,
            &[AdminGetUser, AdminListGroupsForUser, AdminAddUserToGroup],
        ),
        (
            REVOKE,
            &[
                AdminGetUser,
                AdminListGroupsForUser,
                AdminRemoveUserFromGroup,
            ],
        ),
        (CREATE, &[DescribeUserPool, AdminGetUser, AdminCreateUser]),
        (
            DELETE,
            &[AdminGetUser, AdminListGroupsForUser, AdminDeleteUser],
        ),
        (ENABLE, &[AdminGetUser, AdminEnableUser]),
        (DISABLE, &[AdminGetUser, AdminDisableUser]),
    ]
}

fn pool_for(arguments: &[&str]) -> PoolSpec {
    match arguments == CREATE {
        true => small_pool(),
        false => small_pool().user(User::new("dave")),
    }
}

#[test]
fn each_of_the_twelve_operations_is_sent_by_a_command_that_fails_without_the_right_to_it() {
    let mut proved = BTreeSet::new();
    for (arguments, operations) in needs() {
        for operation in operations {
            let bench = Bench::with_pool(pool_for(arguments));
            let key = Key::new(KEY_ID, SECRET).deny([*operation]);
            bench.server.credentials().put(key);
            let before = truth(bench.pool());
            let ran = bench.change(arguments);
            assert_eq!(ran.code, 7, "{arguments:?} without {operation}: {ran:?}");
            let permission = format!("cognito-idp:{operation}");
            assert!(ran.message().contains(&permission), "{ran:?}");
            assert_eq!(truth(bench.pool()), before, "{operation}");
            assert!(bench.server.log().count(*operation) > 0, "{operation}");
            proved.insert(*operation);
        }
    }
    assert_eq!(proved, Operation::ALL.into_iter().collect());
}

#[test]
fn exactly_the_rights_on_the_page_about_permissions_are_enough() {
    for (arguments, operations) in needs() {
        let bench = Bench::with_pool(pool_for(arguments));
        let key = Key::new(KEY_ID, SECRET).allow_only(operations.iter().copied());
        bench.server.credentials().put(key);
        bench.changed(arguments);
    }
}

#[test]
fn each_change_prints_its_object() {
    let bench = Bench::with_pool(small_pool());
    let grant = bench.changed(&["grant", "group:admins:member", "user:bob"]);
    assert_eq!(
        grant,
        json!({
            "outcome": "granted",
            "grant": "group:admins:member:user:bob",
            "entitlement": "group:admins:member",
            "principal": "user:bob",
            "warnings": [],
        })
    );
    let disabled = bench.changed(&["action", "invoke", "disable_user", "user_id=bob"]);
    assert_eq!(disabled["success"], true);
    assert_eq!(disabled["action"], "disable_user");
    assert_eq!(disabled["user"], bench.json(&["get", "user:bob"]));
    assert_eq!(disabled["user"]["status"], "disabled");
    let created = bench.changed(CREATE);
    assert_eq!(created["user"], bench.json(&["get", "user:dave"]));
    assert_eq!(created["user"]["status_details"], "FORCE_CHANGE_PASSWORD");
    let deleted = bench.changed(DELETE);
    assert_eq!(
        deleted,
        json!({"outcome": "deleted", "account": "user:dave", "warnings": []})
    );
}

#[test]
fn the_table_and_the_lines_say_the_same_as_the_object() {
    let bench = Bench::with_pool(small_pool());
    let grant = ["--provisioning", "grant", "group:admins:member", "user:bob"];
    let table = bench.run(&grant);
    assert_eq!(table.code, 0, "{table:?}");
    assert!(table.stdout.contains("granted"), "{table:?}");
    let line = bench.run(&[&grant[..], &["-o", "jsonl"]].concat());
    assert_eq!(line.rows().len(), 1);
    assert_eq!(line.rows()[0]["outcome"], "already-granted");
}

#[test]
fn what_is_missing_is_named() {
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["grant", "group:nowhere:member", "user:bob"],
            &["group 'nowhere'", POOL],
        ),
        // Also for somebody who is no member: only the service knows.
        (
            &["revoke", "group:nowhere:member", "user:bob"],
            &["group 'nowhere'", POOL],
        ),
        (
            &["grant", "group:admins:member", "user:nobody"],
            &["user 'nobody'", POOL],
        ),
        (
            &["revoke", "group:admins:member", "user:nobody"],
            &["user 'nobody'", POOL],
        ),
        (
            &["action", "invoke", "enable_user", "user_id=nobody"],
            &["user 'nobody'", POOL],
        ),
        (
            &["action", "invoke", "disable_user", "user_id=nobody"],
            &["user 'nobody'", POOL],
        ),
    ];
    for (arguments, words) in cases {
        let bench = Bench::with_pool(small_pool());
        let before = truth(bench.pool());
        bench.change(arguments).assert_refused(5, words);
        assert_eq!(truth(bench.pool()), before, "{arguments:?}");
    }
}

#[test]
fn a_pool_that_is_not_there_is_named_by_every_command() {
    let bench = Bench::with_pool(small_pool());
    let missing = "eu-central-1_Missing01";
    for arguments in [CREATE, GRANT, REVOKE, DISABLE, ENABLE, DELETE] {
        let mut command = bench.command(&[arguments, &["-p", "-o", "json"]].concat());
        let ran = finish(command.env("CONNECTOR_USER_POOL_ID", missing));
        ran.assert_refused(5, &["pool", missing]);
    }
}

#[test]
fn names_of_every_script_and_with_every_separator_are_taken_as_they_are() {
    let users = [
        "a:b",
        "user:member",
        "x/y@z",
        "佐藤",
        "e\u{301}",
        "🚀",
        "'\"`$(id)",
        "-o",
        "a=b",
        "%20",
    ];
    let groups = ["group:admins:member", "a/b", "Ämter", "--yes", "🚀:🚀"];
    let mut pool = PoolSpec::literal(POOL);
    pool = pool.users(users.map(User::new));
    for group in groups {
        pool = pool.group(Group::new(group));
    }
    let bench = Bench::with_pool(pool);
    for (index, user) in users.iter().enumerate() {
        let group = groups[index % groups.len()];
        let entitlement = format!("group:{group}:member");
        let principal = format!("user:{user}");
        let grant = bench.changed(&["grant", &entitlement, &principal]);
        assert_eq!(grant["outcome"], "granted");
        assert_eq!(grant["grant"], format!("{entitlement}:{principal}"));
        assert_eq!(bench.pool().groups_of(user), [group], "{user}");
        let argument = format!("user_id={user}");
        let action = bench.changed(&["action", "invoke", "disable_user", &argument]);
        assert_eq!(action["user"]["id"], *user);
        assert!(!bench.pool().user(user).unwrap().enabled, "{user}");
        let revoke = bench.changed(&["revoke", &entitlement, &principal]);
        assert_eq!(revoke["outcome"], "revoked");
        assert!(bench.pool().groups_of(user).is_empty(), "{user}");
        let delete = bench.changed(&["account", "delete", "--yes", &principal]);
        assert_eq!(delete["outcome"], "deleted");
        assert!(bench.pool().user(user).is_none(), "{user}");
    }
}

#[test]
fn a_user_in_a_hundred_groups_is_looked_at_on_both_pages() {
    let mut pool = PoolSpec::literal(POOL).user(User::new("alice"));
    for number in 0..101 {
        pool = pool.group(Group::new(format!("g{number:03}")));
    }
    for number in 0..99 {
        pool = pool.member("alice", format!("g{number:03}"));
    }
    let bench = Bench::with_pool(pool);
    for (group, outcome) in [
        ("g098", "already-granted"),
        ("g099", "granted"),
        ("g099", "already-granted"),
    ] {
        let entitlement = format!("group:{group}:member");
        let printed = bench.changed(&["grant", &entitlement, "user:alice"]);
        assert_eq!(printed["outcome"], outcome, "{group}");
    }
    let ran = bench.change(&["grant", "group:g100:member", "user:alice"]);
    ran.assert_refused(8, &["100 groups"]);
    assert_eq!(bench.pool().groups_of("alice").len(), 100);
    let printed = bench.changed(&["revoke", "group:g099:member", "user:alice"]);
    assert_eq!(printed["outcome"], "revoked");
}

#[test]
fn an_action_that_is_unknown_or_has_wrong_arguments_is_told_the_schema_and_nothing_is_sent() {
    let bench = Bench::with_pool(small_pool());
    let usage = "disable_user user_id=USER_ID";
    for (arguments, words) in [
        (&["drop_user", "user_id=bob"][..], &["drop_user", usage][..]),
        (&["disable_user"], &["needs", "user_id", usage]),
        (&["disable_user", "user_id="], &["empty", usage]),
        (&["disable_user", "id=bob"], &["`id`", usage]),
        (
            &["disable_user", "user_id=bob", "force=true"],
            &["`force`", usage],
        ),
        (
            &["disable_user", "user_id=bob", "user_id=alice"],
            &["twice", usage],
        ),
        (&["disable_user", "bob"], &["NAME=VALUE"]),
    ] {
        let ran = bench.change(&[&["action", "invoke"], arguments].concat());
        ran.assert_refused(3, words);
    }
    assert_eq!(bench.server.log().total(), 0);
    let listed = bench.json(&["action", "list"]);
    let names: Vec<&Value> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["enable_user", "disable_user"]);
    assert_eq!(bench.server.log().total(), 0);
}

#[test]
fn what_no_connector_could_do_is_refused_before_anything_is_sent() {
    let bench = Bench::with_pool(small_pool());
    for (arguments, words) in [
        (
            &["grant", "group:admins:owner", "user:bob"][..],
            &["owner", "member"][..],
        ),
        (
            &["grant", "group:admins:member", "group:developers"],
            &["group", "user"],
        ),
        (&["grant", "user:bob:member", "user:alice"], &["member"]),
        (&["grant", "role:admins:member", "user:bob"], &["role"]),
        (&["grant", "admins", "user:bob"], &["admins"]),
        (&["revoke", "group:admins:member", "bob"], &["bob"]),
        (&["account", "delete", "group:admins", "--yes"], &["group"]),
    ] {
        let ran = bench.change(arguments);
        ran.assert_refused(3, words);
    }
    assert_eq!(bench.server.log().total(), 0);
}
