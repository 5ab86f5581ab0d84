//! Entry point 3: schedule.

use crate::{App, Error, store::search_index};
use platform::worker::{Next, Worker};
use std::time::Duration;

/// Users of one commit.
const BATCH: i64 = 200;

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::new("search-index", Duration::from_secs(60 * 60), app.clone(), index_older)]
}

/// Indexes users that registered before the search index existed. After the first start there are none.
async fn index_older(app: App) -> Result<Next, Error> {
    let indexed = app.ctx.db.write(async |tx| Ok::<_, Error>(search_index::index_older(tx, BATCH).await?)).await?;
    Ok(if indexed > 0 { Next::Immediately } else { Next::Idle })
}
