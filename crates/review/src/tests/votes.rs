//! Helpful votes and reports.

use super::*;
use contracts::review::ReviewFlagged;

#[tokio::test]
async fn a_customer_votes_once() {
    let h = Shop::open(true).await;
    let product = h.product(None);
    let review = h.review(product, 5).await;
    let helpful = format!("{}/helpful", path(&review));
    let (one, other) = (h.id(), h.id());
    for (customer, count) in [(one, 1), (one, 1), (other, 2), (one, 2)] {
        let answer = h.post(&helpful, &json!({})).customer(customer).send().await.expect(200).json();
        assert_eq!(answer["helpfulCount"], count);
    }
    let (a, b) = tokio::join!(h.post(&helpful, &json!({})).customer(h.id()).send(), h.post(&helpful, &json!({})).customer(h.id()).send());
    let mut counts = [a, b].map(|answer| answer.expect(200).json()["helpfulCount"].as_i64().unwrap());
    counts.sort_unstable();
    assert_eq!(counts, [3, 4]);
    h.post(&helpful, &json!({})).customer(Shop::author(&review)).send().await.expect_problem(403, "FORBIDDEN");
    assert_eq!(h.reviews_of(product, "").await["items"][0]["helpfulCount"], 4);
}

#[tokio::test]
async fn reports_are_for_administrators() {
    let h = Shop::open(true).await;
    let product = h.product(None);
    let (review, quiet) = (h.review(product, 1).await, h.review(product, 5).await);
    let flag = format!("{}/flag", path(&review));
    let (one, other) = (h.id::<UserId>(), h.id::<UserId>());
    for (customer, reason) in [(one, json!({"reason": "an advertisement"})), (one, json!({})), (other, json!({}))] {
        assert_eq!(h.post(&flag, &reason).customer(customer).send().await.expect(200).json()["flagCount"], json!(null));
    }
    h.post(&flag, &json!({"reason": ""})).customer(h.id()).send().await.expect_problem(422, "INVALID_REQUEST");
    let listed = async |query: &str| h.get(&format!("/admin/reviews{query}")).admin().send().await.expect(200).json()["items"].clone();
    let flagged = listed("?flagged=true").await;
    assert_eq!((flagged.as_array().unwrap().len(), &flagged[0]["flagCount"]), (1, &json!(2)));
    assert_eq!(listed("?flagged=false").await[0]["reviewId"], json!(quiet.review_id));
    let reports = h.get(&format!("/admin{}/flags", path(&review))).admin().send().await.expect(200).json();
    let mut reasons: Vec<_> = reports["items"].as_array().unwrap().iter().map(|report| report["reason"].as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, [None, Some("an advertisement")]);
    let counts: Vec<i64> = h.emitted_of::<ReviewFlagged>().await.iter().map(|event| event.flag_count).collect();
    assert_eq!(counts, [1, 2]);
}
