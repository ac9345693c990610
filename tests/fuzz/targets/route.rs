//! The judgement of a request of the protocol `http`, which is recognised by its method
//! and path.
//!
//! Input: the id that the call is about, then a request as it looks on the wire.
//!
//! Invariants, for every request that is permitted: what is sent is what was judged; and
//! servers that take a path apart in other ways (decoding before they split it, dropping
//! what follows a semicolon, resolving dots, merging slashes) come to the same operation
//! and to the same id; and however a server reads query and body, they carry what the call
//! fixes once, and nothing that the record does not name.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use connector_host::egress::{Call, Policy};
use connector_host::trust::description::{
    Access, Authentication, Binding, BindingSource, Operation, Origin, Protocol, Route, Wire,
};
use fuzz::input::Message;
use fuzz::json::Json;
use libfuzzer_sys::{Corpus, fuzz_target};

/// Name, method, path, and what it may carry besides. What stands in braces is bound to the
/// call's resource if it is `id`; so is the parameter `of` of the list.
const ROUTES: [(&str, &str, &str, &[&str]); 7] = [
    ("list", "GET", "/v1/users", &["?page"]),
    ("me", "GET", "/v1/users/me", &[]),
    ("get", "GET", "/v1/users/{id}", &["?fields"]),
    ("remove", "DELETE", "/v1/users/{id}", &[]),
    ("roles", "GET", "/v1/users/{id}/roles", &[]),
    ("role", "PUT", "/v1/users/{id}/roles/{role}", &["a"]),
    ("search", "POST", "/v1/search", &["q"]),
];
const FUNCTION: &str = "sync.get-resource";

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let binding = |member: &str| Binding {
        member: member.to_owned(),
        sources: vec![BindingSource::Resource],
        functions: Vec::new(),
        when: None,
    };
    let operation = |(name, method, path, members): (&str, &str, &str, &[&str])| Operation {
        name: name.to_owned(),
        access: Access::Read,
        route: Some(Route {
            method: method.to_owned(),
            path: path.to_owned(),
        }),
        functions: vec![FUNCTION.to_owned()],
        kinds: Vec::new(),
        rate_class: "all".to_owned(),
        bound: match name {
            "list" => vec![binding("?of")],
            _ if path.contains("{id}") => vec![binding("{id}")],
            _ => Vec::new(),
        },
        members: members.iter().map(|&member| member.to_owned()).collect(),
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
            .any(|(other, _, path, _)| *other == name && path.contains("{id}"));
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
    check_rest(&permitted.operation, id, &permitted.uri, message.body);
    Corpus::Keep
});

/// What is carried besides the path.
fn check_rest(operation: &str, id: &str, uri: &http::Uri, body: &[u8]) {
    let (_, _, _, free) = ROUTES
        .into_iter()
        .find(|(name, _, _, _)| *name == operation)
        .expect("it is one of them");
    let query = uri.query().unwrap_or_default();
    // Servers part at one mark or at both, and decode names or not.
    for marks in [&['&'][..], &['&', ';']] {
        let parameters = query.split(marks).filter(|parameter| !parameter.is_empty());
        let mut found = Vec::new();
        for parameter in parameters {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let name = decoded(name).expect("it is UTF-8");
            let is_bound = operation == "list" && name == "of";
            let is_free = free.contains(&format!("?{name}").as_str());
            assert!(is_bound || is_free, "{operation} carries ?{name}");
            if is_bound {
                found.push(decoded(value));
                // A plus sign is a space for some.
                found.push(decoded(&value.replace('+', " ")));
            }
        }
        if operation == "list" {
            assert_eq!(found, [Some(id.to_owned()), Some(id.to_owned())]);
        }
    }
    if body.is_empty() {
        return;
    }
    let read = Json::read(body).expect("what is permitted is JSON");
    assert!(!read.has_twins(), "a key stands twice");
    assert!(matches!(read, Json::Object(_)), "{read:?}");
    for key in read.keys() {
        assert!(
            free.contains(&key) && !key.starts_with('?'),
            "{operation} carries {key}"
        );
    }
}

/// The first route of the longest literal match, and the id in it.
fn route(method: &str, segments: &[String]) -> Option<(&'static str, String)> {
    ROUTES
        .iter()
        .filter(|(_, expected, _, _)| *expected == method)
        .filter_map(|(name, _, path, _)| {
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
