//! The payment of an order.

use super::{Applied, Cancellation, ChangeCause, Order, PaymentFailure, SagaState, StatusChange, Step};
use contracts::{
    ids::PaymentId,
    order::{CancelReason, OrderStatus},
    problem::{Code, Failure},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// How far the current payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PaymentState {
    /// No money is known to be held. The authorization is due, or its outcome is not known yet.
    Due,
    Authorized,
    Captured,
    /// Failed, voided or refunded in full: no money is held.
    #[serde(rename = "LetGo")]
    Released,
}

impl SagaState {
    /// Whether the current payment took money, or may have: it is refunded when the order ends without a sale.
    #[must_use]
    pub fn may_have_captured(&self) -> bool {
        match self.payment {
            PaymentState::Captured => true,
            PaymentState::Due | PaymentState::Authorized => self.capture_was_due,
            PaymentState::Released => self.refunded_amount > 0,
        }
    }

    /// Returns the id of the current payment if it is in `state`.
    pub(super) fn payment_in(&self, state: PaymentState) -> Option<PaymentId> {
        self.payment_id.filter(|_| self.payment == state)
    }

    /// Returns the call that releases the money of an order that ended without a sale. A payment whose outcome is not known is
    /// voided too.
    pub(super) fn payment_release_step(&self) -> Option<Step> {
        let payment_id = self.payment_id?;
        match self.payment {
            PaymentState::Due | PaymentState::Authorized => Some(Step::VoidPayment(payment_id)),
            PaymentState::Captured => Some(Step::RefundPayment(payment_id)),
            PaymentState::Released => None,
        }
    }

    /// Makes another payment due.
    pub(super) fn start_next_payment(&mut self) {
        self.past_payments.extend(self.payment_id.take());
        self.payment_attempt += 1;
        self.payment = PaymentState::Due;
        self.capture_was_due = false;
        self.payable_until = None;
        (self.refunded_amount, self.refunds_refused, self.refund_after) = (0, 0, None);
    }

    /// Whether a fact is about the current payment. The first id after [`SagaState::start_next_payment`] becomes the current one.
    fn accept_payment_id(&mut self, id: PaymentId) -> bool {
        !self.past_payments.contains(&id) && *self.payment_id.get_or_insert(id) == id
    }

    /// Whether a fact is about the current payment, and that still holds money or may.
    fn accept_unreleased_payment(&mut self, id: PaymentId) -> bool {
        self.accept_payment_id(id) && self.payment != PaymentState::Released
    }
}

impl Order {
    pub(super) fn payment_created(&mut self, id: PaymentId) {
        self.saga.accept_payment_id(id);
    }

    pub(super) fn payment_authorized(&mut self, id: PaymentId, changes: &mut Vec<StatusChange>) -> Applied {
        if self.saga.accept_payment_id(id) && self.saga.payment == PaymentState::Due {
            self.saga.payment = PaymentState::Authorized;
            self.check_ready_to_capture(changes)?;
        }
        Ok(())
    }

    pub(super) fn payment_captured(&mut self, id: PaymentId, changes: &mut Vec<StatusChange>) -> Applied {
        if self.saga.accept_payment_id(id) && matches!(self.saga.payment, PaymentState::Due | PaymentState::Authorized) {
            self.saga.payment = PaymentState::Captured;
            self.check_ready_to_capture(changes)?;
            self.check_confirmed(changes)?;
        }
        Ok(())
    }

    pub(super) fn payment_failed(
        &mut self,
        id: PaymentId,
        failure: Failure,
        payable_until: Timestamp,
        changes: &mut Vec<StatusChange>,
    ) -> Applied {
        let cause = match self.status {
            OrderStatus::InventoryReserved => ChangeCause::CaptureFailed,
            _ => ChangeCause::PaymentFailed,
        };
        self.release_failed_payment(cause, PaymentFailure { payment_id: id, failure, payable_until }, changes)
    }

    /// A void that the saga did not request fails the payment; the customer may try again.
    pub(super) fn payment_voided(&mut self, id: PaymentId, payable_until: Timestamp, changes: &mut Vec<StatusChange>) -> Applied {
        let failure = Failure { retryable: true, ..Failure::from(Code::PAYMENT_DECLINED) };
        self.release_failed_payment(ChangeCause::PaymentFailed, PaymentFailure { payment_id: id, failure, payable_until }, changes)
    }

    fn release_failed_payment(
        &mut self,
        cause: fn(PaymentFailure) -> ChangeCause,
        failed: PaymentFailure,
        changes: &mut Vec<StatusChange>,
    ) -> Applied {
        if self.saga.accept_unreleased_payment(failed.payment_id) {
            self.saga.payment = PaymentState::Released;
            if !self.is_settled() {
                self.failure = Some(failed.failure.clone());
                self.saga.payable_until = Some(failed.payable_until);
                changes.push(self.change_status(cause(failed))?);
            }
        }
        Ok(())
    }

    /// The status stays, because the customer keeps the goods. Events may arrive out of order, so the largest amount counts.
    pub(super) fn payment_partly_refunded(&mut self, id: PaymentId, so_far: i64) {
        if self.saga.accept_payment_id(id) {
            self.saga.refunded_amount = self.saga.refunded_amount.max(so_far);
        }
    }

    pub(super) fn payment_refunded(&mut self, payment_id: PaymentId, changes: &mut Vec<StatusChange>) -> Applied {
        if !self.saga.accept_unreleased_payment(payment_id) {
            return Ok(());
        }
        self.saga.payment = PaymentState::Released;
        self.saga.refunded_amount = self.totals.total_amount;
        self.end_part_refunds();
        self.failure.take_if(|failure| failure.code == Code::REFUND_FAILED.as_str());
        let cause = match self.status {
            OrderStatus::Confirmed => {
                // Nobody pays for the goods any more: they stay here if shipping can still cancel.
                self.request_cancellation(None);
                self.saga.cancellation = None;
                ChangeCause::Refunded { payment_id }
            }
            OrderStatus::Shipped | OrderStatus::Delivered => ChangeCause::Refunded { payment_id },
            // An administrator refunded it before the sale: the order ends, and its stock is released.
            OrderStatus::PendingPayment | OrderStatus::PaymentAuthorized | OrderStatus::InventoryReserved => {
                let cancellation = Cancellation { reason: CancelReason::AdminRequest, note: None };
                self.saga.cancellation = Some(cancellation.clone());
                ChangeCause::CancelRequested(cancellation)
            }
            OrderStatus::PaymentFailed | OrderStatus::Cancelled | OrderStatus::Refunded => return Ok(()),
        };
        changes.push(self.change_status(cause)?);
        Ok(())
    }

    /// Two replicas may report the same refusal, so only the expected attempt counts.
    pub(super) fn refund_refused(&mut self, id: PaymentId, attempt: u32, after: Timestamp) {
        if self.saga.accept_payment_id(id) && self.saga.payment == PaymentState::Captured && attempt == self.saga.refunds_refused {
            self.saga.refunds_refused += 1;
            self.saga.refund_after = Some(after);
            self.failure = Some(Failure::from(Code::REFUND_FAILED));
        }
    }
}
