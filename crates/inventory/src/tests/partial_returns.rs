//! Parts of a confirmed reservation that go back on sale.

use super::*;
use contracts::{ids::Uuid, inventory::StockReturned};

/// Returns units for a cause, under a new key.
async fn return_units(h: &Harness, id: ReservationId, cause: Uuid, lines: &[(&str, u32)]) -> TestResponse {
    let lines: Vec<_> = lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity})).collect();
    let key = h.id::<OrderId>().to_string();
    let body = json!({"causeId": cause, "lines": lines});
    h.post(&format!("/internal/reservations/{id}/returns"), &body).service("order").key(&key).send().await
}

#[tokio::test]
async fn a_part_is_returned_once_for_its_cause_and_the_rest_later() {
    let h = stocked(&[("LAMP-1", 10), ("CHAIR-1", 4)]).await;
    let id = reserved(&h, &[("LAMP-1", 3), ("CHAIR-1", 4)]).await.reservation_id;
    let (first, second): (Uuid, Uuid) = (h.id(), h.id());
    return_units(&h, id, first, &[("LAMP-1", 1)]).await.expect_problem(409, "ILLEGAL_TRANSITION");
    end(&h, id, "confirm").await.expect(200);
    for _ in 0..2 {
        return_units(&h, id, first, &[("LAMP-1", 1)]).await.expect(200);
        assert_eq!((quantities(&h, "LAMP-1").await, quantities(&h, "CHAIR-1").await), ((8, 0), (0, 0)));
    }
    // Never more than was sold, and nothing of another order's goods.
    return_units(&h, id, second, &[("LAMP-1", 9), ("SOFA-1", 1)]).await.expect(200);
    assert_eq!(quantities(&h, "LAMP-1").await, (10, 0));
    assert_consistent(&h).await;

    for _ in 0..2 {
        end(&h, id, "return").await.expect(200);
        assert_eq!((quantities(&h, "LAMP-1").await, quantities(&h, "CHAIR-1").await), ((10, 0), (4, 0)));
    }
    let returned: Vec<_> = h.emitted_of::<StockReturned>().await.into_iter().map(|event| event.lines).collect();
    assert_eq!(returned.iter().map(|lines| lines.len()).collect::<Vec<_>>(), [1], "only the chairs were left");
    return_units(&h, id, h.id(), &[("CHAIR-1", 1)]).await.expect(200);
    assert_eq!(quantities(&h, "CHAIR-1").await, (4, 0));
    assert_consistent(&h).await;
}
