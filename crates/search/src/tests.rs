//! The service through its doors, with the catalogue and the inventory played by their events.

mod access;
mod bad_input;
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
    ids::{CategoryId, ProductGroupId, ProductId, StockItemId, UserId},
    inventory::{StockChangeReason, StockChanged},
    money::Currency,
    search::{SearchHit, SearchResults, Suggestions},
};
use platform::testing::Harness;
use std::time::Duration;

/// The service, and helpers that play its upstreams.
struct Shop {
    h: Harness,
}

/// A product in the making.
#[derive(Clone)]
struct TestProduct {
    product: Product,
}

impl Shop {
    async fn open() -> Shop {
        Shop { h: Harness::of(crate::service()).start().await }
    }

    /// One whose own currency is another.
    async fn open_in(currency: &str) -> Shop {
        Shop { h: Harness::of(crate::service()).setting("currency", currency).start().await }
    }

    /// A product with this SKU and title, not on sale yet.
    fn product(&self, sku: &str, title: &str) -> TestProduct {
        // Each is newer than the one before.
        self.h.advance(Duration::from_secs(1));
        let now = self.h.env.now();
        TestProduct {
            product: Product {
                product_id: self.h.id(),
                seller_id: None,
                sku: sku.into(),
                title: title.into(),
                description: String::new(),
                category_id: None,
                category_path: Vec::new(),
                brand: None,
                status: ProductStatus::Active,
                price_amount: 1_000,
                currency: Currency::EUR,
                images: Vec::new(),
                attributes: std::collections::BTreeMap::default(),
                product_group_id: None,
                options: Vec::new(),
                version: 1,
                created_at: now,
                updated_at: now,
            },
        }
    }

    /// Puts it on sale, and lets the index learn of it.
    async fn activate(&self, good: TestProduct) -> ProductId {
        let id = self.deliver_activated(good).await;
        self.h.settle().await;
        id
    }

    /// Puts it on sale; the index learns of it with the next `settle`.
    async fn deliver_activated(&self, good: TestProduct) -> ProductId {
        let id = good.product.product_id;
        self.h.deliver(ProductActivated { product_id: id, product: good.product }).await;
        id
    }

    async fn activate_all(&self, products: impl IntoIterator<Item = TestProduct>) {
        for good in products {
            self.deliver_activated(good).await;
        }
        self.h.settle().await;
    }

    async fn update(&self, good: &mut TestProduct) {
        good.product.version += 1;
        self.h.deliver(ProductUpdated { product_id: good.product.product_id, product: good.product.clone() }).await;
        self.h.settle().await;
    }

    async fn reprice(&self, good: &mut TestProduct, price: i64) {
        let old_price_amount = std::mem::replace(&mut good.product.price_amount, price);
        good.product.version += 1;
        let (product_id, product) = (good.product.product_id, good.product.clone());
        self.h.deliver(PriceChanged { product_id, product, old_price_amount, old_currency: Currency::EUR }).await;
        self.h.settle().await;
    }

    async fn deactivate(&self, good: &mut TestProduct) {
        good.product.version += 1;
        good.product.status = ProductStatus::Inactive;
        self.h.deliver(ProductDeactivated { product_id: good.product.product_id, product: good.product.clone() }).await;
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
        };
        self.h.deliver(event).await;
        self.h.settle().await;
    }

    /// Makes, renames or moves a category; its path.
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

    /// The answer to `/search` with this query.
    async fn search(&self, query: &str) -> SearchResults {
        self.h.get(&format!("/search?{query}")).send().await.expect(200).read()
    }

    /// The SKUs of the hits, in order.
    async fn skus(&self, query: &str) -> Vec<String> {
        self.search(query).await.items.into_iter().map(|hit| hit.sku).collect()
    }

    /// The only hit.
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
    /// A variant of `group` by this option.
    fn variant(self, group: ProductGroupId, name: &str, value: &str) -> TestProduct {
        self.attribute(name, value).with(|product| {
            product.product_group_id = Some(group);
            product.options = vec![name.into()];
        })
    }
}
