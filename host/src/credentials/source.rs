//! Credentials that stay good: fetched anew ahead of their expiry, and whenever the
//! service refuses those in use, so that a long sync outlives them.
//!
//! There is one fetch at a time. Whoever needs credentials meanwhile waits for it and
//! takes what it brought: thirty workers must not ask a token service thirty times.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::chain::{Origin, Wanted};
use super::{Credentials, CredentialsError};
use crate::limits::clock::{Clock, SystemClock};

/// How long before their expiry credentials are not used any more. A request is signed
/// with them up to one call's deadline later, and AWS accepts clocks that are five
/// minutes off.
pub(super) const EXPIRY_MARGIN: Duration = Duration::from_secs(300);

/// How long those at hand are used without asking for better ones, where asking brought
/// none: credentials are asked for with every request, and some sources give new ones
/// only when the old ones have almost ended.
const PAUSE: Duration = Duration::from_secs(10);

/// Where credentials come from.
pub struct CredentialSource {
    origin: Origin,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Credentials>,
    /// When somebody asked for better ones, last.
    asked: Option<Instant>,
    /// When asking brought the very ones that the service had refused, last.
    fruitless: Option<Instant>,
}

/// Shows no secret, and not even whose credentials they are.
impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialSource").finish_non_exhaustive()
    }
}

impl CredentialSource {
    /// Uses these and nothing else.
    pub fn given(credentials: Credentials) -> Self {
        Self::new(Origin::Given(credentials), Arc::new(SystemClock))
    }

    /// Uses what is wanted. Reads the configuration files of the AWS tools and asks nobody.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::NotFound`] if the chain can't be set up.
    pub async fn find(wanted: Wanted) -> Result<Self, CredentialsError> {
        let origin = Origin::find(wanted).await?;
        Ok(Self::new(origin, Arc::new(SystemClock)))
    }

    pub(super) fn new(origin: Origin, clock: Arc<dyn Clock>) -> Self {
        Self {
            origin,
            clock,
            state: Mutex::default(),
        }
    }

    /// Credentials that are good for a while.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::NotFound`] says what each link of the chain answered.
    pub async fn current(&self) -> Result<Credentials, CredentialsError> {
        let mut state = self.state.lock().await;
        if let Some(held) = &state.held
            && (held.is_fresh() || self.is_recent(state.asked))
        {
            return Ok(held.clone());
        }
        state.asked = Some(self.clock.now());
        match self.origin.fetch().await {
            Ok(fetched) => {
                state.held = Some(fetched.clone());
                Ok(fetched)
            }
            // Those at hand are near their end but still good, and a later fetch may do.
            Err(error) => {
                if state.held.as_ref().is_some_and(Credentials::has_expired) {
                    state.held = None;
                }
                // Those at hand are near their end but still good, and a later fetch may do.
                let held = state.held.clone().ok_or_else(|| error.clone())?;
                tracing::warn!(%error, "the AWS credentials could not be renewed yet");
                Ok(held)
            }
        }
    }

    /// Others than those that the service refused; `None` if there are none to be had.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::current`].
    pub async fn replacement(
        &self,
        refused: &Credentials,
    ) -> Result<Option<Credentials>, CredentialsError> {
        let mut state = self.state.lock().await;
        // Another worker may have replaced them already, or have tried to.
        if let Some(held) = state.held.as_ref().filter(|held| *held != refused) {
            return Ok(Some(held.clone()));
        }
        if self.is_recent(state.fruitless) {
            return Ok(None);
        }
        let now = self.clock.now();
        let fetched = self.origin.fetch().await?;
        state.asked = Some(now);
        state.held = Some(fetched.clone());
        if fetched == *refused {
            state.fruitless = Some(now);
            return Ok(None);
        }
        Ok(Some(fetched))
    }

    fn is_recent(&self, instant: Option<Instant>) -> bool {
        instant.is_some_and(|then| self.clock.now().saturating_duration_since(then) < PAUSE)
    }
}

#[cfg(test)]
mod tests;
