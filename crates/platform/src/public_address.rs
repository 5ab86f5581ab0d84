//! The public addresses of the internet, after the IANA special-purpose address registries (RFC 6890 and its updates).
//!
//! A webhook goes to public addresses only, so that users cannot reach our own network through it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Names that belong to a private network wherever they are resolved (RFC 6761, RFC 6762, RFC 8375, and `internal`, which ICANN
/// reserves).
const PRIVATE_NAMES: &[&str] = &["localhost", "local", "internal", "home.arpa"];

/// Returns whether the host of a URL can be public: a public IP address in any notation, or a name with a dot that does not
/// belong to a private network. What the name resolves to is checked when connecting. A text that is no URL is not public.
#[must_use]
pub fn has_public_host(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Ipv4(ip)) => is_public(ip.into()),
        Some(Host::Ipv6(ip)) => is_public(ip.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let is_within = |private: &str| name.strip_suffix(private).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            name.contains('.') && !PRIVATE_NAMES.iter().any(|private| is_within(private))
        }
        None => false,
    }
}

/// Returns whether `ip` is an address of the public internet.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or_else(|| is_public_v6(ip), is_public_v4),
    }
}

/// The blocks of IPv4 that are not public, with the length of their prefix.
const RESERVED: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared by providers
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, and the metadata of clouds
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // relays of 6to4
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 3),     // multicast, reserved, broadcast
];

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !RESERVED.iter().any(|(block, bits)| (ip.to_bits() ^ block.to_bits()) >> (32 - bits) == 0)
}

/// Only 2000::/3 is public, without protocol assignments and Teredo (2001::/23), documentation
/// (2001:db8::/32, 3fff::/20), 6to4 (2002::/16), which wraps IPv4 addresses.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let bits = ip.to_bits();
    let within = |block: u128, prefix: u32| (bits ^ (block << 96)) >> (128 - prefix) == 0;
    within(0x2000_0000, 3) && !within(0x2001_0000, 23) && !within(0x2001_0db8, 32) && !within(0x2002_0000, 16) && !within(0x3fff_0000, 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_hosts_are_recognized_in_every_notation() {
        for public in [
            "https://example.com/hook",
            "http://8.8.8.8",
            "https://[2606:4700::1111]:8443/",
            "http://bücher.example",
            "https://local.example.",
        ] {
            assert!(has_public_host(public), "{public}");
        }
        for private in [
            "http://localhost/",
            "http://LOCALHOST.:80",
            "http://a.localhost",
            "http://printer.local",
            "http://db.internal",
            "http://nas.home.arpa",
            "http://intranet/",
            "http://127.0.0.1",
            "http://127.1",
            "http://2130706433",
            "http://0x7f.1",
            "http://0177.0.0.1",
            "http://１２７.0.0.1",
            "http://[::1]",
            "http://[::ffff:10.0.0.1]",
            "http://169.254.169.254/latest",
            "http://%6cocalhost",
            "no url",
        ] {
            assert!(!has_public_host(private), "{private}");
        }
    }

    #[test]
    fn only_addresses_outside_the_reserved_blocks_are_public() {
        for public in
            ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }
}
