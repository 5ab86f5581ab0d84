//! Each difference between promotions, returns and orders is found in damaged databases.

use super::*;
use crate::doctor::sample::{self, run};
use contracts::{money::Currency, time::Timestamp};
use order::import;
use platform::{
    db::{Error, Tx},
    env::Env,
    params,
    service::Service,
    testing::TempFolder,
};

/// Three databases without their services: an order of two lamps with a discount, its use, and one lamp that came back.
struct Shop {
    orders: Db,
    promotions: Db,
    returns: Db,
    order: OrderId,
    promotion: PromotionId,
    _folder: TempFolder,
}

impl Shop {
    async fn open() -> Shop {
        let (env, folder) = (Env::seeded(7, Timestamp(1_767_268_800_000_000)), TempFolder::new());
        let open = |service: Service| Db::open(env.clone(), service.name, folder.path(), service.migrations).expect("a database");
        let (orders, promotions, returns) = (open(order::service()), open(promotion::service()), open(returns::service()));
        let (past, promotion) = (sample::past_order(&env), env.new_id::<PromotionId>());
        let item = past.items[0].order_item_id;
        import::orders(&orders, vec![past]).await.expect("an import");
        let newest = async |tx: &mut Tx| tx.query_one("SELECT order_id FROM orders", &[], |row| row.next()).await;
        let order: OrderId = orders.read::<_, Error, _>(newest).await.expect("it is there");
        let discounts = serde_json::json!([{"promotionId": promotion, "code": null, "title": "T", "sellerId": null, "amount": 0, "lines": [], "shippingAmount": 490}]);
        let discounted = async move |tx: &mut Tx| {
            let discounts = discounts.to_string();
            tx.execute("UPDATE order_items SET returned_quantity = 1", &[]).await?;
            tx.execute("INSERT INTO order_discounts (order_id, discounts) VALUES ($1, $2)", params![order, discounts]).await
        };
        orders.write::<_, Error, _>(discounted).await.expect("it is written");
        let used = async move |tx: &mut Tx| {
            tx.execute(
                "INSERT INTO promotions (promotion_id, status, title, kind, conditions, priority, exclusive, used_count, created_at, updated_at) \
                 VALUES ($1, 'ACTIVE', 'T', 'FREE_SHIPPING', '{}', 0, FALSE, 1, 1, 1)",
                params![promotion],
            )
            .await?;
            tx.execute(
                "INSERT INTO promotion_uses (promotion_use_id, promotion_id, order_id, user_id, status, currency, amount, is_first_order, \
                 created_at, updated_at) VALUES ($1, $1, $2, $2, 'CONFIRMED', 'EUR', 490, FALSE, 1, 1)",
                params![promotion, order],
            )
            .await
        };
        promotions.write::<_, Error, _>(used).await.expect("it is written");
        let received = async move |tx: &mut Tx| {
            tx.execute(
                "INSERT INTO delivered_items (order_item_id, order_id, order_number, fulfilment_id, user_id, product_id, sku, title_snapshot, \
                 currency, quantity, line_total_amount, discount_amount, tax_amount, delivered_at, taken_quantity, received_quantity) \
                 VALUES ($1, $2, 'N', $2, $2, $2, 'LAMP-1', 'Lamp', 'EUR', 2, 2000, 0, 0, 1, 1, 1)",
                params![item, order],
            )
            .await
        };
        returns.write::<_, Error, _>(received).await.expect("it is written");
        Shop { orders, promotions, returns, order, promotion, _folder: folder }
    }

    async fn faults(&self) -> Vec<String> {
        let sources = Sources { orders: &self.orders, promotions: &self.promotions, returns: &self.returns };
        check(sources).await.expect("it can be checked")
    }
}

#[tokio::test]
async fn orders_that_agree_with_their_uses_and_returns_have_no_faults() {
    let shop = Shop::open().await;
    assert_eq!(shop.faults().await, [""; 0]);
    // The order of a use that was reserved a moment ago may not be written yet.
    run(
        &shop.promotions,
        "INSERT INTO promotion_uses (promotion_use_id, promotion_id, order_id, user_id, status, currency, amount, is_first_order, created_at, \
         updated_at, due_at) SELECT zeroblob(16), promotion_id, zeroblob(16), user_id, 'RESERVED', 'EUR', 490, FALSE, 1, 1, 1 FROM promotion_uses",
    )
    .await;
    run(&shop.promotions, "UPDATE promotions SET used_count = 2").await;
    assert_eq!(shop.faults().await, [""; 0]);
}

#[tokio::test]
async fn a_count_that_is_not_that_of_the_uses_is_a_fault() {
    let shop = Shop::open().await;
    run(&shop.promotions, "UPDATE promotions SET used_count = 3").await;
    assert_eq!(shop.faults().await, [format!("promotion {}: counts 3 uses, and 1 are held (P1)", shop.promotion)]);
}

#[tokio::test]
async fn a_use_that_is_not_held_and_one_of_an_order_that_was_cancelled_are_faults() {
    let shop = Shop::open().await;
    let Shop { order, promotion, .. } = shop;
    run(&shop.orders, "UPDATE orders SET status = 'CANCELLED'").await;
    let held = format!("order {order}: is CANCELLED, and holds a use of promotion {promotion} (P2)");
    assert_eq!(shop.faults().await, [held]);
    run(&shop.orders, "UPDATE orders SET status = 'DELIVERED'").await;
    run(&shop.promotions, "UPDATE promotion_uses SET status = 'RELEASED'").await;
    run(&shop.promotions, "UPDATE promotions SET used_count = 0").await;
    assert_eq!(shop.faults().await, [format!("order {order}: holds no use of promotion {promotion} (P2)")]);
}

#[tokio::test]
async fn units_that_came_back_and_are_not_counted_are_a_fault() {
    let shop = Shop::open().await;
    run(&shop.returns, "UPDATE delivered_items SET received_quantity = 2").await;
    assert_eq!(shop.faults().await, [format!("order {}: counts 1 of LAMP-1 as returned, and 2 were received (R1)", shop.order)]);
}

#[tokio::test]
async fn an_order_that_an_event_is_still_about_is_no_fault() {
    let shop = Shop::open().await;
    let order = shop.order;
    run(&shop.promotions, "UPDATE promotion_uses SET status = 'RELEASED'").await;
    run(&shop.promotions, "UPDATE promotions SET used_count = 0").await;
    let announced = async move |tx: &mut Tx| {
        tx.emit(contracts::order::OrderRefunded {
            order_id: order,
            order_number: "N".into(),
            user_id: contracts::ids::UserId(order.0),
            payment_id: contracts::ids::PaymentId(order.0),
            currency: Currency::EUR,
            total_amount: 1,
            refunded_amount: 1,
        });
        Ok(())
    };
    shop.orders.write::<_, Error, _>(announced).await.expect("it is written");
    assert_eq!(shop.faults().await, [""; 0]);
}
