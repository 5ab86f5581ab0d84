//! `souk bench`: benchmarks. They run the platform as a process of its own and call it over HTTP.

#![expect(clippy::disallowed_methods, reason = "it measures another process by the clock of the system")]

mod checkout;
mod flat;
mod load;
mod prepare;
mod products;
mod report;
mod search;
mod server;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Bench {
    /// Drive complete checkouts: add to cart, order, until CONFIRMED.
    Checkout(checkout::Checkout),
    /// Compare the lists of a platform with ten of everything with those of a large one.
    Flat(flat::Flat),
    /// Search a large catalogue: build time, size, and searches of each kind under load.
    Search(search::Search),
}

pub async fn run(bench: Bench) -> Result<()> {
    match bench {
        Bench::Checkout(checkout) => checkout::run(checkout).await,
        Bench::Flat(flat) => flat::run(flat).await,
        Bench::Search(search) => search::run(search).await,
    }
}
