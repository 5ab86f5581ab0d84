//! Existing databases stay readable, and the JSON in the columns `saga` and `shipping` keeps its spelling.

use super::model::{address, id};
use crate::{
    domain::{Cancellation, PaymentState, SagaState, ShipmentState, StockState},
    store,
};
use contracts::{
    ids::OrderId,
    order::{CancelReason, OrderShipping},
    shipping::ShipmentStatus,
    time::Timestamp,
};
use platform::{
    db::{self, Db, Tx},
    env::Env,
    params,
    testing::TempFolder,
};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

const PLACED: &str = r#"{"money":"Due","stock":"Due","parcel":"Sent","cancellation":null,"payment_id":null,"reservation_id":null,"capture_was_due":false,"payment_attempt":1,"reservation_attempt":1,"past_payments":[],"past_reservations":[],"refunded_amount":0,"refunds_refused":0,"refund_after":null,"payable_until":null,"correlation_id":""}"#;
const PAID_AGAIN: &str = r#"{"money":"Captured","stock":"Sold","parcel":"Unwanted","cancellation":{"reason":"CUSTOMER_REQUEST","note":"changed my mind"},"payment_id":"07000000-0000-0000-0000-000000000002","reservation_id":"08000000-0000-0000-0000-000000000002","capture_was_due":true,"payment_attempt":2,"reservation_attempt":3,"past_payments":["07000000-0000-0000-0000-000000000001"],"past_reservations":["08000000-0000-0000-0000-000000000001"],"refunded_amount":100,"refunds_refused":1,"refund_after":"2026-01-01T00:00:00.000001Z","payable_until":"2026-01-02T00:00:00.000000Z","correlation_id":"c-1"}"#;
/// Written by the first version.
const OLDEST: &str = r#"{"money":"Due","stock":"Due","payment_id":null,"reservation_id":null,"payment_attempt":1,"reservation_attempt":1,"payable_until":null}"#;

fn paid_again() -> SagaState {
    SagaState {
        payment: PaymentState::Captured,
        stock: StockState::Confirmed,
        part_refunds: Vec::new(),
        return_restocks: Vec::new(),
        shipment: ShipmentState::CancelRequested,
        cancellation: Some(Cancellation { reason: CancelReason::CustomerRequest, note: Some("changed my mind".into()) }),
        payment_id: Some(id(7, 2)),
        reservation_id: Some(id(8, 2)),
        capture_was_due: true,
        payment_attempt: 2,
        reservation_attempt: 3,
        past_payments: vec![id(7, 1)],
        past_reservations: vec![id(8, 1)],
        refunded_amount: 100,
        refunds_refused: 1,
        refund_after: Some(Timestamp(1_767_225_600_000_001)),
        restock_requested: false,
        payable_until: Some(Timestamp(1_767_312_000_000_000)),
        correlation_id: "c-1".into(),
    }
}

fn stored_as<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, json: &str) {
    assert_eq!(&serde_json::from_str::<T>(json).unwrap(), value, "{json}");
    assert_eq!(serde_json::to_string(value).unwrap(), json);
}

#[test]
fn the_saga_column_keeps_its_spelling() {
    stored_as(&SagaState::new(), PLACED);
    stored_as(&paid_again(), PAID_AGAIN);
    assert_eq!(serde_json::from_str::<SagaState>(OLDEST).unwrap(), SagaState::new());
    for (state, json) in [
        (PaymentState::Due, r#""Due""#),
        (PaymentState::Authorized, r#""Authorized""#),
        (PaymentState::Captured, r#""Captured""#),
        (PaymentState::Released, r#""LetGo""#),
    ] {
        stored_as(&state, json);
    }
    for (state, json) in [
        (StockState::Due, r#""Due""#),
        (StockState::Reserved, r#""Reserved""#),
        (StockState::Confirmed, r#""Sold""#),
        (StockState::Released, r#""LetGo""#),
    ] {
        stored_as(&state, json);
    }
    for (state, json) in [
        (ShipmentState::Active, r#""Sent""#),
        (ShipmentState::CancelRequested, r#""Unwanted""#),
        (ShipmentState::Cancelled, r#""Recalled""#),
    ] {
        stored_as(&state, json);
    }
}

#[test]
fn the_shipping_column_keeps_its_spelling() {
    stored_as(&OrderShipping::default(), r#"{"status":null,"shipmentId":null,"carrier":null,"trackingNumber":null,"pending":false}"#);
    let shipping = OrderShipping {
        status: Some(ShipmentStatus::InTransit),
        shipment_id: Some(id(10, 1)),
        carrier: Some("MOCK".into()),
        tracking_number: Some("T1".into()),
        pending: true,
    };
    stored_as(
        &shipping,
        r#"{"status":"IN_TRANSIT","shipmentId":"0a000000-0000-0000-0000-000000000001","carrier":"MOCK","trackingNumber":"T1","pending":true}"#,
    );
}

#[tokio::test]
async fn the_timelines_of_existing_orders_are_counted() {
    let (folder, env, all) = (TempFolder::new(), Env::seeded(1, Timestamp(1_000_000)), crate::service().migrations);
    let order_id: OrderId = id(1, 1);
    let insert = async move |tx: &mut Tx| {
        tx.execute(
            "INSERT INTO orders (order_id, order_number, user_id, cart_id, status, currency, subtotal_amount, shipping_amount, tax_amount, \
             discount_amount, total_amount, item_count, payment_method, saga, shipping, shipping_address, billing_address, \
             fruitless_turns, created_at, updated_at) \
             VALUES ($1, 'A', $1, $1, 'CANCELLED', 'EUR', 0, 0, 0, 0, 0, 0, 'pm_ok', $2, $3, $4, $4, 0, 1, 1)",
            params![
                order_id,
                OLDEST,
                serde_json::to_string(&OrderShipping::default()).unwrap(),
                serde_json::to_string(&address()).unwrap()
            ],
        )
        .await?;
        let entry = "INSERT INTO order_timeline (order_id, position, status, occurred_at) VALUES ($1, $2, 'CANCELLED', 1)";
        tx.execute(entry, params![order_id, 0_i64]).await?;
        tx.execute(entry, params![order_id, 1_i64]).await
    };
    Db::open(env.clone(), "order", folder.path(), &all[..2]).unwrap().write(insert).await.map_err(|error: db::Error| error).unwrap();
    let db = Db::open(env, "order", folder.path(), all).unwrap();
    let order = db.read(async move |tx| store::find_order(tx, None, order_id).await).await.unwrap().unwrap();
    assert_eq!(order.timeline_length, 2);
}
