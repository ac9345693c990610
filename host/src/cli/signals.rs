//! Ctrl-C, the polite signal of a service manager, and the end of the terminal.
//!
//! They are listened to from before the first request on: until then they end the program as
//! always, and from then on nothing is cut off in the middle by the first one. What was
//! ignored when the program began (nohup(1) does that) stays ignored.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// The signals that have come and were not taken notice of yet.
#[derive(Clone)]
pub(super) struct Signals(Arc<Semaphore>);

impl Signals {
    /// Begins to listen. Where that is not possible, they end the program as always.
    pub(super) fn listen() -> Self {
        let come = Arc::new(Semaphore::new(0));
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            for kind in [
                SignalKind::interrupt(),
                SignalKind::terminate(),
                SignalKind::hangup(),
            ] {
                if is_ignored(kind.as_raw_value()) {
                    continue;
                }
                // Registered here and not when the task first runs.
                if let Ok(mut stream) = signal(kind) {
                    let come = come.clone();
                    tokio::spawn(async move {
                        while stream.recv().await.is_some() {
                            come.add_permits(1);
                        }
                    });
                }
            }
        }
        #[cfg(not(unix))]
        {
            let come = come.clone();
            tokio::spawn(async move {
                while tokio::signal::ctrl_c().await.is_ok() {
                    come.add_permits(1);
                }
            });
        }
        Self(come)
    }

    /// Waits for the next one.
    pub(super) async fn next(&self) {
        // It is never closed.
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

/// Whether this process ignores a signal, as far as the system tells without asking for it in
/// unsafe ways: Linux does.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, signal))
}

/// Reads the mask of ignored signals, whose lowest bit is signal 1.
#[cfg(unix)]
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(signal - 1).unwrap_or(u32::MAX);
    mask.is_some_and(|mask| mask.checked_shr(bit).is_some_and(|rest| rest & 1 == 1))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_mask_tells_what_is_ignored() {
        let status = "Name:\tconnector\nSigIgn:\t0000000000001001\nSigCgt:\tffff\n";
        assert!(ignores(status, 1), "SIGHUP");
        assert!(ignores(status, 13), "SIGPIPE");
        for signal in [2, 15, 0, -1, 200] {
            assert!(!ignores(status, signal), "{signal}");
        }
        assert!(!ignores("", 1));
    }
}
