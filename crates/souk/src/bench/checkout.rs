//! Complete checkouts: each buyer logs in once, then again and again fills a cart and orders, until CONFIRMED.

use super::{
    http::Api,
    server::{Scratch, Server},
};
use crate::{demo, style};
use anyhow::{Context as _, Result};
use clap::Args;
use hdrhistogram::Histogram;
use hyper::Method;
use platform::env::Env;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::Instant};

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

/// The longest checkout that is told apart, in microseconds: a minute.
const MOST: u64 = 60_000_000;

/// What was measured.
#[derive(Default)]
struct Tally {
    orders: u64,
    /// Of a whole checkout, in microseconds.
    times: Option<Histogram<u64>>,
    errors: BTreeMap<String, u64>,
}

pub async fn run(options: Checkout) -> Result<()> {
    let scratch = Scratch::new(options.data_dir.clone())?;
    let server = match &options.url {
        Some(_) => None,
        None => {
            // The first start loads the catalogue; the second shows how fast an existing installation is ready.
            Server::start(&scratch.path).await?.stop().await?;
            Some(Server::start(&scratch.path).await?)
        }
    };
    let base = options.url.clone().or_else(|| server.as_ref().map(|server| server.base.clone())).context("an address")?;
    let api = Api::new(&base);
    let products = stock_up(&api).await.context("stocking up")?;
    let buyers = enrol(&api, options.buyers).await.context("enrolling buyers")?;

    let begin = Instant::now() + Duration::from_secs(options.warm_up);
    let end = begin + Duration::from_secs(options.seconds);
    let products: Arc<[String]> = products.into();
    let env = Env::system();
    let mut tasks = JoinSet::new();
    for (number, buyer) in buyers.into_iter().enumerate() {
        tasks.spawn(buy(buyer, products.clone(), env.clone(), number, begin, end));
    }
    tokio::time::sleep_until(begin).await;
    let used_before = server.as_ref().map_or(0.0, Server::processor_seconds);
    tokio::time::sleep_until(end).await;
    let used = server.as_ref().map_or(0.0, Server::processor_seconds) - used_before;
    let (resident, highest) = server.as_ref().map_or((0, 0), Server::memory);
    let mut total = Tally::default();
    let mut times = Histogram::<u64>::new_with_bounds(1, MOST, 3)?;
    while let Some(joined) = tasks.join_next().await {
        let tally = joined?;
        total.orders += tally.orders;
        for (code, count) in tally.errors {
            *total.errors.entry(code).or_default() += count;
        }
        if let Some(part) = tally.times {
            times.add(part)?;
        }
    }
    let figures = json!({
        "buyers": options.buyers,
        "seconds": options.seconds,
        "orders": total.orders,
        "ordersPerSecond": total.orders as f64 / options.seconds as f64,
        "p50Ms": times.value_at_quantile(0.5) as f64 / 1000.0,
        "p99Ms": times.value_at_quantile(0.99) as f64 / 1000.0,
        "maxMs": times.max() as f64 / 1000.0,
        "errors": total.errors,
        "serverProcessorSecondsPerThousandOrders": if total.orders > 0 { used * 1000.0 / total.orders as f64 } else { 0.0 },
        "serverMemoryMb": resident as f64 / 1_048_576.0,
        "serverMemoryHighestMb": highest as f64 / 1_048_576.0,
        "readyAfterMs": server.as_ref().map_or(0.0, |server| server.ready_after.as_secs_f64() * 1000.0),
    });
    if options.json {
        println!("{figures:#}");
    } else {
        report(&figures);
    }
    if let Some(server) = server {
        server.stop().await?;
    }
    Ok(())
}

fn report(figures: &Value) {
    let number = |name: &str| figures[name].as_f64().unwrap_or(0.0);
    println!("{}", style::bold("checkouts: add to cart, order, until CONFIRMED"));
    println!("  {:>10.0}  orders per second, {} buyers, {} s", number("ordersPerSecond"), figures["buyers"], figures["seconds"]);
    println!("  {:>10.1}  ms at the median", number("p50Ms"));
    println!("  {:>10.1}  ms at the 99th percentile", number("p99Ms"));
    println!("  {:>10.1}  ms at most", number("maxMs"));
    println!("  {:>10.2}  s of the server's processor time per 1,000 orders", number("serverProcessorSecondsPerThousandOrders"));
    println!("  {:>10.0}  MB of server memory now, {:.0} at its highest", number("serverMemoryMb"), number("serverMemoryHighestMb"));
    println!("  {:>10.0}  ms from start to ready, on an existing data directory", number("readyAfterMs"));
    let errors = figures["errors"].as_object().cloned().unwrap_or_default();
    if errors.is_empty() {
        println!("  {:>10}  errors", style::green("0"));
    }
    for (code, count) in errors {
        println!("  {:>10}  {code}", style::red(count));
    }
}

/// Gives a few hundred products more stock than the run can sell.
async fn stock_up(api: &Api) -> Result<Vec<String>> {
    let admin = login(api, demo::ADMIN).await?;
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

async fn login(api: &Api, (email, password): (&str, &str)) -> Result<Api> {
    let answer = api.must(Method::POST, "/auth/login", &[], Some(&json!({"email": email, "password": password}))).await?;
    Ok(api.with_token(answer["accessToken"].as_str().context("a token")?))
}

/// Buyers with an address each.
async fn enrol(api: &Api, count: usize) -> Result<Vec<(Api, String)>> {
    let run = Env::system().random_below(u64::MAX);
    let mut buyers = Vec::new();
    for number in 0..count {
        let account = json!({"email": format!("buyer-{run:x}-{number}@bench.example"), "password": "a long enough password", "name": format!("Buyer {number}")});
        let answer = api.must(Method::POST, "/auth/register", &[], Some(&account)).await?;
        let buyer = api.with_token(answer["accessToken"].as_str().context("a token")?);
        let address = json!({"label": "Home", "country": "DE", "city": "Berlin", "zip": "10115", "street": "Invalidenstraße", "number": "1"});
        let address = buyer.must(Method::POST, "/users/me/addresses", &[], Some(&address)).await?;
        buyers.push((buyer, address["addressId"].as_str().context("an address")?.to_owned()));
    }
    Ok(buyers)
}

/// One buyer's orders until the end.
async fn buy((api, address): (Api, String), products: Arc<[String]>, env: Env, number: usize, begin: Instant, end: Instant) -> Tally {
    let mut tally = Tally { times: Histogram::new_with_bounds(1, MOST, 3).ok(), ..Tally::default() };
    let mut count = 0_u64;
    while Instant::now() < end {
        count += 1;
        let began = Instant::now();
        let product = &products[env.random_below(products.len() as u64) as usize];
        let key = format!("bench-{number}-{count}-{:x}", env.random_below(u64::MAX));
        let outcome = checkout(&api, &address, product, &key).await;
        let now = Instant::now();
        if began < begin || now > end {
            continue;
        }
        match outcome {
            Ok(()) => {
                tally.orders += 1;
                if let Some(times) = &mut tally.times {
                    times.saturating_record((now - began).as_micros() as u64);
                }
            }
            Err(code) => *tally.errors.entry(code).or_default() += 1,
        }
    }
    tally
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
