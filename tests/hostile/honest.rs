//! Without an attack everything works, so that it is the attacks that are refused.

use connector_host::engine::Answer;

use crate::bench::{Bench, create, delete, disable, grant, list, revoke};

#[tokio::test]
async fn without_an_attack_the_hostile_connector_is_an_honest_one() {
    let bench = Bench::start().await;
    let honest = bench.hostile("none").await;
    let Answer::Resources(users) = bench.call(&honest, &list("user")).await.unwrap() else {
        panic!("no page of users");
    };
    let users: Vec<&str> = users.items.iter().map(|user| user.id.id.as_str()).collect();
    assert_eq!(users, ["alice", "bob"]);
    for change in [
        grant("alice", "admins"),
        revoke("bob", "developers"),
        create("carol@example.com"),
        disable("alice"),
        delete("bob"),
    ] {
        bench.call(&honest, &change).await.unwrap();
    }
    assert_eq!(honest.recorder.rules(), Vec::<&str>::new());
    let pool = bench.server.pool(crate::bench::POOL).unwrap();
    let truth: Vec<(String, bool)> = pool
        .users()
        .map(|user| (user.username.clone(), user.enabled))
        .collect();
    assert_eq!(truth.len(), 2, "{truth:?}");
    assert!(truth.contains(&("alice".to_owned(), false)), "{truth:?}");
    assert_eq!(pool.groups_of("alice"), ["admins"]);
}
