//! The gauges of orders.

use crate::store::{self, OrderQuery};
use contracts::{machine::Machine as _, order::OrderStatus};
use platform::{
    db::{Db, Error},
    telemetry::set_counts,
};

pub async fn set(db: Db) -> Result<(), Error> {
    let counts = db.read(async |tx| store::count_by_status(tx, &OrderQuery::default()).await).await?;
    set_counts("souk_orders", "status", OrderStatus::STATES, OrderStatus::as_str, &counts);
    Ok(())
}
