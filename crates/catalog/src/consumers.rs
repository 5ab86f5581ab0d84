//! Entry point 2, events: the ratings of products.

use crate::{Error, store};
use contracts::review::ProductRatingChanged;
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new().on::<ProductRatingChanged, _, _>(product_rating_changed)
}

/// Stores the rating without a new version of the product and without an event.
async fn product_rating_changed(tx: &mut Tx, event: Received<ProductRatingChanged>) -> Result<(), Error> {
    Ok(store::set_rating(tx, event.product_id, event.rating).await?)
}
