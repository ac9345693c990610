//! What a request's body says, read so that it cannot say two things.
//!
//! JSON parsers disagree about a key that stands twice: some take the first, some the
//! last. A body with a duplicate key is refused, at any depth, so that the member that
//! was compared is the member that the server reads.

use std::fmt;

use serde_json::Value;
use serde_json::map::Map;

/// Why a body is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It is not JSON.
    NotJson,
    /// A key stands twice in one object.
    DuplicateKey,
}

/// What tells the visitor's refusal from a syntax error.
const DUPLICATE: &str = "duplicate key";

/// Parses a body of one JSON value without duplicate keys.
pub(super) fn parse(body: &[u8]) -> Result<Value, BodyError> {
    serde_json::from_slice::<Unambiguous>(body)
        .map(|Unambiguous(value)| value)
        .map_err(|error| {
            if error.to_string().starts_with(DUPLICATE) {
                BodyError::DuplicateKey
            } else {
                BodyError::NotJson
            }
        })
}

struct Unambiguous(Value);

impl<'de> serde::Deserialize<'de> for Unambiguous {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor).map(Self)
    }
}

struct Visitor;

impl<'de> serde::de::Visitor<'de> for Visitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Unambiguous(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let Unambiguous(value) = map.next_value()?;
            if members.insert(key, value).is_some() {
                return Err(serde::de::Error::custom(DUPLICATE));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_honest_body_is_read_as_it_is() {
        let text = r#"{"a":{"b":[1,-2,0.5,true,null,"x"]},"c":{"b":18446744073709551615}}"#;
        assert_eq!(
            parse(text.as_bytes()).unwrap(),
            serde_json::from_str::<Value>(text).unwrap()
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_at_any_depth_and_in_any_escape() {
        for text in [
            r#"{"Pool":"a","Pool":"a"}"#,
            r#"{"Pool":"a","\u0050ool":"b"}"#,
            r#"{"x":{"Pool":1,"Pool":2}}"#,
            r#"{"x":[{"Pool":1,"y":2,"Pool":null}]}"#,
            r#"{"":1,"":2}"#,
        ] {
            assert_eq!(
                parse(text.as_bytes()),
                Err(BodyError::DuplicateKey),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_exactly_one_json_value_is_refused() {
        let deep = "[".repeat(10_000);
        for text in [
            "",
            "{}{}",
            "{} x",
            "{\"a\":1",
            "\u{feff}{}",
            "{'a':1}",
            "{\"a\":NaN}",
            deep.as_str(),
        ] {
            assert_eq!(
                parse(text.as_bytes()),
                Err(BodyError::NotJson),
                "{text:.20}"
            );
        }
        assert_eq!(parse(b"{\"a\":\"\xff\"}"), Err(BodyError::NotJson));
        let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(parse(&utf16), Err(BodyError::NotJson));
    }
}
