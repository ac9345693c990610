//! What a call came to: the component's own word, held against what the host saw on the
//! wire.

use std::time::Duration;

use super::error::{CallError, ErrorCode, Reported};
use super::request::{Answer, Changed, Request};
use super::stderr::clean;
use crate::contract::bindings::identity::connector::types as contract;
use crate::contract::{BrokenPromise, Function};
use crate::credentials::CredentialsError;
use crate::egress::CallReport;
use crate::egress::gate::{ChangeFate, EgressError};

/// Longest message of a connector that is repeated, in characters.
const MAX_MESSAGE: usize = 1000;
/// Most remarks of a connector that are repeated with one answer.
const MAX_REMARKS: usize = 20;

/// The answer, if it goes with what the host saw. An error after a change has left says
/// nothing about the change, whatever the component makes of it: that is for the caller
/// to find out by looking.
pub(super) fn judge(
    request: &Request,
    entered: Result<Result<Result<Answer, BrokenPromise>, contract::Error>, CallError>,
    report: &CallReport,
    secrets: &[String],
) -> Result<Answer, CallError> {
    let function = request.function();
    let answer = entered
        .and_then(|answer| answer.map_err(|error| reported(error, report, secrets)))
        .and_then(|answer| answer.map_err(|broken| CallError::BrokenContract { function, broken }))
        .and_then(|answer| match contradiction(function, &answer, report) {
            Some(reported) => Err(reported.into()),
            None => Ok(tidied(answer, secrets)),
        })
        .map(|answer| match answer {
            Answer::Changed(changed) => Answer::Changed(Changed {
                fate: match report.change {
                    Some(ChangeFate::Accepted) if report.looked_after_change => {
                        Some(ChangeFate::Unknown)
                    }
                    fate => fate,
                },
                ..changed
            }),
            other => other,
        });
    match report.change {
        None | Some(ChangeFate::Refused) => answer,
        Some(ChangeFate::Accepted | ChangeFate::Unknown) => {
            answer.map_err(|source| CallError::OutcomeUnknown {
                source: Box::new(source),
            })
        }
    }
}

/// The answer with what it says to people bounded, and without secrets.
fn tidied(mut answer: Answer, secrets: &[String]) -> Answer {
    let remarks = match &mut answer {
        Answer::System(facts) => &mut facts.notes,
        Answer::AccountCheck(check) => &mut check.warnings,
        Answer::Changed(changed) => &mut changed.warnings,
        _ => return answer,
    };
    remarks.truncate(MAX_REMARKS);
    for remark in remarks {
        *remark = shortened(remark, secrets);
    }
    answer
}

fn shortened(text: &str, secrets: &[String]) -> String {
    clean(text, secrets).chars().take(MAX_MESSAGE).collect()
}

/// What the host saw on the wire that does not go with an answer. A component that answers
/// with a page although its request failed, or was throttled, would make a list end early.
/// Only an estimate may do without, and a change may have been looked up afterwards.
fn contradiction(function: Function, answer: &Answer, report: &CallReport) -> Option<Reported> {
    let failed = |code, why: String, retryable| Reported {
        code,
        message: format!("the component answered {} although {why}", function.name()),
        retryable,
        retry_after: report.retry_after,
        operation: None,
        request_id: report.request_id.clone(),
    };
    let is_refused = report
        .status
        .is_some_and(|status| !(200..300).contains(&status));
    let changed = match answer {
        Answer::Estimate(_) => return None,
        Answer::Changed(changed) => Some(changed),
        _ => None,
    };
    match (changed, &report.failure) {
        (Some(changed), _) if changed.outcome.has_changed() && report.change.is_none() => {
            Some(failed(
                ErrorCode::BadResponse,
                "it sent no change".to_owned(),
                false,
            ))
        }
        (None, Some(failure)) => Some(failed(
            ErrorCode::BadResponse,
            format!("its request failed: {failure}"),
            matches!(failure, EgressError::Transport(_)),
        )),
        _ if report.throttled && is_refused => Some(failed(
            ErrorCode::Throttled,
            "the service asked for fewer requests".to_owned(),
            true,
        )),
        _ => None,
    }
}

/// The connector's error, completed by what the host saw: a component can't know why a
/// request was not let out, and must not be able to hide a throttle.
pub(super) fn reported(
    error: contract::Error,
    report: &CallReport,
    secrets: &[String],
) -> CallError {
    let text = |text: &str| shortened(text, secrets);
    let mut reported = Reported {
        code: ErrorCode::parse(&error.code),
        message: text(&error.message),
        retryable: error.retryable,
        retry_after: error
            .retry_after_ms
            .map(|ms| Duration::from_millis(ms.into()))
            .or(report.retry_after),
        operation: error.operation.as_deref().map(text),
        request_id: error.request_id.as_deref().map(text),
    };
    match &report.failure {
        // Whatever kept it from looking, it does not know what became of a change.
        _ if reported.code == ErrorCode::OutcomeUnknown => reported.retryable = false,
        Some(EgressError::Denied(denied)) => {
            reported.code = ErrorCode::DeniedByHost;
            reported.retryable = false;
            reported.message = denied.to_string();
        }
        Some(EgressError::Rate(rate)) => {
            reported.code = ErrorCode::Throttled;
            reported.retryable = false;
            reported.message = rate.to_string();
        }
        Some(EgressError::Postponed { wait }) => {
            reported.code = ErrorCode::Postponed;
            reported.retryable = true;
            reported.retry_after = Some(*wait);
            reported.message = EgressError::Postponed { wait: *wait }.to_string();
        }
        Some(EgressError::Credentials(error)) => {
            let is_away = matches!(error, CredentialsError::TimedOut(_));
            reported.code = if is_away {
                ErrorCode::Unavailable
            } else {
                ErrorCode::Unauthenticated
            };
            reported.retryable = is_away;
            reported.message = error.to_string();
        }
        Some(other) => reported.message = format!("{} ({other})", reported.message),
        None if report.throttled => {
            reported.code = ErrorCode::Throttled;
            reported.retryable = true;
        }
        None => {}
    }
    reported.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{Change, Outcome};
    use crate::contract::Page;
    use crate::egress::transport::TransportError;
    use crate::model::ResourceId;

    fn refused(report: &CallReport) -> Option<(ErrorCode, bool)> {
        let answer = Answer::Grants(Page {
            items: Vec::new(),
            next: None,
        });
        contradiction(Function::ListGrants, &answer, report)
            .map(|reported| (reported.code, reported.retryable))
    }

    #[test]
    fn a_good_answer_goes_only_with_a_request_that_was_answered() {
        let answered = CallReport {
            requests: 1,
            status: Some(200),
            ..CallReport::default()
        };
        assert_eq!(refused(&CallReport::default()), None, "nothing was asked");
        assert_eq!(refused(&answered), None);
        // The refusal for a wrong clock, and the request that was sent again.
        let corrected = CallReport {
            requests: 2,
            ..answered.clone()
        };
        assert_eq!(refused(&corrected), None);

        let throttled = CallReport {
            throttled: true,
            status: Some(429),
            ..answered.clone()
        };
        assert_eq!(refused(&throttled), Some((ErrorCode::Throttled, true)));
        let cut_off = CallReport {
            failure: Some(EgressError::Transport(TransportError::Incomplete)),
            ..answered.clone()
        };
        assert_eq!(refused(&cut_off), Some((ErrorCode::BadResponse, true)));
        let unwritten = CallReport {
            failure: Some(EgressError::RequestBody("gone".to_owned())),
            ..answered
        };
        assert_eq!(refused(&unwritten), Some((ErrorCode::BadResponse, false)));
    }

    fn judged(
        answer: Result<Outcome, &str>,
        change: Option<ChangeFate>,
    ) -> Result<Answer, CallError> {
        let request = Request::Change(Change::DeleteAccount {
            account: ResourceId::new("user", "alice"),
        });
        let answer = match answer {
            Ok(outcome) => Ok(Ok(Answer::Changed(Changed::from(outcome)))),
            Err(code) => Err(contract::Error {
                code: code.to_owned(),
                message: "it failed".to_owned(),
                retryable: true,
                retry_after_ms: None,
                operation: None,
                request_id: None,
            }),
        };
        let report = CallReport {
            requests: 1,
            change,
            ..CallReport::default()
        };
        judge(&request, Ok(answer), &report, &[])
    }

    #[test]
    fn an_error_after_a_change_has_left_leaves_its_outcome_open() {
        for fate in [ChangeFate::Unknown, ChangeFate::Accepted] {
            let error = judged(Err("unavailable"), Some(fate)).unwrap_err();
            assert!(error.leaves_outcome_open(), "{fate:?}: {error}");
        }
        for fate in [None, Some(ChangeFate::Refused)] {
            let error = judged(Err("unavailable"), fate).unwrap_err();
            assert!(!error.leaves_outcome_open(), "{fate:?}: {error}");
        }
        let error = judged(Err("outcome-unknown"), Some(ChangeFate::Refused)).unwrap_err();
        assert!(
            error.leaves_outcome_open(),
            "the component's own word counts too"
        );
    }

    #[test]
    fn a_throttled_look_does_not_make_a_change_that_may_be_sent_again() {
        let error = contract::Error {
            code: "outcome-unknown".to_owned(),
            message: "nobody knows".to_owned(),
            retryable: true,
            retry_after_ms: None,
            operation: None,
            request_id: None,
        };
        let report = CallReport {
            requests: 2,
            throttled: true,
            status: Some(400),
            change: Some(ChangeFate::Refused),
            ..CallReport::default()
        };
        let CallError::Reported(reported) = reported(error, &report, &[]) else {
            panic!("it was reported");
        };
        assert_eq!(reported.code, ErrorCode::OutcomeUnknown);
        assert!(!reported.retryable);
    }

    #[test]
    fn remarks_are_bounded_and_hold_no_secret() {
        let changed = Changed {
            warnings: vec![format!("the-secret{}", "x".repeat(5000)); 100],
            ..Changed::from(Outcome::Deleted)
        };
        let Answer::Changed(changed) = tidied(Answer::Changed(changed), &["the-secret".to_owned()])
        else {
            panic!("it was a change");
        };
        assert_eq!(changed.warnings.len(), MAX_REMARKS);
        for warning in changed.warnings {
            assert!(!warning.contains("the-secret"), "{warning}");
            assert!(warning.chars().count() <= MAX_MESSAGE);
        }
    }

    #[test]
    fn a_component_that_sent_no_change_has_changed_nothing() {
        let error = judged(Ok(Outcome::Deleted), None).unwrap_err();
        assert!(error.to_string().contains("it sent no change"), "{error}");
        assert!(judged(Ok(Outcome::AlreadyGone), None).is_ok());
        assert!(judged(Ok(Outcome::Deleted), Some(ChangeFate::Accepted)).is_ok());
        assert!(
            judged(Ok(Outcome::Deleted), Some(ChangeFate::Unknown)).is_ok(),
            "the component has looked"
        );
    }
}
