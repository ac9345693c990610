//! Proving to the service who sends a request, in the component's place.
//!
//! By default no secret enters the sandbox. The component does not sign, or signs with
//! placeholders and never learns that it does; here everything that it wrote about who it
//! is is dropped, and the request that was judged is given the proof that the trust record
//! describes.
//! Service, region, place and time are the host's: nothing in a request of the component
//! has a say in what is signed. A proof is put only on a request to the one place that
//! the policy lets through, which is checked again here, where it matters most.
//!
//! The service may refuse a proof for a reason that the host can mend: credentials that
//! have ended ([`refusal`]) or a clock that is wrong ([`skew`]). Such a refusal means
//! that nothing was done, so the request is sent once more.

mod refusal;
mod sigv4;
mod skew;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_body_util::Full;

pub use sigv4::Signer;

use super::origin::Origin;
use crate::credentials::{CredentialSource, Credentials, CredentialsError};
use crate::trust::description::Authentication;
use refusal::Refusal;
use skew::Offset;

/// What says who sends a request. All of it is the host's business, also where nothing
/// is put in its place.
const PROOFS: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::DATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("x-amz-content-sha256"),
    HeaderName::from_static("x-amz-date"),
    HeaderName::from_static("x-amz-region-set"),
    HeaderName::from_static("x-amz-s3session-token"),
    HeaderName::from_static("x-amz-security-token"),
];

/// How requests prove who sends them.
#[derive(Debug)]
pub enum Proof {
    /// Not at all; what the component wrote is dropped.
    Nothing,
    /// By what the component wrote: it was given the real secret.
    OfComponent {
        /// Whether what it wrote is good for a few minutes only.
        is_dated: bool,
    },
    /// By a token.
    Bearer(Token),
    /// By a signature.
    Signature(Signer),
}

/// A bearer token and the one place that it is sent to.
pub struct Token {
    value: HeaderValue,
    origin: Origin,
}

/// Shows no token.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// Requests of this record can't be proven.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoProof {
    /// A setting is missing.
    #[error("setting `{0}` is missing, and requests can't be proven without it")]
    Missing(String),
    /// A token that no header can hold.
    #[error("setting `{0}` has a character that no token has; copy it again")]
    Token(String),
    /// There is nothing to sign with.
    #[error("there are no credentials to sign with")]
    Credentials,
}

/// Why a request was given no proof. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There are no credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// It goes where no proof may go.
    #[error("it goes to {asked}, and the host signs for {allowed} only")]
    Place {
        /// Where it goes.
        asked: String,
        /// Where a proof may go.
        allowed: Origin,
    },
    /// It can't be written as a signature needs it.
    #[error("a header of it is no text, and can't be signed")]
    NotSignable,
}

/// A proof that was put on a request, as far as it matters when the service refuses it.
pub(super) struct Proven {
    with: Option<Stamp>,
}

struct Stamp {
    credentials: Credentials,
    offset: Offset,
    sent: SystemTime,
}

/// The sorts of remedy that a call has used up: each helps once or not at all.
#[derive(Debug, Default)]
pub(super) struct Remedies {
    renewed: AtomicBool,
    corrected: AtomicBool,
}

/// What was done about a refusal, in words for the log.
pub(super) type Remedy = &'static str;

impl Proof {
    /// The host proves, as the record says and only towards `origin`: that of the policy,
    /// which is the record's own or the one that the operator named.
    ///
    /// # Errors
    ///
    /// [`NoProof`], if settings or credentials are missing.
    pub fn of_host(
        authentication: &Authentication,
        settings: &BTreeMap<String, String>,
        source: Option<Arc<CredentialSource>>,
        origin: &Origin,
    ) -> Result<Self, NoProof> {
        let setting = |name: &str| {
            let value = settings.get(name).map(String::as_str);
            value.ok_or_else(|| NoProof::Missing(name.to_owned()))
        };
        match authentication {
            Authentication::None => Ok(Self::Nothing),
            Authentication::Bearer(name) => {
                let value = HeaderValue::try_from(format!("Bearer {}", setting(name)?));
                let mut value = value.map_err(|_| NoProof::Token(name.clone()))?;
                value.set_sensitive(true);
                let origin = origin.clone();
                Ok(Self::Bearer(Token { value, origin }))
            }
            Authentication::Sigv4(sigv4) => Ok(Self::Signature(Signer::new(
                &sigv4.service,
                setting(&sigv4.region_setting)?,
                source.ok_or(NoProof::Credentials)?,
                origin.clone(),
            ))),
        }
    }

    /// The component proves with the secret that it was given, if the record knows one.
    pub fn of_component(authentication: &Authentication) -> Self {
        match authentication {
            Authentication::None => Self::Nothing,
            Authentication::Bearer(_) => Self::OfComponent { is_dated: false },
            Authentication::Sigv4(_) => Self::OfComponent { is_dated: true },
        }
    }

    /// Whether a request must leave soon after the component has written it.
    pub(super) fn goes_stale(&self) -> bool {
        matches!(self, Self::OfComponent { is_dated: true })
    }

    /// Replaces what the component wrote about who it is.
    pub(super) async fn put_on(
        &self,
        request: &mut http::Request<Full<Bytes>>,
        body: &[u8],
    ) -> Result<Proven, ProofError> {
        if let Self::OfComponent { .. } = self {
            return Ok(Proven { with: None });
        }
        for name in &PROOFS {
            request.headers_mut().remove(name);
        }
        match self {
            Self::Nothing | Self::OfComponent { .. } => Ok(Proven { with: None }),
            Self::Bearer(token) => {
                check_place(request.uri(), &token.origin)?;
                let value = token.value.clone();
                request.headers_mut().insert(header::AUTHORIZATION, value);
                Ok(Proven { with: None })
            }
            Self::Signature(signer) => {
                check_place(request.uri(), signer.origin())?;
                let credentials = signer.credentials().await?;
                let offset = signer.offset();
                let sent = SystemTime::now();
                signer.sign(request, body, &credentials, offset.apply(sent))?;
                Ok(Proven {
                    with: Some(Stamp {
                        credentials,
                        offset,
                        sent,
                    }),
                })
            }
        }
    }

    /// Mends what a refusal complains of; `None` if there is nothing to mend, or nothing
    /// better to be had.
    pub(super) async fn mend(
        &self,
        proven: &Proven,
        status: http::StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        remedies: &Remedies,
    ) -> Result<Option<Remedy>, CredentialsError> {
        let (Self::Signature(signer), Some(stamp)) = (self, &proven.with) else {
            return Ok(None);
        };
        let received = SystemTime::now();
        let Some(refusal) = refusal::read(status, headers, body) else {
            return Ok(None);
        };
        match refusal {
            Refusal::Key if !remedies.renewed.load(Ordering::SeqCst) => {
                let renewed = signer.renew(&stamp.credentials).await?;
                // Noted only now: whoever gave up waiting may try again.
                remedies.renewed.store(true, Ordering::SeqCst);
                Ok(renewed
                    .then_some("the credentials were refused; sending again with renewed ones"))
            }
            Refusal::Clock { least } if !remedies.corrected.swap(true, Ordering::SeqCst) => {
                let measured = skew::measure(headers, stamp.sent, received)
                    .filter(|measured| measured.differs(stamp.offset, least));
                Ok(measured.map(|offset| {
                    signer.correct(offset);
                    "the clock of this machine is wrong; sending again with the service's time"
                }))
            }
            Refusal::Key | Refusal::Clock { .. } => Ok(None),
        }
    }
}

fn check_place(uri: &http::Uri, allowed: &Origin) -> Result<(), ProofError> {
    match Origin::of_request(uri) {
        Ok(asked) if asked == *allowed => Ok(()),
        _ => Err(ProofError::Place {
            asked: uri.host().unwrap_or_default().to_owned(),
            allowed: allowed.clone(),
        }),
    }
}

#[cfg(test)]
mod tests;
