//! The network that a request came from, to distinguish clients without a token.

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

/// The header with the client's address, which a gateway in another process sends.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// The network of a client: its IPv4 address, or its IPv6 /64, because one client has all addresses of a /64. It is no proof
/// of identity: a caller that bypasses the gateway can send any address, and a large attacker has many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl Network {
    /// The network of calls within the process, which have no address.
    pub const IN_PROCESS: Network = Network(IpAddr::V6(Ipv6Addr::UNSPECIFIED));

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

    /// The first address of the network, as the 16 bytes of IPv6.
    #[must_use]
    pub fn octets(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        }
    }
}

/// A gateway in this process sets the client's address on the request and removes the header; one in another process
/// appends the client's address to the header.
fn client(headers: &HeaderMap, peer: Option<PeerAddr>) -> Option<IpAddr> {
    let forwarded = headers.get_all(FORWARDED_FOR).iter().next_back().and_then(|line| line.to_str().ok());
    let forwarded = forwarded.and_then(|line| line.rsplit(',').next()?.trim().parse().ok());
    forwarded.or_else(|| peer.map(|PeerAddr(address)| address.ip()))
}

impl<S: Send + Sync> FromRequestParts<S> for Network {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(client(&parts.headers, parts.extensions.get().copied()).map_or(Network::IN_PROCESS, Network::of))
    }
}

/// It is not a parameter of the API.
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
    fn all_addresses_of_a_client_are_one_network() {
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:1.2.3.4"), at("1.2.3.4"));
        assert_ne!(at("1.2.3.4"), at("1.2.3.5"));
        assert_ne!(at("1.2.3.4").octets(), at("1.2.3.5").octets());
    }

    #[test]
    fn the_address_comes_from_the_gateway_or_else_from_the_connection() {
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
