//! `souk bench`: the project's own load driver. It talks to the platform over HTTP from a process of its own.

mod checkout;
mod flat;
pub mod http;
mod load;
mod prepare;
mod products;
mod report;
mod search;
pub mod server;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Bench {
    /// Drive complete checkouts: add to cart, order, until CONFIRMED.
    Checkout(checkout::Checkout),
    /// Compare each list on a platform with ten of everything and on one that has grown.
    Flat(flat::Flat),
    /// Search a grown catalogue: build time, size, and searches of each kind under load.
    Search(search::Search),
}

/// # Errors
/// When the platform cannot be driven at all. Failed requests are counted and reported instead.
pub async fn run(bench: Bench) -> Result<()> {
    match bench {
        Bench::Checkout(checkout) => checkout::run(checkout).await,
        Bench::Flat(flat) => flat::run(flat).await,
        Bench::Search(search) => search::run(search).await,
    }
}
