//! RequestLayers 3: the worker that brings the index up to date.
//!
//! A turn takes what changed since the index's last commit into it, in one commit that says how far it reaches, and
//! shows it to searches. A crash at any moment costs the work in hand: the next turn begins where the last commit ended.
//! Products and stock that changed go first; then come some of the products whose categories were renamed or moved.
//! When another index is wanted, each turn then also takes one batch into that one, until it holds everything and takes
//! over.

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
use tokio::time::Instant;

/// The worker's notifier.
pub const INDEX: &str = "index";
/// How long a change waits at most when the notifier was rung in another process: by the command line, or a replica.
const PERIOD: Duration = Duration::from_millis(500);
/// Documents read at once.
const PAGE: usize = 250;
/// Documents that share a commit at most, and how long they are gathered.
const BATCH: usize = 2_000;
const MAX_GATHER_TIME: Duration = Duration::from_millis(200);
/// Products that are indexed in again in one turn because their categories changed: what changed itself waits for no more.
const REINDEX_BATCH: usize = 500;

pub fn all(app: &App) -> Vec<Worker> {
    vec![Worker::new(INDEX, PERIOD, app.clone(), index)]
}

/// One turn.
pub async fn index(app: App) -> Result<Next, Error> {
    let progress = get_progress(&app).await?;
    with_index_manager(&app, move |manager| manager.prepare_generation(progress)).await?;
    let changed = update_live(&app).await?;
    let touched = reindex_moved(&app).await?;
    let building = build(&app).await?;
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

/// Brings the index that answers up to date with products and stock. Whether there may be more.
async fn update_live(app: &App) -> Result<bool, Error> {
    let Some((_, reached)) = app.index_manager.status().live else { return Ok(false) };
    let (batch, more) = gather_changed(app, reached).await?;
    write_batch(app, batch).await?;
    Ok(more)
}

/// Brings the index that answers up to date with the tree: one small batch, so that neither waits for the other.
/// Whether there may be more.
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
        tracing::debug!(target: "search", documents = indexed, "indexed into the index");
    }
    metrics::gauge!("souk_search_products").set(app.index_manager.status().products as f64);
    Ok(())
}

/// Takes one batch into the index that is being built. Whether one is being built still.
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
        tracing::info!(target: "search", generation, products = app.index_manager.status().products, "a new index answers");
    }
    Ok(more)
}

/// The documents that changed since, as many as a commit takes, and whether there are more; and the tree of categories
/// as it is by then. In this order: a document that is read before its category changes is read again after, one that is
/// indexed in by an older tree would keep its old path.
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

/// Reads the tree of categories when it changed.
async fn refresh_tree(app: &App) -> Result<(), Error> {
    let progress = get_progress(app).await?;
    if app.index_manager.status().tree_change < progress.tree_change {
        let categories = app.ctx.db.read(async |tx| Ok::<_, Error>(store::list_categories(tx).await?)).await?;
        let tree = Tree::new(categories);
        with_index_manager(app, move |manager| manager.set_tree(tree, progress.tree_change)).await?;
    }
    Ok(())
}

/// A few documents are indexed at once, so that they are found at once; many are gathered for a while, so that commits
/// stay few.
async fn read_changed(app: &App, reached: IndexPosition) -> Result<(Batch, bool), Error> {
    let began = Instant::now();
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
        if batch.documents.len() >= BATCH || began.elapsed() >= MAX_GATHER_TIME {
            return Ok((batch, true));
        }
    }
}
