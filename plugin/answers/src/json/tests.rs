//! What this reader takes and refuses, held against `serde_json`.

use super::*;
use crate::model::{Attribute, Member, Page, User, UserPage};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

/// Any value, stepped over.
struct Skipped;

impl FromJson for Skipped {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.skip().map(|()| Self)
    }
}

/// Any value, built up.
struct Built(Value);

impl FromJson for Built {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self(match reader.peek()? {
            b'{' => {
                let mut members = Map::new();
                let mut progress = reader.object()?;
                while let Some(name) = reader.name(&mut progress)? {
                    let name = String::from_utf8(name.into_owned()).unwrap();
                    members.insert(name, Self::read(reader)?.0);
                }
                Value::Object(members)
            }
            b'[' => Value::Array(
                Vec::read(reader)?
                    .into_iter()
                    .map(|Self(item)| item)
                    .collect(),
            ),
            b'"' => Value::String(reader.string()?),
            b't' | b'f' => Value::Bool(reader.boolean()?),
            b'n' => reader.null().map(|_| Value::Null)?,
            _ => serde_json::from_slice(reader.raw()?).map_err(|_| Fault::NotJson)?,
        }))
    }
}

/// A page of users as `serde` reads it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Model<T> {
    users: Vec<T>,
    #[serde(default, alias = "NextToken")]
    pagination_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModelOfMember {
    username: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModelOfUser {
    username: String,
    #[serde(default, alias = "UserAttributes")]
    attributes: Option<Vec<ModelOfAttribute>>,
    enabled: Option<bool>,
    user_status: Option<String>,
    #[serde(default, rename = "UserCreateDate")]
    _created: IgnoredAny,
    #[serde(default, rename = "UserLastModifiedDate")]
    _modified: IgnoredAny,
    #[serde(default, rename = "UserLastAuthenticationDate")]
    _authenticated: IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModelOfAttribute {
    name: String,
    value: Option<String>,
}

fn page() -> String {
    json!({
        "Users": [
            {
                "Username": "alice",
                "Attributes": [
                    {"Name": "email", "Value": "alice@example.com"},
                    {"Name": "custom:r\u{f4}le \"x\"", "Value": "営業部 \\ \u{1f600}\t"},
                    {"Name": "identities", "Value": "[{\"userId\":\"a\",\"issuer\":null}]"},
                    {"Name": "empty"},
                ],
                "UserCreateDate": 1_739_529_618.102,
                "UserLastModifiedDate": 1.7e9,
                "Enabled": true,
                "UserStatus": "CONFIRMED",
                "MFAOptions": [{"DeliveryMedium": "SMS", "Depth": [[], {}, [{}], -0.5e-7, false]}],
            },
            {"Username": "أليس", "Enabled": null, "Attributes": null},
        ],
        "PaginationToken": "a/b+c==",
    })
    .to_string()
    // What serde_json never writes.
    .replace("/b", "\\/b\\u0041\\ud83d\\ude00")
}

/// Damages a text, mostly in one place.
fn damaged(text: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    const PIECES: &[&str] = &[
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "0",
        "-",
        ".",
        "e",
        "+",
        " ",
        "\n",
        "\u{b}",
        "\u{0}",
        "\u{7f}",
        "é",
        "null",
        "true",
        "\\u",
        "\\ud800",
        "\\udc00",
        "\\u00e9",
        "{}",
        "[]",
        "\"\"",
        "1e999",
        "00",
        "\"Username\":\"b\",",
        "\"Users\":[],",
        "\"Enabled\":1,",
    ];
    let mut text = text.to_vec();
    for _ in 0..=random.u8(..3) / 2 {
        let at = random.usize(..=text.len());
        let to = (at + random.usize(..6)).min(text.len());
        match random.u8(..6) {
            0 => text.truncate(at),
            1 => drop(text.drain(at..to)),
            2 => {
                let piece = PIECES[random.usize(..PIECES.len())];
                text.splice(at..at, piece.bytes());
            }
            3 => {
                let piece = PIECES[random.usize(..PIECES.len())];
                text.splice(at..to, piece.bytes());
            }
            4 => text.splice(at..at, [random.u8(..)]).for_each(drop),
            _ => {
                let copied = text[at..to].to_vec();
                let elsewhere = random.usize(..=text.len());
                text.splice(elsewhere..elsewhere, copied);
            }
        }
    }
    text
}

fn texts(seed: u64, count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let page = page();
    (0..count).map(move |_| damaged(page.as_bytes(), &mut random))
}

#[test]
fn what_is_stepped_over_is_checked_like_what_is_read() {
    let mut accepted = 0;
    for text in texts(1, 60_000) {
        let shown = String::from_utf8_lossy(&text);
        let skipped = parse::<Skipped>(&text).is_ok();
        // The one of them reads bytes that are not UTF-8 where it builds nothing.
        let valid = std::str::from_utf8(&text)
            .is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
        assert_eq!(skipped, valid, "{shown}");
        accepted += usize::from(valid);
    }
    assert!((10_000..50_000).contains(&accepted), "{accepted}");
}

#[test]
fn what_is_read_is_what_serde_json_reads() {
    for text in texts(2, 40_000) {
        let shown = String::from_utf8_lossy(&text);
        let built = parse::<Built>(&text).ok().map(|Built(value)| value);
        assert_eq!(built, serde_json::from_slice(&text).ok(), "{shown}");
    }
}

#[test]
fn pages_of_users_and_of_members_are_those_of_the_model() {
    for text in texts(3, 40_000) {
        let shown = String::from_utf8_lossy(&text);
        let utf8 = std::str::from_utf8(&text).ok();
        let users = utf8.and_then(|text| serde_json::from_str::<Model<ModelOfUser>>(text).ok());
        let read = parse::<UserPage<User>>(&text).map(Page::from);
        let strict = |name: &str, token: Option<&str>| !name.is_empty() && token != Some("");
        match (read, users) {
            (Ok(page), Some(model)) => {
                assert_eq!(page.next, model.pagination_token, "{shown}");
                assert_eq!(page.items.len(), model.users.len(), "{shown}");
                for (user, model) in page.items.iter().zip(model.users) {
                    assert_eq!(user.username, model.username, "{shown}");
                    assert_eq!(user.enabled, model.enabled, "{shown}");
                    assert_eq!(user.user_status, model.user_status, "{shown}");
                    let expected: Vec<Attribute> = model
                        .attributes
                        .unwrap_or_default()
                        .into_iter()
                        .map(|ModelOfAttribute { name, value }| Attribute { name, value })
                        .collect();
                    assert_eq!(user.attributes, expected, "{shown}");
                }
            }
            (Err(_), None) => {}
            (Err((fault, _)), Some(model)) => assert!(
                matches!(fault, Fault::Empty(_))
                    && !model
                        .users
                        .iter()
                        .all(|user| strict(&user.username, model.pagination_token.as_deref())),
                "{fault:?}: {shown}"
            ),
            (Ok(_), None) => panic!("accepted: {shown}"),
        }
        let members = utf8.and_then(|text| serde_json::from_str::<Model<ModelOfMember>>(text).ok());
        let read = parse::<UserPage<Member>>(&text).map(Page::from);
        match (read, members) {
            (Ok(page), Some(model)) => {
                let names = |page: Page<Member>| -> Vec<String> {
                    page.items.into_iter().map(|m| m.username).collect()
                };
                assert_eq!(page.next, model.pagination_token, "{shown}");
                let expected: Vec<String> = model.users.into_iter().map(|m| m.username).collect();
                assert_eq!(names(page), expected, "{shown}");
            }
            (Err(_), None) | (Err((Fault::Empty(_), _)), Some(_)) => {}
            (read, model) => panic!("{read:?} {model:?}: {shown}"),
        }
    }
}

#[test]
fn a_page_cut_off_anywhere_ends_early() {
    let page = page();
    parse::<UserPage<User>>(page.as_bytes()).unwrap();
    for end in 0..page.len() {
        let cut = &page.as_bytes()[..end];
        let fault = |fault: (Fault, usize)| fault.0;
        let early = Some(Fault::EndsEarly);
        assert_eq!(parse::<Skipped>(cut).err().map(fault), early, "{end}");
        let users = parse::<UserPage<User>>(cut).err().map(fault);
        // The cut may go through a character of several bytes.
        assert!(users == early || users == Some(Fault::NotUtf8), "{end}");
        let members = parse::<UserPage<Member>>(cut).err().map(fault);
        assert!(members == early || members == Some(Fault::NotUtf8), "{end}");
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_found_wherever_they_stand() {
    let page = page();
    for at in 0..=page.len() {
        for broken in [
            &b"\xff"[..],
            b"\xc3",
            b"\xed\xa0\x80",
            b"\xf8\x88\x80\x80\x80",
        ] {
            let mut text = page.clone().into_bytes();
            text.splice(at..at, broken.iter().copied());
            let fault = parse::<UserPage<Member>>(&text).map(drop).unwrap_err().0;
            // A backslash before it or a digit of an escape make it no JSON either.
            assert_eq!(fault, Fault::NotUtf8, "{}", String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn every_ascii_character_in_a_string_is_read_or_refused_wherever_its_block_ends() {
    for byte in 0..0x80 {
        for before in 0..20 {
            let text = format!("\"{}{}é\"", "x".repeat(before), char::from(byte));
            let expected = serde_json::from_str::<String>(&text).ok();
            assert_eq!(parse(text.as_bytes()).ok(), expected, "{text:?}");
        }
    }
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse::<Skipped>(nested(63).as_bytes()).is_ok());
    for depth in [64, 65, 128, 1_000_000] {
        let refused = parse::<Skipped>(nested(depth).as_bytes()).map(drop);
        assert_eq!(refused, Err((Fault::NotJson, 64)), "{depth}");
    }
}

#[test]
fn a_place_is_told_by_line_and_column() {
    assert_eq!(place(b"{\n  x", 5), (2, 3));
    assert_eq!(place(b"x", 0), (1, 1));
    assert_eq!(place(b"{}", 9), (1, 2));
}

#[test]
fn whole_numbers_are_those_that_serde_json_takes() {
    for text in [
        "0",
        "-0",
        "1",
        "-1",
        "01",
        "1.0",
        "1e3",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "\"1\"",
        "null",
        "-",
        "true",
    ] {
        let expected = serde_json::from_str::<i64>(text).ok();
        assert_eq!(parse(text.as_bytes()).ok(), expected, "{text}");
    }
}

#[test]
fn what_is_written_is_what_serde_json_writes() {
    for name in ["a", "", "é\u{1f600}\"", "\\\u{7f}\u{85}/"] {
        let value: String = (0..0x24).filter_map(char::from_u32).collect::<String>() + name;
        let mut json = Writer::object();
        json.text("Left out", None);
        json.text(name, Some(&value));
        json.number("n", Some(-5));
        json.list("t", &[name], |json, text| json.quoted(text));
        json.list("none", &[] as &[u8], |_, _| {});
        json.list("o", &[1, 2], |json, _| {
            json.texts(&[("a", &value), ("b", "")])
        });
        let object = json!({"a": value, "b": ""});
        let expected = json!({
            name: value, "n": -5, "t": [name], "none": [], "o": [object, object],
        });
        assert_eq!(json.finish(), expected.to_string());
    }
    assert_eq!(Writer::object().finish(), "{}");
}
