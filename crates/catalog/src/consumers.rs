//! Entry point 2, events: the ratings of products, and which sellers are suspended. A suspension changes no product.

use crate::{
    Error,
    store::{self, suspended_sellers},
};
use contracts::{
    review::ProductRatingChanged,
    seller::{SellerReinstated, SellerSuspended},
};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new()
        .on::<ProductRatingChanged, _, _>(product_rating_changed)
        .on::<SellerSuspended, _, _>(seller_suspended)
        .without_personal_fields::<SellerSuspended>()
        .on::<SellerReinstated, _, _>(seller_reinstated)
}

/// Stores the rating without a new version of the product and without an event.
async fn product_rating_changed(tx: &mut Tx, event: Received<ProductRatingChanged>) -> Result<(), Error> {
    Ok(store::set_rating(tx, event.product_id, event.rating).await?)
}

async fn seller_suspended(tx: &mut Tx, event: Received<SellerSuspended>) -> Result<(), Error> {
    Ok(suspended_sellers::insert(tx, event.seller_id, event.occurred_at).await?)
}

async fn seller_reinstated(tx: &mut Tx, event: Received<SellerReinstated>) -> Result<(), Error> {
    Ok(suspended_sellers::delete(tx, event.seller_id).await?)
}
