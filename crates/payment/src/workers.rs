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
    due::{DueQueue, DueWork},
    worker::Worker,
};
use std::time::Duration;
use tokio::time::Instant;

/// The worker that settles transactions.
pub const SETTLE: &str = "settle";

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::due(&app.ctx.db, Settlement(app.clone()))]
}

/// Transactions without an outcome.
#[derive(Clone)]
struct Settlement(App);

impl DueWork for Settlement {
    const NAME: &'static str = SETTLE;
    /// A crashed request notifies no worker: its transaction is found within this time.
    const PERIOD: Duration = Duration::from_secs(1);
    const QUEUE: DueQueue<TransactionId> = store::DUE;
    type Key = TransactionId;
    type Partition = TransactionId;
    type Error = Error;

    /// Settles the transaction if it is still open.
    async fn run(self, id: TransactionId) -> Result<(), Error> {
        let app = &self.0;
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

    fn slots(&self) -> usize {
        self.0.settings.concurrency()
    }

    fn backoff(&self) -> Backoff {
        settling::backoff(&self.0)
    }
}
