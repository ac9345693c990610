//! The budget against the buckets of the service's double, with hidden quotas, in time
//! that costs nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fake_cognito::{Class, Operation, Quotas};

use super::*;

const LIFTED: Bounds = Bounds {
    start: 5.0,
    ceiling: 1_000.0,
};

/// One simulated run: what is available at which second, and to whom.
struct Case {
    seconds: u32,
    /// The hidden quota, from a second on.
    quotas: &'static [(u32, f64)],
    /// How fast somebody else asks, from a second on.
    rival: &'static [(u32, f64)],
    /// From request to answer, in milliseconds.
    latency: u64,
    seed: u64,
}

/// What came of a run after the first 20 s and apart from 20 s after each change.
#[derive(Debug)]
struct Outcome {
    /// The part of what was left by the rival that was used.
    used: f64,
    /// The part of the requests that were throttled.
    throttled: f64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Quota(u32),
    Ask,
    Send { falls: u32, period: u64, at: u64 },
    Arrive { falls: u32, period: u64, at: u64 },
    Refused { falls: u32, period: u64, at: u64 },
    Rival,
}

/// The settling time that the figures leave out.
const SETTLING: u64 = 20_000;

fn value_at(steps: &[(u32, f64)], ms: u64) -> f64 {
    let passed = |step: &&(u32, f64)| u64::from(step.0) * 1000 <= ms;
    steps.iter().rfind(passed).map_or(0.0, |step| step.1)
}

fn run(case: &Case) -> Outcome {
    let mut random = case.seed;
    let mut draw = move |below: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) % below.max(1)
    };
    let changes: Vec<u64> = case
        .quotas
        .iter()
        .chain(case.rival)
        .map(|(second, _)| u64::from(*second) * 1000)
        .collect();
    let is_counted =
        |ms: u64| ms >= SETTLING && changes.iter().all(|at| ms < *at || ms >= at + SETTLING);
    let quotas = Quotas::unlimited();
    let mut budget = Budget::new(Moment::ZERO, LIFTED);
    let mut events = BinaryHeap::new();
    for (second, _) in case.quotas {
        events.push(Reverse((u64::from(*second) * 1000, Event::Quota(*second))));
    }
    events.push(Reverse((0, Event::Ask)));
    events.push(Reverse((1, Event::Rival)));
    let (mut sent, mut throttled, mut rivals) = (0_u32, 0_u32, 0_u32);
    let admits = |ms: u64| {
        let now = i64::try_from(ms).unwrap();
        quotas.admit(Operation::ListUsers, "pool", now)
    };
    while let Some(Reverse((now, event))) = events.pop() {
        if now > u64::from(case.seconds) * 1000 {
            break;
        }
        let moment = Moment::from_millis(now);
        match event {
            Event::Quota(second) => {
                let quota = value_at(case.quotas, u64::from(second) * 1000);
                quotas.set(Class::UserList, Some(quota));
            }
            Event::Ask => {
                let slot = budget.reserve(moment, Moment::MAX, LIFTED).unwrap();
                // Rounded up: a turn must not come before its time.
                let at = u64::try_from(slot.at.as_micros().div_ceil(1000)).unwrap();
                let period = u64::try_from(slot.period.as_nanos()).unwrap();
                let falls = slot.falls;
                events.push(Reverse((at, Event::Send { falls, period, at })));
            }
            Event::Send { falls, period, at } => {
                events.push(Reverse((now, Event::Ask)));
                let half = case.latency / 2 + draw(case.latency / 2);
                events.push(Reverse((now + half, Event::Arrive { falls, period, at })));
            }
            Event::Arrive { falls, period, at } => {
                let admitted = admits(now);
                if is_counted(now) {
                    sent += 1;
                    throttled += u32::from(!admitted);
                }
                if !admitted {
                    let half = case.latency / 2 + draw(case.latency / 2);
                    events.push(Reverse((now + half, Event::Refused { falls, period, at })));
                }
            }
            Event::Refused { falls, period, at } => {
                let slot = Slot {
                    at: Moment::from_millis(at),
                    period: Duration::from_nanos(period),
                    falls,
                };
                budget.throttled(&slot, moment, LIFTED);
            }
            Event::Rival => {
                let rate = value_at(case.rival, now);
                let next = if rate > 0.0 {
                    rivals += u32::from(admits(now) && is_counted(now));
                    let gap = (1000.0 / rate) as u64;
                    gap / 2 + draw(gap)
                } else {
                    100
                };
                events.push(Reverse((now + next.max(1), Event::Rival)));
            }
        }
    }
    let available: f64 = (0..u64::from(case.seconds) * 10)
        .map(|tenth| tenth * 100)
        .filter(|ms| is_counted(*ms))
        .map(|ms| value_at(case.quotas, ms) / 10.0)
        .sum();
    Outcome {
        used: f64::from(sent - throttled) / (available - f64::from(rivals)),
        throttled: f64::from(throttled) / f64::from(sent),
    }
}

/// Every case with fast and slow services and several sequences of chance.
fn nearly_all_is_used_and_almost_nothing_throttled(
    seconds: u32,
    quotas: &'static [(u32, f64)],
    rival: &'static [(u32, f64)],
) {
    for latency in [4, 20, 100] {
        for seed in 0..5 {
            let outcome = run(&Case {
                seconds,
                quotas,
                rival,
                latency,
                seed,
            });
            assert!(
                outcome.used >= 0.95 && outcome.throttled <= 0.01,
                "latency {latency} ms, seed {seed}: {outcome:?}"
            );
        }
    }
}

#[test]
fn a_small_hidden_quota_is_used() {
    nearly_all_is_used_and_almost_nothing_throttled(200, &[(0, 5.0)], &[]);
}

#[test]
fn a_middling_hidden_quota_is_used() {
    nearly_all_is_used_and_almost_nothing_throttled(200, &[(0, 12.0)], &[]);
}

#[test]
fn the_documented_quota_is_found_and_used() {
    nearly_all_is_used_and_almost_nothing_throttled(200, &[(0, 30.0)], &[]);
}

#[test]
fn what_a_rival_that_comes_and_goes_leaves_is_used() {
    let rival = &[(0, 0.0), (60, 10.0), (120, 0.0), (180, 10.0), (240, 0.0)];
    nearly_all_is_used_and_almost_nothing_throttled(320, &[(0, 30.0)], rival);
}

#[test]
fn a_quota_that_changes_is_followed() {
    let quotas = &[(0, 30.0), (60, 12.0), (130, 24.0)];
    nearly_all_is_used_and_almost_nothing_throttled(240, quotas, &[]);
}

#[test]
fn the_pace_stays_below_its_ceiling_and_above_standing_still() {
    let bounds = Bounds {
        start: 5.0,
        ceiling: 15.0,
    };
    let mut budget = Budget::new(Moment::ZERO, bounds);
    let mut now = Moment::ZERO;
    for _ in 0..1_000 {
        now = budget.reserve(now, Moment::MAX, bounds).unwrap().at;
        assert!(budget.rate(bounds) <= 15.0);
    }
    assert_eq!(budget.rate(bounds), 15.0);
    for _ in 0..1_000 {
        let slot = budget.reserve(now, Moment::MAX, bounds).unwrap();
        now = slot.at;
        assert!(budget.throttled(&slot, now, bounds));
    }
    assert_eq!(budget.rate(bounds), FLOOR);
}

#[test]
fn whoever_does_not_use_the_pace_does_not_raise_it() {
    let mut budget = Budget::new(Moment::ZERO, LIFTED);
    budget.reserve(Moment::ZERO, Moment::ZERO, LIFTED).unwrap();
    let rate = budget.rate(LIFTED);
    for second in 1..1_000 {
        let now = Moment::from_secs(second);
        assert_eq!(budget.reserve(now, now, LIFTED).unwrap().at, now);
    }
    assert_eq!(budget.rate(LIFTED), rate);
}

#[test]
fn what_was_learnt_outweighs_what_somebody_would_start_with() {
    let mut budget = Budget::new(Moment::ZERO, LIFTED);
    let told = Bounds {
        start: 30.0,
        ceiling: 30.0,
    };
    assert_eq!(budget.rate(told), 30.0, "nothing was learnt yet");
    let slot = budget.reserve(Moment::ZERO, Moment::MAX, LIFTED).unwrap();
    budget.throttled(&slot, Moment::ZERO, LIFTED);
    assert!(budget.rate(told) < 5.0);
}

#[test]
fn a_lower_ceiling_takes_nothing_from_what_another_has_found() {
    let mut budget = Budget::new(Moment::ZERO, LIFTED);
    let mut now = Moment::ZERO;
    for _ in 0..200 {
        now = budget.reserve(now, Moment::MAX, LIFTED).unwrap().at;
    }
    let found = budget.rate(LIFTED);
    let low = Bounds {
        start: 5.0,
        ceiling: 15.0,
    };
    budget.reserve(now, Moment::MAX, low).unwrap();
    assert_eq!(budget.rate(low), 15.0);
    assert_eq!(budget.rate(LIFTED), found);
}

#[test]
fn a_clock_that_was_set_back_holds_nobody_up() {
    let mut budget = Budget::new(Moment::from_secs(1_000_000), LIFTED);
    budget
        .reserve(Moment::from_secs(1_000_000), Moment::MAX, LIFTED)
        .unwrap();
    let now = Moment::from_secs(1_000);
    assert_eq!(budget.reserve(now, now, LIFTED).unwrap().at, now);
}

#[test]
fn a_turn_that_comes_too_late_is_not_taken() {
    let mut budget = Budget::new(Moment::ZERO, LIFTED);
    budget.reserve(Moment::ZERO, Moment::ZERO, LIFTED).unwrap();
    let before = budget.clone();
    let next = Moment::from_millis(200);
    assert_eq!(
        budget.reserve(Moment::ZERO, Moment::ZERO, LIFTED),
        Err(next)
    );
    assert_eq!(budget, before);
}
