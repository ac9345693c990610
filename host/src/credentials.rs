//! AWS credentials: those that were given, or the ordinary chain of the AWS tools
//! (environment, profile, SSO cache, web identity, container, instance).
//!
//! Temporary credentials are fetched anew ahead of their expiry, and whenever the service
//! refuses those in use, so that a long sync outlives them.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::Mutex;

/// How long before their expiry credentials are not used any more. A request is signed
/// with them up to one call's deadline later, and AWS accepts clocks that are five
/// minutes off.
const EXPIRY_MARGIN: Duration = Duration::from_secs(300);

/// A key that can sign.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id; not secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token of temporary credentials.
    pub session_token: Option<String>,
    /// When they end; `None` for long-term keys.
    pub expires: Option<SystemTime>,
}

impl Credentials {
    fn has_expired(&self) -> bool {
        self.expires
            .is_some_and(|expires| expires <= SystemTime::now())
    }

    /// Whether they are good for a while yet.
    pub fn is_fresh(&self) -> bool {
        self.expires
            .is_none_or(|expires| SystemTime::now() + EXPIRY_MARGIN < expires)
    }
}

/// Shows the key id and no secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// No credentials.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Half of a key.
    #[error(
        "`{given}` is given without `{missing}`; give both, or neither to use the AWS credential chain"
    )]
    Incomplete {
        /// What was given.
        given: String,
        /// What was not.
        missing: String,
    },
    /// The chain has none, or what it was told to use is wrong.
    #[error(
        "no AWS credentials: none were given, and the AWS credential chain (environment, profile, SSO, \
         web identity, container, instance) has none: {0}"
    )]
    NotFound(String),
    /// Whoever gives out credentials refused.
    #[error("the AWS credential chain was refused credentials (has a session expired?): {0}")]
    Refused(String),
    /// Whoever gives out credentials did not answer.
    #[error("the AWS credential chain got no answer in time: {0}")]
    TimedOut(String),
}

impl CredentialsError {
    fn of_chain(error: &aws_credential_types::provider::error::CredentialsError) -> Self {
        use aws_credential_types::provider::error::CredentialsError as Chain;
        let causes = causes(error);
        match error {
            Chain::CredentialsNotLoaded(_) | Chain::InvalidConfiguration(_) => {
                Self::NotFound(causes)
            }
            Chain::ProviderTimedOut(_) => Self::TimedOut(causes),
            _ => Self::Refused(causes),
        }
    }
}

/// Where credentials come from.
pub struct CredentialSource {
    origin: Origin,
    current: Mutex<Option<Credentials>>,
}

enum Origin {
    Given(Credentials),
    Chain(SharedCredentialsProvider),
}

impl CredentialSource {
    /// Uses these and nothing else.
    pub fn given(credentials: Credentials) -> Self {
        Self {
            origin: Origin::Given(credentials),
            current: Mutex::new(None),
        }
    }

    /// Uses the AWS chain; `profile` names a profile of the shared configuration files.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::NotFound`] if the chain can't be set up.
    pub async fn chain(
        profile: Option<&str>,
        region: Option<&str>,
    ) -> Result<Self, CredentialsError> {
        use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

        let client = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(client);
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = region {
            loader = loader.region(aws_config::Region::new(region.to_owned()));
        }
        let provider = loader
            .load()
            .await
            .credentials_provider()
            .ok_or_else(|| CredentialsError::NotFound("it is switched off".to_owned()))?;
        Ok(Self {
            origin: Origin::Chain(provider),
            current: Mutex::new(None),
        })
    }

    /// Credentials that are good for a while.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::NotFound`] says what each link of the chain answered.
    pub async fn current(&self) -> Result<Credentials, CredentialsError> {
        let mut current = self.current.lock().await;
        if let Some(credentials) = current
            .as_ref()
            .filter(|credentials| credentials.is_fresh())
        {
            return Ok(credentials.clone());
        }
        match self.fetch().await {
            Ok(credentials) => {
                *current = Some(credentials.clone());
                Ok(credentials)
            }
            // Those at hand are near their end but still good, and a later fetch may do.
            Err(error) => match current.as_ref().filter(|held| !held.has_expired()) {
                Some(held) => {
                    tracing::warn!(%error, "the AWS credentials could not be renewed yet");
                    Ok(held.clone())
                }
                None => Err(error),
            },
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
        let mut current = self.current.lock().await;
        // Another worker may have replaced them already.
        if let Some(credentials) = current
            .as_ref()
            .filter(|credentials| *credentials != refused)
        {
            return Ok(Some(credentials.clone()));
        }
        let fetched = self.fetch().await?;
        *current = Some(fetched.clone());
        Ok((fetched != *refused).then_some(fetched))
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        match &self.origin {
            Origin::Given(credentials) => Ok(credentials.clone()),
            Origin::Chain(provider) => {
                let found = provider
                    .provide_credentials()
                    .await
                    .map_err(|error| CredentialsError::of_chain(&error))?;
                Ok(Credentials {
                    access_key_id: found.access_key_id().to_owned(),
                    secret_access_key: found.secret_access_key().to_owned(),
                    session_token: found.session_token().map(str::to_owned),
                    expires: found.expiry(),
                })
            }
        }
    }
}

/// The SDK's error and what it was caused by, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_credential_types::provider::error::CredentialsError as Refused;
    use aws_credential_types::provider::future;

    use super::*;

    #[derive(Debug)]
    struct Rotating {
        fetched: AtomicU32,
        /// How many there are before the provider refuses.
        available: u32,
        lifetime: Duration,
    }

    impl ProvideCredentials for Rotating {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.fetched.fetch_add(1, Ordering::SeqCst);
            if number >= self.available {
                let refused = std::io::Error::other("the session is over");
                return future::ProvideCredentials::ready(Err(Refused::provider_error(refused)));
            }
            let expires = SystemTime::now() + self.lifetime;
            future::ProvideCredentials::ready(Ok(aws_credential_types::Credentials::new(
                format!("ASIA{number}"),
                "secret",
                Some("token".to_owned()),
                Some(expires),
                "test",
            )))
        }
    }

    fn rotating(lifetime: Duration) -> CredentialSource {
        provider(lifetime, u32::MAX)
    }

    fn provider(lifetime: Duration, available: u32) -> CredentialSource {
        let provider = SharedCredentialsProvider::new(Rotating {
            fetched: AtomicU32::new(0),
            available,
            lifetime,
        });
        CredentialSource {
            origin: Origin::Chain(provider),
            current: Mutex::new(None),
        }
    }

    #[tokio::test]
    async fn fresh_credentials_are_fetched_once() {
        let source = rotating(Duration::from_secs(3600));
        let first = source.current().await.unwrap();
        assert_eq!(source.current().await.unwrap(), first);
    }

    #[tokio::test]
    async fn credentials_near_their_end_are_replaced_before_they_are_refused() {
        let source = rotating(EXPIRY_MARGIN / 2);
        let first = source.current().await.unwrap();
        assert_ne!(source.current().await.unwrap(), first);
    }

    #[tokio::test]
    async fn credentials_that_are_still_good_outlive_a_failed_renewal() {
        let source = provider(EXPIRY_MARGIN / 2, 1);
        let first = source.current().await.unwrap();
        assert_eq!(source.current().await.unwrap(), first);

        let source = provider(Duration::ZERO, 1);
        source.current().await.unwrap();
        let over = source.current().await.unwrap_err();
        assert!(matches!(over, CredentialsError::Refused(_)), "{over}");
    }

    #[tokio::test]
    async fn refused_credentials_are_replaced_once_for_all_workers() {
        let source = rotating(Duration::from_secs(3600));
        let refused = source.current().await.unwrap();
        let one = source.replacement(&refused).await.unwrap().unwrap();
        let other = source.replacement(&refused).await.unwrap().unwrap();
        assert_ne!(one, refused);
        assert_eq!(one, other);
    }

    #[tokio::test]
    async fn a_given_key_has_no_replacement() {
        let key = Credentials {
            access_key_id: "AKIA".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: None,
            expires: None,
        };
        let source = CredentialSource::given(key.clone());
        assert_eq!(source.replacement(&key).await.unwrap(), None);
        assert!(!format!("{key:?}").contains("secret\""));
    }
}
