//! Complete checkouts: each buyer registers once, then repeatedly adds to the cart and orders, until CONFIRMED. An order has one
//! item of each of `--sellers` sellers, and with `--coupon` a discount by a code.

use super::{
    load::{self, Client, Measured},
    report,
    server::{Scratch, Server},
};
use crate::{
    api_client::{Api, ApiRequest, Reply, add_to_cart, place_order, request, sample_address, set_stock},
    demo, style,
};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use contracts::{
    cart::{ADD_COUPON, AddCoupon},
    catalog::{LIST_PRODUCTS, Product},
    ids::{AddressId, ProductId},
    order::OrderStatus,
    page::Page,
    payment::PaymentMethod,
    promotion::{ACTIVATE_PROMOTION, CREATE_PROMOTION, LIST_PROMOTIONS, PAUSE_PROMOTION, PromotionStatus},
    seller::LIST_SELLERS,
    user::ADD_ADDRESS,
};
use platform::env::Env;
use serde_json::json;
use std::{path::PathBuf, sync::Arc, time::Duration};

#[derive(Args)]
pub struct Checkout {
    /// Concurrent buyers
    #[arg(long, default_value_t = 64)]
    buyers: usize,
    /// Sellers in one order; one item of each is bought
    #[arg(long, default_value_t = 1)]
    sellers: usize,
    /// Enter a coupon of ten percent in each cart
    #[arg(long)]
    coupon: bool,
    /// Seconds to measure
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Seconds of warm-up before
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Use the platform at this address instead of starting one
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
            // The first start loads the catalogue; the second one measures the start of an existing installation.
            Server::start("demo", &scratch.path).await?.stop().await?;
            Some(Server::start("demo", &scratch.path).await?)
        }
    };
    let api = Server::api(server.as_ref(), options.url.as_deref())?;
    let limited = limits_rates(&api).await?;
    if limited {
        eprintln!("{LIMITED}");
    }
    if server.is_some() {
        pause_promotions(&api).await.context("pausing the demo's promotions")?;
    }
    let mut orders = Orders::of_one_product(add_stock(&api).await.context("stocking up")?);
    if options.sellers > 1 {
        orders.products = add_stock_of_sellers(&api, options.sellers).await.context("stocking up the sellers")?;
    }
    if options.coupon {
        orders.coupon = Some(create_coupon(&api).await.context("creating the promotion")?);
    }
    let buyers = register_buyers(&api, options.buyers, &Arc::new(orders)).await.context("registering buyers")?;
    let (warm_up, seconds) = (Duration::from_secs(options.warm_up), Duration::from_secs(options.seconds));
    let measured = load::drive(buyers, warm_up, seconds, server.as_ref()).await?;
    report(&options, &measured, server.as_ref().map(|server| server.ready_after), limited);
    match server {
        Some(server) => server.stop().await,
        None => Ok(()),
    }
}

const LIMITED: &str = "the platform limits request rates, so its limits are measured: start it with --rate-limits off";

/// Whether the headers of an answer show rate limits.
async fn limits_rates(api: &Api) -> Result<bool> {
    Ok(api.send(request(&LIST_PRODUCTS).query("limit", 1)).await?.headers.contains_key("ratelimit-policy"))
}

/// Values that are unknown for a platform of `--url` are null, and left out of the text.
fn report(options: &Checkout, measured: &Measured, ready_after: Option<Duration>, limited: bool) {
    let Measured { tally, processor_seconds, memory } = measured;
    let per_second = tally.done as f64 / options.seconds as f64;
    let per_thousand = processor_seconds.filter(|_| tally.done > 0).map(|seconds| seconds * 1000.0 / tally.done as f64);
    let (p50, p99, most) = (tally.times.millis(0.5), tally.times.millis(0.99), tally.times.millis(1.0));
    let (resident, highest) = memory.map(|memory| (report::megabytes(memory.resident), report::megabytes(memory.highest))).unzip();
    let ready_after = ready_after.map(|took| took.as_secs_f64() * 1000.0);
    let figures = json!({
        "buyers": options.buyers,
        "sellersPerOrder": options.sellers,
        "coupon": options.coupon,
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

/// What buyers order.
pub(super) struct Orders {
    /// An order has one product of each list.
    products: Vec<Vec<ProductId>>,
    coupon: Option<AddCoupon>,
}

impl Orders {
    /// Orders of one product of the list, without a coupon.
    pub fn of_one_product(products: Vec<ProductId>) -> Orders {
        Orders { products: vec![products], coupon: None }
    }
}

/// Gives 300 products or more a stock that the run cannot sell out.
pub(super) async fn add_stock(api: &Api) -> Result<Vec<ProductId>> {
    stock_up(api, request(&LIST_PRODUCTS), 300).await
}

/// Gives 100 products or more of each of `count` sellers such a stock.
async fn add_stock_of_sellers(api: &Api, count: usize) -> Result<Vec<Vec<ProductId>>> {
    let mut products = Vec::new();
    for seller in api.list(request(&LIST_SELLERS), count).await? {
        let stocked = stock_up(api, request(&LIST_PRODUCTS).query("sellerId", seller.seller_id), 100).await?;
        if !stocked.is_empty() && products.len() < count {
            products.push(stocked);
        }
    }
    ensure!(products.len() == count, "there are goods of {} sellers only", products.len());
    Ok(products)
}

async fn stock_up(api: &Api, list: ApiRequest<(), Page<Product>>, enough: usize) -> Result<Vec<ProductId>> {
    let admin = api.log_in(demo::ADMIN).await?;
    let products = api.list(list, enough).await?;
    for product in &products {
        admin.must(set_stock(&product.sku, product.product_id, 10_000_000)).await?;
    }
    Ok(products.into_iter().map(|product| product.product_id).collect())
}

/// Pauses the promotions of the demo, so that orders have none but the one that was asked for.
async fn pause_promotions(api: &Api) -> Result<()> {
    let admin = api.log_in(demo::ADMIN).await?;
    for promotion in admin.list(request(&LIST_PROMOTIONS), 1_000).await? {
        if promotion.status == PromotionStatus::Active {
            admin.must(request(&PAUSE_PROMOTION).path(promotion.promotion_id)).await?;
        }
    }
    Ok(())
}

/// Makes a promotion of ten percent that a code applies.
async fn create_coupon(api: &Api) -> Result<AddCoupon> {
    let admin = api.log_in(demo::ADMIN).await?;
    let code = format!("BENCH{:X}", Env::system().random_below(u64::MAX));
    let wanted = json!({"title": "Ten percent", "kind": "PERCENTAGE", "value": 1000, "code": code});
    let promotion = admin.must(request(&CREATE_PROMOTION).key(&code).body(&serde_json::from_value(wanted)?)).await?;
    admin.must(request(&ACTIVATE_PROMOTION).path(promotion.promotion_id).key(&code)).await?;
    Ok(serde_json::from_value(json!({"code": code}))?)
}

/// Registers buyers with an address each.
pub(super) async fn register_buyers(api: &Api, count: usize, orders: &Arc<Orders>) -> Result<Vec<Buyer>> {
    let env = Env::system();
    let run = env.random_below(u64::MAX);
    let mut buyers = Vec::new();
    for number in 0..count {
        let email = format!("buyer-{run:x}-{number}@bench.example");
        let api = api.register((&email, "a long enough password"), &format!("Buyer {number}")).await?;
        let address = api.must(request(&ADD_ADDRESS).body(&sample_address())).await?.address_id;
        buyers.push(Buyer { api, address, orders: orders.clone(), env: env.clone(), number, attempts: 0 });
    }
    Ok(buyers)
}

#[derive(Clone)]
pub(super) struct Buyer {
    api: Api,
    address: AddressId,
    orders: Arc<Orders>,
    env: Env,
    number: usize,
    /// Orders that it tried to place.
    attempts: u64,
}

impl Client for Buyer {
    async fn run_once(&mut self) -> Result<(), String> {
        self.attempts += 1;
        let key = format!("bench-{}-{}-{:x}", self.number, self.attempts, self.env.random_below(u64::MAX));
        self.checkout(&key).await.map_err(|error| error.to_string())
    }
}

impl Buyer {
    async fn checkout(&self, key: &str) -> Result<()> {
        for products in &self.orders.products {
            let product = products[self.env.random_below(products.len() as u64) as usize];
            expect_success("cart", &self.api.send(add_to_cart(product, 1)).await?)?;
        }
        if let Some(coupon) = &self.orders.coupon {
            expect_success("coupon", &self.api.send(request(&ADD_COUPON).body(coupon)).await?)?;
        }
        let placed = self.api.send(place_order(self.address, PaymentMethod::Ok, key).wait()).await?;
        expect_success("order", &placed)?;
        match placed.read()?.status {
            OrderStatus::Confirmed => Ok(()),
            other => bail!("order {other}"),
        }
    }
}

fn expect_success<A>(what: &str, reply: &Reply<A>) -> Result<()> {
    if !reply.status.is_success() {
        let (status, code) = reply.problem();
        bail!("{what} {status} {code}");
    }
    Ok(())
}
