//! A component, its trust record, its settings and its way out, put together: what is
//! needed to open sessions and to make single calls.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use crate::contract::{BrokenPromise, Function};
use crate::credentials::{Credentials, CredentialsError, Keys};
use crate::egress::Egress;
use crate::engine::{
    Answer, CallError, Component, ErrorCode, GrantsOf, Instance, Lookup, Reported, Request,
};
use crate::model::{Grant, Resource, ResourceId};
use crate::retry::{Budget, MAX_ATTEMPTS, Verdict, cost, decide, is_postponed};
use crate::settings::Settings;
use crate::trust::TrustRecord;
use crate::trust::description::{Authentication, Description};

/// The setting that every connector has for its own retries.
const MAX_ATTEMPTS_SETTING: &str = "max-attempts";

/// How often a single call is tried. Somebody waits for it, and a wrong endpoint or a
/// service that is down should be told within seconds; only a long sync has the patience
/// of [`crate::retry::MAX_ATTEMPTS`].
const SINGLE_CALL_ATTEMPTS: u32 = 3;

/// A component that is ready to be asked about one system.
pub struct Connector {
    component: Component,
    record: Arc<TrustRecord>,
    settings: Settings,
    keys: Keys,
    egress: Arc<Egress>,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The component failed or refused.
    #[error(transparent)]
    Call(#[from] CallError),
    /// There are no credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A failure that trying again did not mend.
    #[error("{source} (tried {attempts} times)")]
    Persistent {
        /// The last failure.
        source: CallError,
        /// How often it was tried.
        attempts: u32,
    },
}

impl ConnectorError {
    /// What the connector itself reported, if it did.
    pub fn reported(&self) -> Option<&Reported> {
        match self {
            Self::Call(error) | Self::Persistent { source: error, .. } => error.reported(),
            Self::Credentials(_) => None,
        }
    }

    /// Whether a change was sent and nobody has told what became of it.
    pub fn leaves_outcome_open(&self) -> bool {
        match self {
            Self::Call(source) | Self::Persistent { source, .. } => source.leaves_outcome_open(),
            Self::Credentials(_) => false,
        }
    }

    /// Whether the system says that the thing does not exist.
    pub fn is_not_found(&self) -> bool {
        self.reported()
            .is_some_and(|reported| reported.code == ErrorCode::NotFound)
    }
}

/// An open session and the credentials that the component signs with.
pub struct Session {
    /// The instance.
    pub instance: Instance,
    /// What it was opened with, if the component was given real ones.
    pub credentials: Option<Credentials>,
}

impl Session {
    /// Whether its credentials are good for another call.
    pub fn is_fresh(&self) -> bool {
        self.credentials.as_ref().is_none_or(Credentials::is_fresh)
    }
}

impl Connector {
    /// Puts the parts together. `keys` must go with how `egress` proves who sends its
    /// requests: sealed where the host does.
    pub fn new(
        component: Component,
        record: Arc<TrustRecord>,
        settings: Settings,
        keys: Keys,
        egress: Arc<Egress>,
    ) -> Self {
        Self {
            component,
            record,
            settings,
            keys,
            egress,
        }
    }

    /// What the component was approved as.
    pub fn description(&self) -> &Description {
        &self.record.approved
    }

    /// The way out, with its counters.
    pub fn egress(&self) -> &Arc<Egress> {
        &self.egress
    }

    /// The component.
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// Its settings, without credentials from the chain.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings that what is read may depend on: all but secrets, what requests are
    /// signed with, and how often they are tried.
    pub fn reading_settings(&self) -> BTreeMap<String, String> {
        let mut settings = self.settings.values().clone();
        settings.remove(MAX_ATTEMPTS_SETTING);
        for name in self.settings.secret_names() {
            settings.remove(name);
        }
        if let Authentication::Sigv4(sigv4) = &self.description().wire.authentication {
            settings.remove(&sigv4.access_key_id_setting);
            settings.remove(&sigv4.session_token_setting);
        }
        settings
    }

    /// Opens a session. Sends nothing to the system; the credential chain may be asked.
    ///
    /// # Errors
    ///
    /// Fails without credentials, or if the component refuses the settings or breaks.
    pub async fn session(&self) -> Result<Session, ConnectorError> {
        let mut handed = self.keys.hand(self.description(), &self.settings).await?;
        // The host retries. A component that did too would multiply the attempts.
        handed.set(MAX_ATTEMPTS_SETTING, "1");
        let instance = self
            .component
            .open(
                &self.description().name,
                self.egress.clone(),
                &handed.values,
                handed.secrets,
            )
            .await?;
        Ok(Session {
            instance,
            credentials: handed.credentials,
        })
    }

    /// Whether a component can be given other credentials than those that the system
    /// refused. Where the host signs it has looked for them already.
    ///
    /// # Errors
    ///
    /// Fails if the chain fails.
    pub async fn renewed_credentials(
        &self,
        refused: Option<&Credentials>,
    ) -> Result<bool, CredentialsError> {
        self.keys.renewed(refused).await
    }

    /// A series of calls, one after the other.
    pub fn conversation(&self) -> Conversation<'_> {
        Conversation {
            connector: self,
            warm: None,
            attempts: SINGLE_CALL_ATTEMPTS,
        }
    }

    /// Makes one call in a session of its own, and again as the host's rules of retry
    /// allow.
    ///
    /// # Errors
    ///
    /// As [`Conversation::call`].
    pub async fn call(&self, request: &Request) -> Result<Answer, ConnectorError> {
        self.conversation().call(request).await
    }

    /// Finds one resource as it is now, over as many calls as that takes.
    ///
    /// # Errors
    ///
    /// As [`Conversation::resource`].
    pub async fn resource(&self, id: &ResourceId) -> Result<Resource, ConnectorError> {
        self.conversation().resource(id).await
    }
}

/// Calls that follow each other in one session, as long as nothing fails: what the
/// component has learnt from the system is not asked for again.
pub struct Conversation<'a> {
    connector: &'a Connector,
    warm: Option<Session>,
    attempts: u32,
}

impl<'a> Conversation<'a> {
    /// Tries each call as often as a long sync does, for work that nobody watches line by
    /// line.
    #[must_use]
    pub fn patient(self) -> Self {
        Self {
            attempts: MAX_ATTEMPTS,
            ..self
        }
    }

    /// The connector that is talked to.
    pub fn connector(&self) -> &'a Connector {
        self.connector
    }

    /// What the component was approved as.
    pub fn description(&self) -> &'a Description {
        self.connector.description()
    }

    async fn session(&mut self) -> Result<Session, ConnectorError> {
        match self.warm.take() {
            Some(session) if session.is_fresh() && !session.instance.is_worn_out() => Ok(session),
            _ => self.connector.session().await,
        }
    }

    /// Makes one call, and again as the host's rules of retry allow. A change that was sent
    /// is never sent again unless the service refused it.
    ///
    /// # Errors
    ///
    /// The last failure.
    pub async fn call(&mut self, request: &Request) -> Result<Answer, ConnectorError> {
        let budget = Budget::full();
        let mut attempts = 0;
        let mut renewed = false;
        loop {
            let session = self.session().await?;
            let credentials = session.credentials;
            let error = match session.instance.call(request).await {
                Ok((instance, answer)) => {
                    self.warm = Some(Session {
                        instance,
                        credentials,
                    });
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if is_unauthenticated(&error)
                && !renewed
                && self
                    .connector
                    .renewed_credentials(credentials.as_ref())
                    .await?
            {
                renewed = true;
                continue;
            }
            attempts += u32::from(!is_postponed(&error));
            if attempts >= self.attempts && cost(&error).is_some_and(|cost| cost > 0) {
                return Err(ConnectorError::Persistent {
                    source: error,
                    attempts,
                });
            }
            match decide(&error, attempts, &budget, fastrand::f64()) {
                Verdict::Retry(delay) => {
                    tracing::warn!(
                        "{error}; trying again ({attempts} of {} tries failed)",
                        self.attempts
                    );
                    tokio::time::sleep_until((Instant::now() + delay).into()).await;
                }
                Verdict::GiveUp => return Err(error.into()),
                Verdict::OutOfAttempts | Verdict::OutOfBudget => {
                    return Err(ConnectorError::Persistent {
                        source: error,
                        attempts,
                    });
                }
            }
        }
    }

    /// Finds one resource as it is now, over as many calls as that takes.
    ///
    /// # Errors
    ///
    /// As [`Conversation::call`]; a resource that does not exist is an error of the
    /// connector with the code `not-found`.
    pub async fn resource(&mut self, id: &ResourceId) -> Result<Resource, ConnectorError> {
        let function = Function::GetResource;
        let mut cursor = None;
        let mut seen = HashSet::new();
        loop {
            let request = Request::GetResource {
                id: id.clone(),
                cursor,
            };
            let broken = match self.call(&request).await? {
                Answer::Lookup(Lookup::Found(resource)) => return Ok(*resource),
                Answer::Lookup(Lookup::GoOn(next)) if seen.insert(next.clone()) => {
                    cursor = Some(next);
                    continue;
                }
                Answer::Lookup(Lookup::GoOn(_)) => BrokenPromise::CursorRepeated,
                _ => BrokenPromise::OtherAnswer,
            };
            return Err(CallError::BrokenContract { function, broken }.into());
        }
    }

    /// The grants of a resource or a principal as they are now, over as many calls as that
    /// takes, or until `enough` says that nothing more is needed.
    ///
    /// # Errors
    ///
    /// As [`Conversation::call`].
    pub async fn grants(
        &mut self,
        of: &GrantsOf,
        mut enough: impl FnMut(&Grant) -> bool,
    ) -> Result<Vec<Grant>, ConnectorError> {
        let function = Function::ListGrants;
        let mut cursor = None;
        let mut seen = HashSet::new();
        let mut grants = Vec::new();
        loop {
            let request = Request::ListGrants {
                of: of.clone(),
                cursor,
                page_size: None,
            };
            let broken = match self.call(&request).await? {
                Answer::Grants(page) => {
                    let other = page.items.iter().find_map(|grant| other_end(of, grant));
                    match (other, page.next) {
                        (Some(broken), _) => broken,
                        (None, next) => {
                            let is_enough = page.items.iter().any(&mut enough);
                            grants.extend(page.items);
                            match next {
                                Some(next) if !is_enough && seen.insert(next.clone()) => {
                                    cursor = Some(next);
                                    continue;
                                }
                                Some(_) if !is_enough => BrokenPromise::CursorRepeated,
                                _ => return Ok(grants),
                            }
                        }
                    }
                }
                _ => BrokenPromise::OtherAnswer,
            };
            return Err(CallError::BrokenContract { function, broken }.into());
        }
    }
}

/// A grant that belongs to somebody or something else than was asked about.
fn other_end(of: &GrantsOf, grant: &Grant) -> Option<BrokenPromise> {
    let (asked, returned) = match of {
        GrantsOf::Resource(asked) => (asked, &grant.entitlement.resource),
        GrantsOf::Principal(asked) => (asked, &grant.principal),
    };
    (asked != returned).then(|| BrokenPromise::OtherResource {
        asked: asked.clone(),
        returned: returned.clone(),
    })
}

/// Whether the system refused the credentials themselves.
pub(crate) fn is_unauthenticated(error: &CallError) -> bool {
    matches!(error, CallError::Reported(reported) if reported.code == ErrorCode::Unauthenticated)
}

#[cfg(test)]
mod sealed_memory;
