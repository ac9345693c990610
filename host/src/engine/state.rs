//! What one instance of a component can see and use: nothing but clocks, random numbers,
//! a captured standard error, and HTTP through the egress policy.

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::limiter::Limiter;
use super::stderr::{Capture, Stream};
use crate::egress::EgressHooks;
use crate::limits::{Limit, Limits};

/// The data of one store.
pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    http: WasiHttpCtx,
    pub(super) hooks: EgressHooks,
    pub(super) limits: Limits,
    pub(super) limiter: Limiter,
    pub(super) capture: Capture,
    /// Epoch ticks that the component may still compute for in this call.
    pub(super) ticks_left: u64,
}

impl State {
    pub(super) fn new(hooks: EgressHooks, capture: Capture, limits: Limits) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(limits.get(Limit::Random))
            .stdout(capture.stream(Stream::Output))
            .stderr(capture.stream(Stream::Error));
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.count(Limit::HostResources));
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.count(Limit::RequestHeaders));
        Self {
            wasi: wasi.build(),
            table,
            http,
            hooks,
            limiter: Limiter::new(&limits),
            limits,
            capture,
            ticks_left: 0,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}
