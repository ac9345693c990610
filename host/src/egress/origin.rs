//! Where a request may go: scheme, host and port, as a typed value.
//!
//! One parser reads the endpoint that an operator names, the origins of a trust record
//! and the authority of every request, so that a spelling cannot mean one host to the
//! judge and another to the dialler. It refuses what has been used to blur that line:
//! user info, empty or oversized ports, numeric names such as `127.1` that a system
//! resolver turns into an address, IPv6 zones, and a setting that would put more than
//! one label into a template.
//!
//! It judges names only. What a name resolves to is judged by [`super::address`].

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::AddressPolicy;
use crate::trust::description;

/// The longest name that DNS can carry (RFC 1035, without the trailing dot).
const MAX_NAME: usize = 253;
/// The longest label of a name (RFC 1035).
const MAX_LABEL: usize = 63;

/// Stands for a setting where a template is looked at without settings: a label that no
/// honest host has.
const SAMPLE: &str = "setting-goes-here";
/// Top-level names that never lead to a public service (RFC 2606, RFC 6761, RFC 6762, RFC
/// 8375 and ICANN's name for private networks). `example` is not one of them: it leads
/// nowhere.
const LOCAL: [&str; 6] = ["arpa", "internal", "invalid", "local", "localhost", "onion"];

/// How a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In plain text; only to this machine.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The port that an origin without one means.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// As it is written in front of `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A host in its one canonical spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name in lower case, without a trailing dot.
    Name(String),
    /// An address literal.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// A place that requests go to. Two origins are equal if they mean the same place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
}

/// Why a text is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// No scheme, or one that is not spoken here.
    #[error("'{0}' must begin with https:// (or http:// for an endpoint on this machine)")]
    Scheme(String),
    /// Something follows host and port.
    #[error("'{text}' must be scheme, host and port only: leave out the {part}")]
    Extra {
        /// What was given.
        text: String,
        /// What is too much.
        part: &'static str,
    },
    /// The host or the port is malformed.
    #[error("'{text}' is not a host and port: {reason}")]
    Authority {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A template of the trust record is malformed.
    #[error("origin '{template}' of the component's trust record is malformed: {reason}")]
    Template {
        /// The template.
        template: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A setting that a template needs is absent.
    #[error("setting {setting} is needed to know where requests go (origin '{template}')")]
    MissingSetting {
        /// The setting.
        setting: String,
        /// The template that asks for it.
        template: String,
    },
    /// A setting would change the shape of the host.
    #[error(
        "setting {setting} cannot stand in the host name '{template}': only lower-case letters, \
         digits and inner hyphens are allowed, 63 at most"
    )]
    SettingShape {
        /// The setting.
        setting: String,
        /// The template that asks for it.
        template: String,
    },
    /// No origin's condition holds.
    #[error("none of the component's origins is meant for these settings: {0}")]
    NoneApplies(String),
}

impl Origin {
    /// Reads an origin that an operator wrote, such as `http://127.0.0.1:4566`. A lone
    /// `/` at the end is accepted, because address bars put it there.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| OriginError::Scheme(shown(text)))?;
        let scheme = if scheme.eq_ignore_ascii_case("https") {
            Scheme::Https
        } else if scheme.eq_ignore_ascii_case("http") {
            Scheme::Http
        } else {
            return Err(OriginError::Scheme(shown(text)));
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, extra) = rest.split_at(end);
        let part = match extra.chars().next() {
            None => None,
            Some('?') => Some("query"),
            Some('#') => Some("fragment"),
            Some(_) if extra == "/" => None,
            Some(_) => Some("path"),
        };
        if let Some(part) = part {
            return Err(OriginError::Extra {
                text: shown(text),
                part,
            });
        }
        Self::from_authority(scheme, authority)
    }

    /// The origin that a request asks for.
    pub fn of_request(uri: &http::Uri) -> Result<Self, OriginError> {
        let scheme = match uri.scheme_str() {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => Scheme::Https,
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => Scheme::Http,
            _ => return Err(OriginError::Scheme(shown(&uri.to_string()))),
        };
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        Self::from_authority(scheme, authority)
    }

    /// The first origin of a trust record whose condition holds, with the settings put
    /// in. It is always `https`.
    pub fn of_record(
        origins: &[description::Origin],
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, OriginError> {
        let origin = origins
            .iter()
            .find(|origin| match &origin.when {
                None => true,
                Some(condition) => settings
                    .get(&condition.setting)
                    .is_some_and(|value| condition.prefixes.iter().any(|p| value.starts_with(p))),
            })
            .ok_or_else(|| {
                let templates: Vec<_> = origins.iter().map(|o| shown(&o.template)).collect();
                OriginError::NoneApplies(templates.join(", "))
            })?;
        Self::of_template(&origin.template, settings)
    }

    /// A template of a trust record with the settings put in.
    fn of_template(
        template: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, OriginError> {
        let malformed = |reason| OriginError::Template {
            template: shown(template),
            reason,
        };
        let expanded = expand(template, settings)?;
        match Self::parse(&expanded) {
            Ok(parsed) if parsed.scheme == Scheme::Https => Ok(parsed),
            Ok(_) => Err(malformed("it must begin with https://")),
            Err(OriginError::Scheme(_)) => Err(malformed("it must begin with https://")),
            Err(OriginError::Extra { .. }) => Err(malformed("only scheme, host and port")),
            Err(OriginError::Authority { reason, .. }) => Err(malformed(reason)),
            Err(other) => Err(other),
        }
    }

    /// Refuses a template that a stranger may not ask for: one that could never be put
    /// into effect, one that leads into the operator's own machine or network, and one
    /// that does not say whose place it leads to. Returns the settings in it.
    pub fn check_template(template: &str) -> Result<Vec<String>, OriginError> {
        let malformed = |reason| OriginError::Template {
            template: shown(template),
            reason,
        };
        let names: Vec<String> = template
            .split('{')
            .skip(1)
            .filter_map(|after| after.split_once('}'))
            .map(|(name, _)| name.to_owned())
            .collect();
        let sample = names
            .iter()
            .map(|name| (name.clone(), SAMPLE.to_owned()))
            .collect();
        let origin = Self::of_template(template, &sample)?;
        match &origin.host {
            Host::Address(address) => {
                let stranger = AddressPolicy {
                    named_endpoint: false,
                    plain_http: false,
                };
                if stranger.permits(*address).is_err() {
                    return Err(malformed("its address is not one of the internet"));
                }
            }
            Host::Name(name) => {
                let mut labels = name.rsplit('.');
                let (top, second) = (labels.next().unwrap_or_default(), labels.next());
                let Some(second) = second else {
                    return Err(malformed("a name without a dot is one of your own network"));
                };
                if LOCAL.contains(&top) {
                    return Err(malformed("names of that ending are of your own network"));
                }
                if top.contains(SAMPLE) || second.contains(SAMPLE) {
                    return Err(malformed(
                        "the last two parts of the host name must be fixed, or it does not say whose it is",
                    ));
                }
            }
        }
        Ok(names)
    }

    fn from_authority(scheme: Scheme, authority: &str) -> Result<Self, OriginError> {
        let (host, port) = split_authority(authority).map_err(|reason| OriginError::Authority {
            text: shown(authority),
            reason,
        })?;
        Ok(Self {
            scheme,
            host,
            port: port.unwrap_or_else(|| scheme.default_port()),
        })
    }

    /// How requests to it travel.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Its host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Its port, which may be the default one.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as they are sent in `Host`: the default port is left out.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

impl std::str::FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// A text that somebody else chose, fit for a message: bounded, without control
/// characters.
pub(super) fn shown(text: &str) -> String {
    /// Enough for any honest URL's host, short enough for one line of a terminal.
    const LONGEST: usize = 120;
    // Whatever stands before an `@` may be a password.
    let text = match text.rfind('@') {
        Some(at) => text.get(at..).unwrap_or_default(),
        None => text,
    };
    let mut out: String = text
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

fn expand(template: &str, settings: &BTreeMap<String, String>) -> Result<String, OriginError> {
    let malformed = |reason| OriginError::Template {
        template: shown(template),
        reason,
    };
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after
            .split_once('}')
            .ok_or_else(|| malformed("a '{' is not closed"))?;
        out.push_str(before);
        if !out.contains("://") {
            return Err(malformed("a setting stands before the host"));
        }
        let value = settings
            .get(name)
            .ok_or_else(|| OriginError::MissingSetting {
                setting: shown(name),
                template: shown(template),
            })?;
        if !is_plain_label(value) {
            return Err(OriginError::SettingShape {
                setting: shown(name),
                template: shown(template),
            });
        }
        out.push_str(value);
        rest = tail;
    }
    if rest.contains('}') {
        return Err(malformed("a '}' is not opened"));
    }
    out.push_str(rest);
    Ok(out)
}

fn is_plain_label(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= MAX_LABEL
        && !value.starts_with('-')
        && !value.ends_with('-')
        && value
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Reads `host[:port]`; the error is a fragment that completes "is not a host and
/// port: ".
fn split_authority(authority: &str) -> Result<(Host, Option<u16>), &'static str> {
    if authority.contains('@') {
        return Err("user name and password are not allowed in it");
    }
    if !authority.is_ascii() {
        return Err("write an international name in its ASCII form (xn--…)");
    }
    let (host, port) = if let Some(inner) = authority.strip_prefix('[') {
        let (address, tail) = inner.split_once(']').ok_or("a '[' is not closed")?;
        let port = match tail {
            "" => None,
            _ => Some(tail.strip_prefix(':').ok_or("only a port may follow ']'")?),
        };
        (ipv6(address)?, port)
    } else {
        match authority.split_once(':') {
            None => (name(authority)?, None),
            Some((_, port)) if port.contains(':') => {
                return Err("an IPv6 address stands in square brackets");
            }
            Some((host, port)) => (name(host)?, Some(port)),
        }
    };
    Ok((host, port.map(parse_port).transpose()?))
}

fn parse_port(text: &str) -> Result<u16, &'static str> {
    if text.is_empty() {
        return Err("a port must follow ':'");
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("the port is not a number");
    }
    match text.parse() {
        Ok(0) => Err("port 0 means no port"),
        Ok(port) => Ok(port),
        Err(_) => Err("the port is larger than 65535"),
    }
}

fn ipv6(text: &str) -> Result<Host, &'static str> {
    if text.contains('%') {
        return Err("an IPv6 zone is not allowed");
    }
    text.parse::<Ipv6Addr>()
        .map(|address| Host::Address(address.into()))
        .map_err(|_| "what stands in square brackets is not an IPv6 address")
}

fn name(text: &str) -> Result<Host, &'static str> {
    if text.is_empty() {
        return Err("the host is empty");
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address(address.into()));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if name.len() > MAX_NAME {
        return Err("the host name is longer than 253 characters");
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > MAX_LABEL {
            return Err("each part of the host name has 1 to 63 characters");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err("a part of the host name begins or ends with a hyphen");
        }
        // No underscore is registered in public DNS, but container networks use it.
        if !label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        {
            return Err("the host name has a character that no host name has");
        }
    }
    // System resolvers read `127.1`, `2130706433` and `0x7f.0.0.1` as addresses.
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = |digits: &str, hex: bool| {
        digits.bytes().all(|b| {
            if hex {
                b.is_ascii_hexdigit()
            } else {
                b.is_ascii_digit()
            }
        })
    };
    if numeric(last, false) || last.strip_prefix("0x").is_some_and(|d| numeric(d, true)) {
        return Err("write an IPv4 address as four decimal numbers without leading zeros");
    }
    Ok(Host::Name(name))
}

#[cfg(test)]
mod tests;
