//! Whether a request says what the call is about, and nothing else.
//!
//! An operation that may be sent can still be sent for somebody else, or with a member
//! that nobody asked for: an account created with another address, an invitation, a
//! message to the system's own hooks. So what a request carries is a closed list: members
//! that are bound have the one value that the settings and the call give them, members
//! that the trust record frees may say anything, and every other one is refused.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde_json::{Map, Value};

use super::{Call, Denied, Policy};
use crate::egress::body::{self, BodyError};
use crate::egress::operation::{Recognised, percent_decode};
use crate::trust::description::{
    Binding, BindingCondition, BindingSource, NamedArguments, Operation, Protocol,
};
use crate::trust::text::shown;

/// Judges what a recognised operation carries. The answer is the members that are fixed
/// to a text, with that text.
pub(super) fn judge(
    policy: &Policy,
    call: &Call,
    recognised: &Recognised<'_>,
    request: &Parts,
    body: &[u8],
) -> Result<Vec<(String, String)>, Denied> {
    let settings = &policy.settings;
    let operation = recognised.operation;
    let refuse = |reason| Denied::Body {
        operation: operation.name.clone(),
        reason,
    };
    let bound: Vec<&Binding> = operation
        .bound
        .iter()
        .filter(|binding| {
            binding.functions.is_empty() || binding.functions.iter().any(|f| f == call.function())
        })
        .filter(|binding| binding.when.as_ref().is_none_or(|when| holds(when, call)))
        .collect();
    let body = match document(&policy.protocol, request, body).map_err(refuse)? {
        Some(Value::Object(members)) => members,
        Some(_) => return Err(refuse("its body is not a JSON object")),
        None => Map::new(),
    };
    let query = query(request).map_err(refuse)?;
    only_named(operation, &bound, &body, &query)?;
    no_hidden_slash(policy, recognised, &bound)?;
    let mut fixed = Vec::new();
    for binding in bound {
        let expected = expected(binding, call, settings);
        let is_right = match place(&binding.member) {
            Place::Path(name) => {
                let found = recognised
                    .path_values
                    .iter()
                    .find(|(known, _)| known == name);
                is_text(expected.as_ref(), found.map(|(_, value)| value.clone()))
            }
            Place::Query(name) => {
                let mut found = query.iter().filter(|(known, _)| *known == name);
                let value = match (found.next(), found.next()) {
                    (Some((_, value)), None) => decoded(value),
                    _ => None,
                };
                is_text(expected.as_ref(), value)
            }
            Place::Body(pointer) => {
                let actual = pointed(&body, pointer);
                match &expected {
                    Some(Expected::Text(text)) => actual.is_some_and(|actual| reads(actual, text)),
                    Some(Expected::Json(json)) => actual == Some(json),
                    Some(Expected::Arguments(list)) => is_list_of_arguments(actual, list, call),
                    None => false,
                }
            }
        };
        if !is_right {
            return Err(Denied::Bound {
                operation: operation.name.clone(),
                member: shown(&binding.member),
                expected: in_words(binding),
            });
        }
        if let Some(Expected::Text(text)) = expected {
            fixed.push((binding.member.clone(), text.to_owned()));
        }
    }
    Ok(fixed)
}

fn holds(when: &BindingCondition, call: &Call) -> bool {
    let is_equal = call
        .arguments()
        .any(|(name, value)| name == when.argument && value == when.value);
    is_equal == when.equals
}

/// The body as the one JSON value that it is, for the host and for the server.
fn document(
    protocol: &Protocol,
    request: &Parts,
    body: &[u8],
) -> Result<Option<Value>, &'static str> {
    match protocol {
        // Recognised by its content type.
        Protocol::AwsJson(_) => {}
        Protocol::Http if body.is_empty() => return Ok(None),
        Protocol::Http if is_json(request) => {}
        Protocol::Http => return Err("its content type is not JSON in UTF-8"),
    }
    body::parse(body).map(Some).map_err(|error| match error {
        BodyError::NotJson => "its body is not JSON",
        BodyError::DuplicateKey => "a key stands twice in its body",
    })
}

/// Whether the server reads the body as JSON in UTF-8, as the host does.
fn is_json(request: &Parts) -> bool {
    let Some(value) = request
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let value = value.to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| {
        kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
    });
    is_json && parts.all(|parameter| parameter.replace('"', "") == "charset=utf-8")
}

/// A parameter of the query: its name, and its value as it stands there.
type Parameter<'r> = (&'r str, &'r str);

/// The parameters of a query, if every server takes it apart in the same way.
fn query(request: &Parts) -> Result<Vec<Parameter<'_>>, &'static str> {
    let Some(query) = request.uri.query().filter(|query| !query.is_empty()) else {
        return Ok(Vec::new());
    };
    if query.contains(';') {
        return Err("its query has a ';', which some servers read as '&'");
    }
    query
        .split('&')
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~$[]".contains(&b);
            if name.is_empty() || !name.bytes().all(is_plain) {
                return Err("a parameter of its query has no plain name");
            }
            Ok((name, value))
        })
        .collect()
}

/// A value of a query that every server decodes alike: some read '+' as a space.
fn decoded(value: &str) -> Option<String> {
    (!value.contains('+')).then_some(())?;
    percent_decode(value).ok()
}

/// Refuses what the record does not name.
fn only_named(
    operation: &Operation,
    bound: &[&Binding],
    body: &Map<String, Value>,
    query: &[Parameter<'_>],
) -> Result<(), Denied> {
    let refuse = |member: &str| {
        Err(Denied::Member {
            operation: operation.name.clone(),
            member: shown(member),
        })
    };
    let is_free = |name: &str| operation.members.iter().any(|free| free == name);
    let is_bound = |member: &str| bound.iter().any(|binding| binding.member == member);
    for name in body.keys() {
        // A parameter's name in `members` frees no member of the body.
        let is_free = is_free(name) && !name.starts_with('?');
        if !is_free && !is_bound(&pointer_to(name)) {
            return refuse(name);
        }
    }
    for (name, _) in query {
        let name = format!("?{name}");
        if !is_free(&name) && !is_bound(&name) {
            return refuse(&name);
        }
    }
    Ok(())
}

/// The JSON Pointer to a member of the whole.
fn pointer_to(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn no_hidden_slash(
    policy: &Policy,
    recognised: &Recognised<'_>,
    bound: &[&Binding],
) -> Result<(), Denied> {
    let is_bound = |name: &str| {
        bound
            .iter()
            .any(|binding| matches!(place(&binding.member), Place::Path(known) if known == name))
    };
    match recognised
        .path_values
        .iter()
        .find(|(name, value)| value.contains('/') && !is_bound(name))
    {
        None => Ok(()),
        Some((name, _)) => Err(Denied::Protocol {
            host: policy.origin.to_string(),
            reason: format!("the path hides a slash in {{{name}}}, which the call does not fix"),
        }),
    }
}

/// Where a bound member stands.
enum Place<'a> {
    Path(&'a str),
    Query(&'a str),
    Body(&'a str),
}

fn place(member: &str) -> Place<'_> {
    let in_path = member
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    match (in_path, member.strip_prefix('?')) {
        (Some(name), _) => Place::Path(name),
        (None, Some(name)) => Place::Query(name),
        (None, None) => Place::Body(member),
    }
}

fn pointed<'b>(body: &'b Map<String, Value>, pointer: &str) -> Option<&'b Value> {
    let (first, rest) = match pointer.strip_prefix('/')?.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (pointer.strip_prefix('/')?, None),
    };
    let value = body.get(&first.replace("~1", "/").replace("~0", "~"))?;
    match rest {
        Some(rest) => value.pointer(&format!("/{rest}")),
        None => Some(value),
    }
}

/// What a member must be.
enum Expected<'a> {
    Text(&'a str),
    Json(Value),
    Arguments(&'a NamedArguments),
}

fn expected<'a>(
    binding: &'a Binding,
    call: &'a Call,
    settings: &'a BTreeMap<String, String>,
) -> Option<Expected<'a>> {
    binding.sources.iter().find_map(|source| match source {
        BindingSource::Setting(name) => settings.get(name).map(|value| Expected::Text(value)),
        BindingSource::Constant(json) => serde_json::from_str(json).ok().map(Expected::Json),
        BindingSource::NamedArguments(list) => Some(Expected::Arguments(list)),
        BindingSource::Resource | BindingSource::Principal | BindingSource::Argument(_) => {
            call.value(source).map(Expected::Text)
        }
    })
}

/// An absent value never equals an absent value.
fn is_text(expected: Option<&Expected<'_>>, actual: Option<String>) -> bool {
    match (expected, actual) {
        (Some(Expected::Text(expected)), Some(actual)) => actual == *expected,
        (Some(Expected::Json(Value::String(expected))), Some(actual)) => actual == *expected,
        _ => false,
    }
}

/// Whether a value is this text, or the number or truth value that is written so.
fn reads(actual: &Value, text: &str) -> bool {
    match actual {
        Value::String(actual) => actual == text,
        Value::Number(number) => number.to_string() == text,
        Value::Bool(value) => value.to_string() == text,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether a value is the list of the call's arguments: each one once, and nothing else.
fn is_list_of_arguments(actual: Option<&Value>, list: &NamedArguments, call: &Call) -> bool {
    let mut missing: BTreeMap<&str, &str> = call
        .arguments()
        .filter(|(name, _)| !list.except.iter().any(|except| except == name))
        .collect();
    let items = match actual {
        None => &[][..],
        Some(Value::Array(items)) => items,
        Some(_) => return false,
    };
    let takes = |item: &Value, missing: &mut BTreeMap<&str, &str>| {
        let members = item.as_object().filter(|members| members.len() == 2)?;
        let name = members.get(&list.name_member)?.as_str()?;
        let value = members.get(&list.value_member)?.as_str()?;
        (missing.remove(name)? == value).then_some(())
    };
    items.iter().all(|item| takes(item, &mut missing).is_some()) && missing.is_empty()
}

fn in_words(binding: &Binding) -> String {
    let words: Vec<String> = binding
        .sources
        .iter()
        .map(|source| match source {
            BindingSource::Setting(name) => format!("the setting {} of this call", shown(name)),
            BindingSource::Resource => "the resource of this call".to_owned(),
            BindingSource::Principal => "the principal of this call".to_owned(),
            BindingSource::Argument(name) => format!("the argument {} of this call", shown(name)),
            BindingSource::Constant(json) => shown(json),
            BindingSource::NamedArguments(_) => "the list of this call's arguments".to_owned(),
        })
        .collect();
    words.join(" or ")
}
