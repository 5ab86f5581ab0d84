use super::announce;
use crate::{Error, domain::Known, store};
use contracts::{catalog::Product, inventory::StockChangeReason};
use platform::db::Tx;

/// Takes in what the catalogue says of a product, unless something newer is known, and lets its stock follow: it belongs
/// to the product's seller, stands under the product's SKU, and to the product that has the SKU.
///
/// # Errors
/// [`Error::SkuHeld`] while another product is still believed to have the SKU. Events of two products come in no order;
/// it is right once the other's has come.
pub async fn learn(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    let known = Known::from(product);
    let held = |error: platform::db::Error| match error.violates(store::products::ONE_PRODUCT_PER_SKU) {
        true => Error::SkuHeld,
        false => Error::Db(error),
    };
    if !store::products::keep(tx, &known).await.map_err(held)? {
        return Ok(());
    }
    let rebound = store::stock::rebind(tx, known.product_id, &known.sku).await?;
    let renamed = store::stock::rename(tx, known.product_id, &known.sku).await?;
    store::stock::set_seller(tx, known.product_id, known.seller_id).await?;
    for stock in rebound.iter().chain(&renamed) {
        announce(tx, stock, StockChangeReason::Adjusted, Some("follows the catalogue"));
    }
    Ok(())
}
