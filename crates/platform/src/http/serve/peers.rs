//! Limits the connections of each peer, so that one peer cannot use all of them.

use crate::{env::LockUnpoisoned as _, http::Network};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex},
};

/// Counts connections by peer.
#[derive(Clone)]
pub(super) struct Peers {
    held: Arc<Mutex<HashMap<Network, usize>>>,
    limit: usize,
}

/// A connection of a peer, counted until it is dropped.
pub(super) struct PeerConnection {
    peers: Peers,
    network: Network,
}

impl Peers {
    pub(super) fn new(limit: usize) -> Peers {
        Peers { held: Arc::default(), limit }
    }

    /// Counts a connection from `address`; `None` when its network has reached the limit.
    pub(super) fn admit(&self, address: IpAddr) -> Option<PeerConnection> {
        let network = Network::of(address);
        let mut held = self.held.lock_unpoisoned();
        let count = held.entry(network).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        drop(held);
        Some(PeerConnection { peers: self.clone(), network })
    }
}

impl Drop for PeerConnection {
    fn drop(&mut self) {
        let mut held = self.peers.held.lock_unpoisoned();
        if let Some(count) = held.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_for_all_addresses_of_a_network() {
        let peers = Peers::new(2);
        let admit = |address: &str| peers.admit(address.parse().unwrap());
        let _first = admit("2001:db8:1:2::1").unwrap();
        let second = admit("2001:db8:1:2:ffff::9").unwrap();
        assert!(admit("2001:db8:1:2::3").is_none());
        let _other = admit("2001:db8:1:3::1").unwrap();
        drop(second);
        drop(admit("2001:db8:1:2::3").unwrap());
        let _v4 = admit("::ffff:192.0.2.1").unwrap();
        assert_eq!(peers.held.lock().unwrap().len(), 3, "a network without connections is removed");
    }
}
