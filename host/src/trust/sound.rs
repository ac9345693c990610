//! Whether a description can be put into effect as it says.
//!
//! A person approves words, and the host acts on data. What would be understood by the one
//! and read otherwise by the other is refused before anybody is asked: a name that means
//! two things, an operation without a pace, a binding to something that no call has, a
//! secret that would be stored, an origin that says nothing about where it leads. What was
//! written for honest mistakes of authors serves against dishonest ones too.

mod wire;

use std::collections::BTreeSet;

use regex::Regex;

use super::description::{
    ActionSchema, Authentication, Description, Field, SettingSchema, ValueType,
};
use super::text::{is_hyphenated, is_plain, shown};

/// Bytes of a description as JSON. The bundled one has about 15 KiB; nobody reads more than
/// ten times that before an approval.
const DESCRIPTION_BYTES: usize = 256 << 10;
/// Characters of any one text in it.
const TEXT: usize = 2_000;
/// Characters of a name, in a list or on a command line.
const NAME: usize = 64;

/// Why a description can't be put into effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsound(String);

/// The setting with which an operator names an endpoint instead of the described ones, which
/// may then be on a private network too. A component must not be able to name one itself.
const ENDPOINT: &str = "endpoint-url";

/// What the host has taken already.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// The names of components that have a record of another kind.
    pub names: &'a [&'a str],
    /// The names of options: a setting or a field with one of them could not be given, or
    /// would be taken for the other.
    pub options: &'a [String],
    /// What a field of an account is called as an option.
    pub option_of_field: fn(&str) -> String,
    /// The secret settings of the bundled component: what is set for it is there for every
    /// setting of the same name.
    pub secrets: &'a [&'a str],
}

type Sound = Result<(), Unsound>;

fn refuse<T>(why: impl Into<String>) -> Result<T, Unsound> {
    Err(Unsound(why.into()))
}

impl Description {
    /// Refuses what could not be put into effect, or would be misread by a person.
    ///
    /// # Errors
    ///
    /// [`Unsound`] names the first such thing.
    pub fn check_soundness(&self, taken: Taken<'_>) -> Sound {
        texts(self)?;
        if taken.names.contains(&self.name.as_str()) {
            return refuse(format!(
                "it takes the name of the bundled component, {}, whose stores belong to that name",
                self.name
            ));
        }
        hyphenated("its name", &self.name)?;
        version(&self.version)?;
        settings(self, taken.options)?;
        kinds(self)?;
        unique("kind", self.kinds.iter().map(|kind| kind.id.as_str()))?;
        fields(self, "account field", &self.account_schema)?;
        options_of_fields(self, taken)?;
        unique("action", self.actions.iter().map(|one| one.name.as_str()))?;
        for one in &self.actions {
            action(self, one)?;
        }
        wire::check(self)?;
        let mut secrets = taken.secrets.iter();
        secrets.try_for_each(|name| no_loot(self, name))
    }
}

/// A secret of the bundled component's that is set on this machine would be handed to a
/// component that has a setting of the same name, or be sent somewhere in clear. Only what
/// the host signs with, and neither shows nor sends, may have that name.
fn no_loot(description: &Description, name: &str) -> Sound {
    let signs = match &description.wire.authentication {
        Authentication::Sigv4(sigv4) => {
            name == sigv4.secret_access_key_setting || name == sigv4.session_token_setting
        }
        Authentication::None | Authentication::Bearer(_) => false,
    };
    if signs || description.setting(name).is_none() {
        return Ok(());
    }
    refuse(format!(
        "its setting `{name}` has the name of a secret of the bundled component and is not what \
         its requests are signed with: it would be given a key that was set for another one"
    ))
}

/// Nothing in it may hide something or steer a terminal, and all of it can be read.
fn texts(description: &Description) -> Sound {
    let whole = serde_json::to_value(description)
        .map_err(|error| Unsound(format!("it can't be written down: {error}")))?;
    let length = whole.to_string().len();
    if length > DESCRIPTION_BYTES {
        return refuse(format!(
            "its description is {length} bytes long; at most {DESCRIPTION_BYTES} can be approved"
        ));
    }
    let mut rest = vec![&whole];
    while let Some(value) = rest.pop() {
        match value {
            serde_json::Value::Object(members) => rest.extend(members.values()),
            serde_json::Value::Array(items) => rest.extend(items),
            serde_json::Value::String(text) if !is_plain(text) => {
                return refuse(format!(
                    "its description has a text with characters that can't be seen: `{}`",
                    shown(text)
                ));
            }
            serde_json::Value::String(text) if text.chars().nth(TEXT).is_some() => {
                return refuse(format!(
                    "its description has a text of more than {TEXT} characters: `{}`",
                    shown(text)
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn hyphenated(what: &str, name: &str) -> Sound {
    if is_hyphenated(name) && name.len() <= NAME {
        return Ok(());
    }
    refuse(format!(
        "{what} is `{}`, and must be lower-case words joined by hyphens, {NAME} characters at most",
        shown(name)
    ))
}

/// A version stands in lists beside what the host says.
fn version(version: &str) -> Sound {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b".+-".contains(&b);
    if !version.is_empty() && version.len() <= NAME && version.bytes().all(is_plain) {
        return Ok(());
    }
    refuse(format!(
        "its version is `{}`, and must be letters, digits, dots, hyphens and plus signs",
        shown(version)
    ))
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Sound {
    let mut known = BTreeSet::new();
    for name in names {
        if !known.insert(name) {
            return refuse(format!("the {what} `{}` stands twice", shown(name)));
        }
    }
    Ok(())
}

fn free(what: &str, option: &str, options: &[String]) -> Sound {
    if options.iter().any(|taken| taken == option) {
        return refuse(format!(
            "{what} would be the option --{option}, which means something else already"
        ));
    }
    Ok(())
}

fn settings(description: &Description, options: &[String]) -> Sound {
    let all = &description.settings;
    unique("setting", all.iter().map(|one| one.name.as_str()))?;
    for one in all {
        hyphenated("the name of a setting", &one.name)?;
        free(&format!("the setting `{}`", one.name), &one.name, options)?;
        setting(description, one)?;
    }
    Ok(())
}

fn setting(description: &Description, setting: &SettingSchema) -> Sound {
    let name = &setting.name;
    let pattern = match &setting.pattern {
        None => None,
        Some(pattern) => Some(Regex::new(&format!("^(?:{pattern})$")).map_err(|error| {
            Unsound(format!(
                "the pattern of the setting `{name}` is invalid: {}",
                shown(&error.to_string())
            ))
        })?),
    };
    if setting.secret && setting.identifies_system {
        return refuse(format!(
            "the setting `{name}` is secret and says which system is meant, and that is stored"
        ));
    }
    if name == ENDPOINT && (setting.default_value.is_some() || setting.derived_from.is_some()) {
        return refuse(format!(
            "the setting `{name}` has a value of its own, and only you may name an endpoint"
        ));
    }
    if let Some(default) = &setting.default_value {
        if setting.secret {
            return refuse(format!("the secret setting `{name}` has a default"));
        }
        let fits = match setting.value_type {
            ValueType::Text => true,
            ValueType::Integer => default.parse::<u64>().is_ok(),
            ValueType::Boolean => default.parse::<bool>().is_ok(),
        };
        if !fits || pattern.is_some_and(|pattern| !pattern.is_match(default)) {
            return refuse(format!(
                "the default of the setting `{name}` is `{}`, which the setting does not accept",
                shown(default)
            ));
        }
    }
    if let Some(derived) = &setting.derived_from {
        let from = known_setting(
            description,
            &derived.setting,
            "is what another follows from",
        )?;
        if from.secret && !setting.secret {
            return refuse(format!(
                "the setting `{name}` follows from the secret `{}` and is not secret itself",
                from.name
            ));
        }
        if derived.before.is_empty() {
            return refuse(format!(
                "the setting `{name}` follows from `{}` before nothing",
                from.name
            ));
        }
    }
    Ok(())
}

/// A setting that something else names; `role` completes "the setting … ".
fn known_setting<'a>(
    description: &'a Description,
    name: &str,
    role: &str,
) -> Result<&'a SettingSchema, Unsound> {
    description.setting(name).ok_or_else(|| {
        Unsound(format!(
            "the setting `{}` {role}, and there is no such setting",
            shown(name)
        ))
    })
}

fn kinds(description: &Description) -> Sound {
    if let Some(why) = description.inconsistency() {
        return refuse(why);
    }
    for kind in &description.kinds {
        hyphenated("the id of a kind", &kind.id)?;
        hyphenated("the plural of a kind", &kind.plural)?;
        unique(
            "entitlement",
            kind.entitlements.iter().map(|one| one.slug.as_str()),
        )?;
        for entitlement in &kind.entitlements {
            if entitlement.slug.is_empty() || entitlement.slug.contains(':') {
                return refuse(format!(
                    "the entitlement `{}` of the kind `{}` is empty or has a colon in its name",
                    shown(&entitlement.slug),
                    kind.id
                ));
            }
            for holder in &entitlement.grantable_to {
                known_kind(description, holder, "can hold an entitlement")?;
            }
        }
    }
    Ok(())
}

/// A kind that something else names; `role` completes "the kind … ".
fn known_kind(description: &Description, id: &str, role: &str) -> Sound {
    match description.kind(id) {
        Some(_) => Ok(()),
        None => refuse(format!(
            "the kind `{}` {role}, and there is no such kind",
            shown(id)
        )),
    }
}

fn fields(description: &Description, what: &str, fields: &[Field]) -> Sound {
    unique(what, fields.iter().map(|field| field.name.as_str()))?;
    for field in fields {
        let is_name = !field.name.is_empty()
            && field.name.len() <= NAME
            && field
                .name
                .chars()
                .all(|c| c.is_alphanumeric() || "-_:.".contains(c));
        if !is_name {
            return refuse(format!(
                "the {what} `{}` must be a name of letters, digits and - _ : . only",
                shown(&field.name)
            ));
        }
        if let Some(kind) = &field.id_of {
            known_kind(description, kind, "is whose id a value is")?;
        }
    }
    Ok(())
}

/// Fields of an account are options of `account create`, beside those of the host and the
/// settings.
fn options_of_fields(description: &Description, taken: Taken<'_>) -> Sound {
    let mut known = BTreeSet::new();
    for field in &description.account_schema {
        let what = format!("the account field `{}`", field.name);
        let option = (taken.option_of_field)(&field.name);
        hyphenated(&format!("{what} as an option"), &option)?;
        free(&what, &option, taken.options)?;
        if description.setting(&option).is_some() || !known.insert(option.clone()) {
            return refuse(format!(
                "{what} would be the option --{option}, as something else of it is"
            ));
        }
    }
    Ok(())
}

fn action(description: &Description, action: &ActionSchema) -> Sound {
    let is_name = !action.name.is_empty()
        && action.name.len() <= NAME
        && action
            .name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !is_name {
        return refuse(format!(
            "the action `{}` must be a name of letters, digits and - _ . only",
            shown(&action.name)
        ));
    }
    fields(description, "argument", &action.arguments)?;
    fields(description, "result", &action.results)
}

#[cfg(test)]
mod tests;
