//! The least IAM policy that a connector works with, scoped to one system.
//!
//! People paste it, so it must neither be wider than needed nor miss the system. Nothing
//! that is not known to be an account id stands in its place, no setting may carry a
//! wildcard into the resource, and where the system's own name is known and is not what
//! the settings come to, there is no policy at all: it would allow something else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::trust::description::{Access, Authentication, Description, Operation, Sigv4};

/// How the names of regions begin outside the partition `aws`.
const PARTITIONS: &[(&str, &str)] = &[
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];
/// An AWS account id has twelve digits and nothing else.
const ACCOUNT_ID_DIGITS: usize = 12;
/// Stands for any account.
const ANY_ACCOUNT: &str = "*";
/// What AWS takes as the policy of a session, in characters.
const MAX_SESSION_POLICY: usize = 2048;
/// What IAM reads in a resource as something else than itself.
const WILDCARDS: [char; 3] = ['*', '?', '$'];

/// A policy document, and what its reader should know.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// As IAM takes it.
    pub document: Value,
    /// For people; not part of the document.
    pub notes: Vec<String>,
}

/// Why there is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Its rights are not those of IAM.
    #[error("the connector {connector} has no IAM policy: it {reason}")]
    NotOfIam {
        /// The connector.
        connector: String,
        /// Why.
        reason: &'static str,
    },
    /// Not an account id.
    #[error(
        "the account id `{0}` is not one: it has 12 digits and no hyphens \
         (hint: `aws sts get-caller-identity` prints it)"
    )]
    AccountId(String),
    /// Two account ids.
    #[error(
        "--account-id is {given}, but the service says that `{resource_name}` belongs to {found}; \
         leave --account-id out or check which system is meant"
    )]
    OtherAccount {
        /// What was given.
        given: String,
        /// What the service says.
        found: String,
        /// The system's own name.
        resource_name: String,
    },
    /// The settings and the service mean different things.
    #[error(
        "the service calls the system `{found}`, but the settings come to `{expected}`; \
         correct the settings, since the policy would allow something else"
    )]
    OtherSystem {
        /// What the service says.
        found: String,
        /// What the settings come to.
        expected: String,
    },
    /// A part of the resource is not known.
    #[error("setting {setting} is needed for the resource of the policy, `{template}`")]
    MissingSetting {
        /// The setting.
        setting: String,
        /// The template that asks for it.
        template: String,
    },
    /// A setting would widen the resource.
    #[error("setting {0} has a character that IAM reads as a wildcard or a variable (* ? $)")]
    Wildcard(String),
    /// It does not fit into a session.
    #[error(
        "the policy of this system has {length} characters, and AWS takes {MAX_SESSION_POLICY} for \
         a session"
    )]
    TooLong {
        /// Its length in characters.
        length: usize,
    },
    /// A template that can't be read.
    #[error("the resource name `{0}` of the component's trust record has a brace without a pair")]
    Template(String),
}

/// The least policy for the system that the settings identify.
///
/// `resource_name` is the name that the system gives itself, if it was asked; it knows its
/// account. `account_id` is what the operator says. `read_only` leaves out what changes
/// something, and what is only of use to know more.
///
/// # Errors
///
/// [`PolicyError`], if there is no such policy or if what is known contradicts itself.
pub fn iam_policy(
    description: &Description,
    settings: &BTreeMap<String, String>,
    resource_name: Option<&str>,
    account_id: Option<&str>,
    read_only: bool,
) -> Result<Policy, PolicyError> {
    let (signing, template) = asked_for(description)?;
    let actions = actions(description, |operation| {
        !read_only || (operation.access == Access::Read && !operation.optional)
    })?;
    if let Some(id) = account_id.filter(|id| !is_account_id(id)) {
        return Err(PolicyError::AccountId(id.to_owned()));
    }
    let named = resource_name.and_then(Named::read);
    if let (Some(given), Some(named)) = (account_id, &named)
        && given != named.account
    {
        return Err(PolicyError::OtherAccount {
            given: given.to_owned(),
            found: named.account.to_owned(),
            resource_name: named.whole.to_owned(),
        });
    }
    let partition = match &named {
        Some(named) => named.partition,
        None => partition(template, settings, signing)?,
    };
    let account = account_id.or(named.as_ref().map(|named| named.account));
    let resource = fill(
        template,
        settings,
        partition,
        account.unwrap_or(ANY_ACCOUNT),
    )?;
    if let Some(named) = named.filter(|named| named.whole != resource) {
        return Err(PolicyError::OtherSystem {
            found: named.whole.to_owned(),
            expected: resource,
        });
    }
    let mut notes = Vec::new();
    if account.is_none() && template.contains("{account-id}") {
        notes.push(
            "the account id is not known, so `*` stands for it; --account-id narrows the policy \
             to one account"
                .to_owned(),
        );
    }
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": sid(&description.name, read_only),
            "Effect": "Allow",
            "Action": actions,
            "Resource": resource,
        }],
    });
    Ok(Policy { document, notes })
}

/// The policy of a session that may do what this connection does, and nothing else: with it
/// AWS itself refuses whatever gets past this host. It reads all that can be read, and
/// changes something only if `changes` are permitted.
///
/// # Errors
///
/// [`PolicyError`], if there is no such policy, or none that fits into a session.
pub fn session_policy(
    description: &Description,
    settings: &BTreeMap<String, String>,
    account_id: Option<&str>,
    changes: bool,
) -> Result<String, PolicyError> {
    let (signing, template) = asked_for(description)?;
    let actions = actions(description, |operation| {
        changes || operation.access == Access::Read
    })?;
    let partition = partition(template, settings, signing)?;
    let account = account_id.unwrap_or(ANY_ACCOUNT);
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": actions,
            "Resource": fill(template, settings, partition, account)?,
        }],
    });
    let text = document.to_string();
    match text.chars().count() {
        length if length > MAX_SESSION_POLICY => Err(PolicyError::TooLong { length }),
        _ => Ok(text),
    }
}

/// How a connector signs and what its permissions are granted on.
fn asked_for(description: &Description) -> Result<(&Sigv4, &str), PolicyError> {
    let Authentication::Sigv4(signing) = &description.wire.authentication else {
        return Err(no_policy(description, "does not sign its requests for AWS"));
    };
    match &description.wire.resource_name {
        Some(template) => Ok((signing, template)),
        None => Err(no_policy(
            description,
            "does not say what a permission is granted on",
        )),
    }
}

fn actions(
    description: &Description,
    wanted: impl Fn(&Operation) -> bool,
) -> Result<BTreeSet<&str>, PolicyError> {
    let operations = description.wire.operations.iter();
    let actions: BTreeSet<&str> = operations
        .filter(|operation| wanted(operation))
        .filter_map(|operation| operation.permission.as_deref())
        .collect();
    if actions.is_empty() {
        return Err(no_policy(
            description,
            "does not name the permissions that it needs",
        ));
    }
    Ok(actions)
}

fn no_policy(description: &Description, reason: &'static str) -> PolicyError {
    PolicyError::NotOfIam {
        connector: description.name.clone(),
        reason,
    }
}

/// A complete name of the system, taken apart.
struct Named<'a> {
    whole: &'a str,
    partition: &'a str,
    account: &'a str,
}

impl<'a> Named<'a> {
    /// Emulators invent names without an account; those say nothing.
    fn read(whole: &'a str) -> Option<Self> {
        let mut parts = whole.splitn(6, ':');
        let (scheme, partition) = (parts.next()?, parts.next()?);
        let account = parts.nth(2)?;
        parts.next()?;
        let known = partition == "aws" || PARTITIONS.iter().any(|(_, name)| *name == partition);
        (scheme == "arn" && known && is_account_id(account)).then_some(Self {
            whole,
            partition,
            account,
        })
    }
}

fn is_account_id(text: &str) -> bool {
    text.len() == ACCOUNT_ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn partition(
    template: &str,
    settings: &BTreeMap<String, String>,
    signing: &Sigv4,
) -> Result<&'static str, PolicyError> {
    let region =
        settings
            .get(&signing.region_setting)
            .ok_or_else(|| PolicyError::MissingSetting {
                setting: signing.region_setting.clone(),
                template: template.to_owned(),
            })?;
    let found = PARTITIONS
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix));
    Ok(found.map_or("aws", |(_, partition)| partition))
}

/// The template with everything in its place.
fn fill(
    template: &str,
    settings: &BTreeMap<String, String>,
    partition: &str,
    account: &str,
) -> Result<String, PolicyError> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            return Err(PolicyError::Template(template.to_owned()));
        };
        filled.push_str(match name {
            "partition" => partition,
            "account-id" => account,
            setting => value(settings, setting, template)?,
        });
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn value<'a>(
    settings: &'a BTreeMap<String, String>,
    name: &str,
    template: &str,
) -> Result<&'a str, PolicyError> {
    match settings.get(name) {
        Some(value) if value.contains(WILDCARDS) => Err(PolicyError::Wildcard(name.to_owned())),
        Some(value) => Ok(value),
        None => Err(PolicyError::MissingSetting {
            setting: name.to_owned(),
            template: template.to_owned(),
        }),
    }
}

/// IAM allows letters and digits only: `CognitoConnector`, `CognitoConnectorReadOnly`.
fn sid(connector: &str, read_only: bool) -> String {
    let mut sid = String::new();
    for word in connector.split(|character: char| !character.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        sid.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        sid.extend(letters);
    }
    if read_only {
        sid.push_str("ReadOnly");
    }
    sid
}

#[cfg(test)]
mod tests;
