//! `souk bench`: benchmarks. They run the platform as a process of its own and call it over HTTP.

#![expect(clippy::disallowed_methods, reason = "it measures another process by the clock of the system")]

mod checkout;
mod csv;
mod flat;
mod load;
mod overload;
mod pages;
mod prepare;
mod products;
mod report;
mod search;
mod server;
mod slow_clients;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Bench {
    /// Drive complete checkouts: add to cart, order, until CONFIRMED.
    Checkout(checkout::Checkout),
    /// Check, import and export a large CSV file, and show the memory of the platform meanwhile.
    Csv(csv::Csv),
    /// Compare the lists of a platform with ten of everything with those of a large one.
    Flat(flat::Flat),
    /// Drive checkouts with ever more buyers, and show how many orders still complete.
    Overload(overload::Overload),
    /// Open the first pages of the shop at a fixed rate: their times, and their compressed sizes.
    Pages(pages::Pages),
    /// Attack with clients that send slowly from one and from three addresses, and count what others are refused.
    SlowClients(slow_clients::SlowClients),
    /// Search a large catalogue: build time, size, and searches of each kind under load.
    Search(search::Search),
}

pub async fn run(bench: Bench) -> Result<()> {
    match bench {
        Bench::Checkout(checkout) => checkout::run(checkout).await,
        Bench::Csv(csv) => csv::run(csv).await,
        Bench::Flat(flat) => flat::run(flat).await,
        Bench::Overload(overload) => overload::run(overload).await,
        Bench::Pages(pages) => pages::run(pages).await,
        Bench::SlowClients(slow) => slow_clients::run(slow).await,
        Bench::Search(search) => search::run(search).await,
    }
}
