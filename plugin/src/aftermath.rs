//! What became of a change that got no clear answer.
//!
//! Such a change is never sent again blindly, and never reported as a success or a
//! failure on suspicion. The state is looked at, once, and decides. Where the look
//! fails too, the answer is an error of its own that says what to check.

use crate::cognito::pool::FailedChange;
use crate::error::{Error, NOT_FOUND, OUTCOME_UNKNOWN, one_line};

/// What a look at the state has found.
#[derive(Debug)]
pub enum Seen<T> {
    /// The state is the one that was asked for.
    Done(T),
    /// It is not.
    NotDone,
    /// The look does not tell.
    Unclear,
}

/// Words for a change whose outcome stays unknown.
#[derive(Clone, Copy, Debug)]
pub struct Doubt<'a> {
    /// On what: `user 'alice'`.
    pub about: &'a str,
    /// What to find out: `whether user 'alice' exists`.
    pub check: &'a str,
}

/// The outcome of a failed change. `look` is called only if the change may have been
/// made all the same.
pub fn settle<T>(
    failed: FailedChange,
    doubt: Doubt<'_>,
    look: impl FnOnce() -> Result<Seen<T>, Error>,
) -> Result<T, Error> {
    if !failed.ambiguous {
        return Err(failed.error);
    }
    match look() {
        Ok(Seen::Done(outcome)) => Ok(outcome),
        Ok(Seen::NotDone) => Err(not_done(failed.error)),
        Ok(Seen::Unclear) => Err(unknown(failed.error, doubt, "does not tell")),
        // Nothing can have changed on a thing that is not there.
        Err(look) if look.code == NOT_FOUND => Err(look),
        Err(look) => {
            let what = format!("failed too: {}", look.message);
            Err(unknown(failed.error, doubt, &what))
        }
    }
}

fn not_done(error: Error) -> Error {
    Error {
        message: format!(
            "{}; a look afterwards shows that nothing has changed",
            error.message
        ),
        ..error
    }
}

fn unknown(error: Error, doubt: Doubt<'_>, look: &str) -> Error {
    let operation = error.operation.as_deref().unwrap_or("the change");
    let Doubt { about, check } = doubt;
    Error {
        code: OUTCOME_UNKNOWN.to_owned(),
        message: one_line(format!(
            "nobody knows whether {operation} for {about} took effect: {}; the look afterwards \
             {look}; check {check} before trying again",
            error.message
        )),
        retryable: false,
        retry_after_ms: None,
        ..error
    }
}

#[cfg(test)]
mod tests;
