//! What this service keeps about users, to be exported and to be erased. A shipment keeps its parcel, its history and the country.

use super::Shipments;
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
    let shipments = tx.list::<Shipments>("WHERE user_id = $1 ORDER BY fulfilment_id", params![user]).await?;
    let shipments = shipments.into_iter().map(|shipment| {
        let parcel = shipment.parcel.as_ref();
        json!({
            "orderId": shipment.order_id, "orderNumber": shipment.order_number, "fulfilmentId": shipment.fulfilment_id,
            "shippingAddress": shipment.address, "carrier": parcel.map(|parcel| &parcel.carrier),
            "trackingNumber": parcel.map(|parcel| &parcel.tracking_number), "confirmedAt": shipment.confirmed_at,
        })
    });
    Ok([("shipments".to_owned(), shipments.collect())].into())
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
        forget_answers(tx, shipment.shipment_id).await?;
    }
    Ok(())
}
