//! Time: what nobody finished is settled here, by asking the provider.

use crate::{
    App,
    error::Error,
    settings::millis,
    settling::{self, Question},
    store,
};
use contracts::{ids::TransactionId, time::Timestamp};
use platform::{
    db::{self, Tx},
    due::DueRows,
    worker::Worker,
};
use std::time::Duration;
use tokio::time::Instant;

/// The bell of the worker that settles transactions.
pub const SETTLE: &str = "settle";
/// A request that was dropped rings no bell: what it left is found at the next look.
const PERIOD: Duration = Duration::from_secs(1);

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::of_due(SETTLE, PERIOD, app.settings.concurrency(), &app.ctx.db, app.clone())]
}

/// Transactions that the provider is to be asked about.
impl DueRows for App {
    type Id = TransactionId;
    type Failure = Error;

    async fn list_due(tx: &mut Tx, rows: usize) -> Result<Vec<TransactionId>, db::Error> {
        store::list_due(tx, rows).await
    }

    async fn next_due(tx: &mut Tx) -> Result<Option<Timestamp>, db::Error> {
        store::next_due(tx).await
    }

    async fn work(self, id: TransactionId) -> Result<(), Error> {
        settle(&self, id).await
    }

    async fn put_off(&self, tx: &mut Tx, id: TransactionId) -> Result<(), db::Error> {
        store::put_off(tx, id, settling::backoff(self)).await
    }
}

/// Settles one transaction if it is still open.
async fn settle(app: &App, id: TransactionId) -> Result<(), Error> {
    let payment = app.ctx.db.read(async move |tx| store::find_by_transaction(tx, id).await).await?;
    let question = payment.as_ref().and_then(|payment| {
        let open = payment.transaction(id).filter(|transaction| transaction.is_open())?;
        Some(Question::about(payment, open, false))
    });
    match question {
        Some(question) => settling::settle(app, question, Instant::now() + millis(app.settings.deadline_ms)).await,
        None => Ok(()),
    }
}
