use super::*;
use axum::{Json, Router, routing::post};
use contracts::{
    catalog::ProductGroup,
    ids::{ProductGroupId, ProductId},
    inventory::{StockItem, StockList, StockLookup},
};

/// A scripted inventory: it has five of every SKU that ends in an even digit, and no stock item for the others.
fn inventory() -> Router {
    Router::new().route(
        "/internal/stock/lookup",
        post(|Json(lookup): Json<StockLookup>| async move {
            let item = |sku: String| StockItem {
                sku,
                product_id: ProductId(Uuid::nil()),
                seller_id: None,
                available_qty: 5,
                reserved_qty: 0,
                low_stock_threshold: 0,
                low_stock: false,
                updated_at: Timestamp(0),
            };
            let even = |sku: &String| sku.ends_with(['0', '2', '4', '6', '8']);
            Json(StockList { items: lookup.skus.iter().map(|sku| sku.to_string()).filter(even).map(item).collect() })
        }),
    )
}

fn shirt(n: usize, group: ProductGroupId, category: CategoryId, size: &str) -> Value {
    json!({
        "sku": format!("SHIRT-{n}"), "title": "Shirt", "priceAmount": 1_000 + n, "currency": "EUR", "categoryId": category,
        "productGroupId": group, "options": ["size"], "attributes": {"size": size, "fabric": "linen"},
    })
}

#[tokio::test]
async fn a_group_shows_its_variants_with_prices_and_availability() {
    let h = Harness::of(crate::service()).upstream("inventory", inventory()).start().await;
    let (seller, group, shirts) = (h.id(), h.id(), category(&h, "Shirts", None).await);
    for (n, size) in ["S", "M", "L"].into_iter().enumerate() {
        h.advance(std::time::Duration::from_millis(1));
        create_active(&h, seller, &shirt(n, group, shirts, size)).await;
    }
    h.advance(std::time::Duration::from_millis(1));
    create(&h, seller, &shirt(3, group, shirts, "XL")).await;

    let url = format!("/product-groups/{group}");
    let shown: ProductGroup = h.get(&url).send().await.expect(200).read();
    assert_eq!(
        (shown.options[0].name.as_str(), shown.options[0].values.as_slice()),
        ("size", ["S", "M", "L"].map(String::from).as_slice())
    );
    assert_eq!(shown.options.len(), 1);
    let of = |n: usize| &shown.variants[n];
    assert_eq!([0, 1, 2].map(|n| of(n).product.price_amount), [1_000, 1_001, 1_002]);
    assert_eq!(
        [0, 1, 2].map(|n| of(n).availability.as_ref().map(|it| (it.in_stock, it.available_qty))),
        [Some((true, 5)), Some((false, 0)), Some((true, 5))]
    );
    assert_eq!((shown.variants.len(), of(0).product.category_path[0].name.as_str()), (3, "Shirts"));
    // The seller also sees the draft.
    assert_eq!(h.get(&url).seller(seller).send().await.expect(200).read::<ProductGroup>().variants.len(), 4);
    h.get(&format!("/product-groups/{}", h.id::<Uuid>())).send().await.expect_problem(404, "NOT_FOUND");
    h.get("/product-groups/shirts").send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_group_is_shown_while_inventory_is_down() {
    let down = Router::new().route("/internal/stock/lookup", post(|| async { axum::http::StatusCode::SERVICE_UNAVAILABLE }));
    let h = Harness::of(crate::service()).upstream("inventory", down).start().await;
    let (seller, group, shirts) = (h.id(), h.id(), category(&h, "Shirts", None).await);
    create_active(&h, seller, &shirt(0, group, shirts, "S")).await;
    let shown: ProductGroup = h.get(&format!("/product-groups/{group}")).send().await.expect(200).read();
    assert_eq!((shown.variants.len(), &shown.variants[0].availability), (1, &None));
}

#[tokio::test]
async fn a_group_belongs_to_the_seller_of_its_first_product() {
    let h = catalog().await;
    let (seller, stranger, group, shirts) = (h.id(), h.id(), h.id(), category(&h, "Shirts", None).await);
    create(&h, seller, &shirt(0, group, shirts, "S")).await;
    let refused = h.post("/products", &shirt(1, group, shirts, "M")).seller(stranger).send().await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/productGroupId");
    h.post("/products", &shirt(1, group, shirts, "M")).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    let own = create(&h, stranger, &shirt(1, h.id(), shirts, "M")).await;
    let join = json!({"productGroupId": group});
    h.patch(&path(&own), &join).seller(stranger).send().await.expect_problem(422, "INVALID_REQUEST");
    // An administrator who edits a seller's product acts for that seller.
    let second = create(&h, seller, &lamp("LAMP-1")).await;
    h.patch(&path(&second), &join).admin().send().await.expect(200);
    let left = h.patch(&path(&second), &json!({"productGroupId": null})).seller(seller).send().await.expect(200);
    assert_eq!(left.json()["productGroupId"], Value::Null);
}

#[tokio::test]
async fn a_group_holds_two_hundred_variants_and_archived_ones_do_not_count() {
    let h = catalog().await;
    let (seller, group, shirts) = (h.id(), h.id(), category(&h, "Shirts", None).await);
    let mut first = None;
    for n in 0..200 {
        let product = create(&h, seller, &shirt(n, group, shirts, "S")).await;
        first.get_or_insert(product);
    }
    h.post("/products", &shirt(200, group, shirts, "S")).seller(seller).send().await.expect_problem(409, "PRODUCT_GROUP_FULL");
    let outside = create(&h, seller, &lamp("LAMP-1")).await;
    let join = json!({"productGroupId": group});
    h.patch(&path(&outside), &join).seller(seller).send().await.expect_problem(409, "PRODUCT_GROUP_FULL");
    advance(&h, seller, &first.unwrap(), "archive").await.expect(200);
    h.patch(&path(&outside), &join).seller(seller).send().await.expect(200);
    let shown: ProductGroup = h.get(&format!("/product-groups/{group}")).seller(seller).send().await.expect(200).read();
    assert_eq!(shown.variants.len(), 200);
}

#[tokio::test]
async fn options_must_be_attributes_of_the_product() {
    let h = catalog().await;
    let (seller, shirts) = (h.id(), category(&h, "Shirts", None).await);
    let mut body = shirt(0, h.id(), shirts, "S");
    for (options, at) in [(json!(["colour"]), "/options/0"), (json!(["size", "size"]), "/options/1"), (json!(["size", ""]), "/options/1")] {
        body["options"] = options;
        let refused = h.post("/products", &body).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["pointer"], at);
    }
    let product = create(&h, seller, &shirt(0, h.id(), shirts, "S")).await;
    let refused = h.patch(&path(&product), &json!({"attributes": {"colour": "red"}})).seller(seller).send().await;
    assert_eq!(refused.expect_problem(422, "INVALID_REQUEST").json()["errors"][0]["pointer"], "/options/0");
    h.patch(&path(&product), &json!({"attributes": {"colour": "red"}, "options": ["colour"]})).seller(seller).send().await.expect(200);
}
