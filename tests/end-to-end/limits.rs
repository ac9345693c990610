//! The limits of the sandbox, as the operator sets them and as they are met.

use fake_cognito::{Operation, PoolSpec, User};

use crate::support::{Bench, POOL, Ran, full_page};

fn sync(bench: &Bench, limits: &[&str]) -> Ran {
    let mut arguments = vec!["sync", "--only", "users", "-o", "json"];
    for limit in limits {
        arguments.extend(["--limit", limit]);
    }
    bench.run(&arguments)
}

fn pages_sent(bench: &Bench) -> usize {
    let entries = bench.server.log().entries();
    let is_page = |operation| operation == Some(Operation::ListUsers);
    entries.iter().filter(|one| is_page(one.operation)).count()
}

/// What holds the page takes some times as much memory, in the component and in the host.
/// If half of a default were too little for the largest page, the default would be close
/// to what an honest connector meets.
#[test]
fn half_of_every_default_is_enough_for_the_largest_page() {
    let bench = Bench::with_pool(full_page());
    let ran = sync(
        &bench,
        &[
            "memory=32MiB,memories=2,tables=8,table-elements=50000,instances=32",
            "compute=5s,call-time=135s,start-time=5s",
            "host-call=8MiB,handles=5000,host-resources=500",
            "request-headers=16KiB,request-header-fields=32,request-body=512KiB",
            "response-headers=32KiB,response-header-fields=64,response-body=8MiB",
            "random=32KiB",
        ],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let largest = bench.server.log().entries();
    let largest = largest.iter().map(|entry| entry.answer_bytes).max();
    assert!(largest > Some(6_000_000), "{largest:?}");
    assert_eq!(bench.list("users").len(), 60);
}

#[test]
fn a_page_that_is_too_much_is_told_with_its_limit_and_is_not_asked_for_again() {
    for (limit, code, words) in [
        (
            "memory=8MiB",
            13,
            [
                "the component `cognito-connector` hit the limit `memory` of 8 MiB in \
                 sync.list-resources",
                "it wanted ",
            ],
        ),
        (
            "host-call=1MiB",
            13,
            [
                "the component `cognito-connector` hit the limit `host-call` of 1 MiB in \
                 sync.list-resources",
                "it handed over more at once",
            ],
        ),
        (
            "response-body=1MiB",
            14,
            [
                "the service hit the limit `response-body` of 1 MiB in sync.list-resources \
                 (ListUsers)",
                "its answer is larger",
            ],
        ),
    ] {
        let bench = Bench::with_pool(full_page());
        let ran = sync(&bench, &[limit]);
        ran.assert_refused(code, &words);
        assert_eq!(pages_sent(&bench), 1, "{limit}: {ran:?}");
        let name = limit.split('=').next().unwrap();
        assert!(
            ran.stderr
                .contains(&format!("raise it with --limit {name}=")),
            "{ran:?}"
        );
        let ran = sync(&bench, &[]);
        assert_eq!(ran.code, 0, "after {limit}: {ran:?}");
        assert_eq!(bench.list("users").len(), 60, "after {limit}");
    }
}

#[test]
fn a_limit_comes_from_the_option_the_environment_or_the_file() {
    let bench = Bench::with_pool(PoolSpec::literal(POOL).user(User::new("alice")));
    let told = |arguments: &[&str], environment: Option<&str>, file: &str| {
        std::fs::write(bench.folder.path().join("connector.toml"), file).unwrap();
        let arguments = [&["inspect", "-o", "json"], arguments].concat();
        let mut command = bench.command(&arguments);
        command.envs(environment.map(|value| ("CONNECTOR_LIMIT", value)));
        let ran = crate::support::finish(&mut command);
        ran.assert_refused(
            13,
            &[
                "the component hit the limit `memory` of ",
                " in describe.describe",
            ],
        );
        let message = ran.message();
        let (_, rest) = message.split_once("`memory` of ").unwrap();
        rest.split_once(" in ").unwrap().0.to_owned()
    };
    let one = "limit = \"memory=1KiB\"\n";
    let several = "limit = [\"tables=9\", \"memory=2KiB\"]\n";
    assert_eq!(told(&[], None, one), "1 KiB");
    assert_eq!(told(&[], None, several), "2 KiB");
    let environment = Some("tables=9, memory=3KiB");
    assert_eq!(told(&[], environment, several), "3 KiB");
    let typed = ["--limit", "memory=4KiB", "--limit", "tables=9"];
    assert_eq!(told(&typed, environment, several), "4 KiB");
}

#[test]
fn a_limit_that_is_none_is_told_before_anything_is_sent() {
    let bench = Bench::with_pool(PoolSpec::literal(POOL).user(User::new("alice")));
    for (limit, expected) in [
        ("memroy=1GiB", "(did you mean memory?); there are memory, "),
        ("memory=0", "too little for anything to work"),
        ("memory=1TB", "is no value; write a number of bytes"),
        ("memory=8GiB", "the most is 4GiB, because a component"),
        ("memory", "write NAME=VALUE, such as memory=128MiB"),
    ] {
        sync(&bench, &[limit]).assert_refused(3, &[expected]);
    }
    assert_eq!(bench.server.log().total(), 0);
    assert!(!bench.store().exists());
}
