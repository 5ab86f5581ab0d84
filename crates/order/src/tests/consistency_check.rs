//! The consistency check reads everything that is stored of an order, and finds every kind of damage.

use super::{
    entry_points::{place, until},
    model::{address, id, item},
    upstreams::Upstreams,
};
use crate::{
    OrderRecord,
    domain::Step,
    import::{self, PastOrder},
    list_for_check, store,
};
use contracts::{
    ids::{OrderId, Uuid},
    money::Currency,
    order::{OrderItem, OrderStatus, OrderView},
    time::Timestamp,
};
use platform::{db, params, testing::Harness};
use std::time::Duration;

const NONE: OrderId = OrderId(Uuid::nil());

/// Makes an imported order, one in PAYMENT_FAILED and one in CONFIRMED. Returns them in the order of their ids.
async fn three_orders() -> (Harness, [OrderId; 3]) {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let item =
        OrderItem { order_item_id: h.id(), product_id: h.id(), unit_price_snapshot: 700, quantity: 3, line_total_amount: 2_100, ..item() };
    let past = PastOrder {
        user_id: h.id(),
        placed_at: Timestamp(1_000_000_000),
        currency: Currency::EUR,
        items: vec![item],
        shipping_amount: 490,
        address: address(),
    };
    import::orders(h.db(), vec![past]).await.unwrap();
    upstreams.script().authorize = "FAILED";
    let failed = place(&h, "k1").await.expect(201).read::<OrderView>().order_id;
    until(&h, failed, "PAYMENT_FAILED").await;
    assert_eq!((upstreams.holds(), records(&h).await[1].due_steps()), (("FAILED", "RELEASED"), Vec::new()));
    {
        let mut script = upstreams.script();
        (script.authorize, script.cart_id) = ("AUTHORIZED", id(3, 2));
        (script.payment, script.reservation) = ("INITIATED", "NONE");
    }
    h.advance(Duration::from_millis(1));
    let confirmed = place(&h, "k2").await.expect(201).read::<OrderView>().order_id;
    until(&h, confirmed, "CONFIRMED").await;
    let past = records(&h).await[0].order.order_id;
    (h, [past, failed, confirmed])
}

async fn records(h: &Harness) -> Vec<OrderRecord> {
    list_for_check(h.db(), NONE, 100).await.unwrap()
}

#[tokio::test]
async fn records_are_complete_and_are_read_page_by_page() {
    let (h, ids) = three_orders().await;
    let all = records(&h).await;
    assert_eq!(all.iter().map(|record| record.order.order_id).collect::<Vec<_>>(), ids);
    for record in &all {
        assert_eq!(record.faults(), Vec::<String>::new(), "{record:#?}");
        assert_eq!(record.unsettled_since(), None);
        assert_eq!(record.due_steps(), []);
    }
    let [past, failed, confirmed] = &all[..] else { panic!("{all:#?}") };
    assert!(past.is_imported() && !failed.is_imported() && !confirmed.is_imported());
    assert_eq!((past.event_count, past.timeline.len(), past.order.items.len()), (0, 1, 1));
    assert_eq!((past.due_at, failed.due_at, confirmed.due_at), (None, failed.order.payment_deadline(), None));
    let path: Vec<_> = confirmed.timeline.iter().map(|entry| entry.status).collect();
    assert_eq!((path[0], path[path.len() - 1]), (OrderStatus::PendingPayment, OrderStatus::Confirmed));
    assert_eq!(usize::try_from(confirmed.event_count).unwrap(), path.len());
    let stored = h.db().read(async move |tx| store::find_order(tx, None, ids[2]).await).await.unwrap();
    assert_eq!(stored.as_ref(), Some(&confirmed.order));
    // Pages of any size add up to the same records.
    for rows in 1..=4 {
        let (mut paged, mut after) = (Vec::new(), NONE);
        loop {
            let page = list_for_check(h.db(), after, rows).await.unwrap();
            assert!(page.len() <= rows);
            let Some(last) = page.last() else { break };
            after = last.order.order_id;
            paged.extend(page);
        }
        assert_eq!(paged, all);
    }
}

/// The error that rolls the damage back, with the records as they were before that.
struct RolledBack(Vec<OrderRecord>);

impl From<db::Error> for RolledBack {
    fn from(error: db::Error) -> RolledBack {
        panic!("the records can be damaged and read: {error}")
    }
}

/// Returns the record of one order after a statement that is rolled back.
async fn damaged(h: &Harness, order: OrderId, sql: &'static str) -> OrderRecord {
    let unit = async move |tx: &mut db::Tx| {
        assert!(tx.execute(sql, params![order]).await? > 0, "{sql} damages nothing");
        Err::<(), _>(RolledBack(store::list_for_check(tx, NONE, 100).await?))
    };
    let RolledBack(records) = h.db().write(unit).await.expect_err("the transaction is rolled back");
    records.into_iter().find(|record| record.order.order_id == order).expect("it is still there")
}

#[tokio::test]
async fn every_kind_of_damage_is_reported() {
    let (h, [past, failed, confirmed]) = three_orders().await;
    for (order, sql, expected) in [
        (confirmed, "UPDATE order_items SET quantity = 3 WHERE order_id = $1", "3 times 1000 of LAMP-1 are not 2000 (M4)"),
        (past, "UPDATE order_items SET line_total_amount = 2101 WHERE order_id = $1", "its lines add up to 2101, not to 2100 (M4)"),
        (confirmed, "DELETE FROM order_items WHERE order_id = $1", "its lines add up to 0, not to 2000 (M4)"),
        (confirmed, "UPDATE orders SET shipping_amount = 491 WHERE order_id = $1", "2000 + 491 + 0 - 0 are 2491, not 2490 (M4)"),
        (confirmed, "UPDATE orders SET discount_amount = 5 WHERE order_id = $1", "2000 + 490 + 0 - 5 are 2485, not 2490 (M4)"),
        (confirmed, "UPDATE orders SET total_amount = 1 WHERE order_id = $1", "are 2490, not 1 (M4)"),
        (confirmed, "UPDATE orders SET status = 'SHIPPED' WHERE order_id = $1", "it is SHIPPED, and its timeline ends with CONFIRMED (O1)"),
        (
            failed,
            "UPDATE order_timeline SET status = 'REFUNDED' WHERE order_id = $1 AND position = 1",
            "goes from PENDING_PAYMENT to REFUNDED, and the transition table has no such row (O1)",
        ),
        (
            confirmed,
            "UPDATE order_timeline SET status = 'PAYMENT_FAILED' WHERE order_id = $1 AND position = 0",
            "its timeline begins with PAYMENT_FAILED, not with PENDING_PAYMENT (O1)",
        ),
        (
            past,
            "UPDATE order_timeline SET status = 'SHIPPED' WHERE order_id = $1",
            "its timeline begins with SHIPPED, not with DELIVERED (O1)",
        ),
        (confirmed, "DELETE FROM order_timeline WHERE order_id = $1", "its timeline is empty (O1)"),
        (confirmed, "UPDATE orders SET timeline_length = 5 WHERE order_id = $1", "it counts 5 entries of its timeline, and there are"),
        (confirmed, "DELETE FROM order_timeline WHERE order_id = $1 AND position = 1", "an entry of its timeline is missing (O1)"),
        (confirmed, "UPDATE aggregates SET sequence = sequence + 1 WHERE aggregate_id = $1", "events were emitted"),
        (failed, "DELETE FROM aggregates WHERE aggregate_id = $1", "0 events were emitted for 2 entries of its timeline (O1)"),
        (failed, "UPDATE orders SET due_at = NULL WHERE order_id = $1", "its time to pay again ends at 2026-01-02T"),
        (
            confirmed,
            "UPDATE orders SET status = 'INVENTORY_RESERVED', saga = REPLACE(saga, 'Captured', 'Authorized') WHERE order_id = $1",
            "is due, but the order has no due time (O2)",
        ),
    ] {
        let faults = damaged(&h, order, sql).await.faults();
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{sql}: {faults:#?}");
    }
    assert!(records(&h).await.iter().all(|record| record.faults().is_empty()));
}

#[tokio::test]
async fn an_unsettled_order_says_since_when_and_what_is_due() {
    let (h, [_, failed, confirmed]) = three_orders().await;
    let record = damaged(&h, confirmed, "UPDATE orders SET status = 'PENDING_PAYMENT' WHERE order_id = $1").await;
    assert_eq!(record.unsettled_since(), Some(record.order.created_at));
    // An order that is paid again is unsettled since then.
    let record = damaged(
        &h,
        failed,
        "INSERT INTO order_timeline (order_id, position, status, occurred_at) VALUES ($1, 2, 'PENDING_PAYMENT', 1767225999000000)",
    )
    .await;
    assert_eq!(record.unsettled_since(), None);
    let moving = OrderRecord { order: crate::domain::Order { status: OrderStatus::PendingPayment, ..record.order.clone() }, ..record };
    assert_eq!(moving.unsettled_since(), Some(Timestamp(1_767_225_999_000_000)));
    let cancelled = "UPDATE orders SET status = 'CANCELLED', due_at = 1 WHERE order_id = $1";
    let record = damaged(&h, confirmed, cancelled).await;
    assert!(matches!(record.due_steps()[..], [Step::RefundPayment(_), Step::ReturnReservation(_)]), "{:?}", record.due_steps());
    assert_eq!(record.unsettled_since(), None);
}
