use super::emit_stock_changed;
use crate::{Error, domain::ProductCopy, store};
use contracts::{catalog::Product, inventory::StockChangeReason};
use platform::db::{self, Tx};

/// Stores the catalogue's version of a product unless a newer one is stored, and updates its stock: the item of the SKU
/// belongs to the product, or else the product's first item gets the SKU; all its items get its seller.
///
/// # Errors
/// [`Error::SkuTaken`] while the stored copy of another product has the SKU. Events of two products have no order; a
/// retry succeeds once the event of the other product arrived.
pub async fn sync_product(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    let known = ProductCopy::from(product);
    let was_on_sale = store::products::find_product(tx, known.product_id).await?.is_some_and(|before| before.on_sale);
    if !store::products::upsert_if_newer(tx, &known).await.map_err(sku_taken)? {
        return Ok(());
    }
    let items = store::stock::lock_items(tx, known.product_id, &known.sku).await?;
    let of_sku = items.iter().find(|item| item.sku == known.sku);
    let follows = of_sku.or_else(|| items.iter().min_by_key(|item| item.stock_item_id)).map(|item| item.stock_item_id);
    for mut stock in items {
        let moves = follows == Some(stock.stock_item_id) && (stock.product_id, &stock.sku) != (known.product_id, &known.sku);
        if moves {
            stock.product_id = known.product_id;
            stock.sku.clone_from(&known.sku);
            stock.version += 1;
            stock.updated_at = tx.now();
        }
        // The ETag stays when only the seller changes, because users do not edit the seller here.
        if moves || stock.seller_id != known.seller_id {
            stock.seller_id = known.seller_id;
            store::stock::save(tx, &stock).await.map_err(sku_taken)?;
        }
        if moves {
            emit_stock_changed(tx, &stock, StockChangeReason::Adjusted, Some("follows the catalogue"));
            store::alerts::note_back_in_stock(tx, known.product_id).await?;
        }
    }
    if known.on_sale && !was_on_sale {
        store::alerts::note_back_in_stock(tx, known.product_id).await?;
    }
    Ok(())
}

fn sku_taken(error: db::Error) -> Error {
    let taken = [store::products::ONE_PRODUCT_PER_SKU, store::stock::ONE_ITEM_PER_SKU].iter().any(|constraint| error.violates(constraint));
    if taken { Error::SkuTaken } else { Error::Db(error) }
}
