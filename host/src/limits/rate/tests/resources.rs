//! Limits of single resources.

use super::*;
use crate::limits::rate::resources::KNOWN;

/// Ten requests per second may read about each user, and ten may change it.
fn directory(limits: &[(RateScope, u32)]) -> Wire {
    let each = (RateScope::Resource("/Name".to_owned()), 10);
    let limits = [limits, &[each]].concat();
    Wire {
        operations: vec![
            operation("get-user", "read"),
            operation("list-groups", "groups"),
            Operation {
                access: Access::Change,
                ..operation("delete-user", "update")
            },
            Operation {
                access: Access::Change,
                ..operation("create-user", "creation")
            },
        ],
        rate_classes: ["read", "groups", "update", "creation"]
            .map(|id| class(id, &limits))
            .into(),
        ..wire()
    }
}

/// Without a limit that different users share.
fn only_each(clock: &ManualClock) -> Arc<Pacer> {
    with(clock, &[], &MaxRate::default())
}

fn with(clock: &ManualClock, limits: &[(RateScope, u32)], max_rate: &MaxRate) -> Arc<Pacer> {
    let wire = directory(limits);
    let paces = BTreeMap::new();
    let clock = Arc::new(clock.clone());
    Arc::new(Pacer::new(&wire, Paces::Start(&paces), max_rate, clock).unwrap())
}

fn named(name: &str) -> [(String, String); 2] {
    [("/Pool", "pool-a"), ("/Name", name)]
        .map(|(member, value)| (member.to_owned(), value.to_owned()))
}

/// What each of these requests waits, one after the other, in milliseconds.
async fn waits(pacer: &Pacer, clock: &ManualClock, requests: &[(&str, &str)]) -> Vec<u128> {
    let deadline = clock.now() + Duration::from_secs(3600);
    let mut waits = Vec::new();
    for (operation, name) in requests {
        let permit = pacer.acquire(operation, &named(name), deadline).await;
        waits.push(permit.unwrap().waited.as_millis());
    }
    waits
}

/// Lets everything run that does not wait for the clock.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_user_is_asked_about_at_half_of_its_limit() {
    let clock = ManualClock::leaping();
    let pacer = only_each(&clock);
    let requests = [("get-user", "alice"); 4];
    assert_eq!(waits(&pacer, &clock, &requests).await, [0, 200, 200, 200]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(waits(&pacer, &clock, &requests[2..]).await, [0, 200]);
}

#[tokio::test]
async fn all_that_reads_shares_it_and_what_changes_has_its_own() {
    let clock = ManualClock::leaping();
    let pacer = only_each(&clock);
    let requests = [
        ("get-user", "alice"),
        ("delete-user", "alice"),
        ("list-groups", "alice"),
        ("get-user", "bob"),
        ("create-user", "alice"),
        ("get-user", "alice"),
    ];
    let expected = [0, 0, 200, 0, 0, 200];
    assert_eq!(waits(&pacer, &clock, &requests).await, expected);
}

#[tokio::test]
async fn users_that_are_asked_about_once_wait_for_their_class_alone() {
    let clock = ManualClock::leaping();
    let pacer = with(&clock, &[(RateScope::Account, 100)], &MaxRate::default());
    let names: Vec<String> = (0..100).map(|number| format!("user{number}")).collect();
    let requests: Vec<(&str, &str)> = names.iter().map(|name| ("get-user", &**name)).collect();
    let waits = waits(&pacer, &clock, &requests).await;
    assert_eq!((waits[0], &waits[1..]), (0, &[20; 99][..]));
}

#[tokio::test]
async fn many_users_at_once_hold_up_nobody_but_themselves() {
    let clock = ManualClock::new();
    let pacer = only_each(&clock);
    let deadline = clock.now() + Duration::from_secs(60);
    let tasks: Vec<_> = (0..150)
        .map(|number| {
            let pacer = Arc::clone(&pacer);
            let fixed = named(&format!("user{}", number % 50));
            tokio::spawn(async move { pacer.acquire("get-user", &fixed, deadline).await })
        })
        .collect();
    for expected in [50, 50, 100, 100, 150] {
        settle().await;
        let done = tasks.iter().filter(|task| task.is_finished()).count();
        assert_eq!(done, expected);
        clock.advance(Duration::from_millis(100));
    }
}

#[tokio::test]
async fn changes_of_one_user_stay_apart_behind_those_of_many_others() {
    let clock = ManualClock::leaping();
    let pacer = with(&clock, &[(RateScope::Account, 100)], &MaxRate::default());
    let deadline = clock.now() + Duration::from_secs(60);
    let mut names: Vec<String> = (0..40).map(|number| format!("user{number}")).collect();
    names.extend(std::iter::repeat_n("alice".to_owned(), 5));
    let tasks: Vec<_> = names
        .into_iter()
        .map(|name| {
            let (pacer, clock) = (Arc::clone(&pacer), clock.clone());
            tokio::spawn(async move {
                let permit = pacer.acquire("delete-user", &named(&name), deadline).await;
                permit.unwrap();
                (name, clock.now())
            })
        })
        .collect();
    let mut sent = Vec::new();
    for task in tasks {
        let (name, at) = task.await.unwrap();
        if name == "alice" {
            sent.push(at);
        }
    }
    for pair in sent.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(200), "{sent:?}");
    }
}

#[tokio::test]
async fn a_user_that_waits_does_not_hold_up_its_class() {
    let clock = ManualClock::new();
    let pacer = with(&clock, &[(RateScope::Account, 100)], &MaxRate::default());
    let deadline = clock.now() + Duration::from_secs(60);
    let ask = |name: &str| {
        let (pacer, fixed) = (Arc::clone(&pacer), named(name));
        tokio::spawn(async move { pacer.acquire("get-user", &fixed, deadline).await })
    };
    ask("alice").await.unwrap().unwrap();
    let blocked = ask("alice");
    settle().await;
    clock.advance(Duration::from_millis(20));
    let other = ask("bob");
    settle().await;
    assert!(other.is_finished());
    assert!(!blocked.is_finished());
}

#[tokio::test]
async fn whoever_gives_up_costs_the_same_user_nothing() {
    let clock = ManualClock::new();
    let pacer = only_each(&clock);
    let deadline = clock.now() + Duration::from_secs(60);
    let ask = || {
        let (pacer, fixed) = (Arc::clone(&pacer), named("alice"));
        tokio::spawn(async move { pacer.acquire("get-user", &fixed, deadline).await })
    };
    ask().await.unwrap().unwrap();
    let task = ask();
    settle().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    clock.advance(Duration::from_millis(200));
    let next = ask();
    settle().await;
    assert!(next.is_finished());
}

#[tokio::test]
async fn a_wait_for_a_user_ends_with_the_deadline_and_is_told_as_such() {
    let clock = ManualClock::new();
    let pacer = only_each(&clock);
    let deadline = clock.now() + Duration::from_millis(150);
    let fixed = named("alice");
    pacer.acquire("get-user", &fixed, deadline).await.unwrap();
    let (asked, of_alice) = (Arc::clone(&pacer), fixed.clone());
    let late = tokio::spawn(async move { asked.acquire("get-user", &of_alice, deadline).await });
    settle().await;
    assert!(late.is_finished(), "it waits for nothing");
    let error = late.await.unwrap().unwrap_err();
    assert_eq!(
        error,
        RateError::Deadline {
            class: "read".to_owned(),
            each: Some("/Name".to_owned()),
            rate: RateSetting::PerSecond(5.0),
            wait: Duration::from_millis(200),
            left: Duration::from_millis(150),
        }
    );
    let message = error.to_string();
    assert!(
        message.contains("5/s for read about each /Name leaves"),
        "{message}"
    );
    assert!(!message.contains("alice"), "{message}");
    // Whoever is refused takes no turn.
    clock.advance(Duration::from_millis(200));
    let later = clock.now();
    pacer.acquire("get-user", &fixed, later).await.unwrap();
}

#[tokio::test]
async fn a_request_that_names_no_user_is_not_counted() {
    let clock = ManualClock::new();
    let pacer = only_each(&clock);
    let [pool, _] = named("alice");
    for _ in 0..10 {
        let fixed = std::slice::from_ref(&pool);
        pacer.acquire("get-user", fixed, clock.now()).await.unwrap();
    }
}

#[tokio::test]
async fn a_throttled_request_slows_its_class_and_not_its_user() {
    let clock = ManualClock::leaping();
    let pacer = with(&clock, &[(RateScope::Account, 100)], &MaxRate::default());
    let deadline = clock.now() + Duration::from_secs(3600);
    let permit = pacer.acquire("get-user", &named("alice"), deadline).await;
    pacer.throttled(&permit.unwrap()).await;
    assert!(pacer.rate("read").unwrap() < 45.0);
    let requests = [("get-user", "alice"); 2];
    assert_eq!(waits(&pacer, &clock, &requests).await, [200, 200]);
}

#[test]
fn the_operator_raises_it_with_the_class_and_never_beyond_what_is_documented() {
    let clock = ManualClock::new();
    let rate = |max_rate: &[&str], limits: &[(RateScope, u32)]| {
        let max_rate = MaxRate::parse(max_rate.iter().copied(), &["read"]).unwrap();
        let pacer = with(&clock, limits, &max_rate);
        let read = pacer.classes().find(|class| class.class == "read").cloned();
        read.unwrap().per_resource.get("/Name").copied()
    };
    let account = [(RateScope::Account, 100)];
    assert_eq!(rate(&[], &account), Some(5.0));
    assert_eq!(rate(&["read=10"], &account), Some(5.0));
    assert_eq!(rate(&["read=75"], &account), Some(7.5));
    assert_eq!(rate(&["read=1000"], &account), Some(10.0));
    assert_eq!(rate(&["read=1000"], &[]), Some(5.0));
    assert_eq!(rate(&["unlimited"], &account), None);
    assert_eq!(rate(&["read=unlimited"], &[]), None);
    // The lowest holds, where there are several.
    let lower = (RateScope::Resource("/Name".to_owned()), 4);
    assert_eq!(rate(&[], &[lower]), Some(2.0));
}

#[tokio::test]
async fn what_is_over_is_forgotten_and_what_is_not_is_kept() {
    let clock = ManualClock::new();
    let pacer = only_each(&clock);
    for number in 0..100_000 {
        let fixed = named(&format!("user{number}"));
        pacer
            .acquire("get-user", &fixed, clock.now())
            .await
            .unwrap();
        assert!(pacer.resources.known() <= KNOWN);
        // So many come in the time between two requests about one of them.
        if number % (KNOWN - 1) == 0 {
            clock.advance(Duration::from_millis(200));
        }
    }
    let last = named("user99999");
    let again = pacer.acquire("get-user", &last, clock.now()).await;
    assert!(again.is_err());
}

#[tokio::test]
async fn whoever_comes_when_too_many_are_known_is_not_held_up() {
    let clock = ManualClock::new();
    let pacer = only_each(&clock);
    let now = clock.now();
    for number in 0..=KNOWN {
        let fixed = named(&format!("user{number}"));
        pacer.acquire("get-user", &fixed, now).await.unwrap();
    }
    assert_eq!(pacer.resources.known(), KNOWN);
    let again = |number: usize| {
        let (pacer, fixed) = (Arc::clone(&pacer), named(&format!("user{number}")));
        async move { pacer.acquire("get-user", &fixed, now).await.is_ok() }
    };
    assert!(!again(0).await);
    assert!(!again(KNOWN - 1).await);
    assert!(again(KNOWN).await);
}
