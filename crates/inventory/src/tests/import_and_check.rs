//! The import and the consistency check.

use super::*;
use crate::{StockImport, import, list_for_check};
use contracts::{
    ids::{OrderId, Uuid},
    inventory::StockChanged,
    text::Sku,
};
use platform::{db, params};

fn items(h: &Harness, count: usize) -> Vec<StockImport> {
    (0..count)
        .map(|n| StockImport {
            sku: Sku::parse(&format!("GOOD-{n}")).unwrap(),
            product_id: h.id(),
            seller_id: (n % 2 == 0).then(|| h.id()),
            available_qty: i64::try_from(n).unwrap(),
        })
        .collect()
}

#[tokio::test]
async fn an_import_is_repeated_without_harm() {
    let h = harness().await;
    put(&h, "GOOD-3", 77).await;
    let items = items(&h, 1_203);
    assert_eq!(import(h.db(), items.clone()).await.unwrap(), 1_202);
    assert_eq!(quantities(&h, "GOOD-3").await, (77, 0));
    let last = stock_of(&h, "GOOD-1202").await;
    assert_eq!((last.available_qty, last.seller_id, last.low_stock_threshold), (1_202, items[1_202].seller_id, 5));
    reserved(&h, &[("GOOD-1202", 2)]).await;
    assert_eq!(import(h.db(), items).await.unwrap(), 0);
    assert_eq!(quantities(&h, "GOOD-1202").await, (1_200, 2));
    assert_eq!(h.emitted_of::<StockChanged>().await.len(), 1_204);
    assert_consistent(&h).await;
}

/// Damages the rows with one statement and returns the faults.
async fn damage(sql: &'static str) -> Vec<String> {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let held = reserved(&h, &[("LAMP-1", 3)]).await.reservation_id;
    let sold = reserved(&h, &[("LAMP-1", 2)]).await.reservation_id;
    end(&h, sold, "confirm").await.expect(200);
    assert_consistent(&h).await;
    h.db()
        .write(async move |tx| {
            let id = if sql.contains("sold") { sold } else { held };
            tx.execute(sql, params![id]).await?;
            Ok::<_, db::Error>(())
        })
        .await
        .unwrap();
    crate::check_consistency(h.db()).await.unwrap()
}

#[tokio::test]
async fn the_consistency_check_finds_damaged_rows() {
    for (sql, emitted) in [
        ("UPDATE stock_items SET available_qty = available_qty + 1 WHERE CAST($1 AS UUID) IS NOT NULL", "the ledger adds up to"),
        ("UPDATE stock_items SET reserved_qty = reserved_qty - 1 WHERE CAST($1 AS UUID) IS NOT NULL", "active reservations hold 3 (S2)"),
        ("DELETE FROM stock_movements WHERE reservation_id = $1", "the ledger has 0 movements"),
        ("UPDATE stock_movements SET delta_available = 11 WHERE reason = 'ADJUSTED' AND CAST($1 AS UUID) IS NOT NULL", "11 were entered"),
        ("UPDATE reservations SET status = 'RELEASED' WHERE reservation_id = $1", "active reservations hold 0 (S2)"),
        ("UPDATE reservations SET returned_at = 1 WHERE reservation_id = $1", "ACTIVE but returned"),
        ("UPDATE reservations SET returned_at = 1 WHERE reservation_id = $1 /* sold */", "10 were entered"),
        ("UPDATE reservation_lines SET quantity = 4 WHERE reservation_id = $1 /* sold */", "4 sold"),
    ] {
        let faults = damage(sql).await;
        assert!(faults.iter().any(|fault| fault.contains(emitted)), "{sql}: {faults:?}");
    }
}

#[tokio::test]
async fn database_constraints_refuse_invalid_rows() {
    let h = stocked(&[("LAMP-1", 10)]).await;
    let held = reserved(&h, &[("LAMP-1", 3)]).await;
    for sql in [
        "UPDATE stock_items SET available_qty = -1 WHERE CAST($1 AS UUID) IS NOT NULL",
        "UPDATE stock_items SET reserved_qty = -1 WHERE CAST($1 AS UUID) IS NOT NULL",
        "INSERT INTO reservations (reservation_id, order_id, status, expires_at, created_at) \
         SELECT stock_item_id, $1, 'CONFIRMED', 0, 0 FROM stock_items",
        "INSERT INTO stock_movements SELECT reservation_id, stock_item_id, -1, 1, reason, reservation_id, note, 0 FROM stock_movements \
         WHERE reason = 'RESERVED' AND CAST($1 AS UUID) IS NOT NULL",
        "UPDATE reservation_lines SET quantity = 0 WHERE CAST($1 AS UUID) IS NOT NULL",
    ] {
        let order = held.order_id;
        let refused = h.db().write(async move |tx| tx.execute(sql, params![order]).await).await;
        assert!(matches!(refused, Err(db::Error::Constraint { .. })), "{sql}: {refused:?}");
    }
}

#[tokio::test]
async fn the_live_reservations_of_a_range_of_orders_are_listed() {
    let h = stocked(&[("LAMP-1", 10), ("DESK-1", 10)]).await;
    let mut made = Vec::new();
    for _ in 0..4 {
        // Ids sort by the millisecond of their creation.
        h.advance(std::time::Duration::from_millis(1));
        made.push(reserved(&h, &[("LAMP-1", 1), ("DESK-1", 2)]).await);
    }
    end(&h, made[0].reservation_id, "confirm").await.expect(200);
    end(&h, made[1].reservation_id, "release").await.expect(200);
    end(&h, made[2].reservation_id, "confirm").await.expect(200);
    end(&h, made[2].reservation_id, "return").await.expect(200);
    let all = list_for_check(h.db(), OrderId(Uuid::nil()), OrderId(Uuid::max())).await.unwrap();
    let emitted: Vec<_> = all.iter().map(|units| (units.order_id, units.reservation_id, units.is_sold)).collect();
    assert_eq!(emitted, [(made[0].order_id, made[0].reservation_id, true), (made[3].order_id, made[3].reservation_id, false)]);
    let mut lines = all[1].lines.clone();
    lines.sort();
    assert_eq!(lines, [("DESK-1".to_owned(), 2), ("LAMP-1".to_owned(), 1)]);
    // The lower bound is exclusive, the upper one inclusive.
    assert_eq!(list_for_check(h.db(), made[0].order_id, made[3].order_id).await.unwrap(), all[1..]);
    assert_eq!(list_for_check(h.db(), OrderId(Uuid::nil()), made[2].order_id).await.unwrap(), all[..1]);
}
