//! The lists for administrators.

use super::Fixture;
use crate::store;
use contracts::{
    ids::PaymentId,
    page::{Page, Totals},
    payment::{Payment, PaymentFilter, PaymentStatus, PaymentSummary},
};

impl Fixture {
    async fn list(&self, query: &str) -> Page<PaymentSummary> {
        self.get(&format!("/admin/payments{query}")).admin().send().await.expect(200).read()
    }
}

fn ids(page: &Page<PaymentSummary>) -> Vec<PaymentId> {
    page.items.iter().map(|item| item.payment_id).collect()
}

#[tokio::test]
async fn pages_hold_every_payment_once_newest_first() {
    let fixture = Fixture::start().await;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(fixture.payment("pm_ok").await);
        fixture.advance(std::time::Duration::from_millis(1));
    }
    made.reverse();
    let (mut seen, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let answer = fixture.get(&format!("/admin/payments{query}")).admin().send().await.expect(200);
        let page: Page<PaymentSummary> = answer.read();
        seen.extend(ids(&page));
        assert_eq!(answer.header("link").is_empty(), page.next_cursor.is_none());
        // A new payment does not shift the pages.
        fixture.payment("pm_ok").await;
        match page.next_cursor {
            Some(cursor) => query = format!("?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn a_list_is_narrowed_by_status_and_order() {
    let fixture = Fixture::start().await;
    let captured = fixture.captured("pm_ok").await;
    let voided = fixture.authorized("pm_ok").await;
    fixture.act(voided, "void").await;
    let failed = fixture.payment("pm_declined").await;
    fixture.act(failed, "authorize").await;
    for (status, id) in [("CAPTURED", captured), ("VOIDED", voided), ("FAILED", failed)] {
        assert_eq!(ids(&fixture.list(&format!("?status={status}")).await), [id]);
    }
    assert!(fixture.list("?status=INITIATED").await.items.is_empty());
    let Payment { order_id, .. } = fixture.read(captured).await;
    let of_order = fixture.list(&format!("?orderId={order_id}")).await;
    assert_eq!(ids(&of_order), [captured]);
    let item = &of_order.items[0];
    assert_eq!((item.status, item.captured_amount, item.order_number.as_str()), (PaymentStatus::Captured, super::AMOUNT, "S-1001"));
    assert!(fixture.list(&format!("?orderId={order_id}&status=VOIDED")).await.items.is_empty());
    assert_eq!(
        fixture.list("?status=FAILED").await.items[0].failure.as_ref().map(|failure| failure.code.as_str()),
        Some("PAYMENT_DECLINED")
    );
}

#[tokio::test]
async fn bad_parameters_and_cursors_are_refused() {
    let fixture = Fixture::start().await;
    for _ in 0..3 {
        fixture.payment("pm_ok").await;
    }
    for (query, status, code) in [
        ("?status=captured", 422, "INVALID_REQUEST"),
        ("?status=", 422, "INVALID_REQUEST"),
        ("?status=CAPTURED&status=VOIDED", 422, "INVALID_REQUEST"),
        ("?orderId=7", 422, "INVALID_REQUEST"),
        ("?refundFailed=1", 422, "INVALID_REQUEST"),
        ("?refundFailed=true&refundFailed=true", 422, "INVALID_REQUEST"),
        ("?limit=0", 422, "INVALID_REQUEST"),
        ("?limit=101", 422, "INVALID_REQUEST"),
        ("?sort=amount", 422, "INVALID_REQUEST"),
        ("?cursor=AAAA", 400, "BAD_CURSOR"),
    ] {
        fixture.get(&format!("/admin/payments{query}")).admin().send().await.expect_problem(status, code);
    }
    let cursor = fixture.list("?limit=1").await.next_cursor.expect("there is more");
    let elsewhere = format!("/admin/payments?status=INITIATED&limit=1&cursor={cursor}");
    fixture.get(&elsewhere).admin().send().await.expect_problem(400, "BAD_CURSOR");
}

#[tokio::test]
async fn totals_count_payments_by_status() {
    let fixture = Fixture::start().await;
    fixture.captured("pm_ok").await;
    fixture.captured("pm_ok").await;
    fixture.payment("pm_ok").await;
    let totals: Totals<PaymentStatus> = fixture.get("/admin/payments/totals").admin().send().await.expect(200).read();
    assert_eq!(totals, [(PaymentStatus::Captured, 2), (PaymentStatus::Initiated, 1)].into_iter().collect());
    assert_eq!(totals.total, 3);
    let order = fixture.body("pm_ok");
    fixture.make(&order).await.expect(201);
    let of_one = format!("orderId={}", order["orderId"].as_str().unwrap());
    for (query, total) in [("status=CAPTURED", 2), ("status=INITIATED", 2), (of_one.as_str(), 1), (&format!("{of_one}&status=VOIDED"), 0)] {
        let totals = fixture.get(&format!("/admin/payments/totals?{query}")).admin().send().await.expect(200);
        assert_eq!(totals.read::<Totals<PaymentStatus>>().total, total, "{query}");
    }
    for query in ["status=NEW", "order=1"] {
        fixture.get(&format!("/admin/payments/totals?{query}")).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    }
    fixture.get("/admin/payments/totals").customer(fixture.user).send().await.expect_problem(403, "FORBIDDEN");
}

#[tokio::test]
async fn payments_whose_refund_failed_are_found() {
    let fixture = Fixture::start().await;
    let (owing, other) = (fixture.captured("pm_refund_fails").await, fixture.captured("pm_ok").await);
    // A payment that failed owes nothing.
    let failed = fixture.payment("pm_declined").await;
    fixture.act(failed, "authorize").await;
    assert!(fixture.list("?refundFailed=true").await.items.is_empty());
    fixture.refund(owing, 5).await.expect_problem(409, "REFUND_FAILED");
    fixture.refund(other, 5).await.expect(200);
    let found = fixture.list("?refundFailed=true").await;
    assert_eq!(ids(&found), [owing]);
    assert_eq!(found.items[0].failure.as_ref().map(|failure| failure.code.as_str()), Some("REFUND_FAILED"));
    assert_eq!(ids(&fixture.list("?refundFailed=false").await), [failed, other]);
    let order = found.items[0].order_id;
    for (query, count) in [
        (format!("orderId={order}"), 1),
        ("status=CAPTURED".to_owned(), 1),
        ("status=FAILED".to_owned(), 0),
        (format!("orderId={failed}"), 0),
    ] {
        assert_eq!(fixture.list(&format!("?refundFailed=true&{query}")).await.items.len(), count, "{query}");
        let totals = fixture.get(&format!("/admin/payments/totals?refundFailed=true&{query}")).admin().send().await.expect(200);
        assert_eq!(totals.read::<Totals<PaymentStatus>>().total, count as u64, "{query}");
    }
}

#[tokio::test]
async fn every_list_reads_one_index_in_its_order() {
    let fixture = Fixture::start().await;
    for bits in 0..16_u8 {
        let given = |bit: u8| bits & (1 << bit) != 0;
        let filter = PaymentFilter {
            status: given(0).then_some(PaymentStatus::Captured),
            order_id: given(1).then(|| fixture.id()),
            refund_failed: given(2).then_some(true),
        };
        let select = store::listed(filter, given(3).then(|| fixture.id()), 21);
        let plan = fixture.query_plan(select.sql());
        assert!(plan.iter().all(|step| step.contains("INDEX") && !step.contains("TEMP B-TREE")), "{}: {plan:?}", select.sql());
        if given(2) && !given(1) {
            assert!(plan[0].contains("payments_failed_by_status"), "{plan:?}");
        }
    }
}
