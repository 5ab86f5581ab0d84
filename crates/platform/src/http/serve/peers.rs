//! How many connections each peer holds, so that one of them cannot take every place.

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
    most: usize,
}

/// A connection of a peer, counted until it is dropped.
pub(super) struct Held {
    peers: Peers,
    network: Network,
}

impl Peers {
    pub(super) fn new(most: usize) -> Peers {
        Peers { held: Arc::default(), most }
    }

    /// One more connection from `address`; `None` when it holds as many as it may.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Held> {
        let network = Network::of(address);
        let mut held = self.held.lock_unpoisoned();
        let count = held.entry(network).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(held);
        Some(Held { peers: self.clone(), network })
    }
}

impl Drop for Held {
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
    fn a_network_holds_so_many_connections_whatever_address_it_comes_from() {
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
    }
}
