//! Which network addresses a connection may be made to.
//!
//! A host name says nothing about where it leads: whoever controls its DNS can answer
//! with this machine, with the network behind it or with the metadata service that
//! hands out credentials, and can answer differently the second time. So every resolved
//! address is judged here, and the transport connects to exactly the addresses judged.
//!
//! IPv6 has several spellings of an IPv4 address. The innermost IPv4 address decides,
//! and a spelling can only lose by it: a local address that hides in a NAT64 or 6to4
//! spelling is refused even where that local address would be allowed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Instance metadata services that hand out credentials, outside the ranges that are
/// refused anyway: the AWS one over IPv6 lies in the unique-local range and Alibaba's
/// in the shared range, which a named endpoint opens; Azure's is a public address.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
];
/// `fd00:ec2::/32` holds all link services of an EC2 instance: metadata (`::254`), DNS
/// (`::253`), container credentials (`::23`).
const METADATA_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32);

/// What kind of place an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// On the internet.
    Public,
    /// This machine.
    Loopback,
    /// A private or shared network.
    Private,
    /// A cloud's metadata service.
    Metadata,
    /// Only on this link.
    LinkLocal,
    /// Nobody in particular.
    Unspecified,
    /// Many at once.
    Multicast,
    /// Set aside by a standard: documentation, benchmarks, protocols, future use.
    Reserved,
    /// A tunnel that hides where it leads.
    Tunnel,
    /// An address of this machine or of a private network, in a spelling for translators.
    Disguised,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Loopback => "this machine",
            Self::Private => "a private network",
            Self::Metadata => "a cloud metadata service",
            Self::LinkLocal => "link-local",
            Self::Unspecified => "unspecified",
            Self::Multicast => "multicast",
            Self::Reserved => "reserved",
            Self::Tunnel => "a Teredo tunnel",
            Self::Disguised => "a local address inside an IPv6 transition address",
        })
    }
}

/// An address that must not be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its class is not allowed.
    #[error("{address} is {class}")]
    Class {
        /// The address as it was resolved.
        address: IpAddr,
        /// What it is.
        class: Class,
    },
    /// Plain http would leave this machine.
    #[error("{address} is not on this machine, and plain http is only for this machine: use https")]
    PlainHttp {
        /// The address as it was resolved.
        address: IpAddr,
    },
}

/// Which classes of addresses are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressPolicy {
    /// The operator named the endpoint, so it may be on this machine or a private
    /// network.
    pub named_endpoint: bool,
    /// Requests travel in plain text, so they must not leave this machine.
    pub plain_http: bool,
}

impl AddressPolicy {
    /// Judges one address.
    pub fn permits(self, address: IpAddr) -> Result<(), Refused> {
        let class = classify(address);
        let allowed = match class {
            Class::Public => true,
            Class::Loopback | Class::Private => self.named_endpoint,
            Class::Metadata
            | Class::LinkLocal
            | Class::Unspecified
            | Class::Multicast
            | Class::Reserved
            | Class::Tunnel
            | Class::Disguised => false,
        };
        if !allowed {
            return Err(Refused::Class { address, class });
        }
        if self.plain_http && class != Class::Loopback {
            return Err(Refused::PlainHttp { address });
        }
        Ok(())
    }

    /// Splits what a name resolved to into what may be dialled and what was refused.
    /// With plain http one address elsewhere spoils all of them: a name that is only
    /// sometimes this machine is not this machine.
    pub fn filter(self, resolved: Vec<SocketAddr>) -> (Vec<SocketAddr>, Vec<Refused>) {
        let mut permitted = Vec::new();
        let mut refused = Vec::new();
        for address in resolved {
            match self.permits(address.ip()) {
                Ok(()) => permitted.push(address),
                Err(reason) => refused.push(reason),
            }
        }
        if self.plain_http && !refused.is_empty() {
            permitted.clear();
        }
        (permitted, refused)
    }
}

/// What kind of place an address is, whatever its spelling.
pub fn classify(address: IpAddr) -> Class {
    // A mapped address is the IPv4 address to every socket.
    match address.to_canonical() {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

fn classify_v4(address: Ipv4Addr) -> Class {
    let within = |a, b, c, d, length| {
        let mask = u32::MAX << (32 - length);
        address.to_bits() & mask == Ipv4Addr::new(a, b, c, d).to_bits()
    };
    if METADATA_V4.contains(&address) {
        Class::Metadata
    } else if within(0, 0, 0, 0, 8) {
        Class::Unspecified
    } else if address.is_loopback() {
        Class::Loopback
    } else if address.is_link_local() {
        Class::LinkLocal
    } else if address.is_multicast() {
        Class::Multicast
    } else if within(240, 0, 0, 0, 4)
        || within(192, 0, 0, 0, 24)
        || within(192, 0, 2, 0, 24)
        || within(192, 88, 99, 0, 24)
        || within(198, 18, 0, 0, 15)
        || within(198, 51, 100, 0, 24)
        || within(203, 0, 113, 0, 24)
    {
        Class::Reserved
    } else if address.is_private() || within(100, 64, 0, 0, 10) {
        Class::Private
    } else {
        Class::Public
    }
}

fn classify_v6(address: Ipv6Addr) -> Class {
    let within = |prefix: Ipv6Addr, length: u32| {
        let mask = u128::MAX << (128 - length);
        address.to_bits() & mask == prefix.to_bits()
    };
    let prefix = |head: [u16; 3], length| {
        let [a, b, c] = head;
        within(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
    };
    if address.is_loopback() {
        return Class::Loopback;
    }
    if address.is_unspecified() {
        return Class::Unspecified;
    }
    if let Some(inner) = embedded_v4(address) {
        return match classify_v4(inner) {
            Class::Loopback | Class::Private => Class::Disguised,
            class => class,
        };
    }
    let (metadata, length) = METADATA_V6;
    if within(metadata, length) {
        Class::Metadata
    } else if prefix([0x2001, 0, 0], 32) {
        Class::Tunnel
    } else if prefix([0xfe80, 0, 0], 10) {
        Class::LinkLocal
    } else if prefix([0xff00, 0, 0], 8) {
        Class::Multicast
    } else if prefix([0x2001, 0, 0], 23)
        || prefix([0x2001, 0xdb8, 0], 32)
        || prefix([0x3fff, 0, 0], 20)
        || prefix([0x100, 0, 0], 64)
        || prefix([0x64, 0xff9b, 1], 48)
    {
        Class::Reserved
    } else if prefix([0xfc00, 0, 0], 7) || prefix([0xfec0, 0, 0], 10) {
        Class::Private
    } else {
        Class::Public
    }
}

/// The IPv4 address inside an IPv4-compatible, NAT64 or 6to4 address. (The mapped
/// spelling is gone by now, and Teredo is refused as a whole.)
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
