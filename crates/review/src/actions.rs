//! What can be done with reviews, each in one transaction.

mod moderate;
mod vote;
mod write;

pub use moderate::{Decision, answer_review, moderate};
pub use vote::{flag_review, mark_helpful};
pub use write::{is_product, update_review, withdraw_review, write_review};

use crate::{
    Error,
    domain::{ReviewRecord, recount},
    store,
};
use contracts::review::{ProductRatingChanged, SellerRatingChanged};
use platform::db::Tx;

/// Updates a review that is locked, and the ratings if it counts differently in them than with `counted_before` stars.
async fn save(tx: &mut Tx, review: &ReviewRecord, counted_before: Option<i64>) -> Result<(), Error> {
    store::save(tx, review).await?;
    update_ratings(tx, review, counted_before).await
}

/// Counts a review in the ratings of its product and its seller, and announces those that changed.
async fn update_ratings(tx: &mut Tx, review: &ReviewRecord, counted_before: Option<i64>) -> Result<(), Error> {
    let counted = review.counted_stars();
    if counted == counted_before {
        return Ok(());
    }
    let product_id = review.product_id;
    let mut product = store::lock_product_rating(tx, product_id).await?.ok_or(Error::NotFound)?;
    recount(&mut product.histogram, counted_before, counted);
    store::save_product_rating(tx, &product).await?;
    let (seller_id, histogram) = (product.seller_id, product.histogram);
    tx.emit(ProductRatingChanged { product_id, seller_id, rating: histogram.rating(), histogram });
    if let Some(seller_id) = seller_id {
        let mut seller = store::lock_seller_rating(tx, seller_id).await?;
        recount(&mut seller.histogram, counted_before, counted);
        store::save_seller_rating(tx, &seller).await?;
        tx.emit(SellerRatingChanged { seller_id, rating: seller.histogram.rating() });
    }
    Ok(())
}
