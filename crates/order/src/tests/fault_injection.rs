//! Every call of the saga fails in every way, once and several times in a row. Nothing is done or charged twice, and the order
//! ends as it would without the fault.

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
/// Once, and more often than the client retries a call.
const TIMES: [usize; 2] = [1, 4];

/// When the upstreams' events arrive, each of them twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Events {
    /// As soon as they happen, before the reply to a repeated call.
    Immediately,
    /// When the order has ended.
    Late,
}

/// When the customer cancels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cancels {
    Never,
    /// During the failing call, or just after.
    DuringTheCall,
    /// Once the order is confirmed.
    Confirmed,
}

/// An order, and how it must end.
struct Scenario {
    /// Prepares the upstreams.
    script: fn(&mut Script),
    cancels: Cancels,
    /// The calls that fail, one per run.
    calls: &'static [&'static str],
    ends: &'static str,
    /// The final states of the payment and the reservation.
    leaves: &'static [(&'static str, &'static str)],
}

#[test]
fn a_sale_is_confirmed_whatever_call_fails() {
    try_all(&Scenario {
        script: |_| {},
        cancels: Cancels::Never,
        calls: &["create", "authorize", "reserve", "capture", "confirm"],
        ends: "CONFIRMED",
        leaves: &[("CAPTURED", "CONFIRMED")],
    });
}

#[test]
fn without_stock_the_authorization_is_voided_whatever_call_fails() {
    try_all(&Scenario {
        script: |script| script.in_stock = false,
        cancels: Cancels::Never,
        calls: &["create", "authorize", "reserve", "void"],
        ends: "CANCELLED",
        // The order may end before the payment is created or authorized.
        leaves: &[("VOIDED", "NONE"), ("INITIATED", "NONE")],
    });
}

#[test]
fn a_declined_order_holds_no_stock_whatever_call_fails() {
    try_all(&Scenario {
        script: |script| script.authorize = "FAILED",
        cancels: Cancels::Never,
        calls: &["create", "authorize", "reserve", "release"],
        ends: "PAYMENT_FAILED",
        // The order may fail before stock is reserved.
        leaves: &[("FAILED", "RELEASED"), ("FAILED", "NONE")],
    });
}

#[test]
fn an_order_whose_capture_fails_holds_no_stock_whatever_call_fails() {
    try_all(&Scenario {
        script: |script| script.capture = "FAILED",
        cancels: Cancels::Never,
        calls: &["capture", "release"],
        ends: "PAYMENT_FAILED",
        leaves: &[("FAILED", "RELEASED")],
    });
}

#[test]
fn a_cancelled_sale_is_refunded_and_returned_whatever_call_fails() {
    try_all(&Scenario {
        script: |_| {},
        cancels: Cancels::Confirmed,
        calls: &["cancel_shipment", "refund", "return"],
        ends: "CANCELLED",
        leaves: &[("REFUNDED", "RETURNED")],
    });
}

#[test]
fn an_order_that_is_cancelled_early_holds_nothing_whatever_call_fails() {
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
    // The final state must last for several rounds, because a call that failed may be due again.
    let mut lasting = 0;
    for _ in 0..2_000 {
        let view = process.run(async |h| {
            tokio::select! {
                biased;
                () = upstreams.next_fault() => {}
                () = h.skip_sleeps(h.complete()) => {}
            }
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
            assert!(upstreams.script().faults[call].len() < times, "{call} was not called");
            return process.run(async |h| check(h, &upstreams, &view).await);
        }
    }
    panic!("the order does not end: {:?} {:?}", upstreams.holds(), process.run(async |h| view(h, &placed).await));
}

/// Every status change happened once and emitted one event; every call used one key; payment and stock changed once, and in the
/// right order.
async fn check(h: &Harness, upstreams: &Upstreams, view: &OrderView) {
    let path: Vec<_> = view.timeline.iter().map(|entry| entry.status.to_string()).collect();
    assert_eq!(path.iter().collect::<BTreeSet<_>>().len(), path.len(), "{path:?}");
    let events = h.emitted().await;
    assert_eq!(events.iter().filter(|event| event.aggregate_type == "ORDER").count(), path.len(), "{path:?}");
    let parts: Vec<_> = events.iter().filter(|event| event.aggregate_type == "FULFILMENT").map(|event| event.event_type.as_str()).collect();
    let walked: Vec<_> = ["FulfilmentConfirmed", "FulfilmentCancelled"]
        .into_iter()
        .zip(["CONFIRMED", "CANCELLED"])
        .filter_map(|(event, status)| path.iter().any(|passed| passed == status).then_some(event))
        .collect();
    assert_eq!(parts, walked, "{path:?}");
    let confirmed = usize::from(path.iter().any(|status| status == "CONFIRMED"));
    assert_eq!(h.emitted_of::<OrderConfirmed>().await.len(), confirmed);

    for call in ["create", "authorize", "reserve", "capture", "confirm", "void", "refund", "release", "return", "cancel_shipment"] {
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

/// The order service in a runtime of its own, which can be killed.
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

    /// Kills it in the middle of its work, and starts the next one on the same files.
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

/// Delivers the upstreams' events, and counts them.
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

/// Delivers the event of one upstream change twice.
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
                cause_id: None,
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
