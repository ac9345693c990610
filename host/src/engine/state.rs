//! What one instance of a component can see and use: nothing but clocks, random numbers,
//! a captured standard error, and HTTP through the egress policy.

use wasmtime::component::ResourceTable;
use wasmtime::{StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::stderr::Capture;
use crate::egress::EgressHooks;
use crate::limits::sizes;

/// The data of one store.
pub(super) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    http: WasiHttpCtx,
    pub(super) hooks: EgressHooks,
    pub(super) limits: StoreLimits,
    pub(super) capture: Capture,
    /// Epoch ticks that the component may still compute for in this call.
    pub(super) ticks_left: u64,
}

impl State {
    pub(super) fn new(hooks: EgressHooks, capture: Capture) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(sizes::RANDOM_BYTES)
            .stdout(capture.clone())
            .stderr(capture.clone());
        let mut table = ResourceTable::new();
        table.set_max_capacity(sizes::HOST_RESOURCES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(sizes::REQUEST_HEADERS);
        Self {
            wasi: wasi.build(),
            table,
            http,
            hooks,
            limits: StoreLimitsBuilder::new()
                .memory_size(sizes::MEMORY)
                .memories(sizes::MEMORIES)
                .tables(sizes::TABLES)
                .table_elements(sizes::TABLE_ELEMENTS)
                .instances(sizes::INSTANCES)
                .build(),
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
