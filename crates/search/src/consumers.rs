//! Entry point 2, events: stores what catalog, inventory and review publish in `documents`, and notifies the indexing worker.
//!
//! Every product event carries the whole product and the highest version counts, so all of them are applied alike.
//! `ProductCreated` is not consumed, because a draft cannot be found.

use crate::{store, workers};
use contracts::{
    catalog::{
        Category, CategoryChanged, CategoryDeleted, PriceChanged, Product, ProductActivated, ProductArchived, ProductBlocked,
        ProductDeactivated, ProductUnblocked, ProductUpdated,
    },
    inventory::StockChanged,
    review::ProductRatingChanged,
    seller::{SellerReinstated, SellerSuspended},
};
use platform::{
    db::{Error, Tx},
    inbox::{Consumers, Received},
};

pub fn all() -> Consumers {
    Consumers::new()
        .on::<ProductActivated, _, _>(product_activated)
        .on::<ProductUpdated, _, _>(product_updated)
        .on::<PriceChanged, _, _>(price_changed)
        .on::<ProductDeactivated, _, _>(product_deactivated)
        .on::<ProductArchived, _, _>(product_archived)
        .on::<ProductBlocked, _, _>(product_blocked)
        .on::<ProductUnblocked, _, _>(product_unblocked)
        .on::<SellerSuspended, _, _>(seller_suspended)
        .without_personal_fields::<SellerSuspended>()
        .on::<SellerReinstated, _, _>(seller_reinstated)
        .on::<CategoryChanged, _, _>(category_changed)
        .on::<CategoryDeleted, _, _>(category_deleted)
        .on::<StockChanged, _, _>(stock_changed)
        .on::<ProductRatingChanged, _, _>(product_rating_changed)
        .on_rewind("catalog", store::forget_versions)
        .rebuild_from_start()
}

async fn product_activated(tx: &mut Tx, event: Received<ProductActivated>) -> Result<(), Error> {
    apply_product(tx, &event.product).await
}

async fn product_updated(tx: &mut Tx, event: Received<ProductUpdated>) -> Result<(), Error> {
    apply_product(tx, &event.product).await
}

async fn price_changed(tx: &mut Tx, event: Received<PriceChanged>) -> Result<(), Error> {
    apply_product(tx, &event.product).await
}

async fn product_deactivated(tx: &mut Tx, event: Received<ProductDeactivated>) -> Result<(), Error> {
    apply_product(tx, &event.product).await
}

async fn product_archived(tx: &mut Tx, event: Received<ProductArchived>) -> Result<(), Error> {
    apply_product(tx, &event.product).await
}

async fn product_blocked(tx: &mut Tx, event: Received<ProductBlocked>) -> Result<(), Error> {
    apply_product(tx, &event.product).await
}

async fn product_unblocked(tx: &mut Tx, event: Received<ProductUnblocked>) -> Result<(), Error> {
    apply_product(tx, &event.product).await
}

/// The worker publishes a view without the products of the seller; their documents stay indexed.
async fn seller_suspended(tx: &mut Tx, event: Received<SellerSuspended>) -> Result<(), Error> {
    store::insert_suspended_seller(tx, event.seller_id).await?;
    notify_if(tx, true);
    Ok(())
}

async fn seller_reinstated(tx: &mut Tx, event: Received<SellerReinstated>) -> Result<(), Error> {
    store::delete_suspended_seller(tx, event.seller_id).await?;
    notify_if(tx, true);
    Ok(())
}

async fn apply_product(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    let changed = match product.is_listed() {
        true => {
            store::insert_unknown_path(tx, &product.category_path).await?;
            store::upsert_product(tx, product).await?
        }
        false => store::remove_product(tx, product.product_id, product.version).await?,
    };
    notify_if(tx, changed);
    Ok(())
}

async fn category_changed(tx: &mut Tx, event: Received<CategoryChanged>) -> Result<(), Error> {
    let CategoryChanged { category_id, name, parent_category_id, .. } = event.event;
    store::save_category(tx, &Category { category_id, name, parent_category_id }).await?;
    notify_if(tx, true);
    Ok(())
}

async fn category_deleted(tx: &mut Tx, event: Received<CategoryDeleted>) -> Result<(), Error> {
    store::delete_category(tx, event.category_id).await
}

async fn stock_changed(tx: &mut Tx, event: Received<StockChanged>) -> Result<(), Error> {
    let changed = store::set_stock(tx, &event.sku, event.available_qty).await?;
    notify_if(tx, changed);
    Ok(())
}

async fn product_rating_changed(tx: &mut Tx, event: Received<ProductRatingChanged>) -> Result<(), Error> {
    let changed = store::set_rating(tx, event.product_id, event.rating).await?;
    notify_if(tx, changed);
    Ok(())
}

fn notify_if(tx: &mut Tx, changed: bool) {
    if changed {
        tx.notify_worker(workers::INDEX);
    }
}
