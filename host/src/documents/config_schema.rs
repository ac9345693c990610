//! What a connector takes, in the shape that Baton's platform makes a form of
//! (`c1.config.v1.Configuration`).
//!
//! It is the form of a platform that keeps the values and hands them over, so `required`
//! means what the component can't work without, and the keys that requests are signed with.
//! A component may leave signing to its host, and that a key may also come from the AWS
//! chain of the machine that this program runs on is a convenience of this program; a
//! platform has no such chain, and a form that let the key out would be accepted and fail
//! later. A setting that follows from another (the region from the
//! pool's id) may be left out everywhere.

use serde_json::{Map, Value, json};

use crate::trust::description::{Authentication, Description, SettingSchema, ValueType};

/// An option of the program itself that a platform may set.
#[derive(Clone, Copy, Debug)]
pub struct HostOption<'a> {
    /// Its name on the command line.
    pub name: &'a str,
    /// What it is for.
    pub help: &'a str,
    /// Used when it is absent.
    pub default_value: Option<&'a str>,
}

/// What the program adds to the settings of a connector and what it decides alone.
#[derive(Clone, Copy, Debug)]
pub struct HostOptions<'a> {
    /// Operational options; they come first.
    pub operational: &'a [HostOption<'a>],
    /// Settings of connectors that nobody else may give.
    pub decided_by_host: &'a [&'a str],
}

/// The settings of a connector, behind the operational options of the program.
pub fn config_schema(description: &Description, host: HostOptions<'_>) -> Value {
    let operational = host.operational.iter().map(operational_field);
    let settings = description
        .settings
        .iter()
        .filter(|setting| !host.decided_by_host.contains(&setting.name.as_str()))
        .map(|setting| field(setting, must_be_given(description, setting)));
    let fields: Vec<Value> = operational.chain(settings).collect();
    let mut document = Map::new();
    document.insert("fields".to_owned(), json!(fields));
    put_text(
        &mut document,
        "displayName",
        Some(&description.display_name),
    );
    put_text(&mut document, "helpUrl", description.help_url.as_deref());
    Value::Object(document)
}

fn operational_field(option: &HostOption<'_>) -> Value {
    let mut typed = Map::new();
    put_text(&mut typed, "defaultValue", option.default_value);
    json!({
        "name": option.name,
        "description": option.help,
        "isOps": true,
        "stringField": typed,
    })
}

fn must_be_given(description: &Description, setting: &SettingSchema) -> bool {
    let is_key = match &description.wire.authentication {
        Authentication::Sigv4(sigv4) => [
            &sigv4.access_key_id_setting,
            &sigv4.secret_access_key_setting,
        ]
        .contains(&&setting.name),
        Authentication::None | Authentication::Bearer(_) => false,
    };
    setting.required || is_key
}

fn field(setting: &SettingSchema, is_required: bool) -> Value {
    let mut field = Map::new();
    put_text(&mut field, "name", Some(&setting.name));
    put_text(&mut field, "displayName", Some(&setting.display_name));
    put_text(&mut field, "description", Some(&setting.help));
    put_text(&mut field, "placeholder", setting.example.as_deref());
    put_flag(&mut field, "isRequired", is_required);
    put_flag(&mut field, "isSecret", setting.secret);
    let (name, typed) = typed_part(setting, is_required);
    field.insert(name.to_owned(), Value::Object(typed));
    Value::Object(field)
}

fn typed_part(setting: &SettingSchema, is_required: bool) -> (&'static str, Map<String, Value>) {
    let mut typed = Map::new();
    let mut rules = Map::new();
    let default = setting.default_value.as_deref();
    let name = match setting.value_type {
        ValueType::Text => {
            put_text(&mut typed, "defaultValue", default);
            if let Some(pattern) = &setting.pattern {
                // Theirs may match anywhere in the value; ours describes all of it.
                rules.insert("pattern".to_owned(), json!(format!("^(?:{pattern})$")));
            }
            put_flag(&mut rules, "isRequired", is_required);
            "stringField"
        }
        ValueType::Integer => {
            // Numbers of 64 bits are strings in JSON of protocol buffers. Their rules know
            // limits and no pattern.
            let number = default.and_then(|text| text.parse::<i64>().ok());
            if let Some(number) = number.filter(|number| *number != 0) {
                typed.insert("defaultValue".to_owned(), json!(number.to_string()));
            }
            put_flag(&mut rules, "isRequired", is_required);
            "intField"
        }
        ValueType::Boolean => {
            // Absent and false are the same there, so a rule can't ask for one.
            put_flag(&mut typed, "defaultValue", default == Some("true"));
            "boolField"
        }
    };
    if !rules.is_empty() {
        typed.insert("rules".to_owned(), Value::Object(rules));
    }
    (name, typed)
}

/// Empty text is the default of protocol buffers and left out.
fn put_text(object: &mut Map<String, Value>, name: &str, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        object.insert(name.to_owned(), json!(text));
    }
}

/// So is false.
fn put_flag(object: &mut Map<String, Value>, name: &str, flag: bool) {
    if flag {
        object.insert(name.to_owned(), json!(true));
    }
}

#[cfg(test)]
mod tests;
