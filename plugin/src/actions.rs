//! The actions: letting a user sign in, and keeping it from that.
//!
//! Arguments are checked as strictly as the schema says, so that a slip of the pen
//! never becomes a change of something else. Nothing is looked at first: enabling an
//! enabled user does nothing, and is a success.

use crate::aftermath::{Doubt, Seen, settle};
use crate::cognito::operations::Operation;
use crate::cognito::pool::UserPool;
use crate::cognito::transport::Outside;
use crate::contract::describe::{ActionSchema, Field, SettingType};
use crate::contract::types::{Attribute, AttributeValue};
use crate::error::{Error, escaped, invalid_argument};
use crate::kinds::Kind;

/// The argument that names the user.
pub const USER_ID: &str = "user_id";

/// The result.
const SUCCESS: &str = "success";

/// An action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Lets a user sign in.
    EnableUser,
    /// Keeps a user from signing in.
    DisableUser,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::EnableUser, Self::DisableUser];

    /// Its name in the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EnableUser => "enable_user",
            Self::DisableUser => "disable_user",
        }
    }

    /// The operation that it sends.
    #[must_use]
    pub const fn operation(self) -> Operation {
        match self {
            Self::EnableUser => Operation::AdminEnableUser,
            Self::DisableUser => Operation::AdminDisableUser,
        }
    }

    /// What it takes and gives.
    #[must_use]
    pub fn schema(self) -> ActionSchema {
        let (display_name, help, purpose) = match self {
            Self::EnableUser => (
                "Enable user",
                "Lets a user sign in again.",
                "account-enable",
            ),
            Self::DisableUser => (
                "Disable user",
                "Keeps a user from signing in and ends all its sessions.",
                "account-disable",
            ),
        };
        ActionSchema {
            name: self.name().into(),
            display_name: display_name.into(),
            help: help.into(),
            purposes: vec![purpose.into()],
            arguments: vec![Field {
                name: USER_ID.into(),
                display_name: "User ID".into(),
                help: "The id of the user, which is its username in the pool.".into(),
                value_type: SettingType::Text,
                required: true,
                secret: false,
                id_of: Some(Kind::User.id().into()),
            }],
            results: vec![Field {
                name: SUCCESS.into(),
                display_name: "Success".into(),
                help: "Always true; what fails is an error.".into(),
                value_type: SettingType::Boolean,
                required: true,
                secret: false,
                id_of: None,
            }],
        }
    }

    const fn enables(self) -> bool {
        matches!(self, Self::EnableUser)
    }

    fn parse(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|action| action.name() == name)
            .ok_or_else(|| {
                let [enable, disable] = Self::ALL.map(Self::usage);
                invalid_argument(format!(
                    "action '{}' is unknown; known are {enable} and {disable}",
                    escaped(name)
                ))
            })
    }

    /// The schema in words.
    fn usage(self) -> String {
        format!("{} ({USER_ID}: text, required)", self.name())
    }

    fn user_id(self, arguments: &[Attribute]) -> Result<&str, Error> {
        let wrong = |what: &str| {
            invalid_argument(format!(
                "{what}; {} takes exactly one argument: {USER_ID}, a text, the id of the user",
                self.name()
            ))
        };
        if let Some(other) = arguments.iter().find(|given| given.name != USER_ID) {
            let name = escaped(&other.name);
            return Err(wrong(&format!("argument '{name}' is unknown")));
        }
        match arguments {
            [] => Err(wrong(&format!("{USER_ID} is missing"))),
            [given] => match &given.value {
                AttributeValue::Text(id) if id.is_empty() => {
                    Err(wrong(&format!("{USER_ID} is empty")))
                }
                AttributeValue::Text(id) => Ok(id),
                _ => Err(wrong(&format!("{USER_ID} is not a text"))),
            },
            _ => Err(wrong(&format!("{USER_ID} is given twice"))),
        }
    }
}

/// Does what an action says.
pub fn invoke<T: Outside>(
    pool: &UserPool<T>,
    name: &str,
    arguments: &[Attribute],
) -> Result<Vec<Attribute>, Error> {
    let action = Action::parse(name)?;
    let user = action.user_id(arguments)?;
    let sent = match action {
        Action::EnableUser => pool.admin_enable_user(user),
        Action::DisableUser => pool.admin_disable_user(user),
    };
    if let Err(failed) = sent {
        let about = format!("user '{user}'");
        let check = format!("whether user '{user}' is enabled");
        let doubt = Doubt {
            about: &about,
            check: &check,
        };
        settle(failed, doubt, || {
            Ok(match pool.admin_get_user(user)?.enabled {
                Some(enabled) if enabled == action.enables() => Seen::Done(()),
                Some(_) => Seen::NotDone,
                None => Seen::Unclear,
            })
        })?;
    }
    Ok(vec![Attribute {
        name: SUCCESS.to_owned(),
        value: AttributeValue::Boolean(true),
    }])
}

#[cfg(test)]
mod tests;
