//! When a failed page is tried again.
//!
//! The host is the only one that retries: the component sends one request a call, so
//! attempts can't multiply. The figures are those of the AWS SDKs' standard mode, except
//! that there are more attempts: a sync of an hour should not end because of a few bad
//! seconds.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::engine::{CallError, ErrorCode};

/// How often one page is tried in all. With the delays below the tenth try comes after
/// about a minute of throttling.
pub(crate) const MAX_ATTEMPTS: u32 = 10;
/// First delay after a throttle (AWS SDKs, standard mode).
const THROTTLE_BASE: Duration = Duration::from_secs(1);
/// First delay after any other failure (AWS SDKs, standard mode).
const FAILURE_BASE: Duration = Duration::from_millis(50);
/// Longest delay of our own (AWS SDKs, standard mode).
const MAX_DELAY: Duration = Duration::from_secs(20);
/// How much longer than our own delay a service may make us wait. A hint is followed but
/// a wrong one can't stop a sync (AWS SDKs, standard mode).
const MAX_HINT_EXCESS: Duration = Duration::from_secs(5);
/// How often a call is tried that the wall clock ended. Each takes minutes, and what hung
/// twice hangs for ever.
const MAX_TIME_OUTS: u32 = 2;

/// Tokens of a full budget, and what a retry costs (AWS SDKs, standard mode). While a
/// service is down it is spared: 500 tokens are about 35 retries without one success.
const BUDGET: u32 = 500;
const THROTTLE_COST: u32 = 5;
const FAILURE_COST: u32 = 14;

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try again after the delay.
    Retry(Duration),
    /// Trying again does not help.
    GiveUp,
    /// The page was tried often enough.
    OutOfAttempts,
    /// Too much has failed in too short a time.
    OutOfBudget,
}

/// The retries that are left, across instances and lists.
#[derive(Debug)]
pub(crate) struct Budget(Mutex<u32>);

impl Budget {
    pub(crate) fn full() -> Self {
        Self(Mutex::new(BUDGET))
    }

    fn take(&self, cost: u32) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tokens.checked_sub(cost) {
            Some(left) => {
                *tokens = left;
                true
            }
            None => false,
        }
    }

    /// A page that came at once gives one token back, one that came after a retry what
    /// the retry had cost.
    pub(crate) fn succeeded(&self, spent: u32) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = (*tokens + spent.max(1)).min(BUDGET);
    }
}

/// What a retry after this error costs; `None` if it is not to be retried.
pub(crate) fn cost(error: &CallError) -> Option<u32> {
    match error {
        CallError::Reported(reported) if !reported.retryable => None,
        CallError::Reported(reported) if reported.code == ErrorCode::Postponed => Some(0),
        CallError::Reported(reported) if reported.code == ErrorCode::Throttled => {
            Some(THROTTLE_COST)
        }
        CallError::Reported(_) | CallError::TimedOut { .. } => Some(FAILURE_COST),
        // The same call would want as much again, and the service would send it again.
        CallError::LimitHit(_)
        | CallError::Trapped { .. }
        | CallError::BrokenContract { .. }
        | CallError::OutcomeUnknown { .. }
        | CallError::NotOffered { .. } => None,
    }
}

/// Whether the host itself put it off, so that nothing has failed.
pub(crate) fn is_postponed(error: &CallError) -> bool {
    matches!(error, CallError::Reported(reported) if reported.code == ErrorCode::Postponed)
}

/// Decides about a page that failed for the `attempts`-th time. `jitter` is between 0
/// and 1.
pub(crate) fn decide(error: &CallError, attempts: u32, budget: &Budget, jitter: f64) -> Verdict {
    let Some(cost) = cost(error) else {
        return Verdict::GiveUp;
    };
    if let CallError::Reported(reported) = error
        && is_postponed(error)
    {
        // The host's own word needs no second guess.
        return Verdict::Retry(reported.retry_after.unwrap_or_default());
    }
    let most = match error {
        CallError::TimedOut { .. } => MAX_TIME_OUTS,
        _ => MAX_ATTEMPTS,
    };
    if attempts >= most {
        return Verdict::OutOfAttempts;
    }
    if !budget.take(cost) {
        return Verdict::OutOfBudget;
    }
    let base = if cost == THROTTLE_COST {
        THROTTLE_BASE
    } else {
        FAILURE_BASE
    };
    let ceiling = base
        .saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)))
        .min(MAX_DELAY);
    let own = ceiling.mul_f64(jitter.clamp(0.0, 1.0));
    let hint = match error {
        CallError::Reported(reported) => reported.retry_after,
        _ => None,
    };
    Verdict::Retry(match hint {
        Some(hint) => hint.clamp(own, own + MAX_HINT_EXCESS),
        None => own,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Function;
    use crate::engine::{LimitHit, Reported};
    use crate::limits::{Excess, Limit};

    fn error(code: ErrorCode, retryable: bool, retry_after: Option<u64>) -> CallError {
        Reported {
            code,
            message: "it failed".to_owned(),
            retryable,
            retry_after: retry_after.map(Duration::from_millis),
            operation: None,
            request_id: None,
        }
        .into()
    }

    #[test]
    fn delays_double_and_stop_growing() {
        let budget = Budget::full();
        let throttled = error(ErrorCode::Throttled, true, None);
        let failed = error(ErrorCode::Unavailable, true, None);
        let delay = |error: &CallError, attempts| match decide(error, attempts, &budget, 1.0) {
            Verdict::Retry(delay) => delay.as_millis(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            [1, 2, 3, 5, 6, 9].map(|n| delay(&throttled, n)),
            [1000, 2000, 4000, 16000, 20000, 20000]
        );
        assert_eq!(
            [1, 2, 3, 9].map(|n| delay(&failed, n)),
            [50, 100, 200, 12800]
        );
    }

    #[test]
    fn a_hint_is_followed_within_bounds() {
        let budget = Budget::full();
        for (hint, expected) in [(100, 1000), (3000, 3000), (60_000, 6000)] {
            let throttled = error(ErrorCode::Throttled, true, Some(hint));
            assert_eq!(
                decide(&throttled, 1, &budget, 1.0),
                Verdict::Retry(Duration::from_millis(expected)),
                "hint {hint}"
            );
        }
    }

    #[test]
    fn what_the_host_put_off_is_made_anew_when_it_said_so_and_costs_nothing() {
        let budget = Budget::full();
        let put_off = error(ErrorCode::Postponed, true, Some(150_000));
        for _ in 0..1000 {
            let verdict = decide(&put_off, MAX_ATTEMPTS, &budget, 0.5);
            assert_eq!(verdict, Verdict::Retry(Duration::from_secs(150)));
        }
        assert!(budget.take(BUDGET));
    }

    #[test]
    fn what_is_not_retryable_and_the_tenth_failure_end_it() {
        let budget = Budget::full();
        assert_eq!(
            decide(
                &error(ErrorCode::QuotaExceeded, false, None),
                1,
                &budget,
                0.5
            ),
            Verdict::GiveUp
        );
        assert_eq!(
            decide(
                &error(ErrorCode::Throttled, true, None),
                MAX_ATTEMPTS,
                &budget,
                0.5
            ),
            Verdict::OutOfAttempts
        );
    }

    #[test]
    fn what_hangs_is_tried_once_more_and_what_hit_a_limit_is_not() {
        let budget = Budget::full();
        let hung = CallError::TimedOut {
            function: Function::ListGrants,
            excess: Excess::of(Limit::CallTime, 1000),
        };
        assert!(matches!(decide(&hung, 1, &budget, 0.5), Verdict::Retry(_)));
        assert_eq!(decide(&hung, 2, &budget, 0.5), Verdict::OutOfAttempts);
        let too_much = CallError::from(LimitHit {
            function: Function::ListGrants,
            component: None,
            excess: Excess::of(Limit::ResponseBody, 1000),
            operation: None,
            request_id: None,
            last_lines: Vec::new(),
        });
        assert_eq!(decide(&too_much, 1, &budget, 0.5), Verdict::GiveUp);
    }

    #[test]
    fn an_empty_budget_ends_it_and_successes_fill_it_again() {
        let budget = Budget::full();
        let failed = error(ErrorCode::Unavailable, true, None);
        let tries = (0..100)
            .take_while(|_| matches!(decide(&failed, 1, &budget, 0.0), Verdict::Retry(_)))
            .count();
        assert_eq!(tries, 35);
        // 35 retries have left 10 tokens, and one costs 14.
        for _ in 0..4 {
            assert_eq!(decide(&failed, 1, &budget, 0.0), Verdict::OutOfBudget);
            budget.succeeded(1);
        }
        assert!(matches!(
            decide(&failed, 1, &budget, 0.0),
            Verdict::Retry(_)
        ));
    }
}
