use super::*;
use crate::trust::description::{Authentication, Binding, Origin as RecordOrigin, RateClass};

mod intent;

const LIST: &str = "sync.list-resources";
const GRANT: &str = "provisioning.grant";
const HOST: &str = "https://idp.eu-west-1.example.com/";

fn binding(member: &str, source: BindingSource) -> Binding {
    Binding {
        member: member.to_owned(),
        sources: vec![source],
        functions: Vec::new(),
        when: None,
    }
}

fn operation(name: &str, access: Access, functions: &[&str], bound: Vec<Binding>) -> Operation {
    Operation {
        name: name.to_owned(),
        access,
        route: None,
        functions: functions.iter().map(|f| (*f).to_owned()).collect(),
        kinds: Vec::new(),
        rate_class: "class".to_owned(),
        bound,
        members: Vec::new(),
        permission: None,
        optional: false,
    }
}

fn pool() -> Binding {
    binding("/Pool", BindingSource::Setting("pool".to_owned()))
}

fn wire(protocol: Protocol, operations: Vec<Operation>) -> Wire {
    Wire {
        authentication: Authentication::None,
        protocol,
        origins: vec![RecordOrigin {
            template: "https://idp.{region}.example.com".to_owned(),
            when: None,
        }],
        operations,
        rate_classes: vec![RateClass {
            id: "class".to_owned(),
            limits: Vec::new(),
        }],
        resource_name: None,
    }
}

fn aws_wire() -> Wire {
    let member = vec![
        pool(),
        binding("/Name", BindingSource::Principal),
        Binding {
            functions: vec!["provisioning.revoke".to_owned()],
            ..binding("/Reason", BindingSource::Argument("reason".to_owned()))
        },
    ];
    wire(
        Protocol::AwsJson("Directory".to_owned()),
        vec![
            operation("List", Access::Read, &[LIST], vec![pool()]),
            operation("Add", Access::Change, &[GRANT], member),
            operation("Orphan", Access::Read, &[], Vec::new()),
        ],
    )
}

fn settings() -> BTreeMap<String, String> {
    [("region", "eu-west-1"), ("pool", "pool-a")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn policy(provisioning: bool) -> Policy {
    Policy::new(&aws_wire(), &settings(), None, provisioning).unwrap()
}

fn request(uri: &str, operation: &str, extra: &[(&str, &str)]) -> Parts {
    let mut builder = http::Request::post(uri)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("Directory.{operation}"));
    for (name, value) in extra {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn list() -> Parts {
    request(HOST, "List", &[])
}

const BODY: &[u8] = br#"{"Pool":"pool-a"}"#;

#[test]
fn what_the_record_grants_passes() {
    let permitted = policy(false)
        .judge(Some(&Call::new(LIST)), &list(), BODY)
        .unwrap();
    assert_eq!(permitted.operation, "List");
    assert_eq!(permitted.access, Access::Read);
    assert_eq!(permitted.rate_class, "class");
    let fixed = [("/Pool".to_owned(), "pool-a".to_owned())];
    assert_eq!(permitted.fixed, fixed);
    assert_eq!(permitted.uri, "https://idp.eu-west-1.example.com/");
}

#[test]
fn without_a_call_in_progress_everything_is_refused() {
    let denied = policy(true).judge(None, &list(), BODY).unwrap_err();
    assert_eq!(denied.rule(), "no-call");
}

#[test]
fn another_place_is_refused_by_any_name() {
    for uri in [
        "https://idp.us-east-1.example.com/",
        "https://idp.eu-west-1.example.com.evil.com/",
        "https://evil.com/",
        "https://evil.com/?https://idp.eu-west-1.example.com/",
        "http://idp.eu-west-1.example.com/",
        "http://idp.eu-west-1.example.com:443/",
        "https://idp.eu-west-1.example.com:444/",
        "https://example.com/",
        "https://169.254.169.254/",
        "https://[::1]/",
        "https://idp.eu-west-1.example.com@evil.com/",
        "https://user@idp.eu-west-1.example.com/",
        "https://idp.eu-west-1.example.com:/",
    ] {
        let denied = policy(true)
            .judge(Some(&Call::new(LIST)), &request(uri, "List", &[]), BODY)
            .unwrap_err();
        assert_eq!(denied.rule(), "origin", "{uri}");
    }
}

#[test]
fn a_named_endpoint_is_the_only_place_then() {
    let named = Origin::parse("http://127.0.0.1:4566").unwrap();
    let policy = Policy::new(&aws_wire(), &settings(), Some(named), false).unwrap();
    let call = Call::new(LIST);
    let there = request("http://127.0.0.1:4566/", "List", &[]);
    assert!(policy.judge(Some(&call), &there, BODY).is_ok());
    let denied = policy.judge(Some(&call), &list(), BODY).unwrap_err();
    assert_eq!(denied.rule(), "origin");
    assert_eq!(
        policy.addresses(),
        AddressPolicy {
            named_endpoint: true,
            plain_http: true
        }
    );
}

#[test]
fn an_origin_of_the_record_opens_no_local_address() {
    assert_eq!(
        policy(true).addresses(),
        AddressPolicy {
            named_endpoint: false,
            plain_http: false
        }
    );
}

#[test]
fn an_operation_passes_only_during_its_own_calls() {
    for (operation, function) in [("List", GRANT), ("Orphan", LIST), ("Add", LIST)] {
        let denied = policy(true)
            .judge(
                Some(&Call::new(function)),
                &request(HOST, operation, &[]),
                BODY,
            )
            .unwrap_err();
        assert_eq!(denied.rule(), "function", "{operation} during {function}");
    }
}

#[test]
fn an_unknown_operation_is_refused_by_its_name() {
    let denied = policy(true)
        .judge(
            Some(&Call::new(LIST)),
            &request(HOST, "DeleteAll", &[]),
            BODY,
        )
        .unwrap_err();
    assert_eq!(denied.rule(), "operation");
    assert!(denied.to_string().contains("'DeleteAll'"), "{denied}");
}

fn grant() -> Call {
    Call::new(GRANT).about(BindingSource::Principal, "alice")
}

#[test]
fn a_change_passes_only_with_provisioning() {
    let add = request(HOST, "Add", &[]);
    let body = br#"{"Pool":"pool-a","Name":"alice"}"#;
    let denied = policy(false).judge(Some(&grant()), &add, body).unwrap_err();
    assert_eq!(denied.rule(), "provisioning");
    assert!(policy(true).judge(Some(&grant()), &add, body).is_ok());
}

#[test]
fn bound_members_have_the_values_of_settings_and_call() {
    let add = request(HOST, "Add", &[]);
    for body in [
        r#"{"Pool":"pool-b","Name":"alice"}"#,
        r#"{"Pool":"pool-a","Name":"mallory"}"#,
        r#"{"Name":"alice"}"#,
        r#"{"Pool":"pool-a"}"#,
        r#"{"Pool":["pool-a"],"Name":"alice"}"#,
        r#"{"Pool":null,"Name":"alice"}"#,
        r#"{"Pool":"pool-a ","Name":"alice"}"#,
    ] {
        let denied = policy(true)
            .judge(Some(&grant()), &add, body.as_bytes())
            .unwrap_err();
        assert_eq!(denied.rule(), "binding", "{body}");
        assert!(!denied.to_string().contains("mallory"), "{denied}");
        assert!(!denied.to_string().contains("alice"), "{denied}");
    }
    let escaped = br#"{"\u0050ool":"pool-\u0061","Name":"alice"}"#;
    assert!(policy(true).judge(Some(&grant()), &add, escaped).is_ok());
}

#[test]
fn a_binding_takes_the_first_source_that_the_call_has() {
    let argument = |name: &str| BindingSource::Argument(name.to_owned());
    let bound = Binding {
        sources: vec![argument("username"), argument("email")],
        ..binding("/Name", BindingSource::Principal)
    };
    let operations = vec![operation("Create", Access::Change, &[GRANT], vec![bound])];
    let wire = wire(Protocol::AwsJson("Directory".to_owned()), operations);
    let policy = Policy::new(&wire, &settings(), None, true).unwrap();
    let create = request(HOST, "Create", &[]);
    let judge = |call: &Call, name: &str| {
        let body = format!(r#"{{"Name":"{name}"}}"#);
        policy.judge(Some(call), &create, body.as_bytes()).is_ok()
    };
    let by_email = Call::new(GRANT).about(argument("email"), "a@example.com");
    assert!(judge(&by_email, "a@example.com"));
    let by_name = by_email.about(argument("username"), "alice");
    assert!(judge(&by_name, "alice"));
    assert!(!judge(&by_name, "a@example.com"), "the first one counts");
    assert!(!judge(&Call::new(GRANT), "alice"));
}

#[test]
fn one_action_can_t_send_what_another_is_for() {
    let enable = "actions.invoke/enable";
    let operations = vec![operation("Enable", Access::Change, &[enable], Vec::new())];
    let wire = wire(Protocol::AwsJson("Directory".to_owned()), operations);
    let policy = Policy::new(&wire, &settings(), None, true).unwrap();
    let request = request(HOST, "Enable", &[]);
    let judge = |function: &'static str| policy.judge(Some(&Call::new(function)), &request, b"{}");
    assert!(judge(enable).is_ok());
    for other in [
        "actions.invoke/disable",
        "actions.invoke",
        "actions.invoke/",
    ] {
        assert_eq!(judge(other).unwrap_err().rule(), "function", "{other}");
    }
}

#[test]
fn a_binding_to_a_value_that_the_call_lacks_is_refused() {
    let body = br#"{"Pool":"pool-a","Name":"alice"}"#;
    let denied = policy(true)
        .judge(Some(&Call::new(GRANT)), &request(HOST, "Add", &[]), body)
        .unwrap_err();
    assert_eq!(denied.rule(), "binding");
    let mut settings = settings();
    settings.remove("pool");
    let policy = Policy::new(&aws_wire(), &settings, None, false).unwrap();
    let denied = policy
        .judge(Some(&Call::new(LIST)), &list(), b"{}")
        .unwrap_err();
    assert_eq!(denied.rule(), "binding");
}

#[test]
fn a_body_that_is_ambiguous_or_no_object_is_refused() {
    for body in [
        r#"{"Pool":"pool-b","Pool":"pool-a"}"#,
        r#"{"Pool":"pool-a","\u0050ool":"pool-b"}"#,
        r#"{"Pool":"pool-a","x":[{"a":1,"a":2}]}"#,
        r#"["pool-a"]"#,
        r#""pool-a""#,
        "",
        "not json",
    ] {
        let denied = policy(false)
            .judge(Some(&Call::new(LIST)), &list(), body.as_bytes())
            .unwrap_err();
        assert_eq!(denied.rule(), "body", "{body}");
    }
}

#[test]
fn a_call_is_known_by_its_function() {
    assert_eq!(Call::new(LIST).function(), LIST);
}

#[test]
fn a_body_over_the_limit_is_refused_and_one_at_the_limit_passes() {
    let mut body = BODY.to_vec();
    body.resize(REQUEST_BODY, b' ');
    let call = Call::new(LIST);
    assert!(policy(false).judge(Some(&call), &list(), &body).is_ok());
    body.push(b' ');
    let denied = policy(false)
        .judge(Some(&call), &list(), &body)
        .unwrap_err();
    assert_eq!(denied.rule(), "size");

    let judge = |limit| {
        let policy = policy(false).with_largest_body(limit);
        policy.judge(Some(&call), &list(), BODY).map(drop)
    };
    assert_eq!(judge(BODY.len()), Ok(()));
    let limit = BODY.len() - 1;
    assert_eq!(judge(limit), Err(Denied::BodySize { limit }));
}

#[test]
fn headers_are_rebuilt_from_the_allow_list() {
    let kept = [
        ("accept", "a"),
        ("amz-sdk-invocation-id", "b"),
        ("amz-sdk-request", "c"),
        ("authorization", "d"),
        ("user-agent", "e"),
        ("x-amz-content-sha256", "f"),
        ("x-amz-date", "g"),
        ("x-amz-security-token", "h"),
    ];
    let dropped = [
        ("accept-encoding", "gzip"),
        ("connection", "upgrade"),
        ("content-length", "99"),
        ("cookie", "a=b"),
        ("expect", "100-continue"),
        ("forwarded", "host=evil.com"),
        ("host", "evil.com"),
        ("proxy-authorization", "x"),
        ("te", "trailers"),
        ("trailer", "x-amz-target"),
        ("transfer-encoding", "chunked"),
        ("x-forwarded-host", "evil.com"),
        ("x-http-method-override", "DELETE"),
    ];
    let extra: Vec<_> = kept.iter().chain(&dropped).copied().collect();
    let permitted = policy(false)
        .judge(Some(&Call::new(LIST)), &request(HOST, "List", &extra), BODY)
        .unwrap();
    let mut sent: Vec<_> = permitted
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    sent.sort_unstable();
    let mut expected: Vec<_> = kept.to_vec();
    expected.extend([
        ("content-length", "17"),
        ("content-type", "application/x-amz-json-1.1"),
        ("host", "idp.eu-west-1.example.com"),
        ("x-amz-target", "Directory.List"),
    ]);
    expected.sort_unstable();
    assert_eq!(sent, expected);
}

#[test]
fn the_length_that_is_sent_is_that_of_the_judged_body() {
    let length = |method: &str, path: &str, body: &[u8]| {
        let uri = format!("https://idp.eu-west-1.example.com/{path}");
        let request = http::Request::builder().method(method).uri(uri);
        let request = request
            .header("content-length", "99")
            .header("content-type", "application/json")
            .body(())
            .unwrap();
        let call = Call::new(LIST).about(BindingSource::Resource, "a");
        let permitted = http_policy().judge(Some(&call), &request.into_parts().0, body);
        let sent = permitted.unwrap().headers.remove("content-length");
        sent.map(|length| length.to_str().unwrap().to_owned())
    };
    assert_eq!(length("GET", "users/a", b""), None);
    assert_eq!(length("POST", "search", b"{}").as_deref(), Some("2"));
    assert_eq!(length("POST", "search", b"").as_deref(), Some("0"));
    assert_eq!(length("QUERY", "search", b"{}").as_deref(), Some("2"));
}

#[test]
fn a_header_that_makes_the_request_ambiguous_is_refused() {
    for extra in [
        vec![("content-encoding", "gzip")],
        vec![("content-encoding", "identity")],
        vec![("authorization", "a"), ("Authorization", "b")],
        vec![("x-amz-date", "a"), ("x-amz-date", "a")],
    ] {
        let denied = policy(false)
            .judge(Some(&Call::new(LIST)), &request(HOST, "List", &extra), BODY)
            .unwrap_err();
        assert_eq!(denied.rule(), "header", "{extra:?}");
    }
}

fn http_policy() -> Policy {
    let mut get = operation(
        "get-user",
        Access::Read,
        &[LIST],
        vec![binding("{id}", BindingSource::Resource)],
    );
    get.members = vec!["?fields".to_owned()];
    get.route = Some(crate::trust::description::Route {
        method: "GET".to_owned(),
        path: "/users/{id}".to_owned(),
    });
    let mut post = operation("search", Access::Read, &[LIST], Vec::new());
    post.route = Some(crate::trust::description::Route {
        method: "POST".to_owned(),
        path: "/search".to_owned(),
    });
    let mut query = post.clone();
    query.name = "query".to_owned();
    query.route = Some(crate::trust::description::Route {
        method: "QUERY".to_owned(),
        path: "/search".to_owned(),
    });
    Policy::new(
        &wire(Protocol::Http, vec![get, post, query]),
        &settings(),
        None,
        false,
    )
    .unwrap()
}

#[test]
fn a_bound_placeholder_is_compared_decoded_and_sent_as_it_was() {
    let call = Call::new(LIST).about(BindingSource::Resource, "a b");
    let judge = |path: &str| {
        let request = http::Request::get(format!("https://idp.eu-west-1.example.com/{path}"));
        let request = request.body(()).unwrap().into_parts().0;
        http_policy().judge(Some(&call), &request, b"")
    };
    let permitted = judge("users/a%20b?fields=name").unwrap();
    assert_eq!(
        permitted.uri,
        "https://idp.eu-west-1.example.com/users/a%20b?fields=name"
    );
    assert!(!permitted.headers.contains_key("content-length"));
    assert_eq!(judge("users/a").unwrap_err().rule(), "binding");
    assert_eq!(judge("users/%2e%2e").unwrap_err().rule(), "protocol");
    assert_eq!(judge("groups/a").unwrap_err().rule(), "operation");
}

#[test]
fn a_hidden_slash_is_accepted_only_where_the_call_fixes_the_value() {
    let mut policy = http_policy();
    let judge = |policy: &Policy, id: &str| {
        let request = http::Request::get("https://idp.eu-west-1.example.com/users/a%2Fb");
        let request = request.body(()).unwrap().into_parts().0;
        let call = Call::new(LIST).about(BindingSource::Resource, id);
        policy.judge(Some(&call), &request, b"")
    };
    assert!(judge(&policy, "a/b").is_ok());
    assert_eq!(judge(&policy, "a").unwrap_err().rule(), "binding");
    for operation in &mut policy.operations {
        operation.bound.clear();
    }
    assert_eq!(judge(&policy, "a/b").unwrap_err().rule(), "protocol");
}
