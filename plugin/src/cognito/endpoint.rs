//! Where requests go: one origin for the whole life of a session.
//!
//! A session is bound to the origin of its region, or to the one that was named
//! instead. An origin is scheme, host and port and nothing else: user info would leak
//! into logs and into the `Host` header, a path or a query would be signed but is never
//! part of this API. Whether an address may be contacted, and where plain `http` is
//! tolerable, is for the host to judge: it sees the resolved address, we do not.

use super::message::Scheme;
use crate::error::{Error, invalid_argument};

/// Regions that share a DNS suffix.
#[derive(Debug)]
pub struct Partition {
    /// What their names begin with.
    pub region_prefixes: &'static [&'static str],
    /// What follows `cognito-idp.{region}.`.
    pub dns_suffix: &'static str,
}

/// Every partition that AWS documents. The first that matches counts.
///
/// The last entry spells the compass words out, so that an isolated partition which is
/// not known yet (`us-isog-…`) has no origin instead of a wrong one.
pub const PARTITIONS: &[Partition] = &[
    Partition {
        region_prefixes: &["cn-"],
        dns_suffix: "amazonaws.com.cn",
    },
    Partition {
        region_prefixes: &["eusc-"],
        dns_suffix: "amazonaws.eu",
    },
    Partition {
        region_prefixes: &["us-iso-"],
        dns_suffix: "c2s.ic.gov",
    },
    Partition {
        region_prefixes: &["us-isob-"],
        dns_suffix: "sc2s.sgov.gov",
    },
    Partition {
        region_prefixes: &["us-isof-"],
        dns_suffix: "csp.hci.ic.gov",
    },
    Partition {
        region_prefixes: &["eu-isoe-"],
        dns_suffix: "cloud.adc-e.uk",
    },
    Partition {
        region_prefixes: &[
            "us-gov-",
            "us-north",
            "us-south",
            "us-east",
            "us-west",
            "us-central",
            "eu-north",
            "eu-south",
            "eu-east",
            "eu-west",
            "eu-central",
            "ap-",
            "sa-",
            "ca-",
            "me-",
            "af-",
            "il-",
            "mx-",
        ],
        dns_suffix: "amazonaws.com",
    },
];

/// The origin of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Scheme,
    authority: String,
}

impl Endpoint {
    /// The public endpoint of a region; an error if its partition has none that we know.
    pub fn of_region(region: &str) -> Result<Self, Error> {
        let partition = PARTITIONS
            .iter()
            .find(|partition| {
                partition
                    .region_prefixes
                    .iter()
                    .any(|prefix| region.starts_with(prefix))
            })
            .ok_or_else(|| {
                invalid_argument(format!(
                    "region '{region}' has no public endpoint; set endpoint-url"
                ))
            })?;
        let host = format!("cognito-idp.{region}.{}", partition.dns_suffix);
        if host_of(&host) != Some(&host) {
            return Err(invalid_argument(format!(
                "region '{region}' is no part of a host name"
            )));
        }
        Ok(Self {
            scheme: Scheme::Https,
            authority: host,
        })
    }

    /// The origin that was named in place of the region's.
    ///
    /// The refused text is not repeated: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            Err(invalid_argument(format!(
                "endpoint-url {why}; write https://host or https://host:port"
            )))
        };
        if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return refuse("contains white space");
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            return refuse("has no scheme");
        };
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "https" => (Scheme::Https, 443),
            "http" => (Scheme::Http, 80),
            _ => return refuse("has a scheme other than https and http"),
        };
        if rest.contains('?') {
            return refuse("has a query");
        }
        if rest.contains('#') {
            return refuse("has a fragment");
        }
        if rest.contains('@') {
            return refuse("contains user info");
        }
        let host_and_port = rest.strip_suffix('/').unwrap_or(rest);
        if host_and_port.contains(['/', '\\']) {
            return refuse("has a path");
        }
        let Some(host) = host_of(host_and_port) else {
            return refuse("has no valid host");
        };
        let port = match host_and_port.strip_prefix(host).unwrap_or_default() {
            "" => None,
            colon_and_port => match colon_and_port.strip_prefix(':').map(str::parse::<u16>) {
                Some(Ok(port)) if port > 0 => Some(port),
                _ => return refuse("has no valid port"),
            },
        };
        // The default port is left out of the Host header by clients and is therefore
        // not signed either; a host that does send it would break the signature.
        let host = host.to_ascii_lowercase();
        let authority = match port {
            Some(port) if port != default_port => format!("{host}:{port}"),
            _ => host,
        };
        Ok(Self { scheme, authority })
    }

    /// Host, and port where it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// How requests get there.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The address of every request.
    #[cfg(test)]
    pub(crate) fn uri(&self) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        format!("{scheme}://{}/", self.authority)
    }
}

/// The host that an authority without user info begins with: a name, or an address in
/// brackets. A port may follow, and no other colon.
fn host_of(authority: &str) -> Option<&str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte);
    let (host, rest) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, _) = rest.split_once(']')?;
            if !address.bytes().all(|byte| byte == b':' || is_part(byte)) {
                return None;
            }
            authority.split_at_checked(address.len() + "[]".len())?
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (name, rest) = authority.split_at_checked(end)?;
            if name.is_empty() || !name.bytes().all(is_part) {
                return None;
            }
            (name, rest)
        }
    };
    let port = rest.strip_prefix(':').unwrap_or(rest);
    port.bytes().all(is_part).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_own_suffix() {
        for (region, host) in [
            ("us-east-1", "cognito-idp.us-east-1.amazonaws.com"),
            ("eu-central-2", "cognito-idp.eu-central-2.amazonaws.com"),
            ("ap-southeast-7", "cognito-idp.ap-southeast-7.amazonaws.com"),
            ("mx-central-1", "cognito-idp.mx-central-1.amazonaws.com"),
            ("us-gov-west-1", "cognito-idp.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "cognito-idp.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "cognito-idp.eusc-de-east-1.amazonaws.eu"),
            ("us-iso-east-1", "cognito-idp.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "cognito-idp.us-isob-east-1.sc2s.sgov.gov"),
            (
                "us-isof-south-1",
                "cognito-idp.us-isof-south-1.csp.hci.ic.gov",
            ),
            (
                "eu-isoe-west-1",
                "cognito-idp.eu-isoe-west-1.cloud.adc-e.uk",
            ),
        ] {
            let uri = Endpoint::of_region(region).unwrap().uri();
            assert_eq!(uri.to_string(), format!("https://{host}/"));
        }
    }

    #[test]
    fn a_region_without_a_known_suffix_needs_an_endpoint() {
        for region in ["local", "us-isog-east-1", "moon-east-1"] {
            let error = Endpoint::of_region(region).unwrap_err();
            assert_eq!(error.code, "invalid-argument");
            assert!(error.message.contains("endpoint-url"), "{}", error.message);
        }
    }

    #[test]
    fn an_endpoint_is_an_origin_in_its_canonical_form() {
        for (given, uri) in [
            ("https://vpce.example.com", "https://vpce.example.com/"),
            ("https://vpce.example.com/", "https://vpce.example.com/"),
            ("HTTPS://VPCE.Example.com", "https://vpce.example.com/"),
            ("https://vpce.example.com:443", "https://vpce.example.com/"),
            ("https://vpce.example.com:0443", "https://vpce.example.com/"),
            (
                "https://vpce.example.com:8443",
                "https://vpce.example.com:8443/",
            ),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000/"),
            ("http://127.0.0.1:80", "http://127.0.0.1/"),
            ("http://[::1]:9229/", "http://[::1]:9229/"),
        ] {
            assert_eq!(Endpoint::parse(given).unwrap().uri(), uri);
        }
    }

    #[test]
    fn anything_but_an_origin_is_refused_without_repeating_it() {
        for (given, why) in [
            ("", "scheme"),
            ("example.com", "scheme"),
            ("ftp://example.com", "scheme"),
            ("https://", "host"),
            ("https:///", "host"),
            ("https://user:hunter2@example.com", "user info"),
            ("https://example.com/hunter2", "path"),
            ("https://example.com//", "path"),
            ("https://example.com\\hunter2", "path"),
            ("https://example.com?hunter2", "query"),
            ("https://example.com/?hunter2", "query"),
            ("https://example.com#hunter2", "fragment"),
            ("https://example.com:", "port"),
            ("https://example.com:0", "port"),
            ("https://example.com:99999", "port"),
            ("https://[fe80::1%25eth0]/", "host"),
            ("https://:443", "host"),
            ("https://a:1:2", "host"),
            ("https://[::1", "host"),
            ("https://a[b]", "host"),
            ("https://a\"b", "host"),
            ("https://\u{fc}.example", "host"),
            ("https://exa mple.com", "white space"),
            ("https://example.com\n", "white space"),
        ] {
            let error = Endpoint::parse(given).unwrap_err();
            assert_eq!(error.code, "invalid-argument", "{given}");
            assert!(error.message.contains(why), "{given}: {}", error.message);
            assert!(!error.message.contains("hunter2"), "{}", error.message);
        }
    }
}
