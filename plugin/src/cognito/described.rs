//! What DescribeUserPool says about a pool, which is asked once and therefore not among
//! the answers that are read for speed.
//!
//! Emulators leave out or send as `null` much of what the service always sends: nothing
//! is required, and a gap is only something unknown.

use super::json::{Fault, FromJson, Reader, members};

/// The answer of DescribeUserPool.
#[derive(Debug)]
pub struct DescribedUserPool {
    /// The pool.
    pub user_pool: Pool,
}

impl FromJson for DescribedUserPool {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader, b"UserPool" => pool,);
        Ok(Self {
            user_pool: pool.ok_or(Fault::Missing("UserPool"))?,
        })
    }
}

/// A user pool, as far as it matters here. Emulators leave out or send as `null` much
/// of what the service always sends, therefore nothing is required.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Its id.
    pub id: Option<String>,
    /// What its permissions are granted on.
    pub arn: Option<String>,
    /// What people called it.
    pub name: Option<String>,
    /// The plan: LITE, ESSENTIALS or PLUS.
    pub user_pool_tier: Option<String>,
    /// How many users it believes to have.
    pub estimated_number_of_users: Option<i64>,
    /// Which attributes users have; empty if it was not sent.
    pub schema_attributes: Vec<SchemaAttribute>,
    /// With what people sign in instead of a username.
    pub username_attributes: Vec<String>,
    /// With what people sign in besides the username.
    pub alias_attributes: Vec<String>,
    /// How usernames are compared.
    pub username_configuration: Option<UsernameConfiguration>,
}

impl FromJson for Pool {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader,
            b"Id" => id,
            b"Arn" => arn,
            b"Name" => name,
            b"UserPoolTier" => tier,
            b"EstimatedNumberOfUsers" => users,
            b"SchemaAttributes" => schema,
            b"UsernameAttributes" => username_attributes,
            b"AliasAttributes" => alias_attributes,
            b"UsernameConfiguration" => configuration,
        );
        Ok(Self {
            id: id.flatten(),
            arn: arn.flatten(),
            name: name.flatten(),
            user_pool_tier: tier.flatten(),
            estimated_number_of_users: users.flatten(),
            schema_attributes: schema.flatten().unwrap_or_default(),
            username_attributes: username_attributes.flatten().unwrap_or_default(),
            alias_attributes: alias_attributes.flatten().unwrap_or_default(),
            username_configuration: configuration.flatten(),
        })
    }
}

/// How usernames are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsernameConfiguration {
    /// Whether `Alice` and `alice` are two users; absent: they are.
    pub case_sensitive: Option<bool>,
}

impl FromJson for UsernameConfiguration {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader, b"CaseSensitive" => case_sensitive,);
        Ok(Self {
            case_sensitive: case_sensitive.flatten(),
        })
    }
}

/// An attribute that users of a pool can have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaAttribute {
    /// Its name, with the prefix `custom:` where it has one.
    pub name: Option<String>,
    /// String, Number, DateTime or Boolean.
    pub attribute_data_type: Option<String>,
    /// Whether every user should have it.
    pub required: Option<bool>,
    /// Bounds of a text's length.
    pub string_attribute_constraints: Option<StringConstraints>,
    /// Bounds of a number.
    pub number_attribute_constraints: Option<NumberConstraints>,
}

impl FromJson for SchemaAttribute {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader,
            b"Name" => name,
            b"AttributeDataType" => data_type,
            b"Required" => required,
            b"StringAttributeConstraints" => string,
            b"NumberAttributeConstraints" => number,
        );
        Ok(Self {
            name: name.flatten(),
            attribute_data_type: data_type.flatten(),
            required: required.flatten(),
            string_attribute_constraints: string.flatten(),
            number_attribute_constraints: number.flatten(),
        })
    }
}

/// Bounds of a text's length, which the service sends as texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StringConstraints {
    /// The shortest, in characters.
    pub min_length: Option<String>,
    /// The longest, in characters.
    pub max_length: Option<String>,
}

impl FromJson for StringConstraints {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader,
            b"MinLength" => least,
            b"MaxLength" => most,
        );
        Ok(Self {
            min_length: bound_of(least),
            max_length: bound_of(most),
        })
    }
}

/// Bounds of a number, which the service sends as texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberConstraints {
    /// The smallest.
    pub min_value: Option<String>,
    /// The largest.
    pub max_value: Option<String>,
}

impl FromJson for NumberConstraints {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        members!(reader,
            b"MinValue" => least,
            b"MaxValue" => most,
        );
        Ok(Self {
            min_value: bound_of(least),
            max_value: bound_of(most),
        })
    }
}

/// A number in a text, or one that an emulator sends as a number.
struct Bound(Option<String>);

impl FromJson for Bound {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let raw = std::str::from_utf8(reader.raw()?).map_err(|_| Fault::NotUtf8)?;
        let text = raw.trim_matches('"');
        Ok(Self((text != "null").then(|| text.to_owned())))
    }
}

fn bound_of(sent: Option<Bound>) -> Option<String> {
    sent.and_then(|bound| bound.0)
}
