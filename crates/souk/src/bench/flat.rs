//! Compares the times of lists on two platforms, one with ten of everything and a large one. Both run side by side and get
//! requests in turn, so that other load on the machine affects both alike.

use super::{
    load::Times,
    prepare::{self, ADMIN, CUSTOMER},
    products::GeneratedProduct,
    report,
    server::{Scratch, Server},
};
use crate::{
    api_client::{Api, ApiRequest, add_to_cart, request, set_stock},
    style,
};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use contracts::{
    audit::LIST_AUDIT_EVENTS,
    cart::GET_CART,
    catalog::{GET_PRODUCT_BY_SKU, LIST_CATEGORIES, LIST_PRODUCTS},
    ids::CategoryId,
    inventory::LIST_STOCK,
    order::{LIST_ALL_ORDERS, LIST_ORDERS, OrderStatus},
    page::Page,
};
use platform::env::Env;
use serde::de::DeserializeOwned;
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
    /// Orders of the large platform, at least 100; a tenth is the customer's. The small one has 10, all the customer's
    #[arg(long, default_value_t = 100_000, value_parser = at_least::<100>)]
    orders: usize,
    /// Requests of each list on each platform
    #[arg(long, default_value_t = 1_000, value_parser = at_least::<1>)]
    repeats: usize,
    /// Folder that keeps the data of both platforms for another run [default: a temporary folder]
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

/// Products and orders of the small platform. Pages have this length too, so that answers of both are equally long.
const FEW: usize = 10;
/// Lines of the large platform's cart: the maximum of a cart.
const CART: usize = 200;
/// Pages before the deep one.
const DEEP: usize = 50;
/// Requests before the measured ones.
const WARM_UP: usize = 50;
/// The requests of all lists are spread over so many rounds, so that other load on the machine affects all lists alike.
const ROUNDS: usize = 10;
/// Limit for the delivery of the events of the import.
const PATIENCE: Duration = Duration::from_secs(900);

/// The category of all products of the small platform, and of the list by category.
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
        // The first round is the warm-up.
        let repeats = if round == 0 { WARM_UP } else { options.repeats.div_ceil(ROUNDS) };
        for list in &mut lists {
            list.measure(repeats, round > 0).await?;
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
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        let known: Vec<GeneratedProduct> = numbers.iter().rev().take(CART).map(|number| GeneratedProduct::of(*number)).collect();
        prepare::fill(folder, numbers, orders, own_orders).await?;
        let server = Server::start("serve", folder).await?;
        prepare::print_progress("events delivered", server.settle(PATIENCE).await?);
        let guest = server.program.api.clone();
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

    /// Fills the cart with so many lines, unless an earlier run did.
    async fn fill_cart(&self, products: &[GeneratedProduct], lines: usize) -> Result<()> {
        if self.customer.must(request(&GET_CART)).await?.items.len() == lines {
            return Ok(());
        }
        for wanted in products.iter().take(lines) {
            // Some are sold out and could not be added.
            let product_id = self.guest.must(request(&GET_PRODUCT_BY_SKU).path(wanted.sku())).await?.product_id;
            self.admin.must(set_stock(&wanted.sku(), product_id, 1_000)).await?;
            self.customer.must(add_to_cart(product_id, 1)).await?;
        }
        Ok(())
    }

    /// Returns the lists, in the same order on both platforms.
    async fn lists(&self) -> Result<Vec<List>> {
        let Platform { guest, customer, admin, .. } = self;
        let category = self.category().await?;
        let recently = Env::system().now().before(Duration::from_secs(30 * 24 * 3600));
        let products = request(&LIST_PRODUCTS).query("limit", FEW);
        let own_orders = request(&LIST_ORDERS).query("limit", FEW);
        let orders = request(&LIST_ALL_ORDERS).query("limit", FEW);
        let audited = request(&LIST_AUDIT_EVENTS).query("limit", FEW);
        let own_orders_in = |status| own_orders.clone().query("status", status);
        let recent_orders_in = |status| orders.clone().query("status", status).query("from", recently);
        Ok(vec![
            List::of("GET /products", guest, products.clone()),
            List::of("GET /products, page 51", guest, deep(guest, &products).await?),
            List::of("GET /products?category=", guest, products.query("category", category)),
            List {
                name: "GET /products/by-sku/{sku}",
                api: guest.clone(),
                requests: self.skus.iter().map(|sku| request(&GET_PRODUCT_BY_SKU).path(sku).untyped()).collect(),
            },
            List::of("GET /orders", customer, own_orders.clone()),
            List::of("GET /orders, page 51", customer, deep(customer, &own_orders).await?),
            List::of("GET /orders?status= of all", customer, own_orders_in(OrderStatus::Delivered)),
            List::of("GET /orders?status= of none", customer, own_orders_in(OrderStatus::Cancelled)),
            List::of("GET /admin/orders", admin, orders.clone()),
            List::of("GET /admin/orders?status=&from= of many", admin, recent_orders_in(OrderStatus::Delivered)),
            List::of("GET /admin/orders?status=&from= of none", admin, recent_orders_in(OrderStatus::Cancelled)),
            List::of("GET /cart, 10 and 200 lines", customer, request(&GET_CART)),
            List::of("GET /inventory/stock", admin, request(&LIST_STOCK).query("limit", FEW)),
            List::of("GET /audit/events", admin, audited.clone()),
            List::of("GET /audit/events?eventType=", admin, audited.query("eventType", "ProductActivated")),
        ])
    }

    async fn category(&self) -> Result<CategoryId> {
        let (mut nodes, mut id) = (self.guest.must(request(&LIST_CATEGORIES)).await?.items, None);
        for name in CATEGORY.split('/') {
            let node = nodes.into_iter().find(|node| node.name == name).context("the category does not exist")?;
            (nodes, id) = (node.children, Some(node.category_id));
        }
        id.context("the category has no name")
    }
}

/// The request of a page far behind the first one; of the first one where there are not enough pages.
async fn deep<T: DeserializeOwned + Clone>(api: &Api, first: &ApiRequest<(), Page<T>>) -> Result<ApiRequest<(), Page<T>>> {
    let mut page = first.clone();
    for _ in 0..DEEP {
        match api.must(page).await?.next_cursor {
            Some(cursor) => page = first.clone().query("cursor", cursor),
            None => return Ok(first.clone()),
        }
    }
    Ok(page)
}

/// One list of one platform.
struct List {
    name: &'static str,
    api: Api,
    /// Sent in turn.
    requests: Vec<ApiRequest>,
}

impl List {
    fn of<A>(name: &'static str, api: &Api, request: ApiRequest<(), A>) -> List {
        List { name, api: api.clone(), requests: vec![request.untyped()] }
    }
}

/// A list and the times of its answers.
struct TimedList {
    list: List,
    sent: usize,
    times: Times,
    /// The longest answer, in bytes.
    bytes: usize,
}

impl TimedList {
    fn new(list: List) -> Result<TimedList> {
        Ok(TimedList { list, sent: 0, times: Times::new()?, bytes: 0 })
    }

    async fn measure(&mut self, counts: bool) -> Result<()> {
        let request = self.list.requests[self.sent % self.list.requests.len()].clone();
        self.sent += 1;
        let (path, began) = (request.path.clone(), Instant::now());
        let reply = self.list.api.send(request).await?;
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
    async fn measure(&mut self, repeats: usize, counts: bool) -> Result<()> {
        for _ in 0..repeats {
            self.small.measure(counts).await?;
            self.large.measure(counts).await?;
        }
        Ok(())
    }
}

/// The median of the large platform divided by that of the small one.
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
    let micros = |list: &TimedList| (list.times.micros(0.5), list.times.micros(0.99));
    let ((few, few_p99), (many, many_p99)) = (micros(small), micros(large));
    let bytes = format!("{} / {}", small.bytes, large.bytes);
    format!("{:41}{few:>9}{few_p99:>8}{many:>11}{many_p99:>8}{:>8.2}{bytes:>16}", small.list.name, ratio(small, large))
}
