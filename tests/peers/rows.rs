//! Compares rows by their id and says which differ, so that a difference in one user of
//! five hundred can be read.

use std::collections::BTreeMap;

use serde_json::Value;

/// More differences than these repeat the first ones.
const SHOWN: usize = 3;

/// The two sets of rows are the same, member by member, in any order.
#[track_caller]
pub(crate) fn assert_same(what: &str, listed: Vec<Value>, read: Vec<Value>) {
    assert!(!read.is_empty(), "nothing was read to compare {what} with");
    let (listed, read) = (by_id(what, listed), by_id(what, read));
    let mut differences: Vec<String> = read
        .iter()
        .filter_map(|(id, expected)| match listed.get(id) {
            None => Some(format!("{id} is not listed")),
            Some(found) if found != expected => {
                Some(format!("{id}\n  listed: {found}\n  read:   {expected}"))
            }
            Some(_) => None,
        })
        .collect();
    differences.extend(
        listed
            .keys()
            .filter(|id| !read.contains_key(*id))
            .map(|id| format!("{id} is listed and does not exist")),
    );
    let shown = differences
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        differences.is_empty(),
        "{} {what} differ:\n{shown}",
        differences.len()
    );
}

#[track_caller]
fn by_id(what: &str, rows: Vec<Value>) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for row in rows {
        let row = comparable(row);
        let id = row["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{what} without an id: {row}"))
            .to_owned();
        assert!(
            found.insert(id.clone(), row).is_none(),
            "{id} occurs twice among the {what}"
        );
    }
    found
}

/// A member that is null and one that is absent say the same; so do times with and without
/// trailing zeros.
pub(crate) fn comparable(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| {
                    let value = if name.ends_with("_at") {
                        with_milliseconds(value)
                    } else {
                        comparable(value)
                    };
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(entries) => Value::Array(entries.into_iter().map(comparable).collect()),
        other => other,
    }
}

/// Three digits after the second. A time that is no RFC 3339 in UTC, or finer than the
/// contract allows, stays as it is and so differs.
fn with_milliseconds(value: Value) -> Value {
    let Some(seconds) = value.as_str().and_then(|text| text.strip_suffix('Z')) else {
        return value;
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    Value::String(format!("{seconds}.{fraction:0<3}Z"))
}
