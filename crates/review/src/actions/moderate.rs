//! What administrators and sellers do with reviews.

use super::{save, write::emit_published};
use crate::{
    Error,
    domain::{ReviewRecord, Viewer},
    store,
};
use contracts::{
    ids::{ReviewId, UserId},
    review::{AnswerAuthor, AnswerReview, ModerateReview, Review, ReviewAnswer, ReviewAnswered, ReviewFact, ReviewRejected, ReviewStatus},
};
use platform::{
    db::Db,
    http::{Idempotent, Json, MaybeIdempotencyKey, Problem},
};

/// What an administrator decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Publish,
    Reject,
}

/// Publishes or rejects a review. One that has the status already stays as it is.
///
/// # Errors
/// `NOT_FOUND`, `ILLEGAL_TRANSITION` for a review that was withdrawn.
pub async fn moderate(
    db: &Db,
    id: ReviewId,
    decision: Decision,
    key: MaybeIdempotencyKey,
    body: ModerateReview,
) -> Result<Idempotent<Json<Review>>, Problem> {
    let (fact, status) = match decision {
        Decision::Publish => (ReviewFact::Published, ReviewStatus::Published),
        Decision::Reject => (ReviewFact::Rejected, ReviewStatus::Rejected),
    };
    db.write(async move |tx| {
        let body = body.clone();
        key.once(tx, async move |tx| -> Result<_, Error> {
            let mut review = store::lock(tx, None, id).await?.ok_or(Error::NotFound)?;
            if review.status == status {
                return Ok(Json(review.view(Viewer::Admin)));
            }
            let counted = review.counted_stars();
            review.apply(fact, tx.now())?;
            review.reason = body.reason.map(|reason| reason.into_string());
            save(tx, &review, counted).await?;
            match decision {
                Decision::Publish => emit_published(tx, &review),
                Decision::Reject => {
                    let ReviewRecord { review_id, product_id, user_id, seller_id, ref reason, .. } = review;
                    tx.emit(ReviewRejected { review_id, product_id, user_id, seller_id, reason: reason.clone() });
                }
            }
            Ok(Json(review.view(Viewer::Admin)))
        })
        .await
    })
    .await
}

/// Answers a published review, or changes the answer. With `seller`, only reviews of this seller's products are found.
///
/// # Errors
/// `NOT_FOUND` for a review that the caller does not see, `ILLEGAL_TRANSITION` for one that is not published.
pub async fn answer_review(db: &Db, seller: Option<UserId>, id: ReviewId, body: AnswerReview) -> Result<Review, Error> {
    let author = if seller.is_some() { AnswerAuthor::Seller } else { AnswerAuthor::Shop };
    db.write(async move |tx| {
        let is_own = |review: &ReviewRecord| seller.is_none() || review.seller_id == seller && review.status == ReviewStatus::Published;
        let mut review = store::lock(tx, None, id).await?.filter(is_own).ok_or(Error::NotFound)?;
        if review.status != ReviewStatus::Published {
            return Err(Error::WrongStatus(review.status));
        }
        let viewer = seller.map_or(Viewer::Admin, Viewer::User);
        let is_same = |answer: &ReviewAnswer| answer.text == body.text.as_str() && answer.author == author;
        if review.answer.as_ref().is_some_and(is_same) {
            return Ok(review.view(viewer));
        }
        review.answer = Some(ReviewAnswer { text: body.text.as_str().to_owned(), author, answered_at: tx.now() });
        review.updated_at = tx.now();
        store::save(tx, &review).await?;
        let ReviewRecord { review_id, product_id, ref title_snapshot, user_id, seller_id, .. } = review;
        tx.emit(ReviewAnswered { review_id, product_id, title_snapshot: title_snapshot.clone(), user_id, seller_id, author });
        Ok(review.view(viewer))
    })
    .await
}
