use super::*;
use crate::limits::clock::ManualClock;
use crate::trust::description::{
    Access, Authentication, Operation, Protocol, RateLimit, RateScope,
};

mod resources;

fn operation(name: &str, class: &str) -> Operation {
    Operation {
        name: name.to_owned(),
        access: Access::Read,
        route: None,
        functions: Vec::new(),
        kinds: Vec::new(),
        rate_class: class.to_owned(),
        bound: Vec::new(),
        members: Vec::new(),
        permission: None,
        optional: false,
    }
}

fn class(id: &str, limits: &[(RateScope, u32)]) -> RateClass {
    RateClass {
        id: id.to_owned(),
        limits: limits
            .iter()
            .cloned()
            .map(|(scope, per_second)| RateLimit { scope, per_second })
            .collect(),
    }
}

fn wire() -> Wire {
    Wire {
        authentication: Authentication::None,
        protocol: Protocol::Http,
        origins: Vec::new(),
        operations: vec![
            operation("list-users", "list"),
            operation("list-members", "list"),
            operation("list-groups", "pool"),
            operation("get-group", "pool"),
            operation("ping", "free"),
            operation("solo", "own"),
        ],
        rate_classes: vec![
            class("list", &[(RateScope::Account, 30)]),
            class(
                "pool",
                &[(RateScope::Account, 20), (RateScope::SystemOperation, 5)],
            ),
            class("free", &[]),
            class("own", &[(RateScope::SystemOperation, 8)]),
        ],
        resource_name: None,
    }
}

const CLASSES: [&str; 4] = ["list", "pool", "free", "own"];

fn pacer(clock: &ManualClock, pace: &[(&str, f64)], max_rate: &[&str]) -> Pacer {
    let pace = pace
        .iter()
        .map(|(class, rate)| ((*class).to_owned(), *rate))
        .collect();
    let max_rate = MaxRate::parse(max_rate.iter().copied(), &CLASSES).unwrap();
    let paces = Paces::Start(&pace);
    Pacer::new(&wire(), paces, &max_rate, Arc::new(clock.clone())).unwrap()
}

/// The classes with `start-ceiling` of all their operations and of each.
fn rates(paces: Paces<'_>, max_rate: &[&str]) -> Vec<String> {
    let max_rate = MaxRate::parse(max_rate.iter().copied(), &CLASSES).unwrap();
    let shown = |bounds: Option<Bounds>| match bounds {
        Some(Bounds { start, ceiling }) => format!("{start}-{ceiling}"),
        None => "none".to_owned(),
    };
    Pacer::new(&wire(), paces, &max_rate, Arc::new(ManualClock::new()))
        .unwrap()
        .classes()
        .map(|class| {
            let (all, each) = (shown(class.bounds), shown(class.per_operation));
            format!("{} {all} each {each}", class.class)
        })
        .collect()
}

#[test]
fn a_class_climbs_from_its_pace_to_half_of_its_documented_limit() {
    let pace = [("list".to_owned(), 5.0)].into();
    assert_eq!(
        rates(Paces::Start(&pace), &[]),
        [
            "free none each none",
            "list 5-15 each none",
            "own none each 4-4",
            "pool 10-10 each 2.5-2.5"
        ]
    );
}

#[test]
fn a_pace_that_is_a_ceiling_is_not_exceeded_whatever_the_component_declares() {
    let pace = [("list".to_owned(), 5.0), ("free".to_owned(), 1.0)].into();
    let rates = rates(Paces::Ceiling(&pace), &[]);
    assert_eq!(rates[..2], ["free 1-1 each none", "list 5-5 each none"]);
}

#[test]
fn the_operator_decides_and_single_operations_keep_their_proportion() {
    let pace = [("list".to_owned(), 5.0)].into();
    let max_rate = ["list=12.5", "pool=20", "free=1", "own=2"];
    assert_eq!(
        rates(Paces::Start(&pace), &max_rate),
        [
            "free 1-1 each none",
            "list 12.5-12.5 each none",
            "own 2-2 each 2-2",
            "pool 20-20 each 5-5"
        ]
    );
    assert_eq!(
        rates(Paces::Start(&pace), &["unlimited", "list=30"]),
        [
            "free none each none",
            "list 30-30 each none",
            "own none each none",
            "pool none each none"
        ]
    );
}

#[test]
fn what_exceeds_the_documented_limit_is_climbed_to_and_not_begun_with() {
    let pace = [("list".to_owned(), 5.0)].into();
    let rates = rates(Paces::Start(&pace), &["list=100", "pool=40"]);
    assert_eq!(
        rates[1..],
        [
            "list 5-100 each none",
            "own none each 4-4",
            "pool 10-40 each 2.5-10"
        ]
    );
}

#[tokio::test]
async fn the_pace_climbs_and_falls_when_the_service_throttles() {
    let clock = ManualClock::leaping();
    let pacer = pacer(&clock, &[("list", 5.0)], &[]);
    let deadline = clock.now() + Duration::from_secs(3600);
    let mut permit = pacer.acquire("list-users", &[], deadline).await.unwrap();
    for _ in 0..20 {
        permit = pacer.acquire("list-users", &[], deadline).await.unwrap();
    }
    let climbed = pacer.rate("list").unwrap();
    assert!(climbed > 8.0 && climbed <= 15.0, "{climbed}");
    pacer.throttled(&permit).await;
    let fallen = pacer.rate("list").unwrap();
    assert!(fallen < climbed * 0.8, "{fallen}");
    // It was on its way already: that it was throttled too says nothing new.
    pacer.throttled(&permit).await;
    assert_eq!(pacer.rate("list"), Some(fallen));
}

#[tokio::test]
async fn a_throttled_operation_with_a_limit_of_its_own_slows_itself_down() {
    let clock = ManualClock::leaping();
    let pacer = pacer(&clock, &[], &[]);
    let deadline = clock.now() + Duration::from_secs(3600);
    let permit = pacer.acquire("list-groups", &[], deadline).await.unwrap();
    pacer.throttled(&permit).await;
    assert_eq!(pacer.rate("pool"), Some(10.0));
    let operations = ["list-groups", "list-groups"];
    let waits = waits(&pacer, &clock, &operations).await;
    assert!(waits[1] > 400, "{waits:?}");
}

/// What a sequence of requests waits on a clock that leaps to the end of every wait.
async fn waits(pacer: &Pacer, clock: &ManualClock, operations: &[&str]) -> Vec<u128> {
    let deadline = clock.now() + Duration::from_secs(3600);
    let mut waits = Vec::new();
    for operation in operations {
        let permit = pacer.acquire(operation, &[], deadline).await.unwrap();
        waits.push(permit.waited.as_millis());
    }
    waits
}

#[tokio::test]
async fn requests_of_a_class_are_evenly_spaced_without_a_burst() {
    let clock = ManualClock::leaping();
    let pacer = pacer(&clock, &[], &["list=5"]);
    let operations = ["list-users", "list-users", "list-members", "list-users"];
    assert_eq!(waits(&pacer, &clock, &operations).await, [0, 200, 200, 200]);
}

#[tokio::test]
async fn a_pause_earns_no_burst() {
    let clock = ManualClock::leaping();
    let pacer = pacer(&clock, &[], &["list=5"]);
    assert_eq!(waits(&pacer, &clock, &["list-users"]).await, [0]);
    clock.advance(Duration::from_secs(60));
    let operations = ["list-users", "list-users", "list-users"];
    assert_eq!(waits(&pacer, &clock, &operations).await, [0, 200, 200]);
}

#[tokio::test]
async fn all_limits_of_a_class_hold() {
    let clock = ManualClock::leaping();
    let pacer = pacer(&clock, &[], &[]);
    // 10/s together, 2.5/s for each operation.
    let operations = ["list-groups", "get-group", "list-groups", "get-group"];
    assert_eq!(waits(&pacer, &clock, &operations).await, [0, 100, 300, 100]);
}

#[tokio::test]
async fn a_fraction_of_a_request_per_second_is_a_pace() {
    let clock = ManualClock::leaping();
    let pacer = pacer(&clock, &[], &["list=0.1"]);
    let operations = ["list-users", "list-users"];
    assert_eq!(waits(&pacer, &clock, &operations).await, [0, 10_000]);
}

#[tokio::test]
async fn a_pace_that_is_next_to_nothing_lets_one_request_a_day_through() {
    let clock = ManualClock::new();
    let pacer = pacer(&clock, &[], &["list=1e-300"]);
    let deadline = clock.now() + Duration::from_secs(60);
    pacer.acquire("list-users", &[], deadline).await.unwrap();
    let refused = pacer
        .acquire("list-users", &[], deadline)
        .await
        .unwrap_err();
    let day = Duration::from_secs(86_400);
    assert!(
        matches!(refused, RateError::Deadline { wait, .. } if wait == day),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_unlimited_never_waits() {
    let clock = ManualClock::leaping();
    let pacer = pacer(&clock, &[("list", 5.0)], &["unlimited"]);
    for operation in ["list-users", "list-groups", "ping", "solo"] {
        assert_eq!(
            waits(&pacer, &clock, &[operation; 100]).await,
            [0; 100],
            "{operation}"
        );
    }
}

#[tokio::test]
async fn a_wait_that_would_outlast_the_deadline_is_refused_at_once() {
    let clock = ManualClock::new();
    let pacer = pacer(&clock, &[], &["list=0.1"]);
    let deadline = clock.now() + Duration::from_secs(7);
    pacer.acquire("list-users", &[], deadline).await.unwrap();
    let error = pacer
        .acquire("list-users", &[], deadline)
        .await
        .unwrap_err();
    assert_eq!(
        error,
        RateError::Deadline {
            class: "list".to_owned(),
            each: None,
            rate: RateSetting::PerSecond(0.1),
            wait: Duration::from_secs(10),
            left: Duration::from_secs(7),
        }
    );
    let message = error.to_string();
    assert!(message.contains("0.1/s for list"), "{message}");
    let options: Vec<&str> = message
        .split_whitespace()
        .filter(|word| word.contains("--"))
        .collect();
    assert_eq!(options, ["--max-rate"], "{message}");
    assert!(message.contains("--max-rate list=RPS"), "{message}");
}

#[tokio::test]
async fn a_queue_that_cannot_be_served_in_time_takes_nobody_in() {
    let clock = ManualClock::new();
    let pacer = Arc::new(pacer(&clock, &[], &["list=1"]));
    let deadline = clock.now() + Duration::from_millis(2_500);
    pacer.acquire("list-users", &[], deadline).await.unwrap();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let pacer = Arc::clone(&pacer);
            tokio::spawn(async move { pacer.acquire("list-users", &[], deadline).await })
        })
        .collect();
    while pacer.waiting("list") < 4 {
        tokio::task::yield_now().await;
    }
    assert!(pacer.acquire("list-users", &[], deadline).await.is_err());
    assert_eq!(pacer.waiting("list"), 4);
    let mut served = 0;
    for task in waiting {
        while !task.is_finished() {
            clock.advance(Duration::from_millis(100));
            tokio::task::yield_now().await;
        }
        served += u32::from(task.await.unwrap().is_ok());
    }
    assert_eq!(served, 2, "permits at 1 s and 2 s of 2.5 s");
    assert_eq!(pacer.waiting("list"), 0);
}

#[tokio::test]
async fn whoever_came_first_is_served_first() {
    let clock = ManualClock::new();
    let pacer = Arc::new(pacer(&clock, &[], &["list=10"]));
    let deadline = clock.now() + Duration::from_secs(60);
    pacer.acquire("list-users", &[], deadline).await.unwrap();
    let (served, mut order) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..5_u32 {
        let (queued, served) = (Arc::clone(&pacer), served.clone());
        tokio::spawn(async move {
            queued.acquire("list-users", &[], deadline).await.unwrap();
            served.send(number).unwrap();
        });
        while pacer.waiting("list") <= number {
            tokio::task::yield_now().await;
        }
    }
    for expected in 0..5 {
        assert!(order.try_recv().is_err(), "a permit before its time");
        clock.advance(Duration::from_millis(100));
        assert_eq!(order.recv().await, Some(expected));
    }
}

#[tokio::test]
async fn whoever_gives_up_costs_the_others_nothing() {
    let clock = ManualClock::new();
    let pacer = Arc::new(pacer(&clock, &[], &["list=1"]));
    let deadline = clock.now() + Duration::from_secs(60);
    pacer.acquire("list-users", &[], deadline).await.unwrap();
    let task = {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move { pacer.acquire("list-users", &[], deadline).await })
    };
    while pacer.waiting("list") == 0 {
        tokio::task::yield_now().await;
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(pacer.waiting("list"), 0);
    clock.advance(Duration::from_secs(1));
    let permit = pacer.acquire("list-users", &[], deadline).await.unwrap();
    assert_eq!(permit.waited, Duration::ZERO);
}

#[tokio::test]
async fn an_operation_that_waits_for_itself_does_not_hold_up_the_others() {
    let clock = ManualClock::new();
    let pacer = Arc::new(pacer(&clock, &[], &["pool=20"]));
    let deadline = clock.now() + Duration::from_secs(60);
    pacer.acquire("list-groups", &[], deadline).await.unwrap();
    let blocked = {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move { pacer.acquire("list-groups", &[], deadline).await })
    };
    clock.advance(Duration::from_millis(50));
    tokio::task::yield_now().await;
    let permit = pacer.acquire("get-group", &[], deadline).await.unwrap();
    assert_eq!(permit.waited, Duration::ZERO);
    assert!(!blocked.is_finished());
}

#[test]
fn a_record_without_the_class_of_an_operation_is_refused() {
    let mut wire = wire();
    wire.rate_classes.retain(|class| class.id != "pool");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let result = Pacer::new(
        &wire,
        Paces::Start(&BTreeMap::new()),
        &MaxRate::default(),
        clock,
    );
    assert!(matches!(result, Err(PaceError::UnknownClass { class, .. }) if class == "pool"));
}

#[test]
fn a_pace_is_a_positive_number() {
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let pace = [("list".to_owned(), rate)].into();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let result = Pacer::new(&wire(), Paces::Start(&pace), &MaxRate::default(), clock);
        assert!(matches!(result, Err(PaceError::Pace(_))), "{rate}");
    }
}

#[tokio::test]
async fn an_operation_without_a_class_gets_no_permit() {
    let clock = ManualClock::new();
    let pacer = pacer(&clock, &[], &["unlimited"]);
    let result = pacer.acquire("unheard-of", &[], clock.now()).await;
    assert!(matches!(result, Err(RateError::NoClass { .. })));
}
