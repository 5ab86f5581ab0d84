use super::emit_stock_changed;
use crate::{Error, domain::ProductCopy, store};
use contracts::{catalog::Product, inventory::StockChangeReason};
use platform::db::Tx;

/// Stores the catalogue's version of a product unless a newer one is stored, and updates its stock: the item gets the
/// seller and the SKU of the product, and the item of the SKU belongs to the product.
///
/// # Errors
/// [`Error::SkuTaken`] while the stored copy of another product has the SKU. Events of two products have no order; a
/// retry succeeds once the event of the other product arrived.
pub async fn sync_product(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    let known = ProductCopy::from(product);
    let on_conflict = |error: platform::db::Error| match error.violates(store::products::ONE_PRODUCT_PER_SKU) {
        true => Error::SkuTaken,
        false => Error::Db(error),
    };
    if !store::products::upsert_if_newer(tx, &known).await.map_err(on_conflict)? {
        return Ok(());
    }
    let assigned = store::stock::assign_to_product(tx, known.product_id, &known.sku).await?;
    let renamed = store::stock::rename_sku(tx, known.product_id, &known.sku).await?;
    store::stock::set_seller(tx, known.product_id, known.seller_id).await?;
    for stock in assigned.iter().chain(&renamed) {
        emit_stock_changed(tx, stock, StockChangeReason::Adjusted, Some("follows the catalogue"));
    }
    Ok(())
}
