use super::record;
use crate::{App, Error, store};
use contracts::{
    ids::UserId,
    inventory::{AdjustStock, StockItem},
    text::Sku,
};
use platform::http::{ETag, Idempotent, Json, MaybeIdempotencyKey, Problem, Tagged};

/// Adds to the available units of a SKU, or subtracts from them. `owner` is the calling seller, or `None` for an
/// administrator.
///
/// # Errors
/// `UNKNOWN_SKU`, also for the SKU of another seller; `STOCK_OUT_OF_RANGE` when the available stock would leave its
/// bounds.
pub async fn adjust_stock(
    app: &App,
    owner: Option<UserId>,
    sku: Sku,
    key: MaybeIdempotencyKey,
    body: AdjustStock,
) -> Result<Idempotent<Tagged<Json<StockItem>>>, Problem> {
    app.ctx
        .db
        .write(async move |tx| {
            key.once(tx, async |tx| -> Result<_, Error> {
                let mut stock = store::stock::lock_stock(tx, owner, &sku).await?.ok_or(Error::UnknownSku)?;
                let change = stock.adjustment(body.delta.get())?;
                if change.available != 0 {
                    stock = store::stock::move_units(tx, stock.stock_item_id, change).await?;
                    record(tx, &stock, change, None, Some(&body.reason)).await?;
                }
                Ok(Tagged(ETag::of_version(stock.version), Json(stock.into_view())))
            })
            .await
        })
        .await
}
