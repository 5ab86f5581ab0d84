//! Entry point 2: events of the catalogue. Every product event carries the whole product and the newest one counts, so
//! all events have one handler. Prices are not used here.

use crate::{Error, actions::sync_product, store};
use contracts::catalog::{
    ProductActivated, ProductArchived, ProductBlocked, ProductCreated, ProductDeactivated, ProductUnblocked, ProductUpdated,
};
use contracts::seller::{SellerReinstated, SellerSuspended};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new()
        .on::<ProductCreated, _, _>(product_created)
        .on::<ProductUpdated, _, _>(product_updated)
        .on::<ProductActivated, _, _>(product_activated)
        .on::<ProductDeactivated, _, _>(product_deactivated)
        .on::<ProductArchived, _, _>(product_archived)
        .on::<ProductBlocked, _, _>(product_blocked)
        .on::<ProductUnblocked, _, _>(product_unblocked)
        .on::<SellerSuspended, _, _>(seller_suspended)
        .without_personal_fields::<SellerSuspended>()
        .on::<SellerReinstated, _, _>(seller_reinstated)
        .on_rewind("catalog", store::products::forget_versions)
        .rebuild_from_start()
}

async fn product_blocked(tx: &mut Tx, event: Received<ProductBlocked>) -> Result<(), Error> {
    sync_product(tx, &event.product).await
}

async fn product_unblocked(tx: &mut Tx, event: Received<ProductUnblocked>) -> Result<(), Error> {
    sync_product(tx, &event.product).await
}

async fn seller_suspended(tx: &mut Tx, event: Received<SellerSuspended>) -> Result<(), Error> {
    Ok(store::products::insert_suspended_seller(tx, event.seller_id).await?)
}

async fn seller_reinstated(tx: &mut Tx, event: Received<SellerReinstated>) -> Result<(), Error> {
    store::products::delete_suspended_seller(tx, event.seller_id).await?;
    Ok(store::alerts::note_seller_reinstated(tx, event.seller_id).await?)
}

async fn product_created(tx: &mut Tx, event: Received<ProductCreated>) -> Result<(), Error> {
    sync_product(tx, &event.product).await
}

async fn product_updated(tx: &mut Tx, event: Received<ProductUpdated>) -> Result<(), Error> {
    sync_product(tx, &event.product).await
}

async fn product_activated(tx: &mut Tx, event: Received<ProductActivated>) -> Result<(), Error> {
    sync_product(tx, &event.product).await
}

async fn product_deactivated(tx: &mut Tx, event: Received<ProductDeactivated>) -> Result<(), Error> {
    sync_product(tx, &event.product).await
}

async fn product_archived(tx: &mut Tx, event: Received<ProductArchived>) -> Result<(), Error> {
    sync_product(tx, &event.product).await
}
