//! Accounts: what is asked of a new one, whether it is there already, how it is created
//! and deleted.
//!
//! Nobody is notified unless a field asks for it, no password is chosen here, and no
//! alias is taken away from another account. An account that was found is only "the
//! account that exists" if it is the one that was meant: the service also answers to
//! aliases and to the sub.

mod draft;

use crate::aftermath::{Doubt, Seen, settle};
use crate::cognito::described::Pool;
use crate::cognito::error::Meaning;
use crate::cognito::model::User;
use crate::cognito::pool::{FailedChange, NewUser, UserPool};
use crate::cognito::transport::Outside;
use crate::contract::provisioning::{AccountCheck, CreateOutcome, CreatedAccount, DeleteOutcome};
use crate::contract::types::{Attribute, ResourceId};
use crate::error::{Error, FAILED_PRECONDITION, escaped, invalid_argument, one_line};
use crate::kinds::Kind;
use crate::schema::Schema;
use crate::users;
use draft::Draft;
pub use draft::{EMAIL, SEND_INVITE_EMAIL, USERNAME, fields};

/// The standard attribute that can be a username too.
const PHONE_NUMBER: &str = "phone_number";

/// The state of an account that an administrator created and nobody has used.
const NEVER_USED: &str = "FORCE_CHANGE_PASSWORD";

/// Accounts of one pool.
#[derive(Debug)]
pub struct Accounts<'a, T> {
    /// The pool.
    pub pool: &'a UserPool<T>,
    /// The attribute that holds the last login.
    pub last_login_attribute: Option<&'a str>,
}

/// An account that is ready to be created.
struct Plan<'a> {
    user: NewUser,
    warnings: Vec<String>,
    facts: &'a Pool,
}

/// Who answers to the name of an account that is to be created.
enum Holder {
    Nobody,
    /// The account itself.
    Same(User),
    /// An account of this name, for which it is another name.
    Other(String),
}

impl<T: Outside> Accounts<'_, T> {
    /// Checks the fields and looks whether the account is there.
    pub fn check(&self, kind: &str, given: &[Attribute]) -> Result<AccountCheck, Error> {
        let plan = self.plan(kind, given)?;
        let mut warnings = plan.warnings;
        let existing = match self.holder(&plan.user.username, plan.facts)? {
            Holder::Nobody => None,
            Holder::Same(user) => Some(users::resource(user, self.last_login_attribute)),
            Holder::Other(other) => {
                warnings.push(one_line(format!(
                    "'{}' is another name of user '{other}'",
                    plan.user.username
                )));
                None
            }
        };
        Ok(AccountCheck { existing, warnings })
    }

    /// Creates an account, or finds it.
    pub fn create(&self, kind: &str, given: &[Attribute]) -> Result<CreatedAccount, Error> {
        let plan = self.plan(kind, given)?;
        match self.pool.admin_create_user(&plan.user) {
            Ok(user) => Ok(self.created(user, plan.warnings)),
            Err(failed) if failed.meaning == Some(Meaning::UserExists) => {
                self.found(failed.error, plan)
            }
            Err(failed) => self.settled(failed, plan),
        }
    }

    /// Deletes an account.
    pub fn delete(&self, account: &ResourceId) -> Result<DeleteOutcome, Error> {
        only_users(Kind::of(account)?)?;
        let username = account.id.as_str();
        match self.pool.admin_delete_user(username) {
            Ok(()) => Ok(DeleteOutcome::Deleted),
            Err(failed) if failed.meaning == Some(Meaning::NoSuchUser) => {
                Ok(DeleteOutcome::AlreadyGone)
            }
            Err(failed) => settle_user(failed, username, || {
                Ok(match self.pool.find_user(username)? {
                    None => Seen::Done(DeleteOutcome::Deleted),
                    Some(_) => Seen::NotDone,
                })
            }),
        }
    }

    fn plan(&self, kind: &str, given: &[Attribute]) -> Result<Plan<'_>, Error> {
        only_users(Kind::parse(kind)?)?;
        let draft = Draft::read(given)?;
        let facts = self.pool.describe()?;
        let schema = Schema::new(facts, self.pool.id());
        for attribute in &draft.attributes {
            schema.check(&attribute.name, &attribute.value)?;
        }
        let username = self.username(&draft, facts)?;
        // What is signed in with is an attribute, which the pool sets by itself.
        let implied = |name: &str| {
            let looks_like_it = match name {
                EMAIL => username.contains('@'),
                PHONE_NUMBER => username.starts_with('+'),
                _ => false,
            };
            looks_like_it && facts.username_attributes.iter().any(|used| used == name)
        };
        let has = |name: &str| draft.attribute(name).is_some() || implied(name);
        if draft.invited && !has(EMAIL) {
            return Err(invalid_argument(
                "an invitation needs an e-mail address; give the field email (--email)",
            ));
        }
        let missing = schema.required().filter(|name| !has(name)).map(|name| {
            format!(
                "user pool '{}' requires the attribute '{name}', which was not given",
                self.pool.id()
            )
        });
        let names = draft.attributes.iter().map(|attribute| &attribute.name);
        let strange = names.filter(|name| schema.lacks(name)).map(|name| {
            format!(
                "user pool '{}' names no attribute '{}', so that the service will hardly take it",
                self.pool.id(),
                escaped(name)
            )
        });
        let warnings = missing.chain(strange).collect();
        Ok(Plan {
            user: NewUser {
                username,
                invited: draft.invited,
                attributes: draft.attributes,
            },
            warnings,
            facts,
        })
    }

    fn username(&self, draft: &Draft, facts: &Pool) -> Result<String, Error> {
        let (None, Some(email)) = (&draft.username, draft.attribute(EMAIL)) else {
            return Ok(draft.username.clone().unwrap_or_default());
        };
        let pool = self.pool.id();
        if facts.alias_attributes.iter().any(|alias| alias == EMAIL) {
            return Err(invalid_argument(format!(
                "in user pool '{pool}' an e-mail address is an alias and can't be the username; \
                 give a username too (--username, the field username)"
            )));
        }
        if matches!(facts.username_attributes.as_slice(), [only] if only == PHONE_NUMBER) {
            return Err(invalid_argument(format!(
                "in user pool '{pool}' people sign in with their phone number; give it, such as \
                 +15555550100, as the username (--username, the field username)"
            )));
        }
        draft::username(email)
            .map(str::to_owned)
            .map_err(|problem| {
                invalid_argument(format!(
                    "the e-mail address can't be the username: {}, or give another one \
                     (--username, the field username)",
                    problem.message
                ))
            })
    }

    fn holder(&self, username: &str, facts: &Pool) -> Result<Holder, Error> {
        let Some(user) = self.pool.find_user(username)? else {
            return Ok(Holder::Nobody);
        };
        // Where people sign in with an address, the service makes the username up.
        let made_up = !facts.username_attributes.is_empty();
        let any_case = facts
            .username_configuration
            .as_ref()
            .is_some_and(|configuration| configuration.case_sensitive == Some(false));
        let same = made_up
            || user.username == username
            || (any_case && are_one_in_any_case(&user.username, username));
        Ok(match same {
            true => Holder::Same(user),
            false => Holder::Other(user.username),
        })
    }

    fn created(&self, user: User, warnings: Vec<String>) -> CreatedAccount {
        CreatedAccount {
            outcome: CreateOutcome::Created(users::resource(user, self.last_login_attribute)),
            warnings,
        }
    }

    fn existing(&self, user: User, warnings: Vec<String>) -> CreatedAccount {
        CreatedAccount {
            outcome: CreateOutcome::AlreadyExists(users::resource(user, self.last_login_attribute)),
            warnings,
        }
    }

    /// The service says that the username is taken.
    fn found(&self, refusal: Error, plan: Plan<'_>) -> Result<CreatedAccount, Error> {
        let username = &plan.user.username;
        match self.holder(username, plan.facts)? {
            Holder::Same(user) => Ok(self.existing(user, plan.warnings)),
            Holder::Other(other) => Err(Error {
                code: FAILED_PRECONDITION.to_owned(),
                message: one_line(format!(
                    "'{username}' is another name of user '{other}' in user pool '{}', and is \
                     not taken away from it; give another username (--username)",
                    self.pool.id()
                )),
                ..refusal
            }),
            Holder::Nobody => Err(Error {
                message: format!("{}; a look afterwards did not find it", refusal.message),
                retryable: true,
                ..refusal
            }),
        }
    }

    fn settled(&self, failed: FailedChange, plan: Plan<'_>) -> Result<CreatedAccount, Error> {
        let Plan {
            user: new,
            mut warnings,
            facts,
        } = plan;
        let meaning = failed.meaning;
        settle_user(failed, &new.username, || {
            let Holder::Same(user) = self.holder(&new.username, facts)? else {
                return Ok(Seen::NotDone);
            };
            // These two come after the question whether the username is taken.
            let after = match meaning {
                Some(Meaning::NotDelivered) if new.invited => {
                    Some("the account was created, but its invitation could not be delivered")
                }
                Some(Meaning::NotDelivered) => {
                    Some("the account was created, but the pool could not deliver its message")
                }
                Some(Meaning::LambdaFailed) => {
                    Some("the account was created, but a Lambda trigger of the pool failed")
                }
                _ => None,
            };
            let ours = after.is_some() || is_as_sent(&user, &new);
            let warning = match ours {
                true => "AdminCreateUser got no clear answer; a look afterwards found the account",
                false => {
                    "AdminCreateUser got no clear answer; a look afterwards found an account that \
                     is not as it was asked for"
                }
            };
            warnings.push(after.unwrap_or(warning).to_owned());
            Ok(Seen::Done(match ours {
                true => self.created(user, warnings),
                false => self.existing(user, warnings),
            }))
        })
    }
}

/// Whether an account can be the one that was just created: never used, and with the
/// attributes that were sent. The service may have changed the case of an address.
fn is_as_sent(user: &User, new: &NewUser) -> bool {
    let never_used = user
        .user_status
        .as_deref()
        .is_none_or(|status| status == NEVER_USED);
    never_used
        && new.attributes.iter().all(|sent| {
            user.attributes.iter().any(|has| {
                let same = |value: &str| are_one_in_any_case(value, &sent.value);
                has.name == sent.name && has.value.as_deref().is_some_and(same)
            })
        })
}

fn are_one_in_any_case(one: &str, other: &str) -> bool {
    // Two small letters share the capital Σ.
    let folded = |text: &str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .map(|letter| if letter == 'ς' { 'σ' } else { letter })
            .collect::<String>()
    };
    folded(one) == folded(other)
}

fn only_users(kind: Kind) -> Result<(), Error> {
    match kind {
        Kind::User => Ok(()),
        Kind::Group => Err(invalid_argument(
            "a group is no account; only a user can be created or deleted",
        )),
    }
}

fn settle_user<O>(
    failed: FailedChange,
    username: &str,
    look: impl FnOnce() -> Result<Seen<O>, Error>,
) -> Result<O, Error> {
    let about = format!("user '{username}'");
    let check = format!("whether user '{username}' exists");
    let doubt = Doubt {
        about: &about,
        check: &check,
    };
    settle(failed, doubt, look)
}

#[cfg(test)]
mod tests;
