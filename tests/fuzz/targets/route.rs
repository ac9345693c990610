//! The judgement of a request of the protocol `http`, which is recognised by its method
//! and path.
//!
//! Input: the id that the call is about, then a request as it looks on the wire.
//!
//! Invariants, for every request that is permitted: what is sent is what was judged; and
//! servers that take a path apart in other ways (decoding before they split it, dropping
//! what follows a semicolon, resolving dots, merging slashes) come to the same operation
//! and to the same id.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use connector_host::egress::{Call, Policy};
use connector_host::trust::description::{
    Access, Authentication, Binding, BindingSource, Operation, Origin, Protocol, Route, Wire,
};
use fuzz::input::Message;
use libfuzzer_sys::{Corpus, fuzz_target};

/// Name, method, path; what stands in braces is bound to the call's resource if it is `id`.
const ROUTES: [(&str, &str, &str); 7] = [
    ("list", "GET", "/v1/users"),
    ("me", "GET", "/v1/users/me"),
    ("get", "GET", "/v1/users/{id}"),
    ("remove", "DELETE", "/v1/users/{id}"),
    ("roles", "GET", "/v1/users/{id}/roles"),
    ("role", "PUT", "/v1/users/{id}/roles/{role}"),
    ("search", "POST", "/v1/search"),
];
const FUNCTION: &str = "sync.get-resource";

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let operation = |(name, method, path): (&str, &str, &str)| Operation {
        name: name.to_owned(),
        access: Access::Read,
        route: Some(Route {
            method: method.to_owned(),
            path: path.to_owned(),
        }),
        functions: vec![FUNCTION.to_owned()],
        kinds: Vec::new(),
        rate_class: "all".to_owned(),
        bound: if path.contains("{id}") {
            vec![Binding {
                member: "{id}".to_owned(),
                sources: vec![BindingSource::Resource],
                functions: Vec::new(),
            }]
        } else {
            Vec::new()
        },
        permission: None,
        optional: false,
    };
    let wire = Wire {
        authentication: Authentication::None,
        protocol: Protocol::Http,
        origins: vec![Origin {
            template: "https://api.example.com".to_owned(),
            when: None,
        }],
        operations: ROUTES.map(operation).into(),
        rate_classes: Vec::new(),
        resource_name: None,
    };
    Policy::new(&wire, &BTreeMap::new(), None, true).expect("the record is good")
});

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some(message) = Message::read(data) else {
        return Corpus::Reject;
    };
    let Some(request) = message.request() else {
        return Corpus::Reject;
    };
    let id = message.about;
    let call = Call::new(FUNCTION).about(BindingSource::Resource, id);
    let Ok(permitted) = POLICY.judge(Some(&call), &request, message.body) else {
        return Corpus::Keep;
    };
    assert_eq!(
        permitted.uri.authority().map(|a| a.as_str()),
        Some("api.example.com")
    );
    assert_eq!(permitted.uri.path_and_query(), request.uri.path_and_query());
    let method = request.method.as_str();
    let path = permitted.uri.path();
    let judged = Some((permitted.operation.as_str(), id));
    let bound = |read: Option<(&'static str, String)>| {
        let (name, found) = read?;
        let has_id = ROUTES
            .iter()
            .any(|(other, _, path)| *other == name && path.contains("{id}"));
        Some((name, if has_id { found } else { id.to_owned() }))
    };
    let readings = [
        ("splits first", split_first(path)),
        ("decodes first", decode_first(path, id)),
        ("drops parameters", split_first(&without_parameters(path))),
        ("resolves dots", split_first(&resolved(path))),
        ("merges slashes", split_first(&merged(path))),
    ];
    for (server, segments) in readings {
        let read = bound(segments.and_then(|segments| route(method, &segments)));
        let read = read.as_ref().map(|(name, id)| (*name, id.as_str()));
        assert_eq!(read, judged, "a server that {server} on {path}");
    }
    Corpus::Keep
});

/// The first route of the longest literal match, and the id in it.
fn route(method: &str, segments: &[String]) -> Option<(&'static str, String)> {
    ROUTES
        .iter()
        .filter(|(_, expected, _)| *expected == method)
        .filter_map(|(name, _, path)| {
            let path: Vec<&str> = path.split('/').skip(1).collect();
            let fits = path.len() == segments.len()
                && path.iter().zip(segments).all(|(part, segment)| {
                    (part.starts_with('{') && !segment.is_empty()) || *part == segment
                });
            let literal = path.iter().filter(|part| !part.starts_with('{')).count();
            let id = path
                .iter()
                .position(|part| *part == "{id}")
                .and_then(|at| segments.get(at).cloned())
                .unwrap_or_default();
            fits.then_some((literal, *name, id))
        })
        .max_by_key(|(literal, _, _)| *literal)
        .map(|(_, name, id)| (name, id))
}

fn split_first(path: &str) -> Option<Vec<String>> {
    let segments = path.strip_prefix('/')?.split('/');
    segments.map(|segment| decoded(segment)).collect()
}

/// A slash that belongs to the id of the call is the one thing that such a server can't
/// tell; an id is not chosen by the component.
fn decode_first(path: &str, id: &str) -> Option<Vec<String>> {
    if id.contains('/') {
        return split_first(path);
    }
    let whole = decoded(path)?;
    let segments = whole.strip_prefix('/')?.split('/');
    Some(segments.map(str::to_owned).collect())
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

fn without_parameters(path: &str) -> String {
    let parts = path.split('/');
    let parts = parts.map(|part| part.split(';').next().unwrap_or_default());
    parts.collect::<Vec<_>>().join("/")
}

/// RFC 3986, 5.2.4, with encoded dots counted as dots and backslashes as slashes.
fn resolved(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let path = path.replace('\\', "/");
    for part in path.split('/') {
        match part.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "." => {}
            ".." => drop(out.pop()),
            _ => out.push(part),
        }
    }
    out.join("/")
}

fn merged(path: &str) -> String {
    let mut out = path.to_owned();
    while out.contains("//") {
        out = out.replace("//", "/");
    }
    out
}
