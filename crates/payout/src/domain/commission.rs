//! Rates of commission: the most specific one counts.

use contracts::{
    body::BoundedInt,
    ids::{CategoryId, UserId},
    payout::NewCommissionRate,
    violation::Violation,
};
use std::collections::HashSet;

/// The rates, with a default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    items: Vec<NewCommissionRate>,
    /// The rate when no other one fits.
    default: BoundedInt<0, 10_000>,
}

impl Rates {
    #[must_use]
    pub fn new(items: Vec<NewCommissionRate>, default: BoundedInt<0, 10_000>) -> Rates {
        Rates { items, default }
    }

    /// Whether a rate depends on the category for this seller.
    #[must_use]
    pub fn need_categories(&self, seller: UserId) -> bool {
        self.items.iter().any(|rate| rate.category_id.is_some() && rate.seller_id.is_none_or(|own| own == seller))
    }

    /// Returns the rate for a product in these categories, from the root to its own, in basis points.
    #[must_use]
    pub fn of(&self, seller: UserId, path: &[CategoryId]) -> u32 {
        // By category and seller, by category, by seller, the default; of categories the nearest.
        let rank = |rate: &NewCommissionRate| {
            let depth = match rate.category_id {
                Some(category) => path.iter().position(|own| *own == category)? + 1,
                None => 0,
            };
            let is_own = match rate.seller_id {
                Some(own) if own != seller => return None,
                own => own.is_some(),
            };
            Some((depth > 0 && is_own, depth, is_own))
        };
        let best = self.items.iter().filter_map(|rate| Some((rank(rate)?, rate.basis_points))).max_by_key(|(rank, _)| *rank);
        u32::try_from(best.map_or(self.default, |(_, points)| points).get()).unwrap_or(0)
    }

    /// The rates, the default first.
    #[must_use]
    pub fn list(&self) -> Vec<NewCommissionRate> {
        let is_default = |rate: &&NewCommissionRate| rate.category_id.is_none() && rate.seller_id.is_none();
        let default = self.items.iter().find(is_default).map_or(self.default, |rate| rate.basis_points);
        let first = NewCommissionRate { category_id: None, seller_id: None, basis_points: default };
        std::iter::once(first).chain(self.items.iter().filter(|rate| !is_default(rate)).cloned()).collect()
    }
}

/// Checks that no two rates are for the same category and seller; returns the position of the second.
///
/// # Errors
/// `DUPLICATE`.
pub fn check(items: &[NewCommissionRate]) -> Result<(), (usize, Violation)> {
    let mut seen = HashSet::new();
    match items.iter().position(|rate| !seen.insert((rate.category_id, rate.seller_id))) {
        Some(position) => Err((position, Violation::new("DUPLICATE", "another rate has the same category and seller"))),
        None => Ok(()),
    }
}
