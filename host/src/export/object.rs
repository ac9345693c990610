//! One object: what `show`, `stats`, `inspect` and the summaries print.

use std::convert::Infallible;
use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use super::{Format, RenderError, csv, table};

/// Writes one object: pretty JSON, one line of it, or its members as names and values,
/// in which nested members have their path as name (`attributes.locale`, `emails.0.address`).
/// Flushes the output.
pub fn object(
    out: &mut dyn Write,
    format: Format,
    object: &impl Serialize,
) -> Result<(), RenderError<Infallible>> {
    match format {
        Format::Json => {
            let text = serde_json::to_string_pretty(object).map_err(RenderError::Malformed)?;
            writeln!(out, "{text}").map_err(RenderError::output)?;
        }
        Format::Jsonl => {
            let text = serde_json::to_string(object).map_err(RenderError::Malformed)?;
            writeln!(out, "{text}").map_err(RenderError::output)?;
        }
        Format::Table | Format::Csv => {
            let value = serde_json::to_value(object).map_err(RenderError::Malformed)?;
            let mut pairs = Vec::new();
            flatten(String::new(), value, &mut pairs);
            match format {
                Format::Csv => csv::pairs(out, &pairs)?,
                _ => table::pairs(out, &pairs)?,
            }
        }
    }
    out.flush().map_err(RenderError::output)
}

fn flatten(name: String, value: Value, pairs: &mut Vec<(String, Value)>) {
    let below = |member: &str| match name.as_str() {
        "" => member.to_owned(),
        name => format!("{name}.{member}"),
    };
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                flatten(below(&member), value, pairs);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, item) in items.into_iter().enumerate() {
                flatten(below(&index.to_string()), item, pairs);
            }
        }
        value => pairs.push((name, value)),
    }
}
