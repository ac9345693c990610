//! Tables for people: as wide as their content, one line a row.

use std::io::Write;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::cell::{cut, text, visible};
use super::columns::{Column, Columns};
use super::{RenderError, Source};

/// The widest cell that is not an id: an ordinary address or name fits, and six of them
/// stay readable on a wide terminal.
const WIDEST: usize = 48;

/// Members of nested objects that are sentences for the reader: without its end a cause
/// or a hint is worth nothing.
const SENTENCES: [&str; 3] = ["message", "detail", "hint"];

const GAP: &str = "  ";

pub(super) fn rows<E>(
    out: &mut dyn Write,
    columns: &Columns,
    source: Source<'_, E>,
) -> Result<(), RenderError<E>> {
    let shown: Vec<&Column> = columns.in_table().collect();
    let header: Vec<String> = shown
        .iter()
        .map(|column| column.name.to_uppercase())
        .collect();
    let mut widths: Vec<usize> = header.iter().map(|name| name.width()).collect();
    source(&mut |row| {
        for (cell, width) in cells(&shown, row)?.iter().zip(&mut widths) {
            *width = (*width).max(cell.width());
        }
        Ok(())
    })?;
    line(out, &header, &widths)?;
    source(&mut |row| line(out, &cells(&shown, row)?, &widths))
}

/// Name and value as two columns without a header.
pub(super) fn pairs<E>(
    out: &mut dyn Write,
    pairs: &[(String, Value)],
) -> Result<(), RenderError<E>> {
    let lines: Vec<[String; 2]> = pairs
        .iter()
        .map(|(name, value)| {
            [
                visible(name).into_owned(),
                visible(&text(Some(value))).into_owned(),
            ]
        })
        .collect();
    let widest = lines
        .iter()
        .map(|[name, _]| name.width())
        .max()
        .unwrap_or(0);
    lines
        .iter()
        .try_for_each(|cells| line(out, cells, &[widest, 0]))
}

/// The objects of a list as a table below its name; the columns are their members, in
/// the order in which they first come. The last column may be as wide as it likes: nothing
/// stands to its right.
pub(super) fn nested<E>(
    out: &mut dyn Write,
    name: &str,
    items: &[Value],
) -> Result<(), RenderError<E>> {
    let mut members: Vec<&String> = Vec::new();
    for member in items
        .iter()
        .filter_map(Value::as_object)
        .flat_map(serde_json::Map::keys)
    {
        if !members.contains(&member) {
            members.push(member);
        }
    }
    let header: Vec<String> = members
        .iter()
        .map(|name| visible(name).to_uppercase())
        .collect();
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            let cell = |(index, member): (usize, &&String)| {
                let text = text(item.get(member.as_str()));
                let is_last = index + 1 == members.len();
                if is_last || SENTENCES.contains(&member.as_str()) {
                    visible(&text).into_owned()
                } else {
                    cut(&visible(&text), WIDEST).into_owned()
                }
            };
            members.iter().enumerate().map(cell).collect()
        })
        .collect();
    let mut widths = vec![0; members.len()];
    for row in std::iter::once(&header).chain(&rows) {
        for (cell, width) in row.iter().zip(&mut widths) {
            *width = (*width).max(cell.width());
        }
    }
    writeln!(out, "\n{} ({})", visible(name), items.len()).map_err(RenderError::output)?;
    std::iter::once(&header)
        .chain(&rows)
        .try_for_each(|row| line(out, row, &widths))
}

fn cells<E>(columns: &[&Column], row: &str) -> Result<Vec<String>, RenderError<E>> {
    let row: Value = serde_json::from_str(row).map_err(RenderError::Malformed)?;
    let cell = |column: &&Column| {
        let text = text(column.value(&row));
        let shown = visible(&text);
        match column.may_be_cut() {
            true => cut(&shown, WIDEST).into_owned(),
            false => shown.into_owned(),
        }
    };
    Ok(columns.iter().map(cell).collect())
}

fn line<E>(out: &mut dyn Write, cells: &[String], widths: &[usize]) -> Result<(), RenderError<E>> {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        text.push_str(cell);
        // Not the padding of `format!`, which counts characters.
        text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width())));
        text.push_str(GAP);
    }
    writeln!(out, "{}", text.trim_end_matches(' ')).map_err(RenderError::output)
}
