//! The gauges of orders.

use crate::store;
use contracts::{
    machine::Machine as _,
    order::{OrderFilter, OrderStatus},
};
use platform::{
    db::{Db, Error},
    telemetry::set_counts,
};

pub async fn set(db: Db) -> Result<(), Error> {
    let counts = db.read(async |tx| store::count_by_status(tx, OrderFilter::default()).await).await?;
    set_counts("souk_orders", "status", OrderStatus::STATES, OrderStatus::as_str, &counts);
    Ok(())
}
