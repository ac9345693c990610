//! Why wasmtime ended a call: a limit of the sandbox, or the component's own doing.
//!
//! Some limits are kept by wasmtime itself, and a few of its errors have no type that
//! could be asked for. Those are known by their whole text, which a component has no part
//! in, and a test for each hits the limit with a real component, so that another version of
//! wasmtime can't change it unnoticed.

use wasmtime::component::ResourceTableError;
use wasmtime_wasi_http::FieldMapError;

use crate::limits::{Excess, Limit, Limits};

/// How wasmtime begins when a component has too many parts, by the part.
const PARTS: [(&str, Limit); 3] = [
    (
        "resource limit exceeded: instance count too high at ",
        Limit::Instances,
    ),
    (
        "resource limit exceeded: memory count too high at ",
        Limit::Memories,
    ),
    (
        "resource limit exceeded: table count too high at ",
        Limit::Tables,
    ),
];
/// What wasmtime says when too much data is handed over at once.
const HOST_CALL: &str = "too much data is being copied between the host and the guest: fuel \
                         allocated for hostcalls has been exhausted";
/// What it says when there are too many handles.
const HANDLES: [&str; 2] = [
    "cannot allocate another handle: store handle limit exceeded",
    "cannot lend resource: store handle limit exceeded",
];
/// How it begins when too many random bytes are asked for, and what follows the number.
const RANDOM: (&str, &str) = ("requested len ", " exceeds limit ");

/// The limit that ended a call, if one did.
pub(super) fn excess(error: &wasmtime::Error, limits: &Limits) -> Option<Excess> {
    let of = |limit: Limit| Excess::of(limit, limits.get(limit));
    if let Some(wasmtime::Trap::Interrupt) = error.downcast_ref::<wasmtime::Trap>() {
        return Some(of(Limit::Compute));
    }
    error.chain().find_map(|cause| {
        if let Some(FieldMapError::TotalSizeTooBig | FieldMapError::TooManyFields) =
            cause.downcast_ref()
        {
            return Some(of(Limit::RequestHeaders));
        }
        if let Some(ResourceTableError::Full) = cause.downcast_ref() {
            return Some(of(Limit::HostResources));
        }
        let text = cause.to_string();
        if text == HOST_CALL {
            return Some(of(Limit::HostCall));
        }
        if HANDLES.contains(&text.as_str()) {
            return Some(of(Limit::Handles));
        }
        let (before, after) = RANDOM;
        if let Some((wanted, _)) = text
            .strip_prefix(before)
            .and_then(|rest| rest.split_once(after))
        {
            return Some(of(Limit::Random).wanting(wanted.parse().ok()?));
        }
        PARTS.iter().find_map(|(beginning, limit)| {
            let wanted = text.strip_prefix(beginning)?.parse().ok()?;
            Some(of(*limit).wanting(wanted))
        })
    })
}
