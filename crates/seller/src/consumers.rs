//! Entry point 2: events of accounts.

use crate::{Error, actions};
use contracts::auth::ExistingSellerFound;
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new().on::<ExistingSellerFound, _, _>(existing_seller_found)
}

async fn existing_seller_found(tx: &mut Tx, event: Received<ExistingSellerFound>) -> Result<(), Error> {
    actions::ensure_existing(tx, event.user_id).await
}
