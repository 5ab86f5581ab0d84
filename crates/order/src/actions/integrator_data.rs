//! What integrators save with an order.

use super::store;
use crate::{Error, view::find_view};
use contracts::{
    body::UpdateIntegratorData,
    ids::{OrderId, UserId},
    order::OrderView,
};
use platform::db::Db;

/// Changes what integrators saved with an order. With `owner`, an order of another customer is not found. Without a difference
/// nothing is written.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ExternalIdTaken`].
pub async fn update_integrator_data(
    db: &Db,
    owner: Option<UserId>,
    id: OrderId,
    changes: UpdateIntegratorData,
) -> Result<OrderView, Error> {
    db.write(async move |tx| {
        let mut order = store::lock_order(tx, owner, id).await?.ok_or(Error::NotFound)?;
        let before = (order.external_id.clone(), order.metadata.clone());
        changes.clone().apply(&mut order.external_id, &mut order.metadata);
        if before != (order.external_id.clone(), order.metadata.clone()) {
            order.updated_at = tx.now();
            store::save_integrator_data(tx, &order).await.map_err(|error| match error.violates(store::EXTERNAL_ID) {
                true => Error::ExternalIdTaken,
                false => error.into(),
            })?;
        }
        find_view(tx, owner, id).await?.ok_or(Error::NotFound)
    })
    .await
}
