//! Adding, changing and removing lines.

use super::*;
use contracts::{cart::CartStatus, money::MAX_AMOUNT};
use proptest::{collection::vec, prelude::*};
use serde_json::Value;

#[tokio::test]
async fn a_product_is_added_with_snapshots_and_a_subtotal() {
    let shop = Shop::open().await;
    let (mug, plate) = (shop.product(1250, 10), shop.product(300, 10));
    shop.add(mug, 2).await;
    let answer = shop.adding(plate, 3).send().await.expect(201);
    assert_eq!(answer.header("location"), "/api/v1/cart");
    let cart: Cart = answer.read();
    assert_eq!((cart.status, cart.user_id, cart.currency), (CartStatus::Active, shop.customer_id, Currency::EUR));
    assert_eq!(cart.items.iter().map(|item| item.product_id).collect::<Vec<_>>(), [mug, plate], "in the order they were added");
    let first = &cart.items[0];
    assert_eq!((first.sku.as_str(), first.title_snapshot.as_str()), ("SKU-0", "Thing SKU-0"));
    assert_eq!((first.unit_price_snapshot, first.quantity, first.line_total_amount), (1250, 2, 2500));
    assert_eq!((cart.subtotal_amount, cart.warnings.len()), (3400, 0));
    assert_eq!(shop.cart().await, cart);
}

#[tokio::test]
async fn a_product_in_the_cart_gets_more_units_on_its_line() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 2_000);
    let first = shop.add(mug, 2).await;
    let second = shop.add(mug, 3).await;
    assert_eq!(quantities(&second), [5]);
    assert_eq!(second.items[0].cart_item_id, first.items[0].cart_item_id);
    shop.adding(mug, 995).send().await.expect_problem(422, "QUANTITY_TOO_LARGE");
    assert_eq!(quantities(&shop.cart().await), [5]);
}

#[tokio::test]
async fn only_active_products_are_added() {
    let shop = Shop::open().await;
    for status in [ProductStatus::Draft, ProductStatus::Inactive, ProductStatus::Archived] {
        let product = shop.product(100, 5);
        shop.upstreams.change(product, |product| product.status = status);
        shop.adding(product, 1).send().await.expect_problem(409, "PRODUCT_UNAVAILABLE");
    }
    shop.adding(shop.id(), 1).send().await.expect_problem(409, "PRODUCT_UNAVAILABLE");
    assert!(shop.cart().await.items.is_empty());
}

#[tokio::test]
async fn no_more_units_are_added_than_are_available() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 4);
    shop.add(mug, 3).await;
    let refused = shop.adding(mug, 2).send().await.expect_problem(409, "INSUFFICIENT_STOCK");
    assert_eq!(shortages(&refused), json!([{"sku": "SKU-0", "requested": 5, "available": 4}]));
    shop.upstreams.stock.lock().unwrap().clear();
    let refused = shop.adding(mug, 1).send().await.expect_problem(409, "INSUFFICIENT_STOCK");
    assert_eq!(shortages(&refused), json!([{"sku": "SKU-0", "requested": 4, "available": 0}]), "what has no stock item cannot be sold");
    assert_eq!(quantities(&shop.internal_cart().await), [3]);
}

#[tokio::test]
async fn a_cart_is_in_one_currency() {
    let shop = Shop::open().await;
    let (mug, foreign) = (shop.product(100, 5), shop.product(100, 5));
    shop.upstreams.change(foreign, |product| product.currency = Currency::USD);
    shop.add(mug, 1).await;
    shop.adding(foreign, 1).send().await.expect_problem(409, "CURRENCY_MISMATCH");
    shop.delete("/cart").customer(shop.customer_id).send().await.expect(204);
    assert_eq!(shop.add(foreign, 1).await.currency, Currency::USD);
    shop.delete("/cart").customer(shop.customer_id).send().await.expect(204);
    assert_eq!(shop.cart().await.currency, Currency::EUR, "an empty cart is in the marketplace's own");
}

#[tokio::test]
async fn a_subtotal_past_every_bound_is_refused() {
    let shop = Shop::open().await;
    let (dear, mug) = (shop.product(MAX_AMOUNT, 5), shop.product(1, 5));
    shop.adding(dear, 2).send().await.expect_problem(422, "AMOUNT_TOO_LARGE");
    shop.add(dear, 1).await;
    shop.adding(mug, 1).send().await.expect_problem(422, "AMOUNT_TOO_LARGE");
    assert_eq!(shop.cart().await.subtotal_amount, MAX_AMOUNT);
}

#[tokio::test]
async fn a_cart_holds_200_lines_and_shows_them_with_two_calls() {
    let shop = Shop::open().await;
    for _ in 0..200 {
        shop.add(shop.product(100, 5), 1).await;
    }
    shop.upstreams.calls();
    shop.adding(shop.product(100, 5), 1).send().await.expect_problem(409, "CART_FULL");
    assert_eq!(shop.upstreams.calls(), 2);
    let cart = shop.cart().await;
    assert_eq!((cart.items.len(), cart.subtotal_amount, cart.warnings.len()), (200, 20_000, 0));
    assert_eq!(shop.upstreams.calls(), 2);
    assert_eq!(quantities(&shop.add(cart.items[0].product_id, 1).await)[0], 2, "what is there can still get more");
}

#[tokio::test]
async fn a_quantity_is_set_within_the_available_units() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 4);
    let cart = shop.add(mug, 1).await;
    let path = format!("/cart/items/{}", cart.items[0].cart_item_id);
    let set = |quantity: i64| shop.patch(&path, &json!({"quantity": quantity})).customer(shop.customer_id);
    let cart: Cart = set(4).send().await.expect(200).read();
    assert_eq!((quantities(&cart), cart.subtotal_amount), (vec![4], 400));
    let refused = set(5).send().await.expect_problem(409, "INSUFFICIENT_STOCK");
    assert_eq!(shortages(&refused), json!([{"sku": "SKU-0", "requested": 5, "available": 4}]));
    shop.upstreams.change(mug, |product| product.status = ProductStatus::Inactive);
    set(1).send().await.expect_problem(409, "PRODUCT_UNAVAILABLE");
    shop.upstreams.change(mug, |product| {
        product.status = ProductStatus::Active;
        product.currency = Currency::USD;
    });
    set(1).send().await.expect_problem(409, "CURRENCY_MISMATCH");
    assert_eq!(quantities(&shop.internal_cart().await), [4]);
}

#[tokio::test]
async fn lines_are_removed_one_by_one_or_all_at_once() {
    let shop = Shop::open().await;
    let (mug, plate) = (shop.product(100, 5), shop.product(70, 5));
    shop.add(mug, 1).await;
    let cart = shop.add(plate, 1).await;
    let path = format!("/cart/items/{}", cart.items[0].cart_item_id);
    shop.delete(&path).customer(shop.customer_id).send().await.expect(204);
    shop.delete(&path).customer(shop.customer_id).send().await.expect_problem(404, "NOT_FOUND");
    shop.patch(&path, &json!({"quantity": 1})).customer(shop.customer_id).send().await.expect_problem(404, "NOT_FOUND");
    let left = shop.cart().await;
    assert_eq!((left.cart_id, left.subtotal_amount), (cart.cart_id, 70));
    for _ in 0..2 {
        shop.delete("/cart").customer(shop.customer_id).send().await.expect(204);
    }
    let empty = shop.cart().await;
    assert_eq!((empty.cart_id, empty.items.len(), empty.subtotal_amount), (cart.cart_id, 0, 0));
}

#[tokio::test]
async fn a_repeated_key_adds_once_and_gives_the_first_answer() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 50);
    let first = shop.adding(mug, 2).key("k-1").send().await.expect(201);
    shop.upstreams.change(mug, |product| product.status = ProductStatus::Archived);
    shop.upstreams.calls();
    let again = shop.adding(mug, 2).key("k-1").send().await.expect(201);
    assert_eq!((again.body, again.headers["idempotency-replayed"].as_bytes()), (first.body, &b"true"[..]));
    assert_eq!(shop.upstreams.calls(), 0, "a repetition makes no call");
    shop.adding(mug, 3).key("k-1").send().await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    let refused = shop.adding(mug, 1).key("k-2").send().await.expect_problem(409, "PRODUCT_UNAVAILABLE");
    shop.upstreams.change(mug, |product| product.status = ProductStatus::Active);
    let again = shop.adding(mug, 1).key("k-2").send().await.expect_problem(409, "PRODUCT_UNAVAILABLE");
    assert_eq!(again.body, refused.body, "a refusal is kept too");
    assert_eq!(quantities(&shop.cart().await), [2]);
}

#[tokio::test]
async fn one_key_forty_times_at_once_adds_once() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 50);
    let answers = run_concurrently((0..40).map(|_| shop.adding(mug, 1).key("k").send())).await;
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
    assert_eq!(quantities(&shop.cart().await), [1]);
}

#[tokio::test]
async fn many_first_adds_at_once_make_one_cart() {
    let shop = Shop::open().await;
    let products: Vec<_> = (0..20).map(|_| shop.product(100, 50)).collect();
    for answer in run_concurrently(products.iter().map(|product| shop.adding(*product, 1).send())).await {
        answer.expect(201);
    }
    assert_eq!((shop.carts_in("ACTIVE").await, shop.cart().await.items.len()), (1, 20));
}

/// Polls all futures concurrently.
async fn run_concurrently<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (future, output) in futures.iter_mut().filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(context) {
                std::task::Poll::Ready(value) => *output = Some(value),
                std::task::Poll::Pending => pending = true,
            }
        }
        if pending { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn without_the_catalogue_no_product_is_added_but_lines_can_be_changed() {
    let shop = Shop::open().await;
    let (mug, plate) = (shop.product(100, 5), shop.product(70, 5));
    let cart = shop.add(mug, 1).await;
    shop.upstreams.catalog_is_down.store(true, Ordering::SeqCst);
    shop.adding(plate, 1).key("k").send().await.expect_problem(503, "DEPENDENCY_UNAVAILABLE");
    let path = format!("/cart/items/{}", cart.items[0].cart_item_id);
    let cart: Cart = shop.patch(&path, &json!({"quantity": 3})).customer(shop.customer_id).send().await.expect(200).read();
    assert_eq!(cart.subtotal_amount, 300);
    shop.upstreams.catalog_is_down.store(false, Ordering::SeqCst);
    shop.adding(plate, 1).key("k").send().await.expect(201);
}

#[tokio::test]
async fn without_the_inventory_products_can_be_added() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 1);
    shop.upstreams.inventory_is_down.store(true, Ordering::SeqCst);
    let cart = shop.add(mug, 3).await;
    assert_eq!((quantities(&cart), cart.warnings.len()), (vec![3], 0));
    shop.upstreams.inventory_is_down.store(false, Ordering::SeqCst);
    assert_eq!(quantities(&shop.cart().await), [1]);
}

#[tokio::test]
async fn bad_bodies_are_refused_and_change_nothing() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 5);
    let cart = shop.add(mug, 1).await;
    let item = format!("/cart/items/{}", cart.items[0].cart_item_id);
    let big = "x".repeat(70_000);
    let bodies: Vec<(Value, &str)> = vec![
        (json!({"quantity": 1}), "/productId"),
        (json!({"productId": mug}), "/quantity"),
        (json!({"productId": mug, "quantity": 0}), "/quantity"),
        (json!({"productId": mug, "quantity": -1}), "/quantity"),
        (json!({"productId": mug, "quantity": 100_001}), "/quantity"),
        (json!({"productId": mug, "quantity": 1.5}), "/quantity"),
        (json!({"productId": mug, "quantity": "1"}), "/quantity"),
        (json!({"productId": mug, "quantity": null}), "/quantity"),
        (json!({"productId": "7", "quantity": 1}), "/productId"),
        (json!({"productId": mug, "quantity": 1, "unitPriceSnapshot": 1}), "/unitPriceSnapshot"),
        (json!({"productId": mug, "quantity": 1, "userId": mug}), "/userId"),
    ];
    for (body, pointer) in bodies {
        let answer = shop.post("/cart/items", &body).customer(shop.customer_id).send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    for body in [json!({}), json!({"quantity": 0}), json!({"quantity": 1, "sku": "X"}), json!([]), json!(null)] {
        shop.patch(&item, &body).customer(shop.customer_id).send().await.expect_problem(422, "INVALID_REQUEST");
    }
    let raw = |kind: &'static str, body: Vec<u8>| {
        shop.request(axum::http::Method::POST, "/cart/items").customer(shop.customer_id).raw(kind, body)
    };
    raw("application/json", b"{\"productId\":".to_vec()).send().await.expect_problem(400, "MALFORMED_REQUEST");
    raw("application/json", b"\xff\xfe".to_vec()).send().await.expect_problem(400, "MALFORMED_REQUEST");
    raw("text/plain", b"{}".to_vec()).send().await.expect_problem(415, "UNSUPPORTED_MEDIA_TYPE");
    raw("application/json", big.into_bytes()).send().await.expect_problem(413, "PAYLOAD_TOO_LARGE");
    for path in ["/cart/items/7", "/cart/items/..%2f..", "/cart/items/%00"] {
        shop.delete(path).customer(shop.customer_id).send().await.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(shop.cart().await, cart);
}

/// A request of a customer.
#[derive(Debug, Clone)]
enum Action {
    Add(usize, i64),
    Set(usize, i64),
    Remove(usize),
    Clear,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        5 => (0..5_usize, 1..=999_i64).prop_map(|(product, quantity)| Action::Add(product, quantity)),
        3 => (0..5_usize, 1..=999_i64).prop_map(|(line, quantity)| Action::Set(line, quantity)),
        2 => (0..5_usize).prop_map(Action::Remove),
        1 => Just(Action::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_subtotal_is_the_sum_and_there_is_one_cart_whatever_a_customer_does(actions in vec(action(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shop = Shop::open().await;
            let products: Vec<_> = [1, 250, 999, 10_000, MAX_AMOUNT / 2].map(|price| shop.product(price, 1_500)).into();
            let mut units: BTreeMap<ProductId, u32> = BTreeMap::new();
            for action in actions {
                let cart = shop.cart().await;
                let line = |at: usize| cart.items.get(at).cloned();
                match action {
                    Action::Add(product, quantity) => {
                        if shop.adding(products[product], quantity).send().await.status == 201 {
                            *units.entry(products[product]).or_default() += quantity as u32;
                        }
                    }
                    Action::Set(at, quantity) => {
                        let Some(line) = line(at) else { continue };
                        let body = json!({"quantity": quantity});
                        let path = format!("/cart/items/{}", line.cart_item_id);
                        if shop.patch(&path, &body).customer(shop.customer_id).send().await.status == 200 {
                            units.insert(line.product_id, quantity as u32);
                        }
                    }
                    Action::Remove(at) => {
                        let Some(line) = line(at) else { continue };
                        shop.delete(&format!("/cart/items/{}", line.cart_item_id)).customer(shop.customer_id).send().await.expect(204);
                        units.remove(&line.product_id);
                    }
                    Action::Clear => {
                        shop.delete("/cart").customer(shop.customer_id).send().await.expect(204);
                        units.clear();
                    }
                }
                let cart = shop.cart().await;
                let held: BTreeMap<_, _> = cart.items.iter().map(|item| (item.product_id, item.quantity)).collect();
                assert_eq!(held, units);
                assert_eq!(cart.subtotal_amount, cart.items.iter().map(|item| item.line_total_amount).sum::<i64>());
                assert!(cart.items.iter().all(|item| item.line_total_amount == item.unit_price_snapshot * i64::from(item.quantity)));
                assert_eq!(shop.carts_in("ACTIVE").await, 1);
            }
        });
    }
}

#[tokio::test]
async fn how_many_units_a_line_holds_is_a_setting() {
    for (max, shop) in [(999, Shop::open().await), (5_000, Shop::open_with(|harness| harness.setting("max_line_quantity", 5_000)).await)] {
        let mug = shop.product(100, 100_000);
        let refused = shop.adding(mug, max + 1).send().await.expect_problem(422, "QUANTITY_TOO_LARGE").json();
        assert_eq!((refused["maxQuantity"].as_i64(), refused["errors"][0]["pointer"].as_str()), (Some(max), Some("/quantity")));
        let cart = shop.add(mug, max).await;
        shop.adding(mug, 1).send().await.expect_problem(422, "QUANTITY_TOO_LARGE");
        let path = format!("/cart/items/{}", cart.items[0].cart_item_id);
        for down in [false, true] {
            // The limit holds without the catalogue, too.
            shop.upstreams.catalog_is_down.store(down, Ordering::SeqCst);
            let set = |quantity: i64| {
                shop.request("PATCH".parse().unwrap(), &path).json(&json!({"quantity": quantity})).customer(shop.customer_id).send()
            };
            set(max + 1).await.expect_problem(422, "QUANTITY_TOO_LARGE");
            assert_eq!(set(max).await.expect(200).json()["items"][0]["quantity"], max);
            set(100_001).await.expect_problem(422, "INVALID_REQUEST");
        }
    }
}
