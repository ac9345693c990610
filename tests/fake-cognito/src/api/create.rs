//! AdminCreateUser: schema, aliases, password policy and the invitation that it would send.
//!
//! No message leaves this process. What would have left is noted on the pool, because "creates a
//! user without writing to them" is a promise that a test must be able to check.

use std::borrow::Cow;

use super::Input;
use crate::answer::{Json, Refusal};
use crate::model::User;
use crate::pool::{Demand, Invitation, NICKNAME, Pool, STANDARD_ATTRIBUTES, fold};

pub(super) fn create(pool: &Pool, input: &Input, now_ms: i64) -> Result<Vec<u8>, Refusal> {
    let request = Request::read(pool, input)?;
    match request.action {
        Action::Resend => resend(pool, &request),
        Action::Suppress | Action::Invite => make(pool, &request, now_ms),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Invite,
    Suppress,
    Resend,
}

struct Request<'a> {
    username: &'a str,
    attributes: Vec<(String, String)>,
    action: Action,
    mediums: Vec<String>,
    force_alias: bool,
}

impl<'a> Request<'a> {
    fn read(pool: &Pool, input: &'a Input) -> Result<Self, Refusal> {
        let username = input.name("Username")?;
        let attributes = input.attributes()?;
        check_schema(pool, &attributes)?;
        if let Some(password) = input.text("TemporaryPassword")? {
            check_password(password)?;
        }
        let action = match input.text("MessageAction")? {
            None => Action::Invite,
            Some("SUPPRESS") => Action::Suppress,
            Some("RESEND") => Action::Resend,
            Some(other) => {
                return Err(Refusal::constraint(
                    "messageAction",
                    Some(other),
                    "Member must satisfy enum value set: [RESEND, SUPPRESS]",
                ));
            }
        };
        let mediums = input.texts("DesiredDeliveryMediums")?.unwrap_or_default();
        if mediums
            .iter()
            .any(|medium| medium != "SMS" && medium != "EMAIL")
        {
            return Err(Refusal::constraint(
                "desiredDeliveryMediums",
                None,
                "Member must satisfy constraint: [Member must satisfy enum value set: [SMS, EMAIL]]",
            ));
        }
        Ok(Self {
            username,
            attributes,
            action,
            mediums,
            force_alias: input.flag("ForceAliasCreation")?,
        })
    }

    /// Text messages are the service's default, which surprises everybody.
    fn invitations(&self, username: &str) -> Vec<Invitation> {
        if self.action == Action::Suppress {
            return Vec::new();
        }
        let default = ["SMS".to_owned()];
        let mediums = if self.mediums.is_empty() {
            &default[..]
        } else {
            &self.mediums[..]
        };
        mediums
            .iter()
            .map(|medium| Invitation {
                username: username.to_owned(),
                medium: medium.clone(),
                resent: self.action == Action::Resend,
            })
            .collect()
    }
}

fn resend(pool: &Pool, request: &Request<'_>) -> Result<Vec<u8>, Refusal> {
    let view = pool.now();
    let user = view
        .resolve(request.username)
        .and_then(|key| view.user(key))
        .ok_or_else(Refusal::user_not_found)?;
    if user.status != "FORCE_CHANGE_PASSWORD" {
        return Err(Refusal::service(
            "UnsupportedUserStateException",
            format!("Resend not possible. User status is {}", user.status),
        ));
    }
    pool.change(|_, overlay| {
        overlay
            .invitations
            .extend(request.invitations(&user.username))
    });
    Ok(answer(&user))
}

fn make(pool: &Pool, request: &Request<'_>, now_ms: i64) -> Result<Vec<u8>, Refusal> {
    let spec = pool.spec();
    let by_attribute = sign_in_attribute(pool, request.username)?;
    let mut given = request.attributes.clone();
    if let Some(attribute) = by_attribute
        && !given.iter().any(|(name, _)| name == attribute)
    {
        given.push((attribute.to_owned(), request.username.to_owned()));
    }
    given.retain(|(_, value)| !value.is_empty());

    let aliases: Vec<(String, String)> = spec
        .alias_attributes
        .iter()
        .chain(&spec.username_attributes)
        .filter_map(|alias| given.iter().find(|(name, _)| name == alias).cloned())
        .filter(|(alias, _)| verified(&given, alias) || spec.signs_in_with(alias))
        .collect();
    let exists = || Refusal::service("UsernameExistsException", "User account already exists");
    let view = pool.now();
    if by_attribute.is_none() && view.find_username(request.username).is_some() {
        return Err(exists());
    }
    for (alias, value) in &aliases {
        if view.find_alias(alias, value).is_some() && !request.force_alias {
            return Err(if spec.signs_in_with(alias) {
                exists()
            } else {
                Refusal::service(
                    "AliasExistsException",
                    format!("An account with the {alias} already exists."),
                )
            });
        }
    }
    drop(view);

    pool.change(|pool, overlay| {
        let key = pool.base_users() + overlay.next_created;
        let sub = Pool::created_sub(key);
        let username = if by_attribute.is_some() {
            sub.clone()
        } else {
            request.username.to_owned()
        };
        let folded = fold(&username, spec.case_sensitive);
        if overlay.created_names.contains_key(&folded) {
            return Err(exists());
        }
        let mut user = User::new(username)
            .status("FORCE_CHANGE_PASSWORD")
            .dated(now_ms, now_ms)
            .subject(sub);
        for (name, value) in given {
            user.attributes.push((Cow::Owned(name), Cow::Owned(value)));
        }
        overlay
            .invitations
            .extend(request.invitations(&user.username));
        let body = answer(&user);
        overlay.create_user(user, folded, pool.base_users());
        Ok(body)
    })
}

fn answer(user: &User) -> Vec<u8> {
    let mut json = Json::with_capacity(2048);
    json.open();
    json.key("User");
    json.user(user, None);
    json.close();
    json.finish()
}

fn verified(attributes: &[(String, String)], alias: &str) -> bool {
    let flag = format!("{alias}_verified");
    alias == "preferred_username"
        || attributes
            .iter()
            .any(|(name, value)| *name == flag && value.eq_ignore_ascii_case("true"))
}

/// In a pool where people sign in with an address or a number, which of them the name is.
fn sign_in_attribute(pool: &Pool, username: &str) -> Result<Option<&'static str>, Refusal> {
    let spec = pool.spec();
    let (email, phone) = (
        spec.signs_in_with("email"),
        spec.signs_in_with("phone_number"),
    );
    match (email, phone) {
        (false, false) => {
            if is_address(username) && spec.alias_attributes.iter().any(|one| one == "email") {
                return Err(Refusal::parameter(
                    "Username cannot be of email format, since user pool is configured for email alias.",
                ));
            }
            Ok(None)
        }
        _ if email && is_address(username) => Ok(Some("email")),
        _ if phone && is_phone(username) => Ok(Some("phone_number")),
        (true, false) => Err(Refusal::parameter("Username should be an email.")),
        (false, true) => Err(Refusal::parameter("Username should be a phone number.")),
        (true, true) => Err(Refusal::parameter(
            "Username should be either an email or a phone number.",
        )),
    }
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !text.contains(char::is_whitespace)
    })
}

fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

fn check_schema(pool: &Pool, attributes: &[(String, String)]) -> Result<(), Refusal> {
    let custom = &pool.spec().custom_attributes;
    for (n, (name, value)) in attributes.iter().enumerate() {
        let nonconforming = |why: &str| {
            Refusal::parameter(format!(
                "Attributes did not conform to the schema: {name}: {why}\n"
            ))
        };
        let known = STANDARD_ATTRIBUTES
            .iter()
            .chain([&NICKNAME])
            .any(|(one, _)| one == name)
            || custom.iter().any(|one| one == name);
        if !known {
            return Err(nonconforming("Attribute does not exist in the schema."));
        }
        if matches!(name.as_str(), "sub" | "identities") {
            return Err(Refusal::parameter(format!(
                "Cannot modify the non-mutable attribute {name}"
            )));
        }
        if attributes
            .iter()
            .take(n)
            .any(|(earlier, _)| earlier == name)
        {
            return Err(nonconforming("Attribute given more than once."));
        }
        if let Some(demand) = pool.spec().demand(name) {
            check_demand(demand, value).map_err(|why| nonconforming(&why))?;
        }
        if value.is_empty() {
            continue;
        }
        match name.as_str() {
            "email" if !is_address(value) => {
                return Err(Refusal::parameter("Invalid email address format."));
            }
            "phone_number" if !is_phone(value) => {
                return Err(Refusal::parameter("Invalid phone number format."));
            }
            "email_verified" | "phone_number_verified"
                if !value.eq_ignore_ascii_case("true") && !value.eq_ignore_ascii_case("false") =>
            {
                return Err(nonconforming("Attribute value must be a boolean."));
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_demand(demand: &Demand, value: &str) -> Result<(), String> {
    let (least, most) = demand.bounds;
    if demand.is_number {
        return match value.parse::<i64>() {
            Err(_) => Err("Value is not a number.".to_owned()),
            Ok(number) if number < i64::from(least) => {
                Err(format!("Number must be no less than {least}"))
            }
            Ok(number) if number > i64::from(most) => {
                Err(format!("Number must be no greater than {most}"))
            }
            Ok(_) => Ok(()),
        };
    }
    let length = value.chars().count();
    if length < least as usize {
        return Err(format!("String must be no shorter than {least} characters"));
    }
    if length > most as usize {
        return Err(format!("String must be no longer than {most} characters"));
    }
    Ok(())
}

/// The policy that DescribeUserPool shows. The password itself is in no message.
fn check_password(password: &str) -> Result<(), Refusal> {
    let refuse = |why: &str| {
        Refusal::service(
            "InvalidPasswordException",
            format!("Password did not conform with policy: {why}"),
        )
    };
    if password.chars().any(char::is_whitespace) || password.chars().count() > 256 {
        return Err(Refusal::constraint(
            "temporaryPassword",
            None,
            r"Member must satisfy regular expression pattern: [\S]+",
        ));
    }
    if password.chars().count() < 8 {
        return Err(refuse("Password not long enough"));
    }
    let has = |test: fn(char) -> bool| password.chars().any(test);
    if !has(|c| c.is_ascii_uppercase()) {
        return Err(refuse("Password must have uppercase characters"));
    }
    if !has(|c| c.is_ascii_lowercase()) {
        return Err(refuse("Password must have lowercase characters"));
    }
    if !has(|c| c.is_ascii_digit()) {
        return Err(refuse("Password must have numeric characters"));
    }
    if !has(|c| c.is_ascii_punctuation()) {
        return Err(refuse("Password must have symbol characters"));
    }
    Ok(())
}
