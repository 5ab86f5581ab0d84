//! Giving money back: never more than was captured.

use super::{AMOUNT, Shop};
use contracts::payment::{Payment, PaymentRefunded, PaymentStatus};

#[tokio::test]
async fn parts_add_up_to_the_whole_and_not_beyond() {
    let shop = Shop::open().await;
    let id = shop.captured("pm_ok").await;
    shop.refund(id, AMOUNT + 1).await.expect_problem(422, "REFUND_TOO_LARGE");
    let payment: Payment = shop.refund(id, 345).await.expect(200).read();
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Captured, 345));
    let refused = shop.refund(id, AMOUNT - 344).await.expect_problem(422, "REFUND_TOO_LARGE");
    assert_eq!(refused.json()["refundableAmount"], AMOUNT - 345);
    let payment: Payment = shop.refund(id, 2_000).await.expect(200).read();
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Captured, 2_345));
    // Without an amount, all that is left.
    let payment = shop.act(id, "refund").await;
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Refunded, AMOUNT));
    assert_eq!(shop.act(id, "refund").await, payment);
    shop.refund(id, 1).await.expect_problem(422, "REFUND_TOO_LARGE");

    let told: Vec<_> = shop.emitted_of::<PaymentRefunded>().await.iter().map(|e| (e.amount, e.refunded_amount, e.in_full)).collect();
    assert_eq!(told, [(345, 345, false), (2_000, 2_345, false), (10_000, AMOUNT, true)]);
    shop.tells_one_story().await;
}

#[tokio::test]
async fn only_what_was_captured_is_refunded() {
    let shop = Shop::open().await;
    for id in [shop.payment("pm_ok").await, shop.authorized("pm_ok").await] {
        shop.try_to(id, "refund", &shop.fresh_key()).await.expect_problem(409, "ILLEGAL_TRANSITION");
    }
}

#[tokio::test]
async fn refunds_at_once_never_exceed_the_capture() {
    let shop = Shop::open().await;
    let id = shop.captured("pm_ok").await;
    let part = AMOUNT / 3 + 1;
    let asking: Vec<_> = (0..6)
        .map(|_| {
            let shop = shop.clone();
            shop.env.clone().spawn(async move { shop.refund(id, part).await.status.as_u16() })
        })
        .collect();
    let mut done = 0;
    for asked in asking {
        match asked.await.expect("no request panics") {
            200 => done += 1,
            status => assert!(matches!(status, 422 | 503), "{status}"),
        }
    }
    shop.later().await;
    let payment = shop.read(id).await;
    assert!((1..=2).contains(&done));
    assert_eq!((payment.status, payment.refunded_amount), (PaymentStatus::Captured, part * done));
    shop.tells_one_story().await;
}

#[tokio::test]
async fn a_payment_is_refunded_a_thousand_times_at_most() {
    let shop = Shop::open().await;
    let id = shop.captured("pm_ok").await;
    let fill = async move |tx: &mut platform::db::Tx| {
        for position in 2..crate::domain::MOST_TRANSACTIONS {
            let transaction: contracts::ids::TransactionId = tx.new_id();
            tx.execute(
                "INSERT INTO payment_transactions (transaction_id, payment_id, position, type, status, amount, fruitless_attempts, created_at) \
                 VALUES ($1, $2, $3, 'REFUND', 'FAILED', 1, 0, 0)",
                platform::params![transaction, id, position],
            )
            .await?;
        }
        Ok::<_, platform::db::Error>(())
    };
    shop.db().write(fill).await.expect("the store can be written");
    shop.refund(id, 1).await.expect_problem(409, "TOO_MANY_REFUNDS");
}
