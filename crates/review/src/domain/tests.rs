//! The rules, tested with random actions in any order.

use super::*;
use contracts::{body::Patch, ids::Uuid, review::Stars};
use proptest::prelude::*;

fn review(status: ReviewStatus, rating: i64) -> ReviewRecord {
    ReviewRecord {
        review_id: ReviewId(Uuid::from_u128(1)),
        product_id: ProductId(Uuid::from_u128(2)),
        seller_id: None,
        user_id: UserId(Uuid::from_u128(3)),
        order_id: OrderId(Uuid::from_u128(4)),
        title_snapshot: "Lamp".into(),
        rating,
        title: None,
        text: None,
        status,
        reason: Some("a reason".into()),
        was_rejected: status == ReviewStatus::Rejected,
        answer: None,
        helpful_count: 0,
        flag_count: 2,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn stars(rating: i64) -> UpdateReview {
    UpdateReview { rating: Patch(Some(Stars::new(rating).unwrap())), ..UpdateReview::default() }
}

#[test]
fn a_change_is_submitted_again_unless_the_shop_publishes_at_once() {
    use ReviewStatus::{Pending, Published, Rejected};
    for (before, publish_at_once, after) in [
        (Pending, false, Pending),
        (Pending, true, Pending),
        (Published, false, Pending),
        (Published, true, Published),
        (Rejected, false, Pending),
        (Rejected, true, Pending),
    ] {
        let mut changed = review(before, 4);
        assert!(changed.revise(stars(2), publish_at_once, Timestamp(9)).unwrap());
        assert_eq!((changed.status, changed.rating, changed.updated_at), (after, 2, Timestamp(9)), "{before}");
        // The same again is no change, and does not submit a published review again.
        let mut same = review(before, 4);
        assert!(!same.revise(stars(4), publish_at_once, Timestamp(9)).unwrap());
        assert_eq!(same, review(before, 4));
    }
    let mut once_rejected = ReviewRecord { was_rejected: true, ..review(Published, 4) };
    assert!(once_rejected.revise(stars(2), true, Timestamp(9)).unwrap());
    assert_eq!(once_rejected.status, Pending);
    assert!(review(ReviewStatus::Withdrawn, 4).revise(stars(2), true, Timestamp(9)).is_err());
}

#[test]
fn only_published_reviews_are_public_without_their_author_and_only_administrators_see_reports() {
    let author = Viewer::User(UserId(Uuid::from_u128(3)));
    let stranger = Viewer::User(UserId(Uuid::from_u128(9)));
    for status in ReviewStatus::STATES.iter().copied() {
        let is_public = status == ReviewStatus::Published;
        let seen = [Viewer::Anyone, stranger, author, Viewer::Admin].map(|viewer| review(status, 5).is_visible_to(viewer));
        assert_eq!(seen, [is_public, is_public, true, true], "{status}");
    }
    let shown = |viewer| {
        let view = review(ReviewStatus::Published, 5).view(viewer);
        (view.user_id.is_some(), view.reason.is_some(), view.flag_count)
    };
    assert_eq!(
        [Viewer::Anyone, stranger, author, Viewer::Admin].map(shown),
        [(false, false, None), (false, false, None), (true, true, None), (true, true, Some(2))]
    );
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Fact(ReviewFact),
    Revise(i64),
}

proptest! {
    #[test]
    fn the_counts_are_those_of_the_published_reviews_after_any_steps(
        steps in prop::collection::vec(
            (0_usize..4, prop_oneof![prop::sample::select(ReviewStatus::FACTS).prop_map(Step::Fact), (1_i64..=5).prop_map(Step::Revise)]),
            0..80,
        ),
        publish_at_once: bool,
    ) {
        let mut reviews: Vec<ReviewRecord> = (1..=4).map(|rating| review(ReviewStatus::Pending, rating)).collect();
        let mut histogram = Histogram::default();
        for (number, step) in steps {
            let before = reviews[number].clone();
            let mut after = before.clone();
            let done = match step {
                Step::Fact(fact) => after.apply(fact, Timestamp(1)).is_ok(),
                Step::Revise(rating) => after.revise(stars(rating), publish_at_once, Timestamp(1)).is_ok(),
            };
            if done {
                prop_assert!(before.status == after.status || ReviewStatus::TABLE.iter().any(|row| (row.from, row.to) == (before.status, after.status)));
                recount(&mut histogram, before.counted_stars(), after.counted_stars());
                reviews[number] = after;
            }
            let mut counted = Histogram::default();
            for published in reviews.iter().filter(|review| review.status == ReviewStatus::Published) {
                *counted.count_mut(published.rating).unwrap() += 1;
            }
            prop_assert_eq!(histogram, counted);
        }
    }
}
