//! One instance of a component and the calls into it.
//!
//! A call takes the instance and gives it back only when all went well. After a trap, a
//! time-out, a cancelled call or an error of the connector the instance is gone, and
//! with it its memory, its pending requests and whatever state it was in: entering it
//! again could fail in ways that nobody tests.

use std::time::{Duration, Instant};

use wasmtime::component::ResourceAny;
use wasmtime::{Store, UpdateDeadline};

use super::error::{CallError, ErrorCode, Reported};
use super::state::State;
use super::stderr::clean;
use crate::contract::bindings::exports::identity::connector::sync;
use crate::contract::bindings::identity::connector::types as contract;
use crate::contract::bindings::{Reader, ReaderPre};
use crate::contract::{BrokenPromise, Function, Page};
use crate::egress::gate::EgressError;
use crate::egress::{Call, CallReport, CallScope};
use crate::limits::{deadline, sizes};
use crate::model::{Entitlement, Grant, Resource, ResourceId};
use crate::trust::description::{BindingSource, Description};

/// Longest message of a connector that is repeated, in characters.
const MAX_MESSAGE: usize = 1000;

/// Calls after which an instance is replaced. The HTTP implementation of wasmtime 48.0.8
/// keeps the options of every request in the instance's table (its `handle` reads them
/// and does not delete them), so the table of [`sizes::HOST_RESOURCES`] would be full
/// after as many calls. Making a new instance takes less than a millisecond.
const CALLS: u32 = 500;

/// What is asked of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// How many resources of a kind there may be.
    Estimate {
        /// The kind.
        kind: String,
    },
    /// One page of the resources of a kind.
    ListResources {
        /// The kind.
        kind: String,
        /// The parent, for kinds that have one.
        parent: Option<ResourceId>,
        /// One slice of the list.
        partition: Option<String>,
        /// Where to go on.
        cursor: Option<String>,
        /// How many are wished for.
        page_size: Option<u32>,
    },
    /// One resource.
    GetResource {
        /// Which one.
        id: ResourceId,
        /// Where to go on.
        cursor: Option<String>,
    },
    /// One page of the entitlements of a resource.
    ListEntitlements {
        /// The resource.
        of: ResourceId,
        /// Where to go on.
        cursor: Option<String>,
    },
    /// One page of grants.
    ListGrants {
        /// On which resource, or held by whom.
        of: GrantsOf,
        /// Where to go on.
        cursor: Option<String>,
        /// How many are wished for.
        page_size: Option<u32>,
    },
}

/// Which grants are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantsOf {
    /// Those on a resource.
    Resource(ResourceId),
    /// Those that a principal holds.
    Principal(ResourceId),
}

impl Request {
    /// The call as the egress policy judges it: the function and what it is about, so
    /// that a request about something else is refused.
    fn scope(&self) -> Call {
        let call = Call::new(self.function().name());
        match self {
            Self::Estimate { .. } => call,
            Self::ListResources { parent: None, .. } => call,
            Self::ListResources {
                parent: Some(id), ..
            }
            | Self::GetResource { id, .. }
            | Self::ListEntitlements { of: id, .. }
            | Self::ListGrants {
                of: GrantsOf::Resource(id),
                ..
            } => call.about(BindingSource::Resource, &id.id),
            Self::ListGrants {
                of: GrantsOf::Principal(id),
                ..
            } => call.about(BindingSource::Principal, &id.id),
        }
    }

    /// The contract function that it calls.
    pub fn function(&self) -> Function {
        match self {
            Self::Estimate { .. } => Function::Estimate,
            Self::ListResources { .. } => Function::ListResources,
            Self::GetResource { .. } => Function::GetResource,
            Self::ListEntitlements { .. } => Function::ListEntitlements,
            Self::ListGrants { .. } => Function::ListGrants,
        }
    }
}

/// What one request found out about one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// This is it.
    Found(Box<Resource>),
    /// Not here; ask again with this cursor.
    GoOn(String),
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::Estimate`].
    Estimate(Option<u64>),
    /// To [`Request::ListResources`].
    Resources(Page<Resource>),
    /// To [`Request::GetResource`].
    Lookup(Lookup),
    /// To [`Request::ListEntitlements`].
    Entitlements(Page<Entitlement>),
    /// To [`Request::ListGrants`].
    Grants(Page<Grant>),
}

/// An instance in its store, before it has a session.
pub(super) struct Sandbox {
    store: Store<State>,
    reader: Reader,
}

impl Sandbox {
    pub(super) async fn new(
        engine: &wasmtime::Engine,
        pre: &ReaderPre<State>,
        state: State,
        function: Function,
        limit: Duration,
    ) -> Result<Self, CallError> {
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(sizes::HOSTCALL_FUEL);
        store.set_max_component_handles(sizes::COMPONENT_HANDLES);
        // Yielding at every tick lets the wall-clock limit cut a busy loop; counting the
        // ticks limits the computing itself. An instance that waits is not charged.
        store.epoch_deadline_callback(|mut store| {
            let state = store.data_mut();
            match state.ticks_left.checked_sub(1) {
                Some(left) => {
                    state.ticks_left = left;
                    Ok(UpdateDeadline::Yield(1))
                }
                None => Ok(UpdateDeadline::Interrupt),
            }
        });
        begin_call(&mut store, Call::new(function.name()), limit);
        let instantiated = tokio::time::timeout(limit, pre.instantiate_async(&mut store)).await;
        let (reader, _) = finish(&mut store, function, limit, instantiated)?;
        Ok(Self { store, reader })
    }

    pub(super) async fn describe(&mut self) -> Result<Description, CallError> {
        let (function, limit) = (Function::Describe, deadline::NO_REQUEST);
        begin_call(&mut self.store, Call::new(function.name()), limit);
        let guest = self.reader.identity_connector_describe();
        let answer = tokio::time::timeout(limit, guest.call_describe(&mut self.store)).await;
        let (answer, _) = finish(&mut self.store, function, limit, answer)?;
        let description = Description::from(answer);
        match description.inconsistency() {
            None => Ok(description),
            Some(why) => Err(CallError::BrokenContract {
                function,
                broken: BrokenPromise::Inconsistent(why),
            }),
        }
    }

    pub(super) async fn open(
        mut self,
        settings: &[(String, String)],
        secrets: Vec<String>,
    ) -> Result<Instance, CallError> {
        let (function, limit) = (Function::Open, deadline::NO_REQUEST);
        let settings: Vec<sync::Setting> = settings
            .iter()
            .map(|(name, value)| sync::Setting {
                name: name.clone(),
                value: value.clone(),
            })
            .collect();
        begin_call(&mut self.store, Call::new(function.name()), limit);
        let guest = self.reader.identity_connector_sync();
        let answer =
            tokio::time::timeout(limit, guest.session().call_open(&mut self.store, &settings))
                .await;
        let (answer, report) = finish(&mut self.store, function, limit, answer)?;
        let session = answer.map_err(|error| reported(error, &report, &secrets))?;
        Ok(Instance {
            store: self.store,
            reader: self.reader,
            session,
            secrets,
            calls: 0,
        })
    }
}

/// A warm instance with an open session. One call at a time.
pub struct Instance {
    store: Store<State>,
    reader: Reader,
    session: ResourceAny,
    secrets: Vec<String>,
    calls: u32,
}

impl Instance {
    /// Whether it has made as many calls as it may and must be replaced.
    pub fn is_worn_out(&self) -> bool {
        self.calls >= CALLS
    }

    /// Makes one call; the instance comes back with the answer.
    ///
    /// # Errors
    ///
    /// The instance is dropped with every error, including those that the connector
    /// reports. Dropping the future drops the instance too.
    pub async fn call(
        mut self,
        request: &Request,
        limit: Duration,
    ) -> Result<(Self, Answer), CallError> {
        let function = request.function();
        self.calls += 1;
        begin_call(&mut self.store, request.scope(), limit);
        let outcome = tokio::time::timeout(limit, self.enter(request)).await;
        let (answer, report) = finish(&mut self.store, function, limit, outcome)?;
        let answer = answer
            .map_err(|error| reported(error, &report, &self.secrets))?
            .map_err(|broken| CallError::BrokenContract { function, broken })?;
        // A component that answers with a page although its request failed, or was
        // throttled, would make a list end early. Only an estimate may do without.
        match refused_answer(function, &report) {
            Some(reported) if function != Function::Estimate => Err(reported.into()),
            _ => Ok((self, answer)),
        }
    }

    async fn enter(
        &mut self,
        request: &Request,
    ) -> wasmtime::Result<Result<Result<Answer, BrokenPromise>, contract::Error>> {
        let guest = self.reader.identity_connector_sync();
        let methods = guest.session();
        let store = &mut self.store;
        Ok(match request {
            Request::Estimate { kind } => methods
                .call_estimate(store, self.session, kind)
                .await?
                .map(|estimate| Ok(Answer::Estimate(estimate))),
            Request::ListResources {
                kind,
                parent,
                partition,
                cursor,
                page_size,
            } => methods
                .call_list_resources(
                    store,
                    self.session,
                    kind,
                    parent.clone().map(Into::into).as_ref(),
                    partition.as_deref(),
                    cursor.as_deref(),
                    *page_size,
                )
                .await?
                .map(|page| page.try_into().map(Answer::Resources)),
            Request::GetResource { id, cursor } => methods
                .call_get_resource(store, self.session, &id.clone().into(), cursor.as_deref())
                .await?
                .map(|lookup| match lookup {
                    sync::Lookup::Found(resource) => resource
                        .try_into()
                        .map(|resource| Answer::Lookup(Lookup::Found(Box::new(resource)))),
                    sync::Lookup::GoOn(cursor) => Ok(Answer::Lookup(Lookup::GoOn(cursor))),
                }),
            Request::ListEntitlements { of, cursor } => methods
                .call_list_entitlements(
                    store,
                    self.session,
                    &of.clone().into(),
                    cursor.as_deref(),
                    None,
                )
                .await?
                .map(|page| page.try_into().map(Answer::Entitlements)),
            Request::ListGrants {
                of,
                cursor,
                page_size,
            } => methods
                .call_list_grants(
                    store,
                    self.session,
                    &of.clone().into(),
                    cursor.as_deref(),
                    *page_size,
                )
                .await?
                .map(|page| page.try_into().map(Answer::Grants)),
        })
    }
}

impl From<GrantsOf> for sync::GrantsOf {
    fn from(of: GrantsOf) -> Self {
        match of {
            GrantsOf::Resource(id) => Self::Resource(id.into()),
            GrantsOf::Principal(id) => Self::Principal(contract::Principal {
                resource: id.into(),
            }),
        }
    }
}

fn begin_call(store: &mut Store<State>, call: Call, limit: Duration) {
    let state = store.data_mut();
    state.ticks_left = deadline::epoch_ticks(deadline::CALL_COMPUTE);
    state.capture.begin_call();
    state
        .hooks
        .begin(CallScope::new(call, Instant::now() + limit));
    store.set_epoch_deadline(1);
}

/// Turns what wasmtime and the clock say into the answer, with what the host saw on the
/// wire, or into the host's error.
fn finish<T>(
    store: &mut Store<State>,
    function: Function,
    limit: Duration,
    outcome: Result<wasmtime::Result<T>, tokio::time::error::Elapsed>,
) -> Result<(T, CallReport), CallError> {
    let state = store.data_mut();
    let report = state.hooks.end();
    let last_lines = state.capture.end_call();
    match outcome {
        Ok(Ok(answer)) => Ok((answer, report)),
        Ok(Err(error)) => Err(CallError::Trapped {
            function,
            cause: match error.downcast_ref::<wasmtime::Trap>() {
                Some(wasmtime::Trap::Interrupt) => {
                    format!(
                        "it computed for more than {} s",
                        deadline::CALL_COMPUTE.as_secs()
                    )
                }
                Some(trap) => trap.to_string(),
                None => error.root_cause().to_string(),
            },
            last_lines,
        }),
        Err(_) => Err(CallError::TimedOut { function, limit }),
    }
}

/// What the host saw on the wire that does not go with a good answer.
fn refused_answer(function: Function, report: &CallReport) -> Option<Reported> {
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
    match &report.failure {
        Some(failure) => Some(failed(
            ErrorCode::BadResponse,
            format!("its request failed: {failure}"),
            matches!(failure, EgressError::Transport(_)),
        )),
        None if report.throttled && is_refused => Some(failed(
            ErrorCode::Throttled,
            "the service asked for fewer requests".to_owned(),
            true,
        )),
        None => None,
    }
}

/// The connector's error, completed by what the host saw: a component can't know why a
/// request was not let out, and must not be able to hide a throttle.
fn reported(error: contract::Error, report: &CallReport, secrets: &[String]) -> CallError {
    let text = |text: &str| -> String { clean(text, secrets).chars().take(MAX_MESSAGE).collect() };
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
    use crate::egress::transport::TransportError;

    fn refused(report: &CallReport) -> Option<(ErrorCode, bool)> {
        refused_answer(Function::ListGrants, report)
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
}
