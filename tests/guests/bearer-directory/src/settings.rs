//! What `open` is given, checked once and before anything is sent. A host may have
//! checked the same against the schema; not every host does.

use crate::client;
use crate::contract::exports::identity::connector::sync::Setting;
use crate::contract::identity::connector::types::Error;

/// The setting that chooses the directory.
pub const TENANT: &str = "tenant";
/// The setting that holds the bearer token.
pub const TOKEN: &str = "token";
/// The setting that replaces the origin.
pub const ENDPOINT_URL: &str = "endpoint-url";
/// The setting that bounds the retries.
pub const MAX_ATTEMPTS: &str = "max-attempts";

/// Where a directory is unless an endpoint is named.
pub const ORIGIN: &str = "https://{tenant}.directory.example";

/// Enough for a hiccup, few enough that a person still waits for the answer.
pub const DEFAULT_ATTEMPTS: u32 = 3;

/// Checked settings.
pub struct Settings {
    /// Whether requests go over TLS.
    pub tls: bool,
    /// Host and port that requests go to.
    pub authority: String,
    /// The bearer token.
    pub token: String,
    /// How often one request is tried in all.
    pub attempts: u32,
}

impl Settings {
    /// Checks the settings, all or nothing.
    pub fn check(given: Vec<Setting>) -> Result<Self, Error> {
        let (mut tenant, mut token, mut endpoint, mut attempts) = (None, None, None, None);
        for Setting { name, value } in given {
            let known = match name.as_str() {
                TENANT => &mut tenant,
                TOKEN => &mut token,
                ENDPOINT_URL => &mut endpoint,
                MAX_ATTEMPTS => &mut attempts,
                _ => return Err(client::invalid(format!("there is no setting `{name}`"))),
            };
            if known.replace(value).is_some() {
                return Err(client::invalid(format!(
                    "the setting `{name}` is given twice"
                )));
            }
        }

        let tenant = tenant
            .filter(|name| {
                !name.is_empty()
                    && !name.starts_with('-')
                    && !name.ends_with('-')
                    && name
                        .bytes()
                        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            })
            .ok_or_else(|| wrong(TENANT, "the name of a tenant, for example acme"))?;
        let token = token
            .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(|| wrong(TOKEN, "a token, without blanks"))?;
        let attempts = match attempts {
            None => DEFAULT_ATTEMPTS,
            Some(text) => text
                .parse()
                .ok()
                .filter(|attempts| *attempts > 0)
                .ok_or_else(|| wrong(MAX_ATTEMPTS, "a whole number, 1 or more"))?,
        };
        let origin = endpoint.unwrap_or_else(|| ORIGIN.replace("{tenant}", &tenant));
        let (tls, authority) = match origin.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => (true, ""),
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.is_empty() || authority.contains(['/', '?', '#', '@']) {
            return Err(wrong(
                ENDPOINT_URL,
                "http or https, a host and perhaps a port",
            ));
        }
        Ok(Self {
            tls,
            authority: authority.to_owned(),
            token,
            attempts,
        })
    }
}

fn wrong(name: &str, expected: &str) -> Error {
    client::invalid(format!("the setting `{name}` must be {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[(&str, &str)]) -> Result<Settings, Error> {
        let setting = |(name, value): &(&str, &str)| Setting {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        Settings::check(given.iter().map(setting).collect())
    }

    #[test]
    fn the_origin_follows_from_the_tenant_unless_an_endpoint_is_named() {
        let own = check(&[(TENANT, "acme"), (TOKEN, "t")]).unwrap();
        assert_eq!(
            (own.tls, own.authority.as_str()),
            (true, "acme.directory.example")
        );
        let named = [
            (TENANT, "acme"),
            (TOKEN, "t"),
            (ENDPOINT_URL, "http://127.0.0.1:8080/"),
        ];
        let named = check(&named).unwrap();
        assert_eq!(
            (named.tls, named.authority.as_str()),
            (false, "127.0.0.1:8080")
        );
    }

    #[test]
    fn a_wrong_setting_is_named_and_its_value_is_not() {
        let good = [(TENANT, "acme"), (TOKEN, "t")];
        for (name, value) in [
            (TENANT, "evil.example/"),
            (TOKEN, "line\nbreak"),
            (ENDPOINT_URL, "https://user@evil.example"),
            (MAX_ATTEMPTS, "0"),
            ("tenent", "acme"),
        ] {
            let mut given: Vec<_> = good.into_iter().filter(|(good, _)| *good != name).collect();
            given.push((name, value));
            let Err(error) = check(&given) else {
                panic!("`{name}` = {value:?} was accepted");
            };
            assert_eq!(error.code, "invalid-argument");
            assert!(
                error.message.contains(&format!("`{name}`")),
                "{}",
                error.message
            );
            assert!(
                !error.message.contains(value) || name != TOKEN,
                "{}",
                error.message
            );
        }
    }
}
