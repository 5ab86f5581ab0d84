use super::emit_stock_changed;
use crate::{Error, domain::ProductCopy, store};
use contracts::{catalog::Product, inventory::StockChangeReason};
use platform::db::Tx;

/// Takes in what the catalogue says of a product, unless something newer is known, and lets its stock follow: it belongs
/// to the product's seller, stands under the product's SKU, and to the product that has the SKU.
///
/// # Errors
/// [`Error::SkuTaken`] while another product is still believed to have the SKU. Events of two products come in no order;
/// it is right once the other's has come.
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
