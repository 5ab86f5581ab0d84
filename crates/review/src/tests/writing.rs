//! Writing, changing and withdrawing reviews.

use super::*;
use contracts::{
    order::{CancelReason, OrderCancelled},
    review::{ReviewPublished, ReviewSubmitted, SellerRatingChanged},
};

#[tokio::test]
async fn a_product_can_be_reviewed_once_it_was_delivered() {
    let h = Shop::open(true).await;
    let (product, other) = (h.product(None), h.product(None));
    let customer = h.id();
    let body = json!({"rating": 5, "title": "Bright", "text": "Two lines,\nas they came."});
    h.try_review(customer, product, &body).await.expect_problem(403, "PURCHASE_REQUIRED");
    let order = h.confirm_order(customer, &[product]).await;
    h.try_review(customer, product, &body).await.expect_problem(403, "PURCHASE_REQUIRED");
    h.deliver(delivered(&h, order, customer)).await;
    h.try_review(customer, other, &body).await.expect_problem(403, "PURCHASE_REQUIRED");
    h.try_review(h.id(), product, &body).await.expect_problem(403, "PURCHASE_REQUIRED");
    let answer = h.try_review(customer, product, &body).await.expect(201);
    let review: Review = answer.read();
    assert_eq!(answer.header("location"), format!("/api/v1/reviews/{}", review.review_id));
    assert_eq!(h.get(&path(&review)).customer(customer).send().await.expect(200).json(), answer.json());
    assert_eq!((answer.json()["status"].as_str(), answer.json()["text"].as_str()), (Some("PUBLISHED"), Some("Two lines,\nas they came.")));
    h.try_review(customer, product, &json!({"rating": 1})).await.expect_problem(409, "REVIEW_EXISTS");
    // The same order delivers it once more.
    h.deliver_order(customer, &[product]).await;
    h.try_review(customer, product, &json!({"rating": 1})).await.expect_problem(409, "REVIEW_EXISTS");
    assert_eq!(h.announced(product).await, Some((500, 1, 1)));
}

#[tokio::test]
async fn an_order_that_was_cancelled_is_not_delivered() {
    let h = Shop::open(true).await;
    let (product, customer) = (h.product(None), h.id());
    let order_id = h.confirm_order(customer, &[product]).await;
    h.deliver(OrderCancelled {
        order_id,
        order_number: "SK-1".into(),
        user_id: customer,
        reason: CancelReason::CustomerRequest,
        note: None,
        by_customer: true,
        lines_return: false,
        cart_id: h.id(),
        items: Vec::new(),
        currency: Currency::EUR,
        total_amount: 1_999,
        refund_due: true,
    })
    .await;
    h.deliver(delivered(&h, order_id, customer)).await;
    h.try_review(customer, product, &json!({"rating": 5})).await.expect_problem(403, "PURCHASE_REQUIRED");
}

#[tokio::test]
async fn each_part_of_an_order_can_be_reviewed_with_its_own_delivery() {
    let h = Shop::open(true).await;
    let (product, other, customer) = (h.product(None), h.product(None), h.id());
    let order_id = h.id();
    h.deliver(part_delivered(&h, order_id, customer, product)).await;
    h.try_review(customer, product, &json!({"rating": 5})).await.expect(201);
    // The other part was cancelled, so the order counts as delivered.
    h.deliver(delivered(&h, order_id, customer)).await;
    h.try_review(customer, other, &json!({"rating": 5})).await.expect_problem(403, "PURCHASE_REQUIRED");
}

#[tokio::test]
async fn values_outside_their_bounds_are_refused() {
    let h = Shop::open(true).await;
    let product = h.product(None);
    let customer = h.buyer(product).await;
    for (body, pointer, code) in [
        (json!({}), "/rating", "REQUIRED"),
        (json!({"rating": 0}), "/rating", "OUT_OF_RANGE"),
        (json!({"rating": 6}), "/rating", "OUT_OF_RANGE"),
        (json!({"rating": 5, "title": ""}), "/title", "REQUIRED"),
        (json!({"rating": 5, "title": "a\nb"}), "/title", "FORBIDDEN_CHARACTER"),
        (json!({"rating": 5, "text": "x".repeat(5_001)}), "/text", "TOO_LONG"),
        (json!({"rating": 5, "status": "PUBLISHED"}), "/status", "UNKNOWN_FIELD"),
    ] {
        let refused = h.try_review(customer, product, &body).await.expect_problem(422, "INVALID_REQUEST").json();
        assert_eq!(
            (refused["errors"][0]["pointer"].as_str(), refused["errors"][0]["code"].as_str()),
            (Some(pointer), Some(code)),
            "{body}"
        );
    }
    h.try_review(customer, product, &json!({"rating": 4.5})).await.expect(422);
    let review = h.review(product, 5).await;
    h.patch(&path(&review), &json!({"rating": null})).customer(Shop::author(&review)).send().await.expect(422);
    h.patch(&path(&review), &json!({"rating": 9})).customer(Shop::author(&review)).send().await.expect(422);
    for text in [json!(""), json!(" \n "), json!(null)] {
        h.put(&format!("{}/answer", path(&review)), &json!({"text": text})).admin().send().await.expect(422);
    }
}

#[tokio::test]
async fn the_same_key_writes_one_review() {
    let h = Shop::open(true).await;
    let product = h.product(None);
    let customer = h.buyer(product).await;
    let path = format!("/products/{product}/reviews");
    let first = h.post(&path, &json!({"rating": 4})).customer(customer).key("k-1").send().await.expect(201);
    let again = h.post(&path, &json!({"rating": 4})).customer(customer).key("k-1").send().await.expect(201);
    assert_eq!(first.json(), again.json());
    assert_eq!(again.header("idempotency-replayed"), "true");
    h.post(&path, &json!({"rating": 5})).customer(customer).key("k-1").send().await.expect_problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(h.reviews_of(product, "").await["summary"]["count"], 1);
}

#[tokio::test]
async fn of_many_reviews_by_one_author_at_once_one_is_written() {
    let h = Shop::open(true).await;
    let product = h.product(None);
    let customer = h.buyer(product).await;
    let body = json!({"rating": 3});
    let (a, b, c) = tokio::join!(
        h.try_review(customer, product, &body),
        h.try_review(customer, product, &body),
        h.try_review(customer, product, &body)
    );
    let mut statuses = [a, b, c].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
    assert_eq!(h.announced(product).await, Some((300, 1, 1)));
}

#[tokio::test]
async fn a_moderated_review_counts_from_its_publication_and_a_change_has_to_be_published_again() {
    let h = Shop::open(false).await;
    let seller = h.id();
    let product = h.product(Some(seller));
    let review = h.review(product, 4).await;
    let (one, author) = (path(&review), Shop::author(&review));
    assert_eq!(serde_json::to_value(&review).unwrap()["status"], "PENDING");
    assert_eq!(h.reviews_of(product, "").await["summary"]["count"], 0);
    assert_eq!((h.announced(product).await, h.emitted_of::<ReviewPublished>().await.len()), (None, 0));
    // A pending review is changed without another decision.
    let changed = h.patch(&one, &json!({"rating": 2, "title": "Dim"})).customer(author).send().await.expect(200).json();
    assert_eq!((&changed["status"], &changed["rating"], &changed["title"]), (&json!("PENDING"), &json!(2), &json!("Dim")));
    h.decide(&review, "publish", &json!({})).await.expect(200);
    assert_eq!(h.announced(product).await, Some((200, 1, 1)));
    // A change takes it out of the ratings until it is published again. Without a difference nothing happens.
    h.patch(&one, &json!({"rating": 2})).customer(author).send().await.expect(200);
    assert_eq!(h.announced(product).await, Some((200, 1, 1)));
    let changed = h.patch(&one, &json!({"rating": 3, "title": null})).customer(author).send().await.expect(200).json();
    assert_eq!((&changed["status"], &changed["title"]), (&json!("PENDING"), &json!(null)));
    assert_eq!(h.announced(product).await, Some((0, 0, 2)));
    h.decide(&review, "publish", &json!({})).await.expect(200);
    assert_eq!(h.announced(product).await, Some((300, 1, 3)));
    let sellers = h.emitted_of::<SellerRatingChanged>().await;
    assert_eq!(
        sellers.iter().map(|event| (event.seller_id, event.rating.average_hundredths)).collect::<Vec<_>>(),
        [(seller, 200), (seller, 0), (seller, 300)]
    );
}

#[tokio::test]
async fn a_withdrawn_review_is_gone_and_makes_room_for_another() {
    let h = Shop::open(true).await;
    let product = h.product(None);
    let review = h.review(product, 1).await;
    let (one, author) = (path(&review), Shop::author(&review));
    for _ in 0..2 {
        h.delete(&one).customer(author).send().await.expect(204);
    }
    assert_eq!(h.announced(product).await, Some((0, 0, 2)));
    h.get(&one).send().await.expect_problem(404, "NOT_FOUND");
    assert_eq!(h.get(&one).customer(author).send().await.expect(200).json()["status"], "WITHDRAWN");
    h.patch(&one, &json!({"rating": 5})).customer(author).send().await.expect_problem(409, "ILLEGAL_TRANSITION");
    h.decide(&review, "publish", &json!({})).await.expect_problem(409, "ILLEGAL_TRANSITION");
    h.try_review(author, product, &json!({"rating": 5})).await.expect(201);
    h.try_review(author, product, &json!({"rating": 5})).await.expect_problem(409, "REVIEW_EXISTS");
    assert_eq!(h.announced(product).await, Some((500, 1, 3)));
    assert_eq!(h.get("/reviews").customer(author).send().await.expect(200).json()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn withdrawing_a_rejected_review_is_no_way_to_publish_it_at_once() {
    let h = Shop::open(true).await;
    let product = h.product(None);
    let review = h.review(product, 1).await;
    h.decide(&review, "reject", &json!({"reason": "an insult"})).await.expect(200);
    h.delete(&path(&review)).customer(Shop::author(&review)).send().await.expect(204);
    let again: Review = h.try_review(Shop::author(&review), product, &json!({"rating": 1})).await.expect(201).read();
    assert_eq!(serde_json::to_value(again.status).unwrap(), "PENDING");
}

#[tokio::test]
async fn sellers_do_not_review_their_own_products() {
    let h = Shop::open(true).await;
    let seller = h.id();
    let product = h.product(Some(seller));
    h.deliver_order(seller, &[product]).await;
    h.try_review(seller, product, &json!({"rating": 5})).await.expect_problem(403, "FORBIDDEN");
    assert!(h.emitted_of::<ReviewSubmitted>().await.is_empty());
}

#[tokio::test]
async fn only_a_product_without_reviews_needs_the_catalog() {
    let h = Shop::open(true).await;
    let (product, fresh) = (h.product(None), h.product(None));
    h.review(product, 5).await;
    let (customer, other) = (h.buyer(product).await, h.buyer(fresh).await);
    *h.products.lock().unwrap() = None;
    h.try_review(customer, product, &json!({"rating": 4})).await.expect(201);
    assert_eq!(h.reviews_of(product, "").await["summary"]["averageHundredths"], 450);
    h.try_review(other, fresh, &json!({"rating": 4})).await.expect_problem(503, "DEPENDENCY_UNAVAILABLE");
    h.get(&format!("/products/{fresh}/reviews")).send().await.expect_problem(503, "DEPENDENCY_UNAVAILABLE");
}
