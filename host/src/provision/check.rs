//! Whether a change fits what the component describes, before anything is sent. The
//! component checks too; this way a mistake costs no session and its message is the same for
//! every connector.

use crate::change::{Change, Fields, Membership};
use crate::model::{AttributeValue, EntitlementId};
use crate::trust::description::{ActionSchema, Description, Field, Kind, ValueType};

/// A change that the component can't make.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// There is no such kind.
    #[error("`{word}` is no kind of resource here; there are {known}")]
    NoKind {
        /// What was given.
        word: String,
        /// What there is.
        known: String,
    },
    /// Accounts of this kind can't be created or deleted.
    #[error("a {kind} is no account that can be created or deleted; {possible}")]
    NoAccount {
        /// The kind.
        kind: String,
        /// Which kinds are.
        possible: String,
    },
    /// Nothing of this name can be held on the resource.
    #[error("`{slug}` can't be held on a {kind}; there is {known}")]
    NoEntitlement {
        /// What was given.
        slug: String,
        /// The kind of resource.
        kind: String,
        /// What there is.
        known: String,
    },
    /// The entitlement can't be held by this kind.
    #[error("{entitlement} can be held by a {possible} and not by a {kind}")]
    NotGrantable {
        /// What was to be held.
        entitlement: EntitlementId,
        /// The kind that was to hold it.
        kind: String,
        /// What can hold it.
        possible: String,
    },
    /// There is no such action.
    #[error("there is no action `{name}`; there are {known}")]
    NoAction {
        /// What was given.
        name: String,
        /// The actions with their arguments.
        known: String,
    },
    /// An argument of an action is wrong.
    #[error("{why}; write `{usage}`")]
    Argument {
        /// What is wrong.
        why: String,
        /// How it is written.
        usage: String,
    },
    /// A field of an account is wrong.
    #[error("{0}")]
    Field(String),
}

/// Whether the component can make the change at all.
///
/// # Errors
///
/// [`Misfit`] says what is wrong and what there is.
pub fn fits(change: &Change, description: &Description) -> Result<(), Misfit> {
    match change {
        Change::Grant(membership) | Change::Revoke(membership) => holdable(membership, description),
        Change::CreateAccount { kind, fields } => {
            account_kind(kind, description)?;
            match repeated(fields) {
                Some(name) => Err(Misfit::Field(format!("the field `{name}` is given twice"))),
                None => Ok(()),
            }
        }
        Change::DeleteAccount { account } => account_kind(&account.kind, description),
        Change::Invoke {
            action: name,
            arguments,
        } => arguments_fit(action(name, description)?, arguments),
    }
}

/// The action with this name.
///
/// # Errors
///
/// [`Misfit::NoAction`] with the actions that there are.
pub fn action<'a>(name: &str, description: &'a Description) -> Result<&'a ActionSchema, Misfit> {
    description.action(name).ok_or_else(|| Misfit::NoAction {
        name: name.to_owned(),
        known: joined(description.actions.iter().map(usage)),
    })
}

/// The kind with this name.
///
/// # Errors
///
/// [`Misfit::NoKind`] with the kinds that there are.
pub fn kind<'a>(word: &str, description: &'a Description) -> Result<&'a Kind, Misfit> {
    description.kind(word).ok_or_else(|| Misfit::NoKind {
        word: word.to_owned(),
        known: joined(description.kinds.iter().map(|kind| kind.id.clone())),
    })
}

fn account_kind(word: &str, description: &Description) -> Result<(), Misfit> {
    if kind(word, description)?.accounts {
        return Ok(());
    }
    let accounts: Vec<String> = description
        .kinds
        .iter()
        .filter(|kind| kind.accounts)
        .map(|kind| kind.id.clone())
        .collect();
    Err(Misfit::NoAccount {
        kind: word.to_owned(),
        possible: if accounts.is_empty() {
            "this connector has none".to_owned()
        } else {
            format!("there is {}", joined(accounts))
        },
    })
}

fn holdable(
    Membership {
        entitlement,
        principal,
    }: &Membership,
    description: &Description,
) -> Result<(), Misfit> {
    let on = kind(&entitlement.resource.kind, description)?;
    kind(&principal.kind, description)?;
    // A kind whose entitlements only a list tells is left to the component.
    if on.entitlements.is_empty() && on.grants_of_resource {
        return Ok(());
    }
    let Some(schema) = on
        .entitlements
        .iter()
        .find(|schema| schema.slug == entitlement.slug)
    else {
        let known = on.entitlements.iter().map(|schema| schema.slug.clone());
        return Err(Misfit::NoEntitlement {
            slug: entitlement.slug.clone(),
            kind: on.id.clone(),
            known: joined(known),
        });
    };
    if schema.grantable_to.contains(&principal.kind) {
        return Ok(());
    }
    Err(Misfit::NotGrantable {
        entitlement: entitlement.clone(),
        kind: principal.kind.clone(),
        possible: joined(schema.grantable_to.iter().cloned()),
    })
}

fn arguments_fit(schema: &ActionSchema, arguments: &Fields) -> Result<(), Misfit> {
    let wrong = |why: String| {
        Err(Misfit::Argument {
            why,
            usage: usage(schema),
        })
    };
    if let Some(name) = repeated(arguments) {
        return wrong(format!("the argument `{name}` is given twice"));
    }
    if let Some((name, _)) = arguments
        .iter()
        .find(|(name, _)| !schema.arguments.iter().any(|field| field.name == *name))
    {
        return wrong(format!("{} takes no argument `{name}`", schema.name));
    }
    for field in &schema.arguments {
        match arguments.iter().find(|(name, _)| *name == field.name) {
            None if field.required => {
                return wrong(format!(
                    "{} needs the argument `{}`",
                    schema.name, field.name
                ));
            }
            None => {}
            Some((_, value)) if is_blank(value) => {
                return wrong(format!("the argument `{}` is empty", field.name));
            }
            Some((_, value)) if !is_of_type(value, field) => {
                return wrong(format!(
                    "the argument `{}` is not {}",
                    field.name,
                    match field.value_type {
                        ValueType::Text => "a text",
                        ValueType::Integer => "a whole number",
                        ValueType::Boolean => "true or false",
                    }
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn is_blank(value: &AttributeValue) -> bool {
    matches!(value, AttributeValue::Text(text) if text.is_empty())
}

/// Values that were typed are text, whatever they mean.
fn is_of_type(value: &AttributeValue, field: &Field) -> bool {
    match (field.value_type, value) {
        (ValueType::Text, AttributeValue::Text(_))
        | (ValueType::Integer, AttributeValue::Integer(_))
        | (ValueType::Boolean, AttributeValue::Boolean(_)) => true,
        (ValueType::Integer, AttributeValue::Text(text)) => text.parse::<i64>().is_ok(),
        (ValueType::Boolean, AttributeValue::Text(text)) => text.parse::<bool>().is_ok(),
        _ => false,
    }
}

/// How an action is written on a command line.
pub fn usage(schema: &ActionSchema) -> String {
    let arguments = schema.arguments.iter().map(|field| {
        let written = format!("{}={}", field.name, field.name.to_uppercase());
        if field.required {
            written
        } else {
            format!("[{written}]")
        }
    });
    std::iter::once(schema.name.clone())
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

fn repeated(fields: &Fields) -> Option<&str> {
    fields.iter().enumerate().find_map(|(index, (name, _))| {
        let mut earlier = fields.iter().take(index);
        earlier
            .any(|(other, _)| other == name)
            .then_some(name.as_str())
    })
}

fn joined(words: impl IntoIterator<Item = String>) -> String {
    let words: Vec<String> = words.into_iter().collect();
    if words.is_empty() {
        return "none".to_owned();
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceId;
    use crate::trust::TrustRecord;

    fn described() -> Description {
        TrustRecord::bundled().unwrap().approved
    }

    fn text(name: &str, value: &str) -> (String, AttributeValue) {
        (name.to_owned(), AttributeValue::Text(value.to_owned()))
    }

    fn misfit(change: Change) -> String {
        fits(&change, &described()).unwrap_err().to_string()
    }

    fn grant(entitlement: &str, principal: &str) -> Change {
        Change::Grant(Membership {
            entitlement: entitlement.parse().unwrap(),
            principal: principal.parse().unwrap(),
        })
    }

    fn invoke(action: &str, arguments: Fields) -> Change {
        Change::Invoke {
            action: action.to_owned(),
            arguments,
        }
    }

    #[test]
    fn what_the_component_describes_fits() {
        for change in [
            grant("group:a:b:member", "user:x:y"),
            Change::DeleteAccount {
                account: ResourceId::new("user", "alice"),
            },
            invoke("enable_user", vec![text("user_id", "alice")]),
        ] {
            assert_eq!(fits(&change, &described()), Ok(()), "{change:?}");
        }
    }

    #[test]
    fn a_membership_that_cannot_be_is_explained() {
        assert_eq!(
            misfit(grant("role:a:member", "user:x")),
            "`role` is no kind of resource here; there are user, group"
        );
        assert_eq!(
            misfit(grant("group:a:owner", "user:x")),
            "`owner` can't be held on a group; there is member"
        );
        assert_eq!(
            misfit(grant("group:a:member", "group:x")),
            "group:a:member can be held by a user and not by a group"
        );
        assert_eq!(
            misfit(grant("user:a:member", "user:x")),
            "`member` can't be held on a user; there is none"
        );
    }

    #[test]
    fn only_accounts_are_created_and_deleted() {
        let message = misfit(Change::DeleteAccount {
            account: ResourceId::new("group", "admins"),
        });
        assert_eq!(
            message,
            "a group is no account that can be created or deleted; there is user"
        );
        let twice = Change::CreateAccount {
            kind: "user".to_owned(),
            fields: vec![text("email", "a"), text("email", "b")],
        };
        assert_eq!(misfit(twice), "the field `email` is given twice");
    }

    #[test]
    fn an_argument_that_does_not_fit_shows_how_it_is_written() {
        let usage = "; write `enable_user user_id=USER_ID`";
        for (arguments, why) in [
            (Vec::new(), "enable_user needs the argument `user_id`"),
            (
                vec![text("user_id", "a"), text("user_id", "b")],
                "the argument `user_id` is given twice",
            ),
            (
                vec![text("user_id", "a"), text("force", "1")],
                "enable_user takes no argument `force`",
            ),
            (vec![text("user_id", "")], "the argument `user_id` is empty"),
            (
                vec![("user_id".to_owned(), AttributeValue::Integer(1))],
                "the argument `user_id` is not a text",
            ),
        ] {
            assert_eq!(
                misfit(invoke("enable_user", arguments)),
                format!("{why}{usage}")
            );
        }
        assert_eq!(
            misfit(invoke("explode", Vec::new())),
            "there is no action `explode`; there are enable_user user_id=USER_ID, \
             disable_user user_id=USER_ID"
        );
    }
}
