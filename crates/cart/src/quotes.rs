//! The present price and stock of the products in a cart: one call to the catalogue, one to the inventory.

use crate::{
    App,
    domain::{Cart, Listing, MAX_LINES, Quote, Quotes},
};
use contracts::{
    body::BoundedVec,
    catalog::{self, Product, ProductLookup},
    ids::ProductId,
    inventory::{self, StockLookup},
    money::Money,
    text::Sku,
};
use platform::client::CallError;
use std::{collections::HashMap, time::Duration};

/// The time limit of each of the two calls. Without an answer the cart stays as it was; the order checks again.
pub const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns the quotes of the lines of `cart`, or none when the catalogue does not answer.
pub async fn fetch(app: &App, cart: &Cart) -> Quotes {
    let products = cart.lines.iter().map(|line| line.product_id).collect();
    match look_up(app, products).await {
        Ok(quotes) => quotes,
        Err(error) => {
            tracing::warn!(%error, "the catalogue does not answer; the cart stays as it was last stored");
            Quotes::default()
        }
    }
}

/// Returns the quotes of `product` and of `others`, the products in the cart.
///
/// # Errors
/// [`CallError`] when the catalogue does not answer.
pub async fn fetch_with(app: &App, product: ProductId, others: Vec<ProductId>) -> Result<Quotes, CallError> {
    let others = others.into_iter().filter(|other| *other != product);
    look_up(app, std::iter::once(product).chain(others).take(MAX_LINES).collect()).await
}

/// Returns the quotes of at most [`MAX_LINES`] products.
///
/// # Errors
/// [`CallError`] when the catalogue does not answer.
pub async fn look_up(app: &App, products: Vec<ProductId>) -> Result<Quotes, CallError> {
    // An empty list of products is out of bounds and needs no call.
    let Ok(product_ids) = BoundedVec::new(products.clone()) else { return Ok(Quotes::default()) };
    let client = &app.ctx.client;
    let found = client.call(&catalog::LOOK_UP_PRODUCTS).body(&ProductLookup::of(product_ids)).timeout(LOOKUP_TIMEOUT).send().await?;
    let taxation = Some(found.taxation);
    let on_sale: Vec<Product> = found.items.into_iter().filter(Product::is_on_sale).collect();
    let stock = fetch_stock(app, &on_sale).await;
    let mut quotes: HashMap<_, _> = products.into_iter().map(|product| (product, Listing::OffSale)).collect();
    for product in on_sale {
        let quote = Quote {
            // A SKU without a stock item has nothing to sell.
            available: stock.as_ref().map(|stock| stock.get(&product.sku).copied().unwrap_or(0)),
            price: Money::new(product.price_amount, product.currency),
            max_quantity: app.settings.max_line_quantity(),
            seller_id: product.seller_id,
            category_ids: product.category_path.iter().map(|category| category.category_id).collect(),
            image_url: product.images.into_iter().next(),
            sku: product.sku,
            title: product.title,
        };
        quotes.insert(product.product_id, Listing::OnSale(quote));
    }
    Ok(Quotes { listings: quotes, taxation })
}

/// Returns the units that can be sold by SKU, or `None` when the inventory does not answer.
async fn fetch_stock(app: &App, products: &[Product]) -> Option<HashMap<String, i64>> {
    let skus = products.iter().filter_map(|product| Sku::parse(&product.sku).ok()).collect();
    let Ok(skus) = BoundedVec::new(skus) else { return Some(HashMap::new()) };
    match app.ctx.client.call(&inventory::LOOK_UP_STOCK).body(&StockLookup { skus }).timeout(LOOKUP_TIMEOUT).send().await {
        Ok(found) => Some(found.items.into_iter().map(|item| (item.sku, item.available_qty)).collect()),
        Err(error) => {
            tracing::warn!(%error, "the inventory does not answer; the order checks the stock");
            None
        }
    }
}
