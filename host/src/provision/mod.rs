//! Changes, carried out so that their outcome can be relied on.
//!
//! Before anything is sent the change is checked against the component's schema and the
//! operator's [`Rules`]. Then its state is read, it is made by one call, and its state is
//! read again: by calls of their own, so that what is reported is what the system says and
//! not what the component believes. A change that was sent and not answered is decided by
//! the second look, and never sent again before it.
//!
//! The look before has a second purpose: a system may answer to other names of an account
//! (an address, a former name). The component refuses those, so that nobody can change a
//! protected account under a name that is not on the list.

pub mod batch;
pub mod check;
pub mod journal;
mod look;
pub mod rows;
pub mod rules;
pub mod undo;

use std::io;

use crate::change::{Change, Outcome, State};
use crate::connector::{ConnectorError, Conversation};
use crate::contract::{BrokenPromise, Function};
use crate::engine::{Answer, CallError, Changed, Request};
use crate::model::{AttributeValue, Attributes, Resource, ResourceId};
use crate::trust::description::{ActionSchema, ValueType};
use check::Misfit;
use journal::{Ended, Journal};
use look::Seen;
use rules::{Refused, Rules};

/// The result of an action that says in one word that it was done, where it has one.
const SUCCESS: &str = "success";

/// How often a change is sent in all. It is only sent again where a look has shown that it
/// did not take effect; a service that loses three in a row is not to be bothered further.
const ATTEMPTS: u32 = 3;

/// Why a change was not made, or not known to be made.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// It does not fit what the component can do.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The operator's rules forbid it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The state before it could not be read, or it failed. Nothing was changed.
    #[error(transparent)]
    Failed(#[from] ConnectorError),
    /// It was sent, and a look afterwards shows that it did not take effect.
    #[error("{source}; looking at it afterwards shows that nothing has changed")]
    WithoutEffect {
        /// What happened to it.
        source: ConnectorError,
    },
    /// It was sent, and whether it took effect is not known.
    #[error("{source}; whether it took effect is not known ({why})")]
    Unknown {
        /// What happened to it.
        source: ConnectorError,
        /// Why looking did not help.
        why: String,
        /// What people should look at.
        look_at: Option<ResourceId>,
    },
    /// What happens can't be written down, so nothing more is changed.
    #[error("the audit file can't be written: {source}; {}", unwritten(*made))]
    Unwritten {
        /// Why not.
        source: io::Error,
        /// What the change that it happened at came to, if it was made.
        made: Option<Outcome>,
    },
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What it came to; in a dry run what it would come to.
    pub outcome: Outcome,
    /// Whether it was only looked at.
    pub dry_run: bool,
    /// The account that it concerns, as it is now.
    pub account: Option<Resource>,
    /// The state before.
    pub before: State,
    /// The state after, unless it could not be read.
    pub after: Option<State>,
    /// The results of an action.
    pub results: Attributes,
    /// What the caller should know.
    pub warnings: Vec<String>,
}

/// Carries out changes under one set of rules.
#[derive(Clone, Copy)]
pub struct Provisioner<'a> {
    /// What the operator allows.
    pub rules: &'a Rules,
    /// Where it is written down.
    pub journal: Option<&'a Journal>,
    /// Whether changes are only looked at.
    pub dry_run: bool,
}

impl Provisioner<'_> {
    /// Carries out one change. `number` tells it from others of the same run.
    ///
    /// # Errors
    ///
    /// [`ProvisionError`] tells what was not changed from what is not known.
    pub async fn carry_out(
        &self,
        conversation: &mut Conversation<'_>,
        number: u64,
        change: &Change,
    ) -> Result<Done, ProvisionError> {
        check::fits(change, conversation.description())?;
        self.rules
            .permit(&change.subjects(conversation.description()))?;
        let before = Seen::before(conversation, change).await?;
        if self.dry_run {
            return foreseen(conversation, change, before).await;
        }
        let description = conversation.description();
        if let Some(journal) = self.journal {
            journal
                .begun(number, change, description, Some(&before.state))
                .map_err(|source| ProvisionError::Unwritten { source, made: None })?;
        }
        let made = make(conversation, change, before).await;
        if let Some(journal) = self.journal {
            journal
                .ended(number, ended(&made))
                .map_err(|source| ProvisionError::Unwritten {
                    source,
                    made: made.as_ref().ok().map(|done| done.outcome),
                })?;
        }
        made
    }
}

fn unwritten(made: Option<Outcome>) -> String {
    match made {
        None => "the change was not made".to_owned(),
        Some(outcome) => format!(
            "the change was made all the same ({})",
            journal::outcome(outcome)
        ),
    }
}

fn ended(made: &Result<Done, ProvisionError>) -> Ended<'_> {
    match made {
        Ok(done) => Ended {
            outcome: journal::outcome(done.outcome),
            account: match done.outcome {
                Outcome::Created | Outcome::AlreadyExists => {
                    done.account.as_ref().map(|account| account.id.clone())
                }
                _ => None,
            },
            after: done.after.as_ref(),
            error: None,
        },
        Err(error) => Ended {
            outcome: match error {
                ProvisionError::Unknown { .. } => "unknown",
                _ => "failed",
            },
            account: None,
            after: None,
            error: Some(error.to_string()),
        },
    }
}

/// What a change would come to, by what is there now.
async fn foreseen(
    conversation: &mut Conversation<'_>,
    change: &Change,
    before: Seen,
) -> Result<Done, ProvisionError> {
    let outcome = look::foreseen(conversation, change, &before).await?;
    Ok(Done {
        outcome,
        dry_run: true,
        after: None,
        results: Attributes::default(),
        warnings: before.warnings,
        account: before.account,
        before: before.state,
    })
}

/// Sends the change until a look shows that it took effect, or it fails for good.
async fn make(
    conversation: &mut Conversation<'_>,
    change: &Change,
    before: Seen,
) -> Result<Done, ProvisionError> {
    let mut attempt = 1;
    loop {
        let error = match conversation.call(&Request::Change(change.clone())).await {
            Ok(Answer::Changed(changed)) => {
                return Ok(looked_up(conversation, change, before, changed).await);
            }
            Ok(_) => {
                let function = Request::Change(change.clone()).function();
                return Err(other_answer(function).into());
            }
            Err(error) if error.leaves_outcome_open() => error,
            Err(error) => return Err(error.into()),
        };
        let seen = match Seen::after(conversation, change, None).await {
            Ok(seen) => seen,
            Err(why) => {
                return Err(ProvisionError::Unknown {
                    source: error,
                    why: format!("looking failed too: {why}"),
                    look_at: change.account(conversation.description()),
                });
            }
        };
        match look::decided(conversation.description(), change, &before, &seen) {
            Some(Some(outcome)) => {
                return Ok(Done {
                    outcome,
                    dry_run: false,
                    results: success(conversation, change),
                    warnings: before
                        .warnings
                        .into_iter()
                        .chain([format!(
                            "{error}; looking at it afterwards shows that it took effect"
                        )])
                        .collect(),
                    account: seen.account,
                    before: before.state,
                    after: Some(seen.state),
                });
            }
            Some(None) if attempt < ATTEMPTS => {
                tracing::warn!("{error}; it did not take effect, sending it again");
                attempt += 1;
            }
            Some(None) => return Err(ProvisionError::WithoutEffect { source: error }),
            None => {
                return Err(ProvisionError::Unknown {
                    source: error,
                    why: "its effect can't be seen from here".to_owned(),
                    look_at: change.account(conversation.description()),
                });
            }
        }
    }
}

/// A change that the component reports, with the state that a call of its own reads.
async fn looked_up(
    conversation: &mut Conversation<'_>,
    change: &Change,
    before: Seen,
    changed: Changed,
) -> Done {
    let mut warnings = changed.warnings;
    let named = changed.account.map(|account| *account);
    let id = named.as_ref().map(|account| account.id.clone());
    let (account, after) = match Seen::after(conversation, change, id).await {
        Ok(seen) => {
            if look::contradicts(
                conversation.description(),
                change,
                changed.outcome,
                &before,
                &seen,
            ) {
                warnings.push(
                    "the service accepted the change, and looking right afterwards does not show \
                     it; look again before relying on it"
                        .to_owned(),
                );
            }
            (seen.account, Some(seen.state))
        }
        Err(error) => {
            warnings.push(format!(
                "the change was made, and the state after it could not be read: {error}"
            ));
            (named, None)
        }
    };
    Done {
        outcome: changed.outcome,
        dry_run: false,
        account,
        before: before.state,
        after,
        results: changed.results,
        warnings,
    }
}

/// The results of an action that is known to be done by its effect.
fn success(conversation: &Conversation<'_>, change: &Change) -> Attributes {
    let mut results = Attributes::default();
    if let Change::Invoke { action, .. } = change
        && conversation
            .description()
            .action(action)
            .is_some_and(reports_success)
    {
        results
            .0
            .insert(SUCCESS.to_owned(), AttributeValue::Boolean(true));
    }
    results
}

fn reports_success(action: &ActionSchema) -> bool {
    action
        .results
        .iter()
        .any(|field| field.name == SUCCESS && field.value_type == ValueType::Boolean)
}

/// An answer to another question.
fn other_answer(function: Function) -> ConnectorError {
    CallError::BrokenContract {
        function,
        broken: BrokenPromise::OtherAnswer,
    }
    .into()
}
