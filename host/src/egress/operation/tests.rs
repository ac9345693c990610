use super::*;
use crate::trust::description::{Access, Route};

fn operation(name: &str, route: Option<(&str, &str)>) -> Operation {
    Operation {
        name: name.to_owned(),
        access: Access::Read,
        route: route.map(|(method, path)| Route {
            method: method.to_owned(),
            path: path.to_owned(),
        }),
        functions: vec!["sync.list-resources".to_owned()],
        kinds: Vec::new(),
        rate_class: "read".to_owned(),
        bound: Vec::new(),
        members: Vec::new(),
        permission: None,
        optional: false,
    }
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut builder = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

const TYPE: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
const LIST: (&str, &str) = ("x-amz-target", "Directory.ListThings");

fn aws(request: &Parts) -> Result<String, Unrecognised> {
    let operations = [operation("ListThings", None), operation("List", None)];
    let protocol = Protocol::AwsJson("Directory".to_owned());
    recognise(&protocol, &operations, request).map(|r| r.operation.name.clone())
}

#[test]
fn an_aws_request_is_its_target() {
    let request = request("POST", "https://x.example/", &[TYPE, LIST]);
    assert_eq!(aws(&request), Ok("ListThings".to_owned()));
}

#[test]
fn an_aws_request_of_another_shape_is_refused() {
    let charset = ("content-type", "application/x-amz-json-1.1; charset=utf-8");
    let older = ("content-type", "application/x-amz-json-1.0");
    for (method, uri, headers) in [
        ("GET", "https://x.example/", vec![TYPE, LIST]),
        ("PUT", "https://x.example/", vec![TYPE, LIST]),
        ("post", "https://x.example/", vec![TYPE, LIST]),
        ("POST", "https://x.example/a", vec![TYPE, LIST]),
        ("POST", "https://x.example//", vec![TYPE, LIST]),
        ("POST", "https://x.example/?a=b", vec![TYPE, LIST]),
        ("POST", "https://x.example/?", vec![TYPE, LIST]),
        ("POST", "https://x.example/", vec![TYPE]),
        ("POST", "https://x.example/", vec![LIST]),
        ("POST", "https://x.example/", vec![charset, LIST]),
        ("POST", "https://x.example/", vec![older, LIST]),
        ("POST", "https://x.example/", vec![TYPE, TYPE, LIST]),
        ("POST", "https://x.example/", vec![TYPE, LIST, LIST]),
        (
            "POST",
            "https://x.example/",
            vec![TYPE, LIST, ("X-Amz-Target", "Directory.List")],
        ),
        (
            "POST",
            "https://x.example/",
            vec![TYPE, ("x-amz-target", "Directory.Liste\u{e9}")],
        ),
    ] {
        let request = request(method, uri, &headers);
        let result = aws(&request);
        assert!(
            matches!(result, Err(Unrecognised::Malformed(_))),
            "{method} {uri} {headers:?}: {result:?}"
        );
    }
}

#[test]
fn an_aws_target_is_compared_as_a_whole() {
    for target in [
        "",
        ".",
        "ListThings",
        "Directory",
        "Directory.",
        "Directory.listthings",
        "directory.ListThings",
        "Directory.ListThing",
        "Directory.ListThingsX",
        "Directory.ListThings, Directory.List",
        "Directory..ListThings",
        "DirectoryListThings",
        "Other.ListThings",
    ] {
        let request = request(
            "POST",
            "https://x.example/",
            &[TYPE, ("x-amz-target", target)],
        );
        let result = aws(&request);
        assert!(
            matches!(result, Err(Unrecognised::Unknown(_))),
            "{target}: {result:?}"
        );
    }
}

fn routed(method: &str, uri: &str) -> Result<(String, Vec<PathValue>), Unrecognised> {
    let operations = [
        operation("list", Some(("GET", "/v1/users"))),
        operation("get", Some(("GET", "/v1/users/{id}"))),
        operation("me", Some(("GET", "/v1/users/me"))),
        operation("delete", Some(("DELETE", "/v1/users/{id}"))),
        operation("roles", Some(("GET", "/v1/users/{id}/roles/{role}"))),
        operation("left", Some(("GET", "/v1/tied/{x}"))),
        operation("right", Some(("GET", "/v1/{y}/users"))),
        operation("root", Some(("GET", "/"))),
        operation("unrouted", None),
    ];
    recognise(&Protocol::Http, &operations, &request(method, uri, &[]))
        .map(|r| (r.operation.name.clone(), r.path_values))
}

#[test]
fn a_route_is_method_and_path() {
    let name = |method, uri| routed(method, uri).unwrap().0;
    assert_eq!(
        name("GET", "https://x.example/v1/users?page=2&x=../.."),
        "list"
    );
    assert_eq!(name("GET", "https://x.example/v1/users/me"), "me");
    assert_eq!(name("DELETE", "https://x.example/v1/users/me"), "delete");
    assert_eq!(name("GET", "https://x.example/"), "root");
    assert_eq!(name("GET", "https://x.example"), "root");
}

#[test]
fn what_is_spelled_out_is_meant_wherever_it_stands_in_the_record() {
    let mut operations = [
        operation("get", Some(("GET", "/users/{id}"))),
        operation("me", Some(("GET", "/users/me"))),
        operation("any", Some(("GET", "/{kind}/{id}"))),
    ];
    for _ in 0..operations.len() {
        operations.rotate_left(1);
        let request = request("GET", "https://x.example/users/me", &[]);
        let recognised = recognise(&Protocol::Http, &operations, &request).unwrap();
        assert_eq!(recognised.operation.name, "me", "{operations:?}");
    }
}

#[test]
fn a_placeholder_takes_one_segment_and_is_decoded_once() {
    let (name, values) = routed("GET", "https://x.example/v1/users/a%20b%2525/roles/r1").unwrap();
    assert_eq!(name, "roles");
    let expected = [("id", "a b%25"), ("role", "r1")];
    assert_eq!(values, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
}

#[test]
fn a_path_that_could_be_read_otherwise_is_refused() {
    for path in [
        "/v1/users/",
        "//v1/users",
        "/v1//users",
        "/v1/./users",
        "/v1/users/..",
        "/v1/x/../users",
        "/v1/users/%2e%2e",
        "/v1/users/.%2E",
        "/v1/users/a%5Cb",
        "/v1/users/a%00",
        "/v1/users/a%0d%0a",
        "/v1/users/a%7f",
        "/v1/%75sers",
        "/v1/users/%6de",
        "/v1/users/%",
        "/v1/users/%4",
        "/v1/users/%zz",
        "/v1/users/%+1",
        "/v1/users/%ff",
        "/v1/users/a;b",
        "/v1/users/a\\b",
    ] {
        let result = routed("GET", &format!("https://x.example{path}"));
        assert!(
            matches!(result, Err(Unrecognised::Malformed(_))),
            "{path}: {result:?}"
        );
    }
}

#[test]
fn a_route_that_the_record_lacks_is_unknown() {
    for (method, path) in [
        ("POST", "/v1/users"),
        ("get", "/v1/users"),
        ("HEAD", "/v1/users"),
        ("GET", "/v1/Users"),
        ("GET", "/v1"),
        ("GET", "/v1/users/a/roles"),
        ("GET", "/v1/users/a/roles/b/c"),
        ("GET", "/v2/users"),
    ] {
        let result = routed(method, &format!("https://x.example{path}"));
        assert!(
            matches!(result, Err(Unrecognised::Unknown(_))),
            "{method} {path}: {result:?}"
        );
    }
}

#[test]
fn two_routes_that_match_equally_well_decide_nothing() {
    let result = routed("GET", "https://x.example/v1/tied/users");
    assert!(
        matches!(result, Err(Unrecognised::Malformed(_))),
        "{result:?}"
    );
}

#[test]
fn a_message_repeats_neither_an_id_nor_control_characters() {
    let unknown = routed("GET", "https://x.example/v9/alice@example.com");
    let Err(Unrecognised::Unknown(text)) = unknown else {
        panic!("{unknown:?}");
    };
    assert!(!text.contains("alice"), "{text}");
}
