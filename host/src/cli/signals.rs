//! Ctrl-C, the polite signal of a service manager, and the end of the terminal.
//!
//! They are listened to from before the first request on: until then they end the program as
//! always, and from then on nothing is cut off in the middle by the first one.

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
