//! Checks with EXPLAIN that no list scans or sorts, whatever its filters are.

use super::*;
use crate::store;
use contracts::{catalog::ProductFilter, ids::ProductId};

/// Returns the query plan of `sql`, step by step.
fn plan(h: &Harness, sql: String) -> Vec<String> {
    h.query_plan(&sql)
}

#[tokio::test]
async fn every_list_reads_one_index_in_its_order() {
    let h = catalog().await;
    for (bits, shown) in (0..16_u8).flat_map(|bits| [(bits, store::Shown::OnSale), (bits, store::Shown::Everything)]) {
        let given = |bit: u8| bits & (1 << bit) != 0;
        let filter = ProductFilter {
            category: given(0).then(|| h.id()),
            seller_id: given(1).then(|| h.id()),
            status: given(2).then_some(ProductStatus::Active),
            ..ProductFilter::default()
        };
        let select = store::listed(&filter, shown, given(3).then(|| h.id::<ProductId>()), 21);
        let steps = plan(&h, select.sql().to_owned());
        let walks = |step: &String| {
            let step = step.as_str();
            // Without conditions the list reads the index from its end until the page is full.
            let whole = bits == 0 && step.starts_with("SCAN products USING INDEX");
            // A line of its own announces a subquery about the suspension of a seller; the next is its step.
            whole
                || step.contains("SUBQUERY")
                || step.starts_with("USING INDEX")
                || step.contains("CREATE BLOOM")
                || (step.starts_with("SEARCH") && step.contains("INDEX"))
        };
        assert!(steps.iter().all(walks), "{}: {steps:?}", select.sql());
        // The index covers every condition, so no condition is tested row by row.
        let conditions = usize::from(given(0)) + usize::from(given(1)) + usize::from(given(2)) + usize::from(given(3));
        let restricted = steps[0].matches("=?").count() + steps[0].matches("<?").count();
        assert_eq!(restricted, conditions, "{}: {steps:?}", select.sql());
    }
}

#[tokio::test]
async fn other_queries_use_an_index() {
    let h = catalog().await;
    for sql in [
        "SELECT version FROM product_prices WHERE product_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3",
        "SELECT product_id FROM products WHERE product_id IN (SELECT product_id FROM product_listing WHERE category_id = $1 \
         AND product_id > $2 ORDER BY product_id LIMIT $3) ORDER BY product_id",
        "SELECT product_id FROM products WHERE category_id = $1 AND status IN ('DRAFT', 'ACTIVE', 'INACTIVE') LIMIT 1",
        "SELECT * FROM products WHERE product_group_id = $1 AND status IN ('DRAFT', 'ACTIVE', 'INACTIVE')",
        "SELECT * FROM products WHERE product_id IN ($1, $2, $3)",
        "SELECT * FROM products WHERE sku = $1",
        "DELETE FROM product_listing WHERE product_id = $1",
    ] {
        let steps = plan(&h, sql.to_owned());
        // A line of its own announces a subquery; the lines after it are its steps.
        let searches = |step: &String| step.starts_with("LIST SUBQUERY") || (step.starts_with("SEARCH") && step.contains("INDEX"));
        assert!(steps.iter().all(searches), "{sql}: {steps:?}");
    }
}

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}
