//! Actions on the same cart, one held between its statements while the other runs.

use super::*;
use axum::http::Method;
use contracts::{
    cart::{CartStatus, CheckedOutItem},
    ids::OrderId,
};
use platform::{
    db::{Error, Tx},
    testing::interleaving::Scenario,
};
use serde_json::Value;

/// The rows of one run: a customer with two lines and a coupon, and a customer without a cart.
#[derive(Clone)]
struct Rows {
    user: UserId,
    newcomer: UserId,
    products: [ProductId; 2],
    cart: Arc<Cart>,
}

async fn prepare(shop: &Shop, products: [ProductId; 2]) -> Rows {
    let user = shop.id();
    for product in products {
        let body = json!({"productId": product, "quantity": 2});
        shop.post("/cart/items", &body).customer(user).send().await.expect(201);
    }
    let entered = shop.post("/cart/coupons", &json!({"code": "FIRST"})).customer(user).send().await.expect(201);
    Rows { user, newcomer: shop.id(), products, cart: Arc::new(entered.read()) }
}

/// The carts of both customers, with their lines and coupons.
async fn observe(shop: &Shop, rows: Rows) -> Value {
    let read = async move |tx: &mut Tx| {
        let sql = "SELECT c.status, COALESCE(i.quantity, 0), COALESCE(i.sku, '') FROM carts c \
                   LEFT JOIN cart_items i ON i.cart_id = c.cart_id WHERE c.user_id = $1 OR c.user_id = $2 ORDER BY 1, 3, 2";
        let (user, newcomer) = (rows.user, rows.newcomer);
        let lines = tx
            .query(sql, platform::params![user, newcomer], |row| Ok((row.next::<CartStatus>()?, row.next::<i64>()?, row.next::<String>()?)))
            .await?;
        let sql = "SELECT c.status, k.code FROM carts c JOIN cart_coupons k ON k.cart_id = c.cart_id WHERE c.user_id = $1 ORDER BY 1, 2";
        let coupons = tx.query(sql, platform::params![user], |row| Ok((row.next::<CartStatus>()?, row.next::<String>()?))).await?;
        Ok::<_, Error>(json!({"lines": lines, "coupons": coupons}))
    };
    shop.db().read(read).await.unwrap()
}

#[tokio::test]
async fn actions_on_the_same_cart_end_as_one_after_the_other() {
    let owned = Shop::open().await;
    let shop = &owned;
    let products = [shop.product(100, 50), shop.product(200, 50)];
    let Some(scenario) = Scenario::new(shop, move || prepare(shop, products), move |rows| observe(shop, rows)) else { return };
    let add = async |user: UserId, product: ProductId, work: &str| {
        let body = json!({"productId": product, "quantity": 3});
        shop.post("/cart/items", &body).customer(user).correlation_id(work).send().await.outcome()
    };
    let send = async |user: UserId, method: Method, path: String, body: Value, work: &str| {
        shop.request(method, &path).customer(user).json(&body).correlation_id(work).send().await.outcome()
    };
    let check_out = async |rows: Rows, quantity: u32, work: &str| {
        let items = vec![CheckedOutItem { product_id: rows.products[0], quantity }];
        let body = json!({"cartId": rows.cart.cart_id, "orderId": OrderId(rows.user.0), "items": items});
        let path = format!("/internal/cart/{}/check-out", rows.user);
        shop.put(&path, &body).service("order").correlation_id(work).send().await.outcome()
    };
    let line = |rows: &Rows| format!("/cart/items/{}", rows.cart.items[0].cart_item_id);
    let (add, send, check_out, line) = (&add, &send, &check_out, &line);
    let scenario = scenario
        .action("add", move |rows: Rows, work| async move { add(rows.user, rows.products[0], work).await })
        .action("begin a cart", move |rows: Rows, work| async move { add(rows.newcomer, rows.products[0], work).await })
        .action("change a line", move |rows: Rows, work| async move {
            send(rows.user, Method::PATCH, line(&rows), json!({"quantity": 9}), work).await
        })
        .action(
            "remove a line",
            move |rows: Rows, work| async move { send(rows.user, Method::DELETE, line(&rows), Value::Null, work).await },
        )
        .action("clear", move |rows: Rows, work| async move { send(rows.user, Method::DELETE, "/cart".into(), Value::Null, work).await })
        .action("enter a coupon", move |rows: Rows, work| async move {
            send(rows.user, Method::POST, "/cart/coupons".into(), json!({"code": "SECOND"}), work).await
        })
        .action("remove a coupon", move |rows: Rows, work| async move {
            send(rows.user, Method::DELETE, "/cart/coupons/FIRST".into(), Value::Null, work).await
        })
        .action("check out a part", move |rows: Rows, work| async move { check_out(rows, 1, work).await });
    let found = scenario.try_all().await;
    assert!(found.runs > 100 && found.waits > 20, "{found:?}");
    assert!(found.faults.is_empty(), "{} of {} runs:\n{}", found.faults.len(), found.runs, found.faults.join("\n"));
}
