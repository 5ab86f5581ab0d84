//! Actions on the same stock, one held between its statements while the other runs.

use super::*;
use platform::testing::interleaving::Scenario;
use std::time::Duration;

/// The rows of one run.
#[derive(Clone)]
struct Rows {
    skus: [String; 2],
    order: OrderId,
    held: ReservationId,
    sold: ReservationId,
}

/// Two items, a reservation and a sale. Either of two more reservations is possible, and both together are not.
async fn prepare(h: &Harness, held_for: Duration) -> Rows {
    let mut skus = [(); 2].map(|()| h.id::<ProductId>().to_string().to_uppercase());
    // Reservations list their lines in the order of their SKUs.
    skus.sort();
    for sku in &skus {
        put(h, sku, 8).await;
    }
    let order = h.id();
    let mut body = reserve_body(order, &[(&skus[0], 2)]);
    body["ttlSeconds"] = 60.into();
    let held: Reservation = request(h, &body).await.expect(201).read();
    let sold = reserved(h, &[(&skus[0], 1)]).await.reservation_id;
    end(h, sold, "confirm").await.expect(200);
    h.advance(held_for);
    Rows { skus, order, held: held.reservation_id, sold }
}

async fn observe(h: &Harness, rows: Rows) -> Value {
    let mut state = Vec::new();
    for sku in &rows.skus {
        state.push(quantities(h, sku).await);
    }
    let [held, sold] = [reservation_of(h, rows.held).await.status, reservation_of(h, rows.sold).await.status];
    json!({"stock": state, "held": held, "sold": sold})
}

async fn reserve(h: &Harness, order: OrderId, lines: &[(&str, u32)], work: &str) -> Value {
    let key = h.id::<OrderId>().to_string();
    let request = h.post("/inventory/reservations", &reserve_body(order, lines)).service("order").key(&key);
    request.correlation_id(work).send().await.outcome()
}

fn scenario(h: &Harness, held_for: Duration) -> Option<Scenario<'_, Rows>> {
    let end_as = move |how: &'static str, sold: bool| {
        move |rows: Rows, work: &'static str| async move {
            let id = if sold { rows.sold } else { rows.held };
            let path = format!("/inventory/reservations/{id}/{how}");
            let key = h.id::<OrderId>().to_string();
            h.post(&path, &Value::Null).service("order").key(&key).correlation_id(work).send().await.outcome()
        }
    };
    let scenario = Scenario::new(h, move || prepare(h, held_for), move |rows| observe(h, rows))?
        .action("reserve one item", move |rows: Rows, work| async move { reserve(h, h.id(), &[(&rows.skus[0], 3)], work).await })
        .action("reserve both items", move |rows: Rows, work| async move {
            reserve(h, h.id(), &[(&rows.skus[1], 5), (&rows.skus[0], 3)], work).await
        })
        .action(
            "reserve again for the order",
            move |rows: Rows, work| async move { reserve(h, rows.order, &[(&rows.skus[0], 2)], work).await },
        )
        .action("take units away", move |rows: Rows, work| async move {
            let body = json!({"delta": -3, "reason": "broken"});
            let path = format!("/inventory/stock/{}/adjust", rows.skus[0]);
            h.post(&path, &body).admin().correlation_id(work).send().await.outcome()
        })
        .action("confirm", end_as("confirm", false))
        .action("release", end_as("release", false))
        .action("return", end_as("return", true))
        .action("expire", move |rows: Rows, _| async move {
            crate::actions::expire_overdue(h.db(), vec![rows.held]).await.map_or_else(|error| error.to_string().into(), |()| Value::Null)
        });
    Some(scenario)
}

async fn assert_serial(h: &Harness, scenario: Option<Scenario<'_, Rows>>) {
    let Some(scenario) = scenario else { return };
    let found = scenario.try_all().await;
    assert!(found.runs > 100 && found.waits > 20, "{found:?}");
    assert!(found.faults.is_empty(), "{} of {} runs:\n{}", found.faults.len(), found.runs, found.faults.join("\n"));
    assert_consistent(h).await;
}

#[tokio::test]
async fn actions_on_the_same_stock_end_as_one_after_the_other() {
    let h = harness().await;
    assert_serial(&h, scenario(&h, Duration::ZERO)).await;
}

#[tokio::test]
async fn actions_on_an_overdue_reservation_end_as_one_after_the_other() {
    let h = harness().await;
    let scenario = scenario(&h, Duration::from_secs(61));
    assert_serial(&h, scenario.map(|scenario| scenario.only(&["reserve one item", "confirm", "release", "expire"]))).await;
}

/// The tests above need the lock of a reservation: without it its units move twice.
#[tokio::test]
async fn a_lock_that_is_left_out_is_noticed() {
    let h = harness().await;
    h.lock_nothing("FROM reservations");
    let Some(scenario) = scenario(&h, Duration::ZERO) else { return };
    let found = scenario.only(&["confirm", "release"]).try_all().await;
    assert!(found.faults.iter().any(|fault| fault.starts_with("`confirm` while `release`")), "{found:?}");
}
