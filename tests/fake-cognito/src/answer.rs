//! What goes back to the client, before it becomes HTTP: JSON written by hand, and errors in the two
//! shapes of the real service.
//!
//! The operation's own errors are `{"__type":"X","message":"…"}`; whatever refuses a request before
//! an operation sees it (signature, permission, unknown target) speaks "coral":
//! `{"__type":"com.amazon.coral.service#X","Message":"…"}`.

use crate::model::{Group, User};

/// An error of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) coral: bool,
}

impl Refusal {
    /// An error that the operation's model lists.
    pub(crate) fn service(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind,
            message: message.into(),
            coral: false,
        }
    }

    /// An error of the layer in front of the operations.
    pub(crate) fn front(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            coral: true,
            ..Self::service(kind, message)
        }
    }

    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::service("InvalidParameterException", message)
    }

    pub(crate) fn constraint(member: &str, value: Option<&str>, constraint: &str) -> Self {
        let value = value.map_or_else(String::new, |value| format!(" '{value}'"));
        Self::parameter(format!(
            "1 validation error detected: Value{value} at '{member}' failed to satisfy constraint: {constraint}"
        ))
    }

    pub(crate) fn user_not_found() -> Self {
        Self::service("UserNotFoundException", "User does not exist.")
    }

    pub(crate) fn group_not_found() -> Self {
        Self::service("ResourceNotFoundException", "Group not found.")
    }

    pub(crate) fn throttled() -> Self {
        Self::service("TooManyRequestsException", "Rate exceeded")
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut out = Json::new();
        out.open();
        if self.coral {
            out.text("__type", &format!("com.amazon.coral.service#{}", self.kind));
            out.text("Message", &self.message);
        } else {
            out.text("__type", self.kind);
            out.text("message", &self.message);
        }
        out.close();
        out.finish()
    }
}

/// A writer of JSON objects that allocates nothing but its buffer.
#[derive(Debug)]
pub(crate) struct Json {
    out: Vec<u8>,
    /// Whether the next member or item needs a comma before it.
    comma: bool,
}

impl Json {
    pub(crate) fn new() -> Self {
        Self::with_capacity(256)
    }

    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(bytes),
            comma: false,
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
    }

    pub(crate) fn open(&mut self) {
        self.separate();
        self.out.push(b'{');
        self.comma = false;
    }

    pub(crate) fn close(&mut self) {
        self.out.push(b'}');
        self.comma = true;
    }

    pub(crate) fn key(&mut self, key: &str) {
        self.separate();
        self.string(key);
        self.out.push(b':');
        self.comma = false;
    }

    pub(crate) fn open_list(&mut self, key: &str) {
        self.key(key);
        self.out.push(b'[');
    }

    pub(crate) fn close_list(&mut self) {
        self.out.push(b']');
        self.comma = true;
    }

    pub(crate) fn item(&mut self, value: &str) {
        self.separate();
        self.string(value);
        self.comma = true;
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.string(value);
        self.comma = true;
    }

    /// A member whose value is JSON already.
    pub(crate) fn raw(&mut self, key: &str, json: &str) {
        self.key(key);
        self.out.extend_from_slice(json.as_bytes());
        self.comma = true;
    }

    /// Seconds with a fraction of milliseconds, as short as a JSON number allows.
    pub(crate) fn instant(&mut self, key: &str, ms: i64) {
        let seconds = ms.div_euclid(1000);
        let fraction = format!("{:03}", ms.rem_euclid(1000));
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            self.raw(key, &seconds.to_string());
        } else {
            self.raw(key, &format!("{seconds}.{fraction}"));
        }
    }

    fn string(&mut self, text: &str) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.out.push(b'"');
        let mut plain = 0;
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().copied().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.out
                .extend_from_slice(bytes.get(plain..at).unwrap_or_default());
            plain = at + 1;
            match byte {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', byte]),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                _ => {
                    let digit = |n: u8| HEX.get(usize::from(n & 15)).copied().unwrap_or(b'0');
                    self.out.extend_from_slice(&[
                        b'\\',
                        b'u',
                        b'0',
                        b'0',
                        digit(byte >> 4),
                        digit(byte),
                    ]);
                }
            }
        }
        self.out
            .extend_from_slice(bytes.get(plain..).unwrap_or_default());
        self.out.push(b'"');
    }

    fn attributes(&mut self, key: &str, user: &User, wanted: Option<&[String]>) {
        self.open_list(key);
        for (name, value) in &user.attributes {
            if wanted.is_some_and(|wanted| !wanted.iter().any(|one| one == name)) {
                continue;
            }
            self.open();
            self.text("Name", name);
            self.text("Value", value);
            self.close();
        }
        self.close_list();
    }

    /// `UserType`, the form of a user in lists and in the answer of AdminCreateUser.
    pub(crate) fn user(&mut self, user: &User, wanted: Option<&[String]>) {
        self.open();
        self.text("Username", &user.username);
        self.attributes("Attributes", user, wanted);
        self.instant("UserCreateDate", user.created_ms);
        self.instant("UserLastModifiedDate", user.modified_ms);
        self.raw("Enabled", if user.enabled { "true" } else { "false" });
        self.text("UserStatus", &user.status);
        self.close();
    }

    /// The answer of AdminGetUser, whose attributes have another name.
    pub(crate) fn user_detail(&mut self, user: &User) {
        self.open();
        self.text("Username", &user.username);
        self.attributes("UserAttributes", user, None);
        self.instant("UserCreateDate", user.created_ms);
        self.instant("UserLastModifiedDate", user.modified_ms);
        self.raw("Enabled", if user.enabled { "true" } else { "false" });
        self.text("UserStatus", &user.status);
        if let Some(preferred) = user.mfa.first() {
            self.text("PreferredMfaSetting", preferred);
            self.open_list("UserMFASettingList");
            for factor in &user.mfa {
                self.item(factor);
            }
            self.close_list();
        }
        self.close();
    }

    /// `GroupType`.
    pub(crate) fn group(&mut self, group: &Group, pool_id: &str) {
        self.open();
        self.text("GroupName", &group.name);
        self.text("UserPoolId", pool_id);
        if let Some(description) = &group.description {
            self.text("Description", description);
        }
        if let Some(role) = &group.role_arn {
            self.text("RoleArn", role);
        }
        if let Some(precedence) = group.precedence {
            self.raw("Precedence", &precedence.to_string());
        }
        self.instant("LastModifiedDate", group.modified_ms);
        self.instant("CreationDate", group.created_ms);
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_a_json_parser_whatever_it_holds() {
        let awkward = "a\"b\\c\n\r\t\u{1}\u{1f} é 😀 \u{2028}/";
        let mut json = Json::new();
        json.open();
        json.text("k\"ey", awkward);
        json.raw("n", "1");
        json.close();
        let read: serde_json::Value = serde_json::from_slice(&json.finish()).unwrap();
        assert_eq!(read["k\"ey"], awkward);
        assert_eq!(read["n"], 1);
    }

    #[test]
    fn instants_are_seconds_with_the_shortest_fraction() {
        let mut json = Json::new();
        json.open();
        json.instant("a", 1_739_528_018_102);
        json.instant("b", 1_739_528_018_100);
        json.instant("c", 1_739_528_018_000);
        json.close();
        assert_eq!(
            String::from_utf8(json.finish()).unwrap(),
            r#"{"a":1739528018.102,"b":1739528018.1,"c":1739528018}"#
        );
    }
}
