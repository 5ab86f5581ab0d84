//! What is true of an order: its sums, its transitions, and what is due next. No async, no I/O, no clock.
//!
//! The status is one of the published table. Beside it the order keeps how far its money and its stock are, because
//! authorization and reservation run side by side and a cancelled order still has to let go of both.

mod saga_state;

pub use saga_state::{Cancellation, PaymentState, SagaState, ShipmentState, StockState};

use contracts::{
    ids::{CartId, OrderId, PaymentId, ReservationId, ShipmentId, UserId},
    machine::{IllegalTransition, Machine},
    money::{Currency, Money, MoneyError},
    order::{CancelReason, OrderFact, OrderItem, OrderShipping, OrderStatus, TimelineEntry},
    payment::PaymentMethod,
    problem::{Code, Failure},
    shipping::ShipmentStatus,
    time::Timestamp,
    user::AddressSnapshot,
};
use serde::{Deserialize, Serialize};

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
    pub totals: Totals,
    pub payment_method: PaymentMethod,
    pub shipping_address: AddressSnapshot,
    pub billing_address: AddressSnapshot,
    pub saga: SagaState,
    pub shipping: OrderShipping,
    pub failure: Option<Failure>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What an order costs, in minor units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    pub subtotal_amount: i64,
    pub shipping_amount: i64,
    pub tax_amount: i64,
    pub discount_amount: i64,
    pub total_amount: i64,
}

impl Totals {
    /// Sums the lines; the tax is `tax_basis_points` of goods and shipping, and comes on top.
    ///
    /// # Errors
    /// [`MoneyError`] for a mix of currencies or an amount past every bound.
    pub fn of(items: &[OrderItem], shipping: Money, discount: Money, tax_basis_points: u32) -> Result<Totals, MoneyError> {
        let currency = shipping.currency;
        let subtotal = Money::sum(currency, items.iter().map(|item| Money::new(item.line_total_amount, currency)))?;
        let taxed = subtotal.minus(discount)?.plus(shipping)?;
        let tax = taxed.basis_points(tax_basis_points)?;
        Ok(Totals {
            subtotal_amount: subtotal.minor,
            shipping_amount: shipping.minor,
            tax_amount: tax.minor,
            discount_amount: discount.minor,
            total_amount: taxed.plus(tax)?.minor,
        })
    }
}

/// Something that happened outside, however it was learned: by the reply to a call or by an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    PaymentCreated(PaymentId),
    PaymentAuthorized(PaymentId),
    PaymentFailed(PaymentId, Failure),
    PaymentCaptured(PaymentId),
    PaymentVoided(PaymentId),
    /// A part of the captured money was given back: this much so far.
    PaymentPartlyRefunded(PaymentId, i64),
    /// All of the captured money was given back.
    PaymentRefunded(PaymentId),
    /// The provider would not give the money back. The first time is `attempt` 0; it is asked again `after` an instant.
    RefundRefused {
        payment_id: PaymentId,
        attempt: u32,
        after: Timestamp,
    },
    StockReserved(ReservationId),
    /// What this attempt to reserve wants is not there.
    OutOfStock(u32),
    StockConfirmed(ReservationId),
    StockReleased(ReservationId),
    StockExpired(ReservationId),
    StockReturned(ReservationId),
    ShipmentCreated {
        shipment_id: ShipmentId,
        carrier: String,
        tracking_number: String,
    },
    ShipmentUpdated(ShipmentId, ShipmentStatus),
    /// Shipping said that the parcel never leaves.
    ShipmentCancelled,
    /// Shipping said that the parcel left before it was recalled.
    ShipmentAlreadySent,
}

/// A call that is due. Repeating it is harmless: each goes under a key of the order and the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Make the payment and have it authorized.
    AuthorizePayment,
    ReserveStock,
    CapturePayment(PaymentId),
    ConfirmReservation(ReservationId),
    VoidPayment(PaymentId),
    RefundPayment(PaymentId),
    ReleaseReservation(ReservationId),
    ReturnReservation(ReservationId),
    /// Have the parcel recalled.
    CancelShipment,
}

/// A transition that happened, to be recorded and announced once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    pub from: OrderStatus,
    pub to: OrderStatus,
    pub fact: OrderFact,
    pub reason: Option<String>,
}

impl StatusChange {
    #[must_use]
    pub fn timeline_entry(&self, now: Timestamp) -> TimelineEntry {
        TimelineEntry { status: self.to, occurred_at: now, reason: self.reason.clone() }
    }
}

/// The calls that are due for `order`, in no order among them.
#[must_use]
pub fn due_steps(order: &Order) -> Vec<Step> {
    let saga = &order.saga;
    let mut steps = Vec::new();
    match order.status {
        OrderStatus::PendingPayment | OrderStatus::PaymentAuthorized => {
            if saga.payment == PaymentState::Due {
                steps.push(Step::AuthorizePayment);
            }
            if saga.stock == StockState::Due {
                steps.push(Step::ReserveStock);
            }
        }
        OrderStatus::InventoryReserved => match (saga.payment, saga.payment_id, saga.reservation_id) {
            (PaymentState::Authorized, Some(payment), _) => steps.push(Step::CapturePayment(payment)),
            // Stock is sold only for money that is ours.
            (PaymentState::Captured, _, Some(reservation)) if saga.stock == StockState::Reserved => {
                steps.push(Step::ConfirmReservation(reservation))
            }
            _ => {}
        },
        // Ended without success: let go of money and stock, whatever is held or may turn out to be.
        OrderStatus::PaymentFailed | OrderStatus::Cancelled => {
            if let Some(payment) = saga.payment_id {
                match saga.payment {
                    PaymentState::Due | PaymentState::Authorized => steps.push(Step::VoidPayment(payment)),
                    PaymentState::Captured => steps.push(Step::RefundPayment(payment)),
                    PaymentState::Released => {}
                }
            }
            steps.extend(release_step(saga));
        }
        // Shipping says whether the goods stay here: before the money is given back, or after it was.
        OrderStatus::Confirmed | OrderStatus::Refunded if saga.shipment == ShipmentState::CancelRequested => {
            steps.push(Step::CancelShipment)
        }
        OrderStatus::Refunded if saga.shipment == ShipmentState::Cancelled => steps.extend(release_step(saga)),
        OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded => {}
    }
    steps
}

fn release_step(saga: &SagaState) -> Option<Step> {
    let reservation = saga.reservation_id?;
    match saga.stock {
        StockState::Reserved => Some(Step::ReleaseReservation(reservation)),
        StockState::Confirmed => Some(Step::ReturnReservation(reservation)),
        StockState::Due | StockState::Released => None,
    }
}

/// Whether an order in this status waits for nothing but people, parcels or time.
#[must_use]
pub fn is_settled(status: OrderStatus) -> bool {
    !matches!(status, OrderStatus::PendingPayment | OrderStatus::PaymentAuthorized | OrderStatus::InventoryReserved)
}

impl Order {
    /// Whether the order waits for nothing but people, parcels or time.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        is_settled(self.status)
    }

    /// Whether somebody wants it cancelled and shipping has not said yet whether that is still possible.
    #[must_use]
    pub fn is_cancellation_pending(&self) -> bool {
        self.status == OrderStatus::Confirmed && self.saga.cancellation.is_some()
    }

    /// The instant from which a step by time alone is due.
    #[must_use]
    pub fn payment_deadline(&self) -> Option<Timestamp> {
        self.saga.payable_until.filter(|_| self.status == OrderStatus::PaymentFailed)
    }

    /// Takes in a fact. A reply and the event that announces the same go through here alike: whichever comes first
    /// counts, the other changes nothing. A fact that comes too late for the status still updates what is held, so
    /// that it is let go.
    ///
    /// # Errors
    /// [`IllegalTransition`] when the published table has no row for what this fact means; then nothing was changed.
    pub fn apply(
        &mut self,
        fact: &Fact,
        pay_again_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<StatusChange>, IllegalTransition<OrderStatus>> {
        let before = self.clone();
        let mut changes = Vec::new();
        match self.apply_fact(fact, pay_again_until, &mut changes) {
            Ok(()) => {
                if *self != before {
                    self.updated_at = now;
                }
                Ok(changes)
            }
            Err(illegal) => {
                *self = before;
                Err(illegal)
            }
        }
    }

    fn apply_fact(
        &mut self,
        fact: &Fact,
        pay_again_until: Timestamp,
        changes: &mut Vec<StatusChange>,
    ) -> Result<(), IllegalTransition<OrderStatus>> {
        match fact {
            Fact::PaymentCreated(id) => {
                self.saga.accept_payment_id(*id);
            }
            Fact::PaymentAuthorized(id) if self.saga.accept_payment_id(*id) && self.saga.payment == PaymentState::Due => {
                self.saga.payment = PaymentState::Authorized;
                self.check_ready_to_capture(changes)?;
            }
            Fact::PaymentFailed(id, failure) if self.saga.accept_payment_id(*id) && self.saga.payment != PaymentState::Released => {
                let fact = if self.status == OrderStatus::InventoryReserved { OrderFact::CaptureFailed } else { OrderFact::PaymentFailed };
                self.saga.payment = PaymentState::Released;
                if !self.is_settled() {
                    self.failure = Some(failure.clone());
                    self.saga.payable_until = Some(pay_again_until);
                    self.change_status(fact, Some(failure.code.clone()), changes)?;
                }
            }
            Fact::PaymentCaptured(id)
                if self.saga.accept_payment_id(*id) && matches!(self.saga.payment, PaymentState::Due | PaymentState::Authorized) =>
            {
                self.saga.payment = PaymentState::Captured;
                self.check_ready_to_capture(changes)?;
                self.check_confirmed(changes)?;
            }
            Fact::PaymentVoided(id) if self.saga.accept_payment_id(*id) && self.saga.payment != PaymentState::Released => {
                self.saga.payment = PaymentState::Released;
                if !self.is_settled() {
                    // Somebody else gave the payment up under us.
                    let failure = Failure { retryable: true, ..Failure::from(Code::PAYMENT_DECLINED) };
                    self.saga.payable_until = Some(pay_again_until);
                    self.change_status(OrderFact::PaymentFailed, Some(failure.code.clone()), changes)?;
                    self.failure = Some(failure);
                }
            }
            // The status stays: the customer keeps the goods.
            Fact::PaymentPartlyRefunded(id, so_far) if self.saga.accept_payment_id(*id) => {
                self.saga.refunded_amount = self.saga.refunded_amount.max(*so_far);
            }
            Fact::PaymentRefunded(id) if self.saga.accept_payment_id(*id) && self.saga.payment != PaymentState::Released => {
                self.saga.payment = PaymentState::Released;
                self.saga.refunded_amount = self.totals.total_amount;
                self.failure.take_if(|failure| failure.code == Code::REFUND_FAILED.as_str());
                self.apply_full_refund(changes)?;
            }
            // Two that led the order at once learn of the same refusal.
            Fact::RefundRefused { payment_id, attempt, after }
                if self.saga.accept_payment_id(*payment_id)
                    && self.saga.payment == PaymentState::Captured
                    && *attempt == self.saga.refunds_refused =>
            {
                self.saga.refunds_refused += 1;
                self.saga.refund_after = Some(*after);
                self.failure = Some(Failure::from(Code::REFUND_FAILED));
            }
            Fact::StockReserved(id) if self.saga.accept_reservation_id(*id) && self.saga.stock == StockState::Due => {
                self.saga.stock = StockState::Reserved;
                self.check_ready_to_capture(changes)?;
            }
            Fact::OutOfStock(attempt)
                if !self.is_settled() && self.saga.stock == StockState::Due && self.saga.reservation_attempt == *attempt =>
            {
                self.failure = Some(Failure::from(Code::INSUFFICIENT_STOCK));
                self.change_status(OrderFact::OutOfStock, Some(CancelReason::OutOfStock.as_str().to_owned()), changes)?;
            }
            Fact::StockConfirmed(id) if self.saga.accept_reservation_id(*id) && self.saga.stock != StockState::Released => {
                self.saga.stock = StockState::Confirmed;
                self.check_confirmed(changes)?;
            }
            Fact::StockReturned(id) if self.saga.accept_reservation_id(*id) => self.saga.stock = StockState::Released,
            // Expired while the payment hung, or released for a failure just before the customer paid again.
            Fact::StockExpired(id) | Fact::StockReleased(id)
                if self.saga.accept_reservation_id(*id) && self.saga.stock != StockState::Confirmed =>
            {
                if self.is_settled() {
                    self.saga.stock = StockState::Released;
                } else {
                    self.saga.start_next_reservation();
                    if self.status == OrderStatus::InventoryReserved {
                        self.change_status(OrderFact::ReservationLost, Some(Code::RESERVATION_EXPIRED.as_str().to_owned()), changes)?;
                    }
                }
            }
            Fact::ShipmentCreated { shipment_id, carrier, tracking_number } if self.shipping.shipment_id.is_none() => {
                self.shipping = OrderShipping {
                    status: Some(ShipmentStatus::Created),
                    shipment_id: Some(*shipment_id),
                    carrier: Some(carrier.clone()),
                    tracking_number: Some(tracking_number.clone()),
                    pending: false,
                };
            }
            Fact::ShipmentUpdated(id, status) if self.shipping.shipment_id == Some(*id) => {
                let known = self.shipping.status.unwrap_or(ShipmentStatus::Created);
                if status.rank() > known.rank() {
                    self.shipping.status = Some(*status);
                    self.shipment_was_sent();
                    match (status, self.status) {
                        // One that came back was on its way, whatever was heard of that.
                        (ShipmentStatus::InTransit | ShipmentStatus::Returned, OrderStatus::Confirmed) => {
                            self.change_status(OrderFact::Shipped, None, changes)?;
                        }
                        (ShipmentStatus::Delivered, OrderStatus::Confirmed | OrderStatus::Shipped) => {
                            self.change_status(OrderFact::Delivered, None, changes)?;
                        }
                        _ => {}
                    }
                }
            }
            Fact::ShipmentCancelled => {
                if self.shipping.shipment_id.is_some() {
                    self.shipping.status = Some(ShipmentStatus::Returned);
                }
                if self.saga.shipment == ShipmentState::CancelRequested {
                    self.saga.shipment = ShipmentState::Cancelled;
                    if let Some(Cancellation { reason, note }) = self.saga.cancellation.clone() {
                        self.change_status(OrderFact::CancelRequested, Some(note.unwrap_or_else(|| reason.as_str().to_owned())), changes)?;
                    }
                }
            }
            Fact::ShipmentAlreadySent => self.shipment_was_sent(),
            // Known already, or about what is over.
            _ => {}
        }
        Ok(())
    }

    /// All of the money was given back, by an administrator or because the order ended.
    fn apply_full_refund(&mut self, changes: &mut Vec<StatusChange>) -> Result<(), IllegalTransition<OrderStatus>> {
        match self.status {
            OrderStatus::Confirmed => {
                // Nobody pays for it any more: it stays here if it still can.
                self.saga.shipment = ShipmentState::CancelRequested;
                self.saga.cancellation = None;
                self.change_status(OrderFact::Refunded, None, changes)
            }
            OrderStatus::Shipped | OrderStatus::Delivered => self.change_status(OrderFact::Refunded, None, changes),
            // There will be no sale, and what is set aside for it has to be let go.
            OrderStatus::PendingPayment | OrderStatus::PaymentAuthorized | OrderStatus::InventoryReserved => {
                self.saga.cancellation = Some(Cancellation { reason: CancelReason::AdminRequest, note: None });
                self.change_status(OrderFact::CancelRequested, Some(CancelReason::AdminRequest.as_str().to_owned()), changes)
            }
            OrderStatus::PaymentFailed | OrderStatus::Cancelled | OrderStatus::Refunded => Ok(()),
        }
    }

    /// The parcel left: whoever wanted the order cancelled comes too late.
    fn shipment_was_sent(&mut self) {
        if self.saga.shipment == ShipmentState::CancelRequested {
            self.saga.shipment = ShipmentState::Active;
            self.saga.cancellation = None;
        }
    }

    /// Cancels on behalf of the customer or an administrator. Of an order that is CONFIRMED this is a wish, which shipping
    /// decides: it may have sent the parcel already.
    ///
    /// # Errors
    /// [`IllegalTransition`] once it has shipped, or was refunded. An order that is cancelled, or wanted to be, is left as it is, and
    /// nothing change.
    pub fn cancel(
        &mut self,
        reason: CancelReason,
        note: Option<String>,
        now: Timestamp,
    ) -> Result<Option<StatusChange>, IllegalTransition<OrderStatus>> {
        if self.status == OrderStatus::Cancelled || self.is_cancellation_pending() {
            return Ok(None);
        }
        let mut changes = Vec::new();
        if self.status == OrderStatus::Confirmed {
            self.saga.shipment = ShipmentState::CancelRequested;
        } else {
            self.change_status(OrderFact::CancelRequested, Some(note.clone().unwrap_or_else(|| reason.as_str().to_owned())), &mut changes)?;
        }
        self.saga.cancellation = Some(Cancellation { reason, note });
        self.updated_at = now;
        Ok(changes.pop())
    }

    /// Pays again with `method`: another payment is due, and another reservation unless one is held.
    ///
    /// # Errors
    /// [`IllegalTransition`] unless the order is in PAYMENT_FAILED.
    pub fn pay_again(&mut self, method: PaymentMethod, now: Timestamp) -> Result<StatusChange, IllegalTransition<OrderStatus>> {
        let mut changes = Vec::new();
        self.change_status(OrderFact::PaymentRetried, None, &mut changes)?;
        self.payment_method = method;
        self.failure = None;
        self.saga.past_payments.extend(self.saga.payment_id.take());
        self.saga.payment_attempt += 1;
        self.saga.payment = PaymentState::Due;
        self.saga.capture_was_due = false;
        self.saga.payable_until = None;
        (self.saga.refunds_refused, self.saga.refund_after) = (0, None);
        // Stock that is still held can be kept. What was let go is reserved anew; and what was asked for as well, since a
        // refusal of it may be kept and not heard. If it was granted, asking anew is answered with it.
        if matches!(self.saga.stock, StockState::Due | StockState::Released) {
            self.saga.start_next_reservation();
        }
        self.updated_at = now;
        Ok(changes.pop().expect("a transition that succeeded was recorded"))
    }

    /// Ends an order that was not paid in time. `None` when that time is not over, or the order is elsewhere.
    pub fn cancel_if_overdue(&mut self, now: Timestamp) -> Option<StatusChange> {
        self.payment_deadline().filter(|deadline| *deadline <= now)?;
        let mut changes = Vec::new();
        let reason = CancelReason::PaymentWindowClosed.as_str().to_owned();
        self.change_status(OrderFact::RetryWindowClosed, Some(reason), &mut changes).ok()?;
        self.updated_at = now;
        changes.pop()
    }

    /// Once money and stock both hold, the capture is due.
    fn check_ready_to_capture(&mut self, changes: &mut Vec<StatusChange>) -> Result<(), IllegalTransition<OrderStatus>> {
        let money = matches!(self.saga.payment, PaymentState::Authorized | PaymentState::Captured);
        let stock = self.saga.stock == StockState::Reserved;
        match self.status {
            OrderStatus::PendingPayment | OrderStatus::PaymentAuthorized if money && stock => {
                self.saga.capture_was_due = true;
                self.change_status(OrderFact::ReadyToCapture, None, changes)
            }
            OrderStatus::PendingPayment if money => self.change_status(OrderFact::PaymentAuthorized, None, changes),
            _ => Ok(()),
        }
    }

    fn check_confirmed(&mut self, changes: &mut Vec<StatusChange>) -> Result<(), IllegalTransition<OrderStatus>> {
        let done = self.saga.payment == PaymentState::Captured && self.saga.stock == StockState::Confirmed;
        if done && self.status == OrderStatus::InventoryReserved {
            self.shipping.pending = true;
            self.change_status(OrderFact::Confirmed, None, changes)?;
        }
        Ok(())
    }

    fn change_status(
        &mut self,
        fact: OrderFact,
        reason: Option<String>,
        changes: &mut Vec<StatusChange>,
    ) -> Result<(), IllegalTransition<OrderStatus>> {
        let from = self.status;
        self.status = from.transition(fact)?;
        if from == OrderStatus::Confirmed {
            // From here on nobody waits for a shipment to be made.
            self.shipping.pending = false;
        }
        changes.push(StatusChange { from, to: self.status, fact, reason });
        Ok(())
    }
}

/// The number people quote: ten letters and digits that cannot be confused, drawn from `chance`.
#[must_use]
pub fn order_number(chance: [u8; 10]) -> String {
    const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let letters: String = chance.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    format!("{}-{}", &letters[..5], &letters[5..])
}
