//! One instance of a component and the calls into it.
//!
//! A call takes the instance and gives it back only when all went well. After a trap, a
//! limit, a time-out, a cancelled call or an error of the connector the instance is gone,
//! and with it its memory, its pending requests and whatever state it was in: entering it
//! again could fail in ways that nobody tests.

use std::time::Instant;

use wasmtime::component::ResourceAny;
use wasmtime::{Store, UpdateDeadline};

use super::error::{CallError, LimitHit};
use super::exports::{Exports, Guest};
use super::redact::Secrets;
use super::request::{Answer, Request};
use super::state::State;
use super::trapped;
use super::verdict::{Host, judge, reported};
use crate::contract::bindings::exports::identity::connector::sync;
use crate::contract::{BrokenPromise, Function};
use crate::egress::{Call, CallReport, CallScope};
use crate::limits::{Excess, Limit, Limits, deadline};
use crate::trust::description::Description;

/// The part of the host's resources that one instance's requests may use up. The HTTP
/// implementation of wasmtime 48.0.8 keeps the options of every request in the instance's
/// table (its `handle` reads them and does not delete them), so that the table of
/// [`Limit::HostResources`] would be full after as many requests. Making a new instance
/// takes less than a millisecond.
const WORN_OUT: usize = 2;

/// An instance in its store, before it has a session.
pub(super) struct Sandbox {
    store: Store<State>,
    guest: Guest,
    component: Option<String>,
}

impl Sandbox {
    /// `component` is the name to blame, if it is known already.
    pub(super) async fn new(
        engine: &wasmtime::Engine,
        exports: &Exports,
        state: State,
        function: Function,
        component: Option<String>,
    ) -> Result<Self, CallError> {
        let mut store = bounded(engine, state);
        let run = Run::begin(&mut store, Call::new(function.name()), function);
        let instantiated = run.within_time(exports.instantiate(&mut store)).await;
        let ended = run.end(&mut store, component.as_deref(), instantiated);
        Ok(Self {
            guest: ended.answer?,
            store,
            component,
        })
    }

    pub(super) async fn describe(&mut self) -> Result<Description, CallError> {
        let function = Function::Describe;
        let run = Run::begin(&mut self.store, Call::new(function.name()), function);
        let guest = self.guest.reader.identity_connector_describe();
        let answer = run.within_time(guest.call_describe(&mut self.store)).await;
        let ended = run.end(&mut self.store, self.component.as_deref(), answer);
        let description = Description::from(ended.answer?);
        let broken = match description.inconsistency() {
            _ if self.store.data().hooks.has_knocked() => BrokenPromise::Network,
            Some(why) => BrokenPromise::Inconsistent(why),
            None => return Ok(description),
        };
        Err(CallError::BrokenContract { function, broken })
    }

    pub(super) async fn open(
        mut self,
        settings: &[(String, String)],
        secrets: Secrets,
    ) -> Result<Instance, CallError> {
        let function = Function::Open;
        let settings: Vec<sync::Setting> = settings
            .iter()
            .map(|(name, value)| sync::Setting {
                name: name.clone(),
                value: value.clone(),
            })
            .collect();
        let run = Run::begin(&mut self.store, Call::new(function.name()), function);
        let guest = self.guest.reader.identity_connector_sync();
        let answer = run
            .within_time(guest.session().call_open(&mut self.store, &settings))
            .await;
        let ended = run.end(&mut self.store, self.component.as_deref(), answer);
        let host = Host {
            function,
            report: &ended.report,
            refused: ended.refused.as_ref(),
            limits: &self.store.data().limits,
            secrets: &secrets,
            component: self.component.as_deref(),
        };
        let session = ended.answer?.map_err(|error| reported(error, &host))?;
        Ok(Instance {
            store: self.store,
            guest: self.guest,
            component: self.component,
            session,
            secrets,
            requests: 0,
        })
    }
}

/// A warm instance with an open session. One call at a time.
pub struct Instance {
    store: Store<State>,
    guest: Guest,
    component: Option<String>,
    session: ResourceAny,
    secrets: Secrets,
    requests: usize,
}

impl Instance {
    /// Whether it has made as many requests as it may and must be replaced.
    pub fn is_worn_out(&self) -> bool {
        let resources = self.store.data().limits.count(Limit::HostResources);
        self.requests >= resources / WORN_OUT
    }

    /// Makes one call; the instance comes back with the answer.
    ///
    /// # Errors
    ///
    /// The instance is dropped with every error, including those that the connector
    /// reports. Dropping the future drops the instance too.
    pub async fn call(mut self, request: &Request) -> Result<(Self, Answer), CallError> {
        let function = request.function();
        if !self.guest.can(request) {
            return Err(CallError::NotOffered { function });
        }
        let run = Run::begin(&mut self.store, request.scope(), function);
        let entered = self.guest.enter(&mut self.store, self.session, request);
        let outcome = run.within_time(entered).await;
        let ended = run.end(&mut self.store, self.component.as_deref(), outcome);
        self.requests = self
            .requests
            .saturating_add(usize::try_from(ended.report.requests).unwrap_or(usize::MAX));
        let host = Host {
            function,
            report: &ended.report,
            refused: ended.refused.as_ref(),
            limits: &self.store.data().limits,
            secrets: &self.secrets,
            component: self.component.as_deref(),
        };
        let answer = judge(ended.answer, &host)?;
        Ok((self, answer))
    }
}

/// A store that keeps the limits of its state.
pub(super) fn bounded(engine: &wasmtime::Engine, state: State) -> Store<State> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    let limits = &store.data().limits;
    let (host_call, handles) = (limits.count(Limit::HostCall), limits.count(Limit::Handles));
    store.set_hostcall_fuel(host_call);
    store.set_max_component_handles(handles);
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
    store
}

/// One call under way.
pub(super) struct Run {
    function: Function,
    limit: Limit,
    allowed: u64,
    deadline: Instant,
}

/// What wasmtime and the clock say about a call, and what the host saw meanwhile.
pub(super) struct Ended<T> {
    pub(super) answer: Result<T, CallError>,
    pub(super) report: CallReport,
    /// What the component was refused of the machine, whatever it made of that.
    pub(super) refused: Option<Excess>,
}

impl Run {
    /// Opens what a call may use, with fresh budgets.
    pub(super) fn begin(store: &mut Store<State>, call: Call, function: Function) -> Self {
        let state = store.data_mut();
        // Describing and opening send nothing.
        let limit = match function {
            Function::Describe | Function::Open => Limit::StartTime,
            _ => Limit::CallTime,
        };
        let deadline = Instant::now() + state.limits.time(limit);
        state.ticks_left = deadline::epoch_ticks(state.limits.time(Limit::Compute));
        state.limiter.begin_call();
        state.capture.begin_call(function.name());
        state.hooks.begin(CallScope::new(call, deadline));
        let allowed = state.limits.get(limit);
        store.set_epoch_deadline(1);
        Self {
            function,
            limit,
            allowed,
            deadline,
        }
    }

    /// Lets a call run until the wall clock ends it.
    pub(super) async fn within_time<T>(
        &self,
        call: impl Future<Output = wasmtime::Result<T>>,
    ) -> Option<wasmtime::Result<T>> {
        tokio::time::timeout_at(self.deadline.into(), call)
            .await
            .ok()
    }

    /// Closes everything and says how it ended.
    pub(super) fn end<T>(
        self,
        store: &mut Store<State>,
        component: Option<&str>,
        outcome: Option<wasmtime::Result<T>>,
    ) -> Ended<T> {
        let Self {
            function,
            limit,
            allowed,
            ..
        } = self;
        let state = store.data_mut();
        let report = state.hooks.end();
        let last_lines = state.capture.end_call();
        let refused = state.limiter.refused();
        let answer = match outcome {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(ended_by(
                &error,
                &state.limits,
                refused,
                function,
                component,
                last_lines,
            )),
            None => Err(CallError::TimedOut {
                function,
                excess: Excess::of(limit, allowed),
            }),
        };
        Ended {
            answer,
            report,
            refused,
        }
    }
}

/// Why wasmtime ended a call. A limit that it keeps itself has ended it for certain; a trap
/// after a refusal is what the component made of the refusal.
fn ended_by(
    error: &wasmtime::Error,
    limits: &Limits,
    refused: Option<Excess>,
    function: Function,
    component: Option<&str>,
    last_lines: Vec<String>,
) -> CallError {
    match trapped::excess(error, limits).or(refused) {
        Some(excess) => LimitHit {
            function,
            component: component.map(str::to_owned),
            excess,
            operation: None,
            request_id: None,
            last_lines,
        }
        .into(),
        None => CallError::Trapped {
            function,
            cause: match error.downcast_ref::<wasmtime::Trap>() {
                Some(trap) => trap.to_string(),
                None => error.root_cause().to_string(),
            },
            last_lines,
        },
    }
}
