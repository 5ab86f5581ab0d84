//! What can be done, one transaction each.

pub mod payouts;
pub mod reports;
pub mod sales;
