//! Fetching credentials: the key that was given, or the ordinary chain of the AWS tools
//! (environment, profile, SSO cache, web identity, container, instance), and on top of
//! either a role.
//!
//! The chain talks to places that no component may reach (the metadata address, a token
//! service), so it has an HTTP client of its own. That client asks no proxy, whatever
//! HTTPS_PROXY says: it reads those variables only if told to, and it is not. It follows
//! no redirect: a redirect is an answer like any other, and none that holds credentials.
//! A test holds both against the client. Endpoints follow the rules of the AWS tools
//! (AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL and the profile).

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};

use super::{Credentials, CredentialsError, causes};

/// The name that role sessions have in the logs of AWS.
const SESSION_NAME: &str = "connector";

/// Which credentials to use.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// These, and not the chain.
    pub key: Option<Credentials>,
    /// A profile of the AWS configuration files.
    pub profile: Option<String>,
    /// The region of the system: that of the token service too, unless the environment or
    /// the profile names another.
    pub region: Option<String>,
    /// The role to assume.
    pub role: Option<Role>,
}

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// What the owner of the role wants to hear.
    pub external_id: Option<String>,
    /// A session policy: the session may do what both it and the role allow.
    pub policy: Option<String>,
}

/// Where credentials are fetched.
pub(super) enum Origin {
    /// They were given.
    Given(Credentials),
    /// The chain.
    Chain(SharedCredentialsProvider),
    /// A role.
    Role {
        /// Who assumes it.
        base: Box<Origin>,
        role: Role,
        config: Box<SdkConfig>,
    },
}

impl Origin {
    pub(super) async fn find(wanted: Wanted) -> Result<Self, CredentialsError> {
        let Wanted {
            key,
            profile,
            region,
            role,
        } = wanted;
        if let (Some(key), None) = (&key, &role) {
            return Ok(Self::Given(key.clone()));
        }
        let config = load(profile.as_deref(), region).await;
        let base = match key {
            Some(key) => Self::Given(key),
            None => Self::Chain(
                config
                    .credentials_provider()
                    .ok_or_else(|| CredentialsError::NotFound("it is switched off".to_owned()))?,
            ),
        };
        Ok(match role {
            None => base,
            Some(role) => Self::Role {
                base: Box::new(base),
                role,
                config: Box::new(config),
            },
        })
    }

    pub(super) async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        match self {
            Self::Given(key) => Ok(key.clone()),
            Self::Chain(provider) => provider
                .provide_credentials()
                .await
                .map(Credentials::from)
                .map_err(|error| CredentialsError::of_chain(&error)),
            Self::Role { base, role, config } => {
                // Fetched by themselves, so that the error says which of the two failed.
                let base = Box::pin(base.fetch()).await?;
                assume(role, config, base).await
            }
        }
    }
}

impl From<aws_credential_types::Credentials> for Credentials {
    fn from(found: aws_credential_types::Credentials) -> Self {
        Self {
            access_key_id: found.access_key_id().to_owned(),
            secret_access_key: found.secret_access_key().to_owned(),
            session_token: found.session_token().map(str::to_owned),
            expires: found.expiry(),
        }
    }
}

async fn assume(
    role: &Role,
    config: &SdkConfig,
    base: Credentials,
) -> Result<Credentials, CredentialsError> {
    let base = aws_credential_types::Credentials::new(
        base.access_key_id,
        base.secret_access_key,
        base.session_token,
        base.expires,
        "connector",
    );
    let mut builder = AssumeRoleProvider::builder(&role.arn)
        .session_name(SESSION_NAME)
        .configure(config);
    if let Some(id) = &role.external_id {
        builder = builder.external_id(id);
    }
    if let Some(policy) = &role.policy {
        builder = builder.policy(policy);
    }
    let provider = builder.build_from_provider(base).await;
    provider
        .provide_credentials()
        .await
        .map(Credentials::from)
        .map_err(|error| match CredentialsError::of_chain(&error) {
            away if away.is_away() => away,
            _ => CredentialsError::Role {
                arn: role.arn.clone(),
                causes: causes(&error),
            },
        })
}

/// The configuration of the AWS tools.
async fn load(profile: Option<&str>, region: Option<String>) -> SdkConfig {
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

    let client = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut profile_region = ProfileFileRegionProvider::builder();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(client);
    if let Some(profile) = profile {
        profile_region = profile_region.profile_name(profile);
        loader = loader.profile_name(profile);
    }
    // Without the metadata service, which the chain of the AWS tools asks too: outside an
    // instance nobody answers there, and the region of the system is known.
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(profile_region.build())
        .or_else(region.map(Region::new));
    loader.region(region).load().await
}
