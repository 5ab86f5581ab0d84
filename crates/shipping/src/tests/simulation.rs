//! Simulated parcels.

use super::{report, ship, shipments};
use contracts::shipping::{ShipmentDelivered, ShipmentStatus, ShipmentUpdated};
use platform::testing::Harness;
use std::time::Duration;

async fn simulated() -> Harness {
    Harness::of(crate::service()).setting("simulate", true).setting("simulate_step_seconds", 10).start().await
}

#[tokio::test]
async fn a_simulated_parcel_takes_a_step_at_a_time() {
    let h = simulated().await;
    let (order, _) = ship(&h).await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        h.complete().await;
        seen.push(shipments(&h, order).await[0].status);
        h.advance(Duration::from_secs(5));
    }
    use ShipmentStatus::{Created, Delivered, InTransit};
    assert_eq!(seen, [Created, Created, InTransit, InTransit, Delivered]);
    h.advance(Duration::from_secs(3600));
    h.complete().await;
    assert_eq!((h.emitted_of::<ShipmentUpdated>().await.len(), h.emitted_of::<ShipmentDelivered>().await.len()), (1, 1));
}

#[tokio::test]
async fn the_simulation_does_not_contradict_reported_events() {
    let h = simulated().await;
    let (order, shipment) = ship(&h).await;
    report(&h, shipment, "IN_TRANSIT", "").await.expect(200);
    report(&h, shipment, "RETURNED", "Refused").await.expect(200);
    h.advance(Duration::from_secs(3600));
    h.complete().await;
    let found = shipments(&h, order).await;
    assert_eq!((found[0].status, found[0].events.len()), (ShipmentStatus::Returned, 3));
}

#[tokio::test]
async fn without_the_setting_nothing_moves() {
    let h = super::start().await;
    let (order, _) = ship(&h).await;
    h.advance(Duration::from_secs(86_400));
    h.complete().await;
    assert_eq!(shipments(&h, order).await[0].status, ShipmentStatus::Created);
}

#[tokio::test]
async fn more_parcels_than_one_batch_all_arrive() {
    let h = simulated().await;
    for _ in 0..70 {
        super::confirm(&h, "").await;
    }
    for _ in 0..3 {
        h.complete().await;
        h.advance(Duration::from_secs(11));
    }
    h.complete().await;
    assert_eq!(h.emitted_of::<ShipmentDelivered>().await.len(), 70);
}
