//! The fulfilments of an order: one for each seller of its lines, each with its own shipment and its share of the money.

use super::{Applied, Cancellation, ChangeCause, Order, PaymentState, ShipmentState, StatusChange};
use contracts::{
    ids::{FulfilmentId, ShipmentId, UserId},
    machine::Machine as _,
    order::{FulfilmentFact, FulfilmentStatus, OrderItem, OrderShipping, OrderStatus, RefundCause},
    shipping::ShipmentStatus,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// The part of an order that one seller ships. Its lines are those of the order with the same seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    pub fulfilment_id: FulfilmentId,
    /// `None` for the shop itself.
    pub seller_id: Option<UserId>,
    pub status: FulfilmentStatus,
    /// The fee for its shipment, in minor units of the order's currency.
    pub shipping_amount: i64,
    /// What promotions of the shop took off that fee; the shop owes it to the seller.
    #[serde(default)]
    pub waived_shipping_amount: i64,
    /// The tax on that fee.
    pub shipping_tax_amount: i64,
    /// Its rate in hundredths of a percent; `None` in orders of earlier versions.
    #[serde(default)]
    pub shipping_tax_basis_points: Option<u32>,
    /// The progress of its shipment.
    pub shipping: OrderShipping,
    /// Whether its shipment goes ahead.
    pub shipment: ShipmentState,
    /// A request that shipping has not answered yet, or why it was cancelled.
    pub cancellation: Option<Cancellation>,
    pub stock: PartStock,
}

/// Whether the units of a fulfilment go back on sale apart from those of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PartStock {
    #[default]
    Kept,
    ReturnDue,
    Returned,
}

/// What a fulfilment costs, in minor units of the order's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartAmounts {
    pub subtotal_amount: i64,
    pub discount_amount: i64,
    pub seller_discount_amount: i64,
    pub shipping_amount: i64,
    pub shipping_tax_amount: i64,
    /// On its lines and its shipping fee.
    pub tax_amount: i64,
    pub total_amount: i64,
}

/// Why a fulfilment was not cancelled or shipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartRefusal {
    NotFound,
    /// Its order is not confirmed.
    Pending,
    /// Its status does not allow it.
    Status(FulfilmentStatus),
}

impl Fulfilment {
    /// A fulfilment of a new order.
    #[must_use]
    pub fn new(fulfilment_id: FulfilmentId, seller_id: Option<UserId>, shipping_amount: i64) -> Fulfilment {
        Fulfilment {
            fulfilment_id,
            seller_id,
            status: FulfilmentStatus::Pending,
            shipping_amount,
            waived_shipping_amount: 0,
            shipping_tax_amount: 0,
            shipping_tax_basis_points: None,
            shipping: OrderShipping::default(),
            shipment: ShipmentState::Active,
            cancellation: None,
            stock: PartStock::Kept,
        }
    }

    /// Its lines among those of its order.
    pub fn items<'a>(&self, items: &'a [OrderItem]) -> impl Iterator<Item = &'a OrderItem> {
        let seller = self.seller_id;
        items.iter().filter(move |item| item.seller_id == seller)
    }

    /// Returns what it costs, with its lines among those of its order.
    #[must_use]
    pub fn amounts(&self, items: &[OrderItem], prices_include_tax: bool) -> PartAmounts {
        let added = |tax: i64| if prices_include_tax { 0 } else { tax };
        let start = PartAmounts {
            shipping_amount: self.shipping_amount,
            shipping_tax_amount: self.shipping_tax_amount,
            tax_amount: self.shipping_tax_amount,
            total_amount: self.shipping_amount + added(self.shipping_tax_amount),
            ..PartAmounts::default()
        };
        self.items(items).fold(start, |sum, item| PartAmounts {
            subtotal_amount: sum.subtotal_amount + item.line_total_amount,
            discount_amount: sum.discount_amount + item.discount_amount,
            seller_discount_amount: sum.seller_discount_amount + item.seller_discount_amount,
            tax_amount: sum.tax_amount + item.tax_amount,
            total_amount: sum.total_amount + item.line_total_amount - item.discount_amount + added(item.tax_amount),
            ..sum
        })
    }

    /// Whether its cancellation was requested and shipping has not answered yet.
    #[must_use]
    pub fn is_cancellation_pending(&self) -> bool {
        self.status == FulfilmentStatus::Confirmed && self.shipment == ShipmentState::CancelRequested && self.cancellation.is_some()
    }

    /// Applies a fact that its status allows; others change nothing.
    fn take(&mut self, fact: FulfilmentFact) {
        if let Ok(next) = self.status.transition(fact) {
            self.status = next;
            self.shipping.pending = next == FulfilmentStatus::Confirmed && self.shipping.shipment_id.is_none();
        }
    }
}

impl Order {
    /// Returns what one of its fulfilments costs.
    #[must_use]
    pub fn amounts_of(&self, part: &Fulfilment) -> PartAmounts {
        part.amounts(&self.items, self.totals.prices_include_tax)
    }

    /// Gives an order of earlier versions its only fulfilment, which has the id of the order and no seller.
    pub fn add_missing_fulfilment(&mut self) {
        if !self.fulfilments.is_empty() {
            return;
        }
        let untaxed = self.totals.tax_amount - self.items.iter().map(|item| item.tax_amount).sum::<i64>();
        let seller_id = self.items.first().and_then(|item| item.seller_id);
        let came_back = self.shipping.status == Some(ShipmentStatus::Returned) && self.saga.shipment != ShipmentState::Cancelled;
        let status = match (self.status, self.shipping.status) {
            (OrderStatus::Confirmed, _) => FulfilmentStatus::Confirmed,
            (OrderStatus::Cancelled, _) => FulfilmentStatus::Cancelled,
            (OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded, _) if came_back => FulfilmentStatus::Returned,
            (OrderStatus::Shipped, _) | (OrderStatus::Refunded, Some(ShipmentStatus::InTransit)) => FulfilmentStatus::Shipped,
            (OrderStatus::Delivered, _) | (OrderStatus::Refunded, Some(ShipmentStatus::Delivered)) => FulfilmentStatus::Delivered,
            (OrderStatus::Refunded, _) if self.saga.shipment == ShipmentState::Cancelled => FulfilmentStatus::Cancelled,
            (OrderStatus::Refunded, _) => FulfilmentStatus::Confirmed,
            _ => FulfilmentStatus::Pending,
        };
        let goes_back = self.saga.restock_requested || status == FulfilmentStatus::Cancelled && self.status == OrderStatus::Refunded;
        // Lines of several sellers were one parcel then.
        for item in &mut self.items {
            item.seller_id = seller_id;
        }
        self.fulfilments.push(Fulfilment {
            status,
            shipping_tax_amount: untaxed,
            shipping: self.shipping.clone(),
            shipment: std::mem::take(&mut self.saga.shipment),
            cancellation: self.saga.cancellation.clone(),
            stock: if goes_back { PartStock::ReturnDue } else { PartStock::Kept },
            ..Fulfilment::new(FulfilmentId(self.order_id.0), seller_id, self.totals.shipping_amount)
        });
    }

    /// Returns one fulfilment.
    #[must_use]
    pub fn fulfilment(&self, id: FulfilmentId) -> Option<&Fulfilment> {
        self.fulfilments.iter().find(|part| part.fulfilment_id == id)
    }

    pub(super) fn fulfilment_mut(&mut self, id: FulfilmentId) -> Option<&mut Fulfilment> {
        self.fulfilments.iter_mut().find(|part| part.fulfilment_id == id)
    }

    /// Returns the fulfilment with this shipment.
    #[must_use]
    pub fn fulfilment_of_shipment(&self, id: ShipmentId) -> Option<&Fulfilment> {
        self.fulfilments.iter().find(|part| part.shipping.shipment_id == Some(id))
    }

    /// The statuses of its fulfilments.
    #[must_use]
    pub fn fulfilment_statuses(&self) -> Vec<FulfilmentStatus> {
        self.fulfilments.iter().map(|part| part.status).collect()
    }

    pub(super) fn take_by_all(&mut self, fact: FulfilmentFact) {
        self.fulfilments.iter_mut().for_each(|part| part.take(fact));
    }

    /// Requests the cancellation of one fulfilment of a confirmed order. Shipping decides. A repetition changes nothing.
    ///
    /// # Errors
    /// [`PartRefusal`].
    pub fn cancel_fulfilment(&mut self, id: FulfilmentId, cancellation: Cancellation, now: Timestamp) -> Result<(), PartRefusal> {
        let order_status = self.status;
        let part = self.fulfilment_mut(id).ok_or(PartRefusal::NotFound)?;
        match part.status {
            FulfilmentStatus::Pending => return Err(PartRefusal::Pending),
            FulfilmentStatus::Cancelled => {}
            FulfilmentStatus::Confirmed if part.is_cancellation_pending() => {}
            FulfilmentStatus::Confirmed if order_status != OrderStatus::Refunded => {
                part.shipment = ShipmentState::CancelRequested;
                part.cancellation = Some(cancellation);
                self.updated_at = now;
            }
            status => return Err(PartRefusal::Status(status)),
        }
        Ok(())
    }

    /// Requests the cancellation of every fulfilment that has not shipped.
    pub(super) fn request_cancellation(&mut self, cancellation: Option<&Cancellation>) {
        for part in self.fulfilments.iter_mut().filter(|part| part.status == FulfilmentStatus::Confirmed) {
            part.shipment = ShipmentState::CancelRequested;
            part.cancellation = cancellation.cloned();
        }
    }

    /// Drops the request to cancel a fulfilment, because the carrier has the parcel already. A request to cancel the whole order
    /// ends with it; the parts whose shipment is cancelled by then stay cancelled.
    pub(super) fn keep_shipment(&mut self, id: FulfilmentId, changes: &mut Vec<StatusChange>) -> Applied {
        let Some(part) = self.fulfilment_mut(id).filter(|part| part.shipment == ShipmentState::CancelRequested) else { return Ok(()) };
        part.shipment = ShipmentState::Active;
        part.cancellation = None;
        self.saga.cancellation = None;
        self.settle_cancelled(changes)
    }

    /// Cancels a fulfilment if that is what its shipment was cancelled for.
    pub(super) fn shipment_cancelled(&mut self, id: FulfilmentId, changes: &mut Vec<StatusChange>) -> Applied {
        let Some(part) = self.fulfilment_mut(id) else { return Ok(()) };
        if part.shipping.shipment_id.is_some() {
            part.shipping.status = Some(ShipmentStatus::Returned);
        }
        if part.shipment == ShipmentState::CancelRequested && part.status == FulfilmentStatus::Confirmed {
            part.shipment = ShipmentState::Cancelled;
            part.take(FulfilmentFact::Cancelled);
            self.settle_cancelled(changes)?;
        }
        Ok(())
    }

    /// Cancels the order once all of its fulfilments are cancelled; otherwise makes the refund and the return of those that are
    /// cancelled due. While the whole order is being cancelled that waits until shipping has decided about each. A refunded order
    /// keeps its status.
    fn settle_cancelled(&mut self, changes: &mut Vec<StatusChange>) -> Applied {
        if self.status == OrderStatus::Refunded {
            let cancelled = self.fulfilments.iter_mut().filter(|part| part.status == FulfilmentStatus::Cancelled);
            for part in cancelled.filter(|part| part.stock == PartStock::Kept) {
                part.stock = PartStock::ReturnDue;
            }
            return Ok(());
        }
        if OrderStatus::of_fulfilments(&self.fulfilment_statuses()) == Some(OrderStatus::Cancelled) {
            let last = self.fulfilments.iter().rev().find_map(|part| part.cancellation.clone());
            if let Some(cancellation) = self.saga.cancellation.clone().or(last) {
                self.saga.cancellation = Some(cancellation.clone());
                changes.push(self.change_status(ChangeCause::CancelRequested(cancellation))?);
            }
            return Ok(());
        }
        if self.saga.cancellation.is_some() {
            return Ok(());
        }
        let owed: Vec<_> = self
            .fulfilments
            .iter_mut()
            .filter(|part| part.status == FulfilmentStatus::Cancelled && part.stock == PartStock::Kept)
            .map(|part| {
                part.stock = PartStock::ReturnDue;
                part.fulfilment_id
            })
            .collect();
        for id in owed {
            let amount = self.fulfilment(id).map_or(0, |part| self.amounts_of(part).total_amount);
            self.request_refund(RefundCause::Fulfilment, id.0, amount);
        }
        self.derive_status(None, changes)
    }

    /// Moves a fulfilment as its shipment moved, and the order with it.
    pub(super) fn shipment_moved(&mut self, id: FulfilmentId, status: ShipmentStatus, changes: &mut Vec<StatusChange>) -> Applied {
        let Some(part) = self.fulfilment_mut(id) else { return Ok(()) };
        match status {
            ShipmentStatus::Created => {}
            ShipmentStatus::InTransit => part.take(FulfilmentFact::Shipped),
            ShipmentStatus::Delivered => part.take(FulfilmentFact::Delivered),
            ShipmentStatus::Returned => {
                // A shipment that came back was on its way, even if no update said so.
                part.take(FulfilmentFact::Shipped);
                part.take(FulfilmentFact::Returned);
            }
        }
        let shipment_id = part.shipping.shipment_id;
        self.derive_status(shipment_id, changes)
    }

    /// Changes the status of a confirmed order to that which its fulfilments lead to, by the table of the contract. An order of one
    /// fulfilment keeps its status when the parcel comes back.
    fn derive_status(&mut self, shipment: Option<ShipmentId>, changes: &mut Vec<StatusChange>) -> Applied {
        let mut statuses = self.fulfilment_statuses();
        if let [only] = statuses.as_mut_slice()
            && *only == FulfilmentStatus::Returned
        {
            *only = if self.status == OrderStatus::Delivered { FulfilmentStatus::Delivered } else { FulfilmentStatus::Shipped };
        }
        let shipped = |part: &&Fulfilment| part.status.has_shipped();
        let by = shipment.or_else(|| self.fulfilments.iter().rev().find(shipped).and_then(|part| part.shipping.shipment_id));
        let (Some(derived), Some(shipment_id)) = (OrderStatus::of_fulfilments(&statuses), by) else { return Ok(()) };
        match (self.status, derived) {
            (OrderStatus::Confirmed, OrderStatus::Shipped) => changes.push(self.change_status(ChangeCause::Shipped { shipment_id })?),
            (OrderStatus::Confirmed | OrderStatus::Shipped, OrderStatus::Delivered) => {
                changes.push(self.change_status(ChangeCause::Delivered { shipment_id })?);
            }
            _ => {}
        }
        Ok(())
    }

    /// The progress of its shipment; of several, that of the first fulfilment that is not cancelled.
    pub(super) fn overall_shipping(&self) -> OrderShipping {
        let active = self.fulfilments.iter().find(|part| part.status != FulfilmentStatus::Cancelled);
        let first = active.or(self.fulfilments.first()).map(|part| part.shipping.clone()).unwrap_or_default();
        OrderShipping { pending: self.fulfilments.iter().any(|part| part.shipping.pending), ..first }
    }

    /// Returns what a cancelled fulfilment gives back to the customer.
    #[must_use]
    pub fn refund_of(&self, part: &Fulfilment) -> i64 {
        let known = self.saga.part_refunds.iter().find(|refund| refund.cause_id == part.fulfilment_id.0).map(|refund| refund.amount);
        let held = if self.saga.payment == PaymentState::Captured { self.amounts_of(part).total_amount } else { 0 };
        known.unwrap_or(held)
    }
}
