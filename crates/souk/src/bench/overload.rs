//! Goodput under overload: the same checkouts with ever more buyers. A buyer who is refused begins again at once, which is
//! the worst that honest clients do.

use super::{
    checkout::{self, Buyer, Orders},
    load::{self, Measured},
    report,
    server::{Scratch, Server},
};
use crate::style;
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc, time::Duration};

#[derive(Args)]
pub struct Overload {
    /// Numbers of concurrent buyers, one run each
    #[arg(long, value_delimiter = ',', default_value = "64,600,2000,5000")]
    buyers: Vec<usize>,
    /// Seconds to measure for each number
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Seconds of warm-up before each
    #[arg(long, default_value_t = 5)]
    warm_up: u64,
    /// Use the platform at this address, without rate limits, instead of starting one
    #[arg(long)]
    url: Option<String>,
    /// The data directory of the platform that is started [default: a temporary one]
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// Files of this process beside the connections.
const OTHER_FILES: u64 = 64;

pub async fn run(options: Overload) -> Result<()> {
    let most = options.buyers.iter().copied().max().context("--buyers needs a number")?;
    let files = platform::rlimit::allow(most as u64 + OTHER_FILES);
    ensure!(files >= most as u64 + OTHER_FILES, "{most} buyers need as many connections, and this process may open only {files} files");
    let scratch = Scratch::new(options.data_dir.clone())?;
    let server = match &options.url {
        Some(_) => None,
        // The cheapest hashing, because every buyer needs an account.
        None => {
            let environment = [("SOUK_RATE_LIMITS", "off"), ("SOUK_AUTH_ARGON2_MEMORY_KIB", "64"), ("SOUK_AUTH_ARGON2_ITERATIONS", "1")];
            Some(Server::start_with("demo", &scratch.path, &environment).await?)
        }
    };
    let api = Server::api(server.as_ref(), options.url.as_deref())?;
    let orders = Orders::of_one_product(checkout::add_stock(&api).await.context("stocking up")?);
    let buyers: Vec<Buyer> = checkout::register_buyers(&api, most, &Arc::new(orders)).await.context("registering buyers")?;
    let (warm_up, seconds) = (Duration::from_secs(options.warm_up), Duration::from_secs(options.seconds));
    let mut runs = Vec::new();
    for count in &options.buyers {
        runs.push(Run { buyers: *count, measured: load::drive(buyers[..*count].to_vec(), warm_up, seconds, server.as_ref()).await? });
    }
    report(&options, &runs);
    match server {
        Some(server) => server.stop().await,
        None => Ok(()),
    }
}

/// The measurement with one number of buyers.
struct Run {
    buyers: usize,
    measured: Measured,
}

impl Run {
    fn per_second(&self, options: &Overload) -> f64 {
        self.measured.tally.done as f64 / options.seconds as f64
    }

    /// How often a step failed.
    fn failures(&self, step: &str) -> u64 {
        self.measured.tally.errors.iter().filter(|(text, _)| text.starts_with(step)).map(|(_, count)| count).sum()
    }

    fn figures(&self, options: &Overload, best: f64) -> Value {
        let tally = &self.measured.tally;
        json!({
            "buyers": self.buyers,
            "ordersPerSecond": self.per_second(options),
            "shareOfBest": self.per_second(options) / best,
            "p50Ms": tally.times.millis(0.5),
            "p99Ms": tally.times.millis(0.99),
            "errors": tally.errors,
        })
    }
}

fn report(options: &Overload, runs: &[Run]) {
    let best = runs.iter().map(|run| run.per_second(options)).fold(f64::MIN_POSITIVE, f64::max);
    let figures = json!(runs.iter().map(|run| run.figures(options, best)).collect::<Vec<_>>());
    report::print(options.json, &figures, || {
        report::title("checkouts: add to cart, order, until CONFIRMED");
        let head = format!(
            "{:>8}{:>12}{:>10}{:>11}{:>11}{:>16}{:>17}{:>8}",
            "buyers", "orders/s", "of best", "p50 ms", "p99 ms", "refused adds", "refused orders", "other"
        );
        println!("{}", style::dim(head));
        for run in runs {
            let times = &run.measured.tally.times;
            let (adds, orders) = (run.failures("cart 503"), run.failures("order 503"));
            let all: u64 = run.measured.tally.errors.values().sum();
            println!(
                "{:>8}{:>12.0}{:>9.0}%{:>11.0}{:>11.0}{adds:>16}{orders:>17}{:>8}",
                run.buyers,
                run.per_second(options),
                run.per_second(options) / best * 100.0,
                times.millis(0.5),
                times.millis(0.99),
                all - adds - orders,
            );
        }
    });
}
