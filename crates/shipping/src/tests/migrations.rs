//! Rows of earlier schemas.

use crate::{domain::Scan, store};
use contracts::{
    ids::{OrderId, UserId, Uuid},
    shipping::ShipmentStatus,
    time::Timestamp,
};
use platform::{
    db::{Db, Error, Tx},
    env::Env,
    migrations, params,
    testing::TempFolder,
};

const EARLIER: &[platform::db::Migration] = migrations!["0001_shipments", "0002_mock_carrier", "0003_recalls", "0004_carrier"];

#[tokio::test]
async fn shipments_of_an_earlier_schema_keep_their_parcel_their_history_and_their_cancellation() {
    let (env, folder) = (Env::seeded(7, Timestamp(1)), TempFolder::new());
    let [awaited, booked, cancelled] = [1_u128, 2, 3].map(|number| OrderId(Uuid::from_u128(number)));
    let address = serde_json::to_string(&super::address("")).unwrap();
    let earlier = Db::open(env.clone(), "shipping", folder.path(), EARLIER).unwrap();
    let unit = async move |tx: &mut Tx| {
        let insert = "INSERT INTO shipments (order_id, order_number, user_id, shipping_address, correlation_id, booking, attempts, \
                      shipment_id, status, tracking_number, booked_at, updated_at) VALUES ($1, 'N', $1, $2, 'c', $3, 0, $1, $4, $5, $6, 1)";
        tx.execute(insert, params![awaited, address, "AWAITED", None::<String>, None::<String>, None::<i64>]).await?;
        tx.execute(insert, params![booked, address, "BOOKED", "CREATED", "T1", 1_i64]).await?;
        for (position, message) in [(0_i64, "Booked"), (1, "Sorted")] {
            let id: Uuid = tx.new_id();
            let insert = "INSERT INTO shipment_events VALUES ($1, $2, $3, 'CREATED', $4, 1)";
            tx.execute(insert, params![id, booked, position, message]).await?;
        }
        tx.execute("INSERT INTO cancelled_before_booking (order_id) VALUES ($1)", params![cancelled]).await?;
        Ok::<_, Error>(())
    };
    earlier.write(unit).await.unwrap();
    drop(earlier);

    let db = Db::open(env, "shipping", folder.path(), crate::service().migrations).unwrap();
    let unit = async move |tx: &mut Tx| {
        assert_eq!(store::find_shipment_of(tx, awaited.0.into()).await?.unwrap().parcel, None);
        let mut shipment = store::lock_shipment_of(tx, booked.0.into()).await?.unwrap();
        assert_eq!(shipment.parcel.as_ref().map(|parcel| parcel.tracking_number.as_str()), Some("T1"));
        assert_eq!((shipment.order_id, shipment.fulfilment_id.0), (booked, booked.0));
        assert!(store::append_event(tx, &mut shipment, ShipmentStatus::Created, Scan::now("Loaded")).await?);
        let history = store::view(tx, shipment).await?.unwrap().events;
        assert_eq!(history.iter().map(|event| event.message.as_str()).collect::<Vec<_>>(), ["Booked", "Sorted", "Loaded"]);
        store::insert_if_new(tx, cancelled.0.into(), cancelled, "N", UserId(cancelled.0), &super::address("")).await?;
        let closed = store::find_shipment_of(tx, cancelled.0.into()).await?.unwrap();
        assert_eq!(closed.booking, crate::domain::Booking::Closed);
        Ok::<_, Error>(())
    };
    db.write(unit).await.unwrap();
}
