//! What a call came to: the component's own word, held against what the host saw on the
//! wire.

use std::time::Duration;

use super::error::{CallError, ErrorCode, LimitHit, Reported};
use super::redact::Secrets;
use super::request::{Answer, Changed, Lookup};
use crate::contract::bindings::identity::connector::types as contract;
use crate::contract::{BrokenPromise, Function};
use crate::egress::transport::TransportError;
use crate::egress::{CallReport, Denied};
use crate::egress::{ChangeFate, EgressError};
use crate::limits::{Excess, Limit, Limits, sizes};

/// Longest message of a connector that is repeated, in characters.
const MAX_MESSAGE: usize = 1000;
/// Most remarks of a connector that are repeated with one answer.
const MAX_REMARKS: usize = 20;

/// What the host knows of a call, beside the component's own word.
pub(super) struct Host<'a> {
    /// What was called.
    pub(super) function: Function,
    /// What happened on the wire.
    pub(super) report: &'a CallReport,
    /// What the component was refused of the machine.
    pub(super) refused: Option<&'a Excess>,
    /// Its limits.
    pub(super) limits: &'a Limits,
    /// What must not be shown.
    pub(super) secrets: &'a Secrets,
    /// The component's name.
    pub(super) component: Option<&'a str>,
}

impl Host<'_> {
    /// The limit that explains why the call did not come to a good end.
    fn limit_hit(&self) -> Option<LimitHit> {
        let on_the_wire = || excess(self.report.failure.as_ref()?, self.limits);
        let excess = self.refused.copied().or_else(on_the_wire)?;
        Some(LimitHit {
            function: self.function,
            component: self.component.map(str::to_owned),
            excess,
            operation: None,
            request_id: self.report.request_id.clone(),
            last_lines: Vec::new(),
        })
    }

    fn shortened(&self, text: &str) -> String {
        self.secrets.clean(text).chars().take(MAX_MESSAGE).collect()
    }
}

/// The limit that a request hit, if that is why it failed.
fn excess(failure: &EgressError, limits: &Limits) -> Option<Excess> {
    let of = |limit: Limit| Excess::of(limit, limits.get(limit));
    match failure {
        EgressError::Denied(Denied::BodySize { .. }) => Some(of(Limit::RequestBody)),
        EgressError::HeaderFields { count } => {
            let count = u64::try_from(*count).unwrap_or(u64::MAX);
            Some(of(Limit::RequestHeaderFields).wanting(count))
        }
        EgressError::Transport(TransportError::BodySize { .. }) => Some(of(Limit::ResponseBody)),
        EgressError::Transport(TransportError::HeaderSize) => {
            let fields = Limit::ResponseHeaderFields;
            Some(of(Limit::ResponseHeaders).or(fields, limits.get(fields)))
        }
        _ => None,
    }
}

/// The answer, if it goes with what the host saw. An error after a change has left says
/// nothing about the change, whatever the component makes of it: that is for the caller
/// to find out by looking.
pub(super) fn judge(
    entered: Result<Result<Result<Answer, BrokenPromise>, contract::Error>, CallError>,
    host: &Host<'_>,
) -> Result<Answer, CallError> {
    let Host {
        function, report, ..
    } = *host;
    let broken = |broken| match host.limit_hit() {
        Some(hit) => hit.into(),
        None => CallError::BrokenContract { function, broken },
    };
    let answer = entered
        .and_then(|answer| answer.map_err(|error| reported(error, host)))
        .and_then(|answer| answer.map_err(broken))
        .and_then(|answer| match contradiction(&answer, host) {
            Some(error) => Err(error),
            None => Ok(tidied(answer, host)),
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
fn tidied(mut answer: Answer, host: &Host<'_>) -> Answer {
    let remarks = match &mut answer {
        Answer::System(facts) => &mut facts.notes,
        Answer::AccountCheck(check) => &mut check.warnings,
        Answer::Changed(changed) => &mut changed.warnings,
        _ => return answer,
    };
    remarks.truncate(MAX_REMARKS);
    for remark in remarks {
        *remark = host.shortened(remark);
    }
    answer
}

/// What the host saw on the wire that does not go with an answer. A component that answers
/// with a page although its request failed, or was throttled, would make a list end early.
/// Only an estimate may do without, and a change may have been looked up afterwards. With
/// what the host refused to send no answer goes.
fn contradiction(answer: &Answer, host: &Host<'_>) -> Option<CallError> {
    let Host {
        function, report, ..
    } = *host;
    let says = |code, message: String, retryable| {
        CallError::from(Reported {
            code,
            message,
            retryable,
            retry_after: report.retry_after,
            operation: None,
            request_id: report.request_id.clone(),
        })
    };
    let failed = |code, why: String, retryable| {
        let message = format!("the component answered {} although {why}", function.name());
        says(code, message, retryable)
    };
    // An honest component has no reason to try, and one that hides it deserves no belief.
    if let Some(EgressError::Denied(denied)) = &report.failure
        && excess(&EgressError::Denied(denied.clone()), host.limits).is_none()
    {
        let message = format!("{denied}; the component answered as if nothing had happened");
        return Some(says(ErrorCode::DeniedByHost, message, false));
    }
    if let Some(cursor) = cursor(answer) {
        let unbelievable = |why: String| {
            let message = format!("the component answered {} with {why}", function.name());
            says(ErrorCode::Internal, message, false)
        };
        // Else a list could go on for ever at no cost but the host's.
        if report.requests == 0 {
            let why = "a cursor to go on with, and had asked nobody";
            return Some(unbelievable(why.to_owned()));
        }
        if cursor.len() > sizes::CURSOR {
            return Some(unbelievable(format!(
                "a cursor of {} bytes; at most {} are taken",
                cursor.len(),
                sizes::CURSOR
            )));
        }
    }
    let is_refused = report
        .status
        .is_some_and(|status| !(200..300).contains(&status));
    let changed = match answer {
        Answer::Estimate(_) => return None,
        Answer::Changed(changed) => Some(changed),
        _ => None,
    };
    match (changed, &report.failure) {
        (Some(changed), _) if changed.outcome.has_changed() && report.change.is_none() => Some(
            failed(ErrorCode::Internal, "it sent no change".to_owned(), false),
        ),
        (None, Some(failure)) => Some(match excess(failure, host.limits) {
            // A part of an answer is none, whatever the component made of it.
            Some(_) => host.limit_hit()?.into(),
            None => failed(
                ErrorCode::BadResponse,
                format!("its request failed: {failure}"),
                matches!(failure, EgressError::Transport(_)),
            ),
        }),
        _ if report.throttled && is_refused => Some(failed(
            ErrorCode::Throttled,
            "the service asked for fewer requests".to_owned(),
            true,
        )),
        _ => None,
    }
}

/// Where an answer says that there is more.
fn cursor(answer: &Answer) -> Option<&str> {
    match answer {
        Answer::Resources(page) => page.next.as_deref(),
        Answer::Entitlements(page) => page.next.as_deref(),
        Answer::Grants(page) => page.next.as_deref(),
        Answer::Lookup(Lookup::GoOn(cursor)) => Some(cursor),
        Answer::Lookup(Lookup::Found(_))
        | Answer::System(_)
        | Answer::Partitions(_)
        | Answer::Estimate(_)
        | Answer::AccountCheck(_)
        | Answer::Changed(_) => None,
    }
}

/// The connector's error, completed by what the host saw: a component can't know why a
/// request was not let out, and must not be able to hide a throttle.
pub(super) fn reported(error: contract::Error, host: &Host<'_>) -> CallError {
    let report = host.report;
    let text = |text: &str| host.shortened(text);
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
    if let Some(hit) = host.limit_hit() {
        let hit = CallError::from(LimitHit {
            operation: reported.operation,
            ..hit
        });
        // Whatever kept it from looking, it does not know what became of a change.
        return match reported.code {
            ErrorCode::OutcomeUnknown => CallError::OutcomeUnknown {
                source: Box::new(hit),
            },
            _ => hit,
        };
    }
    match &report.failure {
        // Whatever kept it from looking, it does not know what became of a change.
        _ if reported.code == ErrorCode::OutcomeUnknown => reported.retryable = false,
        Some(EgressError::Denied(denied)) => {
            reported.code = ErrorCode::DeniedByHost;
            reported.retryable = false;
            reported.message = denied.to_string();
            // The refusal names what was asked for; the component may name another one.
            reported.operation = None;
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
            let is_away = error.is_away();
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
    use std::sync::LazyLock;

    use super::*;
    use crate::change::Outcome;
    use crate::contract::Page;

    static LIMITS: LazyLock<Limits> = LazyLock::new(Limits::default);
    static SECRETS: LazyLock<Secrets> = LazyLock::new(|| Secrets::new(&["the-secret".to_owned()]));

    fn host(function: Function, report: &CallReport) -> Host<'_> {
        Host {
            function,
            report,
            refused: None,
            limits: &LIMITS,
            secrets: &SECRETS,
            component: Some("test"),
        }
    }

    fn refused(report: &CallReport) -> Option<(ErrorCode, bool)> {
        let answer = Answer::Grants(Page {
            items: Vec::new(),
            next: None,
        });
        contradiction(&answer, &host(Function::ListGrants, report)).map(|error| {
            let reported = error.reported().unwrap();
            (reported.code, reported.retryable)
        })
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

    #[test]
    fn only_the_system_knows_that_there_is_more() {
        let page = |next: Option<&str>| {
            Answer::Grants(Page {
                items: Vec::new(),
                next: next.map(str::to_owned),
            })
        };
        let judged = |answer: &Answer, requests| {
            let report = CallReport {
                requests,
                ..CallReport::default()
            };
            contradiction(answer, &host(Function::ListGrants, &report))
                .and_then(|error| error.reported().map(|reported| reported.code))
        };
        let goes_on = Answer::Lookup(Lookup::GoOn("2".to_owned()));
        for answer in [page(Some("2")), goes_on] {
            assert_eq!(judged(&answer, 0), Some(ErrorCode::Internal), "{answer:?}");
            assert_eq!(judged(&answer, 1), None, "{answer:?}");
        }
        assert_eq!(judged(&page(None), 0), None);
        let long = "x".repeat(sizes::CURSOR);
        assert_eq!(judged(&page(Some(&long)), 1), None);
        let too_long = format!("{long}x");
        assert_eq!(judged(&page(Some(&too_long)), 1), Some(ErrorCode::Internal));
    }

    #[test]
    fn no_answer_goes_with_what_the_host_refused() {
        let denied = CallReport {
            requests: 2,
            status: Some(200),
            failure: Some(EgressError::Denied(Denied::ProvisioningOff {
                operation: "Drop".to_owned(),
            })),
            ..CallReport::default()
        };
        let page = Answer::Grants(Page {
            items: Vec::new(),
            next: None,
        });
        for answer in [
            page,
            Answer::Estimate(None),
            Answer::Changed(Changed::from(Outcome::AlreadyGone)),
        ] {
            let error = contradiction(&answer, &host(Function::ListGrants, &denied)).unwrap();
            let reported = error.reported().unwrap();
            assert_eq!(reported.code, ErrorCode::DeniedByHost);
            assert!(reported.message.contains("Drop"), "{reported}");
        }
    }

    fn judged(
        answer: Result<Outcome, &str>,
        change: Option<ChangeFate>,
    ) -> Result<Answer, CallError> {
        let answer = match answer {
            Ok(outcome) => Ok(Ok(Answer::Changed(Changed::from(outcome)))),
            Err(code) => Err(failure(code)),
        };
        let report = CallReport {
            requests: 1,
            change,
            ..CallReport::default()
        };
        judge(Ok(answer), &host(Function::DeleteAccount, &report))
    }

    fn failure(code: &str) -> contract::Error {
        contract::Error {
            code: code.to_owned(),
            message: "it failed".to_owned(),
            retryable: true,
            retry_after_ms: None,
            operation: Some("ListThings".to_owned()),
            request_id: None,
        }
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
        let report = CallReport {
            requests: 2,
            throttled: true,
            status: Some(400),
            change: Some(ChangeFate::Refused),
            ..CallReport::default()
        };
        let host = host(Function::DeleteAccount, &report);
        let CallError::Reported(reported) = reported(failure("outcome-unknown"), &host) else {
            panic!("it was reported");
        };
        assert_eq!(reported.code, ErrorCode::OutcomeUnknown);
        assert!(!reported.retryable);
    }

    #[test]
    fn a_limit_is_the_cause_whatever_the_component_makes_of_it() {
        let memory = Excess::of(Limit::Memory, 64 << 20).wanting(65 << 20);
        let fields = Limit::ResponseHeaderFields;
        let headers = Excess::of(Limit::ResponseHeaders, 64 << 10).or(fields, 128);
        let transport = |error| Some(EgressError::Transport(error));
        let too_long = EgressError::Denied(Denied::BodySize { limit: 1 << 20 });
        let cases = [
            (Some(memory), None, memory),
            (
                None,
                transport(TransportError::BodySize { limit: 16 << 20 }),
                Excess::of(Limit::ResponseBody, 16 << 20),
            ),
            (None, transport(TransportError::HeaderSize), headers),
            (
                None,
                Some(too_long),
                Excess::of(Limit::RequestBody, 1 << 20),
            ),
            (
                None,
                Some(EgressError::HeaderFields { count: 65 }),
                Excess::of(Limit::RequestHeaderFields, 64).wanting(65),
            ),
        ];
        for (refused, failure_seen, expected) in cases {
            let report = CallReport {
                requests: 1,
                failure: failure_seen,
                request_id: Some("r-1".to_owned()),
                ..CallReport::default()
            };
            let host = Host {
                refused: refused.as_ref(),
                ..host(Function::ListGrants, &report)
            };
            let hit = |error: CallError| match error {
                CallError::LimitHit(hit) => hit,
                other => panic!("{other}"),
            };
            let told = hit(reported(failure("throttled"), &host));
            assert_eq!(told.excess, expected);
            assert_eq!(told.operation.as_deref(), Some("ListThings"));
            assert_eq!(told.request_id.as_deref(), Some("r-1"));
            let broken = judge(Ok(Ok(Err(BrokenPromise::OtherAnswer))), &host);
            assert_eq!(hit(broken.unwrap_err()).excess, expected);
            let page = Page {
                items: Vec::new(),
                next: None,
            };
            let page = judge(Ok(Ok(Ok(Answer::Grants(page)))), &host);
            // Memory that it did not get and could do without is nobody's loss.
            match refused {
                Some(_) => assert!(page.is_ok()),
                None => assert_eq!(hit(page.unwrap_err()).excess, expected),
            }
            let unknown = reported(failure("outcome-unknown"), &host);
            assert!(unknown.leaves_outcome_open(), "{unknown}");
        }
    }

    #[test]
    fn a_limit_leaves_the_outcome_of_a_change_that_has_left_open() {
        let memory = Excess::of(Limit::Memory, 64 << 20);
        for (fate, is_open) in [
            (None, false),
            (Some(ChangeFate::Refused), false),
            (Some(ChangeFate::Accepted), true),
            (Some(ChangeFate::Unknown), true),
        ] {
            let report = CallReport {
                requests: 1,
                change: fate,
                ..CallReport::default()
            };
            let host = Host {
                refused: Some(&memory),
                ..host(Function::DeleteAccount, &report)
            };
            let error = judge(Ok(Err(failure("internal"))), &host).unwrap_err();
            assert_eq!(error.leaves_outcome_open(), is_open, "{fate:?}: {error}");
            assert!(error.to_string().contains("`memory` of 64 MiB"), "{error}");
        }
    }

    #[test]
    fn remarks_are_bounded_and_hold_no_secret() {
        let changed = Changed {
            warnings: vec![format!("the-secret{}", "x".repeat(5000)); 100],
            ..Changed::from(Outcome::Deleted)
        };
        let report = CallReport::default();
        let host = host(Function::DeleteAccount, &report);
        let Answer::Changed(changed) = tidied(Answer::Changed(changed), &host) else {
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
