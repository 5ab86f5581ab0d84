//! A model of payment, inventory and shipping in memory. It keeps one payment and one reservation per attempt, as the real
//! services do by their idempotency keys.

use crate::domain::{Fact, Fulfilment, Order, SagaState, Step, Totals};
use contracts::{
    ids::{CartId, OrderId, PaymentId, ReservationId, Uuid},
    money::Currency,
    order::{OrderItem, OrderShipping, OrderStatus},
    payment::PaymentMethod,
    problem::{Code, Failure},
    shipping::ShipmentStatus,
    time::Timestamp,
    user::AddressSnapshot,
};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Money {
    Initiated,
    Authorized,
    Captured,
    Failed,
    Voided,
    Refunded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stock {
    Active,
    Sold,
    Released,
    Expired,
    Returned,
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallResult {
    /// It works, and the reply arrives.
    Works,
    /// It works, but the reply is lost, and only the event arrives.
    ReplyLost,
    /// The upstream refuses, if it can refuse this call.
    Refused,
    /// The upstream was not reached.
    NotReached,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parcel {
    /// The carrier does not have it yet.
    #[default]
    Waiting,
    Collected,
    /// It will never be sent.
    Cancelled,
}

#[derive(Default)]
pub struct UpstreamModel {
    pub payments: BTreeMap<u32, (PaymentId, Money)>,
    /// By attempt.
    pub reservations: BTreeMap<u32, (ReservationId, Stock)>,
    /// The answer to each attempt to reserve: a reservation, or a refusal. The key keeps it.
    reserved: BTreeMap<u32, Option<ReservationId>>,
    pub parcel: Parcel,
    /// The facts of all events. Any of them may be delivered again, late.
    pub emitted: Vec<Fact>,
}

pub fn id<T: From<Uuid>>(kind: u8, number: u32) -> T {
    let mut bytes = [0; 16];
    bytes[0] = kind;
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    Uuid::from_bytes(bytes).into()
}

pub fn address() -> AddressSnapshot {
    AddressSnapshot {
        country: "DE".into(),
        state: String::new(),
        city: "Berlin".into(),
        zip: "10115".into(),
        street: "Invalidenstr.".into(),
        number: "1".into(),
        complement: String::new(),
        ..AddressSnapshot::default()
    }
}

/// Two lamps of the shop.
pub fn item() -> OrderItem {
    OrderItem {
        order_item_id: id(5, 1),
        product_id: id(6, 1),
        sku: "LAMP-1".into(),
        title_snapshot: "Lamp".into(),
        unit_price_snapshot: 1_000,
        quantity: 2,
        line_total_amount: 2_000,
        image_url: None,
        seller_id: None,
        discount_amount: 0,
        seller_discount_amount: 0,
        tax_amount: 0,
        tax_basis_points: None,
        returned_quantity: 0,
    }
}

pub fn order() -> Order {
    let items = vec![item()];
    let fulfilment = Fulfilment::new(id(1, 1), None, 490);
    Order {
        fulfilments: vec![fulfilment],
        order_id: id::<OrderId>(1, 1),
        order_number: "ABCDE-FGHJK".into(),
        user_id: id(2, 1),
        cart_id: id::<CartId>(3, 1),
        status: OrderStatus::PendingPayment,
        currency: Currency::EUR,
        items,
        totals: Totals {
            subtotal_amount: 2_000,
            shipping_amount: 490,
            tax_amount: 0,
            discount_amount: 0,
            total_amount: 2_490,
            prices_include_tax: false,
        },
        payment_method: PaymentMethod::Ok,
        shipping_address: address(),
        billing_address: address(),
        saga: SagaState::new(),
        shipping: OrderShipping::default(),
        failure: None,
        external_id: None,
        metadata: BTreeMap::new(),
        timeline_length: 1,
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
    }
}

impl UpstreamModel {
    /// Makes a call for `order`, and returns the facts of its reply. Everything that it changed is emitted too.
    pub fn call(&mut self, order: &Order, step: Step, result: CallResult) -> Vec<Fact> {
        if result == CallResult::NotReached {
            return Vec::new();
        }
        let facts = self.effect(order, step, result == CallResult::Refused);
        // These two facts are only replies, and have no event.
        self.emitted.extend(facts.iter().filter(|fact| !matches!(fact, Fact::OutOfStock(_) | Fact::ShipmentAlreadySent(_))).cloned());
        if result == CallResult::ReplyLost { Vec::new() } else { facts }
    }

    fn effect(&mut self, order: &Order, step: Step, refuse: bool) -> Vec<Fact> {
        let declined = || Failure::from(Code::PAYMENT_DECLINED);
        match step {
            Step::AuthorizePayment => {
                let attempt = order.saga.payment_attempt;
                let (payment, money) = self.payments.entry(attempt).or_insert((id(7, attempt), Money::Initiated));
                if *money == Money::Initiated {
                    *money = if refuse { Money::Failed } else { Money::Authorized };
                }
                match *money {
                    Money::Authorized => vec![Fact::PaymentAuthorized(*payment)],
                    Money::Failed => vec![Fact::PaymentFailed(*payment, declined())],
                    Money::Voided => vec![Fact::PaymentVoided(*payment)],
                    Money::Captured => vec![Fact::PaymentCaptured(*payment)],
                    Money::Refunded => vec![Fact::PaymentRefunded(*payment)],
                    Money::Initiated => vec![],
                }
            }
            Step::CapturePayment(payment) => match self.money(payment) {
                money @ Money::Authorized => {
                    *money = if refuse { Money::Failed } else { Money::Captured };
                    if refuse { vec![Fact::PaymentFailed(payment, declined())] } else { vec![Fact::PaymentCaptured(payment)] }
                }
                Money::Captured => vec![Fact::PaymentCaptured(payment)],
                Money::Failed => vec![Fact::PaymentFailed(payment, declined())],
                _ => vec![],
            },
            Step::VoidPayment(payment) => match self.money(payment) {
                money @ (Money::Initiated | Money::Authorized | Money::Voided) => {
                    *money = Money::Voided;
                    vec![Fact::PaymentVoided(payment)]
                }
                // It was captured meanwhile, so a refund is due.
                Money::Captured => vec![Fact::PaymentCaptured(payment)],
                Money::Failed => vec![Fact::PaymentFailed(payment, declined())],
                Money::Refunded => vec![Fact::PaymentRefunded(payment)],
            },
            Step::RefundPayment(payment) => match self.money(payment) {
                money @ (Money::Captured | Money::Refunded) => {
                    *money = Money::Refunded;
                    vec![Fact::PaymentRefunded(payment)]
                }
                _ => vec![],
            },
            Step::ReserveStock => {
                let attempt = order.saga.reservation_attempt;
                let stored = self.reserved.get(&attempt).copied();
                let answered = stored.unwrap_or_else(|| self.make_reservation(attempt, refuse));
                self.reserved.insert(attempt, answered);
                vec![answered.map_or(Fact::OutOfStock(attempt), Fact::StockReserved)]
            }
            Step::ConfirmReservation(reservation) => match self.stock(reservation) {
                stock @ (Stock::Active | Stock::Sold) => {
                    *stock = Stock::Sold;
                    vec![Fact::StockConfirmed(reservation)]
                }
                _ => vec![Fact::StockExpired(reservation)],
            },
            Step::ReleaseReservation(reservation) => {
                let stock = self.stock(reservation);
                if *stock == Stock::Active {
                    *stock = Stock::Released;
                }
                if *stock == Stock::Sold { vec![Fact::StockConfirmed(reservation)] } else { vec![Fact::StockReleased(reservation)] }
            }
            Step::ReturnReservation(reservation) => {
                *self.stock(reservation) = Stock::Returned;
                vec![Fact::StockReturned(reservation)]
            }
            Step::RefundPart(payment_id, cause_id) => vec![Fact::PartRefunded { payment_id, cause_id, refunded_amount: 0 }],
            Step::RestockReturn(_, return_id) => vec![Fact::ReturnRestocked(return_id)],
            Step::ReturnPart(_, part) => vec![Fact::PartStockReturned(part)],
            Step::CancelShipment(part) if self.parcel == Parcel::Collected => vec![Fact::ShipmentAlreadySent(part)],
            Step::CancelShipment(part) => {
                self.parcel = Parcel::Cancelled;
                vec![Fact::ShipmentCancelled(part)]
            }
        }
    }

    /// An administrator changes the newest payment, if it allows that.
    pub fn administer(&mut self, wanted: Money) {
        let Some((payment, money)) = self.payments.values_mut().next_back() else { return };
        let fact = match (*money, wanted) {
            (Money::Initiated | Money::Authorized, Money::Voided) => Fact::PaymentVoided(*payment),
            (Money::Authorized, Money::Captured) => Fact::PaymentCaptured(*payment),
            (Money::Captured, Money::Refunded) => Fact::PaymentRefunded(*payment),
            _ => return,
        };
        *money = wanted;
        self.emitted.push(fact);
    }

    /// The carrier collects the parcel of a confirmed order, unless it was cancelled. The events arrive later.
    pub fn collect(&mut self) {
        if self.parcel == Parcel::Waiting {
            self.parcel = Parcel::Collected;
            let (shipment_id, carrier, tracking_number) = (id(10, 1), "MOCK".into(), "T1".into());
            self.emitted.push(Fact::ShipmentCreated { fulfilment_id: id(1, 1), shipment_id, carrier, tracking_number });
            self.emitted.push(Fact::ShipmentUpdated(shipment_id, ShipmentStatus::InTransit, None));
        }
    }

    /// Returns the active reservation of any attempt, or makes one.
    fn make_reservation(&mut self, attempt: u32, refuse: bool) -> Option<ReservationId> {
        if let Some((active, _)) = self.reservations.values().find(|(_, stock)| *stock == Stock::Active) {
            return Some(*active);
        }
        if refuse {
            return None;
        }
        self.reservations.insert(attempt, (id(8, attempt), Stock::Active));
        Some(id(8, attempt))
    }

    /// Expires the active reservations.
    pub fn expire(&mut self) {
        for (reservation, stock) in self.reservations.values_mut().filter(|(_, stock)| *stock == Stock::Active) {
            *stock = Stock::Expired;
            self.emitted.push(Fact::StockExpired(*reservation));
        }
    }

    fn money(&mut self, payment: PaymentId) -> &mut Money {
        &mut self.payments.values_mut().find(|(id, _)| *id == payment).expect("the payment exists").1
    }

    fn stock(&mut self, reservation: ReservationId) -> &mut Stock {
        &mut self.reservations.values_mut().find(|(id, _)| *id == reservation).expect("the reservation exists").1
    }

    pub fn count_money(&self, wanted: Money) -> usize {
        self.payments.values().filter(|(_, money)| *money == wanted).count()
    }

    pub fn count_stock(&self, wanted: Stock) -> usize {
        self.reservations.values().filter(|(_, stock)| *stock == wanted).count()
    }
}
