//! What administrators count.

use super::*;
use contracts::{cart::DailyCarts, ids::OrderId, page::Series};
use std::time::Duration;

async fn daily(shop: &Shop, query: &str) -> Vec<(String, u64, u64)> {
    let series: Series<DailyCarts> = shop.get(&format!("/admin/carts/daily?{query}")).admin().send().await.expect(200).read();
    series.items.into_iter().map(|day| (day.day.to_string(), day.carts, day.ordered)).collect()
}

#[tokio::test]
async fn carts_are_counted_by_the_day_on_which_they_were_begun() {
    let shop = Shop::open().await;
    let first = shop.add(shop.product(100, 5), 2).await;
    let began = shop.env.now();
    let check_out = format!("/internal/cart/{}/check-out", shop.customer_id);
    let items = [json!({"productId": first.items[0].product_id, "quantity": 2})];
    let body = json!({"cartId": first.cart_id, "orderId": shop.id::<OrderId>(), "items": items});
    shop.put(&check_out, &body).service("order").send().await.expect(204);
    shop.advance(Duration::from_secs(24 * 3600));
    shop.add(shop.product(100, 5), 1).await;
    // The end of a series is not part of it.
    shop.advance(Duration::from_secs(1));
    let day = |at: Timestamp| at.to_string()[..10].to_owned();
    let (yesterday, today) = ((day(began), 1, 1), (day(shop.env.now()), 1, 0));
    assert_eq!(daily(&shop, &format!("from={began}")).await, [yesterday.clone(), today]);
    assert_eq!(daily(&shop, &format!("from={began}&to={}", began.after(Duration::from_secs(1)))).await, [yesterday]);

    shop.get("/admin/carts/daily").admin().send().await.expect_problem(422, "INVALID_REQUEST");
    shop.get("/admin/carts/daily?from=2020-01-01T00:00:00Z").admin().send().await.expect_problem(422, "INVALID_REQUEST");
    shop.get(&format!("/admin/carts/daily?from={began}")).customer(shop.customer_id).send().await.expect_problem(403, "FORBIDDEN");
}
