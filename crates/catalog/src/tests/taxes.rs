use super::*;
use contracts::{
    catalog::ProductList,
    tax::{TaxClass, TaxRates},
};

fn rate(country: &str, state: Option<&str>, class: &str, points: u32) -> Value {
    json!({"country": country, "state": state, "taxClass": class, "basisPoints": points})
}

async fn put(h: &Harness, rates: &[Value]) -> TaxRates {
    h.put("/admin/tax-rates", &json!({"items": rates})).admin().send().await.expect(200).read()
}

/// The rate of goods of a class, and that of shipping, as an order reads them.
async fn looked_up(h: &Harness, product: &Product, country: &str, state: &str) -> (u32, u32, bool) {
    let body = json!({"productIds": [product.product_id], "taxDestination": {"country": country, "state": state}});
    let found: ProductList = h.post("/internal/products/lookup", &body).service("order").send().await.expect(200).read();
    (found.taxation.rate(found.items[0].tax_class), found.taxation.shipping_rate(), found.taxation.has_rates)
}

#[tokio::test]
async fn a_look_up_has_the_rates_of_the_present_table() {
    let h = catalog().await;
    let seller = h.id();
    let mut body = lamp("BOOK-1");
    body["taxClass"] = json!("REDUCED");
    let book = create(&h, seller, &body).await;
    assert_eq!(book.tax_class, TaxClass::Reduced);
    assert_eq!(looked_up(&h, &book, "DE", "").await, (0, 0, false));

    put(&h, &[rate("DE", None, "STANDARD", 1_900), rate("DE", None, "REDUCED", 700), rate("US", Some("California"), "REDUCED", 725)]).await;
    assert_eq!(looked_up(&h, &book, "DE", "Bayern").await, (700, 1_900, true));
    assert_eq!(looked_up(&h, &book, "US", "california").await, (725, 0, true));
    assert_eq!(looked_up(&h, &book, "US", "NY").await, (0, 0, true));
    assert_eq!(looked_up(&h, &book, "FR", "").await, (0, 0, true));
    put(&h, &[rate("DE", None, "REDUCED", 500)]).await;
    assert_eq!(looked_up(&h, &book, "DE", "").await, (500, 0, true), "the table was replaced, and with it the copy in memory");

    let change = json!({"taxClass": "ZERO"});
    let changed: Product = h.patch(&path(&book), &change).seller(seller).send().await.expect(200).read();
    assert_eq!((changed.tax_class, changed.version), (TaxClass::Zero, 2));
    assert_eq!(looked_up(&h, &book, "DE", "").await, (0, 0, true));
    put(&h, &[]).await;
    assert_eq!(looked_up(&h, &book, "DE", "").await, (0, 0, false));
    for bad in [json!("standard"), json!(""), json!(null), json!(1)] {
        h.patch(&path(&book), &json!({"taxClass": bad})).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn the_table_is_replaced_by_who_knows_the_present_one() {
    let h = catalog().await;
    let first = h.get("/admin/tax-rates").admin().send().await.expect(200);
    assert_eq!(first.json(), json!({"items": [], "pricesIncludeTax": true}));
    let table = json!({"items": [rate("US", Some("ca"), "STANDARD", 725), rate("DE", None, "STANDARD", 1_900)]});
    let replaced = h.put("/admin/tax-rates", &table).admin().header("if-match", first.header("etag")).send().await.expect(200);
    let shown: TaxRates = replaced.read();
    let rows: Vec<_> = shown.items.iter().map(|rate| (rate.country.as_str(), rate.state.as_deref(), rate.basis_points)).collect();
    assert_eq!(rows, [("DE", None, 1_900), ("US", Some("CA"), 725)]);
    let stale = h.put("/admin/tax-rates", &json!({"items": []})).admin().header("if-match", first.header("etag")).send().await;
    stale.expect_problem(412, "PRECONDITION_FAILED");
    let again = h.put("/admin/tax-rates", &table).admin().send().await.expect(200);
    assert_eq!(again.header("etag"), replaced.header("etag"), "the same table is no change");
    let twice = json!({"items": [rate("DE", None, "STANDARD", 1), rate("DE", None, "STANDARD", 2), rate("US", Some("Bayern"), "ZERO", 3)]});
    let refused = h.put("/admin/tax-rates", &twice).admin().send().await.expect_problem(422, "INVALID_REQUEST").json();
    assert_eq!(refused["errors"].as_array().map(Vec::len), Some(3), "{refused}");
    assert_eq!(h.get("/admin/tax-rates").admin().send().await.expect(200).read::<TaxRates>(), shown);
    h.put("/admin/tax-rates", &table).seller(h.id()).send().await.expect_problem(403, "FORBIDDEN");
    h.get("/admin/tax-rates").customer(h.id()).send().await.expect_problem(403, "FORBIDDEN");
    h.get("/admin/tax-rates").send().await.expect_problem(401, "UNAUTHENTICATED");
}
