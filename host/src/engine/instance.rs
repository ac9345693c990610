//! One instance of a component and the calls into it.
//!
//! A call takes the instance and gives it back only when all went well. After a trap, a
//! time-out, a cancelled call or an error of the connector the instance is gone, and
//! with it its memory, its pending requests and whatever state it was in: entering it
//! again could fail in ways that nobody tests.

use std::time::{Duration, Instant};

use wasmtime::component::ResourceAny;
use wasmtime::{Store, UpdateDeadline};

use super::error::CallError;
use super::exports::{Exports, Guest};
use super::request::{Answer, Request};
use super::state::State;
use super::verdict::{judge, reported};
use crate::contract::bindings::exports::identity::connector::sync;
use crate::contract::{BrokenPromise, Function};
use crate::egress::{Call, CallReport, CallScope};
use crate::limits::{deadline, sizes};
use crate::trust::description::Description;

/// Requests after which an instance is replaced. The HTTP implementation of wasmtime 48.0.8
/// keeps the options of every request in the instance's table (its `handle` reads them
/// and does not delete them), so the table of [`sizes::HOST_RESOURCES`] would be full
/// after a thousand. Making a new instance takes less than a millisecond.
const REQUESTS: u32 = 500;

/// An instance in its store, before it has a session.
pub(super) struct Sandbox {
    store: Store<State>,
    guest: Guest,
}

impl Sandbox {
    pub(super) async fn new(
        engine: &wasmtime::Engine,
        exports: &Exports,
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
        let instantiated = tokio::time::timeout(limit, exports.instantiate(&mut store)).await;
        let (guest, _) = finish(&mut store, function, limit, instantiated);
        Ok(Self {
            guest: guest?,
            store,
        })
    }

    pub(super) async fn describe(&mut self) -> Result<Description, CallError> {
        let (function, limit) = (Function::Describe, deadline::NO_REQUEST);
        begin_call(&mut self.store, Call::new(function.name()), limit);
        let guest = self.guest.reader.identity_connector_describe();
        let answer = tokio::time::timeout(limit, guest.call_describe(&mut self.store)).await;
        let (answer, _) = finish(&mut self.store, function, limit, answer);
        let description = Description::from(answer?);
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
        let guest = self.guest.reader.identity_connector_sync();
        let answer =
            tokio::time::timeout(limit, guest.session().call_open(&mut self.store, &settings))
                .await;
        let (answer, report) = finish(&mut self.store, function, limit, answer);
        let session = answer?.map_err(|error| reported(error, &report, &secrets))?;
        Ok(Instance {
            store: self.store,
            guest: self.guest,
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
    session: ResourceAny,
    secrets: Vec<String>,
    requests: u32,
}

impl Instance {
    /// Whether it has made as many requests as it may and must be replaced.
    pub fn is_worn_out(&self) -> bool {
        self.requests >= REQUESTS
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
        if !self.guest.can(request) {
            return Err(CallError::NotOffered { function });
        }
        begin_call(&mut self.store, request.scope(), limit);
        let entered = self.guest.enter(&mut self.store, self.session, request);
        let outcome = tokio::time::timeout(limit, entered).await;
        let (answer, report) = finish(&mut self.store, function, limit, outcome);
        self.requests += report.requests;
        let answer = judge(request, answer, &report, &self.secrets)?;
        Ok((self, answer))
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

/// What wasmtime and the clock say about a call, and what the host saw on the wire.
fn finish<T>(
    store: &mut Store<State>,
    function: Function,
    limit: Duration,
    outcome: Result<wasmtime::Result<T>, tokio::time::error::Elapsed>,
) -> (Result<T, CallError>, CallReport) {
    let state = store.data_mut();
    let report = state.hooks.end();
    let last_lines = state.capture.end_call();
    let answer = match outcome {
        Ok(Ok(answer)) => Ok(answer),
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
    };
    (answer, report)
}
