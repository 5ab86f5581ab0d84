//! Every call of the saga goes wrong in every way, once and several times in a row: nothing is done or charged twice,
//! and the order ends as it would have.

use super::upstreams::{Fault, Script, Upstreams, address_id, customer, payment_id, reservation_id};
use contracts::{
    inventory::{StockConfirmed, StockReleased, StockReserved, StockReturned},
    money::Currency,
    order::{OrderConfirmed, OrderView},
    payment::{PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided, TransactionType},
    problem::{Code, Failure},
};
use platform::testing::Harness;
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

const FAULTS: [Fault; 6] = [Fault::Down, Fault::Broken, Fault::Slow, Fault::Garbled, Fault::DeathBefore, Fault::DeathAfter];
/// Once, and more often than the client repeats a call by itself.
const TIMES: [usize; 2] = [1, 4];

/// When the upstreams' events arrive, each of them twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Events {
    /// As soon as they happened, before a reply that is repeated.
    Immediately,
    /// When the order has ended.
    Late,
}

/// When the customer cancels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cancels {
    Never,
    /// While the call that goes wrong is under way, or just after.
    DuringTheCall,
    /// Once the order is confirmed.
    Confirmed,
}

/// An order and how it ends.
struct Scenario {
    /// What the upstreams are told to do.
    script: fn(&mut Script),
    cancels: Cancels,
    /// The calls that go wrong, one at a time.
    calls: &'static [&'static str],
    ends: &'static str,
    /// What is left of the payment and of the reservation.
    leaves: &'static [(&'static str, &'static str)],
}

#[test]
fn a_sale_is_confirmed_whatever_goes_wrong_on_its_way() {
    try_all(&Scenario {
        script: |_| {},
        cancels: Cancels::Never,
        calls: &["create", "authorize", "reserve", "capture", "confirm"],
        ends: "CONFIRMED",
        leaves: &[("CAPTURED", "CONFIRMED")],
    });
}

#[test]
fn without_stock_the_authorization_is_voided_whatever_goes_wrong() {
    try_all(&Scenario {
        script: |script| script.in_stock = false,
        cancels: Cancels::Never,
        calls: &["create", "authorize", "reserve", "void"],
        ends: "CANCELLED",
        // The order may end before the payment is made, or before it is authorized.
        leaves: &[("VOIDED", "NONE"), ("INITIATED", "NONE")],
    });
}

#[test]
fn a_declined_order_holds_no_stock_whatever_goes_wrong() {
    try_all(&Scenario {
        script: |script| script.authorize = "FAILED",
        cancels: Cancels::Never,
        calls: &["create", "authorize", "reserve", "release"],
        ends: "PAYMENT_FAILED",
        // The order may fail before stock is set aside.
        leaves: &[("FAILED", "RELEASED"), ("FAILED", "NONE")],
    });
}

#[test]
fn an_order_whose_capture_fails_holds_no_stock_whatever_goes_wrong() {
    try_all(&Scenario {
        script: |script| script.capture = "FAILED",
        cancels: Cancels::Never,
        calls: &["capture", "release"],
        ends: "PAYMENT_FAILED",
        leaves: &[("FAILED", "RELEASED")],
    });
}

#[test]
fn a_cancelled_sale_is_refunded_and_returned_whatever_goes_wrong() {
    try_all(&Scenario {
        script: |_| {},
        cancels: Cancels::Confirmed,
        calls: &["recall", "refund", "return"],
        ends: "CANCELLED",
        leaves: &[("REFUNDED", "RETURNED")],
    });
}

#[test]
fn an_order_that_is_cancelled_on_its_way_holds_nothing_whatever_goes_wrong() {
    try_all(&Scenario {
        script: |_| {},
        cancels: Cancels::DuringTheCall,
        calls: &["create", "authorize", "reserve", "capture", "confirm"],
        ends: "CANCELLED",
        leaves: &[
            ("INITIATED", "NONE"),
            ("INITIATED", "RELEASED"),
            ("VOIDED", "NONE"),
            ("VOIDED", "RELEASED"),
            ("REFUNDED", "RELEASED"),
            ("REFUNDED", "RETURNED"),
        ],
    });
}

fn try_all(scenario: &Scenario) {
    for call in scenario.calls {
        for fault in FAULTS {
            for times in TIMES {
                for events in [Events::Immediately, Events::Late] {
                    eprintln!("{call}: {fault:?}, {times} times, events {events:?}");
                    try_one(scenario, call, fault, times, events);
                }
            }
        }
    }
}

fn try_one(scenario: &Scenario, call: &'static str, fault: Fault, times: usize, events: Events) {
    let upstreams = Upstreams::new();
    (scenario.script)(&mut upstreams.script());
    upstreams.script().faults.insert(call, vec![fault; times]);
    let mut delivered = DeliveredEvents { events, count: 0 };
    let mut process = Process::start(&upstreams);
    let placed = process.run(place);
    // The end has to last for a while: calls may be under way.
    let mut lasting = 0;
    for _ in 0..2_000 {
        let view = process.run(async |h| {
            h.settle().await;
            let view = view(h, &placed).await;
            delivered.deliver(&upstreams, h, &view, scenario).await;
            let due = match scenario.cancels {
                Cancels::Never => false,
                Cancels::DuringTheCall => view.status.to_string() != "CANCELLED" && upstreams.keys_of(call) > 0,
                Cancels::Confirmed => view.status.to_string() == "CONFIRMED" && !view.cancellation_requested,
            };
            if due {
                let path = format!("/orders/{}/cancel", placed.order_id);
                h.post(&path, &json!({})).customer(customer()).send().await.expect(200);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            h.advance(Duration::from_millis(500));
            view
        });
        if std::mem::take(&mut upstreams.script().caller_died) {
            process = process.start_again(&upstreams);
        }
        let ended =
            view.status.to_string() == scenario.ends && scenario.leaves.contains(&upstreams.holds()) && delivered.are_complete(&upstreams);
        lasting = if ended { lasting + 1 } else { 0 };
        if lasting == 5 {
            assert!(upstreams.script().faults[call].len() < times, "nothing went wrong: {call} was not called");
            return process.run(async |h| check(h, &upstreams, &view).await);
        }
    }
    panic!("the order does not end: {:?} {:?}", upstreams.holds(), process.run(async |h| view(h, &placed).await));
}

/// Every transition happened once and was told once; every call was made under one key; money and stock moved once, and in
/// the right order.
async fn check(h: &Harness, upstreams: &Upstreams, view: &OrderView) {
    let path: Vec<_> = view.timeline.iter().map(|entry| entry.status.to_string()).collect();
    assert_eq!(path.iter().collect::<BTreeSet<_>>().len(), path.len(), "{path:?}");
    assert_eq!(h.emitted().await.len(), path.len(), "{path:?}");
    let confirmed = usize::from(path.iter().any(|status| status == "CONFIRMED"));
    assert_eq!(h.emitted_of::<OrderConfirmed>().await.len(), confirmed);

    for call in ["create", "authorize", "reserve", "capture", "confirm", "void", "refund", "release", "return", "recall"] {
        assert!(upstreams.keys_of(call) <= 1, "{call}: {:?}", upstreams.script().calls);
    }
    let done = upstreams.script().done.clone();
    assert_eq!(done.iter().collect::<BTreeSet<_>>().len(), done.len(), "{done:?}");
    let at = |what: &str| done.iter().position(|done| *done == what);
    if let Some(captured) = at("CAPTURED") {
        assert!(at("AUTHORIZED") < Some(captured) && at("ACTIVE").is_some_and(|active| active < captured), "{done:?}");
    }
    assert!(at("CONFIRMED").is_none() || at("CAPTURED") < at("CONFIRMED"), "{done:?}");
    h.nothing_is_parked().await;
}

async fn place(h: &Harness) -> OrderView {
    let body = json!({"shippingAddressId": address_id(), "paymentMethod": "pm_ok"});
    h.post("/orders", &body).customer(customer()).key("k").send().await.expect(201).read()
}

async fn view(h: &Harness, placed: &OrderView) -> OrderView {
    h.get(&format!("/orders/{}", placed.order_id)).customer(customer()).send().await.expect(200).read()
}

/// The order service in a process of its own, which may die.
struct Process {
    runtime: tokio::runtime::Runtime,
    h: Harness,
}

impl Process {
    fn start(upstreams: &Upstreams) -> Process {
        let runtime = runtime();
        let h = runtime.block_on(upstreams.harness());
        Process { runtime, h }
    }

    /// Whatever it had in hand ends where it is, and the next process finds what is on the disk.
    fn start_again(self, upstreams: &Upstreams) -> Process {
        let left = self.h.kill();
        drop(self.runtime);
        let runtime = runtime();
        let h = runtime.block_on(upstreams.around(Harness::of(crate::service())).resume(left));
        Process { runtime, h }
    }

    fn run<T>(&self, work: impl AsyncFnOnce(&Harness) -> T) -> T {
        self.runtime.block_on(work(&self.h))
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the system gives a runtime")
}

/// Which of the upstreams' events have arrived.
struct DeliveredEvents {
    events: Events,
    count: usize,
}

impl DeliveredEvents {
    async fn deliver(&mut self, upstreams: &Upstreams, h: &Harness, order: &OrderView, scenario: &Scenario) {
        if self.events == Events::Immediately || order.status.to_string() == scenario.ends {
            let happened = upstreams.script().done[self.count..].to_vec();
            for outcome in happened {
                deliver(h, order, outcome).await;
                self.count += 1;
            }
        }
    }

    fn are_complete(&self, upstreams: &Upstreams) -> bool {
        self.count == upstreams.script().done.len()
    }
}

/// Delivers the event of what a upstream did, and delivers it again.
async fn deliver(h: &Harness, order: &OrderView, outcome: &str) {
    let (order_id, order_number, user_id) = (order.order_id, order.order_number.clone(), order.user_id);
    let (payment_id, reservation_id) = (payment_id(), reservation_id());
    let (amount, currency, lines) = (2_490, Currency::EUR, Vec::new());
    let envelope = match outcome {
        "AUTHORIZED" => h.deliver(PaymentAuthorized { payment_id, order_id, order_number, user_id, amount, currency }).await,
        "CAPTURED" => h.deliver(PaymentCaptured { payment_id, order_id, order_number, user_id, amount, currency }).await,
        "VOIDED" => h.deliver(PaymentVoided { payment_id, order_id, order_number, user_id, amount, currency }).await,
        "FAILED" => {
            let (stage, failure) = (TransactionType::Authorize, Failure::from(Code::PAYMENT_DECLINED));
            h.deliver(PaymentFailed { payment_id, order_id, order_number, user_id, amount, currency, stage, failure }).await
        }
        "REFUNDED" => {
            let (refunded_amount, captured_amount, in_full) = (amount, amount, true);
            let refunded = PaymentRefunded {
                payment_id,
                order_id,
                order_number,
                user_id,
                amount,
                refunded_amount,
                captured_amount,
                currency,
                in_full,
            };
            h.deliver(refunded).await
        }
        "ACTIVE" => h.deliver(StockReserved { reservation_id, order_id, lines, expires_at: h.env.now() }).await,
        "CONFIRMED" => h.deliver(StockConfirmed { reservation_id, order_id, lines }).await,
        "RELEASED" => h.deliver(StockReleased { reservation_id, order_id, lines }).await,
        "RETURNED" => h.deliver(StockReturned { reservation_id, order_id, lines }).await,
        other => unreachable!("no upstream comes to {other}"),
    };
    h.deliver_envelope(envelope).await;
}
