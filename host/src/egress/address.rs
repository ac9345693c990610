//! Which network addresses a connection may be made to.
//!
//! A host name says nothing about where it leads: whoever controls its DNS can answer
//! with this machine, with the network behind it or with the metadata service that
//! hands out credentials, and can answer differently the second time. So every resolved
//! address is judged here, and the transport connects to exactly the addresses judged.
//!
//! IPv6 has several spellings of an IPv4 address. The innermost IPv4 address is judged
//! first, then the range, and a spelling can only lose by it: a local address that hides in
//! a NAT64 or 6to4 spelling is refused even where that local address would be allowed. What
//! can't be known here is a translation prefix that a network chose for itself (RFC 6052).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Metadata services that hand out credentials. Most lie in ranges that are refused
/// anyway and are named for the message; Alibaba's is in the shared range, which a named
/// endpoint opens, and Azure's is a public address.
const METADATA_V4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254),
    // AWS, for containers: tasks and pods.
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    // Oracle's older cloud.
    Ipv4Addr::new(192, 0, 0, 192),
];
/// The same over IPv6, with the length of the prefix. All are unique-local, which a named
/// endpoint opens. AWS has a range for all link services of an instance: metadata
/// (`::254`), DNS (`::253`), pods (`::23`).
const METADATA_V6: [(Ipv6Addr, u32); 6] = [
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32),
    // Google.
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128),
    // Oracle.
    (Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe), 128),
    // Alibaba.
    (Ipv6Addr::new(0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200), 128),
    // Akamai.
    (Ipv6Addr::new(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1), 128),
    // Scaleway.
    (Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42), 128),
];

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
    if METADATA_V6
        .iter()
        .any(|(prefix, length)| within(*prefix, *length))
    {
        return Class::Metadata;
    }
    match embedded_v4(address).map_or(Class::Public, classify_v4) {
        Class::Public => {}
        Class::Loopback | Class::Private => return Class::Disguised,
        class => return class,
    }
    if prefix([0x2001, 0, 0], 32) {
        Class::Tunnel
    } else if prefix([0xfe80, 0, 0], 10) {
        Class::LinkLocal
    } else if prefix([0xff00, 0, 0], 8) {
        Class::Multicast
    } else if prefix([0xfc00, 0, 0], 7) || prefix([0xfec0, 0, 0], 10) {
        Class::Private
    } else if prefix([0x2001, 0, 0], 23)
        || prefix([0x2001, 0xdb8, 0], 32)
        || prefix([0x3fff, 0, 0], 20)
    {
        Class::Reserved
    } else if prefix([0x2000, 0, 0], 3) || prefix([0x64, 0xff9b, 0], 96) {
        Class::Public
    } else {
        // Nothing else has been given to anybody: discard, local NAT64, segment routing,
        // deprecated spellings and what is kept for the future.
        Class::Reserved
    }
}

/// The IPv4 address inside an IPv4-compatible, translated (RFC 2765), NAT64, 6to4 or ISATAP
/// address. (The mapped spelling is gone by now, and Teredo is refused as a whole.)
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
