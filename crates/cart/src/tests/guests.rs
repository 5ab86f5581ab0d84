//! Guests: carts without an account, and the merge at login.

use super::*;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const TOKEN: &str = "X-Cart-Token";

struct Guest {
    token: String,
    cart_id: contracts::ids::CartId,
}

impl Shop {
    async fn guest(&self) -> Guest {
        let made = self.post("/carts", &json!({})).send().await.expect(201);
        assert_eq!(made.header("location"), "/api/v1/cart");
        let made = made.json();
        Guest { token: made["cartToken"].as_str().unwrap().to_owned(), cart_id: serde_json::from_value(made["cartId"].clone()).unwrap() }
    }

    async fn guest_adds(&self, guest: &Guest, product: ProductId, quantity: i64) -> Cart {
        let body = json!({"productId": product, "quantity": quantity});
        self.post("/cart/items", &body).header(TOKEN, &guest.token).send().await.expect(201).read()
    }

    async fn guest_enters(&self, guest: &Guest, code: &str) {
        self.post("/cart/coupons", &json!({"code": code})).header(TOKEN, &guest.token).send().await.expect(201);
    }

    fn guest_cart(&self, guest: &Guest) -> TestRequest<'_> {
        self.get("/cart").header(TOKEN, &guest.token)
    }

    async fn merge(&self, guest: &Guest) {
        let path = format!("/internal/cart/{}/merge", self.customer_id);
        self.put(&path, &json!({"cartToken": guest.token})).service("auth").send().await.expect(204);
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let count = self.db().read::<i64, platform::db::Error, _>(async move |tx| tx.query_one(sql, &[], |row| row.next()).await);
        count.await.unwrap()
    }
}

#[tokio::test]
async fn a_guest_uses_a_cart_by_its_token_alone() {
    let shop = Shop::open().await;
    let (guest, other) = (shop.guest().await, shop.guest().await);
    let (lamp, chair) = (shop.product(100, 50), shop.product(200, 50));
    let cart = shop.guest_adds(&guest, lamp, 2).await;
    assert_eq!((cart.cart_id, cart.subtotal_amount), (guest.cart_id, 200));
    shop.guest_adds(&guest, chair, 1).await;
    shop.guest_enters(&guest, "LAMPS10").await;
    let line = format!("/cart/items/{}", cart.items[0].cart_item_id);
    for token in [&other.token, &"x".repeat(43)] {
        let refused = shop.patch(&line, &json!({"quantity": 9})).header(TOKEN, token).send().await;
        assert!(matches!(refused.status.as_u16(), 401 | 404), "{}", refused.status);
    }
    shop.patch(&line, &json!({"quantity": 3})).header(TOKEN, &guest.token).send().await.expect(200);
    let shown: Cart = shop.guest_cart(&guest).send().await.expect(200).read();
    assert_eq!((quantities(&shown), shown.discount_amount), (vec![3, 1], 10));
    let theirs: Cart = shop.guest_cart(&other).send().await.expect(200).read();
    assert!(theirs.items.is_empty());
    shop.delete("/cart/coupons/LAMPS10").header(TOKEN, &guest.token).send().await.expect(204);
    shop.delete(&line).header(TOKEN, &guest.token).send().await.expect(204);
    shop.delete("/cart").header(TOKEN, &guest.token).send().await.expect(204);
    let shown: Cart = shop.guest_cart(&guest).send().await.expect(200).read();
    assert!(shown.items.is_empty() && shown.coupons.is_empty());
    assert_eq!(shop.count("SELECT COUNT(*) FROM guests WHERE length(token_hash) = 32").await, 2);
}

#[tokio::test]
async fn what_is_no_valid_token_is_unauthenticated() {
    let shop = Shop::open().await;
    let guest = shop.guest().await;
    for token in ["", "abc", &"x".repeat(43), &format!("{}x", guest.token), &guest.token.to_uppercase()] {
        shop.get("/cart").header(TOKEN, token).send().await.expect_problem(401, "UNAUTHENTICATED");
    }
    // An access token comes first, whatever else is sent.
    shop.guest_cart(&guest).bearer("made-up").send().await.expect_problem(401, "UNAUTHENTICATED");
    let own: Cart = shop.guest_cart(&guest).customer(shop.customer_id).send().await.expect(200).read();
    assert_eq!(own.user_id, shop.customer_id);
}

#[tokio::test]
async fn idempotency_keys_of_two_guests_are_apart() {
    let shop = Shop::open().await;
    let (guest, other, lamp) = (shop.guest().await, shop.guest().await, shop.product(100, 50));
    for _ in 0..2 {
        for guest in [&guest, &other] {
            let adding = shop.post("/cart/items", &json!({"productId": lamp, "quantity": 2})).header(TOKEN, &guest.token);
            let cart: Cart = adding.key("k").send().await.expect(201).read();
            assert_eq!((cart.cart_id, quantities(&cart)), (guest.cart_id, vec![2]));
        }
    }
}

#[tokio::test]
async fn carts_of_guests_expire_and_are_deleted() {
    let shop = Shop::open().await;
    let (unused, used) = (shop.guest().await, shop.guest().await);
    shop.guest_adds(&used, shop.product(100, 5), 1).await;
    shop.advance(24 * HOUR);
    shop.guest_cart(&unused).send().await.expect_problem(401, "UNAUTHENTICATED");
    shop.settle().await;
    assert_eq!(shop.count("SELECT COUNT(*) FROM guests").await, 1);
    for _ in 0..3 {
        shop.advance(300 * HOUR);
        shop.settle().await;
        shop.guest_cart(&used).send().await.expect(200);
    }
    shop.advance(336 * HOUR);
    shop.guest_cart(&used).send().await.expect_problem(401, "UNAUTHENTICATED");
    shop.settle().await;
    for table in ["SELECT COUNT(*) FROM guests", "SELECT COUNT(*) FROM carts", "SELECT COUNT(*) FROM cart_items"] {
        assert_eq!(shop.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn the_order_service_reads_and_checks_out_a_guests_cart() {
    let shop = Shop::open().await;
    let (guest, lamp) = (shop.guest().await, shop.product(100, 5));
    shop.guest_adds(&guest, lamp, 2).await;
    let look_up = |token: &str| shop.post("/internal/carts/lookup", &json!({"cartToken": token})).service("order");
    for token in [&"x".repeat(43), "no token"] {
        look_up(token).send().await.expect_problem(404, "NOT_FOUND");
    }
    let cart: Cart = look_up(&guest.token).send().await.expect(200).read();
    assert_eq!((cart.cart_id, quantities(&cart)), (guest.cart_id, vec![2]));
    // The order of a guest has the id of the address, not that of the cart's owner.
    let (order, customer) = (shop.id(), UserId::of_guest([7; 16]));
    let mut created = orders::created(&cart, order);
    created.user_id = customer;
    shop.deliver(created).await;
    let next: Cart = shop.guest_cart(&guest).send().await.expect(200).read();
    assert!(next.cart_id != guest.cart_id && next.items.is_empty(), "the token stays and opens the next cart");
    let mut cancelled = orders::cancelled(&cart, order, true);
    cancelled.user_id = customer;
    shop.merge(&guest).await;
    shop.deliver(cancelled).await;
    assert_eq!(quantities(&shop.cart().await), [2], "the lines come back to the account that the guest became");
}

/// What else is so in a case of the merge.
#[derive(Clone, Copy, PartialEq)]
enum Beside {
    Nothing,
    /// The first product is archived before the merge.
    Archived,
    /// The second product, which the guest has, is in another currency.
    OtherCurrency,
    /// The guest entered one coupon and the customer another.
    CouponInEach,
    /// The guest did not come back for two weeks.
    Expired,
    /// Two tabs log in at once.
    TwoTabs,
}

/// What it is, the quantities of the guest, those of the customer, what else is so, the stock, and what the cart has then.
type Case<'a> = (&'a str, &'a [i64], &'a [i64], Beside, i64, &'a [u32], &'a [WarningCode]);

/// The table of cases of the merge.
#[tokio::test]
async fn the_cart_of_a_guest_moves_into_that_of_the_account() {
    let cases: &[Case<'_>] = &[
        ("nothing in either", &[], &[], Beside::Nothing, 50, &[], &[]),
        ("the guest's alone", &[2], &[], Beside::Nothing, 50, &[2], &[]),
        ("the customer's alone", &[], &[3], Beside::Nothing, 50, &[3], &[]),
        ("the same product in both", &[2], &[3], Beside::Nothing, 50, &[5], &[]),
        ("other products", &[2, 4], &[3], Beside::Nothing, 50, &[5, 4], &[]),
        ("capped by the stock", &[4], &[3], Beside::Nothing, 5, &[5], &[WarningCode::QuantityCapped]),
        ("capped by what a line may hold", &[600], &[600], Beside::Nothing, 5_000, &[999], &[WarningCode::QuantityCapped]),
        ("a product that was archived", &[2], &[3], Beside::Archived, 50, &[5], &[WarningCode::Unavailable]),
        ("another currency", &[0, 4], &[3], Beside::OtherCurrency, 50, &[3], &[]),
        ("a coupon in each", &[2], &[3], Beside::CouponInEach, 50, &[5], &[]),
        ("an expired cart of the guest", &[2], &[3], Beside::Expired, 50, &[3], &[]),
        ("two tabs at once", &[2], &[3], Beside::TwoTabs, 50, &[5], &[]),
    ];
    for (name, of_guest, of_customer, beside, stock, expected, expected_warnings) in cases {
        let shop = Shop::open().await;
        let products = [shop.product(100, *stock), shop.product(200, *stock)];
        let guest = shop.guest().await;
        if *beside == Beside::OtherCurrency {
            shop.upstreams.change(products[1], |product| product.currency = Currency::USD);
        }
        for (product, quantity) in products.iter().zip(*of_guest).filter(|(_, quantity)| **quantity > 0) {
            shop.guest_adds(&guest, *product, *quantity).await;
        }
        for (product, quantity) in products.iter().zip(*of_customer) {
            shop.add(*product, *quantity).await;
        }
        match beside {
            Beside::Archived => shop.upstreams.change(products[0], |product| product.status = ProductStatus::Archived),
            Beside::Expired => shop.advance(336 * HOUR),
            Beside::TwoTabs => _ = tokio::join!(shop.merge(&guest), shop.merge(&guest)),
            Beside::CouponInEach => {
                shop.guest_enters(&guest, "GUEST1").await;
                shop.post("/cart/coupons", &json!({"code": "OWN1"})).customer(shop.customer_id).send().await.expect(201);
            }
            Beside::Nothing | Beside::OtherCurrency => {}
        }
        // Twice the same token.
        for _ in 0..2 {
            shop.merge(&guest).await;
            let cart = shop.cart().await;
            assert_eq!((quantities(&cart), warnings(&cart)), (expected.to_vec(), expected_warnings.to_vec()), "{name}");
            let codes: Vec<&str> = cart.coupons.iter().map(|coupon| &*coupon.code).collect();
            assert_eq!(codes, if *beside == Beside::CouponInEach { vec!["GUEST1", "OWN1"] } else { vec![] }, "{name}");
        }
        // The worker deletes what expired.
        shop.settle().await;
        shop.guest_cart(&guest).send().await.expect_problem(401, "UNAUTHENTICATED");
        assert_eq!(shop.count("SELECT COUNT(*) FROM guests").await, 0, "{name}");
        assert_eq!(shop.count("SELECT COUNT(*) FROM carts").await, 1, "{name}");
    }
}

#[tokio::test]
async fn a_merge_warns_about_what_cannot_be_bought_and_keeps_to_one_currency() {
    let shop = Shop::open().await;
    let (lamp, chair, foreign) = (shop.product(100, 5), shop.product(200, 5), shop.product(300, 5));
    let guest = shop.guest().await;
    shop.guest_adds(&guest, chair, 1).await;
    shop.add(lamp, 1).await;
    shop.upstreams.change(chair, |product| product.status = ProductStatus::Archived);
    shop.merge(&guest).await;
    let cart = shop.cart().await;
    assert_eq!((quantities(&cart), warnings(&cart), cart.subtotal_amount), (vec![1, 1], vec![WarningCode::Unavailable], 100));

    shop.upstreams.change(foreign, |product| product.currency = Currency::USD);
    let guest = shop.guest().await;
    shop.guest_adds(&guest, foreign, 1).await;
    shop.merge(&guest).await;
    assert_eq!(shop.cart().await.items.len(), 2, "the cart of the account has another currency and stays as it is");
    shop.delete("/cart").customer(shop.customer_id).send().await.expect(204);
    let guest = shop.guest().await;
    shop.guest_adds(&guest, foreign, 1).await;
    shop.merge(&guest).await;
    assert_eq!((shop.cart().await.currency, quantities(&shop.cart().await)), (Currency::USD, vec![1]));
}

#[tokio::test]
async fn the_coupons_of_the_guest_stay_and_an_expired_cart_adds_nothing() {
    let shop = Shop::open().await;
    let lamp = shop.product(1_000, 50);
    shop.add(lamp, 1).await;
    for number in 0..10 {
        shop.post("/cart/coupons", &json!({"code": format!("OWN{number}")})).customer(shop.customer_id).send().await.expect(201);
        shop.advance(Duration::from_secs(1));
    }
    let guest = shop.guest().await;
    shop.guest_adds(&guest, lamp, 1).await;
    shop.guest_enters(&guest, "GUEST1").await;
    shop.guest_enters(&guest, "OWN0").await;
    shop.merge(&guest).await;
    let cart = shop.cart().await;
    let codes: Vec<&str> = cart.coupons.iter().map(|coupon| &*coupon.code).collect();
    assert_eq!(codes.len(), 10);
    assert!(codes.contains(&"GUEST1") && codes.contains(&"OWN0") && !codes.contains(&"OWN9"), "{codes:?}");

    let late = shop.guest().await;
    shop.guest_adds(&late, lamp, 7).await;
    shop.advance(336 * HOUR);
    shop.merge(&late).await;
    assert_eq!(quantities(&shop.cart().await), [2]);
    let path = format!("/internal/cart/{}/merge", shop.customer_id);
    shop.put(&path, &json!({"cartToken": "no token"})).service("auth").send().await.expect(204);
}
