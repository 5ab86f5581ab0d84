//! Sales, what reverses them, commission, statements.

use super::{DAY, Fixture};
use crate::actions::reports::STATEMENT_LINES;
use axum::{Json, Router, routing::post};
use contracts::{ids::PostingId, time::Timestamp};
use platform::{
    db::{Error as DbError, Tx},
    params,
    testing::Harness,
};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

fn balances<const N: usize>(of: [(String, i64); N]) -> HashMap<String, i64> {
    of.into_iter().collect()
}

#[tokio::test]
async fn a_sale_is_posted_once_and_becomes_available_after_the_return_window() {
    let f = Fixture::start().await;
    let event = f.fulfilment(Some(f.seller));
    let envelope = f.envelope(&event);
    f.deliver_envelope(envelope.clone()).await;
    f.deliver_envelope(envelope).await;
    f.deliver(event.clone()).await;
    let pending = format!("seller_pending/{}", f.seller);
    let sold = [("provider_clearing".to_owned(), -10_490), (pending, 9_490), ("commission_revenue".to_owned(), 1_000)];
    assert_eq!(f.accounts().await, balances(sold));
    assert_eq!(f.balance(f.seller).await, (9_490, 0));
    f.hand_over(&event).await;
    f.advance(30 * DAY - DAY);
    f.complete().await;
    assert_eq!(f.balance(f.seller).await, (9_490, 0));
    f.advance(DAY);
    f.complete().await;
    assert_eq!(f.balance(f.seller).await, (0, 9_490));
    let check = f.assert_balanced().await;
    assert_eq!((check.postings, check.accounts), (2, 4));
    let postings = f.get(&format!("/admin/ledger/postings?orderId={}", event.order_id)).admin().send().await.expect(200).json();
    let kinds: Vec<_> = postings["items"].as_array().unwrap().iter().map(|posting| posting["kind"].clone()).collect();
    assert_eq!(kinds, ["RELEASE", "SALE"]);
}

#[tokio::test]
async fn a_cancelled_part_leaves_nothing_and_the_shops_own_sale_is_posted_too() {
    let f = Fixture::start().await;
    let (of_seller, own) = (f.sell(Some(f.seller)).await, f.sell(None).await);
    f.cancel(&of_seller, of_seller.total_amount).await;
    let wanted = [("provider_clearing".to_owned(), -10_490), ("shop_revenue".to_owned(), 10_000), ("shipping_revenue".to_owned(), 490)];
    assert_eq!(f.accounts().await, balances(wanted));
    f.deliver(f.refund(&own, 500, false)).await;
    assert_eq!(f.accounts().await["refund_expense"], -500);
    f.deliver(f.refund(&own, 9_990, true)).await;
    assert!(!f.accounts().await.contains_key("provider_clearing"));
    f.assert_balanced().await;
}

#[tokio::test]
async fn a_refund_before_its_sale_waits_and_one_with_a_cause_is_left_to_its_cause() {
    let f = Fixture::start().await;
    let event = f.fulfilment(Some(f.seller));
    f.deliver(f.refund(&event, event.total_amount, true)).await;
    assert_eq!(f.accounts().await, HashMap::new());
    f.deliver(event).await;
    assert_eq!(f.accounts().await, HashMap::new(), "the refund was applied with the sale");
    let second = f.sell(Some(f.seller)).await;
    let before = f.accounts().await;
    let caused = contracts::payment::PaymentRefunded { cause_id: Some(second.fulfilment_id.0), ..f.refund(&second, 10_490, true) };
    f.deliver(caused).await;
    assert_eq!(f.accounts().await, before);
    f.assert_balanced().await;
}

#[tokio::test]
async fn returned_units_are_taken_from_the_available_balance_which_may_become_negative() {
    let f = Fixture::start().await;
    let sold = f.available(f.seller).await;
    f.run("first").await.expect(200);
    f.complete().await;
    assert_eq!(f.balance(f.seller).await, (0, 0));
    f.deliver(f.returned(&sold, 1, 0, 5_000)).await;
    assert_eq!(f.balance(f.seller).await, (0, -4_500));
    let lines = f.get("/seller/ledger?limit=1").seller(f.seller).send().await.expect(200).json();
    assert_eq!((&lines["items"][0]["kind"], &lines["items"][0]["commissionAmount"]), (&json!("RETURN"), &json!(-500)));
    // The next sale makes up for it.
    f.available(f.seller).await;
    assert_eq!(f.balance(f.seller).await, (0, 4_990));
    f.assert_balanced().await;
}

#[tokio::test]
async fn a_return_is_booked_once_with_the_units_of_both_dispositions() {
    let f = Fixture::start().await;
    let sold = f.sell(Some(f.seller)).await;
    let envelope = f.envelope(&f.returned(&sold, 1, 1, 10_000));
    f.deliver_envelope(envelope.clone()).await;
    f.deliver_envelope(envelope).await;
    let fee = [("provider_clearing".to_owned(), -490), (format!("seller_pending/{}", f.seller), 490)];
    assert_eq!(f.accounts().await, balances(fee), "the fee stays with the seller, the commission went back");
    // What more goes back than the units cost is the shop's expense.
    let own = f.sell(None).await;
    f.deliver(f.returned(&own, 0, 1, 5_100)).await;
    assert_eq!((f.accounts().await["refund_expense"], f.accounts().await["shop_revenue"]), (-100, 5_000));
    f.assert_balanced().await;
}

#[tokio::test]
async fn a_return_before_its_sale_waits_for_it() {
    let f = Fixture::start().await;
    let event = f.fulfilment(Some(f.seller));
    f.deliver(f.returned(&event, 1, 0, 5_000)).await;
    assert_eq!(f.accounts().await, HashMap::new());
    f.deliver(event).await;
    assert_eq!(f.balance(f.seller).await, (4_990, 0));
    f.assert_balanced().await;
}

#[tokio::test]
async fn a_sale_is_pending_as_long_as_goods_can_be_returned_unless_payout_says_otherwise() {
    for (setting, days) in [(None, 3), (Some(1), 1)] {
        let builder = Harness::of(crate::service()).setting_of("returns", "return_days", 3);
        let builder = match setting {
            Some(days) => builder.setting("return_window_days", days),
            None => builder,
        };
        let f = Fixture::with(builder).await;
        let sold = f.sell(Some(f.seller)).await;
        f.hand_over(&sold).await;
        f.advance(DAY * days - DAY / 2);
        f.complete().await;
        assert_eq!(f.balance(f.seller).await, (9_490, 0));
        f.advance(DAY / 2);
        f.complete().await;
        assert_eq!(f.balance(f.seller).await, (0, 9_490));
    }
}

#[tokio::test]
async fn a_rate_for_a_category_is_looked_up_and_frozen() {
    let category = "01993c6e-0040-7a31-8f52-3b1d0c9e5a40";
    let catalog = Router::new().route(
        "/internal/products/lookup",
        post(move |Json(body): Json<serde_json::Value>| async move {
            let product = json!({
                "productId": body["productIds"][0], "sellerId": null, "sku": "LAMP", "title": "Lamp", "description": "", "categoryId": category,
                "categoryPath": [{"categoryId": category, "name": "Lamps"}], "brand": null, "status": "ACTIVE", "priceAmount": 5000,
                "currency": "EUR", "images": [], "attributes": {}, "productGroupId": null, "options": [], "version": 1,
                "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
            });
            Json(json!({"items": [product]}))
        }),
    );
    let f = Fixture::with(Harness::of(crate::service()).upstream("catalog", catalog)).await;
    let rates = json!({"items": [{"basisPoints": 1500}, {"categoryId": category, "basisPoints": 500}, {"sellerId": f.seller, "basisPoints": 2000}]});
    let answer = f.put("/admin/commissions", &rates).admin().send().await.expect(200).json();
    assert_eq!(answer["items"].as_array().unwrap().len(), 3);
    assert_eq!(f.get("/admin/commissions").admin().send().await.expect(200).json(), answer);
    let sold = f.sell(Some(f.seller)).await;
    // It is cancelled before its categories are known: the reversal waits.
    assert_eq!(f.accounts().await, HashMap::new());
    f.cancel(&sold, sold.total_amount).await;
    f.complete().await;
    assert_eq!(f.accounts().await, HashMap::new());
    assert_eq!(f.assert_balanced().await.postings, 2);
    f.sell(Some(f.seller)).await;
    f.complete().await;
    assert_eq!(f.accounts().await["commission_revenue"], 500);
    f.put("/admin/commissions", &json!({"items": [{"sellerId": f.seller, "basisPoints": 2000}]})).admin().send().await.expect(200);
    assert_eq!(f.accounts().await["commission_revenue"], 500, "frozen at sale");
    f.sell(Some(f.seller)).await;
    assert_eq!(f.accounts().await["commission_revenue"], 2_500);
    f.sell(Some(f.other)).await;
    assert_eq!(f.accounts().await["commission_revenue"], 3_500, "the default of the settings");
}

#[tokio::test]
async fn bad_rates_are_refused() {
    let f = Fixture::start().await;
    for (bad, pointer) in [
        (json!({"items": [{"basisPoints": 10_001}]}), "/items/0/basisPoints"),
        (json!({"items": [{"basisPoints": 1}, {"basisPoints": 2}]}), "/items/1"),
        (json!({"items": [{"basisPoints": 1, "rate": 2}]}), "/items/0/rate"),
    ] {
        let refused = f.put("/admin/commissions", &bad).admin().send().await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn a_seller_reads_sales_by_day_and_statements_as_json_and_csv() {
    let f = Fixture::start().await;
    f.sell(Some(f.seller)).await;
    let second = f.sell(Some(f.seller)).await;
    f.cancel(&second, second.total_amount).await;
    f.advance(DAY);
    f.sell(Some(f.seller)).await;
    let sales = f.get("/seller/sales?from=2026-01-01&to=2026-01-01").seller(f.seller).send().await.expect(200).json();
    let day = json!({
        "day": "2026-01-01", "currency": "EUR", "orders": 1, "units": 2, "grossAmount": 10_490, "commissionAmount": 1_000, "netAmount": 9_490,
    });
    assert_eq!(sales["items"], json!([day]));
    let all = f.get("/seller/sales?limit=1").seller(f.seller).send().await.expect(200).json();
    assert_eq!(all["items"][0]["day"], "2026-01-02");
    let next = format!("/seller/sales?limit=1&cursor={}", all["nextCursor"].as_str().unwrap());
    assert_eq!(f.get(&next).seller(f.seller).send().await.expect(200).json()["items"], json!([day]));
    f.get("/seller/sales?from=yesterday").seller(f.seller).send().await.expect_problem(422, "INVALID_REQUEST");

    let statement = f.get("/seller/statements/2026-01").seller(f.seller).send().await.expect(200).json();
    let totals = json!({
        "currency": "EUR", "openingAmount": 0, "salesAmount": 31_470, "reversedAmount": -10_490, "commissionAmount": -2_000,
        "paidOutAmount": 0, "closingAmount": 18_980,
    });
    assert_eq!((&statement["totals"], statement["lines"].as_array().unwrap().len()), (&json!([totals]), 4));
    let later = f.get("/seller/statements/2026-02").seller(f.seller).send().await.expect(200).json();
    assert_eq!((&later["totals"][0]["openingAmount"], &later["lines"]), (&json!(18_980), &json!([])));
    let csv = f.get("/seller/statements/2026-01").seller(f.seller).header("accept", "text/csv").send().await.expect(200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let text = String::from_utf8(csv.body.clone()).unwrap();
    assert_eq!(text.lines().count(), 5);
    assert!(text.lines().nth(3).unwrap().contains(&format!(",CANCELLATION,seller_pending/{},-9490,-1000,EUR,9490,", f.seller)), "{text}");
    f.get("/seller/statements/2026-13").seller(f.seller).send().await.expect_problem(404, "NOT_FOUND");
}

/// Writes postings of two lines for the seller, one microsecond after the other.
async fn write_releases(f: &Fixture, count: i64) {
    let (seller, began) = (f.seller, f.db().now());
    let write = async move |tx: &mut Tx| {
        for number in 1_000..1_000 + count {
            let (posting, at) = (tx.new_id::<PostingId>(), Timestamp(began.0 + number));
            tx.execute(
                "INSERT INTO postings (posting_id, number, kind, cause, seller_id, commission_amount, created_at) \
                 VALUES ($1, $2, 'RELEASE', $3, $4, 0, $5)",
                params![posting, number, format!("TEST/{number}"), seller, at],
            )
            .await?;
            for (position, account, amount) in [(0_i64, "seller_pending", -1_i64), (1, "seller_available", 1)] {
                tx.execute(
                    "INSERT INTO entries (posting_id, position, number, created_at, account, seller_id, currency, amount, balance_amount) \
                     VALUES ($1, $2, $3, $4, $5, $6, 'EUR', $7, 0)",
                    params![posting, position, number, at, account, seller, amount],
                )
                .await?;
            }
        }
        Ok::<_, DbError>(())
    };
    f.db().write(write).await.unwrap();
}

#[tokio::test]
async fn a_long_statement_has_pages_as_json_and_csv() {
    let f = Fixture::start().await;
    f.sell(Some(f.seller)).await;
    // With the line of the sale, the middle of a posting is at the end of the first page.
    let releases = STATEMENT_LINES as i64 / 2;
    write_releases(&f, releases).await;
    let path = "/seller/statements/2026-01";
    let first = f.get(path).seller(f.seller).send().await.expect(200);
    let link = first.header("link").to_owned();
    let first = first.json();
    assert_eq!((first["lines"].as_array().unwrap().len(), &first["isTruncated"]), (STATEMENT_LINES - 1, &json!(true)));
    let cursor = first["nextCursor"].as_str().unwrap();
    assert!(link.contains(&format!("{path}?cursor={cursor}>; rel=\"next\"")), "{link}");
    let next = format!("{path}?cursor={cursor}");
    let second = f.get(&next).seller(f.seller).send().await.expect(200).json();
    assert_eq!(
        (second["lines"].as_array().unwrap().len(), &second["nextCursor"], &second["isTruncated"]),
        (2, &json!(null), &json!(false))
    );
    assert_eq!(second["totals"], first["totals"]);
    let ids = |page: &Value| page["lines"].as_array().unwrap().iter().map(|line| line["postingId"].to_string()).collect::<BTreeSet<_>>();
    assert!(ids(&first).is_disjoint(&ids(&second)));
    let csv = |path: &str| f.get(path).seller(f.seller).header("accept", "text/csv").send();
    let page = csv(path).await.expect(200);
    assert!(page.header("link").contains(cursor));
    assert_eq!(String::from_utf8(page.body.clone()).unwrap().lines().count(), STATEMENT_LINES);
    let page = csv(&next).await.expect(200);
    assert_eq!(String::from_utf8(page.body.clone()).unwrap().lines().count(), 3);
    f.get("/seller/statements/2026-02").seller(f.seller).send().await.expect(200);
    f.get(&next.replace("01?", "02?")).seller(f.seller).send().await.expect_problem(400, "BAD_CURSOR");
    f.get(&format!("{path}?limit=10")).seller(f.seller).send().await.expect_problem(422, "INVALID_REQUEST");
}

#[tokio::test]
async fn the_check_finds_what_does_not_add_up() {
    let f = Fixture::start().await;
    f.sell(Some(f.seller)).await;
    f.assert_balanced().await;
    let spoil = |sql: &'static str| f.db().write(async move |tx: &mut Tx| tx.execute(sql, &[]).await);
    spoil("UPDATE entries SET amount = amount + 1 WHERE account = 'commission_revenue'").await.unwrap();
    let check = f.get("/admin/ledger/check").admin().send().await.expect(200).json();
    assert_eq!((&check["balanced"], check["faults"].as_array().unwrap().len()), (&json!(false), 2), "{check}");
    spoil("UPDATE balances SET amount = amount + 1 WHERE account = 'commission_revenue'").await.unwrap();
    let check = f.get("/admin/ledger/check").admin().send().await.expect(200).json();
    assert_eq!(check["faults"].as_array().unwrap().len(), 2, "{check}");
    assert_eq!(crate::check_consistency(f.db()).await.unwrap().len(), 2);
}
