//! Stock alerts: customers who want one message when a product can be bought again.

use super::set_stock::fetch;
use crate::{
    App, Error,
    store::{
        self,
        alerts::{self, StockAlert},
    },
};
use contracts::{
    catalog::Product,
    ids::{ProductId, UserId},
    inventory::BackInStockAlertTriggered,
};
use platform::{
    db::{Db, Tx},
    personal::is_erased,
};

/// The most products that a customer can wait for.
pub const MAX_ALERTS: i64 = 200;
/// The alerts that one transaction triggers.
const BATCH: usize = 200;

/// Stores that a customer waits for a product that is on sale. An alert that is there is kept for longer, and the catalogue is not asked.
///
/// # Errors
/// [`Error::NotOnSale`], [`Error::TooManyAlerts`], and those of the call.
pub async fn set_alert(app: &App, owner: UserId, product_id: ProductId) -> Result<(), Error> {
    let is_set = app.ctx.db.read(async move |tx| alerts::exists(tx, owner, product_id).await).await?;
    let title_snapshot = match is_set {
        true => String::new(),
        false => fetch(app, product_id).await?.filter(Product::is_on_sale).ok_or(Error::NotOnSale)?.title,
    };
    let kept = app.settings.stock_alert_kept();
    app.ctx
        .db
        .write(async move |tx| {
            let (created_at, expires_at) = (tx.now(), tx.now().after(kept));
            // Without a title the alert was there, and was triggered or taken back meanwhile.
            if is_erased(tx, owner.into()).await? || alerts::extend(tx, owner, product_id, expires_at).await? || title_snapshot.is_empty() {
                return Ok(());
            }
            if alerts::count(tx, owner).await? >= MAX_ALERTS {
                return Err(Error::TooManyAlerts);
            }
            let (stock_alert_id, title_snapshot) = (tx.new_id(), title_snapshot.clone());
            Ok(alerts::insert(tx, &StockAlert { stock_alert_id, user_id: owner, product_id, title_snapshot, created_at, expires_at })
                .await?)
        })
        .await
}

/// Triggers alerts of a product that can be bought, each in the commit that deletes it, and returns whether there may be more. When it
/// cannot be bought any more its alerts stay as they are.
///
/// # Errors
/// Those of the database.
pub async fn trigger_alerts(db: &Db, product: ProductId) -> Result<bool, Error> {
    db.write(async move |tx| {
        let taken = if can_be_bought(tx, product).await? { alerts::take(tx, product, BATCH).await? } else { Vec::new() };
        let has_more = taken.len() == BATCH;
        if !has_more {
            alerts::delete_back_in_stock(tx, product).await?;
        }
        for StockAlert { stock_alert_id, user_id, product_id, title_snapshot, .. } in taken {
            tx.emit(BackInStockAlertTriggered { stock_alert_id, user_id, product_id, title_snapshot });
        }
        Ok(has_more)
    })
    .await
}

async fn can_be_bought(tx: &mut Tx, product: ProductId) -> Result<bool, Error> {
    Ok(store::products::is_on_sale(tx, product).await? && store::stock::available_of(tx, product).await? > 0)
}
