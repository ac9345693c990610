//! Attributes that a sync leaves out, so that nothing of them is ever written down.
//!
//! An attribute is named as the system names it, exactly, and for every kind alike. What the
//! connector derives from it must not be there either: an address is also a login, a given
//! name is in the display name. Which member comes from which attribute no description says,
//! so that is judged by the value: a member that tells the value goes with it, even where
//! that is a coincidence. Other attributes stay, since they are facts of their own; that
//! they tell the value too is noticed, and so is an id that does, which can't be left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{Account, AttributeValue, Attributes, Resource};

/// The names that are left out.
pub type Names = BTreeSet<String>;

/// Claims of OpenID Connect (OpenID Connect Core 1.0, 5.1) that members of an account are,
/// whatever their value.
const EMAIL: &str = "email";
const EMAIL_VERIFIED: &str = "email_verified";

/// From so many characters on a value is looked for within words too: in many languages
/// nothing stands between the parts of a name. A shorter one would be found everywhere.
const WITHIN_WORDS: usize = 3;

/// Shorter values are in ids and other attributes by coincidence: `en`, `DE`, `yes`.
const TELLING: usize = 4;

/// Pairs of attributes that are remembered: a component may name as many as it likes.
const MOST_PAIRS: usize = 50;

/// What was noticed while something was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Noticed {
    /// The names that something had.
    pub matched: Names,
    /// How many ids tell the value of an attribute, by its name.
    pub in_ids: BTreeMap<String, u64>,
    /// How many resources tell the value of an attribute in another one, by both names.
    pub elsewhere: BTreeMap<String, u64>,
}

/// Leaves attributes out of a resource, and what else tells their values.
pub fn of_resource(names: &Names, resource: &mut Resource, noticed: &mut Noticed) {
    if names.is_empty() {
        return;
    }
    let values = of_attributes(names, &mut resource.attributes, noticed);
    members(names, resource, noticed);
    for (name, value) in &values {
        let tells = |text: &str| tells(text, value);
        if tells(&resource.display_name) {
            resource.display_name.clone_from(&resource.id.id);
        }
        forget(&mut resource.description, tells);
        if let Some(account) = &mut resource.account {
            forget(&mut account.login, tells);
            forget(&mut account.last_login, tells);
            account.emails.retain(|email| !tells(&email.address));
        }
        if value.chars().count() >= TELLING {
            if tells(&resource.id.id) {
                *noticed.in_ids.entry(name.clone()).or_default() += 1;
            }
            let others = resource.attributes.0.iter();
            let others = others.filter(|(_, other)| texts(other).iter().any(|text| tells(text)));
            for (other, _) in others {
                let pair = format!("{name} in {other}");
                if noticed.elsewhere.contains_key(&pair) || noticed.elsewhere.len() < MOST_PAIRS {
                    *noticed.elsewhere.entry(pair).or_default() += 1;
                }
            }
        }
    }
}

/// Leaves attributes out and returns the texts of their values by their names.
pub fn of_attributes(
    names: &Names,
    attributes: &mut Attributes,
    noticed: &mut Noticed,
) -> Vec<(String, String)> {
    let mut values = Vec::new();
    for name in names {
        if let Some(value) = attributes.0.remove(name) {
            noticed.matched.insert(name.clone());
            let texts = texts(&value).into_iter();
            values.extend(texts.map(|text| (name.clone(), text)));
        }
    }
    values
}

/// Members that lists print beside the attributes may be named as well.
fn members(names: &Names, resource: &mut Resource, noticed: &mut Noticed) {
    let mut none = Account::default();
    let account = resource.account.as_mut().unwrap_or(&mut none);
    for name in names {
        let had = match name.as_str() {
            "display_name" => {
                resource.display_name.clone_from(&resource.id.id);
                true
            }
            "description" => resource.description.take().is_some(),
            "login" => account.login.take().is_some(),
            "last_login" => account.last_login.take().is_some(),
            "status_details" => account.status_details.take().is_some(),
            "emails" | EMAIL => !std::mem::take(&mut account.emails).is_empty(),
            EMAIL_VERIFIED => {
                let mut had = false;
                for email in &mut account.emails {
                    had |= email.verified.take().is_some();
                }
                had
            }
            _ => false,
        };
        if had {
            noticed.matched.insert(name.clone());
        }
    }
}

fn forget(text: &mut Option<String>, tells: impl Fn(&str) -> bool) {
    if text.as_deref().is_some_and(tells) {
        *text = None;
    }
}

/// What of a value could be found in a text.
fn texts(value: &AttributeValue) -> Vec<String> {
    let texts = match value {
        AttributeValue::Text(text) => vec![text.clone()],
        AttributeValue::TextList(texts) => texts.clone(),
        AttributeValue::Integer(number) => vec![number.to_string()],
        AttributeValue::Boolean(_) => Vec::new(),
    };
    let texts = texts.into_iter().map(|text| text.trim().to_lowercase());
    texts
        .filter(|text| !["", "true", "false"].contains(&text.as_str()))
        .collect()
}

/// Whether a text tells a value: is it, or holds it; a short one as a word of its own.
fn tells(text: &str, value: &str) -> bool {
    let text = text.to_lowercase();
    if value.chars().count() >= WITHIN_WORDS || !value.is_ascii() {
        return text.contains(value);
    }
    text.match_indices(value).any(|(start, found)| {
        let before = text.get(..start).and_then(|text| text.chars().next_back());
        let after = text.get(start + found.len()..);
        let after = after.and_then(|text| text.chars().next());
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !is_letter(before) && !is_letter(after)
    })
}

#[cfg(test)]
mod tests;
