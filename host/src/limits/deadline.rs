//! Time limits of calls, requests and connections.
//!
//! Two clocks are needed. The epoch interrupts a component that computes without end;
//! the wall clock ends a call that waits for something that never comes.

use std::time::{Duration, Instant};

/// How often the engine's epoch advances: soon enough to share a core fairly, rarely
/// enough to cost nothing (Spin uses the same).
pub const EPOCH_TICK: Duration = Duration::from_millis(10);
/// How long one contract call may take. What it computes and its request have limits of
/// their own below, so this bounds the wait for permits. Four workers can wait so long for
/// one request a minute.
pub const CALL: Duration = Duration::from_secs(270);
/// How long a request may wait for its permit that the component itself has signed. The
/// signature is valid for five minutes, and a clock that is some minutes off must not use
/// up the rest.
pub const DATED_REQUEST: Duration = Duration::from_secs(60);
/// How long a component may take to describe itself or to open a session: both send
/// nothing and take less than a millisecond.
pub const NO_REQUEST: Duration = Duration::from_secs(10);
/// How long a component may compute in one call. A full page takes some milliseconds.
pub const CALL_COMPUTE: Duration = Duration::from_secs(10);
/// How long a request may take from its permit to the end of its response.
pub const REQUEST: Duration = Duration::from_secs(30);
/// How long resolving, waiting for a connection permit, TCP and TLS may take together.
pub const CONNECT: Duration = Duration::from_secs(10);
/// How long the response's head may take once the request is on its connection.
pub const FIRST_BYTE: Duration = Duration::from_secs(20);
/// How long the body may pause.
pub const BETWEEN_BYTES: Duration = Duration::from_secs(10);
/// How long an unused connection is kept. Services close theirs after a minute or more.
pub const IDLE_CONNECTION: Duration = Duration::from_secs(60);

/// The number of epoch ticks that a duration spans, and one for the tick in progress.
pub fn epoch_ticks(duration: Duration) -> u64 {
    let ticks = duration.as_nanos().div_ceil(EPOCH_TICK.as_nanos());
    u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
}

/// What a component may ask for, cut to what the host allows.
pub fn clamp(asked: Option<Duration>, maximum: Duration) -> Duration {
    asked.map_or(maximum, |asked| asked.min(maximum))
}

/// The earlier of a deadline and some time from now.
pub fn within(deadline: Instant, now: Instant, duration: Duration) -> Instant {
    now.checked_add(duration)
        .map_or(deadline, |end| end.min(deadline))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tick_in_progress_does_not_count() {
        assert_eq!(epoch_ticks(Duration::ZERO), 1);
        assert_eq!(epoch_ticks(EPOCH_TICK), 2);
        assert_eq!(epoch_ticks(EPOCH_TICK + Duration::from_nanos(1)), 3);
        assert_eq!(epoch_ticks(Duration::MAX), u64::MAX);
    }

    #[test]
    fn a_component_can_only_shorten_a_limit() {
        assert_eq!(clamp(None, CONNECT), CONNECT);
        assert_eq!(clamp(Some(Duration::MAX), CONNECT), CONNECT);
        assert_eq!(clamp(Some(Duration::ZERO), CONNECT), Duration::ZERO);
    }

    #[test]
    fn a_step_never_outlives_what_contains_it() {
        let now = Instant::now();
        let soon = now + Duration::from_secs(1);
        assert_eq!(within(soon, now, REQUEST), soon);
        assert_eq!(within(soon, now, Duration::ZERO), now);
        assert_eq!(within(soon, now, Duration::MAX), soon);
    }
}
