//! `souk bench`: the project's own load driver. It talks to the platform over HTTP from a process of its own.

mod checkout;
pub mod http;
mod load;
mod report;
pub mod server;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Bench {
    /// Drive complete checkouts: add to cart, order, until CONFIRMED.
    Checkout(checkout::Checkout),
}

/// # Errors
/// When the platform cannot be driven at all. Failed requests are counted and reported instead.
pub async fn run(bench: Bench) -> Result<()> {
    match bench {
        Bench::Checkout(checkout) => checkout::run(checkout).await,
    }
}
