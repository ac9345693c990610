//! The record of a request under way.
//!
//! However a request ends, dropped in the middle as well, it leaves one audit record, and
//! its call knows what the wire said.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http_body::Body;

use super::audit::{AuditRecord, Recorder, Verdict};
use super::call::{CallReport, CallScope, ChangeFate};
use super::error::EgressError;
use super::throttle;
use super::transport::Peeked;

/// Where services put their id of a request.
const REQUEST_ID: [&str; 3] = ["x-amzn-requestid", "x-amz-request-id", "x-request-id"];
/// Longer than any known form of such an id.
const MAX_REQUEST_ID: usize = 128;

/// The record of a request under way. Dropping it, at whatever point, writes it.
pub(super) struct Trail {
    pub(super) record: AuditRecord,
    recorder: Arc<Recorder>,
    pub(super) scope: Option<CallScope>,
}

impl std::fmt::Debug for Trail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.record.fmt(f)
    }
}

impl Trail {
    pub(super) fn begin(recorder: Arc<Recorder>, scope: Option<CallScope>) -> Self {
        if let Some(scope) = &scope {
            let mut report = scope.lock();
            report.requests = report.requests.saturating_add(1);
        }
        Self {
            record: AuditRecord {
                time: time::OffsetDateTime::now_utc(),
                call: scope
                    .as_ref()
                    .map(|scope| scope.call.function().to_owned())
                    .unwrap_or_default(),
                operation: String::new(),
                class: String::new(),
                wait: Duration::ZERO,
                status: None,
                request_id: None,
                sent: 0,
                received: 0,
                verdict: Verdict::Abandoned,
                wanted: None,
            },
            recorder,
            scope,
        }
    }

    /// Ends the record of an answer that only the host has read.
    pub(super) fn end(&mut self, answer: &Peeked) {
        self.received(answer.read.len());
        if answer.rest.is_end_stream() {
            self.complete();
        }
    }

    /// Ends the record of an answer that only the host has read, and begins that of the
    /// same request sent once more.
    pub(super) fn again(&mut self, answer: &Peeked) {
        self.end(answer);
        let mut next = Self::begin(Arc::clone(&self.recorder), self.scope.clone());
        next.record.operation.clone_from(&self.record.operation);
        next.record.class.clone_from(&self.record.class);
        *self = next;
    }

    pub(super) fn is_over(&self) -> bool {
        self.scope.as_ref().is_some_and(CallScope::is_over)
    }

    fn report(&self, change: impl FnOnce(&mut CallReport)) {
        if let Some(scope) = &self.scope {
            change(&mut scope.lock());
        }
    }

    pub(super) fn waited(&mut self, duration: Duration) {
        self.record.wait = duration;
        self.report(|report| report.waited += duration);
    }

    pub(super) fn answered(&mut self, status: http::StatusCode, headers: &HeaderMap) {
        self.record.status = Some(status.as_u16());
        self.record.request_id = request_id(headers);
        let retry_after = throttle::retry_after(headers);
        self.report(|report| {
            report.status = self.record.status;
            report.request_id.clone_from(&self.record.request_id);
            if retry_after.is_some() {
                report.retry_after = retry_after;
            }
        });
    }

    /// Takes the call's one place for a change, unless it has one that was not refused. From
    /// here on its fate is unknown: what is dropped under way may have left as well.
    pub(super) fn begin_change(&self) -> bool {
        let Some(scope) = &self.scope else {
            return false;
        };
        let mut report = scope.lock();
        let is_free = matches!(report.change, None | Some(ChangeFate::Refused));
        if is_free {
            report.change = Some(ChangeFate::Unknown);
        }
        is_free
    }

    pub(super) fn look(&self) {
        self.report(|report| report.looked_after_change |= report.change.is_some());
    }

    pub(super) fn change(&self, fate: ChangeFate) {
        self.report(|report| report.change = Some(fate));
    }

    pub(super) fn throttled(&mut self) {
        self.record.verdict = Verdict::Throttled;
        self.report(|report| report.throttled = true);
    }

    pub(super) fn received(&mut self, bytes: usize) {
        self.record.received += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    pub(super) fn complete(&mut self) {
        if self.record.verdict == Verdict::Abandoned {
            self.record.verdict = Verdict::Answered;
        }
    }

    pub(super) fn fail(&mut self, error: &EgressError) {
        // An answer that the host has read stays one, whatever came of it afterwards.
        if self.record.verdict != Verdict::Answered {
            self.record.verdict = error.verdict();
            self.record.wanted = error.wanted();
        }
        self.report(|report| {
            // What it was refused says more about a component than what failed later.
            if !matches!(report.failure, Some(EgressError::Denied(_))) {
                report.failure = Some(error.clone());
            }
        });
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.recorder.record(&self.record);
    }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = REQUEST_ID
        .iter()
        .find_map(|name| headers.get(*name))?
        .to_str()
        .ok()?;
    let plain = id.bytes().all(|b| b.is_ascii_graphic());
    (plain && !id.is_empty() && id.len() <= MAX_REQUEST_ID).then(|| id.to_owned())
}
