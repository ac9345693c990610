//! What a request may carry.

use super::*;
use crate::trust::description::{BindingCondition, NamedArguments, Route};

const CREATE: &str = "provisioning.create-account";
const INVITE: &str = "actions.invoke/enable";

fn argument(name: &str) -> BindingSource {
    BindingSource::Argument(name.to_owned())
}

/// An account is created with exactly the given attributes, and nobody is told unless
/// that was asked for.
fn create() -> Policy {
    let attributes = BindingSource::NamedArguments(NamedArguments {
        name_member: "Name".to_owned(),
        value_member: "Value".to_owned(),
        except: vec!["name".to_owned(), "invite".to_owned()],
    });
    let when = |equals| {
        Some(BindingCondition {
            argument: "invite".to_owned(),
            value: "true".to_owned(),
            equals,
        })
    };
    let constant = |json: &str| BindingSource::Constant(json.to_owned());
    let bound = vec![
        pool(),
        binding("/Name", argument("name")),
        binding("/Attributes", attributes),
        Binding {
            when: when(false),
            ..binding("/Message", constant("\"SUPPRESS\""))
        },
        Binding {
            when: when(true),
            ..binding("/Mediums", constant("[\"EMAIL\"]"))
        },
    ];
    let mut create = operation("Create", Access::Change, &[CREATE], bound);
    create.members = vec!["Free".to_owned(), "?param".to_owned()];
    let wire = wire(Protocol::AwsJson("Directory".to_owned()), vec![create]);
    Policy::new(&wire, &settings(), None, true).unwrap()
}

fn alice() -> Call {
    Call::new(CREATE)
        .about(argument("name"), "alice")
        .about(argument("email"), "a@example.com")
        .about(argument("age"), "7")
}

fn judged(call: &Call, members: &str) -> Result<(), &'static str> {
    let body = format!(r#"{{"Pool":"pool-a","Name":"alice"{members}}}"#);
    create()
        .judge(Some(call), &request(HOST, "Create", &[]), body.as_bytes())
        .map(drop)
        .map_err(|denied| denied.rule())
}

const ATTRIBUTES: &str =
    r#","Attributes":[{"Name":"age","Value":"7"},{"Value":"a@example.com","Name":"email"}]"#;
const QUIET: &str = r#","Message":"SUPPRESS""#;

fn with(attributes: &str) -> String {
    format!("{QUIET}{attributes}")
}

#[test]
fn what_was_asked_for_passes_in_any_order_and_with_what_is_free() {
    assert_eq!(judged(&alice(), &with(ATTRIBUTES)), Ok(()));
    let free = format!(r#","Free":{{"any":[1]}}{}"#, with(ATTRIBUTES));
    assert_eq!(judged(&alice(), &free), Ok(()));
}

#[test]
fn a_member_that_the_record_does_not_name_is_refused() {
    for smuggled in [
        r#","Hooks":{"a":"b"}"#,
        r#","Force":true"#,
        r#","free":1"#,
        r#","":1"#,
        r#","Pool/x":1"#,
        r#","?param":1"#,
        r#","name":"bob""#,
    ] {
        let members = format!("{}{smuggled}", with(ATTRIBUTES));
        assert_eq!(judged(&alice(), &members), Err("member"), "{smuggled}");
    }
}

#[test]
fn attributes_are_those_of_the_call_and_no_others() {
    let item = |name: &str, value: &str| format!(r#"{{"Name":"{name}","Value":"{value}"}}"#);
    let (age, email) = (item("age", "7"), item("email", "a@example.com"));
    for attributes in [
        format!(r#","Attributes":[{age}]"#),
        String::new(),
        format!(
            r#","Attributes":[{age},{}]"#,
            item("email", "evil@example.com")
        ),
        format!(r#","Attributes":[{age},{email},{}]"#, item("role", "admin")),
        format!(r#","Attributes":[{age},{email},{email}]"#),
        format!(r#","Attributes":[{age},{email},{}]"#, item("name", "alice")),
        format!(
            r#","Attributes":[{age},{{"Name":"email","Value":"a@example.com","Verified":true}}]"#
        ),
        format!(r#","Attributes":[{{"Name":"age","Value":7}},{email}]"#),
        format!(r#","Attributes":[{age},{email},null]"#),
        r#","Attributes":{"age":"7","email":"a@example.com"}"#.to_owned(),
        r#","Attributes":null"#.to_owned(),
    ] {
        assert_eq!(
            judged(&alice(), &with(&attributes)),
            Err("binding"),
            "{attributes}"
        );
    }
    let bare = Call::new(CREATE).about(argument("name"), "alice");
    assert_eq!(judged(&bare, &with("")), Ok(()));
    assert_eq!(judged(&bare, &with(r#","Attributes":[]"#)), Ok(()));
    assert_eq!(
        judged(&bare, &with(&format!(r#","Attributes":[{age}]"#))),
        Err("binding")
    );
}

#[test]
fn nobody_is_told_unless_the_call_asks_for_it() {
    let told = r#","Mediums":["EMAIL"]"#;
    let quiet = alice();
    assert_eq!(judged(&quiet, ATTRIBUTES), Err("binding"), "nothing said");
    for word in ["\"RESEND\"", "null", "[\"SUPPRESS\"]", "\"suppress\""] {
        let members = format!(r#","Message":{word}{ATTRIBUTES}"#);
        assert_eq!(judged(&quiet, &members), Err("binding"), "{word}");
    }
    assert_eq!(
        judged(&quiet, &format!("{told}{}", with(ATTRIBUTES))),
        Err("member")
    );

    let invited = quiet.about(argument("invite"), "true");
    assert_eq!(judged(&invited, &format!("{told}{ATTRIBUTES}")), Ok(()));
    assert_eq!(judged(&invited, &with(ATTRIBUTES)), Err("member"));
    for mediums in [r#"["SMS"]"#, r#"["EMAIL","SMS"]"#, r#""EMAIL""#, "[]"] {
        let members = format!(r#","Mediums":{mediums}{ATTRIBUTES}"#);
        assert_eq!(judged(&invited, &members), Err("binding"), "{mediums}");
    }
    for word in ["false", "TRUE", ""] {
        let not_asked = alice().about(argument("invite"), word);
        assert_eq!(judged(&not_asked, &with(ATTRIBUTES)), Ok(()), "{word}");
    }
}

#[test]
fn a_call_that_reads_changes_nothing_whatever_the_record_says() {
    for (function, passes) in [
        (LIST, false),
        ("sync.get-resource", false),
        ("sync.estimate", false),
        ("provisioning.check-account", false),
        ("actions.invoke", false),
        ("describe.describe", false),
        (GRANT, true),
        ("provisioning.revoke", true),
        (CREATE, true),
        ("provisioning.delete-account", true),
        (INVITE, true),
    ] {
        let operations = vec![operation("Any", Access::Change, &[function], Vec::new())];
        let wire = wire(Protocol::AwsJson("Directory".to_owned()), operations);
        let policy = Policy::new(&wire, &settings(), None, true).unwrap();
        let result = policy.judge(
            Some(&Call::new(function)),
            &request(HOST, "Any", &[]),
            b"{}",
        );
        let rule = result.map(drop).map_err(|denied| denied.rule());
        let expected = if passes { Ok(()) } else { Err("reading-call") };
        assert_eq!(rule, expected, "{function}");
    }
}

#[test]
fn a_number_or_truth_value_may_stand_for_its_text_and_nothing_else() {
    let operations = vec![operation(
        "Any",
        Access::Read,
        &[LIST],
        vec![binding("/deep/0/value", argument("value"))],
    )];
    let mut wire = wire(Protocol::AwsJson("Directory".to_owned()), operations);
    let judge = |wire: &Wire, text: &str, json: &str| {
        let policy = Policy::new(wire, &settings(), None, false).unwrap();
        let call = Call::new(LIST).about(argument("value"), text);
        let body = format!(r#"{{"deep":[{{"value":{json}}}]}}"#);
        policy
            .judge(Some(&call), &request(HOST, "Any", &[]), body.as_bytes())
            .map(drop)
            .map_err(|denied| denied.rule())
    };
    // A binding below a member does not free the member.
    assert_eq!(judge(&wire, "5", "5"), Err("member"));
    for operation in &mut wire.operations {
        operation.members = vec!["deep".to_owned()];
    }
    for (text, json) in [("5", "5"), ("5", "\"5\""), ("true", "true"), ("-1", "-1")] {
        assert_eq!(judge(&wire, text, json), Ok(()), "{json}");
    }
    for (text, json) in [
        ("5", "5.0"),
        ("5", "05e0"),
        ("null", "null"),
        ("5", "[5]"),
        ("true", "\"True\""),
        ("[]", "[]"),
        ("{}", "{}"),
    ] {
        assert!(judge(&wire, text, json).is_err(), "{json}");
    }
}

/// `GET /items` with a free and a bound parameter, and `POST /items`.
fn http(
    method: &str,
    target: &str,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<(), &'static str> {
    let route = |method: &str| {
        Some(Route {
            method: method.to_owned(),
            path: "/items".to_owned(),
        })
    };
    let mut get = operation(
        "get",
        Access::Read,
        &[LIST],
        vec![binding("?owner", BindingSource::Principal)],
    );
    get.route = route("GET");
    get.members = vec!["?cursor".to_owned(), "cursor".to_owned()];
    let mut post = operation(
        "post",
        Access::Read,
        &[LIST],
        vec![binding("/a~1b~0", BindingSource::Principal)],
    );
    post.route = route("POST");
    let policy = Policy::new(
        &wire(Protocol::Http, vec![get, post]),
        &settings(),
        None,
        false,
    )
    .unwrap();
    let call = Call::new(LIST).about(BindingSource::Principal, "alice b");
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("https://idp.eu-west-1.example.com{target}"));
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    let (request, ()) = request.body(()).unwrap().into_parts();
    policy
        .judge(Some(&call), &request, body)
        .map(drop)
        .map_err(|denied| denied.rule())
}

#[test]
fn a_query_carries_what_is_bound_and_what_is_named() {
    let get = |target: &str| http("GET", target, None, b"");
    assert_eq!(get("/items?owner=alice%20b"), Ok(()));
    assert_eq!(get("/items?cursor=a%2Fb&owner=alice%20b&cursor=c"), Ok(()));
    for (target, rule) in [
        ("/items", "binding"),
        ("/items?", "binding"),
        ("/items?owner", "binding"),
        ("/items?owner=bob", "binding"),
        ("/items?owner=alice+b", "binding"),
        ("/items?owner=alice%20b&owner=alice%20b", "binding"),
        ("/items?owner=%61lice%20b", "binding"),
        ("/items?owner=alice%20b&force=true", "member"),
        ("/items?owner=alice%20b&Cursor=1", "member"),
        ("/items?owner=alice%20b&cursor=1;force=true", "body"),
        ("/items?owner=alice%20b&&", "body"),
        ("/items?owner=alice%20b&c%75rsor=1", "body"),
        ("/items?owner=alice%20b&=1", "body"),
    ] {
        assert_eq!(get(target), Err(rule), "{target}");
    }
    let smuggled = http(
        "GET",
        "/items?owner=alice%20b",
        Some("application/json"),
        br#"{"owner":"bob"}"#,
    );
    assert_eq!(smuggled, Err("member"));
    let no_parameter = http(
        "GET",
        "/items?owner=alice%20b",
        Some("application/json"),
        br#"{"?cursor":1}"#,
    );
    assert_eq!(no_parameter, Err("member"));
}

#[test]
fn a_body_is_read_by_the_host_as_by_the_server() {
    let post = |content_type: Option<&str>, body: &str| {
        http("POST", "/items", content_type, body.as_bytes())
    };
    let body = r#"{"a/b~":"alice b"}"#;
    for content_type in [
        "application/json",
        "Application/SCIM+JSON; charset=UTF-8",
        "application/json;charset=\"utf-8\"",
    ] {
        assert_eq!(post(Some(content_type), body), Ok(()), "{content_type}");
    }
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json; charset=utf-16"),
        Some("application/jsonlines"),
        Some("text/x+json"),
    ] {
        assert_eq!(post(content_type, body), Err("body"), "{content_type:?}");
    }
    let json = Some("application/json");
    for (body, rule) in [
        ("", "binding"),
        ("{}", "binding"),
        (r#"[{"a/b~":"alice b"}]"#, "body"),
        (r#"{"a/b~":"alice b","a/b~":"alice b"}"#, "body"),
        (r#"{"a/b~":"alice b","x":1}"#, "member"),
        (r#"{"a":{"b~":"alice b"}}"#, "member"),
    ] {
        assert_eq!(post(json, body), Err(rule), "{body}");
    }
}

#[test]
fn a_constant_in_a_query_is_that_text() {
    let mut get = operation(
        "get",
        Access::Read,
        &[LIST],
        vec![binding(
            "?view",
            BindingSource::Constant("\"short\"".to_owned()),
        )],
    );
    get.route = Some(Route {
        method: "GET".to_owned(),
        path: "/items".to_owned(),
    });
    let wire = wire(Protocol::Http, vec![get]);
    let policy = Policy::new(&wire, &settings(), None, false).unwrap();
    let judge = |query: &str| {
        let uri = format!("https://idp.eu-west-1.example.com/items{query}");
        let (request, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
        let judged = policy.judge(Some(&Call::new(LIST)), &request, b"");
        judged.map(drop).map_err(|denied| denied.rule())
    };
    assert_eq!(judge("?view=short"), Ok(()));
    for other in [
        "",
        "?view=",
        "?view=%22short%22",
        "?view=full",
        "?view=short&view=short",
    ] {
        assert_eq!(judge(other), Err("binding"), "{other}");
    }
}

#[test]
fn what_a_member_must_be_is_told_in_words_and_never_as_a_value() {
    let call = Call::new(LIST)
        .about(argument("name"), "alice")
        .about(BindingSource::Resource, "bob")
        .about(BindingSource::Principal, "carol");
    let list = NamedArguments {
        name_member: "Name".to_owned(),
        value_member: "Value".to_owned(),
        except: Vec::new(),
    };
    for (source, words) in [
        (
            BindingSource::Setting("pool".to_owned()),
            "the setting pool of this call",
        ),
        (BindingSource::Resource, "the resource of this call"),
        (BindingSource::Principal, "the principal of this call"),
        (argument("name"), "the argument name of this call"),
        (
            BindingSource::Constant("\"SUPPRESS\"".to_owned()),
            "\"SUPPRESS\"",
        ),
        (
            BindingSource::NamedArguments(list),
            "the list of this call's arguments",
        ),
    ] {
        let bound = vec![binding("/Member", source)];
        let wire = wire(
            Protocol::AwsJson("Directory".to_owned()),
            vec![operation("List", Access::Read, &[LIST], bound)],
        );
        let policy = Policy::new(&wire, &settings(), None, false).unwrap();
        let body = br#"{"Member":"something else"}"#;
        let denied = policy
            .judge(Some(&call), &request(HOST, "List", &[]), body)
            .unwrap_err();
        let message = format!("operation List refused: its /Member is not {words}");
        assert_eq!(denied.to_string(), message);
    }
}
