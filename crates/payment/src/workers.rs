//! Time: what nobody finished is settled here, by asking the provider.

use crate::{
    App,
    error::Error,
    settings::millis,
    settling::{self, Question},
    store,
};
use contracts::ids::TransactionId;
use platform::{
    context::Context,
    db,
    worker::{Pace, Worker},
};
use std::time::Duration;
use tokio::time::Instant;

/// The bell of the worker that settles transactions.
pub const SETTLE: &str = "settle";
/// How many transactions are asked about at once.
const AT_ONCE: usize = 32;
/// A request that was dropped rings no bell: what it left is found at the next look.
const PERIOD: Duration = Duration::from_secs(1);

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::new(SETTLE, PERIOD, app.clone(), settle_due)]
}

/// Asks about every transaction that is due, side by side, so that one without an answer keeps nobody waiting for long.
async fn settle_due(app: App) -> Result<Pace, Error> {
    let (due, next) = app.ctx.db.read(async |tx| Ok::<_, Error>((store::list_due(tx, AT_ONCE).await?, store::next_due(tx).await?))).await?;
    let asking: Vec<_> = due
        .iter()
        .map(|id| {
            let (app, id, context) = (app.clone(), *id, Context::current());
            app.ctx.env.clone().spawn(context.scope(async move { settle(&app, id).await }))
        })
        .collect();
    let mut failed = None;
    for asked in asking {
        match asked.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failed = Some(error),
            Err(panic) => {
                tracing::error!(target: "settle", %panic, "asking about a transaction panicked");
                failed = Some(Error::Db(db::Error::Panicked));
            }
        }
    }
    match failed {
        Some(error) => Err(error),
        None if due.len() == AT_ONCE => Ok(Pace::Again),
        None => Ok(next.map_or(Pace::Rest, Pace::Until)),
    }
}

/// Settles one transaction if it is still open.
pub async fn settle(app: &App, id: TransactionId) -> Result<(), Error> {
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
