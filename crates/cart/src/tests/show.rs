//! What the owner and the order service see.

use super::*;
use contracts::cart::CartStatus;

#[tokio::test]
async fn without_a_cart_an_empty_one_is_made_and_stays() {
    let shop = Shop::open().await;
    let cart = shop.cart().await;
    assert_eq!((cart.status, cart.items.len(), cart.subtotal_amount, cart.currency), (CartStatus::Active, 0, 0, Currency::EUR));
    assert_eq!(shop.cart().await, cart);
    assert_eq!(shop.add(shop.product(100, 5), 1).await.cart_id, cart.cart_id);
    assert_eq!(shop.carts_in("ACTIVE").await, 1);
}

#[tokio::test]
async fn an_empty_cart_needs_no_call_and_has_the_configured_currency() {
    let shop = Shop::open_with(|harness| harness.setting("currency", "USD")).await;
    assert_eq!(shop.cart().await.currency, Currency::USD);
    assert_eq!(shop.upstreams.calls(), 0);
}

#[tokio::test]
async fn a_changed_price_is_shown_and_is_what_the_order_gets() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 5);
    let added = shop.add(mug, 2).await;
    shop.advance(std::time::Duration::from_secs(60));
    shop.upstreams.change(mug, |product| {
        product.price_amount = 130;
        product.title = "A better mug".into();
    });
    for _ in 0..2 {
        let cart = shop.cart().await;
        assert_eq!((cart.subtotal_amount, cart.items[0].unit_price_snapshot), (260, 130));
        assert_eq!(cart.items[0].title_snapshot, "A better mug");
        assert_eq!(warnings(&cart), [WarningCode::PriceChanged]);
        let warning = &cart.warnings[0];
        assert_eq!((warning.cart_item_id, warning.product_id), (added.items[0].cart_item_id, mug));
        assert_eq!((warning.old_unit_price_amount, warning.new_unit_price_amount), (Some(100), Some(130)));
        assert_eq!(warning.detail, "A better mug costs 1.30 EUR now; it was 1.00 EUR before.");
        assert!(cart.updated_at > added.updated_at);
        assert_eq!(shop.internal_cart().await, Cart { prices_include_tax: None, ..cart });
    }
}

#[tokio::test]
async fn a_changed_price_is_shown_until_the_quantity_is_set_again() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 5);
    let item = shop.add(mug, 2).await.items[0].cart_item_id;
    let set = async |quantity: u32| {
        let path = format!("/cart/items/{item}");
        shop.patch(&path, &json!({"quantity": quantity})).customer(shop.customer_id).send().await.expect(200).read::<Cart>()
    };
    shop.upstreams.change(mug, |product| product.price_amount = 130);
    // The customer has not seen that price yet.
    assert_eq!(warnings(&set(2).await), [WarningCode::PriceChanged]);
    assert_eq!(warnings(&shop.cart().await), [WarningCode::PriceChanged]);
    assert_eq!(warnings(&set(2).await), []);
    assert_eq!(warnings(&shop.cart().await), []);
    shop.upstreams.change(mug, |product| product.price_amount = 90);
    let warning = &shop.cart().await.warnings[0];
    assert_eq!((warning.old_unit_price_amount, warning.new_unit_price_amount), (Some(130), Some(90)));
    shop.add(mug, 1).await;
    assert_eq!(warnings(&shop.cart().await), []);
}

#[tokio::test]
async fn a_line_shows_the_available_units_and_the_order_gets_these() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 5);
    shop.add(mug, 5).await;
    shop.upstreams.stock(mug, 2);
    let cart = shop.cart().await;
    assert_eq!((quantities(&cart), cart.subtotal_amount, warnings(&cart)), (vec![2], 200, vec![WarningCode::QuantityCapped]));
    assert_eq!(cart.warnings[0].available_qty, Some(2));
    assert_eq!(quantities(&shop.internal_cart().await), [2]);
    shop.upstreams.stock(mug, 9);
    let cart = shop.cart().await;
    assert_eq!((quantities(&cart), cart.warnings.len()), (vec![5], 0), "the wanted quantity returns with the stock");
}

#[tokio::test]
async fn an_unavailable_line_has_a_warning_and_is_not_in_the_subtotal() {
    let shop = Shop::open().await;
    let (mug, plate, bowl, fork) = (shop.product(100, 5), shop.product(70, 5), shop.product(30, 5), shop.product(9, 5));
    for product in [mug, plate, bowl, fork] {
        shop.add(product, 1).await;
    }
    shop.upstreams.change(mug, |product| product.status = ProductStatus::Inactive);
    shop.upstreams.stock(plate, 0);
    shop.upstreams.products.lock().unwrap().remove(&bowl);
    let cart = shop.cart().await;
    assert_eq!(warnings(&cart), [WarningCode::Unavailable; 3]);
    let warned: Vec<_> = cart.warnings.iter().map(|warning| warning.product_id).collect();
    assert_eq!((warned, cart.subtotal_amount), (vec![mug, plate, bowl], 9));
    assert_eq!(cart.warnings[0].detail, "Thing SKU-0 is not on sale now.");
    assert_eq!(cart.warnings[1].detail, "Thing SKU-1 is out of stock.");
}

#[tokio::test]
async fn with_upstreams_down_the_cart_is_shown_as_it_was_last_seen() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 5);
    shop.add(mug, 2).await;
    shop.upstreams.change(mug, |product| product.price_amount = 130);
    let seen = shop.cart().await;
    shop.upstreams.change(mug, |product| product.price_amount = 999);
    shop.upstreams.catalog_is_down.store(true, Ordering::SeqCst);
    assert_eq!(shop.cart().await, Cart { prices_include_tax: None, ..seen.clone() });
    shop.upstreams.catalog_is_down.store(false, Ordering::SeqCst);
    shop.upstreams.inventory_is_down.store(true, Ordering::SeqCst);
    shop.upstreams.stock(mug, 0);
    let cart = shop.cart().await;
    assert_eq!((warnings(&cart), cart.subtotal_amount), (vec![WarningCode::PriceChanged], 1998));
}

#[tokio::test]
async fn the_order_reads_the_cart_without_a_call() {
    let shop = Shop::open().await;
    shop.add(shop.product(100, 5), 2).await;
    shop.upstreams.calls();
    assert_eq!(shop.internal_cart().await.subtotal_amount, 200);
    assert_eq!(shop.upstreams.calls(), 0);
    let stranger: UserId = shop.id();
    let empty: Cart = shop.get(&format!("/internal/cart/{stranger}")).service("order").send().await.expect(200).read();
    assert_eq!((empty.user_id, empty.items.len()), (stranger, 0));
}

/// An order service that charges 490 for shipping, knows a default address in DE, and ships to no other country but FR.
fn orders() -> axum::Router {
    let estimate = |Json(body): Json<contracts::order::EstimateTotals>| async move {
        let country = body.country.map_or("DE".to_owned(), |country| country.into_string());
        if !["DE", "FR"].contains(&country.as_str()) {
            let problem = json!({"type": "/problems/unsupported-country", "title": "", "status": 422, "detail": "", "code": "UNSUPPORTED_COUNTRY",
                                 "correlationId": "c", "retryable": false});
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(problem)).into_response();
        }
        let subtotal: i64 = body.lines.iter().map(|line| line.line_total_amount).sum();
        let totals = json!({"country": country, "currency": body.currency, "subtotalAmount": subtotal, "shippingAmount": 490,
                            "taxAmount": 10, "taxes": [{"basisPoints": 145, "netAmount": 690, "taxAmount": 10}], "totalAmount": subtotal + 500});
        Json(totals).into_response()
    };
    axum::Router::new().route("/internal/orders/estimate", post(estimate))
}

#[tokio::test]
async fn a_cart_shows_what_an_order_would_cost() {
    let shop = Shop::open_with(|harness| harness.upstream("order", orders())).await;
    assert_eq!(shop.cart().await.estimate, None, "there is nothing to buy");
    let mug = shop.product(100, 5);
    shop.add(mug, 2).await;
    let estimate = shop.cart().await.estimate.expect("the default address is known");
    assert_eq!((estimate.country.as_str(), estimate.shipping_amount, estimate.tax_amount, estimate.total_amount), ("DE", 490, 10, 700));
    let get = |query: &str| shop.get(&format!("/cart?{query}")).customer(shop.customer_id).send();
    assert_eq!(json!(estimate.taxes), json!([{"basisPoints": 145, "netAmount": 690, "taxAmount": 10}]));
    assert_eq!(get("country=FR").await.expect(200).json()["estimate"]["country"], "FR");
    assert_eq!(get("state=CA").await.expect_problem(422, "INVALID_REQUEST").json()["errors"][0]["parameter"], "country");
    let refused = get("country=CH").await.expect_problem(422, "UNSUPPORTED_COUNTRY").json();
    assert_eq!(refused["errors"][0]["parameter"], "country");
    for (query, code) in [("country=de", "NOT_A_COUNTRY"), ("country=XX", "NOT_A_COUNTRY"), ("country=DE&country=FR", "REPEATED_PARAMETER")]
    {
        assert_eq!(get(query).await.expect_problem(422, "INVALID_REQUEST").json()["errors"][0]["code"], code);
    }
    shop.upstreams.change(mug, |product| product.status = ProductStatus::Inactive);
    assert_eq!(shop.cart().await.estimate, None, "nothing can be bought");
}

#[tokio::test]
async fn the_estimate_is_asked_for_without_what_cannot_be_bought() {
    let asked = Arc::new(Mutex::new(None));
    let of_estimate = asked.clone();
    let estimate = move |Json(body): Json<serde_json::Value>| async move {
        *of_estimate.lock().unwrap() = Some(body["lines"].clone());
        down()
    };
    let orders = axum::Router::new().route("/internal/orders/estimate", post(estimate));
    let shop = Shop::open_with(|harness| harness.upstream("order", orders)).await;
    let (first, second): (UserId, UserId) = (shop.id(), shop.id());
    let products = [(100, None), (250, Some(first)), (70, Some(second)), (30, Some(first)), (900, Some(second))];
    let mut expected = Vec::new();
    for (price, seller) in products {
        let product = shop.product(price, 5);
        shop.upstreams.change(product, |product| product.seller_id = seller);
        shop.add(product, 2).await;
        if price == 900 {
            shop.upstreams.change(product, |product| product.status = ProductStatus::Inactive);
        } else {
            expected.push(json!({"productId": product, "sellerId": seller, "lineTotalAmount": 2 * price, "discountAmount": 0}));
        }
    }
    shop.cart().await;
    assert_eq!(asked.lock().unwrap().take(), Some(json!(expected)));
}

#[tokio::test]
async fn without_the_order_service_the_cart_has_no_estimate() {
    let dead = axum::Router::new().route("/internal/orders/estimate", post(|| async { down() }));
    let shop = Shop::open_with(|harness| harness.upstream("order", dead)).await;
    shop.add(shop.product(100, 5), 2).await;
    let cart = shop.cart().await;
    assert_eq!((cart.subtotal_amount, cart.estimate), (200, None));
}

#[tokio::test]
async fn lines_show_the_main_picture() {
    let shop = Shop::open().await;
    let mug = shop.product(100, 5);
    assert_eq!(shop.add(mug, 1).await.items[0].image_url, None);
    shop.upstreams.change(mug, |product| product.images = vec!["/media/mug.jpg".into(), "/media/other.jpg".into()]);
    for cart in [shop.cart().await, shop.internal_cart().await] {
        assert_eq!(cart.items[0].image_url.as_deref(), Some("/media/mug.jpg"));
    }
    shop.upstreams.change(mug, |product| product.images.clear());
    assert_eq!(shop.cart().await.items[0].image_url, None);
}
