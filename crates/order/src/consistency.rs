//! The consistency check of orders: whether what is stored of an order agrees, and what `souk doctor` compares with other
//! services.

use crate::{
    domain::{Order, Step, due_steps},
    store,
};
use contracts::{
    ids::{OrderId, PromotionId},
    machine::Machine as _,
    order::OrderStatus,
    time::Timestamp,
};
use platform::db::{Db, Error};
use std::fmt;

/// An order with everything that is stored of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRecord {
    pub order: Order,
    /// The entries, the oldest first.
    pub timeline: Vec<Entry>,
    /// How many events were emitted for it.
    pub event_count: i64,
    /// How many of them say that it was claimed or erased.
    pub guest_event_count: i64,
    /// When the saga advances it next.
    pub due_at: Option<Timestamp>,
    /// Attempts to advance it since the last one that changed something.
    pub failed_attempts: u32,
}

/// One entry of a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// 0 for the first.
    pub position: i64,
    pub status: OrderStatus,
    pub occurred_at: Timestamp,
}

/// Writes the step for people, such as "the refund of payment 0193…".
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::AuthorizePayment => f.write_str("the authorization of its payment"),
            Step::ReserveStock => f.write_str("the reservation of its stock"),
            Step::CapturePayment(payment) => write!(f, "the capture of payment {payment}"),
            Step::ConfirmReservation(reservation) => write!(f, "the confirmation of reservation {reservation}"),
            Step::VoidPayment(payment) => write!(f, "the void of payment {payment}"),
            Step::RefundPayment(payment) => write!(f, "the refund of payment {payment}"),
            Step::ReleaseReservation(reservation) => write!(f, "the release of reservation {reservation}"),
            Step::ReturnReservation(reservation) => write!(f, "the return of reservation {reservation}"),
            Step::CancelShipment(part) => write!(f, "the cancellation of the shipment of fulfilment {part}"),
            Step::RefundPart(payment, cause) => write!(f, "the refund of payment {payment} for {cause}"),
            Step::RestockReturn(reservation, id) => write!(f, "the restock of return {id} into reservation {reservation}"),
            Step::ReturnPart(reservation, part) => write!(f, "the return of fulfilment {part} of reservation {reservation}"),
        }
    }
}

impl OrderRecord {
    /// Returns the calls that are due.
    #[must_use]
    pub fn due_steps(&self) -> Vec<Step> {
        due_steps(&self.order)
    }

    /// Whether it comes from another system ([`crate::import`]): it has no payment, no reservation and no events here.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        self.order.saga.payment_attempt == 0
    }

    /// Returns when it was last placed or paid again, if it has not settled since.
    #[must_use]
    pub fn unsettled_since(&self) -> Option<Timestamp> {
        if self.order.is_settled() {
            return None;
        }
        let started = self.timeline.iter().rev().find(|entry| entry.status == OrderStatus::PendingPayment);
        Some(started.map_or(self.order.created_at, |entry| entry.occurred_at))
    }

    /// Returns what is wrong, as sentences: M4 (the totals), O1 (the timeline follows the transition table, with one event per
    /// entry) and O2 (an order for which something is due has a `due_at`).
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.total_faults();
        faults.extend(self.timeline_faults());
        if self.due_at.is_none() {
            let due = self.due_steps();
            faults.extend(due.iter().map(|step| format!("{step} is due, but the order has no due time (O2)")));
            if let Some(deadline) = self.order.payment_deadline() {
                faults.push(format!("its time to pay again ends at {deadline}, but the order has no due time (O2)"));
            }
        }
        faults
    }

    fn total_faults(&self) -> Vec<String> {
        let (totals, mut faults) = (&self.order.totals, Vec::new());
        for item in &self.order.items {
            if i64::from(item.quantity).checked_mul(item.unit_price_snapshot) != Some(item.line_total_amount) {
                faults.push(format!(
                    "{} times {} of {} are not {} (M4)",
                    item.quantity, item.unit_price_snapshot, item.sku, item.line_total_amount
                ));
            }
        }
        let lines: i128 = self.order.items.iter().map(|item| i128::from(item.line_total_amount)).sum();
        if lines != i128::from(totals.subtotal_amount) {
            faults.push(format!("its lines add up to {lines}, not to {} (M4)", totals.subtotal_amount));
        }
        let added_tax = if totals.prices_include_tax { 0 } else { totals.tax_amount };
        let [subtotal, shipping, tax, discount] =
            [totals.subtotal_amount, totals.shipping_amount, added_tax, totals.discount_amount].map(i128::from);
        let amounts: Vec<_> = self.order.fulfilments.iter().map(|part| self.order.amounts_of(part)).collect();
        let parts = amounts.iter().map(|part| i128::from(part.total_amount)).sum::<i128>();
        if parts != subtotal + shipping + tax - discount {
            faults.push(format!("its fulfilments add up to {parts}, not to {} (M4)", subtotal + shipping + tax - discount));
        }
        let taxes = amounts.iter().map(|part| i128::from(part.tax_amount)).sum::<i128>();
        if taxes != i128::from(totals.tax_amount) {
            faults.push(format!("the taxes of its fulfilments add up to {taxes}, not to {} (M4)", totals.tax_amount));
        }
        let total = subtotal + shipping + tax - discount;
        if total != i128::from(totals.total_amount) {
            faults.push(format!("{subtotal} + {shipping} + {tax} - {discount} are {total}, not {} (M4)", totals.total_amount));
        }
        faults
    }

    fn timeline_faults(&self) -> Vec<String> {
        let (mut faults, status) = (Vec::new(), self.order.status);
        let first = if self.is_imported() { status } else { OrderStatus::STATES[0] };
        match self.timeline.first() {
            Some(entry) if entry.status == first => {}
            Some(entry) => faults.push(format!("its timeline begins with {}, not with {first} (O1)", entry.status)),
            None => faults.push("its timeline is empty (O1)".into()),
        }
        for pair in self.timeline.windows(2) {
            let (from, to) = (pair[0].status, pair[1].status);
            if !OrderStatus::TABLE.iter().any(|row| (row.from, row.to) == (from, to)) {
                faults.push(format!("its timeline goes from {from} to {to}, and the transition table has no such row (O1)"));
            }
        }
        if (0..).zip(&self.timeline).any(|(position, entry)| entry.position != position) {
            faults.push("an entry of its timeline is missing (O1)".into());
        }
        if usize::try_from(self.order.timeline_length) != Ok(self.timeline.len()) {
            faults.push(format!(
                "it counts {} entries of its timeline, and there are {} (O1)",
                self.order.timeline_length,
                self.timeline.len()
            ));
        }
        if let Some(last) = self.timeline.last().filter(|last| last.status != status) {
            faults.push(format!("it is {status}, and its timeline ends with {} (O1)", last.status));
        }
        let refunds = self.order.saga.part_refunds.iter().filter(|refund| refund.is_done).count();
        let expected = if self.is_imported() { 0 } else { self.timeline.len() + refunds };
        // The events of a fulfilment that has the id of its order are counted with those of the order.
        let is_shared = self.order.fulfilments.iter().any(|part| part.fulfilment_id.0 == self.order.order_id.0);
        let count = usize::try_from(self.event_count - self.guest_event_count).unwrap_or_default();
        if if is_shared && !self.is_imported() { count < expected } else { count != expected } {
            faults.push(format!("{} events were emitted for {} entries of its timeline (O1)", self.event_count, self.timeline.len()));
        }
        faults
    }
}

/// Returns up to `rows` orders with ids above `after`, in the order of their ids, from one snapshot.
///
/// # Errors
/// Those of the database.
pub async fn list_for_check(db: &Db, after: OrderId, rows: usize) -> Result<Vec<OrderRecord>, Error> {
    db.read(async move |tx| store::list_for_check(tx, after, rows).await).await
}

/// Returns the promotions of the orders after `after` up to and including `up_to`.
///
/// # Errors
/// Those of the database.
pub async fn list_promotions_by_orders(db: &Db, after: OrderId, up_to: OrderId) -> Result<Vec<(OrderId, PromotionId)>, Error> {
    db.read(async move |tx| store::list_promotions_by_orders(tx, after, up_to).await).await
}
