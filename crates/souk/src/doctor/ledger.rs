//! The check of the ledger of sellers: it balances, no order was sold for more than its payments captured, and what went back in the
//! ledger is what was refunded.
//!
//! The ledger is read first. What it knows was captured before, so an event on its way is no fault. A refund is booked with its cause and
//! paid later, or paid and booked later: a difference counts only when it is still there after every event about the order was found
//! consumed and nothing of the order is due.

use super::{consistency, pending_events};
use anyhow::Result;
use contracts::{
    ids::{OrderId, Uuid},
    money::Money,
    payment::PaymentStatus,
};
use payment::OrderPayment;
use payout::OrderLedger;
use platform::db::Db;
use std::collections::{BTreeMap, BTreeSet};

/// Orders of a batch.
const BATCH: usize = 1_000;
/// The check stops after this many faults.
const MAX_FAULTS: usize = 100;

/// The databases that are compared.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub ledger: &'a Db,
    pub payments: &'a Db,
    pub orders: &'a Db,
    pub returns: &'a Db,
}

/// Checks the ledger. Returns what was checked, and a sentence for each fault.
pub async fn check(sources: Sources<'_>) -> Result<(String, Vec<String>)> {
    let (postings, accounts) = payout::count(sources.ledger).await?;
    let mut faults = payout::check_consistency(sources.ledger).await?;
    let (mut suspects, mut after) = (BTreeMap::new(), OrderId(Uuid::nil()));
    while faults.len() + suspects.len() < MAX_FAULTS {
        let orders = Compared::read(sources, after, BATCH).await?;
        let Some(last) = orders.last().map(|order| order.ledger.order_id) else { break };
        faults.extend(orders.iter().filter_map(Compared::fault));
        suspects.extend(orders.iter().filter_map(|order| Some((order.ledger.order_id, order.wrong_refund()?))));
        after = last;
    }
    if !suspects.is_empty() {
        faults.extend(check_again(sources, suspects).await?);
    }
    faults.truncate(MAX_FAULTS);
    Ok((format!("ledger: {postings} postings on {accounts} accounts balance, and agree with the payments"), faults))
}

/// Returns the differences that stay while nothing moves.
async fn check_again(
    Sources { ledger, payments, orders, returns }: Sources<'_>,
    suspects: BTreeMap<OrderId, String>,
) -> Result<Vec<String>> {
    let ids: BTreeSet<OrderId> = suspects.keys().copied().collect();
    let mut moving = pending_events::orders_of(orders, &[payments, returns], &ids).await?;
    moving.extend(pending_events::orders_of(ledger, &[payments, orders, returns], &ids).await?);
    let mut faults = Vec::new();
    for (id, fault) in suspects.into_iter().filter(|(id, _)| !moving.contains(id)) {
        let is_due = consistency::find(orders, id).await?.is_some_and(|record| !record.due_steps().is_empty());
        let sources = Sources { ledger, payments, orders, returns };
        let again = Compared::read(sources, consistency::before(id), 1).await?;
        let stays = again.iter().any(|order| order.ledger.order_id == id && order.wrong_refund().as_ref() == Some(&fault));
        if stays && !is_due {
            faults.push(fault);
        }
    }
    Ok(faults)
}

/// An order in the ledger and its payments.
struct Compared {
    ledger: OrderLedger,
    payments: Vec<OrderPayment>,
}

impl Compared {
    async fn read(sources: Sources<'_>, after: OrderId, orders: usize) -> Result<Vec<Compared>> {
        let orders = payout::list_for_check(sources.ledger, after, orders).await?;
        let Some(last) = orders.last().map(|order| order.order_id) else { return Ok(Vec::new()) };
        let mut by_order = BTreeMap::<OrderId, Vec<OrderPayment>>::new();
        for payment in payment::list_by_orders(sources.payments, after, last).await? {
            by_order.entry(payment.order_id).or_default().push(payment);
        }
        let compared = |ledger: OrderLedger| Compared { payments: by_order.remove(&ledger.order_id).unwrap_or_default(), ledger };
        Ok(orders.into_iter().map(compared).collect())
    }

    /// The payments that captured money in the currency of the ledger.
    fn captured(&self) -> impl Iterator<Item = &OrderPayment> {
        self.payments.iter().filter(|payment| {
            payment.currency == self.ledger.currency && matches!(payment.status, PaymentStatus::Captured | PaymentStatus::Refunded)
        })
    }

    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.ledger.currency)
    }

    /// L3: an order is sold for no more than was captured, and no more goes back than it was sold for.
    fn fault(&self) -> Option<String> {
        let OrderLedger { order_id, sold_amount, returned_amount, .. } = self.ledger;
        let captured: i64 = self.captured().map(|payment| payment.amount).sum();
        let (sold, captured_money, returned) = (self.money(sold_amount), self.money(captured), self.money(returned_amount));
        if sold_amount > captured {
            return Some(format!("order {order_id}: sold for {sold} in the ledger, but {captured_money} was captured (L3)"));
        }
        (returned_amount > sold_amount).then(|| format!("order {order_id}: {returned} of {sold} went back in the ledger (L3)"))
    }

    /// L4: what went back in the ledger was refunded, and no more. Money that was captured and never sold is in no ledger.
    fn wrong_refund(&self) -> Option<String> {
        let OrderLedger { order_id, sold_amount, returned_amount, is_waiting, .. } = self.ledger;
        let refunded: i64 = self.captured().map(|payment| payment.refunded_amount).sum();
        if is_waiting || self.payments.iter().any(|payment| payment.is_unsettled) || returned_amount == refunded.min(sold_amount) {
            return None;
        }
        let (returned, refunded) = (self.money(returned_amount), self.money(refunded));
        Some(format!("order {order_id}: {returned} went back in the ledger, but {refunded} was refunded (L4)"))
    }
}

#[cfg(test)]
mod tests;
