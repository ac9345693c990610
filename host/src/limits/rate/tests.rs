use super::*;
use crate::limits::clock::ManualClock;
use crate::trust::description::{
    Access, Authentication, Operation, Protocol, RateLimit, RateScope,
};

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
            .map(|&(scope, per_second)| RateLimit { scope, per_second })
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
    Pacer::new(&wire(), &pace, &max_rate, Arc::new(clock.clone())).unwrap()
}

fn rates(pace: &[(&str, f64)], max_rate: &[&str]) -> Vec<String> {
    pacer(&ManualClock::new(), pace, max_rate)
        .rates()
        .map(|class| match class.per_operation {
            Some(own) => format!("{} {} ({own} each)", class.class, class.rate),
            None => format!("{} {}", class.class, class.rate),
        })
        .collect()
}

#[test]
fn a_class_starts_at_its_pace_or_at_half_of_its_documented_limit() {
    assert_eq!(
        rates(&[("list", 5.0)], &[]),
        [
            "free unlimited",
            "list 5/s",
            "own unlimited (4/s each)",
            "pool 10/s (2.5/s each)"
        ]
    );
}

#[test]
fn the_operator_decides_and_single_operations_keep_their_proportion() {
    assert_eq!(
        rates(
            &[("list", 5.0)],
            &["list=12.5", "pool=20", "free=1", "own=2"]
        ),
        [
            "free 1/s",
            "list 12.5/s",
            "own 2/s (2/s each)",
            "pool 20/s (5/s each)"
        ]
    );
    assert_eq!(
        rates(&[("list", 5.0)], &["unlimited", "list=30"]),
        [
            "free unlimited",
            "list 30/s",
            "own unlimited (unlimited each)",
            "pool unlimited (unlimited each)"
        ]
    );
}

/// What a sequence of requests waits on a clock that leaps to the end of every wait.
async fn waits(pacer: &Pacer, clock: &ManualClock, operations: &[&str]) -> Vec<u128> {
    let deadline = clock.now() + Duration::from_secs(3600);
    let mut waits = Vec::new();
    for operation in operations {
        let waited = pacer.acquire(operation, deadline).await.unwrap();
        waits.push(waited.duration.as_millis());
    }
    waits
}

#[tokio::test]
async fn requests_of_a_class_are_evenly_spaced_without_a_burst() {
    let clock = ManualClock::leaping();
    let pacer = pacer(&clock, &[("list", 5.0)], &[]);
    let operations = ["list-users", "list-users", "list-members", "list-users"];
    assert_eq!(waits(&pacer, &clock, &operations).await, [0, 200, 200, 200]);
}

#[tokio::test]
async fn a_pause_earns_no_burst() {
    let clock = ManualClock::leaping();
    let pacer = pacer(&clock, &[("list", 5.0)], &[]);
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
    pacer.acquire("list-users", deadline).await.unwrap();
    let error = pacer.acquire("list-users", deadline).await.unwrap_err();
    assert_eq!(
        error,
        RateError::Deadline {
            class: "list".to_owned(),
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
    pacer.acquire("list-users", deadline).await.unwrap();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let pacer = Arc::clone(&pacer);
            tokio::spawn(async move { pacer.acquire("list-users", deadline).await })
        })
        .collect();
    while pacer.waiting("list") < 4 {
        tokio::task::yield_now().await;
    }
    assert!(pacer.acquire("list-users", deadline).await.is_err());
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
    pacer.acquire("list-users", deadline).await.unwrap();
    let (served, mut order) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..5_u32 {
        let (queued, served) = (Arc::clone(&pacer), served.clone());
        tokio::spawn(async move {
            queued.acquire("list-users", deadline).await.unwrap();
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
    pacer.acquire("list-users", deadline).await.unwrap();
    let task = {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move { pacer.acquire("list-users", deadline).await })
    };
    while pacer.waiting("list") == 0 {
        tokio::task::yield_now().await;
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(pacer.waiting("list"), 0);
    clock.advance(Duration::from_secs(1));
    let waited = pacer.acquire("list-users", deadline).await.unwrap();
    assert_eq!(waited.duration, Duration::ZERO);
}

#[tokio::test]
async fn an_operation_that_waits_for_itself_does_not_hold_up_the_others() {
    let clock = ManualClock::new();
    let pacer = Arc::new(pacer(&clock, &[], &["pool=20"]));
    let deadline = clock.now() + Duration::from_secs(60);
    pacer.acquire("list-groups", deadline).await.unwrap();
    let blocked = {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move { pacer.acquire("list-groups", deadline).await })
    };
    clock.advance(Duration::from_millis(50));
    tokio::task::yield_now().await;
    let waited = pacer.acquire("get-group", deadline).await.unwrap();
    assert_eq!(waited.duration, Duration::ZERO);
    assert!(!blocked.is_finished());
}

#[test]
fn a_record_without_the_class_of_an_operation_is_refused() {
    let mut wire = wire();
    wire.rate_classes.retain(|class| class.id != "pool");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let result = Pacer::new(&wire, &BTreeMap::new(), &MaxRate::default(), clock);
    assert!(matches!(result, Err(PaceError::UnknownClass { class, .. }) if class == "pool"));
}

#[test]
fn a_pace_is_a_positive_number() {
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let pace = [("list".to_owned(), rate)].into();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let result = Pacer::new(&wire(), &pace, &MaxRate::default(), clock);
        assert!(matches!(result, Err(PaceError::Pace(_))), "{rate}");
    }
}

#[tokio::test]
async fn an_operation_without_a_class_gets_no_permit() {
    let clock = ManualClock::new();
    let pacer = pacer(&clock, &[], &["unlimited"]);
    let result = pacer.acquire("unheard-of", clock.now()).await;
    assert!(matches!(result, Err(RateError::NoClass { .. })));
}
