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
mod error;
pub mod journal;
mod look;
pub mod rows;
pub mod rules;
pub mod undo;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::change::{Change, Outcome, State};
use crate::connector::{ConnectorError, Conversation};
use crate::contract::{BrokenPromise, Function};
use crate::egress::ChangeFate;
use crate::engine::{Answer, CallError, Changed, ErrorCode, Request};
use crate::model::{AttributeValue, Attributes, Resource, ResourceId};
use crate::trust::description::{ActionSchema, Description, ValueType};
pub use error::ProvisionError;
use journal::{End, Ended, Journal, Unfinished};
use look::Seen;
use rules::Rules;

/// The result of an action that says in one word that it was done, where it has one.
const SUCCESS: &str = "success";

/// How often a change is sent in all. It is only sent again where looks over a second and
/// more have shown that it did not take effect; a service that loses three is left alone.
const ATTEMPTS: u32 = 3;

/// How long a service gets to show what it has accepted before the second look. Systems that
/// answer from copies of their data catch up within a second or so.
const CATCHING_UP: Duration = Duration::from_secs(1);

/// Says that no further change is to be begun.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    /// Asks for the end.
    pub fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the end was asked for.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
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

impl Done {
    /// Whether anything is other than before. An action is judged by the state, since it
    /// does not say whether it changed anything.
    pub fn has_changed(&self) -> bool {
        match self.outcome {
            Outcome::Done => self.after.as_ref() != Some(&self.before),
            outcome => outcome.has_changed(),
        }
    }
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
    /// Whether somebody has asked for the end.
    pub stop: &'a Stop,
}

impl Provisioner<'_> {
    /// Carries out one change. `number` tells it from others of the same run. `is_sent` is set
    /// before anything can have changed.
    ///
    /// # Errors
    ///
    /// [`ProvisionError`] tells what was not changed from what is not known.
    pub async fn carry_out(
        &self,
        conversation: &mut Conversation<'_>,
        number: u64,
        change: &Change,
        is_sent: &AtomicBool,
    ) -> Result<Done, ProvisionError> {
        let before = match self.look_before(conversation, change).await {
            Ok(before) => before,
            Err(error) => {
                self.begun(conversation, number, change, None)?;
                return self.ended(conversation, number, Err(error));
            }
        };
        if self.dry_run {
            return foreseen(conversation, change, before).await;
        }
        self.begun(conversation, number, change, Some(&before.state))?;
        is_sent.store(true, Ordering::SeqCst);
        let made = self.make(conversation, change, before).await;
        self.ended(conversation, number, made)
    }

    /// The state before, if nothing forbids the change.
    async fn look_before(
        &self,
        conversation: &mut Conversation<'_>,
        change: &Change,
    ) -> Result<Seen, ProvisionError> {
        check::fits(change, conversation.description())?;
        self.rules
            .permit(&change.subjects(conversation.description()))?;
        let before = Seen::before(conversation, change).await?;
        self.rules.permit_loss(change, &before.touches)?;
        if self.stop.is_asked() {
            return Err(ProvisionError::Interrupted);
        }
        Ok(before)
    }

    fn begun(
        &self,
        conversation: &Conversation<'_>,
        number: u64,
        change: &Change,
        before: Option<&State>,
    ) -> Result<(), ProvisionError> {
        match self.journal {
            Some(journal) if !self.dry_run => journal
                .begun(number, change, conversation.description(), before)
                .map_err(|source| ProvisionError::Unwritten { source, made: None }),
            _ => Ok(()),
        }
    }

    fn ended(
        &self,
        conversation: &Conversation<'_>,
        number: u64,
        made: Result<Done, ProvisionError>,
    ) -> Result<Done, ProvisionError> {
        let Some(journal) = self.journal.filter(|_| !self.dry_run) else {
            return made;
        };
        match journal.ended(number, ended(&made, conversation.description())) {
            Ok(()) => made,
            Err(source) => Err(ProvisionError::Unwritten {
                source,
                made: Some(made.map(|done| done.outcome).map_err(Box::new)),
            }),
        }
    }

    /// Sends the change until a look shows that it took effect, or it fails for good.
    async fn make(
        &self,
        conversation: &mut Conversation<'_>,
        change: &Change,
        before: Seen,
    ) -> Result<Done, ProvisionError> {
        let description = conversation.description();
        let mut attempt = 1;
        loop {
            let error = match conversation.call(&Request::Change(change.clone())).await {
                Ok(Answer::Changed(changed)) => {
                    let outcome = reconciled(&changed, &before, attempt > 1);
                    return looked_up(conversation, change, before, changed, outcome).await;
                }
                Ok(_) => {
                    let function = Request::Change(change.clone()).function();
                    return Err(other_answer(function).into());
                }
                Err(error) => error,
            };
            let is_open = error.leaves_outcome_open();
            // Of a later attempt even a clear refusal says nothing about the first one.
            if !is_open && attempt == 1 {
                return Err(error.into());
            }
            let unknown = |error: ConnectorError, why: String| ProvisionError::Unknown {
                what: error.to_string(),
                why,
                source: Some(Box::new(error)),
                look_at: look_at(change, description),
            };
            match effect(conversation, change, &before, attempt, &error).await {
                Effect::Took(outcome, seen) => {
                    let done = found(conversation, change, before, outcome, *seen, &error);
                    return if was_refused(&error) {
                        Err(ProvisionError::Overstepped {
                            done: Box::new(done),
                            source: error,
                        })
                    } else {
                        Ok(done)
                    };
                }
                Effect::Missing => return Err(error.into()),
                Effect::Unclear(why) => return Err(unknown(error, why)),
                Effect::None if !is_open => return Err(error.into()),
                Effect::None if attempt < ATTEMPTS && !self.stop.is_asked() => {
                    tracing::warn!("{error}; it did not take effect, sending it again");
                    attempt += 1;
                }
                Effect::None if was_answered(&error) => {
                    return Err(ProvisionError::WithoutEffect { source: error });
                }
                Effect::None => {
                    let why = "it did not take effect so far, and may still do so".to_owned();
                    return Err(unknown(error, why));
                }
            }
        }
    }
}

/// What looking shows of a change that got no clear answer.
enum Effect {
    /// It took effect.
    Took(Outcome, Box<Seen>),
    /// It did not, as far as two looks show.
    None,
    /// What it is about is not there, so nothing can have changed.
    Missing,
    /// Looking does not tell, and why.
    Unclear(String),
}

/// Looks at once, and again after a while: a write may show late.
async fn effect(
    conversation: &mut Conversation<'_>,
    change: &Change,
    before: &Seen,
    attempt: u32,
    error: &ConnectorError,
) -> Effect {
    for wait in [Duration::ZERO, CATCHING_UP * attempt] {
        tokio::time::sleep(wait).await;
        let seen = match Seen::after(conversation, change, None).await {
            Ok(seen) if error.is_not_found() && seen.account.is_none() => return Effect::Missing,
            Ok(seen) => seen,
            Err(why) if why.is_not_found() => return Effect::Missing,
            Err(why) => return Effect::Unclear(format!("looking at it failed too: {why}")),
        };
        match look::decided(conversation.description(), change, before, &seen) {
            Some(Some(outcome)) => return Effect::Took(outcome, Box::new(seen)),
            Some(None) => {}
            None => return Effect::Unclear("its effect can't be seen from here".to_owned()),
        }
    }
    Effect::None
}

/// A change that only the look afterwards shows to be done.
fn found(
    conversation: &Conversation<'_>,
    change: &Change,
    before: Seen,
    outcome: Outcome,
    seen: Seen,
    error: &ConnectorError,
) -> Done {
    let warning = format!("{error}; looking at it afterwards shows that it took effect");
    Done {
        outcome,
        dry_run: false,
        results: success(conversation, change),
        warnings: before.warnings.into_iter().chain([warning]).collect(),
        account: seen.account,
        before: before.state,
        after: Some(seen.state),
    }
}

/// Whether the service itself said that it failed. What it then shows is what will stay.
fn was_answered(error: &ConnectorError) -> bool {
    error
        .reported()
        .is_some_and(|reported| reported.request_id.is_some())
}

/// Whether the sandbox did not let something out. A component that was asked for one change
/// and has made it has no reason to try anything else.
fn was_refused(error: &ConnectorError) -> bool {
    error
        .reported()
        .is_some_and(|reported| reported.code == ErrorCode::DeniedByHost)
}

/// The account that shows what became of a change. A membership is shown by none.
fn look_at(change: &Change, description: &Description) -> Option<ResourceId> {
    match change {
        Change::Grant(_) | Change::Revoke(_) => None,
        change => change.concerns(description),
    }
}

fn ended<'a>(made: &'a Result<Done, ProvisionError>, description: &Description) -> Ended<'a> {
    let of = |done: &'a Done, error| Ended {
        end: End::Outcome(done.outcome),
        account: match done.outcome {
            Outcome::Created | Outcome::AlreadyExists => {
                done.account.as_ref().map(|account| account.id.clone())
            }
            _ => None,
        },
        after: done.after.as_ref(),
        error,
    };
    match made {
        Ok(done) => of(done, None),
        // It can be undone like any other.
        Err(error @ ProvisionError::Overstepped { done, .. }) => {
            of(done, Some(error.for_the_record(description)))
        }
        Err(error) => Ended {
            end: End::Unfinished(match error {
                ProvisionError::Unknown { .. } => Unfinished::Unknown,
                ProvisionError::Refused(_) | ProvisionError::Misfit(_) => Unfinished::Refused,
                _ => Unfinished::Failed,
            }),
            account: None,
            after: None,
            error: Some(error.for_the_record(description)),
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

/// The outcome that the component reports, unless the look before knows better. Where the
/// service accepted or refused the change the component is right: it looked later than we
/// did. Where it found the outcome out by looking, it can't know what was so before, and what
/// is "already" so then is the work of this change.
fn reconciled(changed: &Changed, before: &Seen, is_resent: bool) -> Outcome {
    let was = before.is_there();
    let is_clear = changed.fate == Some(ChangeFate::Accepted);
    let is_ours = is_resent || changed.fate == Some(ChangeFate::Unknown);
    match changed.outcome {
        Outcome::Granted if !is_clear && was => Outcome::AlreadyGranted,
        Outcome::Revoked if !is_clear && !was => Outcome::AlreadyRevoked,
        Outcome::Created if !is_clear && was => Outcome::AlreadyExists,
        Outcome::Deleted if !is_clear && !was => Outcome::AlreadyGone,
        Outcome::AlreadyGranted if is_ours && !was => Outcome::Granted,
        Outcome::AlreadyRevoked if is_ours && was => Outcome::Revoked,
        Outcome::AlreadyExists if is_ours && !was => Outcome::Created,
        Outcome::AlreadyGone if is_ours && was => Outcome::Deleted,
        outcome => outcome,
    }
}

/// A change that the component reports, held against the state that a call of its own reads.
/// A system may take a moment to show it.
async fn looked_up(
    conversation: &mut Conversation<'_>,
    change: &Change,
    before: Seen,
    changed: Changed,
    outcome: Outcome,
) -> Result<Done, ProvisionError> {
    let mut warnings = changed.warnings;
    let named = changed.account.map(|account| *account);
    let id = named.as_ref().map(|account| account.id.clone());
    let contradicts = |conversation: &Conversation<'_>, seen: &Seen| {
        look::contradicts(conversation.description(), change, outcome, &before, seen)
    };
    let mut seen = Seen::after(conversation, change, id.clone()).await;
    if seen
        .as_ref()
        .is_ok_and(|seen| contradicts(conversation, seen))
    {
        tokio::time::sleep(CATCHING_UP).await;
        seen = Seen::after(conversation, change, id).await;
        if seen
            .as_ref()
            .is_ok_and(|seen| contradicts(conversation, seen))
        {
            return Err(ProvisionError::Unknown {
                what: format!(
                    "{} was answered with `{}`",
                    change.command(),
                    outcome.as_str()
                ),
                why: "two looks afterwards do not show it".to_owned(),
                source: None,
                look_at: look_at(change, conversation.description()),
            });
        }
    }
    warnings.extend(remark(change, outcome, named.as_ref()));
    let (account, after) = match seen {
        Ok(seen) => (seen.account, Some(seen.state)),
        Err(error) => {
            warnings.push(format!(
                "the change was made, and the state after it could not be read: {error}"
            ));
            (named, None)
        }
    };
    Ok(Done {
        outcome,
        dry_run: false,
        account,
        before: before.state,
        after,
        results: changed.results,
        warnings,
    })
}

/// What people should know about an outcome that changed nothing: the account may not be the
/// one that they meant.
fn remark(change: &Change, outcome: Outcome, found: Option<&Resource>) -> Option<String> {
    match (change, outcome) {
        (Change::DeleteAccount { account }, Outcome::AlreadyGone) => Some(format!(
            "there is no {account}; if one was meant to be deleted, check the id: ids are exact"
        )),
        (Change::CreateAccount { fields, .. }, Outcome::AlreadyExists) => {
            let attributes = &found?.attributes.0;
            let others: Vec<&str> = fields
                .iter()
                .filter(|(name, value)| attributes.get(name).is_some_and(|has| has != value))
                .map(|(name, _)| name.as_str())
                .collect();
            (!others.is_empty()).then(|| {
                format!(
                    "it is there with another value of {}, which was not changed",
                    others.join(", ")
                )
            })
        }
        _ => None,
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
