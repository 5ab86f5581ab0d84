//! Tests of the service through its entry points. Catalog and inventory are replaced by their events.

mod access;
mod bad_input;
mod budgets;
mod currencies;
mod filters;
mod finding;
mod freshness;
mod indexing;
mod no_hits;
mod paging;
mod skus;
mod variants;

use contracts::{
    catalog::{CategoryChanged, CategoryRef, PriceChanged, Product, ProductActivated, ProductDeactivated, ProductStatus, ProductUpdated},
    ids::{CategoryId, ProductGroupId, ProductId, StockItemId, UserId, Uuid},
    inventory::{StockChangeReason, StockChanged},
    money::Currency,
    review::{Histogram, ProductRatingChanged, Rating},
    search::{SearchHit, SearchResults, Suggestions},
};
use platform::testing::Harness;
use serde_json::json;
use std::time::Duration;

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}

/// The service with helpers that publish events.
struct Shop {
    h: Harness,
}

/// A product for tests.
#[derive(Clone)]
struct TestProduct {
    product: Product,
}

impl Shop {
    async fn open() -> Shop {
        Shop { h: Harness::of(crate::service()).start().await }
    }

    /// A shop with another default currency.
    async fn open_in(currency: &str) -> Shop {
        Shop { h: Harness::of(crate::service()).setting("currency", currency).start().await }
    }

    /// Returns a product with this SKU and title. It is not on sale yet.
    fn product(&self, sku: &str, title: &str) -> TestProduct {
        // Each product is newer than the one before.
        self.h.advance(Duration::from_secs(1));
        let now = self.h.env.now();
        let product = json!({
            "productId": self.h.id::<Uuid>(), "sku": sku, "title": title, "description": "", "categoryPath": [], "status": "ACTIVE",
            "priceAmount": 1_000, "currency": "EUR", "images": [], "attributes": {}, "options": [], "version": 1,
            "createdAt": now, "updatedAt": now,
        });
        TestProduct { product: serde_json::from_value(product).unwrap() }
    }

    /// Activates the product and indexes it.
    async fn activate(&self, item: TestProduct) -> ProductId {
        let id = self.deliver_activated(item).await;
        self.h.settle().await;
        id
    }

    /// Activates the product. The next `settle` indexes it.
    async fn deliver_activated(&self, item: TestProduct) -> ProductId {
        let id = item.product.product_id;
        self.h.deliver(ProductActivated { product_id: id, product: item.product }).await;
        id
    }

    async fn activate_all(&self, products: impl IntoIterator<Item = TestProduct>) {
        for item in products {
            self.deliver_activated(item).await;
        }
        self.h.settle().await;
    }

    async fn update(&self, item: &mut TestProduct) {
        item.product.version += 1;
        self.h.deliver(ProductUpdated { product_id: item.product.product_id, product: item.product.clone() }).await;
        self.h.settle().await;
    }

    async fn reprice(&self, item: &mut TestProduct, price: i64) {
        let old_price_amount = std::mem::replace(&mut item.product.price_amount, price);
        item.product.version += 1;
        let (product_id, product) = (item.product.product_id, item.product.clone());
        self.h.deliver(PriceChanged { product_id, product, old_price_amount, old_currency: Currency::EUR }).await;
        self.h.settle().await;
    }

    async fn deactivate(&self, item: &mut TestProduct) {
        item.product.version += 1;
        item.product.status = ProductStatus::Inactive;
        self.h.deliver(ProductDeactivated { product_id: item.product.product_id, product: item.product.clone() }).await;
        self.h.settle().await;
    }

    async fn stock(&self, sku: &str, available_qty: i64) {
        let event = StockChanged {
            stock_item_id: self.h.id::<StockItemId>(),
            sku: sku.into(),
            product_id: self.h.id(),
            available_qty,
            reserved_qty: 0,
            reason: StockChangeReason::Adjusted,
            note: None,
            seller_id: None,
        };
        self.h.deliver(event).await;
        self.h.settle().await;
    }

    /// Announces the rating of a product.
    async fn rate(&self, product_id: ProductId, average_hundredths: i64, count: i64) {
        let rating = Rating { average_hundredths, count };
        self.h.deliver(ProductRatingChanged { product_id, seller_id: None, rating, histogram: Histogram::default() }).await;
        self.h.settle().await;
    }

    /// Creates, renames or moves a category and returns its path.
    async fn category(&self, id: CategoryId, name: &str, above: &[CategoryRef]) -> Vec<CategoryRef> {
        let mut path = above.to_vec();
        path.push(CategoryRef { category_id: id, name: name.into() });
        let parent_category_id = above.last().map(|parent| parent.category_id);
        self.h.deliver(CategoryChanged { category_id: id, name: name.into(), parent_category_id, path: path.clone() }).await;
        self.h.settle().await;
        path
    }

    async fn new_category(&self, name: &str, above: &[CategoryRef]) -> Vec<CategoryRef> {
        self.category(self.h.id(), name, above).await
    }

    /// Returns the answer to `/search` with this query.
    async fn search(&self, query: &str) -> SearchResults {
        self.h.get(&format!("/search?{query}")).send().await.expect(200).read()
    }

    /// Returns the answer to a search for this text.
    async fn search_text(&self, text: &str) -> SearchResults {
        let mut query = "limit=100&q=".to_owned();
        platform::http::encode_text(text, &mut query);
        self.search(&query).await
    }

    /// Returns the SKUs of the hits of this text, in order.
    async fn find(&self, text: &str) -> Vec<String> {
        self.search_text(text).await.items.into_iter().map(|hit| hit.sku).collect()
    }

    /// Returns the SKUs of the hits, in order.
    async fn skus(&self, query: &str) -> Vec<String> {
        self.search(query).await.items.into_iter().map(|hit| hit.sku).collect()
    }

    /// Returns the only hit.
    async fn hit(&self, query: &str) -> SearchHit {
        let results = self.search(query).await;
        assert_eq!((results.total, results.items.len()), (1, 1), "{query}: {:?}", results.items);
        results.items.into_iter().next().unwrap()
    }

    async fn suggest(&self, text: &str) -> Vec<String> {
        let mut query = String::new();
        platform::http::encode_text(text, &mut query);
        let found: Suggestions = self.h.get(&format!("/search/suggest?q={query}")).send().await.expect(200).read();
        found.items.into_iter().map(|item| item.text).collect()
    }
}

impl TestProduct {
    fn with(mut self, change: impl FnOnce(&mut Product)) -> TestProduct {
        change(&mut self.product);
        self
    }
    fn describe(self, description: &str) -> TestProduct {
        self.with(|product| product.description = description.into())
    }
    fn brand(self, brand: &str) -> TestProduct {
        self.with(|product| product.brand = Some(brand.into()))
    }
    fn price(self, amount: i64) -> TestProduct {
        self.with(|product| product.price_amount = amount)
    }
    fn currency(self, code: &str) -> TestProduct {
        self.with(|product| product.currency = code.parse().unwrap())
    }
    fn seller(self, seller: UserId) -> TestProduct {
        self.with(|product| product.seller_id = Some(seller))
    }
    fn attribute(self, name: &str, value: &str) -> TestProduct {
        self.with(|product| drop(product.attributes.insert(name.into(), value.into())))
    }
    fn within(self, path: &[CategoryRef]) -> TestProduct {
        self.with(|product| {
            product.category_id = path.last().map(|category| category.category_id);
            product.category_path = path.to_vec();
        })
    }
    /// Makes it a variant of `group` with this option.
    fn variant(self, group: ProductGroupId, name: &str, value: &str) -> TestProduct {
        self.attribute(name, value).with(|product| {
            product.product_group_id = Some(group);
            product.options = vec![name.into()];
        })
    }
}
