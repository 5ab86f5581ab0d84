//! Actions on the same uses, one held between its statements while the other runs.

use super::*;
use crate::{Error, actions};
use platform::{db::Tx, testing::interleaving::Scenario};

/// The rows of one run.
#[derive(Clone)]
struct Rows {
    /// Each has two uses. The first has one left, for one use of each customer.
    promotions: [PromotionId; 2],
    user: UserId,
    /// An order that holds a use of both, and one that has none yet.
    orders: [OrderId; 2],
}

async fn prepare(shop: &Shop) -> Rows {
    // Outcomes are compared without ids, and a code that is one is left out with them.
    let code = || shop.id::<OrderId>().to_string().replace('-', "").to_uppercase();
    let of_one = shop.active(ten_percent_with(json!({"code": code(), "totalLimit": 2, "perCustomerLimit": 1}))).await.promotion_id;
    let other = shop.active(ten_percent_with(json!({"code": code(), "totalLimit": 2}))).await.promotion_id;
    let (user, orders) = (shop.id(), [shop.id(), shop.id()]);
    shop.reserve(orders[0], user, &[of_one, other]).await.expect(204);
    Rows { promotions: [of_one, other], user, orders }
}

async fn observe(shop: &Shop, rows: Rows) -> Value {
    let mut counts = Vec::new();
    for id in rows.promotions {
        let promotion = shop.promotion(id).await;
        counts.push((promotion.used_count, promotion.status));
    }
    let user = rows.user;
    let of_customer = shop.db().read(async move |tx: &mut Tx| crate::store::uses::count_of_customer(tx, user, &rows.promotions).await);
    let counted = of_customer.await.unwrap().get(&rows.promotions[0]).copied();
    json!({"promotions": counts, "ofCustomer": counted})
}

async fn reserve(shop: &Shop, order: OrderId, user: UserId, promotions: &[PromotionId], work: &str) -> Value {
    let uses: Vec<_> = promotions.iter().map(|id| json!({"promotionId": id, "amount": 100})).collect();
    let body = json!({"userId": user, "currency": "EUR", "uses": uses});
    let request = shop.put(&format!("/internal/promotion-uses/{order}"), &body).service("order").correlation_id(work);
    request.send().await.outcome()
}

fn said(answer: Result<(), Error>) -> Value {
    answer.map_or_else(|error| error.to_string().into(), |()| Value::Null)
}

#[tokio::test]
async fn actions_on_the_same_uses_end_as_one_after_the_other() {
    let owned = Shop::open().await;
    let shop = &owned;
    let Some(scenario) = Scenario::new(shop, move || prepare(shop), move |rows| observe(shop, rows)) else { return };
    let change = move |how: &'static str| {
        move |rows: Rows, work: &'static str| async move {
            let path = format!("/promotions/{}/{how}", rows.promotions[0]);
            shop.post(&path, &json!({})).admin().correlation_id(work).send().await.outcome()
        }
    };
    let scenario = scenario
        .action("reserve for another order of the customer", move |rows: Rows, work| async move {
            reserve(shop, shop.id(), rows.user, &rows.promotions, work).await
        })
        .action("reserve for an order", move |rows: Rows, work| async move {
            reserve(shop, rows.orders[1], shop.id(), &[rows.promotions[1], rows.promotions[0]], work).await
        })
        .action("reserve for an order of one customer", move |rows: Rows, work| async move {
            reserve(shop, rows.orders[1], rows.user, &[rows.promotions[1]], work).await
        })
        .action(
            "reserve again",
            move |rows: Rows, work| async move { reserve(shop, rows.orders[0], rows.user, &rows.promotions, work).await },
        )
        .action("release", move |rows: Rows, work| async move {
            let path = format!("/internal/promotion-uses/{}", rows.orders[0]);
            shop.delete(&path).service("order").correlation_id(work).send().await.outcome()
        })
        .action("confirm", move |rows: Rows, _| async move {
            said(shop.db().write(async move |tx: &mut Tx| actions::confirm(tx, rows.orders[0]).await).await)
        })
        .action("end", change("end"));
    let found = scenario.try_all().await;
    assert!(found.runs > 100 && found.waits > 20, "{found:?}");
    assert!(found.faults.is_empty(), "{} of {} runs:\n{}", found.faults.len(), found.runs, found.faults.join("\n"));
    assert_eq!(shop.db().read(async |tx: &mut Tx| crate::store::uses::list_wrong_counts(tx).await).await.unwrap(), []);
}
