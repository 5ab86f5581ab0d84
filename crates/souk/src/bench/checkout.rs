//! Complete checkouts: each buyer logs in once, then again and again fills a cart and orders, until CONFIRMED.

use super::{
    http::Api,
    load::{self, Client, Measured},
    report,
    server::{Scratch, Server},
};
use crate::{demo, style};
use anyhow::{Context as _, Result};
use clap::Args;
use hyper::Method;
use platform::env::Env;
use serde_json::json;
use std::{path::PathBuf, sync::Arc, time::Duration};

#[derive(Args)]
pub struct Checkout {
    /// Buyers at the same time
    #[arg(long, default_value_t = 64)]
    buyers: usize,
    /// Seconds that are measured
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Seconds before, that are not
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Drive the platform at this address instead of starting one
    #[arg(long)]
    url: Option<String>,
    /// The data directory of the platform that is started [default: a temporary one]
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(options: Checkout) -> Result<()> {
    let scratch = Scratch::new(options.data_dir.clone())?;
    let server = match &options.url {
        Some(_) => None,
        None => {
            // The first start loads the catalogue; the second shows how fast an existing installation is ready.
            Server::demo(&scratch.path).await?.stop().await?;
            Some(Server::demo(&scratch.path).await?)
        }
    };
    let base = options.url.clone().or_else(|| server.as_ref().map(|server| server.base.clone())).context("an address")?;
    let api = Api::new(&base);
    let limited = limits_rates(&api).await?;
    if limited {
        eprintln!("{LIMITED}");
    }
    let products = add_stock(&api).await.context("stocking up")?;
    let buyers = register_buyers(&api, options.buyers, &products.into()).await.context("enrolling buyers")?;
    let (warm_up, seconds) = (Duration::from_secs(options.warm_up), Duration::from_secs(options.seconds));
    let measured = load::drive(buyers, warm_up, seconds, server.as_ref()).await?;
    report(&options, &measured, server.as_ref().map(|server| server.ready_after), limited);
    match server {
        Some(server) => server.stop().await,
        None => Ok(()),
    }
}

const LIMITED: &str = "the platform limits request rates, and what is measured are its limits: start it with --rate-limits off";

/// Whether the platform limits how often one caller may ask: it says so in its answers.
async fn limits_rates(api: &Api) -> Result<bool> {
    Ok(api.send(Method::GET, "/products?limit=1", &[], None).await?.headers.contains_key("ratelimit-policy"))
}

/// What is not known of a platform that somebody else started is null, and left out of the text.
fn report(options: &Checkout, measured: &Measured, ready_after: Option<Duration>, limited: bool) {
    let Measured { tally, processor_seconds, memory } = measured;
    let per_second = tally.done as f64 / options.seconds as f64;
    let per_thousand = processor_seconds.filter(|_| tally.done > 0).map(|seconds| seconds * 1000.0 / tally.done as f64);
    let (p50, p99, most) = (tally.times.millis(0.5), tally.times.millis(0.99), tally.times.millis(1.0));
    let (resident, highest) = memory.map(|memory| (report::megabytes(memory.resident), report::megabytes(memory.highest))).unzip();
    let ready_after = ready_after.map(|took| took.as_secs_f64() * 1000.0);
    let figures = json!({
        "buyers": options.buyers,
        "seconds": options.seconds,
        "orders": tally.done,
        "ordersPerSecond": per_second,
        "p50Ms": p50,
        "p99Ms": p99,
        "maxMs": most,
        "errors": tally.errors,
        "rateLimits": limited,
        "serverProcessorSecondsPerThousandOrders": per_thousand,
        "serverMemoryMb": resident,
        "serverMemoryHighestMb": highest,
        "readyAfterMs": ready_after,
    });
    report::print(options.json, &figures, || {
        report::title("checkouts: add to cart, order, until CONFIRMED");
        report::figure(per_second, 0, format_args!("orders per second, {} buyers, {} s", options.buyers, options.seconds));
        report::figure(p50, 1, "ms at the median");
        report::figure(p99, 1, "ms at the 99th percentile");
        report::figure(most, 1, "ms at most");
        if let Some(per_thousand) = per_thousand {
            report::figure(per_thousand, 2, "s of the server's processor time per 1,000 orders");
        }
        if let (Some(resident), Some(highest)) = (resident, highest) {
            report::figure(resident, 0, format_args!("MB of server memory now, {highest:.0} at its highest"));
        }
        if let Some(ready_after) = ready_after {
            report::figure(ready_after, 0, "ms from start to ready, on an existing data directory");
        }
        report::errors(&tally.errors);
        if limited {
            println!("  {}", style::red(LIMITED));
        }
    });
}

/// Gives a few hundred products more stock than the run can sell.
async fn add_stock(api: &Api) -> Result<Vec<String>> {
    let admin = api.log_in(demo::ADMIN).await?;
    let mut products = Vec::new();
    let mut cursor = String::new();
    while products.len() < 300 {
        let page = api.must(Method::GET, &format!("/products?limit=100{cursor}"), &[], None).await?;
        for product in page["items"].as_array().into_iter().flatten() {
            let (id, sku) = (product["productId"].as_str().unwrap_or_default(), product["sku"].as_str().unwrap_or_default());
            let stock = json!({"availableQty": 10_000_000, "productId": id});
            admin.must(Method::PUT, &format!("/inventory/stock/{sku}"), &[], Some(&stock)).await?;
            products.push(id.to_owned());
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    Ok(products)
}

/// Buyers with an address each.
async fn register_buyers(api: &Api, count: usize, products: &Arc<[String]>) -> Result<Vec<Buyer>> {
    let env = Env::system();
    let run = env.random_below(u64::MAX);
    let mut buyers = Vec::new();
    for number in 0..count {
        let account = json!({"email": format!("buyer-{run:x}-{number}@bench.example"), "password": "a long enough password", "name": format!("Buyer {number}")});
        let answer = api.must(Method::POST, "/auth/register", &[], Some(&account)).await?;
        let api = api.with_token(answer["accessToken"].as_str().context("a token")?);
        let address =
            json!({"label": "Home", "country": "DE", "city": "Berlin", "zip": "10115", "street": "Invalidenstraße", "number": "1"});
        let address = api.must(Method::POST, "/users/me/addresses", &[], Some(&address)).await?;
        let address = address["addressId"].as_str().context("an address")?.to_owned();
        buyers.push(Buyer { api, address, products: products.clone(), env: env.clone(), number, orders: 0 });
    }
    Ok(buyers)
}

struct Buyer {
    api: Api,
    address: String,
    products: Arc<[String]>,
    env: Env,
    number: usize,
    /// Tried so far.
    orders: u64,
}

impl Client for Buyer {
    async fn run_once(&mut self) -> Result<(), String> {
        self.orders += 1;
        let product = &self.products[self.env.random_below(self.products.len() as u64) as usize];
        let key = format!("bench-{}-{}-{:x}", self.number, self.orders, self.env.random_below(u64::MAX));
        checkout(&self.api, &self.address, product, &key).await
    }
}

async fn checkout(api: &Api, address: &str, product: &str, key: &str) -> Result<(), String> {
    let item = json!({"productId": product, "quantity": 1});
    let added = api.send(Method::POST, "/cart/items", &[], Some(&item)).await.map_err(|error| error.to_string())?;
    if !added.status.is_success() {
        return Err(format!("cart {} {}", added.status.as_u16(), added.json()["code"]));
    }
    let order = json!({"shippingAddressId": address, "paymentMethod": "pm_ok"});
    let headers = [("idempotency-key", key), ("prefer", "wait=20")];
    let placed = api.send(Method::POST, "/orders", &headers, Some(&order)).await.map_err(|error| error.to_string())?;
    let body = placed.json();
    match (placed.status.as_u16(), body["status"].as_str()) {
        (201, Some("CONFIRMED")) => Ok(()),
        (201, other) => Err(format!("order {}", other.unwrap_or("without a status"))),
        (status, _) => Err(format!("order {status} {}", body["code"])),
    }
}
