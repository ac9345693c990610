//! The settings of a connector, checked before anything is opened or sent.
//!
//! The schema is data of the trust record, so one check serves every connector: what is
//! required, how a value looks, what follows from what, and what contradicts what.

use std::collections::BTreeMap;
use std::fmt;

use regex::Regex;

use crate::trust::description::{Description, SettingSchema, ValueType};

/// Checked settings: given ones, defaults, and those that follow from others.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<String, String>,
    secret: Vec<String>,
    identifying: Vec<String>,
}

/// Shows names and no secret value.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.values.iter().map(|(name, value)| {
                let shown = if self.secret.contains(name) {
                    "[secret]"
                } else {
                    value
                };
                (name, shown)
            }))
            .finish()
    }
}

/// What is wrong with a setting, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// It must be given.
    #[error("setting `{name}` is missing: {help}{}", example_hint(example.as_deref()))]
    Missing {
        /// The setting.
        name: String,
        /// What it is for.
        help: String,
        /// What one looks like.
        example: Option<String>,
    },
    /// Empty, or nothing but white space.
    #[error("setting `{name}` is blank; give it a value or leave it out")]
    Blank {
        /// The setting.
        name: String,
    },
    /// White space or a control character where none belongs, usually from pasting.
    #[error("setting `{name}` contains white space or a line break; paste it again without")]
    WhiteSpace {
        /// The setting.
        name: String,
    },
    /// It does not look like one.
    #[error("setting `{name}` has the value `{value}`, which is not {expected}{}", example_hint(example.as_deref()))]
    Malformed {
        /// The setting.
        name: String,
        /// What was given, unless it must not be shown.
        value: String,
        /// What was expected.
        expected: String,
        /// What one looks like.
        example: Option<String>,
    },
    /// Two settings disagree.
    #[error(
        "setting `{name}` is `{value}`, but `{other}` says `{other_value}`; leave `{name}` out or correct one of them"
    )]
    Contradiction {
        /// The setting.
        name: String,
        /// What was given.
        value: String,
        /// The setting that it follows from.
        other: String,
        /// What would follow.
        other_value: String,
    },
    /// The connector has no such setting.
    #[error("there is no setting `{name}`; this connector has {}", known.join(", "))]
    Unknown {
        /// What was given.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The trust record holds a pattern that can't be used.
    #[error("the pattern of setting `{name}` in the trust record is invalid: {cause}")]
    BadPattern {
        /// The setting.
        name: String,
        /// Why.
        cause: String,
    },
}

fn example_hint(example: Option<&str>) -> String {
    example
        .map(|example| format!(" (for example {example})"))
        .unwrap_or_default()
}

impl Settings {
    /// Checks what was given against the schema. `supplied_by_host` names settings that
    /// the host fills in itself later; they need not be given.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for the first setting that is wrong.
    pub fn check(
        description: &Description,
        mut given: BTreeMap<String, String>,
        supplied_by_host: &[&str],
    ) -> Result<Self, SettingError> {
        if let Some(name) = given
            .keys()
            .find(|name| description.setting(name).is_none())
        {
            return Err(SettingError::Unknown {
                name: name.clone(),
                known: description
                    .settings
                    .iter()
                    .map(|setting| setting.name.clone())
                    .collect(),
            });
        }
        let mut values = BTreeMap::new();
        for schema in &description.settings {
            if let Some(value) = given.remove(&schema.name) {
                check_value(schema, &value)?;
                values.insert(schema.name.clone(), value);
            } else if let Some(value) = &schema.default_value {
                values.insert(schema.name.clone(), value.clone());
            }
        }
        for schema in &description.settings {
            derive(schema, &mut values)?;
            let supplied = supplied_by_host.contains(&schema.name.as_str());
            if schema.required && !supplied && !values.contains_key(&schema.name) {
                return Err(SettingError::Missing {
                    name: schema.name.clone(),
                    help: schema.help.clone(),
                    example: schema.example.clone(),
                });
            }
        }
        let names = |wanted: fn(&SettingSchema) -> bool| {
            description
                .settings
                .iter()
                .filter(|schema| wanted(schema))
                .map(|schema| schema.name.clone())
                .collect()
        };
        Ok(Self {
            values,
            secret: names(|schema| schema.secret),
            identifying: names(|schema| schema.identifies_system),
        })
    }

    /// The value of a setting.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// All values by name.
    pub fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// Those that say which system is meant.
    pub fn identifying(&self) -> BTreeMap<String, String> {
        self.values
            .iter()
            .filter(|(name, _)| self.identifying.contains(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The names of secret settings.
    pub fn secret_names(&self) -> &[String] {
        &self.secret
    }
}

fn check_value(schema: &SettingSchema, value: &str) -> Result<(), SettingError> {
    let name = || schema.name.clone();
    if value.trim().is_empty() {
        return Err(SettingError::Blank { name: name() });
    }
    let malformed = |expected: &str| SettingError::Malformed {
        name: name(),
        value: shown(schema, value),
        expected: expected.to_owned(),
        example: schema.example.clone(),
    };
    match schema.value_type {
        ValueType::Text
            if schema.secret && value.chars().any(|c| c.is_whitespace() || c.is_control()) =>
        {
            return Err(SettingError::WhiteSpace { name: name() });
        }
        ValueType::Text => {}
        ValueType::Integer => {
            value
                .parse::<u64>()
                .map_err(|_| malformed("a whole number"))?;
        }
        ValueType::Boolean => {
            value
                .parse::<bool>()
                .map_err(|_| malformed("`true` or `false`"))?;
        }
    }
    let Some(pattern) = &schema.pattern else {
        return Ok(());
    };
    let whole =
        Regex::new(&format!("^(?:{pattern})$")).map_err(|error| SettingError::BadPattern {
            name: name(),
            cause: error.to_string(),
        })?;
    if whole.is_match(value) {
        return Ok(());
    }
    if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(SettingError::WhiteSpace { name: name() });
    }
    Err(malformed(&format!("a valid {}", schema.display_name)))
}

/// Whether a setting can have a value.
#[cfg(feature = "sandbox")]
pub(crate) fn fits(schema: &SettingSchema, value: &str) -> bool {
    check_value(schema, value).is_ok()
}

/// What a message may repeat. A URL can hold a password without being a secret setting.
fn shown(schema: &SettingSchema, value: &str) -> String {
    let may_hold_a_password = value
        .split_once("://")
        .is_some_and(|(_, rest)| rest.contains('@'));
    match (schema.secret, may_hold_a_password) {
        (false, false) => value.to_owned(),
        _ => "[hidden]".to_owned(),
    }
}

fn derive(
    schema: &SettingSchema,
    values: &mut BTreeMap<String, String>,
) -> Result<(), SettingError> {
    let Some(derivation) = &schema.derived_from else {
        return Ok(());
    };
    let Some((derived, _)) = values
        .get(&derivation.setting)
        .and_then(|other| other.split_once(derivation.before.as_str()))
    else {
        return Ok(());
    };
    let derived = derived.to_owned();
    match values.get(&schema.name) {
        Some(given) if *given != derived => Err(SettingError::Contradiction {
            name: schema.name.clone(),
            value: shown(schema, given),
            other: derivation.setting.clone(),
            other_value: shown(schema, &derived),
        }),
        Some(_) => Ok(()),
        None => {
            // The part is checked like a value that was typed, but the other setting is
            // the one to correct.
            check_value(schema, &derived).map_err(|_| SettingError::Malformed {
                name: derivation.setting.clone(),
                value: values.get(&derivation.setting).cloned().unwrap_or_default(),
                expected: format!(
                    "one that begins with a known {} (`{derived}` is none)",
                    schema.display_name
                ),
                example: schema
                    .example
                    .as_ref()
                    .map(|example| format!("{example}{}…", derivation.before)),
            })?;
            values.insert(schema.name.clone(), derived);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::TrustRecord;

    fn check(pairs: &[(&str, &str)]) -> Result<Settings, SettingError> {
        let record = TrustRecord::bundled().unwrap();
        let given = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Settings::check(
            &record.approved,
            given,
            &["aws-access-key-id", "aws-secret-access-key"],
        )
    }

    #[test]
    fn the_region_follows_from_the_pool_id() {
        let settings = check(&[("user-pool-id", "eu-central-1_AbCd12345")]).unwrap();
        assert_eq!(settings.get("region"), Some("eu-central-1"));
        assert_eq!(
            settings.identifying().into_iter().collect::<Vec<_>>(),
            [
                ("region".to_owned(), "eu-central-1".to_owned()),
                (
                    "user-pool-id".to_owned(),
                    "eu-central-1_AbCd12345".to_owned()
                )
            ]
        );
    }

    #[test]
    fn each_mistake_has_its_message() {
        let pool = ("user-pool-id", "eu-central-1_AbCd12345");
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "setting `user-pool-id` is missing"),
            (&[("user-pool-id", "  ")], "setting `user-pool-id` is blank"),
            (
                &[("user-pool-id", "AbCd12345")],
                "`AbCd12345`, which is not a valid",
            ),
            (
                &[("user-pool-id", "eu-centrall-1_AbCd12345")],
                "`eu-centrall-1` is none",
            ),
            (
                &[("user-pool-id", "eu-central-1_AbCd 12345")],
                "white space",
            ),
            (
                &[pool, ("region", "us-east-1")],
                "`user-pool-id` says `eu-central-1`",
            ),
            (
                &[pool, ("region", "mars-1")],
                "`mars-1`, which is not a valid",
            ),
            (
                &[pool, ("aws-secret-access-key", "abc\n")],
                "white space or a line break",
            ),
            (
                &[pool, ("max-attempts", "many")],
                "which is not a whole number",
            ),
            (
                &[pool, ("endpoint-url", "http://user:hunter2@127.0.0.1/")],
                "has the value `[hidden]`",
            ),
            (&[pool, ("pool", "x")], "there is no setting `pool`"),
        ];
        for (given, expected) in cases {
            let message = check(given).unwrap_err().to_string();
            assert!(message.contains(expected), "{given:?} gave: {message}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        let settings = check(&[
            ("user-pool-id", "eu-central-1_AbCd12345"),
            ("aws-secret-access-key", "wJalrXUtnFEMI"),
        ])
        .unwrap();
        assert!(!format!("{settings:?}").contains("wJalrXUtnFEMI"));
    }
}
