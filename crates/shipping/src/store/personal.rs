//! What this service keeps about users, to be exported and to be erased. A shipment keeps its parcel, the statuses and times of its history
//! and the country; what carriers wrote goes.

use super::{Events, Shipments};
use crate::domain::ShipmentRecord;
use contracts::{ids::UserId, order::OrderPersonalDataErased, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, forget_answers, json},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase).orders(erase_of_order)
}

async fn export(tx: &mut Tx, user: UserId) -> Result<PersonalRecords, Error> {
    let mut shipments = Vec::new();
    for shipment in tx.list::<Shipments>("WHERE user_id = $1 ORDER BY fulfilment_id", params![user]).await? {
        let events = tx.list::<Events>("WHERE shipment_id = $1 ORDER BY position", params![shipment.shipment_id]).await?;
        let parcel = shipment.parcel.as_ref();
        shipments.push(json!({
            "orderId": shipment.order_id, "orderNumber": shipment.order_number, "fulfilmentId": shipment.fulfilment_id,
            "shippingAddress": shipment.address, "carrier": parcel.map(|parcel| &parcel.carrier),
            "trackingNumber": parcel.map(|parcel| &parcel.tracking_number), "confirmedAt": shipment.confirmed_at,
            "events": events,
        }));
    }
    Ok([("shipments".to_owned(), shipments)].into())
}

async fn erase(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let found = tx.lock_list::<Shipments>("WHERE user_id = $1 ORDER BY fulfilment_id", params![user]).await?;
    erase_all(tx, found).await
}

async fn erase_of_order(tx: &mut Tx, event: OrderPersonalDataErased) -> Result<(), Error> {
    let found = tx.lock_list::<Shipments>("WHERE order_id = $1 ORDER BY fulfilment_id", params![event.order_id]).await?;
    erase_all(tx, found).await
}

async fn erase_all(tx: &mut Tx, shipments: Vec<ShipmentRecord>) -> Result<(), Error> {
    for shipment in shipments {
        let address = json!(shipment.address.erased()).to_string();
        let sql = "UPDATE shipments SET shipping_address = $2 WHERE fulfilment_id = $1";
        tx.execute(sql, params![shipment.fulfilment_id, address]).await?;
        // An entry differs from the others by its time and words. Both are replaced, by a time that no carrier gives.
        let words = "UPDATE shipment_events SET message = '', scanned_at = -1 - position WHERE shipment_id = $1";
        tx.execute(words, params![shipment.shipment_id]).await?;
        forget_answers(tx, shipment.shipment_id).await?;
    }
    Ok(())
}
