//! Who may do what.

use super::*;

#[tokio::test]
async fn only_lists_and_published_reviews_are_public() {
    let h = Shop::open(true).await;
    let product = h.product(None);
    let review = h.review(product, 4).await;
    let public = ["/products/{productId}/reviews", "/reviews/{reviewId}"];
    let own: Vec<_> = h.runtime.operations.iter().filter(|(_, operation)| operation.tag == "review").collect();
    assert!(own.len() >= 13);
    for (_, operation) in own {
        let path = operation.path.replace("{productId}", &product.to_string()).replace("{reviewId}", &review.review_id.to_string());
        let answer = h.request(operation.method.clone(), &path).json(&json!({"rating": 1, "text": "x"})).send().await;
        match operation.method.as_str() == "GET" && public.contains(&operation.path) {
            true => answer.expect(200),
            false => answer.expect_problem(401, "UNAUTHENTICATED"),
        };
    }
}

#[tokio::test]
async fn strangers_find_no_review_of_others_and_have_no_part_in_moderation() {
    let h = Shop::open(false).await;
    let seller = h.id();
    let product = h.product(Some(seller));
    let review = h.review(product, 4).await;
    let (stranger, one) = (h.id(), path(&review));
    // The review is pending.
    for verb in ["helpful", "flag"] {
        h.post(&format!("{one}/{verb}"), &json!({})).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    }
    h.get(&one).send().await.expect_problem(404, "NOT_FOUND");
    h.get(&one).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    h.get(&one).seller(seller).send().await.expect_problem(404, "NOT_FOUND");
    h.put(&format!("{one}/answer"), &json!({"text": "thanks"})).seller(seller).send().await.expect_problem(404, "NOT_FOUND");
    h.get(&one).customer(Shop::author(&review)).send().await.expect(200);
    h.get(&one).admin().send().await.expect(200);
    h.decide(&review, "publish", &json!({})).await.expect(200);
    // It is public without its author, and still not theirs.
    let listed = h.reviews_of(product, "").await["items"][0].clone();
    let seen = h.get(&one).customer(stranger).send().await.expect(200).json();
    assert_eq!((&listed["userId"], &seen["userId"]), (&Value::Null, &Value::Null));
    let own = h.get(&one).customer(Shop::author(&review)).send().await.expect(200).json();
    assert_eq!(own["userId"], json!(review.user_id));
    h.patch(&one, &json!({"rating": 1})).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    h.delete(&one).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
    h.put(&format!("{one}/answer"), &json!({"text": "thanks"})).seller(stranger).send().await.expect_problem(404, "NOT_FOUND");
    h.put(&format!("{one}/answer"), &json!({"text": "thanks"}))
        .customer(Shop::author(&review))
        .send()
        .await
        .expect_problem(403, "FORBIDDEN");
    for path in [format!("/admin{one}/publish"), format!("/admin{one}/reject")] {
        h.post(&path, &json!({})).seller(seller).send().await.expect_problem(403, "FORBIDDEN");
        h.post(&path, &json!({})).customer(Shop::author(&review)).send().await.expect_problem(403, "FORBIDDEN");
    }
    h.get("/admin/reviews").customer(stranger).send().await.expect_problem(403, "FORBIDDEN");
    h.get(&format!("/admin{one}/flags")).seller(seller).send().await.expect_problem(403, "FORBIDDEN");
    assert_eq!(h.reviews_of(product, "").await["items"][0]["rating"], 4);
    let own = h.get("/reviews").customer(stranger).send().await.expect(200).json();
    assert_eq!(own["items"], json!([]));
}

#[tokio::test]
async fn unknown_products_and_reviews_are_not_found() {
    let h = Shop::open(true).await;
    let (customer, unknown) = (h.id::<UserId>(), h.id::<Uuid>());
    h.try_review(customer, ProductId(unknown), &json!({"rating": 5})).await.expect_problem(404, "NOT_FOUND");
    h.get(&format!("/products/{unknown}/reviews")).send().await.expect_problem(404, "NOT_FOUND");
    h.get(&format!("/reviews/{unknown}")).send().await.expect_problem(404, "NOT_FOUND");
    h.get(&format!("/admin/reviews/{unknown}/flags")).admin().send().await.expect_problem(404, "NOT_FOUND");
    h.post(&format!("/admin/reviews/{unknown}/publish"), &json!({})).admin().send().await.expect_problem(404, "NOT_FOUND");
    for path in ["/reviews/1", "/reviews/..%2fadmin", "/products/1/reviews"] {
        h.get(path).send().await.expect_problem(404, "NOT_FOUND");
    }
}
