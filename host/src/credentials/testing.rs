//! A source that gives other credentials every time, and counts how often it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError as Refused;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use super::CredentialSource;
use super::chain::Origin;
use crate::limits::clock::ManualClock;

/// The secret of all of them.
pub(crate) const SECRET: &str = "rotating-secret-0123456789";
/// The session token of all of them.
pub(crate) const TOKEN: &str = "rotating-token";

/// Key ids are ASIA0, ASIA1 and so on.
pub(crate) struct Rotation {
    pub(crate) source: Arc<CredentialSource>,
    /// Moves the source's time.
    pub(crate) clock: ManualClock,
    fetched: Arc<AtomicU32>,
}

#[derive(Clone, Debug)]
struct Rotating {
    fetched: Arc<AtomicU32>,
    available: u32,
    lifetime: Duration,
}

impl Rotation {
    /// So many credentials that are good for so long, and refusals afterwards.
    pub(crate) fn new(lifetime: Duration, available: u32) -> Self {
        let clock = ManualClock::new();
        let fetched = Arc::new(AtomicU32::new(0));
        let provider = SharedCredentialsProvider::new(Rotating {
            fetched: fetched.clone(),
            available,
            lifetime,
        });
        let origin = Origin::Chain(provider);
        let source = CredentialSource::new(origin, Arc::new(clock.clone()));
        Self {
            source: Arc::new(source),
            clock,
            fetched,
        }
    }

    pub(crate) fn fetches(&self) -> u32 {
        self.fetched.load(Ordering::SeqCst)
    }
}

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.fetched.fetch_add(1, Ordering::SeqCst);
        let answer = if number >= self.available {
            let refused = std::io::Error::other("the session is over");
            Err(Refused::provider_error(refused))
        } else {
            Ok(aws_credential_types::Credentials::new(
                format!("ASIA{number}"),
                SECRET,
                Some(TOKEN.to_owned()),
                Some(SystemTime::now() + self.lifetime),
                "test",
            ))
        };
        // Lets the others come before it answers, as a network does.
        future::ProvideCredentials::new(async move {
            tokio::task::yield_now().await;
            answer
        })
    }
}
