//! The rules: postings that balance, the shares of a sale, and rates of commission. No async, no I/O, no clock.

pub mod commission;
pub mod ledger;
pub mod order;
pub mod sale;
#[cfg(test)]
mod tests;
