//! Setting, adjusting, reading and listing stock.

use super::*;
use contracts::catalog::ProductCreated;
use contracts::inventory::{Availability, StockChangeReason, StockChanged, StockList, StockLow};
use contracts::page::Page;

#[tokio::test]
async fn a_new_item_is_made_and_an_existing_one_set() {
    let h = harness().await;
    let id = h.id::<ProductId>();
    let made = h.put("/inventory/stock/lamp-1", &json!({"availableQty": 12, "productId": id})).admin().send().await.expect(201);
    assert_eq!(made.header("location"), "/api/v1/inventory/stock/LAMP-1");
    assert_eq!(made.header("etag"), "\"v1\"");
    let item: StockItem = made.read();
    assert_eq!((item.sku.as_str(), item.product_id, item.available_qty, item.reserved_qty), ("LAMP-1", id, 12, 0));
    assert_eq!((item.low_stock_threshold, item.low_stock, item.seller_id), (5, false, None));

    let body = json!({"availableQty": 3, "productId": id, "lowStockThreshold": 2});
    let set = h.put("/inventory/stock/LAMP-1", &body).admin().send().await.expect(200);
    assert_eq!(set.header("etag"), "\"v2\"");
    assert_eq!((set.json()["availableQty"].clone(), set.json()["lowStockThreshold"].clone()), (json!(3), json!(2)));
    assert_eq!(stock_of(&h, "LAMP-1").await, set.read());

    let emitted: Vec<_> = h.emitted_of::<StockChanged>().await.into_iter().map(|e| (e.available_qty, e.reason, e.note)).collect();
    assert_eq!(emitted, [(12, StockChangeReason::Adjusted, None), (3, StockChangeReason::Adjusted, None)]);
    assert_consistent(&h).await;
}

#[tokio::test]
async fn setting_what_is_set_already_changes_nothing() {
    let h = harness().await;
    let body = json!({"availableQty": 12, "productId": h.id::<ProductId>()});
    h.put("/inventory/stock/LAMP-1", &body).admin().send().await.expect(201);
    let again = h.put("/inventory/stock/LAMP-1", &body).admin().send().await.expect(200);
    assert_eq!(again.header("etag"), "\"v1\"");
    assert_eq!(count_emitted(&h, "StockChanged").await, 1);
}

#[tokio::test]
async fn setting_stock_keeps_reserved_units() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let held = reserved(&h, &[("LAMP-1", 4)]).await;
    let id = stock_of(&h, "LAMP-1").await.product_id;
    h.put("/inventory/stock/LAMP-1", &json!({"availableQty": 0, "productId": id})).admin().send().await.expect(200);
    assert_eq!(quantities(&h, "LAMP-1").await, (0, 4));
    end(&h, held.reservation_id, "release").await.expect(200);
    assert_eq!(quantities(&h, "LAMP-1").await, (4, 0));
    assert_consistent(&h).await;
}

#[tokio::test]
async fn a_stale_copy_changes_nothing() {
    let h = harness().await;
    let body = |quantity: i64, id: ProductId| json!({"availableQty": quantity, "productId": id});
    let id = h.id::<ProductId>();
    let put = |quantity, tag: &str| h.put("/inventory/stock/LAMP-1", &body(quantity, id)).admin().header("if-match", tag).send();
    put(12, "\"v1\"").await.expect_problem(412, "PRECONDITION_FAILED");
    put(12, "*").await.expect_problem(412, "PRECONDITION_FAILED");
    h.put("/inventory/stock/LAMP-1", &body(12, id)).admin().send().await.expect(201);
    put(11, "\"v1\"").await.expect(200);
    let stale = put(10, "\"v1\"").await.expect_problem(412, "PRECONDITION_FAILED");
    assert_eq!(stale.header("etag"), "\"v2\"");
    // A reservation changes the version too, because an absolute quantity must take it into account.
    reserved(&h, &[("LAMP-1", 1)]).await;
    put(10, "\"v2\"").await.expect_problem(412, "PRECONDITION_FAILED");
    assert_eq!(quantities(&h, "LAMP-1").await, (10, 1));
    put(9, "*").await.expect(200);
    put(9, "v1").await.expect_problem(400, "MALFORMED_REQUEST");
}

#[tokio::test]
async fn a_current_copy_is_answered_with_304() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let get = |tag: &str| h.get("/inventory/stock/LAMP-1").admin().header("if-none-match", tag).send();
    assert!(get("\"v1\"").await.expect(304).body.is_empty());
    get("\"v7\"").await.expect(200);
}

#[tokio::test]
async fn stock_is_adjusted_within_its_bounds_and_the_event_has_the_reason() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let adjust = |delta: i64| h.post("/inventory/stock/lamp-1/adjust", &json!({"delta": delta, "reason": "counted"})).admin().send();
    let answer = adjust(-4).await.expect(200);
    assert_eq!((answer.json()["availableQty"].clone(), answer.header("etag")), (json!(6), "\"v2\""));
    let refused = adjust(-7).await.expect_problem(409, "STOCK_OUT_OF_RANGE");
    assert_eq!(refused.json()["availableQty"], 6);
    adjust(1_000_000_000).await.expect_problem(409, "STOCK_OUT_OF_RANGE");
    adjust(0).await.expect(200);
    assert_eq!(quantities(&h, "LAMP-1").await, (6, 0));
    let emitted = h.emitted_of::<StockChanged>().await;
    assert_eq!(emitted.len(), 2);
    assert_eq!((emitted[1].available_qty, emitted[1].note.as_deref()), (6, Some("counted")));
    h.post("/inventory/stock/CHAIR-1/adjust", &json!({"delta": 1, "reason": "x"})).admin().send().await.expect_problem(404, "UNKNOWN_SKU");
    assert_consistent(&h).await;
}

#[tokio::test]
async fn an_adjustment_under_a_key_happens_once() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let token = h.token(h.id(), &["ADMIN"]);
    let adjust =
        |delta: i64| h.post("/inventory/stock/LAMP-1/adjust", &json!({"delta": delta, "reason": "found"})).bearer(&token).key("k").send();
    let first = adjust(5).await.expect(200);
    let again = adjust(5).await.expect(200);
    assert_eq!((again.header("idempotency-replayed"), again.header("etag")), ("true", first.header("etag")));
    assert_eq!(again.body, first.body);
    adjust(6).await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(quantities(&h, "LAMP-1").await, (15, 0));
}

#[tokio::test]
async fn low_stock_is_announced_once_until_it_was_above_its_threshold() {
    let h = stocked(&[("LAMP-1", 7)]).await;
    let lows = async || h.emitted_of::<StockLow>().await.iter().map(|e| e.available_qty).collect::<Vec<_>>();
    let first = reserved(&h, &[("LAMP-1", 1)]).await;
    assert!(lows().await.is_empty());
    reserved(&h, &[("LAMP-1", 1)]).await;
    assert_eq!(lows().await, [5]);
    reserved(&h, &[("LAMP-1", 1)]).await;
    assert_eq!(lows().await, [5]);
    // A sale does not change the available units.
    end(&h, first.reservation_id, "confirm").await.expect(200);
    assert_eq!(lows().await, [5]);
    for delta in [2, -3] {
        h.post("/inventory/stock/LAMP-1/adjust", &json!({"delta": delta, "reason": "counted"})).admin().send().await.expect(200);
    }
    assert_eq!(lows().await, [5, 3]);
    let low = &h.emitted_of::<StockLow>().await[1];
    assert_eq!((low.sku.as_str(), low.low_stock_threshold), ("LAMP-1", 5));
}

#[tokio::test]
async fn an_item_that_begins_low_is_listed_and_not_announced() {
    let h = stocked(&[("LAMP-1", 3)]).await;
    assert_eq!(count_emitted(&h, "StockLow").await, 0);
    let page: Page<StockItem> = h.get("/inventory/stock?lowStock=true").admin().send().await.expect(200).read();
    assert_eq!(page.items.len(), 1);
}

#[tokio::test]
async fn stock_is_listed_newest_first_page_by_page() {
    let h = harness().await;
    let skus: Vec<String> = (100..125).map(|n| format!("LAMP-{n}")).collect();
    for (at, sku) in skus.iter().enumerate() {
        h.advance(std::time::Duration::from_millis(1));
        put(&h, sku, if at % 5 == 0 { 1 } else { 50 }).await;
    }
    for (filter, wanted) in [
        ("", skus.iter().rev().cloned().collect::<Vec<_>>()),
        ("lowStock=true&", skus.iter().step_by(5).rev().cloned().collect()),
        ("lowStock=false&", skus.iter().enumerate().filter(|(at, _)| at % 5 != 0).map(|(_, sku)| sku.clone()).rev().collect()),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = h.get(&format!("/inventory/stock?{filter}limit=4{cursor}")).admin().send().await.expect(200);
            let page: Page<StockItem> = answer.read();
            seen.extend(page.items.into_iter().map(|item| item.sku));
            let Some(next) = page.next_cursor else { break };
            assert!(answer.header("link").contains("rel=\"next\""), "{}", answer.header("link"));
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, wanted, "{filter}");
    }
    let page: Page<StockItem> = h.get("/inventory/stock").admin().send().await.expect(200).read();
    assert_eq!(page.items.len(), 20);
    let cursor = page.next_cursor.unwrap();
    h.get(&format!("/inventory/stock?lowStock=true&cursor={cursor}")).admin().send().await.expect_problem(400, "BAD_CURSOR");
}

#[tokio::test]
async fn anyone_can_read_the_availability_of_a_product() {
    let catalogue = Catalogue::default();
    let h = Harness::of(crate::service()).upstream("catalog", catalogue.router()).start().await;
    put(&h, "LAMP-1", 2).await;
    let id = stock_of(&h, "LAMP-1").await.product_id;
    h.deliver(ProductCreated { product_id: id, product: product(id, None, "LAMP-1", 1) }).await;
    let see = async |id: ProductId| h.get(&format!("/products/{id}/availability")).send().await.expect(200).read::<Availability>();
    assert_eq!(see(id).await, Availability { in_stock: true, available_qty: 2 });
    reserved(&h, &[("LAMP-1", 2)]).await;
    assert_eq!(see(id).await, Availability { in_stock: false, available_qty: 0 });
    let (draft, unknown, fresh) = (h.id(), h.id::<ProductId>(), h.id());
    h.deliver(ProductCreated { product_id: draft, product: product_in(ProductStatus::Draft, draft, None, "LAMP-2", 1) }).await;
    for hidden in [draft.to_string(), unknown.to_string(), "seven".to_owned()] {
        h.get(&format!("/products/{hidden}/availability")).send().await.expect_problem(404, "NOT_FOUND");
    }
    // Its event is on its way.
    catalogue.add(product(fresh, None, "LAMP-3", 1));
    assert_eq!(see(fresh).await, Availability { in_stock: false, available_qty: 0 });
}

#[tokio::test]
async fn services_look_up_many_skus_at_once() {
    let h = stocked(&[("LAMP-1", 2), ("LAMP-2", 9), ("LAMP-3", 1)]).await;
    for client in ["cart", "catalog", "order"] {
        let body = json!({"skus": ["LAMP-3", "lamp-1", "CHAIR-1", "LAMP-3", "LAMP-2"]});
        let found: StockList = h.post("/internal/stock/lookup", &body).service(client).send().await.expect(200).read();
        let mut found: Vec<_> = found.items.into_iter().map(|item| (item.sku, item.available_qty, item.low_stock)).collect();
        found.sort();
        assert_eq!(found, [("LAMP-1".into(), 2, true), ("LAMP-2".into(), 9, false), ("LAMP-3".into(), 1, true)]);
    }
    let many: Vec<_> = (1..=200).map(|n| format!("LAMP-{n}")).collect();
    let found: StockList = h.post("/internal/stock/lookup", &json!({"skus": many})).service("cart").send().await.expect(200).read();
    assert_eq!(found.items.len(), 3);
}

#[tokio::test]
async fn the_default_threshold_is_a_setting() {
    let h = Harness::of(crate::service()).setting("low_stock_threshold", 20).start().await;
    assert!(put(&h, "LAMP-1", 20).await.low_stock);
    // An item may have its own threshold, above or below.
    let body = json!({"availableQty": 20, "productId": h.id::<ProductId>(), "lowStockThreshold": 0});
    let item: StockItem = h.put("/inventory/stock/LAMP-2", &body).admin().send().await.expect(201).read();
    assert!(!item.low_stock);
}
