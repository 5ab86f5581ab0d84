use super::{record, sync_product::sync_product};
use crate::{
    App, Error,
    domain::{self, Change, Stock},
    store,
};
use contracts::{
    body::BoundedVec,
    catalog::{LOOK_UP_PRODUCTS, Product, ProductLookup},
    ids::{ProductId, UserId},
    inventory::{SetStock, StockChangeReason, StockItem},
    text::Sku,
};
use platform::{
    db::Tx,
    http::{ETag, IfMatch},
};

/// The result of [`set_stock`].
pub enum StockSet {
    /// The SKU had no stock item before.
    Created(ETag, StockItem),
    /// The item has the requested values, changed or not.
    Set(ETag, StockItem),
}

/// Creates the stock item of a SKU, or sets its available units. `owner` is the calling seller, or `None` for an
/// administrator. Repeating it changes nothing.
///
/// # Errors
/// 404 when the product is not the seller's, 422 when it has another SKU, 412 when the caller's copy is stale; the
/// error of the catalogue when the product is looked up there.
pub async fn set_stock(app: &App, owner: Option<UserId>, sku: Sku, if_match: IfMatch, body: SetStock) -> Result<StockSet, Error> {
    let fetched = match owner {
        Some(_) => fetch_unless_known(app, body.product_id).await?,
        None => None,
    };
    let default_threshold = app.settings.low_stock_threshold.get();
    app.ctx
        .db
        .write(async move |tx| {
            let mut copies = store::products::lock_products(tx, body.product_id, &sku).await?;
            if let Some(product) = &fetched {
                sync_product(tx, product).await?;
                copies = store::products::lock_products(tx, body.product_id, &sku).await?;
            }
            let product = copies.iter().find(|copy| copy.product_id == body.product_id);
            let sku_owner = copies.iter().find(|copy| copy.sku == sku.as_str()).map(|copy| copy.product_id);
            let seller_id = domain::seller_of(owner, product, sku_owner, &sku, body.product_id)?;
            // The insert shows whether the SKU has an item: a read before it proves nothing while others write.
            if let Some(stock) = create(tx, &sku, seller_id, &body, default_threshold).await? {
                if_match.check_absent().map_err(Error::Stale)?;
                return Ok(StockSet::Created(ETag::of_version(stock.version), stock.into_view()));
            }
            let present = store::stock::lock_stock(tx, None, &sku).await?.ok_or(Error::UnknownSku)?;
            if_match.check(&ETag::of_version(present.version)).map_err(Error::Stale)?;
            let stock = change(tx, present, seller_id, &body).await?;
            Ok(StockSet::Set(ETag::of_version(stock.version), stock.into_view()))
        })
        .await
}

/// Looks a product up in the catalogue unless there is a copy here: its event may not have arrived yet.
async fn fetch_unless_known(app: &App, id: ProductId) -> Result<Option<Product>, Error> {
    let known = app.ctx.db.read(async move |tx| store::products::find_product(tx, id).await).await?;
    if known.is_some() {
        return Ok(None);
    }
    fetch(app, id).await
}

pub(super) async fn fetch(app: &App, id: ProductId) -> Result<Option<Product>, Error> {
    let product_ids = BoundedVec::new(vec![id]).expect("one is within the bounds of a lookup");
    let found = app.ctx.client.call(&LOOK_UP_PRODUCTS).body(&ProductLookup::of(product_ids)).send().await?;
    Ok(found.items.into_iter().find(|product| product.product_id == id))
}

/// Asks the catalogue whether a product is on sale, for one whose event may not have arrived yet.
///
/// # Errors
/// [`Error::Catalogue`] when it does not answer.
pub async fn is_on_sale(app: &App, id: ProductId) -> Result<bool, Error> {
    Ok(fetch(app, id).await?.is_some_and(|product| product.is_on_sale()))
}

/// Creates the item; `None` when the SKU has one.
pub(super) async fn create(
    tx: &mut Tx,
    sku: &Sku,
    seller_id: Option<UserId>,
    body: &SetStock,
    default_threshold: i64,
) -> Result<Option<Stock>, Error> {
    let stock = Stock {
        stock_item_id: tx.new_id(),
        sku: sku.as_str().to_owned(),
        product_id: body.product_id,
        seller_id,
        available_qty: body.available_qty.get(),
        reserved_qty: 0,
        low_stock_threshold: body.low_stock_threshold.map_or(default_threshold, |threshold| threshold.get()),
        version: 1,
        updated_at: tx.now(),
    };
    if !store::stock::insert(tx, &stock).await? {
        return Ok(None);
    }
    record_initial(tx, &stock).await?;
    Ok(Some(stock))
}

/// Writes the first quantity of a new item to the ledger. A new item emits no `StockLow`, because its creator knows the
/// quantity.
pub(super) async fn record_initial(tx: &mut Tx, stock: &Stock) -> Result<(), Error> {
    let change = Change::of(StockChangeReason::Adjusted, stock.available_qty);
    store::stock::insert_movement(tx, stock.stock_item_id, change, None, None).await?;
    super::emit_stock_changed(tx, stock, change.reason, None);
    if stock.brings_first_units(change) {
        store::alerts::note_back_in_stock(tx, stock.product_id).await?;
    }
    Ok(())
}

pub(super) async fn change(tx: &mut Tx, present: Stock, seller_id: Option<UserId>, body: &SetStock) -> Result<Stock, Error> {
    let mut stock = Stock {
        product_id: body.product_id,
        seller_id,
        available_qty: body.available_qty.get(),
        low_stock_threshold: body.low_stock_threshold.map_or(present.low_stock_threshold, |threshold| threshold.get()),
        ..present.clone()
    };
    if stock == present {
        return Ok(present);
    }
    stock.version += 1;
    stock.updated_at = tx.now();
    store::stock::save(tx, &stock).await?;
    let difference = stock.available_qty - present.available_qty;
    if difference != 0 {
        record(tx, &stock, Change::of(StockChangeReason::Adjusted, difference), None, None).await?;
    } else if stock.product_id != present.product_id {
        super::emit_stock_changed(tx, &stock, StockChangeReason::Adjusted, None);
        store::alerts::note_back_in_stock(tx, stock.product_id).await?;
    }
    Ok(stock)
}
