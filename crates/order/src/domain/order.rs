//! The order itself, and the rules where payment, stock and shipment meet.

use super::{Applied, Cancellation, ChangeCause, Fact, Fulfilment, PaymentState, SagaState, StatusChange, StockState, Totals, due_steps};
use contracts::{
    ids::{CartId, OrderId, UserId},
    machine::{IllegalTransition, Machine as _},
    money::Currency,
    order::{CancelReason, FulfilmentFact, OrderFact, OrderItem, OrderShipping, OrderStatus, TimelineEntry},
    payment::PaymentMethod,
    problem::Failure,
    time::Timestamp,
    user::AddressSnapshot,
};
use std::collections::BTreeMap;

/// An order with everything that decides its next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub order_id: OrderId,
    pub order_number: String,
    pub user_id: UserId,
    pub cart_id: CartId,
    pub status: OrderStatus,
    pub currency: Currency,
    pub items: Vec<OrderItem>,
    /// Its parts, one for each seller of its lines.
    pub fulfilments: Vec<Fulfilment>,
    pub totals: Totals,
    pub payment_method: PaymentMethod,
    pub shipping_address: AddressSnapshot,
    pub billing_address: AddressSnapshot,
    pub saga: SagaState,
    pub shipping: OrderShipping,
    pub failure: Option<Failure>,
    /// Its name in the system of an integrator, unique among the orders of its customer.
    pub external_id: Option<String>,
    /// Data of integrators.
    pub metadata: BTreeMap<String, String>,
    /// How many entries its timeline has.
    pub timeline_length: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Whether an order in this status waits only for people, the carrier or a deadline.
#[must_use]
pub fn is_settled(status: OrderStatus) -> bool {
    !matches!(status, OrderStatus::PendingPayment | OrderStatus::PaymentAuthorized | OrderStatus::InventoryReserved)
}

impl Order {
    /// Returns the first entry of its timeline.
    #[must_use]
    pub fn first_entry(&self) -> TimelineEntry {
        TimelineEntry { status: self.status, occurred_at: self.created_at, reason: None }
    }

    /// Whether the order waits only for people, the carrier or a deadline.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        is_settled(self.status)
    }

    /// Whether it has ended and nothing goes on.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        matches!(self.status, OrderStatus::Delivered | OrderStatus::Cancelled | OrderStatus::Refunded) && due_steps(self).is_empty()
    }

    /// Removes the texts of people.
    pub fn forget_notes(&mut self) {
        let parts = self.fulfilments.iter_mut().filter_map(|part| part.cancellation.as_mut());
        for cancellation in self.saga.cancellation.as_mut().into_iter().chain(parts) {
            cancellation.note = None;
        }
    }

    /// Whether a cancellation was requested and shipping has not answered yet.
    #[must_use]
    pub fn is_cancellation_pending(&self) -> bool {
        self.status == OrderStatus::Confirmed && self.saga.cancellation.is_some()
    }

    /// Returns when an order in PAYMENT_FAILED is cancelled unless it is paid again.
    #[must_use]
    pub fn payment_deadline(&self) -> Option<Timestamp> {
        self.saga.payable_until.filter(|_| self.status == OrderStatus::PaymentFailed)
    }

    /// Applies a fact, and returns the status changes that follow. A reply and an event carry the same fact: the first one
    /// counts, the other changes nothing. A fact that comes too late for the status still updates what is held, so that it is
    /// released.
    ///
    /// # Errors
    /// [`IllegalTransition`] when the transition table has no row for the fact; then the order is unchanged.
    pub fn apply(
        &mut self,
        fact: &Fact,
        payable_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<StatusChange>, IllegalTransition<OrderStatus>> {
        let before = self.clone();
        let mut changes = Vec::new();
        if let Err(illegal) = self.apply_fact(fact, payable_until, &mut changes) {
            *self = before;
            return Err(illegal);
        }
        if *self != before {
            self.updated_at = now;
        }
        Ok(changes)
    }

    fn apply_fact(&mut self, fact: &Fact, payable_until: Timestamp, changes: &mut Vec<StatusChange>) -> Applied {
        match fact {
            Fact::PaymentCreated(id) => self.payment_created(*id),
            Fact::PaymentAuthorized(id) => self.payment_authorized(*id, changes)?,
            Fact::PaymentFailed(id, failure) => self.payment_failed(*id, failure.clone(), payable_until, changes)?,
            Fact::PaymentCaptured(id) => self.payment_captured(*id, changes)?,
            Fact::PaymentVoided(id) => self.payment_voided(*id, payable_until, changes)?,
            Fact::PaymentPartlyRefunded(id, so_far) => self.payment_partly_refunded(*id, *so_far),
            Fact::PaymentRefunded(id) => self.payment_refunded(*id, changes)?,
            Fact::RefundRefused { payment_id, attempt, after } => self.refund_refused(*payment_id, *attempt, *after),
            Fact::StockReserved(id) => self.stock_reserved(*id, changes)?,
            Fact::OutOfStock(attempt) => self.out_of_stock(*attempt, changes)?,
            Fact::StockConfirmed(id) => self.stock_confirmed(*id, changes)?,
            Fact::StockReleased(id) | Fact::StockExpired(id) => self.reservation_ended(*id, changes)?,
            Fact::StockReturned(id) => self.stock_returned(*id),
            Fact::PartRefunded { payment_id, cause_id, refunded_amount } => self.part_refunded(*payment_id, *cause_id, *refunded_amount),
            Fact::PartRefundRefused { cause_id, attempt, after } => self.part_refund_refused(*cause_id, *attempt, *after),
            Fact::GoodsReturned { return_id, refund_amount, units } => self.goods_returned(*return_id, *refund_amount, units),
            Fact::ReturnRestocked(id) => self.return_restocked(*id),
            Fact::PartStockReturned(id) => self.part_stock_returned(*id),
            Fact::ShipmentCreated { fulfilment_id, shipment_id, carrier, tracking_number } => {
                self.shipment_created(*fulfilment_id, *shipment_id, carrier, tracking_number);
            }
            Fact::ShipmentUpdated(id, status, label) => self.shipment_updated(*id, *status, label.as_ref(), changes)?,
            Fact::ShipmentCancelled(id) => self.shipment_cancelled(*id, changes)?,
            Fact::ShipmentAlreadySent(id) => self.keep_shipment(*id, changes)?,
        }
        self.shipping = self.overall_shipping();
        Ok(())
    }

    /// Cancels for the customer or an administrator. For a CONFIRMED order this is a request that shipping decides, because the
    /// goods may have left already. A repeated cancellation changes nothing.
    ///
    /// # Errors
    /// [`IllegalTransition`] once the order was shipped, in part or whole, or refunded.
    pub fn cancel(
        &mut self,
        reason: CancelReason,
        note: Option<String>,
        now: Timestamp,
    ) -> Result<Option<StatusChange>, IllegalTransition<OrderStatus>> {
        if self.status == OrderStatus::Cancelled || self.is_cancellation_pending() {
            return Ok(None);
        }
        let cancellation = Cancellation { reason, note };
        let change = if self.status == OrderStatus::Confirmed {
            if self.fulfilments.iter().any(|part| part.status.has_shipped()) {
                return Err(IllegalTransition { from: self.status, fact: OrderFact::CancelRequested });
            }
            self.request_cancellation(Some(&cancellation));
            None
        } else {
            Some(self.change_status(ChangeCause::CancelRequested(cancellation.clone()))?)
        };
        self.saga.cancellation = Some(cancellation);
        self.updated_at = now;
        Ok(change)
    }

    /// Pays again with `method`: another payment is due, and another reservation unless one is held.
    ///
    /// # Errors
    /// [`IllegalTransition`] unless the order is in PAYMENT_FAILED.
    pub fn pay_again(&mut self, method: PaymentMethod, now: Timestamp) -> Result<StatusChange, IllegalTransition<OrderStatus>> {
        let change = self.change_status(ChangeCause::PaymentRetried)?;
        self.payment_method = method;
        self.failure = None;
        self.saga.start_next_payment();
        // A reservation that is held is kept. One whose outcome is not known is made anew under the next key, because the old
        // key may hold a refusal; if it was granted, inventory answers the new call with it.
        if matches!(self.saga.stock, StockState::Due | StockState::Released) {
            self.saga.start_next_reservation();
        }
        self.updated_at = now;
        Ok(change)
    }

    /// Cancels an order whose time to pay again is over. Returns `None` if it is not over, or in any other status.
    pub fn cancel_if_overdue(&mut self, now: Timestamp) -> Option<StatusChange> {
        self.payment_deadline().filter(|deadline| *deadline <= now)?;
        let change = self.change_status(ChangeCause::RetryWindowClosed).ok()?;
        self.updated_at = now;
        Some(change)
    }

    /// Makes the capture due once the payment and the reservation both hold.
    pub(super) fn check_ready_to_capture(&mut self, changes: &mut Vec<StatusChange>) -> Applied {
        let payment = self.saga.payment_in(PaymentState::Authorized).or(self.saga.payment_in(PaymentState::Captured));
        let Some(payment_id) = payment else { return Ok(()) };
        match (self.status, self.saga.reservation_in(StockState::Reserved)) {
            (OrderStatus::PendingPayment | OrderStatus::PaymentAuthorized, Some(reservation_id)) => {
                self.saga.capture_was_due = true;
                changes.push(self.change_status(ChangeCause::ReadyToCapture { payment_id, reservation_id })?);
            }
            (OrderStatus::PendingPayment, None) => changes.push(self.change_status(ChangeCause::PaymentAuthorized { payment_id })?),
            _ => {}
        }
        Ok(())
    }

    /// Confirms the order once the payment is captured and the stock confirmed.
    pub(super) fn check_confirmed(&mut self, changes: &mut Vec<StatusChange>) -> Applied {
        let (payment, reservation) = (self.saga.payment_in(PaymentState::Captured), self.saga.reservation_in(StockState::Confirmed));
        if let (OrderStatus::InventoryReserved, Some(payment_id), Some(reservation_id)) = (self.status, payment, reservation) {
            self.take_by_all(FulfilmentFact::Confirmed);
            changes.push(self.change_status(ChangeCause::Confirmed { payment_id, reservation_id })?);
        }
        Ok(())
    }

    /// Changes the status as the transition table says.
    pub(super) fn change_status(&mut self, cause: ChangeCause) -> Result<StatusChange, IllegalTransition<OrderStatus>> {
        let from = self.status;
        self.status = from.transition(cause.fact())?;
        if from == OrderStatus::Confirmed && self.status != from {
            // The shipments exist by now, or none will be made.
            self.fulfilments.iter_mut().for_each(|part| part.shipping.pending = false);
        }
        if self.status == OrderStatus::Cancelled {
            self.take_by_all(FulfilmentFact::Cancelled);
            let why = cause.cancellation();
            for part in self.fulfilments.iter_mut().filter(|part| part.cancellation.is_none()) {
                part.cancellation.clone_from(&why);
            }
        }
        self.shipping = self.overall_shipping();
        let position = self.timeline_length;
        self.timeline_length += 1;
        Ok(StatusChange { from, to: self.status, position, cause })
    }
}

/// Returns the number that people quote: ten letters and digits that are hard to confuse, made of `random` bytes.
#[must_use]
pub fn order_number(random: [u8; 10]) -> String {
    const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let letters: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    format!("{}-{}", &letters[..5], &letters[5..])
}
