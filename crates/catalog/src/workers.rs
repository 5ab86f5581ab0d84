//! RequestLayers 3, time: products follow their categories.

use crate::{Error, store};
use platform::{
    db::Db,
    worker::{Next, Worker},
};
use std::time::Duration;

/// Lists products anew whose category was moved or deleted.
pub const RELIST: &str = "relist";

/// Products in one unit: other writers wait no longer than these take.
const BATCH: usize = 200;

pub fn all(app: &crate::App) -> Vec<Worker> {
    vec![Worker::new(RELIST, Duration::from_secs(30), app.ctx.db.clone(), relist)]
}

/// One step of one relisting. A product is listed as it is at that moment, so steps may be repeated, and may run beside
/// changes of the same products.
async fn relist(db: Db) -> Result<Next, Error> {
    db.write(async |tx| {
        let Some((category, after)) = store::next_relisting(tx).await? else { return Ok(Next::Idle) };
        let batch = store::list_listed(tx, category, after, BATCH).await?;
        for id in &batch {
            store::relist_product(tx, *id).await?;
        }
        match batch.last() {
            Some(last) => store::continue_relisting(tx, category, *last).await?,
            None => store::finish_relisting(tx, category).await?,
        }
        Ok(Next::Immediately)
    })
    .await
}
