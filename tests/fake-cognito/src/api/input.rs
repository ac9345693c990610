//! Reading a request: presence, JSON types, lengths and patterns as the API's model states them.
//!
//! A value of the wrong JSON type is `SerializationException`, a value outside its constraint is
//! `InvalidParameterException` in the words of the service. Members that the model does not know
//! are ignored, as the service does.

use serde_json::{Map, Value};

use crate::answer::Refusal;
use crate::pool::is_pool_id;

/// The largest page of the four lists.
pub(crate) const PAGE_LIMIT: u64 = 60;
/// Usernames and group names.
const NAME_CHARACTERS: usize = 128;
const NAME_PATTERN: &str = r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+";
/// Attribute values.
const VALUE_CHARACTERS: usize = 2048;
const FILTER_CHARACTERS: usize = 256;

/// The members of a request.
#[derive(Debug)]
pub(crate) struct Input(Map<String, Value>);

fn serialization(message: impl Into<String>) -> Refusal {
    Refusal::front("SerializationException", message)
}

/// `userPoolId` for `UserPoolId`: the service names members in this form.
fn camel(member: &str) -> String {
    let mut letters = member.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(_) => "BOOLEAN_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}

/// Space, control and format characters are outside the pattern of names. Unassigned and private
/// characters, which are outside too, are let through: nobody has them by accident.
fn fits_name_pattern(name: &str) -> bool {
    let format_character = |c: char| {
        matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0001}'..='\u{e007f}')
    };
    name.chars()
        .all(|c| !c.is_whitespace() && !c.is_control() && !format_character(c))
}

impl Input {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(serialization(
                "Start of structure or map found where not expected.",
            )),
            Err(_) => Err(serialization(
                "The request body is not valid JSON in UTF-8.",
            )),
        }
    }

    /// An optional text; null counts as absent.
    pub(crate) fn text(&self, member: &str) -> Result<Option<&str>, Refusal> {
        match self.0.get(member) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(serialization(format!(
                "{} can not be converted to a String",
                json_type(other)
            ))),
        }
    }

    fn required(&self, member: &str) -> Result<&str, Refusal> {
        self.text(member)?.ok_or_else(|| {
            Refusal::constraint(&camel(member), Some("null"), "Member must not be null")
                .without_quotes_around_null()
        })
    }

    pub(crate) fn pool_id(&self) -> Result<&str, Refusal> {
        let id = self.required("UserPoolId")?;
        if id.len() > 55 {
            return Err(Refusal::constraint(
                "userPoolId",
                Some(id),
                "Member must have length less than or equal to 55",
            ));
        }
        if !is_pool_id(id) {
            return Err(Refusal::constraint(
                "userPoolId",
                Some(id),
                r"Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+",
            ));
        }
        Ok(id)
    }

    /// `Username` or `GroupName`. Usernames are sensitive, so a refusal does not repeat them.
    pub(crate) fn name(&self, member: &str) -> Result<&str, Refusal> {
        let name = self.required(member)?;
        if name.is_empty() {
            return Err(Refusal::constraint(
                &camel(member),
                None,
                "Member must have length greater than or equal to 1",
            ));
        }
        if name.chars().count() > NAME_CHARACTERS {
            return Err(Refusal::constraint(
                &camel(member),
                None,
                "Member must have length less than or equal to 128",
            ));
        }
        if !fits_name_pattern(name) {
            return Err(Refusal::constraint(
                &camel(member),
                None,
                &format!("Member must satisfy regular expression pattern: {NAME_PATTERN}"),
            ));
        }
        Ok(name)
    }

    /// `Limit`; zero is undocumented and taken as the default here.
    pub(crate) fn limit(&self) -> Result<u64, Refusal> {
        let value = match self.0.get("Limit") {
            None | Some(Value::Null) => return Ok(PAGE_LIMIT),
            Some(value) => value,
        };
        let Some(limit) = value.as_i64() else {
            return Err(serialization(format!(
                "{} can not be converted to an Integer",
                json_type(value)
            )));
        };
        let text = limit.to_string();
        match u64::try_from(limit) {
            Err(_) => Err(Refusal::constraint(
                "limit",
                Some(&text),
                "Member must have value greater than or equal to 0",
            )),
            Ok(limit) if limit > PAGE_LIMIT => Err(Refusal::constraint(
                "limit",
                Some(&text),
                "Member must have value less than or equal to 60",
            )),
            Ok(0) => Ok(PAGE_LIMIT),
            Ok(limit) => Ok(limit),
        }
    }

    pub(crate) fn filter(&self) -> Result<Option<&str>, Refusal> {
        let filter = self.text("Filter")?.filter(|filter| !filter.is_empty());
        if filter.is_some_and(|filter| filter.chars().count() > FILTER_CHARACTERS) {
            return Err(Refusal::constraint(
                "filter",
                None,
                "Member must have length less than or equal to 256",
            ));
        }
        Ok(filter)
    }

    /// A member that is true, false or absent.
    pub(crate) fn flag(&self, member: &str) -> Result<bool, Refusal> {
        match self.0.get(member) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(serialization(format!(
                "{} can not be converted to a Boolean",
                json_type(other)
            ))),
        }
    }

    /// A list of texts; absent is not the same as empty.
    pub(crate) fn texts(&self, member: &str) -> Result<Option<Vec<String>>, Refusal> {
        let items = match self.0.get(member) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(serialization("Expected list or null")),
        };
        let text = |item: &Value| {
            item.as_str().map(str::to_owned).ok_or_else(|| {
                serialization(format!(
                    "{} can not be converted to a String",
                    json_type(item)
                ))
            })
        };
        items.iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// `UserAttributes`: names with their values; an absent value is a blank.
    pub(crate) fn attributes(&self) -> Result<Vec<(String, String)>, Refusal> {
        let items = match self.0.get("UserAttributes") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(serialization("Expected list or null")),
        };
        let mut attributes = Vec::with_capacity(items.len());
        for (n, item) in (1..).zip(items) {
            let Value::Object(members) = item else {
                return Err(serialization("Expected structure"));
            };
            let members = Self(members.clone());
            let name = members.text("Name")?.unwrap_or_default();
            let value = members.text("Value")?.unwrap_or_default();
            if name.is_empty() || name.chars().count() > 32 {
                return Err(Refusal::constraint(
                    &format!("userAttributes.{n}.member.name"),
                    None,
                    "Member must have length between 1 and 32",
                ));
            }
            if value.chars().count() > VALUE_CHARACTERS {
                return Err(Refusal::constraint(
                    &format!("userAttributes.{n}.member.value"),
                    None,
                    "Member must have length less than or equal to 2048",
                ));
            }
            attributes.push((name.to_owned(), value.to_owned()));
        }
        Ok(attributes)
    }
}

impl Refusal {
    /// The service writes `Value null at`, but `Value '61' at`.
    fn without_quotes_around_null(mut self) -> Self {
        self.message = self.message.replace("'null'", "null");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_pattern_of_the_model() {
        for good in ["a", "佐藤", "a@b/c:d+e%f#", "é", "e\u{301}", "🚀", "सिंह"] {
            assert!(fits_name_pattern(good), "{good}");
        }
        for bad in ["a b", "\t", "a\u{200d}b", "a\u{a0}b", "\u{feff}a", "a\u{7}"] {
            assert!(!fits_name_pattern(bad), "{bad:?}");
        }
    }

    #[test]
    fn refusals_use_the_words_of_the_service() {
        let message = |body: &str| {
            Input::parse(body.as_bytes())
                .unwrap()
                .pool_id()
                .unwrap_err()
                .message
        };
        assert_eq!(
            message("{}"),
            "1 validation error detected: Value null at 'userPoolId' failed to satisfy constraint: Member must not be null"
        );
        assert!(message(r#"{"UserPoolId":"x"}"#).contains("regular expression pattern"));
        let limit = Input::parse(br#"{"Limit":61}"#)
            .unwrap()
            .limit()
            .unwrap_err();
        assert_eq!(limit.kind, "InvalidParameterException");
        assert!(limit.message.contains("Value '61' at 'limit'"));
    }
}
