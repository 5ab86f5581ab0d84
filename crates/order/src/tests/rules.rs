//! The saga's rules against everything that can happen, in any order.

use super::world::{Money, Parcel, Stock, Way, World, order};
use crate::domain::{Fact, Moved, Order, Totals, due_steps, order_number};
use contracts::{
    machine::Machine,
    money::{Currency, Money as Sum},
    order::{CancelReason, OrderStatus},
    payment::PaymentMethod,
    time::Timestamp,
};
use proptest::prelude::*;
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(3_600);

/// Something that happens.
#[derive(Debug, Clone)]
enum Happening {
    /// One of the due calls is made.
    Call(usize, Way),
    /// The next event arrives.
    Hear,
    /// Something that was announced before is heard out of turn.
    HearAgain(usize),
    Expire,
    Cancel,
    /// The carrier comes, if the order is confirmed.
    Fetch,
    /// An administrator voids, captures or refunds the payment.
    Administer(Money),
    PayAgain,
    WindowCloses,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let way = prop_oneof![6 => Just(Way::Works), 2 => Just(Way::ReplyLost), 1 => Just(Way::Refused), 2 => Just(Way::Unreached)];
    let happening = prop_oneof![
        12 => (any::<prop::sample::Index>(), way).prop_map(|(at, way)| Happening::Call(at.index(8), way)),
        6 => Just(Happening::Hear),
        1 => any::<prop::sample::Index>().prop_map(|at| Happening::HearAgain(at.index(64))),
        1 => Just(Happening::Expire),
        1 => Just(Happening::Cancel),
        1 => Just(Happening::Fetch),
        2 => prop::sample::select(&[Money::Voided, Money::Captured, Money::Refunded][..]).prop_map(Happening::Administer),
        2 => Just(Happening::PayAgain),
        1 => Just(Happening::WindowCloses),
    ];
    prop::collection::vec(happening, 0..60)
}

/// An order in the little world, with everything it went through.
struct Story {
    order: Order,
    world: World,
    /// How many announcements arrived as events, in their order.
    heard: usize,
    moves: Vec<Moved>,
    now: Timestamp,
}

impl Story {
    fn begin() -> Story {
        Story { order: order(), world: World::default(), heard: 0, moves: Vec::new(), now: Timestamp(1_000_000) }
    }

    fn take(&mut self, fact: &Fact) {
        let moves = self.order.apply(fact, self.now.after(WINDOW), self.now).expect("no fact of the world is illegal");
        self.moves.extend(moves);
    }

    fn hear_next(&mut self) -> bool {
        let Some(fact) = self.world.announced.get(self.heard).cloned() else { return false };
        self.heard += 1;
        self.take(&fact);
        true
    }

    fn happen(&mut self, happening: &Happening) {
        self.now = self.now.after(Duration::from_secs(1));
        match happening {
            Happening::Call(at, way) => {
                let steps = due_steps(&self.order);
                if let Some(step) = steps.get(at % steps.len().max(1)) {
                    for fact in self.world.call(&self.order.clone(), *step, *way) {
                        self.take(&fact);
                    }
                }
            }
            Happening::Hear => {
                self.hear_next();
            }
            Happening::HearAgain(at) => {
                if let Some(fact) = self.world.announced.get(at % self.world.announced.len().max(1)).cloned() {
                    self.take(&fact);
                }
            }
            Happening::Expire => self.world.expire(),
            Happening::Cancel => {
                if let Ok(Some(moved)) = self.order.cancel(CancelReason::CustomerRequest, None, self.now) {
                    self.moves.push(moved);
                }
            }
            // Shipping hears of an order when it is confirmed.
            Happening::Fetch if self.moves.iter().any(|moved| moved.to == OrderStatus::Confirmed) => self.world.fetch(),
            Happening::Fetch => {}
            Happening::Administer(wish) => self.world.administer(*wish),
            Happening::PayAgain => {
                if let Ok(moved) = self.order.pay_again(PaymentMethod::Ok, self.now) {
                    self.moves.push(moved);
                }
            }
            Happening::WindowCloses => {
                self.now = self.now.after(WINDOW);
                self.moves.extend(self.order.close_if_overdue(self.now));
            }
        }
        assert!(self.order.is_settled() || !due_steps(&self.order).is_empty(), "it moves no more: {:?}", self.order);
    }

    /// Faults stop: every announcement arrives, in order, and every due call works.
    fn come_to_rest(&mut self) {
        for _ in 0..100 {
            while self.hear_next() {}
            let steps = due_steps(&self.order);
            if steps.is_empty() && self.heard == self.world.announced.len() {
                return;
            }
            for step in steps {
                if due_steps(&self.order).contains(&step) {
                    for fact in self.world.call(&self.order.clone(), step, Way::Works) {
                        self.take(&fact);
                    }
                }
            }
        }
        panic!("the order does not come to rest: {:?}", self.order);
    }

    fn check(&self) {
        let world = &self.world;
        // O2: it rests.
        assert!(self.order.is_settled(), "{:?}", self.order);
        // O1: only transitions of the table, each from where the last one led.
        let mut status = OrderStatus::PendingPayment;
        for moved in &self.moves {
            assert_eq!(moved.from, status);
            assert_eq!(status.transition(moved.fact), Ok(moved.to));
            status = moved.to;
        }
        assert_eq!(status, self.order.status);
        // Goods leave only for money, and an order that is cancelled keeps them.
        let left = matches!(self.order.status, OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded);
        assert!(world.parcel != Parcel::Moved || left, "the parcel left: {:?}", self.order);
        assert!(!self.order.awaits_cancellation(), "{:?}", self.order);
        assert!(!self.order.shipping.pending || self.order.status == OrderStatus::Confirmed, "{:?}", self.order);
        // M1, M2, S3: a sale has one captured payment and its units once; no sale has neither. Units that left stay sold.
        let sold = usize::from(matches!(self.order.status, OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered));
        assert_eq!(world.count_money(Money::Captured), sold, "captured money: {:?} {:?}", world.payments, self.order);
        let units = sold + usize::from(self.order.status == OrderStatus::Refunded && world.parcel == Parcel::Moved);
        assert_eq!(world.count_stock(Stock::Sold), units, "sold stock: {:?} {:?}", world.reservations, self.order);
        assert_eq!(world.count_money(Money::Authorized), 0, "held money: {:?} {:?}", world.payments, self.order);
        assert_eq!(world.count_stock(Stock::Active), 0, "stock set aside: {:?} {:?}", world.reservations, self.order);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_order_ends_and_money_and_stock_agree_with_its_status(happenings in happenings()) {
        let mut story = Story::begin();
        for happening in &happenings {
            story.happen(happening);
        }
        story.come_to_rest();
        story.check();
    }

    #[test]
    fn hearing_everything_again_changes_nothing(happenings in happenings()) {
        let mut story = Story::begin();
        for happening in &happenings {
            story.happen(happening);
        }
        story.come_to_rest();
        let (order, moves) = (story.order.clone(), story.moves.len());
        for fact in story.world.announced.clone() {
            story.take(&fact);
        }
        prop_assert_eq!(story.order, order);
        prop_assert_eq!(story.moves.len(), moves);
    }

    #[test]
    fn totals_are_exact(prices in prop::collection::vec((1_i64..10_000_000, 1_u32..=999), 1..20), fee in 0_i64..100_000, tax in 0_u32..=3_000) {
        let mut items = Vec::new();
        for (price, quantity) in &prices {
            let mut item = order().items.remove(0);
            (item.unit_price_snapshot, item.quantity) = (*price, *quantity);
            item.line_total_amount = price * i64::from(*quantity);
            items.push(item);
        }
        let totals = Totals::of(&items, Sum::new(fee, Currency::EUR), Sum::zero(Currency::EUR), tax).unwrap();
        prop_assert_eq!(totals.subtotal_amount, items.iter().map(|item| item.line_total_amount).sum::<i64>());
        prop_assert_eq!(totals.total_amount, totals.subtotal_amount + totals.shipping_amount + totals.tax_amount - totals.discount_amount);
    }
}

#[test]
fn the_happy_path_goes_through_the_published_states() {
    let mut story = Story::begin();
    story.come_to_rest();
    story.check();
    let path: Vec<_> = story.moves.iter().map(|moved| moved.to).collect();
    assert_eq!(path, [OrderStatus::PaymentAuthorized, OrderStatus::InventoryReserved, OrderStatus::Confirmed]);
    assert!(story.order.shipping.pending);
}

#[test]
fn paying_again_reserves_anew_what_was_refused_before() {
    use crate::domain::Step::{Authorize, Reserve};
    for hears_of_it in [true, false] {
        let mut story = Story::begin();
        let placed = story.order.clone();
        for fact in story.world.call(&placed, Authorize, Way::Refused) {
            story.take(&fact);
        }
        let refusal = story.world.call(&placed, Reserve, Way::Refused);
        if hears_of_it {
            refusal.iter().for_each(|fact| story.take(fact));
        }
        assert_eq!(story.order.status, OrderStatus::PaymentFailed);
        // The stock is filled up meanwhile; but who asks under the old key is refused again.
        story.happen(&Happening::PayAgain);
        // The old refusal is heard late as well.
        refusal.iter().for_each(|fact| story.take(fact));
        story.come_to_rest();
        story.check();
        assert_eq!(story.order.status, OrderStatus::Confirmed, "{hears_of_it}");
    }
}

#[test]
fn nothing_is_captured_before_the_stock_holds() {
    let mut story = Story::begin();
    let steps = due_steps(&story.order);
    assert_eq!(steps, [crate::domain::Step::Authorize, crate::domain::Step::Reserve]);
    for fact in story.world.call(&story.order.clone(), crate::domain::Step::Authorize, Way::Works) {
        story.take(&fact);
    }
    assert_eq!(due_steps(&story.order), [crate::domain::Step::Reserve]);
}

#[test]
fn an_order_number_has_no_letters_that_are_taken_for_others() {
    let number = order_number([0, 1, 2, 30, 31, 32, 63, 64, 200, 255]);
    assert_eq!(number.len(), 11);
    assert!(number.chars().all(|c| c == '-' || (c.is_ascii_alphanumeric() && !"01IO".contains(c))), "{number}");
}
