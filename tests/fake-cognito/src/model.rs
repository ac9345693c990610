//! Users and groups as the service knows them, before they become JSON.
//!
//! The same types are what a test writes down for a small pool and what the truth iterators of a
//! [`Pool`](crate::Pool) hand out, so that an assertion compares like with like.

use std::borrow::Cow;

/// Text that is a constant for most generated attributes.
pub type Text = Cow<'static, str>;

/// 2025-02-14T10:13:38.102Z, the creation time of whatever does not name one.
const DEFAULT_CREATED_MS: i64 = 1_739_528_018_102;

/// A user of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name that the API returns and addresses the user by.
    pub username: String,
    /// Whether sign-in is allowed.
    pub enabled: bool,
    /// `UserStatus`; free text, so that a test can invent one.
    pub status: Text,
    /// Creation, in milliseconds since 1970.
    pub created_ms: i64,
    /// Last change, in milliseconds since 1970.
    pub modified_ms: i64,
    /// Attribute names and values in the order of the answer. A literal user without `sub` gets one
    /// when the pool is built.
    pub attributes: Vec<(Text, Text)>,
    /// `UserMFASettingList`, shown by AdminGetUser only; the first is the preferred one.
    pub mfa: Vec<Text>,
}

impl User {
    /// A confirmed, enabled user without attributes.
    #[must_use]
    pub fn new(username: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            enabled: true,
            status: Text::Borrowed("CONFIRMED"),
            created_ms: DEFAULT_CREATED_MS,
            modified_ms: DEFAULT_CREATED_MS,
            attributes: Vec::new(),
            mfa: Vec::new(),
        }
    }

    /// Appends an attribute, as it stands: duplicates and blanks are the test's business.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// Appends a verified e-mail address.
    #[must_use]
    pub fn email(self, address: impl Into<Text>) -> Self {
        self.attribute("email", address)
            .attribute("email_verified", "true")
    }

    /// Sets the subject.
    #[must_use]
    pub fn subject(self, sub: impl Into<Text>) -> Self {
        self.attribute("sub", sub)
    }

    /// Sets `UserStatus`.
    #[must_use]
    pub fn status(mut self, status: impl Into<Text>) -> Self {
        self.status = status.into();
        self
    }

    /// Keeps the user from signing in.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// Sets the creation and the last change, in milliseconds since 1970.
    #[must_use]
    pub fn dated(mut self, created_ms: i64, modified_ms: i64) -> Self {
        self.created_ms = created_ms;
        self.modified_ms = modified_ms;
        self
    }

    /// Switches a second factor on, e.g. `SOFTWARE_TOKEN_MFA`.
    #[must_use]
    pub fn second_factor(mut self, factor: impl Into<Text>) -> Self {
        self.mfa.push(factor.into());
        self
    }

    /// The value of the first attribute of that name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_ref())
    }

    /// The subject, empty only for a user that never entered a pool.
    #[must_use]
    pub fn sub(&self) -> &str {
        self.value("sub").unwrap_or_default()
    }

    /// Federated users are found by their username only.
    pub(crate) fn is_federated(&self) -> bool {
        self.status == "EXTERNAL_PROVIDER"
    }

    pub(crate) fn is_verified(&self, attribute: &str) -> bool {
        let flag = match attribute {
            "email" => "email_verified",
            "phone_number" => "phone_number_verified",
            _ => return true,
        };
        self.value(flag) == Some("true")
    }
}

/// A group of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name, unique in the pool.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Lower wins; absent and zero are different.
    pub precedence: Option<u32>,
    /// The IAM role that members may take.
    pub role_arn: Option<String>,
    /// Creation, in milliseconds since 1970.
    pub created_ms: i64,
    /// Last change, in milliseconds since 1970.
    pub modified_ms: i64,
}

impl Group {
    /// A group with nothing but a name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            precedence: None,
            role_arn: None,
            created_ms: DEFAULT_CREATED_MS,
            modified_ms: DEFAULT_CREATED_MS,
        }
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Sets the precedence.
    #[must_use]
    pub fn precedence(mut self, precedence: u32) -> Self {
        self.precedence = Some(precedence);
        self
    }

    /// Sets the role.
    #[must_use]
    pub fn role_arn(mut self, arn: impl Into<String>) -> Self {
        self.role_arn = Some(arn.into());
        self
    }

    /// Sets the creation and the last change, in milliseconds since 1970.
    #[must_use]
    pub fn dated(mut self, created_ms: i64, modified_ms: i64) -> Self {
        self.created_ms = created_ms;
        self.modified_ms = modified_ms;
        self
    }
}
