//! Which operation of the system a request is.
//!
//! A grant is per operation, so a request must be exactly one operation, to the host and
//! to the server alike. Everything that servers read differently is refused rather than
//! interpreted: a second operation header, dot segments, empty segments, and characters
//! that a percent sign hides although they need no hiding.

use http::header::CONTENT_TYPE;
use http::request::Parts;

use super::origin::shown;
use crate::trust::description::{Operation, Protocol};

/// The content type of the protocol `aws-json`.
const AWS_JSON: &str = "application/x-amz-json-1.1";
/// The header of the protocol `aws-json` that names the operation.
const TARGET: &str = "x-amz-target";

/// A placeholder of a route and what stands there in the request, decoded.
pub(super) type PathValue = (String, String);

/// An operation that a request was recognised as.
#[derive(Debug)]
pub(super) struct Recognised<'a> {
    pub(super) operation: &'a Operation,
    pub(super) path_values: Vec<PathValue>,
}

/// Why a request is no operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unrecognised {
    /// It does not follow the protocol.
    Malformed(String),
    /// It names an operation that the record does not have.
    Unknown(String),
}

/// Recognises the operation of a request.
pub(super) fn recognise<'a>(
    protocol: &Protocol,
    operations: &'a [Operation],
    request: &Parts,
) -> Result<Recognised<'a>, Unrecognised> {
    match protocol {
        Protocol::AwsJson(prefix) => aws_json(prefix, operations, request),
        Protocol::Http => by_route(operations, request),
    }
}

fn malformed(reason: impl Into<String>) -> Unrecognised {
    Unrecognised::Malformed(reason.into())
}

fn aws_json<'a>(
    prefix: &str,
    operations: &'a [Operation],
    request: &Parts,
) -> Result<Recognised<'a>, Unrecognised> {
    if request.method != http::Method::POST {
        return Err(malformed(format!(
            "the method is {} and must be POST",
            shown(request.method.as_str())
        )));
    }
    if request.uri.path() != "/" || request.uri.query().is_some() {
        return Err(malformed("the path must be / without a query"));
    }
    let content_type = only_value(request, CONTENT_TYPE.as_str())?;
    if content_type != AWS_JSON {
        return Err(malformed(format!(
            "the content type is '{}' and must be {AWS_JSON}",
            shown(content_type)
        )));
    }
    let target = only_value(request, TARGET)?;
    let name = target
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('.'))
        .ok_or_else(|| Unrecognised::Unknown(shown(target)))?;
    operations
        .iter()
        .find(|operation| operation.name == name)
        .map(|operation| Recognised {
            operation,
            path_values: Vec::new(),
        })
        .ok_or_else(|| Unrecognised::Unknown(shown(name)))
}

fn only_value<'r>(request: &'r Parts, name: &'static str) -> Result<&'r str, Unrecognised> {
    let mut values = request.headers.get_all(name).iter();
    let value = values
        .next()
        .ok_or_else(|| malformed(format!("the header {name} is missing")))?;
    if values.next().is_some() {
        return Err(malformed(format!("the header {name} stands there twice")));
    }
    value
        .to_str()
        .map_err(|_| malformed(format!("the header {name} is not ASCII text")))
}

fn by_route<'a>(
    operations: &'a [Operation],
    request: &Parts,
) -> Result<Recognised<'a>, Unrecognised> {
    let path = segments(request.uri.path())?;
    let method = request.method.as_str();
    let mut best: Option<(usize, Recognised<'a>)> = None;
    let mut tied = false;
    for operation in operations {
        let Some(route) = &operation.route else {
            continue;
        };
        if route.method != method {
            continue;
        }
        let Some(path_values) = match_template(&route.path, &path) else {
            continue;
        };
        // `/users/me` is meant before `/users/{id}`.
        let literal = path.len() - path_values.len();
        match &best {
            Some((most, _)) if *most > literal => {}
            Some((most, _)) if *most == literal => tied = true,
            _ => {
                tied = false;
                best = Some((
                    literal,
                    Recognised {
                        operation,
                        path_values,
                    },
                ));
            }
        }
    }
    match best {
        Some(_) if tied => Err(malformed(
            "several routes of the trust record match it equally well",
        )),
        Some((_, recognised)) => Ok(recognised),
        // Ids stand in paths, so the path itself is not repeated.
        None => Err(Unrecognised::Unknown(format!(
            "{} on a path of {} segments",
            shown(method),
            path.len()
        ))),
    }
}

/// One segment of a request's path: as sent, and decoded.
struct Segment<'a> {
    raw: &'a str,
    decoded: String,
}

fn segments(path: &str) -> Result<Vec<Segment<'_>>, Unrecognised> {
    let Some(path) = path.strip_prefix('/') else {
        return Err(malformed("the path must begin with /"));
    };
    if path.is_empty() {
        return Ok(Vec::new());
    }
    path.split('/')
        .map(|raw| {
            if raw.is_empty() {
                return Err(malformed("the path has an empty segment"));
            }
            let decoded = percent_decode(raw).map_err(malformed)?;
            if decoded == "." || decoded == ".." {
                return Err(malformed("the path has a dot segment"));
            }
            Ok(Segment { raw, decoded })
        })
        .collect()
}

/// Decodes a segment; refuses what could mean something else to a server that decodes
/// at another time than its router: an encoded backslash, control or plain character.
/// An encoded slash is left to the policy, which accepts it in a value that the call
/// fixes: ids may contain one.
pub(super) fn percent_decode(raw: &str) -> Result<String, &'static str> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| {
                    byte.and_then(|b| char::from(b).to_digit(16))
                        .and_then(|d| u8::try_from(d).ok())
                        .ok_or("the path has a '%' without two hexadecimal digits")
                };
                let value = digit(bytes.next())? * 16 + digit(bytes.next())?;
                if value.is_ascii_alphanumeric() || b"-._~".contains(&value) {
                    return Err("the path hides a plain character behind a '%'");
                }
                if value.is_ascii_control() || value == b'\\' {
                    return Err("the path hides a backslash or a control character behind a '%'");
                }
                out.push(value);
            }
            b'\\' => return Err("the path has a backslash"),
            // Some servers cut a segment there.
            b';' => return Err("the path has a ';'"),
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).map_err(|_| "the path is not UTF-8")
}

fn match_template(template: &str, path: &[Segment<'_>]) -> Option<Vec<PathValue>> {
    let template = template.strip_prefix('/')?;
    let expected: Vec<&str> = if template.is_empty() {
        Vec::new()
    } else {
        template.split('/').collect()
    };
    if expected.len() != path.len() {
        return None;
    }
    let mut values = Vec::new();
    for (expected, actual) in expected.into_iter().zip(path) {
        let placeholder = expected
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match placeholder {
            Some(name) => values.push((name.to_owned(), actual.decoded.clone())),
            None if expected == actual.raw => {}
            None => return None,
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests;
