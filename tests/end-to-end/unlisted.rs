//! Members whom the list of users did not name: they signed up, or left, while it was read.

use fake_cognito::{Fault, Gate, Key, Operation, Reply, Rule};
use serde_json::Value;

use crate::support::{
    Bench, KEY_ID, Ran, SECRET, assert_rows, expected_grants, expected_users, small_pool,
    start_sync, wait_for_faults, warning_count,
};

/// Syncs, and changes the pool when the users have been listed and the members have not;
/// then once more when the look-up of who is missing has been asked for.
fn sync_around(
    bench: &Bench,
    before_members: impl FnOnce(),
    before_look_up: impl FnOnce(),
) -> (Value, Ran) {
    let (members, look_up) = (Gate::closed(), Gate::closed());
    let faults = bench.server.faults();
    faults.add(Rule::on(
        Operation::ListUsersInGroup,
        Fault::HeldUntil(members.clone()),
    ));
    let held = Fault::HeldUntil(look_up.clone());
    faults.add(Rule::on(Operation::ListUsers, held).containing("Filter"));
    let mut child = start_sync(bench);
    let mut wait_for_held = |requests| wait_for_faults(bench, &mut child, requests);
    wait_for_held(2);
    while bench.server.log().count(Operation::ListUsers) < 1 {
        std::thread::yield_now();
    }
    before_members();
    bench.server.log().clear();
    members.open();
    wait_for_held(3);
    before_look_up();
    look_up.open();
    let ran = crate::support::ran(&child.wait_with_output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    (serde_json::from_str(&ran.stdout).unwrap(), ran)
}

/// Somebody new in a group, made by another program.
fn sign_up(bench: &Bench, name: &str) {
    let created = ["account", "create", "--username", name];
    bench.changed(&created);
    bench.changed(&["grant", "group:admins:member", &format!("user:{name}")]);
}

#[test]
fn who_signed_up_during_the_sync_is_looked_up_in_the_list_and_added() {
    let config = fake_cognito::Config::new()
        .pool(small_pool())
        .key(Key::new(KEY_ID, SECRET))
        .log_contents();
    let bench = Bench::start(config);
    let odd = "a\"b\\c";
    let (summary, ran) = sync_around(
        &bench,
        // A name that could break out of the filter.
        || sign_up(&bench, odd),
        || {},
    );
    assert_eq!(warning_count(&summary, "listed-late"), 1, "{summary}");
    assert!(ran.stderr.contains("were looked up"), "{ran:?}");
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
    // Reading a single account counts as its use with this service; listing does not.
    assert_eq!(bench.server.log().count(Operation::AdminGetUser), 0);
    let filter = &bench.bodies(Operation::ListUsers)[0]["Filter"];
    assert_eq!(filter, "username = \"a\\\"b\\\\c\"");
}

#[test]
fn who_left_again_before_the_look_up_holds_nothing() {
    let bench = Bench::with_pool(small_pool());
    let (summary, _) = sync_around(
        &bench,
        || sign_up(&bench, "dave"),
        || assert!(bench.pool().remove_user("dave")),
    );
    assert_eq!(warning_count(&summary, "gone-principal"), 1, "{summary}");
    assert_eq!(warning_count(&summary, "unknown-principal"), 0, "{summary}");
    assert_rows(&bench.list("users"), &expected_users(bench.pool()));
    assert_rows(&bench.list("grants"), &expected_grants(bench.pool()));
}

#[test]
fn a_list_that_names_nobody_does_not_make_members_disappear() {
    // Whatever the service answers to the look-ups: nothing, or that it does not know them.
    let pool = crate::gates::pool_of(150);
    let bench = Bench::with_pool(pool);
    let nobody = Fault::Reply(Reply {
        status: 200,
        headers: vec![(
            "content-type".to_owned(),
            "application/x-amz-json-1.1".to_owned(),
        )],
        body: br#"{"Users":[]}"#.to_vec().into(),
    });
    bench
        .server
        .faults()
        .add(Rule::on(Operation::ListUsers, nobody).times(1));
    let ran = bench.run(&["sync", "-o", "json"]);
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(ran.message().contains("can't be complete"), "{ran:?}");
}
