//! The fields of an account to be created, as they came and as they are sent.
//!
//! Four fields and a switch are known by name; every other field is an attribute under
//! the pool's own name and is passed on untouched. Nothing here is a password, and no
//! message repeats a value.

use crate::cognito::pool::NewAttribute;
use crate::contract::describe::{Field, SettingType};
use crate::contract::types::{Attribute, AttributeValue};
use crate::error::{Error, escaped, invalid_argument};

/// The address.
pub const EMAIL: &str = "email";
/// The first name.
const GIVEN_NAME: &str = "given_name";
/// The last name.
const FAMILY_NAME: &str = "family_name";
/// The name of the account.
pub const USERNAME: &str = "username";
/// Whether the pool invites the user, spelled as other connectors of the kind do.
pub const SEND_INVITE_EMAIL: &str = "sendInviteEmail";

/// The longest username of the service's model, in characters.
const MAX_USERNAME: usize = 128;

/// The fields that have a name of their own.
#[must_use]
pub fn fields() -> Vec<Field> {
    let field = |name: &str, display_name: &str, help: &str, value_type| Field {
        name: name.into(),
        display_name: display_name.into(),
        help: help.into(),
        value_type,
        required: false,
        secret: false,
        id_of: None,
    };
    vec![
        field(
            EMAIL,
            "E-mail",
            "The e-mail address, which is also the username where none is given; one of the two is needed.",
            SettingType::Text,
        ),
        field(
            GIVEN_NAME,
            "Given name",
            "The first name.",
            SettingType::Text,
        ),
        field(
            FAMILY_NAME,
            "Family name",
            "The last name.",
            SettingType::Text,
        ),
        field(
            USERNAME,
            "Username",
            "The name of the account in the pool; needed where people sign in with an e-mail address as alias.",
            SettingType::Text,
        ),
        field(
            SEND_INVITE_EMAIL,
            "Send invitation",
            "Whether the pool sends an e-mail with a temporary password; without it nobody is notified.",
            SettingType::Boolean,
        ),
    ]
}

/// The fields, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Draft {
    /// The username, if one was given.
    pub(super) username: Option<String>,
    /// The attributes, in the order in which they came.
    pub(super) attributes: Vec<NewAttribute>,
    /// Whether an invitation was asked for.
    pub(super) invited: bool,
}

impl Draft {
    /// Takes the fields apart.
    pub(super) fn read(fields: &[Attribute]) -> Result<Self, Error> {
        let mut draft = Self {
            username: None,
            attributes: Vec::new(),
            invited: false,
        };
        for (index, Attribute { name, value }) in fields.iter().enumerate() {
            let shown = escaped(name);
            if name.is_empty() {
                return Err(invalid_argument("a field has an empty name"));
            }
            if fields
                .iter()
                .take(index)
                .any(|earlier| earlier.name == *name)
            {
                return Err(invalid_argument(format!("field '{shown}' is given twice")));
            }
            match name.as_str() {
                USERNAME => draft.username = Some(username(text(name, value)?)?.to_owned()),
                SEND_INVITE_EMAIL => draft.invited = switch(name, value)?,
                EMAIL | GIVEN_NAME | FAMILY_NAME => draft.add(name, text(name, value)?),
                _ => draft.add(name, &written(name, value)?),
            }
        }
        match draft.attribute(EMAIL) {
            Some("") => Err(invalid_argument(
                "field 'email' is empty; give an address or leave it out",
            )),
            None if draft.username.is_none() => Err(invalid_argument(
                "an account needs an e-mail address or a username; give the field email \
                 (--email) or the field username (--username)",
            )),
            _ => Ok(draft),
        }
    }

    /// The value of an attribute.
    #[must_use]
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
            .map(|attribute| attribute.value.as_str())
    }

    fn add(&mut self, name: &str, value: &str) {
        self.attributes.push(NewAttribute {
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }
}

/// Checks what is to be a username. It is an id from now on, and ids are shown.
pub(super) fn username(name: &str) -> Result<&str, Error> {
    let problem = match name.chars().count() {
        0 => "is empty".to_owned(),
        length if length > MAX_USERNAME => format!("is longer than {MAX_USERNAME} characters"),
        _ if name.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            "contains a space or a control character".to_owned()
        }
        _ => return Ok(name),
    };
    Err(invalid_argument(format!(
        "the username {problem}; write 1 to {MAX_USERNAME} visible characters without spaces"
    )))
}

fn text<'a>(name: &str, value: &'a AttributeValue) -> Result<&'a str, Error> {
    match value {
        AttributeValue::Text(text) => Ok(text),
        _ => Err(invalid_argument(format!("field '{name}' is not a text"))),
    }
}

/// The truth value, which platforms like to send as text.
fn switch(name: &str, value: &AttributeValue) -> Result<bool, Error> {
    match value {
        AttributeValue::Boolean(value) => Ok(*value),
        AttributeValue::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        AttributeValue::Text(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(invalid_argument(format!(
            "field '{name}' is neither true nor false"
        ))),
    }
}

/// A value as the service takes it: all attributes are texts.
fn written(name: &str, value: &AttributeValue) -> Result<String, Error> {
    match value {
        AttributeValue::Text(text) | AttributeValue::Instant(text) => Ok(text.clone()),
        AttributeValue::Integer(number) => Ok(number.to_string()),
        AttributeValue::Boolean(value) => Ok(value.to_string()),
        AttributeValue::TextList(_) => Err(invalid_argument(format!(
            "field '{}' is a list; an attribute has one value",
            escaped(name)
        ))),
    }
}
