//! Entry point 3: schedule.

use crate::{
    App, Error, actions,
    store::{promotions, uses},
};
use contracts::{
    ids::{PromotionId, PromotionUseId},
    order::{GET_ORDER_STATUS, OrderStatus},
};
use platform::{
    backoff::Backoff,
    db::Db,
    due::{DueBatch, DueQueue, DueWork},
    worker::Worker,
};
use std::time::Duration;

/// The name of the worker that ends promotions.
pub const ENDING: &str = "promotion-ends";

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::due_batch(&app.ctx.db, Ending(app.ctx.db.clone())), Worker::due(&app.ctx.db, Unclaimed(app.clone()))]
}

/// Ends promotions whose time is over.
#[derive(Clone)]
struct Ending(Db);

impl DueBatch for Ending {
    const NAME: &'static str = ENDING;
    const PERIOD: Duration = Duration::from_secs(60);
    const SIZE: usize = 50;
    const QUEUE: DueQueue<PromotionId> = promotions::ENDS;
    type Key = PromotionId;
    type Partition = PromotionId;
    type Error = Error;

    async fn run(self, ids: Vec<PromotionId>) -> Result<(), Error> {
        actions::end_overdue(&self.0, ids).await
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60))
    }
}

/// Asks for the order of a use that nothing was heard of. An order that is not known by now will not be written any more.
#[derive(Clone)]
struct Unclaimed(App);

impl DueWork for Unclaimed {
    const NAME: &'static str = "unclaimed-uses";
    const PERIOD: Duration = Duration::from_secs(60);
    const QUEUE: DueQueue<PromotionUseId> = uses::UNCLAIMED;
    type Key = PromotionUseId;
    type Partition = PromotionUseId;
    type Error = Error;

    async fn run(self, id: PromotionUseId) -> Result<(), Error> {
        let Unclaimed(App { ctx, .. }) = self;
        let Some(order) = ctx.db.read(async move |tx| uses::find_order(tx, id).await).await? else { return Ok(()) };
        let status = match ctx.client.call(&GET_ORDER_STATUS).path(&[&order]).send().await {
            Ok(found) => found.status,
            Err(error) if error.is_not_found() => OrderStatus::Cancelled,
            Err(error) => return Err(error.into()),
        };
        ctx.db
            .write(async move |tx| match status {
                OrderStatus::Cancelled => actions::release(tx, order).await,
                OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded => {
                    actions::confirm(tx, order).await
                }
                _ => actions::claim(tx, order).await,
            })
            .await
    }

    fn slots(&self) -> usize {
        4
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_secs(10), Duration::from_secs(600))
    }
}
