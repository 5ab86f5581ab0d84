//! Entry point 2: events of accounts and of reviews.

use crate::{Error, actions, store};
use contracts::{auth::ExistingSellerFound, review::SellerRatingChanged};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new().on::<ExistingSellerFound, _, _>(existing_seller_found).on::<SellerRatingChanged, _, _>(seller_rating_changed)
}

async fn existing_seller_found(tx: &mut Tx, event: Received<ExistingSellerFound>) -> Result<(), Error> {
    actions::ensure_existing(tx, event.user_id).await
}

/// The rating is a copy: it makes no new version of the record and no event.
async fn seller_rating_changed(tx: &mut Tx, event: Received<SellerRatingChanged>) -> Result<(), Error> {
    Ok(store::set_rating(tx, event.seller_id, event.rating).await?)
}
