//! What a test says about a pool before the server starts.

use super::generated::Generated;
use super::literal::Written;
use crate::model::{Group, Text, User};

/// The account that every pool and key belongs to.
pub(crate) const ACCOUNT: &str = "123456789012";

/// The attributes of every pool, with their types, as DescribeUserPool lists them.
pub(crate) const STANDARD_ATTRIBUTES: [(&str, &str); 20] = [
    ("sub", "String"),
    ("profile", "String"),
    ("address", "String"),
    ("birthdate", "String"),
    ("gender", "String"),
    ("preferred_username", "String"),
    ("updated_at", "Number"),
    ("website", "String"),
    ("picture", "String"),
    ("identities", "String"),
    ("phone_number", "String"),
    ("phone_number_verified", "Boolean"),
    ("zoneinfo", "String"),
    ("locale", "String"),
    ("email", "String"),
    ("email_verified", "Boolean"),
    ("given_name", "String"),
    ("family_name", "String"),
    ("middle_name", "String"),
    ("name", "String"),
];

/// `nickname` completes the standard attributes.
pub(crate) const NICKNAME: (&str, &str) = ("nickname", "String");

/// What a pool demands of an attribute beyond its type. Bounds of a text are lengths.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    pub(crate) name: Text,
    pub(crate) is_number: bool,
    pub(crate) bounds: (u32, u32),
}

/// Where the users come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Written(Written),
    Generated(Generated),
}

/// A pool that is still being described.
#[derive(Clone, Debug)]
pub struct PoolSpec {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) case_sensitive: bool,
    pub(crate) alias_attributes: Vec<Text>,
    pub(crate) username_attributes: Vec<Text>,
    pub(crate) custom_attributes: Vec<Text>,
    pub(crate) required_attributes: Vec<Text>,
    pub(crate) demands: Vec<Demand>,
    pub(crate) tier: Text,
    pub(crate) estimate: Option<u64>,
}

impl PoolSpec {
    fn new(id: impl Into<String>, source: Source) -> Self {
        Self {
            id: id.into(),
            name: "example-pool".to_owned(),
            source,
            case_sensitive: true,
            alias_attributes: Vec::new(),
            username_attributes: Vec::new(),
            custom_attributes: ["custom:department", "custom:employee_id", "custom:notes"]
                .map(Text::Borrowed)
                .to_vec(),
            required_attributes: Vec::new(),
            demands: Vec::new(),
            tier: Text::Borrowed("ESSENTIALS"),
            estimate: None,
        }
    }

    /// A pool that holds what is added to it, empty at first. The id is `REGION_NAME`.
    #[must_use]
    pub fn literal(id: impl Into<String>) -> Self {
        Self::new(id, Source::Written(Written::default()))
    }

    /// A pool of any size out of a seed.
    #[must_use]
    pub fn generated(id: impl Into<String>, generated: Generated) -> Self {
        Self::new(id, Source::Generated(generated))
    }

    /// Whether usernames are values of that attribute.
    pub(crate) fn signs_in_with(&self, attribute: &str) -> bool {
        self.username_attributes.iter().any(|one| one == attribute)
    }

    pub(crate) fn demand(&self, attribute: &str) -> Option<&Demand> {
        self.demands.iter().find(|demand| demand.name == attribute)
    }

    fn written(&mut self) -> Option<&mut Written> {
        match &mut self.source {
            Source::Written(written) => Some(written),
            Source::Generated(_) => None,
        }
    }

    /// Adds a user to a literal pool; a generated pool is not changed.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        if let Some(written) = self.written() {
            written.users.push(user);
        }
        self
    }

    /// Adds users to a literal pool.
    #[must_use]
    pub fn users(mut self, users: impl IntoIterator<Item = User>) -> Self {
        if let Some(written) = self.written() {
            written.users.extend(users);
        }
        self
    }

    /// Adds a group to a literal pool; a generated pool is not changed.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        if let Some(written) = self.written() {
            written.groups.push(group);
        }
        self
    }

    /// Adds a membership to a literal pool; both sides must be there when the server starts.
    #[must_use]
    pub fn member(mut self, username: impl Into<String>, group: impl Into<String>) -> Self {
        if let Some(written) = self.written() {
            written.members.push((username.into(), group.into()));
        }
        self
    }

    /// Sets the display name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Treats usernames and addresses that differ only by case as equal.
    #[must_use]
    pub fn case_insensitive(mut self) -> Self {
        self.case_sensitive = false;
        self
    }

    /// Lets users be addressed by a verified attribute: `email`, `phone_number` or
    /// `preferred_username`.
    #[must_use]
    pub fn alias(mut self, attribute: impl Into<Text>) -> Self {
        self.alias_attributes.push(attribute.into());
        self
    }

    /// Makes the attribute (`email` or `phone_number`) what people sign in with; usernames are then
    /// UUIDs made by the service.
    #[must_use]
    pub fn username_attribute(mut self, attribute: impl Into<Text>) -> Self {
        self.username_attributes.push(attribute.into());
        self
    }

    /// Adds a custom attribute to the schema, its `custom:` included.
    #[must_use]
    pub fn custom_attribute(mut self, name: impl Into<Text>) -> Self {
        self.custom_attributes.push(name.into());
        self
    }

    /// Makes a standard attribute a required one. AdminCreateUser does without it all the same, as
    /// the service does: the user is asked for it at the first sign-in.
    #[must_use]
    pub fn required_attribute(mut self, name: impl Into<Text>) -> Self {
        self.required_attributes.push(name.into());
        self
    }

    /// Bounds the number of characters of an attribute that the schema has.
    #[must_use]
    pub fn length(mut self, name: impl Into<Text>, least: u32, most: u32) -> Self {
        self.demands.push(Demand {
            name: name.into(),
            is_number: false,
            bounds: (least, most),
        });
        self
    }

    /// Makes a custom attribute of the schema a number within bounds.
    #[must_use]
    pub fn number(mut self, name: impl Into<Text>, least: u32, most: u32) -> Self {
        self.demands.push(Demand {
            name: name.into(),
            is_number: true,
            bounds: (least, most),
        });
        self
    }

    /// Sets the plan of the pool: `LITE`, `ESSENTIALS` or `PLUS`.
    #[must_use]
    pub fn tier(mut self, tier: impl Into<Text>) -> Self {
        self.tier = tier.into();
        self
    }

    /// Makes DescribeUserPool lie about the number of users.
    #[must_use]
    pub fn estimate(mut self, users: u64) -> Self {
        self.estimate = Some(users);
        self
    }
}
