//! The lists of reviews, their orders and their indexes.

use super::*;
use crate::store;
use contracts::{
    ids::UserId,
    review::{ModerationSort, ProductReviewFilter, ReviewFilter, ReviewSort, SellerReviewFilter, Stars},
};
use std::time::Duration;

/// The ratings of every page of a product's reviews, with two reviews on each page.
async fn ratings(h: &Shop, product: ProductId, query: &str) -> Vec<i64> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = h.reviews_of(product, &format!("?limit=2{query}{cursor}")).await;
        found.extend(page["items"].as_array().unwrap().iter().map(|review| review["rating"].as_i64().unwrap()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn reviews_are_ordered_and_filtered_and_the_summary_counts_all_of_them() {
    let h = Shop::open(true).await;
    let product = h.product(None);
    let mut written = Vec::new();
    for stars in [5, 3, 5, 1, 4] {
        written.push(h.review(product, stars).await);
        h.advance(Duration::from_millis(1));
    }
    // The second has two votes, the fourth has one.
    for (number, votes) in [(1, 2), (3, 1)] {
        for _ in 0..votes {
            h.post(&format!("{}/helpful", path(&written[number])), &json!({})).customer(h.id()).send().await.expect(200);
        }
    }
    for (query, expected) in [
        ("", vec![4, 1, 5, 3, 5]),
        ("&sort=newest", vec![4, 1, 5, 3, 5]),
        ("&sort=helpful", vec![3, 1, 4, 5, 5]),
        ("&sort=rating", vec![1, 3, 4, 5, 5]),
        ("&sort=-rating", vec![5, 5, 4, 3, 1]),
        ("&rating=5", vec![5, 5]),
        ("&rating=2", vec![]),
        ("&rating=5&sort=helpful", vec![5, 5]),
    ] {
        assert_eq!(ratings(&h, product, query).await, expected, "{query}");
    }
    let page = h.reviews_of(product, "?rating=2").await;
    assert_eq!(page["summary"], json!({"averageHundredths": 360, "count": 5, "histogram": {"1": 1, "2": 0, "3": 1, "4": 1, "5": 2}}));
    let unrated = h.product(None);
    assert_eq!(h.reviews_of(unrated, "").await["summary"]["averageHundredths"], 0);
}

#[tokio::test]
async fn administrators_sort_reviews_by_time_or_rating() {
    let h = Shop::open(true).await;
    let product = h.product(None);
    for stars in [5, 3, 5, 1, 4] {
        h.review(product, stars).await;
        h.advance(Duration::from_millis(1));
    }
    for (query, expected) in [
        ("", [4, 1, 5, 3, 5]),
        ("&sort=newest", [4, 1, 5, 3, 5]),
        ("&sort=oldest", [5, 3, 5, 1, 4]),
        ("&sort=rating", [1, 3, 4, 5, 5]),
        ("&sort=rating&status=PUBLISHED", [1, 3, 4, 5, 5]),
    ] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = h.get(&format!("/admin/reviews?limit=2{query}{cursor}")).admin().send().await.expect(200).json();
            found.extend(page["items"].as_array().unwrap().iter().map(|review| review["rating"].as_i64().unwrap()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, expected, "{query}");
    }
    for after in [None, Some((1, h.id()))] {
        let filter = ReviewFilter { sort: Some(ModerationSort::RatingUp), ..ReviewFilter::default() };
        let plan = h.query_plan(store::moderated(filter, after, 21).sql());
        assert!(plan.iter().all(|step| step.contains("reviews_by_rating")), "{plan:?}");
    }
}

#[tokio::test]
async fn a_page_names_its_successor_and_refuses_what_it_does_not_know() {
    let h = Shop::open(true).await;
    let product = h.product(None);
    for stars in [5, 4] {
        h.review(product, stars).await;
    }
    let list = format!("/products/{product}/reviews");
    let page = h.get(&format!("{list}?limit=1")).send().await.expect(200);
    assert!(page.header("link").contains("rel=\"next\""));
    let cursor = page.json()["nextCursor"].as_str().unwrap().to_owned();
    h.get(&format!("{list}?limit=1&sort=helpful&cursor={cursor}")).send().await.expect_problem(400, "BAD_CURSOR");
    for query in ["?sort=best", "?rating=0", "?rating=6", "?rating=x", "?limit=0", "?stars=5"] {
        h.get(&format!("{list}{query}")).send().await.expect_problem(422, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn every_order_reads_one_index() {
    let h = Shop::open(true).await;
    for sort in ReviewSort::ALL.iter().copied() {
        for after in [None, Some((1, h.id()))] {
            let filter = ProductReviewFilter { sort: Some(sort), rating: None };
            let plan = h.query_plan(store::of_product(h.id(), filter, after, 21).sql());
            assert!(plan.iter().all(|step| step.starts_with("SEARCH") && step.contains("INDEX")), "{sort}: {plan:?}");
        }
    }
    let filter = ProductReviewFilter { sort: None, rating: Some(Stars::new(5).unwrap()) };
    let plan = h.query_plan(store::of_product(h.id(), filter, None, 21).sql());
    assert!(plan[0].contains("rating=?"), "{plan:?}");
}

/// The ids of the reviews that a seller sees.
async fn of_seller(h: &Shop, seller: UserId, query: &str) -> Vec<String> {
    let page = h.get(&format!("/seller/reviews{query}")).seller(seller).send().await.expect(200).json();
    page["items"].as_array().unwrap().iter().map(|review| review["reviewId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_seller_sees_the_published_reviews_of_the_own_goods() {
    let h = Shop::open(true).await;
    let (seller, other) = (h.id(), h.id());
    let (first, second, foreign) = (h.product(Some(seller)), h.product(Some(seller)), h.product(Some(other)));
    let mut written = Vec::new();
    for (product, stars) in [(first, 5), (second, 2), (foreign, 4), (first, 1)] {
        written.push(h.review(product, stars).await.review_id.to_string());
        h.advance(Duration::from_millis(1));
    }
    let rejected = format!("/admin/reviews/{}/reject", written[3]);
    h.post(&rejected, &json!({})).admin().send().await.expect(200);
    let answer = format!("/reviews/{}/answer", written[0]);
    h.put(&answer, &json!({"text": "Thank you"})).seller(seller).send().await.expect(200);

    let only = |wanted: &[usize]| wanted.iter().map(|at| written[*at].clone()).collect::<Vec<_>>();
    assert_eq!(of_seller(&h, seller, "").await, only(&[1, 0]));
    assert_eq!(of_seller(&h, other, "").await, only(&[2]));
    assert_eq!(of_seller(&h, seller, "?answered=false").await, only(&[1]));
    assert_eq!(of_seller(&h, seller, "?answered=true").await, only(&[0]));
    assert_eq!(of_seller(&h, seller, "?rating=2").await, only(&[1]));
    assert_eq!(of_seller(&h, seller, &format!("?productId={first}")).await, only(&[0]));
    assert_eq!(of_seller(&h, seller, &format!("?productId={foreign}")).await, only(&[]), "the goods of another seller");
    let page = h.get("/seller/reviews?limit=1").seller(seller).send().await.expect(200).json();
    assert_eq!((&page["items"][0]["userId"], &page["items"][0]["productTitle"]), (&json!(null), &json!("Lamp")));
    let cursor = page["nextCursor"].as_str().unwrap();
    assert_eq!(of_seller(&h, seller, &format!("?limit=1&cursor={cursor}")).await, only(&[0]));
    h.get(&format!("/seller/reviews?limit=1&cursor={cursor}")).seller(other).send().await.expect_problem(400, "BAD_CURSOR");
    for query in ["?answered=maybe", "?rating=6", "?status=PENDING"] {
        h.get(&format!("/seller/reviews{query}")).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
    }
    h.get("/seller/reviews").customer(seller).send().await.expect_problem(403, "FORBIDDEN");
    h.get("/seller/reviews").send().await.expect_problem(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn the_list_of_a_seller_reads_one_index() {
    let h = Shop::open(true).await;
    for answered in [None, Some(true), Some(false)] {
        for before in [None, Some(h.id())] {
            let filter = SellerReviewFilter { answered, ..SellerReviewFilter::default() };
            let plan = h.query_plan(store::of_seller(h.id(), filter, before, 21).sql());
            let index = if answered == Some(false) { "reviews_of_seller_unanswered" } else { "reviews_of_seller" };
            assert!(plan.len() == 1 && plan[0].starts_with("SEARCH") && plan[0].contains(index), "{answered:?}: {plan:?}");
        }
    }
}
