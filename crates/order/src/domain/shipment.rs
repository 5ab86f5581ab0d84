//! The shipment of an order. Shipping makes and sends it by itself; the order only follows it, and may cancel it.

use super::{Applied, ChangeCause, Order, StatusChange, StockState};
use contracts::{
    ids::ShipmentId,
    order::{OrderShipping, OrderStatus, RestockStatus},
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
    pub(super) fn shipment_created(&mut self, shipment_id: ShipmentId, carrier: &str, tracking_number: &str) {
        if self.shipping.shipment_id.is_none() {
            self.shipping = OrderShipping {
                status: Some(ShipmentStatus::Created),
                shipment_id: Some(shipment_id),
                carrier: Some(carrier.to_owned()),
                tracking_number: Some(tracking_number.to_owned()),
                pending: false,
            };
        }
    }

    pub(super) fn shipment_updated(&mut self, shipment_id: ShipmentId, status: ShipmentStatus, changes: &mut Vec<StatusChange>) -> Applied {
        // Updates arrive late and twice, and only one with a higher rank counts.
        let known = self.shipping.status.unwrap_or(ShipmentStatus::Created);
        if self.shipping.shipment_id != Some(shipment_id) || status.rank() <= known.rank() {
            return Ok(());
        }
        self.shipping.status = Some(status);
        self.keep_shipment();
        match (status, self.status) {
            // A shipment that came back was on its way, even if no update said so.
            (ShipmentStatus::InTransit | ShipmentStatus::Returned, OrderStatus::Confirmed) => {
                changes.push(self.change_status(ChangeCause::Shipped { shipment_id })?);
            }
            (ShipmentStatus::Delivered, OrderStatus::Confirmed | OrderStatus::Shipped) => {
                changes.push(self.change_status(ChangeCause::Delivered { shipment_id })?);
            }
            _ => {}
        }
        if status == ShipmentStatus::Returned
            && matches!(self.status, OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded)
        {
            changes.push(self.change_status(ChangeCause::ParcelReturned { shipment_id })?);
        }
        Ok(())
    }

    /// Requests that the goods of a parcel that came back are put on sale again. A repetition changes nothing.
    ///
    /// # Errors
    /// [`NotReturned`] when no parcel came back. The goods of a shipment that was cancelled never left, and are released by the
    /// cancellation.
    pub fn restock(&mut self, now: Timestamp) -> Result<(), NotReturned> {
        let has_left = matches!(self.status, OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded);
        if !has_left || self.shipping.status != Some(ShipmentStatus::Returned) || self.saga.shipment == ShipmentState::Cancelled {
            return Err(NotReturned);
        }
        if !self.saga.restock_requested {
            self.saga.restock_requested = true;
            self.updated_at = now;
        }
        Ok(())
    }

    /// Returns how far a requested restock is.
    #[must_use]
    pub fn restock_status(&self) -> Option<RestockStatus> {
        let status = if self.saga.stock == StockState::Confirmed { RestockStatus::Pending } else { RestockStatus::Done };
        self.saga.restock_requested.then_some(status)
    }

    /// Cancels the order if that is what the shipment was cancelled for. A refunded order keeps its status.
    pub(super) fn shipment_cancelled(&mut self, changes: &mut Vec<StatusChange>) -> Applied {
        if self.shipping.shipment_id.is_some() {
            self.shipping.status = Some(ShipmentStatus::Returned);
        }
        if self.saga.shipment == ShipmentState::CancelRequested {
            self.saga.shipment = ShipmentState::Cancelled;
            if let Some(cancellation) = self.saga.cancellation.clone() {
                changes.push(self.change_status(ChangeCause::CancelRequested(cancellation))?);
            }
        }
        Ok(())
    }

    /// Drops a cancellation request, because the carrier has the shipment already.
    pub(super) fn keep_shipment(&mut self) {
        if self.saga.shipment == ShipmentState::CancelRequested {
            self.saga.shipment = ShipmentState::Active;
            self.saga.cancellation = None;
        }
    }
}
