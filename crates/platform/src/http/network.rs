//! Where a request came from, as far as it tells one household or office from another.

use super::{
    describe::{DescribeArg, OperationBuilder},
    problem::Problem,
    request_layers::PeerAddr,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use std::net::{IpAddr, Ipv6Addr};

/// The header by which a gateway elsewhere tells a service the client's address.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// The network of a client: its address of IPv4, or the /64 that a household has of IPv6 and could ask from each of whose
/// addresses once. It tells guessers apart from others and proves nothing: whoever gets past the gateway writes what it
/// likes, and a large attacker has many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl Network {
    /// Where requests without an address come from: calls within the process.
    pub const INSIDE: Network = Network(IpAddr::V6(Ipv6Addr::UNSPECIFIED));

    /// The network that this address is in.
    #[must_use]
    pub fn of(address: IpAddr) -> Network {
        Network(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }

    /// Its first address, as the 16 bytes of IPv6.
    #[must_use]
    pub fn octets(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        }
    }
}

/// A gateway in this process puts the client's address on the request and drops the header; one elsewhere holds the
/// connection, and writes the client's address into the header as its last entry.
fn client(headers: &HeaderMap, peer: Option<PeerAddr>) -> Option<IpAddr> {
    let forwarded = headers.get_all(FORWARDED_FOR).iter().next_back().and_then(|line| line.to_str().ok());
    let forwarded = forwarded.and_then(|line| line.rsplit(',').next()?.trim().parse().ok());
    forwarded.or_else(|| peer.map(|PeerAddr(address)| address.ip()))
}

impl<S: Send + Sync> FromRequestParts<S> for Network {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(client(&parts.headers, parts.extensions.get().copied()).map_or(Network::INSIDE, Network::of))
    }
}

/// Nothing that a caller could say.
impl DescribeArg for Network {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use std::net::SocketAddr;

    fn at(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    #[test]
    fn a_house_is_one_network_whatever_address_it_asks_from() {
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:1.2.3.4"), at("1.2.3.4"));
        assert_ne!(at("1.2.3.4"), at("1.2.3.5"));
        assert_ne!(at("1.2.3.4").octets(), at("1.2.3.5").octets());
    }

    #[test]
    fn the_gateway_says_whose_request_it_is_and_else_the_connection_does() {
        let peer = Some(PeerAddr(SocketAddr::from(([9, 9, 9, 9], 7))));
        let mut headers = HeaderMap::new();
        assert_eq!(client(&headers, None), None);
        assert_eq!(client(&headers, peer), "9.9.9.9".parse().ok());
        headers.append(FORWARDED_FOR, HeaderValue::from_static("6.6.6.6"));
        headers.append(FORWARDED_FOR, HeaderValue::from_static("7.7.7.7, 1.2.3.4"));
        assert_eq!(client(&headers, peer), "1.2.3.4".parse().ok());
        headers.append(FORWARDED_FOR, HeaderValue::from_static("unknown"));
        assert_eq!(client(&headers, peer), "9.9.9.9".parse().ok());
    }
}
