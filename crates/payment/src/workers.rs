//! Entry point 3, schedule: settles the transactions that no request finished.

use crate::{
    App,
    error::Error,
    settings::millis,
    settling::{self, ProviderRequest},
    store,
};
use contracts::ids::TransactionId;
use platform::{
    backoff::Backoff,
    due::{DueQueue, DueRows},
    worker::Worker,
};
use std::time::Duration;
use tokio::time::Instant;

/// The worker that settles transactions.
pub const SETTLE: &str = "settle";
/// A dropped request notifies no worker: its transaction is found within this time.
const PERIOD: Duration = Duration::from_secs(1);

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::of_due(SETTLE, PERIOD, app.settings.concurrency(), &app.ctx.db, app.clone())]
}

/// Transactions without an outcome.
impl DueRows for App {
    type Id = TransactionId;
    type Failure = Error;

    const TABLE: DueQueue<TransactionId> = store::DUE;

    async fn work(self, id: TransactionId) -> Result<(), Error> {
        settle(&self, id).await
    }

    fn backoff(&self) -> Backoff {
        settling::backoff(self)
    }
}

/// Settles one transaction if it is still open.
async fn settle(app: &App, id: TransactionId) -> Result<(), Error> {
    let payment = app.ctx.db.read(async move |tx| store::find_by_transaction(tx, id).await).await?;
    let request = payment.as_ref().and_then(|payment| {
        let open = payment.transaction(id).filter(|transaction| transaction.is_open())?;
        Some(ProviderRequest::about(payment, open, false))
    });
    match request {
        Some(request) => settling::settle(app, request, Instant::now() + millis(app.settings.deadline_ms)).await,
        None => Ok(()),
    }
}
