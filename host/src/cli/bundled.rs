//! The component that is built in, and its trust record.

use super::exit::{ExitCode, Failure};
use crate::trust::TrustRecord;

/// What messages call the component that is built in.
pub(super) const LABEL: &str = "the bundled component";

/// The component that is built in.
pub(super) const COMPONENT: &[u8] = include_bytes!(env!("CONNECTOR_COMPONENT"));

/// The trust record of the bundled component.
pub(super) fn record() -> Result<TrustRecord, Failure> {
    TrustRecord::bundled().map_err(|error| {
        Failure::new(
            ExitCode::Component,
            format!("the embedded trust record is damaged: {error}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes. Every host compiles all of it before the first call.
    const MOST: usize = 400_000;

    #[test]
    fn the_component_is_as_small_as_was_promised() {
        let size = COMPONENT.len();
        assert!(size <= MOST, "{size} bytes");
    }
}
