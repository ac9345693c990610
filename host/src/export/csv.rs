//! CSV after RFC 4180: UTF-8 without a byte-order mark, a header, quotes where needed.
//!
//! Lines end with a bare line feed: line tools would take a carriage return for a part
//! of the last cell, and spreadsheets read both. Every text is defused.

use std::collections::BTreeSet;
use std::io::Write;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::cell::{defused, text};
use super::columns::Columns;
use super::{RenderError, Source};

pub(super) fn rows<E>(
    out: &mut dyn Write,
    columns: &Columns,
    source: Source<'_, E>,
) -> Result<(), RenderError<E>> {
    let attributes = match columns.with_attributes() {
        true => attribute_names(source)?,
        false => BTreeSet::new(),
    };
    let mut writer = csv::WriterBuilder::new().from_writer(out);
    let header = columns.all().iter().map(|column| column.name.to_owned());
    let named = attributes.iter().map(|name| format!("attributes.{name}"));
    writer.write_record(header.chain(named)).map_err(failed)?;
    source(&mut |row| {
        let row: Value = serde_json::from_str(row).map_err(RenderError::Malformed)?;
        for column in columns.all() {
            field(&mut writer, column.value(&row))?;
        }
        let values = row.get("attributes");
        for name in &attributes {
            field(&mut writer, values.and_then(|values| values.get(name)))?;
        }
        writer.write_record(None::<&[u8]>).map_err(failed)
    })?;
    writer.flush().map_err(RenderError::output)
}

/// Name and value as two columns.
pub(super) fn pairs<E>(
    out: &mut dyn Write,
    pairs: &[(String, Value)],
) -> Result<(), RenderError<E>> {
    let mut writer = csv::WriterBuilder::new().from_writer(out);
    writer.write_record(["name", "value"]).map_err(failed)?;
    for (name, value) in pairs {
        writer.write_field(defused(name).as_ref()).map_err(failed)?;
        field(&mut writer, Some(value))?;
        writer.write_record(None::<&[u8]>).map_err(failed)?;
    }
    writer.flush().map_err(RenderError::output)
}

fn field<E>(
    writer: &mut csv::Writer<impl Write>,
    value: Option<&Value>,
) -> Result<(), RenderError<E>> {
    let text = text(value);
    match value {
        Some(Value::Number(_)) => writer.write_field(text.as_ref()),
        _ => writer.write_field(defused(&text).as_ref()),
    }
    .map_err(failed)
}

fn attribute_names<E>(source: Source<'_, E>) -> Result<BTreeSet<String>, RenderError<E>> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(default)]
        attributes: std::collections::BTreeMap<String, IgnoredAny>,
    }
    let mut names = BTreeSet::new();
    source(&mut |row| {
        let row: Named = serde_json::from_str(row).map_err(RenderError::Malformed)?;
        for name in row.attributes.into_keys() {
            names.insert(name);
        }
        Ok(())
    })?;
    Ok(names)
}

fn failed<E>(error: csv::Error) -> RenderError<E> {
    RenderError::output(match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    })
}
