//! Crashes at every point between the run and the outcome: the payout is paid once.

use super::{Fixture, seller_service};
use crate::service;
use contracts::payout::PayoutStatus;
use platform::{
    db::{Error, Tx},
    testing::Harness,
};
use serde_json::Value;
use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::sync::Notify;

/// Runs `work` on a tokio runtime of its own and drops the runtime with all of its tasks after this many steps, like a crash of the
/// process. A step is a poll of `work`, or a wait of the whole runtime for a database or a timer. Returns whether it crashed.
fn crash_after(work: impl Future<Output = ()>, steps: usize) -> bool {
    let (done, crash) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (counter, notifier) = (done.clone(), crash.clone());
    let step = move || {
        if counter.fetch_add(1, Ordering::SeqCst) + 1 == steps {
            notifier.notify_one();
        }
    };
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
            () = counted => false,
            () = crash.notified() => true,
        }
    })
}

async fn transfers(f: &Fixture) -> i64 {
    let count = async |tx: &mut Tx| tx.query_one("SELECT COUNT(*) FROM mock_transfers", &[], |row| row.next()).await;
    f.db().read(count).await.map_err(|error: Error| error).expect("the database works")
}

/// Crashes the settlement of one payout after `steps`, and starts again on the same data. Returns whether it crashed.
fn crash_once(account: &str, steps: usize, outcome: PayoutStatus) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let f = runtime.block_on(async {
        let f = Fixture::with(Harness::of(service()).setting("deadline_ms", platform::testing::short_deadline_ms())).await;
        f.account(f.seller, account, "APPROVED", Value::Null);
        f.available(f.seller).await;
        f.run("one").await.expect(200);
        f
    });
    let crashed = crash_after(f.harness.complete(), steps);
    runtime.block_on(finish(f, steps, outcome));
    crashed
}

/// Starts again after the crash and asserts the outcome.
async fn finish(f: Fixture, steps: usize, outcome: PayoutStatus) {
    let Fixture { harness, accounts, admin, seller, other } = f;
    let killed = harness.kill();
    let builder =
        Harness::of(service()).setting("deadline_ms", platform::testing::short_deadline_ms()).upstream("seller", seller_service(&accounts));
    let f = Fixture { harness: builder.resume(killed).await, accounts, admin, seller, other };
    // A caller repeats the run, with the same key and with another one.
    f.run("one").await.expect(200);
    f.run("two").await.expect(200);
    for _ in 0..3 {
        f.complete().await;
        f.advance(Duration::from_secs(120));
    }
    f.complete().await;
    let statuses = f.statuses(seller).await;
    if outcome == PayoutStatus::Paid {
        assert_eq!((statuses, transfers(&f).await), (vec![outcome], 1), "after {steps} steps");
        assert_eq!(f.balance(seller).await, (0, 0));
    } else {
        // The second run may have begun another one, which failed as well.
        assert!(statuses.iter().all(|status| *status == outcome), "{statuses:?} after {steps} steps");
        assert_eq!(f.balance(seller).await, (0, 9_490));
    }
    f.assert_balanced().await;
}

#[test]
fn a_crash_at_any_point_pays_once() {
    for (account, outcome) in [("po_ok", PayoutStatus::Paid), ("po_timeout", PayoutStatus::Paid), ("po_fails", PayoutStatus::Failed)] {
        let mut finished = 0;
        for steps in 1.. {
            finished = if crash_once(account, steps, outcome) { 0 } else { finished + 1 };
            if finished == 2 {
                break;
            }
            assert!(steps < 200, "the settlement takes more than two hundred steps");
        }
    }
}
