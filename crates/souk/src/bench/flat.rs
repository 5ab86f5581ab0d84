//! Lists stay flat: each list of two platforms, one with ten of everything and one that has grown, and how their times
//! compare. Both run side by side and are asked in turn, so that whatever else the machine does slows both alike.

use super::{
    http::Api,
    load::Times,
    prepare::{self, ADMIN, CUSTOMER},
    products::GeneratedProduct,
    report,
    server::{Scratch, Server},
};
use crate::style;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use hyper::Method;
use platform::env::Env;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::Instant;

#[derive(Args)]
pub struct Flat {
    /// Products of the large platform, at least 200; the small one has 10
    #[arg(long, default_value_t = 100_000, value_parser = at_least::<200>)]
    products: usize,
    /// Orders of the large platform, at least 100, of which the customer has a tenth; on the small one 10 of 10
    #[arg(long, default_value_t = 100_000, value_parser = at_least::<100>)]
    orders: usize,
    /// How often each list is asked for on each platform
    #[arg(long, default_value_t = 1_000, value_parser = at_least::<1>)]
    repeats: usize,
    /// Where both platforms' data lies and stays, so that another run need not make it again [default: a temporary folder]
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

fn at_least<const MIN: usize>(text: &str) -> Result<usize, String> {
    let number = text.parse().map_err(|_| "must be a whole number".to_owned())?;
    if number >= MIN { Ok(number) } else { Err(format!("must be at least {MIN}")) }
}

/// How many of each the small platform has. Pages are as long, so that both answer with as much.
const FEW: usize = 10;
/// The lines of the large platform's cart: as many as a cart can hold.
const CART: usize = 200;
/// How many pages lie before the deep one.
const DEEP: usize = 50;
/// Requests before those that are measured.
const WARM_UP: usize = 50;
/// All lists are gone through so often: what the machine does meanwhile hits all of them a little, and none alone.
const ROUNDS: usize = 10;
/// How long carrying the events of everything that was imported may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// All goods of the small platform, and of the list by category on both.
const CATEGORY: &str = "Furniture/Chairs";

pub async fn run(options: Flat) -> Result<()> {
    let scratch = Scratch::new(options.data_dir.clone())?;
    let numbers: Vec<u64> = (0..options.products as u64).collect();
    let few = (0..).filter(|number| GeneratedProduct::of(*number).slug() == CATEGORY).take(FEW).collect();
    let small = Platform::open(&scratch.path.join("small"), few, FEW, FEW, FEW).await.context("the small platform")?;
    let large = Platform::open(&scratch.path.join("large"), numbers, options.orders, options.orders / 10, CART)
        .await
        .context("the large platform")?;
    let mut lists = Vec::new();
    for (small, large) in small.lists().await?.into_iter().zip(large.lists().await?) {
        lists.push(Comparison { small: TimedList::new(small)?, large: TimedList::new(large)? });
    }
    for round in 0..=ROUNDS {
        // The first one warms up.
        let turns = if round == 0 { WARM_UP } else { options.repeats.div_ceil(ROUNDS) };
        for list in &mut lists {
            list.ask(turns, round > 0).await?;
        }
    }
    report(&options, &lists);
    small.server.stop().await?;
    large.server.stop().await
}

/// One of the two platforms.
struct Platform {
    server: Server,
    guest: Api,
    customer: Api,
    admin: Api,
    skus: Vec<String>,
}

impl Platform {
    async fn open(folder: &Path, numbers: Vec<u64>, orders: usize, own_orders: usize, cart: usize) -> Result<Platform> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let known: Vec<GeneratedProduct> = numbers.iter().rev().take(CART).map(|number| GeneratedProduct::of(*number)).collect();
        prepare::fill(folder, numbers, orders, own_orders).await?;
        let server = Server::serve(folder).await?;
        prepare::print_progress("events carried", server.settle(PATIENCE).await?);
        let guest = Api::new(&server.base);
        let side = Platform {
            customer: guest.log_in(CUSTOMER).await?,
            admin: guest.log_in(ADMIN).await?,
            skus: known.iter().map(GeneratedProduct::sku).collect(),
            guest,
            server,
        };
        side.fill_cart(&known, cart).await.context("filling the cart")?;
        Ok(side)
    }

    /// A cart of so many lines; one that an earlier run filled stays.
    async fn fill_cart(&self, products: &[GeneratedProduct], lines: usize) -> Result<()> {
        let present = get(&self.customer, "/cart").await?;
        if present["items"].as_array().is_some_and(|items| items.len() == lines) {
            return Ok(());
        }
        for wanted in products.iter().take(lines) {
            // Some are sold out, and nothing of those can be put there.
            let product = get(&self.guest, &format!("/products/by-sku/{}", wanted.sku())).await?;
            let stock = json!({"availableQty": 1_000, "productId": product["productId"]});
            self.admin.must(Method::PUT, &format!("/inventory/stock/{}", wanted.sku()), &[], Some(&stock)).await?;
            let line = json!({"productId": product["productId"], "quantity": 1});
            self.customer.must(Method::POST, "/cart/items", &[], Some(&line)).await?;
        }
        Ok(())
    }

    /// The lists, in the same order on both platforms.
    async fn lists(&self) -> Result<Vec<List>> {
        let Platform { guest, customer, admin, .. } = self;
        let category = self.category().await?;
        let page = format!("limit={FEW}");
        let recently = Env::system().now().before(Duration::from_secs(30 * 24 * 3600));
        let products = format!("/products?{page}");
        let own_orders = format!("/orders?{page}");
        let audited = format!("/audit/events?{page}");
        Ok(vec![
            List::of("GET /products", guest, products.clone()),
            List::of("GET /products, page 51", guest, deep(guest, &products).await?),
            List::of("GET /products?category=", guest, format!("{products}&category={category}")),
            List {
                name: "GET /products/by-sku/{sku}",
                api: guest.clone(),
                paths: self.skus.iter().map(|sku| format!("/products/by-sku/{sku}")).collect(),
            },
            List::of("GET /orders", customer, own_orders.clone()),
            List::of("GET /orders, page 51", customer, deep(customer, &own_orders).await?),
            List::of("GET /orders?status= of all", customer, format!("{own_orders}&status=DELIVERED")),
            List::of("GET /orders?status= of none", customer, format!("{own_orders}&status=CANCELLED")),
            List::of("GET /admin/orders", admin, format!("/admin/orders?{page}")),
            List::of("GET /admin/orders?status=&from= of many", admin, format!("/admin/orders?{page}&status=DELIVERED&from={recently}")),
            List::of("GET /admin/orders?status=&from= of none", admin, format!("/admin/orders?{page}&status=CANCELLED&from={recently}")),
            List::of("GET /cart, 10 and 200 lines", customer, "/cart".to_owned()),
            List::of("GET /inventory/stock", admin, format!("/inventory/stock?{page}")),
            List::of("GET /audit/events", admin, audited.clone()),
            List::of("GET /audit/events?eventType=", admin, format!("{audited}&eventType=ProductActivated")),
        ])
    }

    async fn category(&self) -> Result<String> {
        let tree = get(&self.guest, "/categories").await?;
        let (mut nodes, mut id) = (&tree["items"], None);
        for name in CATEGORY.split('/') {
            let node = nodes.as_array().into_iter().flatten().find(|node| node["name"] == name).context("its category")?;
            (nodes, id) = (&node["children"], node["categoryId"].as_str());
        }
        Ok(id.context("its id")?.to_owned())
    }
}

async fn get(api: &Api, path: &str) -> Result<Value> {
    api.must(Method::GET, path, &[], None).await
}

/// The path of a page far behind the first one; the first one where no full page is that far.
async fn deep(api: &Api, path: &str) -> Result<String> {
    let mut page = path.to_owned();
    for _ in 0..DEEP {
        match get(api, &page).await?["nextCursor"].as_str() {
            Some(cursor) => page = format!("{path}&cursor={cursor}"),
            None => return Ok(path.to_owned()),
        }
    }
    Ok(page)
}

/// One list of one platform.
struct List {
    name: &'static str,
    api: Api,
    /// TimedList for in turn.
    paths: Vec<String>,
}

impl List {
    fn of(name: &'static str, api: &Api, path: String) -> List {
        List { name, api: api.clone(), paths: vec![path] }
    }
}

/// A list, and how long its answers took.
struct TimedList {
    list: List,
    turns: usize,
    times: Times,
    /// The longest answer, in bytes.
    bytes: usize,
}

impl TimedList {
    fn new(list: List) -> Result<TimedList> {
        Ok(TimedList { list, turns: 0, times: Times::new()?, bytes: 0 })
    }

    async fn ask(&mut self, counts: bool) -> Result<()> {
        let path = &self.list.paths[self.turns % self.list.paths.len()];
        self.turns += 1;
        let began = Instant::now();
        let reply = self.list.api.send(Method::GET, path, &[], None).await?;
        let took = began.elapsed();
        if !reply.status.is_success() {
            bail!("GET {path} answered {}: {}", reply.status, String::from_utf8_lossy(&reply.body));
        }
        if counts {
            self.times.record(took);
            self.bytes = self.bytes.max(reply.body.len());
        }
        Ok(())
    }

    fn figures(&self) -> Value {
        json!({"medianUs": self.times.micros(0.5), "p99Us": self.times.micros(0.99), "answerBytes": self.bytes})
    }
}

/// One list on both platforms.
struct Comparison {
    small: TimedList,
    large: TimedList,
}

impl Comparison {
    async fn ask(&mut self, turns: usize, counts: bool) -> Result<()> {
        for _ in 0..turns {
            self.small.ask(counts).await?;
            self.large.ask(counts).await?;
        }
        Ok(())
    }
}

/// How many times the median of the small platform the large one's is.
fn ratio(small: &TimedList, large: &TimedList) -> f64 {
    large.times.micros(0.5) as f64 / small.times.micros(0.5).max(1) as f64
}

fn report(options: &Flat, lists: &[Comparison]) {
    let Flat { products, orders, repeats, json, .. } = options;
    let figures = json!({
        "small": {"products": FEW, "orders": FEW, "ordersOfTheCustomer": FEW, "cartLines": FEW},
        "large": {"products": products, "orders": orders, "ordersOfTheCustomer": orders / 10, "cartLines": CART},
        "repeats": repeats,
        "lists": lists.iter().map(|Comparison { small, large }| json!({
            "list": small.list.name,
            "small": small.figures(),
            "large": large.figures(),
            "ratio": ratio(small, large),
        })).collect::<Vec<_>>(),
    });
    report::print(*json, &figures, || {
        report::title(format_args!(
            "lists: {FEW} of everything against {products} products and {orders} orders, a tenth of them the customer's"
        ));
        let caption = format!("{:41}{:>17}{:>19}{:>8}{:>16}", "µs over HTTP, one request at a time", "small", "large", "", "bytes of");
        println!("{}", style::dim(caption));
        let caption = format!("{:41}{:>9}{:>8}{:>11}{:>8}{:>8}{:>16}", "", "median", "p99", "median", "p99", "ratio", "an answer");
        println!("{}", style::dim(caption));
        for list in lists {
            println!("{}", row(list));
        }
    });
}

fn row(Comparison { small, large }: &Comparison) -> String {
    let micros = |asked: &TimedList| (asked.times.micros(0.5), asked.times.micros(0.99));
    let ((few, few_p99), (many, many_p99)) = (micros(small), micros(large));
    let bytes = format!("{} / {}", small.bytes, large.bytes);
    format!("{:41}{few:>9}{few_p99:>8}{many:>11}{many_p99:>8}{:>8.2}{bytes:>16}", small.list.name, ratio(small, large))
}
