use super::*;

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn record(template: &str) -> Vec<description::Origin> {
    vec![description::Origin {
        template: template.to_owned(),
        when: None,
    }]
}

#[test]
fn spellings_of_one_place_are_one_origin() {
    let expected = Origin::parse("https://example.com").unwrap();
    for text in [
        "https://example.com/",
        "HTTPS://EXAMPLE.com",
        "https://example.com.",
        "https://example.com:443",
        "https://example.com:0443",
        "https://Example.COM.:443/",
    ] {
        assert_eq!(Origin::parse(text).unwrap(), expected, "{text}");
    }
    for text in [
        "http://example.com",
        "https://example.com:444",
        "https://example.org",
    ] {
        assert_ne!(Origin::parse(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn addresses_are_origins_in_their_canonical_spelling() {
    for (text, shown) in [
        ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:4566", "http://[::1]:4566"),
        ("https://[2001:DB8:0:0::1]", "https://[2001:db8::1]"),
        ("http://localhost:9229", "http://localhost:9229"),
        ("http://fake_pool:9229", "http://fake_pool:9229"),
    ] {
        assert_eq!(Origin::parse(text).unwrap().to_string(), shown);
    }
}

#[test]
fn what_is_more_than_an_origin_is_refused_by_the_name_of_what_is_too_much() {
    for (text, part) in [
        ("https://example.com/path", "path"),
        ("https://example.com//", "path"),
        ("https://example.com\\@evil.com", "path"),
        ("https://example.com?x=1", "query"),
        ("https://example.com#x", "fragment"),
    ] {
        match Origin::parse(text) {
            Err(OriginError::Extra { part: found, .. }) => assert_eq!(found, part, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn what_has_no_scheme_or_a_foreign_one_is_refused() {
    for text in [
        "",
        "example.com",
        "localhost:4566",
        "ftp://example.com",
        "//example.com",
        "file:///etc",
    ] {
        assert!(
            matches!(Origin::parse(text), Err(OriginError::Scheme(_))),
            "{text}"
        );
    }
}

#[test]
fn a_misleading_authority_is_refused() {
    let long_label = format!("https://{}.com", "a".repeat(64));
    let long_name = format!("https://{}com", "abcdefgh.".repeat(30));
    for text in [
        "https://",
        "https://:443",
        "https://.",
        "https://user@example.com",
        "https://user:secret@example.com",
        "https://example.com@evil.com",
        "https://example.com:",
        "https://example.com:99999",
        "https://example.com:65536",
        "https://example.com:0",
        "https://example.com:+443",
        "https://example.com:44 3",
        "https://example.com:443:443",
        "https://example..com",
        "https://.example.com",
        "https://example.com..",
        "https://-example.com",
        "https://example-.com",
        "https://exa mple.com",
        "https://exa%6dple.com",
        "https://example.com%00",
        "https://*.example.com",
        "https://*",
        "https://bücher.example",
        "https://example。com",
        "https://127.1",
        "https://2130706433",
        "https://0x7f.0.0.1",
        "https://0x7f000001",
        "https://0177.0.0.1",
        "https://127.0.0.01",
        "https://1.2.3.4.",
        "https://1.2.3.4.5",
        "https://example.123",
        "https://::1",
        "https://[::1",
        "https://[::1]x",
        "https://[::1]:",
        "https://[fe80::1%25eth0]",
        "https://[fe80::1%eth0]",
        "https://[127.0.0.1]",
        "https://[]",
        long_label.as_str(),
        long_name.as_str(),
    ] {
        assert!(
            matches!(Origin::parse(text), Err(OriginError::Authority { .. })),
            "{text}: {:?}",
            Origin::parse(text)
        );
    }
}

#[test]
fn a_password_is_not_repeated_in_the_message() {
    let message = Origin::parse("https://user:hunter2@example.com")
        .unwrap_err()
        .to_string();
    assert!(!message.contains("hunter2"), "{message}");
    assert!(message.contains("user name and password"), "{message}");
}

#[test]
fn a_mistake_in_an_ipv6_address_is_named() {
    for (text, word) in [
        ("https://[fe80::1%eth0]", "zone"),
        ("https://::1", "square brackets"),
        ("https://fe80::1:443", "square brackets"),
    ] {
        let message = Origin::parse(text).unwrap_err().to_string();
        assert!(message.contains(word), "{text}: {message}");
    }
}

#[test]
fn a_name_is_as_long_as_dns_lets_it_be() {
    let longest = format!("{}.{}", "a".repeat(63), "abcdefg.".repeat(23) + "abcde");
    assert_eq!(longest.len(), 253);
    for (text, is_a_name) in [
        (longest.clone(), true),
        (format!("{longest}."), true),
        (format!("{longest}a"), false),
        (format!("{}.com", "a".repeat(64)), false),
    ] {
        let parsed = Origin::parse(&format!("https://{text}"));
        assert_eq!(parsed.is_ok(), is_a_name, "{text}: {parsed:?}");
    }
}

#[test]
fn the_port_is_that_of_the_scheme_unless_another_one_is_named() {
    for (text, port) in [
        ("https://example.com", 443),
        ("http://example.com", 80),
        ("https://example.com:8443", 8443),
        ("https://[::1]:65535", 65535),
    ] {
        assert_eq!(Origin::parse(text).unwrap().port(), port, "{text}");
    }
}

#[test]
fn a_message_is_one_bounded_line() {
    let text = format!("https://\u{1b}[2J\n{}", "x".repeat(10_000));
    let message = Origin::parse(&text).unwrap_err().to_string();
    assert!(message.len() < 400, "{}", message.len());
    assert!(!message.contains('\u{1b}') && !message.contains('\n'));
}

#[test]
fn a_request_is_read_by_the_same_rules_as_an_endpoint() {
    let ask = |text: &str| {
        text.parse::<http::Uri>()
            .map(|uri| Origin::of_request(&uri))
    };
    let expected = Origin::parse("https://example.com").unwrap();
    for text in ["https://example.com/a?b", "https://Example.COM.:0443/"] {
        assert_eq!(ask(text).unwrap().unwrap(), expected, "{text}");
    }
    for text in [
        "https://user:pw@example.com/",
        "https://example.com:99999/",
        "https://example.com:/",
        "https://[fe80::1%25eth0]/",
        "https://127.1/",
        "https://2130706433/",
        "ftp://example.com/",
        "/only/a/path",
    ] {
        if let Ok(judged) = ask(text) {
            assert!(judged.is_err(), "{text}: {judged:?}");
        }
    }
}

#[test]
fn a_template_takes_settings_as_single_labels() {
    let origins = record("https://idp.{region}.example.com:8443");
    let origin = Origin::of_record(&origins, &settings(&[("region", "eu-west-1")])).unwrap();
    assert_eq!(origin.to_string(), "https://idp.eu-west-1.example.com:8443");
}

#[test]
fn a_setting_cannot_leave_its_place_in_the_host() {
    let origins = record("https://idp.{region}.example.com");
    for value in [
        "",
        "evil.com/",
        "evil.com#",
        "evil.com?",
        "a.b",
        "a@b",
        "a:1",
        "-a",
        "a-",
        "A",
        "a b",
        "a\u{0}",
        "ä",
        "%2e",
        "{region}",
        "}",
        &"a".repeat(64),
    ] {
        let result = Origin::of_record(&origins, &settings(&[("region", value)]));
        assert!(
            matches!(result, Err(OriginError::SettingShape { .. })),
            "{value:?}: {result:?}"
        );
    }
    assert!(matches!(
        Origin::of_record(&origins, &settings(&[])),
        Err(OriginError::MissingSetting { .. })
    ));
}

#[test]
fn a_malformed_template_is_blamed_on_the_record() {
    for template in [
        "http://idp.example.com",
        "idp.example.com",
        "{region}://example.com",
        "{region}",
        "https://{region",
        "https://region}",
        "https://idp.example.com/path",
        "https://idp.example.com:{region}{",
        "https://u@idp.example.com",
    ] {
        let result = Origin::of_record(&record(template), &settings(&[("region", "x")]));
        assert!(
            matches!(result, Err(OriginError::Template { .. })),
            "{template}: {result:?}"
        );
    }
}

#[test]
fn the_first_origin_whose_condition_holds_is_meant() {
    let condition = |prefix: &str| {
        Some(description::OriginCondition {
            setting: "region".to_owned(),
            prefixes: vec![prefix.to_owned()],
        })
    };
    let mut origins = vec![
        description::Origin {
            template: "https://{region}.example.cn".to_owned(),
            when: condition("cn-"),
        },
        description::Origin {
            template: "https://{region}.example.com".to_owned(),
            when: None,
        },
    ];
    let of = |origins: &[description::Origin], region| {
        Origin::of_record(origins, &settings(&[("region", region)])).map(|o| o.to_string())
    };
    assert_eq!(
        of(&origins, "cn-north-1").unwrap(),
        "https://cn-north-1.example.cn"
    );
    assert_eq!(
        of(&origins, "eu-west-1").unwrap(),
        "https://eu-west-1.example.com"
    );
    origins.pop();
    assert!(matches!(
        of(&origins, "eu-west-1"),
        Err(OriginError::NoneApplies(_))
    ));
    assert!(matches!(
        of(&[], "eu-west-1"),
        Err(OriginError::NoneApplies(_))
    ));
}

#[test]
fn a_template_of_a_stranger_names_a_place_of_the_internet() {
    for (template, settings) in [
        ("https://api.example.com", &[][..]),
        ("https://{tenant}.example.com", &["tenant"]),
        ("https://{a}-{b}.eu.example.com:8443", &["a", "b"]),
        ("https://8.8.8.8", &[]),
    ] {
        assert_eq!(Origin::check_template(template).unwrap(), settings);
    }
    for (template, reason) in [
        ("http://api.example.com", "must begin with https://"),
        ("api.example.com", "must begin with https://"),
        ("https://*.example.com", "no host name has"),
        ("https://user:pw@api.example.com", "user name and password"),
        ("https://{tenant}@evil.example", "user name and password"),
        ("https://api.example.com/path", "only scheme, host and port"),
        (
            "https://api.example.com?x={tenant}",
            "only scheme, host and port",
        ),
        ("https://169.254.169.254", "not one of the internet"),
        (
            "https://[::ffff:169.254.169.254]",
            "not one of the internet",
        ),
        ("https://[fd00:ec2::254]", "not one of the internet"),
        ("https://10.0.0.1", "not one of the internet"),
        ("https://127.0.0.1", "not one of the internet"),
        ("https://2130706433", "four decimal numbers"),
        ("https://0x7f.1", "four decimal numbers"),
        ("https://localhost", "without a dot"),
        ("https://metadata.google.internal", "of your own network"),
        ("https://printer.local.", "of your own network"),
        ("https://{host}", "without a dot"),
        ("https://api.{domain}", "must be fixed"),
        ("https://api.{domain}.com", "must be fixed"),
        ("https://x{domain}.com", "must be fixed"),
        ("https://api.example.com:{port}", "the port is not a number"),
        ("{scheme}://api.example.com", "before the host"),
        ("https://{tenant.example.com", "not closed"),
        ("https://tenant}.example.com", "not opened"),
        ("", "must begin with https://"),
    ] {
        let refused = Origin::check_template(template).unwrap_err().to_string();
        assert!(refused.contains(reason), "{template}: {refused}");
    }
}
