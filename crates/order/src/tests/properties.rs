//! The rules against random sequences of calls, events and requests.

use super::model::{CallResult, Money, Parcel, Stock, UpstreamModel, id, order};
use crate::domain::{Fact, Fulfilment, Order, StatusChange, Totals, due_steps, order_number, set_taxes};
use contracts::{
    machine::Machine,
    money::Currency,
    order::{CancelReason, OrderStatus},
    payment::PaymentMethod,
    tax::{TaxClass, Taxation},
    time::Timestamp,
};
use proptest::prelude::*;
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(3_600);

/// One thing that can happen.
#[derive(Debug, Clone)]
enum Action {
    /// One of the due calls is made.
    Call(usize, CallResult),
    /// The next event arrives.
    DeliverEvent,
    /// An event is delivered early or again.
    RedeliverEvent(usize),
    Expire,
    Cancel,
    /// The carrier comes, if the order is confirmed.
    Collect,
    /// An administrator voids, captures or refunds the payment.
    Administer(Money),
    PayAgain,
    WindowCloses,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let result = prop_oneof![6 => Just(CallResult::Works), 2 => Just(CallResult::ReplyLost), 1 => Just(CallResult::Refused), 2 => Just(CallResult::NotReached)];
    let action = prop_oneof![
        12 => (any::<prop::sample::Index>(), result).prop_map(|(at, result)| Action::Call(at.index(8), result)),
        6 => Just(Action::DeliverEvent),
        1 => any::<prop::sample::Index>().prop_map(|at| Action::RedeliverEvent(at.index(64))),
        1 => Just(Action::Expire),
        1 => Just(Action::Cancel),
        1 => Just(Action::Collect),
        2 => prop::sample::select(&[Money::Voided, Money::Captured, Money::Refunded][..]).prop_map(Action::Administer),
        2 => Just(Action::PayAgain),
        1 => Just(Action::WindowCloses),
    ];
    prop::collection::vec(action, 0..60)
}

/// An order, the model of its upstreams, and its status changes.
struct Scenario {
    order: Order,
    model: UpstreamModel,
    /// How many events were delivered in order.
    delivered: usize,
    changes: Vec<StatusChange>,
    now: Timestamp,
}

impl Scenario {
    fn new() -> Scenario {
        Scenario { order: order(), model: UpstreamModel::default(), delivered: 0, changes: Vec::new(), now: Timestamp(1_000_000) }
    }

    fn apply(&mut self, fact: &Fact) {
        let changes = self.order.apply(fact, self.now.after(WINDOW), self.now).expect("no fact of the model is illegal");
        self.changes.extend(changes);
    }

    fn deliver_next(&mut self) -> bool {
        let Some(fact) = self.model.emitted.get(self.delivered).cloned() else { return false };
        self.delivered += 1;
        self.apply(&fact);
        true
    }

    fn perform(&mut self, action: &Action) {
        self.now = self.now.after(Duration::from_secs(1));
        match action {
            Action::Call(at, result) => {
                let steps = due_steps(&self.order);
                if let Some(step) = steps.get(at % steps.len().max(1)) {
                    for fact in self.model.call(&self.order.clone(), *step, *result) {
                        self.apply(&fact);
                    }
                }
            }
            Action::DeliverEvent => {
                self.deliver_next();
            }
            Action::RedeliverEvent(at) => {
                if let Some(fact) = self.model.emitted.get(at % self.model.emitted.len().max(1)).cloned() {
                    self.apply(&fact);
                }
            }
            Action::Expire => self.model.expire(),
            Action::Cancel => {
                if let Ok(Some(change)) = self.order.cancel(CancelReason::CustomerRequest, None, self.now) {
                    self.changes.push(change);
                }
            }
            // Shipping knows an order only once it is confirmed.
            Action::Collect if self.changes.iter().any(|change| change.to == OrderStatus::Confirmed) => self.model.collect(),
            Action::Collect => {}
            Action::Administer(wanted) => self.model.administer(*wanted),
            Action::PayAgain => {
                if let Ok(change) = self.order.pay_again(PaymentMethod::Ok, self.now) {
                    self.changes.push(change);
                }
            }
            Action::WindowCloses => {
                self.now = self.now.after(WINDOW);
                self.changes.extend(self.order.cancel_if_overdue(self.now));
            }
        }
        assert!(self.order.is_settled() || !due_steps(&self.order).is_empty(), "nothing is due: {:?}", self.order);
    }

    /// Without faults every event arrives in order, and every due call works.
    fn run_to_end(&mut self) {
        for _ in 0..100 {
            while self.deliver_next() {}
            let steps = due_steps(&self.order);
            if steps.is_empty() && self.delivered == self.model.emitted.len() {
                return;
            }
            for step in steps {
                if due_steps(&self.order).contains(&step) {
                    for fact in self.model.call(&self.order.clone(), step, CallResult::Works) {
                        self.apply(&fact);
                    }
                }
            }
        }
        panic!("the order does not settle: {:?}", self.order);
    }

    fn check(&self) {
        let model = &self.model;
        // O2: it settles.
        assert!(self.order.is_settled(), "{:?}", self.order);
        // O1: each change is a row of the table, and starts where the last one ended.
        let mut status = OrderStatus::PendingPayment;
        for change in &self.changes {
            assert_eq!(change.from, status);
            assert_eq!(status.transition(change.cause.fact()), Ok(change.to));
            status = change.to;
        }
        assert_eq!(status, self.order.status);
        // Goods are sent only for money, and never for a cancelled order.
        let may_be_sent = matches!(self.order.status, OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded);
        assert!(model.parcel != Parcel::Collected || may_be_sent, "the parcel was sent: {:?}", self.order);
        assert!(!self.order.is_cancellation_pending(), "{:?}", self.order);
        assert!(!self.order.shipping.pending || self.order.status == OrderStatus::Confirmed, "{:?}", self.order);
        // M1, M2, S3: a sale has one captured payment and one confirmed reservation, and no other order has either. Units
        // that were sent stay confirmed.
        let sold = usize::from(matches!(self.order.status, OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered));
        assert_eq!(model.count_money(Money::Captured), sold, "captured money: {:?} {:?}", model.payments, self.order);
        let units = sold + usize::from(self.order.status == OrderStatus::Refunded && model.parcel == Parcel::Collected);
        assert_eq!(model.count_stock(Stock::Sold), units, "sold stock: {:?} {:?}", model.reservations, self.order);
        assert_eq!(model.count_money(Money::Authorized), 0, "held money: {:?} {:?}", model.payments, self.order);
        assert_eq!(model.count_stock(Stock::Active), 0, "reserved stock: {:?} {:?}", model.reservations, self.order);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_order_ends_and_money_and_stock_agree_with_its_status(actions in actions()) {
        let mut scenario = Scenario::new();
        for action in &actions {
            scenario.perform(action);
        }
        scenario.run_to_end();
        scenario.check();
    }

    #[test]
    fn delivering_every_event_again_changes_nothing(actions in actions()) {
        let mut scenario = Scenario::new();
        for action in &actions {
            scenario.perform(action);
        }
        scenario.run_to_end();
        let (order, changes) = (scenario.order.clone(), scenario.changes.len());
        for fact in scenario.model.emitted.clone() {
            scenario.apply(&fact);
        }
        prop_assert_eq!(scenario.order, order);
        prop_assert_eq!(scenario.changes.len(), changes);
    }

    #[test]
    fn totals_are_exact(
        prices in prop::collection::vec((1_i64..10_000_000, 1_u32..=999), 1..20), fee in 0_i64..100_000, tax in 0_u32..=3_000, included: bool,
    ) {
        let mut items = Vec::new();
        for (price, quantity) in &prices {
            let mut item = order().items.remove(0);
            (item.unit_price_snapshot, item.quantity) = (*price, *quantity);
            item.line_total_amount = price * i64::from(*quantity);
            items.push(item);
        }
        let mut fulfilments = vec![Fulfilment::new(id(1, 1), None, fee)];
        let taxation = Taxation { prices_include_tax: included, ..Taxation::flat(tax) };
        set_taxes(&taxation, |_| TaxClass::Standard, &mut items, &mut fulfilments);
        let totals = Totals::of(&items, &fulfilments, Currency::EUR, included).unwrap();
        prop_assert_eq!(totals.subtotal_amount, items.iter().map(|item| item.line_total_amount).sum::<i64>());
        let added = if included { 0 } else { totals.tax_amount };
        prop_assert_eq!(totals.total_amount, totals.subtotal_amount + totals.shipping_amount + added - totals.discount_amount);
    }
}

#[test]
fn the_happy_path_goes_through_the_published_states() {
    let mut scenario = Scenario::new();
    scenario.run_to_end();
    scenario.check();
    let path: Vec<_> = scenario.changes.iter().map(|change| change.to).collect();
    assert_eq!(path, [OrderStatus::PaymentAuthorized, OrderStatus::InventoryReserved, OrderStatus::Confirmed]);
    assert!(scenario.order.shipping.pending);
}

#[test]
fn paying_again_makes_another_reservation_after_a_refusal() {
    use crate::domain::Step::{AuthorizePayment, ReserveStock};
    for reply_arrives in [true, false] {
        let mut scenario = Scenario::new();
        let placed = scenario.order.clone();
        for fact in scenario.model.call(&placed, AuthorizePayment, CallResult::Refused) {
            scenario.apply(&fact);
        }
        let refusal = scenario.model.call(&placed, ReserveStock, CallResult::Refused);
        if reply_arrives {
            refusal.iter().for_each(|fact| scenario.apply(fact));
        }
        assert_eq!(scenario.order.status, OrderStatus::PaymentFailed);
        // The stock was refilled meanwhile, but the old key keeps the refusal.
        scenario.perform(&Action::PayAgain);
        // The old refusal also arrives late.
        refusal.iter().for_each(|fact| scenario.apply(fact));
        scenario.run_to_end();
        scenario.check();
        assert_eq!(scenario.order.status, OrderStatus::Confirmed, "{reply_arrives}");
    }
}

#[test]
fn nothing_is_captured_before_the_stock_holds() {
    let mut scenario = Scenario::new();
    let steps = due_steps(&scenario.order);
    assert_eq!(steps, [crate::domain::Step::AuthorizePayment, crate::domain::Step::ReserveStock]);
    for fact in scenario.model.call(&scenario.order.clone(), crate::domain::Step::AuthorizePayment, CallResult::Works) {
        scenario.apply(&fact);
    }
    assert_eq!(due_steps(&scenario.order), [crate::domain::Step::ReserveStock]);
}

#[test]
fn an_order_number_has_no_letters_that_are_easily_confused() {
    let number = order_number([0, 1, 2, 30, 31, 32, 63, 64, 200, 255]);
    assert_eq!(number.len(), 11);
    assert!(number.chars().all(|c| c == '-' || (c.is_ascii_alphanumeric() && !"01IO".contains(c))), "{number}");
}
