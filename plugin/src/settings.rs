//! The settings of a session, checked before anything is sent.
//!
//! Every rule that `describe` shows as a pattern is checked here too, by hand: a host
//! need not check, and a regular-expression engine would be a fifth of the component.
//! Messages name the setting and what to change, and repeat a value only if it is not
//! secret.

use crate::cognito::endpoint::Endpoint;
use crate::cognito::signing::Keys;
use crate::contract::sync::Setting;
use crate::error::{Error, escaped, invalid_argument};

/// The pool to work on.
pub const USER_POOL_ID: &str = "user-pool-id";
/// The region that it lives in.
pub const REGION: &str = "region";
/// Who signs.
pub const ACCESS_KEY_ID: &str = "aws-access-key-id";
/// What is signed with.
pub const SECRET_ACCESS_KEY: &str = "aws-secret-access-key";
/// What makes temporary credentials complete.
pub const SESSION_TOKEN: &str = "aws-session-token";
/// Where requests go instead of the region's endpoint.
pub const ENDPOINT_URL: &str = "endpoint-url";
/// How often one request is tried.
pub const MAX_ATTEMPTS: &str = "max-attempts";
/// The attribute that holds the last login.
pub const LAST_LOGIN_ATTRIBUTE: &str = "last-login-attribute";

const ALL: &[&str] = &[
    USER_POOL_ID,
    REGION,
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    SESSION_TOKEN,
    ENDPOINT_URL,
    MAX_ATTEMPTS,
    LAST_LOGIN_ATTRIBUTE,
];

/// A pool id as the service's model defines it.
pub const USER_POOL_ID_PATTERN: &str = "[0-9A-Za-z_-]+_[0-9A-Za-z]+";

/// The longest pool id of the service's model.
const MAX_USER_POOL_ID: usize = 55;

/// A region: an area, a compass word (which catches typing errors and still lets new
/// regions through), a number; or what cognito-local calls its own.
pub const REGION_PATTERN: &str = "(?:us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov|us-iso[a-z]?|eu-isoe|eusc-[a-z]{2})-(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-[0-9]+|local";

const AREAS: &[&str] = &[
    "us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx", "cn", "us-gov", "us-iso", "eu-isoe",
];

const COMPASS: &[&str] = &[
    "north",
    "south",
    "east",
    "west",
    "central",
    "northeast",
    "northwest",
    "southeast",
    "southwest",
];

/// What the AWS SDKs do by default.
pub const DEFAULT_MAX_ATTEMPTS: u32 = 3;

/// More than ten attempts with up to 25 seconds between them is no single call any more.
const MOST_ATTEMPTS: u32 = 10;

/// The longest attribute name of the service's model.
const MAX_ATTRIBUTE_NAME: usize = 32;

/// Checked settings.
#[derive(Clone)]
pub struct Settings {
    /// The pool to work on.
    pub user_pool_id: String,
    /// The region that it lives in.
    pub region: String,
    /// What is signed with; `None`: the host signs.
    pub keys: Option<Keys>,
    /// Where requests go.
    pub endpoint: Endpoint,
    /// How often one request is tried, 1 or more.
    pub max_attempts: u32,
    /// The attribute that holds the last login.
    pub last_login_attribute: Option<String>,
}

impl Settings {
    /// Checks the settings.
    pub fn check(given: &[Setting]) -> Result<Self, Error> {
        let given = Given::new(given)?;
        let user_pool_id = given.required(USER_POOL_ID)?;
        if !is_user_pool_id(user_pool_id) {
            return Err(invalid_argument(format!(
                "user-pool-id '{}' is not the id of a user pool; write region and id joined by \
                 an underscore, such as us-east-1_AbCd12345",
                escaped(user_pool_id)
            )));
        }
        let region = region(user_pool_id, given.optional(REGION)?)?;
        let keys = keys(&given)?;
        let endpoint = match given.optional(ENDPOINT_URL)? {
            Some(url) => Endpoint::parse(url)?,
            None => Endpoint::of_region(region)?,
        };
        Ok(Self {
            user_pool_id: user_pool_id.to_owned(),
            region: region.to_owned(),
            keys,
            endpoint,
            max_attempts: max_attempts(given.optional(MAX_ATTEMPTS)?)?,
            last_login_attribute: attribute_name(given.optional(LAST_LOGIN_ATTRIBUTE)?)?,
        })
    }
}

/// The settings as they came, known and given once.
struct Given<'a>(&'a [Setting]);

impl<'a> Given<'a> {
    fn new(settings: &'a [Setting]) -> Result<Self, Error> {
        for (index, setting) in settings.iter().enumerate() {
            let name = setting.name.as_str();
            if !ALL.contains(&name) {
                return Err(invalid_argument(format!(
                    "setting '{}' is unknown; known are {}",
                    escaped(name),
                    ALL.join(", ")
                )));
            }
            if settings
                .iter()
                .take(index)
                .any(|earlier| earlier.name == name)
            {
                return Err(invalid_argument(format!("{name} is given twice")));
            }
        }
        Ok(Self(settings))
    }

    fn optional(&self, name: &str) -> Result<Option<&'a str>, Error> {
        match self.0.iter().find(|setting| setting.name == name) {
            None => Ok(None),
            Some(setting) if setting.value.trim().is_empty() => Err(invalid_argument(format!(
                "{name} is blank; give a value or leave it out"
            ))),
            Some(setting) => Ok(Some(&setting.value)),
        }
    }

    fn required(&self, name: &str) -> Result<&'a str, Error> {
        self.optional(name)?
            .ok_or_else(|| invalid_argument(format!("{name} is missing")))
    }
}

fn is_user_pool_id(id: &str) -> bool {
    let Some((prefix, suffix)) = id.rsplit_once('_') else {
        return false;
    };
    id.len() <= MAX_USER_POOL_ID
        && !prefix.is_empty()
        && prefix
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && !suffix.is_empty()
        && suffix.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn region<'a>(user_pool_id: &'a str, given: Option<&'a str>) -> Result<&'a str, Error> {
    let of_pool = user_pool_id
        .split_once('_')
        .map_or("", |(region, _)| region);
    if let Some(given) = given {
        if !is_region(given) {
            return Err(invalid_argument(format!(
                "region '{}' is not the name of an AWS region, such as us-east-1",
                escaped(given)
            )));
        }
        if given != of_pool {
            return Err(invalid_argument(format!(
                "region '{given}' contradicts user-pool-id '{user_pool_id}', which begins with \
                 its region; leave region out or correct one of them"
            )));
        }
    }
    if !is_region(of_pool) {
        return Err(invalid_argument(format!(
            "user-pool-id '{user_pool_id}' does not begin with the name of an AWS region, such \
             as us-east-1"
        )));
    }
    Ok(of_pool)
}

fn is_region(name: &str) -> bool {
    if name == "local" {
        return true;
    }
    let mut parts = name.rsplitn(3, '-');
    let (Some(number), Some(compass), Some(area)) = (parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && COMPASS.contains(&compass)
        && is_area(area)
}

fn is_area(area: &str) -> bool {
    let letters = |rest: &str, count: usize| {
        rest.len() == count && rest.bytes().all(|b| b.is_ascii_lowercase())
    };
    AREAS.contains(&area)
        || area
            .strip_prefix("us-iso")
            .is_some_and(|rest| letters(rest, 1))
        || area
            .strip_prefix("eusc-")
            .is_some_and(|rest| letters(rest, 2))
}

/// All or none: with a part of them, requests would be refused much later, and for a
/// reason that does not name what is missing.
fn keys(given: &Given<'_>) -> Result<Option<Keys>, Error> {
    let optional = |name| match given.optional(name)? {
        Some(value) => key(name, value).map(Some),
        None => Ok(None),
    };
    let token = optional(SESSION_TOKEN)?;
    let (id, secret) = match (optional(ACCESS_KEY_ID)?, optional(SECRET_ACCESS_KEY)?) {
        (Some(id), Some(secret)) => (id, secret),
        (None, None) if token.is_none() => return Ok(None),
        (id, _) => {
            let missing = if id.is_none() {
                ACCESS_KEY_ID
            } else {
                SECRET_ACCESS_KEY
            };
            return Err(invalid_argument(format!(
                "{missing} is missing; give both {ACCESS_KEY_ID} and {SECRET_ACCESS_KEY}, or no \
                 keys at all where the host signs"
            )));
        }
    };
    if id.starts_with("ASIA") && token.is_none() {
        return Err(invalid_argument(
            "aws-access-key-id begins with ASIA and so belongs to temporary credentials; \
             give their aws-session-token too",
        ));
    }
    Ok(Some(Keys {
        access_key_id: id.to_owned(),
        secret_access_key: secret.to_owned(),
        session_token: token.map(str::to_owned),
    }))
}

/// A key as AWS issues them: visible ASCII. What else comes along is an accident of
/// copying, and would be refused as a wrong signature much later.
fn key<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    if value.chars().any(char::is_whitespace) {
        return Err(invalid_argument(format!(
            "{name} contains a space, a tab or a line break; copy it again without"
        )));
    }
    if !value.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(invalid_argument(format!(
            "{name} contains a character that no AWS key has; copy it again"
        )));
    }
    Ok(value)
}

fn max_attempts(given: Option<&str>) -> Result<u32, Error> {
    let Some(given) = given else {
        return Ok(DEFAULT_MAX_ATTEMPTS);
    };
    match given.parse() {
        Ok(attempts @ 1..=MOST_ATTEMPTS) if given.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(attempts)
        }
        _ => Err(invalid_argument(format!(
            "max-attempts '{}' is not a whole number from 1 to {MOST_ATTEMPTS}",
            escaped(given)
        ))),
    }
}

fn attribute_name(given: Option<&str>) -> Result<Option<String>, Error> {
    match given {
        Some(name) if name.chars().count() > MAX_ATTRIBUTE_NAME => Err(invalid_argument(format!(
            "last-login-attribute is longer than {MAX_ATTRIBUTE_NAME} characters, which no \
             attribute name is"
        ))),
        name => Ok(name.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests;
