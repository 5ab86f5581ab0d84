//! Divides a bounded resource among clients, so that neither one client nor a few can take all of it.

use super::Network;
use crate::env::LockUnpoisoned as _;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// A number of units, such as connections or kilobytes. A client may hold at most as many units as are free: one client
/// gets half of all, three clients get a quarter each and leave a quarter (the dynamic threshold of Choudhury and Hahne, 1998,
/// with the factor 1). An absolute limit for each client holds as well. Clones share the units.
#[derive(Debug, Clone)]
pub struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    total: usize,
    per_client: Option<usize>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    by_client: HashMap<Network, usize>,
}

/// The units that one client took. They are given back on drop.
#[derive(Debug)]
pub struct Share {
    shares: Shares,
    client: Network,
    units: usize,
}

/// Whether a client that holds `held` of the units may take one more when `free` are free.
#[must_use]
pub fn may_take(held: usize, free: usize) -> bool {
    free > 0 && held <= free
}

impl Shares {
    /// `total` units, of which a client gets at most `per_client`. Without `per_client` a client may take all units, which
    /// is right where every client is a proxy.
    #[must_use]
    pub fn new(total: usize, per_client: Option<usize>) -> Shares {
        Shares(Arc::new(Inner { total, per_client, held: Mutex::default() }))
    }

    /// Takes `units` for `client`; `None` when too few are free, or when the client holds its share.
    #[must_use]
    pub fn take(&self, client: Network, units: usize) -> Option<Share> {
        let mut share = Share { shares: self.clone(), client, units: 0 };
        share.grow(units).then_some(share)
    }

    #[cfg(test)]
    fn clients(&self) -> usize {
        self.0.held.lock_unpoisoned().by_client.len()
    }
}

impl Share {
    /// Takes more units for the same client. Returns false, and takes none, when the client may not have them.
    #[must_use]
    pub fn grow(&mut self, units: usize) -> bool {
        let Inner { total, per_client, held } = &*self.shares.0;
        let mut held = held.lock_unpoisoned();
        let (free, own) = (total - held.all, held.by_client.get(&self.client).copied().unwrap_or(0));
        let within = per_client.is_none_or(|most| own + units <= most && may_take(own, free));
        if !within || units > free {
            return false;
        }
        held.all += units;
        *held.by_client.entry(self.client).or_default() += units;
        self.units += units;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.units == 0 {
            return;
        }
        let mut held = self.shares.0.held.lock_unpoisoned();
        held.all -= self.units;
        if let Some(own) = held.by_client.get_mut(&self.client) {
            *own -= self.units;
            if *own == 0 {
                held.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    /// Takes single units until none is given.
    fn take_all(shares: &Shares, client: Network) -> Vec<Share> {
        std::iter::from_fn(|| shares.take(client, 1)).collect()
    }

    #[test]
    fn one_client_gets_half_and_three_leave_a_quarter() {
        let shares = Shares::new(1000, Some(1000));
        let mut held = take_all(&shares, at("192.0.2.1"));
        assert_eq!(held.len(), 501);
        drop(std::mem::take(&mut held));
        // Three clients that take turns.
        let clients = [at("192.0.2.1"), at("192.0.2.2"), at("192.0.2.3")];
        loop {
            let round: Vec<Share> = clients.iter().filter_map(|client| shares.take(*client, 1)).collect();
            if round.is_empty() {
                break;
            }
            held.extend(round);
        }
        assert!((750..=753).contains(&held.len()), "{}", held.len());
        assert!(shares.take(at("192.0.2.4"), 1).is_some());
    }

    #[test]
    fn the_limit_holds_for_all_addresses_of_a_network() {
        let shares = Shares::new(100, Some(2));
        let take = |address: &str| shares.take(at(address), 1);
        let _first = take("2001:db8:1:2::1").unwrap();
        let second = take("2001:db8:1:2:ffff::9").unwrap();
        assert!(take("2001:db8:1:2::3").is_none());
        let _other = take("2001:db8:1:3::1").unwrap();
        drop(second);
        drop(take("2001:db8:1:2::3").unwrap());
        let _v4 = take("::ffff:192.0.2.1").unwrap();
        assert_eq!(shares.clients(), 3, "a network without units is removed");
    }

    #[test]
    fn a_share_grows_as_long_as_units_are_free() {
        let shares = Shares::new(10, Some(10));
        let mut share = shares.take(at("192.0.2.1"), 4).unwrap();
        assert!(share.grow(2) && !share.grow(5) && !share.grow(1), "six of ten are held, and four are free");
        let mut other = shares.take(at("192.0.2.2"), 4).unwrap();
        assert!(!other.grow(1));
        drop(share);
        assert!(other.grow(1));
        assert!(shares.take(at("192.0.2.3"), 11).is_none());
        drop(other);
        assert_eq!(shares.clients(), 0);
    }

    #[test]
    fn without_a_limit_for_each_client_one_client_may_take_everything() {
        let shares = Shares::new(3, None);
        assert_eq!(take_all(&shares, at("192.0.2.1")).len(), 3);
    }
}
