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
const IPV4: [(&str, &str, Class); 27] = [
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
    ("168.63.129.17", "169.253.255.255", Class::Public),
    ("169.254.0.0", "169.254.255.255", Class::LinkLocal),
    ("169.254.169.254", "169.254.169.254", Class::Metadata),
    ("169.255.0.0", "172.15.255.255", Class::Public),
    ("172.16.0.0", "172.31.255.255", Class::Private),
    ("172.32.0.0", "191.255.255.255", Class::Public),
    ("192.0.0.0", "192.0.0.255", Class::Reserved),
    ("192.0.2.0", "192.0.2.255", Class::Reserved),
    ("192.88.99.0", "192.88.99.255", Class::Reserved),
    ("192.88.100.0", "192.167.255.255", Class::Public),
    ("192.168.0.0", "192.168.255.255", Class::Private),
    ("198.18.0.0", "198.19.255.255", Class::Reserved),
    ("198.51.100.0", "198.51.100.255", Class::Reserved),
    ("203.0.113.0", "203.0.113.255", Class::Reserved),
    ("203.0.114.0", "223.255.255.255", Class::Public),
    ("224.0.0.0", "239.255.255.255", Class::Multicast),
    ("240.0.0.0", "255.255.255.255", Class::Reserved),
];

const IPV6: [(&str, &str, Class); 22] = [
    ("::", "::", Class::Unspecified),
    ("::1", "::1", Class::Loopback),
    (
        "64:ff9b:1::",
        "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
        Class::Reserved,
    ),
    ("100::", "100::ffff:ffff:ffff:ffff", Class::Reserved),
    (
        "200::",
        "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Reserved,
    ),
    (
        "2000::",
        "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Public,
    ),
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
        "3fff:1000::",
        "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        Class::Public,
    ),
    (
        "4000::",
        "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
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

/// The spellings of an IPv4 address that only a translator or a router understands, and
/// whether a public address passes in them.
fn transition_spellings(address: Ipv4Addr) -> [(Ipv6Addr, bool); 9] {
    let [a, b, c, d] = address.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let isatap = |prefix: u16, mark: u16| Ipv6Addr::new(prefix, 1, 2, 3, mark, 0x5efe, high, low);
    [
        // Compatible and translated: nobody can be reached in them.
        (Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low), false),
        (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low), false),
        // NAT64, well-known and local.
        (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low), true),
        (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low), false),
        // 6to4.
        (Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 0), true),
        (
            Ipv6Addr::new(0x2002, high, low, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff),
            true,
        ),
        // ISATAP, with either mark, and in a range that is refused by itself.
        (isatap(0x2620, 0), true),
        (isatap(0x2620, 0x200), true),
        (isatap(0xfe80, 0), false),
    ]
}

#[test]
fn an_embedded_address_decides_and_only_a_public_one_passes() {
    for (address, class) in v4_addresses() {
        for (spelling, passes) in transition_spellings(address) {
            for policy in [CLOSED, NAMED] {
                assert_eq!(
                    policy.permits(spelling.into()).is_ok(),
                    passes && class == Class::Public,
                    "{spelling} embeds {address}"
                );
            }
        }
    }
}

#[test]
fn a_tunnel_that_hides_where_it_leads_is_refused_whatever_it_hides() {
    // Teredo has the server in the clear and the client inverted.
    for inner in ["9.9.9.9", "127.0.0.1", "169.254.169.254"] {
        let bits = inner.parse::<Ipv4Addr>().unwrap().to_bits();
        let [a, b] = [bits >> 16, bits & 0xffff].map(|half| u16::try_from(half).unwrap());
        for address in [
            Ipv6Addr::new(0x2001, 0, a, b, 0, 0, 0, 0),
            Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, !a, !b),
        ] {
            assert_eq!(classify(address.into()), Class::Tunnel, "{address}");
        }
    }
}

#[test]
fn a_metadata_service_is_refused_by_its_name_in_every_spelling() {
    let v4 = [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
    ]
    .map(|address| address.parse::<Ipv4Addr>().unwrap());
    let v6 = [
        "fd00:ec2::254",
        "fd00:ec2::253",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:100::100:200",
        "fd00:a9fe:a9fe::1",
        "fd00:42::42",
    ]
    .map(|address| address.parse::<IpAddr>().unwrap());
    let spellings = v4.iter().flat_map(|address| {
        let transition = transition_spellings(*address);
        let transition = transition.map(|(spelling, _)| spelling);
        // The local NAT64 range is refused as a whole.
        let named = transition
            .into_iter()
            .filter(|a| a.segments()[2] != 1 || a.segments()[0] != 0x64);
        named.chain([address.to_ipv6_mapped()]).map(IpAddr::from)
    });
    let plain = v4.iter().copied().map(IpAddr::from);
    for address in plain.chain(spellings).chain(v6) {
        for policy in [CLOSED, NAMED] {
            let refused = policy.permits(address).unwrap_err();
            assert_eq!(
                refused.to_string(),
                format!("{address} is a cloud metadata service")
            );
        }
    }
    // Its neighbours are what they would be without it.
    for (address, class) in [
        ("169.254.169.253", Class::LinkLocal),
        ("100.100.100.201", Class::Private),
        ("168.63.129.17", Class::Public),
        ("192.0.0.191", Class::Reserved),
        ("fd20:ce::255", Class::Private),
        ("fd20:ce:1::254", Class::Private),
        ("fd00:c1::a9fe:a9ff", Class::Private),
        ("fd00:42::43", Class::Private),
    ] {
        assert_eq!(classify(address.parse().unwrap()), class, "{address}");
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
