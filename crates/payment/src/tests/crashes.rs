//! Crashes at every point, and random commands against a faulty provider: the records are consistent afterwards.

use super::Fixture;
use crate::service;
use contracts::{
    ids::PaymentId,
    payment::{PaymentStatus, TransactionType},
};
use platform::testing::{Harness, TestResponse};
use proptest::{collection::vec, prelude::*, sample::select};
use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};
use tokio::sync::Notify;

/// Polls `work` this many times and drops it, like a client that closes its connection.
async fn poll_then_drop<F: Future>(work: F, polls: usize) -> Option<F::Output> {
    let (mut work, mut left) = (Box::pin(work), polls);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// Runs `work` on a tokio runtime of its own and drops the runtime with all of its tasks, like a crash of the process. It does
/// so after this many steps: a step is a poll of `work`, or a wait of the whole runtime for a database or a timer.
pub fn crash_after<T: Send>(work: impl Future<Output = T> + Send, steps: usize) -> Option<T> {
    let (done, crash) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (counter, notifier) = (done.clone(), crash.clone());
    let step = move || {
        if counter.fetch_add(1, Ordering::SeqCst) + 1 == steps {
            notifier.notify_one();
        }
    };
    let run = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().on_thread_park(step.clone()).build().expect("a runtime");
        let mut work = pin!(work);
        let counted = poll_fn(|context| {
            if done.load(Ordering::SeqCst) >= steps {
                return Poll::Pending;
            }
            let polled = work.as_mut().poll(context);
            step();
            polled
        });
        runtime.block_on(async {
            tokio::select! {
                biased;
                output = counted => Some(output),
                () = crash.notified() => None,
            }
        })
    };
    std::thread::scope(|scope| scope.spawn(run).join().expect("the request does not panic"))
}

impl Fixture {
    /// Authorizes a payment with a crash between the commit of the transaction and the call of the provider.
    pub async fn crash_before_sending(&self, id: PaymentId) {
        let (entries, open) = (self.ledger_entries().await, self.open_transactions().await);
        for steps in 1..100 {
            assert!(crash_after(self.command(id, "authorize", "crashes").send(), steps).is_none());
            // What the request handed to the database is committed before this unit.
            self.db().write(async |_| Ok::<_, platform::db::Error>(())).await.expect("the database works");
            // On a server units run side by side.
            while self.db().queued_units() > 0 {
                tokio::task::yield_now().await;
            }
            if self.open_transactions().await > open {
                break;
            }
        }
        assert_eq!((self.ledger_entries().await, self.open_transactions().await), (entries, open + 1));
    }

    /// Advances the clock until every transaction is settled.
    async fn settle_all(&self) {
        for _ in 0..200 {
            self.advance_and_complete().await;
            if self.open_transactions().await == 0 {
                return;
            }
        }
        panic!("a transaction is never settled");
    }
}

const METHODS: [&str; 8] =
    ["pm_ok", "pm_declined", "pm_insufficient_funds", "pm_capture_fails", "pm_refund_fails", "pm_timeout", "pm_flaky", "pm_slow"];

async fn with_faulty_provider(transient: i64, lost: i64) -> Fixture {
    let harness = Harness::of(service())
        .setting("deadline_ms", 15)
        .setting("slow_ms", 20)
        .setting("transient_failure_percent", transient)
        .setting("lost_answer_percent", lost);
    Fixture::with(harness).await
}

#[tokio::test]
async fn a_crash_at_any_point_of_any_command_is_settled() {
    let fixture = with_faulty_provider(0, 0).await;
    for method in METHODS {
        for (position, verb) in ["authorize", "capture", "refund", "void"].into_iter().enumerate() {
            let before = &["authorize", "capture"][..position.min(2) - usize::from(verb == "void")];
            let mut finished = 0;
            for steps in 1.. {
                let id = fixture.payment(method).await;
                for verb in before {
                    fixture.try_to(id, verb, "before").await;
                }
                fixture.settle_all().await;
                let crashed = crash_after(fixture.command(id, verb, "the key").send(), steps).is_none();
                fixture.settle_all().await;
                // The caller repeats the request under the same key, and the answer fits the payment.
                let answer = fixture.try_to(id, verb, "the key").await;
                fixture.settle_all().await;
                fixture.assert_answer_holds(id, verb, &answer).await;
                finished = if crashed { 0 } else { finished + 1 };
                if finished == 2 {
                    break;
                }
                assert!(steps < 100, "the operation takes more than a hundred steps");
            }
        }
    }
    fixture.assert_consistent().await;
}

impl Fixture {
    /// Asserts that the payment is as the answer says.
    async fn assert_answer_holds(&self, id: PaymentId, verb: &str, answer: &TestResponse) {
        let payment = self.read(id).await;
        if answer.status == 200 && answer.json()["status"] == "CAPTURED" && verb == "capture" {
            assert_eq!(payment.status, PaymentStatus::Captured);
        }
        let of = |kind| payment.transactions.iter().filter(|t| t.r#type == kind).count();
        assert!(of(TransactionType::Authorize) <= 1 && of(TransactionType::Capture) <= 1 && of(TransactionType::Void) <= 1);
        // One key makes one refund, however often the request crashed.
        assert!(of(TransactionType::Refund) <= 1, "{payment:?}");
    }
}

/// A command at random.
#[derive(Debug, Clone)]
struct Action {
    verb: &'static str,
    amount: Option<i64>,
    end: End,
    key: u8,
    /// Whether the clock advances before.
    pause: bool,
}

/// How a request ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Answered,
    /// The client closes the connection after this many polls.
    Dropped(usize),
    /// The process crashes after this many steps.
    Crashed(usize),
}

fn act() -> impl Strategy<Value = Action> {
    let verb = select(vec!["authorize", "authorize", "capture", "capture", "void", "refund", "refund"]);
    let amount = prop_oneof![Just(None), (1_i64..15_000).prop_map(Some)];
    let end = prop_oneof![3 => Just(End::Answered), 1 => (1_usize..4).prop_map(End::Dropped), 2 => (1_usize..12).prop_map(End::Crashed)];
    (verb, amount, end, 0_u8..4, any::<bool>()).prop_map(|(verb, amount, end, key, pause)| Action { verb, amount, end, key, pause })
}

async fn perform(fixture: &Fixture, id: PaymentId, act: &Action) {
    let path = format!("/payments/{id}/{}", act.verb);
    let body = match act.amount {
        Some(amount) if act.verb == "refund" => serde_json::json!({"amount": amount}),
        _ => serde_json::json!({}),
    };
    let request = fixture.post(&path, &body).service("order").key(&format!("key-{}", act.key)).send();
    let answer = match act.end {
        End::Answered => Some(request.await),
        End::Dropped(polls) => poll_then_drop(request, polls).await,
        End::Crashed(steps) => crash_after(request, steps),
    };
    if let Some(answer) = answer {
        assert_ne!(answer.status, 500, "{}", String::from_utf8_lossy(&answer.body));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn records_are_consistent_after_random_commands_crashes_and_faults(
        methods in vec(select(METHODS.to_vec()), 1..4),
        steps in vec((act(), act(), any::<bool>()), 1..8),
        transient in select(vec![0_i64, 0, 40]),
        lost in select(vec![0_i64, 0, 30]),
        luck in 0_u64..1_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let fixture = with_faulty_provider(transient, lost).await;
            for _ in 0..luck {
                let _ = fixture.env.random_below(2);
            }
            for method in methods {
                let id = fixture.payment(method).await;
                for (first, second, at_once) in &steps {
                    if first.pause {
                        fixture.advance_and_complete().await;
                    }
                    if *at_once {
                        tokio::join!(perform(&fixture, id, first), perform(&fixture, id, second));
                    } else {
                        perform(&fixture, id, first).await;
                    }
                }
            }
            fixture.settle_all().await;
            fixture.assert_consistent().await;
        });
    }
}
