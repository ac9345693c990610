//! The parser of origins.
//!
//! Input: a line with an origin, a line with the value of a setting, a line with a template.
//!
//! Invariants: an origin that is accepted has one canonical spelling, which is read as
//! the same origin; it holds no user info, no zone, nothing that is not ASCII; its host is
//! no name that a system resolver reads as an address; the browser's own URL parser means
//! the same host and port by the same text; a request with this text is judged alike; and
//! a setting in a template is one label, which changes nothing else of the host; a
//! template that a stranger may ask for leads to the same two last labels with all settings.

#![no_main]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use connector_host::egress::Origin;
use connector_host::egress::address::AddressPolicy;
use connector_host::egress::origin::{Host, Scheme};
use connector_host::trust::description;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (text, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (setting, template) = rest.split_once('\n').unwrap_or((rest, ""));
    match Origin::parse(text) {
        Ok(origin) => check(text, &origin),
        Err(error) => {
            let message = error.to_string();
            assert!(!message.contains(char::is_control), "{message:?}");
            assert!(message.chars().count() < 2_000, "{message}");
        }
    }
    if let Ok(uri) = text.parse::<http::Uri>()
        && let Ok(asked) = Origin::of_request(&uri)
    {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let scheme = uri.scheme_str().unwrap_or_default();
        let named = Origin::parse(&format!("{scheme}://{authority}"));
        assert_eq!(named.as_ref(), Ok(&asked), "{text:?}");
    }
    check_setting(setting);
    check_template(template.trim_end_matches('\n'), setting);
});

fn check(text: &str, origin: &Origin) {
    let canonical = origin.to_string();
    let again = Origin::parse(&canonical);
    assert_eq!(again.as_ref(), Ok(origin), "{text:?} is {canonical}");
    let plain = |c: char| c.is_ascii_graphic() && !c.is_ascii_uppercase() && !"@%\\?#".contains(c);
    assert!(canonical.chars().all(plain), "{canonical:?}");

    let uri: http::Uri = match format!("{canonical}/").parse() {
        Ok(uri) => uri,
        Err(error) => panic!("{canonical} can't be sent: {error}"),
    };
    assert_eq!(Origin::of_request(&uri).as_ref(), Ok(origin));

    if let Host::Name(name) = origin.host() {
        assert_eq!(system_reads_address(name), None, "{name}");
        assert!(!name.ends_with('.') && name.len() <= 253, "{name}");
    }
    // It refuses malformed A-labels, which no DNS server has.
    let Ok(url) = url::Url::parse(text) else {
        return;
    };
    let host = match url.host() {
        Some(url::Host::Domain(name)) => {
            Host::Name(name.strip_suffix('.').unwrap_or(name).to_owned())
        }
        Some(url::Host::Ipv4(address)) => Host::Address(address.into()),
        Some(url::Host::Ipv6(address)) => Host::Address(address.into()),
        None => panic!("{text:?} has no host"),
    };
    assert_eq!(*origin.host(), host, "{text:?}");
    assert_eq!(Some(origin.port()), url.port_or_known_default(), "{text:?}");
}

/// What C libraries take for an address (`inet_aton`): one to four numbers, the last of
/// which fills the rest, each decimal, octal or hexadecimal.
fn system_reads_address(name: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = name.split('.').collect();
    let numbers: Vec<u64> = parts
        .iter()
        .map(|part| {
            let lower = part.to_ascii_lowercase();
            if let Some(digits) = lower.strip_prefix("0x") {
                u64::from_str_radix(if digits.is_empty() { "0" } else { digits }, 16).ok()
            } else if lower.len() > 1 && lower.starts_with('0') {
                u64::from_str_radix(&lower, 8).ok()
            } else {
                lower.parse().ok()
            }
        })
        .collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    if numbers.len() > 4 || first.iter().any(|number| *number > 255) {
        return None;
    }
    let room = 1u64 << (8 * (5 - numbers.len()));
    if *last >= room {
        return None;
    }
    let head = first.iter().enumerate().fold(0u64, |sum, (index, number)| {
        sum | number << (24 - 8 * index)
    });
    u32::try_from(head | last).ok().map(Ipv4Addr::from_bits)
}

fn check_setting(value: &str) {
    let origins = [description::Origin {
        template: "https://idp.{region}.example.com:8443".to_owned(),
        when: None,
    }];
    let settings = BTreeMap::from([("region".to_owned(), value.to_owned())]);
    let Ok(origin) = Origin::of_record(&origins, &settings) else {
        return;
    };
    let expected = format!("https://idp.{value}.example.com:8443");
    assert_eq!(origin.to_string(), expected);
    assert!(!value.is_empty() && !value.contains('.'), "{value:?}");
}

/// One that a stranger asks for.
fn check_template(template: &str, value: &str) {
    let Ok(names) = Origin::check_template(template) else {
        return;
    };
    let origins = [description::Origin {
        template: template.to_owned(),
        when: None,
    }];
    let with = |value: &str| {
        let settings: BTreeMap<_, _> = names
            .iter()
            .map(|name| (name.clone(), value.to_owned()))
            .collect();
        Origin::of_record(&origins, &settings)
    };
    let owner = |origin: &Origin| {
        let host = origin.host().to_string();
        let labels: Vec<_> = host.rsplit('.').take(2).map(str::to_owned).collect();
        (origin.scheme(), origin.port(), labels)
    };
    let Ok(usual) = with("x") else {
        return;
    };
    assert_eq!(usual.scheme(), Scheme::Https);
    if let Ok(other) = with(value) {
        assert_eq!(owner(&other), owner(&usual), "{template}");
    }
    if let Host::Address(address) = usual.host() {
        let stranger = AddressPolicy {
            named_endpoint: false,
            plain_http: false,
        };
        assert_eq!(stranger.permits(*address), Ok(()), "{template}");
    }
}
