use super::*;
use contracts::{
    catalog::{
        PriceChanged, PriceHistoryEntry, ProductActivated, ProductArchived, ProductCreated, ProductFact, ProductList, ProductUpdated,
    },
    ids::ProductId,
    machine::Machine as _,
    page::Page,
    review::{Histogram, ProductRatingChanged, Rating},
};
use std::{collections::BTreeSet, time::Duration};

#[tokio::test]
async fn every_event_names_the_user_of_the_request() {
    let h = catalog().await;
    let (seller, admin): (UserId, UserId) = (h.id(), h.id());
    let token = h.token(admin, &["CUSTOMER", "ADMIN"]);
    let lamps: Category = h.post("/categories", &json!({"name": "Lamps"})).bearer(&token).send().await.expect(201).read();
    let lamp = create_active(&h, seller, &lamp_in("LAMP-1", lamps.category_id)).await;
    h.patch(&path(&lamp), &json!({"priceAmount": 5})).bearer(&token).send().await.expect(200);
    // A refused request emits nothing.
    h.patch(&path(&lamp), &json!({"priceAmount": 6})).seller(h.id()).send().await.expect(404);
    let whose: Vec<_> = h.emitted().await.into_iter().map(|event| (event.event_type, event.actor_id)).collect();
    let by = |event_type: &str, actor| (event_type.to_owned(), Some(actor));
    assert_eq!(
        whose,
        [by("CategoryChanged", admin), by("ProductCreated", seller), by("ProductActivated", seller), by("PriceChanged", admin)]
    );
}

#[tokio::test]
async fn a_product_is_created_activated_deactivated_and_archived() {
    let h = catalog().await;
    let seller = h.id();
    let lamps = category(&h, "Lamps", None).await;
    let body = json!({
        "sku": "lamp-1", "title": " Desk lamp ", "description": "Bright.\nWarm.", "categoryId": lamps, "brand": "Lux", "priceAmount": 1_999,
        "currency": "EUR", "images": ["/images/lamp.webp"], "attributes": {"colour": "red"},
    });
    let made = h.post("/products", &body).seller(seller).send().await.expect(201);
    let product: Product = made.read();
    assert_eq!(made.header("location"), format!("/api/v1{}", path(&product)));
    assert_eq!((product.sku.as_str(), product.title.as_str()), ("LAMP-1", "Desk lamp"));
    assert_eq!((product.seller_id, product.status, product.version), (Some(seller), ProductStatus::Draft, 1));
    assert_eq!(product.category_path[0].name, "Lamps");

    for (verb, status) in [("activate", "ACTIVE"), ("deactivate", "INACTIVE"), ("activate", "ACTIVE"), ("archive", "ARCHIVED")] {
        assert_eq!(advance(&h, seller, &product, verb).await.expect(200).json()["status"], status);
    }
    let product: Product = h.get(&path(&product)).seller(seller).send().await.expect(200).read();
    assert_eq!(product.version, 5);
    let expected = ["CategoryChanged", "ProductCreated", "ProductActivated", "ProductDeactivated", "ProductActivated", "ProductArchived"];
    assert_eq!(emitted_types(&h).await, expected);
    // Each event carries the whole product as it was then.
    assert_eq!(h.emitted_of::<ProductCreated>().await[0].product.version, 1);
    assert_eq!(h.emitted_of::<ProductActivated>().await[0].product.category_path[0].name, "Lamps");
    assert_eq!(h.emitted_of::<ProductArchived>().await[0].product, product);
}

#[tokio::test]
async fn only_transitions_of_the_table_are_allowed() {
    let h = catalog().await;
    let seller = h.id();
    let lamps = category(&h, "Lamps", None).await;
    let verbs = [(ProductFact::Activated, "activate"), (ProductFact::Deactivated, "deactivate"), (ProductFact::Archived, "archive")];
    let ways: [&[&str]; 4] = [&[], &["activate"], &["activate", "deactivate"], &["archive"]];
    for (status, way) in ProductStatus::STATES.iter().zip(ways) {
        for (fact, verb) in verbs {
            let product = create(&h, seller, &lamp_in(&format!("{status}-{verb}"), lamps)).await;
            for step in way {
                advance(&h, seller, &product, step).await.expect(200);
            }
            let before = emitted_types(&h).await.len();
            let answer = advance(&h, seller, &product, verb).await;
            match status.transition(fact) {
                Ok(to) => assert_eq!(answer.expect(200).json()["status"], to.as_str()),
                Err(_) => {
                    let refused = answer.expect_problem(409, "ILLEGAL_TRANSITION");
                    assert_eq!(refused.json()["productStatus"], status.as_str());
                    assert_eq!(emitted_types(&h).await.len(), before);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_product_without_a_category_cannot_be_activated() {
    let h = catalog().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    let refused = advance(&h, seller, &product, "activate").await.expect_problem(409, "PRODUCT_INCOMPLETE");
    assert_eq!(refused.json()["missing"], json!(["categoryId"]));
    let lamps = category(&h, "Lamps", None).await;
    h.patch(&path(&product), &json!({"categoryId": lamps})).seller(seller).send().await.expect(200);
    advance(&h, seller, &product, "activate").await.expect(200);
}

#[tokio::test]
async fn a_sku_is_unique_without_regard_to_case() {
    let h = catalog().await;
    let (seller, other) = (h.id(), h.id());
    let first = create(&h, seller, &lamp("lamp-1")).await;
    let taken = h.post("/products", &lamp("LAMP-1")).seller(other).send().await.expect_problem(409, "SKU_TAKEN");
    assert_eq!(taken.json()["errors"][0]["pointer"], "/sku");
    let second = create(&h, other, &lamp("LAMP-2")).await;
    h.patch(&path(&second), &json!({"sku": "Lamp-1"})).seller(other).send().await.expect_problem(409, "SKU_TAKEN");
    // An archived product keeps its SKU, because orders name the product by it.
    advance(&h, seller, &first, "archive").await.expect(200);
    h.patch(&path(&second), &json!({"sku": "LAMP-1"})).seller(other).send().await.expect_problem(409, "SKU_TAKEN");
    h.patch(&path(&second), &json!({"sku": "LAMP-3"})).seller(other).send().await.expect(200);
    assert_eq!(emitted_types(&h).await, ["ProductCreated", "ProductCreated", "ProductArchived", "ProductUpdated"]);
}

#[tokio::test]
async fn the_sku_of_a_published_product_and_an_archived_product_cannot_be_changed() {
    let h = catalog().await;
    let seller = h.id();
    let lamps = category(&h, "Lamps", None).await;
    let product = create_active(&h, seller, &lamp_in("LAMP-1", lamps)).await;
    h.patch(&path(&product), &json!({"sku": "LAMP-2"})).seller(seller).send().await.expect_problem(409, "ILLEGAL_TRANSITION");
    // Equal values are no change.
    let same = h.patch(&path(&product), &json!({"sku": "lamp-1", "title": "Lamp"})).seller(seller).send().await.expect(200);
    assert_eq!(same.json()["version"], 2);
    advance(&h, seller, &product, "archive").await.expect(200);
    h.patch(&path(&product), &json!({"title": "New"})).admin().send().await.expect_problem(409, "ILLEGAL_TRANSITION");
    assert_eq!(emitted_types(&h).await.last().unwrap(), "ProductArchived");
}

#[tokio::test]
async fn a_new_price_is_published_and_recorded() {
    let h = catalog().await;
    let seller = h.id();
    let lamps = category(&h, "Lamps", None).await;
    let product = create_active(&h, seller, &lamp_in("LAMP-1", lamps)).await;
    h.advance(Duration::from_secs(60));
    h.patch(&path(&product), &json!({"priceAmount": 1_499})).seller(seller).send().await.expect(200);
    h.patch(&path(&product), &json!({"priceAmount": 1_499})).seller(seller).send().await.expect(200);
    h.patch(&path(&product), &json!({"priceAmount": 1_500, "title": "Better lamp"})).seller(seller).send().await.expect(200);
    h.patch(&path(&product), &json!({"description": "Bright."})).seller(seller).send().await.expect(200);

    let types = emitted_types(&h).await;
    assert_eq!(types[3..], ["PriceChanged", "ProductUpdated", "PriceChanged", "ProductUpdated"]);
    let changes = h.emitted_of::<PriceChanged>().await;
    assert_eq!((changes[0].old_price_amount, changes[0].product.price_amount, changes[0].product.version), (1_999, 1_499, 3));
    assert_eq!((changes[1].old_price_amount, changes[1].product.price_amount, changes[1].product.version), (1_499, 1_500, 4));
    assert_eq!(h.emitted_of::<ProductUpdated>().await[0].product, changes[1].product);

    let history = h.get(&format!("{}/price-history", path(&product))).send().await.expect(200).read::<Page<PriceHistoryEntry>>();
    let prices: Vec<_> = history.items.iter().map(|entry| entry.price_amount).collect();
    assert_eq!(prices, [1_500, 1_499, 1_999]);
    assert_eq!(history.items[2].changed_at, product.created_at);
    assert_eq!(history.items[0].changed_at, product.created_at.after(Duration::from_secs(60)));

    let first = h.get(&format!("{}/price-history?limit=2", path(&product))).send().await.expect(200);
    let cursor = first.json()["nextCursor"].as_str().unwrap().to_owned();
    let rest = h.get(&format!("{}/price-history?limit=2&cursor={cursor}", path(&product))).send().await.expect(200);
    assert_eq!(rest.read::<Page<PriceHistoryEntry>>().items, history.items[2..]);
}

#[tokio::test]
async fn another_currency_needs_a_price_in_it() {
    let h = catalog().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    let refused = h.patch(&path(&product), &json!({"currency": "JPY"})).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/priceAmount");
    h.patch(&path(&product), &json!({"currency": "EUR"})).seller(seller).send().await.expect(200);
    let changed = h.patch(&path(&product), &json!({"currency": "JPY", "priceAmount": 1_999})).seller(seller).send().await.expect(200);
    assert_eq!((changed.json()["currency"].as_str(), changed.json()["version"].as_i64()), (Some("JPY"), Some(2)));
    let changes = h.emitted_of::<PriceChanged>().await;
    assert_eq!((changes[0].old_currency, changes[0].product.currency.as_str()), (Currency::EUR, "JPY"));
}

#[tokio::test]
async fn an_update_with_an_old_tag_is_refused() {
    let h = catalog().await;
    let seller = h.id();
    let made = h.post("/products", &lamp("LAMP-1")).seller(seller).send().await.expect(201);
    let (product, first) = (made.read::<Product>(), made.header("etag").to_owned());
    let title = |title: &str| json!({"title": title});
    let saved = h.patch(&path(&product), &title("Red lamp")).seller(seller).header("if-match", &first).send().await.expect(200);
    let second = saved.header("etag").to_owned();
    let stale = h.patch(&path(&product), &title("Blue lamp")).seller(seller).header("if-match", &first).send().await;
    assert_eq!(stale.expect_problem(412, "PRECONDITION_FAILED").header("etag"), second);
    let archive = h.post(&format!("{}/archive", path(&product)), &json!({})).seller(seller).header("if-match", &first).send().await;
    archive.expect_problem(412, "PRECONDITION_FAILED");
    let now = h.get(&path(&product)).seller(seller).send().await.expect(200);
    assert_eq!((now.json()["title"].as_str(), now.header("etag")), (Some("Red lamp"), second.as_str()));
}

#[tokio::test]
async fn a_current_copy_of_a_product_is_not_sent_again() {
    let h = catalog().await;
    let seller = h.id();
    let lamps = category(&h, "Lamps", None).await;
    let product = create_active(&h, seller, &lamp_in("LAMP-1", lamps)).await;
    let first = h.get(&path(&product)).send().await.expect(200);
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let again = h.get(&path(&product)).header("if-none-match", first.header("etag")).send().await.expect(304);
    assert!(again.body.is_empty());
    h.get("/products/by-sku/LAMP-1").header("if-none-match", first.header("etag")).send().await.expect(304);
    // The tag also covers the names of the categories.
    h.patch(&format!("/categories/{lamps}"), &json!({"name": "Lights"})).admin().send().await.expect(200);
    let renamed = h.get(&path(&product)).header("if-none-match", first.header("etag")).send().await.expect(200);
    assert_eq!(renamed.read::<Product>().category_path[0].name, "Lights");
    assert_eq!(renamed.read::<Product>().version, product.version);
}

#[tokio::test]
async fn a_current_copy_of_a_page_is_not_sent_again() {
    let h = catalog().await;
    let seller = h.id();
    let lamps = category(&h, "Lamps", None).await;
    for sku in ["LAMP-1", "LAMP-2"] {
        create_active(&h, seller, &lamp_in(sku, lamps)).await;
    }
    let first = h.get("/products?limit=1").send().await.expect(200);
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert_ne!(first.header("link"), "");
    let again = h.get("/products?limit=1").header("if-none-match", first.header("etag")).send().await.expect(304);
    assert!(again.body.is_empty());
    h.advance(Duration::from_secs(1));
    create_active(&h, seller, &lamp_in("LAMP-3", lamps)).await;
    h.get("/products?limit=1").header("if-none-match", first.header("etag")).send().await.expect(200);
}

#[tokio::test]
async fn a_product_is_found_by_its_sku_in_any_case() {
    let h = catalog().await;
    let seller = h.id();
    let lamps = category(&h, "Lamps", None).await;
    let product = create_active(&h, seller, &lamp_in("LAMP-1", lamps)).await;
    let found: Product = h.get("/products/by-sku/lamp-1").send().await.expect(200).read();
    assert_eq!(found, product);
    for unknown in ["LAMP-2", "x", "..%2F..%2Fetc", "LAMP-1'%20OR%201=1"] {
        h.get(&format!("/products/by-sku/{unknown}")).send().await.expect_problem(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_repeated_creation_returns_the_first_answer() {
    let h = catalog().await;
    let seller = h.id();
    let post = |body: Value| h.post("/products", &body).seller(seller).key("k-1");
    let (first, second, third) = tokio::join!(post(lamp("LAMP-1")).send(), post(lamp("LAMP-1")).send(), post(lamp("LAMP-1")).send());
    let first = first.expect(201);
    for again in [second, third] {
        let again = again.expect(201);
        assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
        assert_eq!(again.header("etag"), first.header("etag"));
    }
    post(lamp("LAMP-2")).send().await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(h.emitted_of::<ProductCreated>().await.len(), 1);
    // A refusal is replayed too, and it leaves no rows behind.
    let group = h.id::<Uuid>();
    let mut taken = lamp("LAMP-1");
    taken["productGroupId"] = json!(group);
    for _ in 0..2 {
        h.post("/products", &taken).seller(seller).key("k-2").send().await.expect_problem(409, "SKU_TAKEN");
    }
    taken["sku"] = json!("LAMP-9");
    h.post("/products", &taken).seller(h.id()).send().await.expect(201);
}

#[tokio::test]
async fn a_repeated_activation_happens_once() {
    let h = catalog().await;
    let seller = h.id();
    let lamps = category(&h, "Lamps", None).await;
    let product = create(&h, seller, &lamp_in("LAMP-1", lamps)).await;
    let activate = || h.request(axum::http::Method::POST, &format!("{}/activate", path(&product))).seller(seller).key("k");
    let first = activate().send().await.expect(200);
    assert_eq!(activate().send().await.expect(200).body, first.body);
    assert_eq!(h.emitted_of::<ProductActivated>().await.len(), 1);
}

#[tokio::test]
async fn services_can_look_up_products_in_any_status() {
    let h = catalog().await;
    let seller = h.id();
    let lamps = category(&h, "Lamps", None).await;
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(create(&h, seller, &lamp_in(&format!("LAMP-{n}"), lamps)).await.product_id);
    }
    let look_up = |ids: Value| h.post("/internal/products/lookup", &json!({"productIds": ids})).service("cart");
    for count in [1, 2, 10, 11, 12] {
        let found: ProductList = look_up(json!(ids[..count])).send().await.expect(200).read();
        let found_ids: BTreeSet<ProductId> = found.items.iter().map(|product| product.product_id).collect();
        assert_eq!(found_ids, ids[..count].iter().copied().collect());
        assert_eq!(found.items.len(), count);
        assert!(found.items.iter().all(|product| product.category_path.len() == 1));
    }
    let strange = [json!([ids[0], ids[0], h.id::<Uuid>()]), json!([h.id::<Uuid>()])];
    assert_eq!(look_up(strange[0].clone()).send().await.expect(200).read::<ProductList>().items.len(), 1);
    assert_eq!(look_up(strange[1].clone()).send().await.expect(200).read::<ProductList>().items.len(), 0);
    let many: Vec<Uuid> = (0..200).map(|_| h.id()).collect();
    look_up(json!(many)).send().await.expect(200);
    look_up(json!([])).send().await.expect_problem(422, "INVALID_REQUEST");
    look_up(json!((0..201).map(|_| h.id::<Uuid>()).collect::<Vec<_>>())).send().await.expect_problem(422, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_rating_is_shown_and_is_no_change_of_the_product() {
    let h = catalog().await;
    let seller = h.id();
    let product = create(&h, seller, &lamp("LAMP-1")).await;
    let shown = h.get(&path(&product)).seller(seller).send().await.expect(200);
    assert_eq!(shown.json()["rating"], json!({"averageHundredths": 0, "count": 0}));
    let tag = shown.header("etag").to_owned();
    let events = h.emitted().await.len();
    let rating = Rating { average_hundredths: 450, count: 2 };
    let changed = |product_id| ProductRatingChanged { product_id, seller_id: Some(seller), rating, histogram: Histogram::default() };
    h.deliver(changed(product.product_id)).await;
    h.deliver(changed(h.id())).await;
    let rated = h.get(&path(&product)).seller(seller).header("if-none-match", &tag).send().await.expect(200);
    assert_eq!(rated.read::<Product>(), Product { rating, ..product.clone() });
    assert_eq!(h.emitted().await.len(), events);
    // A cached copy with the present rating is fresh.
    let fresh = rated.header("etag").to_owned();
    h.get(&path(&product)).seller(seller).header("if-none-match", &fresh).send().await.expect(304);
    // The owner changes the product with the tag from before the rating. The rating stays.
    let updated = h.patch(&path(&product), &json!({"title": "Lantern"})).seller(seller).header("if-match", &tag).send().await.expect(200);
    assert_eq!((updated.read::<Product>().rating, updated.read::<Product>().version), (rating, 2));
    h.patch(&path(&product), &json!({"title": "Torch"}))
        .seller(seller)
        .header("if-match", &fresh)
        .send()
        .await
        .expect_problem(412, "PRECONDITION_FAILED");
    assert_eq!(h.get(&path(&product)).seller(seller).send().await.expect(200).read::<Product>().rating, rating);
}

#[tokio::test]
async fn integrators_save_an_external_id_and_metadata_and_find_by_it() {
    let h = catalog().await;
    let seller: UserId = h.id();
    let mut body = lamp("LAMP-1");
    body["externalId"] = json!("ERP-1");
    body["metadata"] = json!({"shelf": "A 7"});
    let made: Product = h.post("/products", &body).seller(seller).send().await.expect(201).read();
    assert_eq!((made.external_id.as_deref(), made.metadata["shelf"].as_str()), (Some("ERP-1"), "A 7"));
    h.post("/products", &lamp("LAMP-2")).seller(seller).send().await.expect(201);
    let path = format!("/products/{}", made.product_id);
    let changed: Product = h.patch(&path, &json!({"metadata": {"shelf": "B"}})).seller(seller).send().await.expect(200).read();
    assert_eq!((changed.external_id.as_deref(), changed.metadata["shelf"].as_str(), changed.version), (Some("ERP-1"), "B", 2));
    let found = h.get("/products?externalId=ERP-1").admin().send().await.expect(200).json();
    assert_eq!((found["items"].as_array().unwrap().len(), &found["items"][0]["productId"]), (1, &json!(made.product_id)));
    let own = h.get(&format!("/products?externalId=ERP-1&sellerId={seller}")).seller(seller).send().await.expect(200).json();
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
    h.get("/products?externalId=ERP-1").send().await.expect_problem(422, "INVALID_REQUEST");
    let cleared: Product = h.patch(&path, &json!({"externalId": null})).seller(seller).send().await.expect(200).read();
    assert_eq!(cleared.external_id, None);
}

#[tokio::test]
async fn an_external_id_is_unique_among_the_products_of_a_seller() {
    let h = catalog().await;
    let (seller, other): (UserId, UserId) = (h.id(), h.id());
    let named = |sku: &str| {
        let mut body = lamp(sku);
        body["externalId"] = json!("ERP-1");
        body
    };
    h.post("/products", &named("LAMP-1")).seller(seller).send().await.expect(201);
    let refused = h.post("/products", &named("LAMP-2")).seller(seller).send().await.expect_problem(409, "EXTERNAL_ID_TAKEN");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/externalId");
    h.post("/products", &named("LAMP-3")).seller(other).send().await.expect(201);
    h.post("/products", &named("LAMP-4")).admin().send().await.expect(201);
    h.post("/products", &named("LAMP-5")).admin().send().await.expect_problem(409, "EXTERNAL_ID_TAKEN");
    let second: Product = h.post("/products", &lamp("LAMP-6")).seller(seller).send().await.expect(201).read();
    let change = json!({"externalId": "ERP-1"});
    let refused = h.patch(&path(&second), &change).seller(seller).send().await;
    refused.expect_problem(409, "EXTERNAL_ID_TAKEN");
    let both = h.post("/products/batch", &json!({"items": [named("LAMP-7"), lamp("LAMP-8")]})).seller(seller).send().await.expect(200);
    let statuses: Vec<_> = both.json()["items"].as_array().unwrap().iter().map(|item| item["status"].clone()).collect();
    assert_eq!(statuses, [409, 201]);
    let found = h.get("/products?externalId=ERP-1").admin().send().await.expect(200).json();
    assert_eq!(found["items"].as_array().unwrap().len(), 3);
}
