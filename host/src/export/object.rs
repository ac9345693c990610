//! One object: what `show`, `stats`, `inspect` and the summaries print.

use std::convert::Infallible;
use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use super::{Format, RenderError, csv, table};

/// Writes one object: pretty JSON, one line of it, or its members as names and values,
/// in which nested members have their path as name (`attributes.locale`). A list of
/// objects is a table of its own below the rest; in CSV its members are numbered
/// (`emails.0.address`). Flushes the output.
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
        Format::Csv => {
            let value = serde_json::to_value(object).map_err(RenderError::Malformed)?;
            let mut parts = Parts::default();
            parts.flatten(String::new(), value, false);
            csv::pairs(out, &parts.pairs)?;
        }
        Format::Table => {
            let value = serde_json::to_value(object).map_err(RenderError::Malformed)?;
            let mut parts = Parts::default();
            parts.flatten(String::new(), value, true);
            table::pairs(out, &parts.pairs)?;
            for (name, items) in &parts.lists {
                table::nested(out, name, items)?;
            }
        }
    }
    out.flush().map_err(RenderError::output)
}

/// An object taken apart.
#[derive(Default)]
struct Parts {
    /// Members by their path.
    pairs: Vec<(String, Value)>,
    /// Lists of objects by their path, where they are kept apart.
    lists: Vec<(String, Vec<Value>)>,
}

impl Parts {
    fn flatten(&mut self, name: String, value: Value, lists_apart: bool) {
        let below = |member: &str| match name.as_str() {
            "" => member.to_owned(),
            name => format!("{name}.{member}"),
        };
        match value {
            Value::Object(members) => {
                for (member, value) in members {
                    self.flatten(below(&member), value, lists_apart);
                }
            }
            Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
                if lists_apart {
                    self.lists.push((name, items));
                    return;
                }
                for (index, item) in items.into_iter().enumerate() {
                    self.flatten(below(&index.to_string()), item, lists_apart);
                }
            }
            value => self.pairs.push((name, value)),
        }
    }
}
