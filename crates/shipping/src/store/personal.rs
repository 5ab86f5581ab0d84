//! What this service keeps about users, to be exported and to be erased. A shipment keeps its parcel, its history and the country.

use super::Shipments;
use contracts::{ids::UserId, personal::PersonalRecords};
use platform::{
    db::{Error, Tx},
    params,
    personal::{PersonalData, json},
};

pub fn data() -> PersonalData {
    PersonalData::new(export, erase)
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
    for shipment in tx.lock_list::<Shipments>("WHERE user_id = $1 ORDER BY fulfilment_id", params![user]).await? {
        let address = json!(shipment.address.erased()).to_string();
        let sql = "UPDATE shipments SET shipping_address = $2 WHERE fulfilment_id = $1";
        tx.execute_pipelined(sql, params![shipment.fulfilment_id, address]).await?;
    }
    Ok(())
}
