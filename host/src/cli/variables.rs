//! The names of environment variables: one rule for all options, so none has to be looked
//! up.

/// The environment variable of an option.
pub(super) fn variable(option: &str) -> String {
    format!("CONNECTOR_{}", upper(option))
}

/// The environment variable that Baton connectors have for a setting.
pub(super) fn baton_variable(setting: &str) -> String {
    format!("BATON_{}", upper(setting))
}

fn upper(option: &str) -> String {
    option.replace('-', "_").to_ascii_uppercase()
}
