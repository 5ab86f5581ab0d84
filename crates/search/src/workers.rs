//! Entry point 3, schedule: the worker that keeps the index up to date.
//!
//! A turn indexes what changed since the index's last commit, in one commit that records the position reached, and publishes
//! it to searches. After a crash the next turn begins where the last commit ended. Changed products and stock come first,
//! then some products of categories that were renamed or moved. While another index is built, each turn also indexes one
//! batch into it, until it is complete and replaces the live one.

use crate::{
    App, Error,
    index::{IndexManager, Tree},
    store::{self, Batch, IndexPosition, Progress},
};
use platform::{
    db::Tx,
    worker::{Next, Worker},
};
use std::time::Duration;

/// The worker's name for notifications.
pub const INDEX: &str = "index";
/// How long a change can wait when another process (a command or a replica) wrote it.
const PERIOD: Duration = Duration::from_millis(500);
/// The number of documents read at once.
const PAGE: usize = 250;
/// The limits of one commit: number of documents, and time to gather them.
const BATCH: usize = 2_000;
const MAX_GATHER_TIME: Duration = Duration::from_millis(200);
/// The number of products indexed again per turn because their category changed. It bounds how long other changes wait.
const REINDEX_BATCH: usize = 500;

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::new(INDEX, PERIOD, app.clone(), index)]
}

/// Runs one turn.
pub async fn index(app: App) -> Result<Next, Error> {
    let progress = get_progress(&app).await?;
    with_index_manager(&app, move |manager| manager.prepare_generation(progress)).await?;
    refresh_suspended_sellers(&app).await?;
    let changed = update_live(&app).await?;
    let touched = reindex_moved(&app).await?;
    let building = build(&app).await?;
    app.ctx.readiness.set(app.ctx.service, app.index_manager.view().is_err().then_some("the search index is being built"));
    Ok(if changed || touched || building { Next::Immediately } else { Next::Idle })
}

async fn get_progress(app: &App) -> Result<Progress, Error> {
    app.ctx.db.read(async |tx| Ok(store::get_progress(tx).await?)).await
}

/// Runs indexing work on its own thread.
async fn with_index_manager(app: &App, work: impl FnOnce(&IndexManager) -> Result<(), Error> + Send + 'static) -> Result<(), Error> {
    let manager = app.index_manager.clone();
    app.indexing.run(move || work(&manager)).await?
}

/// Indexes changed products and stock into the live index. Returns whether there may be more.
async fn update_live(app: &App) -> Result<bool, Error> {
    let Some((_, reached)) = app.index_manager.status().live else { return Ok(false) };
    let (batch, more) = gather_changed(app, reached).await?;
    write_batch(app, batch).await?;
    Ok(more)
}

/// Indexes one small batch of products whose categories changed into the live index, so that other changes do not wait.
/// Returns whether there may be more.
async fn reindex_moved(app: &App) -> Result<bool, Error> {
    let Some((_, reached)) = app.index_manager.status().live else { return Ok(false) };
    let (batch, more) = gather_touched(app, reached).await?;
    if batch.reached != reached {
        write_batch(app, batch).await?;
    }
    Ok(more)
}

async fn write_batch(app: &App, batch: Batch) -> Result<(), Error> {
    let indexed = batch.documents.len();
    with_index_manager(app, move |manager| manager.update_live(batch)).await?;
    if indexed > 0 {
        metrics::counter!("souk_search_indexed_total").increment(indexed as u64);
        tracing::debug!(target: "search", documents = indexed, "documents were indexed");
    }
    metrics::gauge!("souk_search_products").set(app.index_manager.status().products as f64);
    Ok(())
}

/// Indexes one batch into the index that is being built. Returns whether it is still incomplete.
async fn build(app: &App) -> Result<bool, Error> {
    let Some((generation, reached)) = app.index_manager.status().next else { return Ok(false) };
    let (mut batch, mut more) = gather_changed(app, reached).await?;
    if !more {
        let touched;
        (touched, more) = gather_touched(app, batch.reached).await?;
        batch.documents.extend(touched.documents);
        batch.reached = touched.reached;
    }
    with_index_manager(app, move |manager| manager.build(batch, !more)).await?;
    if !more {
        tracing::info!(target: "search", generation, products = app.index_manager.status().products, "a rebuilt index is live");
    }
    Ok(more)
}

/// Returns the documents that changed, at most as many as one commit takes, and whether there are more. Then refreshes
/// the category tree. The order matters: a document that is read before its category changes is read again later, but one
/// that is indexed with an older tree would keep its old path.
async fn gather_changed(app: &App, reached: IndexPosition) -> Result<(Batch, bool), Error> {
    let gathered = read_changed(app, reached).await?;
    refresh_tree(app).await?;
    Ok(gathered)
}

/// The same for products whose categories changed.
async fn gather_touched(app: &App, reached: IndexPosition) -> Result<(Batch, bool), Error> {
    let read = async move |tx: &mut Tx| Ok::<_, Error>(store::list_touched(tx, reached.tree, REINDEX_BATCH).await?);
    let (documents, tree) = app.ctx.db.read(read).await?;
    refresh_tree(app).await?;
    let more = documents.len() == REINDEX_BATCH;
    Ok((Batch { documents, reached: IndexPosition { tree, ..reached } }, more))
}

/// Reloads the suspended sellers. The next view leaves their products out.
async fn refresh_suspended_sellers(app: &App) -> Result<(), Error> {
    let suspended = app.ctx.db.read(async |tx| Ok::<_, Error>(store::list_suspended_sellers(tx).await?)).await?;
    with_index_manager(app, move |manager| manager.set_suspended_sellers(suspended)).await
}

/// Reloads the category tree if it changed.
async fn refresh_tree(app: &App) -> Result<(), Error> {
    let progress = get_progress(app).await?;
    if app.index_manager.status().tree_change < progress.tree_change {
        let categories = app.ctx.db.read(async |tx| Ok::<_, Error>(store::list_categories(tx).await?)).await?;
        let tree = Tree::new(categories);
        with_index_manager(app, move |manager| manager.set_tree(tree, progress.tree_change)).await?;
    }
    Ok(())
}

/// A few documents are returned at once, so that they are found soon. Many are gathered for a while, so that there are
/// few commits.
async fn read_changed(app: &App, reached: IndexPosition) -> Result<(Batch, bool), Error> {
    let deadline = app.ctx.env.now().after(MAX_GATHER_TIME);
    let mut batch = Batch { documents: Vec::new(), reached };
    loop {
        let position = batch.reached.documents;
        let page = app.ctx.db.read(async move |tx| Ok::<_, Error>(store::list_changed(tx, position, PAGE).await?)).await?;
        let full = page.len() == PAGE;
        if let Some(last) = page.last() {
            batch.reached.documents = last.position();
        }
        batch.documents.extend(page);
        if !full {
            return Ok((batch, false));
        }
        if batch.documents.len() >= BATCH || app.ctx.env.now() >= deadline {
            return Ok((batch, true));
        }
    }
}
