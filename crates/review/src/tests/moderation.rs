//! Decisions of administrators, and answers.

use super::*;
use contracts::review::{ReviewAnswered, ReviewPublished, ReviewRejected};

#[tokio::test]
async fn administrators_publish_and_reject_and_repetitions_change_nothing() {
    let h = Shop::open(false).await;
    let product = h.product(None);
    let review = h.review(product, 4).await;
    let author = Shop::author(&review);
    let pending = h.get("/admin/reviews?status=PENDING").admin().send().await.expect(200).json();
    assert_eq!(pending["items"][0]["reviewId"], json!(review.review_id));
    for _ in 0..2 {
        assert_eq!(h.decide(&review, "publish", &json!({})).await.expect(200).json()["status"], "PUBLISHED");
    }
    for _ in 0..2 {
        assert_eq!(h.decide(&review, "reject", &json!({"reason": "off topic"})).await.expect(200).json()["status"], "REJECTED");
    }
    assert_eq!(h.announced(product).await, Some((0, 0, 2)));
    assert_eq!((h.emitted_of::<ReviewPublished>().await.len(), h.emitted_of::<ReviewRejected>().await.len()), (1, 1));
    // Its author is told why and submits it again.
    let own = h.get(&path(&review)).customer(author).send().await.expect(200).json();
    assert_eq!((&own["reason"], &own["flagCount"]), (&json!("off topic"), &json!(null)));
    let changed = h.patch(&path(&review), &json!({"text": "on topic"})).customer(author).send().await.expect(200).json();
    assert_eq!(changed["status"], "PENDING");
    h.decide(&review, "publish", &json!({})).await.expect(200);
    assert_eq!(h.reviews_of(product, "").await["items"][0]["reason"], json!(null));
    assert!(h.get("/admin/reviews?status=PENDING").admin().send().await.expect(200).json()["items"].as_array().unwrap().is_empty());
    h.get("/admin/reviews?status=GONE").admin().send().await.expect_problem(422, "INVALID_REQUEST");
}

#[tokio::test]
async fn the_seller_and_the_shop_answer_published_reviews() {
    let h = Shop::open(false).await;
    let seller = h.id();
    let product = h.product(Some(seller));
    let review = h.review(product, 2).await;
    let answer = format!("{}/answer", path(&review));
    h.put(&answer, &json!({"text": "sorry"})).admin().send().await.expect_problem(409, "ILLEGAL_TRANSITION");
    h.decide(&review, "publish", &json!({})).await.expect(200);
    for _ in 0..2 {
        let answered = h.put(&answer, &json!({"text": "Sorry,\nwe send another."})).seller(seller).send().await.expect(200).json();
        assert_eq!((&answered["answer"]["author"], &answered["flagCount"]), (&json!("SELLER"), &json!(null)));
    }
    let shown = h.reviews_of(product, "").await;
    assert_eq!(shown["items"][0]["answer"]["text"], "Sorry,\nwe send another.");
    h.put(&answer, &json!({"text": "Settled."})).admin().send().await.expect(200);
    let events = h.emitted_of::<ReviewAnswered>().await;
    assert_eq!(
        events.iter().map(|event| (event.user_id, event.author.as_str())).collect::<Vec<_>>(),
        [(Shop::author(&review), "SELLER"), (Shop::author(&review), "SHOP")]
    );
    // An answer is no change of the rating.
    assert_eq!(h.announced(product).await, Some((200, 1, 1)));
}
