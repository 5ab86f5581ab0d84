//! The rules for one order and what other services store for it. No database, no clock.
//!
//! Codes in the findings: M for money, S for stock and shipments, O for orders.

use contracts::{
    ids::OrderId,
    money::Money,
    order::{FulfilmentStatus, OrderItem, OrderStatus},
    payment::PaymentStatus,
    shipping::ShipmentStatus,
    time::Timestamp,
};
use inventory::OrderUnits;
use order::{
    OrderRecord,
    domain::{PartStock, Step},
};
use payment::OrderPayment;
use shipping::OrderShipment;
use std::{collections::BTreeMap, time::Duration};

/// How long an order may take to reach a resting state.
const MAX_UNSETTLED: Duration = Duration::from_secs(15 * 60);

/// One order with its payments, its live reservations and its shipments.
pub struct OrderCase<'a> {
    pub record: &'a OrderRecord,
    pub payments: &'a [OrderPayment],
    pub units: &'a [OrderUnits],
    pub parcels: &'a [OrderShipment],
}

/// Sentences about one order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Faults in the order's own data, which was read in one snapshot.
    pub own: Vec<String>,
    /// Mismatches between services, whose data was read one after the other.
    pub between: Vec<String>,
    /// What is still being done.
    pub in_progress: Vec<String>,
}

impl OrderCase<'_> {
    /// Checks M1, M2, S3, S4, O2 and the rules of the order itself.
    pub fn check(&self, now: Timestamp) -> Findings {
        let mut findings = Findings { own: self.record.faults(), ..Findings::default() };
        if self.record.is_imported() {
            if !self.payments.is_empty() || !self.units.is_empty() {
                findings.between.push("was imported as completed, but has payments or units (M1, S3)".into());
            }
        } else {
            match self.status() {
                OrderStatus::PendingPayment | OrderStatus::PaymentAuthorized | OrderStatus::InventoryReserved => {
                    self.check_progress(now, &mut findings);
                    findings.between.extend(self.wrong_units(true));
                }
                OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered => {
                    findings.between.extend(self.wrong_payments(PaymentStatus::Captured));
                    // Goods that came back may be on sale again.
                    findings.between.extend(self.wrong_units(self.record.order.saga.restock_requested));
                    self.note_due_steps(&mut findings);
                }
                // Units that left stay sold.
                OrderStatus::Refunded => {
                    findings.between.extend(self.wrong_payments(PaymentStatus::Refunded));
                    findings.between.extend(self.wrong_units(true));
                    findings.between.extend(self.unreturned_units());
                    self.note_due_steps(&mut findings);
                }
                OrderStatus::PaymentFailed | OrderStatus::Cancelled => self.check_released(&mut findings),
            }
            findings.between.extend(self.parcels.iter().filter_map(|parcel| self.wrong_parcel(parcel)));
        }
        let name = format!("order {} ({})", self.record.order.order_number, self.record.order.order_id);
        for text in findings.own.iter_mut().chain(&mut findings.between).chain(&mut findings.in_progress) {
            *text = format!("{name}: {text}");
        }
        findings
    }

    fn status(&self) -> OrderStatus {
        self.record.order.status
    }

    /// O2: it reaches a resting state in time.
    fn check_progress(&self, now: Timestamp, findings: &mut Findings) {
        let (status, since) = (self.status(), self.record.unsettled_since().unwrap_or(now));
        if now.since(since) > MAX_UNSETTLED {
            findings.own.push(format!("{status}, but unsettled since {since}{} (O2)", self.attempts()));
        } else {
            findings.in_progress.push(format!("{status}{}", self.attempts()));
        }
    }

    /// The number of attempts without progress.
    fn attempts(&self) -> String {
        match self.record.failed_attempts {
            0 => String::new(),
            1 => ", after 1 failed attempt".into(),
            attempts => format!(", after {attempts} failed attempts"),
        }
    }

    /// M1: its own payment has this status and the total as its amount, and no other payment holds money.
    fn wrong_payments(&self, wanted: PaymentStatus) -> Vec<String> {
        let (order, status) = (&self.record.order, self.status());
        let total = Money::new(order.totals.total_amount, order.currency);
        let (own, others): (Vec<_>, Vec<_>) = self.payments.iter().partition(|payment| Some(payment.payment_id) == order.saga.payment_id);
        let mut faults = Vec::new();
        match own.first() {
            None => faults.push(format!("{status}, but it has no payment (M1)")),
            Some(own) if own.status != wanted => {
                faults.push(format!("{status}, but its payment {} is {}, not {wanted} (M1)", own.payment_id, own.status));
            }
            Some(own) if money_of(own) != total => {
                faults.push(format!("{status} over {total}, but its payment {} is over {} (M1)", own.payment_id, money_of(own)));
            }
            Some(_) => {}
        }
        let second = others.iter().filter(|payment| holds_money(payment));
        faults.extend(second.map(|payment| {
            let (id, held, money) = (payment.payment_id, payment.status, money_of(payment));
            format!("{status}, but payment {id}, which is not its own, is {held} over {money} (M1)")
        }));
        faults
    }

    /// M2 and S3 of an order that ended without success: it holds neither money nor units, or a step that releases them is due.
    fn check_released(&self, findings: &mut Findings) {
        let (due, status) = (self.record.due_steps(), self.status());
        let money_is_due =
            |payment| due.iter().any(|step| matches!(step, Step::VoidPayment(id) | Step::RefundPayment(id) if *id == payment));
        let stock_is_due =
            |held| due.iter().any(|step| matches!(step, Step::ReleaseReservation(id) | Step::ReturnReservation(id) if *id == held));
        findings.in_progress.extend(due.iter().map(|step| format!("{status}, and {step} is due{}", self.attempts())));
        for payment in self.payments.iter().filter(|payment| !money_is_due(payment.payment_id)) {
            let (id, held, money) = (payment.payment_id, payment.status, money_of(payment));
            if payment.is_unsettled {
                findings.in_progress.push(format!("{status}, and payment {id} waits for an answer of the provider"));
            } else if holds_money(payment) {
                findings.between.push(format!("{status} with nothing due, but payment {id} is {held} over {money} (M2)"));
            }
        }
        for held in self.units.iter().filter(|held| !stock_is_due(held.reservation_id)) {
            let (id, units) = (held.reservation_id, describe(&sum(lines_of(held))));
            if held.is_sold {
                findings.between.push(format!("{status} with nothing due, but it has bought {units} (S3)"));
            } else {
                findings.in_progress.push(format!("{status}, and reservation {id} of {units} still has to expire"));
            }
        }
    }

    /// Notes the steps that are due: cancelling the shipment or returning its units.
    fn note_due_steps(&self, findings: &mut Findings) {
        let due = self.record.due_steps();
        findings.in_progress.extend(due.iter().map(|step| format!("{}, and {step} is due{}", self.status(), self.attempts())));
    }

    /// S4: the shipment of an active fulfilment is sent, that of a cancelled one is not, and the carrier respects a cancellation.
    fn wrong_parcel(&self, parcel: &OrderShipment) -> Option<String> {
        let OrderShipment { fulfilment_id, shipment_id, status, is_cancelled, contradiction, .. } = parcel;
        let is_away = |status| matches!(status, ShipmentStatus::InTransit | ShipmentStatus::Delivered);
        if let Some(reported) = contradiction.filter(|reported| is_away(*reported)) {
            return Some(format!("shipment {shipment_id} was cancelled, but the carrier reported it {reported} (S4)"));
        }
        let Some(part) = self.record.order.fulfilment(*fulfilment_id) else {
            return Some(format!("shipment {shipment_id} is of fulfilment {fulfilment_id}, which the order does not have (S4)"));
        };
        match (part.status, status) {
            (FulfilmentStatus::Cancelled, Some(away)) if is_away(*away) => {
                Some(format!("CANCELLED, but shipment {shipment_id} is {away} (S4)"))
            }
            (FulfilmentStatus::Cancelled, None | Some(ShipmentStatus::Created)) if !is_cancelled => {
                Some(format!("CANCELLED, but shipment {shipment_id} still has to be sent (S4)"))
            }
            (FulfilmentStatus::Confirmed | FulfilmentStatus::Shipped | FulfilmentStatus::Delivered, _)
                if *is_cancelled && self.status() != OrderStatus::Refunded && self.record.due_steps().is_empty() =>
            {
                Some(format!("{}, but shipment {shipment_id} was cancelled (S4)", self.status()))
            }
            _ => None,
        }
    }

    /// S3: a refunded order whose parcels never left has no units.
    fn unreturned_units(&self) -> Option<String> {
        let order = &self.record.order;
        let stayed = order.fulfilments.iter().all(|part| part.status == FulfilmentStatus::Cancelled) && self.record.due_steps().is_empty();
        let bought = sum(self.units.iter().filter(|held| held.is_sold).flat_map(lines_of));
        (stayed && !bought.is_empty())
            .then(|| format!("REFUNDED before its parcel left, with nothing due, but it has bought {} (S3)", describe(&bought)))
    }

    /// S3: its units are its items, once; or none, where that is allowed. Those of fulfilments that gave them back are left out, and
    /// those that are going to may be.
    fn wrong_units(&self, may_be_none: bool) -> Option<String> {
        let order = &self.record.order;
        let lines = |units: fn(PartStock, &OrderItem) -> u32| {
            let parts = order.fulfilments.iter();
            let lines = parts.flat_map(|part| part.items(&order.items).map(move |item| (item.sku.as_str(), units(part.stock, item))));
            sum(lines.filter(|(_, units)| *units > 0).map(|(sku, units)| (sku, i64::from(units))))
        };
        let mut least = lines(|stock, item| if stock == PartStock::Kept { item.quantity } else { 0 });
        // Units that a return wrote off stay bought when the rest of their fulfilment goes back on sale.
        let mut most = lines(|stock, item| if stock == PartStock::Returned { item.returned_quantity } else { item.quantity });
        for restock in &order.saga.return_restocks {
            for (sku, units) in order.restocked_by(restock) {
                for counts in [Some(&mut least), restock.is_done.then_some(&mut most)].into_iter().flatten() {
                    counts.entry(sku).and_modify(|count| *count = (*count - i64::from(units)).max(0));
                }
            }
        }
        let bought = sum(self.units.iter().filter(|held| held.is_sold).flat_map(lines_of));
        let within = |sku: &&str| {
            let count = |units: &BTreeMap<&str, i64>| units.get(sku).copied().unwrap_or_default();
            (count(&least)..=count(&most)).contains(&count(&bought))
        };
        let fits = most.keys().chain(bought.keys()).all(within) || (may_be_none && bought.values().all(|units| *units == 0));
        (!fits).then(|| format!("{} over {}, but it has bought {} (S3)", self.status(), describe(&most), describe(&bought)))
    }
}

/// Sentences about payments, units and a shipment of an order that does not exist.
pub fn without_order(id: OrderId, payments: &[OrderPayment], units: &[OrderUnits], parcels: &[OrderShipment]) -> Vec<String> {
    let shipment =
        parcels.iter().filter(|parcel| !parcel.is_cancelled).map(|parcel| format!("shipment {} is not cancelled (S4)", parcel.shipment_id));
    let payments = payments
        .iter()
        .filter(|payment| holds_money(payment))
        .map(|payment| format!("payment {} is {} (M3)", payment.payment_id, payment.status));
    let units = units.iter().map(|held| format!("reservation {} holds {} (S3)", held.reservation_id, describe(&sum(lines_of(held)))));
    payments.chain(units).chain(shipment).map(|text| format!("order {id}: does not exist, but {text}")).collect()
}

fn holds_money(payment: &OrderPayment) -> bool {
    matches!(payment.status, PaymentStatus::Authorized | PaymentStatus::Captured)
}

fn money_of(payment: &OrderPayment) -> Money {
    Money::new(payment.amount, payment.currency)
}

fn lines_of(held: &OrderUnits) -> impl Iterator<Item = (&str, i64)> {
    held.lines.iter().map(|(sku, quantity)| (sku.as_str(), *quantity))
}

/// Units by SKU.
fn sum<'a>(lines: impl Iterator<Item = (&'a str, i64)>) -> BTreeMap<&'a str, i64> {
    let mut units = BTreeMap::new();
    for (sku, quantity) in lines {
        *units.entry(sku).or_insert(0) += quantity;
    }
    units
}

fn describe(units: &BTreeMap<&str, i64>) -> String {
    match units.is_empty() {
        true => "nothing".into(),
        false => units.iter().map(|(sku, quantity)| format!("{quantity} of {sku}")).collect::<Vec<_>>().join(", "),
    }
}
