use super::*;

const CLOSED: AddressPolicy = AddressPolicy {
    named_endpoint: false,
    plain_http: false,
};
const NAMED: AddressPolicy = AddressPolicy {
    named_endpoint: true,
    plain_http: false,
};

/// First address, last address, what they are.
const IPV4: [(&str, &str, Class); 24] = [
    ("0.0.0.0", "0.255.255.255", Class::Unspecified),
    ("1.0.0.0", "9.255.255.255", Class::Public),
    ("10.0.0.0", "10.255.255.255", Class::Private),
    ("11.0.0.0", "100.63.255.255", Class::Public),
    ("100.64.0.0", "100.127.255.255", Class::Private),
    ("100.100.100.200", "100.100.100.200", Class::Metadata),
    ("100.128.0.0", "126.255.255.255", Class::Public),
    ("127.0.0.0", "127.255.255.255", Class::Loopback),
    ("128.0.0.0", "168.63.129.15", Class::Public),
    ("168.63.129.16", "168.63.129.16", Class::Metadata),
    ("169.254.0.0", "169.254.255.255", Class::LinkLocal),
    ("169.254.169.254", "169.254.169.254", Class::Metadata),
    ("172.16.0.0", "172.31.255.255", Class::Private),
    ("172.32.0.0", "191.255.255.255", Class::Public),
    ("192.0.0.0", "192.0.0.255", Class::Reserved),
    ("192.0.2.0", "192.0.2.255", Class::Reserved),
    ("192.88.99.0", "192.88.99.255", Class::Reserved),
    ("192.168.0.0", "192.168.255.255", Class::Private),
    ("198.18.0.0", "198.19.255.255", Class::Reserved),
    ("198.51.100.0", "198.51.100.255", Class::Reserved),
    ("203.0.113.0", "203.0.113.255", Class::Reserved),
    ("203.0.114.0", "223.255.255.255", Class::Public),
    ("224.0.0.0", "239.255.255.255", Class::Multicast),
    ("240.0.0.0", "255.255.255.255", Class::Reserved),
];

const IPV6: [(&str, &str, Class); 18] = [
    ("::", "::", Class::Unspecified),
    ("::1", "::1", Class::Loopback),
    (
        "64:ff9b:1::",
        "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
        Class::Reserved,
    ),
    ("100::", "100::ffff:ffff:ffff:ffff", Class::Reserved),
    (
        "2001::",
        "2001:0:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Tunnel,
    ),
    (
        "2001:1::",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Reserved,
    ),
    (
        "2001:200::",
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Public,
    ),
    (
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Reserved,
    ),
    (
        "2003::",
        "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Public,
    ),
    (
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Reserved,
    ),
    (
        "fc00::",
        "fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Private,
    ),
    (
        "fd00:ec1::",
        "fd00:ec1:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Private,
    ),
    (
        "fd00:ec2::",
        "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Metadata,
    ),
    ("fd00:ec2::254", "fd00:ec2::254", Class::Metadata),
    (
        "fd00:ec3::",
        "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Private,
    ),
    (
        "fe80::",
        "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::LinkLocal,
    ),
    (
        "fec0::",
        "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Private,
    ),
    (
        "ff00::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Multicast,
    ),
];

fn v4_addresses() -> impl Iterator<Item = (Ipv4Addr, Class)> {
    IPV4.into_iter().flat_map(|(first, last, class)| {
        [
            (first.parse().unwrap(), class),
            (last.parse().unwrap(), class),
        ]
    })
}

#[test]
fn every_range_is_judged_from_its_first_address_to_its_last() {
    for (address, class) in v4_addresses() {
        assert_eq!(classify(address.into()), class, "{address}");
    }
    for (first, last, class) in IPV6 {
        for address in [first, last] {
            assert_eq!(classify(address.parse().unwrap()), class, "{address}");
        }
    }
}

#[test]
fn mapped_spellings_are_judged_as_the_ipv4_address() {
    for (address, class) in v4_addresses() {
        let mapped = address.to_ipv6_mapped();
        assert_eq!(classify(mapped.into()), class, "{mapped}");
    }
}

/// The spellings of an IPv4 address that only a translator or a router understands.
fn transition_spellings(address: Ipv4Addr) -> [Ipv6Addr; 4] {
    let [a, b, c, d] = address.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    [
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 0),
        Ipv6Addr::new(0x2002, high, low, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff),
    ]
}

#[test]
fn an_embedded_address_decides_and_only_a_public_one_passes() {
    for (address, class) in v4_addresses() {
        for spelling in transition_spellings(address) {
            for policy in [CLOSED, NAMED] {
                assert_eq!(
                    policy.permits(spelling.into()).is_ok(),
                    class == Class::Public,
                    "{spelling} embeds {address}"
                );
            }
        }
    }
}

#[test]
fn without_a_named_endpoint_only_public_addresses_pass() {
    for (address, class) in v4_addresses() {
        let permitted = CLOSED.permits(address.into()).is_ok();
        assert_eq!(permitted, class == Class::Public, "{address}");
    }
    for (first, last, class) in IPV6 {
        for address in [first, last] {
            let permitted = CLOSED.permits(address.parse().unwrap()).is_ok();
            assert_eq!(permitted, class == Class::Public, "{address}");
        }
    }
}

#[test]
fn a_named_endpoint_opens_this_machine_and_private_networks_and_nothing_else() {
    let open = |class| matches!(class, Class::Public | Class::Loopback | Class::Private);
    for (address, class) in v4_addresses() {
        assert_eq!(
            NAMED.permits(address.into()).is_ok(),
            open(class),
            "{address}"
        );
    }
    for (first, last, class) in IPV6 {
        for address in [first, last] {
            let permitted = NAMED.permits(address.parse().unwrap()).is_ok();
            assert_eq!(permitted, open(class), "{address}");
        }
    }
}

fn sockets(addresses: &[&str]) -> Vec<SocketAddr> {
    addresses
        .iter()
        .map(|address| SocketAddr::new(address.parse().unwrap(), 80))
        .collect()
}

#[test]
fn what_was_refused_is_left_out_and_the_order_is_kept() {
    let (permitted, refused) = CLOSED.filter(sockets(&[
        "9.9.9.9",
        "127.0.0.1",
        "2620:fe::9",
        "169.254.169.254",
    ]));
    assert_eq!(permitted, sockets(&["9.9.9.9", "2620:fe::9"]));
    let texts: Vec<_> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "127.0.0.1 is this machine",
            "169.254.169.254 is a cloud metadata service"
        ]
    );
}

#[test]
fn plain_http_never_leaves_this_machine() {
    let plain = AddressPolicy {
        named_endpoint: true,
        plain_http: true,
    };
    let here = sockets(&["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"]);
    assert_eq!(plain.filter(here.clone()).0, here);
    for elsewhere in [
        "9.9.9.9",
        "10.0.0.1",
        "fd12::1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ] {
        let (permitted, refused) = plain.filter(sockets(&["127.0.0.1", elsewhere]));
        assert_eq!(permitted, [], "{elsewhere}");
        assert_eq!(refused.len(), 1, "{elsewhere}");
    }
}
