//! Refunds of a part of an order's money. Each has a cause, a cancelled fulfilment or a return, and is made once for it.

use super::{Order, PaymentState, Step};
use contracts::{
    ids::{PaymentId, Uuid},
    order::RefundCause,
    problem::{Code, Failure},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A refund of a part of the money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRefund {
    pub cause: RefundCause,
    /// The id of the fulfilment or the return.
    pub cause_id: Uuid,
    /// In minor units of the order's currency. Payment refunds less when less is left.
    pub amount: i64,
    pub is_done: bool,
    /// How many of its refunds the provider refused; part of the idempotency key of the next one.
    #[serde(default)]
    pub refused: u32,
    /// When the next one is due.
    #[serde(default)]
    pub after: Option<Timestamp>,
}

impl Order {
    /// Makes the refund of an amount due, once for its cause. Nothing is refunded twice, and never more than the customer paid.
    pub fn request_refund(&mut self, cause: RefundCause, cause_id: Uuid, amount: i64) {
        if self.saga.part_refunds.iter().any(|refund| refund.cause_id == cause_id) {
            return;
        }
        let requested: i64 = self.saga.part_refunds.iter().map(|refund| refund.amount).sum();
        let amount = amount.clamp(0, (self.totals.total_amount - requested).max(0));
        let is_done = amount == 0 || self.saga.payment != PaymentState::Captured;
        self.saga.part_refunds.push(PartRefund { cause, cause_id, amount, is_done, refused: 0, after: None });
    }

    /// Returns the refunds of parts that are due. Those of a cancelled order are part of the refund of the whole.
    pub(super) fn part_refund_steps(&self) -> Vec<Step> {
        let Some(payment) = self.saga.payment_in(PaymentState::Captured) else { return Vec::new() };
        let due = self.saga.part_refunds.iter().filter(|refund| !refund.is_done);
        due.map(|refund| Step::RefundPart(payment, refund.cause_id)).collect()
    }

    /// Returns when the next refund is due if `steps` are refunds alone and the provider refused each of them a moment ago.
    #[must_use]
    pub fn refunds_paused_until(&self, steps: &[Step], now: Timestamp) -> Option<Timestamp> {
        let after = |step: &Step| match step {
            Step::RefundPayment(_) => self.saga.refund_after,
            Step::RefundPart(_, cause) => self.saga.part_refunds.iter().find(|refund| refund.cause_id == *cause)?.after,
            _ => None,
        };
        let pauses: Option<Vec<Timestamp>> = steps.iter().map(|step| after(step).filter(|after| *after > now)).collect();
        pauses?.into_iter().min()
    }

    pub(super) fn part_refunded(&mut self, payment: PaymentId, cause: Uuid, refunded_amount: i64) {
        if self.saga.payment_id != Some(payment) {
            return;
        }
        self.saga.refunded_amount = self.saga.refunded_amount.max(refunded_amount);
        if let Some(refund) = self.saga.part_refunds.iter_mut().find(|refund| refund.cause_id == cause) {
            refund.is_done = true;
        }
        self.clear_refund_failure();
    }

    /// Two replicas may report the same refusal, so only the expected attempt counts.
    pub(super) fn part_refund_refused(&mut self, cause: Uuid, attempt: u32, after: Timestamp) {
        let refund = self.saga.part_refunds.iter_mut().find(|refund| refund.cause_id == cause && !refund.is_done);
        if let Some(refund) = refund.filter(|refund| refund.refused == attempt) {
            refund.refused += 1;
            refund.after = Some(after);
            self.failure = Some(Failure::from(Code::REFUND_FAILED));
        }
    }

    /// All money went back, also that of the refunds that were still due.
    pub(super) fn end_part_refunds(&mut self) {
        for refund in &mut self.saga.part_refunds {
            refund.is_done = true;
        }
    }

    fn clear_refund_failure(&mut self) {
        let is_owed = self.saga.part_refunds.iter().any(|refund| !refund.is_done && refund.refused > 0);
        if !is_owed {
            self.failure.take_if(|failure| failure.code == Code::REFUND_FAILED.as_str());
        }
    }
}
