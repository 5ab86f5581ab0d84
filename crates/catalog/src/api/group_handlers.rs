//! Handler of product groups.

use super::viewer;
use crate::{App, Error, domain::product::options_of, store};
use contracts::{
    body::BoundedVec,
    catalog::{Product, ProductGroup, Variant},
    ids::ProductGroupId,
    inventory::{Availability, LOOK_UP_STOCK, StockLookup},
    text::Sku,
};
use platform::{
    http::{Json, Path, Problem, State},
    identity::MaybeUser,
};
use std::collections::HashMap;

pub async fn get(user: MaybeUser, State(app): State<App>, Path(id): Path<ProductGroupId>) -> Result<Json<ProductGroup>, Problem> {
    let (viewer, tree) = (viewer(&user), app.tree.clone());
    let variants = app
        .ctx
        .db
        .read(async move |tx| -> Result<_, Error> {
            let mut variants = store::list_variants(tx, id).await?;
            variants.retain(|variant| viewer.can_see(variant));
            tree.current(tx).await?.tree.fill_paths(&mut variants);
            Ok(variants)
        })
        .await?;
    if variants.is_empty() {
        return Err(Error::NotFound("product group").into());
    }
    let options = options_of(&variants);
    let stock = stock_of(&app, &variants).await;
    let availability = |sku: &str| {
        let available_qty = stock.as_ref()?.get(sku).copied().unwrap_or(0);
        Some(Availability { in_stock: available_qty > 0, available_qty })
    };
    let variants = variants.into_iter().map(|product| Variant { availability: availability(&product.sku), product }).collect();
    Ok(Json(ProductGroup { product_group_id: id, options, variants }))
}

/// Returns the available quantity by SKU, or `None` when inventory does not answer in time. The group is then shown without
/// availability.
async fn stock_of(app: &App, variants: &[Product]) -> Option<HashMap<String, i64>> {
    let skus = variants.iter().filter_map(|variant| Sku::parse(&variant.sku).ok()).collect();
    let body = StockLookup { skus: BoundedVec::new(skus).ok()? };
    match app.ctx.client.call(&LOOK_UP_STOCK).body(&body).timeout(app.settings.stock_wait()).send().await {
        Ok(stock) => Some(stock.items.into_iter().map(|item| (item.sku, item.available_qty)).collect()),
        Err(error) => {
            tracing::debug!(target: "catalog", %error, "inventory did not answer");
            None
        }
    }
}
