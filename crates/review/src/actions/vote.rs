//! Votes for reviews and reports of them, once for each customer.

use crate::{
    Error,
    domain::{ReviewRecord, Viewer},
    store::{self, VoteKind},
};
use contracts::{
    ids::{ReviewId, UserId},
    review::{FlagReview, Review, ReviewFlag, ReviewFlagged},
};
use platform::{
    db::{Db, Tx},
    http::{Idempotent, Json, MaybeIdempotencyKey, Problem},
};

/// Counts a customer who found a review helpful. A repetition changes nothing.
///
/// # Errors
/// `NOT_FOUND` unless it is published, `FORBIDDEN` for the customer's own review.
pub async fn mark_helpful(db: &Db, customer: UserId, id: ReviewId, key: MaybeIdempotencyKey) -> Result<Idempotent<Json<Review>>, Problem> {
    db.write(async move |tx| {
        key.once(tx, async move |tx| -> Result<_, Error> {
            let mut review = lock_for_vote(tx, customer, id).await?;
            let vote = ReviewFlag { user_id: customer, reason: None, created_at: tx.now() };
            store::insert_vote(tx, &mut review, VoteKind::Helpful, &vote).await?;
            Ok(Json(review.view(Viewer::User(customer))))
        })
        .await
    })
    .await
}

/// Reports a review to the administrators. A repetition changes nothing.
///
/// # Errors
/// As [`mark_helpful`].
pub async fn flag_review(
    db: &Db,
    customer: UserId,
    id: ReviewId,
    key: MaybeIdempotencyKey,
    body: FlagReview,
) -> Result<Idempotent<Json<Review>>, Problem> {
    db.write(async move |tx| {
        let body = body.clone();
        key.once(tx, async move |tx| -> Result<_, Error> {
            let mut review = lock_for_vote(tx, customer, id).await?;
            let reason = body.reason.map(|reason| reason.into_string());
            let flag = ReviewFlag { user_id: customer, reason, created_at: tx.now() };
            if store::insert_vote(tx, &mut review, VoteKind::Flag, &flag).await? {
                let ReviewRecord { review_id, product_id, user_id, seller_id, flag_count, .. } = review;
                tx.emit(ReviewFlagged { review_id, product_id, user_id, seller_id, flag_count });
            }
            Ok(Json(review.view(Viewer::User(customer))))
        })
        .await
    })
    .await
}

async fn lock_for_vote(tx: &mut Tx, customer: UserId, id: ReviewId) -> Result<ReviewRecord, Error> {
    let review = store::lock(tx, None, id).await?.filter(|review| review.is_visible_to(Viewer::User(customer))).ok_or(Error::NotFound)?;
    if review.user_id == customer {
        return Err(Error::OwnThing("authors do not vote on their own reviews"));
    }
    Ok(review)
}
