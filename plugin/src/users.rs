//! A user of the pool as a resource with an account.
//!
//! Identity is the `Username` that the service returns: it is immutable, every
//! operation takes it, and a federated user answers to nothing else. `sub` and e-mail
//! are attributes: two users may share an address, and a name may equal somebody
//! else's. Nothing is trimmed or guessed, and what was not sent is absent.

use crate::cognito::model::{Attribute, User};
use crate::cognito::timestamp;
use crate::contract::types::{
    Account, AccountStatus, Attribute as Named, AttributeValue, Email, Resource,
};
use crate::kinds::Kind;

/// The resource that a user is. `last_login_attribute` names the attribute that holds
/// the last login, if the customer keeps one.
#[must_use]
pub fn resource(user: User, last_login_attribute: Option<&str>) -> Resource {
    let account = Account {
        status: user.enabled.map(|enabled| match enabled {
            true => AccountStatus::Enabled,
            false => AccountStatus::Disabled,
        }),
        login: Some(login(&user)),
        emails: emails(&user.attributes),
        last_login: last_login(&user, last_login_attribute),
        status_details: user.user_status.clone(),
    };
    Resource {
        display_name: display_name(&user),
        parent: None,
        description: None,
        created_at: user.user_create_date.0,
        updated_at: user.user_last_modified_date.0,
        account: Some(account),
        attributes: attributes(user.attributes),
        id: Kind::User.resource(user.username),
    }
}

/// The values of an attribute, in the order in which they came.
fn values<'a>(attributes: &'a [Attribute], name: &'a str) -> impl Iterator<Item = &'a str> {
    attributes
        .iter()
        .filter(move |attribute| attribute.name == name)
        .filter_map(|attribute| attribute.value.as_deref())
}

/// The first value of an attribute that people can read.
fn readable<'a>(attributes: &'a [Attribute], name: &'a str) -> Option<&'a str> {
    values(attributes, name)
        .map(str::trim)
        .find(|value| !value.is_empty())
}

fn display_name(user: &User) -> String {
    let text = |name| readable(&user.attributes, name);
    let parts: Vec<&str> = ["given_name", "family_name"]
        .into_iter()
        .filter_map(text)
        .collect();
    text("name")
        .map(str::to_owned)
        .or_else(|| (!parts.is_empty()).then(|| parts.join(" ")))
        .or_else(|| text("email").map(str::to_owned))
        .unwrap_or_else(|| user.username.clone())
}

/// In pools where people sign in with their address or phone number, the service makes the
/// username up: it is the `sub`, and nobody ever types it.
fn login(user: &User) -> String {
    let generated =
        is_uuid(&user.username) && values(&user.attributes, "sub").any(|sub| sub == user.username);
    let typed = ["email", "phone_number"]
        .into_iter()
        .find_map(|name| readable(&user.attributes, name));
    match typed {
        Some(typed) if generated => typed.to_owned(),
        _ => user.username.clone(),
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn emails(attributes: &[Attribute]) -> Vec<Email> {
    let verified = values(attributes, "email_verified")
        .next()
        .and_then(|text| match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        });
    values(attributes, "email")
        .filter(|address| !address.trim().is_empty())
        .enumerate()
        .map(|(index, address)| Email {
            address: address.to_owned(),
            primary: index == 0,
            verified,
        })
        .collect()
}

fn last_login(user: &User, attribute: Option<&str>) -> Option<String> {
    let sent = user.user_last_authentication_date.0.clone();
    sent.or_else(|| values(&user.attributes, attribute?).find_map(timestamp::from_text))
}

fn attributes(sent: Vec<Attribute>) -> Vec<Named> {
    let mut named: Vec<Named> = Vec::with_capacity(sent.len());
    for Attribute { name, value } in sent {
        let Some(value) = value else { continue };
        match named.iter_mut().find(|earlier| earlier.name == name) {
            None => named.push(Named {
                name,
                value: AttributeValue::Text(value),
            }),
            Some(earlier) => add(&mut earlier.value, value),
        }
    }
    named
}

fn add(values: &mut AttributeValue, value: String) {
    match values {
        AttributeValue::Text(first) => {
            *values = AttributeValue::TextList(vec![std::mem::take(first), value]);
        }
        AttributeValue::TextList(list) => list.push(value),
        // No other case is ever made from what the service sends.
        AttributeValue::Integer(_) | AttributeValue::Boolean(_) | AttributeValue::Instant(_) => {}
    }
}

#[cfg(test)]
mod tests;
