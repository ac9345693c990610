//! The filter of ListUsers: one attribute, `=` or `^=`, a quoted value.
//!
//! Anything else is refused. An emulator that ignores a filter it cannot read returns the whole pool,
//! and a client that trusted it would do the wrong thing with everybody.

use crate::answer::Refusal;
use crate::model::User;
use crate::pool::fold;

/// The attributes that can be searched; custom ones cannot.
const SEARCHABLE: [&str; 10] = [
    "username",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
    "sub",
];

/// A filter that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) attribute: &'static str,
    pub(crate) prefix: bool,
    pub(crate) value: String,
}

fn unreadable() -> Refusal {
    Refusal::parameter("Error while parsing filter.")
}

impl Filter {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let (left, right) = text.split_once('=').ok_or_else(unreadable)?;
        let (left, prefix) = match left.strip_suffix('^') {
            Some(left) => (left, true),
            None => (left, false),
        };
        let name = left.trim();
        let name = name
            .strip_prefix('"')
            .and_then(|inner| inner.strip_suffix('"'))
            .unwrap_or(name);
        if name.is_empty() || name.contains([' ', '"', '\'']) {
            return Err(unreadable());
        }
        let value = unquote(right.trim())?;
        let attribute = SEARCHABLE
            .into_iter()
            .find(|candidate| *candidate == name)
            .ok_or_else(|| Refusal::parameter(format!("Invalid search attribute: {name}")))?;
        Ok(Self {
            attribute,
            prefix,
            value,
        })
    }

    /// Whether a user passes. A case-insensitive pool compares usernames and addresses so, and the
    /// status is compared so in every pool.
    pub(crate) fn passes(&self, user: &User, case_sensitive: bool) -> bool {
        let (value, exact) = match self.attribute {
            "username" => (Some(user.username.as_str()), case_sensitive),
            "email" | "preferred_username" => (user.value(self.attribute), case_sensitive),
            "status" => (
                Some(if user.enabled { "Enabled" } else { "Disabled" }),
                true,
            ),
            "cognito:user_status" => (Some(user.status.as_ref()), false),
            other => (user.value(other), true),
        };
        let wanted = fold(&self.value, exact);
        value.is_some_and(|value| {
            let value = fold(value, exact);
            if self.prefix {
                value.starts_with(&wanted)
            } else {
                value == wanted
            }
        })
    }
}

fn unquote(text: &str) -> Result<String, Refusal> {
    let inner = text.strip_prefix('"').ok_or_else(unreadable)?;
    let mut value = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => value.push(letters.next().ok_or_else(unreadable)?),
            '"' if letters.as_str().is_empty() => return Ok(value),
            '"' => return Err(unreadable()),
            other => value.push(other),
        }
    }
    Err(unreadable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_operators_and_escaped_quotes_are_read() {
        let filter = Filter::parse(r#"given_name ^= "a\"b\\c=""#).unwrap();
        assert_eq!(filter.attribute, "given_name");
        assert!(filter.prefix);
        assert_eq!(filter.value, r#"a"b\c="#);
        assert!(!Filter::parse(r#"sub="x""#).unwrap().prefix);
        assert_eq!(
            Filter::parse(r#""cognito:user_status" = "x""#)
                .unwrap()
                .attribute,
            "cognito:user_status"
        );
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "x",
            "username",
            r#"username = x"#,
            r#"username = "x"#,
            r#"username = "x" and sub = "y""#,
            r#"username > "x""#,
            r#"custom:department = "x""#,
            r#" = "x""#,
            r#"username = "x\"#,
        ] {
            assert_eq!(
                Filter::parse(bad).unwrap_err().kind,
                "InvalidParameterException",
                "{bad}"
            );
        }
    }

    #[test]
    fn usernames_fold_only_where_the_pool_does() {
        let user = User::new("Alice").email("A@x.example");
        let filter = Filter::parse(r#"username = "alice""#).unwrap();
        assert!(filter.passes(&user, false));
        assert!(!filter.passes(&user, true));
        assert!(
            Filter::parse(r#"cognito:user_status = "confirmed""#)
                .unwrap()
                .passes(&user, true)
        );
        assert!(
            Filter::parse(r#"status = "Enabled""#)
                .unwrap()
                .passes(&user, true)
        );
    }
}
