//! How many connections each peer holds, so that one of them cannot take every place.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// Whose address it is, as far as can be told: a house has a whole /64 of IPv6 and could come from each of its addresses.
#[must_use]
pub fn house_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Counts connections by peer.
#[derive(Clone)]
pub(super) struct Peers {
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// A connection of a peer, counted until it is dropped.
pub(super) struct Held {
    peers: Peers,
    house: IpAddr,
}

impl Peers {
    pub(super) fn new(most: usize) -> Peers {
        Peers { held: Arc::default(), most }
    }

    /// One more connection from `address`; `None` when it holds as many as it may.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Held> {
        let house = house_of(address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(house).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(held);
        Some(Held { peers: self.clone(), house })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.peers.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.house) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.house);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_holds_so_many_connections_whatever_address_it_comes_from() {
        let peers = Peers::new(2);
        let admit = |address: &str| peers.admit(address.parse().unwrap());
        let _first = admit("2001:db8:1:2::1").unwrap();
        let second = admit("2001:db8:1:2:ffff::9").unwrap();
        assert!(admit("2001:db8:1:2::3").is_none());
        let _other = admit("2001:db8:1:3::1").unwrap();
        drop(second);
        drop(admit("2001:db8:1:2::3").unwrap());
        let _v4 = admit("::ffff:192.0.2.1").unwrap();
        assert_eq!(peers.held.lock().unwrap().len(), 3, "who holds nothing is forgotten");
        assert_eq!(house_of("::ffff:192.0.2.1".parse().unwrap()), house_of("192.0.2.1".parse().unwrap()));
    }
}
