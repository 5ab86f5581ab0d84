//! Entry point 2, events: the role SELLER follows the seller's record.

use crate::{actions, error::Error};
use contracts::seller::{SellerApproved, SellerReinstated, SellerSuspended};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new()
        .on::<SellerApproved, _, _>(seller_approved)
        .on::<SellerSuspended, _, _>(seller_suspended)
        .without_personal_fields::<SellerSuspended>()
        .on::<SellerReinstated, _, _>(seller_reinstated)
}

async fn seller_approved(tx: &mut Tx, event: Received<SellerApproved>) -> Result<(), Error> {
    actions::set_seller_role(tx, event.seller_id, true, event.approved_by).await
}

async fn seller_suspended(tx: &mut Tx, event: Received<SellerSuspended>) -> Result<(), Error> {
    actions::set_seller_role(tx, event.seller_id, false, event.suspended_by).await?;
    actions::end_api_keys(tx, event.seller_id).await
}

async fn seller_reinstated(tx: &mut Tx, event: Received<SellerReinstated>) -> Result<(), Error> {
    actions::set_seller_role(tx, event.seller_id, true, event.reinstated_by).await
}
