//! Random histories compared with a model: answers and quantities match simple arithmetic, however often a step is
//! repeated, and the data is consistent after every step.

use super::*;
use contracts::inventory::ReservationStatus;
use proptest::prelude::*;
use std::{collections::BTreeMap, time::Duration};

const SKUS: [&str; 3] = ["CHAIR-1", "DESK-1", "LAMP-1"];
const INITIAL: i64 = 6;
const ORDERS: usize = 5;

#[derive(Debug, Clone)]
enum Step {
    Reserve { order: usize, lines: BTreeMap<usize, u32>, ttl: u64 },
    End { which: usize, how: &'static str, repeat: bool },
    Adjust { sku: usize, delta: i64 },
    Set { sku: usize, quantity: i64 },
    Pass { seconds: u64 },
    Work,
}

fn step() -> impl Strategy<Value = Step> {
    let lines = proptest::collection::btree_map(0..SKUS.len(), 1..4_u32, 1..=SKUS.len());
    let how = prop_oneof![3 => Just("confirm"), 2 => Just("release"), 2 => Just("return")];
    prop_oneof![
        4 => (0..ORDERS, lines, prop_oneof![Just(20_u64), Just(900)]).prop_map(|(order, lines, ttl)| Step::Reserve { order, lines, ttl }),
        6 => (any::<proptest::sample::Index>(), how, any::<bool>())
            .prop_map(|(which, how, repeat)| Step::End { which: which.index(1_000), how, repeat }),
        1 => (0..SKUS.len(), -4..=4_i64).prop_map(|(sku, delta)| Step::Adjust { sku, delta }),
        1 => (0..SKUS.len(), 0..8_i64).prop_map(|(sku, quantity)| Step::Set { sku, quantity }),
        2 => (1..30_u64).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Work),
    ]
}

#[derive(Clone)]
struct Held {
    id: ReservationId,
    order: usize,
    lines: BTreeMap<usize, u32>,
    status: ReservationStatus,
    returned: bool,
    expires_at: u64,
}

/// The expected state.
#[derive(Clone, Default)]
struct Model {
    now: u64,
    available: [i64; SKUS.len()],
    reserved: [i64; SKUS.len()],
    held: Vec<Held>,
    /// The number of emitted events of each type.
    emitted: BTreeMap<&'static str, usize>,
}

impl Model {
    fn emit(&mut self, event: &'static str) {
        *self.emitted.entry(event).or_default() += 1;
    }

    fn shift(&mut self, at: usize, available: i64, reserved: i64) {
        for (sku, quantity) in self.held[at].lines.clone() {
            self.available[sku] += available * i64::from(quantity);
            self.reserved[sku] += reserved * i64::from(quantity);
        }
    }

    fn expire_if_overdue(&mut self, at: usize) {
        if self.held[at].status == ReservationStatus::Active && self.held[at].expires_at <= self.now {
            self.held[at].status = ReservationStatus::Expired;
            self.shift(at, 1, -1);
            self.emit("StockExpired");
        }
    }

    /// Returns the index of the order's existing reservation, `None` for a new one, or the code of the refusal.
    fn reserve(&mut self, order: usize, lines: &BTreeMap<usize, u32>, ttl: u64) -> Result<Option<usize>, &'static str> {
        let before = self.clone();
        let live = |held: &Held| {
            held.order == order
                && (held.status == ReservationStatus::Active || held.status == ReservationStatus::Confirmed && !held.returned)
        };
        if let Some(at) = self.held.iter().position(live) {
            self.expire_if_overdue(at);
            match &self.held[at] {
                held if held.status == ReservationStatus::Active && held.lines == *lines => return Ok(Some(at)),
                held if held.status == ReservationStatus::Expired => {}
                _ => return Err("ILLEGAL_TRANSITION"),
            }
        }
        if lines.iter().any(|(sku, quantity)| self.available[*sku] < i64::from(*quantity)) {
            *self = before;
            self.emit("StockReservationFailed");
            return Err("INSUFFICIENT_STOCK");
        }
        let held = Held {
            id: ReservationId(contracts::ids::Uuid::nil()),
            order,
            lines: lines.clone(),
            status: ReservationStatus::Active,
            returned: false,
            expires_at: self.now + ttl,
        };
        self.held.push(held);
        self.shift(self.held.len() - 1, -1, 1);
        self.emit("StockReserved");
        Ok(None)
    }

    fn end(&mut self, at: usize, how: &'static str) -> Result<(), &'static str> {
        use ReservationStatus::{Active, Confirmed, Expired, Released};
        self.expire_if_overdue(at);
        match (how, self.held[at].status) {
            ("confirm", Active) => {
                self.held[at].status = Confirmed;
                self.shift(at, 0, -1);
                self.emit("StockConfirmed");
            }
            ("release", Active) => {
                self.held[at].status = Released;
                self.shift(at, 1, -1);
                self.emit("StockReleased");
            }
            ("return", Confirmed) if !self.held[at].returned => {
                self.held[at].returned = true;
                self.shift(at, 1, 0);
                self.emit("StockReturned");
            }
            ("confirm" | "return", Confirmed) | ("release", Released | Expired) => {}
            ("confirm", Expired) => return Err("RESERVATION_EXPIRED"),
            _ => return Err("ILLEGAL_TRANSITION"),
        }
        Ok(())
    }
}

fn outcome(answer: &TestResponse) -> Result<(), String> {
    if answer.status.is_success() { Ok(()) } else { Err(answer.json()["code"].as_str().unwrap_or_default().to_owned()) }
}

struct Run {
    h: Harness,
    model: Model,
    orders: [OrderId; ORDERS],
}

impl Run {
    async fn begin() -> Run {
        let h = stocked(&SKUS.map(|sku| (sku, INITIAL))).await;
        let model = Model { available: [INITIAL; SKUS.len()], ..Model::default() };
        let orders = std::array::from_fn(|_| h.id());
        Run { h, model, orders }
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Reserve { order, lines, ttl } => self.reserve(*order, lines, *ttl).await,
            Step::End { which, how, repeat } if !self.model.held.is_empty() => self.end(which % self.model.held.len(), how, *repeat).await,
            Step::End { .. } => {}
            Step::Adjust { sku, delta } => {
                let path = format!("/inventory/stock/{}/adjust", SKUS[*sku]);
                let answer = self.h.post(&path, &json!({"delta": delta, "reason": "counted"})).admin().send().await;
                let after = self.model.available[*sku] + delta;
                assert_eq!(outcome(&answer).is_ok(), after >= 0);
                if after >= 0 {
                    self.model.available[*sku] = after;
                }
            }
            Step::Set { sku, quantity } => {
                let product_id = stock_of(&self.h, SKUS[*sku]).await.product_id;
                let body = json!({"availableQty": quantity, "productId": product_id});
                self.h.put(&format!("/inventory/stock/{}", SKUS[*sku]), &body).admin().send().await.expect(200);
                self.model.available[*sku] = *quantity;
            }
            Step::Pass { seconds } => {
                self.h.advance(Duration::from_secs(*seconds));
                self.model.now += seconds;
            }
            Step::Work => {
                self.h.complete().await;
                (0..self.model.held.len()).for_each(|at| self.model.expire_if_overdue(at));
            }
        }
        self.check().await;
    }

    async fn reserve(&mut self, order: usize, lines: &BTreeMap<usize, u32>, ttl: u64) {
        let lines_json: Vec<_> = lines.iter().rev().map(|(sku, quantity)| json!({"sku": SKUS[*sku], "quantity": quantity})).collect();
        let body = json!({"orderId": self.orders[order], "lines": lines_json, "ttlSeconds": ttl});
        let answer = request(&self.h, &body).await;
        match self.model.reserve(order, lines, ttl) {
            Ok(known) => {
                let id = answer.expect(201).read::<Reservation>().reservation_id;
                match known {
                    Some(at) => assert_eq!(id, self.model.held[at].id),
                    None => self.model.held.last_mut().unwrap().id = id,
                }
            }
            Err(code) => drop(answer.expect_problem(409, code)),
        }
    }

    async fn end(&mut self, at: usize, how: &'static str, repeat: bool) {
        let (id, key) = (self.model.held[at].id, self.h.id::<OrderId>().to_string());
        let answer = end_under(&self.h, id, how, &key).await;
        assert_eq!(outcome(&answer), self.model.end(at, how).map_err(str::to_owned), "{how}");
        if repeat {
            let again = end_under(&self.h, id, how, &key).await;
            assert_eq!((again.status, again.body), (answer.status, answer.body));
        }
    }

    async fn check(&self) {
        for (at, sku) in SKUS.iter().enumerate() {
            assert_eq!(quantities(&self.h, sku).await, (self.model.available[at], self.model.reserved[at]), "{sku}");
        }
        assert_consistent(&self.h).await;
    }

    async fn finish(self) {
        for held in &self.model.held {
            let found = reservation_of(&self.h, held.id).await;
            assert_eq!((found.status, found.returned_at.is_some()), (held.status, held.returned));
        }
        for event in ["StockReserved", "StockReservationFailed", "StockConfirmed", "StockReleased", "StockExpired", "StockReturned"] {
            assert_eq!(count_emitted(&self.h, event).await, self.model.emitted.get(event).copied().unwrap_or(0), "{event}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn every_history_stays_consistent(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::begin().await;
            for step in &steps {
                run.step(step).await;
            }
            run.finish().await;
        });
    }
}
