//! The gauges of payments and of their transactions.

use crate::store;
use contracts::{
    machine::Machine as _,
    payment::{PaymentFilter, PaymentStatus, TransactionStatus},
};
use platform::{
    db::{Db, Error},
    telemetry::{age_seconds, set_counts},
};

pub async fn set(db: Db) -> Result<(), Error> {
    let now = db.now();
    let (payments, open, oldest) = db
        .read(async |tx| {
            let (open, oldest) = store::count_open_transactions(tx).await?;
            Ok::<_, Error>((store::count_by_status(tx, PaymentFilter::default()).await?, open, oldest))
        })
        .await?;
    set_counts("souk_payments", "status", PaymentStatus::STATES, PaymentStatus::as_str, &payments);
    let statuses = [TransactionStatus::Pending, TransactionStatus::Unknown];
    set_counts("souk_payment_transactions_open", "status", &statuses, TransactionStatus::as_str, &open);
    metrics::gauge!("souk_payment_transactions_open_age_seconds").set(age_seconds(oldest, now));
    Ok(())
}
