//! Orders in trouble are led on, and others beside them.

use super::{doors::place, neighbours::Neighbours};
use contracts::{ids::OrderId, order::OrderView};
use platform::{db, params, testing::Harness};

/// When an order is due, and how many turns in a row brought it nothing.
async fn due(h: &Harness, id: OrderId) -> (i64, u32) {
    let row = async move |tx: &mut db::Tx| {
        tx.query_one("SELECT due_at, fruitless_turns FROM orders WHERE order_id = $1", params![id], |row| Ok((row.next()?, row.next()?)))
            .await
    };
    h.db().read(row).await.map_err(|error: db::Error| error).unwrap()
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_put_off_for_longer_each_time() {
    let neighbours = Neighbours::new();
    let h = neighbours.harness().await;
    let id = place(&h, "k").await.expect(201).read::<OrderView>().order_id;
    let damage = async move |tx: &mut db::Tx| tx.execute("UPDATE orders SET saga = '{' WHERE order_id = $1", params![id]).await;
    h.db().write(damage).await.map_err(|error: db::Error| error).unwrap();
    let mut pause = 0;
    for turns in 1..=4 {
        h.complete().await;
        let (due_at, fruitless) = due(&h, id).await;
        assert_eq!(fruitless, turns, "it is tried once when it is due, and not again at once");
        assert!(due_at - h.env.now().0 > pause, "{due_at}");
        pause = due_at - h.env.now().0;
        h.advance(std::time::Duration::from_micros(pause.unsigned_abs()));
    }
}
