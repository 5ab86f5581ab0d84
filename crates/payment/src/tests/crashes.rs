//! Crashes at every point, and random operations against a provider that misbehaves: afterwards there is one story.

use super::Shop;
use crate::service;
use contracts::{
    ids::PaymentId,
    payment::{PaymentStatus, TransactionType},
};
use platform::testing::{TestResponse, Harness};
use proptest::{collection::vec, prelude::*, sample::select};
use std::{future::poll_fn, task::Poll};

/// Polls `work` so often, then drops it: the crash of a task. What it had sent off by then goes its way.
pub async fn cut<F: Future>(work: F, polls: usize) -> Option<F::Output> {
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

impl Shop {
    /// Lets time pass until every transaction is settled.
    async fn quiesce(&self) {
        for _ in 0..200 {
            self.later().await;
            if self.open_transactions().await == 0 {
                return;
            }
        }
        panic!("a transaction is never settled");
    }
}

const METHODS: [&str; 8] =
    ["pm_ok", "pm_declined", "pm_insufficient_funds", "pm_capture_fails", "pm_refund_fails", "pm_timeout", "pm_flaky", "pm_slow"];

async fn misbehaving(transient: i64, lost: i64) -> Shop {
    let harness = Harness::of(service())
        .setting("deadline_ms", 15)
        .setting("slow_ms", 20)
        .setting("transient_failure_percent", transient)
        .setting("lost_answer_percent", lost);
    Shop::with(harness).await
}

#[tokio::test]
async fn a_crash_at_any_point_of_any_operation_is_settled() {
    let shop = misbehaving(0, 0).await;
    for method in METHODS {
        for (position, verb) in ["authorize", "capture", "refund", "void"].into_iter().enumerate() {
            let before = &["authorize", "capture"][..position.min(2) - usize::from(verb == "void")];
            let mut finished = 0;
            for polls in 1.. {
                let id = shop.payment(method).await;
                for verb in before {
                    shop.try_to(id, verb, "before").await;
                }
                shop.quiesce().await;
                let crashed = cut(shop.try_to(id, verb, "the key"), polls).await.is_none();
                shop.quiesce().await;
                // The caller tries again under the same key, and what it is told fits what happened.
                let told = shop.try_to(id, verb, "the key").await;
                shop.quiesce().await;
                shop.told_the_truth(id, verb, &told).await;
                finished = if crashed { 0 } else { finished + 1 };
                if finished == 2 {
                    break;
                }
                assert!(polls < 100, "the operation takes more than a hundred steps");
            }
        }
    }
    shop.tells_one_story().await;
}

impl Shop {
    /// An operation that was answered with success left the payment where it says.
    async fn told_the_truth(&self, id: PaymentId, verb: &str, told: &TestResponse) {
        let payment = self.read(id).await;
        if told.status == 200 && told.json()["status"] == "CAPTURED" && verb == "capture" {
            assert_eq!(payment.status, PaymentStatus::Captured);
        }
        let of = |kind| payment.transactions.iter().filter(|t| t.r#type == kind).count();
        assert!(of(TransactionType::Authorize) <= 1 && of(TransactionType::Capture) <= 1 && of(TransactionType::Void) <= 1);
        // One key, one refund, however often the request died.
        assert!(of(TransactionType::Refund) <= 1, "{payment:?}");
    }
}

/// One thing that somebody does.
#[derive(Debug, Clone)]
struct Act {
    verb: &'static str,
    amount: Option<i64>,
    /// After how many polls the task dies.
    dies: Option<usize>,
    key: u8,
    /// Whether time passes before.
    pause: bool,
}

fn act() -> impl Strategy<Value = Act> {
    let verb = select(vec!["authorize", "authorize", "capture", "capture", "void", "refund", "refund"]);
    let amount = prop_oneof![Just(None), (1_i64..15_000).prop_map(Some)];
    (verb, amount, prop_oneof![2 => Just(None), 1 => (1_usize..12).prop_map(Some)], 0_u8..4, any::<bool>())
        .prop_map(|(verb, amount, dies, key, pause)| Act { verb, amount, dies, key, pause })
}

async fn perform(shop: &Shop, id: PaymentId, act: &Act) {
    let path = format!("/payments/{id}/{}", act.verb);
    let body = match act.amount {
        Some(amount) if act.verb == "refund" => serde_json::json!({"amount": amount}),
        _ => serde_json::json!({}),
    };
    let request = shop.post(&path, &body).service("order").key(&format!("key-{}", act.key)).send();
    if let Some(answer) = cut(request, act.dies.unwrap_or(usize::MAX)).await {
        assert_ne!(answer.status, 500, "{}", String::from_utf8_lossy(&answer.body));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_there_is_one_story_in_the_end(
        methods in vec(select(METHODS.to_vec()), 1..4),
        steps in vec((act(), act(), any::<bool>()), 1..8),
        transient in select(vec![0_i64, 0, 40]),
        lost in select(vec![0_i64, 0, 30]),
        luck in 0_u64..1_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let shop = misbehaving(transient, lost).await;
            for _ in 0..luck {
                let _ = shop.env.random_below(2);
            }
            for method in methods {
                let id = shop.payment(method).await;
                for (first, second, at_once) in &steps {
                    if first.pause {
                        shop.later().await;
                    }
                    if *at_once {
                        tokio::join!(perform(&shop, id, first), perform(&shop, id, second));
                    } else {
                        perform(&shop, id, first).await;
                    }
                }
            }
            shop.quiesce().await;
            shop.tells_one_story().await;
        });
    }
}
