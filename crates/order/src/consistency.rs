//! Whether an order's own books agree, and what is needed to hold them against those of its upstreams: what
//! `souk doctor` and the tests ask.

use crate::{
    domain::{Order, Step, due_steps},
    store,
};
use contracts::{ids::OrderId, machine::Machine as _, order::OrderStatus, time::Timestamp};
use platform::db::{Db, Error};
use std::fmt;

/// An order with what its database has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRecord {
    pub order: Order,
    /// Its entries in their order.
    pub timeline: Vec<Entry>,
    /// How many events it announced so far.
    pub event_count: i64,
    /// When the saga looks at it next.
    pub due_at: Option<Timestamp>,
    /// Turns without progress since the last one with.
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

/// What a person calls it, such as "the refund of payment 0193…".
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::AuthorizePayment => f.write_str("the authorization of its payment"),
            Step::ReserveStock => f.write_str("the reservation of its stock"),
            Step::CapturePayment(payment) => write!(f, "the capture of payment {payment}"),
            Step::ConfirmReservation(reservation) => write!(f, "the sale of reservation {reservation}"),
            Step::VoidPayment(payment) => write!(f, "the void of payment {payment}"),
            Step::RefundPayment(payment) => write!(f, "the refund of payment {payment}"),
            Step::ReleaseReservation(reservation) => write!(f, "the release of reservation {reservation}"),
            Step::ReturnReservation(reservation) => write!(f, "the return of reservation {reservation}"),
            Step::CancelShipment => f.write_str("the recall of its parcel"),
        }
    }
}

impl OrderRecord {
    /// The calls that are due for it.
    #[must_use]
    pub fn due_steps(&self) -> Vec<Step> {
        due_steps(&self.order)
    }

    /// Whether it was written down after it was over elsewhere ([`crate::import`]): no payment and no stock were asked
    /// for here, and nothing was announced.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        self.order.saga.payment_attempt == 0
    }

    /// Since when it has not come to rest: the last time that it was placed or paid again. `None` while it rests.
    #[must_use]
    pub fn unsettled_since(&self) -> Option<Timestamp> {
        if self.order.is_settled() {
            return None;
        }
        let begun = self.timeline.iter().rev().find(|entry| entry.status == OrderStatus::PendingPayment);
        Some(begun.map_or(self.order.created_at, |entry| entry.occurred_at))
    }

    /// What is wrong in its own books, in plain words: M4 (the sums), O1 (the timeline follows the published table, and each
    /// entry was announced once) and O2 (whoever is due is looked at). Empty when all is well.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.total_faults();
        faults.extend(self.timeline_faults());
        if self.due_at.is_none() {
            let due = self.due_steps();
            faults.extend(due.iter().map(|step| format!("{step} is due, and nobody will look at it (O2)")));
            if let Some(payment_deadline) = self.order.payment_deadline() {
                faults.push(format!("its time to pay again is over at {payment_deadline}, and nobody will look at it (O2)"));
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
        let [subtotal, shipping, tax, discount] =
            [totals.subtotal_amount, totals.shipping_amount, totals.tax_amount, totals.discount_amount].map(i128::from);
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
                faults.push(format!("its timeline leads from {from} to {to}, which the published table does not (O1)"));
            }
        }
        if (0..).zip(&self.timeline).any(|(position, entry)| entry.position != position) {
            faults.push("an entry of its timeline is missing (O1)".into());
        }
        if let Some(last) = self.timeline.last().filter(|last| last.status != status) {
            faults.push(format!("it is {status}, and its timeline ends with {} (O1)", last.status));
        }
        let expected = if self.is_imported() { 0 } else { self.timeline.len() };
        if usize::try_from(self.event_count) != Ok(expected) {
            faults.push(format!("{} events announced {} entries of its timeline (O1)", self.event_count, self.timeline.len()));
        }
        faults
    }
}

/// Up to `rows` orders after `after`, in the order of their ids, on one snapshot: for books that are kept across services.
///
/// # Errors
/// Those of the database.
pub async fn list_for_check(db: &Db, after: OrderId, rows: usize) -> Result<Vec<OrderRecord>, Error> {
    db.read(async move |tx| store::list_for_check(tx, after, rows).await).await
}
