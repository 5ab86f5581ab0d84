//! The shipments of an order, one for each fulfilment. Shipping makes and sends them by itself; the order only follows them, and
//! may cancel them.

use super::{Applied, ChangeCause, Fulfilment, Order, ParcelLabel, PartStock, StatusChange, Step, StockState};
use contracts::{
    ids::{FulfilmentId, ShipmentId},
    machine::Machine as _,
    order::{FulfilmentStatus, OrderFact, OrderShipping, RestockStatus},
    shipping::ShipmentStatus,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// Whether the shipment goes ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ShipmentState {
    /// It goes ahead, or it was sent before it could be cancelled.
    #[default]
    #[serde(rename = "Sent")]
    Active,
    /// The call that cancels it is due.
    #[serde(rename = "Unwanted")]
    CancelRequested,
    /// Shipping cancelled it: the goods stay here.
    #[serde(rename = "Recalled")]
    Cancelled,
}

/// No parcel of the order came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotReturned;

impl Order {
    pub(super) fn shipment_created(&mut self, id: FulfilmentId, shipment_id: ShipmentId, carrier: &str, tracking_number: &str) {
        if let Some(part) = self.fulfilment_mut(id).filter(|part| part.shipping.shipment_id.is_none()) {
            part.shipping = OrderShipping {
                status: Some(ShipmentStatus::Created),
                shipment_id: Some(shipment_id),
                carrier: Some(carrier.to_owned()),
                tracking_number: Some(tracking_number.to_owned()),
                pending: false,
            };
        }
    }

    pub(super) fn shipment_updated(
        &mut self,
        shipment_id: ShipmentId,
        status: ShipmentStatus,
        label: Option<&ParcelLabel>,
        changes: &mut Vec<StatusChange>,
    ) -> Applied {
        let Some(part) = self.fulfilments.iter_mut().find(|part| part.shipping.shipment_id == Some(shipment_id)) else { return Ok(()) };
        // Updates arrive late and twice, and only one with a higher rank counts.
        if status.rank() <= part.shipping.status.unwrap_or(ShipmentStatus::Created).rank() {
            return Ok(());
        }
        part.shipping.status = Some(status);
        if let Some(label) = label {
            part.shipping.carrier = Some(label.carrier.clone());
            part.shipping.tracking_number = Some(label.tracking_number.clone());
        }
        let id = part.fulfilment_id;
        self.keep_shipment(id, changes)?;
        self.shipment_moved(id, status, changes)?;
        let has_left = |part: &Fulfilment| part.status == FulfilmentStatus::Returned;
        if status == ShipmentStatus::Returned
            && self.fulfilment(id).is_some_and(has_left)
            && self.status.transition(OrderFact::ParcelReturned).is_ok()
        {
            changes.push(self.change_status(ChangeCause::ParcelReturned { shipment_id })?);
        }
        Ok(())
    }

    /// Requests that the goods of parcels that came back are put on sale again. A repetition changes nothing.
    ///
    /// # Errors
    /// [`NotReturned`] when no parcel came back. The goods of a shipment that was cancelled never left, and are released by the
    /// cancellation.
    pub fn restock(&mut self, now: Timestamp) -> Result<(), NotReturned> {
        let mut returned = self.fulfilments.iter_mut().filter(|part| part.status == FulfilmentStatus::Returned).peekable();
        if returned.peek().is_none() {
            return Err(NotReturned);
        }
        for part in returned.filter(|part| part.stock == PartStock::Kept) {
            part.stock = PartStock::ReturnDue;
            self.saga.restock_requested = true;
            self.updated_at = now;
        }
        Ok(())
    }

    /// Returns how far a requested restock is.
    #[must_use]
    pub fn restock_status(&self) -> Option<RestockStatus> {
        let is_due = |part: &Fulfilment| part.status == FulfilmentStatus::Returned && part.stock == PartStock::ReturnDue;
        let is_pending = self.saga.stock == StockState::Confirmed && self.fulfilments.iter().any(is_due);
        self.saga.restock_requested.then_some(if is_pending { RestockStatus::Pending } else { RestockStatus::Done })
    }

    pub(super) fn part_stock_returned(&mut self, id: FulfilmentId) {
        if let Some(part) = self.fulfilment_mut(id).filter(|part| part.stock == PartStock::ReturnDue) {
            part.stock = PartStock::Returned;
        }
    }

    /// Returns the calls that put the units of fulfilments on sale again apart from the others. The units of an order's only
    /// fulfilment are those of the reservation, unless some came back by a return, which decided about them.
    pub(super) fn part_return_steps(&self) -> Vec<Step> {
        let Some(reservation) = self.saga.reservation_in(StockState::Confirmed) else { return Vec::new() };
        let due = self.fulfilments.iter().filter(|part| part.stock == PartStock::ReturnDue);
        let is_whole = self.fulfilments.len() == 1 && self.items.iter().all(|item| item.returned_quantity == 0);
        match is_whole {
            true => due.map(|_| Step::ReturnReservation(reservation)).collect(),
            false => due.map(|part| Step::ReturnPart(reservation, part.fulfilment_id)).collect(),
        }
    }
}
