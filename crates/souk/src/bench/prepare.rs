//! Fills data directories with products and orders through the imports of the services, which write the same rows and events
//! as requests do. A platform that is started on the directory delivers the events.

use super::products::{self, GeneratedProduct};
use crate::{
    api_client::sample_address,
    config::Flags,
    demo::account,
    platform_run::{self, Databases},
};
use anyhow::{Context as _, Result, bail};
use contracts::{
    auth::Role,
    ids::{ProductId, UserId},
    money::Currency,
    order::OrderItem,
    text::Sku,
    user::AddressSnapshot,
};
use inventory::StockImport;
use order::import::PastOrder;
use platform::{
    atomic_file,
    db::{Db, OutdatedSchema},
};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, path::Path, time::Duration};
use tokio::time::Instant;

/// E-mail and password of the accounts.
pub const CUSTOMER: (&str, &str) = ("customer@bench.example", "a long enough password");
pub const ADMIN: (&str, &str) = ("admin@bench.example", "a long enough password");

/// The contents of a data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    pub seed: u64,
    pub products: usize,
    /// Orders of all customers.
    pub orders: usize,
    pub orders_of_the_customer: usize,
}

/// The file that describes the contents of a data directory.
const MARKER: &str = "bench.json";

/// Products or orders of one import.
const BATCH: usize = 2_000;

/// The time between two orders: 100,000 orders are a year.
const BETWEEN_ORDERS: Duration = Duration::from_secs(315);

/// Orders of each other customer.
const ORDERS_OF_OTHERS: usize = 25;

/// Fills `data_dir` with the products of these numbers and with orders for them. Returns false if an earlier run did,
/// and fails if the directory has other contents.
pub async fn fill(data_dir: &Path, numbers: Vec<u64>, orders: usize, orders_of_the_customer: usize) -> Result<bool> {
    let wanted = Contents { seed: products::SEED, products: numbers.len(), orders, orders_of_the_customer };
    let mark = data_dir.join(MARKER);
    if let Ok(text) = std::fs::read_to_string(&mark) {
        let held: Contents = serde_json::from_str(&text).with_context(|| format!("{} has an unexpected format", mark.display()))?;
        if held != wanted {
            bail!("{} has {} products and {} orders of another run; name another folder", data_dir.display(), held.products, held.orders);
        }
        return Ok(false);
    }
    if std::fs::read_dir(data_dir)?.next().is_some() {
        bail!("{} has contents that no benchmark completed; name another folder", data_dir.display());
    }
    let config = Flags { data_dir: Some(data_dir.to_owned()), ..Flags::default() }.resolve()?;
    // No service is started, because search would lock its index, which the measured platform has to write.
    let databases = platform_run::databases(&config, OutdatedSchema::Migrate)?;
    fill_all(&databases, &config.settings.section("auth")?, &numbers, &wanted).await?;
    atomic_file::write(&mark, serde_json::to_string_pretty(&wanted)?.as_bytes())
        .with_context(|| format!("{} cannot be written", mark.display()))?;
    Ok(true)
}

async fn fill_all(databases: &Databases, settings: &auth::Settings, numbers: &[u64], wanted: &Contents) -> Result<()> {
    let accounts = (&databases["auth"], settings);
    let customer = account(accounts, CUSTOMER, "Customer", &[Role::Customer]).await?;
    account(accounts, ADMIN, "Administrator", &[Role::Customer, Role::Admin]).await?;
    let began = Instant::now();
    let offers = import_products(databases, numbers).await.context("importing products")?;
    print_progress(format_args!("{} products and their stock written", offers.len()), began.elapsed());
    if wanted.orders > 0 {
        let began = Instant::now();
        import_orders(&databases["order"], &offers, customer, wanted).await.context("importing orders")?;
        print_progress(format_args!("{} orders written", wanted.orders), began.elapsed());
    }
    Ok(())
}

/// Prints progress on standard error, because preparing takes a while.
pub fn print_progress(what: impl std::fmt::Display, took: Duration) {
    eprintln!("{what} in {:.1} s", took.as_secs_f64());
}

/// An imported product.
struct Offer {
    number: u64,
    product_id: ProductId,
}

async fn import_products(databases: &Databases, numbers: &[u64]) -> Result<Vec<Offer>> {
    let (catalog, inventory) = (&databases["catalog"], &databases["inventory"]);
    let categories = catalog::import::categories(catalog, products::categories()?).await?;
    for numbers in numbers.chunks(BATCH) {
        let products = numbers.iter().map(|number| GeneratedProduct::of(*number).to_new(&categories)).collect::<Result<Vec<_>>>()?;
        catalog::import::products(catalog, products).await?;
    }
    let ids = catalog::import::ids_by_sku(catalog).await?;
    let mut offers = Vec::with_capacity(numbers.len());
    for numbers in numbers.chunks(BATCH) {
        let mut stock = Vec::with_capacity(numbers.len());
        for number in numbers {
            let (offer, item) = offer(*number, &ids)?;
            offers.push(offer);
            stock.push(item);
        }
        inventory::import(inventory, stock).await?;
    }
    Ok(offers)
}

fn offer(number: u64, ids: &HashMap<String, ProductId>) -> Result<(Offer, StockImport)> {
    let product = GeneratedProduct::of(number);
    let sku = Sku::parse(&product.sku())?;
    let product_id = *ids.get(sku.as_str()).with_context(|| format!("{sku} was not imported"))?;
    Ok((Offer { number, product_id }, StockImport { sku, product_id, seller_id: None, available_qty: product.available_qty }))
}

/// Imports past orders up to now. Those of the customer are evenly spread among all.
async fn import_orders(db: &Db, offers: &[Offer], customer: UserId, wanted: &Contents) -> Result<()> {
    let now = db.now();
    let address: AddressSnapshot = serde_json::from_value(serde_json::to_value(sample_address())?)?;
    let others: Vec<UserId> = (0..=wanted.orders / ORDERS_OF_OTHERS).map(|_| db.env().new_id()).collect();
    for first in (0..wanted.orders).step_by(BATCH) {
        let batch = (first..wanted.orders.min(first + BATCH)).map(|number| {
            let own = is_of_the_customer(number, wanted);
            let user_id = if own { customer } else { others[number % others.len()] };
            let age = BETWEEN_ORDERS.saturating_mul(u32::try_from(wanted.orders - number)?);
            let items = items(db, offers, number as u64);
            Ok(PastOrder {
                user_id,
                placed_at: now.before(age),
                currency: Currency::EUR,
                items,
                shipping_amount: 490,
                address: address.clone(),
            })
        });
        order::import::orders(db, batch.collect::<Result<Vec<_>>>()?).await?;
    }
    Ok(())
}

/// Whether the order of this number is the customer's.
fn is_of_the_customer(number: usize, Contents { orders, orders_of_the_customer, .. }: &Contents) -> bool {
    (number + 1) * orders_of_the_customer / orders > number * orders_of_the_customer / orders
}

/// Returns one to three lines.
fn items(db: &Db, offers: &[Offer], order: u64) -> Vec<OrderItem> {
    let mut random = products::SeededRandom::new(products::SEED ^ u64::from_be_bytes(*b"anorders"), order);
    let mut items: Vec<OrderItem> = Vec::new();
    for _ in 0..=random.below(3) {
        let offer = &offers[random.below(offers.len() as u64) as usize];
        let (product, quantity) = (GeneratedProduct::of(offer.number), 1 + random.skewed(4));
        if items.iter().any(|item| item.product_id == offer.product_id) {
            continue;
        }
        items.push(OrderItem {
            order_item_id: db.env().new_id(),
            product_id: offer.product_id,
            sku: product.sku(),
            title_snapshot: product.title(),
            unit_price_snapshot: product.price_amount,
            quantity: quantity as u32,
            line_total_amount: product.price_amount * quantity as i64,
            image_url: None,
            seller_id: None,
            discount_amount: 0,
            seller_discount_amount: 0,
            tax_amount: 0,
            tax_basis_points: None,
            returned_quantity: 0,
        });
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orders_of_the_customer_are_evenly_spread() {
        for (orders, own) in [(10, 10), (1_000, 100), (1_000, 7), (3, 0)] {
            let wanted = Contents { seed: 0, products: 0, orders, orders_of_the_customer: own };
            let places: Vec<usize> = (0..orders).filter(|number| is_of_the_customer(*number, &wanted)).collect();
            assert_eq!(places.len(), own);
            let widest = places.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
            assert!(own == 0 || widest <= orders.div_ceil(own), "{orders} {own}: {widest}");
        }
    }
}
