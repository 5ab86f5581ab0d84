//! Writes, changes and withdraws reviews. All of it is for the author.

use super::{save, update_ratings};
use crate::{
    App, Error,
    domain::{ReviewRecord, Viewer},
    store,
};
use contracts::{
    body::BoundedVec,
    catalog::{LOOK_UP_PRODUCTS, ProductLookup, ProductStatus},
    ids::{ProductId, ReviewId, UserId},
    review::{
        Review, ReviewFact, ReviewPublished, ReviewStatus, ReviewSubmitted, ReviewUpdated, ReviewWithdrawn, UpdateReview, WriteReview,
    },
};
use platform::{
    db::{Db, Tx},
    http::{Created, Idempotent, MaybeIdempotencyKey, Problem},
};

/// Reviews a product that was delivered to the author. The review is published at once where the shop does so, unless the
/// author's former review of the product was rejected.
///
/// # Errors
/// `NOT_FOUND` for an unknown product, `PURCHASE_REQUIRED`, `REVIEW_EXISTS`; `FORBIDDEN` for the author's own product;
/// `DEPENDENCY_UNAVAILABLE` when the product is new here and the catalogue is down.
pub async fn write_review(
    app: &App,
    author: UserId,
    product_id: ProductId,
    key: MaybeIdempotencyKey,
    body: WriteReview,
) -> Result<Idempotent<Created<Review>>, Problem> {
    let db = &app.ctx.db;
    if let Some(answer) = key.replay(db).await? {
        return Ok(answer);
    }
    let seller_id = find_seller(app, product_id).await?.ok_or(Error::NotFound)?;
    let publish_at_once = app.settings.publish_at_once;
    db.write(async move |tx| {
        let body = body.clone();
        key.once(tx, async move |tx| -> Result<_, Error> {
            let bought = store::find_purchase(tx, author, product_id).await?.ok_or(Error::NotBought)?;
            if seller_id == Some(author) {
                return Err(Error::OwnThing("sellers do not review their own products"));
            }
            store::insert_product(tx, product_id, seller_id).await?;
            let mut review = ReviewRecord {
                review_id: tx.new_id(),
                product_id,
                seller_id,
                user_id: author,
                order_id: bought.order_id,
                title_snapshot: bought.title_snapshot,
                rating: body.rating.get(),
                title: body.title.map(|title| title.into_string()),
                text: body.text.map(|text| text.into_string()).filter(|text| !text.is_empty()),
                status: ReviewStatus::Pending,
                reason: None,
                was_rejected: false,
                answer: None,
                helpful_count: 0,
                flag_count: 0,
                created_at: tx.now(),
                updated_at: tx.now(),
            };
            let publish = publish_at_once && !store::was_rejected(tx, author, product_id).await?;
            if publish {
                review.apply(ReviewFact::Published, tx.now())?;
            }
            if !store::insert(tx, &review).await? {
                return Err(Error::Exists);
            }
            let (review_id, user_id, rating) = (review.review_id, author, review.rating);
            tx.emit(ReviewSubmitted { review_id, product_id, order_id: review.order_id, user_id, seller_id, rating });
            if publish {
                emit_published(tx, &review);
            }
            update_ratings(tx, &review, None).await?;
            Ok(Created::at(format!("/reviews/{review_id}"), review.view(Viewer::User(author))))
        })
        .await
    })
    .await
}

/// Announces a review that became public.
pub fn emit_published(tx: &mut Tx, review: &ReviewRecord) {
    tx.emit(ReviewPublished {
        review_id: review.review_id,
        product_id: review.product_id,
        title_snapshot: review.title_snapshot.clone(),
        user_id: review.user_id,
        seller_id: review.seller_id,
        rating: review.rating,
    });
}

/// Changes a review.
///
/// # Errors
/// `NOT_FOUND` for another author's review, `ILLEGAL_TRANSITION` for one that was withdrawn.
pub async fn update_review(app: &App, author: UserId, id: ReviewId, body: UpdateReview) -> Result<Review, Error> {
    let publish_at_once = app.settings.publish_at_once;
    app.ctx
        .db
        .write(async move |tx| {
            let mut review = store::lock(tx, Some(author), id).await?.ok_or(Error::NotFound)?;
            let counted = review.counted_stars();
            if review.revise(body.clone(), publish_at_once, tx.now())? {
                save(tx, &review, counted).await?;
                let ReviewRecord { review_id, product_id, user_id, seller_id, rating, status, .. } = review;
                tx.emit(ReviewUpdated { review_id, product_id, user_id, seller_id, rating, status });
            }
            Ok(review.view(Viewer::User(author)))
        })
        .await
}

/// Withdraws a review. Repeating it changes nothing.
///
/// # Errors
/// `NOT_FOUND` for another author's review.
pub async fn withdraw_review(db: &Db, author: UserId, id: ReviewId) -> Result<(), Error> {
    db.write(async move |tx| {
        let mut review = store::lock(tx, Some(author), id).await?.ok_or(Error::NotFound)?;
        if review.status == ReviewStatus::Withdrawn {
            return Ok(());
        }
        let counted = review.counted_stars();
        review.apply(ReviewFact::Withdrawn, tx.now())?;
        save(tx, &review, counted).await?;
        let ReviewRecord { review_id, product_id, user_id, seller_id, .. } = review;
        tx.emit(ReviewWithdrawn { review_id, product_id, user_id, seller_id });
        Ok(())
    })
    .await
}

/// Whether there is such a product, other than a draft.
///
/// # Errors
/// When the product is new here and the catalogue does not answer.
pub async fn is_product(app: &App, product: ProductId) -> Result<bool, Error> {
    Ok(find_seller(app, product).await?.is_some())
}

/// Returns the seller of a product, `Some(None)` for the marketplace itself; `None` when there is no such product. The
/// catalogue is asked for a product that has no review yet.
async fn find_seller(app: &App, product: ProductId) -> Result<Option<Option<UserId>>, Error> {
    let known = app.ctx.db.read(async move |tx| store::find_product_rating(tx, product).await).await?;
    if let Some(known) = known {
        return Ok(Some(known.seller_id));
    }
    let product_ids = BoundedVec::new(vec![product]).expect("a lookup may have one id");
    let found = app.ctx.client.call(&LOOK_UP_PRODUCTS).body(&ProductLookup::of(product_ids)).send().await?;
    let found = found.items.into_iter().find(|found| found.product_id == product && found.status != ProductStatus::Draft);
    Ok(found.map(|found| found.seller_id))
}
