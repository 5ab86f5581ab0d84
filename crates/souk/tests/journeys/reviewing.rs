//! From the delivery to the review, its rating, and what others see of it.

use super::{
    marketplace::accepted,
    server::{Person, Server},
};
use contracts::{
    body::Patch,
    catalog::GET_PRODUCT,
    ids::{ProductId, ReviewId},
    notification::{LIST_NOTIFICATIONS, NotificationType},
    order::OrderStatus,
    payment::PaymentMethod,
    review::{
        ANSWER_REVIEW, AnswerReview, LIST_ALL_REVIEWS, LIST_PRODUCT_REVIEWS, MARK_REVIEW_HELPFUL, ModerateReview, PUBLISH_REVIEW,
        ProductReviews, Rating, Review, ReviewStatus, Stars, UPDATE_REVIEW, UpdateReview, WITHDRAW_REVIEW, WRITE_REVIEW, WriteReview,
    },
    search::SEARCH_PRODUCTS,
};
use souk::api_client::{ApiRequest, request};

fn reviewing(product: ProductId, stars: i64) -> ApiRequest<WriteReview, Review> {
    let body = WriteReview { rating: Stars::new(stars).unwrap(), title: Some("Bright".parse().unwrap()), text: None };
    request(&WRITE_REVIEW).path(product).body(&body)
}

/// Reviews the product as soon as the service knows of the delivery.
async fn review(buyer: &Person, product: ProductId, stars: i64) -> Review {
    accepted(buyer, reviewing(product, stars), &["PURCHASE_REQUIRED"]).await
}

fn publishing(review: ReviewId) -> ApiRequest<ModerateReview, Review> {
    request(&PUBLISH_REVIEW).path(review).body(&ModerateReview::default())
}

fn reviews_of(product: ProductId) -> ApiRequest<(), ProductReviews> {
    request(&LIST_PRODUCT_REVIEWS).path(product)
}

/// Buys the product and waits for its delivery.
async fn receive(buyer: &Person, product: ProductId) {
    buyer.add(product, 1).await;
    let id = buyer.order(PaymentMethod::Ok, "k").await.order_id;
    buyer.order_in(id, OrderStatus::Delivered).await;
}

#[tokio::test]
async fn buyers_review_what_they_received_and_everyone_sees_the_rating() {
    let server = Server::start_with(&[("SOUK_SHIPPING_SIMULATE", "true"), ("SOUK_SHIPPING_SIMULATE_STEP_SECONDS", "1")]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LANTERN-8", 4_900, 5).await;
    server.product(&admin, "LANTERN-9", 4_900, 5).await;
    let (mara, noor, stranger, guest) =
        (server.customer("mara").await, server.customer("noor").await, server.customer("stranger").await, server.guest());
    assert_eq!(guest.must(reviews_of(product)).await.summary.count, 0);
    assert_eq!(stranger.send(reviewing(product, 1)).await.problem(), (403, "PURCHASE_REQUIRED".to_owned()));
    assert_eq!(guest.send(reviewing(product, 1)).await.problem().0, 401);
    tokio::join!(receive(&mara, product), receive(&noor, product));

    let (first, second) = (review(&mara, product, 5).await, review(&noor, product, 2).await);
    assert_eq!(first.status, ReviewStatus::Pending);
    assert_eq!(mara.send(reviewing(product, 5)).await.problem(), (409, "REVIEW_EXISTS".to_owned()));
    assert_eq!(guest.must(reviews_of(product)).await.summary.count, 0);
    assert_eq!(admin.must(request(&LIST_ALL_REVIEWS).query("status", "PENDING")).await.items.len(), 2);
    for review in [&first, &second] {
        assert_eq!(admin.must(publishing(review.review_id)).await.status, ReviewStatus::Published);
    }
    let shown = guest.must(reviews_of(product).query("sort", "-rating")).await;
    assert_eq!(shown.items.iter().map(|review| review.rating).collect::<Vec<_>>(), [5, 2]);
    assert_eq!((shown.summary.average_hundredths, shown.summary.histogram.two), (350, 1));

    // Catalogue and search follow.
    let rated = Rating { average_hundredths: 350, count: 2 };
    let before = guest.until(request(&GET_PRODUCT).path(product), "rated", |shown| shown.rating == rated).await;
    let searching = request(&SEARCH_PRODUCTS).query("q", "lantern").query("sort", "rating");
    guest.until(searching, "sorted by rating", |found| found.items.first().is_some_and(|hit| hit.rating == rated)).await;
    let well_rated = |stars: i64| request(&SEARCH_PRODUCTS).query("minRating", stars);
    assert_eq!(guest.must(well_rated(3)).await.items.iter().map(|hit| hit.product_id).collect::<Vec<_>>(), [product]);
    assert!(guest.must(well_rated(4)).await.items.is_empty());

    // A helpful vote counts once, and the shop answers.
    for _ in 0..2 {
        assert_eq!(stranger.must(request(&MARK_REVIEW_HELPFUL).path(second.review_id)).await.helpful_count, 1);
    }
    admin.must(request(&ANSWER_REVIEW).path(second.review_id).body(&AnswerReview { text: "Sorry.".parse().unwrap() })).await;
    noor.until(request(&LIST_NOTIFICATIONS).query("limit", 100), "told of both", |list| {
        let has = |kind| list.items.iter().any(|notification| notification.r#type == kind);
        has(NotificationType::ReviewPublished) && has(NotificationType::ReviewAnswered)
    })
    .await;

    // A change waits for the administrator again, and a review that is withdrawn does not count any more.
    let better = UpdateReview { rating: Patch(Some(Stars::new(4).unwrap())), ..UpdateReview::default() };
    assert_eq!(stranger.send(request(&UPDATE_REVIEW).path(second.review_id).body(&better)).await.problem().0, 404);
    assert_eq!(noor.must(request(&UPDATE_REVIEW).path(second.review_id).body(&better)).await.status, ReviewStatus::Pending);
    admin.must(publishing(second.review_id)).await;
    mara.must(request(&WITHDRAW_REVIEW).path(first.review_id)).await;
    let rated = Rating { average_hundredths: 400, count: 1 };
    let after = guest.until(request(&GET_PRODUCT).path(product), "rated anew", |shown| shown.rating == rated).await;
    assert_eq!(after.version, before.version, "a rating is no change of the product");
    guest.until(well_rated(4), "found by its rating", |found| found.items.len() == 1).await;
    server.stop_and_check().await;
}
